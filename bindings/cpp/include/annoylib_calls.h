// Between the types of Annoy's template and those of the C ABI, for annoylib.h: room for results,
// and the calls for each type of vector.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <type_traits>
#include <vector>

#include "annoylib_c.h"

namespace Annoy {
namespace annoy_rs_detail {

namespace c = annoy_rs_c;

// An array that lives on the stack when it is short.
template <typename X, size_t Short> class Array {
 public:
  explicit Array(size_t n) : at_(n <= Short ? short_ : nullptr) {
    if (n > Short) {
      long_.reset(new X[n]);
      at_ = long_.get();
    }
  }
  X* data() { return at_; }

 private:
  X short_[Short];
  std::unique_ptr<X[]> long_;
  X* at_;
};

// A result as the library gives it, as the type that the caller's vector holds. Bytes that are to
// hold a hamming distance over 255 get 255.
template <typename To, typename From>
inline To result_as(From x, std::true_type /* a float as a whole number */) {
  return x < static_cast<From>(std::numeric_limits<To>::max()) ? static_cast<To>(x)
                                                          : std::numeric_limits<To>::max();
}
template <typename To, typename From> inline To result_as(From x, std::false_type) {
  return static_cast<To>(x);
}
template <typename To, typename From> inline To result_as(From x) {
  return result_as<To>(x, std::integral_constant<bool, std::is_integral<To>::value &&
                                                           std::is_floating_point<From>::value>());
}

// Room behind the end of a caller's vector for up to n results of the library's type. keep(k)
// leaves the first k there. Where the types are the same the library writes to the vector itself.
template <typename To, typename From, bool Same> class Results;

template <typename To, typename From> class Results<To, From, true> {
 public:
  Results(std::vector<To>* to, size_t n) : to_(to), before_(to ? to->size() : 0) {
    if (to_) to_->resize(before_ + n);
  }
  // int64_t and uint64_t may stand for each other.
  From* data() { return to_ ? reinterpret_cast<From*>(to_->data() + before_) : nullptr; }
  void keep(size_t k) {
    if (to_) to_->resize(before_ + k);
  }

 private:
  std::vector<To>* to_;
  size_t before_;
};

template <typename To, typename From> class Results<To, From, false> {
 public:
  Results(std::vector<To>* to, size_t n) : to_(to), from_(to ? n : 0) {}
  From* data() { return to_ ? from_.data() : nullptr; }
  void keep(size_t k) {
    if (!to_) return;
    const size_t before = to_->size();
    to_->resize(before + k);
    for (size_t i = 0; i < k; i++) (*to_)[before + i] = result_as<To>(from_.data()[i]);
  }

 private:
  std::vector<To>* to_;
  Array<From, 128> from_;
};

template <typename X> struct Element;
template <> struct Element<float> { static const c::element number = c::of_f32; };
template <> struct Element<double> { static const c::element number = c::of_f64; };
template <> struct Element<uint64_t> { static const c::element number = c::of_bits; };

// Calls for vectors of elements X, most of them for one at a time, with distances of type D, by
// those that the library has for many.
template <typename X, typename D> struct Views {
  // `n` rows into a built index, in place of the items that have one of the ids.
  static c::status insert(c::index* index, const int64_t* ids, const X* rows, size_t n, size_t len,
                          int n_threads, c::error* error) {
    const c::vectors from = view(rows, n, len);
    const c::work work = {sizeof(c::work), n_threads, 0};
    return c::insert(index, ids, &from, nullptr, c::insert_replace, &work, error);
  }
  static c::status add(c::index* index, int64_t item, const X* v, size_t len, c::error* error) {
    const c::vectors from = view(v, 1, len);
    return c::add(index, &item, &from, NULL, error);
  }
  static c::status get(const c::index* index, int64_t item, X* v, size_t len, c::error* error) {
    const c::vectors to = view(v, 1, len);
    return c::get_vectors(index, &item, &to, error);
  }
  static c::status near_item(const c::index* index, int64_t item, size_t n, int64_t search_k,
                             int64_t* ids, D* distances, size_t* found, c::error* error) {
    const c::search_options options = looking_at(search_k);
    const c::results to = room(n, search_k, ids, distances, found);
    return c::search_items(index, &item, 1, &options, &to, NULL, error);
  }
  static c::status near_vector(const c::index* index, const X* v, size_t len, size_t n,
                               int64_t search_k, int64_t* ids, D* distances, size_t* found,
                               c::error* error) {
    const c::vectors query = view(v, 1, len);
    const c::search_options options = looking_at(search_k);
    const c::results to = room(n, search_k, ids, distances, found);
    return c::search(index, &query, &options, &to, NULL, error);
  }

 private:
  static c::vectors view(const X* rows, size_t n, size_t len) {
    return c::vectors{sizeof(c::vectors), const_cast<X*>(rows), Element<X>::number, 0, n, len, 0};
  }
  static c::search_options looking_at(int64_t search_k) {
    return c::search_options{sizeof(c::search_options), 0, search_k};
  }
  // The library takes a search_k of 0 for the usual. Here it finds nothing, as in Annoy.
  static c::results room(size_t n, int64_t search_k, int64_t* ids, D* distances, size_t* found) {
    return c::results{
        sizeof(c::results), ids, distances, Element<D>::number, 0, found, search_k == 0 ? 0 : n};
  }
};

// The calls for an element type. Result: what the library gives distances as.
template <typename T, bool Words> struct Calls {
  static const bool known = false;
  static const c::scalar scalar = c::usual;
  static const size_t bits_each = 1;
  typedef T Result;
};

template <> struct Calls<float, false> {
  static const bool known = true;
  static const c::scalar scalar = c::f32;
  static const size_t bits_each = 1;
  typedef float Result;
  static constexpr decltype(&c::add_item) add = &c::add_item;
  static constexpr decltype(&Views<float, float>::insert) insert = &Views<float, float>::insert;
  static constexpr decltype(&c::get_item) get = &c::get_item;
  static constexpr decltype(&c::get_nns_by_item) near_item = &c::get_nns_by_item;
  static constexpr decltype(&c::get_nns_by_vector) near_vector = &c::get_nns_by_vector;
};

template <> struct Calls<double, false> : Views<double, double> {
  static const bool known = true;
  static const c::scalar scalar = c::f64;
  static const size_t bits_each = 1;
  typedef double Result;
};

// Hamming over words of type T. The library takes the same bits in 64-bit words: bit j of word i of
// T is bit i * (bits of T) + j.
template <typename T> struct Calls<T, true> {
  static const bool known =
      std::is_integral<T>::value && !std::is_same<typename std::remove_cv<T>::type, bool>::value &&
      (sizeof(T) == 1 || sizeof(T) == 4 || sizeof(T) == 8);
  static const c::scalar scalar =
      sizeof(T) == 8 ? c::bits64 : sizeof(T) == 4 ? c::bits32 : c::bits8;
  static const size_t bits_each = sizeof(T) * 8;
  static const size_t per_word = 64 / bits_each;
  typedef float Result;
  static constexpr decltype(&c::get_nns_by_item) near_item = &c::get_nns_by_item;

  static size_t n_words(size_t f) { return (f + per_word - 1) / per_word; }

  // Up to 64 words, as 4,096 bits need, on the stack.
  class Packed {
   public:
    Packed(const T* v, size_t f) : words_(v ? n_words(f) : 0), any_(v != nullptr) {
      if (!any_) return;
      for (size_t i = 0; i < n_words(f); i++) words_.data()[i] = 0;
      for (size_t i = 0; i < f; i++)
        words_.data()[i / per_word] |= (static_cast<uint64_t>(v[i]) & mask())
                                       << (i % per_word * bits_each);
    }
    const uint64_t* data() { return any_ ? words_.data() : nullptr; }

   private:
    static uint64_t mask() { return ~static_cast<uint64_t>(0) >> (64 - bits_each); }
    Array<uint64_t, 64> words_;
    bool any_;
  };

  static c::status add(c::index* index, int64_t item, const T* v, size_t f, c::error* error) {
    return Views<uint64_t, float>::add(index, item, Packed(v, f).data(), n_words(f), error);
  }
  static c::status insert(c::index* index, const int64_t* ids, const T* rows, size_t n, size_t f,
                          int n_threads, c::error* error) {
    const size_t each = n_words(f);
    std::vector<uint64_t> words(rows ? n * each : 0);
    for (size_t i = 0; rows && i < n; i++)
      std::copy_n(Packed(rows + i * f, f).data(), each, words.data() + i * each);
    return Views<uint64_t, float>::insert(index, ids, words.data(), n, each, n_threads, error);
  }
  static c::status get(const c::index* index, int64_t item, T* v, size_t f, c::error* error) {
    Array<uint64_t, 64> words(n_words(f));
    const c::status status =
        Views<uint64_t, float>::get(index, item, words.data(), n_words(f), error);
    if (status != c::ok || !v) return status;
    for (size_t i = 0; i < f; i++)
      v[i] = static_cast<T>(words.data()[i / per_word] >> (i % per_word * bits_each));
    return status;
  }
  static c::status near_vector(const c::index* index, const T* v, size_t f, size_t n,
                               int64_t search_k, int64_t* ids, float* distances, size_t* found,
                               c::error* error) {
    return Views<uint64_t, float>::near_vector(index, Packed(v, f).data(), n_words(f), n, search_k,
                                               ids, distances, found, error);
  }
};

// An id that int64_t cannot hold becomes one that no index has.
template <typename S> inline int64_t id_from(S item) {
  return std::is_unsigned<S>::value && sizeof(S) == 8 &&
                 static_cast<uint64_t>(item) > static_cast<uint64_t>(INT64_MAX)
             ? INT64_MAX
             : static_cast<int64_t>(item);
}

}  // namespace annoy_rs_detail
}  // namespace Annoy
