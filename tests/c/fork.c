/* Processes: an index lives on in the children of a fork, and many processes that map one file
   share its pages. */
#define _XOPEN_SOURCE 700 /* fork, nanosleep */
#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

#ifdef VALGRIND /* where all is some fifty times slower, and each child is a whole valgrind */
enum { ITEMS = 300, CHILDREN = 2, BIG_ITEMS = 2000, MAPPERS = 3 };
#else
enum { ITEMS = 2000, CHILDREN = 8, BIG_ITEMS = 70000, MAPPERS = 200 };
#endif
enum { F = 9, N = 5, TREES = 4, BIG_F = 96 };

typedef struct {
    int64_t ids[2][N];
    float distances[2][N];
    size_t n[2];
} answer;

static answer expected[ITEMS];

static int ask(const annoy_index *index, int64_t item, answer *a) {
    float vector[F];
    memset(a, 0, sizeof *a);
    return annoy_get_item(index, item, vector, F, NULL) == ANNOY_OK &&
           annoy_get_nns_by_vector(index, vector, F, N, -1, a->ids[0], a->distances[0], &a->n[0], NULL) == ANNOY_OK &&
           annoy_get_nns_by_item(index, item, N, 100, a->ids[1], a->distances[1], &a->n[1], NULL) == ANNOY_OK;
}

/* How many answers are not those of the parent. */
static int wrong_answers(const annoy_index *index) {
    int wrong = 0;
    int64_t item;
    answer a;
    for (item = 0; item < ITEMS; item++) wrong += !ask(index, item, &a) || memcmp(&a, &expected[item], sizeof a) != 0;
    return wrong;
}

static annoy_index *forest(void) {
    annoy_index *index = NULL;
    int64_t i;
    int j;
    OK(annoy_new(ANNOY_ANGULAR, F, &index, &error));
    for (i = 0; i < ITEMS; i++) {
        float v[F];
        for (j = 0; j < F; j++) v[j] = random_float();
        OK(annoy_add_item(index, i, v, F, &error));
    }
    OK(annoy_build(index, TREES, 4, &error));
    return index;
}

/* A child that builds an index of its own by threads, saves it and loads it: how much of
   that goes wrong. */
static int life(const char *path) {
    annoy_index *index = NULL;
    int64_t id = -1;
    size_t n = 0;
    int wrong = 0, i;
    wrong += annoy_new(ANNOY_MANHATTAN, 1, &index, NULL) != ANNOY_OK;
    for (i = 0; i < 100; i++) {
        float x = (float)i;
        wrong += annoy_add_item(index, i, &x, 1, NULL) != ANNOY_OK;
    }
    wrong += annoy_build(index, 3, 3, NULL) != ANNOY_OK;
    wrong += annoy_save_and_load(index, path, 0, NULL, NULL) != ANNOY_OK;
    wrong += annoy_verify(index, NULL, 0, &n, NULL, NULL) != ANNOY_OK;
    wrong += annoy_get_nns_by_item(index, 33, 1, 1000, &id, NULL, &n, NULL) != ANNOY_OK || n != 1 || id != 33;
    annoy_free(index);
    return wrong;
}

/* Children ask, each frees what it inherited, some go on to a life of their own; the parent asks
   beside them and after them. */
