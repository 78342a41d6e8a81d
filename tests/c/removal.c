/* Removed items: not found by any search, in memory and loaded; and the estimate of recall. */
#include "check.h"

/* Whether no search finds item 3, of 50 on a line, the others are all found. */
static void leaves_out(const annoy_index *index) {
    const float query[2] = {3, 0};
    int64_t *ids = int64s(50), *batch = int64s(50);
    size_t n = 0, count = 0, i;
    annoy_search_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    CHECK(annoy_is_removed(index, 3) == 1 && annoy_is_removed(index, 4) == 0 && annoy_get_n_removed(index) == 1);
    OK(annoy_get_nns_by_vector(index, query, 2, 50, 1000, ids, NULL, &n, &error));
    CHECK(n == 49);
    for (i = 0; i < n; i++) CHECK(ids[i] != 3);
    options.flags = ANNOY_SEARCH_EXACT;
    OK(annoy_search(index, query, 2, 50, &options, ids, NULL, &n, &error));
    CHECK(n == 49);
    OK(annoy_search_batch(index, query, 1, 2, 0, 50, &options, batch, NULL, &count, &error));
    CHECK(count == 49 && memcmp(ids, batch, 49 * sizeof *ids) == 0 && batch[49] == -1);
    FAILS(ANNOY_ERR_ITEM, "item id is 3, expected an item that is not removed",
          annoy_get_nns_by_item(index, 3, 1, -1, ids, NULL, &n, &error));
    free(ids), free(batch);
}

TEST(removed) {
    annoy_index *index = line_of(50, 2), *loaded = NULL;
    const char *path = in_scratch("removed.ann");
    annoy_info info;
    float vector[2];
    size_t n;
    CHECK(annoy_get_n_removed(index) == 0);
    FAILS(ANNOY_ERR_ITEM, "item id is 50, expected 0 to 49", annoy_remove_item(index, 50, &error));
    FAILS(ANNOY_ERR_ITEM, "-1", annoy_restore_item(index, -1, &error));
    CHECK(annoy_is_removed(index, 50) == 0 && annoy_is_removed(index, -1) == 0);
    OK(annoy_remove_item(index, 3, &error));
    OK(annoy_remove_item(index, 3, &error));
    leaves_out(index);
    OK(annoy_get_item(index, 3, vector, 2, &error));
    OK(annoy_save(index, path, &error));
    OK(annoy_open(path, 0, &loaded, &error));
    leaves_out(loaded);
    OK(annoy_verify(loaded, NULL, 0, &n, &error));
    OK(annoy_restore_item(loaded, 3, &error));
    CHECK(annoy_get_n_removed(loaded) == 0);
    OK(annoy_unbuild(index, &error));
    OK(annoy_build(index, 2, 1, &error));
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    OK(annoy_get_info(index, &info, &error));
    CHECK(info.n_items == 50 && info.n_present == 49 && info.n_removed == 0);
    FAILS(ANNOY_ERR_ITEM, "not missing", annoy_remove_item(index, 3, &error));
    annoy_free(index);
    annoy_free(loaded);
}

TEST(recall) {
    annoy_index *index = line_of(300, 2), *empty = line_of(3, 0);
    double low = 7, high = 7, again = 7;
    annoy_work work;
    memset(&work, 0, sizeof work);
    work.struct_size = sizeof work;
    work.n_threads = 1;
    OK(annoy_estimate_recall(index, 100, 10, 1, 5, &work, &low, &error));
    work.n_threads = 2;
    OK(annoy_estimate_recall(index, 100, 10, 1, 5, &work, &again, &error));
    OK(annoy_estimate_recall(index, 100, 10, 100000, 5, NULL, &high, &error));
    CHECK(low >= 0 && low < 1 && memcmp(&low, &again, sizeof low) == 0 && fabs(high - 1) < 1e-12);
    FAILS(ANNOY_ERR_ARGUMENT, "n_sample is 0", annoy_estimate_recall(index, 0, 1, -1, 0, NULL, &low, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "n is 0", annoy_estimate_recall(index, 1, 0, -1, 0, NULL, &low, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "search_k is -2", annoy_estimate_recall(index, 1, 1, -2, 0, NULL, &low, &error));
    work.n_threads = -2;
    FAILS(ANNOY_ERR_ARGUMENT, "n_threads is -2", annoy_estimate_recall(index, 1, 1, -1, 0, &work, &low, &error));
    FAILS(ANNOY_ERR_STATE, "not built", annoy_estimate_recall(empty, 1, 1, -1, 0, NULL, &low, &error));
    annoy_free(index);
    annoy_free(empty);
}

int main(void) {
    RUN(removed);
    RUN(recall);
    return report();
}
