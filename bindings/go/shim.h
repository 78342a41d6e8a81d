/*
 * What C has to do on Go's behalf. A struct that holds pointers to Go memory may not lie in Go
 * memory, so options are filled in here, on the C stack. So is annoy_error, which would otherwise
 * cost an allocation of 512 bytes in every frequent call: such a call returns NULL, or when it
 * fails a copy to be freed.
 */
#ifndef ANNOY_GO_SHIM_H
#define ANNOY_GO_SHIM_H

#include <stdlib.h>

#ifdef ANNOY_GO_DYNAMIC
#include <annoy.h>
#else
#if defined(__has_include) && !__has_include("libannoy_rs.h")
#error "the library is missing: run `go generate` in this directory, or build with -tags annoy_dynamic (see README.md)"
#endif
#include "libannoy_rs.h"
#endif

#include "callback.h"

static const annoy_error annoy_go_no_memory = {ANNOY_ERR_NO_MEMORY, 0, "no memory"};

static inline annoy_error *annoy_go_copy_error(annoy_status status, const annoy_error *error) {
    if (status == ANNOY_OK) return NULL;
    annoy_error *copy = (annoy_error *)malloc(sizeof *copy);
    if (copy == NULL) return (annoy_error *)&annoy_go_no_memory;
    *copy = *error;
    return copy;
}

static inline void annoy_go_free_error(annoy_error *error) {
    if (error != &annoy_go_no_memory) free(error);
}

static inline annoy_status annoy_go_set_log(annoy_index *index, int32_t level, uintptr_t user, annoy_error *error) {
    return annoy_set_log(index, level, user ? annoy_go_log : NULL, (void *)user, error);
}

/* Labels: numbers, or strings one behind the other. */
static inline annoy_labels annoy_go_labels(annoy_label_kind kind, size_t n, const uint64_t *numbers,
                                           const uint8_t *text, const size_t *offsets) {
    annoy_labels labels = {0};
    labels.struct_size = sizeof labels;
    labels.kind = kind;
    labels.n = n;
    labels.numbers = numbers;
    labels.bytes = (const char *)text;
    labels.offsets = offsets;
    return labels;
}

static inline annoy_status annoy_go_set_labels(annoy_index *index, const int64_t *ids, annoy_label_kind kind, size_t n,
                                               const uint64_t *numbers, const uint8_t *text, const size_t *offsets,
                                               annoy_error *error) {
    const annoy_labels labels = annoy_go_labels(kind, n, numbers, text, offsets);
    return annoy_set_labels(index, ids, &labels, error);
}

/* How a long call is to work. In memory of C, as Go may not hold `progress_user`, a number that
   looks like a pointer. To be freed; NULL when there is no memory. */
static inline annoy_work *annoy_go_new_work(int32_t n_threads, const annoy_cancel *cancel, uintptr_t progress) {
    annoy_work *work = (annoy_work *)calloc(1, sizeof *work);
    if (work == NULL) return NULL;
    work->struct_size = sizeof *work;
    work->n_threads = n_threads;
    work->cancel = cancel;
    work->progress = progress ? annoy_go_progress : NULL;
    work->progress_user = (void *)progress;
    return work;
}

#define ANNOY_GO_CALL(call)                     \
    annoy_error error;                          \
    const annoy_status status = (call);         \
    return annoy_go_copy_error(status, &error)

/* Vectors of Go's: `n` rows of `len` elements, `stride` bytes apart. */
static inline annoy_vectors annoy_go_vectors(annoy_element element, const uint8_t *data, size_t n, size_t len,
                                             size_t stride) {
    annoy_vectors vectors = {0};
    vectors.struct_size = sizeof vectors;
    vectors.data = (void *)data;
    vectors.element = element;
    vectors.n = n;
    vectors.len = len;
    vectors.stride = stride;
    return vectors;
}

static inline annoy_error *annoy_go_add(annoy_index *index, const int64_t *ids, annoy_element element,
                                        const uint8_t *data, size_t n, size_t len, size_t stride,
                                        const annoy_work *work) {
    const annoy_vectors vectors = annoy_go_vectors(element, data, n, len, stride);
    ANNOY_GO_CALL(annoy_add(index, ids, &vectors, work, &error));
}