static void children_agree(annoy_index *index) {
    pid_t children[CHILDREN];
    int64_t item;
    int i, status;
    for (item = 0; item < ITEMS; item++) CHECK(ask(index, item, &expected[item]));
    for (i = 0; i < CHILDREN; i++) {
        fflush(stdout);
        children[i] = fork();
        CHECK(children[i] >= 0);
        if (children[i] == 0) {
            int wrong = wrong_answers(index);
            annoy_free(index);
            if (i % 2) {
                char name[32];
                snprintf(name, sizeof name, "child-%d.ann", i);
                wrong += life(in_scratch(name));
            }
            _exit(wrong != 0);
        }
    }
    CHECK(wrong_answers(index) == 0);
    for (i = 0; i < CHILDREN; i++) {
        CHECK(waitpid(children[i], &status, 0) == children[i]);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    CHECK(wrong_answers(index) == 0);
}

TEST(children_of_an_index_in_memory) {
    annoy_index *index = forest();
    children_agree(index);
    annoy_free(index);
}

TEST(children_of_a_mapped_index) {
    annoy_index *index = forest();
    OK(annoy_save_and_load(index, in_scratch("fork.ann"), 0, NULL, &error));
    children_agree(index);
    annoy_free(index);
}

TEST(children_of_a_copied_index) {
    annoy_index *index = forest();
    OK(annoy_save_and_load(index, in_scratch("fork.ann"), ANNOY_LOAD_COPY, NULL, &error));
    children_agree(index);
    annoy_free(index);
}

/* What this process has of the file, in kB: how much it maps; of that, pages of its own; and what
   is in memory, with its share of that, which is nothing to count on, as the system may take pages
   of files back at any moment. */
typedef struct {
    long size, own, rss, pss;
    long growth; /* of all memory of its own since it began, also what is swapped out */
} memory;

static memory memory_of(const char *path) {
    memory sum = {0, 0, 0, 0, 0};
    char line[4096];
    int here = 0;
    FILE *maps = fopen("/proc/self/smaps", "r");
    if (!maps) exit(3);
    while (fgets(line, sizeof line, maps)) {
        long kb;
        /* The first line of a map has its addresses and its file, all others a name and a colon. */
        if (strspn(line, "0123456789abcdef-") > 8) here = strstr(line, path) != NULL;
        else if (here && sscanf(line, "Size: %ld", &kb) == 1) sum.size += kb;
        else if (here && (sscanf(line, "Anonymous: %ld", &kb) == 1 || sscanf(line, "Swap: %ld", &kb) == 1)) sum.own += kb;
        else if (here && sscanf(line, "Rss: %ld", &kb) == 1) sum.rss += kb;
        else if (here && sscanf(line, "Pss: %ld", &kb) == 1) sum.pss += kb;
    }
    fclose(maps);
    return sum;
}

static long own_memory(void) {
    char line[256];
    long sum = 0, kb;
    FILE *status = fopen("/proc/self/status", "r");
    if (!status) exit(3);
    while (fgets(line, sizeof line, status))
        if (sscanf(line, "RssAnon: %ld", &kb) == 1 || sscanf(line, "VmSwap: %ld", &kb) == 1) sum += kb;
    fclose(status);
    return sum;
}

enum { READY, LOOK, RESULTS, LEAVE, PIPES };

/* Maps the file and touches every page of it; waits until all have; says what it has of it. Each on
   its own: nothing is inherited. Not 0 when something went wrong; also then it says its part, as
   the others wait for it. */
static int mapper(const char *path, int which, int pipes[PIPES][2]) {
    annoy_index *index = NULL;
    const long before = own_memory();
    memory found;
    size_t n;
    char byte = 0;
    int wrong = 0;
    alarm(120);
    close(pipes[LOOK][1]); /* the end of the parent is the end of these */
    close(pipes[LEAVE][1]);
    /* Two ways to touch every page: prefaulting, and looking at every item. */
    wrong |= annoy_open(path, which % 4 ? ANNOY_LOAD_PREFAULT : 0, &index, NULL) != ANNOY_OK;
    wrong |= which % 4 == 0 && annoy_verify(index, NULL, 0, &n, NULL, NULL) != ANNOY_OK;
    wrong |= write(pipes[READY][1], &byte, 1) != 1;
    wrong |= read(pipes[LOOK][0], &byte, 1) != 1;
    found = memory_of(path);
    found.growth = own_memory() - before;
    wrong |= write(pipes[RESULTS][1], &found, sizeof found) != (ssize_t)sizeof found;
    wrong |= read(pipes[LEAVE][0], &byte, 1) != 1; /* nobody leaves before all have looked */
    annoy_free(index);
    return wrong;
}

TEST(processes_share_the_pages_of_a_file) {
    const char *path = in_scratch("shared-pages.ann");
    annoy_index *index = NULL;
    annoy_info info;
    static float rows[BIG_ITEMS][BIG_F];
    static pid_t children[MAPPERS];
    static char bytes[MAPPERS];
    int pipes[PIPES][2], i, j, status;
    memory one;
    long sum = 0, most = 0;
    for (i = 0; i < BIG_ITEMS; i++)
        for (j = 0; j < BIG_F; j++) rows[i][j] = random_float();
    OK(annoy_new(ANNOY_EUCLIDEAN, BIG_F, &index, &error));
    OK(add_rows(index, NULL, ANNOY_ELEMENT_F32, &rows[0][0], BIG_ITEMS, BIG_F, 0, NULL, &error));
    OK(annoy_build(index, 1, 1, &error));
    EMPTY(info);
    OK(annoy_get_info(index, &info, &error));
    OK(annoy_save(index, path, &error));
    annoy_free(index);
    for (i = 0; i < PIPES; i++) CHECK(pipe(pipes[i]) == 0);
    fflush(stdout);
    for (i = 0; i < MAPPERS; i++) {
        children[i] = fork();
        CHECK(children[i] >= 0);
        if (children[i] == 0) _exit(mapper(path, i, pipes));
    }
    for (i = 0; i < MAPPERS; i++) CHECK(read(pipes[READY][0], bytes, 1) == 1);
    CHECK(write(pipes[LOOK][1], bytes, MAPPERS) == MAPPERS);
    for (i = 0; i < MAPPERS; i++) {
        CHECK(read(pipes[RESULTS][0], &one, sizeof one) == (ssize_t)sizeof one);
        sum += one.pss;
        if (one.rss > most) most = one.rss;
        /* All of the file is mapped and no page of it is this process's own: so all are the
           system's, which has them once. Nor is there a copy elsewhere. */
        CHECK(one.size >= (long)(info.bytes >> 10));
        CHECK(one.own == 0);
#ifndef VALGRIND
        CHECK(one.growth < (long)(info.bytes >> 12));
#endif
    }
    CHECK(write(pipes[LEAVE][1], bytes, MAPPERS) == MAPPERS);
    for (i = 0; i < MAPPERS; i++) {
        CHECK(waitpid(children[i], &status, 0) == children[i]);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    for (i = 0; i < PIPES; i++) CHECK(close(pipes[i][0]) == 0 && close(pipes[i][1]) == 0);
    printf("%d processes map %.1f MB: %.1f MB in all, %.3f of what one has\n", MAPPERS, (double)info.bytes / 1e6,
           (double)sum * 1024 / 1e6, (double)sum / (double)most);
}

int main(void) {
    alarm(120); /* should a child die that others wait for */
    RUN(children_of_an_index_in_memory);
    RUN(children_of_a_mapped_index);
    RUN(children_of_a_copied_index);
    RUN(processes_share_the_pages_of_a_file);
    return report();
}
