/* Files that say what they are: opening, metadata, copies. GOLDEN is the directory of files by
   Annoy itself. */
#define _XOPEN_SOURCE 700 /* truncate */
#include "bytes.h"
#include "check.h"

#include <errno.h>

enum { NODE = 24 /* bytes of a node of line_of() */, MOST_METADATA = 65536 };

/* 400 items of 12 numbers, 2 missing; 5 trees. */
static const char plain_file[] = GOLDEN "/euclidean-i32-f32.ann";

/* Whether both have the same items and answers. An index of f32 cannot be read as f64, so this
   compares ids only. */
static int alike(const annoy_index *a, const annoy_index *b) {
    int64_t ids[2][5], item, n_items = annoy_get_n_items(a);
    size_t n[2];
    if (annoy_get_n_items(b) != n_items || annoy_get_n_trees(a) != annoy_get_n_trees(b)) return 0;
    for (item = 0; item < n_items; item += 7) {
        OK(annoy_get_nns_by_item(a, item, 5, 1000, ids[0], NULL, &n[0], &error));
        OK(annoy_get_nns_by_item(b, item, 5, 1000, ids[1], NULL, &n[1], &error));
        if (n[0] != n[1] || memcmp(ids[0], ids[1], n[0] * sizeof ids[0][0]) != 0) return 0;
    }
    return 1;
}

/* The message of each call that takes only a path, for a bad path. annoy_probe has its own (NULL:
   it takes the file). No output is written. */
static void refused_by_all(annoy_status status, const char *text, const char *by_probe, const char *path) {
    annoy_index *none = NULL;
    annoy_fault fault;
    annoy_kind kind;
    size_t n = 77;
    memset(&fault, 0x55, sizeof fault);
    memset(&kind, 0x55, sizeof kind);
    FAILS(status, text, annoy_open(path, 0, &none, &error));
    FAILS(status, text, annoy_open(path, ANNOY_LOAD_PREFAULT, &none, &error));
    FAILS(status, text, annoy_open(path, ANNOY_LOAD_COPY, &none, &error));
    FAILS(status, text, annoy_verify_file(path, &fault, 1, &n, NULL, &error));
    CHECK(none == NULL && n == 77 && fault.text[0] == 0x55);
    if (!by_probe) return;
    FAILS(status, by_probe, annoy_probe(path, &kind, 1, &n, &error));
    CHECK(n == 77 && kind.layout[0] == 0x55);
}

static void refused(annoy_status status, const char *text, const char *path) {
    refused_by_all(status, text, text, path);
}

