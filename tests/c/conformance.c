/* The cases of tests/conformance, which every binding runs (see its README.md). */
#define _XOPEN_SOURCE 700 /* popen */
#include "check.h"

#include "../conformance/json.h"

#include <dirent.h>

/* The index of the case that runs, and the step that it takes. */
static annoy_index *index_here;
static int case_number;
static const json *step;

static int called(const char *call) { return strcmp(json_get(step, "call")->text, call) == 0; }
static int64_t integer(const char *name) { return json_int64(json_get(step, name)); }
static int has(const char *name) { return json_find(step, name) != NULL; }
static const char *file(void) {
    char name[256];
    snprintf(name, sizeof name, "%d-%s", case_number, json_get(step, "file")->text);
    return in_scratch(name);
}
static int is_f64(void) { return made_with(index_here).scalar == ANNOY_F64; }

/* One vector, or many rows, of what the index takes. */
typedef struct {
    annoy_element element;
    void *data;
    size_t n_rows, len;
} vectors;

static vectors read_rows(const json *list, int are_words) {
    vectors v;
    const json *row, *one;
    size_t i = 0;
    v.element = are_words ? ANNOY_ELEMENT_BITS : is_f64() ? ANNOY_ELEMENT_F64 : ANNOY_ELEMENT_F32;
    v.n_rows = list->n;
    v.len = list->n ? list->first->n : annoy_get_f(index_here);
    v.data = exactly(v.n_rows * v.len * (v.element == ANNOY_ELEMENT_F32 ? sizeof(float) : sizeof(double)));
    if (!list->n && are_words) v.len = (v.len + 63) / 64;
    for (row = list->first; row; row = row->next)
        for (one = row->first; one; one = one->next, i++)
            if (are_words) ((uint64_t *)v.data)[i] = json_word(one);
            else if (is_f64()) ((double *)v.data)[i] = json_double(one);
            else ((float *)v.data)[i] = (float)json_double(one);
    return v;
}

/* The step's vector or words, as one row. */
static vectors read_vector(void) {
    json row = *json_get(step, has("words") ? "words" : "vector"), list;
    memset(&list, 0, sizeof list);
    row.next = NULL;
    list.n = 1;
    list.first = &row;
    return read_rows(&list, has("words"));
}

static int64_t *read_ids(const json *list) {
    int64_t *ids = int64s(list ? list->n : 0);
    const json *one = list ? list->first : NULL;
    size_t i;
    for (i = 0; one; one = one->next, i++) ids[i] = json_int64(one);
    return ids;
}

/* What a step expects. Nothing is compared where the call failed. */
static annoy_status status;

static const json *expected(const char *name) {
    const json *expect = json_find(step, "expect");
    return status == ANNOY_OK && expect ? json_get(expect, name) : NULL;
}
static void expect_number(const char *name, double found) {
    const json *value = expected(name);
    CHECK(!value || json_double(value) == found);
}
static void expect_text(const char *name, const char *found, size_t length) {
    const json *value = expected(name);
    CHECK(!value || (value->kind == '"' && strlen(value->text) == length && memcmp(value->text, found, length) == 0));
}
/* Distances are in one of `floats` and `doubles`, ids in `ids`: whichever there is. */
static void expect_list(const json *list, size_t n, const int64_t *ids, const float *floats, const double *doubles) {
    const json *one;
    size_t i = 0;
    if (!list) return;
    CHECK(list->n == n);
    for (one = list->first; one && i < n; one = one->next, i++)
        CHECK(ids ? json_int64(one) == ids[i] : json_double(one) == (doubles ? doubles[i] : (double)floats[i]));
}

static void add_items(void) {
    const int are_words = has("word_rows");
    vectors v = read_rows(json_get(step, are_words ? "word_rows" : "rows"), are_words);
    int64_t *ids = read_ids(json_find(step, "ids"));
    const int64_t *given = has("ids") ? ids : NULL;
    status = add_rows(index_here, given, v.element, v.data, v.n_rows, v.len, 0, NULL, &error);
    free(ids);
    free(v.data);
}

