/* Looking at the whole of an index or a file: verifying, facts, probing. GOLDEN is the directory of
   files by Annoy itself. */
#define _XOPEN_SOURCE 700 /* what bytes.h takes from unistd.h */
#include "bytes.h"
#include "check.h"

/* Nodes of line_of(): their size, their fields, the most ids in a leaf, how many the superblock and
   its end take. */
enum { NODE = 24, CHILDREN = 8, VECTOR = 16, K = 4, SUPERBLOCK = 28 };
enum { ITEMS = 300 };

/* 400 items of 12 numbers, 2 missing; 5 trees. */
static const char plain_file[] = GOLDEN "/euclidean-i32-f32.ann";

TEST(verifying_sound_ones) {
    const char *path = in_scratch("sound.ann");
    annoy_index *index = line_of(300, 3), *empty = line_of(10, 0);
    annoy_fault fault;
    size_t n = 77;
    memset(&fault, 0x55, sizeof fault);
    FAILS(ANNOY_ERR_STATE, "cannot verify: the index is not built, expected built or loaded",
          annoy_verify(empty, &fault, 1, &n, NULL, &error));
    CHECK(n == 77);
    OK(annoy_verify(index, &fault, 1, &n, NULL, &error));
    CHECK(n == 0);
    OK(annoy_save(index, path, &error));
    n = 77;
    OK(annoy_verify_file(path, &fault, 1, &n, NULL, &error));
    CHECK(n == 0);
    OK(annoy_load(index, path, 0, &error));
    n = 77;
    OK(annoy_verify(index, &fault, 1, &n, NULL, &error));
    CHECK(n == 0 && fault.node == 0x5555555555555555 && fault.text[0] == 0x55);
    annoy_free(index);
    annoy_free(empty);
}

/* Verifies with room for `capacity` faults, finds `n`, and that nothing is written behind those
   there is room for. `path` is NULL for the index. */
static void check_faults(const annoy_index *index, const char *path, size_t capacity, size_t n, const annoy_fault *all) {
    annoy_fault *faults = (annoy_fault *)exactly((capacity + 1) * sizeof *faults);
    size_t found = 77, i, given = capacity < n ? capacity : n;
    if (path) FAILS(ANNOY_ERR_CORRUPT, all[0].text, annoy_verify_file(path, capacity ? faults : NULL, capacity, &found, NULL, &error));
    else FAILS(ANNOY_ERR_CORRUPT, all[0].text, annoy_verify(index, capacity ? faults : NULL, capacity, &found, NULL, &error));
    CHECK(found == n);
    for (i = 0; i < given; i++) CHECK(memcmp(&faults[i], &all[i], sizeof all[i]) == 0);
    for (i = given * sizeof *faults; i < (capacity + 1) * sizeof *faults; i++)
        if (((const unsigned char *)faults)[i] != 0xA5) break;
    CHECK(i == (capacity + 1) * sizeof *faults);
    free(faults);
}

static int named(const annoy_fault *faults, size_t n, int64_t node, const char *text) {
    size_t i;
    for (i = 0; i < n; i++)
        if (faults[i].node == node && has_text(faults[i].text, text)) return 1;
    return 0;
}

TEST(verifying_damaged_ones) {
    enum { ROOM = 2000 };
    static annoy_fault all[ROOM];
    const char *path = in_scratch("damaged.ann");
    annoy_index *index = line_of(ITEMS, 2), *loaded = line_of(0, 0);
    unsigned char *bytes;
    size_t size, n = 0, i, leaf;
    OK(annoy_save(index, path, &error));
    bytes = read_file(path, &size);

    /* The sign of one number: nothing but a checksum can tell. */
    bytes[7 * NODE + VECTOR + 3] ^= 0x80;
    write_file(path, bytes, size);
    OK(annoy_load(loaded, path, 0, &error));
    memset(all, 0xA5, sizeof all);
    FAILS(ANNOY_ERR_CORRUPT, "the index is corrupt: the items section*has the checksum*expected",
          annoy_verify(loaded, all, ROOM, &n, NULL, &error));
    CHECK(n == 1 && all[0].node == -1 && has_text(all[0].text, "the items section (kind 1, 7200 bytes from 0)"));
    check_faults(loaded, NULL, 0, n, all);
    check_faults(loaded, NULL, 1, n, all);
    check_faults(loaded, NULL, 9, n, all);
    check_faults(NULL, path, 0, n, all);
    check_faults(NULL, path, 1, n, all);
    check_faults(NULL, path, 9, n, all);
    OK(annoy_unload(loaded, &error));
    bytes[7 * NODE + VECTOR + 3] ^= 0x80;

    /* Items that are none, a number that is not finite, and a leaf that names an item which
       is not there. */
    for (i = 100; i < 200; i++) bytes[i * NODE] = 7;
    memset(bytes + 3 * NODE + VECTOR, 0xff, 4);
    for (leaf = ITEMS + SUPERBLOCK; bytes[leaf * NODE] > K; leaf++) {}
    memset(bytes + leaf * NODE + CHILDREN, 0xff, 4);
    write_file(path, bytes, size);
    OK(annoy_load(loaded, path, 0, &error));
    memset(all, 0xA5, sizeof all);
    FAILS(ANNOY_ERR_CORRUPT, "", annoy_verify(loaded, all, ROOM, &n, NULL, &error));
    CHECK(n > 300 && n < ROOM);
    CHECK(named(all, n, -1, "the items section"));
    CHECK(named(all, n, 150, "it is no item: it counts 7 descendants"));
    CHECK(named(all, n, 3, "not finite"));
    CHECK(named(all, n, (int64_t)leaf, "it names item -1, expected 0 to 299"));
    CHECK(named(all, n, -1, "200 items are present, the superblock counts 300"));
    for (i = 0; i < n; i++) CHECK(memchr(all[i].text, 0, sizeof all[i].text) != NULL && all[i].text[0] != 0);
    for (i = 0; i < 3; i++) {
        size_t of_these[3] = {0, 1, 100};
        check_faults(loaded, NULL, of_these[i], n, all);
        check_faults(NULL, path, of_these[i], n, all);
    }
    check_faults(loaded, NULL, n - 1, n, all);
    check_faults(loaded, NULL, n, n, all);
    check_faults(NULL, path, n + 50, n, all);
    annoy_free(index);
    annoy_free(loaded);
    free(bytes);
}

