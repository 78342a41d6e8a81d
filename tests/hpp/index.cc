// annoy::index from making to searching; errors are in errors.cc.
#include "check.hpp"

#include <array>
#include <atomic>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <thread>
#if __cplusplus >= 202002L
#include <span>
#endif

namespace {

std::string bytes_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

bool exists(const std::string& file) { return std::filesystem::exists(file); }

std::vector<std::int64_t> ids_of(const annoy::neighbors& neighbors) {
  std::vector<std::int64_t> ids;
  for (const auto& neighbor : neighbors) ids.push_back(neighbor.id);
  return ids;
}

using ids = std::vector<std::int64_t>;

}  // namespace

TEST(closed) {
  annoy::index index(annoy::metric::euclidean, 2);
  index.add(0, {1, 2});
  index.build(1);
  std::thread other([&] { index.close(); });
  other.join();
  annoy::failure why;
  CHECK(!index.remove(0, why) && why.status() == annoy::status::state);
  CHECK(index.n_items() == 0 && index.close());
}

TEST(made_with_the_usual_types) {
  const annoy::index index(annoy::metric::angular, 5);
  CHECK(index && index.metric() == annoy::metric::angular && index.scalar() == annoy::scalar::f32);
  CHECK(index.f() == 5 && index.id_bits() == 32 && index.n_items() == 0 && index.n_trees() == 0);
  CHECK(index.native_handle() != nullptr && annoy_get_f(index.native_handle()) == 5);

  annoy::failure why;
  why.set(annoy::status::io, 5, "left from before");
  const annoy::index bits(annoy::metric::hamming, 130, why);
  CHECK(bits && !why && bits.scalar() == annoy::scalar::bits64 && bits.f() == 130 && bits.n_words() == 3);
  CHECK(annoy::index(annoy::metric::hamming, 128).n_words() == 2);
  CHECK(annoy::index(annoy::metric::hamming, 1).n_words() == 1);
}

TEST(made_with_options) {
  annoy::options options;
  options.metric = annoy::metric::dot;
  options.f = 7;
  CHECK(annoy::index(options).scalar() == annoy::scalar::f32 && annoy::index(options).id_bits() == 32);
  options.scalar = annoy::scalar::f64;
  options.id_bits = 64;
  annoy::failure why;
  const annoy::index index(options, why);
  CHECK(!why && index.metric() == annoy::metric::dot && index.f() == 7);
  CHECK(index.scalar() == annoy::scalar::f64 && index.id_bits() == 64);
  for (const auto scalar : {annoy::scalar::bits64, annoy::scalar::bits32, annoy::scalar::bits8})
    CHECK(annoy::index(annoy::options{annoy::metric::hamming, 40, scalar, 32}).scalar() == scalar);
#if __cplusplus >= 202002L
  CHECK(annoy::index({.metric = annoy::metric::euclidean, .f = 3, .id_bits = 64}).id_bits() == 64);
#endif
}

TEST(vectors_of_every_kind) {
  annoy::index index(annoy::metric::manhattan, 2);
  std::vector<float> vector{1, 1};
  const std::array<float, 2> array{2, 2};
  const float c_array[] = {3, 3};
  index.add(0, {0, 0});
  index.add(1, vector);
  index.add(2, array);
  index.add(3, c_array);
  index.add(4, {vector.data(), vector.size()});
  index.add(5, annoy::span<float>(vector));
  index.add(6, std::vector<float>{6, 6});
  index.add(7, {7.5, 7});
  const float x = 8;
  index.add(8, {x, x});
#if __cplusplus >= 202002L
  index.add(9, std::span(vector));
  index.add(10, std::span<const float, 2>(c_array));
  CHECK(index.get_item(9) == vector && index.get_item(10) == std::vector<float>{3, 3});
#endif
  CHECK(index.get_item(0) == std::vector<float>{0, 0} && index.get_item(1) == vector);
  CHECK(index.get_item(2) == std::vector<float>{2, 2} && index.get_item(3) == std::vector<float>{3, 3});
  CHECK(index.get_item(4) == vector && index.get_item(5) == vector && index.get_item(6) == std::vector<float>{6, 6});
  CHECK(index.get_item(7) == std::vector<float>{7.5, 7} && index.get_item(8) == std::vector<float>{8, 8});

  annoy::failure why;
  CHECK(index.add(20, {4, 5}, why) && index.add(21, vector, why) && index.n_items() == 22);
  std::array<float, 2> into{};
  index.get_item_into(20, into);
  CHECK(into == std::array<float, 2>{4, 5} && index.get_item_into(21, into, why) && into == std::array<float, 2>{1, 1});
  CHECK(index.get_item(15) == std::vector<float>{0, 0});
}

