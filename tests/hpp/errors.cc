// What fails, in both forms; the objects that say so; the log.
#include "check.hpp"

#include <array>
#include <cerrno>
#include <cmath>
#include <memory>
#include <stdexcept>

using annoy::automatic;

static_assert(std::is_base_of_v<std::runtime_error, annoy::error>);
static_assert(std::is_nothrow_copy_constructible_v<annoy::error>);
static_assert(std::is_error_code_enum_v<annoy::status>);
static_assert(sizeof(annoy::failure) == sizeof(annoy_error));


TEST(failures) {
  annoy::failure why;
  CHECK(!why && why.status() == annoy::status::ok && why.os_errno() == 0 && *why.message() == 0 && !why.code());
  CHECK(!why.set(annoy::status::io, ENOENT, "no such thing"));
  CHECK(why && why.code() == annoy::status::io && why.os_code() == std::errc::no_such_file_or_directory);
  CHECK(why.message() == std::string("no such thing"));
  const annoy::failure copy = why;
  CHECK(copy.status() == annoy::status::io && copy.message() == std::string("no such thing"));
  CHECK(why.record(ANNOY_OK) && !why && *why.message() == 0 && why.os_errno() == 0);
  why.set(annoy::status::item, 0, std::string(2000, 'x').c_str());
  CHECK(std::string(why.message()) == std::string(sizeof annoy_error().message - 1, 'x'));
  why.clear();
  CHECK(!why);
  // With calls of annoy.h.
  annoy::index index = check::line_of(1, 1);
  CHECK(!why.record(annoy_build(index.native_handle(), 1, 1, why.native())) && why.status() == annoy::status::state);
  try {
    why.raise();
  } catch (const std::runtime_error& error) {
    CHECK(error.what() == std::string(why.message()));
  }
  // One that succeeds takes back what was there.
  CHECK(index.unbuild(why) && !why);
}

TEST(errors_and_error_codes) {
  annoy::failure why;
  why.set(annoy::status::io, ENOSPC, "full");
  const annoy::error error(why);
  CHECK(error.what() == std::string("full") && error.status() == annoy::status::io && error.os_errno() == ENOSPC);
  CHECK(error.code() == annoy::status::io && error.os_code() == std::errc::no_space_on_device);
  CHECK(error.code().category().name() == std::string("annoy") && error.code().message() == "ANNOY_ERR_IO");
  const std::error_code code = annoy::status::argument;  // converts by itself
  CHECK(code == annoy::status::argument && code == std::errc::invalid_argument && code != annoy::status::io);
  CHECK(make_error_code(annoy::status::no_memory) == std::errc::not_enough_memory);
  CHECK(make_error_code(annoy::status::cancelled) == std::errc::operation_canceled);
  CHECK(make_error_code(annoy::status::too_small) == std::errc::no_buffer_space);
  CHECK(make_error_code(annoy::status::unsupported) == std::errc::not_supported);
  CHECK(make_error_code(annoy::status::corrupt) != std::errc::io_error && !make_error_code(annoy::status::ok));
  CHECK(&code.category() == &annoy::status_category());
}

// Every name here is the library's, and the library has no more.
TEST(all_statuses) {
  using annoy::status;
  const std::pair<status, std::string> all[] = {
      {status::ok, "ANNOY_OK"},
      {status::null, "ANNOY_ERR_NULL"},
      {status::argument, "ANNOY_ERR_ARGUMENT"},
      {status::dimension, "ANNOY_ERR_DIMENSION"},
      {status::item, "ANNOY_ERR_ITEM"},
      {status::state, "ANNOY_ERR_STATE"},
      {status::io, "ANNOY_ERR_IO"},
      {status::format, "ANNOY_ERR_FORMAT"},
      {status::not_finite, "ANNOY_ERR_NOT_FINITE"},
      {status::no_memory, "ANNOY_ERR_NO_MEMORY"},
      {status::cancelled, "ANNOY_ERR_CANCELLED"},
      {status::too_small, "ANNOY_ERR_TOO_SMALL"},
      {status::unsupported, "ANNOY_ERR_UNSUPPORTED"},
      {status::corrupt, "ANNOY_ERR_CORRUPT"},
      {status::label, "ANNOY_ERR_LABEL"},
      {status::panic, "ANNOY_ERR_PANIC"},
  };
  for (const auto& [which, name] : all) CHECK(annoy::status_name(which) == name);
  std::size_t known = 0;
  for (int number = -1000; number < 1000; number++)
    known += annoy::status_name(static_cast<status>(number)) != std::string("unknown status");
  CHECK(known == std::size(all));
}

