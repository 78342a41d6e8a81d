/* Measures one library: the same program for each, linked with its adapter (index.h). One
   JSON object a line.

   bench build METRIC D TRAIN N N_TREES THREADS SEED INDEX
       Adds the rows of TRAIN, builds, saves.
   bench query [--passes P] [--ms S] [--ids FILE] [--batch] [--candidates]
               METRIC D INDEX QUERIES NQ SEARCH_K...
       Loads INDEX and answers all queries, 10 neighbours each, for each SEARCH_K, one at a time in
       one thread: a pass that is not timed, whose ids go to FILE (NQ rows of 10 int32, -1 where
       there was no answer), then P timed passes (default 3; no new one begins after S
       milliseconds). --batch then asks all in one call, where the library has such a call: the ids
       must be the same. --candidates also counts the different items that a search looks at.
   bench cold METRIC D INDEX QUERIES NQ SEARCH_K
       Drops the file's pages from the page cache, loads, answers one query; loads once more,
       answers it again.
   bench rows INDEX N_ITEMS NODE_BYTES
       Nanoseconds per node of a loop that reads random nodes of the mapped file, with prefetching:
       the limit that memory sets.

   TRAIN, QUERIES: raw rows, of D 32-bit floats or for hamming of D bits. */

#define _GNU_SOURCE

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "index.h"

#define NEIGHBOURS 10
#define ROWS_PER_READ 4096

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* A field of /proc/self/status in MiB: VmRSS, or VmHWM, the highest so far. */
static double status_mib(const char *field) {
    char line[256];
    long kib = -1;
    FILE *file = fopen("/proc/self/status", "r");
    if (!file) fail("cannot open /proc/self/status");
    while (kib < 0 && fgets(line, sizeof line, file))
        if (!strncmp(line, field, strlen(field)) && line[strlen(field)] == ':') kib = strtol(line + strlen(field) + 1, NULL, 10);
    fclose(file);
    return (double)kib / 1024.0;
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

static int64_t number(const char *text, int64_t least, int64_t most) {
    char *end = NULL;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || value < least || value > most) fail("bad number: %s", text);
    return value;
}

static size_t row_bytes(const char *metric, size_t d) { return strcmp(metric, "hamming") ? d * sizeof(float) : d / 8; }

static size_t length_of(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0) fail("no %s", path);
    return (size_t)status.st_size;
}

/* ---- build ---- */

static void build(char **arguments) {
    const char *metric = arguments[0], *train = arguments[2], *path = arguments[7];
    size_t d = (size_t)number(arguments[1], 1, 1 << 20), bytes = row_bytes(metric, d);
    int64_t n = number(arguments[3], 1, INT32_MAX);
    int32_t n_trees = (int32_t)number(arguments[4], -1, INT32_MAX), threads = (int32_t)number(arguments[5], -1, 4096);
    uint64_t seed = (uint64_t)number(arguments[6], 0, INT64_MAX);

    /* Rows are read in pieces, so that what memory grows by is the index. */
    char *rows = allocate(ROWS_PER_READ, bytes);
    memset(rows, 1, ROWS_PER_READ * bytes);
    FILE *file = open_file(train, "rb");
    double rss_before = status_mib("VmRSS");

    index_t *index = index_new(metric, d);
    index_set_seed(index, seed);
    double add_seconds = 0;
    for (int64_t item = 0; item < n;) {
        size_t count = n - item < ROWS_PER_READ ? (size_t)(n - item) : ROWS_PER_READ;
        if (fread(rows, bytes, count, file) != count) fail("%s is too short", train);
        double start = now();
        for (size_t row = 0; row < count; row++, item++) index_add(index, item, rows + row * bytes);
        add_seconds += now() - start;
    }
    fclose(file);
    free(rows);

    double start = now();
    index_build(index, n_trees, threads);
    double build_seconds = now() - start;
    double peak = status_mib("VmHWM");

    start = now();
    index_save(index, path);
    double save_seconds = now() - start;
    index_free(index);

    /* A save that ends in the page cache is not on the disk yet. */
    start = now();
    int descriptor = open(path, O_RDONLY);
    if (descriptor < 0 || fsync(descriptor) != 0) fail("cannot sync %s", path);
    close(descriptor);
    printf("{\"event\": \"build\", \"add_s\": %.6f, \"build_s\": %.6f, \"save_s\": %.6f, \"sync_s\": %.6f, \"memory_mib\": %.1f, "
           "\"file_bytes\": %zu}\n",
           add_seconds, build_seconds, save_seconds, now() - start, peak - rss_before, length_of(path));
}

