/* Structs of programs that were made with another annoy.h. */
#include "check.h"

/* Programs made with another annoy.h: their structs end earlier, or have a field more. */
TEST(older_and_newer_structs) {
    annoy_index *index = NULL;
    struct { annoy_options known; uint64_t more; } newer;
    struct { annoy_search_options known; uint64_t more; } newer_search;
    struct { annoy_graph_options known; uint64_t more; } newer_graph;
    struct { annoy_work known; uint64_t more; } newer_work;
    annoy_search_options older_search;
    annoy_graph_options older_graph;
    annoy_work older_work;
    annoy_info info;
    const float zero[2] = {0, 0};
    int64_t ids[2] = {7, 7};
    size_t n = 0, n_faults = 7;
    int i;
    memset(&newer, 0, sizeof newer);
    newer.known.struct_size = sizeof newer;
    newer.known.metric = ANNOY_EUCLIDEAN;
    newer.known.f = 2;
    newer.more = 1 << 8;
    FAILS(ANNOY_ERR_ARGUMENT, "struct_size of annoy_options is 40, expected 32, as byte 33 is 1 and not 0",
          annoy_new_with(&newer.known, &index, &error));
    CHECK(index == NULL);
    newer.more = 0;
    newer.known.flags = ANNOY_UNLOCKED;
    OK(annoy_new_with(&newer.known, &index, &error));
    /* What it was made with comes back; nothing is written beyond that, or the room there is. */
    memset(&newer, 0x55, sizeof newer);
    newer.known.struct_size = sizeof newer;
    OK(annoy_get_options(index, &newer.known, &error));
    CHECK(newer.known.struct_size == sizeof newer && newer.more == UINT64_C(0x5555555555555555));
    CHECK(newer.known.metric == ANNOY_EUCLIDEAN && newer.known.scalar == ANNOY_F32 && newer.known.id_bits == 32);
    CHECK(newer.known.flags == ANNOY_UNLOCKED && newer.known.f == 2);
    newer.known.struct_size = offsetof(annoy_options, id_bits);
    newer.known.scalar = newer.known.id_bits = 7;
    OK(annoy_get_options(index, &newer.known, &error));
    CHECK(newer.known.scalar == ANNOY_F32 && newer.known.id_bits == 7);
    newer.known.struct_size = sizeof(size_t) - 1;
    FAILS(ANNOY_ERR_ARGUMENT, "struct_size of annoy_options is 7, expected its sizeof, which is 32 here",
          annoy_get_options(index, &newer.known, &error));
    newer.known.struct_size = 4097;
    FAILS(ANNOY_ERR_ARGUMENT, "struct_size of annoy_options is 4097", annoy_get_options(index, &newer.known, &error));
    for (i = 0; i < 20; i++) {
        const float x[2] = {(float)i, 1};
        OK(annoy_add_item(index, i, x, 2, &error));
    }
    OK(annoy_build(index, 2, 1, &error));

    /* Garbage behind the last field that an older program has is not looked at. */
    memset(&older_graph, 0x55, sizeof older_graph);
    older_graph.struct_size = offsetof(annoy_graph_options, alpha);
    older_graph.degree = 3;
    older_graph.candidates = 0;
    OK(annoy_build_graph(index, &older_graph, NULL, &error));
    memset(&newer_graph, 0, sizeof newer_graph);
    newer_graph.known.struct_size = sizeof newer_graph;
    newer_graph.known.degree = 2;
    OK(annoy_build_graph(index, &newer_graph.known, NULL, &error));
    newer_graph.more = 1;
    FAILS(ANNOY_ERR_ARGUMENT, "struct_size of annoy_graph_options is 48, expected 40",
          annoy_build_graph(index, &newer_graph.known, NULL, &error));
    EMPTY(info);
    OK(annoy_get_info(index, &info, &error));
    CHECK(info.graph_degree == 2);

    memset(&older_search, 0x55, sizeof older_search);
    older_search.struct_size = offsetof(annoy_search_options, max_distance);
    older_search.flags = ANNOY_SEARCH_EXCLUDE_SELF;
    older_search.search_k = -1;
    OK(find_item(index, 0, 2, &older_search, ids, 0, NULL, &n, &error));
    CHECK(n == 2 && ids[0] == 1 && ids[1] == 2);
    memset(&newer_search, 0, sizeof newer_search);
    newer_search.known.struct_size = sizeof newer_search;
    OK(find_one(index, ANNOY_ELEMENT_F32, zero, 2, 1, &newer_search.known, ids, NULL, &n, &error));
    CHECK(n == 1 && ids[0] == 0);
    newer_search.more = UINT64_MAX;
    FAILS(ANNOY_ERR_ARGUMENT, "struct_size of annoy_search_options*as byte",
          find_one(index, ANNOY_ELEMENT_F32, zero, 2, 1, &newer_search.known, ids, NULL, &n, &error));

    memset(&older_work, 0x55, sizeof older_work);
    older_work.struct_size = offsetof(annoy_work, cancel);
    older_work.n_threads = 1;
    older_work.reserved = 0;
    OK(annoy_verify(index, NULL, 0, &n_faults, &older_work, &error));
    CHECK(n_faults == 0);
    memset(&newer_work, 0, sizeof newer_work);
    newer_work.known.struct_size = sizeof newer_work;
    OK(annoy_verify(index, NULL, 0, &n_faults, &newer_work.known, &error));
    newer_work.more = 1;
    FAILS(ANNOY_ERR_ARGUMENT, "struct_size of annoy_work*as byte",
          annoy_verify(index, NULL, 0, &n_faults, &newer_work.known, &error));
    annoy_free(index);
}

