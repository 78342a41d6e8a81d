// As R packages use Annoy: their printer instead of stderr, generators and a policy of their own
// outside the namespace, and manual vectorisation switched off. Also what is printed, and when.
//
// Writes its files to the current directory.
#include <stdarg.h>
#include <stdio.h>

#include <string>

static std::string printed;

static int print_to_string(const char* format, ...) {
  char line[1000];
  va_list arguments;
  va_start(arguments, format);
  const int n = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  printed += line;
  return n;
}

#define __ERROR_PRINTER_OVERRIDE__ print_to_string
#define NO_MANUAL_VECTORIZATION
#include "annoylib.h"

#include "check.h"

// A copy of the generator that is not in namespace Annoy, as an R package ships it.
struct Kiss64Random {
  uint64_t x;
  static const uint64_t default_seed = 1234567890987654321ULL;
  Kiss64Random(uint64_t seed = default_seed) : x(seed) {}
  uint64_t kiss() { return x = x * 6906969069ULL + 1234567; }
  int flip() { return static_cast<int>(kiss() & 1); }
  size_t index(size_t n) { return static_cast<size_t>(kiss() % n); }
};

// Written against Annoy's way of building, which this header does not use.
class RThreadPolicy {
 public:
  template <typename S, typename T, typename D, typename Random>
  static void build(Annoy::AnnoyIndex<S, T, D, Random, RThreadPolicy>* annoy, int q, int) {
    RThreadPolicy policy;
    annoy->thread_build(q, 0, policy);
  }
  void lock_n_nodes() {}
  void unlock_n_nodes() {}
};

template <typename S, typename T, typename Distance> class RIndex {
 public:
  explicit RIndex(int f) : index_(new Index(f)) {}
  ~RIndex() { delete index_; }
  RIndex(const RIndex&) = delete;
  RIndex& operator=(const RIndex&) = delete;

  typedef Annoy::AnnoyIndex<S, T, Distance, Kiss64Random, RThreadPolicy> Index;
  Index* operator->() { return index_; }

 private:
  Index* index_;
};

static std::string take() {
  std::string text;
  text.swap(printed);
  return text;
}

TEST(foreign_generator_and_policy) {
  RIndex<int32_t, float, Annoy::Euclidean> index(2);
  for (int i = 0; i < 40; i++) {
    const float v[2] = {static_cast<float>(i), 1};
    CHECK(index->add_item(i, v));
  }
  CHECK(index->build(7));
  std::vector<int32_t> ids;
  index->get_nns_by_item(20, 3, -1, &ids, NULL);
  CHECK(ids == std::vector<int32_t>({20, 19, 21}));
  RIndex<int32_t, uint64_t, Annoy::Hamming> bits(1);
  const uint64_t word = 5;
  CHECK(bits->add_item(0, &word) && bits->build(1));
  CHECK(take().empty());
}

TEST(prints_only_when_asked) {
  RIndex<int32_t, float, Annoy::Euclidean> index(2);
  const float v[2] = {1, 2};
  char* error = NULL;
  // An error that the caller takes is not printed; one that it does not take is.
  CHECK(!index->load("no such.ann", false, &error) && error && take().empty());
  CHECK(!index->load("no such.ann") && take() == std::string(error) + "\n");
  free(error);
  CHECK(!index->add_item(-1, v) && take().find("-1") != std::string::npos);
  // Searches have no error to give; they speak when verbose.
  std::vector<int32_t> ids;
  index->get_nns_by_item(0, 1, -1, &ids, NULL);
  CHECK(take().empty());
  index->verbose(true);
  index->get_nns_by_item(0, 1, -1, &ids, NULL);
  CHECK(take().find("not built") != std::string::npos && ids.empty());
  CHECK(index->add_item(0, v) && index->build(2) && take().find("2 trees") != std::string::npos);
  CHECK(index->save("verbose.ann") && take().find("verbose.ann") != std::string::npos);
  index->unload();
  CHECK(take() == "unloaded\n");
  index->verbose(false);
  CHECK(index->load("verbose.ann"));
  index->unload();
  CHECK(take().empty());
  remove("verbose.ann");
}

TEST(code_that_prints_through_the_macro) {
  annoylib_showUpdate("%d of %d\n", 1, 2)
  CHECK(take() == "1 of 2\n");
}

int main() {
  RUN(foreign_generator_and_policy);
  RUN(prints_only_when_asked);
  RUN(code_that_prints_through_the_macro);
  return check::report();
}
