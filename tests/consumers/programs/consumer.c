/* A C program as a user of an installed annoy_rs would write it. Exits 0 when the library
   answers rightly. */
#include <annoy.h>

#include <stdio.h>
#include <string.h>

static int failed(const char *what, const annoy_error *error) {
    fprintf(stderr, "%s: %s: %s\n", what, annoy_status_name(error->code), error->message);
    return 1;
}

int main(void) {
    annoy_index *index = NULL;
    annoy_error error;
    int64_t ids[3] = {-1, -1, -1};
    float distances[3];
    float query[2] = {7.2f, 0.0f};
    size_t n_found = 0;
    int64_t i;

    /* EXPECTED_VERSION comes from Cargo.toml through CMake or pkg-config: the library found must be
       of that version. */
    if (strcmp(annoy_version(), EXPECTED_VERSION) != 0 || annoy_abi_version() != ANNOY_ABI_VERSION) {
        fprintf(stderr, "version %s, expected %s\n", annoy_version(), EXPECTED_VERSION);
        return 1;
    }
    if (annoy_new(ANNOY_EUCLIDEAN, 2, &index, &error)) return failed("annoy_new", &error);
    for (i = 0; i < 100; i++) {
        float point[2];
        point[0] = (float)i;
        point[1] = 0.0f;
        if (annoy_add_item(index, i, point, 2, &error)) return failed("annoy_add_item", &error);
    }
    /* Threads: the static library needs pthread for these. */
    if (annoy_build(index, 10, 2, &error)) return failed("annoy_build", &error);
    if (annoy_get_nns_by_vector(index, query, 2, 3, 1000, ids, distances, &n_found, &error))
        return failed("annoy_get_nns_by_vector", &error);
    annoy_free(index);
    if (n_found != 3 || ids[0] != 7 || ids[1] != 8 || ids[2] != 6) {
        fprintf(stderr, "found %d, %d, %d; expected 7, 8, 6\n", (int)ids[0], (int)ids[1], (int)ids[2]);
        return 1;
    }
    return 0;
}
