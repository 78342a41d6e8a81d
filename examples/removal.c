/*
 * Removing items from a built index, and estimating how much of the truth its searches find.
 *
 * The items are the numbers 0 to 999 on a line.
 */
#include <annoy.h>

#include <stdio.h>
#include <stdlib.h>

enum { N = 1000, N_TREES = 5, NEAREST = 2, SAMPLE = 200 };

static annoy_error error; /* what went wrong in the last call that failed */

static void fail(const char *what, const char *why) {
    fprintf(stderr, "removal: %s: %s\n", what, why);
    exit(1);
}

#define CHECK(call)                                         \
    do {                                                    \
        if ((call) != ANNOY_OK) fail(#call, error.message); \
    } while (0)

static void show(const annoy_index *index, const char *title) {
    const float point = 500;
    int64_t ids[NEAREST];
    size_t n, i;
    CHECK(annoy_get_nns_by_vector(index, &point, 1, NEAREST, 5000, ids, NULL, &n, &error));
    printf("%s:", title);
    for (i = 0; i < n; i++) printf(" %d", (int)ids[i]);
    printf("\n");
}

int main(void) {
    static const int64_t search_k[] = {1, 20, 5000};
    annoy_index *index = NULL;
    annoy_info info;
    size_t i;
    int item;

    CHECK(annoy_new(ANNOY_EUCLIDEAN, 1, &index, &error));
    for (item = 0; item < N; item++) {
        const float number = (float)item;
        CHECK(annoy_add_item(index, item, &number, 1, &error));
    }
    CHECK(annoy_build(index, N_TREES, -1, &error));
    show(index, "nearest to 500");

    CHECK(annoy_remove_item(index, 500, &error));
    show(index, "nearest to 500, without it");
    CHECK(annoy_restore_item(index, 500, &error));
    show(index, "nearest to 500, restored");

    /* A build leaves removed items out for good. */
    CHECK(annoy_remove_item(index, 500, &error));
    CHECK(annoy_unbuild(index, &error));
    CHECK(annoy_build(index, N_TREES, -1, &error));
    info.struct_size = sizeof info;
    CHECK(annoy_get_info(index, &info, &error));
    printf("built anew: %d items present, %d removed\n", (int)info.n_present, (int)info.n_removed);

    for (i = 0; i < sizeof search_k / sizeof search_k[0]; i++) {
        double recall;
        CHECK(annoy_estimate_recall(index, SAMPLE, 10, search_k[i], 1, NULL, &recall, &error));
        printf("recall at search_k %d: %.3f\n", (int)search_k[i], recall);
    }
    annoy_free(index);
    return 0;
}
