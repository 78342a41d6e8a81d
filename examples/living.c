/*
 * An index that lives on once it is built: items are inserted, replaced and taken out.
 *
 * The items are the numbers 0 to 999 on a line.
 */
#include <annoy.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 1000, N_TREES = 5, NEAREST = 3 };

static annoy_error error; /* what went wrong in the last call that failed */

static void fail(const char *what, const char *why) {
    fprintf(stderr, "living: %s: %s\n", what, why);
    exit(1);
}

#define CHECK(call)                                         \
    do {                                                    \
        if ((call) != ANNOY_OK) fail(#call, error.message); \
    } while (0)

/* One row after the other, of one number each. */
static annoy_vectors rows_of(const float *numbers, size_t n) {
    annoy_vectors rows;
    memset(&rows, 0, sizeof rows);
    rows.struct_size = sizeof rows;
    rows.data = (void *)numbers; /* which is only read */
    rows.n = n;
    rows.len = 1;
    return rows;
}

static void show(const annoy_index *index, const char *title, float point) {
    int64_t ids[NEAREST];
    size_t n, i;
    CHECK(annoy_get_nns_by_vector(index, &point, 1, NEAREST, 5000, ids, NULL, &n, &error));
    printf("%s:", title);
    for (i = 0; i < n; i++) printf(" %d", (int)ids[i]);
    printf("\n");
}

int main(void) {
    const float more[2] = {500.2f, 500.3f}, other = 2000;
    const int64_t replaced[1] = {500};
    float numbers[N];
    annoy_index *index = NULL;
    annoy_vectors rows;
    int item;

    for (item = 0; item < N; item++) numbers[item] = (float)item;
    CHECK(annoy_new(ANNOY_EUCLIDEAN, 1, &index, &error));
    rows = rows_of(numbers, N);
    CHECK(annoy_add(index, NULL, &rows, NULL, &error));
    CHECK(annoy_build(index, N_TREES, -1, &error));
    CHECK(annoy_build_graph(index, NULL, NULL, &error));
    show(index, "nearest to 500", 500);

    /* Two more, which get the ids 1000 and 1001. */
    rows = rows_of(more, 2);
    CHECK(annoy_insert(index, NULL, &rows, NULL, 0, NULL, &error));
    show(index, "with two more", 500);

    /* Item 500 goes somewhere else. */
    rows = rows_of(&other, 1);
    CHECK(annoy_insert(index, replaced, &rows, NULL, ANNOY_INSERT_REPLACE, NULL, &error));
    show(index, "500 replaced", 500);
    show(index, "nearest to 2000", 2000);

    /* What is removed is not found; consolidated, it takes up no place either. */
    CHECK(annoy_remove_item(index, 1000, &error));
    CHECK(annoy_consolidate(index, NULL, &error));
    show(index, "1000 taken out", 500);
    printf("its id is %s\n", annoy_has_item(index, 1000) ? "taken" : "free");
    annoy_free(index);
    return 0;
}
