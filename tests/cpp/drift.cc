// What annoylib.h declares under names of its own, against annoy.h: types, fields and numbers when
// it is compiled, addresses when it runs. Compiled with the one first and with the other.
#ifdef ANNOY_H_FIRST
#include "annoy.h"
#include "annoylib.h"
#else
#include "annoylib.h"
#include "annoy.h"
#endif

#include "check.h"

#include <type_traits>

namespace own = Annoy::annoy_rs_c;

// The type of annoy.h that stands where one of the header's own does.
template <typename T> struct As { typedef T type; };
template <> struct As<own::index> { typedef annoy_index type; };
template <> struct As<own::error> { typedef annoy_error type; };
template <> struct As<own::options> { typedef annoy_options type; };
template <> struct As<own::vectors> { typedef annoy_vectors type; };
template <> struct As<own::search_options> { typedef annoy_search_options type; };
template <> struct As<own::results> { typedef annoy_results type; };
template <> struct As<own::work> { typedef annoy_work type; };
template <> struct As<own::labels> { typedef annoy_labels type; };
template <typename T> struct As<const T> { typedef const typename As<T>::type type; };
template <typename T> struct As<T*> { typedef typename As<T>::type* type; };
template <typename R, typename... P> struct As<R(P...)> { typedef typename As<R>::type type(typename As<P>::type...); };

#define SAME(name) static_assert(std::is_same<As<decltype(own::name)>::type, decltype(annoy_##name)>::value, #name)
#define ALL_FUNCTIONS(f)                                                                                                  \
  f(new_with); f(free); f(set_seed); f(set_log); f(get_n_items); f(get_n_trees); f(add_item); f(add); f(insert);           \
  f(thaw); f(get_item);                                                                                                    \
  f(get_vectors); f(get_distance); f(get_nns_by_item); f(get_nns_by_vector); f(search); f(search_items); f(build);         \
  f(unbuild); f(on_disk_build); f(save_and_load); f(load); f(unload)
ALL_FUNCTIONS(SAME);

#define SAME_FIELD(of, name)                                                                                             \
  static_assert(offsetof(own::of, name) == offsetof(annoy_##of, name) &&                                                 \
                    std::is_same<decltype(own::of::name), decltype(annoy_##of::name)>::value, #of "." #name)
SAME_FIELD(error, code); SAME_FIELD(error, os_errno); SAME_FIELD(error, message);
SAME_FIELD(options, struct_size); SAME_FIELD(options, metric); SAME_FIELD(options, scalar); SAME_FIELD(options, id_bits);
SAME_FIELD(options, flags); SAME_FIELD(options, f);
SAME_FIELD(vectors, struct_size); SAME_FIELD(vectors, data); SAME_FIELD(vectors, element); SAME_FIELD(vectors, reserved);
SAME_FIELD(vectors, n); SAME_FIELD(vectors, len); SAME_FIELD(vectors, stride);
SAME_FIELD(search_options, struct_size); SAME_FIELD(search_options, flags); SAME_FIELD(search_options, search_k);
SAME_FIELD(results, struct_size); SAME_FIELD(results, ids); SAME_FIELD(results, distances);
SAME_FIELD(work, struct_size); SAME_FIELD(work, n_threads); SAME_FIELD(work, reserved);
SAME_FIELD(results, distance_element); SAME_FIELD(results, reserved); SAME_FIELD(results, counts); SAME_FIELD(results, n);
static_assert(sizeof(own::vectors) == sizeof(annoy_vectors) && sizeof(own::results) <= sizeof(annoy_results) &&
                  sizeof(own::search_options) <= sizeof(annoy_search_options) &&
                  sizeof(own::work) <= sizeof(annoy_work), "sizes");
static_assert(sizeof(own::error) == sizeof(annoy_error) && sizeof(own::options) == sizeof(annoy_options), "sizes");

static_assert(std::is_same<own::status, annoy_status>::value && std::is_same<own::metric, annoy_metric>::value &&
                  std::is_same<own::scalar, annoy_scalar>::value &&
                  std::is_same<own::element, annoy_element>::value && std::is_same<own::log_fn, annoy_log_fn>::value, "names");
static_assert(own::ok == ANNOY_OK && own::angular == ANNOY_ANGULAR && own::euclidean == ANNOY_EUCLIDEAN &&
                  own::manhattan == ANNOY_MANHATTAN && own::hamming == ANNOY_HAMMING && own::dot == ANNOY_DOT &&
                  own::usual == ANNOY_DEFAULT && own::f32 == ANNOY_F32 && own::f64 == ANNOY_F64 &&
                  own::bits64 == ANNOY_BITS64 && own::bits32 == ANNOY_BITS32 && own::bits8 == ANNOY_BITS8 &&
                  own::of_f32 == ANNOY_ELEMENT_F32 && own::of_f64 == ANNOY_ELEMENT_F64 &&
                  own::of_bits == ANNOY_ELEMENT_BITS && own::load_prefault == ANNOY_LOAD_PREFAULT &&
                  own::insert_replace == ANNOY_INSERT_REPLACE && own::thaw_built == ANNOY_THAW_BUILT, "numbers");

// The compiler takes functions of two names for two functions: it must not see what is compared.
static bool same(void* volatile a, void* volatile b) { return a == b; }
#define SAME_ADDRESS(name) CHECK(same(reinterpret_cast<void*>(&own::name), reinterpret_cast<void*>(&annoy_##name)))

TEST(addresses) { ALL_FUNCTIONS(SAME_ADDRESS); }

int main() {
  RUN(addresses);
  return check::report();
}
