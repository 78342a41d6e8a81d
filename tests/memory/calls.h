/* The calls of annoy.h that are made without memory, and the indexes that they are made on. */
#ifndef CALLS_H
#define CALLS_H

#include "../c/views.h"
#include "failing.h"

#include <annoy.h>

#include <stdio.h>

enum { F = 24, N = 700, TREES = 4, K = 10, QUERIES = 200, PLAIN_F = 12 };

static annoy_error error;
static annoy_index *empty, *filled, *built, *graph, *mapped;
static float x[N * F];
static uint64_t numbers[N];
static char texts[N * 8];
static size_t offsets[N + 1], length;
static unsigned char *buffer;
static char file[4096], other[4096], missing[4096];
static const char *plain;
static int64_t ids[QUERIES * K];
static float distances[QUERIES * K];
static size_t found[QUERIES];
static const annoy_graph_options small = {sizeof small, 8, 16, 0, 2, 6, 2, 0};

static annoy_work by(int n_threads) {
    annoy_work work;
    memset(&work, 0, sizeof work);
    work.struct_size = sizeof work;
    work.n_threads = n_threads;
    return work;
}

static annoy_search_options options(annoy_method method, int64_t search_k) {
    annoy_search_options o;
    memset(&o, 0, sizeof o);
    o.struct_size = sizeof o;
    o.method = method;
    o.search_k = search_k;
    return o;
}

static void must(annoy_status status, const char *what) {
    if (status == ANNOY_OK) return;
    printf("FAIL  setting up: %s: %s\n", what, error.message);
    exit(1);
}
#define MUST(call) must((call), #call)

static annoy_status batch_by_default(void);

static void make(void) {
    srand(7);
    for (int i = 0; i < N * F; i++) x[i] = (float)rand() / (float)RAND_MAX - 0.5f;
    for (int i = 0; i < N; i++) {
        numbers[i] = (uint64_t)i * 77 + 5;
        offsets[i + 1] = offsets[i] + (size_t)snprintf(texts + offsets[i], 8, "w%d", i);
    }
    annoy_index **all[] = {&empty, &filled, &built, &graph};
    for (int i = 0; i < 4; i++) {
        MUST(annoy_new(ANNOY_EUCLIDEAN, F, all[i], &error));
        if (i > 0) MUST(add_rows(*all[i], NULL, 0, x, N, F, 0, NULL, &error));
        if (i > 0) MUST(set_texts(*all[i], NULL, texts, offsets, N, &error));
        if (i > 1) MUST(annoy_build(*all[i], TREES, 1, &error));
        if (i > 1) MUST(annoy_remove_item(*all[i], 3, &error));
    }
    annoy_work work = by(1);
    MUST(annoy_build_graph(graph, &small, &work, &error));
    MUST(annoy_build_scan(graph, &work, &error));
    MUST(annoy_set_metadata(graph, "about", 5, &error));
    MUST(saved_size_of(graph, &length, &error));
    buffer = malloc(length);
    size_t written;
    MUST(annoy_save_to_buffer(graph, buffer, length, &written, NULL, &error));
    MUST(annoy_save(graph, file, &error));
    MUST(annoy_open(file, 0, &mapped, &error));
    /* The number of processors is asked for once in a process. */
    MUST(batch_by_default());
}

/* A number that changes with anything an index answers. */
static uint64_t mix(uint64_t hash, const void *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) hash = (hash ^ ((const unsigned char *)bytes)[i]) * 1099511628211u;
    return hash;
}

