// One source, compiled once with Annoy 1.17.3's own header and once with ours. What it prints
// has to be the same.
//
//   same_source write DIR            builds indexes of every kind and saves them to DIR; prints
//                                    what the calls return
//   same_source read GOLDEN DIR...   loads the golden files, and what either program wrote to the
//                                    DIRs; prints answers
//   same_source calls SCRATCH        walks through the states of an index; prints what
//                                    the calls return
//
// With SOME defined half of the types: every metric, scalar and width of ids is still among them.
//
// Only what both define is asked: no NaN, no ids out of range, no add_item after build, no words of
// int below 0 (whose top bit Annoy counts 33 times). Data are small integers, for which distances
// are exact, except where the metric is angular.
#include "annoylib.h"
#include "kissrandom.h"

#include <stdio.h>
#include <string>

using namespace Annoy;

static std::string context;  // printed with every line

// --- data

static uint64_t mix(uint64_t x) {
  x ^= x >> 31;
  x *= 0x9E3779B97F4A7C15ull;
  x ^= x >> 29;
  x *= 0xBF58476D1CE4E5B9ull;
  return x ^ (x >> 32);
}

template <typename Distance, typename T> struct Element {
  static T of(uint64_t r) { return static_cast<T>(static_cast<int>(r % 41) - 20); }
};
template <typename T> struct Element<Angular, T> {
  static T of(uint64_t r) { return static_cast<T>(static_cast<double>(r % 2000003) / 1000001 - 1); }
};
template <typename T> struct Element<Hamming, T> {
  static T of(uint64_t r) { return static_cast<T>(r & static_cast<uint64_t>(numeric_limits<T>::max())); }
};

template <typename Distance, typename T> vector<T> row(int i, int f) {
  vector<T> v;
  for (int z = 0; z < f; z++) v.push_back(Element<Distance, T>::of(mix(static_cast<uint64_t>(i * 1000 + z + 1))));
  return v;
}

// --- printing

static void print(const char* what, bool returned, char* error = NULL) {
  printf("%s: %s %s%s\n", context.c_str(), what, returned ? "true" : "false", error && *error ? ", with a text" : "");
  free(error);
}

template <typename S, typename T>
static void print(const char* what, long asked, size_t n, int search_k, const vector<S>& ids, const vector<T>& distances) {
  printf("%s: %s %ld, n %d, search_k %d:", context.c_str(), what, asked, static_cast<int>(n), search_k);
  for (size_t i = 0; i < ids.size(); i++) {
    printf(" %ld", static_cast<long>(ids[i]));
    // A rounded 0 has no sign.
    if (i < distances.size()) printf("/%.3f", std::max(static_cast<double>(distances[i]), -1e9) + 0.0);
  }
  printf(" (%d, %d)\n", static_cast<int>(ids.size()), static_cast<int>(distances.size()));
}

// --- everything that can be asked of an index that is built or loaded

template <typename S, typename T, typename Distance, typename R>
static void ask(const AnnoyIndexInterface<S, T, R>& index, int f) {
  const S n_items = index.get_n_items();
  printf("%s: %ld items, %ld trees\n", context.c_str(), static_cast<long>(n_items), static_cast<long>(index.get_n_trees()));
  const int search_ks[] = {-1, 0, 1, 50, 700, 100000, -7};
  const size_t ns[] = {0, 1, 10, 100000};
  const S items[] = {0, 3, 10, 17, static_cast<S>(n_items - 1)};
  for (size_t a = 0; a < sizeof items / sizeof *items; a++) {
    const S item = items[a];
    vector<T> v(static_cast<size_t>(f));
    index.get_item(item, &v[0]);
    printf("%s: item %ld:", context.c_str(), static_cast<long>(item));
    for (int z = 0; z < f; z++) printf(" %.6g", static_cast<double>(v[static_cast<size_t>(z)]));
    printf("\n%s: distance %.3f\n", context.c_str(), static_cast<double>(index.get_distance(item, 5)) + 0.0);
    for (size_t b = 0; b < sizeof search_ks / sizeof *search_ks; b++) {
      for (size_t c = 0; c < sizeof ns / sizeof *ns; c++) {
        vector<S> ids(1, 42);  // results are appended
        vector<T> distances(1, T(7));
        index.get_nns_by_item(item, ns[c], search_ks[b], &ids, &distances);
        print("near item", static_cast<long>(item), ns[c], search_ks[b], ids, distances);
        index.get_nns_by_item(item, ns[c], search_ks[b], &ids, NULL);
        print("near item again, no distances", static_cast<long>(item), ns[c], search_ks[b], ids, distances);
        ids.clear();
        distances.clear();
        vector<T> query = row<Distance, T>(5000 + static_cast<int>(item), f);
        index.get_nns_by_vector(&query[0], ns[c], search_ks[b], &ids, &distances);
        print("near vector", static_cast<long>(item), ns[c], search_ks[b], ids, distances);
      }
    }
  }
}

