/*
 * A very small test framework, for C99 and C++17.
 *
 *   TEST(name) { CHECK(condition); OK(call); FAILS(ANNOY_ERR_X, "text", call); }
 *   int main(void) { RUN(name); return report(); }
 *
 * A check that fails says so and the test goes on; report() prints the counts that run.sh adds up.
 */
#ifndef CHECK_H
#define CHECK_H

#include <annoy.h>

#include "views.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int n_tests, n_failed, n_checks, failed_here;
static annoy_error error; /* of the last OK or FAILS */

#define TEST(name) static void name(void)
#define RUN(name)                                         \
    do {                                                  \
        failed_here = 0;                                  \
        name();                                           \
        n_tests++;                                        \
        n_failed += failed_here != 0;                     \
        if (failed_here) printf("FAIL  %s\n", #name);     \
    } while (0)

#define CHECK(condition) check((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
/* A call that has to succeed. It takes &error. */
#define OK(call) check_status((call), ANNOY_OK, "", #call, __FILE__, __LINE__)
/* A call that has to fail with this status and a message that contains this text; '*' in the text
   stands for anything. It takes &error. */
#define FAILS(status, text, call) (wipe_error(), check_status((call), (status), (text), #call, __FILE__, __LINE__))

static inline void check(int good, const char *text, const char *file, int line) {
    n_checks++;
    if (good) return;
    failed_here++;
    printf("%s:%d: %s\n", file, line, text);
}

/* So that what an earlier call left cannot pass for what this one says. */
static inline void wipe_error(void) { memset(&error, 0x55, sizeof error); }

/* Whether `text` has the parts between the '*'s of `pattern`, in their order. */
static inline int has_text(const char *text, const char *pattern) {
    char part[256];
    while (*pattern) {
        size_t length = strcspn(pattern, "*");
        if (length >= sizeof part) return 0;
        memcpy(part, pattern, length);
        part[length] = 0;
        text = strstr(text, part);
        if (!text) return 0;
        text += length;
        pattern += length;
        while (*pattern == '*') pattern++;
    }
    return 1;
}

static inline void check_status(annoy_status found, annoy_status expected, const char *text, const char *call,
                                const char *file, int line) {
    int good = found == expected;
    n_checks++;
    if (good && expected != ANNOY_OK)
        good = error.code == expected && memchr(error.message, 0, sizeof error.message) != NULL &&
               error.message[0] != 0 && has_text(error.message, text);
    if (good) return;
    failed_here++;
    printf("%s:%d: %s\n    gave %s, expected %s \"%s\"", file, line, call, annoy_status_name(found),
           annoy_status_name(expected), text);
    if (found != ANNOY_OK) printf(", message \"%.504s\"", error.message);
    printf("\n");
}

static inline int report(void) {
    printf("tests %d broken %d checks %d\n", n_tests, n_failed, n_checks);
    return n_failed != 0 || n_tests == 0;
}

/* Memory of exactly this size, for AddressSanitizer and valgrind to watch its ends. Never NULL. */
static inline void *exactly(size_t bytes) {
    void *memory = malloc(bytes ? bytes : 1);
    if (!memory) exit(2);
    memset(memory, 0xA5, bytes ? bytes : 1);
    return memory;
}
static inline float *floats(size_t n) { return (float *)exactly(n * sizeof(float)); }
static inline double *doubles(size_t n) { return (double *)exactly(n * sizeof(double)); }
static inline int64_t *int64s(size_t n) { return (int64_t *)exactly(n * sizeof(int64_t)); }
static inline uint64_t *words(size_t n) { return (uint64_t *)exactly(n * sizeof(uint64_t)); }

/* Makes a struct of annoy.h hold nothing but its size. */
#define EMPTY(what) (memset(&(what), 0, sizeof(what)), (what).struct_size = sizeof(what))

static inline annoy_work no_work(void) {
    annoy_work work;
    EMPTY(work);
    return work;
}

/* What an index's labels are. */
static inline annoy_label_kind kind_of(const annoy_index *index) {
    return (annoy_label_kind)annoy_get_fact(index, ANNOY_FACT_LABEL_KIND);
}

/* Pseudo-random numbers, the same in every run: SplitMix64. */
static uint64_t random_state = 1;
static inline uint64_t random_u64(void) {
    uint64_t z = (random_state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}
static inline float random_float(void) { return (float)(random_u64() >> 40) / 8388608.0f - 1.0f; }

/* A file name of this test program's own, in the directory it is given by its environment. */
static inline const char *in_scratch(const char *name) {
    static char paths[64][1024]; /* so that many can be in use at once */
    static int next;
    const char *directory = getenv("SCRATCH");
    char *path = paths[next++ % 64];
    snprintf(path, sizeof paths[0], "%s/%s", directory ? directory : ".", name);
    return path;
}

/* An empty index; 0 stands for the usual scalar and id width. */
static inline annoy_index *of(annoy_metric metric, annoy_scalar scalar, int id_bits, size_t f) {
    annoy_index *index = NULL;
    annoy_options options;
    EMPTY(options);
    options.metric = metric;
    options.scalar = scalar;
    options.id_bits = id_bits;
    options.f = f;
    OK(annoy_new_with(&options, &index, &error));
    return index;
}

/* A euclidean index of two numbers with n items at (i, 0). */
static inline annoy_index *line_of(int n, int n_trees) {
    annoy_index *index = NULL;
    int i;
    OK(annoy_new(ANNOY_EUCLIDEAN, 2, &index, &error));
    for (i = 0; i < n; i++) {
        float point[2];
        point[0] = (float)i;
        point[1] = 0.0f;
        OK(annoy_add_item(index, i, point, 2, &error));
    }
    if (n_trees) OK(annoy_build(index, n_trees, 1, &error));
    return index;
}

#endif