static uint64_t answers_of(const annoy_index *index) {
    uint64_t hash = 14695981039346656037u;
    int64_t counts[] = {annoy_get_n_items(index), annoy_get_n_trees(index), annoy_get_fact(index, ANNOY_FACT_N_REMOVED),
                        annoy_get_fact(index, ANNOY_FACT_N_LABELS)};
    hash = mix(hash, counts, sizeof counts);
    for (int64_t i = 0; i < counts[0]; i += 90) {
        float vector[F];
        int64_t item = -1;
        char name[8];
        size_t n = (size_t)snprintf(name, sizeof name, "w%d", (int)i);
        MUST(annoy_get_item(index, i, vector, F, &error));
        annoy_status status = annoy_find_label(index, name, n, &item, &error);
        if (status != ANNOY_ERR_LABEL) must(status, "annoy_find_label");
        hash = mix(mix(hash, vector, sizeof vector), &item, sizeof item);
    }
    const annoy_method ways[] = {ANNOY_METHOD_DEFAULT, ANNOY_METHOD_FOREST, ANNOY_METHOD_EXACT};
    for (int way = 0; counts[1] > 0 && way < 3; way++)
        for (int query = 1; query < N; query += 233) {
            annoy_search_options o = options(ways[way], 150);
            MUST(find_one(index, 0, x + query * F, F, K, &o, ids, distances, found, &error));
            hash = mix(mix(hash, ids, *found * sizeof *ids), distances, *found * sizeof *distances);
        }
    return hash;
}

static uint64_t answers(void) {
    uint64_t all[] = {answers_of(empty), answers_of(filled), answers_of(built), answers_of(graph), answers_of(mapped)};
    return mix(0, all, sizeof all);
}

static int odd(void *user, int64_t item) { return (void)user, item % 2 == 1; }

static annoy_status search_by(const annoy_index *index, annoy_method method, int64_t search_k, int filtered) {
    annoy_search_options o = options(method, search_k);
    uint64_t bits[(N + 63) / 64];
    int64_t not[] = {9, 4, 7};
    memset(bits, 0x5b, sizeof bits);
    if (filtered) o.filter = odd, o.bitmap = bits, o.bitmap_bits = N, o.exclude = not, o.n_exclude = 3;
    return find_one(index, 0, x, F, K, &o, ids, distances, found, &error);
}
static annoy_status batch_by(const annoy_index *index, int n_threads) {
    annoy_work work = by(n_threads);
    annoy_search_options o = options(0, 100);
    return find_rows(index, 0, x, QUERIES, F, 0, K, &o, ids, distances, found, &work, &error);
}
/* What a call hands out is freed; the call alone counts. */
static annoy_status handed_out(annoy_status status, annoy_index *index) {
    left = -1;
    annoy_free(index);
    return status;
}

