/* Numbers and lengths that cannot be, and pointers that are not aligned: a status, a message that
   names what was found and what was expected, and an index and outputs that are as they were. */
#include "check.h"

/* Nothing of what was handed out may change on an error. */
static int64_t ids[16];
static float distances[16];
static size_t n_found;
static void wipe(void) {
    memset(ids, 0x55, sizeof ids);
    memset(distances, 0x55, sizeof distances);
    n_found = 0x5555;
}
static int untouched(void) {
    size_t i;
    for (i = 0; i < sizeof ids; i++)
        if (((const unsigned char *)ids)[i] != 0x55) return 0;
    for (i = 0; i < sizeof distances; i++)
        if (((const unsigned char *)distances)[i] != 0x55) return 0;
    return n_found == 0x5555;
}

TEST(making) {
    annoy_index *index = (annoy_index *)&ids; /* anything but NULL */
    int wrong[] = {0, -1, 6, 2147483647};
    size_t i;
    for (i = 0; i < 4; i++) {
        FAILS(ANNOY_ERR_ARGUMENT, "metric*expected", annoy_new(wrong[i], 2, &index, &error));
        CHECK(annoy_metric_name(wrong[i]) == NULL);
    }
    FAILS(ANNOY_ERR_ARGUMENT, "f is 0, expected 1 to 65536", annoy_new(ANNOY_ANGULAR, 0, &index, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "f is 65537, expected 1 to 65536", annoy_new(ANNOY_DOT, 65537, &index, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "expected 1 to 65536", annoy_new(ANNOY_DOT, SIZE_MAX, &index, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "f is 4194305, expected 1 to 4194304", annoy_new(ANNOY_HAMMING, 4194305, &index, &error));
    CHECK(index == (annoy_index *)&ids);
    OK(annoy_new(ANNOY_HAMMING, 4194304, &index, &error));
    annoy_free(index);
    OK(annoy_new(ANNOY_DOT, 65536, &index, &error));
    annoy_free(index);
}

TEST(options) {
    annoy_index *index = NULL;
    annoy_options good, options;
    EMPTY(good);
    good.metric = ANNOY_DOT;
    good.f = 3;
#define REFUSED(text, change)                                                         \
    do {                                                                              \
        options = good;                                                               \
        change;                                                                       \
        FAILS(ANNOY_ERR_ARGUMENT, (text), annoy_new_with(&options, &index, &error));  \
        CHECK(index == NULL);                                                         \
    } while (0)
    REFUSED("struct_size of annoy_options is 0, expected its sizeof, which is 32", options.struct_size = 0);
    REFUSED("struct_size of annoy_options is 31, expected", options.struct_size = 31);
    REFUSED("struct_size of annoy_options is 4104, expected", options.struct_size = 4104);
    REFUSED("struct_size of annoy_options*expected", options.struct_size = SIZE_MAX);
    /* A program that does not know f yet: 0 stands for it, which is no length. */
    REFUSED("f is 0", options.struct_size = offsetof(annoy_options, f));
    REFUSED("flags is 0x1, expected 0 or ANNOY_UNLOCKED", options.flags = 1);
    REFUSED("metric", options.metric = 9);
    REFUSED("scalar is 6, expected", options.scalar = 6);
    REFUSED("scalar is -1, expected", options.scalar = -1);
    REFUSED("scalar is u64, expected f32 or f64 for dot", options.scalar = ANNOY_BITS64);
    REFUSED("scalar is f64, expected u64, u32 or u8", (options.metric = ANNOY_HAMMING, options.scalar = ANNOY_F64));
    REFUSED("id_bits is 16, expected 32, 64", options.id_bits = 16);
    REFUSED("id_bits is -32, expected 32, 64", options.id_bits = -32);
    REFUSED("f is 0", options.f = 0);
    REFUSED("expected 1 to 524288 bits",
            (options.metric = ANNOY_HAMMING, options.scalar = ANNOY_BITS8, options.f = 524289));
#undef REFUSED
    OK(annoy_new_with(&good, &index, &error));
    annoy_free(index);
}

TEST(metric_names) {
    annoy_metric metric = 77;
    FAILS(ANNOY_ERR_ARGUMENT, "\"cos\"*expected angular*cosine, l2", annoy_metric_from_name("cos", &metric, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "\"\"", annoy_metric_from_name("", &metric, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "\"Dot\"", annoy_metric_from_name("Dot", &metric, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "UTF-8", annoy_metric_from_name("d\xff\xfet", &metric, &error));
    CHECK(metric == 77);
}

TEST(item_ids) {
    annoy_index *index = line_of(10, 0);
    float point[2] = {1, 2}, out[2] = {9, 9};
    double d = 77;
    int64_t wrong[] = {-1, INT64_MIN, INT64_MAX, INT64_C(1) << 32, INT64_C(2147483647)};
    size_t i;
    for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "item id is %lld, expected 0 to", (long long)wrong[i]);
        FAILS(ANNOY_ERR_ITEM, text, annoy_add_item(index, wrong[i], point, 2, &error));
        FAILS(ANNOY_ERR_ITEM, text, add_rows(index, &wrong[i], ANNOY_ELEMENT_F32, point, 1, 2, 0, NULL, &error));
        snprintf(text, sizeof text, "item id is %lld, expected 0 to 9", (long long)wrong[i]);
        FAILS(ANNOY_ERR_ITEM, text, annoy_get_item(index, wrong[i], out, 2, &error));
        FAILS(ANNOY_ERR_ITEM, text, annoy_get_distance(index, wrong[i], 0, &d, &error));
        FAILS(ANNOY_ERR_ITEM, text, annoy_get_distance(index, 0, wrong[i], &d, &error));
    }
    FAILS(ANNOY_ERR_ITEM, "10, expected 0 to 9", annoy_get_item(index, 10, out, 2, &error));
    CHECK(annoy_get_n_items(index) == 10 && out[0] == 9 && d == 77);
    OK(annoy_build(index, 1, 1, &error));
    wipe();
    FAILS(ANNOY_ERR_ITEM, "10, expected 0 to 9",
          annoy_get_nns_by_item(index, 10, 5, -1, ids, distances, &n_found, &error));
    FAILS(ANNOY_ERR_ITEM, "-1, expected 0 to 9",
          annoy_get_nns_by_item(index, -1, 5, -1, ids, distances, &n_found, &error));
    CHECK(untouched());
    annoy_free(index);
}

/* An id whose place no machine has: an error, not an abort. 2^46 nodes are more than an
   address space. */
TEST(no_memory) {
    annoy_index *index = of(ANNOY_DOT, ANNOY_DEFAULT, 64, 2);
    float point[2] = {1, 2};
    int64_t far = INT64_C(1) << 46, farther = INT64_MAX - 3;
    OK(annoy_add_item(index, 0, point, 2, &error));
    FAILS(ANNOY_ERR_NO_MEMORY, "bytes of memory", annoy_add_item(index, far, point, 2, &error));
    FAILS(ANNOY_ERR_NO_MEMORY, "bytes of memory", annoy_add_item(index, farther, point, 2, &error));
    FAILS(ANNOY_ERR_NO_MEMORY, "bytes of memory",
          add_rows(index, &far, ANNOY_ELEMENT_F32, point, 1, 2, 0, NULL, &error));
    CHECK(annoy_get_n_items(index) == 1);
    OK(annoy_add_item(index, 1, point, 2, &error));
    OK(annoy_build(index, 1, 1, &error));
    annoy_free(index);
}

TEST(lengths) {
    annoy_index *index = line_of(10, 0), *bits = NULL;
    float point[4] = {1, 2, 3, 4};
    uint64_t word[3] = {1, 0, 0};
    size_t wrong[] = {0, 1, 3}, i;
    OK(annoy_new(ANNOY_HAMMING, 70, &bits, &error));
    OK(add_one(bits, 0, ANNOY_ELEMENT_BITS, word, 2, &error));
    for (i = 0; i < 3; i++) {
        FAILS(ANNOY_ERR_DIMENSION, "expected 2", annoy_add_item(index, 0, point, wrong[i], &error));
        FAILS(ANNOY_ERR_DIMENSION, "expected 2",
              add_rows(index, NULL, ANNOY_ELEMENT_F32, point, 1, wrong[i], 0, NULL, &error));
        FAILS(ANNOY_ERR_DIMENSION, "expected 2", annoy_get_item(index, 0, point, wrong[i], &error));
    }
    /* Hamming: 70 bits are 2 words, and no bit may be set past them. */
    FAILS(ANNOY_ERR_DIMENSION, "1*expected 2", add_one(bits, 0, ANNOY_ELEMENT_BITS, word, 1, &error));
    FAILS(ANNOY_ERR_DIMENSION, "3*expected 2", add_one(bits, 0, ANNOY_ELEMENT_BITS, word, 3, &error));
    FAILS(ANNOY_ERR_DIMENSION, "3*expected 2", get_one(bits, 0, ANNOY_ELEMENT_BITS, word, 3, &error));
    FAILS(ANNOY_ERR_DIMENSION, "4*expected 70", annoy_add_item(bits, 0, point, 4, &error));
    word[1] = 64;
    FAILS(ANNOY_ERR_ARGUMENT, "0x40*expected 0*past f = 70", add_one(bits, 0, ANNOY_ELEMENT_BITS, word, 2, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "past f = 70", add_rows(bits, NULL, ANNOY_ELEMENT_BITS, word, 1, 2, 0, NULL, &error));
    word[1] = 63;
    OK(add_one(bits, 1, ANNOY_ELEMENT_BITS, word, 2, &error));
    /* Lengths that no memory has are refused before anything is read. */
    FAILS(ANNOY_ERR_ARGUMENT, "18446744073709551615", annoy_add_item(index, 0, point, SIZE_MAX, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "", annoy_get_item(index, 0, point, SIZE_MAX / 4, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "data", add_rows(index, NULL, ANNOY_ELEMENT_F32, point, SIZE_MAX, 2, 0, NULL, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "data",
          add_rows(index, NULL, ANNOY_ELEMENT_F32, point, 2, 2, SIZE_MAX - 3, NULL, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "", add_rows(index, NULL, ANNOY_ELEMENT_F32, point, 2, SIZE_MAX, 0, NULL, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "", add_rows(index, ids, ANNOY_ELEMENT_F32, point, SIZE_MAX, 2, 0, NULL, &error));
    FAILS(ANNOY_ERR_DIMENSION, "0*expected 2",
          add_rows(index, NULL, ANNOY_ELEMENT_F32, point, SIZE_MAX, 0, 0, NULL, &error));
    CHECK(annoy_get_n_items(index) == 10 && annoy_get_n_items(bits) == 2);
    OK(annoy_build(index, 1, 1, &error));
    wipe();
    for (i = 0; i < 3; i++)
        FAILS(ANNOY_ERR_DIMENSION, "expected 2",
              annoy_get_nns_by_vector(index, point, wrong[i], 3, -1, ids, distances, &n_found, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "",
          annoy_get_nns_by_vector(index, point, SIZE_MAX, 3, -1, ids, distances, &n_found, &error));
    CHECK(untouched());
    annoy_free(index);
    annoy_free(bits);
}

TEST(not_finite) {
    annoy_index *index = line_of(10, 0), *doubles_index = of(ANNOY_ANGULAR, ANNOY_F64, 0, 2), *bits = NULL;
    float rows[6] = {1, 2, 3, 4, 5, 6}, seen[2] = {0, 0};
    double d[2] = {0, 0};
    OK(annoy_new(ANNOY_HAMMING, 2, &bits, &error));
    rows[3] = NAN;
    FAILS(ANNOY_ERR_NOT_FINITE, "value 1*item 3*NaN, expected a finite", annoy_add_item(index, 3, rows + 2, 2, &error));
    FAILS(ANNOY_ERR_NOT_FINITE, "value 1*item 11*NaN",
          add_rows(index, NULL, ANNOY_ELEMENT_F32, rows, 3, 2, 0, NULL, &error));
    FAILS(ANNOY_ERR_NOT_FINITE, "value 1", annoy_add_item(bits, 0, rows + 2, 2, &error));
    rows[3] = -INFINITY;
    FAILS(ANNOY_ERR_NOT_FINITE, "-inf", annoy_add_item(index, 3, rows + 2, 2, &error));
    d[1] = (double)INFINITY;
    FAILS(ANNOY_ERR_NOT_FINITE, "value 1", add_one(doubles_index, 0, ANNOY_ELEMENT_F64, d, 2, &error));
    FAILS(ANNOY_ERR_NOT_FINITE, "value 1", add_rows(doubles_index, NULL, ANNOY_ELEMENT_F64, d, 1, 2, 0, NULL, &error));
    CHECK(annoy_get_n_items(index) == 10 && annoy_get_n_items(doubles_index) == 0 && annoy_get_n_items(bits) == 0);
    OK(annoy_get_item(index, 3, seen, 2, &error));
    CHECK(seen[0] == 3 && seen[1] == 0);
    OK(annoy_build(index, 1, 1, &error));
    wipe();
    FAILS(ANNOY_ERR_NOT_FINITE, "value 1",
          annoy_get_nns_by_vector(index, rows + 2, 2, 3, -1, ids, distances, &n_found, &error));
    CHECK(untouched());
    annoy_free(index);
    annoy_free(doubles_index);
    annoy_free(bits);
}

/* `by` bytes past an aligned address. */
#define OFF(type, buffer, by) ((type *)(void *)((char *)(buffer) + (by)))

TEST(misaligned_arrays) {
    annoy_index *index = line_of(10, 1), *adding = line_of(10, 0), *d = of(ANNOY_ANGULAR, ANNOY_F64, 0, 2), *bits = NULL;
    uint64_t *room = words(32);
    int64_t id[2] = {0, 0};
    memset(room, 0, 32 * sizeof *room);
    OK(annoy_new(ANNOY_HAMMING, 64, &bits, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "vector*multiple of 4", annoy_add_item(adding, 0, OFF(float, room, 1), 2, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "vector*multiple of 4", annoy_add_item(adding, 0, OFF(float, room, 2), 2, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "multiple of 8", add_one(d, 0, ANNOY_ELEMENT_F64, OFF(double, room, 4), 2, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "multiple of 8", add_one(bits, 0, ANNOY_ELEMENT_BITS, OFF(uint64_t, room, 1), 1, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "data*multiple of 4",
          add_rows(adding, NULL, ANNOY_ELEMENT_F32, OFF(float, room, 3), 2, 2, 0, NULL, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "ids*multiple of 8",
          add_rows(adding, OFF(int64_t, room, 4), ANNOY_ELEMENT_F32, OFF(float, room, 64), 2, 2, 0, NULL, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "data*multiple of 8",
          add_rows(d, id, ANNOY_ELEMENT_F64, OFF(double, room, 1), 2, 2, 0, NULL, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "data*multiple of 8",
          add_rows(bits, id, ANNOY_ELEMENT_BITS, OFF(uint64_t, room, 1), 2, 1, 0, NULL, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "multiple of 4", annoy_get_item(index, 0, OFF(float, room, 1), 2, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "ids*multiple of 8",
          annoy_get_nns_by_item(index, 0, 3, -1, OFF(int64_t, room, 4), distances, &n_found, &error));
    wipe();
    FAILS(ANNOY_ERR_ARGUMENT, "distances*multiple of 4",
          annoy_get_nns_by_item(index, 0, 3, -1, ids, OFF(float, room, 1), &n_found, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "distances*multiple of 8",
          find_item(index, 0, 3, NULL, ids, ANNOY_ELEMENT_F64, OFF(double, room, 4), &n_found, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "vector*multiple of 4",
          annoy_get_nns_by_vector(index, OFF(float, room, 1), 2, 3, -1, ids, distances, &n_found, &error));
    CHECK(untouched());
    CHECK(annoy_get_n_items(adding) == 10 && annoy_get_n_items(d) == 0 && annoy_get_n_items(bits) == 0);
    annoy_free(index);
    annoy_free(adding);
    annoy_free(d);
    annoy_free(bits);
    free(room);
}

/* Single results are written wherever they are wanted: some languages' buffers know
   no alignment. */
TEST(misaligned_places) {
    annoy_index *index = line_of(10, 1), *made = NULL;
    char *room = (char *)exactly(600);
    double d;
    size_t n;
    annoy_metric metric;
    annoy_options options;
    OK(annoy_get_distance(index, 0, 3, OFF(double, room, 1), &error));
    memcpy(&d, room + 1, sizeof d);
    CHECK(d == 3);
    OK(annoy_get_nns_by_item(index, 0, 3, -1, ids, distances, OFF(size_t, room, 3), &error));
    memcpy(&n, room + 3, sizeof n);
    CHECK(n == 3);
    OK(annoy_metric_from_name("manhattan", OFF(annoy_metric, room, 1), &error));
    memcpy(&metric, room + 1, sizeof metric);
    CHECK(metric == ANNOY_MANHATTAN);
    EMPTY(options);
    options.metric = ANNOY_DOT;
    options.f = 3;
    memcpy(room + 1, &options, sizeof options);
    OK(annoy_new_with(OFF(annoy_options, room, 1), OFF(annoy_index *, room, 50), &error));
    memcpy(&made, room + 50, sizeof made);
    CHECK(annoy_get_f(made) == 3);
    annoy_free(made);
    CHECK(annoy_build(index, 1, 1, OFF(annoy_error, room, 1)) == ANNOY_ERR_STATE);
    memcpy(&error, room + 1, sizeof error);
    CHECK(error.code == ANNOY_ERR_STATE && strstr(error.message, "built") != NULL);
    annoy_free(index);
    free(room);
}

/* Rows that are part of a wider array, in each of its shapes. The last row ends with the memory, so
   that reading its stride to the end would be seen. */
TEST(row_strides) {
    annoy_index *index = line_of(0, 0), *d = NULL, *bits = NULL;
    annoy_options options;
    float *wide = floats(5 * 10 + 2), out[2];
    double *wide64 = doubles(3 * 4 + 2), out64[2];
    uint64_t *wide_bits = words(2 * 3 + 2), out_bits[2];
    int64_t id[5] = {20, 18, 20, 0, 3}, i;
    for (i = 0; i < 52; i++) wide[i] = (float)i;
    for (i = 0; i < 14; i++) wide64[i] = (double)i;
    for (i = 0; i < 8; i++) wide_bits[i] = (uint64_t)i;

    /* Six rows of two, ten floats apart: (0, 1), (10, 11) ... (50, 51). */
    OK(add_rows(index, NULL, ANNOY_ELEMENT_F32, wide, 6, 2, 10 * sizeof(float), NULL, &error));
    CHECK(annoy_get_n_items(index) == 6);
    for (i = 0; i < 6; i++) {
        OK(annoy_get_item(index, i, out, 2, &error));
        CHECK(out[0] == (float)(10 * i) && out[1] == (float)(10 * i + 1));
    }
    /* The stride may be spelt out when the rows are dense. */
    OK(add_rows(index, NULL, ANNOY_ELEMENT_F32, wide, 26, 2, 2 * sizeof(float), NULL, &error));
    CHECK(annoy_get_n_items(index) == 32);
    OK(annoy_get_item(index, 31, out, 2, &error));
    CHECK(out[0] == 50 && out[1] == 51);
    /* With ids: of two rows with one id the later counts. */
    OK(add_rows(index, id, ANNOY_ELEMENT_F32, wide, 5, 2, 10 * sizeof(float), NULL, &error));
    CHECK(annoy_get_n_items(index) == 32);
    OK(annoy_get_item(index, 20, out, 2, &error));
    CHECK(out[0] == 20 && out[1] == 21);
    OK(annoy_get_item(index, 18, out, 2, &error));
    CHECK(out[0] == 10 && out[1] == 11);
    /* Strides that are too short, or would leave floats unaligned. */
    FAILS(ANNOY_ERR_ARGUMENT, "stride is 4, expected 0 or a multiple of 4 from 8 up",
          add_rows(index, NULL, ANNOY_ELEMENT_F32, wide, 2, 2, 4, NULL, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "stride is 10, expected*4",
          add_rows(index, NULL, ANNOY_ELEMENT_F32, wide, 2, 2, 10, NULL, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "stride is 1", add_rows(index, NULL, ANNOY_ELEMENT_F32, wide, 2, 2, 1, NULL, &error));
    CHECK(annoy_get_n_items(index) == 32);

    EMPTY(options);
    options.metric = ANNOY_MANHATTAN;
    options.scalar = ANNOY_F64;
    options.f = 2;
    OK(annoy_new_with(&options, &d, &error));
    OK(add_rows(d, NULL, ANNOY_ELEMENT_F64, wide64, 4, 2, 4 * sizeof(double), NULL, &error));
    OK(get_one(d, 3, ANNOY_ELEMENT_F64, out64, 2, &error));
    CHECK(out64[0] == 12 && out64[1] == 13);
    FAILS(ANNOY_ERR_ARGUMENT, "stride is 20", add_rows(d, NULL, ANNOY_ELEMENT_F64, wide64, 2, 2, 20, NULL, &error));

    OK(annoy_new(ANNOY_HAMMING, 128, &bits, &error));
    OK(add_rows(bits, NULL, ANNOY_ELEMENT_BITS, wide_bits, 3, 2, 3 * sizeof(uint64_t), NULL, &error));
    OK(get_one(bits, 2, ANNOY_ELEMENT_BITS, out_bits, 2, &error));
    CHECK(out_bits[0] == 6 && out_bits[1] == 7);
    FAILS(ANNOY_ERR_ARGUMENT, "stride is 8",
          add_rows(bits, NULL, ANNOY_ELEMENT_BITS, wide_bits, 2, 2, 8, NULL, &error));
    annoy_free(index);
    annoy_free(d);
    annoy_free(bits);
    free(wide);
    free(wide64);
    free(wide_bits);
}

/* Of n: none, more than there are, and all that a size_t can say; the buffers have room for no more
   than the items. */
TEST(numbers_of_neighbours) {
    annoy_index *index = line_of(10, 3);
    size_t wanted[] = {10, 11, 1000000, SIZE_MAX / 2, SIZE_MAX - 1, SIZE_MAX}, i, k;
    float point[2] = {0, 0};
    int64_t *out = int64s(10);
    float *far = floats(10);
    for (i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        size_t n = 99;
        OK(annoy_get_nns_by_item(index, 0, wanted[i], -1, out, far, &n, &error));
        CHECK(n == 10);
        for (k = 0; k < 10; k++) CHECK(out[k] == (int64_t)k && far[k] == (float)k);
        OK(annoy_get_nns_by_vector(index, point, 2, wanted[i], INT64_MAX, out, far, &n, &error));
        CHECK(n == 10);
    }
    for (k = 0; k < 5; k++) {
        static const int64_t search_k[] = {-1, 0, 1, 1000, INT64_MAX};
        size_t n = 99;
        wipe();
        OK(annoy_get_nns_by_item(index, 0, 0, search_k[k], ids, distances, &n, &error));
        CHECK(n == 0);
        n_found = 0x5555;
        CHECK(untouched());
    }
    annoy_free(index);
    free(out);
    free(far);
}

/* Fewer found than wanted is no error; what lies beyond them stays as it was. */
TEST(beyond_what_was_found) {
    annoy_index *index = line_of(4, 1);
    size_t i;
    wipe();
    OK(annoy_get_nns_by_item(index, 0, 16, INT64_MAX, ids, distances, &n_found, &error));
    CHECK(n_found == 4);
    for (i = 4 * sizeof ids[0]; i < sizeof ids; i++) CHECK(((const unsigned char *)ids)[i] == 0x55);
    for (i = 4 * sizeof distances[0]; i < sizeof distances; i++)
        CHECK(((const unsigned char *)distances)[i] == 0x55);
    annoy_free(index);
}

/* With search_k = 0 nothing is looked at; 1 looks at one leaf. */
TEST(search_k) {
    annoy_index *index = line_of(100, 3);
    float point[2] = {0, 0};
    int64_t wrong[] = {-2, -3, -1000000, INT64_MIN};
    size_t i;
    wipe();
    for (i = 0; i < 4; i++) {
        char text[64];
        snprintf(text, sizeof text, "search_k is %lld, expected", (long long)wrong[i]);
        FAILS(ANNOY_ERR_ARGUMENT, text,
              annoy_get_nns_by_item(index, 0, 5, wrong[i], ids, distances, &n_found, &error));
        FAILS(ANNOY_ERR_ARGUMENT, text,
              annoy_get_nns_by_vector(index, point, 2, 5, wrong[i], ids, distances, &n_found, &error));
    }
    CHECK(untouched());
    OK(annoy_get_nns_by_item(index, 50, 5, 0, ids, distances, &n_found, &error));
    CHECK(n_found == 0);
    OK(annoy_get_nns_by_item(index, 50, 5, 1, ids, distances, &n_found, &error));
    CHECK(n_found > 0 && n_found <= 5 && ids[0] == 50);
    OK(annoy_get_nns_by_item(index, 50, 5, INT64_MAX, ids, distances, &n_found, &error));
    CHECK(n_found == 5 && ids[0] == 50 && ids[1] == 49 && ids[2] == 51 && ids[3] == 48 && ids[4] == 52);
    annoy_free(index);
}

TEST(building) {
    annoy_index *index = line_of(50, 0);
    int32_t wrong[] = {0, -2, -1000, INT32_MIN};
    size_t i;
    for (i = 0; i < 4; i++) {
        char text[64];
        snprintf(text, sizeof text, "n_trees is %d, expected", (int)wrong[i]);
        FAILS(ANNOY_ERR_ARGUMENT, text, annoy_build(index, wrong[i], 1, &error));
        if (wrong[i] == 0) continue; /* as many threads as there are processors */
        snprintf(text, sizeof text, "n_threads is %d, expected", (int)wrong[i]);
        FAILS(ANNOY_ERR_ARGUMENT, text, annoy_build(index, 1, wrong[i], &error));
    }
    FAILS(ANNOY_ERR_ARGUMENT, "n_trees is 2147483647, expected", annoy_build(index, INT32_MAX, 1, &error));
    CHECK(annoy_get_n_trees(index) == 0 && annoy_get_n_items(index) == 50);
    OK(annoy_build(index, -1, -1, &error));
    CHECK(annoy_get_n_trees(index) > 0);
    FAILS(ANNOY_ERR_STATE, "built, expected not built", annoy_build(index, 1, 1, &error));
    OK(annoy_unbuild(index, &error));
    CHECK(annoy_get_n_trees(index) == 0 && annoy_get_n_items(index) == 50);
    OK(annoy_unbuild(index, &error));
    /* More threads than there are trees, items or processors. */
    OK(annoy_build(index, 3, 500, &error));
    CHECK(annoy_get_n_trees(index) == 3);
    OK(annoy_unbuild(index, &error));
    OK(annoy_build(index, 3, INT32_MAX, &error));
    CHECK(annoy_get_n_trees(index) == 3);
    annoy_free(index);
}

/* No items at all, and a single one. */
TEST(few_items) {
    int i;
    for (i = 0; i < 2; i++) {
        annoy_index *index = line_of(i, 0);
        float point[2] = {0, 0};
        OK(annoy_build(index, 2, 1, &error));
        OK(annoy_get_nns_by_vector(index, point, 2, 5, -1, ids, distances, &n_found, &error));
        CHECK(n_found == (size_t)i);
        annoy_free(index);
    }
}

/* What is legal only before or after the build. */
TEST(states) {
    annoy_index *index = line_of(10, 0);
    float point[2] = {0, 0};
    wipe();
    FAILS(ANNOY_ERR_STATE, "not built, expected built",
          annoy_get_nns_by_item(index, 0, 5, 9, ids, distances, &n_found, &error));
    FAILS(ANNOY_ERR_STATE, "not built, expected built",
          annoy_get_nns_by_vector(index, point, 2, 5, 9, ids, distances, &n_found, &error));
    CHECK(untouched());
    /* Few items are searched without trees, where nothing is said about how. */
    OK(annoy_get_nns_by_item(index, 3, 1, -1, ids, distances, &n_found, &error));
    CHECK(n_found == 1 && ids[0] == 3 && distances[0] == 0);
    OK(annoy_get_nns_by_vector(index, point, 2, 5, -1, ids, distances, &n_found, &error));
    CHECK(n_found == 5 && ids[0] == 0 && ids[4] == 4);
    FAILS(ANNOY_ERR_STATE, "not built, expected built", annoy_save(index, in_scratch("unbuilt.ann"), &error));
    FAILS(ANNOY_ERR_STATE, "", annoy_on_disk_build(index, in_scratch("unbuilt.ann"), &error));
    OK(annoy_build(index, 1, 1, &error));
    FAILS(ANNOY_ERR_STATE, "built, expected not built", annoy_add_item(index, 0, point, 2, &error));
    FAILS(ANNOY_ERR_STATE, "built, expected not built",
          add_rows(index, NULL, ANNOY_ELEMENT_F32, point, 1, 2, 0, NULL, &error));
    FAILS(ANNOY_ERR_STATE, "built, expected not built",
          add_rows(index, NULL, ANNOY_ELEMENT_F32, NULL, 0, 2, 0, NULL, &error));
    FAILS(ANNOY_ERR_STATE, "", annoy_on_disk_build(index, in_scratch("unbuilt.ann"), &error));
    annoy_free(index);
}

int main(void) {
    RUN(making);
    RUN(options);
    RUN(metric_names);
    RUN(item_ids);
    RUN(no_memory);
    RUN(lengths);
    RUN(not_finite);
    RUN(misaligned_arrays);
    RUN(misaligned_places);
    RUN(row_strides);
    RUN(numbers_of_neighbours);
    RUN(beyond_what_was_found);
    RUN(search_k);
    RUN(building);
    RUN(few_items);
    RUN(states);
    return report();
}