/* No labels where `kind` is ANNOY_LABELS_NONE. */
static inline annoy_error *annoy_go_insert(annoy_index *index, const int64_t *ids, annoy_element element,
                                           const uint8_t *data, size_t n, size_t len, size_t stride,
                                           annoy_label_kind kind, size_t n_labels, const uint64_t *numbers,
                                           const uint8_t *text, const size_t *offsets, uint64_t flags,
                                           const annoy_work *work) {
    const annoy_vectors vectors = annoy_go_vectors(element, data, n, len, stride);
    const annoy_labels given = annoy_go_labels(kind, n_labels, numbers, text, offsets);
    const annoy_labels *labels = kind == ANNOY_LABELS_NONE ? NULL : &given;
    ANNOY_GO_CALL(annoy_insert(index, ids, &vectors, labels, flags, work, &error));
}

static inline annoy_error *annoy_go_add_item(annoy_index *index, int64_t item, annoy_element element,
                                             const uint8_t *data, size_t len) {
    if (element != ANNOY_ELEMENT_F32) return annoy_go_add(index, &item, element, data, 1, len, 0, NULL);
    ANNOY_GO_CALL(annoy_add_item(index, item, (const float *)data, len, &error));
}

static inline annoy_error *annoy_go_get_item(const annoy_index *index, int64_t item, annoy_element element,
                                             uint8_t *data, size_t len) {
    const annoy_vectors to = annoy_go_vectors(element, data, 1, len, 0);
    ANNOY_GO_CALL(element == ANNOY_ELEMENT_F32 ? annoy_get_item(index, item, (float *)data, len, &error)
                                               : annoy_get_vectors(index, &item, &to, &error));
}

typedef struct annoy_go_distance {
    double distance;
    annoy_error *error;
} annoy_go_distance;

static inline annoy_go_distance annoy_go_get_distance(const annoy_index *index, int64_t i, int64_t j) {
    annoy_go_distance result = {0, NULL};
    annoy_error error;
    result.error = annoy_go_copy_error(annoy_get_distance(index, i, j, &result.distance, &error), &error);
    return result;
}

/* Searches. */

typedef struct annoy_go_found {
    size_t n;
    annoy_error *error;
} annoy_go_found;

/* In place of an element type: what is searched for is items, as int64_t. */
enum { ANNOY_GO_ITEMS = -1 };

static inline annoy_results annoy_go_results(int64_t *ids, uint8_t *distances, annoy_element element, size_t *counts,
                                             size_t n) {
    annoy_results results = {0};
    results.struct_size = sizeof results;
    results.ids = ids;
    results.distances = distances;
    results.distance_element = element;
    results.counts = counts;
    results.n = n;
    return results;
}

static inline annoy_status annoy_go_run(const annoy_index *index, annoy_element form, const uint8_t *queries, size_t n,
                                        size_t len, size_t stride, const annoy_search_options *options,
                                        const annoy_results *results, const annoy_work *work, annoy_error *error) {
    if (form == ANNOY_GO_ITEMS)
        return annoy_search_items(index, (const int64_t *)queries, n, options, results, work, error);
    const annoy_vectors vectors = annoy_go_vectors(form, queries, n, len, stride);
    return annoy_search(index, &vectors, options, results, work, error);
}

/* A plain search, into memory of the caller's. `element` is that of the distances. */
static inline annoy_go_found annoy_go_search_into(const annoy_index *index, annoy_element form, const uint8_t *query,
                                                  size_t len, int64_t item, int64_t search_k, int64_t *ids,
                                                  uint8_t *distances, annoy_element element, size_t n) {
    annoy_go_found found = {0, NULL};
    annoy_error error;
    annoy_status status;
    if (search_k == 0) search_k = -1;
    if (form == ANNOY_ELEMENT_F32) {
        status = annoy_get_nns_by_vector(index, (const float *)query, len, n, search_k, ids, (float *)distances,
                                         &found.n, &error);
    } else if (form == ANNOY_GO_ITEMS && element == ANNOY_ELEMENT_F32) {
        status = annoy_get_nns_by_item(index, item, n, search_k, ids, (float *)distances, &found.n, &error);
    } else {
        annoy_search_options options = {0};
        options.struct_size = sizeof options;
        options.search_k = search_k;
        const annoy_results results = annoy_go_results(ids, distances, element, &found.n, n);
        if (form == ANNOY_GO_ITEMS) query = (const uint8_t *)&item;
        status = annoy_go_run(index, form, query, 1, len, 0, &options, &results, NULL, &error);
    }
    found.error = annoy_go_copy_error(status, &error);
    return found;
}

