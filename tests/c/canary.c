/* Makes the mistakes that the checkers must find, each by its name. run.sh checks that they report
   every one (tests/sanitizers: "race"), so that their silence about the tests means something. */
#include "check.h"

#include <pthread.h>

static annoy_index *shared_index;

static void *add(void *argument) {
    float vector[2] = {1, 2};
    (void)argument;
    annoy_add_item(shared_index, 0, vector, 2, NULL);
    return NULL;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    float *vector = floats(2);
    annoy_index *index = line_of(10, 1);
    if (!strcmp(what, "overflow")) {
        volatile float *past = vector;
        past[2] = 1; /* one past its end */
    } else if (!strcmp(what, "library-overflow")) {
        /* The library is told of more room than there is, as if it wrote past a
           buffer by itself. */
        int64_t *ids = int64s(1);
        size_t n;
        OK(annoy_get_nns_by_item(index, 0, 10, 100, ids, NULL, &n, &error));
        free(ids);
    } else if (!strcmp(what, "use-after-free")) {
        annoy_index *freed = line_of(10, 1);
        annoy_free(freed);
        printf("%d\n", (int)annoy_get_n_items(freed));
    } else if (!strcmp(what, "leak")) {
        /* Many, as the stack may still hold the address of the last. */
        for (int i = 0; i < 10; i++) (void)line_of(10, 1);
    } else if (!strcmp(what, "race")) {
        /* Two threads change one index that has no lock. */
        pthread_t other;
        annoy_options options;
        EMPTY(options);
        options.metric = ANNOY_EUCLIDEAN;
        options.flags = ANNOY_UNLOCKED;
        options.f = 2;
        annoy_free(index);
        OK(annoy_new_with(&options, &index, &error));
        OK(add_one(index, 0, ANNOY_ELEMENT_F32, vector, 2, &error));
        shared_index = index;
        CHECK(pthread_create(&other, NULL, add, NULL) == 0);
        add(NULL);
        CHECK(pthread_join(other, NULL) == 0);
    } else if (!strcmp(what, "undefined")) {
        volatile int most = 2147483647;
        most = most + argc; /* signed overflow */
    } else if (!strcmp(what, "check")) {
        CHECK(annoy_get_n_items(index) == 11);
        n_failed += failed_here;
    }
    annoy_free(index);
    free(vector);
    n_tests = 1;
    return report();
}
