/* Calls that take a const index, from several threads at once: each answer is the one a
   single thread gets. */
#define _XOPEN_SOURCE 700
#include "check.h"

#include <pthread.h>

#ifdef VALGRIND /* where all is some fifty times slower, and threads take turns */
enum { ROUNDS = 1 };
#elif defined __SANITIZE_THREAD__
enum { ROUNDS = 4 };
#else
enum { ROUNDS = 20 };
#endif
enum { ITEMS = 400, F = 9, THREADS = 4, N = 5 };

typedef struct {
    int64_t ids[N];
    float distances[N];
    size_t n;
    float vector[F];
    double distance;
} answer;

static annoy_index *shared_index;
static answer expected[ITEMS];
static const char *save_path; /* NULL: no saving */

/* Not with CHECK, whose counts are not made for threads. */
static int ask(int64_t item, answer *a) {
    memset(a, 0, sizeof *a);
    return annoy_get_item(shared_index, item, a->vector, F, NULL) == ANNOY_OK &&
           annoy_get_nns_by_vector(shared_index, a->vector, F, N, -1, a->ids, a->distances, &a->n, NULL) == ANNOY_OK &&
           annoy_get_nns_by_item(shared_index, item, N, 300, a->ids, a->distances, &a->n, NULL) == ANNOY_OK &&
           annoy_get_distance(shared_index, item, ITEMS - 1 - item, &a->distance, NULL) == ANNOY_OK &&
           annoy_get_n_items(shared_index) == ITEMS && annoy_get_n_trees(shared_index) == 5;
}

static void *work(void *argument) {
    int64_t which = *(const int64_t *)argument, i;
    int64_t *wrong = (int64_t *)argument;
    int round;
    *wrong = 0;
    for (round = 0; round < ROUNDS; round++) {
        for (i = 0; i < ITEMS; i++) {
            answer a;
            annoy_error mine;
            /* Each thread in another order. */
            int64_t item = (i * (2 * which + 1) * 3 + 100 * which) % ITEMS;
            if (!ask(item, &a) || memcmp(&a, &expected[item], sizeof a) != 0) ++*wrong;
            /* Errors are each caller's own. */
            if (annoy_get_nns_by_item(shared_index, ITEMS + item, N, -1, a.ids, NULL, &a.n, &mine) != ANNOY_ERR_ITEM)
                ++*wrong;
            else {
                char text[64];
                snprintf(text, sizeof text, "item id is %d,", (int)(ITEMS + item));
                if (!strstr(mine.message, text)) ++*wrong;
            }
        }
        if (save_path && annoy_save(shared_index, save_path, NULL) != ANNOY_OK) ++*wrong;
    }
    return NULL;
}

static void make(void) {
    float v[F];
    int64_t i;
    int j;
    OK(annoy_new(ANNOY_ANGULAR, F, &shared_index, &error));
    for (i = 0; i < ITEMS; i++) {
        for (j = 0; j < F; j++) v[j] = random_float();
        OK(annoy_add_item(shared_index, i, v, F, &error));
    }
    OK(annoy_build(shared_index, 5, THREADS, &error));
    for (i = 0; i < ITEMS; i++) CHECK(ask(i, &expected[i]));
}

static void all_at_once(void) {
    pthread_t threads[THREADS];
    int64_t arguments[THREADS], i;
    for (i = 0; i < THREADS; i++) {
        arguments[i] = i;
        CHECK(pthread_create(&threads[i], NULL, work, &arguments[i]) == 0);
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(arguments[i] == 0);
    }
}

TEST(built_in_memory) {
    make();
    all_at_once();
}

/* Other threads, as what a thread keeps for its searches goes with it; and the index
   is a file now. */
TEST(loaded) {
    OK(annoy_save_and_load(shared_index, in_scratch("threads.ann"), 0, NULL, &error));
    all_at_once();
    annoy_free(shared_index);
}

/* annoy_save takes a const index: it, too, may run beside searches and other saves, also under
   the same name. */
TEST(saving_while_searching) {
    annoy_index *loaded = NULL;
    make();
    save_path = in_scratch("threads-save.ann");
    all_at_once();
    OK(annoy_new(ANNOY_ANGULAR, F, &loaded, &error));
    OK(annoy_load(loaded, save_path, 0, &error));
    CHECK(annoy_get_n_items(loaded) == ITEMS && annoy_get_n_trees(loaded) == 5);
    save_path = NULL;
    annoy_free(loaded);
    annoy_free(shared_index);
}

/* Different indexes in different threads, each making, building and freeing its own. */
static void *life(void *argument) {
    int64_t *wrong = (int64_t *)argument, ids[1], i;
    size_t n = 0;
    int round;
    *wrong = 0;
    for (round = 0; round < 5; round++) {
        annoy_index *index = NULL;
        *wrong += annoy_new(ANNOY_MANHATTAN, 1, &index, NULL) != ANNOY_OK;
        for (i = 0; i < 60; i++) {
            float x = (float)i;
            *wrong += annoy_add_item(index, i, &x, 1, NULL) != ANNOY_OK;
        }
        *wrong += annoy_build(index, 2, 2, NULL) != ANNOY_OK;
        *wrong += annoy_get_nns_by_item(index, 33, 1, 1000, ids, NULL, &n, NULL) != ANNOY_OK || n != 1 || ids[0] != 33;
        annoy_free(index);
    }
    return NULL;
}

TEST(independent_indexes) {
    pthread_t threads[THREADS];
    int64_t wrong[THREADS], i;
    for (i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, life, &wrong[i]) == 0);
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(wrong[i] == 0);
    }
}

/* Batches, each with threads of its own, beside each other; and one that is given up by
   another thread. */
