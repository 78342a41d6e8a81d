// Runs the tests of all translation units. The header twice, and in many units of one program: it must guard itself.
#include <annoy.hpp>
#include <annoy.hpp>

#include "check.hpp"

#include <exception>

int main() {
  long failed = 0;
  for (const check::test& test : check::tests()) {
    check::failed_here = 0;
    try {
      test.body();
    } catch (const std::exception& wrong) {
      check::that(false, "an exception got out", test.name, 0, wrong.what());
    }
    if (check::failed_here == 0) continue;
    failed++;
    std::printf("FAIL  %s\n", test.name);
  }
  std::printf("%zu tests, %ld failed, %ld checks\n", check::tests().size(), failed, check::checks);
  return failed != 0 || check::checks == 0;
}
