/* Calls of several threads on one index: who waits for whom and until when, what callbacks may do,
   what a close ends, and what is left in the child of a fork. */
#define _XOPEN_SOURCE 700 /* fork, nanosleep */
#include "check.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef VALGRIND /* where all is some fifty times slower, and threads take turns */
enum { EACH = 30, TURNS = 2, THREADS = 2 };
#else
enum { EACH = 300, TURNS = 50, THREADS = 4 };
#endif
enum { ITEMS = 200 };

static annoy_index *the_index;

static void pause_for(long milliseconds) {
    struct timespec pause;
    pause.tv_sec = 0;
    pause.tv_nsec = milliseconds * 1000000;
    nanosleep(&pause, NULL);
}

static annoy_status search_one(annoy_index *index, annoy_error *to) {
    const float query[2] = {1, 0};
    int64_t ids[3];
    size_t n = 0;
    return annoy_get_nns_by_vector(index, query, 2, 3, -1, ids, NULL, &n, to);
}

static annoy_index *built(void) {
    annoy_index *index = line_of(ITEMS, 0);
    OK(annoy_build(index, 2, 1, &error));
    return index;
}

/* A search or a build that stands still in a callback until it is told to go on. */
typedef struct {
    sem_t inside, go_on;
    int once;
    annoy_status status;
    pthread_t thread;
} held_call;

static void stand_still(held_call *call) {
    if (call->once++) return;
    sem_post(&call->inside);
    sem_wait(&call->go_on);
}

static int32_t hold_filter(void *user, int64_t item) {
    (void)item;
    stand_still((held_call *)user);
    return 1;
}

static void hold_progress(void *user, annoy_stage stage, uint64_t done, uint64_t total) {
    (void)stage;
    (void)done;
    (void)total;
    stand_still((held_call *)user);
}

static annoy_status search_with(annoy_filter_fn filter, void *user, const annoy_work *work, annoy_error *to) {
    const float query[2] = {1, 0};
    const annoy_vectors queries = rows_of(ANNOY_ELEMENT_F32, query, 1, 2, 0);
    annoy_search_options options;
    annoy_results results;
    int64_t ids[3];
    EMPTY(options);
    options.filter = filter;
    options.filter_user = user;
    results = room_of(3, ids, 0, NULL, NULL);
    return annoy_search(the_index, &queries, &options, &results, work, to);
}

static void *held_search(void *user) {
    held_call *call = (held_call *)user;
    call->status = search_with(hold_filter, call, NULL, NULL);
    return NULL;
}

static void *held_build(void *user) {
    held_call *call = (held_call *)user;
    annoy_work work = no_work();
    work.n_threads = 1;
    work.progress = hold_progress;
    work.progress_user = call;
    call->status = annoy_build_trees(the_index, 3, &work, NULL);
    return NULL;
}

static void hold(held_call *call, void *(*body)(void *)) {
    memset(call, 0, sizeof *call);
    sem_init(&call->inside, 0, 0);
    sem_init(&call->go_on, 0, 0);
    CHECK(pthread_create(&call->thread, NULL, body, call) == 0);
    sem_wait(&call->inside);
}

static void let_go(held_call *call) {
    sem_post(&call->go_on);
    CHECK(pthread_join(call->thread, NULL) == 0);
    CHECK(call->status == ANNOY_OK);
}

/* A call made by another thread, and whether it has come back. */
typedef struct {
    annoy_status (*call)(annoy_error *);
    annoy_error error;
    annoy_status status;
    sem_t done;
    pthread_t thread;
} other_call;

static void *make_call(void *user) {
    other_call *other = (other_call *)user;
    other->status = other->call(&other->error);
    sem_post(&other->done);
    return NULL;
}

static void begin(other_call *other, annoy_status (*call)(annoy_error *)) {
    memset(other, 0, sizeof *other);
    sem_init(&other->done, 0, 0);
    other->call = call;
    CHECK(pthread_create(&other->thread, NULL, make_call, other) == 0);
    pause_for(20); /* it waits by now */
}

static int is_done(other_call *other) {
    int done = 0;
    sem_getvalue(&other->done, &done);
    return done;
}

static void end(other_call *other, annoy_status expected) {
    CHECK(pthread_join(other->thread, NULL) == 0);
    CHECK(other->status == expected);
}

