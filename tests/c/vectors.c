/* annoy_add and annoy_get_vectors: vectors of every element type, in every kind of index; rows
   anywhere in memory; wrong arguments, which add and write nothing. Memory has exactly the size
   that is needed. */
#include "check.h"

enum { ELEMENTS = 7, F = 3 };

/* `n` rows of the vector (1, 0, 1) in each element type, with a gap of elements between them. */
static annoy_vectors ones_of(annoy_element element, size_t n, size_t gap) {
    static const size_t sizes[ELEMENTS] = {4, 4, 8, 8, 2, 2, 1};
    const size_t size = sizes[element], len = element == ANNOY_ELEMENT_BITS ? 1 : F, stride = len + gap;
    unsigned char *bytes = (unsigned char *)exactly(n ? ((n - 1) * stride + len) * size : 0);
    size_t row, i;
    for (row = 0; row < n; row++)
        for (i = 0; i < len; i++) {
            unsigned char *at = bytes + (row * stride + i) * size;
            const float f32 = i == 1 ? 0.0f : 1.0f;
            const double f64 = f32;
            const uint64_t bits = 5;
            const uint16_t f16 = i == 1 ? 0 : 0x3c00, bf16 = i == 1 ? 0 : 0x3f80;
            const int8_t i8 = i == 1 ? 0 : 1;
            switch (element) {
                case ANNOY_ELEMENT_F64: memcpy(at, &f64, size); break;
                case ANNOY_ELEMENT_BITS: memcpy(at, &bits, size); break;
                case ANNOY_ELEMENT_F16: memcpy(at, &f16, size); break;
                case ANNOY_ELEMENT_BF16: memcpy(at, &bf16, size); break;
                case ANNOY_ELEMENT_I8: memcpy(at, &i8, size); break;
                default: memcpy(at, &f32, size);
            }
        }
    return rows_of(element, bytes, n, len, gap ? stride * size : 0);
}

