// annoy_rs for C++17 and up: approximate nearest neighbours in memory-mapped files.
//
//   annoy::index index(annoy::metric::angular, 3);
//   index.add_item(0, {1, 0, 0});                      // or a std::vector<float>, std::array, C array, std::span, ...
//   index.add_item(1, {0, 1, 0});
//   index.build(10);
//   for (auto [id, distance] : index.search({1, 0.1, 0}, 2)) ...
//   index.save("two.ann");
//
// A thin layer over annoy.h, which has the full story of every call; link with libannoy_rs.
//
// Errors: what can fail has two forms, as in <filesystem>. One throws annoy::error. The other takes an annoy::failure
// last, with no parameter left out before it ({} and annoy::automatic stand for the defaults), returns false or an
// empty result when it fails, and throws nothing of its own: only std::bad_alloc, where it makes a vector or a copy.
// Either way a call that fails leaves the index as it was and writes to no buffer.
//
// Vectors: spans of what the index holds: f() floats, f() doubles (scalar::f64), n_words() words of uint64_t (hamming,
// which takes f() floats or doubles too, one per bit). Anything else is status::unsupported. Nothing is copied on the
// way to the library. Numbers in braces are floats.
//
// Functions of the caller's (log, progress, filters) run on the thread that made the call and must not use the index.
// What progress or a filter throws comes out of the call, in both forms, with the index as before.
//
// Threads: const members may run at the same time on one index, from any threads. Anything else, moves and destruction
// included, needs the index to itself. Different indexes are independent.
//
// `using namespace annoy` makes plain `index` ambiguous where <strings.h> declares a function of that name.
#ifndef ANNOY_RS_ANNOY_HPP
#define ANNOY_RS_ANNOY_HPP

#if !defined(_MSVC_LANG) && __cplusplus < 201703L
#error "annoy_rs: annoy.hpp needs C++17 or later"
#endif

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "annoy.h"

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS) || defined(_CPPUNWIND)
#define ANNOY_RS_EXCEPTIONS 1
#else
#define ANNOY_RS_EXCEPTIONS 0
#endif

namespace annoy {

enum class metric : annoy_metric {
  angular = ANNOY_ANGULAR,      // sqrt(2 - 2 cos)
  euclidean = ANNOY_EUCLIDEAN,
  manhattan = ANNOY_MANHATTAN,
  hamming = ANNOY_HAMMING,      // differing bits; f is the number of bits
  dot = ANNOY_DOT,              // the inner product, largest first
};

// What the elements of stored vectors are.
enum class scalar : annoy_scalar {
  automatic = ANNOY_DEFAULT,  // f32, bits64 for hamming
  f32 = ANNOY_F32,
  f64 = ANNOY_F64,
  bits64 = ANNOY_BITS64,
  bits32 = ANNOY_BITS32,
  bits8 = ANNOY_BITS8,
};

// What a call came to. Newer libraries may know more.
enum class status : annoy_status {
  ok = ANNOY_OK,
  null = ANNOY_ERR_NULL,  // also: the index was moved from
  argument = ANNOY_ERR_ARGUMENT,
  dimension = ANNOY_ERR_DIMENSION,
  item = ANNOY_ERR_ITEM,
  state = ANNOY_ERR_STATE,
  io = ANNOY_ERR_IO,
  format = ANNOY_ERR_FORMAT,
  not_finite = ANNOY_ERR_NOT_FINITE,
  no_memory = ANNOY_ERR_NO_MEMORY,
  cancelled = ANNOY_ERR_CANCELLED,
  too_small = ANNOY_ERR_TOO_SMALL,
  unsupported = ANNOY_ERR_UNSUPPORTED,
  corrupt = ANNOY_ERR_CORRUPT,
  label = ANNOY_ERR_LABEL,  // there is no such label, or it is another item's
  panic = ANNOY_ERR_PANIC,
};

enum class load_flags : std::uint64_t {
  none = 0,
  prefault = ANNOY_LOAD_PREFAULT,  // read the whole file in at once
  copy = ANNOY_LOAD_COPY,          // to memory of the process: what happens to the file then is of no concern
};

enum class label_kind : annoy_label_kind {
  none = ANNOY_LABELS_NONE,
  u64 = ANNOY_LABELS_U64,
  utf8 = ANNOY_LABELS_UTF8,
};

enum class log_level : std::int32_t {
  error = ANNOY_LOG_ERROR,  // a long call failed
  warn = ANNOY_LOG_WARN,    // something that may not be what was meant
  info = ANNOY_LOG_INFO,    // what was done
  debug = ANNOY_LOG_DEBUG,  // what is about to be done
};

// Hears what an index does; the text is gone after the call.
using log_function = std::function<void(log_level, std::string_view)>;

// For n_trees, n_threads and search_k: the library chooses.
inline constexpr int automatic = -1;

// How an index lays out its file. Metric and f have to be set.
struct options {
  annoy::metric metric{};
  std::size_t f = 0;  // numbers, or bits for hamming
  annoy::scalar scalar = annoy::scalar::automatic;
  std::int32_t id_bits = 32;  // 32 or 64
};

// One result. Distances have the type of the query: float, double, and float for words.
template <class Distance>
struct basic_neighbor {
  std::int64_t id;
  Distance distance;
  friend bool operator==(const basic_neighbor& a, const basic_neighbor& b) noexcept {
    return a.id == b.id && !(a.distance < b.distance) && !(b.distance < a.distance);
  }
  friend bool operator!=(const basic_neighbor& a, const basic_neighbor& b) noexcept { return !(a == b); }
};
using neighbor = basic_neighbor<float>;
using neighbor_f64 = basic_neighbor<double>;

// Something wrong in an index. node is -1 when it is about a section or the file as a whole.
struct fault {
  std::int64_t node;
  std::string text;
};

// What verifying has found: the first faults, and how many there are.
struct faults_found {
  std::vector<fault> first;
  std::size_t count = 0;
};

// The facts about an index.
struct info {
  std::int64_t n_items = 0;        // the largest id plus one
  std::int64_t n_present = 0;      // items that are not missing
  std::int64_t n_trees = 0;
  std::int64_t n_nodes = 0;        // all: items, splits, leaves, copies of roots, and what says what the file is
  std::int64_t n_splits = 0;       // of all trees
  std::int64_t n_coin_splits = 0;  // those by coin tosses, where no plane was found
  std::int64_t n_leaves = 0;       // of all trees
  std::int64_t depth = 0;          // nodes from a root to the farthest item, without the item
  std::uint64_t bytes = 0;         // in memory, or of the file
  std::uint64_t node_size = 0;     // in bytes
  std::uint64_t max_leaf = 0;      // the most items in a leaf: Annoy's K
  double leaf_fill = 0;            // mean share of that, 0 to 1
  double imbalance = 0;            // mean share of a split's items on its larger side, 0.5 to 1
  std::optional<std::uint64_t> seed;  // of the build, where that is known
  std::int64_t n_removed = 0;         // items marked as removed; n_present counts them too
  std::int64_t graph_degree = 0;      // neighbours of an item at the most in the graph; 0 when there is none
  std::int64_t graph_code_bytes = 0;  // of an item's code, which walks of the graph compare; 0: they compare vectors
  std::optional<double> graph_recall; // share of the nearest 10 found when the graph was tried
  bool is_loaded = false;             // from a file
  bool is_described = false;          // and that says what it is: it has checksums, and index::open opens it
};

// What a file may be: an index made with `options` can load it.
struct kind {
  annoy::options options;
  std::int64_t n_items = 0;
  std::int64_t n_trees = 0;
  std::string layout;  // Annoy's version of it: "1.17", "1.16 (packed)" or "main"
};

[[nodiscard]] inline const char* status_name(status which) noexcept {
  return annoy_status_name(static_cast<annoy_status>(which));
}

// The category of std::error_code for annoy::status.
[[nodiscard]] inline const std::error_category& status_category() noexcept {
  class category final : public std::error_category {
    const char* name() const noexcept override { return "annoy"; }
    std::string message(int code) const override { return annoy_status_name(code); }
    std::error_condition default_error_condition(int code) const noexcept override {
      switch (static_cast<status>(code)) {
        case status::argument: return std::errc::invalid_argument;
        case status::no_memory: return std::errc::not_enough_memory;
        case status::cancelled: return std::errc::operation_canceled;
        case status::too_small: return std::errc::no_buffer_space;
        case status::unsupported: return std::errc::not_supported;
        default: return std::error_condition(code, *this);
      }
    }
  };
  static const category only;
  return only;
}

[[nodiscard]] inline std::error_code make_error_code(status which) noexcept {
  return std::error_code(static_cast<int>(which), status_category());
}

// What went wrong in the last call it was given to; false in a condition when that call succeeded.
class failure {
 public:
  failure() noexcept { clear(); }
  explicit operator bool() const noexcept { return raw_.code != ANNOY_OK; }
  [[nodiscard]] annoy::status status() const noexcept { return static_cast<annoy::status>(raw_.code); }
  // The operating system's error number, 0 if there was none.
  [[nodiscard]] int os_errno() const noexcept { return raw_.os_errno; }
  // What was wrong, what was found and what was expected: UTF-8.
  [[nodiscard]] const char* message() const noexcept { return raw_.message; }
  // The status; and the operating system's number, comparable with std::errc.
  [[nodiscard]] std::error_code code() const noexcept { return make_error_code(status()); }
  [[nodiscard]] std::error_code os_code() const noexcept { return {raw_.os_errno, std::system_category()}; }
  // Throws it as an annoy::error; where exceptions are off, says it on stderr and aborts.
  [[noreturn]] inline void raise() const;

  void clear() noexcept { set(annoy::status::ok, 0, ""); }

  // For calls of annoy.h: `why.record(annoy_build(index, 10, -1, why.native()))` is true when the call succeeded.
  [[nodiscard]] annoy_error* native() noexcept { return &raw_; }
  bool record(annoy_status returned) noexcept {
    if (returned != ANNOY_OK) return false;
    clear();
    return true;
  }
  // Makes it a failure of the caller's own; returns false.
  bool set(annoy::status which, int os_errno, const char* message) noexcept {
    raw_.code = static_cast<annoy_status>(which);
    raw_.os_errno = os_errno;
    raw_.message[std::string_view(message).copy(raw_.message, sizeof raw_.message - 1)] = '\0';
    return false;
  }

 private:
  annoy_error raw_;
};

// What the throwing forms throw. what() is the message.
class error : public std::runtime_error {
 public:
  explicit error(const failure& why)
      : std::runtime_error(why.message()), status_(why.status()), os_errno_(why.os_errno()) {}
  [[nodiscard]] annoy::status status() const noexcept { return status_; }
  [[nodiscard]] int os_errno() const noexcept { return os_errno_; }
  [[nodiscard]] std::error_code code() const noexcept { return make_error_code(status_); }
  [[nodiscard]] std::error_code os_code() const noexcept { return {os_errno_, std::system_category()}; }

