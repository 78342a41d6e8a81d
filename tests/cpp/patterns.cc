// How C++ programs use Annoy, each pattern written anew: all of this has to compile and work as it
// does with Annoy's header.
//
// Writes its files to the current directory.

// As an image collection had it: defined as something, not only defined.
#define ANNOYLIB_MULTITHREADED_BUILD ;

// --- a header of a physics package: names declared before Annoy's header is seen, an index
// returned by value

namespace Annoy {
struct Angular;
struct Euclidean;
struct Manhattan;
struct DotProduct;
struct Hamming;
struct Kiss32Random;
struct Kiss64Random;
template <typename A, typename B, typename C, typename D, typename E>
class AnnoyIndex;
class AnnoyIndexSingleThreadedBuildPolicy;
class AnnoyIndexMultiThreadedBuildPolicy;
}  // namespace Annoy

using HashModel = Annoy::AnnoyIndex<unsigned int, double, Annoy::Angular, Annoy::Kiss32Random,
                                    Annoy::AnnoyIndexSingleThreadedBuildPolicy>;
HashModel train(unsigned int seed, int f);

#include <annoy/annoylib.h>
#include <annoy/kissrandom.h>
#include <annoy/mman.h>
// Again, and by their other names: they have guards.
#include "annoylib.h"
#include "kissrandom.h"
#include "mman.h"

#if !defined(ANNOY_ANNOYLIB_H) || !defined(ANNOY_KISSRANDOM_H)
#error "programs look at the names of Annoy's include guards"
#endif

#include <array>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>

#include "check.h"

// Some bindings instantiate the interface themselves.
template class Annoy::AnnoyIndexInterface<int32_t, float>;
template class Annoy::AnnoyIndex<int32_t, float, Annoy::DotProduct, Annoy::Kiss64Random,
                                 Annoy::AnnoyIndexMultiThreadedBuildPolicy>;

namespace {

double coordinate(int i, int z) { return ((i * 7919 + z * 104729) % 1009) / 100.0 - 5; }

template <typename T> std::vector<T> point(int i, int f) {
  std::vector<T> v;
  for (int z = 0; z < f; z++) v.push_back(static_cast<T>(coordinate(i, z)));
  return v;
}

}  // namespace

HashModel train(unsigned int seed, int f) {
  HashModel model(f);
  model.set_seed(seed);
  for (unsigned int i = 0; i < 200; i++) model.add_item(i, point<double>(static_cast<int>(i), f).data());
  model.build(1);
  return model;
}

TEST(declared_ahead_and_returned_by_value) {
  HashModel model = train(123456789u, 3);
  std::vector<unsigned int> bucket;
  model.get_nns_by_item(7, 20, -1, &bucket, nullptr);
  CHECK(bucket.size() == 20 && bucket[0] == 7);
  model = train(42u, 4);
  CHECK(model.get_f() == 4 && model.get_n_items() == 200u);
}

// --- t-SNE programs: copy-initialisation, and threads that query

