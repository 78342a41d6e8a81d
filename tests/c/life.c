/* The life of an index of every metric, scalar type and id width: add, build, ask, save, load, ask
   again, unload. */
#include "check.h"

#ifdef SOME
enum { ITEMS = 30 };
#elif defined VALGRIND /* where all is some fifty times slower */
enum { ITEMS = 50 };
#else
enum { ITEMS = 150 };
#endif
enum { N = 7, TREES = 4 };

typedef struct {
    annoy_metric metric;
    annoy_scalar scalar;
    int32_t id_bits;
    size_t f;
} kind;

static int is_bits(const kind *k) { return k->metric == ANNOY_HAMMING; }

static annoy_index *make(const kind *k) { return of(k->metric, k->scalar, k->id_bits, k->f); }

/* The vectors as each of the header's types has them. */
static float *as_f32;
static double *as_f64;
static uint64_t *as_bits;

static void make_vectors(const kind *k) {
    size_t n_words = (k->f + 63) / 64, i, j;
    as_f32 = floats(ITEMS * k->f);
    as_f64 = doubles(ITEMS * k->f);
    as_bits = words(ITEMS * n_words);
    memset(as_bits, 0, ITEMS * n_words * sizeof *as_bits);
    for (i = 0; i < ITEMS; i++)
        for (j = 0; j < k->f; j++) {
            float value = random_float();
            if (is_bits(k)) value = value > 0 ? 1.0f : 0.0f;
            as_f32[i * k->f + j] = value;
            as_f64[i * k->f + j] = (double)value;
            /* The first bit is the least significant of the first word. */
            if (value > 0.5f) as_bits[i * n_words + j / 64] |= UINT64_C(1) << (j % 64);
        }
}

static void free_vectors(void) {
    free(as_f32);
    free(as_f64);
    free(as_bits);
}

/* Adds item i through one of the forms that the index has, a different one from item to item. */
static void add(const kind *k, annoy_index *index, int64_t i) {
    size_t n_words = (k->f + 63) / 64, at = (size_t)i;
    if (is_bits(k) && i % 3 == 0) OK(add_one(index, i, ANNOY_ELEMENT_BITS, as_bits + at * n_words, n_words, &error));
    else if (k->scalar == ANNOY_F64 || (is_bits(k) && i % 3 == 1))
        OK(add_one(index, i, ANNOY_ELEMENT_F64, as_f64 + at * k->f, k->f, &error));
    else OK(annoy_add_item(index, i, as_f32 + at * k->f, k->f, &error));
}

/* The distance as annoy.h words it, computed in double. */
static double distance(const kind *k, size_t a, size_t b) {
    const double *u = as_f64 + a * k->f, *v = as_f64 + b * k->f;
    double sum = 0, uu = 0, vv = 0;
    size_t j;
    for (j = 0; j < k->f; j++) {
        double d = u[j] - v[j];
        uu += u[j] * u[j];
        vv += v[j] * v[j];
        if (k->metric == ANNOY_EUCLIDEAN) sum += d * d;
        else if (k->metric == ANNOY_MANHATTAN) sum += fabs(d);
        else if (k->metric == ANNOY_HAMMING) sum += u[j] != v[j];
        else sum += u[j] * v[j];
    }
    if (k->metric == ANNOY_EUCLIDEAN) return sqrt(sum);
    if (k->metric == ANNOY_ANGULAR) return sqrt(fmax(0, 2 - 2 * sum / sqrt(uu * vv)));
    return sum;
}

/* In the square under angular's root cancellation loses digits, most of all near 0. */
static int near(double a, double b) { return fabs(a - b) <= 1e-3 + 1e-4 * fabs(b); }

typedef struct {
    int64_t ids[N];
    double distances[N];
    size_t n;
} answer;

static int same(const answer *a, const answer *b) {
    return a->n == b->n && memcmp(a->ids, b->ids, a->n * sizeof a->ids[0]) == 0 &&
           memcmp(a->distances, b->distances, a->n * sizeof a->distances[0]) == 0;
}