static annoy_status new(void) {
    annoy_index *index = NULL;
    return handed_out(annoy_new(ANNOY_ANGULAR, F, &index, &error), index);
}
static annoy_status new_with(void) {
    annoy_index *index = NULL;
    annoy_options o = {sizeof o, ANNOY_HAMMING, ANNOY_BITS8, 64, 0, 80};
    return handed_out(annoy_new_with(&o, &index, &error), index);
}
static annoy_status wrong_new(void) {
    annoy_index *index = NULL;
    return annoy_new(ANNOY_ANGULAR, 0, &index, &error) == ANNOY_ERR_ARGUMENT ? ANNOY_OK : -1;
}
static annoy_status add_item(void) { return annoy_add_item(filled, N, x, F, &error); }
static annoy_status add_items(void) { return add_rows(empty, NULL, 0, x, N, F, 0, NULL, &error); }
static annoy_status add_items_again(void) { return add_rows(filled, NULL, 0, x + F, N - 1, F, 0, NULL, &error); }
static annoy_status add_items_4(void) {
    /* As many bytes as it takes to have work for four. */
    annoy_work work = by(4);
    annoy_index *index = NULL;
    long then = left;
    left = -1;
    MUST(annoy_new(ANNOY_DOT, 20000, &index, &error));
    static float rows[120 * 20000];
    left = then;
    return handed_out(add_rows(index, NULL, 0, rows, 120, 20000, 0, &work, &error), index);
}
static annoy_status wrong_item(void) { return annoy_add_item(filled, -5, x, F, &error) == ANNOY_ERR_ITEM ? ANNOY_OK : -1; }
static annoy_status reserve(void) { return annoy_reserve(filled, 100000, &error); }
static annoy_status build_1(void) { return annoy_build(filled, TREES, 1, &error); }
static annoy_status build_4(void) { return annoy_build(filled, 8, 4, &error); }
static annoy_status build_enough(void) { return annoy_build(filled, -1, 2, &error); }
static annoy_status build_dot(void) {
    annoy_index *index = NULL;
    long then = left;
    left = -1;
    MUST(annoy_new(ANNOY_DOT, 8, &index, &error));
    MUST(add_rows(index, NULL, 0, x, N, 8, 0, NULL, &error));
    left = then;
    return handed_out(annoy_build(index, 2, 1, &error), index);
}
static annoy_status unbuild(void) { return annoy_unbuild(built, &error); }
static annoy_status on_disk_build(void) {
    annoy_status status = annoy_on_disk_build(empty, other, &error);
    if (status == ANNOY_OK) status = add_rows(empty, NULL, 0, x, N, F, 0, NULL, &error);
    if (status == ANNOY_OK) status = annoy_build(empty, TREES, 2, &error);
    /* So that another try begins where this one did. */
    left = -1;
    MUST(annoy_unload(empty, &error));
    return status;
}
static annoy_status graph_by(int n_threads) {
    annoy_work work = by(n_threads);
    return annoy_build_graph(built, &small, &work, &error);
}
static annoy_status graph_1(void) { return graph_by(1); }
static annoy_status graph_4(void) { return graph_by(4); }
static annoy_status scan_by(int n_threads) {
    annoy_work work = by(n_threads);
    return annoy_build_scan(built, &work, &error);
}
static annoy_status scan_1(void) { return scan_by(1); }
static annoy_status scan_4(void) { return scan_by(4); }
static annoy_status insert_by(int n_threads) {
    const annoy_work work = by(n_threads);
    const annoy_vectors more = rows_of(ANNOY_ELEMENT_F32, x, 20, F, 0);
    return annoy_insert(graph, NULL, &more, NULL, 0, &work, &error);
}
/* So few that they are put in where trees and graph lie. */
static annoy_status insert_few(void) {
    const annoy_work work = by(1);
    const annoy_vectors more = rows_of(ANNOY_ELEMENT_F32, x, 2, F, 0);
    return annoy_insert(graph, NULL, &more, NULL, 0, &work, &error);
}
static annoy_status insert_1(void) { return insert_by(1); }
static annoy_status insert_4(void) { return insert_by(4); }
static annoy_status replace_by(int n_threads) {
    const annoy_work work = by(n_threads);
    const annoy_vectors more = rows_of(ANNOY_ELEMENT_F32, x, 20, F, 0);
    /* Also of a removed item, and with other labels, of a letter. */
    int64_t some[20];
    size_t letters[21] = {0};
    for (int i = 0; i < 20; i++) some[i] = i + 3, letters[i + 1] = (size_t)i + 1;
    const annoy_labels names = texts_of("abcdefghijklmnopqrst", letters, 20);
    return annoy_insert(graph, some, &more, &names, ANNOY_INSERT_REPLACE, &work, &error);
}
static annoy_status replace_1(void) { return replace_by(1); }
static annoy_status replace_4(void) { return replace_by(4); }
static annoy_status consolidate_by(int n_threads) {
    const annoy_work work = by(n_threads);
    return annoy_consolidate(graph, &work, &error);
}
static annoy_status consolidate_1(void) { return consolidate_by(1); }
static annoy_status consolidate_4(void) { return consolidate_by(4); }
static annoy_status compact(void) {
    const annoy_work work = by(2);
    return annoy_compact(graph, &work, &error);
}
static annoy_status tune(void) {
    const annoy_work work = by(1);
    return annoy_tune(graph, NULL, &work, &error);
}
static annoy_status thaw_built(void) { return annoy_thaw(mapped, ANNOY_THAW_BUILT, &error); }
static annoy_status save(void) { return annoy_save(graph, other, &error); }
static annoy_status save_built(void) { return annoy_save(built, other, &error); }
static annoy_status save_and_load(void) { return annoy_save_and_load(built, other, 0, NULL, &error); }
static annoy_status save_to_buffer(void) {
    size_t written;
    return annoy_save_to_buffer(graph, buffer, length, &written, NULL, &error);
}
static annoy_status saved_size(void) {
    size_t size;
    return saved_size_of(built, &size, &error);
}
static annoy_status load(void) { return annoy_load(filled, file, 0, &error); }
static annoy_status load_copy(void) { return annoy_load(filled, file, ANNOY_LOAD_COPY, &error); }
static annoy_status load_plain(void) {
    annoy_index *index = NULL;
    long then = left;
    left = -1;
    MUST(annoy_new(ANNOY_ANGULAR, PLAIN_F, &index, &error));
    left = then;
    return handed_out(annoy_load(index, plain, 0, &error), index);
}
static annoy_status load_wrong(void) {
    annoy_status status = annoy_load(filled, plain, 0, &error);
    return status == ANNOY_ERR_FORMAT ? ANNOY_OK : status == ANNOY_OK ? -1 : status;
}
static annoy_status open_(void) {
    annoy_index *index = NULL;
    return handed_out(annoy_open(file, ANNOY_LOAD_PREFAULT, &index, &error), index);
}
static annoy_status open_missing(void) {
    annoy_index *index = NULL;
    return annoy_open(missing, 0, &index, &error) == ANNOY_ERR_IO ? ANNOY_OK : -1;
}
static annoy_status open_buffer(void) {
    annoy_index *index = NULL;
    return handed_out(annoy_open_buffer(buffer, length, 0, &index, &error), index);
}
static annoy_status load_from_buffer(void) { return annoy_load_from_buffer(filled, buffer, length, 0, &error); }
static annoy_status unload(void) { return annoy_unload(mapped, &error); }
static annoy_status by_item(void) { return annoy_get_nns_by_item(built, 5, K, -1, ids, distances, found, &error); }
static annoy_status by_vector(void) { return annoy_get_nns_by_vector(mapped, x, F, K, -1, ids, distances, found, &error); }
static annoy_status by_wrong_item(void) {
    return annoy_get_nns_by_item(built, -5, K, -1, ids, distances, found, &error) == ANNOY_ERR_ITEM ? ANNOY_OK : -1;
}
static annoy_status by_wrong_vector(void) {
    return find_one(built, 0, x, F - 1, K, NULL, ids, distances, found, &error) == ANNOY_ERR_DIMENSION ? ANNOY_OK : -1;
}
static annoy_status search_forest(void) { return search_by(built, ANNOY_METHOD_FOREST, 600, 0); }
static annoy_status search_forest_filtered(void) { return search_by(built, ANNOY_METHOD_FOREST, 600, 1); }
static annoy_status search_graph(void) { return search_by(graph, ANNOY_METHOD_GRAPH, 200, 0); }
static annoy_status search_scan(void) { return search_by(graph, ANNOY_METHOD_SCAN, 200, 0); }
static annoy_status search_scan_filtered(void) { return search_by(mapped, ANNOY_METHOD_SCAN, 400, 1); }
static annoy_status search_graph_filtered(void) { return search_by(mapped, ANNOY_METHOD_GRAPH, 400, 1); }
static annoy_status search_exact(void) { return search_by(mapped, ANNOY_METHOD_EXACT, -1, 0); }
static annoy_status search_exact_filtered(void) { return search_by(built, ANNOY_METHOD_EXACT, -1, 1); }
static annoy_status search_item(void) {
    annoy_search_options o = options(0, -1);
    o.flags = ANNOY_SEARCH_EXCLUDE_SELF;
    return find_item(graph, 8, K, &o, ids, 0, distances, found, &error);
}
static void *from_a_thread(void *status) {
    *(annoy_status *)status = search_by(graph, 0, -1, 0);
    return NULL;
}
static annoy_status search_first(void) {
    annoy_status status = -1;
    pthread_t thread;
    if (pthread_create(&thread, NULL, from_a_thread, &status) != 0) return ANNOY_ERR_NO_MEMORY;
    pthread_join(thread, NULL);
    return status;
}
/* By as many threads as there are processors. */
static annoy_status batch_by_default(void) {
    annoy_search_options o = options(0, 100);
    return find_rows(built, 0, x, QUERIES, F, 0, K, &o, ids, distances, found, NULL, &error);
}
static annoy_status batch_1(void) { return batch_by(graph, 1); }
static annoy_status batch_4(void) { return batch_by(built, 4); }
static annoy_status batch_items(void) {
    static int64_t items[QUERIES];
    for (int i = 0; i < QUERIES; i++) items[i] = 10 + i;
    annoy_work work = by(3);
    annoy_search_options o = options(ANNOY_METHOD_FOREST, 100);
    return find_items(mapped, items, QUERIES, K, &o, ids, 0, distances, found, &work, &error);
}
static annoy_status recall(void) {
    annoy_work work = by(2);
    double share;
    return annoy_estimate_recall(graph, 60, K, 100, 1, &work, &share, &error);
}
static annoy_status get_item(void) {
    float vector[F];
    return annoy_get_item(built, 5, vector, F, &error);
}
static annoy_status get_distance(void) {
    double distance;
    return annoy_get_distance(built, 5, 6, &distance, &error);
}
static annoy_status set_label(void) { return set_text(mapped, 4, "four", 4, &error); }
static annoy_status set_labels(void) { return set_texts(built, NULL, texts, offsets, N, &error); }
static annoy_status set_many_numbers(void) {
    if (annoy_get_fact(empty, ANNOY_FACT_N_LABELS) == 0) {
        long then = left;
        left = -1;
        MUST(add_rows(empty, NULL, 0, x, N, F, 0, NULL, &error));
        left = then;
    }
    annoy_status status = set_numbers(empty, NULL, numbers, N, &error);
    left = -1;
    MUST(annoy_unload(empty, &error));
    return status;
}
static annoy_status get_label(void) {
    char label[100];
    size_t n;
    return text_of(built, 5, label, sizeof label, &n, &error);
}
static annoy_status get_labels(void) {
    static char labels[100 * K];
    static int64_t sizes[K];
    size_t n;
    const int64_t some[K] = {5, 6, -1};
    return annoy_get_labels(mapped, some, K, labels, sizeof labels, sizes, &n, &error);
}
static annoy_status find_label(void) {
    int64_t item;
    return annoy_find_label(mapped, "w77", 3, &item, &error);
}
static annoy_status find_no_label(void) {
    int64_t item;
    return annoy_find_label(mapped, "nobody", 6, &item, &error) == ANNOY_ERR_LABEL ? ANNOY_OK : -1;
}
static annoy_status clear_label(void) { return clear_one(mapped, 5, &error); }
static annoy_status clear_labels(void) { return clear_all(mapped, &error); }
static annoy_status get_ids(void) { return annoy_get_ids(built, ids, N, found, &error); }
static annoy_status remove_item(void) { return annoy_remove_item(mapped, 5, &error); }
static annoy_status restore_item(void) { return annoy_restore_item(mapped, 3, &error); }
static annoy_status thaw(void) { return annoy_thaw(mapped, 0, &error); }
static annoy_status set_metadata(void) { return annoy_set_metadata(built, x, 5000, &error); }
static annoy_status get_metadata(void) {
    char bytes[10];
    size_t n;
    return annoy_get_metadata(graph, bytes, sizeof bytes, &n, &error);
}
static annoy_status verify(void) { return annoy_verify(mapped, NULL, 0, found, NULL, &error); }
static annoy_status verify_file(void) {
    annoy_fault faults[4];
    return annoy_verify_file(file, faults, 4, found, NULL, &error);
}
static annoy_status get_info(void) {
    annoy_info info;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    return annoy_get_info(graph, &info, &error);
}
static annoy_status probe(void) {
    annoy_kind kinds[4];
    return annoy_probe(file, kinds, 4, found, &error);
}
static annoy_status probe_plain(void) {
    annoy_kind kinds[40];
    return annoy_probe(plain, kinds, 40, found, &error);
}
static void hear(void *user, int32_t level, const char *text) { (void)user, (void)level, (void)text; }
static annoy_status log_all(void) {
    annoy_status status = annoy_set_log(filled, ANNOY_LOG_DEBUG, hear, NULL, &error);
    return status == ANNOY_OK ? annoy_build(filled, 2, 1, &error) : status;
}
static annoy_status cancel(void) {
    annoy_cancel *token = annoy_cancel_new();
    annoy_status status = token ? ANNOY_OK : ANNOY_ERR_NO_MEMORY;
    annoy_cancel_set(token);
    left = -1;
    annoy_cancel_free(token);
    return status;
}
static annoy_status metric_from_name(void) {
    annoy_metric metric;
    return annoy_metric_from_name("none", &metric, &error) == ANNOY_ERR_ARGUMENT ? ANNOY_OK : -1;
}

