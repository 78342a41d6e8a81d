/*
 * Labels: items are known by keys or names of one's own. Sparse keys of 64 bits as labels of items
 * 0, 1, 2, ...; colours by their names; and both found in the file that is loaded, where they lie.
 *
 *   labels FILE     writes FILE and reads it again
 */
#include <annoy.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 1000, COLOURS = 8, NEAREST = 2 };

static annoy_error error; /* what went wrong in the last call that failed */

static void fail(const char *what, const char *why) {
    fprintf(stderr, "labels: %s: %s\n", what, why);
    exit(1);
}

#define CHECK(call)                                         \
    do {                                                    \
        if ((call) != ANNOY_OK) fail(#call, error.message); \
    } while (0)

static void keys(const char *path) {
    static uint64_t labels[N];
    annoy_labels view;
    annoy_index *index = NULL;
    uint64_t found[NEAREST];
    int64_t ids[NEAREST], item;
    size_t n;
    int i;

    CHECK(annoy_new(ANNOY_EUCLIDEAN, 2, &index, &error));
    for (i = 0; i < N; i++) {
        float point[2];
        point[0] = (float)(i % 37);
        point[1] = (float)(i / 37);
        labels[i] = UINT64_C(9000000000000000000) + (uint64_t)i;
        CHECK(annoy_add_item(index, i, point, 2, &error));
    }
    memset(&view, 0, sizeof view);
    view.struct_size = sizeof view;
    view.kind = ANNOY_LABELS_U64;
    view.n = N;
    view.numbers = labels;
    CHECK(annoy_set_labels(index, NULL, &view, &error));
    CHECK(annoy_build(index, 5, -1, &error));
    CHECK(annoy_save(index, path, &error));
    annoy_free(index);

    CHECK(annoy_open(path, 0, &index, &error));
    CHECK(annoy_find_label_u64(index, labels[7], &item, &error));
    printf("key %llu is item %d\n", (unsigned long long)labels[7], (int)item);
    CHECK(annoy_get_nns_by_item(index, item, NEAREST, -1, ids, NULL, &n, &error));
    CHECK(annoy_get_labels_u64(index, ids, n, found, NULL, &error));
    printf("nearest to it:");
    for (i = 0; i < (int)n; i++) printf(" %llu", (unsigned long long)found[i]);
    printf("\n");
    /* A key that is another item's is refused. */
    view.n = 1;
    item = 1;
    view.numbers = labels + 7;
    if (annoy_set_labels(index, &item, &view, &error) != ANNOY_ERR_LABEL) fail("a key twice", "it was taken");
    printf("%s\n", error.message);
    annoy_free(index);
}

static void names(const char *path) {
    /* One behind the other, without a NUL. */
    static const char colours[] = "redmaroonlimegreenbluenavywhiteblack";
    static const size_t offsets[COLOURS + 1] = {0, 3, 9, 13, 18, 22, 26, 31, 36};
    static float rgb[COLOURS][3] = {{255, 0, 0}, {128, 0, 0}, {0, 255, 0},     {0, 128, 0},
                                    {0, 0, 255}, {0, 0, 128}, {255, 255, 255}, {0, 0, 0}};
    const annoy_vectors rows = {.struct_size = sizeof rows, .data = rgb, .n = COLOURS, .len = 3};
    const annoy_labels labels = {.struct_size = sizeof labels, .kind = ANNOY_LABELS_UTF8, .n = COLOURS,
                                 .bytes = colours, .offsets = offsets};
    annoy_index *index = NULL;
    char found[100];
    size_t n, i, at;
    int64_t ids[NEAREST], lens[NEAREST], green;

    CHECK(annoy_new(ANNOY_ANGULAR, 3, &index, &error));
    CHECK(annoy_add(index, NULL, &rows, NULL, &error));
    CHECK(annoy_set_labels(index, NULL, &labels, &error));
    CHECK(annoy_build(index, 5, -1, &error));
    CHECK(annoy_save_and_load(index, path, 0, NULL, &error));

    CHECK(annoy_find_label(index, "green", 5, &green, &error));
    CHECK(annoy_get_nns_by_item(index, green, NEAREST, -1, ids, NULL, &n, &error));
    CHECK(annoy_get_labels(index, ids, n, found, sizeof found, lens, &at, &error));
    printf("nearest to green:");
    /* Both have the same direction; the smaller id comes first. */
    for (i = n; i-- > 0;) printf(" %.*s", (int)lens[i], found + (at -= (size_t)lens[i]));
    printf("\n");
    annoy_free(index);
}

int main(int argc, char **argv) {
    if (argc != 2) fail("usage", "labels FILE");
    keys(argv[1]);
    names(argv[1]);
    return 0;
}
