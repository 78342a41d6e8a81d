/* What bench.c asks of a library: one file of adapter each for annoy_rs (index_ours.c) and for
   Annoy (index_annoy.cc). A row is D 32-bit floats, or for hamming D bits in 64-bit words, D being
   a multiple of 64. Errors end the program. */

#ifndef COMPARE_INDEX_H
#define COMPARE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
__attribute__((format(printf, 1, 2), noreturn))
#endif
void fail(const char *format, ...);

typedef struct bench_index index_t;

index_t *index_new(const char *metric, size_t d);
void index_free(index_t *index);
void index_set_seed(index_t *index, uint64_t seed);
void index_add(index_t *index, int64_t item, const void *row);
void index_build(index_t *index, int32_t n_trees, int32_t threads);
void index_save(index_t *index, const char *path); /* as Annoy's: then maps the file */
void index_load(index_t *index, const char *path);
size_t index_query(const index_t *index, const void *row, size_t n, int64_t search_k, int64_t *ids, float *distances);
/* All queries in one call, by one thread, `n` ids and distances each, -1 where there are no more.
   Whether there is such a call. */
bool index_query_all(const index_t *index, const void *rows, size_t n_queries, size_t n, int64_t search_k, int64_t *ids,
                     float *distances);
int64_t index_n_items(const index_t *index);
int64_t index_n_trees(const index_t *index);
const char *index_kernel(void); /* the instruction set in use */

#ifdef __cplusplus
}
#endif

#endif