static void add_item(void) {
    vectors v = read_vector();
    if (v.element == ANNOY_ELEMENT_F32)
        status = annoy_add_item(index_here, integer("item"), (const float *)v.data, v.len, &error);
    else status = add_one(index_here, integer("item"), v.element, v.data, v.len, &error);
    free(v.data);
}

static void save(void) {
    const char *path = file();
#ifdef _WIN32
    /* Windows has no command for it. The Rust tests compare the checksums. */
    status = annoy_save(index_here, path, &error);
#else
    char command[2048], sum[65] = "";
    FILE *pipe;
    status = annoy_save(index_here, path, &error);
    if (!expected("sha256")) return;
    snprintf(command, sizeof command, "sha256sum '%s'", path);
    pipe = popen(command, "r");
    CHECK(pipe && fread(sum, 1, 64, pipe) == 64);
    if (pipe) pclose(pipe);
    expect_text("sha256", sum, 64);
#endif
}

static void open_index(void) {
    annoy_index *opened = NULL;
    status = annoy_open(file(), 0, &opened, &error);
    if (status != ANNOY_OK) return;
    annoy_free(index_here);
    index_here = opened;
}

static void counts(void) {
    static const char *const scalars[] = {"", "f32", "f64", "u64", "u32", "u8"};
    const char *metric = annoy_metric_name((annoy_metric)annoy_get_fact(index_here, ANNOY_FACT_METRIC));
    const char *scalar = scalars[made_with(index_here).scalar];
    expect_number("n_items", (double)annoy_get_n_items(index_here));
    expect_number("n_trees", (double)annoy_get_n_trees(index_here));
    expect_number("f", (double)annoy_get_f(index_here));
    expect_number("id_bits", made_with(index_here).id_bits);
    expect_text("metric", metric, strlen(metric));
    expect_text("scalar", scalar, strlen(scalar));
}

static void metadata(void) {
    char text[256] = "";
    size_t length = 0;
    if (called("set_metadata")) {
        const char *given = json_get(step, "text")->text;
        status = annoy_set_metadata(index_here, given, strlen(given), &error);
    } else {
        status = annoy_get_metadata(index_here, text, sizeof text, &length, &error);
        expect_text("text", text, length);
    }
}

static void get_item(void) {
    const size_t f = annoy_get_f(index_here), n_words = (f + 63) / 64;
    const int64_t item = integer("item");
    if (strcmp(json_get(step, "as")->text, "words") == 0) {
        uint64_t *found = words(n_words);
        const json *list, *one;
        size_t i = 0;
        status = get_one(index_here, item, ANNOY_ELEMENT_BITS, found, n_words, &error);
        list = expected("words");
        CHECK(!list || list->n == n_words);
        for (one = list ? list->first : NULL; one; one = one->next, i++) CHECK(json_word(one) == found[i]);
        free(found);
    } else if (is_f64()) {
        double *found = doubles(f);
        status = get_one(index_here, item, ANNOY_ELEMENT_F64, found, f, &error);
        expect_list(expected("vector"), f, NULL, NULL, found);
        free(found);
    } else {
        float *found = floats(f);
        status = annoy_get_item(index_here, item, found, f, &error);
        expect_list(expected("vector"), f, NULL, found, NULL);
        free(found);
    }
}

static void get_distance(void) {
    double distance = 0;
    status = annoy_get_distance(index_here, integer("i"), integer("j"), &distance, &error);
    expect_number("distance", distance);
}

/* An annoy_search_options of the step, and what it points to. */
typedef struct {
    annoy_search_options c;
    annoy_work work;
    int64_t *exclude;
    uint64_t *bitmap;
} search_options;

