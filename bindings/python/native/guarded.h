/* An index that several Python threads share: any number of them search, one at a time changes it,
   and after a close nobody can use it. cffi releases the interpreter's lock around each of these
   calls, so a thread that waits here blocks only threads that want the same index. They are in
   src/guarded.rs and src/searches.rs. */

#ifndef ANNOY_RS_GUARDED_H
#define ANNOY_RS_GUARDED_H

#include "annoy.h"

typedef struct guarded guarded;

/* One call's part in an index: waiting for it, or holding it. */
typedef struct guarded_hold guarded_hold;

/* What the lock says besides 0. */
#define GUARDED_CLOSED 1
/* This very thread is changing the index. */
#define GUARDED_BUSY 2
/* This very thread is in a call that shares it, and wants to change it. */
#define GUARDED_SHARED 3
/* In a forked child: a thread that is not there was changing it. */
#define GUARDED_LOST 4
#define GUARDED_MEMORY 5
/* Not yet: call again with the same place. */
#define GUARDED_AGAIN 6

/* The error of the last call of this thread that failed: it stays where it is, so searches that
   succeed pay nothing. */
annoy_error *guarded_error(void);

/* Takes the index over; NULL when there is no memory. */
guarded *guarded_new(annoy_index *index);

/* Waits for the turn, at most a twentieth of a second: Python then looks for signals. `*place`,
   NULL at first, is to be unlocked whatever this says: Ctrl-C may keep Python from hearing it. */
int guarded_lock(guarded *self, int alone, guarded_hold **place);

/* Lets go of what a lock has put there, if it has; a second time it does nothing. */
void guarded_unlock(guarded_hold **place);

/* The index; to be used between a lock and its unlock. */
annoy_index *guarded_index(guarded *self);

/* As a lock for a change: waits for the calls under way, and then frees the index (annoy_free). */
int guarded_close(guarded *self, guarded_hold **place);

/* Frees all, when no reference is left and so no call under way. */
void guarded_free(guarded *self);

/* A fork takes all mutexes before, so that none is held by a thread that the child does not have;
   one fork at a time. */
void guarded_fork_begins(void);
void guarded_before_fork(guarded *self);
void guarded_after_fork(guarded *self, int child);
void guarded_fork_ends(int child);

/* The everyday searches, annoy_get_nns_by_vector and annoy_get_nns_by_item, in one call from
   Python: the number found, or -1 - what the lock says, or -100 - status. Without trees Annoy finds
   nothing, where the library looks at all of a few items: `as_annoy` says ANNOY_ERR_STATE. The
   first takes pointers of any type, as that is how Python has them soonest. */
int64_t guarded_by_vector(guarded *self, const void *vector, size_t len, size_t n, int64_t search_k, void *ids,
                          void *distances);
int64_t guarded_by_vector_as_annoy(guarded *self, const float *vector, size_t len, size_t n, int64_t search_k,
                                   int64_t *ids, float *distances);
int64_t guarded_by_item_as_annoy(guarded *self, int64_t item, size_t n, int64_t search_k, int64_t *ids,
                                 float *distances);

/* Between the library and `python_progress`: a report takes the interpreter's lock, so there are no
   more than twenty a second, and the last one. */
typedef struct guarded_reports {
    void *user;
    int64_t next; /* in nanoseconds; 0 at first */
} guarded_reports;

void guarded_progress(void *reports, annoy_stage stage, uint64_t done, uint64_t total);

#endif