static annoy_info info_of(const annoy_index *index) {
    annoy_info info;
    memset(&info, 0x55, sizeof info);
    info.struct_size = sizeof info;
    OK(annoy_get_info(index, &info, &error));
    CHECK(info.struct_size == sizeof info && info.reserved == 0);
    return info;
}

TEST(facts_in_every_state) {
    const char *path = in_scratch("facts.ann"), *disk = in_scratch("facts-disk.ann");
    annoy_index *index = line_of(0, 0), *other = NULL;
    annoy_info now, built;
    int64_t i;
    now = info_of(index);
    CHECK(now.n_items == 0 && now.n_present == 0 && now.n_trees == 0 && now.n_nodes == 0 && now.bytes == 0);
    CHECK(now.node_size == NODE && now.max_leaf == 4 && now.leaf_fill == 0 && now.imbalance == 0);
    CHECK(!now.is_loaded && !now.is_described && !now.has_seed && now.seed == 0);
    for (i = 0; i < 200; i++) {
        float point[2];
        point[0] = (float)i;
        point[1] = 1;
        if (i % 10 != 4) OK(annoy_add_item(index, i, point, 2, &error));
    }
    now = info_of(index);
    CHECK(now.n_items == 200 && now.n_present == 180 && now.n_trees == 0 && now.n_nodes == 200);
    CHECK(now.bytes == 200 * NODE && now.n_splits == 0 && now.n_leaves == 0 && now.depth == 0 && !now.has_seed);
    OK(annoy_set_seed(index, UINT64_MAX - 5, &error));
    OK(annoy_build(index, 3, 1, &error));
    built = info_of(index);
    CHECK(built.n_items == 200 && built.n_present == 180 && built.n_trees == 3);
    CHECK(built.bytes == (uint64_t)built.n_nodes * NODE && built.n_nodes > 200 + built.n_splits + built.n_leaves);
    /* 180 items in leaves of at most 4. */
    CHECK(built.n_splits >= 3 * 44 && built.n_splits < 3 * 180 && built.n_leaves > 3 * 30 && built.depth >= 6);
    CHECK(built.n_coin_splits >= 0 && built.n_coin_splits <= built.n_splits && built.depth < 180);
    CHECK(built.leaf_fill >= 0.5 && built.leaf_fill <= 1 && built.imbalance >= 0.5 && built.imbalance <= 1);
    CHECK(!built.is_loaded && !built.is_described && built.has_seed == 1 && built.seed == UINT64_MAX - 5);
    /* The file has the same, and says so. */
    OK(annoy_set_seed(index, 1, &error)); /* of the next build */
    OK(annoy_save_and_load(index, path, 0, NULL, &error));
    now = info_of(index);
    CHECK(now.is_loaded == 1 && now.is_described == 1);
    now.is_loaded = now.is_described = 0;
    CHECK(memcmp(&now, &built, sizeof now) == 0);
    OK(annoy_open(path, ANNOY_LOAD_COPY, &other, &error));
    now = info_of(other);
    now.is_loaded = now.is_described = 0;
    CHECK(memcmp(&now, &built, sizeof now) == 0);
    annoy_free(other);
    /* Built on disk. */
    other = line_of(0, 0);
    OK(annoy_on_disk_build(other, disk, &error));
    for (i = 0; i < 30; i++) {
        float point[2];
        point[0] = (float)i;
        point[1] = 1;
        OK(annoy_add_item(other, i, point, 2, &error));
    }
    now = info_of(other);
    CHECK(now.n_items == 30 && now.n_present == 30 && now.n_trees == 0);
    OK(annoy_build(other, 2, 1, &error));
    now = info_of(other);
    CHECK(now.n_trees == 2 && now.n_present == 30 && !now.is_loaded && now.has_seed);
    OK(annoy_unbuild(other, &error));
    CHECK(info_of(other).n_trees == 0);
    OK(annoy_unload(index, &error));
    now = info_of(index);
    CHECK(now.n_items == 0 && now.bytes == 0 && !now.is_loaded && !now.has_seed);
    annoy_free(index);
    annoy_free(other);
}