TEST(doubles) {
  annoy::index index(annoy::options{annoy::metric::euclidean, 2, annoy::scalar::f64, 32});
  const double tenth[] = {0.1, 0};
  annoy::failure why;
  index.add(0, tenth);
  CHECK(index.add(1, std::vector<double>{0.3, 0}, why));
  index.add({std::vector<double>{5, 5, 6, 6}, 2});
  CHECK(index.add(std::vector<std::array<double, 2>>{{7, 7}}, {}, why));
  index.add(ids{9, 8}, std::vector<std::array<double, 2>>{{9, 9}, {8, 8}});
  CHECK(index.add(ids{10}, {tenth, 1, 2}, {}, why) && index.n_items() == 11);
  CHECK(index.get_item<double>(10) == std::vector<double>{0.1, 0} && index.get_item<double>(9)[1] == 9.0);
  std::array<double, 2> into{};
  index.get_item_into(3, into);
  CHECK(into == std::array<double, 2>{6, 6} && index.get_item_into(8, into, why) && into[0] == 8.0);

  index.build(3);
  // All digits of a double, in every way to ask for them.
  const double exact = 0.3 - 0.1;
  const std::vector<annoy::neighbor> found = index.search(tenth, 3);
  CHECK(found.size() == 3 && found[0].id == 0 && found[1].id == 10 && found[2].id == 1 && found[2].distance == exact);
  CHECK(index.search(tenth, 3, {}, {}, why) == found && !why);
  CHECK(index.search_item(0, 3) == found && index.search_item(0, 3, {}, {}, why) == found);
  CHECK(index.get_distance(0, 1) == exact && index.get_distance(0, 1, why) == exact);
  ids into_ids(3);
  std::vector<double> distances(3);
  CHECK(index.search_into(tenth, 3, into_ids, distances) == 3 && into_ids == ids{0, 10, 1} && distances[2] == exact);
  CHECK(index.search_into(tenth, 2, into_ids) == 2 && index.search_into(tenth, 2, into_ids, {}, {100}, {}, why) == 2 && !why);
  distances.assign(3, 0);
  CHECK(index.search_item_into(0, 3, into_ids, distances) == 3 && distances[2] == exact);
  distances.assign(3, 0);
  CHECK(index.search_item_into(0, 3, into_ids, distances, {100}, {}, why) == 3 && distances[2] == exact);
}

TEST(words) {
  annoy::index index(annoy::metric::hamming, 70);
  const std::uint64_t one[] = {1, 0};
  annoy::failure why;
  index.add(0, one);
  CHECK(index.add(1, std::vector<std::uint64_t>{7, 32}, why));
  index.add({std::vector<std::uint64_t>{0, 0, ~std::uint64_t(0), 63}, 2});
  CHECK(index.add(std::vector<std::array<std::uint64_t, 2>>{{3, 0}}, {}, why));
  index.add(ids{6}, {one, 1, 2});
  CHECK(index.add(ids{5}, {one, 1, 2}, {}, why) && index.n_items() == 7);
  index.add(7, std::vector<float>(70, 1.0f));  // one number per bit does too
  index.add(8, std::vector<double>(70, 1.0));
  CHECK(index.get_item<std::uint64_t>(1) == std::vector<std::uint64_t>{7, 32});
  CHECK(index.get_item<std::uint64_t>(7) == index.get_item<std::uint64_t>(3) && index.get_distance(7, 8) == 0.0);
  const std::vector<float> bits = index.get_item(1);
  CHECK(bits.size() == 70 && bits[0] == 1.0f && bits[2] == 1.0f && bits[3] == 0.0f && bits[69] == 1.0f);
  CHECK(index.get_item<double>(1).size() == 70);
  std::array<std::uint64_t, 2> into{};
  index.get_item_into(4, into);
  CHECK(into[0] == 3 && index.get_item_into(1, into, why) && into[1] == 32);

  index.build(2);
  const std::vector<annoy::neighbor> found = index.search(one, 4, {1000});
  CHECK(ids_of(found) == ids{0, 5, 6, 2} && found[3].distance == 1.0f);
  CHECK(index.search(one, 4, {1000}, {}, why) == found && !why);
  ids into_ids(4);
  std::vector<float> distances(4);
  CHECK(index.search_into(one, 4, into_ids, distances, {1000}) == 4);
  CHECK(into_ids == ids{0, 5, 6, 2} && distances[3] == 1.0f);
  CHECK(index.search_into(one, 1, into_ids) == 1 && index.search_into(one, 1, into_ids, {}, {}, {}, why) == 1 && !why);
}