/* The same of the views: `stride` and `n` are their last fields. */
TEST(older_and_newer_views) {
    annoy_index *index = NULL;
    struct { annoy_vectors known; uint64_t more[2]; } newer;
    struct { annoy_results known; uint64_t more[2]; } newer_room;
    annoy_vectors older;
    annoy_results older_room;
    const float rows[2][2] = {{1, 2}, {3, 4}};
    float out[2][2] = {{0, 0}, {0, 0}}, distance = 7;
    int64_t ids[2] = {7, 7};
    size_t n = 7;
    OK(annoy_new(ANNOY_EUCLIDEAN, 2, &index, &error));

    /* Garbage behind the last field of an older program is not looked at: there is no stride. */
    memset(&older, 0x55, sizeof older);
    older.struct_size = offsetof(annoy_vectors, stride);
    older.data = (void *)rows;
    older.element = 0;
    older.reserved = 0;
    older.n = 2;
    older.len = 2;
    OK(annoy_add(index, NULL, &older, NULL, &error));
    older.data = out;
    OK(annoy_get_vectors(index, NULL, &older, &error));
    CHECK(memcmp(out, rows, sizeof out) == 0);
    /* One that ends before the length has vectors of none. */
    older.struct_size = offsetof(annoy_vectors, len);
    FAILS(ANNOY_ERR_DIMENSION, "0 values, expected 2", annoy_add(index, NULL, &older, NULL, &error));
    /* And one that is its size alone, no rows. */
    older.struct_size = offsetof(annoy_vectors, data);
    OK(annoy_add(index, NULL, &older, NULL, &error));
    memset(&newer, 0, sizeof newer);
    newer.known = rows_of(0, rows, 2, 2, 0);
    newer.known.struct_size = sizeof newer;
    OK(annoy_add(index, NULL, &newer.known, NULL, &error));
    CHECK(annoy_get_n_items(index) == 4);
    newer.more[1] = UINT64_C(1) << 63;
    FAILS(ANNOY_ERR_ARGUMENT, "struct_size of annoy_vectors is 64, expected 48, as byte 63 is 128 and not 0",
          annoy_add(index, NULL, &newer.known, NULL, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "as byte 63", annoy_get_vectors(index, NULL, &newer.known, &error));
    CHECK(annoy_get_n_items(index) == 4);
    OK(annoy_build(index, 2, 1, &error));
    newer.known.n = 1;

    memset(&newer_room, 0, sizeof newer_room);
    newer_room.known = room_of(1, ids, 0, &distance, &n);
    newer_room.known.struct_size = sizeof newer_room;
    FAILS(ANNOY_ERR_ARGUMENT, "as byte 63", annoy_search(index, &newer.known, NULL, &newer_room.known, NULL, &error));
    newer.more[1] = 0;
    OK(annoy_search(index, &newer.known, NULL, &newer_room.known, NULL, &error));
    CHECK(n == 1 && ids[0] == 0 && ids[1] == 7 && distance == 0);
    newer_room.more[0] = 1;
    n = 7;
    FAILS(ANNOY_ERR_ARGUMENT, "struct_size of annoy_results is 80, expected 64, as byte 64 is 1 and not 0",
          annoy_search(index, &newer.known, NULL, &newer_room.known, NULL, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "as byte 64", annoy_search_items(index, ids, 1, NULL, &newer_room.known, NULL, &error));
    CHECK(n == 7);
    /* One that ends before n has room for none. */
    memset(&older_room, 0x55, sizeof older_room);
    older_room.struct_size = offsetof(annoy_results, n);
    older_room.ids = ids;
    older_room.distances = NULL;
    older_room.distance_element = 0;
    older_room.reserved = 0;
    older_room.counts = &n;
    OK(annoy_search(index, &newer.known, NULL, &older_room, NULL, &error));
    CHECK(n == 0 && ids[0] == 0 && ids[1] == 7);
    annoy_free(index);
}

int main(void) {
    RUN(older_and_newer_structs);
    RUN(older_and_newer_views);
    return report();
}
