/* An index that several Python threads share: any number of them search, one at a time changes it, and after a close
 * nobody gets at it any more. cffi lets go of the interpreter's lock around each of these calls, so waiting here holds
 * nobody up who is not after the same index. */

#include "annoy.h"
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

typedef struct guarded {
    annoy_index *index;
    pthread_rwlock_t lock;
    int closed; /* atomic: set before the close waits for its turn, so that no more searches come in before it */
} guarded;

/* What the locks say besides 0. */
#define GUARDED_CLOSED 1
#define GUARDED_BUSY 2 /* this very thread is changing the index */

/* The error of the last call of this thread that failed: it stays where it is, so searches that succeed pay nothing. */
static __thread annoy_error last;

static annoy_error *guarded_error(void) { return &last; }

/* Takes the index over; NULL when there is no memory. */
static guarded *guarded_new(annoy_index *index) {
    guarded *self = calloc(1, sizeof(guarded));
    if (self == NULL || pthread_rwlock_init(&self->lock, NULL) != 0) {
        free(self);
        annoy_free(index);
        return NULL;
    }
    self->index = index;
    return self;
}

/* Waits for the turn; `*held` is 1 from then on. (Ctrl-C may keep Python from hearing what this returned.) */
static int guarded_lock(guarded *self, int exclusive, int *held) {
    if (__atomic_load_n(&self->closed, __ATOMIC_ACQUIRE))
        return GUARDED_CLOSED;
    if ((exclusive ? pthread_rwlock_wrlock : pthread_rwlock_rdlock)(&self->lock) != 0)
        return GUARDED_BUSY;
    if (self->index == NULL) {
        pthread_rwlock_unlock(&self->lock);
        return GUARDED_CLOSED;
    }
    *held = 1;
    return 0;
}

static void guarded_unlock(guarded *self) { pthread_rwlock_unlock(&self->lock); }

/* The index; to be used between a lock and its unlock. */
static annoy_index *guarded_index(guarded *self) { return self->index; }

/* Waits for the calls under way, then frees the index. */
static int guarded_close(guarded *self) {
    if (__atomic_exchange_n(&self->closed, 1, __ATOMIC_ACQ_REL))
        return 0;
    if (pthread_rwlock_wrlock(&self->lock) != 0) {
        __atomic_store_n(&self->closed, 0, __ATOMIC_RELEASE);
        return GUARDED_BUSY;
    }
    annoy_free(self->index);
    self->index = NULL;
    pthread_rwlock_unlock(&self->lock);
    return 0;
}

/* Frees all, when no reference is left and so no call under way. */
static void guarded_free(guarded *self) {
    annoy_free(self->index);
    pthread_rwlock_destroy(&self->lock);
    free(self);
}

/* In a forked child: threads that held the lock are not there to let go of it. */
static void guarded_after_fork(guarded *self) { pthread_rwlock_init(&self->lock, NULL); }

/* The everyday searches, in one call from Python: the number found, or -1 - lock for what `guarded_lock` says, or
 * -100 - status. */
#define GUARDED_SEARCH(call)                       \
    size_t n_found = 0;                            \
    int held = 0;                                  \
    int refused = guarded_lock(self, 0, &held);    \
    if (refused)                                   \
        return -1 - refused;                       \
    annoy_status status = (call);                  \
    guarded_unlock(self);                          \
    return status == ANNOY_OK ? (int64_t)n_found : -100 - (int64_t)status

static int64_t guarded_by_vector(guarded *self, const float *vector, size_t len, size_t n, int64_t search_k,
                                 int64_t *ids, float *distances) {
    GUARDED_SEARCH(
        annoy_get_nns_by_vector(self->index, vector, len, n, search_k, ids, distances, &n_found, &last));
}

static int64_t guarded_by_item(guarded *self, int64_t item, size_t n, int64_t search_k, int64_t *ids,
                               float *distances) {
    GUARDED_SEARCH(annoy_get_nns_by_item(self->index, item, n, search_k, ids, distances, &n_found, &last));
}

/* Between the library and `python_progress`: a report takes the interpreter's lock, so there are no more than twenty a
 * second, and the last one. */
typedef struct guarded_reports {
    void *user;
    int64_t next; /* in nanoseconds */
} guarded_reports;

static void python_progress(void *user, uint64_t done, uint64_t total);

static void guarded_progress(void *reports, annoy_stage stage, uint64_t done, uint64_t total) {
    guarded_reports *self = reports;
    (void)stage;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t nanoseconds = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    if (done < total && nanoseconds < self->next)
        return;
    self->next = nanoseconds + 50000000;
    python_progress(self->user, done, total);
}
