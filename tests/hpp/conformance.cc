// The cases of tests/conformance, which every binding runs (see its README.md). Steps with a bitmap
// that has too few or too many bits go through annoy.h: in C++ a bitmap has whole words.
#include "check.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"  // it is C, too
#include "../conformance/json.h"
#pragma GCC diagnostic pop

#include <array>
#include <map>
#include <memory>
#include <type_traits>

namespace {

using ids = std::vector<std::int64_t>;

std::string text_of(const json* value) { return value->text; }

template <class T>
T number(const json* value) {
  if constexpr (std::is_floating_point_v<T>) return static_cast<T>(json_double(value));
  else if constexpr (std::is_same_v<T, std::uint64_t>) return json_word(value);
  else return static_cast<T>(json_int64(value));
}

template <class T>
std::vector<T> list(const json* values) {
  std::vector<T> read;
  for (const json* one = values->first; one; one = one->next) read.push_back(number<T>(one));
  return read;
}

// Rows, one behind the other.
template <class T>
std::vector<T> flat(const json* rows) {
  std::vector<T> read;
  for (const json* row = rows->first; row; row = row->next)
    for (const T& one : list<T>(row)) read.push_back(one);
  return read;
}

// An annoy::search_options, what it views, and the other options of a step.
struct options {
  annoy::search_options among;
  annoy::work how;
  ids exclude;
  std::vector<std::uint64_t> bitmap;
  std::size_t n_bits = 0;

  explicit options(const json* given) {
    for (const json* one = given->first; one; one = one->next) {
      const std::string name = one->name;
      if (name == "search_k") among.search_k = json_int64(one);
      else if (name == "n_threads") how.n_threads = static_cast<std::int32_t>(json_int64(one));
      else if (name == "exclude_self") among.exclude_self = true;
      else if (name == "exact") among.method = annoy::method::exact;
      else if (name == "max_distance") among.max_distance = json_double(one);
      else if (name == "exclude") among.exclude = exclude = list<std::int64_t>(one);
      else if (name == "allow" || name == "deny") {
        const std::string bits = text_of(one);
        n_bits = bits.size();
        bitmap.resize((n_bits + 63) / 64);
        for (std::size_t i = 0; i < n_bits; i++)
          if (bits[i] == '1') bitmap[i / 64] |= std::uint64_t{1} << i % 64;
        among.bitmap = bitmap;
        among.deny = name == "deny";
      } else {
        json_wrong(one->name);
      }
    }
  }
};

class runner {
 public:
  runner(const json* types, std::string directory) : directory_(std::move(directory)) {
    static const std::map<std::string, annoy::scalar> scalars = {{"f32", annoy::scalar::f32},
                                                                 {"f64", annoy::scalar::f64},
                                                                 {"u64", annoy::scalar::bits64},
                                                                 {"u32", annoy::scalar::bits32},
                                                                 {"u8", annoy::scalar::bits8}};
    annoy::options wanted;
    wanted.metric = annoy::metric_from_name(text_of(json_get(types, "metric")));
    wanted.scalar = scalars.at(text_of(json_get(types, "scalar")));
    wanted.id_bits = static_cast<std::int32_t>(json_int64(json_get(types, "id_bits")));
    wanted.f = static_cast<std::size_t>(json_int64(json_get(types, "f")));
    index_ = annoy::index(wanted);
  }

  void take(const json* step) {
    step_ = step;
    why_ = annoy::failure();
    const std::string call = text_of(json_get(step, "call"));
    const auto found = calls().find(call);
    if (found == calls().end()) json_wrong(call.c_str());
    (this->*found->second)();
    const json* wrong = json_find(step, "error");
    const std::string status = annoy_status_name(static_cast<annoy_status>(why_.status()));
    CHECK(status == (wrong ? text_of(wrong) : "ANNOY_OK"));
  }