static void *batches(void *argument) {
    int64_t *wrong = (int64_t *)argument, items[ITEMS], ids[ITEMS * N], i;
    float distances[ITEMS * N];
    size_t n_found[ITEMS];
    annoy_search_options options;
    annoy_work work;
    int round;
    *wrong = 0;
    for (i = 0; i < ITEMS; i++) items[i] = i;
    EMPTY(options);
    options.search_k = 300;
    EMPTY(work);
    work.n_threads = 3;
    for (round = 0; round < ROUNDS; round++) {
        annoy_status status =
            find_items(shared_index, items, ITEMS, N, &options, ids, 0, distances, n_found, &work, NULL);
        *wrong += status != ANNOY_OK;
        for (i = 0; i < ITEMS; i++) {
            *wrong += n_found[i] != N || memcmp(ids + i * N, expected[i].ids, sizeof expected[i].ids) != 0 ||
                      memcmp(distances + i * N, expected[i].distances, sizeof expected[i].distances) != 0;
        }
    }
    return NULL;
}

static void *until_cancelled(void *argument) {
    static int64_t items[ITEMS], ids[ITEMS * N]; /* one thread does this */
    annoy_search_options options;
    annoy_work work;
    annoy_status status = ANNOY_OK;
    EMPTY(options);
    EMPTY(work);
    work.n_threads = 2;
    work.cancel = (const struct annoy_cancel *)argument;
    while (status == ANNOY_OK)
        status = find_items(shared_index, items, ITEMS, N, &options, ids, ANNOY_ELEMENT_F32, NULL, NULL, &work, NULL);
    return status == ANNOY_ERR_CANCELLED ? argument : NULL;
}

TEST(batches_with_threads) {
    pthread_t threads[THREADS], cancelled;
    int64_t wrong[THREADS], i;
    struct annoy_cancel *cancel = annoy_cancel_new();
    void *result = NULL;
    make();
    CHECK(pthread_create(&cancelled, NULL, until_cancelled, cancel) == 0);
    for (i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, batches, &wrong[i]) == 0);
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(wrong[i] == 0);
    }
    annoy_cancel_set(cancel);
    CHECK(pthread_join(cancelled, &result) == 0 && result == cancel);
    annoy_cancel_free(cancel);
    annoy_free(shared_index);
}

/* A file that is saved over again and again, by two indexes in turn. */
static annoy_index *writers[2];
static answer of_writer[2];
static const char *busy_path;

static int first_answer(const annoy_index *index, answer *a) {
    memset(a, 0, sizeof *a);
    return annoy_get_nns_by_item(index, 7, N, 300, a->ids, a->distances, &a->n, NULL) == ANNOY_OK;
}

static void *save_over(void *argument) {
    int64_t *wrong = (int64_t *)argument;
    int round;
    for (round = 0; round < 4 * ROUNDS; round++)
        *wrong += annoy_save(writers[round % 2], busy_path, NULL) != ANNOY_OK;
    return NULL;
}

/* Whoever opens it gets the one or the other, whole, and keeps it while it is replaced. */
static void *open_and_free(void *argument) {
    static const uint64_t flags[] = {0, ANNOY_LOAD_PREFAULT, ANNOY_LOAD_COPY};
    int64_t *wrong = (int64_t *)argument;
    int round;
    for (round = 0; round < 10 * ROUNDS; round++) {
        annoy_index *index = NULL;
        answer a[2];
        size_t n_faults = 1;
        *wrong += annoy_open(busy_path, flags[round % 3], &index, NULL) != ANNOY_OK;
        *wrong += !first_answer(index, &a[0]) || annoy_verify(index, NULL, 0, &n_faults, NULL, NULL) != ANNOY_OK;
        *wrong += memcmp(&a[0], &of_writer[0], sizeof a[0]) != 0 && memcmp(&a[0], &of_writer[1], sizeof a[0]) != 0;
        *wrong += !first_answer(index, &a[1]) || memcmp(&a[0], &a[1], sizeof a[0]) != 0;
        if (round % 2) *wrong += annoy_load(index, busy_path, flags[round / 2 % 3], NULL) != ANNOY_OK;
        annoy_free(index);
    }
    return NULL;
}

/* Searches of a mapped file beside other handles that are opened, loaded and freed, and a file that
   is replaced, its own. */
TEST(beside_handles_that_come_and_go) {
    pthread_t threads[6];
    int64_t arguments[6], i;
    make(); /* as before, and a second one of other items */
    writers[0] = shared_index;
    make();
    writers[1] = shared_index;
    busy_path = in_scratch("busy.ann");
    for (i = 0; i < 2; i++) CHECK(first_answer(writers[i], &of_writer[i]));
    CHECK(memcmp(&of_writer[0], &of_writer[1], sizeof of_writer[0]) != 0);
    OK(annoy_save(writers[1], busy_path, &error));
    OK(annoy_open(busy_path, 0, &shared_index, &error));
    for (i = 0; i < 6; i++) {
        arguments[i] = i < 3 ? i : 0;
        CHECK(pthread_create(&threads[i], NULL, i < 3 ? work : i == 3 ? save_over : open_and_free, &arguments[i]) == 0);
    }
    for (i = 0; i < 6; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(arguments[i] == 0);
    }
    for (i = 0; i < ITEMS; i++) {
        answer a;
        CHECK(ask(i, &a) && memcmp(&a, &expected[i], sizeof a) == 0);
    }
    annoy_free(shared_index);
    for (i = 0; i < 2; i++) annoy_free(writers[i]);
}

int main(void) {
    RUN(built_in_memory);
    RUN(loaded);
    RUN(saving_while_searching);
    RUN(independent_indexes);
    RUN(batches_with_threads);
    RUN(beside_handles_that_come_and_go);
    return report();
}