TEST(making_fails) {
  using annoy::metric;
  FAILS(argument, "f", annoy::index(metric::angular, 0), annoy::index(metric::angular, 0, why));
  FAILS(argument, "metric", annoy::index(metric{}, 3), annoy::index(metric{}, 3, why));
  FAILS(argument, "f", annoy::index(metric::dot, 65537), annoy::index(metric::dot, 65537, why));
  const annoy::options none, misfit{metric::angular, 3, annoy::scalar::bits8, 32}, ids{metric::angular, 3, {}, 16};
  FAILS(argument, "metric", annoy::index{none}, annoy::index(none, why));
  FAILS(argument, "", annoy::index{misfit}, annoy::index(misfit, why));
  FAILS(argument, "id_bits", annoy::index{ids}, annoy::index(ids, why));
  annoy::failure wrong;
  const annoy::index index(metric::angular, 0, wrong);
  CHECK(!index && wrong && annoy::metric_from_name("cos", wrong) == metric{} && wrong);
  FAILS(argument, "cosine", annoy::metric_from_name("cos"), annoy::metric_from_name("cos", why));
  CHECK(annoy::metric_from_name("cosine") == metric::angular && annoy::metric_from_name("l2") == metric::euclidean);
  const std::string_view nul("dot\0", 4);
  FAILS(argument, "NUL", annoy::metric_from_name(nul), annoy::metric_from_name(nul, why));
}

TEST(adding_fails) {
  annoy::index index(annoy::metric::euclidean, 2);
  const float nan = std::nanf("");
  const std::vector<float> one(1), two(2), three(3), bad{0, nan};
  FAILS(dimension, "3", index.add(0, three), index.add(0, three, why));
  FAILS(dimension, "3", index.add(0, {1, 2, 3}), index.add(0, {1, 2, 3}, why));
  FAILS(dimension, "", index.add(0, annoy::vector_view()), index.add(0, annoy::vector_view(), why));
  FAILS(item, "-1", index.add(-1, two), index.add(-1, two, why));
  FAILS(not_finite, "", index.add(0, bad), index.add(0, bad, why));
  FAILS(not_finite, "", index.add(0, {nan, 1}), index.add(0, {nan, 1}, why));
  FAILS(null, "vector", index.add(0, {static_cast<const float*>(nullptr), 2}),
        index.add(0, {static_cast<const float*>(nullptr), 2}, why));
  const std::vector<std::uint64_t> words(1);
  const std::vector<double> doubles(2);
  FAILS(unsupported, "", index.add(0, words), index.add(0, words, why));
  FAILS(unsupported, "f64", index.add(0, doubles), index.add(0, doubles, why));

  // All rows or none.
  const std::vector<std::int64_t> ids{5, -2};
  const float rows[2][2] = {{1, 2}, {3, 4}}, bad_rows[2][2] = {{1, 2}, {3, nan}};
  FAILS(item, "-2", index.add(ids, rows), index.add(ids, rows, {}, why));
  FAILS(not_finite, "", index.add(bad_rows), index.add(bad_rows, {}, why));
  FAILS(dimension, "3", index.add({three, 3}), index.add({three, 3}, {}, why));
  FAILS(dimension, "whole", index.add({three, 2}), index.add({three, 2}, {}, why));
  FAILS(dimension, "whole", index.add({two, 0}), index.add({two, 0}, {}, why));
  // As many ids as rows: neither more, nor fewer, nor none.
  FAILS(argument, "ids: found 2, expected one for each row: 1", index.add(ids, {two, 2}),
        index.add(ids, {two, 2}, {}, why));
  const annoy::item_ids none;
  FAILS(argument, "ids: found 0", index.add(none, rows), index.add(none, rows, {}, why));
  const std::array<std::array<double, 2>, 2> double_rows{};
  const std::array<std::array<std::uint64_t, 2>, 2> bits{};
  FAILS(argument, "ids: found 0", index.add(none, double_rows),
        index.add(none, double_rows, {}, why));
  FAILS(argument, "ids: found 0", index.add(none, bits), index.add(none, bits, {}, why));
  FAILS(unsupported, "", index.add(bits), index.add(bits, {}, why));
  CHECK(index.n_items() == 0);

  index.add(rows);
  index.build(1);
  FAILS(state, "built", index.add(0, two), index.add(0, two, why));
  FAILS(state, "built", index.add(rows), index.add(rows, {}, why));

  annoy::index wide(annoy::options{annoy::metric::euclidean, 2, annoy::scalar::f64, 32});
  FAILS(unsupported, "", wide.add(0, two), wide.add(0, two, why));
  annoy::index hamming(annoy::metric::hamming, 3);
  const std::uint64_t past[] = {8};
  FAILS(argument, "", hamming.add(0, past), hamming.add(0, past, why));
  FAILS(dimension, "", hamming.add(0, std::vector<std::uint64_t>(2)),
        hamming.add(0, std::vector<std::uint64_t>(2), why));
}

