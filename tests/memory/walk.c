/*
 * Calls of annoy.h of every kind with one allocation failing, then with all that follow: the first,
 * the second, ... Each time in a child of its own, which has to come back with a status, without a
 * text on stderr, with every index as it was, and to succeed when asked again. Then calls by
 * several threads under limits of the address space.
 *
 *   walk DIRECTORY PLAIN [CALL|limits]    (PLAIN: an angular file by Annoy, f = 12)
 */
#define _GNU_SOURCE
#include "calls.h"
#include "failing.h"

#include <annoy.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* How a child ended. */
enum { UNTOUCHED = 50, SPARED, OVERCOME, REFUSED, WRONG_STATUS, CHANGED, NOT_AGAIN, BY_SIGNAL, NOISY };

/* A call, and what it has to do without. */
typedef struct {
    const family *family;
    uint64_t before; /* what the indexes answer */
    long nth;        /* the allocation that fails */
    int all;         /* whether those after it fail, too */
    size_t bytes;    /* of address space for all that it takes */
} trial;

enum { MOST_SAID = 400 }; /* wrong ends of one call: more tell nothing new */

static void aborted(int number) {
    static const char text[] = "the allocation that failed:\n", here[] = "where it ended:\n";
    void *stack[64];
    left = -1;
    if (write(1, text, sizeof text - 1) < 0) _exit(1);
    backtrace_symbols_fd(where, depth, 1);
    if (write(1, here, sizeof here - 1) < 0) _exit(1);
    backtrace_symbols_fd(stack, backtrace(stack, 64), 1);
    signal(number, SIG_DFL);
    raise(number);
}

/* What a call that failed, if it has, leaves behind. */
static int left_behind(const trial *trial, annoy_status status) {
    if (status == ANNOY_OK) return OVERCOME;
    if (status != ANNOY_ERR_NO_MEMORY && status != ANNOY_ERR_IO) {
        printf("status %d: %s\n", (int)status, error.message);
        return WRONG_STATUS;
    }
    if (answers() != trial->before) return CHANGED;
    status = trial->family->call();
    if (status == ANNOY_OK) return REFUSED;
    printf("again: status %d: %s\n", (int)status, error.message);
    return NOT_AGAIN;
}

static int with_failures(const trial *trial) {
    memset(&error, 0, sizeof error);
    lasting = trial->all;
    left = trial->nth;
    n_spared = 0;
    annoy_status status = trial->family->call();
    left = -1;
    if (hit) return left_behind(trial, status);
    return status != ANNOY_OK ? WRONG_STATUS : n_spared ? SPARED : UNTOUCHED;
}

static size_t address_space(void) {
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%zu", &pages) != 1) exit(3);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static int with_a_limit(const trial *trial) {
    struct rlimit limit, none;
    getrlimit(RLIMIT_AS, &none);
    limit = none;
    limit.rlim_cur = address_space() + trial->bytes;
    setrlimit(RLIMIT_AS, &limit);
    annoy_status status = trial->family->call();
    setrlimit(RLIMIT_AS, &none);
    return left_behind(trial, status);
}

static long size_of(int file) { return (long)lseek(file, 0, SEEK_END); }

/* `says` is the file that its stderr goes to. */
static int in_child(int (*body)(const trial *), const trial *trial, int says) {
    long said = size_of(says);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(says, 2);
        signal(SIGABRT, aborted);
        signal(SIGSEGV, aborted);
        alarm(100); /* one that hangs has failed */
        int code = body(trial);
        fflush(stdout);
        _exit(code);
    }
    int how = 0;
    waitpid(pid, &how, 0);
    if (size_of(says) != said) return NOISY;
    return WIFEXITED(how) ? WEXITSTATUS(how) : BY_SIGNAL;
}

static int n_tests, n_failed;

static const char *words_for(int code) {
    return code == BY_SIGNAL      ? "ended by a signal"
           : code == NOISY        ? "said something on stderr"
           : code == WRONG_STATUS ? "the wrong status"
           : code == CHANGED      ? "an index has changed"
                                  : "does not succeed afterwards";
}

static void count(int good, const char *name) {
    n_tests++;
    n_failed += !good;
    printf("%s  %s", good ? "ok  " : "FAIL", name);
}

