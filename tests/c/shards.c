/* Directories of shards: opened as one index, which cannot be changed; the directory can. */
#include "../conformance/json.h"
#include "check.h"

#ifdef _WIN32
#include <direct.h>
#define mkdir(path, mode) _mkdir(path)
#else
#include <sys/stat.h>
#endif

#define N 40

/* A name in the directory `in`; good until the next but three. */
static const char *inside(const char *in, const char *name) {
    static char paths[4][600];
    static int next;
    char *path = paths[next = (next + 1) % 4];
    snprintf(path, sizeof paths[0], "%s/%s", in, name);
    return path;
}

/* Points from `start` on, on a line, with their places as labels. */
static void save_line(const char *path, int start, int n) {
    annoy_index *index = NULL;
    uint64_t *numbers = words(n);
    annoy_labels labels;
    int i;
    EMPTY(labels);
    OK(annoy_new(ANNOY_EUCLIDEAN, 2, &index, &error));
    for (i = 0; i < n; i++) {
        const float at[2] = {(float)(start + i), 0};
        numbers[i] = (uint64_t)(start + i);
        OK(annoy_add_item(index, i, at, 2, &error));
    }
    labels.kind = ANNOY_LABELS_U64, labels.n = (size_t)n, labels.numbers = numbers;
    OK(annoy_set_labels(index, NULL, &labels, &error));
    OK(annoy_build(index, 2, 1, &error));
    OK(annoy_save(index, path, &error));
    annoy_free(index);
    free(numbers);
}

static annoy_shard shard(const char *file) {
    annoy_shard given;
    memset(&given, 0, sizeof given);
    given.file = file;
    return given;
}

/* A directory of two shards. */
static const char *directory(const char *name) {
    static char path[500];
    annoy_shard shards[2];
    uint64_t generation = 0;
    snprintf(path, sizeof path, "%s", in_scratch(name));
    CHECK(mkdir(path, 0777) == 0);
    save_line(inside(path, "a.ann"), 0, 15);
    save_line(inside(path, "b.ann"), 15, N - 15);
    shards[0] = shard("a.ann"), shards[1] = shard("b.ann");
    OK(annoy_commit_shards(path, shards, 2, 0, 0, &generation, &error));
    CHECK(generation == 1);
    return path;
}

TEST(looks_like_one_index) {
    const char *path = directory("one.annd");
    annoy_index *index = NULL;
    const float query[2] = {16.2f, 0};
    const size_t second = 1;
    int64_t ids[3], items[2] = {14, 39}, found = -1;
    float distances[3], vector[2];
    double distance = 0;
    uint64_t labels[3], generation = 0, bits = ~(UINT64_C(1) << 16);
    size_t n = 0, n_missing = 9;
    annoy_search_options options;
    annoy_results results;
    annoy_vectors queries;
    annoy_info info;
    annoy_options made;
    EMPTY(options), EMPTY(results), EMPTY(queries), EMPTY(info), EMPTY(made);
    OK(annoy_open(path, 0, &index, &error));
    CHECK(annoy_get_n_items(index) == N && annoy_get_n_trees(index) == 4 && annoy_get_f(index) == 2);
    CHECK(annoy_get_fact(index, ANNOY_FACT_METRIC) == ANNOY_EUCLIDEAN);
    CHECK(annoy_get_fact(index, ANNOY_FACT_N_SHARDS) == 2 && annoy_get_fact(index, ANNOY_FACT_N_MISSING) == 0);
    CHECK(annoy_get_fact(index, ANNOY_FACT_GENERATION) == 1 && annoy_get_fact(index, 99) == 0);
    CHECK(kind_of(index) == ANNOY_LABELS_U64 && annoy_get_fact(index, ANNOY_FACT_N_LABELS) == N);
    OK(annoy_get_options(index, &made, &error));
    CHECK(made.f == 2 && made.scalar == ANNOY_F32);
    OK(annoy_get_info(index, &info, &error));
    CHECK(info.n_items == N && info.n_present == N && info.is_described == 1);
    OK(annoy_get_nns_by_vector(index, query, 2, 3, -1, ids, distances, &n, &error));
    CHECK(n == 3 && ids[0] == 16 && ids[1] == 17 && ids[2] == 15);
    OK(annoy_get_nns_by_item(index, 14, 3, -1, ids, distances, &n, &error));
    CHECK(n == 3 && ids[0] == 14 && ids[1] == 13 && ids[2] == 15 && distances[2] == 1);
    OK(annoy_get_item(index, 39, vector, 2, &error));
    CHECK(vector[0] == 39);
    OK(annoy_get_distance(index, 3, 39, &distance, &error));
    CHECK(distance == 36);
    OK(annoy_get_labels_u64(index, ids, 3, labels, NULL, &error));
    CHECK(labels[0] == 14 && labels[1] == 13 && labels[2] == 15);
    OK(annoy_find_label_u64(index, 30, &found, &error));
    CHECK(found == 30);
    FAILS(ANNOY_ERR_LABEL, "40", annoy_find_label_u64(index, N, &found, &error));
    FAILS(ANNOY_ERR_ITEM, "0 to 39", annoy_get_item(index, N, vector, 2, &error));
    OK(annoy_verify(index, NULL, 0, &n, NULL, &error));
    OK(annoy_verify_file(path, NULL, 0, &n, NULL, &error));
    queries.data = (void *)(uintptr_t)query, queries.n = 1, queries.len = 2;
    results.ids = ids, results.n = 2, results.n_missing = &n_missing, results.generation = &generation;
    options.bitmap = &bits, options.bitmap_bits = N;
    OK(annoy_search(index, &queries, &options, &results, NULL, &error));
    CHECK(ids[0] == 17 && ids[1] == 15 && n_missing == 0 && generation == 1);
    options.shards = &second, options.n_shards = 1;
    OK(annoy_search_items(index, items, 1, &options, &results, NULL, &error));
    CHECK(ids[0] == 15 && ids[1] == 17);
    options.n_shards = 1, options.shards = &n_missing, n_missing = 2;
    FAILS(ANNOY_ERR_ARGUMENT, "place of a shard is 2", annoy_search_items(index, items, 1, &options, &results, NULL, &error));
    annoy_free(index);
    /* Shards are chosen of an index that has some. */
    OK(annoy_open(inside(path, "a.ann"), 0, &index, &error));
    options.bitmap = NULL, options.bitmap_bits = 0, options.shards = &second;
    FAILS(ANNOY_ERR_ARGUMENT, "shards", annoy_search_items(index, items, 1, &options, &results, NULL, &error));
    FAILS(ANNOY_ERR_STATE, "single file", annoy_refresh(index, NULL, &error));
    annoy_free(index);
}

