/* The functions C is given to call; `user` is a cgo.Handle. */
#ifndef ANNOY_GO_CALLBACK_H
#define ANNOY_GO_CALLBACK_H

#include <stdint.h>

int32_t annoy_go_filter(void *user, int64_t item);
void annoy_go_progress(void *user, int32_t stage, uint64_t done, uint64_t total);
void annoy_go_log(void *user, int32_t level, const char *text);

#endif
