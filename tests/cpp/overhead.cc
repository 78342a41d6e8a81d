// What the drop-in header costs over the bare C ABI: both search one index in turns, and the ratio
// of their times (each query's best of many rounds, added up) is printed. Whether they answer alike
// is checked; the ratio is not.
//
//   overhead [items [f [search_k]]]
#include "annoy.h"
#include "annoylib.h"
#include "kissrandom.h"

#include <chrono>
#include <random>

namespace {

#ifdef SOME  // enough to compare answers, if not times
const int n_rounds = 3;
#else
const int n_rounds = 60;
#endif
const int n_queries = 500, n_results = 10;

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <typename S>
int measure(const char* name, int n_items, int f, int search_k) {
  Annoy::AnnoyIndex<S, float, Annoy::Angular, Annoy::Kiss64Random, Annoy::AnnoyIndexMultiThreadedBuildPolicy> ours(f);
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  const size_t width = static_cast<size_t>(f);
  std::vector<float> row(width);
  for (int i = 0; i < n_items; i++) {
    for (float& x : row) x = normal(random);
    if (!ours.add_item(static_cast<S>(i), row.data())) return 1;
  }
  if (!ours.build(10)) return 1;
  const annoy_index* bare = static_cast<const annoy_index*>(ours.c_handle());

  std::vector<float> queries(n_queries * width);
  for (float& x : queries) x = normal(random);
  std::vector<double> best[2];  // of each query: bare, with the header
  best[0].assign(n_queries, 1e9);
  best[1].assign(n_queries, 1e9);
  std::vector<S> result;
  std::vector<float> distances;
  int64_t ids[n_results];
  float to[n_results];
  size_t found = 0;
  bool same = true;
  for (int round = 0; round < n_rounds; round++) {
    for (int q = 0; q < n_queries; q++) {
      const float* query = queries.data() + static_cast<size_t>(q) * width;
      // Whoever comes second finds the caches warm: so both find them warm, and they take turns
      // at being second.
      annoy_get_nns_by_vector(bare, query, width, n_results, search_k, ids, to, &found, nullptr);
      for (int turn = 0; turn < 2; turn++) {
        const bool with_header = (turn + q + round) % 2 == 0;
        const double start = seconds();
        if (with_header) {
          result.clear();
          distances.clear();
          ours.get_nns_by_vector(query, n_results, search_k, &result, &distances);
        } else {
          annoy_get_nns_by_vector(bare, query, width, n_results, search_k, ids, to, &found, nullptr);
        }
        double& time = best[with_header][static_cast<size_t>(q)];
        time = std::min(time, seconds() - start);
      }
      same = same && result.size() == found;
      for (size_t i = 0; same && i < found; i++)
        same = static_cast<int64_t>(result[i]) == ids[i] && distances[i] == to[i];
    }
  }
  double sum[2] = {0, 0};
  for (int with_header = 0; with_header < 2; with_header++)
    for (double time : best[with_header]) sum[with_header] += time;
  printf("%s ids %.4f (bare %.1f us%s); ", name, sum[1] / sum[0], sum[0] / n_queries * 1e6,
         same ? "" : ", BUT ANSWERS DIFFER");
  return same ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const int n_items = argc > 1 ? atoi(argv[1]) : 50000;
  const int f = argc > 2 ? atoi(argv[2]) : 100;
  const int search_k = argc > 3 ? atoi(argv[3]) : 1000;
  printf("drop-in / bare: ");
  const int bad = measure<int32_t>("int32_t", n_items, f, search_k) | measure<int64_t>("int64_t", n_items, f, search_k);
  printf("%d items, f %d, search_k %d\n", n_items, f, search_k);
  return bad;
}
