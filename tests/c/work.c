/* Long calls: their progress, the thread that reports it, and that they leave everything as it was
   when they are cancelled. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <pthread.h>

/* Enough for several steps of each call. */
#ifdef VALGRIND
enum { N = 300, F = 400, TREES = 1, STEPS = 1 };
#else
enum { N = 3000, F = 500, TREES = 3, STEPS = 3 };
#endif

/* What a progress function hears, and when it is to set a token: at the `left`th call. */
typedef struct {
    annoy_stage stage;
    pthread_t caller;
    uint64_t done, total;
    int calls, left;
    annoy_cancel *cancel;
} steps;

static void step(void *user, annoy_stage stage, uint64_t done, uint64_t total) {
    steps *s = (steps *)user;
    CHECK(stage == s->stage && pthread_equal(pthread_self(), s->caller));
    CHECK(done >= s->done && done <= total);
    s->done = done;
    s->total = total;
    s->calls++;
    if (--s->left == 0) annoy_cancel_set(s->cancel);
}

static float *some_rows(void) {
    float *rows = floats((size_t)N * F);
    int i;
    for (i = 0; i < N * F; i++) rows[i] = random_float();
    return rows;
}

/* A long call: 1 adds, 2 builds, 3 searches, 4 saves, 5 verifies, 6 verifies a file, 7 estimates
   recall, 8 builds a graph, 9 a scan, 10 tunes. */
static annoy_status call(int which, annoy_index *index, const float *rows, const annoy_work *work) {
    static int64_t ids[64 * 2];
    annoy_graph_options graph;
    annoy_vectors few;
    annoy_fault fault;
    size_t n;
    double recall;
    switch (which) {
        case 1: return add_rows(index, NULL, ANNOY_ELEMENT_F32, rows, N, F, 0, work, &error);
        case 2: return annoy_build_trees(index, TREES, work, &error);
        case 3: return find_rows(index, 0, rows, 64, F, 0, 2, NULL, ids, NULL, NULL, work, &error);
        case 4: return annoy_save_to(index, in_scratch("work.ann"), work, &error);
        case 5: return annoy_verify(index, &fault, 1, &n, work, &error);
        case 6: return annoy_verify_file(in_scratch("built.ann"), &fault, 1, &n, work, &error);
        case 7: return annoy_estimate_recall(index, 30, 3, -1, 1, work, &recall, &error);
        case 9: return annoy_build_scan(index, work, &error);
        case 10: few = rows_of(ANNOY_ELEMENT_F32, rows, 9, F, 0); return annoy_tune(index, &few, work, &error);
        default:
            EMPTY(graph);
            graph.degree = graph.candidates = graph.sample = 4;
            graph.rounds = 1;
            return annoy_build_graph(index, &graph, work, &error);
    }
}

static const annoy_stage stages[11] = {0,
                                      ANNOY_STAGE_ADD,
                                      ANNOY_STAGE_BUILD,
                                      ANNOY_STAGE_SEARCH,
                                      ANNOY_STAGE_SAVE,
                                      ANNOY_STAGE_VERIFY,
                                      ANNOY_STAGE_VERIFY,
                                      ANNOY_STAGE_SEARCH,
                                      ANNOY_STAGE_GRAPH,
                                      ANNOY_STAGE_SCAN,
                                      ANNOY_STAGE_SEARCH};

TEST(each_call_at_each_step) {
    float *rows = some_rows();
    annoy_index *built = NULL;
    int which, threads;
    OK(annoy_new(ANNOY_EUCLIDEAN, F, &built, &error));
    OK(add_rows(built, NULL, ANNOY_ELEMENT_F32, rows, N, F, 0, NULL, &error));
    OK(annoy_build(built, TREES, 1, &error));
    OK(annoy_save(built, in_scratch("built.ann"), &error));
    for (which = 1; which <= 10; which++) {
        for (threads = 1; threads <= 2; threads++) {
            int at, went_through = 0;
            annoy_index *index = NULL;
#ifdef SOME /* each call by one thread or by two, in turn */
            if (threads != 1 + which % 2) continue;
#endif
            if (which <= 2) OK(annoy_new(ANNOY_EUCLIDEAN, F, &index, &error));
            if (which == 2) OK(add_rows(index, NULL, ANNOY_ELEMENT_F32, rows, N, F, 0, NULL, &error));
            /* At the first step, at the second ... until it is through before. 0:
               before it begins. */
            for (at = 0; !went_through; at += 1 + at / STEPS) {
                annoy_cancel *cancel = annoy_cancel_new();
                annoy_work work = no_work();
                annoy_status status;
                steps s;
                memset(&s, 0, sizeof s);
                s.stage = stages[which];
                s.caller = pthread_self();
                s.left = at;
                s.cancel = cancel;
                if (at == 0) annoy_cancel_set(cancel);
                work.n_threads = threads;
                work.cancel = cancel;
                work.progress = step;
                work.progress_user = &s;
                status = call(which, index ? index : built, rows, &work);
                went_through = status == ANNOY_OK;
                if (went_through) {
                    CHECK(s.calls < at && s.calls > 0 && s.done == s.total);
                } else {
                    CHECK(status == ANNOY_ERR_CANCELLED && s.calls == at);
                    CHECK(strcmp(error.message, "cancelled") == 0 && error.code == ANNOY_ERR_CANCELLED);
                    if (index) CHECK(annoy_get_n_items(index) == (which == 2 ? N : 0) && annoy_get_n_trees(index) == 0);
                }
                annoy_cancel_free(cancel);
                if (at > 2000) break;
            }
            CHECK(at > 2 || threads > 1);
            if (index) {
                int64_t a[5], b[5];
                size_t n_a = 0, n_b = 0;
                CHECK(annoy_get_n_items(index) == N);
                if (which == 1) OK(annoy_build(index, TREES, 1, &error));
                OK(annoy_get_nns_by_item(index, 77, 5, 500, a, NULL, &n_a, &error));
                OK(annoy_get_nns_by_item(built, 77, 5, 500, b, NULL, &n_b, &error));
                CHECK(n_a == 5 && n_b == 5 && memcmp(a, b, sizeof a) == 0);
            }
            annoy_free(index);
        }
    }
    annoy_free(built);
    free(rows);
}

