// Drop-in for Annoy's annoylib.h: the same templates in the same namespace, over annoy_rs.
//
// Code written for Annoy 1.17.1 or later compiles against this header unchanged and links with
// libannoy_rs. The template only converts: ids to int64_t and back, hamming words to 64-bit words
// and back, errors to malloc'ed text. Everything else is done by the library through its C ABI.
// What differs from Annoy is listed in bindings/cpp/README.md.
//
// Threads: any number of const calls (get_*) may run at the same time on one index, also through
// different copies of it; any other call needs the index to itself.
#ifndef ANNOY_ANNOYLIB_H
#define ANNOY_ANNOYLIB_H

#if __cplusplus < 201103L
#error "annoy_rs: annoylib.h needs C++11 or later"
#endif
#ifndef __GNUC__
#error "annoy_rs: annoylib.h needs a compiler that knows __asm__ labels, as g++ and clang++ do"
#endif

// What Annoy's header brings along, because code that includes it may rely on it.
#include <fcntl.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#ifndef _WIN32
#include <sys/mman.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>
#include <queue>
#include <type_traits>
#include <vector>
#ifdef ANNOYLIB_MULTITHREADED_BUILD
#include <mutex>
#include <thread>
#if __cplusplus >= 201402L
#include <shared_mutex>
#endif
#endif

#include <memory>
#include <string>
#include <utility>

#include "annoylib_calls.h"

// Where text goes: to stderr, or to what __ERROR_PRINTER_OVERRIDE__ names, called as printf is.
#ifndef annoylib_showUpdate
#ifndef __ERROR_PRINTER_OVERRIDE__
#define annoylib_showUpdate(...) { fprintf(stderr, __VA_ARGS__); }
#else
#define annoylib_showUpdate(...) { __ERROR_PRINTER_OVERRIDE__(__VA_ARGS__); }
#endif
#endif

// Not used here; code may use it.
#ifndef ANNOYLIB_V_ARRAY_SIZE
#define ANNOYLIB_V_ARRAY_SIZE 65536
#endif

namespace Annoy {

using std::vector;
using std::pair;
using std::numeric_limits;
using std::make_pair;

// Gives the caller a text, to be freed with free(). Prints it if the caller passed no place for it.
inline void set_error_from_string(char** error, const char* text) {
  if (!error) {
    annoylib_showUpdate("%s\n", text);
    return;
  }
  const size_t size = strlen(text) + 1;
  *error = static_cast<char*>(malloc(size));
  if (*error) memcpy(*error, text, size);
}

// The same, with what errno says behind it.
inline void set_error_from_errno(char** error, const char* text) {
  const int code = errno;
  set_error_from_string(
      error,
      (std::string(text) + ": " + strerror(code) + " (" + std::to_string(code) + ")").c_str());
}

// The metrics. They are names only: the distances are computed in the library.
struct Base {};
struct Minkowski : Base {};
struct Angular : Base {
  static const char* name() { return "angular"; }
};
struct DotProduct : Angular {
  static const char* name() { return "dot"; }
};
struct Hamming : Base {
  static const char* name() { return "hamming"; }
};
struct Euclidean : Minkowski {
  static const char* name() { return "euclidean"; }
};
struct Manhattan : Minkowski {
  static const char* name() { return "manhattan"; }
};

// How many threads build: one, whatever n_threads says; or n_threads, as with any other class
// given as policy.
class AnnoyIndexSingleThreadedBuildPolicy {};
class AnnoyIndexMultiThreadedBuildPolicy {};

namespace annoy_rs_detail {

// The number that the library has for a metric; 0 for what is none of the five.
template <typename Distance> struct Metric { static const c::metric number = 0; };
template <> struct Metric<Angular> { static const c::metric number = c::angular; };
template <> struct Metric<Euclidean> { static const c::metric number = c::euclidean; };
template <> struct Metric<Manhattan> { static const c::metric number = c::manhattan; };
template <> struct Metric<DotProduct> { static const c::metric number = c::dot; };
template <> struct Metric<Hamming> { static const c::metric number = c::hamming; };

// What all copies of an AnnoyIndex share.
struct Shared {
  c::index* index;
  std::atomic<bool> on_disk;  // on_disk_build was called, and neither unload nor load since
  std::atomic<bool> verbose;
  char why_none[sizeof(static_cast<c::error*>(nullptr)->message)];  // when index is NULL

