/* Files in memory: saving to a buffer, loading and opening one, borrowed and copied; and thawing
   what is loaded. */
#include "bytes.h"
#include "check.h"

/* 400 items of 12 numbers, 2 missing; 5 trees. */
static const char plain_file[] = GOLDEN "/euclidean-i32-f32.ann";

/* Whether the nearest to some items are the same in both. */
static int alike(const annoy_index *a, const annoy_index *b) {
    int64_t ids[2][3], item, n_items = annoy_get_n_items(a);
    size_t n[2];
    if (annoy_get_n_items(b) != n_items || annoy_get_n_trees(a) != annoy_get_n_trees(b)) return 0;
    for (item = 0; item < n_items; item += 7) {
        OK(annoy_get_nns_by_item(a, item, 3, 1000, ids[0], NULL, &n[0], &error));
        OK(annoy_get_nns_by_item(b, item, 3, 1000, ids[1], NULL, &n[1], &error));
        if (n[0] != n[1] || memcmp(ids[0], ids[1], n[0] * sizeof ids[0][0]) != 0) return 0;
    }
    return 1;
}

/* An index with labels, a removed item and metadata. */
static annoy_index *full(int n) {
    annoy_index *index = line_of(n, 3);
    OK(set_text(index, 0, "zero", 4, &error));
    OK(annoy_remove_item(index, n - 1, &error));
    OK(annoy_set_metadata(index, "about it", 8, &error));
    return index;
}

static int is_untouched(const unsigned char *bytes, size_t n) {
    size_t i;
    for (i = 0; i < n && bytes[i] == 0xA5; i++) {}
    return i == n;
}

TEST(the_bytes_are_those_of_the_file) {
    static const int counts[] = {1, 2, 100};
    const char *path = in_scratch("file.ann");
    size_t k;
    for (k = 0; k < sizeof counts / sizeof counts[0]; k++) {
        annoy_index *index = full(counts[k]);
        size_t size, in_file, room, written = 77;
        unsigned char *bytes = saved(index, k, &size), *file, *large;
        char text[96];
        OK(annoy_save(index, path, &error));
        file = read_file(path, &in_file);
        CHECK(in_file == size && memcmp(bytes + k, file, size) == 0);
        /* What is behind them stays as it is. */
        large = (unsigned char *)exactly(size + 100);
        OK(annoy_save_to_buffer(index, large, size + 100, &written, NULL, &error));
        CHECK(written == size && memcmp(large, file, size) == 0 && is_untouched(large + size, 100));
        /* Too small: both sizes are named, what is needed is told, nothing is written. */
        memset(large, 0xA5, size);
        written = 77;
        for (room = 0; room < size; room += room + 1 < size / 2 ? size / 3 : 1 + size / 8) {
            snprintf(text, sizeof text, "there is room for %d, expected %d", (int)room, (int)size);
            FAILS(ANNOY_ERR_TOO_SMALL, text,
                  annoy_save_to_buffer(index, room ? large : NULL, room, &written, NULL, &error));
            CHECK(written == size);
            written = 77;
        }
        FAILS(ANNOY_ERR_TOO_SMALL, "", annoy_save_to_buffer(index, large, size - 1, &written, NULL, &error));
        CHECK(written == size && is_untouched(large, size));
        annoy_free(index);
        free(bytes);
        free(file);
        free(large);
    }
}

TEST(what_is_not_built_is_not_saved) {
    annoy_index *index = line_of(10, 0);
    unsigned char room[64];
    size_t n = 77;
    FAILS(ANNOY_ERR_STATE, "cannot save: the index is not built", saved_size_of(index, &n, &error));
    FAILS(ANNOY_ERR_STATE, "cannot save: the index is not built",
          annoy_save_to_buffer(index, room, sizeof room, &n, NULL, &error));
    CHECK(n == 77);
    annoy_free(index);
}

