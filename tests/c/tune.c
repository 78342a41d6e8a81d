/* Measuring what searches find, asking for a recall, and building what is fastest. */
#include "bytes.h"
#include "check.h"

#include <stddef.h>

/* More than are searched exactly by default, and no more, as valgrind takes its time. */
enum { N = 3100, F = 6, NEAREST = 10, QUERIES = 100 };

static float queries[QUERIES * F];

static annoy_index *built(annoy_metric metric) {
    annoy_index *index = NULL;
    float *rows = floats((size_t)N * F);
    int i;
    random_state = 5;
    for (i = 0; i < N * F; i++) rows[i] = random_float();
    for (i = 0; i < QUERIES * F; i++) queries[i] = random_float();
    OK(annoy_new(metric, F, &index, &error));
    OK(add_rows(index, NULL, ANNOY_ELEMENT_F32, rows, N, F, 0, NULL, &error));
    OK(annoy_build(index, 4, 1, &error));
    free(rows);
    return index;
}

static annoy_info told(const annoy_index *index) {
    annoy_info info;
    EMPTY(info);
    OK(annoy_get_info(index, &info, &error));
    return info;
}

static annoy_status find(const annoy_index *index, const annoy_search_options *options, int64_t *ids) {
    return find_rows(index, ANNOY_ELEMENT_F32, queries, QUERIES, F, 0, NEAREST, options, ids, NULL, NULL, NULL, &error);
}

/* The share of what an exact search finds that one asked for `wanted` does. */
static double found(const annoy_index *index, double wanted) {
    static int64_t ids[QUERIES * NEAREST], truth[QUERIES * NEAREST];
    annoy_search_options options;
    int i, j, hits = 0;
    EMPTY(options);
    options.method = ANNOY_METHOD_EXACT;
    OK(find(index, &options, truth));
    options.method = 0;
    options.recall = wanted;
    OK(find(index, &options, ids));
    for (i = 0; i < QUERIES * NEAREST; i++)
        for (j = 0; j < NEAREST; j++) hits += truth[i] == ids[i / NEAREST * NEAREST + j];
    return hits / (double)(QUERIES * NEAREST);
}

TEST(a_recall_in_place_of_search_k) {
    annoy_index *index = built(ANNOY_ANGULAR), *loaded = NULL;
    const annoy_vectors given = rows_of(ANNOY_ELEMENT_F32, queries, QUERIES, F, 0);
    annoy_search_options options;
    annoy_info shorter;
    int64_t ids[QUERIES * NEAREST];
    EMPTY(options);
    options.recall = 0.9;
    CHECK(told(index).n_tuned == 0);
    FAILS(ANNOY_ERR_STATE, "tuned", find(index, &options, ids));
    OK(annoy_tune(index, NULL, NULL, &error));
    CHECK(told(index).n_tuned == 512);
    CHECK(found(index, 0.8) >= 0.75 && found(index, 0.95) >= 0.92 && found(index, 1) == 1 && found(index, 0.01) < 0.9);
    OK(annoy_tune(index, &given, NULL, &error));
    CHECK(told(index).n_tuned == QUERIES && found(index, 0.8) >= 0.77 && found(index, 0.95) >= 0.93);
    options.search_k = 7;
    FAILS(ANNOY_ERR_ARGUMENT, "search_k", find(index, &options, ids));
    options.search_k = -1;
    OK(find(index, &options, ids));
    options.recall = 1.5;
    FAILS(ANNOY_ERR_ARGUMENT, "recall is 1.5", find(index, &options, ids));
    /* A program that was compiled before there was a recall. */
    options.struct_size = offsetof(annoy_search_options, recall);
    OK(find(index, &options, ids));
    memset(&shorter, 7, sizeof shorter);
    shorter.struct_size = offsetof(annoy_info, n_tuned);
    OK(annoy_get_info(index, &shorter, &error));
    CHECK(shorter.scan_recall == -1 && shorter.n_tuned == 0x0707070707070707);

    OK(annoy_save(index, in_scratch("tuned.ann"), &error));
    OK(annoy_open(in_scratch("tuned.ann"), 0, &loaded, &error));
    CHECK(told(loaded).n_tuned == QUERIES && found(loaded, 0.95) == found(index, 0.95));
    annoy_free(loaded);
    annoy_free(index);
}