/* Up to which number each allocation fails: steps are longer from there. And how far limits of the
 * address space are apart, as a factor. */
#ifdef SOME
enum { EACH = 40, APART = 3 };
#else
enum { EACH = 200, APART = 1 };
#endif

static void walk(const family *family, int says, uint64_t before) {
    long walked = 0, overcome = 0, spared = 0, wrong = 0;
    trial trial = {family, before, 0, 0, 0};
    for (trial.all = 0; trial.all < 2; trial.all++)
        for (trial.nth = 0; wrong < MOST_SAID; trial.nth += trial.nth < EACH ? 1 : trial.nth / 8) {
            int code = in_child(with_failures, &trial, says);
            if (code == UNTOUCHED) break;
            spared += code == SPARED;
            if (code == SPARED) continue;
            walked++;
            overcome += code == OVERCOME;
            if (code == OVERCOME || code == REFUSED) continue;
            wrong++;
            printf("      %s, allocation %ld%s: %s\n", family->name, trial.nth, trial.all ? " and all after it" : "",
                   words_for(code));
        }
    count(wrong == 0, family->name);
    printf(": %ld failures, %ld of them overcome, %ld spared, %ld wrong\n", walked, overcome, spared, wrong);
}

static const family by_four[] = {CALL(build_4), CALL(on_disk_build), CALL(graph_4), CALL(scan_4), CALL(batch_4), CALL(add_items_4)};

/* `may_do_all`: for a batch, which does without the threads that it cannot start. */
static void limited(const family *family, int may_do_all, int says, uint64_t before) {
    long refused = 0, overcome = 0, wrong = 0;
    for (size_t kb = 0; kb < 60000; kb += APART * (kb < 800 ? 16 : kb < 8000 ? 240 : 4000)) {
        trial trial = {family, before, 0, 0, kb << 10};
        int code = in_child(with_a_limit, &trial, says);
        refused += code == REFUSED;
        overcome += code == OVERCOME;
        if (code == OVERCOME || code == REFUSED) continue;
        wrong++;
        printf("      %s, %zu KB of address space: %s\n", family->name, kb, words_for(code));
    }
    /* A limit that nothing comes up against, or that nothing fits in, shows nothing. */
    count(wrong == 0 && (refused > 0 || may_do_all) && overcome > 0, family->name);
    printf(", little address space: %ld refused, %ld done, %ld wrong\n", refused, overcome, wrong);
}

/* As many threads as an int can ask for. */
static void too_many_threads(void) {
    annoy_work work = by(INT_MAX);
    annoy_search_options o = options(0, 20);
    static int64_t all[5000 * 2];
    static float rows[5000 * F];
    n_threads = 0;
    annoy_status status = find_rows(built, 0, rows, 5000, F, 0, 2, &o, all, NULL, NULL, &work, &error);
    count(status == ANNOY_OK && n_threads > 1 && n_threads < 256, "a batch by INT_MAX threads");
    printf(": status %d, %d threads\n", (int)status, n_threads);
}

int main(int n_arguments, char **arguments) {
    if (n_arguments < 3) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    snprintf(file, sizeof file, "%s/file.ann", arguments[1]);
    snprintf(other, sizeof other, "%s/other.ann", arguments[1]);
    snprintf(missing, sizeof missing, "%s/none/there.ann", arguments[1]);
    plain = arguments[2];
    char said[4200];
    snprintf(said, sizeof said, "%s/stderr", arguments[1]);
    int says = open(said, O_RDWR | O_CREAT | O_APPEND, 0600);
    void *frames[4];
    backtrace(frames, 4); /* which allocates, the first time */
    real_create = (create *)dlsym(RTLD_NEXT, "pthread_create");
    make();
    uint64_t before = answers();
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (n_arguments < 4 || strcmp(arguments[3], families[i].name) == 0) walk(&families[i], says, before);
    if (n_arguments < 4 || strcmp(arguments[3], "limits") == 0) {
        for (size_t i = 0; i < sizeof by_four / sizeof *by_four; i++)
            limited(&by_four[i], by_four[i].call == batch_4, says, before);
        too_many_threads();
    }
    printf("%d passed, %d failed\n", n_tests - n_failed, n_failed);
    return n_failed != 0;
}
