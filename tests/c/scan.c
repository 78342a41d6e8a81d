/* The lists of a scan: what searches find with them, that files contain them, when they go away. */
#include "bytes.h"
#include "check.h"

#include <stddef.h>

enum { N = 2000, F = 16, CLUSTERS = 40, NEAREST = 10, QUERIES = 50 };

static annoy_index *of_clusters(annoy_metric metric) {
    annoy_index *index = NULL;
    float *rows = floats((size_t)N * F), centers[CLUSTERS * F];
    int i;
    random_state = 7;
    for (i = 0; i < CLUSTERS * F; i++) centers[i] = random_float();
    for (i = 0; i < N * F; i++) rows[i] = centers[i % (CLUSTERS * F)] + 0.3f * random_float();
    OK(annoy_new(metric, F, &index, &error));
    OK(add_rows(index, NULL, ANNOY_ELEMENT_F32, rows, N, F, 0, NULL, &error));
    OK(annoy_build(index, 3, 1, &error));
    free(rows);
    return index;
}

static annoy_info told(const annoy_index *index) {
    annoy_info info;
    EMPTY(info);
    OK(annoy_get_info(index, &info, &error));
    return info;
}

static int has_none(const annoy_index *index) {
    const annoy_info info = told(index);
    return info.scan_lists == 0 && info.scan_search_k == 0 && info.scan_recall == -1;
}

typedef struct {
    int64_t ids[QUERIES][NEAREST];
    float distances[QUERIES][NEAREST];
} answers;

static answers find(const annoy_index *index, annoy_method method, int64_t search_k) {
    answers all;
    annoy_search_options options;
    int i;
    memset(&all, 0, sizeof all);
    EMPTY(options);
    options.method = method;
    options.search_k = search_k;
    for (i = 0; i < QUERIES; i++) {
        size_t n = 0;
        OK(find_item(index, i * 7, NEAREST, &options, all.ids[i], 0, all.distances[i], &n, &error));
        CHECK(n == NEAREST);
    }
    return all;
}
static int same(answers a, answers b) { return memcmp(&a, &b, sizeof a) == 0; }

/* The share of the second's ids that the first has. */
static double recall(answers found, answers truth) {
    int i, j, k, hits = 0;
    for (i = 0; i < QUERIES; i++)
        for (j = 0; j < NEAREST; j++)
            for (k = 0; k < NEAREST; k++) hits += truth.ids[i][j] == found.ids[i][k];
    return hits / (double)(QUERIES * NEAREST);
}

TEST(searched_saved_and_dropped) {
    static const annoy_metric metrics[] = {ANNOY_ANGULAR, ANNOY_EUCLIDEAN, ANNOY_DOT};
    int m;
    for (m = 0; m < 3; m++) {
        annoy_index *index = of_clusters(metrics[m]), *loaded = NULL;
        const char *path = in_scratch("scan.ann");
        annoy_info info, shorter;
        answers by_forest, by_scan, by_few;
        size_t n = 77;
        CHECK(has_none(index));
        by_forest = find(index, 0, 0);
        OK(annoy_build_scan(index, NULL, &error));
        info = told(index);
        CHECK(info.scan_lists > 1 && info.scan_search_k > 0 && info.scan_recall > 0.9 && info.scan_recall <= 1);
        by_scan = find(index, ANNOY_METHOD_SCAN, 0);
        CHECK(recall(by_scan, find(index, ANNOY_METHOD_EXACT, 0)) >= 0.9);
        /* So few items that others are found than in the forest. */
        by_few = find(index, ANNOY_METHOD_SCAN, 30);
        CHECK(!same(by_few, by_forest) && same(find(index, 0, 30), by_few) && same(find(index, 0, 0), by_scan));
        CHECK(same(find(index, ANNOY_METHOD_FOREST, 0), by_forest));

        OK(annoy_save(index, path, &error));
        OK(annoy_verify_file(path, NULL, 0, &n, NULL, &error));
        OK(annoy_open(path, 0, &loaded, &error));
        CHECK(n == 0 && told(loaded).scan_lists == info.scan_lists);
        CHECK(told(loaded).scan_search_k == info.scan_search_k && told(loaded).scan_recall == info.scan_recall);
        CHECK(same(find(loaded, ANNOY_METHOD_SCAN, 0), by_scan) && same(find(loaded, 0, 30), by_few));
        memset(&shorter, 7, sizeof shorter);
        shorter.struct_size = offsetof(annoy_info, scan_lists);
        OK(annoy_get_info(loaded, &shorter, &error));
        CHECK(shorter.graph_recall == -1 && shorter.scan_lists == 0x0707070707070707);

        /* Where there is a graph, it goes first. */
        OK(annoy_build_graph(index, NULL, NULL, &error));
        CHECK(same(find(index, 0, 30), find(index, ANNOY_METHOD_GRAPH, 30)));
        CHECK(same(find(index, ANNOY_METHOD_SCAN, 30), by_few));

        OK(annoy_thaw(loaded, 0, &error));
        OK(annoy_unbuild(index, &error));
        CHECK(has_none(loaded) && has_none(index));
        OK(annoy_build(index, 3, 1, &error));
        CHECK(has_none(index) && same(find(index, 0, 0), by_forest));
        annoy_free(index);
        annoy_free(loaded);
    }
}

