/* What a C compiler makes of annoy.h, for src/lib.rs to compare: sizes, and calls that go
   through the header. */
#include <annoy.h>

#include <stddef.h>
#include <string.h>

/* In the order of the list in src/lib.rs. */
const size_t c_layout[] = {
    sizeof(annoy_error),
    offsetof(annoy_error, code),
    offsetof(annoy_error, os_errno),
    offsetof(annoy_error, message),
    sizeof(annoy_options),
    offsetof(annoy_options, struct_size),
    offsetof(annoy_options, metric),
    offsetof(annoy_options, scalar),
    offsetof(annoy_options, id_bits),
    offsetof(annoy_options, flags),
    offsetof(annoy_options, f),
    sizeof(annoy_fault),
    offsetof(annoy_fault, node),
    offsetof(annoy_fault, text),
    sizeof(annoy_info),
    offsetof(annoy_info, struct_size),
    offsetof(annoy_info, n_items),
    offsetof(annoy_info, n_present),
    offsetof(annoy_info, n_trees),
    offsetof(annoy_info, n_nodes),
    offsetof(annoy_info, n_splits),
    offsetof(annoy_info, n_coin_splits),
    offsetof(annoy_info, n_leaves),
    offsetof(annoy_info, depth),
    offsetof(annoy_info, bytes),
    offsetof(annoy_info, seed),
    offsetof(annoy_info, node_size),
    offsetof(annoy_info, max_leaf),
    offsetof(annoy_info, leaf_fill),
    offsetof(annoy_info, imbalance),
    offsetof(annoy_info, is_loaded),
    offsetof(annoy_info, is_described),
    offsetof(annoy_info, has_seed),
    offsetof(annoy_info, reserved),
    offsetof(annoy_info, n_removed),
    offsetof(annoy_info, graph_degree),
    offsetof(annoy_info, graph_code_bytes),
    offsetof(annoy_info, graph_recall),
    offsetof(annoy_info, scan_lists),
    offsetof(annoy_info, scan_search_k),
    offsetof(annoy_info, scan_recall),
    offsetof(annoy_info, n_tuned),
    sizeof(annoy_kind),
    offsetof(annoy_kind, metric),
    offsetof(annoy_kind, scalar),
    offsetof(annoy_kind, id_bits),
    offsetof(annoy_kind, reserved),
    offsetof(annoy_kind, f),
    offsetof(annoy_kind, n_items),
    offsetof(annoy_kind, n_trees),
    offsetof(annoy_kind, layout),
    sizeof(annoy_search_options),
    offsetof(annoy_search_options, struct_size),
    offsetof(annoy_search_options, flags),
    offsetof(annoy_search_options, search_k),
    offsetof(annoy_search_options, max_distance),
    offsetof(annoy_search_options, bitmap),
    offsetof(annoy_search_options, bitmap_bits),
    offsetof(annoy_search_options, exclude),
    offsetof(annoy_search_options, n_exclude),
    offsetof(annoy_search_options, filter),
    offsetof(annoy_search_options, filter_user),
    offsetof(annoy_search_options, method),
    offsetof(annoy_search_options, reserved),
    offsetof(annoy_search_options, recall),
    offsetof(annoy_search_options, shards),
    offsetof(annoy_search_options, n_shards),
    sizeof(annoy_vectors),
    offsetof(annoy_vectors, struct_size),
    offsetof(annoy_vectors, data),
    offsetof(annoy_vectors, element),
    offsetof(annoy_vectors, reserved),
    offsetof(annoy_vectors, n),
    offsetof(annoy_vectors, len),
    offsetof(annoy_vectors, stride),
    sizeof(annoy_labels),
    offsetof(annoy_labels, struct_size),
    offsetof(annoy_labels, kind),
    offsetof(annoy_labels, reserved),
    offsetof(annoy_labels, n),
    offsetof(annoy_labels, numbers),
    offsetof(annoy_labels, bytes),
    offsetof(annoy_labels, offsets),
    sizeof(annoy_results),
    offsetof(annoy_results, struct_size),
    offsetof(annoy_results, ids),
    offsetof(annoy_results, distances),
    offsetof(annoy_results, distance_element),
    offsetof(annoy_results, reserved),
    offsetof(annoy_results, counts),
    offsetof(annoy_results, n),
    offsetof(annoy_results, n_missing),
    offsetof(annoy_results, generation),
    sizeof(annoy_shard),
    offsetof(annoy_shard, file),
    offsetof(annoy_shard, partition),
    offsetof(annoy_shard, removed),
    offsetof(annoy_shard, n_removed),
    sizeof(annoy_graph_options),
    offsetof(annoy_graph_options, struct_size),
    offsetof(annoy_graph_options, degree),
    offsetof(annoy_graph_options, candidates),
    offsetof(annoy_graph_options, alpha),
    offsetof(annoy_graph_options, rounds),
    offsetof(annoy_graph_options, sample),
    offsetof(annoy_graph_options, n_trees),
    offsetof(annoy_graph_options, reserved),
    sizeof(annoy_work),
    offsetof(annoy_work, struct_size),
    offsetof(annoy_work, n_threads),
    offsetof(annoy_work, reserved),
    offsetof(annoy_work, cancel),
    offsetof(annoy_work, progress),
    offsetof(annoy_work, progress_user),
    sizeof(annoy_status),
    sizeof(annoy_metric),
    sizeof(annoy_scalar),
    sizeof(annoy_log_fn),
    sizeof(annoy_stage),
    sizeof(annoy_element),
    sizeof(annoy_method),
    sizeof(annoy_progress_fn),
};
const size_t c_layout_len = sizeof c_layout / sizeof c_layout[0];

