/* The neighbour graph: its options, what searches find with it, that files contain it, when
   it goes away. */
#include "bytes.h"
#include "check.h"

#include <stddef.h>

enum { N = 600, F = 8, NEAREST = 20, QUERIES = 30 };

static annoy_index *of_random_points(void) {
    annoy_index *index = NULL;
    float *rows = floats((size_t)N * F);
    int i;
    random_state = 7;
    for (i = 0; i < N * F; i++) rows[i] = random_float();
    OK(annoy_new(ANNOY_EUCLIDEAN, F, &index, &error));
    OK(add_rows(index, NULL, ANNOY_ELEMENT_F32, rows, N, F, 0, NULL, &error));
    free(rows);
    return index;
}

static annoy_graph_options no_options(void) {
    annoy_graph_options options;
    EMPTY(options);
    return options;
}

/* Others than the usual, each of them. */
static annoy_graph_options small(void) {
    annoy_graph_options options = no_options();
    options.degree = 7;
    options.candidates = 12;
    options.alpha = 1.5;
    options.rounds = 2;
    options.sample = 5;
    options.n_trees = 1;
    return options;
}

static int64_t degree(const annoy_index *index) {
    annoy_info info;
    EMPTY(info);
    OK(annoy_get_info(index, &info, &error));
    return info.graph_degree;
}

static annoy_info told(const annoy_index *index) {
    annoy_info info;
    EMPTY(info);
    OK(annoy_get_info(index, &info, &error));
    return info;
}

/* What walks of a graph compare and what it finds, the same when loaded; a caller whose info ends
   before that is told the rest. */
TEST(what_info_says) {
    int by_vectors;
    for (by_vectors = 0; by_vectors < 2; by_vectors++) {
        annoy_index *index = NULL, *loaded = NULL;
        const char *path = in_scratch("told.ann");
        annoy_info info, shorter;
        float item[3];
        int i;
        OK(annoy_new(ANNOY_EUCLIDEAN, 3, &index, &error));
        CHECK(told(index).graph_code_bytes == 0 && told(index).graph_recall == -1);
        for (i = 0; i < 300; i++) {
            item[0] = (float)(i * 7919 % 300);
            item[1] = (float)(i * 104729 % 301);
            item[2] = by_vectors ? (float)(i % 2) * 1e7f : 0;
            OK(annoy_add_item(index, i, item, 3, &error));
        }
        OK(annoy_build(index, 3, 1, &error));
        CHECK(told(index).graph_code_bytes == 0 && told(index).graph_recall == -1);
        OK(annoy_build_graph(index, NULL, NULL, &error));
        info = told(index);
        CHECK(info.graph_code_bytes == (by_vectors ? 0 : 16));
        CHECK(info.graph_recall > 0.9 && info.graph_recall <= 1);
        OK(annoy_save(index, path, &error));
        OK(annoy_open(path, 0, &loaded, &error));
        CHECK(told(loaded).graph_code_bytes == info.graph_code_bytes && told(loaded).graph_recall == info.graph_recall);
        memset(&shorter, 7, sizeof shorter);
        shorter.struct_size = offsetof(annoy_info, graph_code_bytes);
        OK(annoy_get_info(loaded, &shorter, &error));
        CHECK(shorter.graph_degree > 0 && shorter.graph_code_bytes == 0x0707070707070707);
        OK(annoy_unbuild(index, &error));
        CHECK(told(index).graph_code_bytes == 0 && told(index).graph_recall == -1);
        annoy_free(index);
        annoy_free(loaded);
    }
}

typedef struct {
    int64_t ids[QUERIES * NEAREST];
    float distances[QUERIES * NEAREST];
} answers;

/* What searches find that look at so few candidates that forest and graph find others. */
static answers find(const annoy_index *index, annoy_method method) {
    answers all;
    annoy_search_options options;
    int i;
    memset(&all, 0, sizeof all);
    EMPTY(options);
    options.method = method;
    options.search_k = 40;
    for (i = 0; i < QUERIES; i++) {
        size_t n = 0;
        OK(find_item(index, i, NEAREST, &options, all.ids + i * NEAREST, 0, all.distances + i * NEAREST, &n, &error));
        CHECK(n > 0 && all.ids[i * NEAREST] == i);
    }
    return all;
}
static int same(answers a, answers b) { return memcmp(&a, &b, sizeof a) == 0; }