/* The same bytes for any number of threads. */
TEST(threads) {
    annoy_index *index = of_clusters(ANNOY_EUCLIDEAN);
    annoy_work work = no_work();
    unsigned char *first = NULL;
    size_t first_size = 0, size = 0;
    for (work.n_threads = 1; work.n_threads <= 3; work.n_threads++) {
        unsigned char *bytes;
        OK(annoy_build_scan(index, &work, &error));
        bytes = saved(index, 0, &size);
        if (first) {
            CHECK(size == first_size && memcmp(bytes, first, size) == 0);
            free(bytes);
        } else {
            first = bytes;
            first_size = size;
        }
    }
    free(first);
    annoy_free(index);
}

TEST(where_there_is_none) {
    annoy_index *index = line_of(10, 0), *manhattan = of_clusters(ANNOY_MANHATTAN);
    annoy_index *hamming = of(ANNOY_HAMMING, 0, 0, 64);
    annoy_search_options options;
    const uint64_t bits = 5;
    int64_t id = 77;
    size_t n = 77;
    EMPTY(options);
    options.method = ANNOY_METHOD_SCAN;
    FAILS(ANNOY_ERR_STATE, "not built", annoy_build_scan(index, NULL, &error));
    OK(annoy_build(index, 1, 1, &error));
    FAILS(ANNOY_ERR_STATE, "scan", find_item(index, 0, 1, &options, &id, 0, NULL, &n, &error));
    FAILS(ANNOY_ERR_UNSUPPORTED, "manhattan", annoy_build_scan(manhattan, NULL, &error));
    OK(add_rows(hamming, NULL, ANNOY_ELEMENT_BITS, &bits, 1, 1, 0, NULL, &error));
    OK(annoy_build(hamming, 1, 1, &error));
    FAILS(ANNOY_ERR_UNSUPPORTED, "hamming", annoy_build_scan(hamming, NULL, &error));
    CHECK(id == 77 && n == 77 && has_none(index) && has_none(manhattan) && has_none(hamming));
    annoy_free(index);
    annoy_free(manhattan);
    annoy_free(hamming);
}

static void give_up(void *user, annoy_stage stage, uint64_t done, uint64_t total) {
    CHECK(stage == ANNOY_STAGE_SCAN && done <= total);
    annoy_cancel_set((annoy_cancel *)user);
}

/* Then the lists that there were are there. */
TEST(given_up) {
    annoy_index *index = of_clusters(ANNOY_ANGULAR);
    annoy_cancel *cancel = annoy_cancel_new();
    annoy_work work = no_work();
    answers before;
    work.cancel = cancel;
    work.progress = give_up;
    work.progress_user = cancel;
    FAILS(ANNOY_ERR_CANCELLED, "cancelled", annoy_build_scan(index, &work, &error));
    CHECK(has_none(index));
    OK(annoy_build_scan(index, NULL, &error));
    before = find(index, ANNOY_METHOD_SCAN, 30);
    FAILS(ANNOY_ERR_CANCELLED, "cancelled", annoy_build_scan(index, &work, &error));
    CHECK(same(find(index, ANNOY_METHOD_SCAN, 30), before));
    work.reserved = 1;
    FAILS(ANNOY_ERR_ARGUMENT, "reserved is 1", annoy_build_scan(index, &work, &error));
    annoy_cancel_free(cancel);
    annoy_free(index);
}

int main(void) {
    RUN(searched_saved_and_dropped);
    RUN(threads);
    RUN(where_there_is_none);
    RUN(given_up);
    return report();
}
