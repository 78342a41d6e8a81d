/* Searches that are told among which items to look, exact ones, batches, and calls that are given
   up. Room is of exactly the size it has to have, for AddressSanitizer and valgrind to watch. */
#include "check.h"

enum { N = 200 };

static annoy_search_options no_options(void) {
    annoy_search_options options;
    EMPTY(options);
    return options;
}

static const float origin[2] = {-0.25f, 0};

/* The ids found from just below (0, 0), as a text such as "0 1 2". */
static const char *found(const annoy_index *index, size_t n, const annoy_search_options *options) {
    static char text[4096];
    int64_t *ids = int64s(n);
    float *distances = floats(n);
    size_t n_found = 0, i;
    text[0] = 0;
    OK(find_one(index, ANNOY_ELEMENT_F32, origin, 2, n, options, ids, distances, &n_found, &error));
    CHECK(n_found <= n);
    for (i = 0; i < n_found; i++) {
        sprintf(text + strlen(text), i ? " %d" : "%d", (int)ids[i]);
        CHECK(fabs(distances[i] - ((double)ids[i] + 0.25)) < 1e-4);
    }
    free(ids);
    free(distances);
    return text;
}
#define FOUND(text, n, options) CHECK(strcmp(found(index, (n), (options)), (text)) == 0)

static int32_t even(void *user, int64_t item) {
    ++*(int *)user;
    return item % 2 == 0;
}

TEST(each_option) {
    annoy_index *index = line_of(N, 5);
    annoy_search_options options = no_options();
    int64_t *exclude = int64s(3);
    uint64_t *bitmap = words((N + 63) / 64);
    int asked = 0;
    FOUND("0 1 2 3", 4, NULL);
    FOUND("0 1 2 3", 4, &options);
    options.method = ANNOY_METHOD_EXACT;
    FOUND("0 1 2 3", 4, &options);
    options.flags = ANNOY_SEARCH_MAX_DISTANCE;
    options.max_distance = 2.5;
    FOUND("0 1 2", 10, &options);
    options.max_distance = 0;
    FOUND("", 10, &options);
    options = no_options();
    exclude[0] = 3;
    exclude[1] = 0;
    exclude[2] = INT64_MIN;
    options.exclude = exclude;
    options.n_exclude = 3;
    FOUND("1 2 4 5", 4, &options);
    memset(bitmap, 0, (N + 63) / 64 * sizeof *bitmap);
    bitmap[0] = UINT64_C(1) << 5 | 1;
    bitmap[3] = UINT64_C(1) << 7;
    options = no_options();
    options.bitmap = bitmap;
    options.bitmap_bits = N;
    FOUND("0 5 199", 4, &options);
    options.flags = ANNOY_SEARCH_DENY;
    FOUND("1 2 3 4", 4, &options);
    options = no_options();
    options.filter = even;
    options.filter_user = &asked;
    FOUND("0 2 4 6", 4, &options);
    CHECK(asked > 4 && asked <= N);
    options.exclude = exclude;
    options.n_exclude = 3;
    options.bitmap = bitmap;
    options.bitmap_bits = N;
    options.flags = ANNOY_SEARCH_DENY;
    FOUND("2 4 6 8", 4, &options);
    free(exclude);
    free(bitmap);
    annoy_free(index);
}

TEST(items) {
    annoy_index *index = line_of(N, 5);
    annoy_search_options options = no_options();
    int64_t *ids = int64s(3);
    float *f32 = floats(3);
    double *f64 = doubles(3);
    size_t n = 0;
    OK(find_item(index, 50, 3, &options, ids, ANNOY_ELEMENT_F32, f32, &n, &error));
    CHECK(n == 3 && ids[0] == 50 && ids[1] == 49 && ids[2] == 51 && f32[0] == 0 && f32[2] == 1);
    options.flags = ANNOY_SEARCH_EXCLUDE_SELF;
    OK(find_item(index, 50, 3, &options, ids, ANNOY_ELEMENT_F64, f64, &n, &error));
    CHECK(n == 3 && ids[0] == 49 && ids[1] == 51 && ids[2] == 48 && f64[0] == 1 && f64[2] == 2);
    FAILS(ANNOY_ERR_ITEM, "200", find_item(index, N, 3, &options, ids, ANNOY_ELEMENT_F32, f32, &n, &error));
    free(ids);
    free(f32);
    free(f64);
    annoy_free(index);
}

