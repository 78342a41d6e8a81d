// What an index is, and what its parts are called: the numbers of annoy.h as enums.
#pragma once

#if !defined(_MSVC_LANG) && __cplusplus < 201703L
#error "annoy_rs: annoy.hpp needs C++17 or later"
#endif

#include <cstddef>
#include <cstdint>
#include <string>

#include "annoy.h"

namespace annoy {

enum class metric : annoy_metric {
  angular = ANNOY_ANGULAR,      // sqrt(2 - 2 cos)
  euclidean = ANNOY_EUCLIDEAN,
  manhattan = ANNOY_MANHATTAN,
  hamming = ANNOY_HAMMING,      // differing bits; f is the number of bits
  dot = ANNOY_DOT,              // the inner product, largest first
};

// The type of the numbers in stored vectors.
enum class scalar : annoy_scalar {
  automatic = ANNOY_DEFAULT,  // f32, bits64 for hamming
  f32 = ANNOY_F32,
  f64 = ANNOY_F64,
  bits64 = ANNOY_BITS64,
  bits32 = ANNOY_BITS32,
  bits8 = ANNOY_BITS8,
};

enum class load_flags : std::uint64_t {
  none = 0,
  prefault = ANNOY_LOAD_PREFAULT,  // read the whole file at once
  copy = ANNOY_LOAD_COPY,          // to memory of the process: the file may then change
  partial = ANNOY_OPEN_PARTIAL,    // index::open: shards that are not there are left out
};

enum class label_kind : annoy_label_kind {
  none = ANNOY_LABELS_NONE,
  u64 = ANNOY_LABELS_U64,
  utf8 = ANNOY_LABELS_UTF8,
};

enum class log_level : std::int32_t {
  error = ANNOY_LOG_ERROR,  // a long call failed
  warn = ANNOY_LOG_WARN,    // a surprise that is no error
  info = ANNOY_LOG_INFO,    // what was done
  debug = ANNOY_LOG_DEBUG,  // what is about to be done
};

// For n_trees, n_threads and search_k: the library chooses.
inline constexpr int automatic = -1;

// The layout of an index. Metric and f have to be set.
struct options {
  annoy::metric metric{};
  std::size_t f = 0;  // numbers, or bits for hamming
  annoy::scalar scalar = annoy::scalar::automatic;
  std::int32_t id_bits = 0;  // 32 or 64; 0 stands for 32
};

// What a file may be: an index made with `options` can load it.
struct kind {
  annoy::options options;
  std::int64_t n_items = 0;
  std::int64_t n_trees = 0;
  std::string layout;  // Annoy's version of it: "1.17", "1.16 (packed)" or "main"
};

}  // namespace annoy
