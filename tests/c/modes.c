/*
 * The host's floating-point mode: rounding up, down or to zero; denormal numbers taken for zero, as
 * code compiled with -ffast-math sets it; exceptions that trap. Whatever it is, bytes, answers and
 * verdicts are the same, and it is the host's again when a call returns, and while the host's own
 * functions are called.
 */
#ifndef _GNU_SOURCE /* g++ and clang++ define it */
#define _GNU_SOURCE /* feenableexcept */
#endif
#include "bytes.h"
#include "check.h"

#include <fenv.h>
#if defined __SSE2__
#include <xmmintrin.h>
#endif

#ifdef VALGRIND /* which knows of no flushing to zero, and is slow */
enum { ITEMS = 150 };
#else
enum { ITEMS = 700 };
#endif
enum { F = 12, TREES = 4, N = 10, ASKED = 20 };

typedef struct {
    const char *name;
    int rounding, flush;
} mode;

static const mode normal = {"normal", FE_TONEAREST, 0};
static const mode modes[] = {
    {"normal", FE_TONEAREST, 0}, {"up", FE_UPWARD, 0},           {"down", FE_DOWNWARD, 0},
    {"zero", FE_TOWARDZERO, 0},  {"flush", FE_TONEAREST, 1},     {"up and flush", FE_UPWARD, 1},
};
enum { MODES = sizeof modes / sizeof modes[0] };

/* Flushing results to zero and taking denormal arguments for zero. */
#if defined __SSE2__
static int flushes(void) { return (_mm_getcsr() & 0x8040) == 0x8040; }
static void set_flush(int on) { _mm_setcsr((_mm_getcsr() & ~0x8040u) | (on ? 0x8040u : 0)); }
#elif defined __aarch64__
static int flushes(void) {
    uint64_t word;
    __asm__ volatile("mrs %0, fpcr" : "=r"(word));
    return (int)(word >> 24 & 1);
}
static void set_flush(int on) {
    uint64_t word;
    __asm__ volatile("mrs %0, fpcr" : "=r"(word));
    word = (word & ~(UINT64_C(1) << 24)) | (uint64_t)on << 24;
    __asm__ volatile("msr fpcr, %0" : : "r"(word));
}
#else
static int flushes(void) { return 0; }
static void set_flush(int on) { (void)on; }
#endif

static void enter(const mode *m) {
    CHECK(fesetround(m->rounding) == 0);
    set_flush(m->flush);
}

static int is_in(const mode *m) { return fegetround() == m->rounding && flushes() == m->flush; }

/* The modes do something. */
TEST(modes_are_there) {
#if !defined VALGRIND && (defined __SSE2__ || defined __aarch64__)
    volatile float one = 1.0f, three = 3.0f, tiny = 2e-38f, sums[MODES], halves[MODES];
    int i;
    for (i = 0; i < MODES; i++) {
        enter(&modes[i]);
        sums[i] = one / three;
        halves[i] = tiny / three;
        CHECK(is_in(&modes[i]));
    }
    enter(&normal);
    CHECK(sums[1] > sums[3] && sums[1] == sums[5] && sums[2] == sums[3]);
    CHECK(halves[0] > 0 && halves[4] == 0);
#endif
}

/* Numbers of usual size, some whose squares vanish, and some that are denormal. */
static float value(double scale) { return (float)(((double)(random_u64() >> 40) / 8388608.0 - 1.0) * scale); }

static float rows[ITEMS * F];

static void make_rows(double scale) {
    int i;
    random_state = 7;
    for (i = 0; i < ITEMS * F; i++) rows[i] = value(scale);
}

static annoy_index *build(annoy_metric metric, int threads) {
    annoy_index *index = NULL;
    annoy_work work;
    annoy_graph_options graph;
    EMPTY(work);
    work.n_threads = threads;
    EMPTY(graph);
    OK(annoy_new(metric, F, &index, &error));
    OK(add_rows(index, NULL, ANNOY_ELEMENT_F32, rows, ITEMS, F, 0, NULL, &error));
    OK(annoy_build_trees(index, TREES, &work, &error));
    OK(annoy_build_graph(index, &graph, &work, &error));
    return index;
}