static search_options read_options(void) {
    search_options options;
    const json *one = json_get(step, "options")->first;
    memset(&options, 0, sizeof options);
    options.c.struct_size = sizeof options.c;
    options.work.struct_size = sizeof options.work;
    for (; one; one = one->next) {
        const char *name = one->name;
        if (strcmp(name, "search_k") == 0) options.c.search_k = json_int64(one);
        else if (strcmp(name, "n_threads") == 0) options.work.n_threads = (int32_t)json_int64(one);
        else if (strcmp(name, "exclude_self") == 0) options.c.flags |= ANNOY_SEARCH_EXCLUDE_SELF;
        else if (strcmp(name, "exact") == 0) options.c.method = ANNOY_METHOD_EXACT;
        else if (strcmp(name, "max_distance") == 0) {
            options.c.flags |= ANNOY_SEARCH_MAX_DISTANCE;
            options.c.max_distance = json_double(one);
        } else if (strcmp(name, "exclude") == 0) {
            options.c.exclude = options.exclude = read_ids(one);
            options.c.n_exclude = one->n;
        } else if (strcmp(name, "allow") == 0 || strcmp(name, "deny") == 0) {
            const size_t n = strlen(one->text);
            size_t i;
            if (*name == 'd') options.c.flags |= ANNOY_SEARCH_DENY;
            options.c.bitmap = options.bitmap = words((n + 63) / 64);
            options.c.bitmap_bits = n;
            memset(options.bitmap, 0, (n + 63) / 64 * sizeof(uint64_t));
            for (i = 0; i < n; i++)
                if (one->text[i] == '1') options.bitmap[i / 64] |= UINT64_C(1) << i % 64;
        } else json_wrong(name);
    }
    return options;
}

static void free_options(search_options *options) {
    free(options->exclude);
    free(options->bitmap);
}

/* One query: with options for "search", without for the calls that Annoy has too. Those take and
   give floats; where the index holds others, a search that is told where to stop does the same; a
   search_k of 0 finds nothing there. */
static void search(void) {
    const int told = called("search"), item = has("item");
    const int64_t search_k = told ? -1 : integer("search_k"), id = item ? integer("item") : 0;
    const size_t n = search_k == 0 ? 0 : (size_t)integer("n");
    const annoy_element near_element = is_f64() ? ANNOY_ELEMENT_F64 : ANNOY_ELEMENT_F32;
    int64_t *ids = int64s(n);
    float *near = floats(n);
    double *near_f64 = doubles(n);
    void *distances = is_f64() ? (void *)near_f64 : near;
    size_t found = 0;
    search_options options;
    vectors v;
    memset(&v, 0, sizeof v);
    memset(&options, 0, sizeof options);
    if (!item) v = read_vector();
    if (told) options = read_options();
    else options.c = looking_at(search_k);
    if (!told && item && !is_f64()) {
        status = annoy_get_nns_by_item(index_here, id, n, search_k, ids, near, &found, &error);
    } else if (item) {
        status = find_item(index_here, id, n, &options.c, ids, near_element, distances, &found, &error);
    } else if (!told && v.element == ANNOY_ELEMENT_F32) {
        const float *query = (const float *)v.data;
        status = annoy_get_nns_by_vector(index_here, query, v.len, n, search_k, ids, near, &found, &error);
    } else {
        status = find_one(index_here, v.element, v.data, v.len, n, &options.c, ids, distances, &found, &error);
    }
    expect_list(expected("ids"), found, ids, NULL, NULL);
    expect_list(expected("distances"), found, NULL, near, is_f64() ? near_f64 : NULL);
    free(ids);
    free(near);
    free(near_f64);
    free_options(&options);
    free(v.data);
}