/* The kinds of index, and the element types that each takes and gives out; 0 stands for f32. */
static const struct {
    annoy_metric metric;
    annoy_scalar scalar;
    char takes[ELEMENTS], gives[ELEMENTS];
} kinds[] = {
    {ANNOY_EUCLIDEAN, ANNOY_F32, {1, 1, 0, 0, 1, 1, 1}, {1, 1, 0, 0, 0, 0, 0}},
    {ANNOY_MANHATTAN, ANNOY_F64, {0, 0, 1, 0, 1, 1, 1}, {0, 0, 1, 0, 0, 0, 0}},
    {ANNOY_HAMMING, ANNOY_BITS64, {1, 1, 1, 1, 0, 0, 0}, {1, 1, 1, 1, 0, 0, 0}},
    {ANNOY_HAMMING, ANNOY_BITS8, {1, 1, 1, 1, 0, 0, 0}, {1, 1, 1, 1, 0, 0, 0}},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

TEST(each_element_in_each_index) {
    annoy_search_options exact;
    size_t kind, gap;
    annoy_element element;
    EMPTY(exact);
    exact.method = ANNOY_METHOD_EXACT;
    for (kind = 0; kind < KINDS; kind++)
        for (gap = 0; gap < 3; gap++) {
            annoy_index *index = of(kinds[kind].metric, kinds[kind].scalar, 0, F);
            int64_t n_items = 0, ids[8];
            double distances[8];
            size_t found = 0, i;
            for (element = 0; element < ELEMENTS; element++) {
                const annoy_vectors many = ones_of(element, 4, gap), one = ones_of(element, 1, 0);
                if (kinds[kind].takes[element]) {
                    OK(annoy_add(index, NULL, &many, NULL, &error));
                    OK(annoy_add(index, NULL, &one, NULL, &error));
                    n_items += 5;
                } else {
                    FAILS(ANNOY_ERR_UNSUPPORTED, "", annoy_add(index, NULL, &many, NULL, &error));
                    FAILS(ANNOY_ERR_UNSUPPORTED, "", annoy_add(index, NULL, &one, NULL, &error));
                }
                CHECK(annoy_get_n_items(index) == n_items);
                free(many.data);
                free(one.data);
            }
            OK(annoy_build(index, 3, 1, &error));
            for (element = 0; element < ELEMENTS; element++) {
                const annoy_vectors expected = ones_of(element, 5, gap);
                annoy_vectors room = ones_of(element, 5, gap);
                const annoy_results results = room_of(1, ids, ANNOY_ELEMENT_F64, distances, NULL);
                const size_t size = element == ANNOY_ELEMENT_F64 || element == ANNOY_ELEMENT_BITS ? 8 : 4;
                const size_t row = expected.len * size;
                if (kinds[kind].gives[element]) {
                    for (i = 0; i < 5; i++) memset((char *)room.data + i * (gap ? room.stride : row), 0x77, row);
                    OK(annoy_get_vectors(index, NULL, &room, &error));
                    for (i = 0; i < 5; i++) {
                        const size_t at = i * (gap ? room.stride : row);
                        CHECK(memcmp((char *)room.data + at, (char *)expected.data + at, row) == 0);
                    }
                } else {
                    FAILS(ANNOY_ERR_UNSUPPORTED, "", annoy_get_vectors(index, NULL, &room, &error));
                }
                if (kinds[kind].takes[element]) {
                    OK(annoy_search(index, &expected, &exact, &results, NULL, &error));
                    for (i = 0; i < 5; i++) CHECK(ids[i] == 0 && distances[i] == 0);
                    OK(find_one(index, element, expected.data, expected.len, 8, &exact, ids, NULL, &found, &error));
                    CHECK(found == 8 && ids[0] == 0 && ids[7] == 7);
                } else {
                    FAILS(ANNOY_ERR_UNSUPPORTED, "", annoy_search(index, &expected, NULL, &results, NULL, &error));
                }
                free(expected.data);
                free(room.data);
            }
            annoy_free(index);
        }
}

/* Numbers that only one of the narrow formats has. */
TEST(what_narrow_numbers_stand_for) {
    annoy_index *f32 = of(ANNOY_EUCLIDEAN, ANNOY_F32, 0, F), *f64 = of(ANNOY_EUCLIDEAN, ANNOY_F64, 0, F);
    const uint16_t f16[F] = {0x0001, 0xfbff, 0x8000}, bf16[F] = {0x0001, 0xff7f, 0x3f81};
    const uint16_t infinite[2][F] = {{0, 0x7c00, 0}, {0, 0, 0x7f80}};
    const int8_t i8[F] = {-128, 127, -1};
    float wide[F];
    double wider[F];
    OK(add_one(f32, 0, ANNOY_ELEMENT_F16, f16, F, &error));
    OK(add_one(f32, 1, ANNOY_ELEMENT_BF16, bf16, F, &error));
    OK(add_one(f32, 2, ANNOY_ELEMENT_I8, i8, F, &error));
    OK(get_one(f32, 0, ANNOY_ELEMENT_F32, wide, F, &error));
    CHECK(wide[0] == ldexpf(1, -24) && wide[1] == -65504.0f && wide[2] == 0 && signbit(wide[2]) != 0);
    OK(get_one(f32, 1, 0, wide, F, &error));
    CHECK(wide[0] == ldexpf(1, -133) && wide[1] < -3.3e38f && wide[2] == 1.0078125f);
    OK(get_one(f32, 2, 0, wide, F, &error));
    CHECK(wide[0] == -128 && wide[1] == 127 && wide[2] == -1);
    OK(add_one(f64, 0, ANNOY_ELEMENT_F16, f16, F, &error));
    OK(get_one(f64, 0, ANNOY_ELEMENT_F64, wider, F, &error));
    CHECK(wider[0] == ldexp(1, -24) && wider[1] == -65504.0);
    FAILS(ANNOY_ERR_NOT_FINITE, "value 1", add_one(f32, 0, ANNOY_ELEMENT_F16, infinite[0], F, &error));
    FAILS(ANNOY_ERR_NOT_FINITE, "value 2", add_one(f64, 0, ANNOY_ELEMENT_BF16, infinite[1], F, &error));
    annoy_free(f32);
    annoy_free(f64);
}

TEST(ids) {
    annoy_index *index = line_of(2, 0);
    float rows[8] = {1, 2, 3, 4, 5, 6, 7, 8}, out[4] = {9, 9, 9, 9};
    int64_t some[4] = {7, 3, 7, 0};
    OK(add_rows(index, some, 0, rows, 4, 2, 0, NULL, &error));
    CHECK(annoy_get_n_items(index) == 8 && annoy_has_item(index, 5) == 0);
    {
        /* Of rows with the same id the last counts; ids that are read may be the same, too. */
        const annoy_vectors two = rows_of(0, out, 2, 2, 0);
        OK(annoy_get_vectors(index, some, &two, &error));
        CHECK(out[0] == 5 && out[1] == 6 && out[2] == 3 && out[3] == 4);
        some[1] = 7;
        OK(annoy_get_vectors(index, some, &two, &error));
        CHECK(out[2] == 5 && out[3] == 6);
        /* Without ids the first items; holes are zeros. */
        OK(annoy_get_vectors(index, NULL, &two, &error));
        CHECK(out[0] == 7 && out[1] == 8 && out[2] == 1 && out[3] == 0);
        some[1] = 5;
        OK(annoy_get_vectors(index, some, &two, &error));
        CHECK(out[2] == 0 && out[3] == 0);
        /* One that is not there: nothing is written. */
        some[1] = 8;
        out[0] = 77;
        FAILS(ANNOY_ERR_ITEM, "8, expected 0 to 7", annoy_get_vectors(index, some, &two, &error));
        CHECK(out[0] == 77);
    }
    {
        float all[18];
        const annoy_vectors nine = rows_of(0, all, 9, 2, 0);
        FAILS(ANNOY_ERR_ITEM, "8", annoy_get_vectors(index, NULL, &nine, &error));
    }
    /* All or none: the last of them cannot be. */
    some[0] = 20;
    some[1] = -1;
    FAILS(ANNOY_ERR_ITEM, "-1", add_rows(index, some, 0, rows, 2, 2, 0, NULL, &error));
    rows[7] = NAN;
    FAILS(ANNOY_ERR_NOT_FINITE, "value 1*item 11", add_rows(index, NULL, 0, rows, 4, 2, 0, NULL, &error));
    CHECK(annoy_get_n_items(index) == 8);
    /* One that replaces another has to be good as well. */
    FAILS(ANNOY_ERR_NOT_FINITE, "value 1*item 3", add_one(index, 3, 0, rows + 6, 2, &error));
    OK(get_one(index, 3, 0, out, 2, &error));
    CHECK(out[0] == 3 && out[1] == 4);
    OK(annoy_build(index, 1, 1, &error));
    FAILS(ANNOY_ERR_STATE, "built, expected not built", add_one(index, 3, 0, rows, 2, &error));
    FAILS(ANNOY_ERR_STATE, "built, expected not built", add_rows(index, NULL, 0, NULL, 0, 2, 0, NULL, &error));
    annoy_free(index);
}

/* One row and none, with and without ids. */
TEST(few_rows) {
    annoy_index *index = of(ANNOY_DOT, ANNOY_F64, 64, 2);
    const double row[2] = {0.5, 0.25};
    const int64_t far = 9;
    const annoy_vectors none = rows_of(ANNOY_ELEMENT_F64, NULL, 0, 2, 0);
    OK(annoy_add(index, NULL, &none, NULL, &error));
    OK(annoy_add(index, &far, &none, NULL, &error));
    OK(annoy_get_vectors(index, NULL, &none, &error));
    CHECK(annoy_get_n_items(index) == 0);
    /* A stride of one row plays no part, however long it is. */
    OK(add_rows(index, NULL, ANNOY_ELEMENT_F64, row, 1, 2, SIZE_MAX - 7, NULL, &error));
    OK(add_rows(index, &far, ANNOY_ELEMENT_F64, row, 1, 2, 16, NULL, &error));
    CHECK(annoy_get_n_items(index) == 10 && annoy_has_item(index, 0) && annoy_has_item(index, 9));
    annoy_free(index);
}

/* Each field with what it cannot be, for all calls that take vectors. */
TEST(fields_that_cannot_be) {
    annoy_index *index = line_of(10, 0), *built = line_of(10, 1);
    float *rows = floats(64), before[64];
    int64_t id = 0;
    annoy_vectors good, wrong;
    const annoy_results room = room_of(1, &id, 0, NULL, NULL);
    memset(rows, 0, 64 * sizeof *rows);
    memcpy(before, rows, sizeof before);
    good = rows_of(0, rows, 2, 2, 0);
#define REFUSED_AS(status, text, change)                                                       \
    do {                                                                                       \
        wrong = good;                                                                          \
        change;                                                                                \
        FAILS(status, text, annoy_add(index, NULL, &wrong, NULL, &error));                     \
        FAILS(status, text, annoy_get_vectors(index, NULL, &wrong, &error));                   \
        FAILS(status, text, annoy_search(built, &wrong, NULL, &room, NULL, &error));           \
        CHECK(annoy_get_n_items(index) == 10 && id == 0);                                      \
        CHECK(memcmp(rows, before, sizeof before) == 0);                                       \
    } while (0)
#define REFUSED(text, change) REFUSED_AS(ANNOY_ERR_ARGUMENT, text, change)
    REFUSED("struct_size of annoy_vectors is 0, expected its sizeof, which is 48", memset(&wrong, 0, sizeof wrong));
    REFUSED("struct_size of annoy_vectors is 47", wrong.struct_size--);
    REFUSED("struct_size of annoy_vectors", wrong.struct_size = SIZE_MAX);
    REFUSED("reserved is 1, expected 0", wrong.reserved = 1);
    REFUSED("element is 7, expected", wrong.element = 7);
    REFUSED("element is -1, expected", wrong.element = -1);
    REFUSED_AS(ANNOY_ERR_NULL, "data", wrong.data = NULL);
    REFUSED_AS(ANNOY_ERR_DIMENSION, "3 values, expected 2", wrong.len = 3);
    REFUSED_AS(ANNOY_ERR_DIMENSION, "0 values, expected 2", wrong.len = 0);
    REFUSED_AS(ANNOY_ERR_DIMENSION, "0 values, expected 2", (wrong.len = 0, wrong.data = NULL));
    /* Strides: shorter than a row, or not a multiple of an element. */
    REFUSED("stride is 4, expected 0 or a multiple of 4 from 8 up", wrong.stride = 4);
    REFUSED("stride is 1", wrong.stride = 1);
    REFUSED("stride is 10", wrong.stride = 10);
    REFUSED("stride is 12, expected 0 or a multiple of 8 from 16 up",
            (wrong.element = ANNOY_ELEMENT_F64, wrong.stride = 12));
    REFUSED("stride is 20", (wrong.element = ANNOY_ELEMENT_BITS, wrong.stride = 20));
    REFUSED("stride is 5, expected 0 or a multiple of 2", (wrong.element = ANNOY_ELEMENT_F16, wrong.stride = 5));
    REFUSED("stride is 1, expected 0 or a multiple of 1", (wrong.element = ANNOY_ELEMENT_I8, wrong.stride = 1));
    /* Addresses that do not fit the type. */
    REFUSED("data*multiple of 4", wrong.data = (char *)rows + 1);
    REFUSED("data*multiple of 4", wrong.data = (char *)rows + 2);
    REFUSED("data*multiple of 8", (wrong.element = ANNOY_ELEMENT_F64, wrong.data = (char *)rows + 4));
    REFUSED("data*multiple of 8", (wrong.element = ANNOY_ELEMENT_BITS, wrong.data = (char *)rows + 4));
    REFUSED("data*multiple of 2", (wrong.element = ANNOY_ELEMENT_F16, wrong.data = (char *)rows + 1));
    REFUSED("data*multiple of 2", (wrong.element = ANNOY_ELEMENT_BF16, wrong.data = (char *)rows + 1));
    /* More than memory can hold: the product overflows, or comes close. */
    REFUSED("len is 18446744073709551615", wrong.len = SIZE_MAX);
    REFUSED("len is 4611686018427387904", wrong.len = SIZE_MAX / 4 + 1);
    REFUSED("len is", (wrong.element = ANNOY_ELEMENT_F64, wrong.len = SIZE_MAX / 8));
    REFUSED("data is", wrong.n = SIZE_MAX);
    REFUSED("data is", wrong.n = SIZE_MAX / 8 + 1);
    REFUSED("data is", (wrong.n = SIZE_MAX / 16, wrong.stride = 16));
    REFUSED("data is", wrong.stride = SIZE_MAX - 3);
    REFUSED("data is", (wrong.n = 3, wrong.stride = SIZE_MAX / 2 + 1));
    REFUSED("data is", (wrong.element = ANNOY_ELEMENT_I8, wrong.n = SIZE_MAX, wrong.stride = SIZE_MAX));
#undef REFUSED
#undef REFUSED_AS
    FAILS(ANNOY_ERR_ARGUMENT, "ids*multiple of 8",
          annoy_add(index, (int64_t *)(void *)((char *)rows + 4), &good, NULL, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "ids*multiple of 8",
          annoy_get_vectors(index, (int64_t *)(void *)((char *)rows + 4), &good, &error));
    annoy_free(index);
    annoy_free(built);
    free(rows);
}

typedef struct {
    annoy_cancel *cancel;
    uint64_t done, total;
    int calls;
} steps;

static void step(void *user, annoy_stage stage, uint64_t done, uint64_t total) {
    steps *s = (steps *)user;
    CHECK(stage == ANNOY_STAGE_ADD && done >= s->done && done <= total);
    s->done = done;
    s->total = total;
    s->calls++;
    annoy_cancel_set(s->cancel);
}

/* It reports its progress. When it is cancelled in the middle, nothing is added or replaced. */
TEST(work) {
    enum { N = 4000, WIDE = 300 };
    annoy_index *index = of(ANNOY_EUCLIDEAN, ANNOY_F32, 0, WIDE);
    uint16_t *rows = (uint16_t *)exactly((size_t)N * WIDE * sizeof(uint16_t));
    float out[WIDE];
    steps s = {NULL, 0, 0, 0};
    annoy_work work;
    const int64_t first = 0;
    int threads, i;
    for (i = 0; i < N * WIDE; i++) rows[i] = 0x3c00;
    memset(out, 0, sizeof out);
    OK(annoy_add_item(index, 0, out, WIDE, &error));
    for (threads = 1; threads <= 3; threads++) {
        work = no_work();
        work.n_threads = threads;
        work.progress = step;
        work.progress_user = &s;
        memset(&s, 0, sizeof s);
        work.cancel = s.cancel = annoy_cancel_new();
        FAILS(ANNOY_ERR_CANCELLED, "cancelled",
              add_rows(index, NULL, ANNOY_ELEMENT_F16, rows, N, WIDE, 0, &work, &error));
        CHECK(s.calls == 1 && annoy_get_n_items(index) == 1);
        /* Set before it begins, also for one row. */
        FAILS(ANNOY_ERR_CANCELLED, "cancelled",
              add_rows(index, &first, ANNOY_ELEMENT_F16, rows, 1, WIDE, 0, &work, &error));
        CHECK(s.calls == 1 && annoy_get_n_items(index) == 1);
        OK(annoy_get_item(index, 0, out, WIDE, &error));
        CHECK(out[0] == 0);
        annoy_cancel_free(s.cancel);
    }
    memset(&s, 0, sizeof s);
    work.cancel = NULL;
    OK(add_rows(index, NULL, ANNOY_ELEMENT_F16, rows, N, WIDE, 0, &work, &error));
    CHECK(annoy_get_n_items(index) == N + 1 && s.calls > 1 && s.done == N && s.total == N);
    OK(annoy_get_item(index, N, out, WIDE, &error));
    CHECK(out[0] == 1 && out[WIDE - 1] == 1);
    work.reserved = 1;
    FAILS(ANNOY_ERR_ARGUMENT, "reserved is 1",
          add_rows(index, &first, ANNOY_ELEMENT_F16, rows, 1, WIDE, 0, &work, &error));
    annoy_free(index);
    free(rows);
}

int main(void) {
    RUN(each_element_in_each_index);
    RUN(what_narrow_numbers_stand_for);
    RUN(ids);
    RUN(few_rows);
    RUN(fields_that_cannot_be);
    RUN(work);
    return report();
}
