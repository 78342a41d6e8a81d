// Two threads asking one index at the same time, to be run under ThreadSanitizer. The header is
// instrumented with this file; the library is not, so this shows that the header adds no shared
// state of its own.
#include "annoylib.h"
#include "kissrandom.h"

#include <thread>

#include "check.h"

template <typename Index, typename T> static void ask(const Index& index, const std::vector<T>& query, long* sum) {
  for (int i = 0; i < 500; i++) {
    std::vector<int32_t> ids;
    std::vector<T> distances, item(query.size());
    index.get_nns_by_item(i, 10, 100, &ids, &distances);
    index.get_nns_by_vector(query.data(), 10, i % 2 ? -1 : -2, &ids, &distances);
    index.get_item(i, item.data());
    for (int32_t id : ids) *sum += id;
    *sum += static_cast<long>(index.get_distance(i, 3) + item[0]);
    *sum += index.get_n_items() + index.get_n_trees() + index.get_f();
  }
}

template <typename T, typename Distance> static void two_threads() {
  typedef Annoy::AnnoyIndex<int32_t, T, Distance, Annoy::Kiss64Random, Annoy::AnnoyIndexSingleThreadedBuildPolicy> Index;
  Index index(6);
  std::vector<T> v(6);
  for (int i = 0; i < 500; i++) {
    for (int z = 0; z < 6; z++) v[static_cast<size_t>(z)] = static_cast<T>((i * 31 + z * 17) % 97);
    CHECK(index.add_item(i, v.data()));
  }
  CHECK(index.build(5));
  const Index copy = index;
  long sums[2] = {0, 0};
  std::thread first([&] { ask(index, v, &sums[0]); });
  std::thread second([&] { ask(copy, v, &sums[1]); });
  first.join();
  second.join();
  CHECK(sums[0] == sums[1] && sums[0] != 0);
}

TEST(floats) { two_threads<float, Annoy::Angular>(); }
TEST(doubles) { two_threads<double, Annoy::DotProduct>(); }
TEST(words) { two_threads<uint32_t, Annoy::Hamming>(); }

int main() {
  RUN(floats);
  RUN(doubles);
  RUN(words);
  return check::report();
}