 private:
  annoy::status status_;
  int os_errno_;
};

inline void failure::raise() const {
#if ANNOY_RS_EXCEPTIONS
  throw error(*this);
#else
  std::fprintf(stderr, "annoy: %s\n", message());
  std::abort();
#endif
}

// A view of elements that someone else holds, as std::span, which C++17 lacks. Made from a pointer and a length, a C
// array, or anything with data() and size() over such elements: std::vector, std::array, std::span.
template <class T>
class span {
  template <class U>
  using fits = std::enable_if_t<std::is_convertible_v<std::remove_pointer_t<U> (*)[], T (*)[]>>;

 public:
  constexpr span() noexcept = default;
  constexpr span(T* data, std::size_t size) noexcept : data_(data), size_(size) {}
  template <std::size_t N>
  constexpr span(T (&elements)[N]) noexcept : data_(elements), size_(N) {}
  template <class C, class = fits<decltype(std::declval<C&>().data())>, class = decltype(std::declval<C&>().size())>
  constexpr span(C& container) noexcept : data_(container.data()), size_(container.size()) {}
  template <class C, class = fits<decltype(std::declval<const C&>().data())>,
            class = decltype(std::declval<const C&>().size())>
  constexpr span(const C& container) noexcept : data_(container.data()), size_(container.size()) {}

