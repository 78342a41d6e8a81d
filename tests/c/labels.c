/* Labels: both kinds, both ways, through a file; what is refused and changes nothing; bounds of
   every buffer. */
#include "check.h"

TEST(numbers) {
    annoy_index *index = line_of(10, 0), *loaded = NULL;
    const char *path = in_scratch("numbers.ann");
    uint64_t *labels = words(10), *found = words(3), label = 0;
    uint8_t *there = (uint8_t *)exactly(3);
    int64_t *asked = int64s(3), item = -5;
    annoy_labels given;
    int i;
    CHECK(kind_of(index) == ANNOY_LABELS_NONE);
    for (i = 0; i < 10; i++) labels[i] = ~(uint64_t)i;
    OK(set_numbers(index, NULL, labels, 10, &error));
    CHECK(kind_of(index) == ANNOY_LABELS_U64 && annoy_get_fact(index, ANNOY_FACT_N_LABELS) == 10);
    FAILS(ANNOY_ERR_LABEL, "item 3 cannot have the label*: it is that of item 4",
          set_number(index, 3, ~(uint64_t)4, &error));
    FAILS(ANNOY_ERR_ITEM, "item id is 10, expected 0 to 9", set_number(index, 10, 1, &error));
    FAILS(ANNOY_ERR_ITEM, "10", set_numbers(index, NULL, labels, 11, &error));
    FAILS(ANNOY_ERR_UNSUPPORTED, "numbers, not strings", set_text(index, 3, "x", 1, &error));
    OK(clear_one(index, 3, &error));
    FAILS(ANNOY_ERR_LABEL, "item 3 has no label", number_of(index, 3, &label, &error));
    OK(annoy_build(index, 2, 1, &error));
    OK(annoy_save(index, path, &error));
    OK(annoy_open(path, 0, &loaded, &error));
    for (i = 0; i < 10; i++) {
        if (i == 3) continue;
        OK(number_of(loaded, i, &label, &error));
        OK(annoy_find_label_u64(loaded, labels[i], &item, &error));
        CHECK(label == labels[i] && item == i);
    }
    item = -5;
    FAILS(ANNOY_ERR_LABEL, "no item has the label*", annoy_find_label_u64(loaded, labels[3], &item, &error));
    CHECK(item == -5);
    asked[0] = 9, asked[1] = 3, asked[2] = -1;
    found[1] = found[2] = 77;
    OK(annoy_get_labels_u64(loaded, asked, 3, found, there, &error));
    CHECK(found[0] == labels[9] && found[1] == 0 && found[2] == 0 && there[0] == 1 && !there[1] && !there[2]);
    found[1] = there[1] = 77;
    asked[2] = 10;
    FAILS(ANNOY_ERR_ITEM, "10", annoy_get_labels_u64(loaded, asked, 3, found, there, &error));
    /* Where nobody is told whether there is one, each has to have one. */
    FAILS(ANNOY_ERR_LABEL, "item 3 has no label", annoy_get_labels_u64(loaded, asked, 2, found, NULL, &error));
    FAILS(ANNOY_ERR_ITEM, "item id is -1", number_of(loaded, -1, found, &error));
    CHECK(found[1] == 77 && there[1] == 77);
    asked[1] = 8;
    OK(annoy_get_labels_u64(loaded, asked, 2, found, NULL, &error));
    CHECK(found[0] == labels[9] && found[1] == labels[8]);
    /* In place of those of the file. */
    OK(set_number(loaded, 3, 33, &error));
    OK(annoy_find_label_u64(loaded, 33, &item, &error));
    CHECK(item == 3 && annoy_get_fact(loaded, ANNOY_FACT_N_LABELS) == 10);
    asked[0] = 3, asked[1] = 4, asked[2] = 10;
    FAILS(ANNOY_ERR_ITEM, "item id is 10", clear_some(loaded, asked, 3, &error));
    /* A kind that was forgotten, or is none. */
    given = numbers_of(labels, 2);
    given.kind = ANNOY_LABELS_NONE;
    FAILS(ANNOY_ERR_ARGUMENT, "kind is 0, expected ANNOY_LABELS_U64 or ANNOY_LABELS_UTF8",
          annoy_set_labels(loaded, asked, &given, &error));
    given.kind = 3;
    FAILS(ANNOY_ERR_ARGUMENT, "kind is 3", annoy_set_labels(loaded, asked, &given, &error));
    /* No items are not all of them. */
    OK(clear_some(loaded, asked, 0, &error));
    CHECK(annoy_get_fact(loaded, ANNOY_FACT_N_LABELS) == 10);
    OK(clear_some(loaded, asked, 2, &error));
    OK(clear_some(loaded, asked, 2, &error));
    CHECK(annoy_get_fact(loaded, ANNOY_FACT_N_LABELS) == 8 && kind_of(loaded) == ANNOY_LABELS_U64);
    OK(clear_all(loaded, &error));
    CHECK(annoy_get_fact(loaded, ANNOY_FACT_N_LABELS) == 0 && kind_of(loaded) == ANNOY_LABELS_NONE);
    OK(set_text(loaded, 0, "now a string", 12, &error));
    annoy_free(index);
    annoy_free(loaded);
    free(labels), free(found), free(there), free(asked);
}

