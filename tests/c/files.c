/* Paths and files that will not do, and an index that is used again and again. After each failure
   the index is as it was, and so is what was on the disk. */
#define _XOPEN_SOURCE 700 /* unlink, mkdir */
#include "bytes.h"
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NODE = 24 /* bytes of a node of line_of() */ };

static int files_in_scratch(void) {
    DIR *directory = opendir(in_scratch("."));
    int n = 0;
    CHECK(directory != NULL);
    if (!directory) return -1;
    while (readdir(directory)) n++;
    closedir(directory);
    return n;
}

/* The line of ten with two trees, as built by line_of(10, 2). */
static void check_is_the_line(const annoy_index *index) {
    int64_t ids[3] = {-1, -1, -1};
    size_t n = 0;
    CHECK(annoy_get_n_items(index) == 10 && annoy_get_n_trees(index) == 2);
    OK(annoy_get_nns_by_item(index, 0, 3, 100, ids, NULL, &n, &error));
    CHECK(n == 3 && ids[0] == 0 && ids[1] == 1 && ids[2] == 2);
}

TEST(loading_what_is_no_index) {
    annoy_index *index = line_of(10, 2);
    const char *good = in_scratch("good.ann"), *bad = in_scratch("bad.ann"), *folder = in_scratch("folder");
    unsigned char *bytes;
    size_t size;
    OK(annoy_save(index, good, &error));
    bytes = read_file(good, &size);

    FAILS(ANNOY_ERR_IO, "missing.ann", annoy_load(index, in_scratch("missing.ann"), 0, &error));
    CHECK(error.os_errno == ENOENT);
    FAILS(ANNOY_ERR_IO, "", annoy_load(index, "", 0, &error));
    CHECK(error.os_errno == ENOENT);
    CHECK(mkdir(folder, 0777) == 0);
    wipe_error();
    {
        /* A directory: an error of the system or of the format, and the message has its name. */
        annoy_status status = annoy_load(index, folder, 0, &error);
        CHECK(status == ANNOY_ERR_IO || status == ANNOY_ERR_FORMAT);
        CHECK(error.code == status && strstr(error.message, "folder") != NULL);
    }
    FAILS(ANNOY_ERR_IO, "", annoy_load(index, in_scratch("good.ann/below"), 0, &error));
    CHECK(error.os_errno == ENOTDIR);

    write_file(bad, "", 0);
    FAILS(ANNOY_ERR_FORMAT, "bad.ann", annoy_load(index, bad, 0, &error));
    FAILS(ANNOY_ERR_FORMAT, "bad.ann", annoy_load(index, bad, ANNOY_LOAD_PREFAULT, &error));
    write_file(bad, "x", 1);
    FAILS(ANNOY_ERR_FORMAT, "bad.ann*euclidean", annoy_load(index, bad, 0, &error));
    write_file(bad, bytes, size - 1);
    FAILS(ANNOY_ERR_FORMAT, "bad.ann*size", annoy_load(index, bad, 0, &error));
    memset(bytes, 0xff, size);
    write_file(bad, bytes, size);
    FAILS(ANNOY_ERR_FORMAT, "bad.ann", annoy_load(index, bad, 0, &error));
    /* Zeros: Annoy writes an even number of zero nodes for trees over no items. An odd number is
       not a file of Annoy. */
    memset(bytes, 0, size);
    write_file(bad, bytes, ((size / NODE - 1) | 1) * NODE);
    FAILS(ANNOY_ERR_FORMAT, "bad.ann", annoy_load(index, bad, 0, &error));

    FAILS(ANNOY_ERR_ARGUMENT, "flags is 0x4, expected 0, ANNOY_LOAD_PREFAULT or ANNOY_LOAD_COPY",
          annoy_load(index, good, 4, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "flags", annoy_load(index, good, UINT64_MAX, &error));
    /* A copy has all its pages, so the two together mean nothing. */
    FAILS(ANNOY_ERR_ARGUMENT, "flags is 0x3", annoy_load(index, good, ANNOY_LOAD_PREFAULT | ANNOY_LOAD_COPY, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "flags is 0x3", annoy_save_and_load(index, good, 3, NULL, &error));
    check_is_the_line(index);
    OK(annoy_load(index, good, 0, &error));
    FAILS(ANNOY_ERR_FORMAT, "", annoy_load(index, bad, 0, &error));
    check_is_the_line(index); /* the file loaded before still is */
    annoy_free(index);
    free(bytes);
    rmdir(folder);
}

/* A file of ours under another metric, f, type or width: the message names what is loaded into and
   what the file is. */
TEST(loading_another_index) {
    static const struct {
        annoy_metric metric;
        annoy_scalar scalar;
        int id_bits;
        size_t f;
        const char *named;
    } others[] = {
        /* Of manhattan the nodes look the same, of hamming with f = 64 they are as large. */
        {ANNOY_EUCLIDEAN, ANNOY_F32, 32, 7, "a euclidean index of f = 7 (f32, 32-bit ids)"},
        {ANNOY_MANHATTAN, ANNOY_F32, 32, 2, "a manhattan index of f = 2 (f32, 32-bit ids)"},
        {ANNOY_ANGULAR, ANNOY_F32, 32, 10, "an angular index of f = 10 (f32, 32-bit ids)"},
        {ANNOY_DOT, ANNOY_F32, 32, 2, "a dot index of f = 2 (f32, 32-bit ids)"},
        {ANNOY_HAMMING, ANNOY_BITS64, 32, 64, "a hamming index of f = 64 (u64, 32-bit ids)"},
        {ANNOY_HAMMING, ANNOY_BITS8, 32, 8, "a hamming index of f = 8 (u8, 32-bit ids)"},
        {ANNOY_EUCLIDEAN, ANNOY_F64, 32, 2, "a euclidean index of f = 2 (f64, 32-bit ids)"},
        {ANNOY_EUCLIDEAN, ANNOY_F32, 64, 2, "a euclidean index of f = 2 (f32, 64-bit ids)"},
    };
    annoy_index *index = line_of(10, 2), *other;
    const char *path = in_scratch("good.ann");
    size_t i;
    OK(annoy_save(index, path, &error));
    for (i = 0; i < sizeof others / sizeof others[0]; i++) {
        char expected[256];
        other = of(others[i].metric, others[i].scalar, others[i].id_bits, others[i].f);
        snprintf(expected, sizeof expected, "good.ann*is not %s*by its own word it is %s", others[i].named,
                 "a euclidean index of f = 2 (f32, 32-bit ids)");
        FAILS(ANNOY_ERR_FORMAT, expected, annoy_load(other, path, 0, &error));
        FAILS(ANNOY_ERR_FORMAT, expected, annoy_load(other, path, ANNOY_LOAD_COPY, &error));
        CHECK(annoy_get_n_items(other) == 0 && annoy_get_f(other) == others[i].f);
        annoy_free(other);
    }
    annoy_free(index);
}

/* Names are bytes: those of old trees may be Latin-1. */
TEST(paths_that_are_not_utf8) {
    annoy_index *index = line_of(10, 2), *opened = NULL, *on_disk = NULL;
    const char *latin = in_scratch("n\xe4" "chste.ann"), *other = in_scratch("bad\xff\xfe.ann");
    const float vector[2] = {0, 0};
    annoy_kind kind;
    size_t n = 0;
    int i;
    FAILS(ANNOY_ERR_IO, "chste.ann", annoy_open(latin, 0, &opened, &error));
    CHECK(error.os_errno == ENOENT);
    OK(annoy_save(index, latin, &error));
    CHECK(exists(latin));
    OK(annoy_open(latin, 0, &opened, &error));
    check_is_the_line(opened);
    OK(annoy_probe(latin, &kind, 1, &n, &error));
    OK(annoy_verify_file(latin, NULL, 0, &n, NULL, &error));
    OK(annoy_save_and_load(index, other, 0, NULL, &error));
    OK(annoy_load(index, latin, 0, &error));
    check_is_the_line(index);
    OK(annoy_new(ANNOY_EUCLIDEAN, 2, &on_disk, &error));
    OK(annoy_on_disk_build(on_disk, other, &error));
    for (i = 0; i < 10; i++) OK(annoy_add_item(on_disk, i, vector, 2, &error));
    OK(annoy_build(on_disk, 2, 1, &error));
    OK(annoy_verify_file(other, NULL, 0, &n, NULL, &error));
    /* UTF-8 past ASCII is fine, too. */
    OK(annoy_save(index, in_scratch("n\xc3\xa4" "chste.ann"), &error));
    CHECK(exists(in_scratch("n\xc3\xa4" "chste.ann")));
    annoy_free(index);
    annoy_free(opened);
    annoy_free(on_disk);
}

/* A path of 10,000 characters: the message is cut, and still ends. */
TEST(a_path_too_long) {
    annoy_index *index = line_of(10, 2);
    char *path = (char *)exactly(10001);
    memset(path, 'x', 10000);
    path[10000] = 0;
    FAILS(ANNOY_ERR_IO, "xxxx", annoy_save(index, path, &error));
    CHECK(error.os_errno == ENAMETOOLONG && strlen(error.message) > 400);
    FAILS(ANNOY_ERR_IO, "xxxx", annoy_load(index, path, 0, &error));
    CHECK(error.os_errno == ENAMETOOLONG);
    check_is_the_line(index);
    annoy_free(index);
    free(path);
}

/* Saving to a place that cannot be written: an error that names it, no half file, and the old file
   is still there. */
TEST(saving_where_it_cannot_be) {
    annoy_index *index = line_of(10, 2), *empty = line_of(0, 0);
    const char *folder = in_scratch("folder");
    int before;
    CHECK(mkdir(folder, 0777) == 0);
    before = files_in_scratch();
    FAILS(ANNOY_ERR_IO, "nowhere/x.ann", annoy_save(index, in_scratch("nowhere/x.ann"), &error));
    CHECK(error.os_errno == ENOENT);
    FAILS(ANNOY_ERR_IO, "nowhere/x.ann", annoy_save_and_load(index, in_scratch("nowhere/x.ann"), 0, NULL, &error));
    FAILS(ANNOY_ERR_IO, "nowhere/x.ann", annoy_on_disk_build(empty, in_scratch("nowhere/x.ann"), &error));
    FAILS(ANNOY_ERR_IO, "folder", annoy_save(index, folder, &error)); /* a directory has the name */
    FAILS(ANNOY_ERR_IO, "", annoy_save(index, "", &error));
    CHECK(files_in_scratch() == before);
    check_is_the_line(index);
    /* The index that was refused a file builds in memory. */
    CHECK(annoy_get_n_items(empty) == 0);
    OK(annoy_build(empty, 1, 1, &error));
    rmdir(folder);
    annoy_free(index);
    annoy_free(empty);
}

TEST(saving_over_a_file_that_is_loaded) {
    annoy_index *index = line_of(10, 2), *reader = line_of(0, 0), *longer = line_of(500, 3);
    const char *path = in_scratch("over.ann");
    unsigned char *first, *second;
    size_t first_size, second_size;
    OK(annoy_save(index, path, &error));
    first = read_file(path, &first_size);
    OK(annoy_load(reader, path, 0, &error));
    OK(annoy_save(longer, path, &error));
    check_is_the_line(reader); /* it keeps the old file */
    OK(annoy_save(reader, path, &error));
    second = read_file(path, &second_size);
    CHECK(first_size == second_size && memcmp(first, second, first_size) == 0);
    /* Over the very file it has loaded. */
    OK(annoy_save_and_load(reader, path, ANNOY_LOAD_PREFAULT, NULL, &error));
    check_is_the_line(reader);
    CHECK(unlink(path) == 0);
    check_is_the_line(reader);
    annoy_free(index);
    annoy_free(reader);
    annoy_free(longer);
    free(first);
    free(second);
}

/* One handle through many lives. */
TEST(using_an_index_again) {
    annoy_index *index = line_of(10, 2), *ten = line_of(10, 2);
    const char *path = in_scratch("again.ann");
    float point[2] = {5, 5};
    int round;
    OK(annoy_save(ten, path, &error));
    for (round = 0; round < 5; round++) {
        OK(annoy_unload(index, &error));
        OK(annoy_unload(index, &error));
        CHECK(annoy_get_n_items(index) == 0 && annoy_get_n_trees(index) == 0);
        CHECK(annoy_get_f(index) == 2 && annoy_get_fact(index, ANNOY_FACT_METRIC) == ANNOY_EUCLIDEAN);
        FAILS(ANNOY_ERR_ITEM, "no items", annoy_get_item(index, 0, point, 2, &error));
        OK(annoy_add_item(index, 3, point, 2, &error));
        CHECK(annoy_get_n_items(index) == 4);
        /* In place of the item. */
        OK(annoy_load(index, path, round % 2 ? ANNOY_LOAD_PREFAULT : 0, &error));
        check_is_the_line(index);
        OK(annoy_load(index, path, 0, &error)); /* in place of the file */
        check_is_the_line(index);
        FAILS(ANNOY_ERR_STATE, "the index is loaded", annoy_add_item(index, 0, point, 2, &error));
        FAILS(ANNOY_ERR_STATE, "the index is loaded", annoy_build(index, 1, 1, &error));
        FAILS(ANNOY_ERR_STATE, "the index is loaded", annoy_unbuild(index, &error));
    }
    annoy_free(index);
    annoy_free(ten);
}

/* Items that were never added read as zeros and can be searched past. */
TEST(holes) {
    annoy_index *index = line_of(0, 0);
    float point[2] = {8, 9}, zero[2] = {1, 1};
    OK(annoy_add_item(index, 5, point, 2, &error));
    CHECK(annoy_get_n_items(index) == 6);
    OK(annoy_get_item(index, 2, zero, 2, &error));
    CHECK(zero[0] == 0 && zero[1] == 0);
    OK(annoy_build(index, 2, 1, &error));
    OK(annoy_get_item(index, 5, zero, 2, &error));
    CHECK(zero[0] == 8 && zero[1] == 9);
    annoy_free(index);
}

/* Building on disk gives the bytes that building in memory and saving gives; no index has the
   final name before. */
TEST(on_disk_build) {
    annoy_index *memory = line_of(300, 5), *disk = line_of(0, 0);
    const char *saved = in_scratch("memory.ann"), *built = in_scratch("disk.ann");
    unsigned char *a, *b;
    size_t a_size, b_size;
    float zeros[2] = {0, 0};
    int before, i;
    OK(annoy_save(memory, saved, &error));
    a = read_file(saved, &a_size);
    before = files_in_scratch();
    OK(annoy_on_disk_build(disk, built, &error));
    for (i = 0; i < 300; i++) {
        float point[2];
        point[0] = (float)i;
        point[1] = 0;
        OK(annoy_add_item(disk, i, point, 2, &error));
    }
    /* A few bytes that are no index have the name until then. */
    CHECK(exists(built));
    FAILS(ANNOY_ERR_FORMAT, built, annoy_load(memory, built, 0, &error));
    OK(annoy_build(disk, 5, 2, &error));
    CHECK(exists(built) && files_in_scratch() == before + 1);
    b = read_file(built, &b_size);
    CHECK(a_size == b_size && memcmp(a, b, a_size) == 0);
    /* Trees away, one more item, trees again: the next build replaces the file. */
    OK(annoy_unbuild(disk, &error));
    OK(annoy_add_item(disk, 300, zeros, 2, &error));
    CHECK(annoy_get_n_items(disk) == 301);
    free(b);
    b = read_file(built, &b_size);
    CHECK(a_size == b_size && memcmp(a, b, a_size) == 0);
    OK(annoy_build(disk, 5, 1, &error));
    OK(annoy_load(memory, built, 0, &error));
    CHECK(annoy_get_n_items(memory) == 301 && annoy_get_n_trees(memory) == 5);
    annoy_free(disk);
    CHECK(exists(built));
    annoy_free(memory);
    free(a);
    free(b);
    unlink(built);
    unlink(saved);
}

/* Another path before the first item: the first is given up, without a trace. */
TEST(on_disk_build_elsewhere) {
    annoy_index *index = line_of(0, 0);
    const char *first = in_scratch("first.ann"), *second = in_scratch("second.ann");
    float point[2] = {1, 2};
    int before = files_in_scratch();
    OK(annoy_on_disk_build(index, first, &error));
    OK(annoy_on_disk_build(index, second, &error));
    OK(annoy_add_item(index, 0, point, 2, &error));
    OK(annoy_build(index, 1, 1, &error));
    CHECK(!exists(first) && exists(second) && files_in_scratch() == before + 1);
    annoy_free(index);
    unlink(second);
}

/* A build on disk that is given up leaves nothing behind, and what had the name before keeps it. */
TEST(on_disk_build_given_up) {
    const char *path = in_scratch("given-up.ann");
    int before, way;
    write_file(path, "precious", 8);
    before = files_in_scratch();
    for (way = 0; way < 2; way++) {
        annoy_index *index = line_of(0, 0);
        float point[2] = {1, 2};
        unsigned char *bytes;
        size_t size;
        OK(annoy_on_disk_build(index, path, &error));
        OK(annoy_add_item(index, 100, point, 2, &error));
        if (way) OK(annoy_unload(index, &error));
        annoy_free(index);
        bytes = read_file(path, &size);
        CHECK(size == 8 && memcmp(bytes, "precious", 8) == 0);
        free(bytes);
        CHECK(files_in_scratch() == before);
    }
}

/* Same items, seed and trees, same bytes, whatever the threads; another seed, other bytes. */
TEST(seeds) {
    const char *path = in_scratch("seed.ann");
    unsigned char *bytes[3];
    size_t size[3];
    int i, k;
    for (i = 0; i < 3; i++) {
        annoy_index *index = NULL;
        OK(annoy_new(ANNOY_ANGULAR, 5, &index, &error));
        OK(annoy_set_seed(index, i == 2 ? UINT64_MAX : 42, &error));
        random_state = 5;
        for (k = 0; k < 500; k++) {
            float v[5];
            int j;
            for (j = 0; j < 5; j++) v[j] = random_float();
            OK(annoy_add_item(index, k, v, 5, &error));
        }
        OK(annoy_build(index, 3, i == 0 ? 1 : 3, &error));
        OK(annoy_save(index, path, &error));
        bytes[i] = read_file(path, &size[i]);
        annoy_free(index);
    }
    CHECK(size[0] == size[1] && memcmp(bytes[0], bytes[1], size[0]) == 0);
    CHECK(size[0] != size[2] || memcmp(bytes[0], bytes[2], size[0]) != 0);
    for (i = 0; i < 3; i++) free(bytes[i]);
}

int main(void) {
    RUN(loading_what_is_no_index);
    RUN(loading_another_index);
    RUN(paths_that_are_not_utf8);
    RUN(a_path_too_long);
    RUN(saving_where_it_cannot_be);
    RUN(saving_over_a_file_that_is_loaded);
    RUN(using_an_index_again);
    RUN(holes);
    RUN(on_disk_build);
    RUN(on_disk_build_elsewhere);
    RUN(on_disk_build_given_up);
    RUN(seeds);
    return report();
}