// --- what is written and read

enum { n_written = 300, f_written = 7 };

template <typename S, typename T, typename Distance, typename Random>
static void write_or_read(bool write, const std::string& dir, const char* name) {
  typedef AnnoyIndex<S, T, Distance, Random, AnnoyIndexMultiThreadedBuildPolicy> Index;
  const std::string path = dir + "/" + name + ".ann";
  context = name;
  Index index(f_written);
  if (!write) {
    print("load", index.load(path.c_str()));
    ask<S, T, Distance>(index, f_written);
    return;
  }
  bool good = true;
  for (int i = 0; i < n_written; i++)
    if (i != 17) good = index.add_item(static_cast<S>(i), &row<Distance, T>(i, f_written)[0]) && good;
  print("add_item", good);
  // By one thread: where several leave roots beside each other, Annoy counts some of them twice
  // when it reads the file, now and then.
  print("build", index.build(6, 1));
  print("save", index.save(path.c_str()));
}

template <typename S, typename T> static void four(bool write, const std::string& dir, const std::string& types) {
  write_or_read<S, T, Angular, Kiss64Random>(write, dir, ("angular-" + types).c_str());
  write_or_read<S, T, Euclidean, Kiss32Random>(write, dir, ("euclidean-" + types).c_str());
  write_or_read<S, T, Manhattan, Kiss64Random>(write, dir, ("manhattan-" + types).c_str());
  write_or_read<S, T, DotProduct, Kiss32Random>(write, dir, ("dot-" + types).c_str());
}

template <typename S> static void all(bool write, const std::string& dir, const std::string& ids) {
  four<S, float>(write, dir, ids + "-float");
  four<S, double>(write, dir, ids + "-double");
  write_or_read<S, uint64_t, Hamming, Kiss64Random>(write, dir, ("hamming-" + ids + "-uint64").c_str());
  write_or_read<S, uint32_t, Hamming, Kiss64Random>(write, dir, ("hamming-" + ids + "-uint32").c_str());
  write_or_read<S, int, Hamming, Kiss32Random>(write, dir, ("hamming-" + ids + "-int").c_str());
  write_or_read<S, uint8_t, Hamming, Kiss32Random>(write, dir, ("hamming-" + ids + "-uint8").c_str());
}

static void all(bool write, const std::string& dir) {
  all<int32_t>(write, dir, "int32");
  all<size_t>(write, dir, "size_t");
#ifndef SOME
  all<uint32_t>(write, dir, "uint32");
  all<int64_t>(write, dir, "int64");
#endif
}

// --- the golden files

template <typename S, typename T, typename Distance> static void golden(const std::string& dir, const char* name) {
  context = std::string("golden ") + name;
  char start[200] = "";
  if (FILE* json = fopen((dir + "/" + name + ".json").c_str(), "r")) {
    if (!fgets(start, sizeof start, json)) start[0] = '\0';
    fclose(json);
  }
  const char* at = strstr(start, "\"f\":");
  if (!at) {
    printf("%s: no f in its json\n", context.c_str());
    return;
  }
  const int f = atoi(at + 4);
  AnnoyIndex<S, T, Distance, Kiss64Random, AnnoyIndexSingleThreadedBuildPolicy> index(f);
  print("load", index.load((dir + "/" + name + ".ann").c_str(), true));
  ask<S, T, Distance>(index, f);
}

