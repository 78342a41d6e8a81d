/* Items inserted into a built index, and into one that was loaded. */
#include "bytes.h"
#include "check.h"

enum { N = 1200, MORE = 300, F = 8, NEAREST = 5 };

static float rows[(N + MORE) * F];

static annoy_index *built(int with_graph) {
    annoy_index *index = NULL;
    int i;
    random_state = 3;
    for (i = 0; i < (N + MORE) * F; i++) rows[i] = random_float();
    OK(annoy_new(ANNOY_EUCLIDEAN, F, &index, &error));
    OK(add_rows(index, NULL, ANNOY_ELEMENT_F32, rows, N, F, 0, NULL, &error));
    OK(annoy_build(index, 3, 1, &error));
    if (with_graph) OK(annoy_build_graph(index, NULL, NULL, &error));
    return index;
}

static annoy_vectors more(int first, int n) {
    return rows_of(ANNOY_ELEMENT_F32, rows + (size_t)(N + first) * F, (size_t)n, F, 0);
}

/* Each item finds itself. */
static int all_are_found(const annoy_index *index) {
    int64_t ids[1];
    size_t n = 0;
    int i;
    for (i = 0; i < N + MORE; i += 7) {
        OK(annoy_get_nns_by_vector(index, rows + (size_t)i * F, F, 1, 400, ids, NULL, &n, &error));
        if (n != 1 || ids[0] != i) return 0;
    }
    return 1;
}

TEST(inserted_found_and_saved) {
    int with_graph;
    for (with_graph = 0; with_graph <= 1; with_graph++) {
        annoy_index *index = built(with_graph), *loaded = NULL;
        annoy_work work = no_work();
        annoy_vectors some = more(0, 200);
        unsigned char *first, *second;
        size_t first_size = 0, second_size = 0, faults = 7;
        int64_t ids[MORE - 200];
        int i;
        OK(annoy_save(index, in_scratch("before.ann"), &error));
        OK(annoy_insert(index, NULL, &some, NULL, 0, NULL, &error));
        CHECK(annoy_get_n_items(index) == N + 200 && annoy_get_n_trees(index) == 3);
        some = more(200, MORE - 200);
        for (i = 0; i < MORE - 200; i++) ids[i] = N + 200 + i;
        OK(annoy_insert(index, ids, &some, NULL, 0, NULL, &error));
        CHECK(annoy_get_n_items(index) == N + MORE && all_are_found(index));
        OK(annoy_verify(index, NULL, 0, &faults, NULL, &error));
        CHECK(faults == 0);
        first = saved(index, 0, &first_size);

        /* The same from a file, by two threads. */
        OK(annoy_open(in_scratch("before.ann"), 0, &loaded, &error));
        some = more(0, 200);
        FAILS(ANNOY_ERR_STATE, "thaw it", annoy_insert(loaded, NULL, &some, NULL, 0, NULL, &error));
        OK(annoy_thaw_built(loaded, &error));
        work.n_threads = 2;
        OK(annoy_insert(loaded, NULL, &some, NULL, 0, &work, &error));
        some = more(200, MORE - 200);
        OK(annoy_insert(loaded, NULL, &some, NULL, 0, &work, &error));
        second = saved(loaded, 0, &second_size);
        CHECK(first_size == second_size && memcmp(first, second, first_size) == 0);
        free(first);
        free(second);
        annoy_free(index);
        annoy_free(loaded);
    }
}

TEST(what_cannot_be) {
    annoy_index *index = built(0), *empty = NULL;
    annoy_vectors some = more(0, 2);
    int64_t ids[2] = {N, 3};
    unsigned char *before, *after;
    size_t before_size = 0, after_size = 0;
    before = saved(index, 0, &before_size);
    FAILS(ANNOY_ERR_ITEM, "3", annoy_insert(index, ids, &some, NULL, 0, NULL, &error));
    ids[1] = N;
    FAILS(ANNOY_ERR_ITEM, "each id once", annoy_insert(index, ids, &some, NULL, 0, NULL, &error));
    ids[1] = -1;
    FAILS(ANNOY_ERR_ITEM, "-1", annoy_insert(index, ids, &some, NULL, 0, NULL, &error));
    some.len = F - 1;
    FAILS(ANNOY_ERR_DIMENSION, "7", annoy_insert(index, NULL, &some, NULL, 0, NULL, &error));
    OK(annoy_new(ANNOY_EUCLIDEAN, F, &empty, &error));
    some.len = F;
    FAILS(ANNOY_ERR_STATE, "not built", annoy_insert(empty, NULL, &some, NULL, 0, NULL, &error));
    FAILS(ANNOY_ERR_STATE, "not built", annoy_thaw_built(empty, &error));
    after = saved(index, 0, &after_size);
    CHECK(before_size == after_size && memcmp(before, after, before_size) == 0);
    free(before);
    free(after);
    annoy_free(index);
    annoy_free(empty);
}

int main(void) {
    RUN(inserted_found_and_saved);
    RUN(what_cannot_be);
    return report();
}