TEST(opening) {
    static const struct {
        annoy_metric metric;
        annoy_scalar scalar;
        int id_bits;
        size_t f;
    } kinds[] = {
        {ANNOY_ANGULAR, ANNOY_F32, 32, 3},    {ANNOY_ANGULAR, ANNOY_F64, 64, 5},   {ANNOY_EUCLIDEAN, ANNOY_F32, 64, 2},
        {ANNOY_MANHATTAN, ANNOY_F64, 32, 1},  {ANNOY_DOT, ANNOY_F32, 32, 40},      {ANNOY_DOT, ANNOY_F64, 64, 7},
        {ANNOY_HAMMING, ANNOY_BITS64, 32, 70}, {ANNOY_HAMMING, ANNOY_BITS32, 64, 33}, {ANNOY_HAMMING, ANNOY_BITS8, 32, 9},
    };
    static const uint64_t flags[] = {0, ANNOY_LOAD_PREFAULT, ANNOY_LOAD_COPY};
    const char *path = in_scratch("opened.ann"), *again = in_scratch("again.ann");
    double vector[70];
    size_t k, i, way;
    for (k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        annoy_index *made = of(kinds[k].metric, kinds[k].scalar, kinds[k].id_bits, kinds[k].f), *opened = NULL;
        unsigned char *a, *b;
        size_t a_size, b_size;
        for (i = 0; i < 100; i++) {
            size_t j;
            float as_f32[70];
            for (j = 0; j < kinds[k].f; j++) {
                as_f32[j] = random_float();
                vector[j] = (double)as_f32[j];
            }
            if (kinds[k].scalar == ANNOY_F32) OK(annoy_add_item(made, (int64_t)i, as_f32, kinds[k].f, &error));
            else OK(add_one(made, (int64_t)i, ANNOY_ELEMENT_F64, vector, kinds[k].f, &error));
        }
        OK(annoy_set_metadata(made, "what it was made from", 21, &error));
        OK(annoy_build(made, 3, 1, &error));
        OK(annoy_save(made, path, &error));
        a = read_file(path, &a_size);
        for (way = 0; way < 3; way++) {
            OK(annoy_open(path, flags[way], &opened, &error));
            CHECK(annoy_get_fact(opened, ANNOY_FACT_METRIC) == kinds[k].metric && made_with(opened).scalar == kinds[k].scalar);
            CHECK(made_with(opened).id_bits == kinds[k].id_bits && annoy_get_f(opened) == kinds[k].f);
            CHECK(annoy_get_n_items(opened) == 100 && annoy_get_n_trees(opened) == 3 && alike(made, opened));
            OK(annoy_save(opened, again, &error));
            b = read_file(again, &b_size);
            CHECK(a_size == b_size && memcmp(a, b, a_size) == 0);
            free(b);
            FAILS(ANNOY_ERR_STATE, "the index is loaded", annoy_build(opened, 1, 1, &error));
            annoy_free(opened);
        }
        free(a);
        annoy_free(made);
    }
}

/* As small as they get, and with the file gone once it is open. */
TEST(opening_few_items) {
    const char *path = in_scratch("few.ann");
    int n;
    for (n = 0; n < 3; n++) {
        annoy_index *made = line_of(n, 2), *opened = NULL;
        OK(annoy_save(made, path, &error));
        OK(annoy_open(path, TO_BE_REPLACED, &opened, &error));
        CHECK(unlink(path) == 0);
        CHECK(annoy_get_n_items(opened) == n && annoy_get_n_trees(opened) == 2 && annoy_get_f(opened) == 2);
        annoy_free(made);
        annoy_free(opened);
    }
}

TEST(opening_a_plain_file) {
    annoy_index *loaded = of(ANNOY_EUCLIDEAN, ANNOY_F32, 32, 12), *opened = NULL;
    const char *path = in_scratch("was-plain.ann");
    annoy_info info;
    size_t n = 77;
    info.struct_size = sizeof info;
    refused_by_all(ANNOY_ERR_FORMAT, "it has no superblock, as a file by Annoy itself*metric and f must be given", NULL,
                   plain_file);
    OK(annoy_load(loaded, plain_file, 0, &error));
    OK(annoy_verify(loaded, NULL, 0, &n, NULL, &error));
    CHECK(n == 0);
    OK(annoy_get_info(loaded, &info, &error));
    CHECK(info.n_items == 400 && info.n_present == 398 && info.n_trees == 5);
    CHECK(info.is_loaded == 1 && info.is_described == 0 && info.has_seed == 0 && info.seed == 0);
    /* Saved, it says what it is. Who built it is not known. */
    OK(annoy_set_metadata(loaded, "by Annoy", 8, &error));
    OK(annoy_save(loaded, path, &error));
    OK(annoy_open(path, 0, &opened, &error));
    CHECK(alike(loaded, opened));
    OK(annoy_get_info(opened, &info, &error));
    CHECK(info.n_present == 398 && info.is_described == 1 && info.has_seed == 0);
    OK(annoy_verify_file(path, NULL, 0, &n, NULL, &error));
    CHECK(n == 0);
    annoy_free(loaded);
    annoy_free(opened);
}