static void ask_by_item(const annoy_index *index, int64_t item, int64_t search_k, answer *a) {
    int64_t *ids = int64s(N);
    double *distances = doubles(N);
    float *as_float = floats(N);
    const annoy_search_options options = looking_at(search_k);
    size_t i, n = 99;
    OK(find_item(index, item, N, &options, ids, ANNOY_ELEMENT_F64, distances, &a->n, &error));
    CHECK(a->n <= N);
    if (a->n > N) a->n = N;
    memcpy(a->ids, ids, a->n * sizeof *ids);
    memcpy(a->distances, distances, a->n * sizeof *distances);
    /* The float form says the same, rounded. */
    OK(annoy_get_nns_by_item(index, item, N, search_k, ids, as_float, &n, &error));
    CHECK(n == a->n && memcmp(a->ids, ids, a->n * sizeof *ids) == 0);
    for (i = 0; i < a->n; i++) CHECK(as_float[i] == (float)a->distances[i]);
    free(ids);
    free(distances);
    free(as_float);
}

/* Asks for item's vector in each form that the index has; every form must answer as the
   question by item did. */
static void ask_by_vector(const kind *k, const annoy_index *index, int64_t item, int64_t search_k, const answer *a) {
    const annoy_search_options options = looking_at(search_k);
    size_t n_words = (k->f + 63) / 64, at = (size_t)item, n = 99, i;
    int64_t *ids = int64s(N);
    double *distances = doubles(N);
    float *as_float = floats(N);
    if (k->scalar == ANNOY_F64 || is_bits(k)) {
        OK(find_one(index, ANNOY_ELEMENT_F64, as_f64 + at * k->f, k->f, N, &options, ids, distances, &n, &error));
        CHECK(n == a->n && memcmp(a->ids, ids, a->n * sizeof *ids) == 0);
        CHECK(memcmp(a->distances, distances, a->n * sizeof *distances) == 0);
    }
    if (k->scalar != ANNOY_F64) {
        n = 99;
        OK(annoy_get_nns_by_vector(index, as_f32 + at * k->f, k->f, N, search_k, ids, as_float, &n, &error));
        CHECK(n == a->n && memcmp(a->ids, ids, a->n * sizeof *ids) == 0);
        for (i = 0; i < a->n; i++) CHECK(as_float[i] == (float)a->distances[i]);
    }
    if (is_bits(k)) {
        n = 99;
        OK(find_one(index, ANNOY_ELEMENT_BITS, as_bits + at * n_words, n_words, N, &options, ids, as_float, &n,
                    &error));
        CHECK(n == a->n && memcmp(a->ids, ids, a->n * sizeof *ids) == 0);
        for (i = 0; i < a->n; i++) CHECK((double)as_float[i] == a->distances[i]);
    }
    free(ids);
    free(distances);
    free(as_float);
}

/* What was added can be read back in every form that the index has, and in no other. */
static void read_back(const kind *k, const annoy_index *index, int64_t item) {
    size_t n_words = (k->f + 63) / 64, at = (size_t)item;
    float *f32 = floats(k->f);
    double *f64 = doubles(k->f);
    uint64_t *bits = words(n_words);
    if (k->scalar == ANNOY_F64)
        FAILS(ANNOY_ERR_UNSUPPORTED, "f32*expected f64", annoy_get_item(index, item, f32, k->f, &error));
    else {
        OK(annoy_get_item(index, item, f32, k->f, &error));
        CHECK(memcmp(f32, as_f32 + at * k->f, k->f * sizeof *f32) == 0);
    }
    if (k->scalar == ANNOY_F64 || is_bits(k)) {
        OK(get_one(index, item, ANNOY_ELEMENT_F64, f64, k->f, &error));
        CHECK(memcmp(f64, as_f64 + at * k->f, k->f * sizeof *f64) == 0);
    } else
        FAILS(ANNOY_ERR_UNSUPPORTED, "f64*expected f32", get_one(index, item, ANNOY_ELEMENT_F64, f64, k->f, &error));
    if (is_bits(k)) {
        OK(get_one(index, item, ANNOY_ELEMENT_BITS, bits, n_words, &error));
        CHECK(memcmp(bits, as_bits + at * n_words, n_words * sizeof *bits) == 0);
    } else
        FAILS(ANNOY_ERR_UNSUPPORTED, "bits*expected f",
              get_one(index, item, ANNOY_ELEMENT_BITS, bits, n_words, &error));
    free(f32);
    free(f64);
    free(bits);
}

