// Long calls: progress, cancellation, and what progress throws.
#include "check.hpp"

#include <filesystem>
#include <thread>

namespace {

constexpr std::size_t n = 3000, f = 500;

std::vector<float> some_rows() {
  std::vector<float> rows(n * f);
  std::uint32_t state = 1;
  for (float& x : rows) x = static_cast<float>((state = state * 1664525u + 1013904223u) >> 8);
  return rows;
}

const std::vector<float> rows = some_rows();
annoy::rows_view view() { return {annoy::vector_view(rows), f}; }

annoy::index filled(int n_trees) {
  annoy::index index(annoy::metric::euclidean, f);
  index.reserve(n);
  index.add(view());
  if (n_trees) index.build(n_trees);
  return index;
}

// A long call in its throwing form, on an index made for it.
struct long_call {
  annoy::stage stage;
  annoy::index index;
  std::function<void(annoy::index&, const annoy::work&)> run;
};

std::vector<long_call> long_calls() {
  std::vector<long_call> all;
  all.push_back({annoy::stage::add, annoy::index(annoy::metric::euclidean, f),
                 [](annoy::index& index, const annoy::work& how) { index.add(view(), how); }});
  all.push_back({annoy::stage::build, filled(0),
                 [](annoy::index& index, const annoy::work& how) { index.build(3, how); }});
  all.push_back({annoy::stage::graph, filled(2), [](annoy::index& index, const annoy::work& how) {
                   annoy::graph_options small;
                   small.degree = small.candidates = small.sample = 4;
                   small.rounds = 1;
                   index.build_graph(small, how);
                 }});
  all.push_back({annoy::stage::scan, filled(2),
                 [](annoy::index& index, const annoy::work& how) { index.build_scan(how); }});
  all.push_back({annoy::stage::search, filled(2), [](annoy::index& index, const annoy::work& how) {
                   (void)index.search({rows.data(), 50, f}, 3, {}, how);
                 }});
  all.push_back({annoy::stage::search, filled(2), [](annoy::index& index, const annoy::work& how) {
                   (void)index.estimate_recall(20, 3, annoy::automatic, 0, how);
                 }});
  all.push_back({annoy::stage::save, filled(2), [](annoy::index& index, const annoy::work& how) {
                   index.save(check::in_scratch("saved.ann"), how);
                 }});
  all.push_back({annoy::stage::verify, filled(2),
                 [](annoy::index& index, const annoy::work& how) { index.verify(how); }});
  all.push_back({annoy::stage::verify, filled(2), [](annoy::index& index, const annoy::work& how) {
                   index.save(check::in_scratch("verified.ann"));
                   annoy::verify_file(check::in_scratch("verified.ann"), how);
                 }});
  return all;
}

}  // namespace

TEST(progress_of_each_call) {
  for (long_call& call : long_calls()) {
    const auto caller = std::this_thread::get_id();
    std::uint64_t last = 0, all = 0;
    int calls = 0;
    annoy::work how;
    how.n_threads = 1;
    how.progress = [&](annoy::stage stage, std::uint64_t done, std::uint64_t total) {
      CHECK(stage == call.stage && done >= last && done <= total && std::this_thread::get_id() == caller);
      last = done;
      all = total;
      calls++;
    };
    call.run(call.index, how);
    CHECK(calls > 1 && last == all && all > 0);
  }
}

TEST(each_call_given_up) {
  for (long_call& call : long_calls()) {
    const std::int64_t items = call.index.n_items(), trees = call.index.n_trees();
    for (const bool throws : {false, true}) {
      for (const bool own_token : {false, true}) {
        if (!throws && !own_token) continue;
        annoy::cancel cancel;
        annoy::work how;
        how.n_threads = 1;
        int calls = 0;
        if (own_token) how.cancel = &cancel;
        how.progress = [&](annoy::stage, std::uint64_t, std::uint64_t) {
          calls++;
          if (throws) throw std::runtime_error("not now");
          cancel.set();
        };
        std::string caught;
        try {
          call.run(call.index, how);
        } catch (const annoy::error& error) {
          CHECK(!throws && error.status() == annoy::status::cancelled);
          caught = error.what();
        } catch (const std::runtime_error& error) {
          caught = error.what();
        }
        CHECK(caught == (throws ? "not now" : "cancelled") && calls == 1);
        CHECK(call.index.n_items() == items && call.index.n_trees() == trees);
      }
    }
    // As ever.
    call.run(call.index, {});
    CHECK(call.index.n_items() == static_cast<std::int64_t>(n));
  }
}