TEST(options_that_cannot_be) {
    annoy_index *index = line_of(N, 5);
    annoy_search_options options;
    annoy_work work;
    uint64_t bitmap[4] = {0, 0, 0, 0};
    int64_t ids[2] = {7, 7};
    float distances[2] = {7, 7};
    size_t n = 7;
#define REFUSED(text) \
    FAILS(ANNOY_ERR_ARGUMENT, text, find_one(index, 0, origin, 2, 2, &options, ids, distances, &n, &error))
    options = no_options();
    options.struct_size--;
    REFUSED("struct_size*expected");
    options = no_options();
    options.flags = 1 << 20;
    REFUSED("flags is 0x100000");
    options = no_options();
    options.search_k = -2;
    REFUSED("search_k is -2");
    work = no_work();
    work.n_threads = -2;
    FAILS(ANNOY_ERR_ARGUMENT, "n_threads is -2",
          find_rows(index, 0, origin, 1, 2, 0, 2, NULL, ids, distances, &n, &work, &error));
    options = no_options();
    options.bitmap = bitmap;
    options.bitmap_bits = N - 1;
    REFUSED("bitmap_bits is 199, expected 200");
    options.bitmap_bits = 0;
    REFUSED("bitmap_bits is 0");
    options = no_options();
    options.flags = ANNOY_SEARCH_MAX_DISTANCE;
    options.max_distance = NAN;
    REFUSED("max_distance is NaN");
    CHECK(n == 7 && ids[0] == 7 && distances[0] == 7);
    annoy_free(index);
}

typedef struct {
    uint64_t last;
    int calls;
    annoy_cancel *cancel; /* set at the first call, if there is one */
} steps;

static void step(void *user, annoy_stage stage, uint64_t done, uint64_t total) {
    steps *s = (steps *)user;
    CHECK(stage == ANNOY_STAGE_SEARCH);
    CHECK(done > s->last && done <= total && total == 100);
    s->last = done;
    s->calls++;
    annoy_cancel_set(s->cancel);
}

TEST(batches) {
    annoy_index *index = line_of(N, 5);
    annoy_search_options options = no_options();
    annoy_work work = no_work();
    int threads, i;
    for (threads = 1; threads <= 3; threads++) {
        float *rows = floats(100 * 3 - 1), *distances = floats(100 * 2);
        int64_t *ids = int64s(100 * 2);
        size_t *n = (size_t *)exactly(100 * sizeof(size_t));
        steps s = {0, 0, NULL};
        for (i = 0; i < 100; i++) {
            rows[3 * i] = (float)i + 0.25f;
            rows[3 * i + 1] = 0;
        }
        options = no_options();
        work.n_threads = threads;
        work.progress = step;
        work.progress_user = &s;
        options.flags = ANNOY_SEARCH_MAX_DISTANCE;
        options.max_distance = 0.5;
        OK(find_rows(index, 0, rows, 100, 2, 3 * sizeof(float), 2, &options, ids, distances, n, &work, &error));
        CHECK(s.last == 100 && s.calls > 0);
        for (i = 0; i < 100; i++) {
            CHECK(n[i] == 1 && ids[2 * i] == i && distances[2 * i] == 0.25f);
            CHECK(ids[2 * i + 1] == -1 && isnan(distances[2 * i + 1]));
        }
        free(rows);
        free(distances);
        free(ids);
        free(n);
    }
    {
        int64_t items[3] = {0, 10, 199}, ids[3];
        size_t n[3];
        options = no_options();
        options.flags = ANNOY_SEARCH_EXCLUDE_SELF;
        OK(find_items(index, items, 3, 1, &options, ids, 0, NULL, n, NULL, &error));
        CHECK(ids[0] == 1 && ids[1] == 9 && ids[2] == 198);
        items[1] = N;
        FAILS(ANNOY_ERR_ITEM, "200", find_items(index, items, 3, 1, &options, ids, 0, NULL, n, NULL, &error));
    }
    {
        int64_t ids[1];
        FAILS(ANNOY_ERR_DIMENSION, "3*expected 2",
              find_rows(index, 0, origin, 1, 3, 0, 1, NULL, ids, NULL, NULL, NULL, &error));
        /* More results than memory could hold. */
        FAILS(ANNOY_ERR_ARGUMENT, "n is",
              find_rows(index, 0, origin, 3, 2, sizeof origin, SIZE_MAX / 2, NULL, ids, NULL, NULL, NULL, &error));
    }
    annoy_free(index);
}

