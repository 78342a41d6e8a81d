// Searches among some of the items, exact ones, and batches, in both forms, good and bad.
#include "check.hpp"

#include <cmath>

namespace {
std::vector<std::int64_t> ids(const annoy::index::neighbors& found) {
  std::vector<std::int64_t> all;
  for (const annoy::neighbor& one : found) all.push_back(one.id);
  return all;
}
using list = std::vector<std::int64_t>;
}  // namespace

TEST(each_option) {
  const annoy::index index = check::line_of(200, 3);
  annoy::failure failed;
  annoy::search_options among;
  CHECK(ids(index.search({0, 0}, 3, among)) == list{0, 1, 2});
  among.method = annoy::method::exact;
  CHECK(ids(index.search({0, 0}, 3, among, {}, failed)) == list{0, 1, 2} && !failed);
  among = {};
  among.max_distance = 1.5;
  CHECK(ids(index.search({0, 0}, 3, among)) == list{0, 1});
  among = {};
  const list not_wanted{1, 0};
  among.exclude = not_wanted;
  CHECK(ids(index.search({0, 0}, 3, among)) == list{2, 3, 4});
  among = {};
  std::vector<std::uint64_t> bitmap(4, 0);
  bitmap[0] = 0b100010;
  among.bitmap = bitmap;
  CHECK(ids(index.search({0, 0}, 3, among)) == list{1, 5});
  among.deny = true;
  CHECK(ids(index.search({0, 0}, 3, among)) == list{0, 2, 3});
  among = {};
  among.filter = [](std::int64_t item) { return item % 7 == 3; };
  CHECK(ids(index.search({0, 0}, 3, among)) == list{3, 10, 17});
  const std::vector<float> query{0, 0};
  CHECK(ids(index.search(query, 3, among)) == ids(index.search(annoy::vector_view(query), 3, among, {}, failed)));
  among = {};
  among.exclude_self = true;
  CHECK(ids(index.search_item(50, 2, among)) == list{49, 51});
  CHECK(index.search_item(50, 2, among, {}, failed)[0] == annoy::neighbor{49, 1});
}

TEST(options_that_cannot_be) {
  const annoy::index index = check::line_of(65, 3);
  annoy::search_options among;
  const std::vector<std::uint64_t> bitmap(3, 0);
  for (const std::size_t size : {1u, 3u}) {
    among.bitmap = {bitmap.data(), size};
    FAILS(argument, "bitmap_bits", index.search({0, 0}, 3, among), index.search({0, 0}, 3, among, {}, why));
    FAILS(argument, "bitmap_bits", index.search_item(0, 3, among), index.search_item(0, 3, among, {}, why));
  }
  among.bitmap = {bitmap.data(), 2};
  CHECK(index.search({0, 0}, 3, among).empty());
  among = {};
  among.search_k = -2;
  FAILS(argument, "search_k", index.search({0, 0}, 3, among), index.search({0, 0}, 3, among, {}, why));
  among = {};
  among.max_distance = NAN;
  FAILS(argument, "max_distance", index.search({0, 0}, 3, among), index.search({0, 0}, 3, among, {}, why));
  const annoy::index nothing;
  FAILS(null, "index", nothing.search({0, 0}, 3, annoy::search_options()),
        nothing.search({0, 0}, 3, annoy::search_options(), {}, why));
}

TEST(a_filter_that_throws) {
  const annoy::index index = check::line_of(300, 3);
  annoy::search_options among;
  int asked = 0;
  among.filter = [&asked](std::int64_t) -> bool {
    if (++asked == 2) throw std::runtime_error("not now");
    return true;
  };
  annoy::failure failed;
  const std::array<std::array<float, 2>, 40> queries{};
  int caught = 0;
  for (int form = 0; form < 4; form++) {
    asked = 0;
    try {
      if (form == 0) (void)index.search({0, 0}, 3, among);
      if (form == 1) (void)index.search({0, 0}, 3, among, {}, failed);
      if (form == 2) (void)index.search(queries, 3, among);
      if (form == 3) (void)index.search(queries, 3, among, {}, failed);
    } catch (const std::runtime_error& wrong) {
      caught += std::string(wrong.what()) == "not now";
    }
    // Asked no more after it has thrown.
    CHECK(asked == 2);
  }
  CHECK(caught == 4);
}