static inline annoy_search_options annoy_go_options(uint64_t flags, annoy_method method, int64_t search_k,
                                                    double recall, double max_distance, const uint64_t *bitmap,
                                                    size_t bitmap_bits, const int64_t *exclude,
                                                    size_t n_exclude, uintptr_t filter) {
    annoy_search_options options = {0};
    options.struct_size = sizeof options;
    options.flags = flags;
    options.method = method;
    options.search_k = search_k;
    options.recall = recall;
    options.max_distance = max_distance;
    options.bitmap = bitmap;
    options.bitmap_bits = bitmap_bits;
    options.exclude = exclude;
    options.n_exclude = n_exclude;
    options.filter = filter ? annoy_go_filter : NULL;
    options.filter_user = (void *)filter;
    return options;
}

/* Neighbor of search.go. */
typedef struct annoy_go_neighbor {
    int64_t id;
    double distance;
} annoy_go_neighbor;

/* A search for one query, `item` where that is what is searched for. */
static inline annoy_go_found annoy_go_search(const annoy_index *index, annoy_element form, const uint8_t *query,
                                             size_t len, int64_t item, uint64_t flags, annoy_method method,
                                             int64_t search_k, double recall, double max_distance,
                                             const uint64_t *bitmap, size_t bitmap_bits,
                                             const int64_t *exclude, size_t n_exclude, uintptr_t filter,
                                             const annoy_cancel *cancel, annoy_go_neighbor *neighbors, size_t n) {
    const annoy_search_options options =
        annoy_go_options(flags, method, search_k, recall, max_distance, bitmap, bitmap_bits, exclude, n_exclude,
                         filter);
    const annoy_work work = {sizeof work, 1, 0, cancel, NULL, NULL};
    /* Room for ids and distances, on the stack as a rule. */
    enum { FEW = 128 };
    int64_t few_ids[FEW];
    double few_distances[FEW];
    int64_t *ids = few_ids;
    double *distances = few_distances;
    annoy_go_found found = {0, NULL};
    if (n > FEW) {
        ids = (int64_t *)calloc(n, sizeof *ids + sizeof *distances);
        if (ids == NULL) {
            found.error = (annoy_error *)&annoy_go_no_memory;
            return found;
        }
        distances = (double *)(ids + n);
    }
    const annoy_results results = annoy_go_results(ids, (uint8_t *)distances, ANNOY_ELEMENT_F64, &found.n, n);
    if (form == ANNOY_GO_ITEMS) query = (const uint8_t *)&item;
    annoy_error error;
    const annoy_status status = annoy_go_run(index, form, query, 1, len, 0, &options, &results,
                                             cancel ? &work : NULL, &error);
    for (size_t i = 0; i < found.n; i++) {
        neighbors[i].id = ids[i];
        neighbors[i].distance = distances[i];
    }
    if (ids != few_ids) free(ids);
    found.error = annoy_go_copy_error(status, &error);
    return found;
}

/* `queries` of the form ANNOY_GO_ITEMS are none. */
static inline annoy_error *annoy_go_tune(annoy_index *index, annoy_element form, const uint8_t *queries, size_t n,
                                         size_t len, size_t stride, const annoy_work *work) {
    const annoy_vectors vectors = annoy_go_vectors(form, queries, n, len, stride);
    ANNOY_GO_CALL(annoy_tune(index, form == ANNOY_GO_ITEMS ? NULL : &vectors, work, &error));
}

/* A search for many queries. `element` is that of the distances. */
static inline annoy_error *annoy_go_search_batch(const annoy_index *index, annoy_element form, const uint8_t *queries,
                                                 size_t n_queries, size_t len, size_t stride, uint64_t flags,
                                                 annoy_method method, int64_t search_k, double recall,
                                                 double max_distance, const uint64_t *bitmap, size_t bitmap_bits,
                                                 const int64_t *exclude, size_t n_exclude, uintptr_t filter,
                                                 const annoy_work *work, int64_t *ids, uint8_t *distances,
                                                 annoy_element element, size_t n, size_t *counts) {
    const annoy_search_options options =
        annoy_go_options(flags, method, search_k, recall, max_distance, bitmap, bitmap_bits, exclude, n_exclude,
                         filter);
    const annoy_results results = annoy_go_results(ids, distances, element, counts, n);
    ANNOY_GO_CALL(annoy_go_run(index, form, queries, n_queries, len, stride, &options, &results, work, &error));
}

#endif