TEST(searched_saved_and_dropped) {
    annoy_index *index = of_random_points(), *loaded = NULL;
    const char *path = in_scratch("graph.ann");
    const annoy_graph_options wanted = small();
    answers by_forest, by_graph;
    int64_t ids[NEAREST];
    size_t n = 77;
    OK(annoy_build(index, 3, 1, &error));
    by_forest = find(index, 0);
    CHECK(degree(index) == 0 && same(find(index, ANNOY_METHOD_FOREST), by_forest));
    OK(annoy_build_graph(index, &wanted, NULL, &error));
    CHECK(degree(index) == 7);
    by_graph = find(index, ANNOY_METHOD_GRAPH);
    CHECK(!same(by_graph, by_forest) && same(find(index, 0), by_graph));
    CHECK(same(find(index, ANNOY_METHOD_FOREST), by_forest));
    OK(annoy_get_nns_by_item(index, 0, NEAREST, 40, ids, NULL, &n, &error));
    CHECK(n == NEAREST && memcmp(ids, by_graph.ids, sizeof ids) == 0);
    OK(annoy_verify(index, NULL, 0, &n, NULL, &error));

    OK(annoy_save(index, path, &error));
    OK(annoy_verify_file(path, NULL, 0, &n, NULL, &error));
    OK(annoy_open(path, 0, &loaded, &error));
    OK(annoy_verify(loaded, NULL, 0, &n, NULL, &error));
    CHECK(n == 0 && degree(loaded) == 7 && annoy_get_n_trees(loaded) == 3);
    CHECK(same(find(loaded, ANNOY_METHOD_GRAPH), by_graph) && same(find(loaded, ANNOY_METHOD_FOREST), by_forest));
    /* In place of the one in the file; both stay good. */
    OK(annoy_build_graph(loaded, NULL, NULL, &error));
    CHECK(degree(loaded) > 0 && !same(find(loaded, 0), by_graph));
    OK(annoy_verify(loaded, NULL, 0, &n, NULL, &error));
    OK(annoy_build_graph(loaded, &wanted, NULL, &error));
    CHECK(same(find(loaded, 0), by_graph));
    OK(annoy_thaw(loaded, 0, &error));
    CHECK(degree(loaded) == 0);

    OK(annoy_unbuild(index, &error));
    CHECK(degree(index) == 0);
    OK(annoy_build(index, 3, 1, &error));
    CHECK(degree(index) == 0 && same(find(index, 0), by_forest));
    annoy_free(index);
    annoy_free(loaded);
}