/* All that can be asked of a built or loaded index. */
static void examine(const kind *k, const annoy_index *index, answer *answers) {
    int64_t i;
    double d;
    CHECK(annoy_get_n_items(index) == ITEMS);
    CHECK(annoy_get_n_trees(index) == TREES);
    for (i = 0; i < ITEMS; i++) {
        answer *a = &answers[i];
        double from_it[ITEMS];
        size_t j, m;
        for (m = 0; m < ITEMS; m++) from_it[m] = distance(k, (size_t)i, m);
        read_back(k, index, i);
        ask_by_item(index, i, -1, a);
        ask_by_vector(k, index, i, -1, a);
        ask_by_item(index, i, 100000, a);
        ask_by_vector(k, index, i, 100000, a);
        /* With search_k this large nothing is left out: the exact answer is known. */
        CHECK(a->n == N);
        for (j = 0; j < a->n; j++) {
            size_t closer = 0;
            int64_t id = a->ids[j];
            double mine = from_it[id];
            CHECK(near(a->distances[j], mine));
            OK(annoy_get_distance(index, i, id, &d, &error));
            CHECK(near(d, mine));
            for (m = 0; m < ITEMS; m++)
                closer += k->metric == ANNOY_DOT ? from_it[m] > mine + 2e-3 : from_it[m] < mine - 2e-3;
            CHECK(closer <= j);
        }
        if (k->metric != ANNOY_DOT) CHECK(a->distances[0] < 1e-3);
    }
}

static void live(const kind *k) {
    static answer built[ITEMS], loaded[ITEMS];
    annoy_index *index = make(k), *other = make(k);
    const char *path = in_scratch("life.ann");
    int64_t i;
    make_vectors(k);

    CHECK(annoy_get_f(index) == k->f);
    CHECK(annoy_get_fact(index, ANNOY_FACT_METRIC) == k->metric);
    CHECK(made_with(index).scalar == k->scalar);
    CHECK(made_with(index).id_bits == k->id_bits);
    CHECK(annoy_get_n_items(index) == 0 && annoy_get_n_trees(index) == 0);

    OK(annoy_set_seed(index, 7, &error));
    for (i = ITEMS - 1; i >= 0; i--) add(k, index, i);
    for (i = 0; i < 3; i++) add(k, index, i); /* again */
    OK(annoy_build(index, TREES, 2, &error));
    examine(k, index, built);

    OK(annoy_save(index, path, &error));
    examine(k, index, loaded); /* a save changes nothing */
    for (i = 0; i < ITEMS; i++) CHECK(same(&built[i], &loaded[i]));
    OK(annoy_load(other, path, 0, &error));
    examine(k, other, loaded);
    for (i = 0; i < ITEMS; i++) CHECK(same(&built[i], &loaded[i]));
    OK(annoy_unload(other, &error));
    CHECK(annoy_get_n_items(other) == 0 && annoy_get_n_trees(other) == 0 && annoy_get_f(other) == k->f);
    OK(annoy_load(other, path, ANNOY_LOAD_PREFAULT, &error));
    examine(k, other, loaded);
    for (i = 0; i < ITEMS; i++) CHECK(same(&built[i], &loaded[i]));

    OK(annoy_save_and_load(index, in_scratch("life2.ann"), 0, NULL, &error));
    FAILS(ANNOY_ERR_STATE, "", annoy_unbuild(index, &error)); /* it is a file's now */
    examine(k, index, loaded);
    for (i = 0; i < ITEMS; i++) CHECK(same(&built[i], &loaded[i]));

    /* Unloaded, both are as new: the same items give the same answers, also when built on disk. */
    OK(annoy_unload(index, &error));
    OK(annoy_on_disk_build(index, in_scratch("life3.ann"), &error));
    for (i = 0; i < ITEMS; i++) add(k, index, i);
    OK(annoy_build(index, TREES, -1, &error));
    examine(k, index, loaded);
    for (i = 0; i < ITEMS; i++) CHECK(same(&built[i], &loaded[i]));
    annoy_free(index);
    OK(annoy_load(other, in_scratch("life3.ann"), 0, &error));
    examine(k, other, loaded);
    for (i = 0; i < ITEMS; i++) CHECK(same(&built[i], &loaded[i]));
    annoy_free(other);
    free_vectors();
}

