/* ANNOY_RS_KERNEL is read once in a process, and nothing else of the environment is: another thread
   may change it. */
#ifndef _GNU_SOURCE /* g++ and clang++ define it */
#define _GNU_SOURCE
#endif
#include "check.h"
#include "child.h"

#include <pthread.h>

#ifdef VALGRIND
enum { ROUNDS = 50 };
#else
enum { ROUNDS = 30000 };
#endif
enum { VARIABLES = 4000 };

static void portable(void) {
    annoy_index *index = NULL;
    CHECK(setenv("ANNOY_RS_KERNEL", "portable", 1) == 0);
    OK(annoy_new(ANNOY_ANGULAR, 2, &index, &error));
    CHECK(annoy_kernel_name() && strcmp(annoy_kernel_name(), "portable") == 0);
    annoy_free(index);
    /* What comes later changes nothing. */
    index = NULL;
    CHECK(setenv("ANNOY_RS_KERNEL", "abacus", 1) == 0);
    OK(annoy_new(ANNOY_ANGULAR, 2, &index, &error));
    CHECK(annoy_kernel_name() && strcmp(annoy_kernel_name(), "portable") == 0);
    annoy_free(index);
}

static void abacus(void) {
    const char *plain_file = GOLDEN "/euclidean-i32-f32.ann", *good = in_scratch("kernels.ann");
    annoy_index *index = NULL;
    size_t n = 0;
    CHECK(setenv("ANNOY_RS_KERNEL", "abacus", 1) == 0);
    CHECK(annoy_kernel_name() == NULL);
    FAILS(ANNOY_ERR_UNSUPPORTED, "ANNOY_RS_KERNEL*abacus", annoy_new(ANNOY_ANGULAR, 2, &index, &error));
    CHECK(index == NULL);
    CHECK(unsetenv("ANNOY_RS_KERNEL") == 0);
    FAILS(ANNOY_ERR_UNSUPPORTED, "abacus", annoy_open(good, 0, &index, &error));
    FAILS(ANNOY_ERR_UNSUPPORTED, "abacus", annoy_verify_file(good, NULL, 0, &n, NULL, &error));
    FAILS(ANNOY_ERR_UNSUPPORTED, "abacus", annoy_probe(plain_file, NULL, 0, &n, &error));
    CHECK(index == NULL);
}

static void save_one(void) {
    annoy_index *index = line_of(20, 2);
    OK(annoy_save(index, in_scratch("kernels.ann"), &error));
    annoy_free(index);
}

TEST(kernels) {
    in_child(save_one);
    in_child(portable);
    in_child(abacus);
}

/* Variables that come and go, so that the list of them moves in memory all the time. */
static volatile int stop;
static void *change(void *argument) {
    char name[32];
    int i;
    (void)argument;
    for (i = 0; !stop; i++) {
        if (i % VARIABLES == 0) {
            int j;
            for (j = 0; j < VARIABLES && i; j++) {
                snprintf(name, sizeof name, "VARIABLE_%d", j);
                unsetenv(name);
            }
        }
        snprintf(name, sizeof name, "VARIABLE_%d", i % VARIABLES);
        setenv(name, "x", 1);
    }
    return NULL;
}

static void makes_and_builds(void) {
    pthread_t thread;
    const char *path = in_scratch("environment.ann");
    int i;
    CHECK(annoy_kernel_name() != NULL);
    CHECK(pthread_create(&thread, NULL, change, NULL) == 0);
    for (i = 0; i < ROUNDS; i++) {
        annoy_index *index = NULL;
        OK(annoy_new(ANNOY_EUCLIDEAN, 8, &index, &error));
        annoy_free(index);
        if (i % (ROUNDS / 10) == 0) {
            /* Threads and files, too. */
            size_t n = 0;
            index = line_of(300, 0);
            OK(annoy_build(index, 4, 3, &error));
            OK(annoy_save(index, path, &error));
            OK(annoy_verify_file(path, NULL, 0, &n, NULL, &error));
            annoy_free(index);
        }
    }
    stop = 1;
    CHECK(pthread_join(thread, NULL) == 0);
}

TEST(beside_setenv) { in_child(makes_and_builds); }

int main(void) {
    RUN(kernels);
    RUN(beside_setenv);
    return report();
}
