// Measures Spotify's Annoy (C++, f32, 32-bit ids). bench_ours.c measures annoy_rs in the same way: same arguments,
// same output; change both together.
//
//   bench_annoy [--query-only] [--ids-out FILE] [--passes N]
//       METRIC TRAIN.f32 N D QUERIES.f32 NQ N_TREES THREADS SEED INDEX TRUTH SEARCH_K...
//
// Builds INDEX from TRAIN, or with --query-only only loads the INDEX that is there. Then answers all queries
// (10 neighbours) for each SEARCH_K, in one thread: one pass that is not timed, for the ids and the caches, then N
// (default 5) timed passes, of which the median counts. Prints one JSON object a line.
// TRAIN and QUERIES: rows of raw 32-bit floats. TRUTH: NQ rows of 10 raw int32 ids, or "-" for none.
// FILE receives, for each SEARCH_K, NQ rows of 10 int32 ids, -1 where there was no answer.

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "annoylib.h"
#include "kissrandom.h"

namespace {

const size_t kNeighbours = 10;
const size_t kRowsPerRead = 4096;

struct Options {
  bool query_only = false;
  std::string ids_out;
  int passes = 5;
  std::string metric, train, queries, index, truth;
  int64_t n = 0, nq = 0;
  int d = 0, n_trees = 0, threads = 0;
  uint64_t seed = 0;
  std::vector<int> search_ks;
};

[[noreturn]] void fail(const std::string& message) {
  fprintf(stderr, "bench_annoy: %s\n", message.c_str());
  exit(1);
}

void check(bool ok, char* error) {
  if (!ok) fail(error ? error : "unknown error");
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The highest resident set of this process so far. (Linux also counts what the process that exec'ed us had: start from a small one.)
double peak_rss_mib() {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024.0;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  size_t half = values.size() / 2;
  return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

template <typename T>
std::vector<T> read_all(const std::string& path, size_t count) {
  std::vector<T> values(count);
  FILE* file = fopen(path.c_str(), "rb");
  if (!file) fail("cannot open " + path);
  size_t got = fread(values.data(), sizeof(T), count, file);
  fclose(file);
  if (got != count) fail(path + " is too short");
  return values;
}

template <typename Metric>
using Index = Annoy::AnnoyIndex<int32_t, float, Metric, Annoy::Kiss64Random, Annoy::AnnoyIndexMultiThreadedBuildPolicy>;

// Reads TRAIN in pieces, so that peak memory is the index and not the input.
template <typename Metric>
double add_items(Index<Metric>& index, const Options& options) {
  std::vector<float> rows(kRowsPerRead * options.d);
  FILE* file = fopen(options.train.c_str(), "rb");
  if (!file) fail("cannot open " + options.train);
  double seconds = 0;
  for (int64_t item = 0; item < options.n;) {
    size_t count = std::min<int64_t>(kRowsPerRead, options.n - item);
    if (fread(rows.data(), sizeof(float) * options.d, count, file) != count) fail(options.train + " is too short");
    double start = now();
    for (size_t row = 0; row < count; row++, item++) {
      char* error = nullptr;
      check(index.add_item(static_cast<int32_t>(item), &rows[row * options.d], &error), error);
    }
    seconds += now() - start;
  }
  fclose(file);
  return seconds;
}

template <typename Metric>
void build(const Options& options) {
  Index<Metric> index(options.d);
  index.set_seed(options.seed);
  double add_seconds = add_items(index, options);

  char* error = nullptr;
  double start = now();
  check(index.build(options.n_trees, options.threads, &error), error);
  double build_seconds = now() - start;
  double rss = peak_rss_mib();

  start = now();
  check(index.save(options.index.c_str(), false, &error), error);  // maps the file as well
  double save_seconds = now() - start;

  struct stat status;
  if (stat(options.index.c_str(), &status) != 0) fail("no " + options.index);
  printf("{\"program\": \"annoy\", \"event\": \"build\", \"add_s\": %.6f, \"build_s\": %.6f, \"add_build_s\": %.6f, "
         "\"save_s\": %.6f, \"rss_after_build_mib\": %.1f, \"file_bytes\": %lld}\n",
         add_seconds, build_seconds, add_seconds + build_seconds, save_seconds, rss, static_cast<long long>(status.st_size));
}

template <typename Metric>
void query(const Options& options) {
  std::vector<float> queries = read_all<float>(options.queries, options.nq * options.d);
  std::vector<int32_t> truth;
  if (options.truth != "-") truth = read_all<int32_t>(options.truth, options.nq * kNeighbours);
  FILE* ids_file = nullptr;
  if (!options.ids_out.empty() && !(ids_file = fopen(options.ids_out.c_str(), "wb"))) fail("cannot open " + options.ids_out);
  const char* mode = options.query_only ? "query-only" : "own";

  char* error = nullptr;
  double start = now();
  Index<Metric> index(options.d);
  check(index.load(options.index.c_str(), false, &error), error);
  printf("{\"program\": \"annoy\", \"event\": \"load\", \"mode\": \"%s\", \"load_s\": %.9f, \"n_items\": %d, \"n_trees\": %d}\n", mode,
         now() - start, static_cast<int>(index.get_n_items()), static_cast<int>(index.get_n_trees()));

  for (int search_k : options.search_ks) {
    std::vector<int32_t> ids;
    std::vector<float> distances;
    std::vector<int32_t> answers(options.nq * kNeighbours, -1);
    int64_t hits = 0;
    std::vector<double> passes;
    for (int pass = 0; pass <= options.passes; pass++) {
      start = now();
      for (int64_t i = 0; i < options.nq; i++) {
        ids.clear();
        distances.clear();
        index.get_nns_by_vector(&queries[i * options.d], kNeighbours, search_k, &ids, &distances);
        if (pass == 0) std::copy(ids.begin(), ids.end(), answers.begin() + i * kNeighbours);
      }
      if (pass > 0) passes.push_back((now() - start) / options.nq * 1e6);
    }
    if (ids_file && fwrite(answers.data(), sizeof(int32_t), answers.size(), ids_file) != answers.size()) fail("cannot write ids");
    for (size_t i = 0; i < truth.size(); i++) {
      auto row = answers.begin() + i / kNeighbours * kNeighbours;
      hits += std::find(row, row + kNeighbours, truth[i]) != row + kNeighbours;
    }
    printf("{\"program\": \"annoy\", \"event\": \"query\", \"mode\": \"%s\", \"search_k\": %d, \"us_per_query\": %.3f, ", mode, search_k,
           median(passes));
    if (truth.empty())
      printf("\"recall\": null}\n");
    else
      printf("\"recall\": %.6f}\n", static_cast<double>(hits) / truth.size());
    fflush(stdout);
  }
  printf("{\"program\": \"annoy\", \"event\": \"end\", \"mode\": \"%s\", \"rss_mib\": %.1f}\n", mode, peak_rss_mib());
  if (ids_file && fclose(ids_file) != 0) fail("cannot write ids");
}

template <typename Metric>
void run(const Options& options) {
  if (!options.query_only) build<Metric>(options);
  query<Metric>(options);
}

int64_t number(const char* text, int64_t least, int64_t most) {
  char* end = nullptr;
  long long value = strtoll(text, &end, 10);
  if (end == text || *end || value < least || value > most) fail(std::string("bad number: ") + text);
  return value;
}

Options parse(int argc, char** argv) {
  Options options;
  int at = 1;
  for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
    if (!strcmp(argv[at], "--query-only"))
      options.query_only = true;
    else if (!strcmp(argv[at], "--ids-out") && at + 1 < argc)
      options.ids_out = argv[++at];
    else if (!strcmp(argv[at], "--passes") && at + 1 < argc)
      options.passes = static_cast<int>(number(argv[++at], 1, 1000));
    else
      fail(std::string("unknown option: ") + argv[at]);
  }
  if (argc - at < 12) fail("usage: METRIC TRAIN N D QUERIES NQ N_TREES THREADS SEED INDEX TRUTH SEARCH_K...");
  options.metric = argv[at++];
  options.train = argv[at++];
  options.n = number(argv[at++], 1, INT32_MAX);
  options.d = static_cast<int>(number(argv[at++], 1, 1 << 20));
  options.queries = argv[at++];
  options.nq = number(argv[at++], 1, INT32_MAX);
  options.n_trees = static_cast<int>(number(argv[at++], -1, INT32_MAX));
  options.threads = static_cast<int>(number(argv[at++], -1, 4096));
  options.seed = static_cast<uint64_t>(number(argv[at++], 0, INT64_MAX));
  options.index = argv[at++];
  options.truth = argv[at++];
  for (; at < argc; at++) options.search_ks.push_back(static_cast<int>(number(argv[at], -1, INT32_MAX)));
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  Options options = parse(argc, argv);
  if (options.metric == "angular")
    run<Annoy::Angular>(options);
  else if (options.metric == "euclidean")
    run<Annoy::Euclidean>(options);
  else if (options.metric == "manhattan")
    run<Annoy::Manhattan>(options);
  else if (options.metric == "dot")
    run<Annoy::DotProduct>(options);
  else
    fail("unknown metric: " + options.metric);
}
