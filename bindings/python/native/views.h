/* Calls of annoy.h that take views, with the fields one by one: to make a struct costs Python more
 * than to hand over its fields. */

#include "annoy.h"
#include <string.h>

static annoy_status views_add(annoy_index *index, const int64_t *ids, void *data, annoy_element element, size_t n,
                              size_t len, size_t stride, const annoy_work *work, annoy_error *error) {
    annoy_vectors vectors = {sizeof vectors, data, element, 0, n, len, stride};
    return annoy_add(index, ids, &vectors, work, error);
}

static annoy_status views_get(const annoy_index *index, const int64_t *ids, void *data, annoy_element element,
                              size_t n, size_t len, annoy_error *error) {
    annoy_vectors vectors = {sizeof vectors, data, element, 0, n, len, 0};
    return annoy_get_vectors(index, ids, &vectors, error);
}

/* From `items`, or where that is NULL from the vectors. Without options `search_k` is
   the only one. */
static annoy_status views_search(const annoy_index *index, const int64_t *items, void *data, annoy_element element,
                                 size_t n_queries, size_t len, size_t stride, int64_t search_k,
                                 const annoy_search_options *options, int64_t *ids, void *distances,
                                 annoy_element distance_element, size_t *counts, size_t n, const annoy_work *work,
                                 annoy_error *error) {
    annoy_vectors vectors = {sizeof vectors, data, element, 0, n_queries, len, stride};
    annoy_results results = {sizeof results, ids, distances, distance_element, 0, counts, n};
    annoy_search_options plain;
    if (options == NULL) {
        memset(&plain, 0, sizeof plain);
        plain.struct_size = sizeof plain;
        plain.search_k = search_k;
        options = &plain;
    }
    if (items != NULL)
        return annoy_search_items(index, items, n_queries, options, &results, work, error);
    return annoy_search(index, &vectors, options, &results, work, error);
}