TEST(borrowed_and_copied) {
    static const uint64_t flags[] = {0, ANNOY_LOAD_COPY};
    annoy_index *made = full(100);
    size_t odd, k;
    for (odd = 0; odd < 9; odd++)
        for (k = 0; k < 2; k++) {
            annoy_index *loaded = line_of(5, 0), *opened = NULL;
            char label[8];
            char metadata[8];
            size_t size, n = 77;
            int64_t item = 77;
            unsigned char *bytes = saved(made, odd, &size);
            OK(annoy_load_from_buffer(loaded, bytes + odd, size, flags[k], &error));
            OK(annoy_open_buffer(bytes + odd, size, flags[k], &opened, &error));
            /* AddressSanitizer and valgrind see reads after this. */
            if (flags[k] == ANNOY_LOAD_COPY) free(bytes);
            CHECK(annoy_get_fact(opened, ANNOY_FACT_METRIC) == ANNOY_EUCLIDEAN && annoy_get_f(opened) == 2);
            CHECK(alike(made, loaded) && alike(made, opened));
            OK(text_of(opened, 0, label, sizeof label, &n, &error));
            CHECK(n == 4 && memcmp(label, "zero", 4) == 0);
            OK(annoy_find_label(loaded, "zero", 4, &item, &error));
            CHECK(item == 0 && annoy_is_removed(loaded, 99) && annoy_get_fact(opened, ANNOY_FACT_N_REMOVED) == 1);
            OK(annoy_get_metadata(opened, metadata, sizeof metadata, &n, &error));
            CHECK(n == 8 && memcmp(metadata, "about it", 8) == 0);
            OK(annoy_verify(opened, NULL, 0, &n, NULL, &error));
            /* Changes go to memory of the index: the bytes stay as they are. */
            OK(set_text(loaded, 1, "one", 3, &error));
            OK(annoy_restore_item(loaded, 99, &error));
            CHECK(annoy_get_fact(opened, ANNOY_FACT_N_REMOVED) == 1 && annoy_get_fact(opened, ANNOY_FACT_N_LABELS) == 1);
            annoy_free(loaded);
            annoy_free(opened);
            if (flags[k] != ANNOY_LOAD_COPY) free(bytes);
        }
    annoy_free(made);
}

/* Each of these ends the borrowing: the bytes may be freed, and the index goes on. */
TEST(what_ends_the_borrowing) {
    annoy_index *made = full(100);
    const char *path = in_scratch("borrowed.ann");
    int way;
    OK(annoy_save(made, path, &error));
    for (way = 0; way < 6; way++) {
        annoy_index *index = NULL;
        float point[2] = {1, 2};
        size_t size, other_size;
        unsigned char *bytes = saved(made, 1, &size), *other = saved(made, 0, &other_size);
        OK(annoy_open_buffer(bytes + 1, size, 0, &index, &error));
        if (way == 0) OK(annoy_unload(index, &error));
        if (way == 1) OK(annoy_thaw(index, 0, &error));
        if (way == 2) OK(annoy_load(index, path, 0, &error));
        if (way == 3) OK(annoy_load_from_buffer(index, other, other_size, 0, &error));
        if (way == 4) OK(annoy_save_and_load(index, path, 0, NULL, &error));
        if (way == 5) {
            /* One that fails does not: they are still the index's, and the others are not. */
            other[0] ^= 1;
            FAILS(ANNOY_ERR_FORMAT, "the buffer is not a euclidean index of f = 2",
                  annoy_load_from_buffer(index, other, other_size - 1, 0, &error));
            free(other);
            other = NULL;
            CHECK(alike(made, index));
            OK(annoy_unload(index, &error));
        }
        memset(bytes, 0xFF, size + 1);
        free(bytes);
        if (annoy_get_n_trees(index) > 0) CHECK(alike(made, index));
        else OK(annoy_add_item(index, 3, point, 2, &error));
        annoy_free(index);
        free(other);
    }
    annoy_free(made);
}

