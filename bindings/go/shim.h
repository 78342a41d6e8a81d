/*
 * What C has to do on Go's behalf. A struct that holds pointers to Go memory may not lie in Go memory, so options are
 * filled in here, on the C stack. So is annoy_error, which would otherwise cost the calls made often an allocation of
 * 512 bytes each: those return NULL, or a copy to be freed when they fail.
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

static inline annoy_status annoy_go_set_log(annoy_index *index, uintptr_t user, annoy_error *error) {
    return annoy_set_log(index, user ? annoy_go_log : NULL, (void *)user, error);
}

/* How a long call is to work. In memory of C, as Go may not hold `progress_user`, a number that looks like a pointer.
   To be freed; NULL when there is no memory. */
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

/* Calls made once for each item. */

#define ANNOY_GO_CALL(call)                     \
    annoy_error error;                          \
    const annoy_status status = (call);         \
    return annoy_go_copy_error(status, &error)

static inline annoy_error *annoy_go_add_item(annoy_index *index, int64_t item, const float *vector, size_t len) {
    ANNOY_GO_CALL(annoy_add_item(index, item, vector, len, &error));
}
static inline annoy_error *annoy_go_add_item_f64(annoy_index *index, int64_t item, const double *vector, size_t len) {
    ANNOY_GO_CALL(annoy_add_item_f64(index, item, vector, len, &error));
}
static inline annoy_error *annoy_go_add_item_bits(annoy_index *index, int64_t item, const uint64_t *words, size_t n) {
    ANNOY_GO_CALL(annoy_add_item_bits(index, item, words, n, &error));
}
static inline annoy_error *annoy_go_get_item(const annoy_index *index, int64_t item, float *vector, size_t len) {
    ANNOY_GO_CALL(annoy_get_item(index, item, vector, len, &error));
}
static inline annoy_error *annoy_go_get_item_f64(const annoy_index *index, int64_t item, double *vector, size_t len) {
    ANNOY_GO_CALL(annoy_get_item_f64(index, item, vector, len, &error));
}
static inline annoy_error *annoy_go_get_item_bits(const annoy_index *index, int64_t item, uint64_t *words, size_t n) {
    ANNOY_GO_CALL(annoy_get_item_bits(index, item, words, n, &error));
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

/* Plain ones, into memory of the caller's. PARAMETERS and ARGUMENTS are those that say what is searched for. */
#define ANNOY_GO_NEAREST(name, call, Distance, PARAMETERS, ...)                                                    \
    static inline annoy_go_found name(const annoy_index *index, PARAMETERS, size_t n, int64_t search_k,            \
                                      int64_t *ids, Distance *distances) {                                         \
        annoy_go_found found = {0, NULL};                                                                          \
        annoy_error error;                                                                                         \
        const annoy_status status = call(index, __VA_ARGS__, n, search_k, ids, distances, &found.n, &error);       \
        found.error = annoy_go_copy_error(status, &error);                                                         \
        return found;                                                                                              \
    }
#define ANNOY_GO_COMMA ,

ANNOY_GO_NEAREST(annoy_go_nns_by_item, annoy_get_nns_by_item, float, int64_t item, item)
ANNOY_GO_NEAREST(annoy_go_nns_by_item_f64, annoy_get_nns_by_item_f64, double, int64_t item, item)
ANNOY_GO_NEAREST(annoy_go_nns_by_vector, annoy_get_nns_by_vector, float,
                 const float *vector ANNOY_GO_COMMA size_t len, vector, len)
ANNOY_GO_NEAREST(annoy_go_nns_by_vector_f64, annoy_get_nns_by_vector_f64, double,
                 const double *vector ANNOY_GO_COMMA size_t len, vector, len)
ANNOY_GO_NEAREST(annoy_go_nns_by_vector_bits, annoy_get_nns_by_vector_bits, float,
                 const uint64_t *words ANNOY_GO_COMMA size_t len, words, len)

/* What is searched for: the form of the call, and a vector or items of that form. */
enum { ANNOY_GO_F32, ANNOY_GO_F64, ANNOY_GO_BITS, ANNOY_GO_ITEM, ANNOY_GO_ITEM_F64 };

static inline annoy_search_options annoy_go_options(uint64_t flags, int64_t search_k, double max_distance,
                                                    const uint64_t *bitmap, size_t bitmap_bits, const int64_t *exclude,
                                                    size_t n_exclude, uintptr_t filter) {
    annoy_search_options options = {0};
    options.struct_size = sizeof options;
    options.flags = flags;
    options.search_k = search_k;
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

/* `annoy_search_one` in all its forms. `query` is a vector of `len` elements; `item` is what the forms for items
   take. */
static inline annoy_go_found annoy_go_search(const annoy_index *index, int form, const uint8_t *query, size_t len,
                                             int64_t item, uint64_t flags, int64_t search_k, double max_distance,
                                             const uint64_t *bitmap, size_t bitmap_bits, const int64_t *exclude,
                                             size_t n_exclude, uintptr_t filter, const annoy_cancel *cancel,
                                             annoy_go_neighbor *neighbors, size_t n) {
    annoy_search_options options =
        annoy_go_options(flags, search_k, max_distance, bitmap, bitmap_bits, exclude, n_exclude, filter);
    annoy_work work = {0};
    work.struct_size = sizeof work;
    work.cancel = cancel;
    options.work = &work;
    /* Room for ids and distances, on the stack as a rule. */
    enum { FEW = 128 };
    int64_t few_ids[FEW];
    double few_distances[FEW];
    int64_t *ids = few_ids;
    double *doubles = few_distances;
    annoy_go_found found = {0, NULL};
    if (n > FEW) {
        ids = (int64_t *)calloc(n, sizeof *ids + sizeof *doubles);
        if (ids == NULL) {
            found.error = (annoy_error *)&annoy_go_no_memory;
            return found;
        }
        doubles = (double *)(ids + n);
    }
    float *floats = (float *)doubles;
    annoy_error error;
    annoy_status status = ANNOY_OK;
    switch (form) {
        case ANNOY_GO_F32:
            status = annoy_search_one(index, (const float *)query, len, n, &options, ids, floats, &found.n, &error);
            break;
        case ANNOY_GO_F64:
            status = annoy_search_one_f64(index, (const double *)query, len, n, &options, ids, doubles, &found.n, &error);
            break;
        case ANNOY_GO_BITS:
            status = annoy_search_one_bits(index, (const uint64_t *)query, len, n, &options, ids, floats, &found.n, &error);
            break;
        case ANNOY_GO_ITEM:
            status = annoy_search_item(index, item, n, &options, ids, floats, &found.n, &error);
            break;
        case ANNOY_GO_ITEM_F64:
            status = annoy_search_item_f64(index, item, n, &options, ids, doubles, &found.n, &error);
            break;
    }
    const int is_double = form == ANNOY_GO_F64 || form == ANNOY_GO_ITEM_F64;
    for (size_t i = 0; i < found.n; i++) {
        neighbors[i].id = ids[i];
        neighbors[i].distance = is_double ? doubles[i] : floats[i];
    }
    if (ids != few_ids) free(ids);
    found.error = annoy_go_copy_error(status, &error);
    return found;
}

/* `annoy_search_batch` in all its forms; `distances` are double for ANNOY_GO_F64, else float. */
static inline annoy_error *annoy_go_search_batch(const annoy_index *index, int form, const uint8_t *queries,
                                                 size_t n_queries, size_t len, size_t row_stride, uint64_t flags,
                                                 int64_t search_k, double max_distance, const uint64_t *bitmap,
                                                 size_t bitmap_bits, const int64_t *exclude, size_t n_exclude,
                                                 uintptr_t filter, const annoy_work *work, int64_t *ids,
                                                 uint8_t *distances, size_t n, size_t *n_found) {
    annoy_search_options options =
        annoy_go_options(flags, search_k, max_distance, bitmap, bitmap_bits, exclude, n_exclude, filter);
    options.work = work;
    annoy_error error;
    annoy_status status = ANNOY_OK;
    switch (form) {
        case ANNOY_GO_F32:
            status = annoy_search_batch(index, (const float *)queries, n_queries, len, row_stride, n, &options, ids,
                                        (float *)distances, n_found, &error);
            break;
        case ANNOY_GO_F64:
            status = annoy_search_batch_f64(index, (const double *)queries, n_queries, len, row_stride, n, &options,
                                            ids, (double *)distances, n_found, &error);
            break;
        case ANNOY_GO_BITS:
            status = annoy_search_batch_bits(index, (const uint64_t *)queries, n_queries, len, row_stride, n, &options,
                                             ids, (float *)distances, n_found, &error);
            break;
        case ANNOY_GO_ITEM:
            status = annoy_search_batch_items(index, (const int64_t *)queries, n_queries, n, &options, ids,
                                              (float *)distances, n_found, &error);
            break;
    }
    return annoy_go_copy_error(status, &error);
}

#endif
