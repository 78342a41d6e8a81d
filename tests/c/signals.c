/*
 * The functions that annoy.h lets signal handlers call, in threads that are inside malloc or free
 * and have never called the library. It is loaded as plugin hosts and interpreters load it: what a
 * thread keeps for it is then allocated by the thread's first use of it.
 */
#ifndef _GNU_SOURCE /* g++ and clang++ define it */
#define _GNU_SOURCE
#endif
#include "check.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#ifdef VALGRIND /* whose malloc nothing can interrupt */
enum { ROUNDS = 5 };
#else
enum { ROUNDS = 500 };
#endif
enum { SECONDS_TO_WAIT = 20 };

typedef struct {
    annoy_cancel *(*cancel_new)(void);
    void (*cancel_set)(const annoy_cancel *);
    void (*cancel_free)(annoy_cancel *);
    const char *(*version)(void);
    uint32_t (*abi_version)(void);
    const char *(*metric_name)(annoy_metric);
    const char *(*status_name)(annoy_status);
} library;

static library loaded;
static annoy_cancel *token;
static volatile sig_atomic_t n_handled, n_wrong, n_ready, stop;

/* A pointer to a function cannot be cast from one to data in C99. */
static void find(void *handle, const char *name, void *function) {
    void *found = dlsym(handle, name);
    CHECK(found != NULL);
    memcpy(function, &found, sizeof found);
}

static void load(void) {
    void *handle = dlopen(SHARED_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    CHECK(handle != NULL);
    if (!handle) exit(2);
    find(handle, "annoy_cancel_new", &loaded.cancel_new);
    find(handle, "annoy_cancel_set", &loaded.cancel_set);
    find(handle, "annoy_cancel_free", &loaded.cancel_free);
    find(handle, "annoy_version", &loaded.version);
    find(handle, "annoy_abi_version", &loaded.abi_version);
    find(handle, "annoy_metric_name", &loaded.metric_name);
    find(handle, "annoy_status_name", &loaded.status_name);
}

static void handler(int number) {
    int metric;
    (void)number;
    loaded.cancel_set(token);
    loaded.cancel_set(NULL);
    for (metric = 0; metric < 7; metric++) n_wrong += (loaded.metric_name(metric) != NULL) != (metric >= 1 && metric <= 5);
    n_wrong += loaded.version()[0] == 0 || loaded.abi_version() != ANNOY_ABI_VERSION;
    n_wrong += loaded.status_name(ANNOY_ERR_CANCELLED)[0] == 0;
    n_handled++;
}

/* Takes and gives back memory in large and small pieces, so that its locks are held
   most of the time. */
static void *allocate(void *argument) {
    uint64_t state = (uint64_t)(size_t)argument + 1;
    void *pieces[8];
    int i;
    n_ready = 1;
    while (!stop) {
        for (i = 0; i < 8; i++) {
            state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
            pieces[i] = malloc(2000 + (size_t)(state >> 33) % 60000);
        }
        for (i = 0; i < 8; i++) free(pieces[i * 3 % 8]);
    }
    return NULL;
}

static void sleep_us(long microseconds) {
    struct timespec time;
    time.tv_sec = microseconds / 1000000;
    time.tv_nsec = microseconds % 1000000 * 1000;
    nanosleep(&time, NULL);
}

TEST(in_the_midst_of_malloc) {
    struct sigaction action;
    int round;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    token = loaded.cancel_new();
    CHECK(token != NULL);
    for (round = 0; round < ROUNDS; round++) {
        pthread_t thread;
        int before = n_handled, waited = 0;
        stop = n_ready = 0;
        CHECK(pthread_create(&thread, NULL, allocate, (void *)(size_t)round) == 0);
        while (!n_ready) sleep_us(20);
        sleep_us(50 + round * 37 % 700);
        CHECK(pthread_kill(thread, SIGUSR1) == 0);
        while (n_handled == before && waited++ < SECONDS_TO_WAIT * 1000) sleep_us(1000);
        if (n_handled == before) {
            /* Neither can the thread be joined, nor memory be relied on. */
            printf("signals.c: round %d: the handler has not come back for %d s\n", round, SECONDS_TO_WAIT);
            fflush(stdout);
            _exit(3);
        }
        stop = 1;
        CHECK(pthread_join(thread, NULL) == 0);
    }
    CHECK(n_handled == ROUNDS && n_wrong == 0);
    loaded.cancel_free(token);
}

int main(void) {
    load();
    RUN(in_the_midst_of_malloc);
    return report();
}