TEST(reading_fails) {
  const annoy::index index = check::line_of(3, 0);
  FAILS(item, "3", index.get_item(3), index.get_item(3, why));
  FAILS(item, "-1", index.get_item(-1), index.get_item(-1, why));
  FAILS(unsupported, "f64", index.get_item<double>(0), index.get_item<double>(0, why));
  FAILS(unsupported, "", index.get_item<std::uint64_t>(0), index.get_item<std::uint64_t>(0, why));
  std::vector<float> small(1, 7.0f);
  std::vector<double> wide(2, 7.0);
  std::vector<std::uint64_t> words(1);
  FAILS(dimension, "1", index.get_item_into(0, small), index.get_item_into(0, small, why));
  FAILS(unsupported, "f64", index.get_item_into(0, wide), index.get_item_into(0, wide, why));
  FAILS(unsupported, "", index.get_item_into(0, words), index.get_item_into(0, words, why));
  CHECK(small[0] == 7.0f && wide[0] == 7.0);
  FAILS(item, "9", index.get_distance(0, 9), index.get_distance(0, 9, why));
  annoy::failure why;
  CHECK(index.get_item(3, why).empty() && index.get_distance(0, 9, why) == 0.0 && why);
}

TEST(building_fails) {
  annoy::index index = check::line_of(3, 0);
  FAILS(argument, "n_trees", index.build(0), index.build(0, {automatic}, why));
  FAILS(argument, "n_trees", index.build(-2), index.build(-2, {automatic}, why));
  FAILS(argument, "n_threads", index.build(1, {-2}), index.build(1, {-2}, why));
  index.build(1);
  FAILS(state, "built", index.build(1), index.build(1, {1}, why));
  const std::string file = check::in_scratch("build fails");
  FAILS(state, "", index.on_disk_build(file), index.on_disk_build(file, why));
  index.save_and_load(file);
  FAILS(state, "", index.unbuild(), index.unbuild(why));
}

TEST(files_fail) {
  annoy::index index = check::line_of(3, 0);
  const std::string file = check::in_scratch("fails"), nowhere = check::in_scratch("no/such/place");
  FAILS(state, "built", index.save(file), index.save(file, {}, why));
  FAILS(state, "built", index.save_and_load(file), index.save_and_load(file, {}, {}, why));
  index.build(1);
  FAILS(io, "", index.save(nowhere), index.save(nowhere, {}, why));
  FAILS(io, "", index.save_and_load(nowhere), index.save_and_load(nowhere, {}, {}, why));
  FAILS(io, "", index.load(nowhere), index.load(nowhere, {}, why));
  annoy::index empty(annoy::metric::euclidean, 2);
  FAILS(io, "", empty.on_disk_build(nowhere), empty.on_disk_build(nowhere, why));
  try {
    index.load(nowhere);
  } catch (const annoy::error& error) {
    CHECK(error.os_errno() == ENOENT && error.os_code() == std::errc::no_such_file_or_directory);
  }
  // Paths that would lose their end.
  const std::string nul = file + std::string("\0.old", 5);
  FAILS(argument, "NUL", index.save(nul), index.save(nul, {}, why));
  FAILS(argument, "NUL", index.save_and_load(nul), index.save_and_load(nul, {}, {}, why));
  FAILS(argument, "NUL", index.load(nul), index.load(nul, {}, why));
  FAILS(argument, "NUL", empty.on_disk_build(nul), empty.on_disk_build(nul, why));
  CHECK(!std::filesystem::exists(file));

  index.save(file);
  annoy::index other(annoy::metric::euclidean, 3);
  FAILS(format, "", other.load(file), other.load(file, {}, why));
  const auto flags = static_cast<annoy::load_flags>(6);
  FAILS(argument, "flags", index.load(file, flags), index.load(file, flags, why));
  FAILS(argument, "flags", index.save_and_load(file, flags), index.save_and_load(file, flags, {}, why));
  CHECK(index.n_items() == 3 && index.n_trees() == 1);
}