/* ---- query ---- */

struct query_options {
    int passes;
    double seconds;
    const char *ids;
    bool candidates, batch;
};

/* How many different items a search looks at: it finds them all when asked for so
   many neighbours. */
static double mean_candidates(const index_t *index, const char *queries, size_t nq, size_t bytes, int64_t search_k) {
    size_t room = (size_t)index_n_items(index), found = 0;
    int64_t *ids = allocate(room, sizeof *ids);
    float *distances = allocate(room, sizeof *distances);
    for (size_t i = 0; i < nq; i++) found += index_query(index, queries + i * bytes, room, search_k, ids, distances);
    free(ids);
    free(distances);
    return (double)found / (double)nq;
}

struct questions {
    const index_t *index;
    const char *queries;
    size_t nq, bytes;
    int64_t search_k;
    int64_t *ids;
    float *distances;
};

static bool ask_one_by_one(const struct questions *of) {
    for (size_t i = 0; i < of->nq; i++) {
        int64_t *ids = of->ids + i * NEIGHBOURS;
        size_t found = index_query(of->index, of->queries + i * of->bytes, NEIGHBOURS, of->search_k, ids, of->distances + i * NEIGHBOURS);
        for (; found < NEIGHBOURS; found++) ids[found] = -1;
    }
    return true;
}

static bool ask_all(const struct questions *of) {
    return index_query_all(of->index, of->queries, of->nq, NEIGHBOURS, of->search_k, of->ids, of->distances);
}

/* Microseconds a query, the median of so many timed passes; none where the library cannot be asked
   so. */
static int timed(const struct query_options *options, bool (*ask)(const struct questions *), const struct questions *of, double *us) {
    double passes[1001], sum = 0;
    int done = 0;
    for (int pass = 0; pass <= options->passes && (!done || sum < options->seconds); pass++) {
        double start = now();
        if (!ask(of)) return 0;
        double elapsed = now() - start;
        if (pass == 0 && (options->passes == 0 || elapsed < options->seconds)) continue;
        passes[done++] = elapsed / (double)of->nq * 1e6;
        sum += elapsed;
    }
    if (done) *us = median(passes, done);
    return done;
}