  Shared(c::metric metric, c::scalar scalar, int32_t id_bits, int f, size_t bits_each,
         uint64_t seed)
      : index(nullptr), on_disk(false), verbose(false) {
    why_none[0] = '\0';
    if (f < 0) {
      snprintf(why_none, sizeof why_none, "f is %d, expected 1 to 65536 numbers (hamming: words)",
               f);
      return;
    }
    c::options options = c::options();
    options.struct_size = sizeof options;
    options.metric = metric;
    options.scalar = scalar;
    options.id_bits = id_bits;
    options.f = static_cast<size_t>(f) * bits_each;
    c::error error;
    if (c::new_with(&options, &index, &error) != c::ok) {
      index = nullptr;
      memcpy(why_none, error.message, sizeof why_none);
      return;
    }
    c::set_seed(index, seed, nullptr);
  }
  ~Shared() { c::free(index); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
};

// Hears the library when verbose(true).
inline void show(void*, int32_t, const char* text) { annoylib_showUpdate("%s\n", text); }

}  // namespace annoy_rs_detail

// What every index can do, whatever its metric. May be derived from.
//
// Functions with an `error` give a malloc'ed text there when they return false, to be
// freed with free().
template <typename S, typename T, typename R = uint64_t>
class AnnoyIndexInterface {
 public:
  AnnoyIndexInterface() = default;
  AnnoyIndexInterface(const AnnoyIndexInterface&) = default;
  AnnoyIndexInterface& operator=(const AnnoyIndexInterface&) = default;
  virtual ~AnnoyIndexInterface() {}