static void golden(const std::string& dir) {
  golden<int32_t, float, Angular>(dir, "angular-i32-f32");
  golden<int64_t, double, Angular>(dir, "angular-i64-f64");
  golden<int32_t, double, Euclidean>(dir, "euclidean-i32-f64");
  golden<int64_t, float, Euclidean>(dir, "euclidean-i64-f32");
  golden<int32_t, float, Manhattan>(dir, "manhattan-i32-f32");
  golden<int64_t, double, Manhattan>(dir, "manhattan-i64-f64");
  golden<int32_t, double, DotProduct>(dir, "dot-i32-f64");
  golden<int64_t, float, DotProduct>(dir, "dot-i64-f32");
  golden<int64_t, uint64_t, Hamming>(dir, "hamming-i64-u64");
  golden<int32_t, uint32_t, Hamming>(dir, "hamming-i32-u32");
  golden<int32_t, uint8_t, Hamming>(dir, "hamming-i32-u8");
#ifndef SOME
  golden<int32_t, double, Angular>(dir, "angular-i32-f64");
  golden<int64_t, float, Angular>(dir, "angular-i64-f32");
  golden<int32_t, float, Euclidean>(dir, "euclidean-i32-f32");
  golden<int64_t, double, Euclidean>(dir, "euclidean-i64-f64");
  golden<int32_t, double, Manhattan>(dir, "manhattan-i32-f64");
  golden<int64_t, float, Manhattan>(dir, "manhattan-i64-f32");
  golden<int32_t, float, DotProduct>(dir, "dot-i32-f32");
  golden<int64_t, double, DotProduct>(dir, "dot-i64-f64");
  golden<int32_t, uint64_t, Hamming>(dir, "hamming-i32-u64");
#endif
}

// --- the states

template <typename S, typename T, typename Distance, typename Random, typename Policy>
static void calls(const std::string& dir, const char* name) {
  typedef AnnoyIndex<S, T, Distance, Random, Policy> Index;
  typedef AnnoyIndexInterface<S, T, typename Index::R> Interface;
  context = name;
  const int f = 5;
  const std::string path = dir + "/calls.ann", disk_path = dir + "/disk.ann", nowhere = dir + "/no such dir/x.ann";
  char* error;
  bool returned;

#define CALL(what, call) (error = NULL, returned = (call), print(what, returned, error))
  Index concrete(f);
  Interface& index = concrete;
  printf("%s: f %d, %s, %ld items, %ld trees\n", name, concrete.get_f(), Distance::name(),
         static_cast<long>(index.get_n_items()), static_cast<long>(index.get_n_trees()));
  vector<S> ids(1, 42);
  vector<T> distances(1, T(7));
  index.get_nns_by_vector(&row<Distance, T>(1, f)[0], 5, -1, &ids, &distances);
  print("near vector, empty", 1, 5, -1, ids, distances);

  CALL("save, not built", index.save(path.c_str(), false, &error));
  CALL("unbuild, not built", index.unbuild(&error));
  for (int i = 59; i >= 0; i--) index.add_item(static_cast<S>(i), &row<Distance, T>(i, f)[0]);
  CALL("add_item again", index.add_item(3, &row<Distance, T>(103, f)[0], &error));
  CALL("add_item_impl of a vector", concrete.add_item_impl(4, row<Distance, T>(104, f), &error));
  CALL("add_item_impl of a pointer", concrete.add_item_impl(5, &row<Distance, T>(105, f)[0]));
  printf("%s: %ld items, %ld trees\n", name, static_cast<long>(index.get_n_items()), static_cast<long>(index.get_n_trees()));
  index.get_nns_by_item(3, 5, -1, &ids, &distances);
  print("near item, not built", 3, 5, -1, ids, distances);
  for (S i = 3; i < 7; i++) printf("%s: distance %.3f\n", name, static_cast<double>(index.get_distance(i, 20)) + 0.0);
  index.set_seed(5);
  CALL("build", index.build(9, 2, &error));
  CALL("build, built", index.build(9, -1, &error));
  printf("%s: %ld items, %ld trees\n", name, static_cast<long>(index.get_n_items()), static_cast<long>(index.get_n_trees()));
  CALL("unbuild", index.unbuild(&error));
  CALL("unbuild again", index.unbuild());
  CALL("build again", index.build(4, 1));
  CALL("save to nowhere", index.save(nowhere.c_str(), false, &error));
  CALL("save", index.save(path.c_str(), true, &error));
  CALL("add_item, loaded", index.add_item(1, &row<Distance, T>(1, f)[0], &error));
  CALL("add_item_impl, loaded", concrete.add_item_impl(1, row<Distance, T>(1, f), &error));
  CALL("build, loaded", index.build(1, 1, &error));
  CALL("unbuild, loaded", index.unbuild(&error));
  // Every item is looked at, so the trees do not matter.
  ids.clear();
  distances.clear();
  index.get_nns_by_item(3, 60, 100000, &ids, &distances);
  print("near item", 3, 60, 100000, ids, distances);
  CALL("save, loaded", index.save((path + "2").c_str(), false, &error));
  index.unload();
  printf("%s: %ld items, %ld trees\n", name, static_cast<long>(index.get_n_items()), static_cast<long>(index.get_n_trees()));
  index.unload();

  CALL("load from nowhere", index.load(nowhere.c_str(), false, &error));
  if (FILE* file = fopen((path + "3").c_str(), "w")) fclose(file);
  {
    Index empty(f);
    CALL("load, empty file", empty.load((path + "3").c_str(), false, &error));
  }
  if (FILE* file = fopen((path + "3").c_str(), "w")) {
    fputs("1234567", file);
    fclose(file);
  }
  {
    Index odd(f);
    CALL("load, file of another size", odd.load((path + "3").c_str(), false, &error));
  }
  CALL("load", index.load((path + "2").c_str(), true, &error));
  ids.clear();
  distances.clear();
  index.get_nns_by_vector(&row<Distance, T>(7, f)[0], 60, -2, &ids, &distances);
  print("near vector", 7, 60, -2, ids, distances);
  index.unload();
  CALL("add_item, unloaded", index.add_item(2, &row<Distance, T>(2, f)[0], &error));
  printf("%s: %ld items\n", name, static_cast<long>(index.get_n_items()));

  {
    Index disk(f);
    CALL("on_disk_build nowhere", disk.on_disk_build(nowhere.c_str(), &error));
  }
  Index disk(f);
  CALL("on_disk_build", disk.on_disk_build(disk_path.c_str(), &error));
  for (int i = 0; i < 60; i++) disk.add_item(static_cast<S>(i), &row<Distance, T>(i, f)[0]);
  CALL("save, not built", disk.save(path.c_str(), false, &error));
  CALL("build", disk.build(3, 1, &error));
  CALL("save, on disk", disk.save((path + "4").c_str(), false, &error));
  FILE* none = fopen((path + "4").c_str(), "r");
  CALL("a file saved", none != NULL);
  if (none) fclose(none);
  Index other(f);
  CALL("load", other.load(disk_path.c_str(), false, &error));
  Interface* both[] = {&disk, &other};
  for (int i = 0; i < 2; i++) {
    ids.clear();
    distances.clear();
    both[i]->get_nns_by_item(3, 60, 100000, &ids, &distances);
    print("near item", 3, 60, 100000, ids, distances);
  }
#undef CALL
}