static annoy_status remove_one(annoy_error *to) { return annoy_remove_item(the_index, 7, to); }
static annoy_status close_it(annoy_error *to) { return annoy_close(the_index, to); }
static annoy_status ask_it(annoy_error *to) { return search_one(the_index, to); }

static void *add_some(void *user) {
    const int64_t first = *(int64_t *)user;
    int64_t *wrong = (int64_t *)user, i;
    *wrong = 0;
    for (i = first; i < first + EACH; i++) {
        float vector[2], back[2];
        vector[0] = (float)i;
        vector[1] = -(float)i;
        *wrong += annoy_add_item(the_index, i, vector, 2, NULL) != ANNOY_OK;
        *wrong += annoy_get_item(the_index, i, back, 2, NULL) != ANNOY_OK;
        *wrong += memcmp(vector, back, sizeof back) != 0;
        *wrong += annoy_get_n_items(the_index) <= i || !annoy_has_item(the_index, i);
    }
    return NULL;
}

TEST(threads_that_add) {
    pthread_t threads[THREADS];
    int64_t firsts[THREADS];
    int i;
    OK(annoy_new(ANNOY_EUCLIDEAN, 2, &the_index, &error));
    for (i = 0; i < THREADS; i++) {
        firsts[i] = i * EACH;
        CHECK(pthread_create(&threads[i], NULL, add_some, &firsts[i]) == 0);
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(firsts[i] == 0);
    }
    CHECK(annoy_get_n_items(the_index) == THREADS * EACH);
    OK(annoy_build(the_index, 2, 1, &error));
    OK(search_one(the_index, &error));
    annoy_free(the_index);
}

TEST(a_change_waits_for_a_search) {
    held_call search;
    other_call change;
    the_index = built();
    hold(&search, held_search);
    begin(&change, remove_one);
    CHECK(!is_done(&change));
    /* What the filter may wait for goes on. */
    OK(search_one(the_index, &error));
    CHECK(!annoy_is_removed(the_index, 7));
    let_go(&search);
    end(&change, ANNOY_OK);
    CHECK(annoy_is_removed(the_index, 7));
    annoy_free(the_index);
}

TEST(a_search_waits_for_a_change) {
    held_call build;
    other_call search;
    the_index = line_of(ITEMS, 0);
    hold(&build, held_build);
    begin(&search, ask_it);
    CHECK(!is_done(&search));
    let_go(&build);
    end(&search, ANNOY_OK);
    annoy_free(the_index);
}

static annoy_cancel *token;

static annoy_status change_until_cancelled(annoy_error *to) {
    annoy_work work = no_work();
    work.cancel = token;
    return annoy_save_and_load(the_index, in_scratch("never.ann"), 0, &work, to);
}

static annoy_status search_until_cancelled(annoy_error *to) {
    annoy_work work = no_work();
    work.cancel = token;
    return search_with(NULL, NULL, &work, to);
}

TEST(a_token_ends_a_wait) {
    annoy_status (*calls[2])(annoy_error *) = {change_until_cancelled, search_until_cancelled};
    void *(*holders[2])(void *) = {held_search, held_build};
    int i;
    for (i = 0; i < 2; i++) {
        held_call holder;
        other_call waiting;
        the_index = i == 0 ? built() : line_of(ITEMS, 0);
        token = annoy_cancel_new();
        hold(&holder, holders[i]);
        begin(&waiting, calls[i]);
        CHECK(!is_done(&waiting));
        annoy_cancel_set(token);
        end(&waiting, ANNOY_ERR_CANCELLED);
        let_go(&holder);
        /* Nobody waits for the one that has given up. */
        OK(annoy_set_seed(the_index, 7, &error));
        OK(search_one(the_index, &error));
        annoy_cancel_free(token);
        annoy_free(the_index);
    }
}

TEST(a_close_waits_and_ends_all) {
    held_call search;
    other_call closing;
    size_t n = 77;
    the_index = built();
    hold(&search, held_search);
    begin(&closing, close_it);
    CHECK(!is_done(&closing));
    OK(search_one(the_index, &error));
    let_go(&search);
    end(&closing, ANNOY_OK);
    FAILS(ANNOY_ERR_STATE, "the index is closed", search_one(the_index, &error));
    FAILS(ANNOY_ERR_STATE, "the index is closed", annoy_remove_item(the_index, 7, &error));
    FAILS(ANNOY_ERR_STATE, "the index is closed", annoy_load(the_index, in_scratch("none"), 0, &error));
    FAILS(ANNOY_ERR_STATE, "the index is closed", annoy_save_to_buffer(the_index, NULL, 0, &n, NULL, &error));
    CHECK(n == 77 && annoy_get_n_items(the_index) == 0 && annoy_get_f(the_index) == 0);
    OK(annoy_close(the_index, &error));
    annoy_free(the_index);
}