// Elements that become what the index holds.
TEST(narrow_elements) {
  annoy::failure failed;
  annoy::index index(annoy::metric::euclidean, 2);
  const std::int8_t small[] = {-3, 100};
  // 1.5 and -2 in both formats.
  const std::vector<annoy::f16> halves{annoy::f16{0x3e00}, annoy::f16{0xc000}};
  const std::array<annoy::bf16, 2> brains{annoy::bf16{0x3fc0}, annoy::bf16{0xc000}};
  index.add(0, small);
  index.add(1, halves);
  CHECK(index.add(2, brains, failed) && index.get_item(0) == std::vector<float>{-3, 100});
  CHECK(index.get_item(1) == std::vector<float>{1.5, -2} && index.get_item(2) == index.get_item(1));
  index.add({std::vector<std::int8_t>{1, 2, 3, 4}, 2});
  CHECK(index.n_items() == 5 && index.get_item(4) == std::vector<float>{3, 4});
  index.build(2);
  CHECK(index.search(small, 1)[0] == annoy::neighbor{0, 0} && index.search(halves, 1)[0].id == 1);
  CHECK(index.search({std::vector<std::int8_t>{1, 2, 3, 4}, 2}, 1).ids == ids{3, 4});
  annoy::index bits(annoy::metric::hamming, 2);
  FAILS(unsupported, "", bits.add(0, small), bits.add(0, small, why));
}

TEST(many_items) {
  struct point {
    std::int32_t tag;
    float place[2];
    double more;
  };
  const point points[] = {{0, {1, 2}, 0}, {1, {3, 4}, 0}, {2, {5, 6}, 0}};
  const float c_rows[2][2] = {{7, 8}, {9, 10}};
  annoy::failure why;
  annoy::index index(annoy::metric::euclidean, 2);
  index.add({points[0].place, 3, 2, sizeof(point)});
  index.add(c_rows);
  CHECK(index.add({std::vector<float>{11, 12, 13, 14}, 2}, {}, why));
  CHECK(index.n_items() == 7);
  for (int i = 0; i < 7; i++)
    CHECK(index.get_item(i) == std::vector<float>{2 * static_cast<float>(i) + 1, 2 * static_cast<float>(i) + 2});

  const std::array<std::int64_t, 2> at{20, 10};
  index.add(at, c_rows);
  CHECK(index.get_item(20)[0] == 7.0f && index.get_item(10)[0] == 9.0f && index.n_items() == 21);
  CHECK(index.add(ids{3, 3}, {c_rows[0], 2, 2}, {}, why) && index.get_item(3)[0] == 9.0f);
  index.add(ids(), {annoy::vector_view(), 2});
  index.add(std::vector<std::array<float, 2>>());
  CHECK(index.n_items() == 21);
}