typedef struct {
    int64_t ids[3][N];
    float distances[3][N];
    double between;
} answer;

static void ask(const annoy_index *index, int64_t item, answer *a) {
    static const annoy_method methods[3] = {ANNOY_METHOD_FOREST, ANNOY_METHOD_GRAPH, ANNOY_METHOD_EXACT};
    annoy_search_options options;
    float vector[F];
    size_t n = 0;
    int i;
    memset(a, 0, sizeof *a);
    OK(annoy_get_item(index, item, vector, F, &error));
    EMPTY(options);
    options.search_k = 100;
    for (i = 0; i < 3; i++) {
        options.method = methods[i];
        OK(find_one(index, ANNOY_ELEMENT_F32, vector, F, N, &options, a->ids[i], a->distances[i], &n, &error));
        CHECK(n == N);
    }
    OK(annoy_get_distance(index, item, ITEMS - 1 - item, &a->between, &error));
}

TEST(bytes_answers_and_verdicts) {
    static const annoy_metric metrics[] = {ANNOY_ANGULAR, ANNOY_EUCLIDEAN, ANNOY_MANHATTAN, ANNOY_DOT};
    static const double scales[] = {1.0, 1e-20, 1e-38};
    static answer expected[ASKED], found;
    int m, s, i, k;
    for (m = 0; m < 4; m++) {
        for (s = 0; s < 3; s++) {
            size_t size = 0, n_faults = 1;
            annoy_index *good, *opened = NULL;
            unsigned char *bytes;
            make_rows(scales[s]);
            good = build(metrics[m], 1);
            bytes = saved(good, 0, &size);
            OK(annoy_open_buffer(bytes, size, 0, &opened, &error));
            OK(annoy_verify(opened, NULL, 0, &n_faults, NULL, &error));
            for (k = 0; k < ASKED; k++) ask(opened, k * 7, &expected[k]);
            for (i = 0; i < MODES; i++) {
                size_t same_size = 0;
                unsigned char *same;
                annoy_index *index;
                int before = failed_here;
#ifdef VALGRIND
                if (modes[i].flush || s > 0) continue;
#endif
#ifdef SOME /* each metric in half of them, in turn */
                if ((i + m) % 2) continue;
#endif
                enter(&modes[i]);
                index = build(metrics[m], i % 2 ? 3 : 1);
                same = saved(index, 0, &same_size);
                n_faults = 1;
                OK(annoy_verify(opened, NULL, 0, &n_faults, NULL, &error));
                CHECK(n_faults == 0);
                for (k = 0; k < ASKED; k++) {
                    ask(opened, k * 7, &found);
                    CHECK(memcmp(&found, &expected[k], sizeof found) == 0);
                }
                CHECK(is_in(&modes[i]));
                enter(&normal);
                CHECK(same_size == size && memcmp(same, bytes, size) == 0);
                if (failed_here != before)
                    printf("    metric %d, scale %g, mode %s\n", (int)metrics[m], scales[s], modes[i].name);
                annoy_free(index);
                free(same);
            }
            annoy_free(opened);
            annoy_free(good);
            free(bytes);
        }
    }
}

/* What the host's functions see, and what they set. */
typedef struct {
    const mode *expected, *then;
    int calls, wrong;
} seen;

static void look(void *user) {
    seen *s = (seen *)user;
    s->calls++;
    s->wrong += !is_in(s->expected);
    if (s->then) {
        s->expected = s->then;
        fesetround(s->then->rounding);
        set_flush(s->then->flush);
    }
}
static int filter(void *user, int64_t item) {
    look(user);
    return item % 2 == 0;
}
static void progress(void *user, annoy_stage stage, uint64_t done, uint64_t total) {
    (void)stage, (void)done, (void)total;
    look(user);
}
static void hear(void *user, int32_t level, const char *text) {
    (void)level, (void)text;
    look(user);
}

