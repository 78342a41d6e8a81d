// Runs the tests of all translation units. The header twice, and in many units of one program: it
// must guard itself.
#include <annoy.hpp>
#include <annoy.hpp>

#include "check.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <exception>

namespace {

// In a child, before anything else: the environment is read once in a process.
void a_kernel_that_is_not_there() {
  const pid_t child = fork();
  if (child == 0) {
    setenv("ANNOY_RS_KERNEL", "none of them", 1);
    CHECK(annoy::kernel_name().empty());
    FAILS(unsupported, "ANNOY_RS_KERNEL", annoy::index(annoy::metric::dot, 1), annoy::index(annoy::metric::dot, 1, why));
    std::fflush(stdout);
    _exit(check::failed_here != 0);
  }
  int status = -1;
  CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace

int main() {
  check::tests().insert(check::tests().begin(), {"a_kernel_that_is_not_there", a_kernel_that_is_not_there});
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