/* NULL, and a work that says nothing. */
TEST(nothing_said) {
    float *rows = some_rows();
    annoy_index *index = NULL;
    annoy_work nothing = no_work();
    int which;
    OK(annoy_new(ANNOY_EUCLIDEAN, F, &index, &error));
    for (which = 1; which <= 9; which++) {
        if (which == 6) OK(annoy_save(index, in_scratch("built.ann"), &error));
        OK(call(which, index, rows, NULL));
        if (which == 2) OK(annoy_unbuild(index, &error));
        OK(call(which, index, rows, &nothing));
    }
    CHECK(annoy_get_n_items(index) == 2 * N && annoy_get_n_trees(index) == TREES);
    annoy_free(index);
    free(rows);
}

TEST(works_that_cannot_be) {
    annoy_index *index = line_of(10, 2);
    annoy_work work;
    annoy_fault fault;
    size_t n = 7;
#define REFUSED(text) FAILS(ANNOY_ERR_ARGUMENT, text, annoy_verify(index, &fault, 1, &n, &work, &error))
    work = no_work();
    work.struct_size--;
    REFUSED("struct_size of annoy_work*expected");
    work.struct_size = 0;
    REFUSED("struct_size of annoy_work is 0");
    work = no_work();
    work.reserved = 1;
    REFUSED("reserved is 1");
    work = no_work();
    work.n_threads = -2;
    REFUSED("n_threads is -2");
    CHECK(n == 7);
    work.n_threads = -1;
    OK(annoy_verify(index, &fault, 1, &n, &work, &error));
    CHECK(n == 0);
    annoy_free(index);
}

static int32_t all(void *user, int64_t item) {
    (void)user;
    return item >= 0;
}

/* A single search looks at the token before it begins. */
TEST(single_searches) {
    annoy_index *index = line_of(10, 2);
    annoy_cancel *cancel = annoy_cancel_new();
    annoy_work work = no_work();
    annoy_search_options options;
    int64_t id = 7;
    size_t n = 7;
    const float zero[2] = {0, 0};
    steps s;
    memset(&s, 0, sizeof s);
    EMPTY(options);
    options.filter = all;
    s.stage = ANNOY_STAGE_SEARCH;
    s.caller = pthread_self();
    work.cancel = cancel;
    work.progress = step;
    work.progress_user = &s;
    OK(find_rows(index, 0, zero, 1, 2, 0, 1, &options, &id, NULL, &n, &work, &error));
    CHECK(id == 0 && n == 1 && s.calls == 1 && s.done == 1 && s.total == 1);
    annoy_cancel_set(cancel);
    n = 7;
    FAILS(ANNOY_ERR_CANCELLED, "cancelled",
          find_rows(index, 0, zero, 1, 2, 0, 1, &options, &id, NULL, &n, &work, &error));
    FAILS(ANNOY_ERR_CANCELLED, "cancelled",
          find_items(index, &id, 1, 1, &options, &id, 0, NULL, &n, &work, &error));
    CHECK(n == 7);
    annoy_cancel_free(cancel);
    annoy_free(index);
}

/* Forms of adding, by ids and as other types. */
TEST(other_types) {
    annoy_options of;
    annoy_index *index = NULL;
    const int64_t ids[2] = {3, 1};
    const double rows[4] = {0.5, 1, 2, 3};
    const uint64_t bits[2] = {5, 2};
    double back[2] = {0, 0};
    uint64_t word = 0;
    EMPTY(of);
    of.metric = ANNOY_DOT;
    of.scalar = ANNOY_F64;
    of.f = 2;
    OK(annoy_new_with(&of, &index, &error));
    OK(add_rows(index, ids, ANNOY_ELEMENT_F64, rows, 2, 2, 0, NULL, &error));
    OK(get_one(index, 3, ANNOY_ELEMENT_F64, back, 2, &error));
    CHECK(annoy_get_n_items(index) == 4 && back[0] == 0.5 && back[1] == 1);
    annoy_free(index);
    OK(annoy_new(ANNOY_HAMMING, 3, &index, &error));
    OK(add_rows(index, NULL, ANNOY_ELEMENT_BITS, bits, 2, 1, 0, NULL, &error));
    OK(get_one(index, 1, ANNOY_ELEMENT_BITS, &word, 1, &error));
    CHECK(annoy_get_n_items(index) == 2 && word == 2);
    annoy_free(index);
}

TEST(reserving) {
    annoy_index *index = line_of(10, 0);
    OK(annoy_reserve(index, 0, &error));
    OK(annoy_reserve(index, 100000, &error));
    CHECK(annoy_get_n_items(index) == 10);
    FAILS(ANNOY_ERR_ARGUMENT, "n_items is*at the most", annoy_reserve(index, SIZE_MAX, &error));
    OK(annoy_build(index, 2, 1, &error));
    FAILS(ANNOY_ERR_STATE, "built, expected not built", annoy_reserve(index, 1, &error));
    annoy_free(index);
}

int main(void) {
    RUN(each_call_at_each_step);
    RUN(nothing_said);
    RUN(works_that_cannot_be);
    RUN(single_searches);
    RUN(other_types);
    RUN(reserving);
    return report();
}
