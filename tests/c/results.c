/* annoy_search and annoy_search_items: where results go, and what the rest of their room gets;
   wrong arguments, which write nothing. Room has exactly the size that is needed. */
#include "check.h"

enum { ITEMS = 40, N = 6, QUERIES = 5 };

/* Whether all bytes are those that exactly() fills with. */
static int untouched(const void *memory, size_t bytes) {
    size_t i;
    for (i = 0; i < bytes; i++)
        if (((const unsigned char *)memory)[i] != 0xA5) return 0;
    return 1;
}

/* Two items pass of all: the rest of each row is -1 and NaN. */
TEST(places_left_over) {
    annoy_index *index = line_of(ITEMS, 3);
    annoy_search_options options;
    const float queries[QUERIES][2] = {{3, 0}, {7, 0}, {11, 0}, {0, 0}, {39, 0}};
    const int64_t items[QUERIES] = {3, 7, 11, 0, 39};
    int by_items, as_doubles, n_queries, q, i;
    EMPTY(options);
    options.flags = ANNOY_SEARCH_MAX_DISTANCE;
    options.max_distance = 0.5;
    for (by_items = 0; by_items < 2; by_items++)
        for (as_doubles = 0; as_doubles < 2; as_doubles++)
            for (n_queries = 0; n_queries <= QUERIES; n_queries++) {
                const size_t places = (size_t)n_queries * N;
                int64_t *ids = int64s(places);
                float *f32 = floats(places);
                double *f64 = doubles(places);
                size_t *counts = (size_t *)exactly((size_t)n_queries * sizeof *counts);
                const annoy_vectors rows = rows_of(0, queries, (size_t)n_queries, 2, 0);
                const annoy_results room = room_of(N, ids, as_doubles ? ANNOY_ELEMENT_F64 : ANNOY_ELEMENT_F32,
                                                   as_doubles ? (void *)f64 : f32, counts);
                if (by_items) OK(annoy_search_items(index, items, (size_t)n_queries, &options, &room, NULL, &error));
                else OK(annoy_search(index, &rows, &options, &room, NULL, &error));
                for (q = 0; q < n_queries; q++) {
                    CHECK(counts[q] == 1 && ids[q * N] == items[q]);
                    CHECK(as_doubles ? f64[q * N] == 0 : f32[q * N] == 0);
                    for (i = 1; i < N; i++) {
                        CHECK(ids[q * N + i] == -1);
                        CHECK(as_doubles ? isnan(f64[q * N + i]) : isnan(f32[q * N + i]));
                    }
                }
                free(ids);
                free(f32);
                free(f64);
                free(counts);
            }
    annoy_free(index);
}

/* Distances as either type of an index of either; f64 has all digits. */
TEST(distances_of_each_type) {
    annoy_index *narrow = of(ANNOY_EUCLIDEAN, ANNOY_F32, 0, 1), *wide = of(ANNOY_EUCLIDEAN, ANNOY_F64, 0, 1);
    int64_t i, ids[2];
    float f32[2], x;
    double f64[2], y, tenth = 0.1;
    size_t n = 0;
    for (i = 0; i < 10; i++) {
        y = (double)i / 10;
        x = (float)y;
        OK(annoy_add_item(narrow, i, &x, 1, &error));
        OK(add_one(wide, i, ANNOY_ELEMENT_F64, &y, 1, &error));
    }
    OK(annoy_build(narrow, 2, 1, &error));
    OK(annoy_build(wide, 2, 1, &error));
    for (i = 0; i < 2; i++) {
        const annoy_index *index = i ? wide : narrow;
        double between = 0;
        OK(find_item(index, 4, 2, NULL, ids, ANNOY_ELEMENT_F64, f64, &n, &error));
        OK(annoy_get_distance(index, 4, ids[1], &between, &error));
        CHECK(n == 2 && ids[0] == 4 && f64[0] == 0 && f64[1] == between);
        OK(find_item(index, 4, 2, NULL, ids, ANNOY_ELEMENT_F32, f32, &n, &error));
        CHECK(n == 2 && f32[1] == (float)between);
        f32[1] = 7;
        OK(find_item(index, 4, 2, NULL, ids, 0, f32, &n, &error));
        CHECK(n == 2 && f32[1] == (float)between);
    }
    {
        const annoy_vectors query = rows_of(ANNOY_ELEMENT_F64, &tenth, 1, 1, 0);
        const annoy_results room = room_of(2, ids, ANNOY_ELEMENT_F32, f32, &n);
        OK(annoy_search(wide, &query, NULL, &room, NULL, &error));
        CHECK(n == 2 && ids[0] == 1 && f32[0] == 0);
    }
    annoy_free(narrow);
    annoy_free(wide);
}