  [[nodiscard]] constexpr T* data() const noexcept { return data_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] constexpr T& operator[](std::size_t i) const noexcept { return data_[i]; }
  [[nodiscard]] constexpr T* begin() const noexcept { return data_; }
  [[nodiscard]] constexpr T* end() const noexcept { return data_ + size_; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

// A view of vectors of the same length. Made from
// - {pointer, n_rows, n_columns} or {pointer, n_rows, n_columns, stride}: rows that are `stride` bytes apart (0: one
//   right behind the other), as inside an array of structs;
// - {span, n_columns}: one row right behind the other. A last row that is not whole makes add_items fail;
// - a container with data() and size() of std::array; a C array of C arrays.
template <class T>
class rows_view {
  template <class Row>
  struct is_row : std::false_type {};
  template <std::size_t N>
  struct is_row<std::array<T, N>> : std::true_type {};
  template <class C>
  using row_of = std::remove_cv_t<std::remove_pointer_t<decltype(std::declval<const C&>().data())>>;

 public:
  constexpr rows_view(const T* data, std::size_t n_rows, std::size_t n_columns, std::size_t stride = 0) noexcept
      : data_(data), n_rows_(n_rows), n_columns_(n_columns), stride_(stride) {}
  constexpr rows_view(span<const T> elements, std::size_t n_columns) noexcept
      : data_(elements.data()),
        n_rows_(n_columns ? elements.size() / n_columns : 0),
        n_columns_(n_columns),
        whole_(n_rows_ * n_columns == elements.size()) {}
  template <std::size_t R, std::size_t C>
  constexpr rows_view(const T (&rows)[R][C]) noexcept : data_(rows[0]), n_rows_(R), n_columns_(C) {}
  template <class C, class Row = row_of<C>, class = std::enable_if_t<is_row<Row>::value>>
  constexpr rows_view(const C& rows) noexcept
      : data_(rows.size() ? rows.data()->data() : nullptr),
        n_rows_(rows.size()),
        n_columns_(std::tuple_size<Row>::value),
        stride_(sizeof(Row)) {}

  [[nodiscard]] constexpr const T* data() const noexcept { return data_; }
  [[nodiscard]] constexpr std::size_t n_rows() const noexcept { return n_rows_; }
  [[nodiscard]] constexpr std::size_t n_columns() const noexcept { return n_columns_; }
  [[nodiscard]] constexpr std::size_t stride() const noexcept { return stride_; }
  [[nodiscard]] constexpr bool whole() const noexcept { return whole_; }

 private:
  const T* data_;
  std::size_t n_rows_, n_columns_, stride_ = 0;
  bool whole_ = true;
};

// The views that members take: numbers, words of 64 bits, ids.
using floats = span<const float>;
using doubles = span<const double>;
using words = span<const std::uint64_t>;
using item_ids = span<const std::int64_t>;

// What a long call is doing, and what it counts meanwhile. Newer libraries may know more.
enum class stage : annoy_stage {
  add = ANNOY_STAGE_ADD,        // items
  build = ANNOY_STAGE_BUILD,    // steps that take about as long as each other
  search = ANNOY_STAGE_SEARCH,  // queries
  save = ANNOY_STAGE_SAVE,      // bytes
  verify = ANNOY_STAGE_VERIFY,  // nodes
  graph = ANNOY_STAGE_GRAPH,    // items, each many times
};

// Hears how much is done of how much there is to do. What is done never becomes less.
using progress_function = std::function<void(stage, std::uint64_t done, std::uint64_t total)>;

// Tells long calls to give up: they fail with status::cancelled, and so do later ones. Any thread may set it at any
// time.
class cancel {
 public:
  // Without memory it is one that nothing can set.
  cancel() noexcept : token_(annoy_cancel_new()) {}
  void set() const noexcept { annoy_cancel_set(token_.get()); }
  [[nodiscard]] const annoy_cancel* native_handle() const noexcept { return token_.get(); }

 private:
  struct free {
    void operator()(annoy_cancel* token) const noexcept { annoy_cancel_free(token); }
  };
  std::unique_ptr<annoy_cancel, free> token_;
};

// How a long call is to work.
struct work {
  std::int32_t n_threads = automatic;
  const annoy::cancel* cancel = nullptr;  // set when `progress` throws
  progress_function progress;
};

// How a graph is built; 0 stands for the default. The first three decide how much is found, the others how long it
// takes.
struct graph_options {
  std::int32_t degree = 0;      // neighbours of an item at the most, 1 to 255; by default 32
  std::int32_t candidates = 0;  // nearest neighbours they are chosen from, 1 to 1,024; by default 48
  double alpha = 0;             // slack of that choice, 1 to 16: with more, longer ways are kept beside short ones; 1.2
  std::int32_t rounds = 0;      // of NN-descent at the most, 1 to 1,000; by default 6
  std::int32_t sample = 0;      // neighbours that a round takes of a list, 1 to 255; by default 12
  std::int32_t n_trees = 0;     // whose leaves are made use of; by default 10
};

// What a search goes through.
enum class search_way : annoy_method {
  fastest = ANNOY_METHOD_DEFAULT,  // the graph where there is one, else the trees
  forest = ANNOY_METHOD_FOREST,  // the trees, as Annoy does
  graph = ANNOY_METHOD_GRAPH,    // status::state where there is none
  exact = ANNOY_METHOD_EXACT,    // all items that may be found
};

// What a search is to find, and among which items: those that pass everything that is set. Items that do not pass do
// not count for search_k. What the views show has to stay until the search is done.
struct search_options {
  std::int64_t search_k = automatic;          // the number of candidates looked at
  std::optional<double> max_distance;         // no results farther than this; for dot, none of a smaller inner product
  item_ids exclude;                           // ids that are not wanted
  bool exclude_self = false;                  // searches from an item leave that out
  words bitmap;                               // a bit for each item, the first lowest in the first word; empty for none
  bool deny = false;                          // its ones are the items that may not be found, instead of those that may
  std::function<bool(std::int64_t)> filter;   // asked about items that pass all else; keeps a batch on one thread
  search_way way = search_way::fastest;
};

// The results of many queries, in rows of n, each filled up with -1 and NaN.
template <class Distance>
struct basic_batch {
  std::size_t n = 0;
  std::vector<std::int64_t> ids;
  std::vector<Distance> distances;
  std::vector<std::size_t> found;  // how many in each row
  // Those of one query.
  [[nodiscard]] std::vector<basic_neighbor<Distance>> operator[](std::size_t query) const {
    std::vector<basic_neighbor<Distance>> row(found[query]);
    for (std::size_t i = 0; i < row.size(); i++) row[i] = {ids[query * n + i], distances[query * n + i]};
    return row;
  }
};
using batch = basic_batch<float>;
using batch_f64 = basic_batch<double>;

// A view of bytes that someone else holds. Made from a pointer and a length, or anything with data() and size() over
// std::byte, char or unsigned char: std::vector, std::string, std::string_view, std::span.
class bytes_view {
  template <class C>
  using element = std::remove_cv_t<std::remove_pointer_t<decltype(std::declval<const C&>().data())>>;
  template <class T>
  using is_byte = std::enable_if_t<std::is_same_v<T, std::byte> || std::is_same_v<T, char> ||
                                   std::is_same_v<T, unsigned char>>;

 public:
  constexpr bytes_view() noexcept = default;
  constexpr bytes_view(const void* data, std::size_t size) noexcept : data_(data), size_(size) {}
  template <class C, class = is_byte<element<C>>, class = decltype(std::declval<const C&>().size())>
  constexpr bytes_view(const C& container) noexcept : data_(container.data()), size_(container.size()) {}

  [[nodiscard]] constexpr const void* data() const noexcept { return data_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }

 private:
  const void* data_ = nullptr;
  std::size_t size_ = 0;
};

namespace detail {

template <class T>
struct element {
  static_assert(!sizeof(T), "annoy: elements are float, double or std::uint64_t, distances float or double");
};
template <>
struct element<float> {
  static constexpr annoy_element number = ANNOY_ELEMENT_F32;
  using distance = float;
};
template <>
struct element<double> {
  static constexpr annoy_element number = ANNOY_ELEMENT_F64;
  using distance = double;
};
template <>
struct element<std::uint64_t> {
  static constexpr annoy_element number = ANNOY_ELEMENT_BITS;
  using distance = float;
};

template <class T>
annoy_vectors vectors(const T* data, std::size_t n, std::size_t len, std::size_t stride = 0) noexcept {
  annoy_vectors raw{};
  raw.struct_size = sizeof raw;
  raw.data = const_cast<T*>(data);
  raw.element = element<T>::number;
  raw.n = n;
  raw.len = len;
  raw.stride = stride;
  return raw;
}

template <class Distance>
annoy_results results(std::size_t n, std::int64_t* ids, Distance* distances, std::size_t* counts) noexcept {
  static_assert(!std::is_same_v<Distance, std::uint64_t>, "annoy: distances are float or double");
  annoy_results raw{};
  raw.struct_size = sizeof raw;
  raw.ids = ids;
  raw.distances = distances;
  raw.distance_element = element<Distance>::number;
  raw.counts = counts;
  raw.n = n;
  return raw;
}

// The throwing forms, made from the others.
template <class Call>
void done(Call call) {
  failure why;
  if (!call(why)) why.raise();
}
template <class Call>
auto made(Call call) {
  failure why;
  auto result = call(why);
  if (why) why.raise();
  return result;
}

// Keeps what a function of the caller's throws while the library, through which nothing may be thrown, is at work.
class keeper {
 public:
  // False when it threw, now or before.
  template <class Function>
  bool run(Function function) noexcept {
#if ANNOY_RS_EXCEPTIONS
    if (thrown_) return false;
    try {
      function();
    } catch (...) {
      thrown_ = std::current_exception();
      return false;
    }
#else
    function();
#endif
    return true;
  }
  void rethrow() {
#if ANNOY_RS_EXCEPTIONS
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
#endif
  }

 private:
  std::exception_ptr thrown_;
};

// An annoy_work, for one call.
class worker {
 public:
  explicit worker(const work& given) : given_(given) {
    raw_.struct_size = sizeof raw_;
    raw_.n_threads = given.n_threads;
    raw_.cancel = given.cancel ? given.cancel->native_handle() : nullptr;
    if (given.progress) {
      if (!given.cancel) raw_.cancel = own_.emplace().native_handle();
      raw_.progress = &tell;
      raw_.progress_user = this;
    }
  }
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;
  [[nodiscard]] const annoy_work* native() const noexcept { return &raw_; }
  void give_up() const noexcept { annoy_cancel_set(raw_.cancel); }
  void rethrow() { kept_.rethrow(); }

 private:
  static void tell(void* user, annoy_stage which, std::uint64_t done, std::uint64_t total) noexcept {
    worker& self = *static_cast<worker*>(user);
    if (!self.kept_.run([&] { self.given_.progress(static_cast<stage>(which), done, total); })) self.give_up();
  }
  const work& given_;
  annoy_work raw_{};
  std::optional<cancel> own_;
  keeper kept_;
};

// Runs a long call of annoy.h.
template <class Call>
bool with_work(const work& how, Call call) {
  worker at_work(how);
  const bool good = call(at_work.native());
  at_work.rethrow();
  return good;
}

// An annoy_search_options, for one call.
class searcher {
 public:
  searcher(const search_options& given, std::int64_t n_items) : given_(given) {
    raw_.struct_size = sizeof raw_;
    if (given.exclude_self) raw_.flags |= ANNOY_SEARCH_EXCLUDE_SELF;
    if (given.max_distance) raw_.flags |= ANNOY_SEARCH_MAX_DISTANCE;
    if (given.deny) raw_.flags |= ANNOY_SEARCH_DENY;
    raw_.method = static_cast<annoy_method>(given.way);
    raw_.search_k = given.search_k;
    raw_.max_distance = given.max_distance.value_or(0);
    raw_.bitmap = given.bitmap.empty() ? nullptr : given.bitmap.data();
    // As many bits as there are items, where the words are as many as these take.
    const auto bits = static_cast<std::size_t>(n_items);
    const bool fits = given.bitmap.size() == bits / 64 + (bits % 64 != 0);
    raw_.bitmap_bits = fits ? bits : given.bitmap.size() * 64;
    raw_.exclude = given.exclude.data();
    raw_.n_exclude = given.exclude.size();
    if (given.filter) {
      raw_.filter = &ask;
      raw_.filter_user = this;
    }
  }
  searcher(const searcher&) = delete;
  searcher& operator=(const searcher&) = delete;
  void set_work(const worker& at_work) noexcept { at_work_ = &at_work; }
  [[nodiscard]] const annoy_search_options* native() const noexcept { return &raw_; }
  void rethrow() { kept_.rethrow(); }

 private:
  static std::int32_t ask(void* user, std::int64_t item) noexcept {
    searcher& self = *static_cast<searcher*>(user);
    bool accepted = false;
    if (self.kept_.run([&] { accepted = self.given_.filter(item); })) return accepted;
    if (self.at_work_) self.at_work_->give_up();
    return 0;
  }
  const search_options& given_;
  annoy_search_options raw_{};
  const worker* at_work_ = nullptr;
  keeper kept_;
};

// Paths go to the library as they are where the system's characters are bytes, else as UTF-8.
inline constexpr bool path_is_bytes = std::is_same_v<std::filesystem::path::value_type, char>;

template <class Path, class Call>
bool with_path(const Path& path, failure& why, Call call) noexcept(path_is_bytes) {
  if (path.native().find(typename Path::value_type()) != Path::string_type::npos)
    return why.set(status::argument, 0, "path: found a NUL character in it, expected none");
  if constexpr (path_is_bytes) {
    return why.record(call(path.c_str()));
  } else {
    const auto text = path.u8string();
    return why.record(call(reinterpret_cast<const char*>(text.c_str())));
  }
}

// Runs a call of annoy.h that looks for faults, with room for `most`. Faults are what was asked for, and no failure.
template <class Call>
faults_found collect_faults(std::size_t most, failure& why, Call call) {
  std::vector<annoy_fault> raw(most);
  faults_found found;
  if (!call(raw.data(), raw.size(), &found.count) && why.status() == status::corrupt) why.clear();
  if (why) return {};
  raw.resize(std::min(most, found.count));
  for (const annoy_fault& one : raw) found.first.push_back({one.node, one.text});
  return found;
}

}  // namespace detail

// An index. Movable, not copyable. One that was moved from, or made without arguments, holds nothing: calls on it fail
// with status::null, its counts are 0.
class index {
 public:
  using path = std::filesystem::path;

  // Making.

  index() noexcept = default;
  // An empty index with Annoy's usual types: f32 (64-bit words for hamming) and 32-bit ids. f is the length of the
  // vectors: 1 to 65,536 numbers, for hamming 1 to 4,194,304 bits. Errors: argument, unsupported. The form with a
  // failure then leaves an index that holds nothing.
  index(annoy::metric metric, std::size_t f) {
    detail::done([&](failure& why) { return make(metric, f, why); });
  }
  index(annoy::metric metric, std::size_t f, failure& why) noexcept { make(metric, f, why); }
  explicit index(const options& wanted) {
    detail::done([&](failure& why) { return make(wanted, why); });
  }
  index(const options& wanted, failure& why) noexcept { make(wanted, why); }

  // Opens a file that says what it is, as all files of this library do: metric, f and types are those of the file. See
  // load(). Errors: argument; io; format, also for a file by Annoy itself, which annoy::probe helps with; unsupported;
  // no_memory. The form with a failure then gives an index that holds nothing.
  [[nodiscard]] static index open(const path& file, load_flags flags, failure& why) noexcept(detail::path_is_bytes) {
    index opened;
    detail::with_path(file, why, [&](const char* name) noexcept {
      annoy_index* handle = nullptr;
      const annoy_status status = annoy_open(name, static_cast<std::uint64_t>(flags), &handle, why.native());
      opened.handle_.reset(handle);
      return status;
    });
    return opened;
  }
  [[nodiscard]] static index open(const path& file, load_flags flags = load_flags::none) {
    return detail::made([&](failure& why) { return open(file, flags, why); });
  }

  // The same of a file's bytes in memory. See load_from_buffer(). Errors: argument; format; unsupported; no_memory.
  [[nodiscard]] static index open_buffer(bytes_view bytes, load_flags flags, failure& why) noexcept {
    index opened;
    annoy_index* handle = nullptr;
    why.record(annoy_open_buffer(bytes.data(), bytes.size(), static_cast<std::uint64_t>(flags), &handle, why.native()));
    opened.handle_.reset(handle);
    return opened;
  }
  [[nodiscard]] static index open_buffer(bytes_view bytes, load_flags flags = load_flags::none) {
    return detail::made([&](failure& why) { return open_buffer(bytes, flags, why); });
  }

  index(index&&) noexcept = default;
  index& operator=(index&& other) noexcept {
    index(std::move(other)).swap(*this);
    return *this;
  }
  // Removes a file being built on disk unless its build was completed.
  ~index() = default;
  void swap(index& other) noexcept {
    log_.swap(other.log_);
    handle_.swap(other.handle_);
  }
  friend void swap(index& a, index& b) noexcept { a.swap(b); }

  // Whether it holds an index.
  explicit operator bool() const noexcept { return handle_ != nullptr; }
  // For calls of annoy.h; it stays this object's to free, and its log this object's to set.
  [[nodiscard]] annoy_index* native_handle() noexcept { return handle_.get(); }
  [[nodiscard]] const annoy_index* native_handle() const noexcept { return handle_.get(); }

  // Questions that cannot fail.

  // The largest id plus one, missing ones included.
  [[nodiscard]] std::int64_t n_items() const noexcept { return annoy_get_n_items(native_handle()); }
  // 0 before the build.
  [[nodiscard]] std::int64_t n_trees() const noexcept { return annoy_get_n_trees(native_handle()); }
  // Length of the vectors: numbers, or bits for hamming; and the words of 64 bits that so many bits take.
  [[nodiscard]] std::size_t f() const noexcept { return annoy_get_f(native_handle()); }
  [[nodiscard]] std::size_t n_words() const noexcept { return f() / 64 + (f() % 64 != 0); }
  // metric{} and scalar::automatic, which no other has, for an index that holds nothing.
  [[nodiscard]] annoy::metric metric() const noexcept {
    return static_cast<annoy::metric>(annoy_get_metric(native_handle()));
  }
  [[nodiscard]] annoy::scalar scalar() const noexcept {
    return static_cast<annoy::scalar>(annoy_get_scalar(native_handle()));
  }
  [[nodiscard]] std::int32_t id_bits() const noexcept { return annoy_get_id_bits(native_handle()); }

  // Settings.

  // The seed of the next build; stays through save, load and unload.
  [[nodiscard]] bool set_seed(std::uint64_t seed, failure& why) noexcept {
    return why.record(annoy_set_seed(native_handle(), seed, why.native()));
  }
  void set_seed(std::uint64_t seed) {
    detail::done([&](failure& why) { return set_seed(seed, why); });
  }

  // Who hears what the index does; an empty function for silence, which is the default. It is kept until it is replaced
  // or the index is gone. It is called on the thread that made the call it reports on, must be good for calls from
  // several threads at a time when the index is used so, and must not use the index. What it throws goes no further.
  // It hears messages of this level and the more important ones. Errors: argument.
  [[nodiscard]] bool set_log(log_function log, failure& why, log_level most = log_level::info) {
    // In memory of its own, so that its address stays when the index moves.
    auto kept = log ? std::make_unique<log_function>(std::move(log)) : nullptr;
    if (!why.record(annoy_set_log(native_handle(), static_cast<std::int32_t>(most), kept ? &hear : nullptr, kept.get(),
                                  why.native()))) return false;
    log_ = std::move(kept);
    return true;
  }
  void set_log(log_function log, log_level most = log_level::info) {
    detail::done([&](failure& why) { return set_log(std::move(log), why, most); });
  }

  // Items.

  // Adds an item, or replaces it. Ids start at 0 and come in any order; space is taken for all up to the largest.
  // Errors: state when built or loaded; item; dimension; not_finite; unsupported (see above); argument for words with a
  // bit past f; no_memory; io (on-disk build).
  [[nodiscard]] bool add_item(std::int64_t item, floats v, failure& why) noexcept { return add(item, v, why); }
  [[nodiscard]] bool add_item(std::int64_t item, doubles v, failure& why) noexcept { return add(item, v, why); }
  [[nodiscard]] bool add_item(std::int64_t item, words v, failure& why) noexcept { return add(item, v, why); }
  [[nodiscard]] bool add_item(std::int64_t item, std::initializer_list<float> v, failure& why) noexcept {
    return add(item, view(v), why);
  }
  void add_item(std::int64_t item, floats v) { add(item, v); }
  void add_item(std::int64_t item, doubles v) { add(item, v); }
  void add_item(std::int64_t item, words v) { add(item, v); }
  void add_item(std::int64_t item, std::initializer_list<float> v) { add(item, view(v)); }

  // Adds many items, all or none; see rows_view. Without ids they follow the last item; else there is one for each row,
  // and of rows with the same id the last counts. Errors: as add_item; argument when there are not as many ids as rows.
  [[nodiscard]] bool add_items(rows_view<float> rows, failure& why) noexcept { return add(rows, why); }
  [[nodiscard]] bool add_items(rows_view<double> rows, failure& why) noexcept { return add(rows, why); }
  [[nodiscard]] bool add_items(rows_view<std::uint64_t> rows, failure& why) noexcept { return add(rows, why); }
  [[nodiscard]] bool add_items(item_ids ids, rows_view<float> rows, failure& why) noexcept {
    return add(ids, rows, why);
  }
  [[nodiscard]] bool add_items(item_ids ids, rows_view<double> rows, failure& why) noexcept {
    return add(ids, rows, why);
  }
  [[nodiscard]] bool add_items(item_ids ids, rows_view<std::uint64_t> rows, failure& why) noexcept {
    return add(ids, rows, why);
  }
  void add_items(rows_view<float> rows) { add(rows); }
  void add_items(rows_view<double> rows) { add(rows); }
  void add_items(rows_view<std::uint64_t> rows) { add(rows); }
  void add_items(item_ids ids, rows_view<float> rows) { add(ids, rows); }
  void add_items(item_ids ids, rows_view<double> rows) { add(ids, rows); }
  void add_items(item_ids ids, rows_view<std::uint64_t> rows) { add(ids, rows); }

  // The same with progress and cancellation. Errors: as those; cancelled.
  [[nodiscard]] bool add_items(rows_view<float> rows, const work& how, failure& why) { return add(rows, how, why); }
  [[nodiscard]] bool add_items(rows_view<double> rows, const work& how, failure& why) { return add(rows, how, why); }
  [[nodiscard]] bool add_items(rows_view<std::uint64_t> rows, const work& how, failure& why) {
    return add(rows, how, why);
  }
  [[nodiscard]] bool add_items(item_ids ids, rows_view<float> rows, const work& how, failure& why) {
    return add(ids, rows, how, why);
  }
  [[nodiscard]] bool add_items(item_ids ids, rows_view<double> rows, const work& how, failure& why) {
    return add(ids, rows, how, why);
  }
  [[nodiscard]] bool add_items(item_ids ids, rows_view<std::uint64_t> rows, const work& how, failure& why) {
    return add(ids, rows, how, why);
  }
  void add_items(rows_view<float> rows, const work& how) { add(rows, how); }
  void add_items(rows_view<double> rows, const work& how) { add(rows, how); }
  void add_items(rows_view<std::uint64_t> rows, const work& how) { add(rows, how); }
  void add_items(item_ids ids, rows_view<float> rows, const work& how) { add(ids, rows, how); }
  void add_items(item_ids ids, rows_view<double> rows, const work& how) { add(ids, rows, how); }
  void add_items(item_ids ids, rows_view<std::uint64_t> rows, const work& how) { add(ids, rows, how); }

  // Takes room for so many items ahead of need; their number stays. Errors: state when built or loaded; argument;
  // no_memory; io (on-disk build).
  [[nodiscard]] bool reserve(std::size_t n_items, failure& why) noexcept {
    return why.record(annoy_reserve(native_handle(), n_items, why.native()));
  }
  void reserve(std::size_t n_items) {
    detail::done([&](failure& why) { return reserve(n_items, why); });
  }

  // An item's vector; get_item<double>(3) for one of doubles. Floats and doubles of hamming are 0 and 1. A missing item
  // reads as zeros. Legal in every state. Errors: item; unsupported; dimension for a buffer not of the vector's size.
  template <class T = float>
  [[nodiscard]] std::vector<T> get_item(std::int64_t item, failure& why) const {
    std::vector<T> v(std::is_same_v<T, std::uint64_t> ? n_words() : f());
    if (!get(item, span<T>(v), why)) v.clear();
    return v;
  }
  template <class T = float>
  [[nodiscard]] std::vector<T> get_item(std::int64_t item) const {
    return detail::made([&](failure& why) { return get_item<T>(item, why); });
  }
  [[nodiscard]] bool get_item_into(std::int64_t item, span<float> v, failure& why) const noexcept {
    return get(item, v, why);
  }
  [[nodiscard]] bool get_item_into(std::int64_t item, span<double> v, failure& why) const noexcept {
    return get(item, v, why);
  }
  [[nodiscard]] bool get_item_into(std::int64_t item, span<std::uint64_t> v, failure& why) const noexcept {
    return get(item, v, why);
  }
  void get_item_into(std::int64_t item, span<float> v) const { get(item, v); }
  void get_item_into(std::int64_t item, span<double> v) const { get(item, v); }
  void get_item_into(std::int64_t item, span<std::uint64_t> v) const { get(item, v); }

  // The distance between two items, for dot their inner product; 0 on failure. Legal in every state. Errors: item.
  [[nodiscard]] double get_distance(std::int64_t i, std::int64_t j, failure& why) const noexcept {
    double distance = 0;
    why.record(annoy_get_distance(native_handle(), i, j, &distance, why.native()));
    return distance;
  }
  [[nodiscard]] double get_distance(std::int64_t i, std::int64_t j) const {
    return detail::made([&](failure& why) { return get_distance(i, j, why); });
  }

  // Trees and files.

  // Builds a forest over the items. More trees find better and make a larger file; `automatic` adds trees until there
  // are twice as many nodes as items, and starts a thread per processor. The same items, seed and n_trees give the same
  // bytes. Errors: state when built or loaded; argument for 0 or less than -1; no_memory; io (on-disk build).
  [[nodiscard]] bool build(std::int32_t n_trees, std::int32_t n_threads, failure& why) noexcept {
    return why.record(annoy_build(native_handle(), n_trees, n_threads, why.native()));
  }
  void build(std::int32_t n_trees, std::int32_t n_threads = automatic) {
    detail::done([&](failure& why) { return build(n_trees, n_threads, why); });
  }

  // The same with progress and cancellation. Errors: as those; cancelled.
  [[nodiscard]] bool build(std::int32_t n_trees, const work& how, failure& why) {
    return detail::with_work(how, [&](const annoy_work* raw) {
      return why.record(annoy_build_trees(native_handle(), n_trees, raw, why.native()));
    });
  }
  void build(std::int32_t n_trees, const work& how) {
    detail::done([&](failure& why) { return build(n_trees, how, why); });
  }

  // Builds a graph over the items of a built or loaded index, in place of the one it has. Searches then walk it, and
  // find more in less time. It goes along when the index is saved, where Annoy does not see it, and is gone when the
  // trees are. The same index and options give the same bytes. Errors: state when not built; argument; unsupported for
  // 2^31 items or more; corrupt when a loaded file turns out to be damaged; no_memory; cancelled.
  [[nodiscard]] bool build_graph(const graph_options& wanted, const work& how, failure& why) {
    annoy_graph_options raw{};
    raw.struct_size = sizeof raw;
    raw.degree = wanted.degree;
    raw.candidates = wanted.candidates;
    raw.alpha = wanted.alpha;
    raw.rounds = wanted.rounds;
    raw.sample = wanted.sample;
    raw.n_trees = wanted.n_trees;
    return detail::with_work(how, [&](const annoy_work* at_work) {
      return why.record(annoy_build_graph(native_handle(), &raw, at_work, why.native()));
    });
  }
  void build_graph(const graph_options& wanted = {}, const work& how = {}) {
    detail::done([&](failure& why) { return build_graph(wanted, how, why); });
  }

  // Takes the trees away, so that items can be added again. Errors: state when loaded, which thaw() is for; io.
  [[nodiscard]] bool unbuild(failure& why) noexcept { return why.record(annoy_unbuild(native_handle(), why.native())); }
  void unbuild() {
    detail::done([&](failure& why) { return unbuild(why); });
  }

  // Makes an index one that items can be added to, whatever its state was: a loaded one's items are copied to memory
  // and its trees dropped, a built one is unbuilt. Labels, marks of removed items, metadata and the seed stay. Errors:
  // not_finite or corrupt for a damaged file; no_memory; io.
  [[nodiscard]] bool thaw(failure& why) noexcept { return why.record(annoy_thaw(native_handle(), why.native())); }
  void thaw() {
    detail::done([&](failure& why) { return thaw(why); });
  }

  // Items and trees go to a file instead of to memory; to be called before items are added. build() completes the file.
  // Errors: state unless empty; argument for a path with a NUL in it; io.
  [[nodiscard]] bool on_disk_build(const path& file, failure& why) noexcept(detail::path_is_bytes) {
    return detail::with_path(file, why, [&](const char* name) noexcept {
      return annoy_on_disk_build(native_handle(), name, why.native());
    });
  }
  void on_disk_build(const path& file) {
    detail::done([&](failure& why) { return on_disk_build(file, why); });
  }

  // Writes a file, all or nothing (but see annoy_save) and durable; the index stays as it is. Errors: state when not
  // built; argument for a path with a NUL in it; io.
  [[nodiscard]] bool save(const path& file, failure& why) const noexcept(detail::path_is_bytes) {
    return detail::with_path(file, why, [&](const char* name) noexcept {
      return annoy_save(native_handle(), name, why.native());
    });
  }
  void save(const path& file) const {
    detail::done([&](failure& why) { return save(file, why); });
  }

  // The same with progress and cancellation. Errors: as those; cancelled, with what the file's name held before still
  // there.
  [[nodiscard]] bool save(const path& file, const work& how, failure& why) const {
    return detail::with_work(how, [&](const annoy_work* raw) {
      return detail::with_path(file, why, [&](const char* name) noexcept {
        return annoy_save_to(native_handle(), name, raw, why.native());
      });
    });
  }
  void save(const path& file, const work& how) const {
    detail::done([&](failure& why) { return save(file, how, why); });
  }

  // Saves, then loads the new file in place of what is in memory: what Annoy's own save does.
  [[nodiscard]] bool save_and_load(const path& file, load_flags flags, failure& why) noexcept(detail::path_is_bytes) {
    return detail::with_path(file, why, [&](const char* name) noexcept {
      return annoy_save_and_load(native_handle(), name, static_cast<std::uint64_t>(flags), nullptr, why.native());
    });
  }
  void save_and_load(const path& file, load_flags flags = load_flags::none) {
    detail::done([&](failure& why) { return save_and_load(file, flags, why); });
  }

  // Maps a file, ours or Annoy's, in place of whatever the index holds. Its metric, f and types must be the index's.
  // While it is mapped it must not be shortened or rewritten in place; replacing or removing it is fine. With
  // load_flags::copy anything may happen to it. Errors: argument; io; format; no_memory.
  [[nodiscard]] bool load(const path& file, load_flags flags, failure& why) noexcept(detail::path_is_bytes) {
    return detail::with_path(file, why, [&](const char* name) noexcept {
      return annoy_load(native_handle(), name, static_cast<std::uint64_t>(flags), why.native());
    });
  }
  void load(const path& file, load_flags flags = load_flags::none) {
    detail::done([&](failure& why) { return load(file, flags, why); });
  }

  // The bytes that save() writes. Errors: state when not built; no_memory.

  // How many they are; 0 on failure.
  [[nodiscard]] std::size_t saved_size(failure& why) const noexcept {
    std::size_t size = 0;
    const annoy_status status = annoy_save_to_buffer(native_handle(), nullptr, 0, &size, nullptr, why.native());
    why.record(status == ANNOY_ERR_TOO_SMALL ? ANNOY_OK : status);
    return size;
  }
  [[nodiscard]] std::size_t saved_size() const {
    return detail::made([&](failure& why) { return saved_size(why); });
  }
  // All of them; save_to_bytes<char>() for chars, or unsigned chars.
  template <class Byte = std::byte>
  [[nodiscard]] std::vector<Byte> save_to_bytes(failure& why) const {
    std::vector<Byte> bytes(saved_size(why));
    if (!why) write_to(bytes.data(), bytes.size(), why);
    if (why) bytes.clear();
    return bytes;
  }
  template <class Byte = std::byte>
  [[nodiscard]] std::vector<Byte> save_to_bytes() const {
    return detail::made([&](failure& why) { return save_to_bytes<Byte>(why); });
  }
  // To the start of a buffer; the number of them, 0 on failure. Errors also: too_small, which names both sizes.
  [[nodiscard]] std::size_t save_to_buffer(span<std::byte> buffer, failure& why) const noexcept {
    return write_to(buffer.data(), buffer.size(), why);
  }
  std::size_t save_to_buffer(span<std::byte> buffer) const {
    return detail::made([&](failure& why) { return save_to_buffer(buffer, why); });
  }

  // Loads the bytes of a file as load() loads the file, at any address. They are borrowed: they must stay where and as
  // they are until the index is gone, unloaded or thawed, or has loaded something else. With load_flags::copy they are
  // copied. Errors: argument, also for load_flags::prefault; format; no_memory.
  [[nodiscard]] bool load_from_buffer(bytes_view bytes, load_flags flags, failure& why) noexcept {
    return why.record(annoy_load_from_buffer(native_handle(), bytes.data(), bytes.size(),
                                             static_cast<std::uint64_t>(flags), why.native()));
  }
  void load_from_buffer(bytes_view bytes, load_flags flags = load_flags::none) {
    detail::done([&](failure& why) { return load_from_buffer(bytes, flags, why); });
  }

  // Bytes of the caller's that go along when the index is saved: at most 65,536, in any state. The file of an on-disk
  // build has those set before the build. Errors: argument.
  [[nodiscard]] bool set_metadata(std::string_view bytes, failure& why) noexcept {
    return why.record(annoy_set_metadata(native_handle(), bytes.data(), bytes.size(), why.native()));
  }
  [[nodiscard]] bool set_metadata(span<const std::byte> bytes, failure& why) noexcept {
    return why.record(annoy_set_metadata(native_handle(), bytes.data(), bytes.size(), why.native()));
  }
  void set_metadata(std::string_view bytes) {
    detail::done([&](failure& why) { return set_metadata(bytes, why); });
  }
  void set_metadata(span<const std::byte> bytes) {
    detail::done([&](failure& why) { return set_metadata(bytes, why); });
  }
  // Those last set, or those of the file loaded since.
  [[nodiscard]] std::string metadata(failure& why) const {
    std::string bytes;
    std::size_t size = 0;
    if (why.record(annoy_get_metadata(native_handle(), nullptr, 0, &size, why.native()))) return bytes;
    if (why.status() != annoy::status::too_small) return bytes;
    bytes.resize(size);
    if (!why.record(annoy_get_metadata(native_handle(), bytes.data(), size, &size, why.native()))) bytes.clear();
    return bytes;
  }
  [[nodiscard]] std::string metadata() const {
    return detail::made([&](failure& why) { return metadata(why); });
  }

  // Labels: the names that items have outside the index, numbers or strings of UTF-8, one kind in an index, no two
  // items alike. They go along when the index is saved, and are looked up in a loaded file where they lie. Legal in
  // every state. Errors: item for an id that the index does not have; label when another item has it, or when there is
  // none; unsupported for a number where labels are strings, and the other way; argument for what is not UTF-8;
  // no_memory; corrupt when a loaded file turns out to be damaged.

  [[nodiscard]] annoy::label_kind label_kind() const noexcept {
    return static_cast<annoy::label_kind>(annoy_get_label_kind(native_handle()));
  }
  [[nodiscard]] std::int64_t n_labels() const noexcept { return annoy_get_n_labels(native_handle()); }

  // In place of the one it had.
  [[nodiscard]] bool set_label(std::int64_t item, std::uint64_t label, failure& why) noexcept {
    return why.record(annoy_set_label_u64(native_handle(), item, label, why.native()));
  }
  [[nodiscard]] bool set_label(std::int64_t item, std::string_view label, failure& why) noexcept {
    return why.record(annoy_set_label(native_handle(), item, label.data(), label.size(), why.native()));
  }
  void set_label(std::int64_t item, std::uint64_t label) {
    detail::done([&](failure& why) { return set_label(item, label, why); });
  }
  void set_label(std::int64_t item, std::string_view label) {
    detail::done([&](failure& why) { return set_label(item, label, why); });
  }

  // Many, all or none: one for each of `ids`, or, without ids, for the first items. Items may swap theirs.
  [[nodiscard]] bool set_labels(words labels, failure& why) noexcept { return name(nullptr, labels, why); }
  [[nodiscard]] bool set_labels(span<const std::string_view> labels, failure& why) {
    return name(nullptr, labels, why);
  }
  [[nodiscard]] bool set_labels(span<const std::string> labels, failure& why) { return name(nullptr, labels, why); }
  [[nodiscard]] bool set_labels(item_ids ids, words labels, failure& why) noexcept {
    return one_each(ids, labels.size(), why) && name(ids.data(), labels, why);
  }
  [[nodiscard]] bool set_labels(item_ids ids, span<const std::string_view> labels, failure& why) {
    return one_each(ids, labels.size(), why) && name(ids.data(), labels, why);
  }
  [[nodiscard]] bool set_labels(item_ids ids, span<const std::string> labels, failure& why) {
    return one_each(ids, labels.size(), why) && name(ids.data(), labels, why);
  }
  template <class Labels>
  void set_labels(const Labels& labels) {
    detail::done([&](failure& why) { return set_labels(labels, why); });
  }
  template <class Labels>
  void set_labels(item_ids ids, const Labels& labels) {
    detail::done([&](failure& why) { return set_labels(ids, labels, why); });
  }

  // Take one away, or all: then those to come may be of the other kind.
  [[nodiscard]] bool clear_label(std::int64_t item, failure& why) noexcept {
    return why.record(annoy_clear_labels(native_handle(), &item, 1, why.native()));
  }
  void clear_label(std::int64_t item) {
    detail::done([&](failure& why) { return clear_label(item, why); });
  }
  [[nodiscard]] bool clear_labels(failure& why) noexcept {
    return why.record(annoy_clear_labels(native_handle(), nullptr, 0, why.native()));
  }
  void clear_labels() {
    detail::done([&](failure& why) { return clear_labels(why); });
  }

  // An item's label. A string is the index's own, and good until the next call that is not const.
  [[nodiscard]] std::uint64_t label_u64(std::int64_t item, failure& why) const noexcept {
    std::uint64_t label = 0;
    why.record(annoy_get_label_u64(native_handle(), item, &label, why.native()));
    return label;
  }
  [[nodiscard]] std::uint64_t label_u64(std::int64_t item) const {
    return detail::made([&](failure& why) { return label_u64(item, why); });
  }
  [[nodiscard]] std::string_view label(std::int64_t item, failure& why) const noexcept {
    const char* text = nullptr;
    std::size_t size = 0;
    why.record(annoy_get_label(native_handle(), item, &text, &size, why.native()));
    return {text, size};
  }
  [[nodiscard]] std::string_view label(std::int64_t item) const {
    return detail::made([&](failure& why) { return label(item, why); });
  }

  // Those of many items, such as a search found. An item without one, and the id -1, give `otherwise` or nothing.
  [[nodiscard]] std::vector<std::uint64_t> labels_u64(item_ids ids, std::uint64_t otherwise, failure& why) const {
    std::vector<std::uint64_t> found(ids.size());
    if (!why.record(
            annoy_get_labels_u64(native_handle(), ids.data(), ids.size(), otherwise, found.data(), why.native())))
      found.clear();
    return found;
  }
  [[nodiscard]] std::vector<std::uint64_t> labels_u64(item_ids ids, std::uint64_t otherwise = 0) const {
    return detail::made([&](failure& why) { return labels_u64(ids, otherwise, why); });
  }
  [[nodiscard]] std::vector<std::optional<std::string_view>> labels(item_ids ids, failure& why) const {
    std::vector<const char*> texts(ids.size());
    std::vector<std::size_t> sizes(ids.size());
    std::vector<std::optional<std::string_view>> found;
    if (!why.record(
            annoy_get_labels(native_handle(), ids.data(), ids.size(), texts.data(), sizes.data(), why.native())))
      return found;
    found.resize(ids.size());
    for (std::size_t i = 0; i < ids.size(); i++)
      if (texts[i]) found[i] = std::string_view(texts[i], sizes[i]);
    return found;
  }
  [[nodiscard]] std::vector<std::optional<std::string_view>> labels(item_ids ids) const {
    return detail::made([&](failure& why) { return labels(ids, why); });
  }

  // The item with a label; -1 in a failure.
  [[nodiscard]] std::int64_t find_label(std::uint64_t label, failure& why) const noexcept {
    std::int64_t item = -1;
    why.record(annoy_find_label_u64(native_handle(), label, &item, why.native()));
    return item;
  }
  [[nodiscard]] std::int64_t find_label(std::string_view label, failure& why) const noexcept {
    std::int64_t item = -1;
    why.record(annoy_find_label(native_handle(), label.data(), label.size(), &item, why.native()));
    return item;
  }
  [[nodiscard]] std::int64_t find_label(std::uint64_t label) const {
    return detail::made([&](failure& why) { return find_label(label, why); });
  }
  [[nodiscard]] std::int64_t find_label(std::string_view label) const {
    return detail::made([&](failure& why) { return find_label(label, why); });
  }

  // Removal: no search finds a removed item or starts from it. It can be read until the next build, which leaves it
  // out: then it is missing, without a label, and n_items() is as before. Legal in every state. Errors: item for an id
  // that the index does not have, or a missing item; no_memory.
  [[nodiscard]] bool remove_item(std::int64_t item, failure& why) noexcept {
    return why.record(annoy_remove_item(native_handle(), item, why.native()));
  }
  void remove_item(std::int64_t item) {
    detail::done([&](failure& why) { return remove_item(item, why); });
  }
  [[nodiscard]] bool restore_item(std::int64_t item, failure& why) noexcept {
    return why.record(annoy_restore_item(native_handle(), item, why.native()));
  }
  void restore_item(std::int64_t item) {
    detail::done([&](failure& why) { return restore_item(item, why); });
  }
  // Whether an id holds an item: one that is neither missing (a hole, or past the last) nor removed.
  [[nodiscard]] bool has_item(std::int64_t item) const noexcept { return annoy_has_item(native_handle(), item) != 0; }
  // The ids that do, ascending. Errors: no_memory.
  [[nodiscard]] std::vector<std::int64_t> ids(failure& why) const {
    std::vector<std::int64_t> found(static_cast<std::size_t>(n_items()));
    std::size_t n = 0;
    why.record(annoy_get_ids(native_handle(), found.data(), found.size(), &n, why.native()));
    found.resize(n);
    return found;
  }
  [[nodiscard]] std::vector<std::int64_t> ids() const {
    return detail::made([&](failure& why) { return ids(why); });
  }
  [[nodiscard]] bool is_removed(std::int64_t item) const noexcept {
    return annoy_is_removed(native_handle(), item) != 0;
  }
  [[nodiscard]] std::int64_t n_removed() const noexcept { return annoy_get_n_removed(native_handle()); }

  // Drops items, trees, metadata, labels and file. Metric, f, types, seed and log stay.
  [[nodiscard]] bool unload(failure& why) noexcept { return why.record(annoy_unload(native_handle(), why.native())); }
  void unload() {
    detail::done([&](failure& why) { return unload(why); });
  }

  // Looking at the whole of it.

  // Verifies a built or loaded index: checksums, kinds of nodes, ids, that each item is in every tree once, that values
  // are finite. Reads all of it. Errors: corrupt, with the first fault, when there is one; state when not built;
  // no_memory.
  [[nodiscard]] bool verify(failure& why) const noexcept {
    std::size_t count;
    return why.record(annoy_verify(native_handle(), nullptr, 0, &count, nullptr, why.native()));
  }
  void verify() const {
    detail::done([&](failure& why) { return verify(why); });
  }
  // The same with progress and cancellation. Errors: as those; cancelled.
  [[nodiscard]] bool verify(const work& how, failure& why) const {
    std::size_t count;
    return detail::with_work(how, [&](const annoy_work* raw) {
      return why.record(annoy_verify(native_handle(), nullptr, 0, &count, raw, why.native()));
    });
  }
  void verify(const work& how) const {
    detail::done([&](failure& why) { return verify(how, why); });
  }
  // The same for who wants to see the faults, up to `most` of them: they are not a failure then.
  [[nodiscard]] faults_found find_faults(std::size_t most, failure& why) const {
    return detail::collect_faults(most, why, [&](annoy_fault* faults, std::size_t capacity, std::size_t* count) {
      return why.record(annoy_verify(native_handle(), faults, capacity, count, nullptr, why.native()));
    });
  }
  [[nodiscard]] faults_found find_faults(std::size_t most = 100) const {
    return detail::made([&](failure& why) { return find_faults(most, why); });
  }

  // The facts. Walks all trees. Legal in every state. Errors: no_memory.
  [[nodiscard]] annoy::info info(failure& why) const noexcept {
    annoy_info raw{};
    raw.struct_size = sizeof raw;
    annoy::info facts;
    if (!why.record(annoy_get_info(native_handle(), &raw, why.native()))) return facts;
    facts.n_items = raw.n_items;
    facts.n_present = raw.n_present;
    facts.n_trees = raw.n_trees;
    facts.n_nodes = raw.n_nodes;
    facts.n_splits = raw.n_splits;
    facts.n_coin_splits = raw.n_coin_splits;
    facts.n_leaves = raw.n_leaves;
    facts.depth = raw.depth;
    facts.bytes = raw.bytes;
    facts.node_size = raw.node_size;
    facts.max_leaf = raw.max_leaf;
    facts.leaf_fill = raw.leaf_fill;
    facts.imbalance = raw.imbalance;
    if (raw.has_seed) facts.seed = raw.seed;
    facts.n_removed = raw.n_removed;
    facts.graph_degree = raw.graph_degree;
    facts.graph_code_bytes = raw.graph_code_bytes;
    if (raw.graph_recall >= 0) facts.graph_recall = raw.graph_recall;
    facts.is_loaded = raw.is_loaded != 0;
    facts.is_described = raw.is_described != 0;
    return facts;
  }
  [[nodiscard]] annoy::info info() const {
    return detail::made([&](failure& why) { return info(why); });
  }

  // The share of the true n nearest of an item that searches find, 0 to 1, over n_sample items chosen by `seed`; see
  // annoy_estimate_recall. Errors: state when not built; argument for 0 samples, an n of 0, a search_k below -1;
  // cancelled; corrupt when a loaded file turns out to be damaged; no_memory.
  [[nodiscard]] double estimate_recall(std::size_t n_sample, std::size_t n, std::int64_t search_k, std::uint64_t seed,
                                       const work& how, failure& why) const {
    double recall = 0;
    detail::with_work(how, [&](const annoy_work* raw) {
      return why.record(
          annoy_estimate_recall(native_handle(), n_sample, n, search_k, seed, raw, &recall, why.native()));
    });
    return recall;
  }
  [[nodiscard]] double estimate_recall(std::size_t n_sample, std::size_t n, std::int64_t search_k = automatic,
                                       std::uint64_t seed = 0, const work& how = {}) const {
    return detail::made([&](failure& why) { return estimate_recall(n_sample, n, search_k, seed, how, why); });
  }

  // Searches: the n nearest to a vector, or to an item (itself among them), nearest first, equal distances by id. Fewer
  // than n found is no error. search_k is the number of candidates looked at: more take longer and find better;
  // for `automatic` see annoy_get_nns_by_item.
  // Errors: state when not built; item; dimension; not_finite; unsupported; argument for a search_k below -1; corrupt
  // when a loaded file turns out to be damaged.

  using neighbors = std::vector<neighbor>;
  using neighbors_f64 = std::vector<neighbor_f64>;

  [[nodiscard]] neighbors search(floats query, std::size_t n, std::int64_t search_k, failure& why) const {
    return find(query, n, search_k, why);
  }
  [[nodiscard]] neighbors_f64 search(doubles query, std::size_t n, std::int64_t search_k, failure& why) const {
    return find(query, n, search_k, why);
  }
  [[nodiscard]] neighbors search(words query, std::size_t n, std::int64_t search_k, failure& why) const {
    return find(query, n, search_k, why);
  }
  [[nodiscard]] neighbors search(std::initializer_list<float> query, std::size_t n, std::int64_t search_k,
                                 failure& why) const {
    return find(view(query), n, search_k, why);
  }
  [[nodiscard]] neighbors search(floats query, std::size_t n, std::int64_t search_k = automatic) const {
    return find(query, n, search_k);
  }
  [[nodiscard]] neighbors_f64 search(doubles query, std::size_t n, std::int64_t search_k = automatic) const {
    return find(query, n, search_k);
  }
  [[nodiscard]] neighbors search(words query, std::size_t n, std::int64_t search_k = automatic) const {
    return find(query, n, search_k);
  }
  [[nodiscard]] neighbors search(std::initializer_list<float> query, std::size_t n,
                                 std::int64_t search_k = automatic) const {
    return find(view(query), n, search_k);
  }

  // search_item<double>(3, 10) gives distances as doubles.
  template <class Distance = float>
  [[nodiscard]] std::vector<basic_neighbor<Distance>> search_item(std::int64_t item, std::size_t n,
                                                                  std::int64_t search_k, failure& why) const {
    return gather<Distance>(n, [&](std::size_t room, span<std::int64_t> ids, span<Distance> distances) {
      return find_item_into(item, room, ids, distances, search_k, why);
    });
  }
  template <class Distance = float>
  [[nodiscard]] std::vector<basic_neighbor<Distance>> search_item(std::int64_t item, std::size_t n,
                                                                  std::int64_t search_k = automatic) const {
    return detail::made([&](failure& why) { return search_item<Distance>(item, n, search_k, why); });
  }

  // Among some of the items, or by a way of the caller's choice. Errors: as those; argument for a bitmap that has not a
  // bit for each item; state for search_way::graph without a graph.
  [[nodiscard]] neighbors search(floats query, std::size_t n, const search_options& among, failure& why) const {
    return find(query, n, among, why);
  }
  [[nodiscard]] neighbors_f64 search(doubles query, std::size_t n, const search_options& among, failure& why) const {
    return find(query, n, among, why);
  }
  [[nodiscard]] neighbors search(words query, std::size_t n, const search_options& among, failure& why) const {
    return find(query, n, among, why);
  }
  [[nodiscard]] neighbors search(floats query, std::size_t n, const search_options& among) const {
    return detail::made([&](failure& why) { return find(query, n, among, why); });
  }
  [[nodiscard]] neighbors_f64 search(doubles query, std::size_t n, const search_options& among) const {
    return detail::made([&](failure& why) { return find(query, n, among, why); });
  }
  [[nodiscard]] neighbors search(words query, std::size_t n, const search_options& among) const {
    return detail::made([&](failure& why) { return find(query, n, among, why); });
  }
  [[nodiscard]] neighbors search(std::initializer_list<float> query, std::size_t n, const search_options& among,
                                 failure& why) const {
    return find(view(query), n, among, why);
  }
  [[nodiscard]] neighbors search(std::initializer_list<float> query, std::size_t n, const search_options& among) const {
    return search(view(query), n, among);
  }
  template <class Distance = float>
  [[nodiscard]] std::vector<basic_neighbor<Distance>> search_item(std::int64_t item, std::size_t n,
                                                                  const search_options& among, failure& why) const {
    return find_among<Distance>(n, among, why, [&](const annoy_search_options* options, const annoy_results* into) {
      return annoy_search_items(native_handle(), &item, 1, options, into, nullptr, why.native());
    });
  }
  template <class Distance = float>
  [[nodiscard]] std::vector<basic_neighbor<Distance>> search_item(std::int64_t item, std::size_t n,
                                                                  const search_options& among) const {
    return detail::made([&](failure& why) { return search_item<Distance>(item, n, among, why); });
  }

  // Many at once, by several threads: the results are those of single searches. Nothing is found on failure. Errors: as
  // those, of the first query that fails; cancelled.
  [[nodiscard]] batch search_batch(rows_view<float> queries, std::size_t n, const search_options& among,
                                   const work& how, failure& why) const {
    return find_batch(queries, n, among, how, why);
  }
  [[nodiscard]] batch_f64 search_batch(rows_view<double> queries, std::size_t n, const search_options& among,
                                       const work& how, failure& why) const {
    return find_batch(queries, n, among, how, why);
  }
  [[nodiscard]] batch search_batch(rows_view<std::uint64_t> queries, std::size_t n, const search_options& among,
                                   const work& how, failure& why) const {
    return find_batch(queries, n, among, how, why);
  }
  [[nodiscard]] batch search_batch(rows_view<float> queries, std::size_t n, const search_options& among = {},
                                   const work& how = {}) const {
    return detail::made([&](failure& why) { return find_batch(queries, n, among, how, why); });
  }
  [[nodiscard]] batch_f64 search_batch(rows_view<double> queries, std::size_t n, const search_options& among = {},
                                       const work& how = {}) const {
    return detail::made([&](failure& why) { return find_batch(queries, n, among, how, why); });
  }
  [[nodiscard]] batch search_batch(rows_view<std::uint64_t> queries, std::size_t n, const search_options& among = {},
                                   const work& how = {}) const {
    return detail::made([&](failure& why) { return find_batch(queries, n, among, how, why); });
  }
  [[nodiscard]] batch search_batch_items(item_ids items, std::size_t n, const search_options& among, const work& how,
                                         failure& why) const {
    return gather_batch<float>(items.size(), n, among, how, why, [&](auto... told) {
      return annoy_search_items(native_handle(), items.data(), items.size(), told..., why.native());
    });
  }
  [[nodiscard]] batch search_batch_items(item_ids items, std::size_t n, const search_options& among = {},
                                         const work& how = {}) const {
    return detail::made([&](failure& why) { return search_batch_items(items, n, among, how, why); });
  }

  // Into the caller's buffers, which have room for n each; an empty span of distances means that they are not wanted.
  // Returns the number found, 0 on failure; nothing is written beyond it. Errors: as search; too_small.
  [[nodiscard]] std::size_t search_into(floats query, std::size_t n, span<std::int64_t> ids, span<float> distances,
                                        std::int64_t search_k, failure& why) const noexcept {
    return find_into(query, n, ids, distances, search_k, why);
  }
  [[nodiscard]] std::size_t search_into(doubles query, std::size_t n, span<std::int64_t> ids, span<double> distances,
                                        std::int64_t search_k, failure& why) const noexcept {
    return find_into(query, n, ids, distances, search_k, why);
  }
  [[nodiscard]] std::size_t search_into(words query, std::size_t n, span<std::int64_t> ids, span<float> distances,
                                        std::int64_t search_k, failure& why) const noexcept {
    return find_into(query, n, ids, distances, search_k, why);
  }
  [[nodiscard]] std::size_t search_into(floats query, std::size_t n, span<std::int64_t> ids,
                                        span<float> distances = {}, std::int64_t search_k = automatic) const {
    return detail::made([&](failure& why) { return find_into(query, n, ids, distances, search_k, why); });
  }
  [[nodiscard]] std::size_t search_into(doubles query, std::size_t n, span<std::int64_t> ids,
                                        span<double> distances = {}, std::int64_t search_k = automatic) const {
    return detail::made([&](failure& why) { return find_into(query, n, ids, distances, search_k, why); });
  }
  [[nodiscard]] std::size_t search_into(words query, std::size_t n, span<std::int64_t> ids,
                                        span<float> distances = {}, std::int64_t search_k = automatic) const {
    return detail::made([&](failure& why) { return find_into(query, n, ids, distances, search_k, why); });
  }

  // The same from an item. Without distances but with a search_k: span<float>() stands for none.
  [[nodiscard]] std::size_t search_item_into(std::int64_t item, std::size_t n, span<std::int64_t> ids,
                                             span<float> distances, std::int64_t search_k,
                                             failure& why) const noexcept {
    return find_item_into(item, n, ids, distances, search_k, why);
  }
  [[nodiscard]] std::size_t search_item_into(std::int64_t item, std::size_t n, span<std::int64_t> ids,
                                             span<double> distances, std::int64_t search_k,
                                             failure& why) const noexcept {
    return find_item_into(item, n, ids, distances, search_k, why);
  }
  [[nodiscard]] std::size_t search_item_into(std::int64_t item, std::size_t n, span<std::int64_t> ids,
                                             span<float> distances = {}, std::int64_t search_k = automatic) const {
    return detail::made([&](failure& why) { return find_item_into(item, n, ids, distances, search_k, why); });
  }
  [[nodiscard]] std::size_t search_item_into(std::int64_t item, std::size_t n, span<std::int64_t> ids,
                                             span<double> distances, std::int64_t search_k = automatic) const {
    return detail::made([&](failure& why) { return find_item_into(item, n, ids, distances, search_k, why); });
  }

 private:
  bool make(annoy::metric metric, std::size_t f, failure& why) noexcept {
    annoy_index* handle = nullptr;
    const bool good = why.record(annoy_new(static_cast<annoy_metric>(metric), f, &handle, why.native()));
    handle_.reset(handle);
    return good;
  }
  bool make(const options& wanted, failure& why) noexcept {
    annoy_options raw{};
    raw.struct_size = sizeof raw;
    raw.metric = static_cast<annoy_metric>(wanted.metric);
    raw.scalar = static_cast<annoy_scalar>(wanted.scalar);
    raw.id_bits = wanted.id_bits;
    raw.f = wanted.f;
    annoy_index* handle = nullptr;
    const bool good = why.record(annoy_new_with(&raw, &handle, why.native()));
    handle_.reset(handle);
    return good;
  }

  std::size_t write_to(void* buffer, std::size_t capacity, failure& why) const noexcept {
    std::size_t written = 0;
    why.record(annoy_save_to_buffer(native_handle(), buffer, capacity, &written, nullptr, why.native()));
    return written;
  }

  static floats view(std::initializer_list<float> list) noexcept { return {list.begin(), list.size()}; }

  static bool refuse(failure& why, annoy::status which, const char* what, std::size_t found, const char* expected,
                     std::size_t number) noexcept {
    char text[128];
    std::snprintf(text, sizeof text, "%s: found %zu, expected %s: %zu", what, found, expected, number);
    return why.set(which, 0, text);
  }

  template <class T>
  bool add(std::int64_t item, span<const T> v, failure& why) noexcept {
    const annoy_vectors one = detail::vectors(v.data(), 1, v.size());
    return why.record(annoy_add(native_handle(), &item, &one, nullptr, why.native()));
  }
  template <class T>
  bool add(const std::int64_t* ids, const rows_view<T>& rows, failure& why) noexcept {
    if (!rows.whole())
      return why.set(annoy::status::dimension, 0, "rows: found a last one that is not whole, expected whole rows");
    const annoy_vectors all = detail::vectors(rows.data(), rows.n_rows(), rows.n_columns(), rows.stride());
    return why.record(annoy_add(native_handle(), ids, &all, nullptr, why.native()));
  }
  template <class T>
  bool add(const rows_view<T>& rows, failure& why) noexcept {
    return add(static_cast<const std::int64_t*>(nullptr), rows, why);
  }
  template <class T>
  bool add(item_ids ids, const rows_view<T>& rows, failure& why) noexcept {
    if (ids.size() != rows.n_rows())
      return refuse(why, annoy::status::argument, "ids", ids.size(), "one for each row", rows.n_rows());
    return add(ids.data(), rows, why);
  }
  template <class T>
  bool add(const std::int64_t* ids, const rows_view<T>& rows, const work& how, failure& why) {
    if (!rows.whole()) return add(ids, rows, why);
    return detail::with_work(how, [&](const annoy_work* raw) {
      const annoy_vectors all = detail::vectors(rows.data(), rows.n_rows(), rows.n_columns(), rows.stride());
      return why.record(annoy_add(native_handle(), ids, &all, raw, why.native()));
    });
  }
  template <class T>
  bool add(const rows_view<T>& rows, const work& how, failure& why) {
    return add(static_cast<const std::int64_t*>(nullptr), rows, how, why);
  }
  template <class T>
  bool add(item_ids ids, const rows_view<T>& rows, const work& how, failure& why) {
    if (ids.size() != rows.n_rows()) return add(ids, rows, why);
    return add(ids.data(), rows, how, why);
  }
  template <class... Arguments>
  void add(const Arguments&... arguments) {
    detail::done([&](failure& why) { return add(arguments..., why); });
  }

  template <class T>
  bool get(std::int64_t item, span<T> v, failure& why) const noexcept {
    const annoy_vectors to = detail::vectors(v.data(), 1, v.size());
    return why.record(annoy_get_vectors(native_handle(), &item, &to, why.native()));
  }
  template <class T>
  void get(std::int64_t item, span<T> v) const {
    detail::done([&](failure& why) { return get(item, v, why); });
  }

  static bool one_each(item_ids ids, std::size_t n, failure& why) noexcept {
    return ids.size() == n || refuse(why, annoy::status::argument, "ids", ids.size(), "one for each label", n);
  }
  bool name(const std::int64_t* ids, words labels, failure& why) noexcept {
    annoy_labels view{};
    view.struct_size = sizeof view;
    view.kind = ANNOY_LABELS_U64;
    view.n = labels.size();
    view.numbers = labels.data();
    return why.record(annoy_set_labels(native_handle(), ids, &view, why.native()));
  }
  template <class Text>
  bool name(const std::int64_t* ids, span<const Text> labels, failure& why) {
    std::string bytes;
    std::vector<std::size_t> offsets{0};
    for (const Text& label : labels) {
      bytes.append(label);
      offsets.push_back(bytes.size());
    }
    annoy_labels view{};
    view.struct_size = sizeof view;
    view.kind = ANNOY_LABELS_UTF8;
    view.n = labels.size();
    view.bytes = bytes.data();
    view.offsets = offsets.data();
    return why.record(annoy_set_labels(native_handle(), ids, &view, why.native()));
  }

  // Whether results have the room they need.
  template <class Distance>
  static bool fits(std::size_t n, span<std::int64_t> ids, span<Distance> distances, failure& why) noexcept {
    if (ids.size() < n) return refuse(why, annoy::status::too_small, "ids", ids.size(), "room for n", n);
    if (distances.size() < n && !distances.empty())
      return refuse(why, annoy::status::too_small, "distances", distances.size(), "none, or room for n", n);
    return true;
  }
  static annoy_search_options looking_at(std::int64_t search_k) noexcept {
    annoy_search_options options{};
    options.struct_size = sizeof options;
    options.search_k = search_k;
    return options;
  }
  template <class Distance>
  static Distance* wanted(span<Distance> distances) noexcept {
    return distances.empty() ? nullptr : distances.data();
  }
  template <class T, class Distance>
  std::size_t find_into(span<const T> query, std::size_t n, span<std::int64_t> ids, span<Distance> distances,
                        std::int64_t search_k, failure& why) const noexcept {
    std::size_t found = 0;
    if (!fits(n, ids, distances, why)) return found;
    if constexpr (std::is_same_v<T, float>) {
      why.record(annoy_get_nns_by_vector(native_handle(), query.data(), query.size(), n, search_k, ids.data(),
                                         wanted(distances), &found, why.native()));
    } else {
      const annoy_vectors one = detail::vectors(query.data(), 1, query.size());
      const annoy_search_options options = looking_at(search_k);
      const annoy_results into = detail::results(search_k ? n : 0, ids.data(), wanted(distances), &found);
      why.record(annoy_search(native_handle(), &one, &options, &into, nullptr, why.native()));
    }
    return found;
  }
  template <class Distance>
  std::size_t find_item_into(std::int64_t item, std::size_t n, span<std::int64_t> ids, span<Distance> distances,
                             std::int64_t search_k, failure& why) const noexcept {
    std::size_t found = 0;
    if (!fits(n, ids, distances, why)) return found;
    if constexpr (std::is_same_v<Distance, float>) {
      why.record(annoy_get_nns_by_item(native_handle(), item, n, search_k, ids.data(), wanted(distances), &found,
                                       why.native()));
    } else {
      const annoy_search_options options = looking_at(search_k);
      const annoy_results into = detail::results(search_k ? n : 0, ids.data(), wanted(distances), &found);
      why.record(annoy_search_items(native_handle(), &item, 1, &options, &into, nullptr, why.native()));
    }
    return found;
  }

  // Runs a search that fills buffers, and makes one vector of them.
  template <class Distance, class Search>
  std::vector<basic_neighbor<Distance>> gather(std::size_t n, Search into) const {
    // No more than there are items can be found: a large n must not take memory for nothing.
    n = std::min(n, static_cast<std::size_t>(n_items()));
    std::vector<std::int64_t> ids(n);
    std::vector<Distance> distances(n);
    std::vector<basic_neighbor<Distance>> result(into(n, span<std::int64_t>(ids), span<Distance>(distances)));
    for (std::size_t i = 0; i < result.size(); i++) result[i] = {ids[i], distances[i]};
    return result;
  }
  template <class T, class Distance = typename detail::element<T>::distance>
  std::vector<basic_neighbor<Distance>> find(span<const T> query, std::size_t n, std::int64_t search_k,
                                             failure& why) const {
    return gather<Distance>(n, [&](std::size_t room, span<std::int64_t> ids, span<Distance> distances) {
      return find_into(query, room, ids, distances, search_k, why);
    });
  }
  template <class T, class Distance = typename detail::element<T>::distance>
  std::vector<basic_neighbor<Distance>> find(span<const T> query, std::size_t n, std::int64_t search_k) const {
    return detail::made([&](failure& why) { return find(query, n, search_k, why); });
  }

  // `into` is a call of annoy.h, made with these options and results.
  template <class Distance, class Search>
  std::vector<basic_neighbor<Distance>> find_among(std::size_t n, const search_options& among, failure& why,
                                                   Search into) const {
    detail::searcher searching(among, n_items());
    auto found = gather<Distance>(n, [&](std::size_t room, span<std::int64_t> ids, span<Distance> distances) {
      std::size_t count = 0;
      const annoy_results found_into = detail::results(room, ids.data(), distances.data(), &count);
      why.record(into(searching.native(), &found_into));
      return count;
    });
    searching.rethrow();
    return found;
  }
  template <class T, class Distance = typename detail::element<T>::distance>
  std::vector<basic_neighbor<Distance>> find(span<const T> query, std::size_t n, const search_options& among,
                                             failure& why) const {
    return find_among<Distance>(n, among, why, [&](const annoy_search_options* options, const annoy_results* into) {
      const annoy_vectors one = detail::vectors(query.data(), 1, query.size());
      return annoy_search(native_handle(), &one, options, into, nullptr, why.native());
    });
  }
  template <class Distance, class Search>
  basic_batch<Distance> gather_batch(std::size_t n_queries, std::size_t n, const search_options& among,
                                     const work& how, failure& why, Search into) const {
    basic_batch<Distance> found;
    found.n = std::min(n, static_cast<std::size_t>(n_items()));
    found.ids.resize(n_queries * found.n);
    found.distances.resize(n_queries * found.n);
    found.found.resize(n_queries);
    detail::worker at_work(how);
    detail::searcher searching(among, n_items());
    searching.set_work(at_work);
    const annoy_results all = detail::results(found.n, found.ids.data(), found.distances.data(), found.found.data());
    const bool good = why.record(into(searching.native(), &all, at_work.native()));
    at_work.rethrow();
    searching.rethrow();
    return good ? std::move(found) : basic_batch<Distance>();
  }
  template <class T, class Distance = typename detail::element<T>::distance>
  basic_batch<Distance> find_batch(const rows_view<T>& queries, std::size_t n, const search_options& among,
                                   const work& how, failure& why) const {
    if (!queries.whole()) {
      why.set(annoy::status::dimension, 0, "queries: found a last one that is not whole, expected whole rows");
      return {};
    }
    return gather_batch<Distance>(queries.n_rows(), n, among, how, why, [&](auto... told) {
      const annoy_vectors all =
          detail::vectors(queries.data(), queries.n_rows(), queries.n_columns(), queries.stride());
      return annoy_search(native_handle(), &all, told..., why.native());
    });
  }

  static void hear(void* log, std::int32_t level, const char* text) noexcept {
#if ANNOY_RS_EXCEPTIONS
    try {
      (*static_cast<const log_function*>(log))(static_cast<log_level>(level), text);
    } catch (...) {
      // Nobody to give it to: exceptions must not pass through the library.
    }
#else
    (*static_cast<const log_function*>(log))(static_cast<log_level>(level), text);
#endif
  }

  struct free {
    void operator()(annoy_index* handle) const noexcept { annoy_free(handle); }
  };
  // In this order: the log goes after the index that uses it.
  std::unique_ptr<log_function> log_;
  std::unique_ptr<annoy_index, free> handle_;
};

// Files.

// index::verify and index::find_faults for a file that says what it is. Errors: as those, and as index::open.
[[nodiscard]] inline bool verify_file(const std::filesystem::path& file, failure& why) noexcept(detail::path_is_bytes) {
  std::size_t count;
  return detail::with_path(file, why, [&](const char* name) noexcept {
    return annoy_verify_file(name, nullptr, 0, &count, nullptr, why.native());
  });
}
inline void verify_file(const std::filesystem::path& file) {
  detail::done([&](failure& why) { return verify_file(file, why); });
}
// The same with progress and cancellation. Errors: as those; cancelled.
[[nodiscard]] inline bool verify_file(const std::filesystem::path& file, const work& how, failure& why) {
  std::size_t count;
  return detail::with_work(how, [&](const annoy_work* raw) {
    return detail::with_path(file, why, [&](const char* name) noexcept {
      return annoy_verify_file(name, nullptr, 0, &count, raw, why.native());
    });
  });
}
inline void verify_file(const std::filesystem::path& file, const work& how) {
  detail::done([&](failure& why) { return verify_file(file, how, why); });
}
[[nodiscard]] inline faults_found find_faults_in(const std::filesystem::path& file, std::size_t most, failure& why) {
  return detail::collect_faults(most, why, [&](annoy_fault* faults, std::size_t capacity, std::size_t* count) {
    return detail::with_path(file, why, [&](const char* name) noexcept {
      return annoy_verify_file(name, faults, capacity, count, nullptr, why.native());
    });
  });
}
[[nodiscard]] inline faults_found find_faults_in(const std::filesystem::path& file, std::size_t most = 100) {
  return detail::made([&](failure& why) { return find_faults_in(file, most, why); });
}

// What a file may be: one kind if it says so itself, else every kind whose structure it has; of plain Annoy files there
// are often several. Errors: argument; io; format when it is no index, or says what it is and is damaged; unsupported.
[[nodiscard]] inline std::vector<kind> probe(const std::filesystem::path& file, failure& why) {
  std::vector<annoy_kind> raw(16);
  std::size_t count = 0;
  const auto call = [&](const char* name) noexcept {
    return annoy_probe(name, raw.data(), raw.size(), &count, why.native());
  };
  if (!detail::with_path(file, why, call)) return {};
  if (count > raw.size()) {
    raw.resize(count);
    if (!detail::with_path(file, why, call)) return {};
  }
  raw.resize(std::min(count, raw.size()));
  std::vector<kind> kinds;
  for (const annoy_kind& one : raw)
    kinds.push_back({{static_cast<metric>(one.metric), one.f, static_cast<scalar>(one.scalar), one.id_bits},
                     one.n_items,
                     one.n_trees,
                     one.layout});
  return kinds;
}
[[nodiscard]] inline std::vector<kind> probe(const std::filesystem::path& file) {
  return detail::made([&](failure& why) { return probe(file, why); });
}

// The library.

[[nodiscard]] inline std::string_view version() noexcept { return annoy_version(); }
// The library's, to be compared with the headers'.
[[nodiscard]] inline std::uint32_t abi_version() noexcept { return annoy_abi_version(); }
inline constexpr std::uint32_t header_abi_version = ANNOY_ABI_VERSION;
// Major, minor and patch of the headers; version() tells the library's.
inline constexpr std::uint32_t header_version[] = {ANNOY_VERSION_MAJOR, ANNOY_VERSION_MINOR, ANNOY_VERSION_PATCH};
// Name of the distance kernels that indexes use, the same all through a process; empty when the environment variable
// ANNOY_RS_KERNEL names none that this machine has.
[[nodiscard]] inline std::string_view kernel_name() noexcept {
  const char* const name = annoy_kernel_name();
  return name ? std::string_view(name) : std::string_view();
}
// Annoy's name of a metric, such as "angular"; empty for a number that is none.
[[nodiscard]] inline std::string_view metric_name(metric which) noexcept {
  const char* const name = annoy_metric_name(static_cast<annoy_metric>(which));
  return name ? std::string_view(name) : std::string_view();
}
// The metric of a name; metric{} on failure. Errors: argument for a name that is none.
[[nodiscard]] inline metric metric_from_name(std::string_view name, failure& why) {
  annoy_metric found = 0;
  if (name.find('\0') != std::string_view::npos)
    why.set(status::argument, 0, "name: found a NUL character in it, expected the name of a metric");
  else
    why.record(annoy_metric_from_name(std::string(name).c_str(), &found, why.native()));
  return static_cast<metric>(found);
}
[[nodiscard]] inline metric metric_from_name(std::string_view name) {
  return detail::made([&](failure& why) { return metric_from_name(name, why); });
}

}  // namespace annoy

template <>
struct std::is_error_code_enum<annoy::status> : std::true_type {};

#undef ANNOY_RS_EXCEPTIONS
#endif
