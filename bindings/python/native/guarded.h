/* An index that several Python threads share: any number of them search, one at a time changes it,
   and after a close nobody can use it. cffi releases the interpreter's lock around each of these
   calls, so a thread that waits here blocks only threads that want the same index. */

#include "annoy.h"
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

typedef struct guarded {
    annoy_index *index;
    pthread_mutex_t mutex; /* held for moments only: for what follows */
    pthread_cond_t turn;
    int sharing;          /* calls that share the index */
    int alone;            /* whether one has it alone */
    int want_to_share;    /* that wait */
    int want_it_alone;    /* that wait: only calls that are let in go before these */
    int let_in;           /* of the first kind: their turn, after one that had it alone */
    int closed;           /* set before the close has its turn, so that nobody else comes in */
    int lost;             /* in a forked child: a thread that is not there was changing it */
} guarded;

/* One call's part in an index: waiting for it, or holding it. Those that a thread holds are in a
   list of its own. */
typedef struct guarded_hold {
    guarded *of;
    int alone, closes, holds;
    struct guarded_hold *next;
} guarded_hold;

static __thread guarded_hold *holds;

/* What the lock says besides 0. */
#define GUARDED_CLOSED 1
#define GUARDED_BUSY 2   /* this very thread is changing the index */
#define GUARDED_SHARED 3 /* this very thread is in a call that shares it, and wants to change it */
#define GUARDED_LOST 4
#define GUARDED_MEMORY 5
#define GUARDED_AGAIN 6 /* not yet: call again with the same place */

/* The error of the last call of this thread that failed: it stays where it is, so searches that
   succeed pay nothing. */
static __thread annoy_error last;

static annoy_error *guarded_error(void) { return &last; }

/* Takes the index over; NULL when there is no memory. */
static guarded *guarded_new(annoy_index *index) {
    guarded *self = calloc(1, sizeof(guarded));
    if (self == NULL || pthread_mutex_init(&self->mutex, NULL) != 0 || pthread_cond_init(&self->turn, NULL) != 0) {
        free(self);
        annoy_free(index);
        return NULL;
    }
    self->index = index;
    return self;
}

/* Why a call cannot have the index, however long it waits; 0 if it can. `*inside` tells whether
 * this thread holds an index, this or another: then it does not wait for those that wait, who may
 * be waiting for it. */
static int guarded_refusal(const guarded *self, const guarded_hold *hold, int *inside) {
    const guarded_hold *other;
    *inside = holds != NULL;
    if (self->index == NULL || (self->closed && !hold->closes))
        return GUARDED_CLOSED;
    if (self->lost)
        return GUARDED_LOST;
    for (other = holds; other != NULL; other = other->next) {
        if (other->of == self && other->alone)
            return GUARDED_BUSY;
        if (other->of == self && hold->alone)
            return GUARDED_SHARED;
    }
    return 0;
}

static int guarded_is_free(const guarded *self, const guarded_hold *hold, int inside) {
    if (self->alone)
        return 0;
    if (hold->alone)
        return self->sharing == 0 && self->let_in == 0;
    return inside || self->want_it_alone == 0 || self->let_in > 0;
}

/* (Nobody is counted as waiting in the child of a fork, though a signal's handler may have forked
 * while this thread did.) */
static void guarded_no_longer_waits(guarded *self, const guarded_hold *hold) {
    int *count = hold->alone ? &self->want_it_alone : &self->want_to_share;
    if (*count > 0)
        --*count;
    if (self->let_in > self->want_to_share)
        self->let_in = self->want_to_share;
}

static void guarded_wake(guarded *self) {
    if (self->want_it_alone > 0 || self->want_to_share > 0)
        pthread_cond_broadcast(&self->turn);
}

/* Waits for the turn, at most a twentieth of a second: Python then looks for signals. */
static int guarded_wait(guarded *self, guarded_hold *hold) {
    struct timespec until;
    int reason, inside;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 50000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    for (;;) {
        reason = guarded_refusal(self, hold, &inside);
        if (reason || guarded_is_free(self, hold, inside))
            break;
        if (pthread_cond_timedwait(&self->turn, &self->mutex, &until) != 0)
            return GUARDED_AGAIN;
    }
    guarded_no_longer_waits(self, hold);
    if (reason)
        return reason;
    if (hold->alone)
        self->alone = 1;
    else
        self->sharing++;
    hold->holds = 1;
    hold->next = holds;
    holds = hold;
    return 0;
}

/* `hold` is new, or one for which this said to be called again. */
static int guarded_enter(guarded *self, guarded_hold *hold) {
    int reason;
    pthread_mutex_lock(&self->mutex);
    if (hold->of == NULL) {
        hold->of = self;
        if (hold->alone)
            self->want_it_alone++;
        else
            self->want_to_share++;
    }
    reason = guarded_wait(self, hold);
    if (reason && reason != GUARDED_AGAIN) {
        hold->of = NULL;
        if (hold->closes)
            self->closed = self->index == NULL;
        guarded_wake(self);
    }
    pthread_mutex_unlock(&self->mutex);
    return reason;
}