TEST(a_close_ends_calls_that_wait) {
    held_call build;
    other_call closing, search;
    the_index = line_of(ITEMS, 0);
    hold(&build, held_build);
    begin(&closing, close_it);
    begin(&search, remove_one);
    CHECK(!is_done(&closing) && !is_done(&search));
    let_go(&build);
    CHECK(pthread_join(closing.thread, NULL) == 0 && closing.status == ANNOY_OK);
    /* Either may have been first. */
    CHECK(pthread_join(search.thread, NULL) == 0);
    CHECK(search.status == ANNOY_OK || (search.status == ANNOY_ERR_STATE && strstr(search.error.message, "closed")));
    annoy_free(the_index);
}

/* What callbacks are told when they use the index they are called about. */
static annoy_error told[3];
static int n_told;

static int32_t filter_that_calls(void *user, int64_t item) {
    (void)user;
    (void)item;
    if (n_told++ == 0) {
        annoy_remove_item(the_index, 7, &told[0]);
        annoy_close(the_index, &told[1]);
        if (search_one(the_index, &told[2]) == ANNOY_OK) told[2].code = -1;
    }
    return 1;
}

static void progress_that_calls(void *user, annoy_stage stage, uint64_t done, uint64_t total) {
    (void)user;
    (void)stage;
    (void)done;
    (void)total;
    if (n_told++ == 0) {
        annoy_remove_item(the_index, 7, &told[0]);
        annoy_close(the_index, &told[1]);
        if (search_one(the_index, &told[2]) == ANNOY_OK) told[2].code = -1;
    }
}

static void log_that_calls(void *user, int32_t level, const char *text) {
    (void)level;
    progress_that_calls(user, 0, 0, (uint64_t)strlen(text));
}

static int says(const annoy_error *one, const char *text) {
    return one->code == ANNOY_ERR_STATE && strstr(one->message, text) != NULL;
}

TEST(callbacks_of_a_search) {
    annoy_work work = no_work();
    the_index = built();
    n_told = 0;
    OK(search_with(filter_that_calls, NULL, NULL, &error));
    CHECK(n_told > 0 && says(&told[0], "in use") && says(&told[1], "in use") && told[2].code == -1);
    n_told = 0;
    work.progress = progress_that_calls;
    OK(annoy_save_to(the_index, in_scratch("lock.ann"), &work, &error));
    CHECK(n_told > 0 && says(&told[0], "in use") && says(&told[1], "in use") && told[2].code == -1);
    OK(annoy_set_log(the_index, ANNOY_LOG_DEBUG, log_that_calls, NULL, &error));
    n_told = 0;
    OK(annoy_save(the_index, in_scratch("lock.ann"), &error));
    CHECK(n_told > 0 && says(&told[0], "in use") && says(&told[1], "in use") && told[2].code == -1);
    OK(annoy_remove_item(the_index, 7, &error));
    annoy_free(the_index);
}

TEST(callbacks_of_a_change) {
    annoy_work work = no_work();
    the_index = line_of(ITEMS, 0);
    n_told = 0;
    work.progress = progress_that_calls;
    OK(annoy_build_trees(the_index, 2, &work, &error));
    CHECK(n_told > 0 && says(&told[0], "being changed") && says(&told[1], "being changed"));
    CHECK(says(&told[2], "being changed"));
    OK(annoy_unbuild(the_index, &error));
    OK(annoy_set_log(the_index, ANNOY_LOG_DEBUG, log_that_calls, NULL, &error));
    n_told = 0;
    OK(annoy_build(the_index, 2, 1, &error));
    CHECK(n_told > 0 && says(&told[0], "being changed") && says(&told[2], "being changed"));
    OK(search_one(the_index, &error));
    annoy_free(the_index);
}

/* Neither kind of call keeps the other from its turn. */
static int stop;
static pthread_mutex_t stop_mutex = PTHREAD_MUTEX_INITIALIZER;

static int is_stopped(int now) {
    int stopped;
    pthread_mutex_lock(&stop_mutex);
    stop = stop || now;
    stopped = stop;
    pthread_mutex_unlock(&stop_mutex);
    return stopped;
}