// A single search takes the work, too.
TEST(one_search_and_its_work) {
  const annoy::index index = check::line_of(50, 2);
  int calls = 0;
  annoy::work how;
  how.progress = [&calls](annoy::stage stage, std::uint64_t done, std::uint64_t total) {
    CHECK(stage == annoy::stage::search && done == 1 && total == 1);
    calls++;
  };
  CHECK(index.search({3, 0}, 1, {}, how)[0].id == 3 && index.search_item(4, 1, {}, how)[0].id == 4 && calls == 2);
  annoy::cancel cancel;
  cancel.set();
  how.cancel = &cancel;
  std::vector<std::int64_t> into{-7};
  FAILS(cancelled, "cancelled", index.search({3, 0}, 1, {}, how), index.search({3, 0}, 1, {}, how, why));
  FAILS(cancelled, "cancelled", index.search_item_into(3, 1, into, {}, {}, how),
        index.search_item_into(3, 1, into, {}, {}, how, why));
  CHECK(into[0] == -7 && calls == 2);
}

TEST(batches) {
  const annoy::index index = check::line_of(200, 3);
  annoy::failure failed;
  std::vector<std::array<float, 2>> queries(100);
  std::vector<std::int64_t> items;
  for (std::size_t i = 0; i < queries.size(); i++) {
    queries[i] = {static_cast<float>(i) + 0.25f, 0};
    items.push_back(static_cast<std::int64_t>(i));
  }
  annoy::search_options among;
  among.max_distance = 0.5;
  among.search_k = 1000;
  for (const int threads : {1, 2, 3}) {
    annoy::work how;
    how.n_threads = threads;
    const annoy::batch found = index.search(queries, 2, among, how);
    CHECK(found.n == 2 && found.found.size() == 100 && found.ids.size() == 200);
    for (std::size_t i = 0; i < 100; i++) {
      CHECK(found.found[i] == 1 && found[i].size() == 1 && found[i][0].id == static_cast<std::int64_t>(i));
      CHECK(found.ids[2 * i + 1] == -1 && std::isnan(found.distances[2 * i + 1]));
      CHECK(found[i] == index.search(queries[i], 2, among));
    }
    const annoy::batch by_items = index.search_items(items, 3, {}, how, failed);
    for (std::size_t i = 0; i < 100; i++) CHECK(by_items[i] == index.search_item(items[i], 3));
  }
  CHECK(index.search(queries, 1000000).n == 200);
  items[3] = 200;
  FAILS(item, "200", index.search_items(items, 3), index.search_items(items, 3, {}, {}, why));
  const std::vector<float> three(3);
  FAILS(dimension, "not whole", index.search({annoy::vector_view(three), 2}, 1),
        index.search({annoy::vector_view(three), 2}, 1, {}, {}, why));
  annoy::work none;
  none.n_threads = -2;
  FAILS(argument, "n_threads", index.search(queries, 1, {}, none),
        index.search(queries, 1, {}, none, why));
}

TEST(batches_of_other_types) {
  annoy::options wanted;
  wanted.metric = annoy::metric::manhattan;
  wanted.scalar = annoy::scalar::f64;
  wanted.f = 2;
  annoy::index doubles(wanted);
  const double rows[3][2] = {{0, 0}, {1, 0}, {5, 0}};
  doubles.add(rows);
  doubles.build(2);
  const annoy::batch found = doubles.search(rows, 1);
  CHECK(found.ids == list{0, 1, 2} && found[2][0] == annoy::neighbor{2, 0});
  annoy::failure failed;
  CHECK(doubles.search(annoy::vector_view(rows[1]), 1, annoy::search_options(), {}, failed)[0].id == 1);
  const float one[1][2] = {{0, 0}};
  FAILS(unsupported, "", doubles.search(one, 1), doubles.search(one, 1, {}, {}, why));
  annoy::index bits(annoy::metric::hamming, 3);
  const std::uint64_t words[3][1] = {{1}, {2}, {7}};
  bits.add(words);
  bits.build(2);
  CHECK(bits.search(words, 1).ids == list{0, 1, 2} && bits.search(words[2], 1, annoy::search_options())[0].id == 2);
}
