/*
 * The quick start in C: nearest words in a memory-mapped index.
 *
 *   quickstart [-d DATA_DIR] [-o FILE] [WORD...]
 *
 * Reads 20,000 English words with their GloVe vectors (examples/data), builds 10 trees over them,
 * saves the index, maps the file into a second index, prints the 8 nearest words of each WORD, and
 * measures how many of the true 10 nearest are found and how long that takes. FILE is kept; without
 * -o a temporary file is used.
 */
#define _XOPEN_SOURCE 700 /* clock_gettime, mkstemp, P_tmpdir */

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

enum { F = 50, N = 20000, N_TREES = 10, NEAREST = 8, K = 10, QUERIES = 200 };

static float vectors[N][F];
static char words[N][32];
static annoy_error error; /* what went wrong in the last call that failed */

static void fail(const char *what, const char *why) {
    fprintf(stderr, "quickstart: %s: %s\n", what, why);
    exit(1);
}

/* Every call of the library that can fail returns a status; the error struct has the text. */
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

static FILE *open_data(const char *directory, const char *name) {
    char path[4096];
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    if (!(file = fopen(path, "rb"))) {
        perror(path);
        fail("cannot open the data", "say where it is with -d (in the repository: examples/data)");
    }
    return file;
}

static void read_data(const char *directory) {
    unsigned char row[2 * F];
    FILE *file = open_data(directory, "glove-20k-50d.f16");
    for (int i = 0; i < N; i++) {
        if (fread(row, sizeof row, 1, file) != 1) fail("glove-20k-50d.f16", "too short");
        for (int k = 0; k < F; k++) vectors[i][k] = half_to_float(row[2 * k] | (unsigned)row[2 * k + 1] << 8);
    }
    fclose(file);
    file = open_data(directory, "glove-20k-words.txt");
    for (int i = 0; i < N; i++)
        if (fscanf(file, "%31s", words[i]) != 1) fail("glove-20k-words.txt", "too short");
    fclose(file);
}

static void build_and_save(const char *path) {
    annoy_index *index;
    double start = milliseconds();
    /* All rows at once, one right behind the other; their ids are 0, 1, 2 ... */
    const annoy_vectors rows = {.struct_size = sizeof rows, .data = vectors, .n = N, .len = F};
    CHECK(annoy_new(ANNOY_ANGULAR, F, &index, &error));
    CHECK(annoy_add(index, NULL, &rows, NULL, &error));
    CHECK(annoy_build(index, N_TREES, -1, &error));
    printf("built %d trees over %d words in %.0f ms\n", N_TREES, N, milliseconds() - start);
    start = milliseconds();
    CHECK(annoy_save(index, path, &error));
    printf("saved to %s in %.0f ms\n", path, milliseconds() - start);
    annoy_free(index);
}

static void print_neighbours(const annoy_index *index, const char *word) {
    int64_t ids[NEAREST + 1];
    float distances[NEAREST + 1];
    size_t n_found;
    int item = 0;
    while (item < N && strcmp(words[item], word) != 0) item++;
    if (item == N) {
        printf("\n%s: not among the %d words\n", word, N);
        return;
    }
    /* One more than wanted, as the word itself is its own nearest neighbour. */
    CHECK(annoy_get_nns_by_item(index, item, NEAREST + 1, 2000, ids, distances, &n_found, &error));
    printf("\n%s\n", word);
    for (size_t i = 0; i < n_found; i++)
        if (ids[i] != item) printf("  %-16s %.4f\n", words[ids[i]], (double)distances[i]);
}

/* The true K nearest of an item by looking at every other one, nearest first. */
static void exact(int item, int64_t *ids) {
    static double norms[N];
    double best[K];
    for (int i = 0; i < N && norms[N - 1] == 0; i++) {
        for (int k = 0; k < F; k++) norms[i] += (double)vectors[i][k] * vectors[i][k];
    }
    for (int i = 0; i < K; i++) best[i] = -2;
    for (int i = 0; i < N; i++) {
        double cosine = 0;
        int place = K;
        if (i == item) continue;
        for (int k = 0; k < F; k++) cosine += (double)vectors[i][k] * vectors[item][k];
        cosine /= sqrt(norms[i] * norms[item]);
        while (place > 0 && best[place - 1] < cosine) place--;
        for (int j = K - 1; j > place; j--) best[j] = best[j - 1], ids[j] = ids[j - 1];
        if (place < K) best[place] = cosine, ids[place] = i;
    }
}

static void measure(const annoy_index *index, int64_t (*truth)[K], int64_t search_k, const char *name) {
    int hits = 0;
    double start = milliseconds();
    for (int q = 0; q < QUERIES; q++) {
        int64_t ids[K + 1];
        size_t n_found;
        CHECK(annoy_get_nns_by_item(index, q * (N / QUERIES), K + 1, search_k, ids, NULL, &n_found, &error));
        for (size_t i = 0; i < n_found; i++)
            for (int j = 0; j < K; j++) hits += ids[i] == truth[q][j];
    }
    printf("  %-22s recall@%d %.3f, %.3f ms per query\n", name, K, (double)hits / (QUERIES * K),
           (milliseconds() - start) / QUERIES);
}

int main(int argc, char **argv) {
    static int64_t truth[QUERIES][K];
    const char *defaults[] = {"king", "paris", "guitar"};
    const char *data = ANNOY_RS_DATA_DIR, *path = NULL, *directory = getenv("TMPDIR");
    char temporary[4096];
    annoy_index *index;
    double start;
    int option, file;

    while ((option = getopt(argc, argv, "d:o:")) != -1) {
        if (option == 'd') data = optarg;
        else if (option == 'o') path = optarg;
        else fail("usage", "quickstart [-d DATA_DIR] [-o FILE] [WORD...]");
    }

    read_data(data);
    snprintf(temporary, sizeof temporary, "%s/annoy-quickstart-XXXXXX", directory ? directory : P_tmpdir);
    if (!path && (file = mkstemp(temporary)) >= 0) close(file);
    build_and_save(path ? path : temporary);

    /* Any process can map the file; it is read page by page as searches touch it. */
    start = milliseconds();
    CHECK(annoy_new(ANNOY_ANGULAR, F, &index, &error));
    CHECK(annoy_load(index, path ? path : temporary, 0, &error));
    printf("mapped %d words in %.3f ms (kernel %s)\n", (int)annoy_get_n_items(index), milliseconds() - start,
           annoy_kernel_name());
    if (!path) remove(temporary); /* the map stays good without the name */

    if (optind == argc)
        for (int i = 0; i < 3; i++) print_neighbours(index, defaults[i]);
    for (int i = optind; i < argc; i++) print_neighbours(index, argv[i]);

    start = milliseconds();
    for (int q = 0; q < QUERIES; q++) exact(q * (N / QUERIES), truth[q]);
    printf("\n%d words looked up among %d:\n", QUERIES, N);
    printf("  %-22s recall@%d 1.000, %.3f ms per query\n", "exact scan", K, (milliseconds() - start) / QUERIES);
    measure(index, truth, -1, "default search_k");
    measure(index, truth, 2000, "search_k 2000");
    annoy_free(index);
    return 0;
}