typedef struct {
    const char *name;
    annoy_status (*call)(void);
} family;
#define CALL(name) {#name, name}
static const family families[] = {
    CALL(new), CALL(new_with), CALL(wrong_new), CALL(cancel), CALL(metric_from_name),
    CALL(add_item), CALL(add_items), CALL(add_items_again), CALL(add_items_4), CALL(wrong_item), CALL(reserve),
    CALL(build_1), CALL(build_4), CALL(build_enough), CALL(build_dot), CALL(unbuild), CALL(on_disk_build),
    CALL(graph_1), CALL(graph_4), CALL(scan_1), CALL(scan_4), CALL(log_all),
    CALL(insert_few), CALL(insert_1), CALL(insert_4), CALL(replace_1), CALL(replace_4),
    CALL(consolidate_1), CALL(consolidate_4), CALL(compact), CALL(tune), CALL(thaw_built),
    CALL(save), CALL(save_built), CALL(save_and_load), CALL(save_to_buffer), CALL(saved_size),
    CALL(load), CALL(load_copy), CALL(load_plain), CALL(load_wrong), CALL(open_), CALL(open_missing),
    CALL(open_buffer), CALL(load_from_buffer), CALL(unload),
    CALL(by_item), CALL(by_vector), CALL(by_wrong_item), CALL(by_wrong_vector),
    CALL(search_forest), CALL(search_forest_filtered), CALL(search_graph), CALL(search_graph_filtered),
    CALL(search_scan), CALL(search_scan_filtered),
    CALL(search_exact), CALL(search_exact_filtered), CALL(search_item), CALL(search_first),
    CALL(batch_1), CALL(batch_by_default), CALL(batch_4), CALL(batch_items), CALL(recall), CALL(get_item), CALL(get_distance),
    CALL(set_label), CALL(set_labels), CALL(set_many_numbers), CALL(get_label), CALL(get_labels),
    CALL(find_label), CALL(find_no_label), CALL(clear_label), CALL(clear_labels), CALL(get_ids),
    CALL(remove_item), CALL(restore_item), CALL(thaw),
    CALL(set_metadata), CALL(get_metadata), CALL(verify), CALL(verify_file), CALL(get_info),
    CALL(probe), CALL(probe_plain),
};

#endif
