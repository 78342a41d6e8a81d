// Changing what a built index holds, in both forms, good and bad.
#include "check.hpp"

#include <stdexcept>

namespace {

constexpr int n = 1000;
constexpr std::size_t f = 8;

std::vector<float> random_rows(std::size_t count, std::uint32_t state) {
  std::vector<float> rows(count * f);
  for (float& x : rows) x = static_cast<float>((state = state * 1664525u + 1013904223u) >> 8) / 8388608.f - 1;
  return rows;
}

annoy::index built() {
  annoy::index index(annoy::metric::euclidean, f);
  index.add({random_rows(n, 1), f});
  index.build(4, {1});
  annoy::graph_options small;
  small.degree = small.candidates = 12;
  index.build_graph(small);
  return index;
}

std::int64_t nearest(const annoy::index& index, const float* row) { return index.search({row, f}, 1)[0].id; }

}  // namespace

TEST(items_are_inserted) {
  annoy::index index = built();
  const std::vector<float> rows = random_rows(40, 5);
  CHECK(index.insert({rows, f}) && index.n_items() == n + 40);
  const std::int64_t ids[] = {n + 50, n + 49};
  CHECK(index.insert(ids, {random_rows(2, 6), f}, {}, {1}) && index.n_items() == n + 51);
  CHECK(nearest(index, rows.data()) == n);
  FAILS(item, "1050", index.insert(ids, {rows.data(), 2, f}), index.insert(ids, {rows.data(), 2, f}, {}, {}, why));
  FAILS(argument, "ids", index.insert(ids, {rows, f}), index.insert(ids, {rows, f}, {}, {}, why));
  FAILS(dimension, "not whole", index.insert({rows, 7}), index.insert({rows, 7}, {}, {}, why));
  const auto bytes = index.to_bytes();
  annoy::index loaded = annoy::index::from_bytes(bytes);
  FAILS(state, "thaw", loaded.insert({rows, f}), loaded.insert({rows, f}, {}, {}, why));
  CHECK(loaded.thaw_built() && loaded.insert({rows, f}) && loaded.n_items() == n + 91);
}

TEST(items_are_replaced_with_labels_along) {
  annoy::index index = built();
  index.set_label(3, "three");
  index.set_label(5, "five");
  index.remove(4);
  const auto before = index.to_bytes();
  const std::vector<float> rows = random_rows(3, 7);
  const std::int64_t ids[] = {3, 4, n};
  annoy::insert_options wanted;
  wanted.labels = std::vector<std::string>{"3", "4", "five"};
  FAILS(item, "not to be replaced", index.insert(ids, {rows, f}, wanted), index.insert(ids, {rows, f}, wanted, {}, why));
  wanted.replace = true;
  FAILS(label, "five", index.insert(ids, {rows, f}, wanted), index.insert(ids, {rows, f}, wanted, {}, why));
  const std::uint64_t numbers[] = {1, 2, 1ull << 63};
  wanted.labels = numbers;
  FAILS(unsupported, "strings", index.insert(ids, {rows, f}, wanted), index.insert(ids, {rows, f}, wanted, {}, why));
  wanted.labels = std::vector<std::string_view>{"3"};
  FAILS(argument, "labels is 1", index.insert(ids, {rows, f}, wanted), index.insert(ids, {rows, f}, wanted, {}, why));
  const std::int64_t twice[] = {3, 4, 3};
  wanted.labels.reset();
  FAILS(item, "once", index.insert(twice, {rows, f}, wanted), index.insert(twice, {rows, f}, wanted, {}, why));
  CHECK(index.to_bytes() == before);

  const std::vector<std::string> names{"3", "4", "new"};
  CHECK(index.insert(ids, {rows, f}, {names, true}, {2}));
  for (std::size_t i = 0; i < 3; i++) {
    CHECK(nearest(index, rows.data() + i * f) == ids[i] && index.label(ids[i]) == names[i]);
  }
  CHECK(!index.is_removed(4) && index.n_labels() == 4);
  // Labels stay where none are given.
  annoy::failure failed;
  CHECK(index.insert({ids + 2, 1}, {rows.data(), 1, f}, wanted, {}, failed) && index.label(n) == "new");

  annoy::index numbered = built();
  CHECK(numbered.insert({rows, f}, {numbers}) && numbered.find_label(1ull << 63) == n + 2);
}

TEST(space_is_given_back) {
  annoy::index index = built();
  index.set_label(n - 1, 7);
  const auto whole = index.to_bytes();
  CHECK(index.consolidate() && index.to_bytes() == whole);  // nothing to do
  for (std::int64_t id = n - 10; id < n; id++) index.remove(id);
  const auto before = index.to_bytes();
  annoy::work given_up;
  given_up.progress = [](annoy::stage, std::uint64_t, std::uint64_t) { throw std::runtime_error("not now"); };
  int caught = 0;
  for (const bool compacts : {false, true}) {
    try {
      compacts ? index.compact(given_up) : index.consolidate(given_up);
    } catch (const std::runtime_error&) {
      caught++;
    }
  }
  const annoy::cancel cancel;
  cancel.set();
  given_up.progress = {};
  given_up.cancel = &cancel;
  FAILS(cancelled, "cancelled", index.consolidate(given_up), index.consolidate(given_up, why));
  FAILS(cancelled, "cancelled", index.compact(given_up), index.compact(given_up, why));
  CHECK(caught == 2 && index.to_bytes() == before);

  std::vector<annoy::stage> stages;
  annoy::work heard;
  heard.progress = [&](annoy::stage stage, std::uint64_t done, std::uint64_t total) {
    CHECK(done <= total);
    if (stages.empty() || stages.back() != stage) stages.push_back(stage);
  };
  CHECK(index.consolidate(heard));
  CHECK((stages == std::vector<annoy::stage>{annoy::stage::build, annoy::stage::graph}));
  CHECK(index.n_removed() == 0 && index.n_labels() == 0 && index.n_items() == n && !index.has_item(n - 1));
  const std::int64_t back[] = {n - 5};
  CHECK(index.insert(back, {random_rows(1, 9), f}) && index.has_item(n - 5) && index.remove(n - 5));
  annoy::failure failed;
  CHECK(index.compact({2}, failed) && index.n_items() == n - 10 && index.verify());
  // As a fresh build has it.
  annoy::index fresh(annoy::metric::euclidean, f);
  fresh.add({random_rows(n - 10, 1), f});
  fresh.build(4);
  annoy::graph_options small;
  small.degree = 12;
  fresh.build_graph(small);
  CHECK(fresh.to_bytes() == index.to_bytes());

  annoy::index loaded = annoy::index::from_bytes(before);
  FAILS(state, "thaw", loaded.consolidate(), loaded.consolidate({}, why));
  FAILS(state, "thaw", loaded.compact(), loaded.compact({}, why));
}