static void calls(const std::string& dir) {
  calls<int, float, Angular, Kiss32Random, AnnoyIndexSingleThreadedBuildPolicy>(dir, "angular");
  calls<int, double, Euclidean, Kiss64Random, AnnoyIndexMultiThreadedBuildPolicy>(dir, "euclidean");
  calls<uint32_t, float, Manhattan, Kiss32Random, AnnoyIndexMultiThreadedBuildPolicy>(dir, "manhattan");
  calls<size_t, double, DotProduct, Kiss64Random, AnnoyIndexSingleThreadedBuildPolicy>(dir, "dot");
  calls<int64_t, uint64_t, Hamming, Kiss64Random, AnnoyIndexMultiThreadedBuildPolicy>(dir, "hamming uint64_t");
  calls<int, uint8_t, Hamming, Kiss32Random, AnnoyIndexMultiThreadedBuildPolicy>(dir, "hamming uint8_t");
  calls<int, int, Hamming, Kiss32Random, AnnoyIndexSingleThreadedBuildPolicy>(dir, "hamming int");
}

// --- the generators

static void generators() {
  Kiss32Random a, b(77);
  Kiss64Random c, d(77);
  b.set_seed(78);
  d.set_seed(78);
  for (int i = 0; i < 20; i++) {
    printf("kiss: %lu %lu %lu %lu", static_cast<unsigned long>(a.kiss()), static_cast<unsigned long>(b.kiss()),
           static_cast<unsigned long>(c.kiss()), static_cast<unsigned long>(d.kiss()));
    printf(" %d %d %lu %lu\n", a.flip(), c.flip(), static_cast<unsigned long>(b.index(1000)),
           static_cast<unsigned long>(d.index(1000)));
  }
}

int main(int argc, char** argv) {
  const std::string mode = argc > 2 ? argv[1] : "";
  if (mode == "write") {
    all(true, argv[2]);
    generators();
  } else if (mode == "read") {
    golden(argv[2]);
    for (int i = 3; i < argc; i++) all(false, argv[i]);
  } else if (mode == "calls") {
    calls(argv[2]);
  } else {
    return 2;
  }
  return 0;
}
