// The neighbour graph, in both forms, good and bad.
#include "check.hpp"

namespace {

constexpr int n = 400;

// Without work, and looking at few items.
annoy::index::neighbors found(const annoy::index& index, annoy::method way) {
  annoy::search_options by;
  by.method = way;
  by.search_k = 30;
  return index.search({200.3f, 0}, 20, by);
}

}  // namespace

TEST(a_graph_is_searched_saved_and_dropped) {
  annoy::index index = check::line_of(n, 2);
  const auto by_trees = found(index, annoy::method::fastest);
  CHECK(index.info().graph_degree == 0);
  annoy::graph_options wanted;
  wanted.degree = 6;
  wanted.candidates = 9;
  wanted.alpha = 1.5;
  wanted.rounds = 2;
  wanted.sample = 5;
  wanted.n_trees = 1;
  annoy::work one;
  one.n_threads = 1;
  index.build_graph(wanted, one);
  CHECK(index.info().graph_degree == 6);
  const auto by_graph = found(index, annoy::method::graph);
  CHECK(!by_graph.empty() && by_graph != by_trees);
  CHECK(found(index, annoy::method::fastest) == by_graph && found(index, annoy::method::forest) == by_trees);
  CHECK(found(index, annoy::method::exact).size() == 20);
  const std::string file = check::in_scratch("graph.ann");
  index.save(file);
  const annoy::index loaded = annoy::index::open(file);
  loaded.verify();
  CHECK(loaded.info().graph_degree == 6 && found(loaded, annoy::method::graph) == by_graph);
  annoy::failure failed;
  CHECK(index.build_graph({}, {}, failed) && !failed && index.info().graph_degree > 0);
  wanted.rounds = annoy::no_rounds;
  index.build_graph(wanted, {1});
  index.build_graph();
  index.unbuild();
  index.build(2, {1});
  CHECK(index.info().graph_degree == 0 && found(index, annoy::method::fastest) == by_trees);
}

TEST(info_says_what_a_graph_compares_and_finds) {
  annoy::index index = check::line_of(n, 2);
  CHECK(index.info().graph_code_bytes == 0 && !index.info().graph_recall);
  index.build_graph();
  const annoy::info facts = index.info();
  CHECK(facts.graph_recall && *facts.graph_recall > 0.9 && *facts.graph_recall <= 1);
  const std::string file = check::in_scratch("told.ann");
  index.save(file);
  const annoy::info loaded = annoy::index::open(file).info();
  CHECK(loaded.graph_recall == facts.graph_recall && loaded.graph_code_bytes == facts.graph_code_bytes);

  // Codes tell numbers that are far apart from each other, and not what lies close by two such.
  for (const float apart : {0.f, 1e7f}) {
    annoy::index other(annoy::metric::euclidean, 2);
    for (int i = 0; i < 100; i++) other.add(i, {static_cast<float>(i), static_cast<float>(i % 2) * apart});
    other.build(2, {1});
    other.build_graph();
    CHECK(other.info().graph_code_bytes == (apart == 0 ? 16 : 0) && other.info().graph_recall == 1.0);
  }
}

TEST(graph_options_are_handed_on) {
  annoy::index index = check::line_of(10, 1);
  annoy::graph_options wanted;
  wanted.degree = 256;
  FAILS(argument, "degree", index.build_graph(wanted), index.build_graph(wanted, {}, why));
  wanted = {};
  wanted.candidates = 1025;
  FAILS(argument, "candidates", index.build_graph(wanted), index.build_graph(wanted, {}, why));
  wanted = {};
  wanted.alpha = 0.5;
  FAILS(argument, "alpha", index.build_graph(wanted), index.build_graph(wanted, {}, why));
  wanted = {};
  wanted.rounds = 1001;
  FAILS(argument, "rounds", index.build_graph(wanted), index.build_graph(wanted, {}, why));
  wanted = {};
  wanted.sample = 256;
  FAILS(argument, "sample", index.build_graph(wanted), index.build_graph(wanted, {}, why));
  wanted = {};
  wanted.n_trees = -1;
  FAILS(argument, "trees", index.build_graph(wanted), index.build_graph(wanted, {}, why));
  CHECK(index.info().graph_degree == 0);
}

TEST(where_there_is_no_graph) {
  annoy::index index = check::line_of(10, 0);
  FAILS(state, "not built", index.build_graph(), index.build_graph({}, {}, why));
  index.build(1, {1});
  annoy::search_options by;
  by.method = annoy::method::graph;
  FAILS(state, "graph", index.search({0, 0}, 3, by), index.search({0, 0}, 3, by, {}, why));
  annoy::index nothing;
  FAILS(null, "index", nothing.build_graph(), nothing.build_graph({}, {}, why));
}