static void query(const struct query_options *options, char **arguments, int count) {
    const char *metric = arguments[0], *path = arguments[2];
    size_t d = (size_t)number(arguments[1], 1, 1 << 20), bytes = row_bytes(metric, d);
    size_t nq = (size_t)number(arguments[4], 1, INT32_MAX), n_answers = nq * NEIGHBOURS;
    char *queries = read_all(arguments[3], nq, bytes);
    FILE *ids_file = options->ids ? open_file(options->ids, "wb") : NULL;
    int64_t *ids = allocate(n_answers, sizeof *ids);
    float *distances = allocate(n_answers, sizeof *distances);
    int32_t *answers = allocate(n_answers, sizeof *answers);

    double rss_before = status_mib("VmRSS");
    double start = now();
    index_t *index = index_new(metric, d);
    index_load(index, path);
    double load_seconds = now() - start;
    double rss_loaded = status_mib("VmRSS");
    printf("{\"event\": \"load\", \"load_s\": %.9f, \"rss_mib\": %.1f, \"n_items\": %" PRId64 ", \"n_trees\": %" PRId64 ", "
           "\"kernel\": \"%s\"}\n",
           load_seconds, rss_loaded - rss_before, index_n_items(index), index_n_trees(index), index_kernel());

    for (int k = 5; k < count; k++) {
        int64_t search_k = number(arguments[k], -1, INT32_MAX);
        struct questions of = {index, queries, nq, bytes, search_k, ids, distances};
        double us = 0, batch_us = 0;
        int done = timed(options, ask_one_by_one, &of, &us);
        for (size_t i = 0; i < n_answers; i++) answers[i] = (int32_t)ids[i];
        if (ids_file && fwrite(answers, sizeof *answers, n_answers, ids_file) != n_answers) fail("cannot write %s", options->ids);
        printf("{\"event\": \"query\", \"search_k\": %" PRId64, search_k);
        if (done) printf(", \"us\": %.3f, \"passes\": %d", us, done);
        if (done && options->batch && timed(options, ask_all, &of, &batch_us)) {
            for (size_t i = 0; i < n_answers; i++)
                if (answers[i] != ids[i]) fail("all queries at once: other ids than one at a time, at search_k %" PRId64, search_k);
            printf(", \"batch_us\": %.3f", batch_us);
        }
        if (options->candidates) printf(", \"candidates\": %.1f", mean_candidates(index, queries, nq, bytes, search_k));
        puts("}");
        fflush(stdout);
    }
    printf("{\"event\": \"end\", \"rss_mib\": %.1f}\n", status_mib("VmRSS") - rss_before);
    if (ids_file && fclose(ids_file) != 0) fail("cannot write %s", options->ids);
    index_free(index);
    free(answers);
    free(distances);
    free(ids);
    free(queries);
}

/* ---- cold ---- */

/* Asks the system to forget the file; returns the share of its pages that stayed. */
static double drop_pages(const char *path) {
    size_t length = length_of(path), page = (size_t)sysconf(_SC_PAGESIZE), pages = (length + page - 1) / page, kept = 0;
    int descriptor = open(path, O_RDONLY);
    if (descriptor < 0) fail("cannot open %s", path);
    if (fsync(descriptor) != 0) fail("cannot sync %s", path);
    if (posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) != 0) fail("cannot drop the pages of %s", path);
    void *map = mmap(NULL, length, PROT_READ, MAP_SHARED, descriptor, 0);
    unsigned char *resident = allocate(pages, 1);
    if (map == MAP_FAILED || mincore(map, length, resident) != 0) fail("cannot look at the pages of %s", path);
    for (size_t i = 0; i < pages; i++) kept += resident[i] & 1;
    munmap(map, length);
    close(descriptor);
    free(resident);
    return (double)kept / (double)pages;
}

static void cold(char **arguments) {
    const char *metric = arguments[0], *path = arguments[2];
    size_t d = (size_t)number(arguments[1], 1, 1 << 20), nq = (size_t)number(arguments[4], 1, INT32_MAX);
    int64_t search_k = number(arguments[5], -1, INT32_MAX), ids[NEIGHBOURS];
    float distances[NEIGHBOURS];
    char *queries = read_all(arguments[3], nq, row_bytes(metric, d));

    double kept = drop_pages(path), load_seconds[2], query_seconds[2];
    for (int warm = 0; warm < 2; warm++) {
        double start = now();
        index_t *index = index_new(metric, d);
        index_load(index, path);
        load_seconds[warm] = now() - start;
        start = now();
        index_query(index, queries, NEIGHBOURS, search_k, ids, distances);
        query_seconds[warm] = now() - start;
        index_free(index);
    }
    printf("{\"event\": \"cold\", \"load_s\": %.9f, \"first_query_s\": %.9f, \"warm_load_s\": %.9f, \"warm_first_query_s\": %.9f, "
           "\"pages_kept\": %.4f}\n",
           load_seconds[0], query_seconds[0], load_seconds[1], query_seconds[1], kept);
    free(queries);
}

/* ---- rows ---- */

#define ORDER_LENGTH (1 << 20)