/* One query at a time, and all at once by one, two and three threads: the same. */
TEST(many_are_as_each_alone) {
    annoy_index *index = of(ANNOY_ANGULAR, ANNOY_F32, 0, 8);
    float rows[ITEMS * 8];
    int64_t items[ITEMS], together[2][ITEMS * N], alone[N];
    float far[2][ITEMS * N], near[N];
    size_t counts[2][ITEMS], n = 0;
    annoy_search_options options = looking_at(20);
    int i, threads;
    for (i = 0; i < ITEMS * 8; i++) rows[i] = random_float();
    OK(add_rows(index, NULL, 0, rows, ITEMS, 8, 0, NULL, &error));
    OK(annoy_build(index, 4, 1, &error));
    for (i = 0; i < ITEMS; i++) items[i] = i;
    for (threads = 1; threads <= 3; threads++) {
        annoy_work work = no_work();
        work.n_threads = threads;
        OK(find_rows(index, 0, rows, ITEMS, 8, 0, N, &options, together[0], far[0], counts[0], &work, &error));
        OK(find_items(index, items, ITEMS, N, &options, together[1], 0, far[1], counts[1], &work, &error));
        CHECK(memcmp(together[0], together[1], sizeof together[0]) == 0);
        CHECK(memcmp(counts[0], counts[1], sizeof counts[0]) == 0);
        for (i = 0; i < ITEMS; i++) {
            OK(find_one(index, 0, rows + i * 8, 8, N, &options, alone, near, &n, &error));
            CHECK(n == counts[0][i] && memcmp(alone, together[0] + i * N, n * sizeof *alone) == 0);
            CHECK(memcmp(near, far[0] + i * N, n * sizeof *near) == 0);
            OK(annoy_get_nns_by_item(index, i, N, 20, alone, near, &n, &error));
            CHECK(n == counts[1][i] && memcmp(alone, together[1] + i * N, n * sizeof *alone) == 0);
        }
    }
    annoy_free(index);
}

TEST(methods) {
    static const annoy_method all[] = {ANNOY_METHOD_DEFAULT, ANNOY_METHOD_FOREST, ANNOY_METHOD_GRAPH,
                                       ANNOY_METHOD_SCAN, ANNOY_METHOD_EXACT};
    annoy_index *index = line_of(ITEMS, 2);
    annoy_search_options options;
    int64_t ids[2];
    size_t n = 0, i;
    EMPTY(options);
    options.method = ANNOY_METHOD_GRAPH;
    FAILS(ANNOY_ERR_STATE, "graph", find_item(index, 9, 2, &options, ids, 0, NULL, &n, &error));
    OK(annoy_build_graph(index, NULL, NULL, &error));
    OK(annoy_build_scan(index, NULL, &error));
    for (i = 0; i < sizeof all / sizeof all[0]; i++) {
        options.method = all[i];
        OK(find_item(index, 9, 2, &options, ids, 0, NULL, &n, &error));
        CHECK(n == 2 && ids[0] == 9 && ids[1] == 8);
    }
    annoy_free(index);
}