 private:
  using method = void (runner::*)();
  static const std::map<std::string, method>& calls() {
    static const std::map<std::string, method> all = {
        {"set_seed", &runner::set_seed},
        {"add_item", &runner::add_item},
        {"add_items", &runner::add_items},
        {"insert_items", &runner::insert_items},
        {"thaw_built", &runner::thaw_built},
        {"consolidate", &runner::consolidate},
        {"compact", &runner::compact},
        {"build", &runner::build},
        {"unbuild", &runner::unbuild},
        {"unload", &runner::unload},
        {"on_disk_build", &runner::on_disk_build},
        {"save", &runner::save},
        {"load", &runner::load},
        {"save_and_load", &runner::save_and_load},
        {"open", &runner::open},
        {"counts", &runner::counts},
        {"set_metadata", &runner::set_metadata},
        {"get_metadata", &runner::get_metadata},
        {"verify", &runner::verify},
        {"get_item", &runner::get_item},
        {"get_distance", &runner::get_distance},
        {"get_nns_by_item", &runner::search_plain},
        {"get_nns_by_vector", &runner::search_plain},
        {"search", &runner::search_told},
        {"search_batch", &runner::search_batch},
        {"set_label", &runner::set_label},
        {"set_labels", &runner::set_labels},
        {"clear_label", &runner::clear_label},
        {"clear_labels", &runner::clear_labels},
        {"get_labels", &runner::get_labels},
        {"find_label", &runner::find_label},
        {"label_counts", &runner::label_counts},
        {"remove_item", &runner::remove_item},
        {"restore_item", &runner::restore_item},
        {"is_removed", &runner::is_removed},
        {"has_items", &runner::has_items},
        {"get_ids", &runner::get_ids},
        {"estimate_recall", &runner::estimate_recall},
    };
    return all;
  }

  // Arguments.

  const json* get(const char* name) const { return json_get(step_, name); }
  bool has(const char* name) const { return json_find(step_, name) != nullptr; }
  std::int64_t integer(const char* name) const { return json_int64(get(name)); }
  std::size_t size(const char* name) const { return static_cast<std::size_t>(integer(name)); }
  std::string file() const { return directory_ + text_of(get("file")); }
  bool is_f64() const { return index_.scalar() == annoy::scalar::f64; }
  bool is_label_text() const { return get("label")->kind == '"'; }

  // Calls `use` with the vector type of the step as its parameter.
  template <class Use>
  void typed(bool words, Use use) {
    if (words) use(std::uint64_t{});
    else if (is_f64()) use(double{});
    else use(float{});
  }

  // What is expected, where the call has not failed.

  const json* expected(const char* name) const {
    const json* expect = json_find(step_, "expect");
    return expect && !why_ ? json_get(expect, name) : nullptr;
  }
  void expect(const char* name, double found) const {
    const json* value = expected(name);
    CHECK(!value || json_double(value) == found);
  }
  void expect(const char* name, const std::string& found) const {
    const json* value = expected(name);
    CHECK(!value || text_of(value) == found);
  }
  template <class T>
  static void expect_list(const json* value, const std::vector<T>& found) {
    CHECK(list<T>(value) == found);
  }
  // Expected distances are those of an index's own type.
  static void expect_row(const json* ids_of, const json* near_of, const annoy::neighbors& found, bool as_doubles) {
    ids found_ids;
    std::vector<double> distances;
    for (const annoy::neighbor& one : found) {
      found_ids.push_back(one.id);
      distances.push_back(as_doubles ? one.distance : static_cast<double>(static_cast<float>(one.distance)));
    }
    expect_list(ids_of, found_ids);
    expect_list(near_of, distances);
  }
  void expect_neighbors(const annoy::neighbors& found) const {
    if (expected("ids")) expect_row(expected("ids"), expected("distances"), found, is_f64());
  }

  // Steps.