TEST(searches_agree_with_the_c_abi) {
  annoy::index index(annoy::metric::angular, 8);
  std::vector<float> flat;
  std::uint32_t state = 1;
  for (int i = 0; i < 2000 * 8; i++) {
    state = state * 1664525u + 1013904223u;
    flat.push_back(static_cast<float>(state >> 8) / 16777216.0f - 0.5f);
  }
  index.set_seed(5);
  index.add({flat, 8});
  index.build(7);
  CHECK(index.n_trees() == 7 && index.n_items() == 2000);
  annoy::failure why;
  for (std::int64_t item = 0; item < 2000; item += 97)
    for (const std::int64_t search_k : {std::int64_t(annoy::automatic), std::int64_t(0), std::int64_t(300)}) {
      std::array<std::int64_t, 10> expected_ids{}, found_ids{};
      std::array<float, 10> expected{}, distances{};
      std::size_t n = 0;
      // annoy.h looks at nothing with a search_k of 0. As an option that stands for the usual one.
      annoy_get_nns_by_item(index.native_handle(), item, 10, search_k ? search_k : -1, expected_ids.data(),
                            expected.data(), &n, nullptr);
      CHECK(n == 10);
      const annoy::neighbors found = index.search_item(item, 10, {search_k});
      CHECK(found.size() == n);
      for (std::size_t i = 0; i < found.size(); i++)
        CHECK(found[i].id == expected_ids[i] && static_cast<float>(found[i].distance) == expected[i]);
      const std::vector<float> query = index.get_item(item);
      CHECK(index.search(query, 10, {search_k}) == found && index.search(query, 10, {search_k}, {}, why) == found && !why);
      CHECK(index.search_item(item, 10, {search_k}, {}, why) == found && !why);
      CHECK(index.search_item_into(item, 10, found_ids, distances, {search_k}) == n);
      CHECK(found_ids == expected_ids && distances == expected);
      found_ids = {}, distances = {};
      CHECK(index.search_item_into(item, 10, found_ids, distances, {search_k}, {}, why) == n && !why);
      CHECK(found_ids == expected_ids && distances == expected);
      found_ids = {}, distances = {};
      CHECK(index.search_into(query, 10, found_ids, distances, {search_k}) == n);
      CHECK(found_ids == expected_ids && distances == expected);
      std::array<double, 10> exact{};
      CHECK(index.search_into(query, 10, found_ids, exact, {search_k}, {}, why) == n && !why);
      CHECK(found_ids == expected_ids);
      for (std::size_t i = 0; i < n; i++) CHECK(exact[i] == found[i].distance);
    }
}

TEST(results_and_their_room) {
  const annoy::index index = check::line_of(5, 2);
  CHECK(ids_of(index.search({1.25, 0}, 3)) == ids{1, 2, 0} && index.search({1.25, 0}, 3)[1].distance == 0.75);
  annoy::failure why;
  CHECK(ids_of(index.search({4, 0}, 2, {}, {}, why)) == ids{4, 3} && !why);
  // More than there are: all of them, without the memory for more.
  const std::size_t most = std::numeric_limits<std::size_t>::max();
  CHECK(index.search({0, 0}, 1000).size() == 5 && index.search_item(0, 1000, {100}).size() == 5);
  CHECK(index.search({0, 0}, most, {1000}).size() == 5 && index.search_item(0, most).size() == 5);
  CHECK(index.search({0, 0}, 0).empty() && index.search_item(0, 0).empty());

  // Places left over of the n get -1 and NaN; those behind stay. Ids alone do.
  ids into{-7, -7, -7, -7, -7, -7, -7, -7};
  std::vector<float> distances(8, -7.0f);
  CHECK(index.search_item_into(0, 7, into, distances) == 5 && into[4] == 4 && into[6] == -1 && into[7] == -7);
  CHECK(std::isnan(distances[6]) && distances[7] == -7.0f);
  CHECK(index.search_item_into(2, 1, into) == 1 && into[0] == 2 && into[1] == 1);
  CHECK(index.search_item_into(3, 1, into, annoy::span<float>(), {100}) == 1 && into[0] == 3);
  CHECK(index.search_item_into(3, 1, into, annoy::span<double>(), {100}, {}, why) == 1 && !why);
  const float query[] = {4, 0};
  CHECK(index.search_into(query, 1, into) == 1 && into[0] == 4);
  CHECK(index.search_into(query, 0, annoy::span<std::int64_t>()) == 0);
  std::int64_t one;
  float nearest;
  CHECK(index.search_into(query, 1, {&one, 1}, {&nearest, 1}, {}, {}, why) == 1 && one == 4 && nearest == 0.0f);
}