/* The same bytes for any number of threads. */
TEST(threads) {
    annoy_index *index = of_random_points();
    const annoy_graph_options wanted = small();
    unsigned char *first = NULL;
    size_t first_size = 0, size = 0;
    int threads;
    OK(annoy_build(index, 2, 1, &error));
    for (threads = 1; threads <= 3; threads++) {
        unsigned char *bytes;
        annoy_work work;
        EMPTY(work);
        work.n_threads = threads;
        OK(annoy_build_graph(index, &wanted, &work, &error));
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

TEST(options_that_cannot_be) {
    annoy_index *index = line_of(10, 1);
    annoy_graph_options options;
#define REFUSED(text, change)                                                                     \
    do {                                                                                          \
        options = no_options();                                                                   \
        change;                                                                                   \
        FAILS(ANNOY_ERR_ARGUMENT, (text), annoy_build_graph(index, &options, NULL, &error));      \
        CHECK(degree(index) == 0);                                                                \
    } while (0)
    REFUSED("struct_size of annoy_graph_options is 0, expected", options.struct_size = 0);
    REFUSED("struct_size of annoy_graph_options", options.struct_size--);
    REFUSED("struct_size of annoy_graph_options", options.struct_size = SIZE_MAX);
    REFUSED("reserved is 1, expected 0", options.reserved = 1);
    REFUSED("degree is -1, expected", options.degree = -1);
    REFUSED("degree is 256, expected 1 to 255", options.degree = 256);
    REFUSED("candidates is -2147483648, expected", options.candidates = INT32_MIN);
    REFUSED("candidates is 1025, expected 1 to 1024", options.candidates = 1025);
    REFUSED("alpha is 0.5, expected 1 to 16", options.alpha = 0.5);
    REFUSED("alpha is -1, expected 1 to 16", options.alpha = -1);
    REFUSED("alpha is 16.5, expected 1 to 16", options.alpha = 16.5);
    REFUSED("alpha is NaN, expected 1 to 16", options.alpha = NAN);
    REFUSED("alpha is inf, expected 1 to 16", options.alpha = INFINITY);
    REFUSED("rounds is -2, expected", options.rounds = -2);
    REFUSED("rounds is 1001, expected", options.rounds = 1001);
    REFUSED("sample is -1, expected", options.sample = -1);
    REFUSED("sample is 256, expected 1 to 255", options.sample = 256);
    REFUSED("n_trees is -1, expected", options.n_trees = -1);
    REFUSED("trees is 2147483647, expected", options.n_trees = INT32_MAX);
#undef REFUSED
    options = no_options();
    options.alpha = -0.0;
    OK(annoy_build_graph(index, &options, NULL, &error));
    CHECK(degree(index) > 0);
    options.rounds = ANNOY_ROUNDS_NONE;
    OK(annoy_build_graph(index, &options, NULL, &error));
    annoy_free(index);
}

TEST(methods_that_are_none) {
    static const annoy_method none[] = {-1, 5, INT32_MAX};
    annoy_index *index = line_of(10, 1);
    annoy_search_options options;
    int64_t id = 77;
    size_t n = 77, i;
    EMPTY(options);
    OK(annoy_build_graph(index, NULL, NULL, &error));
    for (i = 0; i < sizeof none / sizeof none[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "method is %d, expected one of", (int)none[i]);
        options.method = none[i];
        FAILS(ANNOY_ERR_ARGUMENT, text, find_item(index, 0, 1, &options, &id, 0, NULL, &n, &error));
    }
    options.method = ANNOY_METHOD_DEFAULT;
    options.flags = 64;
    FAILS(ANNOY_ERR_ARGUMENT, "flags is 0x40", find_item(index, 0, 1, &options, &id, 0, NULL, &n, &error));
    CHECK(id == 77 && n == 77);
    annoy_free(index);
}

TEST(where_there_is_none) {
    annoy_index *index = line_of(10, 0);
    annoy_search_options options;
    int64_t id = 77;
    size_t n = 77;
    const float zero[2] = {0, 0};
    EMPTY(options);
    options.method = ANNOY_METHOD_GRAPH;
    FAILS(ANNOY_ERR_STATE, "not built", annoy_build_graph(index, NULL, NULL, &error));
    OK(annoy_build(index, 1, 1, &error));
    FAILS(ANNOY_ERR_STATE, "graph", find_item(index, 0, 1, &options, &id, ANNOY_ELEMENT_F32, NULL, &n, &error));
    FAILS(ANNOY_ERR_STATE, "graph", find_one(index, ANNOY_ELEMENT_F32, zero, 2, 1, &options, &id, NULL, &n, &error));
    FAILS(ANNOY_ERR_STATE, "graph",
          find_rows(index, ANNOY_ELEMENT_F32, zero, 1, 2, 0, 1, &options, &id, NULL, &n, NULL, &error));
    CHECK(id == 77 && n == 77);
    annoy_free(index);
}

static void give_up(void *user, annoy_stage stage, uint64_t done, uint64_t total) {
    CHECK(stage == ANNOY_STAGE_GRAPH && done <= total);
    annoy_cancel_set((annoy_cancel *)user);
}

/* Then the graph that there was is there. */
TEST(given_up) {
    annoy_index *index = of_random_points();
    annoy_cancel *cancel = annoy_cancel_new();
    const annoy_graph_options wanted = small();
    annoy_work work;
    answers before;
    EMPTY(work);
    work.cancel = cancel;
    work.progress = give_up;
    work.progress_user = cancel;
    OK(annoy_build(index, 2, 1, &error));
    FAILS(ANNOY_ERR_CANCELLED, "cancelled", annoy_build_graph(index, NULL, &work, &error));
    CHECK(degree(index) == 0);
    OK(annoy_build_graph(index, &wanted, NULL, &error));
    before = find(index, ANNOY_METHOD_GRAPH);
    FAILS(ANNOY_ERR_CANCELLED, "cancelled", annoy_build_graph(index, NULL, &work, &error));
    CHECK(degree(index) == 7 && same(find(index, ANNOY_METHOD_GRAPH), before));
    work.reserved = 1;
    FAILS(ANNOY_ERR_ARGUMENT, "reserved is 1", annoy_build_graph(index, NULL, &work, &error));
    annoy_cancel_free(cancel);
    annoy_free(index);
}

int main(void) {
    RUN(what_info_says);
    RUN(searched_saved_and_dropped);
    RUN(threads);
    RUN(options_that_cannot_be);
    RUN(methods_that_are_none);
    RUN(where_there_is_none);
    RUN(given_up);
    return report();
}