  void set_seed() { check_bool(index_.set_seed(json_uint64(get("seed")), why_)); }
  void add_item() {
    typed(has("words"), [&](auto type) {
      const auto vector = list<decltype(type)>(get(has("words") ? "words" : "vector"));
      check_bool(index_.add(integer("item"), vector, why_));
    });
  }
  // Calls `use` with the rows of the step.
  template <class Use>
  void with_rows(Use use) {
    const bool words = has("word_rows");
    const json* rows = get(words ? "word_rows" : "rows");
    const std::size_t columns = rows->n ? rows->first->n : words ? index_.n_words() : index_.f();
    typed(words, [&](auto type) {
      const auto elements = flat<decltype(type)>(rows);
      use(annoy::rows_view(elements.data(), rows->n, columns));
    });
  }
  void add_items() {
    with_rows([&](const annoy::rows_view& view) {
      if (has("ids")) check_bool(index_.add(list<std::int64_t>(get("ids")), view, {}, why_));
      else check_bool(index_.add(view, {}, why_));
    });
  }
  void insert_items() {
    with_rows([&](const annoy::rows_view& view) {
      annoy::insert_options wanted;
      wanted.replace = has("replace");
      std::vector<std::uint64_t> numbers;
      if (has("labels")) with_labels(numbers, [&](const auto& given) { wanted.labels = given; });
      if (has("ids")) check_bool(index_.insert(list<std::int64_t>(get("ids")), view, wanted, {}, why_));
      else check_bool(index_.insert(view, wanted, {}, why_));
    });
  }
  void thaw_built() { check_bool(index_.thaw_built(why_)); }
  void consolidate() { check_bool(index_.consolidate({}, why_)); }
  void compact() { check_bool(index_.compact({}, why_)); }
  void build() {
    check_bool(index_.build(static_cast<std::int32_t>(integer("n_trees")),
                            {static_cast<std::int32_t>(integer("n_threads"))}, why_));
  }
  void unbuild() { check_bool(index_.unbuild(why_)); }
  void unload() { check_bool(index_.unload(why_)); }
  void on_disk_build() { check_bool(index_.on_disk_build(file(), why_)); }
  void save() {
    check_bool(index_.save(file(), {}, why_));
    if (!expected("sha256")) return;
    std::array<char, 65> sum{};
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(("sha256sum '" + file() + "'").c_str(), "r"), pclose);
    CHECK(pipe && std::fread(sum.data(), 1, 64, pipe.get()) == 64);
    expect("sha256", std::string(sum.data()));
  }
  void load() { check_bool(index_.load(file(), {}, why_)); }
  void save_and_load() { check_bool(index_.save_and_load(file(), {}, {}, why_)); }
  void open() {
    annoy::index opened = annoy::index::open(file(), {}, why_);
    if (!why_) index_ = std::move(opened);
  }
  void counts() {
    static const char* const scalars[] = {"", "f32", "f64", "u64", "u32", "u8"};
    expect("n_items", static_cast<double>(index_.n_items()));
    expect("n_trees", static_cast<double>(index_.n_trees()));
    expect("f", static_cast<double>(index_.f()));
    expect("id_bits", index_.id_bits());
    expect("metric", std::string(annoy::metric_name(index_.metric())));
    expect("scalar", std::string(scalars[static_cast<int>(index_.scalar())]));
  }
  void set_metadata() { check_bool(index_.set_metadata(text_of(get("text")), why_)); }
  void get_metadata() { expect("text", index_.metadata(why_)); }
  void verify() { check_bool(index_.verify({}, why_)); }
  void get_item() {
    const bool words = text_of(get("as")) == "words";
    typed(words, [&](auto type) {
      const auto found = index_.get_item<decltype(type)>(integer("item"), why_);
      if (const json* value = expected(words ? "words" : "vector")) expect_list(value, found);
    });
  }
  void get_distance() { expect("distance", index_.get_distance(integer("i"), integer("j"), why_)); }
  // Annoy's calls look at nothing with a search_k of 0. As an option that stands for the usual one.
  void search_plain() {
    const std::int64_t search_k = integer("search_k");
    search_one(search_k ? size("n") : 0, {search_k});
  }
  void search_one(std::size_t n, const annoy::search_options& among) {
    if (has("item")) return expect_neighbors(index_.search_item(integer("item"), n, among, {}, why_));
    typed(has("words"), [&](auto type) {
      const auto query = list<decltype(type)>(get(has("words") ? "words" : "vector"));
      expect_neighbors(index_.search(query, n, among, {}, why_));
    });
  }
  // A search through annoy.h, from any item, with as many bits as the step has: it fails for those.
  void search_by_bits(const options& given) {
    annoy_search_options raw{};
    raw.struct_size = sizeof raw;
    raw.bitmap = given.bitmap.data();
    raw.bitmap_bits = given.n_bits;
    ids found(size("n"));
    std::size_t n = 0;
    annoy_results into{};
    into.struct_size = sizeof into;
    into.ids = found.data();
    into.counts = &n;
    into.n = found.size();
    const std::int64_t item = 0;
    why_.record(annoy_search_items(index_.native_handle(), &item, 1, &raw, &into, nullptr, why_.native()));
  }
  void search_told() {
    const options given(get("options"));
    if (given.n_bits && given.n_bits != static_cast<std::size_t>(index_.n_items())) return search_by_bits(given);
    search_one(size("n"), given.among);
  }
  void search_batch() {
    const options given(get("options"));
    const std::size_t n = size("n");
    if (has("items")) {
      expect_batch(index_.search_items(list<std::int64_t>(get("items")), n, given.among, given.how, why_), is_f64());
      return;
    }
    with_rows([&](const annoy::rows_view& view) {
      expect_batch(index_.search(view, n, given.among, given.how, why_), is_f64());
    });
  }
  void expect_batch(const annoy::batch& found, bool as_doubles) const {
    if (!expected("ids")) return;
    CHECK(expected("ids")->n == found.found.size() && expected("distances")->n == found.found.size());
    const json *ids_of = expected("ids")->first, *near_of = expected("distances")->first;
    for (std::size_t i = 0; ids_of && near_of && i < found.found.size(); i++) {
      expect_row(ids_of, near_of, found[i], as_doubles);
      ids_of = ids_of->next;
      near_of = near_of->next;
    }
  }
  void set_label() {
    if (is_label_text()) check_bool(index_.set_label(integer("item"), text_of(get("label")), why_));
    else check_bool(index_.set_label(integer("item"), json_uint64(get("label")), why_));
  }
  // Calls `use` with the labels of the step: numbers, which are kept in `numbers`, or strings.
  template <class Use>
  void with_labels(std::vector<std::uint64_t>& numbers, Use use) {
    std::vector<std::string> texts;
    for (const json* one = get("labels")->first; one; one = one->next) {
      if (one->kind == '"') texts.push_back(one->text);
      else numbers.push_back(json_uint64(one));
    }
    if (texts.empty()) use(numbers);
    else use(texts);
  }
  void set_labels() {
    std::vector<std::uint64_t> numbers;
    with_labels(numbers, [&](const auto& given) {
      check_bool(has("ids") ? index_.set_labels(list<std::int64_t>(get("ids")), given, why_)
                            : index_.set_labels(given, why_));
    });
  }
  void clear_label() { check_bool(index_.clear_label(integer("item"), why_)); }
  void clear_labels() { check_bool(index_.clear_labels(why_)); }
  void get_labels() {
    const ids items = list<std::int64_t>(get("ids"));
    const bool numbers = index_.label_kind() == annoy::label_kind::u64;
    std::vector<std::optional<std::string>> found;
    if (numbers) {
      // Where there is none, each gives its own.
      const auto one = index_.labels_u64(items, 0, why_), two = index_.labels_u64(items, 1, why_);
      for (std::size_t i = 0; i < one.size(); i++)
        found.push_back(one[i] == two[i] ? std::optional(std::to_string(one[i])) : std::nullopt);
    } else {
      for (const auto& text : index_.labels(items, why_)) found.emplace_back(text);
    }
    const json* expected_labels = expected("labels");
    if (!expected_labels) return;
    CHECK(expected_labels->n == found.size());
    std::size_t i = 0;
    for (const json* one = expected_labels->first; one && i < found.size(); one = one->next, i++) {
      if (one->kind == 'n') CHECK(!found[i]);
      else CHECK(found[i] && (one->kind == '"') != numbers && *found[i] == (numbers ? std::to_string(json_uint64(one)) : text_of(one)));
    }
  }
  void find_label() {
    expect("item", static_cast<double>(is_label_text() ? index_.find_label(text_of(get("label")), why_)
                                                       : index_.find_label(json_uint64(get("label")), why_)));
  }
  void label_counts() {
    static const char* const kinds[] = {"none", "u64", "utf8"};
    expect("kind", std::string(kinds[static_cast<int>(index_.label_kind())]));
    expect("n_labels", static_cast<double>(index_.n_labels()));
    expect("n_removed", static_cast<double>(index_.n_removed()));
  }
  void remove_item() { check_bool(index_.remove(integer("item"), why_)); }
  void restore_item() { check_bool(index_.restore(integer("item"), why_)); }
  void is_removed() {
    const json* value = expected("removed");
    CHECK(!value || (value->kind == 't') == index_.is_removed(integer("item")));
  }
  void has_items() {
    std::string present;
    for (const std::int64_t item : list<std::int64_t>(get("items"))) present += index_.has_item(item) ? '1' : '0';
    expect("present", present);
  }
  void get_ids() { expect_list(expected("ids"), index_.ids(why_)); }
  void estimate_recall() {
    expect("recall", index_.estimate_recall(size("n_sample"), size("n"), integer("search_k"),
                                            json_uint64(get("seed")), annoy::work(), why_));
  }

  // What a call returns and what it leaves in the failure are the same.
  void check_bool(bool good) const { CHECK(good == !why_); }

  std::string directory_;
  annoy::index index_;
  const json* step_ = nullptr;
  annoy::failure why_;
};

}  // namespace

TEST(conformance) {
  long n_cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(CONFORMANCE)) {
    if (entry.path().extension() != ".json") continue;
    char* text;
    json* cases = json_file(entry.path().c_str(), &text);
    for (const json* one = cases->first; one; one = one->next) {
      runner run(json_get(one, "index"), check::in_scratch(std::to_string(n_cases++) + "-"));
      int number = 0;
      for (const json* step = json_get(one, "steps")->first; step; step = step->next, number++) {
        const long before = check::failed_here;
        run.take(step);
        if (check::failed_here > before)
          std::printf("    %s, \"%s\", step %d, %s\n", entry.path().c_str(), json_get(one, "name")->text, number,
                      json_get(step, "call")->text);
      }
    }
    json_free(cases);
    std::free(text);
  }
  CHECK(n_cases >= 11 * 2 * 8);
}
