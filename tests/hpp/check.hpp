// A very small test framework: TEST(name) { CHECK(condition); } in any number of translation units,
// main() in main.cc.
#ifndef ANNOY_RS_TESTS_HPP_CHECK_HPP
#define ANNOY_RS_TESTS_HPP_CHECK_HPP

#include <annoy.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace check {

struct test {
  const char* name;
  void (*body)();
};
inline std::vector<test>& tests() {
  static std::vector<test> all;
  return all;
}
struct registered {
  registered(const char* name, void (*body)()) { tests().push_back({name, body}); }
};

inline long checks = 0, failed_here = 0;

inline void that(bool good, const char* text, const char* file, int line, const char* more = "") {
  checks++;
  if (good) return;
  failed_here++;
  std::printf("%s:%d: %s%s%s\n", file, line, text, *more ? "\n    " : "", more);
}

inline bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

// Both forms of a call have to fail, with the same status, number and text, and `part` in that.
template <class Throwing, class Failing>
void fails(annoy::status status, const char* part, Throwing throwing, Failing failing, const char* text,
           const char* file, int line) {
  std::string thrown;
  int os_errno = 0;
  try {
    throwing();
    that(false, text, file, line, "threw nothing");
    return;
  } catch (const annoy::error& error) {
    thrown = error.what();
    os_errno = error.os_errno();
    that(error.status() == status && error.code() == status && has(thrown, part), text, file, line, error.what());
  }
  annoy::failure why;
  failing(why);
  that(why && why.status() == status && why.code() == status && why.os_errno() == os_errno && why.message() == thrown,
       text, file, line, why.message());
}

// A file name of this program's own.
inline std::string in_scratch(const std::string& name) {
  const char* directory = std::getenv("SCRATCH");
  return std::string(directory ? directory : ".") + "/" + name;
}

// n items at (i, 0) under the euclidean metric.
inline annoy::index line_of(int n, int n_trees) {
  annoy::index index(annoy::metric::euclidean, 2);
  for (int i = 0; i < n; i++) index.add(i, {static_cast<float>(i), 0});
  if (n_trees) index.build(n_trees, {1});
  return index;
}

}  // namespace check

#define TEST(name)                                                  \
  static void name();                                               \
  static const check::registered name##_is_a_test(#name, name);     \
  static void name()
#define CHECK(...) check::that((__VA_ARGS__) ? true : false, #__VA_ARGS__, __FILE__, __LINE__)
// The call in its throwing form; and in its other form, with the failure called `why`.
#define FAILS(which, part, throwing, failing)                                                      \
  check::fails(                                                                                    \
      annoy::status::which, part, [&] { static_cast<void>(throwing); },                           \
      [&](annoy::failure& why) { static_cast<void>(failing); }, #throwing, __FILE__, __LINE__)

#endif
