/* Whole files, for tests that look at them or damage them. Include it before anything else but a
   feature macro. */
#ifndef BYTES_H
#define BYTES_H

#include "check.h"

#include <unistd.h>

static inline void write_file(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL);
    if (!file) return;
    CHECK(fwrite(bytes, 1, size, file) == size);
    CHECK(fclose(file) == 0);
}

/* The whole file, to be freed; NULL if there is none. */
static inline unsigned char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    unsigned char *bytes;
    *size = 0;
    if (!file) return NULL;
    bytes = (unsigned char *)exactly(1 << 20);
    *size = fread(bytes, 1, 1 << 20, file);
    CHECK(*size < 1 << 20);
    fclose(file);
    return bytes;
}

/* The bytes of an index in room of exactly their size, behind `odd` others: they may start at
   an odd address. */
static inline unsigned char *saved(const annoy_index *index, size_t odd, size_t *size) {
    unsigned char *bytes;
    size_t written = 77;
    OK(saved_size_of(index, size, &error));
    bytes = (unsigned char *)exactly(odd + *size);
    OK(annoy_save_to_buffer(index, bytes + odd, *size, &written, NULL, &error));
    CHECK(written == *size);
    return bytes;
}

/* How a file is opened that is replaced or removed while it is open: Windows may keep one that is
   mapped, and wine does. */
#ifdef _WIN32
enum { TO_BE_REPLACED = ANNOY_LOAD_COPY };
#else
enum { TO_BE_REPLACED = 0 };
#endif

static inline int exists(const char *path) { return access(path, F_OK) == 0; }

#endif
