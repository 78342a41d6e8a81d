/* Names, numbers, the log, and the header itself. */
#include <annoy.h>
#include <annoy.h> /* a second time: it must guard itself */

#include "check.h"

#include <stddef.h>

/* Numbers of the ABI are for good: this list may grow, but no line of it may change. */
TEST(status_numbers_and_names) {
    static const struct {
        annoy_status status;
        int number;
        const char *name;
    } all[] = {
        {ANNOY_OK, 0, "ANNOY_OK"},
        {ANNOY_ERR_NULL, 1, "ANNOY_ERR_NULL"},
        {ANNOY_ERR_ARGUMENT, 2, "ANNOY_ERR_ARGUMENT"},
        {ANNOY_ERR_DIMENSION, 3, "ANNOY_ERR_DIMENSION"},
        {ANNOY_ERR_ITEM, 4, "ANNOY_ERR_ITEM"},
        {ANNOY_ERR_STATE, 5, "ANNOY_ERR_STATE"},
        {ANNOY_ERR_IO, 6, "ANNOY_ERR_IO"},
        {ANNOY_ERR_FORMAT, 7, "ANNOY_ERR_FORMAT"},
        {ANNOY_ERR_NOT_FINITE, 8, "ANNOY_ERR_NOT_FINITE"},
        {ANNOY_ERR_NO_MEMORY, 9, "ANNOY_ERR_NO_MEMORY"},
        {ANNOY_ERR_CANCELLED, 10, "ANNOY_ERR_CANCELLED"},
        {ANNOY_ERR_TOO_SMALL, 11, "ANNOY_ERR_TOO_SMALL"},
        {ANNOY_ERR_UNSUPPORTED, 12, "ANNOY_ERR_UNSUPPORTED"},
        {ANNOY_ERR_CORRUPT, 13, "ANNOY_ERR_CORRUPT"},
        {ANNOY_ERR_LABEL, 14, "ANNOY_ERR_LABEL"},
        {ANNOY_ERR_PANIC, 100, "ANNOY_ERR_PANIC"},
    };
    int known = 0, number;
    size_t i;
    for (i = 0; i < sizeof all / sizeof all[0]; i++) {
        CHECK(all[i].status == all[i].number);
        CHECK(strcmp(annoy_status_name(all[i].status), all[i].name) == 0);
    }
    /* ... and the library knows no status that this list does not. */
    for (number = -1000; number < 1000; number++) known += strcmp(annoy_status_name(number), "unknown status") != 0;
    CHECK(known == (int)(sizeof all / sizeof all[0]));
    CHECK(strcmp(annoy_status_name(INT32_MIN), "unknown status") == 0);
    CHECK(strcmp(annoy_status_name(INT32_MAX), "unknown status") == 0);
}

TEST(other_numbers) {
    CHECK(ANNOY_ANGULAR == 1 && ANNOY_EUCLIDEAN == 2 && ANNOY_MANHATTAN == 3 && ANNOY_HAMMING == 4 && ANNOY_DOT == 5);
    CHECK(ANNOY_DEFAULT == 0 && ANNOY_F32 == 1 && ANNOY_F64 == 2);
    CHECK(ANNOY_BITS64 == 3 && ANNOY_BITS32 == 4 && ANNOY_BITS8 == 5);
    CHECK(ANNOY_LOAD_PREFAULT == 1 && ANNOY_LOAD_COPY == 2);
    CHECK(ANNOY_LOG_ERROR == 1 && ANNOY_LOG_WARN == 2 && ANNOY_LOG_INFO == 3 && ANNOY_LOG_DEBUG == 4);
    CHECK(ANNOY_STAGE_ADD == 1 && ANNOY_STAGE_BUILD == 2 && ANNOY_STAGE_SEARCH == 3);
    CHECK(ANNOY_STAGE_SAVE == 4 && ANNOY_STAGE_VERIFY == 5 && sizeof(annoy_stage) == 4);
    CHECK(sizeof(annoy_error) == 512 && offsetof(annoy_error, message) == 8 && offsetof(annoy_error, os_errno) == 4);
    CHECK(sizeof(annoy_options) == sizeof(size_t) * 2 + 16);
    /* Callers keep arrays of these. */
    CHECK(sizeof(annoy_fault) == 256 && offsetof(annoy_fault, text) == 8);
    CHECK(sizeof(annoy_kind) == 16 + sizeof(size_t) + 16 + 24 && offsetof(annoy_kind, f) == 16);
    /* annoy_info may grow at its end; what is there stays where it is. */
    CHECK(sizeof(annoy_info) >= sizeof(size_t) + 14 * 8 + 16 && offsetof(annoy_info, n_items) == sizeof(size_t));
    CHECK(offsetof(annoy_info, seed) == sizeof(size_t) + 72 && offsetof(annoy_info, is_loaded) == sizeof(size_t) + 112);
    CHECK(sizeof(annoy_status) == 4 && sizeof(annoy_metric) == 4 && sizeof(annoy_scalar) == 4);
}