/* Ends it, whether it waits or holds. */
static void guarded_leave(guarded_hold *hold) {
    guarded *self = hold->of;
    guarded_hold **place;
    if (self == NULL)
        return;
    pthread_mutex_lock(&self->mutex);
    if (hold->holds) {
        for (place = &holds; *place != hold; place = &(*place)->next) {
        }
        *place = hold->next;
        if (hold->alone) {
            self->alone = 0;
            self->let_in = self->want_to_share;
        } else {
            self->sharing--;
        }
    } else {
        guarded_no_longer_waits(self, hold);
        if (hold->closes)
            self->closed = 0;
    }
    hold->of = NULL;
    guarded_wake(self);
    pthread_mutex_unlock(&self->mutex);
}

/* Waits for the turn. `*place`, NULL at first, is to be unlocked whatever this says: Ctrl-C may
 * keep Python from hearing it. */
static int guarded_lock(guarded *self, int alone, guarded_hold **place) {
    if (*place == NULL) {
        *place = calloc(1, sizeof **place);
        if (*place == NULL)
            return GUARDED_MEMORY;
        (*place)->alone = alone;
    }
    return guarded_enter(self, *place);
}

/* Lets go of what a lock has put there, if it has; a second time it does nothing. */
static void guarded_unlock(guarded_hold **place) {
    if (*place != NULL)
        guarded_leave(*place);
    free(*place);
    *place = NULL;
}

/* The index; to be used between a lock and its unlock. */
static annoy_index *guarded_index(guarded *self) { return self->index; }

/* As a lock for a change: waits for the calls under way, and then frees the index. */
static int guarded_close(guarded *self, guarded_hold **place) {
    int reason, closed;
    if (*place == NULL) {
        pthread_mutex_lock(&self->mutex);
        closed = self->closed;
        self->closed = 1;
        pthread_mutex_unlock(&self->mutex);
        if (closed || self->lost)
            return 0;
        *place = calloc(1, sizeof **place);
        if (*place == NULL) {
            pthread_mutex_lock(&self->mutex);
            self->closed = 0;
            pthread_mutex_unlock(&self->mutex);
            return GUARDED_MEMORY;
        }
        (*place)->alone = (*place)->closes = 1;
    }
    reason = guarded_enter(self, *place);
    if (reason == 0) {
        annoy_free(self->index);
        self->index = NULL;
    }
    return reason;
}

/* Frees all, when no reference is left and so no call under way. */
static void guarded_free(guarded *self) {
    if (!self->lost)
        annoy_free(self->index);
    pthread_cond_destroy(&self->turn);
    pthread_mutex_destroy(&self->mutex);
    free(self);
}

/* A fork takes all mutexes before, so that none is held by a thread that the child does not have;
   one at a time. */
static pthread_mutex_t forking = PTHREAD_MUTEX_INITIALIZER;

static void guarded_fork_begins(void) { pthread_mutex_lock(&forking); }

static void guarded_before_fork(guarded *self) { pthread_mutex_lock(&self->mutex); }

static void guarded_after_fork(guarded *self, int child) {
    const guarded_hold *hold;
    if (child) {
        int was_alone = self->alone;
        pthread_mutex_init(&self->mutex, NULL);
        pthread_cond_init(&self->turn, NULL);
        /* Of all calls those of this thread are left, which is in a callback of theirs. */
        self->sharing = self->alone = self->want_to_share = self->want_it_alone = self->let_in = 0;
        for (hold = holds; hold != NULL; hold = hold->next) {
            if (hold->of == self && hold->alone)
                self->alone = 1;
            else if (hold->of == self)
                self->sharing++;
        }
        /* Half changed: nothing is safe to do with it, not even to free it. */
        self->lost = self->lost || (was_alone && !self->alone);
        self->closed = self->index == NULL;
    } else {
        pthread_mutex_unlock(&self->mutex);
    }
}

static void guarded_fork_ends(int child) {
    if (child)
        pthread_mutex_init(&forking, NULL);
    else
        pthread_mutex_unlock(&forking);
}

/* The everyday searches, in one call from Python: the number found, or -1 - lock for what
 * `guarded_lock` says, or -100 - status. */
#define GUARDED_SEARCH(call)                       \
    size_t n_found = 0;                            \
    guarded_hold hold = {0};                       \
    int refused = guarded_enter(self, &hold);      \
    if (refused) {                                 \
        guarded_leave(&hold);                      \
        return -1 - refused;                       \
    }                                              \
    annoy_status status = (call);                  \
    guarded_leave(&hold);                          \
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

/* Between the library and `python_progress`: a report takes the interpreter's lock, so there are no
 * more than twenty a second, and the last one. */
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