TEST(opening_what_is_no_index) {
    annoy_index *index = line_of(100, 2), *none = NULL;
    const char *good = in_scratch("good.ann"), *bad = in_scratch("bad.ann");
    char text[256];
    unsigned char *bytes;
    size_t size, n;
    OK(annoy_save(index, good, &error));
    bytes = read_file(good, &size);
    refused(ANNOY_ERR_IO, "missing.ann", in_scratch("missing.ann"));
    CHECK(error.os_errno == ENOENT);
    refused(ANNOY_ERR_IO, "directory", in_scratch("."));
#ifdef _WIN32 /* where paths are UTF-8 */
    refused(ANNOY_ERR_ARGUMENT, "expected UTF-8", in_scratch("bad\xff\xfe.ann"));
#else
    refused(ANNOY_ERR_IO, "bad", in_scratch("bad\xff\xfe.ann"));
#endif
    write_file(bad, "", 0);
    refused(ANNOY_ERR_FORMAT, "bad.ann*empty", bad);
    write_file(bad, "x", 1);
    refused_by_all(ANNOY_ERR_FORMAT, "no superblock", "structure is that of no index", bad);
    /* Cut off, between two nodes and elsewhere. */
    write_file(bad, bytes, size - NODE);
    refused(ANNOY_ERR_FORMAT, "its superblock counts*nodes of 24 bytes, the file has", bad);
    write_file(bad, bytes, size - 1);
    refused_by_all(ANNOY_ERR_FORMAT, "no superblock", "structure is that of no index", bad);
    /* A bit of the superblock, of which load has the checksum. */
    bytes[100 * NODE + 90] ^= 1;
    write_file(bad, bytes, size);
    refused(ANNOY_ERR_FORMAT, "its superblock is damaged: checksum", bad);
    FAILS(ANNOY_ERR_FORMAT, "its superblock is damaged: checksum", annoy_load(index, bad, 0, &error));
    bytes[100 * NODE + 90] ^= 1;
    /* One of a later version. */
    bytes[100 * NODE + 8] = 2;
    write_file(bad, bytes, size);
    refused(ANNOY_ERR_FORMAT, "its format has version 2, this version of the library reads version 1", bad);
    free(bytes);
    /* Flags that are none. */
    for (n = 3; n < 66; n++) {
        uint64_t flags = n == 3 ? 3 : n == 65 ? UINT64_MAX : UINT64_C(1) << (n - 2);
        if (flags == ANNOY_LOAD_COPY || flags == ANNOY_UNLOCKED) continue;
        snprintf(text, sizeof text, "flags is 0x%llx, expected 0, ANNOY_LOAD_PREFAULT or ANNOY_LOAD_COPY",
                 (unsigned long long)flags);
        /* That is for annoy_open alone. */
        if (flags != ANNOY_OPEN_PARTIAL) FAILS(ANNOY_ERR_ARGUMENT, text, annoy_open(good, flags, &none, &error));
        FAILS(ANNOY_ERR_ARGUMENT, text, annoy_load(index, good, flags, &error));
        FAILS(ANNOY_ERR_ARGUMENT, text, annoy_save_and_load(index, good, flags, NULL, &error));
    }
    CHECK(none == NULL);
    CHECK(none == NULL);
    annoy_free(index);
}

/* Whether the metadata are these, asked with room for more, for just as many, and for too few. */
static void check_metadata(const annoy_index *index, const unsigned char *expected, size_t len) {
    unsigned char *room = (unsigned char *)exactly(len + 16), *exact = (unsigned char *)exactly(len);
    size_t found = 77, i;
    OK(annoy_get_metadata(index, room, len + 16, &found, &error));
    CHECK(found == len && (len == 0 || memcmp(room, expected, len) == 0));
    for (i = len; i < len + 16; i++) CHECK(room[i] == 0xA5);
    found = 77;
    OK(annoy_get_metadata(index, len ? exact : NULL, len, &found, &error));
    CHECK(found == len && (len == 0 || memcmp(exact, expected, len) == 0));
    if (len) {
        char text[64];
        memset(room, 0xA5, len);
        found = 77;
        snprintf(text, sizeof text, "there is room for %d, expected %d", (int)len - 1, (int)len);
        FAILS(ANNOY_ERR_TOO_SMALL, text, annoy_get_metadata(index, room, len - 1, &found, &error));
        CHECK(found == len);
        for (i = 0; i < len; i++)
            if (room[i] != 0xA5) break;
        CHECK(i == len);
        found = 77;
        FAILS(ANNOY_ERR_TOO_SMALL, "room for 0", annoy_get_metadata(index, NULL, 0, &found, &error));
        CHECK(found == len);
    }
    free(room);
    free(exact);
}