TEST(searching_fails) {
  annoy::index index = check::line_of(3, 0);
  const std::vector<float> two(2), three(3), bad{0, std::nanf("")};
  const std::vector<double> two_doubles(2);
  const std::vector<std::uint64_t> words(1);
  annoy::search_options forest;
  forest.method = annoy::method::forest;
  FAILS(state, "", index.search(two, 1, forest), index.search(two, 1, forest, {}, why));
  FAILS(state, "", index.search_item(0, 1, forest), index.search_item(0, 1, forest, {}, why));
  CHECK(index.n_items() <= annoy::exact_items && index.search(two, 1).size() == 1);
  index.build(1);
  FAILS(dimension, "3", index.search(three, 1), index.search(three, 1, {}, {}, why));
  FAILS(dimension, "3", index.search({1, 2, 3}, 1), index.search({1, 2, 3}, 1, {}, {}, why));
  FAILS(unsupported, "f64", index.search(two_doubles, 1), index.search(two_doubles, 1, {}, {}, why));
  FAILS(unsupported, "", index.search(words, 1), index.search(words, 1, {}, {}, why));
  FAILS(not_finite, "", index.search(bad, 1), index.search(bad, 1, {}, {}, why));
  FAILS(argument, "search_k", index.search(two, 1, {-2}), index.search(two, 1, {-2}, {}, why));
  FAILS(item, "3", index.search_item(3, 1), index.search_item(3, 1, {}, {}, why));
  FAILS(item, "3", index.search_item(3, 1), index.search_item(3, 1, {}, {}, why));

  // Buffers that are too small are not written to, in any way to ask.
  std::vector<std::int64_t> ids{-7, -7}, one{-7};
  std::vector<float> floats{-7}, two_floats(2, -7.0f);
  std::vector<double> doubles{-7}, wide(2, -7.0);
  FAILS(too_small, "ids: found 1, expected room for n: 2", index.search_into(two, 2, one),
        index.search_into(two, 2, one, {}, {}, {}, why));
  FAILS(too_small, "distances: found 1", index.search_into(two, 2, ids, floats),
        index.search_into(two, 2, ids, floats, {}, {}, why));
  FAILS(too_small, "distances: found 1", index.search_into(two_doubles, 2, ids, doubles),
        index.search_into(two_doubles, 2, ids, doubles, {}, {}, why));
  FAILS(too_small, "ids: found 1", index.search_into(words, 2, one), index.search_into(words, 2, one, {}, {}, {}, why));
  FAILS(too_small, "ids: found 1", index.search_item_into(0, 2, one, two_floats),
        index.search_item_into(0, 2, one, two_floats, {}, {}, why));
  FAILS(too_small, "distances: found 1", index.search_item_into(0, 2, ids, doubles),
        index.search_item_into(0, 2, ids, doubles, {}, {}, why));
  // Neither are others, when the library refuses.
  FAILS(dimension, "3", index.search_into(three, 2, ids, two_floats),
        index.search_into(three, 2, ids, two_floats, {}, {}, why));
  FAILS(item, "9", index.search_item_into(9, 2, ids, wide), index.search_item_into(9, 2, ids, wide, {}, {}, why));
  CHECK(ids == std::vector<std::int64_t>{-7, -7} && one[0] == -7 && two_floats[0] == -7.0f && wide[0] == -7.0);
  CHECK(floats[0] == -7.0f && doubles[0] == -7.0);
}

