// Annoy for bench.c: Spotify's header, or ours that stands in for it
// (annoy_rs::annoylib); 32-bit ids.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "annoylib.h"
#include "kissrandom.h"

#include "index.h"

namespace {

template <typename T, typename Metric>
using Index = Annoy::AnnoyIndex<int32_t, T, Metric, Annoy::Kiss64Random, Annoy::AnnoyIndexMultiThreadedBuildPolicy>;

template <typename T>
using Interface = Annoy::AnnoyIndexInterface<int32_t, T>;

void check(bool ok, char* error) {
  if (!ok) fail("%s", error ? error : "unknown error");
}

}  // namespace

// Exactly one of the two is there.
struct bench_index {
  std::unique_ptr<Interface<float>> floats;
  std::unique_ptr<Interface<uint64_t>> bits;

  // Calls `call` with the one that is there.
  template <typename Call>
  void with(Call call) const {
    if (bits)
      call(*bits, uint64_t());
    else
      call(*floats, float());
  }
};

index_t* index_new(const char* metric, size_t d) {
  std::unique_ptr<index_t> made(new index_t);
  std::string name = metric;
  int f = static_cast<int>(d);
  if (name == "angular")
    made->floats.reset(new Index<float, Annoy::Angular>(f));
  else if (name == "euclidean")
    made->floats.reset(new Index<float, Annoy::Euclidean>(f));
  else if (name == "manhattan")
    made->floats.reset(new Index<float, Annoy::Manhattan>(f));
  else if (name == "dot")
    made->floats.reset(new Index<float, Annoy::DotProduct>(f));
  else if (name == "hamming")
    made->bits.reset(new Index<uint64_t, Annoy::Hamming>(f / 64));
  else
    fail("unknown metric: %s", metric);
  return made.release();
}

void index_free(index_t* index) { delete index; }

void index_set_seed(index_t* index, uint64_t seed) {
  index->with([&](auto& annoy, auto) { annoy.set_seed(seed); });
}

void index_add(index_t* index, int64_t item, const void* row) {
  index->with([&](auto& annoy, auto scalar) {
    char* error = nullptr;
    check(annoy.add_item(static_cast<int32_t>(item), static_cast<const decltype(scalar)*>(row), &error), error);
  });
}

void index_build(index_t* index, int32_t n_trees, int32_t threads) {
  index->with([&](auto& annoy, auto) {
    char* error = nullptr;
    check(annoy.build(n_trees, threads, &error), error);
  });
}

void index_save(index_t* index, const char* path) {
  index->with([&](auto& annoy, auto) {
    char* error = nullptr;
    check(annoy.save(path, false, &error), error);
  });
}

void index_load(index_t* index, const char* path) {
  index->with([&](auto& annoy, auto) {
    char* error = nullptr;
    check(annoy.load(path, false, &error), error);
  });
}

size_t index_query(const index_t* index, const void* row, size_t n, int64_t search_k, int64_t* ids, float* distances) {
  size_t count = 0;
  index->with([&](auto& annoy, auto scalar) {
    using Scalar = decltype(scalar);
    static std::vector<int32_t> found;  // kept, as a caller in a hurry would
    static std::vector<Scalar> far;
    found.clear();
    far.clear();
    annoy.get_nns_by_vector(static_cast<const Scalar*>(row), n, static_cast<int>(search_k), &found, &far);
    std::copy(found.begin(), found.end(), ids);
    std::copy(far.begin(), far.end(), distances);
    count = found.size();
  });
  return count;
}

bool index_query_all(const index_t*, const void*, size_t, size_t, int64_t, int64_t*, float*) { return false; }

int64_t index_n_items(const index_t* index) {
  int64_t n = 0;
  index->with([&](auto& annoy, auto) { n = annoy.get_n_items(); });
  return n;
}

int64_t index_n_trees(const index_t* index) {
  int64_t n = 0;
  index->with([&](auto& annoy, auto) { n = annoy.get_n_trees(); });
  return n;
}

const char* index_kernel(void) {
#if defined(ANNOYLIB_USE_AVX512)
  return "avx512, chosen when compiled";
#elif defined(ANNOYLIB_USE_AVX)
  return "avx, chosen when compiled";
#else
  return "chosen by its library or the compiler";
#endif
}
