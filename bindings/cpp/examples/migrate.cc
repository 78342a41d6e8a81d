// A program written for Annoy, which compiles unchanged with Spotify's annoylib.h and
// with annoy_rs's:
//
//   c++ -std=c++14 -I<spotify/annoy>/src migrate.cc -o with_annoy
//   c++ -std=c++14 -I<annoy_rs include directories> migrate.cc -lannoy_rs -o with_annoy_rs
//
// Builds an index of random points, saves it to FILE (points.ann), loads it again as
// another process would, and prints neighbours. With search_k beyond what the trees hold
// every item is looked at, so both print the same; and each reads the other's file:
// `migrate FILE load` only loads.
#include "annoylib.h"
#include "kissrandom.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

using namespace Annoy;

typedef AnnoyIndex<int, float, Angular, Kiss64Random, AnnoyIndexSingleThreadedBuildPolicy> Index;

static const int F = 8, ITEMS = 1000, TREES = 10;

static void check(bool good, const char* what, char* error) {
  if (good) return;
  std::fprintf(stderr, "migrate: %s: %s\n", what, error ? error : "failed");
  std::free(error);
  std::exit(1);
}

static void build(const char* file) {
  Index index(F);
  char* error = NULL;
  index.set_seed(42);
  Kiss64Random random(7);
  for (int i = 0; i < ITEMS; i++) {
    std::vector<float> point(F);
    for (int k = 0; k < F; k++) point[k] = static_cast<float>(random.index(2001)) / 1000 - 1;
    check(index.add_item(i, point.data(), &error), "add_item", error);
  }
  check(index.build(TREES, 1, &error), "build", error);
  check(index.save(file, false, &error), "save", error);
}

static void query(const char* file) {
  Index index(F);
  char* error = NULL;
  check(index.load(file, false, &error), "load", error);
  std::printf("%d items, %d trees\n", static_cast<int>(index.get_n_items()), static_cast<int>(index.get_n_trees()));

  for (int item = 0; item < ITEMS; item += 300) {
    std::vector<int> ids;
    std::vector<float> distances;
    index.get_nns_by_item(item, 4, ITEMS * TREES, &ids, &distances);
    std::printf("nearest to %d:", item);
    for (size_t i = 0; i < ids.size(); i++) std::printf("  %d (%.3f)", ids[i], static_cast<double>(distances[i]));
    std::printf("\n");
  }

  std::vector<float> between(F), other(F);
  index.get_item(100, between.data());
  index.get_item(200, other.data());
  for (int k = 0; k < F; k++) between[k] += other[k];
  std::vector<int> ids;
  index.get_nns_by_vector(between.data(), 3, ITEMS * TREES, &ids, NULL);
  std::printf("between 100 and 200:");
  for (size_t i = 0; i < ids.size(); i++) std::printf("  %d", ids[i]);
  std::printf("\ndistance of 100 and 200: %.4f\n", static_cast<double>(index.get_distance(100, 200)));
}

int main(int argc, char** argv) {
  const char* file = argc > 1 ? argv[1] : "points.ann";
  if (argc < 3 || std::strcmp(argv[2], "load") != 0) build(file);
  query(file);
  return 0;
}
