/* What is to happen in a process of its own, such as before the library has read
   the environment. */
#ifndef CHILD_H
#define CHILD_H

#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

/* Runs `body` in a child; its failures count here. */
static inline void in_child(void (*body)(void)) {
    int status = -1;
    pid_t child;
    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        failed_here = 0;
        body();
        fflush(stdout);
        _exit(failed_here != 0);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#endif