TEST(neighbors_unpack_and_compare) {
  const annoy::index index = check::line_of(3, 1);
  std::int64_t sum = 0;
  double far = 0;
  for (const auto& [id, distance] : index.search({0, 0}, 3)) sum += id, far = distance;
  CHECK(sum == 3 && far == 2.0f);
  CHECK(annoy::neighbor{1, 2} == annoy::neighbor{1, 2} && annoy::neighbor{1, 2} != annoy::neighbor{1, 3});
  CHECK(annoy::neighbor{1, 2} != annoy::neighbor{2, 2});
}

TEST(building) {
  annoy::failure why;
  annoy::index index = check::line_of(300, 0);
  CHECK(index.build(4, {2}, why) && index.n_trees() == 4);
  index.unbuild();
  CHECK(index.n_trees() == 0 && index.n_items() == 300);
  index.add(300, {1, 1});
  index.build(annoy::automatic);
  CHECK(index.n_trees() > 0 && index.unbuild(why) && index.unbuild(why));
  index.build(2, {1});
  CHECK(index.n_trees() == 2 && index.get_distance(0, 5) == 5.0);
}

TEST(seeds_decide) {
  const std::string files[] = {check::in_scratch("seed-a"), check::in_scratch("seed-b"), check::in_scratch("seed-c")};
  const std::uint64_t seeds[] = {7, 7, std::numeric_limits<std::uint64_t>::max()};
  annoy::failure why;
  for (int i = 0; i < 3; i++) {
    annoy::index index = check::line_of(500, 0);
    if (i) CHECK(index.set_seed(seeds[i], why));
    else index.set_seed(seeds[i]);
    index.build(3, {i + 1});
    index.save(files[i]);
  }
  CHECK(!bytes_of(files[0]).empty() && bytes_of(files[0]) == bytes_of(files[1]));
  CHECK(bytes_of(files[0]) != bytes_of(files[2]));
}

TEST(saving_and_loading) {
  annoy::failure why;
  const std::string file = check::in_scratch("saved");
  const annoy::index built = check::line_of(100, 3);
  built.save(file);  // const
  CHECK(built.save(std::filesystem::path(file + "-2"), {}, why) && bytes_of(file) == bytes_of(file + "-2"));

  annoy::index index(annoy::metric::euclidean, 2);
  index.load(file);
  CHECK(index.n_items() == 100 && index.n_trees() == 3 && index.search({50, 0}, 5) == built.search({50, 0}, 5));
  index.load(file.c_str(), annoy::load_flags::prefault);
  CHECK(index.n_items() == 100 && index.load(file, {}, why) && index.load(file, annoy::load_flags::prefault, why));
  index.unload();
  CHECK(index.n_items() == 0 && index.n_trees() == 0 && index.f() == 2 && index.unload(why));
  index.add(0, {1, 1});
  CHECK(index.n_items() == 1);
}

TEST(saving_to_go_on_with_the_file) {
  annoy::failure why;
  const std::string file = check::in_scratch("goes on");
  annoy::index index = check::line_of(10, 1);
  index.save_and_load(file);
  CHECK(index.n_items() == 10 && !index.unbuild(why) && why.status() == annoy::status::state);
  index = check::line_of(11, 1);
  CHECK(index.save_and_load(file, annoy::load_flags::prefault, {}, why) && index.n_items() == 11);
  index.save_and_load(file + "-2", annoy::load_flags::prefault);
  CHECK(bytes_of(file) == bytes_of(file + "-2"));
}

TEST(building_on_disk) {
  annoy::failure why;
  const std::string file = check::in_scratch("on disk");
  {
    annoy::index index(annoy::metric::euclidean, 2);
    index.on_disk_build(file);
    index.add(0, {1, 1});
    // A few bytes that are no index have the name until it is built.
    annoy::index early(annoy::metric::euclidean, 2);
    CHECK(exists(file) && !early.load(file, {}, why) && why.status() == annoy::status::format);
    index.build(1);
    CHECK(early.load(file, {}, why) && index.search({1, 1}, 1).size() == 1);
  }
  annoy::index index(annoy::metric::euclidean, 2);
  index.load(file);
  CHECK(index.n_items() == 1);
  {
    annoy::index other(annoy::metric::euclidean, 2);
    CHECK(other.on_disk_build(file + "-2", why) && exists(file + "-2"));
  }
  CHECK(!exists(file + "-2"));  // it was given up
}