static void live_with(annoy_metric metric, annoy_scalar scalar, size_t f) {
    kind k;
    k.metric = metric;
    k.scalar = scalar;
    k.f = f;
    for (k.id_bits = 32; k.id_bits <= 64; k.id_bits += 32) live(&k);
}

/* 13 numbers fill no register; 70 bits end inside a word, of every width. */
TEST(angular_f32) { live_with(ANNOY_ANGULAR, ANNOY_F32, 13); }
TEST(angular_f64) { live_with(ANNOY_ANGULAR, ANNOY_F64, 13); }
TEST(euclidean_f32) { live_with(ANNOY_EUCLIDEAN, ANNOY_F32, 13); }
TEST(euclidean_f64) { live_with(ANNOY_EUCLIDEAN, ANNOY_F64, 13); }
TEST(manhattan_f32) { live_with(ANNOY_MANHATTAN, ANNOY_F32, 13); }
TEST(manhattan_f64) { live_with(ANNOY_MANHATTAN, ANNOY_F64, 13); }
TEST(dot_f32) { live_with(ANNOY_DOT, ANNOY_F32, 13); }
TEST(dot_f64) { live_with(ANNOY_DOT, ANNOY_F64, 13); }
TEST(hamming_bits64) { live_with(ANNOY_HAMMING, ANNOY_BITS64, 70); }
TEST(hamming_bits32) { live_with(ANNOY_HAMMING, ANNOY_BITS32, 70); }
TEST(hamming_bits8) { live_with(ANNOY_HAMMING, ANNOY_BITS8, 70); }

TEST(defaults) {
    annoy_options options;
    annoy_index *index = NULL;
    EMPTY(options);
    options.metric = ANNOY_HAMMING;
    options.f = 3;
    OK(annoy_new_with(&options, &index, &error));
    CHECK(made_with(index).scalar == ANNOY_BITS64 && made_with(index).id_bits == 32);
    annoy_free(index);
    options.metric = ANNOY_DOT;
    OK(annoy_new_with(&options, &index, &error));
    CHECK(made_with(index).scalar == ANNOY_F32 && made_with(index).id_bits == 32);
    annoy_free(index);
    OK(annoy_new(ANNOY_HAMMING, 3, &index, &error));
    CHECK(made_with(index).scalar == ANNOY_BITS64 && made_with(index).id_bits == 32 && annoy_get_f(index) == 3);
    annoy_free(index);
}

int main(void) {
    RUN(angular_f32);
    RUN(angular_f64);
    RUN(euclidean_f32);
    RUN(euclidean_f64);
    RUN(manhattan_f32);
    RUN(manhattan_f64);
    RUN(dot_f32);
    RUN(dot_f64);
    RUN(hamming_bits64);
    RUN(hamming_bits32);
    RUN(hamming_bits8);
    RUN(defaults);
    return report();
}