TEST(forms_with_a_failure) {
  annoy::index index(annoy::metric::euclidean, 2);
  annoy::failure failed;
  const annoy::cancel cancel;
  cancel.set();
  annoy::work given_up;
  given_up.cancel = &cancel;
  const float points[2][2] = {{0, 0}, {1, 0}};
  const std::vector<std::int64_t> ids{4, 2};
  const std::string file = check::in_scratch("never.ann");
  FAILS(cancelled, "cancelled", index.add(points, given_up), index.add(points, given_up, why));
  FAILS(cancelled, "cancelled", index.add(ids, points, given_up), index.add(ids, points, given_up, why));
  CHECK(index.n_items() == 0);
  CHECK(index.add(ids, points, {}, failed) && index.n_items() == 5 && index.reserve(10, failed));
  FAILS(dimension, "not whole", index.add({annoy::vector_view(points[0]), 3}, annoy::work()),
        index.add({annoy::vector_view(points[0]), 3}, annoy::work(), why));
  FAILS(argument, "ids", index.add({ids.data(), 1}, points, annoy::work()),
        index.add({ids.data(), 1}, points, annoy::work(), why));
  FAILS(cancelled, "cancelled", index.build(2, given_up), index.build(2, given_up, why));
  CHECK(index.build(2, annoy::work(), failed));
  FAILS(state, "built", index.reserve(1), index.reserve(1, why));
  FAILS(state, "built", index.build(2, annoy::work()), index.build(2, annoy::work(), why));
  FAILS(cancelled, "cancelled", index.save(file, given_up), index.save(file, given_up, why));
  CHECK(!std::filesystem::exists(file) && index.save(file, annoy::work(), failed));
  FAILS(cancelled, "cancelled", index.verify(given_up), index.verify(given_up, why));
  CHECK(index.verify(annoy::work(), failed) && annoy::verify_file(file, annoy::work(), failed));
  FAILS(cancelled, "cancelled", annoy::verify_file(file, given_up), annoy::verify_file(file, given_up, why));
  FAILS(cancelled, "cancelled", index.search(points, 1, {}, given_up),
        index.search(points, 1, {}, given_up, why));
  FAILS(cancelled, "cancelled", index.estimate_recall(1, 1, -1, 0, given_up),
        index.estimate_recall(1, 1, -1, 0, given_up, why));
}

TEST(adding_other_types_at_length) {
  annoy::options wanted;
  wanted.metric = annoy::metric::dot;
  wanted.scalar = annoy::scalar::f64;
  wanted.f = 2;
  annoy::index doubles(wanted);
  const double points[2][2] = {{0, 0.5}, {1, 0}};
  const std::vector<std::int64_t> ids{1, 0};
  annoy::failure failed;
  doubles.add(points, annoy::work());
  CHECK(doubles.add(ids, points, annoy::work(), failed) && doubles.n_items() == 2);
  CHECK(doubles.get_item<double>(1) == std::vector<double>{0, 0.5});
  annoy::index bits(annoy::metric::hamming, 3);
  const std::uint64_t words[2][1] = {{1}, {6}};
  bits.add(words, annoy::work());
  CHECK(bits.add(ids, words, annoy::work(), failed) && bits.get_item<std::uint64_t>(0) == std::vector<std::uint64_t>{6});
}

TEST(cancelled_by_another_thread) {
  annoy::index index = filled(0);
  const annoy::cancel cancel;
  std::thread other;
  annoy::work how;
  how.cancel = &cancel;
  how.progress = [&](annoy::stage, std::uint64_t, std::uint64_t) {
    if (!other.joinable()) other = std::thread([&cancel] { cancel.set(); });
  };
  annoy::failure failed;
  CHECK(!index.build(65536, how, failed) && failed.status() == annoy::status::cancelled);
  other.join();
  CHECK(index.n_trees() == 0 && index.build(2, annoy::work(), failed));
}

TEST(log_levels) {
  for (const auto most : {annoy::log_level::error, annoy::log_level::info, annoy::log_level::debug}) {
    annoy::index index = check::line_of(50, 0);
    std::vector<annoy::log_level> heard;
    index.set_log([&heard](annoy::log_level level, std::string_view) { heard.push_back(level); }, most);
    index.build(1);
    annoy::failure failed;
    CHECK(!index.build(1, {1}, failed));
    CHECK(!heard.empty() && heard.back() == annoy::log_level::error);
    for (const auto level : heard) CHECK(level <= most);
    CHECK((heard.front() == annoy::log_level::debug) == (most == annoy::log_level::debug));
    FAILS(argument, "level", index.set_log(nullptr, annoy::log_level{7}),
          index.set_log(nullptr, annoy::log_level{7}, why));
  }
}