TEST(a_file_by_annoy) {
    annoy_index *of_file = NULL, *of_bytes = NULL, *none = NULL;
    size_t size;
    unsigned char *bytes = read_file(plain_file, &size);
    OK(annoy_new(ANNOY_EUCLIDEAN, 12, &of_file, &error));
    OK(annoy_new(ANNOY_EUCLIDEAN, 12, &of_bytes, &error));
    OK(annoy_load(of_file, plain_file, 0, &error));
    OK(annoy_load_from_buffer(of_bytes, bytes, size, 0, &error));
    CHECK(alike(of_file, of_bytes));
    FAILS(ANNOY_ERR_FORMAT, "the buffer is not a file that says what it is*by Annoy itself",
          annoy_open_buffer(bytes, size, 0, &none, &error));
    CHECK(none == NULL);
    annoy_free(of_file);
    annoy_free(of_bytes);
    free(bytes);
}

/* Whatever these bytes are, loading refuses them or verifying finds fault with them, nothing
   crashes, and what thaws builds. */
static void hostile(annoy_index *index, const void *bytes, size_t size) {
    annoy_index *opened = NULL;
    annoy_status status = annoy_load_from_buffer(index, bytes, size, 0, &error);
    int64_t ids[20];
    size_t n;
    if (status != ANNOY_OK) {
        CHECK(status == ANNOY_ERR_FORMAT && has_text(error.message, "the buffer is not a euclidean index of f = 2"));
        FAILS(ANNOY_ERR_FORMAT, "the buffer is not a", annoy_open_buffer(bytes, size, 0, &opened, &error));
        CHECK(opened == NULL);
        return;
    }
    status = annoy_get_nns_by_item(index, 1, 20, 1000, ids, NULL, &n, &error);
    CHECK(status == ANNOY_OK || status == ANNOY_ERR_CORRUPT || status == ANNOY_ERR_ITEM);
    CHECK(annoy_verify(index, NULL, 0, &n, NULL, &error) == ANNOY_ERR_CORRUPT);
    status = annoy_thaw(index, 0, &error);
    CHECK(status == ANNOY_OK || status == ANNOY_ERR_CORRUPT || status == ANNOY_ERR_NOT_FINITE);
    if (status == ANNOY_OK) OK(annoy_build(index, 1, 1, &error));
    OK(annoy_unload(index, &error));
}

/* Every length they can be cut to, and every byte of them changed, in memory of
   exactly that size. */
TEST(damaged_bytes) {
    annoy_index *made = full(20), *index = line_of(0, 0);
    size_t size, at;
    unsigned char *good = saved(made, 0, &size);
    for (at = 0; at < size; at++) {
        unsigned char *bytes = (unsigned char *)exactly(at);
        memcpy(bytes, good, at);
        hostile(index, bytes, at);
        free(bytes);
    }
    for (at = 0; at < size; at++) {
        good[at] ^= 1 << at % 8;
        hostile(index, good, size);
        good[at] ^= 1 << at % 8;
    }
    annoy_free(made);
    annoy_free(index);
    free(good);
}