TEST(functions_of_the_host) {
    int i;
    make_rows(1.0);
    for (i = 0; i < MODES; i++) {
        const mode *first = &modes[i], *then = &modes[(i + 1) % MODES];
        annoy_index *good = build(ANNOY_EUCLIDEAN, 1);
        annoy_work work;
        annoy_search_options options;
        answer expected, found;
        float vector[F];
        size_t n = 0, size = 0, other_size = 0;
        unsigned char *bytes = saved(good, 0, &size), *other;
        seen filters, reports, messages;
#ifdef VALGRIND
        if (first->flush || then->flush) {
            annoy_free(good);
            free(bytes);
            continue;
        }
#endif
        memset(&filters, 0, sizeof filters);
        memset(&reports, 0, sizeof reports);
        memset(&messages, 0, sizeof messages);
        filters.expected = reports.expected = messages.expected = first;
        EMPTY(options);
        options.search_k = 300;
        options.filter = filter;
        options.filter_user = &filters;
        OK(annoy_get_item(good, 5, vector, F, &error));
        memset(&expected, 0, sizeof expected);
        memset(&found, 0, sizeof found);
        OK(find_one(good, 0, vector, F, N, &options, expected.ids[0], expected.distances[0], &n, &error));
        filters.calls = filters.wrong = 0;
        enter(first);
        OK(find_one(good, 0, vector, F, N, &options, found.ids[0], found.distances[0], &n, &error));
        CHECK(filters.calls > 0 && filters.wrong == 0 && is_in(first));
        CHECK(memcmp(&found, &expected, sizeof found) == 0);
        /* One that changes the mode has changed the host's, and nothing else. */
        filters.then = reports.then = messages.then = then;
        OK(find_one(good, 0, vector, F, N, &options, found.ids[0], found.distances[0], &n, &error));
        CHECK(filters.wrong == 0 && is_in(then));
        CHECK(memcmp(&found, &expected, sizeof found) == 0);
        enter(first);
        EMPTY(work);
        work.n_threads = 2;
        work.progress = progress;
        work.progress_user = &reports;
        OK(annoy_thaw(good, 0, &error));
        OK(annoy_build_trees(good, TREES, &work, &error));
        CHECK(reports.calls > 0 && reports.wrong == 0 && is_in(then));
        OK(annoy_build_graph(good, NULL, &work, &error));
        CHECK(reports.wrong == 0 && is_in(then));
        enter(first);
        OK(annoy_set_log(good, ANNOY_LOG_DEBUG, hear, &messages, &error));
        messages.then = NULL;
        OK(annoy_save(good, in_scratch("modes.ann"), &error));
        CHECK(messages.calls > 0 && messages.wrong == 0 && is_in(first));
        OK(annoy_set_log(good, 0, NULL, NULL, &error));
        enter(&normal);
        other = saved(good, 0, &other_size);
        CHECK(other_size == size && memcmp(other, bytes, size) == 0);
        annoy_free(good);
        free(bytes);
        free(other);
    }
}

/* A host that wants a signal for what is no number, or not exact. */
TEST(exceptions_that_trap) {
#if defined __GLIBC__ && defined __x86_64__ && !defined VALGRIND
    annoy_index *index;
    answer a;
    size_t n_faults = 1, size = 0;
    unsigned char *bytes;
    make_rows(1e-20);
    feclearexcept(FE_ALL_EXCEPT);
    CHECK(feenableexcept(FE_ALL_EXCEPT) != -1);
    index = build(ANNOY_ANGULAR, 3);
    ask(index, 3, &a);
    bytes = saved(index, 0, &size);
    OK(annoy_verify(index, NULL, 0, &n_faults, NULL, &error));
    CHECK(fegetexcept() == FE_ALL_EXCEPT && fetestexcept(FE_ALL_EXCEPT) == 0);
    fedisableexcept(FE_ALL_EXCEPT);
    annoy_free(index);
    free(bytes);
#endif
}

int main(void) {
    RUN(modes_are_there);
    RUN(bytes_answers_and_verdicts);
    RUN(functions_of_the_host);
    RUN(exceptions_that_trap);
    return report();
}