TEST(paths) {
  const annoy::index built = check::line_of(3, 1);
  for (const char* name : {"with space", "g\xC3\xA4nse-\xE9\xB5\x9D", "-dash"}) {
    const std::string file = check::in_scratch(name);
    annoy::index index(annoy::metric::euclidean, 2);
    built.save(std::filesystem::path(file));
    index.load(std::string_view(file));
    CHECK(exists(file) && index.n_items() == 3);
  }
}

TEST(holding_nothing) {
  const annoy::index index;
  CHECK(!index && index.native_handle() == nullptr && index.n_items() == 0 && index.n_trees() == 0 && index.f() == 0);
  CHECK(index.n_words() == 0 && index.metric() == annoy::metric{} && index.scalar() == annoy::scalar::automatic);
  CHECK(index.id_bits() == 0);
}

static_assert(std::is_nothrow_default_constructible_v<annoy::index>);
static_assert(std::is_nothrow_move_constructible_v<annoy::index> && std::is_nothrow_move_assignable_v<annoy::index>);
static_assert(std::is_nothrow_swappable_v<annoy::index> && std::is_nothrow_destructible_v<annoy::index>);
static_assert(!std::is_copy_constructible_v<annoy::index> && !std::is_copy_assignable_v<annoy::index>);
static_assert(!std::is_convertible_v<annoy::options, annoy::index> && !std::is_convertible_v<annoy::index, bool>);

TEST(moving) {
  annoy::index a = check::line_of(4, 1);
  const annoy_index* const handle = a.native_handle();
  annoy::index b(std::move(a));
  CHECK(b.native_handle() == handle && !a && b.n_items() == 4 && a.n_items() == 0);
  a = check::line_of(2, 1);  // a moved-from index is good for a new one
  b = std::move(a);
  CHECK(b.n_items() == 2 && !a);
  annoy::index& same = b;
  b = std::move(same);
  CHECK(b.n_items() == 2 && b.search({0, 0}, 2).size() == 2);
  swap(a, b);
  CHECK(a.n_items() == 2 && !b);
  a.swap(b);
  CHECK(b.n_items() == 2 && !a);
  std::vector<annoy::index> many;
  for (int n = 1; n < 20; n++) many.push_back(check::line_of(n, 1));
  for (int n = 1; n < 20; n++) CHECK(many[static_cast<std::size_t>(n) - 1].n_items() == n);
}

TEST(threads_search_one_index) {
  const annoy::index index = check::line_of(200, 5);
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; t++)
    threads.emplace_back([&index, &right] {
      for (std::int64_t i = 0; i < 200; i++)
        right += ids_of(index.search_item(i, 1, {1000})) == ids{i} && index.get_item(i)[0] == static_cast<float>(i);
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 600);
}

TEST(the_library) {
  CHECK(annoy::version() == EXPECTED_VERSION && annoy::abi_version() == annoy::header_abi_version);
  CHECK(!annoy::kernel_name().empty() && annoy::kernel_name() == annoy_kernel_name());
  annoy::failure why;
  for (const auto metric : {annoy::metric::angular, annoy::metric::euclidean, annoy::metric::manhattan,
                            annoy::metric::hamming, annoy::metric::dot}) {
    const std::string name(annoy::metric_name(metric));
    CHECK(!name.empty() && annoy::metric_from_name(name) == metric);
    CHECK(annoy::metric_from_name(name, why) == metric && !why);
  }
  CHECK(annoy::metric_name(annoy::metric::dot) == "dot" && annoy::metric_name(annoy::metric{}).empty());
  const std::string_view longer = "angular momentum";
  CHECK(annoy::metric_from_name(longer.substr(0, 7)) == annoy::metric::angular);
}
