// Removed items and the estimate of recall, in both forms, good and bad.
#include "check.hpp"

TEST(removed_items_are_not_found) {
  annoy::index index = check::line_of(100, 3);
  annoy::failure failed;
  index.remove(8);
  CHECK(index.remove(9, failed) && index.n_removed() == 2 && index.is_removed(8) && !index.is_removed(7));
  CHECK(index.has_item(7) && !index.has_item(8) && !index.has_item(-1) && !index.has_item(1 << 20));
  const auto there = index.ids();
  CHECK(there.size() == static_cast<std::size_t>(index.n_items() - index.n_removed()) && there[8] == 10);
  CHECK(!index.is_removed(-1) && index.info().n_removed == 2 && index.info().n_present == 100);
  for (const annoy::neighbor& one : index.search({8, 0}, 100, {10000})) CHECK(one.id != 8 && one.id != 9);
  CHECK(index.search({8, 0}, 100, {10000}).size() == 98);
  FAILS(item, "not removed", index.search_item(8, 1), index.search_item(8, 1, {}, {}, why));
  FAILS(item, "100", index.remove(100), index.remove(100, why));
  FAILS(item, "-1", index.restore(-1), index.restore(-1, why));
  index.restore(8);
  CHECK(index.restore(8, failed) && index.n_removed() == 1 && index.search_item(8, 1)[0].id == 8);
  const std::string file = check::in_scratch("removed");
  index.save(file);
  annoy::index loaded = annoy::index::open(file);
  CHECK(loaded.is_removed(9) && loaded.n_removed() == 1);
  index.unbuild();
  index.build(2, {1});
  CHECK(index.n_removed() == 0 && index.n_items() == 100 && index.info().n_present == 99);
  FAILS(item, "not missing", index.remove(9), index.remove(9, why));
  const annoy::index nothing;
  CHECK(nothing.n_removed() == 0 && !nothing.is_removed(0));
}

TEST(recall) {
  const annoy::index index = check::line_of(500, 2);
  annoy::failure failed;
  annoy::work two;
  two.n_threads = 2;
  const double low = index.estimate_recall(100, 10, 1, 1), high = index.estimate_recall(100, 10, 1000000, 1, two);
  CHECK(low >= 0 && low < 1 && high > 0.999);
  CHECK(!(index.estimate_recall(100, 10, 1, 1, two, failed) < low) && !failed);
  FAILS(argument, "n_sample", index.estimate_recall(0, 10), index.estimate_recall(0, 10, -1, 0, {}, why));
  two.n_threads = -2;
  FAILS(argument, "n_threads", index.estimate_recall(1, 1, -1, 0, two), index.estimate_recall(1, 1, -1, 0, two, why));
  const annoy::index empty = check::line_of(3, 0);
  FAILS(state, "not built", empty.estimate_recall(1, 1), empty.estimate_recall(1, 1, -1, 0, {}, why));
}