template <typename Tree> static void neighbours_by_threads(int n, int dimension, std::vector<int>* counts) {
  Tree tree = Tree(dimension);
  for (int i = 0; i < n; i++) {
    std::vector<double> row = point<double>(i, dimension);
    tree.add_item(i, row.data());
  }
  tree.build(10);
  if (tree.get_n_items() != n) return;
  counts->assign(static_cast<size_t>(n), 0);
  const int n_threads = 4, k = 9;
  std::vector<std::thread> threads;
  for (int t = 0; t < n_threads; t++) {
    threads.emplace_back([&tree, t, n, counts]() {
      for (int i = t; i < n; i += n_threads) {
        std::vector<int> closest;
        std::vector<double> distances;
        tree.get_nns_by_item(i, k + 1, k * 10, &closest, &distances);
        if (closest.size() == distances.size() && distances[0] == 0)
          (*counts)[static_cast<size_t>(i)] = static_cast<int>(closest.size());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(four_threads_query) {
  std::vector<int> counts;
  neighbours_by_threads<Annoy::AnnoyIndex<int, double, Annoy::Euclidean, Annoy::Kiss32Random,
                                          Annoy::AnnoyIndexSingleThreadedBuildPolicy>>(400, 5, &counts);
  CHECK(counts == std::vector<int>(400, 10));
}

// --- an image collection: bytes of hashes, size_t ids, errors owned by a unique_ptr, a class
// with defaulted moves

namespace photos {

typedef size_t PhotoId;
typedef unsigned char uchar;
typedef Annoy::AnnoyIndex<PhotoId, uchar, Annoy::Hamming, Annoy::Kiss32Random, Annoy::AnnoyIndexMultiThreadedBuildPolicy>
    Index;
typedef std::unique_ptr<char, decltype(&free)> ErrorText;

class Library {
 public:
  explicit Library(int bytes) : index_(bytes) {}
  Library(const Library&) = default;
  Library(Library&&) = default;
  Library& operator=(const Library&) = default;
  Library& operator=(Library&&) = default;

  std::string add(PhotoId id, const std::vector<uchar>& hash) {
    char* error = nullptr;
    if (index_.add_item(id, hash.data(), &error)) return "";
    return ErrorText(error, &free).get();
  }
  std::string load(const std::string& path) {
    char* raw = nullptr;
    const bool good = index_.load(path.c_str(), false, &raw);
    ErrorText error(raw, &free);
    return good ? "" : error.get();
  }
  bool finish(const std::string& path) { return index_.build(5, -1) && index_.save(path.c_str()); }
  std::vector<PhotoId> like(PhotoId id, std::vector<uchar>* distances) const {
    std::vector<PhotoId> found;
    index_.get_nns_by_item(id, 4, -1, &found, distances);
    return found;
  }

 private:
  Index index_;
};

}  // namespace photos

TEST(bytes_of_hashes) {
  using photos::uchar;
  photos::Library library(8);
  for (size_t i = 0; i < 90; i++) {
    std::vector<uchar> hash;
    for (size_t z = 0; z < 8; z++) hash.push_back(static_cast<uchar>(i * 31 + z * z * 7));
    CHECK(library.add(i, hash).empty());
  }
  CHECK(library.finish("photos.ann"));
  CHECK(library.add(3, std::vector<uchar>(8)).find("loaded") != std::string::npos);
  photos::Library other = std::move(library);
  library = photos::Library(8);
  CHECK(library.load("no such.ann").find("no such.ann") != std::string::npos);
  CHECK(library.load("photos.ann").empty());
  std::vector<uchar> distances, other_distances;
  CHECK(library.like(5, &distances) == other.like(5, &other_distances));
  CHECK(distances.size() == 4 && distances[0] == 0 && distances == other_distances);
  remove("photos.ann");
}

TEST(bytes_hold_distances_up_to_255) {
  photos::Index index(40);
  const std::vector<uint8_t> zero(40, 0), one(40, 255);
  index.add_item(0, zero.data());
  index.add_item(1, one.data());
  index.build(3);
  std::vector<size_t> ids;
  std::vector<uint8_t> distances;
  index.get_nns_by_item(0, 2, -1, &ids, &distances);
  CHECK(ids == std::vector<size_t>({0, 1}) && distances == std::vector<uint8_t>({0, 255}));
  CHECK(index.get_distance(0, 1) == 255);
}

// --- cell counts: int words, a const reference shared by threads

typedef Annoy::AnnoyIndex<int, int, Annoy::Hamming, Annoy::Kiss64Random, Annoy::AnnoyIndexMultiThreadedBuildPolicy> IntWords;

static void vote(const IntWords& index, int from, int to, int* votes) {
  for (int i = from; i < to; i++) {
    std::vector<int> ids, distances;
    index.get_nns_by_item(i, 3, -1, &ids, &distances);
    *votes += ids.size() == 3 && ids[0] == i && distances[0] == 0;
  }
}

TEST(words_of_int) {
  IntWords index(4);
  for (int i = 0; i < 100; i++) {
    const int words[4] = {i, -i, i << 20, ~i};
    index.add_item(i, words);
  }
  index.build(8, 2);
  int votes[2] = {0, 0};
  std::thread first(vote, std::cref(index), 0, 50, &votes[0]), second(vote, std::cref(index), 50, 100, &votes[1]);
  first.join();
  second.join();
  CHECK(votes[0] == 50 && votes[1] == 50);
  int words[4];
  index.get_item(77, words);
  CHECK(words[0] == 77 && words[1] == -77 && words[2] == 77 << 20 && words[3] == ~77);
  // The sign bit is a bit like any other.
  IntWords signs(1);
  const int zero = 0, minus = std::numeric_limits<int>::min();
  signs.add_item(0, &zero);
  signs.add_item(1, &minus);
  CHECK(signs.get_distance(0, 1) == 1);
}

// --- a language binding: hamming over floats, by composition behind the interface

namespace binding {

using namespace Annoy;  // and then vector, pair, make_pair, numeric_limits without std::

class Bits : public AnnoyIndexInterface<int32_t, float> {
 private:
  int32_t _f;
  AnnoyIndex<int32_t, uint64_t, Hamming, Kiss64Random, AnnoyIndexMultiThreadedBuildPolicy> _index;

  vector<uint64_t> pack(const float* v) const {
    vector<uint64_t> words((_f + 63) / 64, 0);
    for (int32_t i = 0; i < _f; i++) words[i / 64] |= static_cast<uint64_t>(v[i] > 0.5) << (i % 64);
    return words;
  }

 public:
  Bits(int f) : _f(f), _index((f + 63) / 64) {}
  bool add_item(int32_t item, const float* w, char** error) { return _index.add_item(item, &pack(w)[0], error); }
  bool build(int q, int n_threads, char** error) { return _index.build(q, n_threads, error); }
  bool unbuild(char** error) { return _index.unbuild(error); }
  bool save(const char* filename, bool prefault, char** error) { return _index.save(filename, prefault, error); }
  void unload() { _index.unload(); }
  bool load(const char* filename, bool prefault, char** error) { return _index.load(filename, prefault, error); }
  float get_distance(int32_t i, int32_t j) const { return static_cast<float>(_index.get_distance(i, j)); }
  void get_nns_by_item(int32_t item, size_t n, int search_k, vector<int32_t>* result, vector<float>* distances) const {
    vector<uint64_t> whole;
    _index.get_nns_by_item(item, n, search_k, result, &whole);
    if (distances) distances->insert(distances->begin(), whole.begin(), whole.end());
  }
  void get_nns_by_vector(const float* w, size_t n, int search_k, vector<int32_t>* result, vector<float>* distances) const {
    vector<uint64_t> whole;
    _index.get_nns_by_vector(&pack(w)[0], n, search_k, result, &whole);
    if (distances) distances->insert(distances->begin(), whole.begin(), whole.end());
  }
  int32_t get_n_items() const { return _index.get_n_items(); }
  int32_t get_n_trees() const { return _index.get_n_trees(); }
  void verbose(bool v) { _index.verbose(v); }
  void get_item(int32_t item, float* v) const {
    vector<uint64_t> words((_f + 63) / 64, 0);
    _index.get_item(item, &words[0]);
    for (int32_t i = 0; i < _f; i++) v[i] = static_cast<float>((words[i / 64] >> (i % 64)) & 1);
  }
  void set_seed(uint64_t q) { _index.set_seed(q); }
  bool on_disk_build(const char* filename, char** error) { return _index.on_disk_build(filename, error); }
};

// As bindings choose a metric by its name, and hand out the interface.
AnnoyIndexInterface<int32_t, float>* make(const std::string& metric, int f) {
  typedef AnnoyIndexMultiThreadedBuildPolicy Policy;
  if (metric == Angular::name()) return new AnnoyIndex<int32_t, float, Angular, Kiss64Random, Policy>(f);
  if (metric == Euclidean::name()) return new AnnoyIndex<int32_t, float, Euclidean, Kiss64Random, Policy>(f);
  if (metric == Manhattan::name()) return new AnnoyIndex<int32_t, float, Manhattan, Kiss64Random, Policy>(f);
  if (metric == DotProduct::name()) return new AnnoyIndex<int32_t, float, DotProduct, Kiss64Random, Policy>(f);
  if (metric == Hamming::name()) return new Bits(f);
  return NULL;
}

// The namespace has names of std such as vector and pair: wrappers of Annoy rely on that.
pair<int32_t, float> nearest(const AnnoyIndexInterface<int32_t, float>& index, const vector<float>& query) {
  vector<int32_t> ids;
  vector<float> distances;
  index.get_nns_by_vector(&query[0], 1, -1, &ids, &distances);
  return ids.empty() ? make_pair(-1, numeric_limits<float>::infinity()) : make_pair(ids[0], distances[0]);
}

}  // namespace binding

TEST(every_metric_behind_the_interface) {
  for (const char* metric : {"angular", "euclidean", "manhattan", "dot", "hamming"}) {
    std::unique_ptr<Annoy::AnnoyIndexInterface<int32_t, float>> index(binding::make(metric, 70));
    CHECK(binding::nearest(*index, point<float>(1, 70)).first == -1);
    for (int i = 0; i < 50; i++) CHECK(index->add_item(i, point<float>(i, 70).data()));
    CHECK(index->build(5) && index->get_n_trees() == 5);
    const std::pair<int32_t, float> found = binding::nearest(*index, point<float>(31, 70));
    CHECK(std::string(metric) == "dot" || (found.first == 31 && found.second < 0.01f));
    CHECK(index->save("interface.ann"));
    std::unique_ptr<Annoy::AnnoyIndexInterface<int32_t, float>> other(binding::make(metric, 70));
    CHECK(other->load("interface.ann") && binding::nearest(*other, point<float>(31, 70)) == found);
    char* error = nullptr;
    CHECK(!other->unbuild(&error) && error && *error);
    free(error);
    remove("interface.ann");
  }
  CHECK(!binding::make("cosine", 3));
}

// The type of the seed is part of the interface, as in Annoy.
static_assert(std::is_convertible<Annoy::AnnoyIndex<int, double, Annoy::Angular, Annoy::Kiss64Random,
                                                    Annoy::AnnoyIndexSingleThreadedBuildPolicy>*,
                                  Annoy::AnnoyIndexInterface<int, double>*>::value,
              "a 64-bit seed is the interface's default");
static_assert(!std::is_convertible<HashModel*, Annoy::AnnoyIndexInterface<unsigned int, double>*>::value &&
                  std::is_convertible<HashModel*, Annoy::AnnoyIndexInterface<unsigned int, double, uint32_t>*>::value,
              "Kiss32Random has a 32-bit seed");
static_assert(std::is_abstract<Annoy::AnnoyIndexInterface<int, float>>::value, "an interface");

// --- a database: a template over the metric, rows appended, get_f asked

template <typename Distance> class DatabaseIndex {
 public:
  typedef Annoy::AnnoyIndex<uint64_t, float, Distance, Annoy::Kiss64Random, Annoy::AnnoyIndexMultiThreadedBuildPolicy> Base;

  explicit DatabaseIndex(int f) : base_(std::make_shared<Base>(f)) {}
  bool append(const std::vector<float>& rows) {
    if (rows.size() % static_cast<size_t>(base_->get_f()) != 0) return false;
    for (size_t at = 0; at < rows.size(); at += static_cast<size_t>(base_->get_f()))
      if (!base_->add_item(base_->get_n_items(), &rows[at])) return false;
    return true;
  }
  const std::shared_ptr<Base>& base() const { return base_; }

 private:
  std::shared_ptr<Base> base_;
};

TEST(rows_appended) {
  DatabaseIndex<Annoy::Euclidean> index(4);
  for (int i = 0; i < 30; i++) CHECK(index.append(point<float>(i, 8)));
  CHECK(!index.append(point<float>(1, 3)));
  CHECK(index.base()->get_n_items() == 60 && index.base()->build(12, 2));
  std::vector<uint64_t> rows;
  std::vector<float> distances;
  index.base()->get_nns_by_vector(point<float>(17, 8).data() + 4, 5, -1, &rows, &distances);
  CHECK(rows.size() == 5 && rows[0] == 35 && distances[0] == 0);
}

// --- add_item_impl: anything that can be indexed

struct Diagonal {
  double at;
  double operator[](int z) const { return z == 1 ? at : 0; }
};

TEST(anything_indexable) {
  Annoy::AnnoyIndex<int64_t, double, Annoy::Manhattan, Annoy::Kiss64Random, Annoy::AnnoyIndexSingleThreadedBuildPolicy>
      index(3);
  const double array[3] = {1, 2, 3};
  double* pointer = const_cast<double*>(array);
  const std::array<int, 3> ints = {{1, 2, 3}};
  const std::vector<float> floats = {1, 2, 3};
  const Diagonal diagonal = {5};
  char* error = nullptr;
  CHECK(index.add_item_impl(0, array) && index.add_item_impl(1, pointer) && index.add_item_impl(2, ints));
  CHECK(index.add_item_impl(3, floats, &error) && index.add_item_impl(4, diagonal, &error) && !error);
  for (int64_t i = 0; i < 4; i++) CHECK(index.get_distance(0, i) == 0);
  CHECK(index.get_distance(0, 4) == 7);
  CHECK(!index.add_item_impl(-1, floats, &error) && error && strstr(error, "-1"));
  free(error);
}

// --- ids of every width, to their ends

TEST(ids_that_cannot_be) {
  char* error = nullptr;
  Annoy::AnnoyIndex<uint64_t, float, Annoy::Angular, Annoy::Kiss64Random, Annoy::AnnoyIndexSingleThreadedBuildPolicy>
      index(2);
  const float v[2] = {1, 2};
  CHECK(index.add_item(0, v) && index.build(1));
  std::vector<uint64_t> ids;
  for (uint64_t item : {uint64_t(1), uint64_t(1) << 63, ~uint64_t(0)}) {
    index.get_nns_by_item(item, 3, -1, &ids, nullptr);
    CHECK(ids.empty() && index.get_distance(0, item) == 0);
  }
  index.unbuild();
  CHECK(!index.add_item(~uint64_t(0), v, &error) && error);
  free(error);
  error = nullptr;
  CHECK(!index.add_item(1, nullptr, &error) && error);
  free(error);
  CHECK(index.get_n_items() == 1);
  const float wild[2] = {1, std::numeric_limits<float>::quiet_NaN()};
  error = nullptr;
  CHECK(!index.add_item(1, wild, &error) && error);
  free(error);
  CHECK(index.build(1));
  index.get_nns_by_vector(wild, 1, -1, &ids, nullptr);
  CHECK(ids.empty());
  index.get_nns_by_vector(nullptr, 1, -1, &ids, nullptr);
  CHECK(ids.empty());
}

// --- without an index behind it

template <typename Index> static void nothing_works(Index& index, const char* text) {
  char* error = nullptr;
  const float v[3] = {1, 2, 3};
  CHECK(!index.add_item(0, v, &error) && error && strstr(error, text));
  free(error);
  error = nullptr;
  CHECK(!index.add_item_impl(0, std::vector<float>(v, v + 3), &error) && error && strstr(error, text));
  free(error);
  error = nullptr;
  CHECK(!index.build(1, 1, &error) && error && strstr(error, text));
  free(error);
  error = nullptr;
  CHECK(!index.save("x.ann", false, &error) && error && strstr(error, text));
  free(error);
  error = nullptr;
  CHECK(!index.load("x.ann", false, &error) && error && strstr(error, text));
  free(error);
  error = nullptr;
  CHECK(!index.on_disk_build("x.ann", &error) && error && strstr(error, text));
  free(error);
  error = nullptr;
  CHECK(!index.unbuild(&error) && error && strstr(error, text));
  free(error);
  index.unload();
  index.verbose(true);
  index.set_seed(3);
  float to[3] = {7, 7, 7};
  index.get_item(0, to);
  std::vector<int> ids;
  index.get_nns_by_item(0, 3, -1, &ids, nullptr);
  index.get_nns_by_vector(v, 3, -1, &ids, nullptr);
  CHECK(ids.empty() && to[0] == 7 && index.get_n_items() == 0 && index.get_n_trees() == 0);
  CHECK(index.get_distance(0, 0) == 0 && !index.c_handle());
}

TEST(without_an_index_behind_it) {
  typedef Annoy::AnnoyIndex<int, float, Annoy::Angular, Annoy::Kiss64Random, Annoy::AnnoyIndexSingleThreadedBuildPolicy>
      Index;
  Index none, zero(0), negative(-3), huge(std::numeric_limits<int>::max()), good(3);
  nothing_works(none, "without an f");
  nothing_works(zero, "f is 0");
  nothing_works(negative, "f is -3");
  nothing_works(huge, "65536");
  const Index moved = std::move(good);
  nothing_works(good, "moved from");
  none = moved;
  const float v[3] = {1, 2, 3};
  CHECK(none.add_item(0, v) && moved.get_n_items() == 1 && none.get_f() == 3);
}

// --- macros and free functions that code may use

TEST(macros_and_helpers) {
  CHECK(ANNOYLIB_V_ARRAY_SIZE == 65536);
  char* error = nullptr;
  Annoy::set_error_from_string(&error, "text");
  CHECK(error && !strcmp(error, "text"));
  free(error);
  errno = ENOENT;
  Annoy::set_error_from_errno(&error, "Unable to open");
  CHECK(error && strstr(error, "Unable to open: ") == error && strstr(error, "(2)"));
  free(error);
}

int main() {
  RUN(declared_ahead_and_returned_by_value);
  RUN(four_threads_query);
  RUN(bytes_of_hashes);
  RUN(bytes_hold_distances_up_to_255);
  RUN(words_of_int);
  RUN(every_metric_behind_the_interface);
  RUN(rows_appended);
  RUN(anything_indexable);
  RUN(ids_that_cannot_be);
  RUN(without_an_index_behind_it);
  RUN(macros_and_helpers);
  return check::report();
}