TEST(arguments) {
    annoy_index *made = full(10), *index = line_of(3, 0), *none = NULL;
    size_t size, n = 77;
    unsigned char *bytes = saved(made, 0, &size);
    static const uint64_t flags[] = {ANNOY_LOAD_PREFAULT, 3, 8, UINT64_MAX};
    size_t k;
    for (k = 0; k < sizeof flags / sizeof flags[0]; k++) {
        FAILS(ANNOY_ERR_ARGUMENT, "flags is 0x*expected 0 or ANNOY_LOAD_COPY",
              annoy_load_from_buffer(index, bytes, size, flags[k], &error));
        FAILS(ANNOY_ERR_ARGUMENT, "flags is 0x*expected 0 or ANNOY_LOAD_COPY",
              annoy_open_buffer(bytes, size, flags[k], &none, &error));
    }
    FAILS(ANNOY_ERR_ARGUMENT, "bytes", annoy_load_from_buffer(index, bytes, SIZE_MAX, 0, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "bytes", annoy_open_buffer(bytes, SIZE_MAX, 0, &none, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "buffer", annoy_save_to_buffer(made, bytes, SIZE_MAX, &n, NULL, &error));
    /* (NULL, 0): no bytes, and no room. */
    FAILS(ANNOY_ERR_FORMAT, "it is empty", annoy_load_from_buffer(index, NULL, 0, 0, &error));
    FAILS(ANNOY_ERR_FORMAT, "it is empty", annoy_load_from_buffer(index, NULL, 0, ANNOY_LOAD_COPY, &error));
    FAILS(ANNOY_ERR_FORMAT, "it is empty", annoy_open_buffer(NULL, 0, 0, &none, &error));
    FAILS(ANNOY_ERR_TOO_SMALL, "room for 0", annoy_save_to_buffer(made, NULL, 0, &n, NULL, &error));
    CHECK(none == NULL && n == size && annoy_get_n_items(index) == 3);
    annoy_free(made);
    annoy_free(index);
    free(bytes);
}

TEST(thawing) {
    annoy_index *made = full(100), *fresh = line_of(101, 0), *index = NULL;
    const float far[2] = {100, 0};
    unsigned char *bytes, *expected, *again;
    size_t size, n;
    /* As if it had never been built: the same bytes. */
    OK(set_text(fresh, 0, "zero", 4, &error));
    OK(annoy_remove_item(fresh, 99, &error));
    OK(annoy_set_metadata(fresh, "about it", 8, &error));
    OK(annoy_build(fresh, 4, 1, &error));
    expected = saved(fresh, 0, &n);
    bytes = saved(made, 0, &size);
    OK(annoy_open_buffer(bytes, size, 0, &index, &error));
    FAILS(ANNOY_ERR_STATE, "cannot add an item: the index is loaded", annoy_add_item(index, 100, far, 2, &error));
    OK(annoy_thaw(index, 0, &error));
    free(bytes);
    CHECK(annoy_get_n_items(index) == 100 && annoy_get_n_trees(index) == 0);
    OK(annoy_add_item(index, 100, far, 2, &error));
    OK(annoy_build(index, 4, 1, &error));
    again = saved(index, 0, &size);
    CHECK(size == n && memcmp(again, expected, n) == 0);
    /* In other states it does what annoy_unbuild does. */
    OK(annoy_thaw(index, 0, &error));
    CHECK(annoy_get_n_trees(index) == 0);
    OK(annoy_thaw(index, 0, &error));
    CHECK(annoy_get_n_items(index) == 101);
    OK(annoy_build(index, 4, 1, &error));
    free(again);
    again = saved(index, 0, &size);
    CHECK(size == n && memcmp(again, expected, n) == 0);
    annoy_free(made);
    annoy_free(fresh);
    annoy_free(index);
    free(expected);
    free(again);
}

/* A vector with an infinity in it is refused by its id, and the index stays loaded. */
TEST(thawing_what_is_not_finite) {
    annoy_index *index = NULL;
    size_t size;
    unsigned char *bytes = read_file(plain_file, &size);
    const float infinity = HUGE_VALF;
    memcpy(bytes + 300 * (16 + 12 * 4) + 16, &infinity, sizeof infinity);
    OK(annoy_new(ANNOY_EUCLIDEAN, 12, &index, &error));
    OK(annoy_load_from_buffer(index, bytes, size, 0, &error));
    FAILS(ANNOY_ERR_NOT_FINITE, "value 0 of the vector of item 300 is inf", annoy_thaw(index, 0, &error));
    CHECK(annoy_get_n_trees(index) == 5);
    annoy_free(index);
    free(bytes);
}

int main(void) {
    RUN(the_bytes_are_those_of_the_file);
    RUN(what_is_not_built_is_not_saved);
    RUN(borrowed_and_copied);
    RUN(what_ends_the_borrowing);
    RUN(a_file_by_annoy);
    RUN(damaged_bytes);
    RUN(arguments);
    RUN(thawing);
    RUN(thawing_what_is_not_finite);
    return report();
}