TEST(metadata) {
    static const size_t lengths[] = {0, 1, 63, 64, 1000, MOST_METADATA};
    const char *path = in_scratch("metadata.ann");
    unsigned char *bytes = (unsigned char *)exactly(MOST_METADATA + 1), *given;
    size_t i, k;
    for (i = 0; i <= MOST_METADATA; i++) bytes[i] = (unsigned char)(i * 7 + 1);
    for (k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
        annoy_index *index = line_of(0, 0), *opened = NULL;
        size_t len = lengths[k];
        /* In every state; the bytes are copied. */
        for (i = 0; i < 4; i++) {
            float point[2] = {1, 2};
            given = (unsigned char *)exactly(len);
            memcpy(given, bytes, len);
            OK(annoy_set_metadata(index, given, len, &error));
            free(given);
            check_metadata(index, bytes, len);
            FAILS(ANNOY_ERR_ARGUMENT, "the length of the metadata is 65537, expected 65536 at the most",
                  annoy_set_metadata(index, bytes, MOST_METADATA + 1, &error));
            FAILS(ANNOY_ERR_ARGUMENT, "18446744073709551615", annoy_set_metadata(index, bytes, SIZE_MAX, &error));
            check_metadata(index, bytes, len);
            if (i == 0) OK(annoy_add_item(index, 0, point, 2, &error));
            if (i == 1) OK(annoy_build(index, 1, 1, &error));
            if (i == 2) OK(annoy_save_and_load(index, path, TO_BE_REPLACED, NULL, &error));
        }
        OK(annoy_open(path, TO_BE_REPLACED, &opened, &error));
        check_metadata(opened, bytes, len);
        /* Replaced in a loaded file, which stays as it is until it is saved. */
        OK(annoy_set_metadata(opened, "new", 3, &error));
        check_metadata(opened, (const unsigned char *)"new", 3);
        check_metadata(index, bytes, len);
        OK(annoy_save(opened, path, &error));
        check_metadata(index, bytes, len);
        OK(annoy_load(index, path, 0, &error));
        check_metadata(index, (const unsigned char *)"new", 3);
        OK(annoy_unload(index, &error));
        check_metadata(index, NULL, 0);
        annoy_free(index);
        annoy_free(opened);
    }
    free(bytes);
}

/* Damaged metadata are not handed out: they are small, so load looks at their checksum. */
TEST(damaged_metadata) {
    annoy_index *index = line_of(10, 1), *opened = NULL;
    const char *path = in_scratch("damaged.ann");
    unsigned char *bytes;
    size_t size, at;
    OK(annoy_set_metadata(index, "needle in it", 12, &error));
    OK(annoy_save(index, path, &error));
    bytes = read_file(path, &size);
    for (at = 0; at < size - 12 && memcmp(bytes + at, "needle in it", 12) != 0; at++) {}
    CHECK(at % 64 == 0 && at < size - 12);
    bytes[at] = 'b';
    write_file(path, bytes, size);
    FAILS(ANNOY_ERR_FORMAT, "its metadata section is damaged: checksum", annoy_open(path, 0, &opened, &error));
    FAILS(ANNOY_ERR_FORMAT, "its metadata section is damaged: checksum", annoy_load(index, path, 0, &error));
    CHECK(opened == NULL);
    check_metadata(index, (const unsigned char *)"needle in it", 12);
    annoy_free(index);
    free(bytes);
}

/* The owner of the file cuts it off: a copy does not notice. (Whoever maps it would be ended
   by the system.) */