/* Any use of every byte; the compiler makes vector code of it. */
static uint32_t sum_of(const char *row, size_t words) {
    uint32_t sum = 0;
    for (size_t i = 0; i < words; i++) {
        uint32_t word;
        memcpy(&word, row + i * sizeof word, sizeof word);
        sum += word;
    }
    return sum;
}

static double nanoseconds_per_row(const char *nodes, const uint32_t *order, size_t node_bytes, size_t ahead, volatile uint32_t *sink) {
    uint32_t sum = 0;
    double start = now();
    for (size_t i = 0; i < ORDER_LENGTH; i++) {
        const char *coming = nodes + order[(i + ahead) % ORDER_LENGTH] * node_bytes;
        for (size_t at = 0; at < node_bytes; at += 64) __builtin_prefetch(coming + at);
        __builtin_prefetch(coming + node_bytes - 1);
        sum += sum_of(nodes + order[i] * node_bytes, node_bytes / sizeof(uint32_t));
    }
    *sink = sum;
    return (now() - start) / ORDER_LENGTH * 1e9;
}

static void rows(char **arguments) {
    const char *path = arguments[0];
    size_t n = (size_t)number(arguments[1], 1, INT32_MAX), node_bytes = (size_t)number(arguments[2], 4, 1 << 28);
    if (n * node_bytes > length_of(path)) fail("%s is shorter than %zu nodes of %zu bytes", path, n, node_bytes);
    int descriptor = open(path, O_RDONLY);
    char *nodes = mmap(NULL, n * node_bytes, PROT_READ, MAP_SHARED, descriptor, 0);
    if (nodes == MAP_FAILED) fail("cannot map %s", path);
    /* This brings every page into memory. */
    volatile uint32_t sink = sum_of(nodes, n * node_bytes / sizeof(uint32_t));

    uint32_t *order = allocate(ORDER_LENGTH, sizeof *order);
    uint64_t state = 42;
    for (size_t i = 0; i < ORDER_LENGTH; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        order[i] = (uint32_t)((state >> 32) * n >> 32);
    }
    static const size_t aheads[] = {2, 4, 8, 16, 32};
    double best = 0;
    size_t best_ahead = 0;
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < sizeof aheads / sizeof *aheads; i++) {
            double ns = nanoseconds_per_row(nodes, order, node_bytes, aheads[i], &sink);
            if (!best_ahead || ns < best) best = ns, best_ahead = aheads[i];
        }
    printf("{\"event\": \"rows\", \"ns\": %.3f, \"ahead\": %zu, \"node_bytes\": %zu}\n", best, best_ahead, node_bytes);
    munmap(nodes, n * node_bytes);
    close(descriptor);
    free(order);
}

int main(int argc, char **argv) {
    const char *command = argc > 1 ? argv[1] : "";
    struct query_options options = {.passes = 3, .seconds = 1e9};
    int at = 2;
    for (; at < argc && !strncmp(argv[at], "--", 2); at++) {
        if (!strcmp(argv[at], "--candidates"))
            options.candidates = true;
        else if (!strcmp(argv[at], "--batch"))
            options.batch = true;
        else if (!strcmp(argv[at], "--passes") && at + 1 < argc)
            options.passes = (int)number(argv[++at], 0, 1000);
        else if (!strcmp(argv[at], "--ms") && at + 1 < argc)
            options.seconds = (double)number(argv[++at], 0, INT32_MAX) / 1e3;
        else if (!strcmp(argv[at], "--ids") && at + 1 < argc)
            options.ids = argv[++at];
        else
            fail("unknown option: %s", argv[at]);
    }
    int count = argc - at;
    if (!strcmp(command, "build") && count == 8)
        build(argv + at);
    else if (!strcmp(command, "query") && count >= 6)
        query(&options, argv + at, count);
    else if (!strcmp(command, "cold") && count == 6)
        cold(argv + at);
    else if (!strcmp(command, "rows") && count == 3)
        rows(argv + at);
    else
        fail("see the head of bench.c for the arguments");
    return 0;
}
