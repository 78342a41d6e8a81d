/*
 * An index as bytes, for a cache, a database or a message: saved to memory, opened from it without
 * a copy, and thawed so that an item can be added.
 *
 * The items are the numbers 0 to 999 on a line.
 */
#include <annoy.h>

#include <stdio.h>
#include <stdlib.h>

enum { N = 1000, N_TREES = 5, NEAREST = 2 };

static annoy_error error; /* what went wrong in the last call that failed */

static void fail(const char *what, const char *why) {
    fprintf(stderr, "bytes: %s: %s\n", what, why);
    exit(1);
}

#define CHECK(call)                                         \
    do {                                                    \
        if ((call) != ANNOY_OK) fail(#call, error.message); \
    } while (0)

static void add(annoy_index *index, int item, float number) { CHECK(annoy_add_item(index, item, &number, 1, &error)); }

static void show(const annoy_index *index, const char *title) {
    const float point = 500.1f;
    int64_t ids[NEAREST];
    size_t n, i;
    CHECK(annoy_get_nns_by_vector(index, &point, 1, NEAREST, 10000, ids, NULL, &n, &error));
    printf("%s:", title);
    for (i = 0; i < n; i++) printf(" %d", (int)ids[i]);
    printf("\n");
}

int main(void) {
    annoy_index *index = NULL, *opened = NULL;
    void *bytes;
    size_t size, written;
    int item;

    CHECK(annoy_new(ANNOY_EUCLIDEAN, 1, &index, &error));
    for (item = 0; item < N; item++) add(index, item, (float)item);
    CHECK(annoy_build(index, N_TREES, -1, &error));

    /* The bytes are those of the file that annoy_save writes. */
    if (annoy_save_to_buffer(index, NULL, 0, &size, NULL, &error) != ANNOY_ERR_TOO_SMALL)
        fail("annoy_save_to_buffer", error.message);
    bytes = malloc(size);
    if (!bytes) fail("malloc", "no memory");
    CHECK(annoy_save_to_buffer(index, bytes, size, &written, NULL, &error));
    annoy_free(index);
    printf("%d bytes for %d items\n", (int)written, N);

    /* Borrowed: they have to stay as long as the index has them. ANNOY_LOAD_COPY
       would copy them. */
    CHECK(annoy_open_buffer(bytes, size, 0, &opened, &error));
    show(opened, "nearest to 500.1");

    /* Thawed: its items are copied, and the bytes are no longer needed. */
    CHECK(annoy_thaw(opened, 0, &error));
    free(bytes);
    add(opened, N, 500.11f);
    CHECK(annoy_build(opened, N_TREES, -1, &error));
    show(opened, "nearest to 500.1, with one more item");
    annoy_free(opened);
    return 0;
}