TEST(strings) {
    enum { LONG = 1 << 20 };
    annoy_index *index = line_of(4, 1);
    const char *path = in_scratch("strings.ann");
    char *large = (char *)exactly(LONG);
    size_t *offsets = (size_t *)exactly(4 * sizeof(size_t)), len = 77;
    char *label = (char *)exactly(LONG), found[2];
    int64_t *asked = int64s(3), *lens = int64s(3), item = -5;
    memset(large, 'a', LONG);
    asked[0] = 0, asked[1] = 2, asked[2] = 3;
    offsets[0] = 0, offsets[1] = 1, offsets[2] = 1, offsets[3] = LONG;
    OK(set_texts(index, asked, large, offsets, 3, &error));
    CHECK(kind_of(index) == ANNOY_LABELS_UTF8 && annoy_get_fact(index, ANNOY_FACT_N_LABELS) == 3);
    offsets[1] = 2;
    FAILS(ANNOY_ERR_ARGUMENT, "offsets is 2 before 1", set_texts(index, asked, large, offsets, 3, &error));
    offsets[1] = LONG, offsets[2] = LONG;
    large[5] = '\xff';
    FAILS(ANNOY_ERR_ARGUMENT, "label is the byte 0xff at 5, expected UTF-8",
          set_texts(index, asked, large, offsets, 3, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "label is the byte 0xff at 5", set_text(index, 0, large, 6, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "label is the byte 0xff at 5", annoy_find_label(index, large, 6, &item, &error));
    large[5] = 'a';
    OK(annoy_save_and_load(index, path, 0, NULL, &error));
    FAILS(ANNOY_ERR_TOO_SMALL, "room for 0, expected 1048575", text_of(index, 3, NULL, 0, &len, &error));
    CHECK(len == LONG - 1);
    FAILS(ANNOY_ERR_TOO_SMALL, "room for 1048574", text_of(index, 3, label, LONG - 2, &len, &error));
    CHECK(len == LONG - 1 && (unsigned char)label[0] == 0xA5);
    OK(text_of(index, 3, label, LONG - 1, &len, &error));
    CHECK(len == LONG - 1 && memcmp(label, large, len) == 0);
    OK(annoy_find_label(index, large, LONG - 1, &item, &error));
    CHECK(item == 3);
    OK(annoy_find_label(index, "", 0, &item, &error));
    CHECK(item == 2);
    asked[1] = 1, asked[2] = -1;
    OK(annoy_get_labels(index, asked, 3, found, 1, lens, &len, &error));
    CHECK(len == 1 && lens[0] == 1 && found[0] == 'a' && lens[1] == -1 && lens[2] == -1);
    asked[1] = 2;
    OK(annoy_get_labels(index, asked, 3, found, 2, lens, &len, &error));
    CHECK(len == 1 && lens[0] == 1 && lens[1] == 0 && lens[2] == -1);
    asked[2] = 3;
    FAILS(ANNOY_ERR_TOO_SMALL, "room for 2, expected 1048576",
          annoy_get_labels(index, asked, 3, found, 2, NULL, &len, &error));
    asked[2] = -1;
    FAILS(ANNOY_ERR_ITEM, "item id is -1", annoy_get_labels(index, asked, 3, found, 2, NULL, &len, &error));
    CHECK(len == LONG);
    lens[0] = 77;
    FAILS(ANNOY_ERR_TOO_SMALL, "room for 0, expected 1", annoy_get_labels(index, asked, 3, NULL, 0, lens, &len, &error));
    CHECK(len == 1 && lens[0] == 77);
    FAILS(ANNOY_ERR_LABEL, "item 1 has no label", text_of(index, 1, label, LONG, &len, &error));
    FAILS(ANNOY_ERR_UNSUPPORTED, "strings, not numbers", annoy_find_label_u64(index, 1, &item, &error));
    /* Cut off in the message. */
    FAILS(ANNOY_ERR_LABEL, "no item has the label \"aaa*... (1048576 bytes)",
          annoy_find_label(index, large, LONG, &item, &error));
    annoy_free(index);
    free(large), free(offsets), free(lens), free(label), free(asked);
}

int main(void) {
    RUN(numbers);
    RUN(strings);
    return report();
}
