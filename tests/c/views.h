/* annoy_vectors and annoy_results filled in, and the calls that take them. */
#ifndef VIEWS_H
#define VIEWS_H

#include <annoy.h>

#include <string.h>

/* `n` rows of `len` elements, `stride` bytes apart. */
static inline annoy_vectors rows_of(annoy_element element, const void *data, size_t n, size_t len, size_t stride) {
    annoy_vectors rows;
    memset(&rows, 0, sizeof rows);
    rows.struct_size = sizeof rows;
    rows.data = (void *)data;
    rows.element = element;
    rows.n = n;
    rows.len = len;
    rows.stride = stride;
    return rows;
}

/* Room for the `n` nearest of each query. `element` is that of the distances. */
static inline annoy_results room_of(size_t n, int64_t *ids, annoy_element element, void *distances, size_t *counts) {
    annoy_results room;
    memset(&room, 0, sizeof room);
    room.struct_size = sizeof room;
    room.ids = ids;
    room.distances = distances;
    room.distance_element = element;
    room.counts = counts;
    room.n = n;
    return room;
}

/* Queries of doubles have distances of doubles here, all others of floats. */
static inline annoy_element distances_for(annoy_element query) {
    return query == ANNOY_ELEMENT_F64 ? ANNOY_ELEMENT_F64 : ANNOY_ELEMENT_F32;
}

static inline annoy_status add_rows(annoy_index *index, const int64_t *ids, annoy_element element, const void *data,
                                    size_t n, size_t len, size_t stride, const annoy_work *work, annoy_error *why) {
    const annoy_vectors rows = rows_of(element, data, n, len, stride);
    return annoy_add(index, ids, &rows, work, why);
}
static inline annoy_status add_one(annoy_index *index, int64_t item, annoy_element element, const void *vector,
                                   size_t len, annoy_error *why) {
    return add_rows(index, &item, element, vector, 1, len, 0, NULL, why);
}
static inline annoy_status get_one(const annoy_index *index, int64_t item, annoy_element element, void *vector,
                                   size_t len, annoy_error *why) {
    const annoy_vectors to = rows_of(element, vector, 1, len, 0);
    return annoy_get_vectors(index, &item, &to, why);
}

static inline annoy_status find_rows(const annoy_index *index, annoy_element element, const void *queries,
                                     size_t n_queries, size_t len, size_t stride, size_t n,
                                     const annoy_search_options *options, int64_t *ids, void *distances,
                                     size_t *counts, const annoy_work *work, annoy_error *why) {
    const annoy_vectors rows = rows_of(element, queries, n_queries, len, stride);
    const annoy_results room = room_of(n, ids, distances_for(element), distances, counts);
    return annoy_search(index, &rows, options, &room, work, why);
}
static inline annoy_status find_one(const annoy_index *index, annoy_element element, const void *query, size_t len,
                                    size_t n, const annoy_search_options *options, int64_t *ids, void *distances,
                                    size_t *found, annoy_error *why) {
    return find_rows(index, element, query, 1, len, 0, n, options, ids, distances, found, NULL, why);
}
static inline annoy_status find_items(const annoy_index *index, const int64_t *items, size_t n_items, size_t n,
                                      const annoy_search_options *options, int64_t *ids, annoy_element element,
                                      void *distances, size_t *counts, const annoy_work *work, annoy_error *why) {
    const annoy_results room = room_of(n, ids, element, distances, counts);
    return annoy_search_items(index, items, n_items, options, &room, work, why);
}
static inline annoy_status find_item(const annoy_index *index, int64_t item, size_t n,
                                     const annoy_search_options *options, int64_t *ids, annoy_element element,
                                     void *distances, size_t *found, annoy_error *why) {
    return find_items(index, &item, 1, n, options, ids, element, distances, found, NULL, why);
}
static inline annoy_search_options looking_at(int64_t search_k) {
    annoy_search_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.search_k = search_k;
    return options;
}

/* What an index is made of; zeros where there is none. */
static inline annoy_options made_with(const annoy_index *index) {
    annoy_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    (void)annoy_get_options(index, &options, NULL);
    return options;
}

/* Labels for many items: numbers, or strings one behind the other. */
static inline annoy_labels numbers_of(const uint64_t *numbers, size_t n) {
    annoy_labels labels;
    memset(&labels, 0, sizeof labels);
    labels.struct_size = sizeof labels;
    labels.kind = ANNOY_LABELS_U64;
    labels.n = n;
    labels.numbers = numbers;
    return labels;
}
static inline annoy_labels texts_of(const char *bytes, const size_t *offsets, size_t n) {
    annoy_labels labels;
    memset(&labels, 0, sizeof labels);
    labels.struct_size = sizeof labels;
    labels.kind = ANNOY_LABELS_UTF8;
    labels.n = n;
    labels.bytes = bytes;
    labels.offsets = offsets;
    return labels;
}
static inline annoy_status set_numbers(annoy_index *index, const int64_t *items, const uint64_t *numbers, size_t n,
                                       annoy_error *why) {
    const annoy_labels labels = numbers_of(numbers, n);
    return annoy_set_labels(index, items, &labels, why);
}
static inline annoy_status set_texts(annoy_index *index, const int64_t *items, const char *bytes,
                                     const size_t *offsets, size_t n, annoy_error *why) {
    const annoy_labels labels = texts_of(bytes, offsets, n);
    return annoy_set_labels(index, items, &labels, why);
}
/* Labels of one item. */
static inline annoy_status set_number(annoy_index *index, int64_t item, uint64_t number, annoy_error *why) {
    return set_numbers(index, &item, &number, 1, why);
}
static inline annoy_status set_text(annoy_index *index, int64_t item, const char *text, size_t len, annoy_error *why) {
    const size_t offsets[2] = {0, len};
    return set_texts(index, &item, text, offsets, 1, why);
}
static inline annoy_status number_of(const annoy_index *index, int64_t item, uint64_t *number, annoy_error *why) {
    return annoy_get_labels_u64(index, &item, 1, number, NULL, why);
}
static inline annoy_status text_of(const annoy_index *index, int64_t item, char *text, size_t room, size_t *len,
                                   annoy_error *why) {
    return annoy_get_labels(index, &item, 1, text, room, NULL, len, why);
}
/* Labels taken away from items, and all. */
static inline annoy_status clear_some(annoy_index *index, const int64_t *items, size_t n, annoy_error *why) {
    annoy_labels labels;
    memset(&labels, 0, sizeof labels);
    labels.struct_size = sizeof labels;
    labels.kind = ANNOY_LABELS_NONE;
    labels.n = n;
    return annoy_set_labels(index, items, &labels, why);
}
static inline annoy_status clear_one(annoy_index *index, int64_t item, annoy_error *why) {
    return clear_some(index, &item, 1, why);
}
static inline annoy_status clear_all(annoy_index *index, annoy_error *why) {
    return clear_some(index, NULL, 0, why);
}

/* How many bytes a save writes. */
static inline annoy_status saved_size_of(const annoy_index *index, size_t *size, annoy_error *why) {
    const annoy_status status = annoy_save_to_buffer(index, NULL, 0, size, NULL, why);
    return status == ANNOY_ERR_TOO_SMALL ? ANNOY_OK : status;
}

#endif
