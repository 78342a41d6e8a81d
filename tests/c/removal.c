/* Removed items: not found by any search, in memory and loaded; and the estimate of recall. */
#include "check.h"

/* Whether no search finds item 3, of 50 on a line, the others are all found. */
static void leaves_out(const annoy_index *index) {
    const float query[4] = {3, 0, 3, 0};
    int64_t *ids = int64s(50), *batch = int64s(100);
    size_t n = 0, counts[2] = {0, 0}, i;
    annoy_search_options options;
    EMPTY(options);
    CHECK(annoy_is_removed(index, 3) == 1 && annoy_is_removed(index, 4) == 0 && annoy_get_fact(index, ANNOY_FACT_N_REMOVED) == 1);
    OK(annoy_get_nns_by_vector(index, query, 2, 50, 1000, ids, NULL, &n, &error));
    CHECK(n == 49);
    for (i = 0; i < n; i++) CHECK(ids[i] != 3);
    options.method = ANNOY_METHOD_EXACT;
    OK(find_one(index, 0, query, 2, 50, &options, ids, NULL, &n, &error));
    CHECK(n == 49);
    OK(find_rows(index, 0, query, 2, 2, 0, 50, &options, batch, NULL, counts, NULL, &error));
    CHECK(counts[0] == 49 && memcmp(ids, batch, 49 * sizeof *ids) == 0 && batch[49] == -1);
    CHECK(counts[1] == 49 && memcmp(batch, batch + 50, 50 * sizeof *ids) == 0);
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
    CHECK(annoy_get_fact(index, ANNOY_FACT_N_REMOVED) == 0);
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
    OK(annoy_verify(loaded, NULL, 0, &n, NULL, &error));
    OK(annoy_restore_item(loaded, 3, &error));
    CHECK(annoy_get_fact(loaded, ANNOY_FACT_N_REMOVED) == 0);
    OK(annoy_unbuild(index, &error));
    OK(annoy_build(index, 2, 1, &error));
    EMPTY(info);
    OK(annoy_get_info(index, &info, &error));
    CHECK(info.n_items == 50 && info.n_present == 49 && info.n_removed == 0);
    FAILS(ANNOY_ERR_ITEM, "not missing", annoy_remove_item(index, 3, &error));
    annoy_free(index);
    annoy_free(loaded);
}

/* Ids that are there: holes and removed ones are not; in memory and loaded. */
TEST(ids) {
    annoy_index *index = line_of(0, 0), *loaded = NULL;
    const char *path = in_scratch("ids.ann");
    const float vector[2] = {1, 2};
    const int64_t expected[3] = {2, 5, 9};
    int64_t ids[10], i;
    size_t n = 7;
    int round;
    OK(annoy_get_ids(index, NULL, 0, &n, &error));
    CHECK(n == 0 && !annoy_has_item(index, 0));
    for (i = 2; i < 10; i++)
        if (i != 3 && i != 4 && i != 7 && i != 8) OK(annoy_add_item(index, i, vector, 2, &error));
    OK(annoy_remove_item(index, 6, &error));
    for (round = 0; round < 3; round++) {
        const annoy_index *one = round < 2 ? index : loaded;
        for (i = -1; i < 11; i++) CHECK(annoy_has_item(one, i) == (i == 2 || i == 5 || i == 9));
        memset(ids, 0x55, sizeof ids);
        FAILS(ANNOY_ERR_TOO_SMALL, "3", annoy_get_ids(one, ids, 2, &n, &error));
        CHECK(n == 3 && ids[0] == 0x5555555555555555);
        FAILS(ANNOY_ERR_NULL, "ids", annoy_get_ids(one, NULL, 3, &n, &error));
        FAILS(ANNOY_ERR_NULL, "n_ids", annoy_get_ids(one, ids, 3, NULL, &error));
        OK(annoy_get_ids(one, ids, 3, &n, &error));
        CHECK(n == 3 && memcmp(ids, expected, sizeof expected) == 0 && ids[3] == 0x5555555555555555);
        n = 0;
        OK(annoy_get_ids(one, ids, 10, &n, &error));
        CHECK(n == 3 && memcmp(ids, expected, sizeof expected) == 0 && ids[3] == 0x5555555555555555);
        if (round == 0) {
            OK(annoy_build(index, 2, 1, &error));
            OK(annoy_save(index, path, &error));
            OK(annoy_open(path, 0, &loaded, &error));
        }
    }
    OK(annoy_remove_item(loaded, 9, &error));
    CHECK(!annoy_has_item(loaded, 9) && annoy_has_item(index, 9) && !annoy_has_item(NULL, 0));
    FAILS(ANNOY_ERR_NULL, "index", annoy_get_ids(NULL, ids, 10, &n, &error));
    annoy_free(index);
    annoy_free(loaded);
}

/* A filter that is slow, and somebody who sets the token: the search ends, and asks no more. */
struct slow {
    annoy_cancel *cancel;
    int asked;
};

static int32_t cancelling(void *user, int64_t item) {
    struct slow *slow = (struct slow *)user;
    (void)item;
    if (++slow->asked == 5) annoy_cancel_set(slow->cancel);
    return 1;
}

enum { WAYS = 3 };
static annoy_status search_by(int way, const annoy_index *index, const annoy_search_options *options,
                              const annoy_work *work, size_t *n) {
    static int64_t ids[20];
    const float queries[4] = {3, 0, 3, 0};
    const int64_t item = 3;
    switch (way) {
        case 0: return find_rows(index, 0, queries, 1, 2, 0, 10, options, ids, NULL, n, work, &error);
        case 1: return find_items(index, &item, 1, 10, options, ids, 0, NULL, n, work, &error);
        default: return find_rows(index, 0, queries, 2, 2, 0, 10, options, ids, NULL, n, work, &error);
    }
}

TEST(a_token_ends_a_search_with_a_filter) {
    annoy_index *index = line_of(200, 2);
    int way;
    for (way = 0; way < WAYS; way++) {
        struct slow slow;
        size_t n[2] = {99, 99};
        annoy_work work = no_work();
        annoy_search_options options;
        slow.cancel = annoy_cancel_new();
        slow.asked = 0;
        work.cancel = slow.cancel;
        EMPTY(options);
        options.search_k = 1000;
        options.filter = cancelling;
        options.filter_user = &slow;
        FAILS(ANNOY_ERR_CANCELLED, "cancelled", search_by(way, index, &options, &work, n));
        /* Of several queries some rows may have been written. */
        CHECK(slow.asked == 5 && (n[0] == 99 || way == WAYS - 1));
        annoy_cancel_free(slow.cancel);
    }
    annoy_free(index);
}

TEST(recall) {
    annoy_index *index = line_of(300, 2), *empty = line_of(3, 0);
    double low = 7, high = 7, again = 7;
    annoy_work work;
    EMPTY(work);
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
    RUN(ids);
    RUN(a_token_ends_a_search_with_a_filter);
    RUN(recall);
    return report();
}