TEST(batches_of_other_types) {
    annoy_options of;
    annoy_index *index = NULL;
    int64_t id, ids[4];
    double f64[4] = {0.25, 0, 1.25, 0}, distances[2];
    uint64_t bits[2] = {1, 6};
    float f32[2] = {0, 0};
    size_t n = 0;
    EMPTY(of);
    of.metric = ANNOY_EUCLIDEAN;
    of.scalar = ANNOY_F64;
    of.f = 2;
    OK(annoy_new_with(&of, &index, &error));
    for (id = 0; id < 9; id++) {
        double row[2] = {0, 0};
        row[0] = (double)id;
        OK(add_one(index, id, ANNOY_ELEMENT_F64, row, 2, &error));
    }
    OK(annoy_build(index, 3, 1, &error));
    OK(find_rows(index, ANNOY_ELEMENT_F64, f64, 2, 2, 0, 1, NULL, ids, distances, NULL, NULL, &error));
    CHECK(ids[0] == 0 && ids[1] == 1 && distances[0] == 0.25);
    OK(find_one(index, ANNOY_ELEMENT_F64, f64, 2, 1, NULL, ids, distances, &n, &error));
    FAILS(ANNOY_ERR_UNSUPPORTED, "", find_one(index, ANNOY_ELEMENT_F32, f32, 2, 1, NULL, ids, NULL, NULL, &error));
    annoy_free(index);
    OK(annoy_new(ANNOY_HAMMING, 3, &index, &error));
    for (id = 0; id < 8; id++) {
        uint64_t word = (uint64_t)id;
        OK(add_one(index, id, ANNOY_ELEMENT_BITS, &word, 1, &error));
    }
    OK(annoy_build(index, 3, 1, &error));
    OK(find_rows(index, ANNOY_ELEMENT_BITS, bits, 2, 1, 0, 1, NULL, ids, f32, NULL, NULL, &error));
    CHECK(ids[0] == 1 && ids[1] == 6 && f32[0] == 0);
    annoy_free(index);
}

TEST(giving_up) {
    annoy_index *index = line_of(N, 5);
    annoy_cancel *cancel = annoy_cancel_new();
    float *rows = floats(200);
    int64_t *ids = int64s(100);
    int i;
    CHECK(cancel != NULL);
    for (i = 0; i < 200; i++) rows[i] = 0;
    for (i = 0; i < 2; i++) {
        /* Half way; and before it has begun. */
        steps s = {0, 0, NULL};
        annoy_work work = no_work();
        s.cancel = cancel;
        work.n_threads = 1;
        work.cancel = cancel;
        work.progress = step;
        work.progress_user = &s;
        FAILS(ANNOY_ERR_CANCELLED, "cancelled",
              find_rows(index, 0, rows, 100, 2, 0, 1, NULL, ids, NULL, NULL, &work, &error));
        CHECK(s.calls == (i == 0));
    }
    annoy_cancel_free(cancel);
    free(rows);
    free(ids);
    annoy_free(index);
}

int main(void) {
    RUN(each_option);
    RUN(items);
    RUN(options_that_cannot_be);
    RUN(batches);
    RUN(batches_of_other_types);
    RUN(giving_up);
    return report();
}