/* Each field with what it cannot be, for one query and for many. */
TEST(fields_that_cannot_be) {
    annoy_index *index = line_of(ITEMS, 2);
    const float queries[QUERIES][2] = {{3, 0}, {7, 0}, {11, 0}, {0, 0}, {39, 0}};
    const int64_t items[QUERIES] = {3, 7, 11, 0, 39};
    size_t n_queries;
    for (n_queries = 1; n_queries <= QUERIES; n_queries += QUERIES - 1) {
        const size_t places = n_queries * 2;
        /* A place more, for addresses that do not fit. */
        int64_t *ids = int64s(places + 1);
        double *distances = doubles(places + 1);
        size_t *counts = (size_t *)exactly((n_queries + 1) * sizeof *counts);
        const annoy_vectors rows = rows_of(0, queries, n_queries, 2, 0);
        const annoy_results good = room_of(2, ids, ANNOY_ELEMENT_F64, distances, counts);
        annoy_results wrong;
#define REFUSED_AS(status, text, change)                                                                \
    do {                                                                                                \
        wrong = good;                                                                                   \
        change;                                                                                         \
        FAILS(status, text, annoy_search(index, &rows, NULL, &wrong, NULL, &error));                    \
        FAILS(status, text, annoy_search_items(index, items, n_queries, NULL, &wrong, NULL, &error));   \
    } while (0)
#define REFUSED(text, change) REFUSED_AS(ANNOY_ERR_ARGUMENT, text, change)
        REFUSED("struct_size of annoy_results is 0, expected its sizeof, which is 64", memset(&wrong, 0, sizeof wrong));
        REFUSED("struct_size of annoy_results is 63", wrong.struct_size--);
        REFUSED("struct_size of annoy_results", wrong.struct_size = SIZE_MAX);
        REFUSED("reserved is 2, expected 0", wrong.reserved = 2);
        REFUSED("distance_element is 3, expected 0", wrong.distance_element = ANNOY_ELEMENT_BITS);
        REFUSED("distance_element is 4, expected 0", wrong.distance_element = ANNOY_ELEMENT_F16);
        REFUSED("distance_element is -1, expected 0", wrong.distance_element = -1);
        REFUSED("distance_element is 9", (wrong.distance_element = 9, wrong.distances = NULL));
        REFUSED_AS(ANNOY_ERR_NULL, "ids", wrong.ids = NULL);
        REFUSED("ids*multiple of 8", wrong.ids = (int64_t *)(void *)((char *)ids + 4));
        REFUSED("distances*multiple of 8", wrong.distances = (char *)distances + 4);
        REFUSED("distances*multiple of 4",
                (wrong.distance_element = ANNOY_ELEMENT_F32, wrong.distances = (char *)distances + 2));
        REFUSED("counts*multiple of 8", wrong.counts = (size_t *)(void *)((char *)counts + 4));
        /* More results than memory could hold: the product overflows, or comes close. */
        REFUSED(n_queries > 1 ? "n is" : "ids is", wrong.n = SIZE_MAX);
        REFUSED("ids is", wrong.n = SIZE_MAX / 8);
#undef REFUSED
#undef REFUSED_AS
        CHECK(untouched(ids, (places + 1) * sizeof *ids));
        CHECK(untouched(distances, (places + 1) * sizeof *distances));
        CHECK(untouched(counts, (n_queries + 1) * sizeof *counts));
        free(ids);
        free(distances);
        free(counts);
    }
    annoy_free(index);
}

/* A wrong query among good ones, in any place: nothing is written. */
TEST(one_of_many_is_wrong) {
    annoy_index *index = line_of(ITEMS, 2);
    int64_t *ids = int64s(QUERIES * 2);
    float *distances = floats(QUERIES * 2);
    size_t *counts = (size_t *)exactly(QUERIES * sizeof *counts);
    int wrong;
    for (wrong = 0; wrong < QUERIES; wrong++) {
        float queries[QUERIES][2] = {{3, 0}, {7, 0}, {11, 0}, {0, 0}, {39, 0}};
        int64_t items[QUERIES] = {3, 7, 11, 0, 39};
        queries[wrong][1] = INFINITY;
        items[wrong] = ITEMS;
        FAILS(ANNOY_ERR_NOT_FINITE, "value 1",
              find_rows(index, 0, queries, QUERIES, 2, 0, 2, NULL, ids, distances, counts, NULL, &error));
        FAILS(ANNOY_ERR_ITEM, "40",
              find_items(index, items, QUERIES, 2, NULL, ids, 0, distances, counts, NULL, &error));
    }
    CHECK(untouched(ids, QUERIES * 2 * sizeof *ids) && untouched(distances, QUERIES * 2 * sizeof *distances));
    CHECK(untouched(counts, QUERIES * sizeof *counts));
    free(ids);
    free(distances);
    free(counts);
    annoy_free(index);
}

/* Without trees no search of trees, whatever else is wrong; others look at all of a few items. */
TEST(not_built) {
    annoy_index *index = line_of(3, 0), *empty = line_of(0, 0);
    const float query[2] = {0, 0};
    int64_t id = 77;
    annoy_search_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.method = ANNOY_METHOD_FOREST;
    FAILS(ANNOY_ERR_STATE, "not built", find_one(index, 0, query, 2, 1, &options, &id, NULL, NULL, &error));
    FAILS(ANNOY_ERR_STATE, "not built", find_item(index, 0, 1, &options, &id, 0, NULL, NULL, &error));
    FAILS(ANNOY_ERR_STATE, "not built", find_item(empty, 0, 1, &options, &id, 0, NULL, NULL, &error));
    FAILS(ANNOY_ERR_ITEM, "0", find_item(empty, 0, 1, NULL, &id, 0, NULL, NULL, &error));
    CHECK(id == 77);
    OK(find_item(index, 2, 1, NULL, &id, 0, NULL, NULL, &error));
    CHECK(id == 2);
    options.method = ANNOY_METHOD_EXACT;
    options.search_k = 1;
    OK(find_one(index, 0, query, 2, 1, &options, &id, NULL, NULL, &error));
    CHECK(id == 0);
    annoy_free(index);
    annoy_free(empty);
}

int main(void) {
    RUN(places_left_over);
    RUN(distances_of_each_type);
    RUN(many_are_as_each_alone);
    RUN(methods);
    RUN(fields_that_cannot_be);
    RUN(one_of_many_is_wrong);
    RUN(not_built);
    return report();
}