/* Callers that know fewer fields get those, callers that know more find theirs as they were. */
TEST(facts_for_other_versions) {
    annoy_index *index = line_of(100, 2);
    annoy_info full = info_of(index);
    size_t sizes[] = {0, 1, 7, 4097, SIZE_MAX}, size, i;
    for (size = sizeof(size_t); size <= 4096; size += size < sizeof full + 9 ? 1 : 487) {
        size_t written = size < sizeof full ? size : sizeof full;
        unsigned char *room = (unsigned char *)exactly(size + 8); /* not always aligned */
        memcpy(room, &size, sizeof size);
        OK(annoy_get_info(index, (annoy_info *)(void *)room, &error));
        CHECK(memcmp(room, &size, sizeof size) == 0);
        CHECK(memcmp(room + sizeof size, (const unsigned char *)&full + sizeof size, written - sizeof size) == 0);
        for (i = written; i < size + 8; i++) CHECK(room[i] == 0xA5);
        free(room);
    }
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        annoy_info info;
        char text[64];
        memset(&info, 0x55, sizeof info);
        info.struct_size = sizes[i];
        snprintf(text, sizeof text, "struct_size of annoy_info is %llu, expected", (unsigned long long)sizes[i]);
        FAILS(ANNOY_ERR_ARGUMENT, text, annoy_get_info(index, &info, &error));
        CHECK(info.struct_size == sizes[i] && info.n_items == 0x5555555555555555);
    }
    annoy_free(index);
}

static void check_kinds(const char *path, size_t capacity, size_t n, const annoy_kind *all) {
    annoy_kind *kinds = (annoy_kind *)exactly((capacity + 1) * sizeof *kinds);
    size_t found = 77, i, given = capacity < n ? capacity : n;
    OK(annoy_probe(path, capacity ? kinds : NULL, capacity, &found, &error));
    CHECK(found == n);
    for (i = 0; i < given; i++) CHECK(memcmp(&kinds[i], &all[i], sizeof all[i]) == 0);
    for (i = given * sizeof *kinds; i < (capacity + 1) * sizeof *kinds; i++)
        if (((const unsigned char *)kinds)[i] != 0xA5) break;
    CHECK(i == (capacity + 1) * sizeof *kinds);
    free(kinds);
}

TEST(probing) {
    const char *path = in_scratch("probed.ann");
    annoy_index *index = line_of(50, 2);
    annoy_kind kinds[64];
    size_t n = 77, i;
    int right = 0;
    OK(annoy_save(index, path, &error));
    annoy_free(index);
    memset(kinds, 0xA5, sizeof kinds);
    OK(annoy_probe(path, kinds, 64, &n, &error));
    CHECK(n == 1 && kinds[0].metric == ANNOY_EUCLIDEAN && kinds[0].scalar == ANNOY_F32 && kinds[0].id_bits == 32);
    CHECK(kinds[0].f == 2 && kinds[0].n_items == 50 && kinds[0].n_trees == 2 && kinds[0].reserved == 0);
    CHECK(strcmp(kinds[0].layout, "1.17") == 0);
    check_kinds(path, 0, n, kinds);
    check_kinds(path, 1, n, kinds);
    check_kinds(path, 3, n, kinds);
    /* By Annoy: what it is, and what else it could be. Each loads as that. */
    memset(kinds, 0xA5, sizeof kinds);
    OK(annoy_probe(plain_file, kinds, 64, &n, &error));
    CHECK(n >= 2 && n <= 64);
    for (i = 0; i < n; i++) {
        index = of(kinds[i].metric, kinds[i].scalar, kinds[i].id_bits, kinds[i].f);
        OK(annoy_load(index, plain_file, 0, &error));
        CHECK(annoy_get_n_items(index) == kinds[i].n_items && annoy_get_n_trees(index) == kinds[i].n_trees);
        annoy_free(index);
        right += kinds[i].metric == ANNOY_EUCLIDEAN && kinds[i].scalar == ANNOY_F32 && kinds[i].id_bits == 32 &&
                 kinds[i].f == 12 && kinds[i].n_items == 400 && kinds[i].n_trees == 5;
    }
    CHECK(right == 1);
    for (i = 0; i <= n + 1; i++) check_kinds(plain_file, i, n, kinds);
}

int main(void) {
    RUN(verifying_sound_ones);
    RUN(verifying_damaged_ones);
    RUN(facts_in_every_state);
    RUN(facts_for_other_versions);
    RUN(probing);
    return report();
}
