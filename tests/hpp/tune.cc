// A recall in place of search_k, and building what is fastest.
#include "check.hpp"

#include <algorithm>

namespace {

constexpr int n = 4000, f = 12, n_queries = 60;

std::vector<float> random_rows(int count, std::uint32_t state) {
  std::vector<float> rows(std::size_t(count) * f);
  for (float& x : rows) x = static_cast<float>((state = state * 1664525u + 1013904223u) >> 8) / 8388608.f - 1;
  return rows;
}

annoy::index built(annoy::metric metric) {
  annoy::index index(metric, f);
  index.add({random_rows(n, 1), f});
  index.build(4, {1});
  return index;
}

// The share of what an exact search finds.
double hits(const annoy::index& index, double wanted) {
  const std::vector<float> rows = random_rows(n_queries, 7);
  annoy::search_options by, exact;
  by.recall = wanted;
  exact.method = annoy::method::exact;
  const annoy::batch found = index.search({rows, f}, 10, by), truth = index.search({rows, f}, 10, exact);
  int count = 0;
  for (std::size_t i = 0; i < n_queries; i++)
    for (const annoy::neighbor& one : truth[i]) {
      const annoy::neighbors all = found[i];
      count += std::find(all.begin(), all.end(), one) != all.end();
    }
  return count / (10. * n_queries);
}

}  // namespace

TEST(a_recall_is_found) {
  annoy::index index = built(annoy::metric::angular);
  CHECK(index.info().n_tuned == 0);
  annoy::search_options by;
  by.recall = 0.9;
  FAILS(state, "tuned", index.search_item(0, 3, by), index.search_item(0, 3, by, {}, why));
  CHECK(index.tune({2}) && index.info().n_tuned == 512);
  CHECK(hits(index, 0.8) > 0.74 && hits(index, 0.95) > 0.91 && hits(index, 1) == 1);
  const std::vector<float> rows = random_rows(n_queries, 7);
  CHECK(index.tune({rows, f}) && index.info().n_tuned == n_queries);
  CHECK(hits(index, 0.9) > 0.88);
  const std::vector<float> no_rows;
  const annoy::rows_view none(no_rows, f);
  FAILS(argument, "queries", index.tune(none), index.tune(none, {}, why));
  by.search_k = 7;
  FAILS(argument, "search_k", index.search_item(0, 3, by), index.search_item(0, 3, by, {}, why));
}

TEST(what_is_fastest_is_built) {
  for (const annoy::metric metric : {annoy::metric::euclidean, annoy::metric::manhattan}) {
    annoy::index index = built(metric);
    FAILS(argument, "recall", index.build_auto(2), index.build_auto(2, {}, why));
    CHECK(index.build_auto() && (index.info().graph_degree > 0) != (index.info().scan_lists > 0));
    CHECK(hits(index, 0.95) > 0.9);
  }
}