TEST(wrong_queries) {
    annoy_index *index = built(ANNOY_EUCLIDEAN), *empty = NULL;
    annoy_vectors given = rows_of(ANNOY_ELEMENT_F32, queries, 0, F, 0);
    FAILS(ANNOY_ERR_ARGUMENT, "number of queries", annoy_tune(index, &given, NULL, &error));
    given.n = 3;
    given.len = F - 1;
    FAILS(ANNOY_ERR_DIMENSION, "5", annoy_tune(index, &given, NULL, &error));
    given.element = 99;
    FAILS(ANNOY_ERR_ARGUMENT, "element", annoy_tune(index, &given, NULL, &error));
    CHECK(told(index).n_tuned == 0);
    OK(annoy_new(ANNOY_EUCLIDEAN, F, &empty, &error));
    FAILS(ANNOY_ERR_STATE, "not built", annoy_tune(empty, NULL, NULL, &error));
    FAILS(ANNOY_ERR_STATE, "not built", annoy_build_auto(empty, 0, NULL, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "recall is 2", annoy_build_auto(index, 2, NULL, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "recall is -0.5", annoy_build_auto(index, -0.5, NULL, &error));
    annoy_free(empty);
    annoy_free(index);
}

TEST(what_is_fastest) {
    static const annoy_metric metrics[] = {ANNOY_DOT, ANNOY_MANHATTAN};
    int m;
    for (m = 0; m < 2; m++) {
        annoy_index *index = built(metrics[m]);
        annoy_work work = no_work();
        unsigned char *first, *second;
        size_t first_size = 0, second_size = 0;
        annoy_info info;
        OK(annoy_build_auto(index, 0, NULL, &error));
        info = told(index);
        CHECK((info.graph_degree > 0) != (info.scan_lists > 0) && info.n_tuned == 512);
        CHECK(found(index, 0.95) >= 0.9);
        if (m > 0) {
            annoy_free(index);
            break;
        }
        first = saved(index, 0, &first_size);
        work.n_threads = 2;
        OK(annoy_build_auto(index, 0.95, &work, &error));
        second = saved(index, 0, &second_size);
        CHECK(first_size == second_size && memcmp(first, second, first_size) == 0);
        free(first);
        free(second);
        annoy_free(index);
    }
}

static void give_up(void *user, annoy_stage stage, uint64_t done, uint64_t total) {
    annoy_cancel **left = (annoy_cancel **)user;
    CHECK(stage > 0 && done <= total);
    /* In the middle of the last build. */
    if (stage == ANNOY_STAGE_GRAPH && done > total / 2) annoy_cancel_set(*left);
}

TEST(cancelled) {
    annoy_index *index = built(ANNOY_EUCLIDEAN);
    annoy_cancel *cancel = annoy_cancel_new();
    annoy_work work = no_work();
    unsigned char *before, *after;
    size_t before_size = 0, after_size = 0;
    OK(annoy_build_scan(index, NULL, &error));
    OK(annoy_tune(index, NULL, NULL, &error));
    before = saved(index, 0, &before_size);
    work.cancel = cancel;
    work.progress = give_up;
    work.progress_user = &cancel;
    FAILS(ANNOY_ERR_CANCELLED, "cancelled", annoy_build_auto(index, 0, &work, &error));
    after = saved(index, 0, &after_size);
    CHECK(before_size == after_size && memcmp(before, after, before_size) == 0);
    free(before);
    free(after);
    annoy_cancel_free(cancel);
    annoy_free(index);
}

int main(void) {
    RUN(a_recall_in_place_of_search_k);
    RUN(wrong_queries);
    RUN(what_is_fastest);
    RUN(cancelled);
    return report();
}
