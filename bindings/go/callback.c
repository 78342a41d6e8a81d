/* What C calls: hands on to Go, with `user` as the number it is there. */
#include "_cgo_export.h"
#include "callback.h"

int32_t annoy_go_filter(void *user, int64_t item) { return annoyGoFilter((uintptr_t)user, item); }

void annoy_go_progress(void *user, int32_t stage, uint64_t done, uint64_t total) {
    annoyGoProgress((uintptr_t)user, stage, done, total);
}

void annoy_go_log(void *user, int32_t level, const char *text) { annoyGoLog((uintptr_t)user, level, (char *)text); }