TEST(cannot_be_changed) {
    const char *path = directory("fixed.annd"), *why = "a directory of shards";
    annoy_index *index = NULL;
    const float at[2] = {1, 1};
    double recall = 0;
    OK(annoy_open(path, ANNOY_UNLOCKED | ANNOY_LOAD_COPY, &index, &error));
    FAILS(ANNOY_ERR_STATE, why, annoy_add_item(index, 3, at, 2, &error));
    FAILS(ANNOY_ERR_STATE, why, annoy_remove_item(index, 3, &error));
    FAILS(ANNOY_ERR_STATE, why, annoy_unload(index, &error));
    FAILS(ANNOY_ERR_STATE, why, annoy_set_seed(index, 3, &error));
    FAILS(ANNOY_ERR_STATE, why, annoy_save(index, in_scratch("no.ann"), &error));
    FAILS(ANNOY_ERR_STATE, why, annoy_estimate_recall(index, 3, 3, -1, 0, NULL, &recall, &error));
    CHECK(annoy_get_n_items(index) == N);
    OK(annoy_close(index, &error));
    CHECK(annoy_get_n_items(index) == 0);
    annoy_free(index);
}

TEST(takes_up_what_is_new) {
    const char *path = directory("new.annd");
    annoy_index *index = NULL, *partial = NULL;
    const int64_t gone[2] = {0, 5};
    annoy_shard shards[3];
    uint64_t generation = 0;
    int64_t ids[50];
    size_t n = 0;
    OK(annoy_open(path, 0, &index, &error));
    save_line(inside(path, "c.ann"), N, 10);
    shards[0] = shard("a.ann"), shards[1] = shard("b.ann"), shards[2] = shard("c.ann");
    shards[1].removed = gone, shards[1].n_removed = 2, shards[2].partition = "late";
    FAILS(ANNOY_ERR_STATE, "another writer was first", annoy_commit_shards(path, shards, 3, 0, 0, &generation, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "it names the file \"../a.ann\"",
          (shards[0] = shard("../a.ann"), annoy_commit_shards(path, shards, 3, 1, 0, &generation, &error)));
    shards[0] = shard("a.ann");
    OK(annoy_refresh(index, &generation, &error));
    CHECK(generation == 1);
    OK(annoy_commit_shards(path, shards, 3, 1, 1, &generation, &error));
    CHECK(generation == 2 && annoy_get_n_items(index) == N);
    OK(annoy_refresh(index, NULL, &error));
    CHECK(annoy_get_n_items(index) == N + 10 && annoy_get_fact(index, ANNOY_FACT_N_REMOVED) == 2);
    CHECK(annoy_is_removed(index, 15) && annoy_is_removed(index, 20) && !annoy_has_item(index, 20));
    CHECK(annoy_has_item(index, N + 9));
    OK(annoy_get_ids(index, ids, 50, &n, &error));
    CHECK(n == N + 8 && ids[15] == 16);
    FAILS(ANNOY_ERR_TOO_SMALL, "48", annoy_get_ids(index, ids, 47, &n, &error));
    CHECK(remove(inside(path, "a.ann")) == 0);
    FAILS(ANNOY_ERR_IO, "a.ann", annoy_open(path, 0, &partial, &error));
    OK(annoy_open(path, ANNOY_OPEN_PARTIAL, &partial, &error));
    CHECK(annoy_get_fact(partial, ANNOY_FACT_N_MISSING) == 1 && annoy_get_n_items(partial) == N + 10);
    OK(annoy_get_nns_by_item(partial, N, 3, -1, ids, NULL, &n, &error));
    CHECK(n == 3 && ids[0] == N);
    /* What was open before still has it. */
    OK(annoy_get_nns_by_item(index, 3, 1, -1, ids, NULL, &n, &error));
    CHECK(n == 1 && ids[0] == 3);
    annoy_free(partial);
    annoy_free(index);
}

/* What a search found, against a row of ids and distances. */
static void same(const json *row, const int64_t *ids, const float *distances, size_t n) {
    const json *id = json_get(row, "ids")->first, *distance = json_get(row, "distances")->first;
    size_t i;
    CHECK(n == json_get(row, "ids")->n);
    for (i = 0; i < n && id && distance; i++, id = id->next, distance = distance->next)
        CHECK(ids[i] == json_int64(id) && distances[i] == (float)json_double(distance));
}

/* tests/conformance/shards: what Rust made, and finds in it. */
TEST(conforms) {
    char *text = NULL;
    json *all = json_file(CONFORMANCE "/shards/answers.json", &text), *search, *query, *item, *row;
    annoy_index *index = NULL;
    int64_t ids[64];
    float vector[8], distances[64];
    double distance = 0;
    size_t n_found = 0, f = (size_t)json_int64(json_get(all, "f")), i;
    OK(annoy_open(CONFORMANCE "/shards/three.annd", 0, &index, &error));
    CHECK(annoy_get_n_items(index) == json_int64(json_get(all, "n_items")));
    CHECK(annoy_get_fact(index, ANNOY_FACT_N_SHARDS) == json_int64(json_get(all, "n_shards")));
    CHECK(annoy_get_fact(index, ANNOY_FACT_GENERATION) == json_int64(json_get(all, "generation")));
    CHECK(annoy_get_fact(index, ANNOY_FACT_N_LABELS) == json_int64(json_get(all, "n_labels")));
    CHECK(annoy_get_fact(index, ANNOY_FACT_N_REMOVED) == json_int64(json_get(all, "n_removed")));
    OK(annoy_get_distance(index, 3, 184, &distance, &error));
    CHECK(distance == json_double(json_get(all, "distance")));
    for (search = json_get(all, "searches")->first; search; search = search->next) {
        const size_t n = (size_t)json_int64(json_get(search, "n"));
        const int64_t search_k = json_int64(json_get(search, "search_k"));
        row = json_get(search, "by_vector")->first;
        for (query = json_get(all, "queries")->first; query; query = query->next, row = row->next) {
            const json *number = query->first;
            for (i = 0; i < f; i++, number = number->next) vector[i] = (float)json_double(number);
            OK(annoy_get_nns_by_vector(index, vector, f, n, search_k, ids, distances, &n_found, &error));
            same(row, ids, distances, n_found);
        }
        row = json_get(search, "by_item")->first;
        for (item = json_get(all, "items")->first; item; item = item->next, row = row->next) {
            OK(annoy_get_nns_by_item(index, json_int64(item), n, search_k, ids, distances, &n_found, &error));
            same(row, ids, distances, n_found);
        }
    }
    annoy_free(index);
    json_free(all);
    free(text);
}

int main(void) {
    RUN(conforms);
    RUN(looks_like_one_index);
    RUN(cannot_be_changed);
    RUN(takes_up_what_is_new);
    return report();
}
