/* Calls of annoy.h that take views, with the fields one by one: to make a struct costs Python more
   than to hand over its fields. src/views.rs has them. */

#ifndef ANNOY_RS_VIEWS_H
#define ANNOY_RS_VIEWS_H

#include "annoy.h"

/* annoy_add */
annoy_status views_add(annoy_index *index, const int64_t *ids, void *data, annoy_element element, size_t n,
                       size_t len, size_t stride, const annoy_work *work, annoy_error *error);

/* annoy_insert */
annoy_status views_insert(annoy_index *index, const int64_t *ids, void *data, annoy_element element, size_t n,
                          size_t len, size_t stride, const annoy_labels *labels, uint64_t flags,
                          const annoy_work *work, annoy_error *error);

/* annoy_tune */
annoy_status views_tune(annoy_index *index, void *data, annoy_element element, size_t n, size_t len, size_t stride,
                        const annoy_work *work, annoy_error *error);

/* annoy_get_vectors */
annoy_status views_get(const annoy_index *index, const int64_t *ids, void *data, annoy_element element, size_t n,
                       size_t len, annoy_error *error);

/* annoy_search_items, or where `items` is NULL annoy_search with the vectors. Without options
   `search_k` is the only one. */
annoy_status views_search(const annoy_index *index, const int64_t *items, void *data, annoy_element element,
                          size_t n_queries, size_t len, size_t stride, int64_t search_k,
                          const annoy_search_options *options, int64_t *ids, void *distances,
                          annoy_element distance_element, size_t *counts, size_t n, const annoy_work *work,
                          annoy_error *error);

#endif