// Every call on an index that was moved from.
TEST(moved_from) {
  annoy::index index = check::line_of(3, 1);
  const annoy::index kept = std::move(index);
  const std::vector<float> v(2);
  const std::vector<std::uint64_t> words(1);
  std::vector<float> place(2);
  std::vector<std::int64_t> ids(1);
  const std::string file = check::in_scratch("moved from");
  const annoy::log_function log = [](annoy::log_level, std::string_view) {};
  FAILS(null, "index", index.set_seed(1), index.set_seed(1, why));
  FAILS(null, "index", index.set_log(log), index.set_log(log, annoy::log_level::info, why));
  FAILS(null, "index", index.set_log(nullptr), index.set_log(nullptr, annoy::log_level::info, why));
  FAILS(null, "index", index.add(0, v), index.add(0, v, why));
  FAILS(null, "index", index.add({v, 2}), index.add({v, 2}, {}, why));
  FAILS(null, "index", index.build(1), index.build(1, {1}, why));
  FAILS(null, "index", index.unbuild(), index.unbuild(why));
  FAILS(null, "index", index.on_disk_build(file), index.on_disk_build(file, why));
  FAILS(null, "index", index.save(file), index.save(file, {}, why));
  FAILS(null, "index", index.save_and_load(file), index.save_and_load(file, {}, {}, why));
  FAILS(null, "index", index.load(file), index.load(file, {}, why));
  FAILS(null, "index", index.saved_size(), index.saved_size(why));
  FAILS(null, "index", index.to_bytes(), index.to_bytes({}, why));
  FAILS(null, "index", index.save_to_buffer({}), index.save_to_buffer({}, {}, why));
  FAILS(null, "index", index.load_bytes(file), index.load_bytes(file, {}, why));
  FAILS(null, "index", index.thaw(), index.thaw(why));
  FAILS(null, "index", index.unload(), index.unload(why));
  FAILS(null, "index", index.get_item(0), index.get_item(0, why));
  FAILS(null, "index", index.get_item_into(0, place), index.get_item_into(0, place, why));
  FAILS(null, "index", index.get_distance(0, 1), index.get_distance(0, 1, why));
  FAILS(null, "index", index.search(v, 1), index.search(v, 1, {}, {}, why));
  FAILS(null, "index", index.search(words, 1), index.search(words, 1, {}, {}, why));
  FAILS(null, "index", index.search_item(0, 1), index.search_item(0, 1, {}, {}, why));
  FAILS(null, "index", index.search_into(v, 1, ids), index.search_into(v, 1, ids, {}, {}, {}, why));
  FAILS(null, "index", index.search_item_into(0, 1, ids), index.search_item_into(0, 1, ids, place, {}, {}, why));
  CHECK(kept.n_items() == 3 && !std::filesystem::exists(file));
}

TEST(the_log_is_heard_and_moves_along) {
  std::vector<std::string> heard;
  annoy::index index(annoy::metric::euclidean, 2);
  index.set_log([&heard](annoy::log_level level, std::string_view text) {
    heard.emplace_back(text);
    CHECK(level == annoy::log_level::info);
  });
  index.add(0, {1, 2});
  index.build(1);
  CHECK(!heard.empty() && !heard[0].empty());
  const auto rebuild = [&heard](annoy::index& which) {
    heard.clear();
    which.unbuild();
    which.build(1);
    return !heard.empty();
  };
  annoy::index moved(std::move(index));
  CHECK(rebuild(moved));
  annoy::index assigned = check::line_of(1, 1);
  assigned = std::move(moved);
  CHECK(rebuild(assigned));
  annoy::index quiet = check::line_of(1, 1);
  swap(assigned, quiet);
  CHECK(rebuild(quiet) && !rebuild(assigned));
  std::vector<annoy::index> many;
  many.push_back(std::move(quiet));
  for (int i = 0; i < 20; i++) many.emplace_back();
  CHECK(rebuild(many[0]));
}

TEST(the_log_is_kept_as_long_as_needed) {
  auto alive = std::make_shared<int>(0);
  const auto log = [](const std::shared_ptr<int>& count) {
    return [count](annoy::log_level, std::string_view) { ++*count; };
  };
  annoy::failure why;
  {
    annoy::index index = check::line_of(2, 0);
    CHECK(index.set_log(log(alive), annoy::log_level::info, why));
    CHECK(alive.use_count() == 2);
    index.build(1);
    CHECK(*alive > 0);
    auto other = std::make_shared<int>(0);
    index.set_log(log(other));
    CHECK(alive.use_count() == 1 && other.use_count() == 2);
    index.unbuild();
    index.build(1);
    CHECK(*other > 0);
    index.set_log(nullptr);
    CHECK(other.use_count() == 1);
    index.unbuild();
    index.build(1);
    index.set_log(log(alive));
    CHECK(alive.use_count() == 2);
  }
  CHECK(alive.use_count() == 1);
  // The index that an assignment replaces takes its log along.
  annoy::index index = check::line_of(2, 0);
  index.set_log(log(alive));
  index = check::line_of(1, 0);
  CHECK(alive.use_count() == 1 && index.n_items() == 1);
  // A log that could not be set is not kept.
  annoy::index empty;
  CHECK(!empty.set_log(log(alive), annoy::log_level::info, why));
  CHECK(alive.use_count() == 1);
}

TEST(a_log_that_throws_stops_nothing) {
  annoy::index index = check::line_of(10, 0);
  int calls = 0;
  index.set_log([&calls](annoy::log_level, std::string_view) {
    calls++;
    throw std::runtime_error("not now");
  });
  index.build(3);
  CHECK(calls > 0 && index.n_trees() == 3 && index.search({0, 0}, 1).size() == 1);
}
