/*
 * Searches that are told more than "the n nearest": a radius, ids that are not wanted, a bitmap, a
 * filter, all items looked at, many queries by several threads, and a batch given up half way.
 *
 * The items are the points (x, y) of a 100 x 100 grid; the id of (x, y) is 100 y + x.
 */
#include <annoy.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 100, N = SIDE * SIDE, N_TREES = 10, NEAREST = 5, QUERIES = 1000 };

static annoy_error error; /* what went wrong in the last call that failed */

static void fail(const char *what, const char *why) {
    fprintf(stderr, "search: %s: %s\n", what, why);
    exit(1);
}

#define CHECK(call)                                         \
    do {                                                    \
        if ((call) != ANNOY_OK) fail(#call, error.message); \
    } while (0)

static annoy_index *grid(void) {
    annoy_index *index = NULL;
    int64_t id;
    CHECK(annoy_new(ANNOY_EUCLIDEAN, 2, &index, &error));
    for (id = 0; id < N; id++) {
        float point[2];
        point[0] = (float)(id % SIDE);
        point[1] = (float)(id / SIDE);
        CHECK(annoy_add_item(index, id, point, 2, &error));
    }
    CHECK(annoy_build(index, N_TREES, -1, &error));
    return index;
}

static annoy_search_options no_options(void) {
    annoy_search_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    return options;
}

/* Searches from the point (50.2, 50.1) and prints what is found. */
static void show(const annoy_index *index, const char *title, const annoy_search_options *options) {
    float point[2] = {50.2f, 50.1f}, distances[NEAREST];
    int64_t ids[NEAREST];
    size_t n = 0, i;
    const annoy_vectors query = {.struct_size = sizeof query, .data = point, .n = 1, .len = 2};
    const annoy_results results = {
        .struct_size = sizeof results, .ids = ids, .distances = distances, .counts = &n, .n = NEAREST};
    CHECK(annoy_search(index, &query, options, &results, NULL, &error));
    printf("%-24s", title);
    for (i = 0; i < n; i++) printf(" (%d, %d) %.2f", (int)(ids[i] % SIDE), (int)(ids[i] / SIDE), distances[i]);
    printf("\n");
}

/* A filter: points on the diagonal. */
static int32_t on_diagonal(void *user, int64_t item) {
    (void)user;
    return item % SIDE == item / SIDE;
}

/* Hears how far a batch is, and gives it up at half. */
static void give_up_at_half(void *user, annoy_stage stage, uint64_t done, uint64_t total) {
    (void)stage;
    if (2 * done >= total) annoy_cancel_set((annoy_cancel *)user);
}

int main(void) {
    static uint64_t even_rows[(N + 63) / 64];
    static float queries[QUERIES][2];
    static int64_t ids[QUERIES][NEAREST];
    static float distances[QUERIES][NEAREST];
    const annoy_vectors batch = {.struct_size = sizeof batch, .data = queries, .n = QUERIES, .len = 2};
    const annoy_results results = {
        .struct_size = sizeof results, .ids = ids[0], .distances = distances, .n = NEAREST};
    const int64_t not_wanted[2] = {50 * SIDE + 50, 50 * SIDE + 51};
    annoy_index *index = grid();
    annoy_search_options options = no_options();
    annoy_work work;
    annoy_cancel *cancel = annoy_cancel_new();
    int64_t id;
    int i;

    show(index, "nearest", NULL);

    options.flags = ANNOY_SEARCH_MAX_DISTANCE;
    options.max_distance = 0.9;
    show(index, "within 0.9", &options);

    options = no_options();
    options.exclude = not_wanted;
    options.n_exclude = 2;
    show(index, "without two of them", &options);

    for (id = 0; id < N; id++)
        if (id / SIDE % 2 == 0) even_rows[id / 64] |= UINT64_C(1) << (id % 64);
    options = no_options();
    options.bitmap = even_rows;
    options.bitmap_bits = N;
    show(index, "in even rows", &options);
    options.flags = ANNOY_SEARCH_DENY;
    show(index, "in odd rows", &options);

    options = no_options();
    options.filter = on_diagonal;
    show(index, "on the diagonal", &options);

    options = no_options();
    options.method = ANNOY_METHOD_EXACT;
    show(index, "of all, looked at", &options);

    for (i = 0; i < QUERIES; i++) {
        queries[i][0] = (float)(i % 97);
        queries[i][1] = (float)(i % 89);
    }
    memset(&work, 0, sizeof work);
    work.struct_size = sizeof work;
    work.n_threads = 2;
    CHECK(annoy_search(index, &batch, NULL, &results, &work, &error));
    printf("batch: the nearest to query %d is item %d\n", QUERIES - 1, (int)ids[QUERIES - 1][0]);

    work.n_threads = 1;
    work.cancel = cancel;
    work.progress = give_up_at_half;
    work.progress_user = cancel;
    if (annoy_search(index, &batch, NULL, &results, &work, &error) != ANNOY_ERR_CANCELLED)
        fail("a batch given up", "it was not");
    printf("batch: %s\n", error.message);

    annoy_cancel_free(cancel);
    annoy_free(index);
    return 0;
}
