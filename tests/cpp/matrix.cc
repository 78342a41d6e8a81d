// Every S x T x Distance x Random x ThreadedBuildPolicy of the drop-in: each does everything an
// index can do, and its answers and files are those of the C ABI called directly.
//
// Writes its files to the current directory. With FEW defined only two id types, and one generator
// and policy: for sanitizers, which take their time. With SOME defined every S x T x Distance, each
// with one generator and policy of the nine, in turn: for the everyday run.
#include "annoy.h"
#include "annoylib.h"
#include "kissrandom.h"

#include "../c/views.h"
#include "check.h"

#include <string>

// A generator from elsewhere, and a policy from elsewhere.
struct Dice {
  static const int default_seed = 7;
};
class AnyPolicy {};

namespace {

using Annoy::AnnoyIndex;
using Annoy::AnnoyIndexInterface;

const int n_items = 60, hole = 7, n_trees = 4;

// --- what each T is for the C ABI, said here once more on purpose: not taken from the
// header under test

template <typename T> struct Type;
template <> struct Type<float> {
  static const int f = 5, bits = 1, scalar = ANNOY_F32;
  static const char* name() { return "float"; }
};
template <> struct Type<double> {
  static const int f = 5, bits = 1, scalar = ANNOY_F64;
  static const char* name() { return "double"; }
};
template <> struct Type<uint64_t> {
  static const int f = 2, bits = 64, scalar = ANNOY_BITS64;
  static const char* name() { return "uint64_t"; }
};
template <> struct Type<uint32_t> {
  static const int f = 3, bits = 32, scalar = ANNOY_BITS32;
  static const char* name() { return "uint32_t"; }
};
template <> struct Type<int> {
  static const int f = 3, bits = 32, scalar = ANNOY_BITS32;
  static const char* name() { return "int"; }
};
template <> struct Type<uint8_t> {
  static const int f = 11, bits = 8, scalar = ANNOY_BITS8;
  static const char* name() { return "uint8_t"; }
};

uint64_t mix(uint64_t x) {
  x ^= x >> 31;
  x *= 0x9E3779B97F4A7C15u;
  x ^= x >> 29;
  x *= 0xBF58476D1CE4E5B9u;
  return x ^ (x >> 32);
}

void element(float& x, uint64_t r) { x = static_cast<float>(r % 2001) / 100 - 10; }
void element(double& x, uint64_t r) { x = static_cast<double>(r % 2001) / 100 - 10; }
template <typename W> void element(W& x, uint64_t r) { x = static_cast<W>(r); }

// Row i of the data; rows past the items are queries.
template <typename T> std::vector<T> row(int i) {
  std::vector<T> v(Type<T>::f);
  for (int z = 0; z < Type<T>::f; z++) element(v[z], mix(static_cast<uint64_t>(i * 1000 + z + 1)));
  return v;
}

// --- the C ABI, for each T

const annoy_search_options* options_of(int64_t k) {
  static annoy_search_options options;
  options = looking_at(k);
  return &options;
}
// annoy_search takes a search_k of 0 for the usual one; here it finds nothing.
size_t at_most(size_t n, int64_t k) { return k == 0 ? 0 : n; }

annoy_status c_add(annoy_index* x, int64_t i, const std::vector<float>& v) {
  return annoy_add_item(x, i, v.data(), v.size(), nullptr);
}
annoy_status c_add(annoy_index* x, int64_t i, const std::vector<double>& v) {
  return add_one(x, i, ANNOY_ELEMENT_F64, v.data(), v.size(), nullptr);
}
template <typename W> std::vector<uint64_t> words(const std::vector<W>& v) {
  // On a little-endian machine, as every one this is tested on, the bits of any words are those of
  // the longer words.
  std::vector<uint64_t> to((v.size() * sizeof(W) + 7) / 8);
  memcpy(to.data(), v.data(), v.size() * sizeof(W));
  return to;
}
template <typename W> annoy_status c_add(annoy_index* x, int64_t i, const std::vector<W>& v) {
  return add_one(x, i, ANNOY_ELEMENT_BITS, words(v).data(), words(v).size(), nullptr);
}

struct Found {
  std::vector<int64_t> ids;
  std::vector<double> distances;
};
template <typename D, typename Call> Found c_found(Call call) {
  int64_t ids[n_items];
  D distances[n_items];
  size_t n = 0;
  if (call(ids, distances, &n) != ANNOY_OK) n = 0;
  Found found;
  found.ids.assign(ids, ids + n);
  found.distances.assign(distances, distances + n);
  return found;
}
Found c_item(const annoy_index* x, int64_t i, size_t n, int64_t k, double) {
  return c_found<double>([=](int64_t* ids, double* d, size_t* found) {
    return find_item(x, i, at_most(n, k), options_of(k), ids, ANNOY_ELEMENT_F64, d, found, nullptr);
  });
}
template <typename T> Found c_item(const annoy_index* x, int64_t i, size_t n, int64_t k, T) {
  return c_found<float>([=](int64_t* ids, float* d, size_t* found) {
    return annoy_get_nns_by_item(x, i, n, k, ids, d, found, nullptr);
  });
}
Found c_vector(const annoy_index* x, const std::vector<float>& v, size_t n, int64_t k) {
  return c_found<float>([&](int64_t* ids, float* d, size_t* found) {
    return annoy_get_nns_by_vector(x, v.data(), v.size(), n, k, ids, d, found, nullptr);
  });
}
Found c_vector(const annoy_index* x, const std::vector<double>& v, size_t n, int64_t k) {
  return c_found<double>([&](int64_t* ids, double* d, size_t* found) {
    return find_one(x, ANNOY_ELEMENT_F64, v.data(), v.size(), at_most(n, k), options_of(k), ids, d, found, nullptr);
  });
}
template <typename W> Found c_vector(const annoy_index* x, const std::vector<W>& v, size_t n, int64_t k) {
  return c_found<float>([&](int64_t* ids, float* d, size_t* found) {
    return find_one(x, ANNOY_ELEMENT_BITS, words(v).data(), words(v).size(), at_most(n, k), options_of(k), ids, d,
                    found, nullptr);
  });
}

annoy_vectors view_of(const std::vector<float>& v, size_t n) {
  return rows_of(ANNOY_ELEMENT_F32, v.data(), n, v.size() / n, 0);
}
annoy_vectors view_of(const std::vector<double>& v, size_t n) {
  return rows_of(ANNOY_ELEMENT_F64, v.data(), n, v.size() / n, 0);
}
annoy_vectors view_of(const std::vector<uint64_t>& v, size_t n) {
  return rows_of(ANNOY_ELEMENT_BITS, v.data(), n, v.size() / n, 0);
}
const std::vector<float>& elements(const std::vector<float>& v) { return v; }
const std::vector<double>& elements(const std::vector<double>& v) { return v; }
template <typename W> std::vector<uint64_t> elements(const std::vector<W>& v) { return words(v); }

// Empty when there is no such file.
std::string bytes_of(const char* path) {
  std::string bytes;
  if (FILE* file = fopen(path, "rb")) {
    char part[4096];
    while (size_t n = fread(part, 1, sizeof part, file)) bytes.append(part, n);
    fclose(file);
  }
  return bytes;
}

// The same index, made with the C ABI alone.
template <typename S, typename T> struct Reference {
  annoy_index* index;
  std::string bytes;

  Reference(annoy_metric metric, uint64_t seed) : index(nullptr) {
    annoy_options options = annoy_options();
    options.struct_size = sizeof options;
    options.metric = metric;
    options.scalar = Type<T>::scalar;
    options.id_bits = sizeof(S) * 8;
    options.f = Type<T>::f * Type<T>::bits;
    bool good = !annoy_new_with(&options, &index, nullptr) && !annoy_set_seed(index, seed, nullptr);
    for (int i = 0; good && i < n_items; i++) good = i == hole || !c_add(index, i, row<T>(i));
    good = good && !annoy_build(index, n_trees, 1, nullptr) && !annoy_save(index, "reference.ann", nullptr);
    bytes = bytes_of("reference.ann");
    remove("reference.ann");
    CHECK(good && !bytes.empty());
  }
  ~Reference() { annoy_free(index); }
  Reference(const Reference&) = delete;
  Reference& operator=(const Reference&) = delete;
};

char context[200];
#define CHECK_IT(condition) CHECK_WITH(condition, context)

// --- the exercise; it knows the index by its interface only

// Appended to the marks that were there before, and as the reference says.
template <typename S, typename T>
void same(const std::vector<S>& ids, const std::vector<T>& distances, bool with_distances, const Found& expected) {
  const size_t n = expected.ids.size();
  CHECK_IT(ids.size() == 1 + n && ids[0] == 99);
  CHECK_IT(distances.size() == 1 + (with_distances ? n : 0) && distances[0] == T(77));
  for (size_t i = 0; i < n && ids.size() == 1 + n; i++) {
    CHECK_IT(static_cast<int64_t>(ids[1 + i]) == expected.ids[i]);
    if (with_distances) CHECK_IT(static_cast<double>(distances[1 + i]) == expected.distances[i]);
  }
}

template <typename S, typename T, typename R>
void answers(const AnnoyIndexInterface<S, T, R>& index, const annoy_index* c) {
  CHECK_IT(index.get_n_items() == S(n_items));
  CHECK_IT(index.get_n_trees() == S(n_trees));
  const int search_ks[] = {-1, 0, 9, 100, -3};
  const size_t ns[] = {0, 3, 200};
  for (int search_k : search_ks) {
    for (size_t n : ns) {
      // The C ABI wants room for n and knows no search_k below -1.
      const size_t c_n = std::min<size_t>(n, n_items);
      const int64_t c_k = search_k == -3 ? 1000000 : search_k == -1 ? int64_t(n) * n_trees : search_k;
      for (bool with_distances : {true, false}) {
        std::vector<S> ids(1, 99);
        std::vector<T> distances(1, T(77));
        index.get_nns_by_item(13, n, search_k, &ids, with_distances ? &distances : nullptr);
        same(ids, distances, with_distances, c_item(c, 13, c_n, c_k, T()));
        ids.assign(1, 99);
        distances.assign(1, T(77));
        index.get_nns_by_vector(row<T>(n_items).data(), n, search_k, &ids, with_distances ? &distances : nullptr);
        same(ids, distances, with_distances, c_vector(c, row<T>(n_items), c_n, c_k));
      }
    }
  }
  double distance = -1;
  CHECK_IT(!annoy_get_distance(c, 2, 31, &distance, nullptr) && index.get_distance(2, 31) == static_cast<T>(distance));
  CHECK_IT(distance != 0 && index.get_distance(2, n_items) == 0);
  std::vector<T> v(Type<T>::f, T(5));
  index.get_item(31, v.data());
  CHECK_IT(v == row<T>(31));
  index.get_item(n_items, v.data());
  CHECK_IT(v == row<T>(31));
  index.get_item(hole, v.data());
  CHECK_IT(v == std::vector<T>(Type<T>::f, T(0)));
}

// Nothing to search: nothing is appended.
template <typename S, typename T, typename R> void no_answers(const AnnoyIndexInterface<S, T, R>& index, S item) {
  std::vector<S> ids(1, 99);
  std::vector<T> distances(1, T(77));
  index.get_nns_by_item(item, 3, -1, &ids, &distances);
  index.get_nns_by_vector(row<T>(1).data(), 3, 10, &ids, &distances);
  same(ids, distances, false, Found());
}

template <typename S, typename T, typename R> bool add_all(AnnoyIndexInterface<S, T, R>& index) {
  bool good = true;
  // In descending order except the last: ids may come in any order.
  for (int i = n_items - 2; i >= 0; i--) good = (i == hole || index.add_item(S(i), row<T>(i).data())) && good;
  return index.add_item(n_items - 1, row<T>(n_items - 1).data()) && good;
}

bool said(char*& error) {
  const bool something = error && *error;
  free(error);
  error = nullptr;
  return something;
}

// Three new indexes of one type.
template <typename S, typename T, typename R>
void exercise(AnnoyIndexInterface<S, T, R>& index, AnnoyIndexInterface<S, T, R>& other,
              AnnoyIndexInterface<S, T, R>& disk, const Reference<S, T>& reference) {
  char* error = nullptr;

  CHECK_IT(index.get_n_items() == 0 && index.get_n_trees() == 0);
  no_answers(index, S(0));
  CHECK_IT(!index.save("index.ann", false, &error) && said(error));
  CHECK_IT(add_all(index));
  no_answers(index, S(1));
  CHECK_IT(index.get_n_items() == S(n_items) && index.get_n_trees() == 0);
  CHECK_IT(!index.build(0, 1, &error) && said(error));
  CHECK_IT(index.build(n_trees, 2, &error) && !error);
  answers(index, reference.index);
  std::vector<S> none;
  index.get_nns_by_item(n_items, 3, -1, &none, nullptr);
  CHECK_IT(none.empty());
  CHECK_IT(!index.build(n_trees, 1, &error) && said(error));
  CHECK_IT(!index.add_item(0, row<T>(0).data(), &error) && said(error));

  CHECK_IT(index.unbuild(&error) && index.get_n_trees() == 0);
  CHECK_IT(index.build(n_trees) && index.save("index.ann", true, &error) && !error);
  CHECK_IT(bytes_of("index.ann") == reference.bytes);
  answers(index, reference.index);
  CHECK_IT(!index.unbuild(&error) && said(error));
  CHECK_IT(!index.add_item(0, row<T>(0).data(), &error) && said(error));

  CHECK_IT(!other.load("no such file.ann", false, &error) && said(error));
  CHECK_IT(other.load("index.ann") && remove("index.ann") == 0);
  answers(other, reference.index);
  CHECK_IT(!other.build(1, 1, &error) && said(error));
  other.unload();
  CHECK_IT(other.get_n_items() == 0 && other.get_n_trees() == 0);
  no_answers(other, S(0));

  // The seed counts, and setting it again counts too.
  other.set_seed(R(3));
  CHECK_IT(add_all(other) && other.build(n_trees));
  other.unload();
  other.set_seed(R(3));
  CHECK_IT(add_all(other) && other.build(n_trees) && other.save("seeded.ann"));
  annoy_index* seeded = reference.index;  // built again with that seed, and with its own in the end
  CHECK_IT(!annoy_unbuild(seeded, nullptr) && !annoy_set_seed(seeded, 3, nullptr));
  CHECK_IT(!annoy_build(seeded, n_trees, 1, nullptr));
  answers(other, seeded);
  remove("seeded.ann");

  CHECK_IT(disk.on_disk_build("disk.ann", &error) && !error);
  CHECK_IT(add_all(disk) && disk.build(n_trees, 1, &error));
  CHECK_IT(bytes_of("disk.ann") == reference.bytes);
  CHECK_IT(disk.save("elsewhere.ann", false, &error) && !error && bytes_of("elsewhere.ann").empty());
  CHECK_IT(disk.unbuild() && disk.get_n_trees() == 0 && disk.build(n_trees));
  CHECK_IT(bytes_of("disk.ann") == reference.bytes);
  // Once unloaded or loaded it is an index like any other.
  disk.unload();
  CHECK_IT(disk.load("disk.ann") && disk.save("elsewhere.ann") && bytes_of("elsewhere.ann") == reference.bytes);
  remove("disk.ann");
  remove("elsewhere.ann");
}

// What the class has beyond Annoy's interface: items inserted, and replaced, in memory and in
// what was loaded.
template <typename Index, typename S, typename T> void grows(Index& index, const Reference<S, T>& reference) {
  char* error = nullptr;
  annoy_index* c = reference.index;
  const S ids[] = {S(n_items + 1), S(2)};
  const int64_t c_ids[] = {n_items + 1, 2};
  std::vector<T> rows = row<T>(100);
  auto raw = elements(rows);
  for (int i = 101; i <= 102; i++) {
    const std::vector<T> more = row<T>(i);
    const auto more_raw = elements(more);
    rows.insert(rows.end(), more.begin(), more.end());
    raw.insert(raw.end(), more_raw.begin(), more_raw.end());
  }
  const size_t each = raw.size() / 3;
  const decltype(raw) two(raw.begin(), raw.begin() + 2 * each), third(raw.begin() + 2 * each, raw.end());

  CHECK_IT(!index.insert_item(0, rows.data(), &error) && said(error));
  CHECK_IT(!index.thaw_built(&error) && said(error));
  CHECK_IT(add_all(index) && index.build(n_trees) && index.save("index.ann"));
  CHECK_IT(!index.insert_item(0, rows.data(), &error) && said(error));
  CHECK_IT(index.thaw_built(&error) && !error);
  CHECK_IT(!index.insert_item(S(-1), rows.data(), &error) && said(error));
  const S twice[] = {S(1), S(1)};
  CHECK_IT(!index.insert_items(twice, rows.data(), 2, &error) && said(error));
  CHECK_IT(!index.insert_items(ids, nullptr, 2, &error) && said(error));
  CHECK_IT(index.insert_items(ids, rows.data(), 0, &error) && index.get_n_items() == S(n_items));
  CHECK_IT(index.insert_items(ids, rows.data(), 2, &error) && index.get_n_items() == S(n_items + 2));
  const T* last = rows.data() + 2 * Type<T>::f;
  CHECK_IT(index.insert_item(ids[0], last, &error) && index.insert_items(nullptr, last, 1, &error) && !error);
  CHECK_IT(index.get_n_items() == S(n_items + 3) && index.get_n_trees() == S(n_trees));
  std::vector<T> v(Type<T>::f);
  for (S id : {ids[0], S(n_items + 2)}) {
    index.get_item(id, v.data());
    CHECK_IT(v == row<T>(102));
  }
  index.get_item(2, v.data());
  CHECK_IT(v == row<T>(101));

  // As the C ABI does it.
  const annoy_vectors some = view_of(two, 2), one = view_of(third, 1);
  const uint64_t replacing = ANNOY_INSERT_REPLACE;
  CHECK_IT(!annoy_insert(c, c_ids, &some, nullptr, replacing, nullptr, nullptr));
  CHECK_IT(!annoy_insert(c, c_ids, &one, nullptr, replacing, nullptr, nullptr));
  CHECK_IT(!annoy_insert(c, nullptr, &one, nullptr, 0, nullptr, nullptr));
  CHECK_IT(index.save("index.ann") && !annoy_save(c, "reference.ann", nullptr));
  CHECK_IT(bytes_of("index.ann") == bytes_of("reference.ann"));
  remove("index.ann");
  remove("reference.ann");
}

// --- all types

template <typename T> struct Custom {
  int i;
  T operator[](int z) const { return row<T>(i)[static_cast<size_t>(z)]; }
};

template <typename S, typename T, typename Distance, typename Random, typename Policy>
void one(const char* s, annoy_metric metric, const char* random, const char* policy) {
  typedef AnnoyIndex<S, T, Distance, Random, Policy> Index;
  typedef AnnoyIndexInterface<S, T, typename Index::R> Interface;
  static_assert(std::is_base_of<Interface, Index>::value, "R");
  static_assert(std::is_same<typename Index::D, Distance>::value, "D");
  static_assert(std::is_nothrow_move_constructible<Index>::value && std::is_copy_assignable<Index>::value, "moves");
  snprintf(context, sizeof context, "<%s, %s, %s, %s, %s>", s, Type<T>::name(), Distance::name(), random, policy);

  Reference<S, T> reference(metric, static_cast<uint64_t>(Random::default_seed));
  Index a(Type<T>::f), b(Type<T>::f), c(Type<T>::f);
  exercise<S, T, typename Index::R>(a, b, c, reference);

  Index copy = a;  // of one index
  a.unload();
  CHECK_IT(copy.get_n_items() == 0 && copy.get_f() == Type<T>::f && copy.c_handle() == a.c_handle());
  const Custom<T> custom = {4};
  CHECK_IT(copy.add_item_impl(0, custom) && copy.add_item_impl(1, row<T>(5)) && copy.add_item_impl(2, &row<T>(6)[0]));
  Index moved = std::move(copy);
  copy = Index(1);
  for (int i = 0; i < 3; i++) {
    std::vector<T> v(Type<T>::f);
    moved.get_item(S(i), v.data());
    CHECK_IT(v == row<T>(4 + i));
  }
  CHECK_IT(a.get_n_items() == 3 && copy.get_f() == 1 && copy.get_n_items() == 0);

  Reference<S, T> to_grow(metric, static_cast<uint64_t>(Random::default_seed));
  Index growing(Type<T>::f), nothing;
  grows(growing, to_grow);
  char* error = nullptr;
  CHECK_IT(!nothing.insert_items(nullptr, nullptr, 3, &error) && said(error));
  CHECK_IT(!nothing.thaw_built(&error) && said(error));
}

// The generators and policies by number, from 0 to 8.
template <int K> struct Generator { typedef Annoy::Kiss32Random type; };
template <> struct Generator<1> { typedef Annoy::Kiss64Random type; };
template <> struct Generator<2> { typedef Dice type; };
template <int K> struct Threads { typedef Annoy::AnnoyIndexSingleThreadedBuildPolicy type; };
template <> struct Threads<1> { typedef Annoy::AnnoyIndexMultiThreadedBuildPolicy type; };
template <> struct Threads<2> { typedef AnyPolicy type; };

template <int K, typename S, typename T, typename Distance> void number(const char* s, annoy_metric metric) {
  static const char* const generators[] = {"Kiss32Random", "Kiss64Random", "Dice"};
  static const char* const threads[] = {"single", "multi", "any"};
  one<S, T, Distance, typename Generator<K / 3>::type, typename Threads<K % 3>::type>(s, metric, generators[K / 3],
                                                                                   threads[K % 3]);
}

template <int K, typename S, typename T, typename Distance> void all_of(const char* s, annoy_metric metric) {
#if defined FEW
  number<6, S, T, Distance>(s, metric);
#elif defined SOME
  number<K % 9, S, T, Distance>(s, metric);
#else
  number<0, S, T, Distance>(s, metric);
  number<1, S, T, Distance>(s, metric);
  number<2, S, T, Distance>(s, metric);
  number<3, S, T, Distance>(s, metric);
  number<4, S, T, Distance>(s, metric);
  number<5, S, T, Distance>(s, metric);
  number<6, S, T, Distance>(s, metric);
  number<7, S, T, Distance>(s, metric);
  number<8, S, T, Distance>(s, metric);
#endif
}

// K: where SOME begins.
template <int K, typename S> void all(const char* s) {
  using namespace Annoy;
  all_of<K, S, float, Angular>(s, ANNOY_ANGULAR);
  all_of<K + 1, S, float, Euclidean>(s, ANNOY_EUCLIDEAN);
  all_of<K + 2, S, float, Manhattan>(s, ANNOY_MANHATTAN);
  all_of<K + 3, S, float, DotProduct>(s, ANNOY_DOT);
  all_of<K + 4, S, double, Angular>(s, ANNOY_ANGULAR);
  all_of<K + 5, S, double, Euclidean>(s, ANNOY_EUCLIDEAN);
  all_of<K + 6, S, double, Manhattan>(s, ANNOY_MANHATTAN);
  all_of<K + 7, S, double, DotProduct>(s, ANNOY_DOT);
  all_of<K + 8, S, uint64_t, Hamming>(s, ANNOY_HAMMING);
  all_of<K + 9, S, uint32_t, Hamming>(s, ANNOY_HAMMING);
  all_of<K + 10, S, int, Hamming>(s, ANNOY_HAMMING);
  all_of<K + 11, S, uint8_t, Hamming>(s, ANNOY_HAMMING);
}

TEST(ids_int32) { all<0, int32_t>("int32_t"); }
#ifndef FEW
TEST(ids_uint32) { all<4, uint32_t>("uint32_t"); }
TEST(ids_int64) { all<8, int64_t>("int64_t"); }
#endif
TEST(ids_uint64) { all<12, uint64_t>("uint64_t"); }

}  // namespace

int main() {
  RUN(ids_int32);
#ifndef FEW
  RUN(ids_uint32);
  RUN(ids_int64);
#endif
  RUN(ids_uint64);
  return check::report();
}