static void search_batch(void) {
    const size_t n = (size_t)integer("n");
    const int items = has("items"), are_words = has("word_rows"), f64 = is_f64();
    const json *queries = json_get(step, items ? "items" : are_words ? "word_rows" : "rows");
    const size_t n_queries = queries->n;
    int64_t *ids = int64s(n_queries * n), *given = read_ids(items ? queries : NULL);
    float *near = floats(n_queries * n);
    double *near_f64 = doubles(n_queries * n);
    void *distances = f64 ? (void *)near_f64 : near;
    size_t *found = (size_t *)exactly(n_queries * sizeof(size_t)), i;
    search_options options = read_options();
    const json *ids_of, *near_of;
    vectors v;
    memset(&v, 0, sizeof v);
    if (!items) v = read_rows(queries, are_words);
    if (items)
        status = find_items(index_here, given, n_queries, n, &options.c, ids,
                            f64 ? ANNOY_ELEMENT_F64 : ANNOY_ELEMENT_F32, distances, found, &options.work, &error);
    else
        status = find_rows(index_here, v.element, v.data, n_queries, v.len, 0, n, &options.c, ids, distances, found,
                           &options.work, &error);
    ids_of = expected("ids");
    near_of = expected("distances");
    if (ids_of) {
        CHECK(ids_of->n == n_queries && near_of->n == n_queries);
        ids_of = ids_of->first;
        near_of = near_of->first;
        for (i = 0; i < n_queries && ids_of && near_of; i++, ids_of = ids_of->next, near_of = near_of->next) {
            expect_list(ids_of, found[i], ids + i * n, NULL, NULL);
            expect_list(near_of, found[i], NULL, near + i * n, f64 ? near_f64 + i * n : NULL);
        }
    }
    free(ids);
    free(given);
    free(near);
    free(near_f64);
    free(found);
    free_options(&options);
    free(v.data);
}

/* The labels of a step, and what they point to. */
typedef struct {
    annoy_labels c;
    uint64_t *numbers;
    size_t *offsets;
    char *bytes;
} labels;

static labels read_labels(void) {
    const json *list = json_get(step, "labels"), *one;
    const int are_text = list->n && list->first->kind == '"';
    size_t i = 0, length = 0;
    labels read;
    read.numbers = words(list->n);
    read.offsets = (size_t *)exactly((list->n + 1) * sizeof(size_t));
    for (one = list->first; are_text && one; one = one->next) length += strlen(one->text);
    read.bytes = (char *)exactly(length);
    read.offsets[0] = 0;
    for (one = list->first; one; one = one->next, i++) {
        const size_t size = are_text ? strlen(one->text) : 0;
        if (are_text) memcpy(read.bytes + read.offsets[i], one->text, size);
        else read.numbers[i] = json_uint64(one);
        read.offsets[i + 1] = read.offsets[i] + size;
    }
    read.c = are_text ? texts_of(read.bytes, read.offsets, list->n) : numbers_of(read.numbers, list->n);
    return read;
}

static void free_labels(labels *read) {
    free(read->numbers);
    free(read->offsets);
    free(read->bytes);
}

static void set_labels(void) {
    int64_t *ids = read_ids(json_find(step, "ids"));
    labels given = read_labels();
    status = annoy_set_labels(index_here, has("ids") ? ids : NULL, &given.c, &error);
    free(ids);
    free_labels(&given);
}

static void insert_items(void) {
    const int are_words = has("word_rows");
    vectors v = read_rows(json_get(step, are_words ? "word_rows" : "rows"), are_words);
    const annoy_vectors rows = rows_of(v.element, v.data, v.n_rows, v.len, 0);
    int64_t *ids = read_ids(json_find(step, "ids"));
    labels given;
    memset(&given, 0, sizeof given);
    if (has("labels")) given = read_labels();
    status = annoy_insert(index_here, has("ids") ? ids : NULL, &rows, has("labels") ? &given.c : NULL,
                          has("replace") ? ANNOY_INSERT_REPLACE : 0, NULL, &error);
    free(ids);
    free_labels(&given);
    free(v.data);
}

static void get_labels(void) {
    const json *list = json_get(step, "ids"), *one;
    int64_t *ids = read_ids(list);
    const size_t n = list->n;
    const int numbers = kind_of(index_here) == ANNOY_LABELS_U64;
    uint64_t *labels = words(n);
    uint8_t *found = (uint8_t *)exactly(n);
    char *texts = NULL, *text;
    int64_t *lens = int64s(n);
    size_t i = 0, room = 0;
    if (numbers) {
        status = annoy_get_labels_u64(index_here, ids, n, labels, found, &error);
    } else {
        status = annoy_get_labels(index_here, ids, n, NULL, 0, lens, &room, &error);
        texts = (char *)exactly(room);
        if (status == ANNOY_ERR_TOO_SMALL)
            status = annoy_get_labels(index_here, ids, n, texts, room, lens, &room, &error);
    }
    text = texts;
    one = expected("labels");
    CHECK(!one || one->n == n);
    for (one = one ? one->first : NULL; one && i < n; one = one->next, i++) {
        if (one->kind == 'n') CHECK(numbers ? !found[i] : lens[i] == -1);
        else if (numbers) CHECK(found[i] && one->kind != '"' && labels[i] == json_uint64(one));
        else CHECK(lens[i] == (int64_t)strlen(one->text) && memcmp(text, one->text, strlen(one->text)) == 0);
        if (!numbers && lens[i] > 0) text += lens[i];
    }
    free(ids);
    free(labels);
    free(found);
    free(texts);
    free(lens);
}

