/* What the lock of an index costs a call: each of some calls on an index with a lock and on one
   without (ANNOY_UNLOCKED), in turns in one process. Built and run by run.sh. */
#define _POSIX_C_SOURCE 199309L
#include <annoy.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { F = 32, ITEMS = 20000, TURNS = 21, TRIES = 60000 };

static annoy_index *indexes[2]; /* without a lock, with one */
static int which;

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static annoy_index *empty(uint32_t flags) {
    annoy_options options;
    annoy_index *index;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.metric = ANNOY_EUCLIDEAN;
    options.f = F;
    options.flags = flags;
    if (annoy_new_with(&options, &index, NULL) != ANNOY_OK) exit(1);
    return index;
}

/* Both lie in the same pages, so where these are makes no difference. */
static void open_both(const char *path) {
    annoy_index *index = empty(0);
    float vector[F];
    int i, j;
    srand(1);
    for (i = 0; i < ITEMS; i++) {
        for (j = 0; j < F; j++) vector[j] = (float)rand() / (float)RAND_MAX;
        annoy_add_item(index, i, vector, F, NULL);
    }
    annoy_build(index, 5, 1, NULL);
    if (annoy_save(index, path, NULL) != ANNOY_OK) exit(1);
    annoy_free(index);
    if (annoy_open(path, ANNOY_UNLOCKED, &indexes[0], NULL) != ANNOY_OK) exit(1);
    if (annoy_open(path, 0, &indexes[1], NULL) != ANNOY_OK) exit(1);
}

static void *search(void *unused) {
    float vector[F];
    int64_t ids[10];
    size_t n;
    long i;
    (void)unused;
    for (i = 0; i < TRIES; i++) {
        annoy_get_item(indexes[which], i % ITEMS, vector, F, NULL);
        annoy_get_nns_by_vector(indexes[which], vector, F, 10, 50, ids, NULL, &n, NULL);
    }
    return NULL;
}

static void distance(void) {
    double found;
    long i;
    for (i = 0; i < 20L * TRIES; i++) annoy_get_distance(indexes[which], i % ITEMS, (i + 7) % ITEMS, &found, NULL);
}

static void search_alone(void) { search(NULL); }

static void search_by_two(void) {
    pthread_t threads[2];
    int i;
    for (i = 0; i < 2; i++) pthread_create(&threads[i], NULL, search, NULL);
    for (i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

static void add(void) {
    static const float vector[F] = {1, 2, 3};
    annoy_index *index = empty(which ? 0 : ANNOY_UNLOCKED);
    long i;
    annoy_reserve(index, TRIES, NULL);
    for (i = 0; i < TRIES; i++) annoy_add_item(index, i, vector, F, NULL);
    annoy_free(index);
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Nanoseconds of a call, medians of the turns. */
static void measure(const char *name, void (*body)(void), long calls) {
    double took[2][TURNS], without, with;
    int turn;
    for (turn = 0; turn < TURNS; turn++)
        for (which = 0; which < 2; which++) {
            const double start = seconds();
            body();
            took[which][turn] = (seconds() - start) / (double)calls * 1e9;
        }
    for (which = 0; which < 2; which++) qsort(took[which], TURNS, sizeof **took, ascending);
    without = took[0][TURNS / 2];
    with = took[1][TURNS / 2];
    printf("%-44s %8.1f ns without, %8.1f with: %+6.1f ns, %.4f\n", name, without, with, with - without, with / without);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    open_both(argv[1]);
    measure("annoy_get_distance", distance, 20L * TRIES);
    measure("annoy_add_item", add, TRIES);
    measure("annoy_get_item, annoy_get_nns_by_vector", search_alone, TRIES);
    measure("the same by two threads on one index", search_by_two, TRIES);
    annoy_free(indexes[0]);
    annoy_free(indexes[1]);
    return 0;
}
