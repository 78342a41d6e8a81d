// A very small test framework:
// TEST(name) { CHECK(condition); } ... int main() { RUN(name); return report(); }
#ifndef ANNOY_RS_TESTS_CPP_CHECK_H
#define ANNOY_RS_TESTS_CPP_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace check {

struct Counts {
  long checks, tests, failed_tests, failed_here;
};
inline Counts& counts() {
  static Counts all = {0, 0, 0, 0};
  return all;
}

inline void that(bool good, const char* text, const char* context, const char* file, int line) {
  counts().checks++;
  if (good) return;
  if (counts().failed_here++ < 5) printf("%s:%d: %s%s%s\n", file, line, text, *context ? "  with " : "", context);
}

inline void run(const char* name, void (*test)()) {
  counts().failed_here = 0;
  test();
  counts().tests++;
  if (!counts().failed_here) return;
  counts().failed_tests++;
  printf("FAIL  %s: %ld checks\n", name, counts().failed_here);
}

// The number of checks is said too: a test that checks nothing must not look good.
inline int report() {
  printf("%ld tests, %ld failed, %ld checks\n", counts().tests, counts().failed_tests, counts().checks);
  return counts().failed_tests || !counts().checks;
}

}  // namespace check

#define TEST(name) static void name()
#define RUN(name) check::run(#name, name)
#define CHECK(condition) check::that((condition) ? true : false, #condition, "", __FILE__, __LINE__)
#define CHECK_WITH(condition, context) check::that((condition) ? true : false, #condition, context, __FILE__, __LINE__)

#endif