/* set_label and find_label, of strings and of numbers. */
static void label(void) {
    const json *given = json_get(step, "label");
    int64_t item = -1;
    if (given->kind == '"') {
        const size_t length = strlen(given->text);
        if (called("set_label")) status = set_text(index_here, integer("item"), given->text, length, &error);
        else status = annoy_find_label(index_here, given->text, length, &item, &error);
    } else if (called("set_label")) {
        status = set_number(index_here, integer("item"), json_uint64(given), &error);
    } else {
        status = annoy_find_label_u64(index_here, json_uint64(given), &item, &error);
    }
    if (called("find_label")) expect_number("item", (double)item);
}

static void label_counts(void) {
    static const char *const kinds[] = {"none", "u64", "utf8"};
    const char *kind = kinds[kind_of(index_here)];
    expect_text("kind", kind, strlen(kind));
    expect_number("n_labels", (double)annoy_get_fact(index_here, ANNOY_FACT_N_LABELS));
    expect_number("n_removed", (double)annoy_get_fact(index_here, ANNOY_FACT_N_REMOVED));
}

static void is_removed(void) {
    const json *value = expected("removed");
    CHECK(!value || (value->kind == 't') == (annoy_is_removed(index_here, integer("item")) == 1));
}

static void has_items(void) {
    const json *list = json_get(step, "items");
    int64_t *items = read_ids(list);
    char *present = (char *)exactly(list->n);
    size_t i;
    for (i = 0; i < list->n; i++) present[i] = annoy_has_item(index_here, items[i]) ? '1' : '0';
    expect_text("present", present, list->n);
    free(items);
    free(present);
}

static void get_ids(void) {
    const size_t capacity = (size_t)annoy_get_n_items(index_here);
    int64_t *ids = int64s(capacity);
    size_t n = 0;
    status = annoy_get_ids(index_here, ids, capacity, &n, &error);
    expect_list(expected("ids"), n, ids, NULL, NULL);
    free(ids);
}

static void estimate_recall(void) {
    double recall = -1;
    status = annoy_estimate_recall(index_here, (size_t)integer("n_sample"), (size_t)integer("n"), integer("search_k"),
                                   json_uint64(json_get(step, "seed")), NULL, &recall, &error);
    expect_number("recall", recall);
}