  virtual bool add_item(S item, const T* w, char** error = NULL) = 0;
  virtual bool build(int q, int n_threads = -1, char** error = NULL) = 0;
  virtual bool unbuild(char** error = NULL) = 0;
  virtual bool save(const char* filename, bool prefault = false, char** error = NULL) = 0;
  virtual void unload() = 0;
  virtual bool load(const char* filename, bool prefault = false, char** error = NULL) = 0;
  virtual T get_distance(S i, S j) const = 0;
  virtual void get_nns_by_item(S item, size_t n, int search_k, vector<S>* result,
                               vector<T>* distances) const = 0;
  virtual void get_nns_by_vector(const T* w, size_t n, int search_k, vector<S>* result,
                                 vector<T>* distances) const = 0;
  virtual S get_n_items() const = 0;
  virtual S get_n_trees() const = 0;
  virtual void verbose(bool v) = 0;
  virtual void get_item(S item, T* v) const = 0;
  virtual void set_seed(R q) = 0;
  virtual bool on_disk_build(const char* filename, char** error = NULL) = 0;
};

// An index of vectors of f elements of type T, with ids of type S. Copies share one index.
//
// Of Random only default_seed and its type count. ThreadedBuildPolicy is one of the two
// above or any class.
template <typename S, typename T, typename Distance, typename Random, class ThreadedBuildPolicy>
class AnnoyIndex
    : public AnnoyIndexInterface<S, T,
                                 typename std::remove_const<decltype(Random::default_seed)>::type> {
  static_assert(
      annoy_rs_detail::Metric<Distance>::number != 0,
      "annoy_rs computes distances inside its library and cannot call a Distance of your own: "
      "use Angular, Euclidean, Manhattan, DotProduct or Hamming");
  static_assert(annoy_rs_detail::Metric<Distance>::number == annoy_rs_c::hamming ||
                    annoy_rs_detail::Calls<T, false>::known,
                "T must be float or double for Angular, Euclidean, Manhattan and DotProduct");
  static_assert(annoy_rs_detail::Metric<Distance>::number != annoy_rs_c::hamming ||
                    annoy_rs_detail::Calls<T, true>::known,
                "T must be an integer of 8, 32 or 64 bits for Hamming");
  static_assert(std::is_integral<S>::value && (sizeof(S) == 4 || sizeof(S) == 8),
                "S must be an integer of 32 or 64 bits");

  typedef annoy_rs_detail::Metric<Distance> Metric;
  typedef annoy_rs_detail::Calls<T, Metric::number == annoy_rs_c::hamming> Calls;
  typedef typename Calls::Result Result;
  typedef annoy_rs_detail::Results<S, int64_t, sizeof(S) == 8> Ids;
  typedef annoy_rs_detail::Results<T, Result, std::is_same<T, Result>::value> Distances;

 public:
  typedef Distance D;
  typedef typename std::remove_const<decltype(Random::default_seed)>::type R;

  // Without an f: every call fails until an index made with one is assigned.
  AnnoyIndex() : f_(0) {}

  AnnoyIndex(int f)
      : f_(f),
        shared_(new annoy_rs_detail::Shared(
            Metric::number, Calls::scalar, static_cast<int32_t>(sizeof(S) * 8), f, Calls::bits_each,
            static_cast<uint64_t>(Random::default_seed))) {}

  int get_f() const { return f_; }

  bool add_item(S item, const T* w, char** error = NULL) {
    return run(error, [&](annoy_rs_c::index* index, annoy_rs_c::error* why) {
      return Calls::add(index, annoy_rs_detail::id_from(item), w, length(), why);
    });
  }

  // For anything whose w[0] to w[f - 1] are convertible to T.
  template <typename W>
  bool add_item_impl(S item, const W& w, char** error = NULL) {
    return add_indexable(item, w, error, std::is_convertible<const W&, const T*>());
  }

  bool on_disk_build(const char* file, char** error = NULL) {
    const bool good = run(error, [&](annoy_rs_c::index* index, annoy_rs_c::error* why) {
      return annoy_rs_c::on_disk_build(index, file, why);
    });
    if (good) shared_->on_disk = true;
    return good;
  }

  bool build(int q, int n_threads = -1, char** error = NULL) {
    const bool before = annoy_rs_c::get_n_trees(index()) > 0;
    const bool good = run(error, [&](annoy_rs_c::index* index, annoy_rs_c::error* why) {
      return annoy_rs_c::build(index, q, single() ? 1 : n_threads, why);
    });
    // Built, but its file could not get its name: to be saved as any other.
    if (!good && !before && annoy_rs_c::get_n_trees(index()) > 0) shared_->on_disk = false;
    return good;
  }

  bool unbuild(char** error = NULL) {
    return run(error, [](annoy_rs_c::index* index, annoy_rs_c::error* why) {
      return annoy_rs_c::unbuild(index, why);
    });
  }

  // Saves and goes on with the new file. After an on-disk build there is nothing left to do.
  bool save(const char* filename, bool prefault = false, char** error = NULL) {
    return run(error, [&](annoy_rs_c::index* index, annoy_rs_c::error* why) -> annoy_rs_c::status {
      if (shared_->on_disk && annoy_rs_c::get_n_trees(index) > 0) return annoy_rs_c::ok;
      return annoy_rs_c::save_and_load(index, filename, flags(prefault), NULL, why);
    });
  }

  void unload() {
    if (!index()) return;
    annoy_rs_c::unload(index(), NULL);
    shared_->on_disk = false;
  }

  bool load(const char* filename, bool prefault = false, char** error = NULL) {
    const bool good = run(error, [&](annoy_rs_c::index* index, annoy_rs_c::error* why) {
      return annoy_rs_c::load(index, filename, flags(prefault), why);
    });
    if (good) shared_->on_disk = false;
    return good;
  }

  // 0 when one of the ids is not in the index.
  T get_distance(S i, S j) const {
    double distance = 0;
    annoy_rs_c::get_distance(index(), annoy_rs_detail::id_from(i), annoy_rs_detail::id_from(j),
                             &distance, NULL);
    return annoy_rs_detail::result_as<T>(distance);
  }

  // The two searches append what they find to `result` and, unless it is NULL, to `distances`. Any
  // negative search_k except -1 looks at everything. There are no results without trees, without
  // such an item, or with a query that is not finite.
  void get_nns_by_item(S item, size_t n, int search_k, vector<S>* result,
                       vector<T>* distances) const {
    search(n, search_k, result, distances,
           [&](size_t most, int64_t k, int64_t* ids, Result* to, size_t* found,
               annoy_rs_c::error* why) {
             return Calls::near_item(index(), annoy_rs_detail::id_from(item), most, k, ids, to,
                                     found, why);
           });
  }

  void get_nns_by_vector(const T* w, size_t n, int search_k, vector<S>* result,
                         vector<T>* distances) const {
    search(n, search_k, result, distances,
           [&](size_t most, int64_t k, int64_t* ids, Result* to, size_t* found,
               annoy_rs_c::error* why) {
             return Calls::near_vector(index(), w, length(), most, k, ids, to, found, why);
           });
  }

  S get_n_items() const { return static_cast<S>(annoy_rs_c::get_n_items(index())); }

  S get_n_trees() const { return static_cast<S>(annoy_rs_c::get_n_trees(index())); }

  // Has the library, and searches that fail, say what they do through annoylib_showUpdate.
  void verbose(bool v) {
    if (!index()) return;
    annoy_rs_c::set_log(index(), 0, v ? annoy_rs_detail::show : NULL, NULL, NULL);
    shared_->verbose = v;
  }

  // Leaves v as it is when the item is not in the index.
  void get_item(S item, T* v) const {
    // An impossible f has no index, and a length that room must not be made for.
    if (index()) Calls::get(index(), annoy_rs_detail::id_from(item), v, length(), NULL);
  }

  // Stays through save, load and unload.
  void set_seed(R seed) { annoy_rs_c::set_seed(index(), static_cast<uint64_t>(seed), NULL); }

  // Not in Annoy: inserts an item into a built index, in place of the one that has its id, if there
  // is one. The next search finds it. An index that was loaded, or saved, needs thaw_built() first.
  bool insert_item(S item, const T* w, char** error = NULL) {
    return insert_items(&item, w, 1, error);
  }

  // Not in Annoy: inserts n items, all or none. Their vectors are one behind the other in `rows`;
  // there is an id for each, or `items` is NULL: then they follow the last item. Many together take
  // less time than one by one.
  bool insert_items(const S* items, const T* rows, size_t n, char** error = NULL) {
    return run(error, [&](annoy_rs_c::index* index, annoy_rs_c::error* why) {
      vector<int64_t> ids(items ? n : 0);
      for (size_t i = 0; i < ids.size(); i++) ids[i] = annoy_rs_detail::id_from(items[i]);
      return Calls::insert(index, items ? ids.data() : NULL, rows, n, length(), single() ? 1 : -1,
                           why);
    });
  }

  // Not in Annoy: copies a loaded index to memory with its trees, so that items can be inserted.
  bool thaw_built(char** error = NULL) {
    return run(error, [](annoy_rs_c::index* index, annoy_rs_c::error* why) {
      return annoy_rs_c::thaw(index, annoy_rs_c::thaw_built, why);
    });
  }

  // Not in Annoy: the handle behind this index, for what annoy.h offers beyond it:
  // static_cast<annoy_index*>(x.c_handle()). Do not free it. It is valid as long as a copy of this
  // index lives. NULL if there is none: no f, or one that is not allowed.
  void* c_handle() const { return index(); }

 private:
  int f_;
  std::shared_ptr<annoy_rs_detail::Shared> shared_;

  annoy_rs_c::index* index() const { return shared_ ? shared_->index : NULL; }
  size_t length() const { return static_cast<size_t>(f_); }
  static bool single() {
    return std::is_same<ThreadedBuildPolicy, AnnoyIndexSingleThreadedBuildPolicy>::value;
  }
  static uint64_t flags(bool prefault) {
    return prefault ? annoy_rs_c::load_prefault : annoy_rs_c::no_flags;
  }

  template <typename Call>
  bool run(char** error, const Call& call) {
    if (!index()) {
      const char* const none =
          "this AnnoyIndex was made without an f (or moved from): assign one to it";
      set_error_from_string(error, shared_ ? shared_->why_none : none);
      return false;
    }
    annoy_rs_c::error why;
    if (call(index(), &why) == annoy_rs_c::ok) return true;
    set_error_from_string(error, why.message);
    return false;
  }

  template <typename W>
  bool add_indexable(S item, const W& w, char** error,
                     std::true_type /* it is a pointer or array of T */) {
    return add_item(item, w, error);
  }

  template <typename W>
  bool add_indexable(S item, const W& w, char** error, std::false_type) {
    if (!index()) return add_item(item, NULL, error);
    vector<T> copy(length());
    for (int z = 0; z < f_; z++) copy[static_cast<size_t>(z)] = static_cast<T>(w[z]);
    return add_item(item, copy.data(), error);
  }

  template <typename Call>
  void search(size_t n, int search_k, vector<S>* result, vector<T>* distances,
              const Call& call) const {
    if (!index() || !result) return;
    int64_t k = search_k < -1 ? INT64_MAX : search_k;
    // Before the build Annoy finds nothing, where the library would look at all of a few items.
    if (k == -1 && annoy_rs_c::get_n_trees(index()) == 0) k = 0;
    // No more room than for all items, but looking as far as for n.
    const uint64_t n_items = static_cast<uint64_t>(annoy_rs_c::get_n_items(index()));
    if (n > n_items) {
      const uint64_t n_trees = static_cast<uint64_t>(annoy_rs_c::get_n_trees(index()));
      const uint64_t most = static_cast<uint64_t>(INT64_MAX);
      if (k == -1)
        k = n_trees != 0 && n > most / n_trees ? INT64_MAX : static_cast<int64_t>(n * n_trees);
      n = static_cast<size_t>(n_items);
    }
    Ids ids(result, n);
    Distances to(distances, n);
    annoy_rs_c::error why;
    size_t found = 0;
    if (call(n, k, ids.data(), to.data(), &found, &why) != annoy_rs_c::ok) {
      found = 0;
      if (shared_->verbose) annoylib_showUpdate("%s\n", why.message);
    }
    ids.keep(found);
    to.keep(found);
  }
};

}  // namespace Annoy

#endif  // ANNOY_ANNOYLIB_H
