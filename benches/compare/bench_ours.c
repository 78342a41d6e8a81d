/* Measures annoy_rs through its C ABI (f32, 32-bit ids). The counterpart of bench_annoy.cc: same arguments, same output,
   described there; change both together. What touches annoy.h is in the first half. */

#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "annoy.h"

#define NEIGHBOURS 10
#define ROWS_PER_READ 4096

static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("bench_ours: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

/* ---- annoy.h ---- */

static annoy_error last_error;

static void check(annoy_status status, const char *what) {
    if (status != ANNOY_OK) fail("%s: status %d: %s", what, (int)status, last_error.message);
}

static annoy_metric metric_named(const char *name) {
    if (!strcmp(name, "angular")) return ANNOY_ANGULAR;
    if (!strcmp(name, "euclidean")) return ANNOY_EUCLIDEAN;
    if (!strcmp(name, "manhattan")) return ANNOY_MANHATTAN;
    if (!strcmp(name, "dot")) return ANNOY_DOT;
    fail("unknown metric: %s", name);
    return ANNOY_ANGULAR;
}

static annoy_index *index_new(const char *metric, size_t d) {
    annoy_index *index = NULL;
    check(annoy_new(metric_named(metric), d, &index, &last_error), "annoy_new");
    return index;
}

static void index_set_seed(annoy_index *index, uint64_t seed) { check(annoy_set_seed(index, seed, &last_error), "annoy_set_seed"); }

static void index_add(annoy_index *index, int64_t item, const float *vector, size_t d) {
    check(annoy_add_item(index, item, vector, d, &last_error), "annoy_add_item");
}

static void index_build(annoy_index *index, int32_t n_trees, int32_t threads) {
    check(annoy_build(index, n_trees, threads, &last_error), "annoy_build");
}

/* What Annoy's save does: write, then go on with the file mapped. */
static void index_save(annoy_index *index, const char *path) {
    check(annoy_save_and_load(index, path, 0, &last_error), "annoy_save_and_load");
}

static void index_load(annoy_index *index, const char *path) { check(annoy_load(index, path, 0, &last_error), "annoy_load"); }

static size_t index_query(const annoy_index *index, const float *vector, size_t d, int64_t search_k, int64_t *ids, float *distances) {
    size_t found = 0;
    check(annoy_get_nns_by_vector(index, vector, d, NEIGHBOURS, search_k, ids, distances, &found, &last_error),
          "annoy_get_nns_by_vector");
    return found;
}

static int64_t index_n_items(const annoy_index *index) { return (int64_t)annoy_get_n_items(index); }

static int64_t index_n_trees(const annoy_index *index) { return (int64_t)annoy_get_n_trees(index); }

/* ---- the measurements ---- */

struct options {
    bool query_only;
    const char *ids_out;
    int passes;
    const char *metric, *train, *queries, *index, *truth;
    int64_t n, nq;
    size_t d;
    int32_t n_trees, threads;
    uint64_t seed;
    char **search_ks;
    int n_search_ks;
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static double peak_rss_mib(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024.0;
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void *allocate(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (!memory) fail("out of memory");
    return memory;
}

static FILE *open_file(const char *path, const char *mode) {
    FILE *file = fopen(path, mode);
    if (!file) fail("cannot open %s", path);
    return file;
}

static void *read_all(const char *path, size_t count, size_t size) {
    void *values = allocate(count, size);
    FILE *file = open_file(path, "rb");
    if (fread(values, size, count, file) != count) fail("%s is too short", path);
    fclose(file);
    return values;
}

/* Reads TRAIN in pieces, so that peak memory is the index and not the input. */
static double add_items(annoy_index *index, const struct options *options) {
    float *rows = allocate(ROWS_PER_READ * options->d, sizeof *rows);
    FILE *file = open_file(options->train, "rb");
    double seconds = 0;
    int64_t item = 0;
    while (item < options->n) {
        size_t count = options->n - item < ROWS_PER_READ ? (size_t)(options->n - item) : ROWS_PER_READ;
        if (fread(rows, sizeof *rows * options->d, count, file) != count) fail("%s is too short", options->train);
        double start = now();
        for (size_t row = 0; row < count; row++, item++) index_add(index, item, rows + row * options->d, options->d);
        seconds += now() - start;
    }
    fclose(file);
    free(rows);
    return seconds;
}

static void build(const struct options *options) {
    annoy_index *index = index_new(options->metric, options->d);
    index_set_seed(index, options->seed);
    double add_seconds = add_items(index, options);

    double start = now();
    index_build(index, options->n_trees, options->threads);
    double build_seconds = now() - start;
    double rss = peak_rss_mib();

    start = now();
    index_save(index, options->index);
    double save_seconds = now() - start;
    annoy_free(index);

    struct stat status;
    if (stat(options->index, &status) != 0) fail("no %s", options->index);
    printf("{\"program\": \"ours\", \"event\": \"build\", \"add_s\": %.6f, \"build_s\": %.6f, \"add_build_s\": %.6f, "
           "\"save_s\": %.6f, \"rss_after_build_mib\": %.1f, \"file_bytes\": %lld}\n",
           add_seconds, build_seconds, add_seconds + build_seconds, save_seconds, rss, (long long)status.st_size);
}

static bool contains(const int32_t *row, int32_t id) {
    for (int i = 0; i < NEIGHBOURS; i++)
        if (row[i] == id) return true;
    return false;
}

static int64_t number(const char *text, int64_t least, int64_t most) {
    char *end = NULL;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || value < least || value > most) fail("bad number: %s", text);
    return value;
}

static void query(const struct options *options) {
    size_t nq = (size_t)options->nq, n_answers = nq * NEIGHBOURS;
    float *queries = read_all(options->queries, nq * options->d, sizeof *queries);
    int32_t *truth = strcmp(options->truth, "-") ? read_all(options->truth, n_answers, sizeof *truth) : NULL;
    FILE *ids_file = options->ids_out ? open_file(options->ids_out, "wb") : NULL;
    int32_t *answers = allocate(n_answers, sizeof *answers);
    double *passes = allocate((size_t)options->passes, sizeof *passes);
    const char *mode = options->query_only ? "query-only" : "own";

    double start = now();
    annoy_index *index = index_new(options->metric, options->d);
    index_load(index, options->index);
    printf("{\"program\": \"ours\", \"event\": \"load\", \"mode\": \"%s\", \"load_s\": %.9f, \"n_items\": %" PRId64 ", \"n_trees\": %" PRId64 "}\n",
           mode, now() - start, index_n_items(index), index_n_trees(index));

    for (int k = 0; k < options->n_search_ks; k++) {
        int64_t search_k = number(options->search_ks[k], -1, INT32_MAX);
        for (int pass = 0; pass <= options->passes; pass++) {
            int64_t ids[NEIGHBOURS];
            float distances[NEIGHBOURS];
            start = now();
            for (size_t i = 0; i < nq; i++) {
                size_t found = index_query(index, queries + i * options->d, options->d, search_k, ids, distances);
                if (pass == 0)
                    for (size_t j = 0; j < NEIGHBOURS; j++) answers[i * NEIGHBOURS + j] = j < found ? (int32_t)ids[j] : -1;
            }
            if (pass > 0) passes[pass - 1] = (now() - start) / (double)nq * 1e6;
        }
        if (ids_file && fwrite(answers, sizeof *answers, n_answers, ids_file) != n_answers) fail("cannot write ids");
        printf("{\"program\": \"ours\", \"event\": \"query\", \"mode\": \"%s\", \"search_k\": %" PRId64 ", \"us_per_query\": %.3f, ", mode,
               search_k, median(passes, options->passes));
        if (truth) {
            int64_t hits = 0;
            for (size_t i = 0; i < n_answers; i++) hits += contains(answers + i / NEIGHBOURS * NEIGHBOURS, truth[i]);
            printf("\"recall\": %.6f}\n", (double)hits / (double)n_answers);
        } else {
            printf("\"recall\": null}\n");
        }
        fflush(stdout);
    }
    printf("{\"program\": \"ours\", \"event\": \"end\", \"mode\": \"%s\", \"rss_mib\": %.1f}\n", mode, peak_rss_mib());
    if (ids_file && fclose(ids_file) != 0) fail("cannot write ids");
    annoy_free(index);
    free(passes);
    free(answers);
    free(truth);
    free(queries);
}

int main(int argc, char **argv) {
    struct options options = {.passes = 5};
    int at = 1;
    for (; at < argc && !strncmp(argv[at], "--", 2); at++) {
        if (!strcmp(argv[at], "--query-only"))
            options.query_only = true;
        else if (!strcmp(argv[at], "--ids-out") && at + 1 < argc)
            options.ids_out = argv[++at];
        else if (!strcmp(argv[at], "--passes") && at + 1 < argc)
            options.passes = (int)number(argv[++at], 1, 1000);
        else
            fail("unknown option: %s", argv[at]);
    }
    if (argc - at < 12) fail("usage: METRIC TRAIN N D QUERIES NQ N_TREES THREADS SEED INDEX TRUTH SEARCH_K...");
    options.metric = argv[at++];
    options.train = argv[at++];
    options.n = number(argv[at++], 1, INT32_MAX);
    options.d = (size_t)number(argv[at++], 1, 1 << 20);
    options.queries = argv[at++];
    options.nq = number(argv[at++], 1, INT32_MAX);
    options.n_trees = (int32_t)number(argv[at++], -1, INT32_MAX);
    options.threads = (int32_t)number(argv[at++], -1, 4096);
    options.seed = (uint64_t)number(argv[at++], 0, INT64_MAX);
    options.index = argv[at++];
    options.truth = argv[at++];
    options.search_ks = argv + at;
    options.n_search_ks = argc - at;

    if (!options.query_only) build(&options);
    query(&options);
    return 0;
}
