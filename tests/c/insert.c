/* Items inserted into a built index, and into one that was loaded; replaced; taken out again. */
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

/* Whether an index has the bytes, which are freed when it is the `last` time. */
static int has_bytes(const annoy_index *index, unsigned char *bytes, size_t size, int last) {
    size_t now_size = 0;
    unsigned char *now = saved(index, 0, &now_size);
    const int same = now_size == size && memcmp(bytes, now, size) == 0;
    free(now);
    if (last) free(bytes);
    return same;
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
        OK(annoy_thaw(loaded, ANNOY_THAW_BUILT, &error));
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
    annoy_index *index = built(1), *empty = NULL, *loaded = NULL;
    annoy_vectors some = more(0, 2);
    annoy_labels none, labels;
    int64_t ids[2] = {N, 3};
    const uint64_t numbers[2] = {7, 8};
    const char texts[] = "sevenacht";
    size_t offsets[3] = {0, 5, 9}, before_size = 0;
    unsigned char *before;
    float last;
    OK(set_texts(index, ids + 1, texts, offsets, 1, &error));
    OK(annoy_remove_item(index, 4, &error));
    before = saved(index, 0, &before_size);
#define UNCHANGED(last) CHECK(has_bytes(index, before, before_size, last))
#define REFUSED(status, text, labels, flags) \
    (FAILS(status, text, annoy_insert(index, ids, &some, labels, flags, NULL, &error)), UNCHANGED(0))
    REFUSED(ANNOY_ERR_ITEM, "3", NULL, 0);
    ids[1] = 4; /* also a removed one */
    REFUSED(ANNOY_ERR_ITEM, "4*not to be replaced", NULL, 0);
    ids[1] = N;
    REFUSED(ANNOY_ERR_ITEM, "each id once", NULL, 0);
    REFUSED(ANNOY_ERR_ITEM, "each id once", NULL, ANNOY_INSERT_REPLACE);
    ids[1] = -1;
    REFUSED(ANNOY_ERR_ITEM, "-1", NULL, ANNOY_INSERT_REPLACE);
    ids[1] = INT64_MAX;
    REFUSED(ANNOY_ERR_ITEM, "9223372036854775807", NULL, ANNOY_INSERT_REPLACE);
    ids[1] = 5;
    REFUSED(ANNOY_ERR_ARGUMENT, "flags is 2, expected 0 or ANNOY_INSERT_REPLACE", NULL, 2);
    REFUSED(ANNOY_ERR_ARGUMENT, "flags is 9223372036854775809", NULL, (UINT64_C(1) << 63) | 1);

    /* Labels: not as many, another's, of the other kind, no such, twice the same. */
    labels = texts_of(texts, offsets, 1);
    REFUSED(ANNOY_ERR_ARGUMENT, "number of labels is 1, expected one for each of 2", &labels, ANNOY_INSERT_REPLACE);
    EMPTY(none);
    none.kind = ANNOY_LABELS_U64;
    REFUSED(ANNOY_ERR_ARGUMENT, "number of labels is 0", &none, ANNOY_INSERT_REPLACE);
    labels = texts_of(texts, offsets, 2);
    REFUSED(ANNOY_ERR_LABEL, "seven", &labels, ANNOY_INSERT_REPLACE);
    labels = numbers_of(numbers, 2);
    REFUSED(ANNOY_ERR_UNSUPPORTED, "strings", &labels, ANNOY_INSERT_REPLACE);
    labels.kind = 3;
    REFUSED(ANNOY_ERR_ARGUMENT, "kind", &labels, ANNOY_INSERT_REPLACE);
    labels.kind = ANNOY_LABELS_U64;
    labels.numbers = NULL;
    REFUSED(ANNOY_ERR_NULL, "numbers", &labels, ANNOY_INSERT_REPLACE);
    labels = texts_of(texts, NULL, 2);
    REFUSED(ANNOY_ERR_NULL, "offsets", &labels, ANNOY_INSERT_REPLACE);
    offsets[1] = 0;
    offsets[2] = 0;
    labels = texts_of(texts, offsets, 2);
    REFUSED(ANNOY_ERR_LABEL, "label", &labels, ANNOY_INSERT_REPLACE);
    labels.struct_size = 0;
    REFUSED(ANNOY_ERR_ARGUMENT, "struct_size of annoy_labels", &labels, ANNOY_INSERT_REPLACE);

    some.len = F - 1;
    REFUSED(ANNOY_ERR_DIMENSION, "7", NULL, ANNOY_INSERT_REPLACE);
    some.len = F;
    some.element = ANNOY_ELEMENT_F64;
    REFUSED(ANNOY_ERR_UNSUPPORTED, "f64", NULL, ANNOY_INSERT_REPLACE);
    some.element = 77;
    REFUSED(ANNOY_ERR_ARGUMENT, "element", NULL, ANNOY_INSERT_REPLACE);
    some.element = 0;
    last = ((float *)some.data)[2 * F - 1];
    ((float *)some.data)[2 * F - 1] = NAN;
    REFUSED(ANNOY_ERR_NOT_FINITE, "NaN", NULL, ANNOY_INSERT_REPLACE);
    ((float *)some.data)[2 * F - 1] = last;

    OK(annoy_new(ANNOY_EUCLIDEAN, F, &empty, &error));
    FAILS(ANNOY_ERR_STATE, "not built", annoy_insert(empty, NULL, &some, NULL, 0, NULL, &error));
    FAILS(ANNOY_ERR_STATE, "not built", annoy_thaw(empty, ANNOY_THAW_BUILT, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "flags is 2, expected 0 or ANNOY_THAW_BUILT (1)", annoy_thaw(empty, 2, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "flags is 3", annoy_thaw(empty, 3, &error));
    FAILS(ANNOY_ERR_STATE, "not built", annoy_consolidate(empty, NULL, &error));
    FAILS(ANNOY_ERR_STATE, "not built", annoy_compact(empty, NULL, &error));
    OK(annoy_open_buffer(before, before_size, 0, &loaded, &error));
    FAILS(ANNOY_ERR_STATE, "thaw it", annoy_consolidate(loaded, NULL, &error));
    FAILS(ANNOY_ERR_STATE, "thaw it", annoy_compact(loaded, NULL, &error));
    annoy_free(loaded);
    /* An index that is built on disk. */
    OK(annoy_on_disk_build(empty, in_scratch("disk.ann"), &error));
    OK(add_rows(empty, NULL, ANNOY_ELEMENT_F32, rows, N, F, 0, NULL, &error));
    OK(annoy_build(empty, 1, 1, &error));
    FAILS(ANNOY_ERR_STATE, "on disk", annoy_insert(empty, NULL, &some, NULL, 0, NULL, &error));
    FAILS(ANNOY_ERR_STATE, "on disk", annoy_consolidate(empty, NULL, &error));
    FAILS(ANNOY_ERR_STATE, "on disk", annoy_compact(empty, NULL, &error));
    annoy_free(empty);
    UNCHANGED(1);
    annoy_free(index);
}

/* No rows, no change; what is left out of a struct is 0. */
TEST(nothing_inserted) {
    annoy_index *index = built(0);
    annoy_vectors none = more(0, 0);
    annoy_labels labels;
    size_t size = 0;
    unsigned char *before = saved(index, 0, &size);
    OK(annoy_insert(index, NULL, &none, NULL, 0, NULL, &error));
    OK(annoy_insert(index, NULL, &none, NULL, ANNOY_INSERT_REPLACE, NULL, &error));
    EMPTY(labels);
    labels.kind = ANNOY_LABELS_UTF8;
    OK(annoy_insert(index, NULL, &none, &labels, 0, NULL, &error));
    OK(annoy_consolidate(index, NULL, &error));
    CHECK(has_bytes(index, before, size, 1));
    annoy_free(index);
}

static int64_t nearest(const annoy_index *index, const float *row) {
    int64_t ids[1] = {-1};
    size_t n = 0;
    OK(annoy_get_nns_by_vector(index, row, F, 1, 400, ids, NULL, &n, &error));
    return n == 1 ? ids[0] : -1;
}

TEST(replaced_with_labels_along) {
    int threads;
    unsigned char *first = NULL;
    size_t first_size = 0, faults = 7;
    for (threads = 1; threads <= 2; threads++) {
        annoy_index *index = built(1);
        const int64_t ids[3] = {3, 4, N + 2};
        const uint64_t numbers[3] = {30, UINT64_MAX, 50}, old[3] = {300, 400, 500};
        const int64_t labelled[3] = {3, 4, 5};
        annoy_labels labels = numbers_of(numbers, 3);
        annoy_vectors some = more(0, 3);
        annoy_work work = no_work();
        uint64_t label = 0;
        int64_t item = -5;
        int i;
        work.n_threads = threads;
        OK(set_numbers(index, labelled, old, 3, &error));
        OK(annoy_remove_item(index, 4, &error));
        OK(annoy_insert(index, ids, &some, &labels, ANNOY_INSERT_REPLACE, &work, &error));
        CHECK(annoy_get_n_items(index) == N + 3 && annoy_get_fact(index, ANNOY_FACT_N_LABELS) == 4);
        CHECK(!annoy_has_item(index, N) && annoy_has_item(index, N + 2) && !annoy_is_removed(index, 4));
        for (i = 0; i < 3; i++) {
            CHECK(nearest(index, rows + (size_t)(N + i) * F) == ids[i]);
            OK(number_of(index, ids[i], &label, &error));
            OK(annoy_find_label_u64(index, numbers[i], &item, &error));
            CHECK(label == numbers[i] && item == ids[i]);
        }
        CHECK(nearest(index, rows + 3 * F) != 3); /* where it was */
        FAILS(ANNOY_ERR_LABEL, "300", annoy_find_label_u64(index, 300, &item, &error));
        /* Without labels those there are stay. */
        some = more(3, 1);
        OK(annoy_insert(index, labelled + 2, &some, NULL, ANNOY_INSERT_REPLACE, &work, &error));
        OK(annoy_find_label_u64(index, 500, &item, &error));
        CHECK(item == 5 && nearest(index, rows + (size_t)(N + 3) * F) == 5);
        OK(annoy_verify(index, NULL, 0, &faults, NULL, &error));
        CHECK(faults == 0);
        if (threads == 1) first = saved(index, 0, &first_size);
        else CHECK(has_bytes(index, first, first_size, 1));
        annoy_free(index);
    }
}

/* Removed items are taken out, and those left are found as before; compact gives a fresh build. */
TEST(space_is_given_back) {
    annoy_index *index = built(1), *loaded = NULL, *fresh = NULL;
    annoy_vectors one = more(0, 1);
    const int64_t back[1] = {N - 1};
    const uint64_t label[1] = {77};
    annoy_info info;
    size_t faults = 7, size = 0;
    unsigned char *bytes;
    int64_t ids[N], i;
    size_t n = 0;
    OK(set_numbers(index, back, label, 1, &error));
    for (i = N - 100; i < N; i++) OK(annoy_remove_item(index, i, &error));
    bytes = saved(index, 0, &size);
    OK(annoy_open_buffer(bytes, size, ANNOY_LOAD_COPY, &loaded, &error));
    free(bytes);
    OK(annoy_thaw(loaded, ANNOY_THAW_BUILT, &error));
    OK(annoy_consolidate(index, NULL, &error));
    EMPTY(info);
    OK(annoy_get_info(index, &info, &error));
    CHECK(info.n_items == N && info.n_present == N - 100 && info.n_removed == 0 && info.graph_degree > 0);
    CHECK(!annoy_has_item(index, N - 1) && annoy_get_fact(index, ANNOY_FACT_N_LABELS) == 0);
    FAILS(ANNOY_ERR_ITEM, "missing", annoy_remove_item(index, N - 1, &error));
    OK(annoy_get_nns_by_item(index, 0, N, 100000, ids, NULL, &n, &error));
    CHECK(n == N - 100);
    for (i = 0; i < N - 100; i += 7) CHECK(nearest(index, rows + (size_t)i * F) == i);
    OK(annoy_verify(index, NULL, 0, &faults, NULL, &error));
    CHECK(faults == 0);
    /* As from a file. */
    OK(annoy_consolidate(loaded, NULL, &error));
    bytes = saved(loaded, 0, &size);
    CHECK(has_bytes(index, bytes, size, 1));

    /* Its id is free again. */
    OK(annoy_insert(index, back, &one, NULL, 0, NULL, &error));
    CHECK(annoy_has_item(index, N - 1) && nearest(index, rows + (size_t)N * F) == N - 1);
    OK(annoy_remove_item(index, N - 1, &error));
    OK(annoy_compact(index, NULL, &error));
    CHECK(annoy_get_n_items(index) == N - 100 && annoy_get_fact(index, ANNOY_FACT_N_REMOVED) == 0);
    OK(annoy_new(ANNOY_EUCLIDEAN, F, &fresh, &error));
    OK(add_rows(fresh, NULL, ANNOY_ELEMENT_F32, rows, N - 100, F, 0, NULL, &error));
    OK(annoy_build(fresh, 3, 2, &error));
    OK(annoy_build_graph(fresh, NULL, NULL, &error));
    bytes = saved(fresh, 0, &size);
    CHECK(has_bytes(index, bytes, size, 1));
    annoy_free(index);
    annoy_free(loaded);
    annoy_free(fresh);
}

/* What a progress function hears: the stages in their order; and it sets a token at a step. */
typedef struct {
    annoy_stage stages[8];
    int n, left;
    annoy_cancel *cancel;
} heard;

static void hear(void *user, annoy_stage stage, uint64_t done, uint64_t total) {
    heard *h = (heard *)user;
    CHECK(done <= total);
    if ((h->n == 0 || h->stages[h->n - 1] != stage) && h->n < 8) h->stages[h->n++] = stage;
    if (--h->left == 0) annoy_cancel_set(h->cancel);
}

static annoy_status change(int which, annoy_index *index, const annoy_work *work) {
    const annoy_vectors some = more(0, 100);
    int64_t ids[100];
    int i;
    for (i = 0; i < 100; i++) ids[i] = 11 * i;
    if (which == 0) return annoy_insert(index, ids, &some, NULL, ANNOY_INSERT_REPLACE, work, &error);
    return which == 1 ? annoy_consolidate(index, work, &error) : annoy_compact(index, work, &error);
}

TEST(given_up_at_each_step) {
    static const annoy_stage stages[3][4] = {{ANNOY_STAGE_ADD, ANNOY_STAGE_BUILD, ANNOY_STAGE_GRAPH, ANNOY_STAGE_SCAN},
                                             {ANNOY_STAGE_BUILD, ANNOY_STAGE_GRAPH, ANNOY_STAGE_SCAN, 0},
                                             {ANNOY_STAGE_BUILD, ANNOY_STAGE_GRAPH, ANNOY_STAGE_SCAN, 0}};
    int which;
    for (which = 0; which < 3; which++) {
        annoy_index *index = built(1);
        size_t size = 0;
        unsigned char *before;
        int at, i, through = 0;
        OK(annoy_build_scan(index, NULL, &error));
        for (i = 0; i < N; i += 9) OK(annoy_remove_item(index, i, &error));
        before = saved(index, 0, &size);
        for (at = 0; !through && at < 2000; at += 1 + at / 3) {
            annoy_work work = no_work();
            annoy_cancel *cancel = annoy_cancel_new();
            annoy_status status;
            heard h;
            memset(&h, 0, sizeof h);
            h.left = at;
            h.cancel = cancel;
            if (at == 0) annoy_cancel_set(cancel);
            work.n_threads = 1 + at % 2;
            work.cancel = cancel;
            work.progress = hear;
            work.progress_user = &h;
            status = change(which, index, &work);
            annoy_cancel_free(cancel);
            through = status == ANNOY_OK;
            CHECK(through || (status == ANNOY_ERR_CANCELLED && has_bytes(index, before, size, 0)));
            if (through) CHECK(memcmp(h.stages, stages[which], sizeof stages[which]) == 0);
        }
        CHECK(through && at > 4 && !has_bytes(index, before, size, 1));
        annoy_free(index);
    }
}

int main(void) {
    RUN(inserted_found_and_saved);
    RUN(what_cannot_be);
    RUN(nothing_inserted);
    RUN(replaced_with_labels_along);
    RUN(space_is_given_back);
    RUN(given_up_at_each_step);
    return report();
}