static void *search_on(void *user) {
    int64_t *wrong = (int64_t *)user;
    while (!is_stopped(0)) *wrong += search_one(the_index, NULL) != ANNOY_OK;
    return NULL;
}

static void *change_on(void *user) {
    int64_t *wrong = (int64_t *)user;
    while (!is_stopped(0)) *wrong += annoy_set_metadata(the_index, "some", 4, NULL) != ANNOY_OK;
    return NULL;
}

TEST(turns) {
    void *(*bodies[2])(void *) = {search_on, change_on};
    int kind, i;
    the_index = built();
    for (kind = 0; kind < 2; kind++) {
        pthread_t threads[THREADS];
        int64_t wrong[THREADS] = {0};
        stop = 0;
        for (i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, bodies[kind], &wrong[i]) == 0);
        for (i = 0; i < TURNS; i++) {
            OK(annoy_remove_item(the_index, i, &error));
            OK(search_one(the_index, &error));
        }
        is_stopped(1);
        for (i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0 && wrong[i] == 0);
    }
    annoy_free(the_index);
}

/* In a child; how much of it went wrong. */
static int use_all(void) {
    int wrong = 0;
    wrong += search_one(the_index, NULL) != ANNOY_OK;
    wrong += annoy_remove_item(the_index, 7, NULL) != ANNOY_OK;
    wrong += annoy_close(the_index, NULL) != ANNOY_OK;
    annoy_free(the_index);
    return wrong;
}