TEST(copies) {
    const char *path = in_scratch("copied.ann");
    annoy_index *index = line_of(2000, 2), *loaded = line_of(0, 0), *opened = NULL, *saved = line_of(2000, 2);
    size_t n = 77;
    OK(annoy_set_metadata(saved, "x", 1, &error));
    OK(annoy_save_and_load(saved, path, ANNOY_LOAD_COPY, NULL, &error));
    OK(annoy_load(loaded, path, ANNOY_LOAD_COPY, &error));
    OK(annoy_open(path, ANNOY_LOAD_COPY, &opened, &error));
    CHECK(truncate(path, 0) == 0);
    CHECK(alike(index, loaded) && alike(index, opened) && alike(index, saved));
    OK(annoy_verify(loaded, NULL, 0, &n, NULL, &error));
    OK(annoy_verify(opened, NULL, 0, &n, NULL, &error));
    OK(annoy_verify(saved, NULL, 0, &n, NULL, &error));
    CHECK(n == 0);
    check_metadata(opened, (const unsigned char *)"x", 1);
    refused(ANNOY_ERR_FORMAT, "empty", path);
    OK(annoy_save(opened, path, &error));
    OK(annoy_load(loaded, path, 0, &error));
    CHECK(alike(index, loaded));
    annoy_free(index);
    annoy_free(loaded);
    annoy_free(opened);
    annoy_free(saved);
}

/* Single results go wherever they are wanted; arrays have to be aligned. */
TEST(misaligned) {
    annoy_index *index = line_of(20, 1), *opened = NULL;
    const char *path = in_scratch("misaligned.ann");
    char *room = (char *)exactly(1024);
    annoy_info info;
    size_t n;
    OK(annoy_set_metadata(index, "four", 4, &error));
    OK(annoy_save(index, path, &error));
    OK(annoy_open(path, 0, (annoy_index **)(void *)(room + 1), &error));
    memcpy(&opened, room + 1, sizeof opened);
    CHECK(annoy_get_n_items(opened) == 20);
    annoy_free(opened);
    OK(annoy_get_metadata(index, room + 33, 4, (size_t *)(void *)(room + 1), &error));
    memcpy(&n, room + 1, sizeof n);
    CHECK(n == 4 && memcmp(room + 33, "four", 4) == 0);
    n = sizeof info;
    memcpy(room + 3, &n, sizeof n);
    OK(annoy_get_info(index, (annoy_info *)(void *)(room + 3), &error));
    memcpy(&info, room + 3, sizeof info);
    CHECK(info.n_items == 20 && info.max_leaf == 4);
    OK(annoy_verify(index, NULL, 0, (size_t *)(void *)(room + 1), NULL, &error));
    memcpy(&n, room + 1, sizeof n);
    CHECK(n == 0);
    OK(annoy_probe(path, NULL, 0, (size_t *)(void *)(room + 1), &error));
    memcpy(&n, room + 1, sizeof n);
    CHECK(n == 1);
    n = 77;
    FAILS(ANNOY_ERR_ARGUMENT, "faults*multiple of 8",
          annoy_verify(index, (annoy_fault *)(void *)(room + 4), 1, &n, NULL, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "faults*multiple of 8",
          annoy_verify_file(path, (annoy_fault *)(void *)(room + 4), 1, &n, NULL, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "kinds*multiple of 8",
          annoy_probe(path, (annoy_kind *)(void *)(room + 4), 1, &n, &error));
    /* Lengths that no memory has. */
    FAILS(ANNOY_ERR_ARGUMENT, "faults",
          annoy_verify(index, (annoy_fault *)(void *)room, SIZE_MAX / 2, &n, NULL, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "kinds", annoy_probe(path, (annoy_kind *)(void *)room, SIZE_MAX / 2, &n, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "bytes", annoy_get_metadata(index, room, SIZE_MAX, &n, &error));
    CHECK(n == 77);
    annoy_free(index);
    free(room);
}

int main(void) {
    RUN(opening);
    RUN(opening_few_items);
    RUN(opening_a_plain_file);
    RUN(opening_what_is_no_index);
    RUN(metadata);
    RUN(damaged_metadata);
    RUN(copies);
    RUN(misaligned);
    return report();
}
