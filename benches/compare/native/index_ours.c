/* annoy_rs for bench.c, through its C ABI: the forest, or with GRAPH or SCAN defined those, read
   into memory as other libraries read theirs. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annoy.h"
#include "index.h"

struct bench_index {
    annoy_index *handle;
    size_t d;
    int bits;
};

static annoy_error last_error;

static void check(annoy_status status, const char *what) {
    if (status != ANNOY_OK) fail("%s: status %d: %s", what, (int)status, last_error.message);
}

static annoy_metric metric_named(const char *name) {
    if (!strcmp(name, "angular")) return ANNOY_ANGULAR;
    if (!strcmp(name, "euclidean")) return ANNOY_EUCLIDEAN;
    if (!strcmp(name, "manhattan")) return ANNOY_MANHATTAN;
    if (!strcmp(name, "dot")) return ANNOY_DOT;
    if (!strcmp(name, "hamming")) return ANNOY_HAMMING;
    fail("unknown metric: %s", name);
}

#ifdef GRAPH
/* The defaults, except what GRAPH_OPTIONS says: "degree candidates alpha rounds sample n_trees", 0
   for the default. */
static annoy_graph_options graph_options(void) {
    annoy_graph_options options = {.struct_size = sizeof options};
    const char *text = getenv("GRAPH_OPTIONS");
    if (text && sscanf(text, "%d %d %lf %d %d %d", &options.degree, &options.candidates, &options.alpha, &options.rounds,
                       &options.sample, &options.n_trees) != 6)
        fail("GRAPH_OPTIONS: expected six numbers, found %s", text);
    return options;
}
#endif

index_t *index_new(const char *metric, size_t d) {
    index_t *index = calloc(1, sizeof *index);
    if (!index) fail("out of memory");
    index->d = d;
    index->bits = metric_named(metric) == ANNOY_HAMMING;
    check(annoy_new(metric_named(metric), d, &index->handle, &last_error), "annoy_new");
    return index;
}

void index_free(index_t *index) {
    annoy_free(index->handle);
    free(index);
}

void index_set_seed(index_t *index, uint64_t seed) { check(annoy_set_seed(index->handle, seed, &last_error), "annoy_set_seed"); }

/* One row of bits. */
static annoy_vectors row_of_bits(const index_t *index, const void *row) {
    annoy_vectors one = {.struct_size = sizeof one, .data = (void *)row, .element = ANNOY_ELEMENT_BITS, .n = 1};
    one.len = index->d / 64;
    return one;
}

void index_add(index_t *index, int64_t item, const void *row) {
    if (index->bits) {
        annoy_vectors one = row_of_bits(index, row);
        check(annoy_add(index->handle, &item, &one, NULL, &last_error), "annoy_add");
    } else {
        check(annoy_add_item(index->handle, item, row, index->d, &last_error), "annoy_add_item");
    }
}

void index_build(index_t *index, int32_t n_trees, int32_t threads) {
    check(annoy_build(index->handle, n_trees, threads, &last_error), "annoy_build");
#ifdef GRAPH
    annoy_work work = {.struct_size = sizeof work, .n_threads = threads};
    annoy_graph_options options = graph_options();
    check(annoy_build_graph(index->handle, &options, &work, &last_error), "annoy_build_graph");
#endif
#ifdef SCAN
    annoy_work work = {.struct_size = sizeof work, .n_threads = threads};
    check(annoy_build_scan(index->handle, &work, &last_error), "annoy_build_scan");
#endif
}

void index_save(index_t *index, const char *path) {
    check(annoy_save_and_load(index->handle, path, 0, NULL, &last_error), "annoy_save_and_load");
}

void index_load(index_t *index, const char *path) {
#if defined GRAPH || defined SCAN
    const uint32_t flags = ANNOY_LOAD_COPY;
#else
    const uint32_t flags = 0;
#endif
    check(annoy_load(index->handle, path, flags, &last_error), "annoy_load");
}

size_t index_query(const index_t *index, const void *row, size_t n, int64_t search_k, int64_t *ids, float *distances) {
    size_t found = 0;
    if (index->bits) {
        annoy_vectors one = row_of_bits(index, row);
        annoy_search_options options = {.struct_size = sizeof options, .search_k = search_k};
        annoy_results results = {
            .struct_size = sizeof results, .ids = ids, .distances = distances, .counts = &found, .n = n};
        check(annoy_search(index->handle, &one, &options, &results, NULL, &last_error), "annoy_search");
    } else {
        check(annoy_get_nns_by_vector(index->handle, row, index->d, n, search_k, ids, distances, &found, &last_error),
              "annoy_get_nns_by_vector");
    }
    return found;
}

bool index_query_all(const index_t *index, const void *rows, size_t n_queries, size_t n, int64_t search_k, int64_t *ids,
                     float *distances) {
    annoy_work work = {.struct_size = sizeof work, .n_threads = 1};
    annoy_search_options options = {.struct_size = sizeof options, .search_k = search_k};
    annoy_results results = {.struct_size = sizeof results, .ids = ids, .distances = distances, .n = n};
    annoy_vectors queries = {
        .struct_size = sizeof queries, .data = (void *)rows, .n = n_queries, .len = index->d};
    if (index->bits) {
        queries.element = ANNOY_ELEMENT_BITS;
        queries.len = index->d / 64;
    }
    check(annoy_search(index->handle, &queries, &options, &results, &work, &last_error), "annoy_search");
    return true;
}

int64_t index_n_items(const index_t *index) { return annoy_get_n_items(index->handle); }

int64_t index_n_trees(const index_t *index) { return annoy_get_n_trees(index->handle); }

const char *index_kernel(void) { return annoy_kernel_name(); }
