/* NULL for every pointer of every function: the status ANNOY_ERR_NULL with the parameter's name, or
   what the header says NULL means there. Then every failure once more with error = NULL. run.sh
   counts that no function is left out. */
#include "check.h"

static void hear(void *user, int32_t level, const char *text) {
    (void)user;
    (void)level;
    (void)text;
}

static int64_t ids[4];
static float f32[4];
static double f64[4];
static uint64_t bits[4];
static size_t n;

/* An index of each of three kinds, without trees. */
static annoy_index *floats_index(void) { return line_of(10, 0); }
static annoy_index *filled(annoy_metric metric, annoy_scalar scalar) {
    annoy_index *index = of(metric, scalar, 0, 2);
    int64_t i;
    for (i = 0; i < 10; i++) {
        double vector[2];
        vector[0] = (double)(i & 1);
        vector[1] = (double)(i >> 1 & 1);
        OK(add_one(index, i, ANNOY_ELEMENT_F64, vector, 2, &error));
    }
    return index;
}

TEST(functions_without_an_index) {
    annoy_options options;
    annoy_metric metric = 77;
    annoy_index *made = NULL;
    const char *path = in_scratch("null.ann");
    n = 77;
    memset(&options, 0, sizeof options);
    FAILS(ANNOY_ERR_NULL, "name", annoy_metric_from_name(NULL, &metric, &error));
    CHECK(metric == 77);
    FAILS(ANNOY_ERR_NULL, "metric", annoy_metric_from_name("dot", NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_new(ANNOY_DOT, 2, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "options", annoy_new_with(NULL, NULL, &error));
    options.struct_size = sizeof options;
    options.metric = ANNOY_DOT;
    options.f = 2;
    FAILS(ANNOY_ERR_NULL, "index", annoy_new_with(&options, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "path", annoy_open(NULL, 0, &made, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_open(path, 0, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "bytes", annoy_open_buffer(NULL, 1, 0, &made, &error));
    FAILS(ANNOY_ERR_NULL, "bytes", annoy_open_buffer(NULL, 1, ANNOY_LOAD_COPY, &made, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_open_buffer(path, 1, 0, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "path", annoy_verify_file(NULL, NULL, 0, &n, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "n_faults", annoy_verify_file(path, NULL, 0, NULL, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "faults", annoy_verify_file(path, NULL, 1, &n, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "path", annoy_probe(NULL, NULL, 0, &n, &error));
    FAILS(ANNOY_ERR_NULL, "n_kinds", annoy_probe(path, NULL, 0, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "kinds", annoy_probe(path, NULL, 1, &n, &error));
    CHECK(made == NULL && n == 77);
    annoy_free(NULL);
    FAILS(ANNOY_ERR_NULL, "index", annoy_close(NULL, &error));
}

TEST(shards) {
    annoy_shard none;
    memset(&none, 0, sizeof none);
    FAILS(ANNOY_ERR_NULL, "path", annoy_commit_shards(NULL, &none, 1, 0, 0, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "shards", annoy_commit_shards(in_scratch("x"), NULL, 1, 0, 0, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "file", annoy_commit_shards(in_scratch("x"), &none, 1, 0, 0, NULL, &error));
    FAILS(ANNOY_ERR_IO, "lock", annoy_commit_shards(in_scratch("nowhere"), NULL, 0, 0, 0, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_refresh(NULL, NULL, &error));
}

TEST(getters_of_no_index) {
    CHECK(annoy_get_n_items(NULL) == 0);
    CHECK(annoy_get_n_trees(NULL) == 0);
    CHECK(annoy_get_f(NULL) == 0);
    CHECK(annoy_get_fact(NULL, ANNOY_FACT_METRIC) == 0);
    CHECK(kind_of(NULL) == ANNOY_LABELS_NONE && annoy_get_fact(NULL, ANNOY_FACT_N_LABELS) == 0);
    CHECK(annoy_get_fact(NULL, ANNOY_FACT_N_REMOVED) == 0 && annoy_is_removed(NULL, 0) == 0 && annoy_has_item(NULL, 0) == 0);
}

TEST(labels) {
    annoy_index *a = floats_index();
    char text[2] = "?";
    int64_t len = 77;
    uint8_t there = 77;
    const size_t offsets[2] = {0, 1};
    int64_t item = 77;
    n = 77;
    bits[0] = 77;
    FAILS(ANNOY_ERR_NULL, "index", set_numbers(NULL, ids, bits, 1, &error));
    FAILS(ANNOY_ERR_NULL, "numbers", set_numbers(a, ids, NULL, 1, &error));
    FAILS(ANNOY_ERR_NULL, "labels", annoy_set_labels(a, ids, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "items", clear_some(a, NULL, 1, &error));
    FAILS(ANNOY_ERR_NULL, "index", set_texts(NULL, ids, "x", offsets, 1, &error));
    FAILS(ANNOY_ERR_NULL, "bytes", set_texts(a, ids, NULL, offsets, 1, &error));
    FAILS(ANNOY_ERR_NULL, "offsets", set_texts(a, ids, "x", NULL, 1, &error));
    FAILS(ANNOY_ERR_NULL, "index", clear_one(NULL, 0, &error));
    FAILS(ANNOY_ERR_NULL, "index", clear_all(NULL, &error));
    CHECK(annoy_get_fact(a, ANNOY_FACT_N_LABELS) == 0);
    /* NULL for the ids: the first items. (NULL, 0): no labels; an empty one. */
    OK(set_numbers(a, NULL, NULL, 0, &error));
    OK(set_texts(a, NULL, NULL, NULL, 0, &error));
    OK(set_texts(a, NULL, "x", offsets, 1, &error));
    OK(set_text(a, 1, NULL, 0, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_get_labels_u64(NULL, ids, 1, bits, &there, &error));
    FAILS(ANNOY_ERR_NULL, "items", annoy_get_labels_u64(a, NULL, 1, bits, &there, &error));
    FAILS(ANNOY_ERR_NULL, "labels", annoy_get_labels_u64(a, ids, 1, NULL, &there, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_get_labels(NULL, ids, 1, text, 1, &len, &n, &error));
    FAILS(ANNOY_ERR_NULL, "items", annoy_get_labels(a, NULL, 1, text, 1, &len, &n, &error));
    FAILS(ANNOY_ERR_NULL, "labels", annoy_get_labels(a, ids, 1, NULL, 1, &len, &n, &error));
    FAILS(ANNOY_ERR_NULL, "written", annoy_get_labels(a, ids, 1, text, 1, &len, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_find_label_u64(NULL, 1, &item, &error));
    FAILS(ANNOY_ERR_NULL, "item", annoy_find_label_u64(a, 1, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_find_label(NULL, "x", 1, &item, &error));
    FAILS(ANNOY_ERR_NULL, "label", annoy_find_label(a, NULL, 1, &item, &error));
    FAILS(ANNOY_ERR_NULL, "item", annoy_find_label(a, "x", 1, NULL, &error));
    CHECK(text[0] == '?' && len == 77 && n == 77 && item == 77 && bits[0] == 77 && there == 77);
    bits[0] = 0;
    /* NULL for lens or found: the item has to have a label. */
    OK(text_of(a, 0, text, 1, &n, &error));
    CHECK(text[0] == 'x' && n == 1);
    CHECK(text_of(a, 2, text, 1, &n, NULL) == ANNOY_ERR_LABEL);
    OK(annoy_find_label(a, NULL, 0, &item, &error));
    CHECK(item == 1);
    CHECK(set_text(a, 2, "x", 1, NULL) == ANNOY_ERR_LABEL);
    CHECK(annoy_find_label(a, "y", 1, &item, NULL) == ANNOY_ERR_LABEL);
    CHECK(number_of(a, 0, bits, NULL) == ANNOY_ERR_UNSUPPORTED);
    annoy_free(a);
}

TEST(removing) {
    annoy_index *a = line_of(10, 1);
    double recall = 77;
    FAILS(ANNOY_ERR_NULL, "index", annoy_get_ids(NULL, ids, 1, &n, &error));
    FAILS(ANNOY_ERR_NULL, "n_ids", annoy_get_ids(a, ids, 1, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_remove_item(NULL, 0, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_restore_item(NULL, 0, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_estimate_recall(NULL, 1, 1, -1, 0, NULL, &recall, &error));
    FAILS(ANNOY_ERR_NULL, "recall", annoy_estimate_recall(a, 1, 1, -1, 0, NULL, NULL, &error));
    CHECK(recall > 76 && recall < 78);
    CHECK(annoy_remove_item(a, 10, NULL) == ANNOY_ERR_ITEM);
    CHECK(annoy_restore_item(a, -1, NULL) == ANNOY_ERR_ITEM);
    CHECK(annoy_estimate_recall(a, 0, 1, -1, 0, NULL, &recall, NULL) == ANNOY_ERR_ARGUMENT);
    annoy_free(a);
}

TEST(index) {
    const char *path = in_scratch("null.ann");
    const annoy_vectors rows = rows_of(ANNOY_ELEMENT_F32, f32, 1, 2, 0);
    const annoy_results room = room_of(1, ids, ANNOY_ELEMENT_F32, f32 + 2, &n);
    annoy_options options;
    annoy_info info;
    EMPTY(info);
    EMPTY(options);
    n = 77;
    FAILS(ANNOY_ERR_NULL, "index", annoy_add(NULL, ids, &rows, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_insert(NULL, ids, &rows, NULL, 0, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_consolidate(NULL, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_compact(NULL, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_get_vectors(NULL, ids, &rows, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_search(NULL, &rows, NULL, &room, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_search_items(NULL, ids, 1, NULL, &room, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_set_metadata(NULL, "x", 1, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_get_metadata(NULL, bits, sizeof bits, &n, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_verify(NULL, NULL, 0, &n, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_get_info(NULL, &info, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_get_options(NULL, &options, &error));
    CHECK(n == 77 && info.node_size == 0 && options.metric == 0);
    FAILS(ANNOY_ERR_NULL, "index", annoy_set_seed(NULL, 1, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_set_log(NULL, 0, hear, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_reserve(NULL, 1, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_build_trees(NULL, 1, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_build_graph(NULL, NULL, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_build_scan(NULL, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_build_auto(NULL, 0, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_thaw(NULL, ANNOY_THAW_BUILT, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_tune(NULL, NULL, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_save_to(NULL, path, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_add_item(NULL, 0, f32, 2, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_get_item(NULL, 0, f32, 2, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_get_distance(NULL, 0, 1, f64, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_build(NULL, 1, 1, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_unbuild(NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_on_disk_build(NULL, path, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_save(NULL, path, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_save_and_load(NULL, path, 0, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_load(NULL, path, 0, &error));
    FAILS(ANNOY_ERR_NULL, "index", saved_size_of(NULL, &n, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_save_to_buffer(NULL, bits, sizeof bits, &n, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_load_from_buffer(NULL, path, 1, 0, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_thaw(NULL, 0, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_unload(NULL, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_get_nns_by_item(NULL, 0, 1, -1, ids, f32, &n, &error));
    FAILS(ANNOY_ERR_NULL, "index", annoy_get_nns_by_vector(NULL, f32, 2, 1, -1, ids, f32 + 2, &n, &error));
}

/* Searches with options, of one query and of many. */
TEST(searching_with_options) {
    annoy_index *a = line_of(10, 2);
    annoy_search_options options;
    const float query[2] = {0, 0};
    const annoy_vectors rows = rows_of(0, query, 1, 2, 0), no_data = rows_of(0, NULL, 1, 2, 0),
                        none = rows_of(0, NULL, 0, 2, 0);
    annoy_results room = room_of(1, ids, 0, f32, &n);
    const annoy_results no_ids = room_of(1, NULL, 0, f32, &n);
    EMPTY(options);
    n = 77;
    FAILS(ANNOY_ERR_NULL, "queries", annoy_search(a, NULL, NULL, &room, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "data", annoy_search(a, &no_data, NULL, &room, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "results", annoy_search(a, &rows, NULL, NULL, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "ids", annoy_search(a, &rows, NULL, &no_ids, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "items", annoy_search_items(a, NULL, 1, NULL, &room, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "results", annoy_search_items(a, ids, 1, NULL, NULL, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "ids", annoy_search_items(a, ids, 1, NULL, &no_ids, NULL, &error));
    options.n_exclude = 1;
    FAILS(ANNOY_ERR_NULL, "exclude", annoy_search(a, &rows, &options, &room, NULL, &error));
    CHECK(n == 77);
    CHECK(annoy_search(NULL, &rows, NULL, &room, NULL, NULL) == ANNOY_ERR_NULL);
    CHECK(annoy_search_items(a, NULL, 1, NULL, &room, NULL, NULL) == ANNOY_ERR_NULL);
    /* What may be NULL: distances and counts, and all where there is no query. */
    room.distances = NULL;
    room.counts = NULL;
    OK(annoy_search(a, &rows, NULL, &room, NULL, &error));
    CHECK(n == 77 && ids[0] == 0);
    room.ids = NULL;
    OK(annoy_search(a, &none, NULL, &room, NULL, &error));
    OK(annoy_search_items(a, NULL, 0, NULL, &room, NULL, &error));
    /* NULL for ids: room for none, when none are asked for. */
    room.n = 0;
    room.counts = &n;
    OK(annoy_search(a, &rows, NULL, &room, NULL, &error));
    CHECK(n == 0);
    annoy_cancel_free(annoy_cancel_new());
    annoy_cancel_set(NULL);
    annoy_cancel_free(NULL);
    annoy_free(a);
}

/* The pointers of calls that add: NULL where the length is not 0. Nothing is added. */
TEST(adding) {
    annoy_index *a = floats_index(), *d = filled(ANNOY_EUCLIDEAN, ANNOY_F64), *h = filled(ANNOY_HAMMING, ANNOY_BITS64);
    FAILS(ANNOY_ERR_NULL, "vector", annoy_add_item(a, 50, NULL, 2, &error));
    FAILS(ANNOY_ERR_NULL, "vectors", annoy_add(a, ids, NULL, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "vectors", annoy_insert(a, ids, NULL, NULL, 0, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "data", add_rows(a, ids, ANNOY_ELEMENT_F32, NULL, 1, 2, 0, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "data", add_rows(d, ids, ANNOY_ELEMENT_F64, NULL, 1, 2, 0, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "data", add_rows(h, ids, ANNOY_ELEMENT_BITS, NULL, 1, 1, 0, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "data", add_rows(a, NULL, ANNOY_ELEMENT_F32, NULL, 1, 2, 64, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "path", annoy_save_to(a, NULL, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "n_faults", annoy_verify(a, NULL, 0, NULL, NULL, &error));
    CHECK(annoy_get_n_items(a) == 10 && annoy_get_n_items(d) == 10 && annoy_get_n_items(h) == 10);
    /* (NULL, 0) is an empty vector, which is of the wrong length ... */
    FAILS(ANNOY_ERR_DIMENSION, "0*expected 2", annoy_add_item(a, 50, NULL, 0, &error));
    FAILS(ANNOY_ERR_DIMENSION, "0*expected 2", add_one(a, 50, ANNOY_ELEMENT_F32, NULL, 0, &error));
    FAILS(ANNOY_ERR_DIMENSION, "0*expected 2", add_one(d, 50, ANNOY_ELEMENT_F64, NULL, 0, &error));
    FAILS(ANNOY_ERR_DIMENSION, "0*expected 1", add_one(h, 50, ANNOY_ELEMENT_BITS, NULL, 0, &error));
    /* ... and no rows are no rows. */
    OK(add_rows(a, NULL, ANNOY_ELEMENT_F32, NULL, 0, 2, 0, NULL, &error));
    OK(add_rows(a, ids, ANNOY_ELEMENT_F32, NULL, 0, 2, 0, NULL, &error));
    OK(add_rows(d, NULL, ANNOY_ELEMENT_F64, NULL, 0, 2, 0, NULL, &error));
    OK(add_rows(h, NULL, ANNOY_ELEMENT_BITS, NULL, 0, 1, 0, NULL, &error));
    CHECK(annoy_get_n_items(a) == 10 && annoy_get_n_items(d) == 10 && annoy_get_n_items(h) == 10);
    /* NULL for ids: they follow the last. */
    OK(add_rows(a, NULL, ANNOY_ELEMENT_F32, f32, 2, 2, 0, NULL, &error));
    OK(add_rows(d, NULL, ANNOY_ELEMENT_F64, f64, 2, 2, 0, NULL, &error));
    OK(add_rows(h, NULL, ANNOY_ELEMENT_BITS, bits, 2, 1, 0, NULL, &error));
    CHECK(annoy_get_n_items(a) == 12 && annoy_get_n_items(d) == 12 && annoy_get_n_items(h) == 12);
    annoy_free(a);
    annoy_free(d);
    annoy_free(h);
}

TEST(reading) {
    annoy_index *a = floats_index(), *d = filled(ANNOY_EUCLIDEAN, ANNOY_F64), *h = filled(ANNOY_HAMMING, ANNOY_BITS64);
    FAILS(ANNOY_ERR_NULL, "vector", annoy_get_item(a, 0, NULL, 2, &error));
    FAILS(ANNOY_ERR_NULL, "to", annoy_get_vectors(a, ids, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "data", get_one(a, 0, ANNOY_ELEMENT_F32, NULL, 2, &error));
    FAILS(ANNOY_ERR_NULL, "data", get_one(d, 0, ANNOY_ELEMENT_F64, NULL, 2, &error));
    FAILS(ANNOY_ERR_NULL, "data", get_one(h, 0, ANNOY_ELEMENT_BITS, NULL, 1, &error));
    FAILS(ANNOY_ERR_DIMENSION, "0*expected 2", annoy_get_item(a, 0, NULL, 0, &error));
    FAILS(ANNOY_ERR_DIMENSION, "0*expected 2", get_one(d, 0, ANNOY_ELEMENT_F64, NULL, 0, &error));
    FAILS(ANNOY_ERR_DIMENSION, "0*expected 1", get_one(h, 0, ANNOY_ELEMENT_BITS, NULL, 0, &error));
    FAILS(ANNOY_ERR_NULL, "distance", annoy_get_distance(a, 0, 1, NULL, &error));
    annoy_free(a);
    annoy_free(d);
    annoy_free(h);
}

TEST(files) {
    annoy_index *a = line_of(10, 2), *empty = line_of(0, 0);
    FAILS(ANNOY_ERR_NULL, "path", annoy_save(a, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "path", annoy_save_and_load(a, NULL, 0, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "path", annoy_load(a, NULL, 0, &error));
    FAILS(ANNOY_ERR_NULL, "path", annoy_on_disk_build(empty, NULL, &error));
    n = 77;
    FAILS(ANNOY_ERR_NULL, "written", saved_size_of(a, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "buffer", annoy_save_to_buffer(a, NULL, 1, &n, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "written", annoy_save_to_buffer(a, bits, sizeof bits, NULL, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "bytes", annoy_load_from_buffer(a, NULL, 1, 0, &error));
    CHECK(n == 77);
    CHECK(annoy_get_n_items(a) == 10 && annoy_get_n_trees(a) == 2);
    annoy_free(a);
    annoy_free(empty);
}

/* The pointers of calls that look at an index as a whole. */
TEST(describing) {
    annoy_index *a = line_of(10, 2);
    OK(annoy_set_metadata(a, "old", 3, &error));
    FAILS(ANNOY_ERR_NULL, "bytes", annoy_set_metadata(a, NULL, 1, &error));
    n = 99;
    FAILS(ANNOY_ERR_NULL, "len", annoy_get_metadata(a, bits, sizeof bits, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "bytes", annoy_get_metadata(a, NULL, 3, &n, &error));
    FAILS(ANNOY_ERR_NULL, "n_faults", annoy_verify(a, NULL, 0, NULL, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "faults", annoy_verify(a, NULL, 1, &n, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "info", annoy_get_info(a, NULL, &error));
    CHECK(n == 99);
    /* (NULL, 0): no room, but the question how much is needed; no faults, but how many there
       are; no metadata. */
    FAILS(ANNOY_ERR_TOO_SMALL, "room for 0, expected 3", annoy_get_metadata(a, NULL, 0, &n, &error));
    CHECK(n == 3);
    OK(annoy_verify(a, NULL, 0, &n, NULL, &error));
    CHECK(n == 0);
    n = 99;
    OK(annoy_set_metadata(a, NULL, 0, &error));
    OK(annoy_get_metadata(a, NULL, 0, &n, &error));
    CHECK(n == 0);
    annoy_free(a);
}

TEST(searching) {
    annoy_index *a = line_of(10, 2);
    memset(f32, 0, sizeof f32);
    n = 99;
    ids[0] = 99;
    FAILS(ANNOY_ERR_NULL, "ids", annoy_get_nns_by_item(a, 0, 2, -1, NULL, f32, &n, &error));
    FAILS(ANNOY_ERR_NULL, "ids", annoy_get_nns_by_vector(a, f32, 2, 1, -1, NULL, f32 + 2, &n, &error));
    FAILS(ANNOY_ERR_NULL, "vector", annoy_get_nns_by_vector(a, NULL, 2, 1, -1, ids, f32, &n, &error));
    FAILS(ANNOY_ERR_DIMENSION, "0*expected 2", annoy_get_nns_by_vector(a, NULL, 0, 1, -1, ids, f32, &n, &error));
    FAILS(ANNOY_ERR_NULL, "n_found", annoy_get_nns_by_item(a, 0, 2, -1, ids, f32, NULL, &error));
    FAILS(ANNOY_ERR_NULL, "n_found", annoy_get_nns_by_vector(a, f32, 2, 1, -1, ids, f32 + 2, NULL, &error));
    CHECK(n == 99 && ids[0] == 99);
    /* NULL for distances: they are not wanted. */
    OK(annoy_get_nns_by_item(a, 0, 2, -1, ids, NULL, &n, &error));
    CHECK(n == 2 && ids[0] == 0 && ids[1] == 1);
    OK(annoy_get_nns_by_vector(a, f32, 2, 2, -1, ids, NULL, &n, &error));
    CHECK(n == 2 && ids[0] == 0);
    /* NULL for ids: room for none, when none are asked for. */
    n = 99;
    OK(annoy_get_nns_by_item(a, 0, 0, -1, NULL, NULL, &n, &error));
    CHECK(n == 0);
    annoy_free(a);
}

/* NULL for log: silence. NULL for user: handed back as it is. */
TEST(logging) {
    annoy_index *a = floats_index();
    OK(annoy_set_log(a, 0, NULL, NULL, &error));
    OK(annoy_set_log(a, 0, hear, NULL, &error));
    OK(annoy_build(a, 1, 1, &error));
    OK(annoy_set_log(a, 0, NULL, NULL, &error));
    OK(annoy_unbuild(a, &error));
    annoy_free(a);
}

/* Each call with error = NULL, failing and succeeding: the status alone. */
TEST(errors) {
    annoy_index *a = floats_index(), *made = NULL;
    annoy_options options;
    annoy_metric metric;
    annoy_info info;
    const char *path = in_scratch("null.ann");
    memset(&options, 0, sizeof options);
    CHECK(annoy_metric_from_name("x", &metric, NULL) == ANNOY_ERR_ARGUMENT);
    CHECK(annoy_metric_from_name("dot", &metric, NULL) == ANNOY_OK && metric == ANNOY_DOT);
    CHECK(annoy_new(0, 2, &made, NULL) == ANNOY_ERR_ARGUMENT && made == NULL);
    CHECK(annoy_new_with(&options, &made, NULL) == ANNOY_ERR_ARGUMENT && made == NULL);
    CHECK(annoy_set_seed(NULL, 1, NULL) == ANNOY_ERR_NULL);
    CHECK(annoy_set_log(NULL, 0, NULL, NULL, NULL) == ANNOY_ERR_NULL);
    CHECK(annoy_add_item(a, -1, f32, 2, NULL) == ANNOY_ERR_ITEM);
    CHECK(add_one(a, 0, ANNOY_ELEMENT_F64, f64, 2, NULL) == ANNOY_ERR_UNSUPPORTED);
    CHECK(add_one(a, 0, ANNOY_ELEMENT_BITS, bits, 1, NULL) == ANNOY_ERR_UNSUPPORTED);
    CHECK(add_rows(a, NULL, ANNOY_ELEMENT_F32, NULL, 1, 2, 0, NULL, NULL) == ANNOY_ERR_NULL);
    CHECK(add_rows(a, NULL, ANNOY_ELEMENT_F64, NULL, 1, 2, 0, NULL, NULL) == ANNOY_ERR_NULL);
    CHECK(add_rows(a, NULL, ANNOY_ELEMENT_BITS, NULL, 1, 1, 0, NULL, NULL) == ANNOY_ERR_NULL);
    CHECK(annoy_get_item(a, 10, f32, 2, NULL) == ANNOY_ERR_ITEM);
    CHECK(get_one(a, 0, ANNOY_ELEMENT_F64, f64, 2, NULL) == ANNOY_ERR_UNSUPPORTED);
    CHECK(get_one(a, 0, ANNOY_ELEMENT_BITS, bits, 1, NULL) == ANNOY_ERR_UNSUPPORTED);
    CHECK(annoy_get_distance(a, 0, 10, f64, NULL) == ANNOY_ERR_ITEM);
    CHECK(annoy_save(a, path, NULL) == ANNOY_ERR_STATE);
    CHECK(annoy_save_and_load(a, path, 0, NULL, NULL) == ANNOY_ERR_STATE);
    CHECK(annoy_load(a, path, 4, NULL) == ANNOY_ERR_ARGUMENT);
    CHECK(saved_size_of(a, &n, NULL) == ANNOY_ERR_STATE);
    CHECK(annoy_save_to_buffer(a, bits, sizeof bits, &n, NULL, NULL) == ANNOY_ERR_STATE);
    CHECK(annoy_load_from_buffer(a, path, 1, 0, NULL) == ANNOY_ERR_FORMAT);
    CHECK(annoy_open_buffer(path, 1, 0, &made, NULL) == ANNOY_ERR_FORMAT && made == NULL);
    CHECK(annoy_open(path, 16, &made, NULL) == ANNOY_ERR_ARGUMENT && made == NULL);
    CHECK(annoy_open(path, 0, &made, NULL) == ANNOY_ERR_IO && made == NULL);
    CHECK(annoy_verify_file(path, NULL, 0, &n, NULL, NULL) == ANNOY_ERR_IO);
    CHECK(annoy_probe(path, NULL, 0, &n, NULL) == ANNOY_ERR_IO);
    CHECK(annoy_verify(a, NULL, 0, &n, NULL, NULL) == ANNOY_ERR_STATE);
    memset(&info, 0, sizeof info);
    CHECK(annoy_get_info(a, &info, NULL) == ANNOY_ERR_ARGUMENT);
    info.struct_size = sizeof info;
    CHECK(annoy_get_info(a, &info, NULL) == ANNOY_OK && info.n_items == 10);
    CHECK(annoy_set_metadata(a, f32, 65537, NULL) == ANNOY_ERR_ARGUMENT);
    CHECK(annoy_set_metadata(a, f32, 2, NULL) == ANNOY_OK);
    CHECK(annoy_get_metadata(a, f32, 1, &n, NULL) == ANNOY_ERR_TOO_SMALL && n == 2);
    CHECK(annoy_get_metadata(a, f32, 2, &n, NULL) == ANNOY_OK && n == 2);
    CHECK(annoy_on_disk_build(a, path, NULL) == ANNOY_ERR_STATE);
    CHECK(annoy_unload(NULL, NULL) == ANNOY_ERR_NULL);
    CHECK(annoy_unbuild(NULL, NULL) == ANNOY_ERR_NULL);
    CHECK(annoy_thaw(NULL, 0, NULL) == ANNOY_ERR_NULL);
    CHECK(annoy_build_graph(a, NULL, NULL, NULL) == ANNOY_ERR_STATE);
    CHECK(annoy_build_scan(a, NULL, NULL) == ANNOY_ERR_STATE);
    CHECK(annoy_build_auto(a, 0, NULL, NULL) == ANNOY_ERR_STATE);
    CHECK(annoy_tune(a, NULL, NULL, NULL) == ANNOY_ERR_STATE);
    CHECK(annoy_build(a, 0, 1, NULL) == ANNOY_ERR_ARGUMENT);
    CHECK(annoy_build(a, 1, 1, NULL) == ANNOY_OK);
    CHECK(annoy_get_nns_by_item(a, 10, 1, -1, ids, NULL, &n, NULL) == ANNOY_ERR_ITEM);
    CHECK(find_item(a, 10, 1, NULL, ids, ANNOY_ELEMENT_F64, NULL, &n, NULL) == ANNOY_ERR_ITEM);
    CHECK(annoy_get_nns_by_vector(a, f32, 3, 1, -1, ids, NULL, &n, NULL) == ANNOY_ERR_DIMENSION);
    CHECK(find_one(a, ANNOY_ELEMENT_F64, f64, 2, 1, NULL, ids, NULL, &n, NULL) == ANNOY_ERR_UNSUPPORTED);
    CHECK(find_one(a, ANNOY_ELEMENT_BITS, bits, 1, 1, NULL, ids, NULL, &n, NULL) == ANNOY_ERR_UNSUPPORTED);
    annoy_free(a);
}

int main(void) {
    RUN(functions_without_an_index);
    RUN(shards);
    RUN(getters_of_no_index);
    RUN(labels);
    RUN(removing);
    RUN(index);
    RUN(searching_with_options);
    RUN(adding);
    RUN(reading);
    RUN(files);
    RUN(describing);
    RUN(searching);
    RUN(logging);
    RUN(errors);
    return report();
}
