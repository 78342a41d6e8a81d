// The lists of a scan, in both forms, good and bad.
#include "check.hpp"

#include <algorithm>

namespace {

constexpr int n = 2000, f = 16, clusters = 40;

annoy::index of_clusters(annoy::metric metric) {
  std::vector<float> rows(std::size_t{n} * f), centers(std::size_t{clusters} * f);
  std::uint32_t state = 1;
  const auto random = [&state] { return static_cast<float>((state = state * 1664525u + 1013904223u) >> 8) / 8388608.f - 1; };
  for (float& x : centers) x = random();
  for (std::size_t i = 0; i < rows.size(); i++) rows[i] = centers[i % centers.size()] + 0.3f * random();
  annoy::index index(metric, f);
  index.add({rows, f});
  index.build(3, {1});
  return index;
}

// Of queries that are items.
std::vector<annoy::neighbors> found(const annoy::index& index, annoy::method way, std::int64_t search_k = annoy::automatic) {
  annoy::search_options by;
  by.method = way;
  by.search_k = search_k;
  std::vector<annoy::neighbors> all;
  for (int i = 0; i < 50; i++) all.push_back(index.search_item(i * 7, 10, by));
  return all;
}

// The share of the second that the first has.
double recall(const std::vector<annoy::neighbors>& found, const std::vector<annoy::neighbors>& truth) {
  int hits = 0, all = 0;
  for (std::size_t i = 0; i < truth.size(); i++)
    for (const annoy::neighbor& one : truth[i]) {
      hits += std::find(found[i].begin(), found[i].end(), one) != found[i].end();
      all++;
    }
  return hits / static_cast<double>(all);
}

}  // namespace

TEST(a_scan_is_searched_saved_and_dropped) {
  for (const auto metric : {annoy::metric::angular, annoy::metric::euclidean, annoy::metric::dot}) {
    annoy::index index = of_clusters(metric);
    CHECK(index.info().scan_lists == 0 && index.info().scan_search_k == 0 && !index.info().scan_recall);
    const auto by_forest = found(index, annoy::method::fastest);
    index.build_scan();
    const annoy::info facts = index.info();
    CHECK(facts.scan_lists > 1 && facts.scan_search_k > 0 && facts.scan_recall && *facts.scan_recall > 0.9);
    const auto by_scan = found(index, annoy::method::scan), by_few = found(index, annoy::method::scan, 30);
    CHECK(recall(by_scan, found(index, annoy::method::exact)) >= 0.9);
    CHECK(found(index, annoy::method::fastest) == by_scan && found(index, annoy::method::forest) == by_forest);
    CHECK(by_few != by_forest && found(index, annoy::method::fastest, 30) == by_few);
    const std::string file = check::in_scratch("scan.ann");
    index.save(file);
    const annoy::index loaded = annoy::index::open(file);
    loaded.verify();
    CHECK(found(loaded, annoy::method::scan) == by_scan && found(loaded, annoy::method::fastest, 30) == by_few);
    CHECK(loaded.info().scan_lists == facts.scan_lists && loaded.info().scan_recall == facts.scan_recall);
    // Where there is a graph, it goes first.
    index.build_graph();
    CHECK(found(index, annoy::method::fastest, 30) == found(index, annoy::method::graph, 30));
    CHECK(found(index, annoy::method::scan, 30) == by_few);
    annoy::failure failed;
    CHECK(index.build_scan({1}, failed) && !failed && found(index, annoy::method::scan) == by_scan);
    index.unbuild();
    index.build(3, {1});
    CHECK(index.info().scan_lists == 0 && found(index, annoy::method::fastest) == by_forest);
  }
}

TEST(where_there_is_no_scan) {
  annoy::index index = check::line_of(10, 0);
  FAILS(state, "not built", index.build_scan(), index.build_scan({}, why));
  index.build(1, {1});
  annoy::search_options by;
  by.method = annoy::method::scan;
  FAILS(state, "scan", index.search({0, 0}, 3, by), index.search({0, 0}, 3, by, {}, why));
  annoy::index manhattan = of_clusters(annoy::metric::manhattan);
  FAILS(unsupported, "manhattan", manhattan.build_scan(), manhattan.build_scan({}, why));
  annoy::index nothing;
  FAILS(null, "index", nothing.build_scan(), nothing.build_scan({}, why));
}
