/*
 * Long calls that say how far they are and can be given up: items are added in one call, a build
 * with far too many trees is cancelled from another thread, and one with fewer goes through.
 */
#include <annoy.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 20000, F = 20, N_TREES = 20 };

static annoy_error error; /* what went wrong in the last call that failed */

static void fail(const char *what, const char *why) {
    fprintf(stderr, "progress: %s: %s\n", what, why);
    exit(1);
}

#define CHECK(call)                                         \
    do {                                                    \
        if ((call) != ANNOY_OK) fail(#call, error.message); \
    } while (0)

/* Prints each tenth of the way once. */
static void show(void *user, annoy_stage stage, uint64_t done, uint64_t total) {
    static const char *const stages[] = {"", "adding", "building", "searching", "saving", "verifying"};
    int *tenths = (int *)user;
    for (; (uint64_t)(*tenths + 1) * total <= 10 * done && *tenths < 10; ++*tenths)
        printf("%s: %d %%\n", stages[stage], 10 * (*tenths + 1));
}

/* What the two threads share. The lock is there for `started` alone: a token needs none. */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int started;
    annoy_cancel *cancel;
} shared;

/* Lets the other thread know that the build is under way. */
static void say_started(void *user, annoy_stage stage, uint64_t done, uint64_t total) {
    shared *s = (shared *)user;
    (void)stage, (void)done, (void)total;
    pthread_mutex_lock(&s->lock);
    s->started = 1;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void *cancel_once_started(void *user) {
    shared *s = (shared *)user;
    pthread_mutex_lock(&s->lock);
    while (!s->started) pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
    annoy_cancel_set(s->cancel);
    return NULL;
}

int main(void) {
    float *rows = (float *)malloc(sizeof(float) * N * F);
    annoy_index *index = NULL;
    annoy_vectors vectors;
    annoy_work work;
    shared s;
    pthread_t other;
    int tenths, i;

    if (!rows) fail("malloc", "no memory");
    for (i = 0; i < N * F; i++) rows[i] = (float)rand() / (float)RAND_MAX;
    CHECK(annoy_new(ANNOY_ANGULAR, F, &index, &error));
    CHECK(annoy_reserve(index, N, &error));

    memset(&work, 0, sizeof work);
    work.struct_size = sizeof work;
    work.progress = show;
    work.progress_user = &tenths;
    tenths = 0;
    memset(&vectors, 0, sizeof vectors);
    vectors.struct_size = sizeof vectors;
    vectors.data = rows;
    vectors.n = N;
    vectors.len = F;
    CHECK(annoy_add(index, NULL, &vectors, &work, &error));

    /* 65,536 trees would take many minutes. */
    s.started = 0;
    s.cancel = annoy_cancel_new();
    if (!s.cancel || pthread_mutex_init(&s.lock, NULL) || pthread_cond_init(&s.changed, NULL)) fail("set up", "no memory");
    if (pthread_create(&other, NULL, cancel_once_started, &s)) fail("pthread_create", "no thread");
    work.cancel = s.cancel;
    work.progress = say_started;
    work.progress_user = &s;
    if (annoy_build_trees(index, 65536, &work, &error) != ANNOY_ERR_CANCELLED) fail("a build given up", "it was not");
    printf("build: %s; items: %d, trees: %d\n", error.message, (int)annoy_get_n_items(index),
           (int)annoy_get_n_trees(index));
    pthread_join(other, NULL);
    pthread_cond_destroy(&s.changed);
    pthread_mutex_destroy(&s.lock);
    annoy_cancel_free(s.cancel);

    /* The index is as it was. */
    work.cancel = NULL;
    work.progress = show;
    work.progress_user = &tenths;
    tenths = 0;
    CHECK(annoy_build_trees(index, N_TREES, &work, &error));
    printf("built %d trees\n", (int)annoy_get_n_trees(index));

    free(rows);
    annoy_free(index);
    return 0;
}