/* Sets `status`, and compares what came out. */
static void take_step(void) {
    status = ANNOY_OK;
    if (called("set_seed")) status = annoy_set_seed(index_here, json_uint64(json_get(step, "seed")), &error);
    else if (called("add_item")) add_item();
    else if (called("add_items")) add_items();
    else if (called("insert_items")) insert_items();
    else if (called("thaw_built")) status = annoy_thaw(index_here, ANNOY_THAW_BUILT, &error);
    else if (called("consolidate")) status = annoy_consolidate(index_here, NULL, &error);
    else if (called("compact")) status = annoy_compact(index_here, NULL, &error);
    else if (called("build"))
        status = annoy_build(index_here, (int32_t)integer("n_trees"), (int32_t)integer("n_threads"), &error);
    else if (called("unbuild")) status = annoy_unbuild(index_here, &error);
    else if (called("unload")) status = annoy_unload(index_here, &error);
    else if (called("on_disk_build")) status = annoy_on_disk_build(index_here, file(), &error);
    else if (called("save")) save();
    else if (called("load")) status = annoy_load(index_here, file(), 0, &error);
    else if (called("save_and_load")) status = annoy_save_and_load(index_here, file(), 0, NULL, &error);
    else if (called("open")) open_index();
    else if (called("counts")) counts();
    else if (called("set_metadata") || called("get_metadata")) metadata();
    else if (called("verify")) {
        size_t n_faults = 0;
        status = annoy_verify(index_here, NULL, 0, &n_faults, NULL, &error);
    } else if (called("get_item")) get_item();
    else if (called("get_distance")) get_distance();
    else if (called("get_nns_by_item") || called("get_nns_by_vector") || called("search")) search();
    else if (called("search_batch")) search_batch();
    else if (called("set_label") || called("find_label")) label();
    else if (called("set_labels")) set_labels();
    else if (called("get_labels")) get_labels();
    else if (called("clear_label")) status = clear_one(index_here, integer("item"), &error);
    else if (called("clear_labels")) status = clear_all(index_here, &error);
    else if (called("label_counts")) label_counts();
    else if (called("remove_item")) status = annoy_remove_item(index_here, integer("item"), &error);
    else if (called("restore_item")) status = annoy_restore_item(index_here, integer("item"), &error);
    else if (called("is_removed")) is_removed();
    else if (called("has_items")) has_items();
    else if (called("get_ids")) get_ids();
    else if (called("estimate_recall")) estimate_recall();
    else json_wrong(json_get(step, "call")->text);
}

static annoy_index *make(const json *types) {
    annoy_options options;
    annoy_index *made = NULL;
    const char *scalar = json_get(types, "scalar")->text;
    EMPTY(options);
    OK(annoy_metric_from_name(json_get(types, "metric")->text, &options.metric, &error));
    options.scalar = strcmp(scalar, "f32") == 0   ? ANNOY_F32
                     : strcmp(scalar, "f64") == 0 ? ANNOY_F64
                     : strcmp(scalar, "u64") == 0 ? ANNOY_BITS64
                     : strcmp(scalar, "u32") == 0 ? ANNOY_BITS32
                                                  : ANNOY_BITS8;
    options.id_bits = (int32_t)json_int64(json_get(types, "id_bits"));
    options.f = (size_t)json_int64(json_get(types, "f"));
    OK(annoy_new_with(&options, &made, &error));
    return made;
}

static void run_case(const json *one, const char *path) {
    int number = 0;
    case_number++;
    index_here = make(json_get(one, "index"));
    for (step = json_get(one, "steps")->first; step; step = step->next, number++) {
        const json *wrong = json_find(step, "error");
        const int before = failed_here;
        const char *name;
        wipe_error();
        take_step();
        name = annoy_status_name(status);
        CHECK(strcmp(name, wrong ? wrong->text : "ANNOY_OK") == 0);
        CHECK(status == ANNOY_OK || (error.code == status && error.message[0]));
        if (failed_here > before)
            printf("    %s, \"%s\", step %d, %s: %s\n", path, json_get(one, "name")->text, number,
                   json_get(step, "call")->text, name);
    }
    annoy_free(index_here);
}

static void run_file(const char *path) {
    char *text;
    json *cases = json_file(path, &text);
    const json *one;
    for (one = cases->first; one; one = one->next) {
        failed_here = 0;
        run_case(one, path);
        n_tests++;
        n_failed += failed_here != 0;
    }
    json_free(cases);
    free(text);
}

int main(void) {
    DIR *directory = opendir(CONFORMANCE);
    const struct dirent *entry;
    int n_files = 0;
    while (directory && (entry = readdir(directory)) != NULL) {
        const char *end = strrchr(entry->d_name, '.');
        char path[1024];
        if (!end || strcmp(end, ".json") != 0) continue;
        snprintf(path, sizeof path, "%s/%s", CONFORMANCE, entry->d_name);
        run_file(path);
        n_files++;
    }
    if (directory) closedir(directory);
    if (n_files < 11) {
        printf("only %d files of cases in %s\n", n_files, CONFORMANCE);
        return 2;
    }
    return report();
}
