#include <annoy.h>
#include <stdio.h>

int main(void) {
    const float rows[3][3] = {{1, 0, 0}, {0, 1, 0}, {1, 1, 0}}, query[3] = {1, 0.1f, 0};
    annoy_index *index, *opened;
    annoy_error error = {0};
    int64_t ids[2];
    float distances[2];
    size_t n = 0;
    int i, wrong = annoy_new(ANNOY_ANGULAR, 3, &index, &error);
    for (i = 0; i < 3 && !wrong; i++) wrong = annoy_add_item(index, i, rows[i], 3, &error);
    if (wrong || annoy_build(index, 10, -1, &error) || annoy_save(index, "three.ann", &error) ||
        annoy_open("three.ann", 0, &opened, &error) ||
        annoy_get_nns_by_vector(opened, query, 3, 2, -1, ids, distances, &n, &error)) {
        printf("%s\n", error.message);
        return 1;
    }
    printf("%d %d %.3f\n", (int)ids[0], (int)ids[1], distances[0]);
    annoy_free(opened);
    annoy_free(index);
    return 0;
}
