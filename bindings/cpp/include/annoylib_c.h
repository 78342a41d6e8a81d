// What annoylib.h needs of annoy.h, under names of its own: nothing of it gets into the way of code
// that has an annoy_version() or ANNOY_ANGULAR of its own, nor into that of annoy.h, which may be
// included as well. tests/cpp/drift.cc holds it to what annoy.h says.
#ifndef ANNOY_RS_ANNOYLIB_C_H
#define ANNOY_RS_ANNOYLIB_C_H

#include <stddef.h>
#include <stdint.h>

namespace Annoy {
namespace annoy_rs_c {

typedef int32_t status;
typedef int32_t metric;
typedef int32_t scalar;
enum : status { ok = 0 };
enum : metric { angular = 1, euclidean = 2, manhattan = 3, hamming = 4, dot = 5 };
enum : scalar { usual = 0, f32 = 1, f64 = 2, bits64 = 3, bits32 = 4, bits8 = 5 };
typedef int32_t element;
enum : element { of_f32 = 1, of_f64 = 2, of_bits = 3 };
enum : uint64_t { no_flags = 0, load_prefault = 1, insert_replace = 1, thaw_built = 1 };

struct index;
struct error {
  status code;
  int32_t os_errno;
  char message[504];
};
struct options {
  size_t struct_size;
  annoy_rs_c::metric metric;
  annoy_rs_c::scalar scalar;
  int32_t id_bits;
  uint32_t flags;
  size_t f;
};
typedef void (*log_fn)(void* user, int32_t level, const char* text);
struct vectors {
  size_t struct_size;
  void* data;
  annoy_rs_c::element element;
  int32_t reserved;
  size_t n, len, stride;
};
// This and `work` as far as this header needs them; the library takes what is left out as 0.
struct search_options {
  size_t struct_size;
  uint64_t flags;
  int64_t search_k;
};
struct results {
  size_t struct_size;
  int64_t* ids;
  void* distances;
  element distance_element;
  int32_t reserved;
  size_t* counts;
  size_t n;
};
struct work {
  size_t struct_size;
  int32_t n_threads;
  int32_t reserved;
};
struct labels;

// Declares annoy_NAME as NAME. A second declaration under its own name would have to be of
// annoy.h's types.
#define ANNOYLIB_TEXT_OF(x) #x
#define ANNOYLIB_TEXT(x) ANNOYLIB_TEXT_OF(x)
#define ANNOYLIB_DECLARE(type, name, ...) \
  type name(__VA_ARGS__) __asm__(ANNOYLIB_TEXT(__USER_LABEL_PREFIX__) "annoy_" #name)
ANNOYLIB_DECLARE(status, new_with, const options*, index**, error*);
ANNOYLIB_DECLARE(void, free, index*);
ANNOYLIB_DECLARE(status, set_seed, index*, uint64_t, error*);
ANNOYLIB_DECLARE(status, set_log, index*, int32_t, log_fn, void*, error*);
ANNOYLIB_DECLARE(int64_t, get_n_items, const index*);
ANNOYLIB_DECLARE(int64_t, get_n_trees, const index*);
ANNOYLIB_DECLARE(status, add_item, index*, int64_t, const float*, size_t, error*);
ANNOYLIB_DECLARE(status, add, index*, const int64_t*, const vectors*, const work*, error*);
ANNOYLIB_DECLARE(status, insert, index*, const int64_t*, const vectors*, const labels*, uint64_t,
                 const work*, error*);
ANNOYLIB_DECLARE(status, thaw, index*, uint64_t, error*);
ANNOYLIB_DECLARE(status, get_item, const index*, int64_t, float*, size_t, error*);
ANNOYLIB_DECLARE(status, get_vectors, const index*, const int64_t*, const vectors*, error*);
ANNOYLIB_DECLARE(status, get_distance, const index*, int64_t, int64_t, double*, error*);
ANNOYLIB_DECLARE(status, get_nns_by_item, const index*, int64_t, size_t, int64_t, int64_t*, float*,
                 size_t*, error*);
ANNOYLIB_DECLARE(status, get_nns_by_vector, const index*, const float*, size_t, size_t, int64_t,
                 int64_t*, float*, size_t*, error*);
ANNOYLIB_DECLARE(status, search, const index*, const vectors*, const search_options*,
                 const results*, const work*, error*);
ANNOYLIB_DECLARE(status, search_items, const index*, const int64_t*, size_t, const search_options*,
                 const results*, const work*, error*);
ANNOYLIB_DECLARE(status, build, index*, int32_t, int32_t, error*);
ANNOYLIB_DECLARE(status, unbuild, index*, error*);
ANNOYLIB_DECLARE(status, on_disk_build, index*, const char*, error*);
ANNOYLIB_DECLARE(status, save_and_load, index*, const char*, uint64_t, const work*, error*);
ANNOYLIB_DECLARE(status, load, index*, const char*, uint64_t, error*);
ANNOYLIB_DECLARE(status, unload, index*, error*);
#undef ANNOYLIB_DECLARE
#undef ANNOYLIB_TEXT
#undef ANNOYLIB_TEXT_OF

}  // namespace annoy_rs_c
}  // namespace Annoy

#endif  // ANNOY_RS_ANNOYLIB_C_H