#ifndef VALGRIND /* which reports what calls of threads that the child does not have leave there */
/* Runs in a child; how much of it went wrong. */
static int in_child(int (*body)(void)) {
    pid_t child;
    int status = -1;
    fflush(stdout);
    child = fork();
    if (child == 0) {
        alarm(60);
        _exit(body());
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int be_refused(void) {
    annoy_error why;
    int wrong = 0;
    wrong += search_one(the_index, &why) != ANNOY_ERR_STATE || !strstr(why.message, "forked");
    wrong += annoy_remove_item(the_index, 7, &why) != ANNOY_ERR_STATE || !strstr(why.message, "forked");
    wrong += annoy_get_n_items(the_index) != 0;
    annoy_free(the_index);
    return wrong;
}

TEST(a_fork_while_a_thread_searches) {
    held_call search;
    the_index = built();
    hold(&search, held_search);
    CHECK(in_child(use_all) == 0);
    let_go(&search);
    OK(annoy_remove_item(the_index, 7, &error));
    annoy_free(the_index);
}

TEST(a_fork_while_a_thread_changes) {
    held_call build;
    the_index = line_of(ITEMS, 0);
    hold(&build, held_build);
    CHECK(in_child(be_refused) == 0);
    let_go(&build);
    OK(search_one(the_index, &error));
    CHECK(in_child(use_all) == 0);
    annoy_free(the_index);
}

/* A host that makes its calls with a mutex of its own, which it takes before a fork, and has for
   longer than it knows the library. */
static pthread_mutex_t host_mutex = PTHREAD_MUTEX_INITIALIZER;
static void host_locks(void) { pthread_mutex_lock(&host_mutex); }
static void host_unlocks(void) { pthread_mutex_unlock(&host_mutex); }

static int32_t accept_all(void *user, int64_t item) {
    (void)user;
    (void)item;
    return 1;
}

static void *search_with_the_mutex(void *user) {
    int64_t *wrong = (int64_t *)user;
    while (!is_stopped(0)) {
        host_locks();
        *wrong += search_with(accept_all, NULL, NULL, NULL) != ANNOY_OK;
        host_unlocks();
    }
    return NULL;
}

TEST(forks_of_a_host_with_a_mutex) {
    pthread_t thread;
    int64_t wrong = 0;
    int i;
    the_index = built();
    stop = 0;
    CHECK(pthread_create(&thread, NULL, search_with_the_mutex, &wrong) == 0);
    for (i = 0; i < 50; i++) CHECK(in_child(use_all) == 0);
    is_stopped(1);
    CHECK(pthread_join(thread, NULL) == 0 && wrong == 0);
    annoy_free(the_index);
}

TEST(a_fork_while_calls_wait) {
    held_call search;
    other_call change;
    the_index = built();
    hold(&search, held_search);
    begin(&change, remove_one);
    CHECK(in_child(use_all) == 0);
    let_go(&search);
    end(&change, ANNOY_OK);
    CHECK(in_child(use_all) == 0);
    annoy_free(the_index);
}
#endif

static pid_t forked;

static int32_t filter_that_forks(void *user, int64_t item) {
    (void)user;
    (void)item;
    if (forked < 0) forked = fork();
    return 1;
}

TEST(a_fork_in_a_filter) {
    int status = -1;
    annoy_status found;
    the_index = built();
    forked = -1;
    fflush(stdout);
    found = search_with(filter_that_forks, NULL, NULL, NULL);
    if (forked == 0) {
        alarm(60);
        _exit(found != ANNOY_OK ? 100 : use_all());
    }
    CHECK(found == ANNOY_OK && forked > 0 && waitpid(forked, &status, 0) == forked);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    OK(annoy_remove_item(the_index, 7, &error));
    annoy_free(the_index);
}

static void progress_that_forks(void *user, annoy_stage stage, uint64_t done, uint64_t total) {
    (void)stage;
    (void)done;
    (void)total;
    filter_that_forks(user, 0);
}

TEST(a_fork_in_a_build) {
    int status = -1;
    annoy_status done;
    annoy_work work = no_work();
    work.n_threads = 1;
    work.progress = progress_that_forks;
    the_index = line_of(ITEMS, 0);
    forked = -1;
    fflush(stdout);
    done = annoy_build_trees(the_index, 2, &work, NULL);
    if (forked == 0) {
        alarm(60);
        _exit(done != ANNOY_OK ? 100 : use_all());
    }
    CHECK(done == ANNOY_OK && forked > 0 && waitpid(forked, &status, 0) == forked);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    OK(search_one(the_index, &error));
    annoy_free(the_index);
}

TEST(without_a_lock) {
    annoy_options options;
    annoy_index *index = NULL;
    unsigned char bytes[4096];
    size_t n = 0;
    const char *path = in_scratch("unlocked.ann");
    const float vector[2] = {1, 2};
    EMPTY(options);
    options.metric = ANNOY_EUCLIDEAN;
    options.f = 2;
    options.flags = 3;
    FAILS(ANNOY_ERR_ARGUMENT, "flags is 0x3, expected 0 or ANNOY_UNLOCKED", annoy_new_with(&options, &index, &error));
    options.flags = ANNOY_UNLOCKED;
    OK(annoy_new_with(&options, &index, &error));
    OK(annoy_add_item(index, 0, vector, 2, &error));
    OK(annoy_build(index, 1, 1, &error));
    OK(search_one(index, &error));
    OK(annoy_save(index, path, &error));
    OK(annoy_save_to_buffer(index, bytes, sizeof bytes, &n, NULL, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "flags", annoy_load(index, path, ANNOY_UNLOCKED, &error));
    FAILS(ANNOY_ERR_ARGUMENT, "flags", annoy_load_from_buffer(index, bytes, n, ANNOY_UNLOCKED, &error));
    OK(annoy_close(index, &error));
    FAILS(ANNOY_ERR_STATE, "closed", search_one(index, &error));
    annoy_free(index);
    OK(annoy_open(path, ANNOY_UNLOCKED | ANNOY_LOAD_COPY, &index, &error));
    OK(search_one(index, &error));
    annoy_free(index);
    OK(annoy_open_buffer(bytes, n, ANNOY_UNLOCKED | ANNOY_LOAD_COPY, &index, &error));
    OK(search_one(index, &error));
    annoy_free(index);
}

int main(void) {
#ifndef VALGRIND
    CHECK(pthread_atfork(host_locks, host_unlocks, host_unlocks) == 0);
#endif
    RUN(threads_that_add);
    RUN(a_change_waits_for_a_search);
    RUN(a_search_waits_for_a_change);
    RUN(a_token_ends_a_wait);
    RUN(a_close_waits_and_ends_all);
    RUN(a_close_ends_calls_that_wait);
    RUN(callbacks_of_a_search);
    RUN(callbacks_of_a_change);
    RUN(turns);
#ifndef VALGRIND
    RUN(a_fork_while_a_thread_searches);
    RUN(a_fork_while_a_thread_changes);
    RUN(a_fork_while_calls_wait);
    RUN(forks_of_a_host_with_a_mutex);
#endif
    RUN(a_fork_in_a_filter);
    RUN(a_fork_in_a_build);
    RUN(without_a_lock);
    return report();
}
