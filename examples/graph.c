/*
 * A graph of neighbours beside the forest: more is found for the same work.
 *
 *   graph [-d DATA_DIR] FILE
 *
 * Reads 20,000 GloVe vectors of English words (examples/data), builds trees and a graph over
 * them, compares what searches of either find with what there is, saves the index to FILE, and
 * opens that again.
 */
#define _XOPEN_SOURCE 700 /* clock_gettime, getopt */

#include <annoy.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef ANNOY_RS_DATA_DIR
#define ANNOY_RS_DATA_DIR "examples/data"
#endif

enum { F = 50, N = 20000, N_TREES = 10, K = 10, QUERIES = 200, SEARCH_K = 300 };

static float vectors[N][F];
static annoy_error error; /* what went wrong in the last call that failed */

static void fail(const char *what, const char *why) {
    fprintf(stderr, "graph: %s: %s\n", what, why);
    exit(1);
}

#define CHECK(call)                                         \
    do {                                                    \
        if ((call) != ANNOY_OK) fail(#call, error.message); \
    } while (0)

static double milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}

/* An IEEE 754 16-bit float: 1 bit of sign, 5 of exponent, 10 of fraction. The data has
   no infinities. */
static float half_to_float(unsigned half) {
    int exponent = (int)(half >> 10 & 31);
    double fraction = (double)(half & 1023) / 1024;
    double value = exponent ? ldexp(1 + fraction, exponent - 15) : ldexp(fraction, -14);
    return (float)(half & 0x8000 ? -value : value);
}

static void read_vectors(const char *directory) {
    unsigned char row[2 * F];
    char path[4096];
    FILE *file;
    snprintf(path, sizeof path, "%s/glove-20k-50d.f16", directory);
    if (!(file = fopen(path, "rb"))) fail(path, "cannot be opened; say where the data is with -d");
    for (int i = 0; i < N; i++) {
        if (fread(row, sizeof row, 1, file) != 1) fail(path, "too short");
        for (int k = 0; k < F; k++) vectors[i][k] = half_to_float(row[2 * k] | (unsigned)row[2 * k + 1] << 8);
    }
    fclose(file);
}

/* The neighbours of every hundredth word, K of each, by one thread; and the milliseconds that one
   of them takes. */
static double search(const annoy_index *index, annoy_method method, int64_t *ids) {
    int64_t items[QUERIES];
    annoy_work work;
    annoy_search_options options;
    const annoy_results results = {.struct_size = sizeof results, .ids = ids, .n = K};
    double start = milliseconds();
    memset(&work, 0, sizeof work);
    work.struct_size = sizeof work;
    work.n_threads = 1;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.flags = ANNOY_SEARCH_EXCLUDE_SELF;
    options.method = method;
    options.search_k = SEARCH_K;
    for (int q = 0; q < QUERIES; q++) items[q] = q * (N / QUERIES);
    CHECK(annoy_search_items(index, items, QUERIES, &options, &results, &work, &error));
    return (milliseconds() - start) / QUERIES;
}

static void measure(const annoy_index *index, annoy_method method, const int64_t *truth, const char *name) {
    static int64_t ids[QUERIES * K];
    double taken = search(index, method, ids);
    int hits = 0;
    for (int q = 0; q < QUERIES; q++)
        for (int i = 0; i < K; i++)
            for (int j = 0; j < K; j++) hits += ids[q * K + i] == truth[q * K + j];
    printf("%-8s recall@%d %.3f at search_k %d, %.3f ms per query\n", name, K, (double)hits / (QUERIES * K), SEARCH_K, taken);
}

int main(int argc, char **argv) {
    static int64_t truth[QUERIES * K];
    const annoy_vectors rows = {.struct_size = sizeof rows, .data = vectors, .n = N, .len = F};
    const char *data = ANNOY_RS_DATA_DIR;
    annoy_index *index = NULL;
    annoy_graph_options options;
    annoy_info info;
    double start;
    int option;

    while ((option = getopt(argc, argv, "d:")) != -1) {
        if (option != 'd') fail("usage", "graph [-d DATA_DIR] FILE");
        data = optarg;
    }
    if (optind + 1 != argc) fail("usage", "graph [-d DATA_DIR] FILE");

    read_vectors(data);
    CHECK(annoy_new(ANNOY_ANGULAR, F, &index, &error));
    CHECK(annoy_add(index, NULL, &rows, NULL, &error));
    start = milliseconds();
    CHECK(annoy_build(index, N_TREES, -1, &error));
    printf("built %d trees in %.0f ms\n", N_TREES, milliseconds() - start);

    /* What is left at 0 is as usual; NULL would be all of it. The graph is made from the trees, and
     * lies beside them. */
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.degree = 24;
    start = milliseconds();
    CHECK(annoy_build_graph(index, &options, NULL, &error));
    printf("built a graph in %.0f ms\n", milliseconds() - start);

    search(index, ANNOY_METHOD_EXACT, truth);
    measure(index, ANNOY_METHOD_FOREST, truth, "forest:");
    measure(index, ANNOY_METHOD_GRAPH, truth, "graph:");

    /* Annoy opens the file too, and sees the trees alone. */
    CHECK(annoy_save(index, argv[optind], &error));
    annoy_free(index);
    CHECK(annoy_open(argv[optind], 0, &index, &error));
    info.struct_size = sizeof info;
    CHECK(annoy_get_info(index, &info, &error));
    printf("opened %s: %d trees, a graph of degree %d\n", argv[optind], (int)info.n_trees, (int)info.graph_degree);
    /* By default searches go by the graph where there is one. */
    measure(index, ANNOY_METHOD_DEFAULT, truth, "opened:");
    annoy_free(index);
    return 0;
}