typedef struct {
    int level;
    int calls;
} heard;

static void hear(void *user, int32_t level, const char *text) {
    heard *h = (heard *)user;
    h->calls += strstr(text, "trees") != NULL;
    h->level = level;
}

/* One call of each shape: every argument has a value of its own, so that two that change places are
   seen. Returns 0, or the number of the step that went wrong. */
int c_calls(annoy_error *error) {
    annoy_options options;
    annoy_index *index = NULL;
    double rows[12] = {0, 0, -1, 1, 0, -1, 2, 0, -1, 3, 0, -1};
    int64_t ids[4] = {4, 5, 6, 7}, found[3];
    annoy_vectors vectors;
    annoy_results results;
    double distances[3], distance = 0, row[2];
    size_t n_found = 0;
    heard h = {0, 0};

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.metric = ANNOY_MANHATTAN;
    options.scalar = ANNOY_F64;
    options.id_bits = 64;
    options.f = 2;
    if (annoy_new_with(&options, &index, error)) return 1;
    if (annoy_get_fact(index, ANNOY_FACT_METRIC) != ANNOY_MANHATTAN || annoy_get_f(index) != 2) return 2;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    if (annoy_get_options(index, &options, error)) return 3;
    if (options.metric != ANNOY_MANHATTAN || options.scalar != ANNOY_F64) return 3;
    if (options.id_bits != 64 || options.f != 2 || options.flags != 0) return 3;
    if (annoy_set_log(index, 0, hear, &h, error)) return 4;
    if (annoy_set_seed(index, UINT64_C(0xFFFFFFFF00000001), error)) return 5;
    memset(&vectors, 0, sizeof vectors);
    vectors.struct_size = sizeof vectors;
    vectors.data = rows;
    vectors.element = ANNOY_ELEMENT_F64;
    vectors.n = 4;
    vectors.len = 2;
    vectors.stride = 3 * sizeof(double);
    if (annoy_add(index, ids, &vectors, NULL, error)) return 6;
    if (annoy_build(index, 3, 1, error)) return 7;
    if (h.calls != 1 || h.level != ANNOY_LOG_INFO) return 8;
    if (annoy_get_n_items(index) != 8 || annoy_get_n_trees(index) != 3) return 9;
    row[0] = 2.9;
    row[1] = 0;
    memset(&results, 0, sizeof results);
    results.struct_size = sizeof results;
    results.ids = found;
    results.distances = distances;
    results.distance_element = ANNOY_ELEMENT_F64;
    results.counts = &n_found;
    results.n = 2;
    vectors.data = row;
    vectors.n = 1;
    vectors.stride = 0;
    if (annoy_search(index, &vectors, NULL, &results, NULL, error)) return 10;
    if (n_found != 2 || found[0] != 7 || found[1] != 6) return 11;
    if (distances[0] > 0.11 || distances[0] < 0.09) return 12;
    if (annoy_get_distance(index, 4, 7, &distance, error) || distance != 3) return 13;
    found[0] = 6;
    if (annoy_get_vectors(index, found, &vectors, error) || row[0] != 2 || row[1] != 0) return 14;
    found[0] = 8;
    if (annoy_get_vectors(index, found, &vectors, error) != ANNOY_ERR_ITEM || error->code != ANNOY_ERR_ITEM) return 15;
    if (strcmp(annoy_status_name(error->code), "ANNOY_ERR_ITEM") != 0) return 16;
    if (annoy_abi_version() != ANNOY_ABI_VERSION) return 17;
    annoy_free(index);
    return 0;
}