TEST(metric_names) {
    static const char *const names[] = {"angular", "euclidean", "manhattan", "hamming", "dot"};
    annoy_metric metric;
    int i;
    for (i = 0; i < 5; i++) {
        OK(annoy_metric_from_name(names[i], &metric, &error));
        CHECK(metric == i + 1);
        CHECK(strcmp(annoy_metric_name(metric), names[i]) == 0);
    }
    CHECK(annoy_metric_name(0) == NULL && annoy_metric_name(6) == NULL && annoy_metric_name(-1) == NULL);
}

TEST(version) {
    int major = -1, minor = -1, patch = -1;
    const char *kernel = annoy_kernel_name();
    CHECK(sscanf(annoy_version(), "%d.%d.%d", &major, &minor, &patch) == 3);
    CHECK(strcmp(annoy_version(), EXPECTED_VERSION) == 0);
    CHECK(annoy_abi_version() == ANNOY_ABI_VERSION);
    char of_header[40];
    snprintf(of_header, sizeof of_header, "%d.%d.%d", ANNOY_VERSION_MAJOR, ANNOY_VERSION_MINOR, ANNOY_VERSION_PATCH);
    CHECK(strncmp(annoy_version(), of_header, strlen(of_header)) == 0);
    CHECK(kernel && (!strcmp(kernel, "avx512") || !strcmp(kernel, "avx2") || !strcmp(kernel, "sse2") ||
                     !strcmp(kernel, "dotprod") || !strcmp(kernel, "neon") || !strcmp(kernel, "portable")));
}

typedef struct {
    int calls, wrong;
    char last[200];
} heard;

static void hear(void *user, int32_t level, const char *text) {
    heard *h = (heard *)user;
    h->calls++;
    h->wrong += level != ANNOY_LOG_INFO || !text || !*text;
    snprintf(h->last, sizeof h->last, "%s", text);
}

TEST(log_callback) {
    annoy_index *index = line_of(50, 0);
    heard first, second;
    int calls;
    memset(&first, 0, sizeof first);
    memset(&second, 0, sizeof second);
    OK(annoy_set_log(index, 0, hear, &first, &error));
    OK(annoy_build(index, 3, 2, &error));
    CHECK(first.calls > 0 && first.wrong == 0);
    CHECK(has_text(first.last, "3 trees*50 items"));
    OK(annoy_save(index, in_scratch("log.ann"), &error));
    CHECK(has_text(first.last, "saved*log.ann"));
    /* From here on the second hears, the first does not. */
    OK(annoy_set_log(index, 0, hear, &second, &error));
    calls = first.calls;
    OK(annoy_load(index, in_scratch("log.ann"), 0, &error));
    CHECK(first.calls == calls && second.calls > 0 && second.wrong == 0);
    CHECK(has_text(second.last, "50 items*3 trees*log.ann"));
    OK(annoy_unload(index, &error)); /* the log stays through an unload */
    CHECK(has_text(second.last, "unloaded"));
    calls = second.calls;
    OK(annoy_set_log(index, 0, NULL, &second, &error));
    OK(annoy_load(index, in_scratch("log.ann"), 0, &error));
    CHECK(first.calls + second.calls > 0 && second.calls == calls);
    annoy_free(index);
}

static void count_levels(void *user, int32_t level, const char *text) {
    int *counts = (int *)user;
    CHECK(level >= ANNOY_LOG_ERROR && level <= ANNOY_LOG_DEBUG && text && *text);
    counts[level]++;
}

TEST(log_levels) {
    int32_t most;
    for (most = 0; most <= 5; most++) {
        annoy_index *index = line_of(50, 0);
        int counts[5] = {0, 0, 0, 0, 0};
        if (most == 5) {
            OK(annoy_set_log(index, 0, count_levels, counts, &error));
            FAILS(ANNOY_ERR_ARGUMENT, "level is*ANNOY_LOG_ERROR (1) to",
                  annoy_set_log(index, most, NULL, NULL, &error));
        } else {
            OK(annoy_set_log(index, most, count_levels, counts, &error));
        }
        OK(annoy_build(index, 1, 1, &error));
        FAILS(ANNOY_ERR_STATE, "built", annoy_build(index, 1, 1, &error));
        CHECK(counts[ANNOY_LOG_ERROR] == 1);
        /* INFO unless set. */
        CHECK(counts[ANNOY_LOG_INFO] == (most == 0 || most >= ANNOY_LOG_INFO));
        CHECK((counts[ANNOY_LOG_DEBUG] > 0) == (most == ANNOY_LOG_DEBUG));
        annoy_free(index);
    }
}

/* The error struct is written on failure only. */
TEST(errors_are_left_alone_by_success) {
    annoy_index *index = NULL;
    annoy_error before;
    memset(&error, 0x33, sizeof error);
    before = error;
    CHECK(annoy_new(ANNOY_DOT, 3, &index, &error) == ANNOY_OK);
    CHECK(memcmp(&error, &before, sizeof error) == 0);
    CHECK(annoy_new(ANNOY_DOT, 0, &index, &error) == ANNOY_ERR_ARGUMENT);
    CHECK(error.code == ANNOY_ERR_ARGUMENT && error.os_errno == 0 && strlen(error.message) < sizeof error.message);
    annoy_free(index);
}

int main(void) {
    RUN(status_numbers_and_names);
    RUN(other_numbers);
    RUN(metric_names);
    RUN(version);
    RUN(log_callback);
    RUN(log_levels);
    RUN(errors_are_left_alone_by_success);
    return report();
}
