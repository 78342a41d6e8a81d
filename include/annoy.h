/*
 * annoy_rs: approximate nearest neighbours in memory-mapped files, Annoy's formats, behind a C ABI.
 *
 * Generated from src/ffi by cbindgen: do not edit. CONTRIBUTING.md says how to write it anew.
 *
 * Errors. Every call that can fail returns an annoy_status, and takes an `annoy_error *` last,
 * which may be NULL. If a call fails, the index is as it was before, and no output is written
 * unless a comment says so. The library never prints, never aborts and never unwinds into the
 * caller.
 *
 * Pointers. All are checked. Where no comment allows NULL, it is ANNOY_ERR_NULL. (NULL, 0) is an
 * empty array.
 *
 * Structs with a struct_size can get more fields at their end. 0 in any field stands for the
 * default. A program made with an older annoy.h passes shorter structs: the missing fields are 0.
 * One made with a newer annoy.h passes longer structs: they are refused if a field that this
 * library does not know is not 0.
 *
 * Threads. Any thread may make any call at any time, but for annoy_free, which is the last. Calls
 * that take a `const annoy_index *` run at the same time. Any other call waits until it has the
 * index to itself, and calls that come later wait for it. Different indexes are independent.
 * annoy_close waits for the calls under way and refuses those that come later. Calls that return
 * no status return 0 where others are refused.
 *
 * Callbacks (filters, progress, log) run on the thread that made the call. They may search the
 * index while it is searched or saved. Calls of theirs that would wait for the very call they
 * belong to are refused with ANNOY_ERR_STATE. What the library cannot see deadlocks: a callback
 * that waits for another thread to change the same index, or callbacks of two indexes that each
 * change the other.
 *
 * Forks. After fork() the child can use every index, except one that another thread was changing:
 * calls on that one are refused with ANNOY_ERR_STATE. A callback may fork, but in the child only
 * that of a call by one thread may return: the others are not there. So must no handler of a
 * signal that forks in the middle of a call.
 *
 * An index made with ANNOY_UNLOCKED has no lock: its caller keeps calls apart, also from callbacks
 * and forks.
 *
 * Long calls take a `const annoy_work *` last but one: threads, progress, cancellation. It may be
 * NULL. No call uses more than 256 threads, and threads that cannot be started are done without.
 *
 * Memory. A call that gets none returns ANNOY_ERR_NO_MEMORY (ANNOY_ERR_IO where a file could not be
 * mapped), and its message may be cut short. Some hundred bytes remain that the standard library
 * takes without asking. Without those the process ends:
 *  - for the name of a file that is created, found or renamed: annoy_save, annoy_save_to,
 *    annoy_save_and_load, annoy_on_disk_build, the build that completes its file; in any call, for
 *    a path of more than 383 bytes, or one that is not a regular file;
 *  - for the manifest of a directory of shards, which is read when as much as it may take was there
 *    just before: annoy_open, annoy_verify_file, annoy_commit_shards, annoy_refresh;
 *  - once in a process, in the first call that asks for as many threads as there are processors;
 *  - for the thread-local variables of a library that was opened by dlopen, in the first call of a
 *    thread and in the threads that a call starts (in the C library);
 *  - when a bug of this library is met, which is ANNOY_ERR_PANIC otherwise.
 *
 * Signal handlers may call annoy_cancel_set, annoy_version, annoy_abi_version, annoy_metric_name
 * and annoy_status_name, which are async-signal-safe. No other function is.
 *
 * Floating-point mode. A call computes in the usual mode (round to nearest, nothing flushed,
 * nothing trapped), whatever the calling thread has set, and restores the thread's mode when it
 * returns. Filters, progress and log functions run in the thread's mode. If they change it, the
 * change stays.
 *
 * Environment. ANNOY_RS_KERNEL is read once in a process, by the first call that makes, opens,
 * loads or probes an index or asks for the kernel's name. Nothing else of the environment is read.
 */

#ifndef ANNOY_RS_ANNOY_H
#define ANNOY_RS_ANNOY_H

#include <stddef.h>
#include <stdint.h>

// Major version of this header, for the preprocessor. `annoy_version` tells the library's.
#define ANNOY_VERSION_MAJOR 0

// Minor version of this header.
#define ANNOY_VERSION_MINOR 1

// Patch version of this header.
#define ANNOY_VERSION_PATCH 0

// Number of this ABI: programs compiled against one number work with every library that has it.
#define ANNOY_ABI_VERSION 1

// Flag of `annoy_options`, `annoy_open` and `annoy_open_buffer`: the index has no lock. The caller
// sees to it that nobody else uses the index during a call that does not take it const, callbacks
// of that call included. Each call saves some nanoseconds, and each index 4 KiB.
#define ANNOY_UNLOCKED 4

// Level of a message: a long call failed; the error that it returns says the same.
#define ANNOY_LOG_ERROR 1

// Level of a message: something that may not be what was meant.
#define ANNOY_LOG_WARN 2

// Level of a message: what was done.
#define ANNOY_LOG_INFO 3

// Level of a message: what is about to be done.
#define ANNOY_LOG_DEBUG 4

// Flag of `annoy_thaw`: the index is to be one that items can be inserted into.
#define ANNOY_THAW_BUILT 1

// In `annoy_graph_options`: no rounds, which leaves the graph at what the leaves of the trees
// tell.
#define ANNOY_ROUNDS_NONE -1

// Flag of `annoy_load`: read the whole file in at once, instead of page by page as it is used.
#define ANNOY_LOAD_PREFAULT 1

// Flag of `annoy_load`: copy the file to memory of the process instead of mapping it. For those
// who cannot trust its owner not to shorten or rewrite it.
#define ANNOY_LOAD_COPY 2

// Flag of `annoy_open`: shards of a directory that are not there are left out, instead of being an
// error. Less is found then: `ANNOY_FACT_N_MISSING` and `annoy_results` say how many they are.
#define ANNOY_OPEN_PARTIAL 8

// Flag of `annoy_insert`: items that have one of the ids are replaced, instead of being an error.
#define ANNOY_INSERT_REPLACE 1

// Flag: the item that is searched for is not wanted among its own neighbours.
#define ANNOY_SEARCH_EXCLUDE_SELF 1

// Flag: `max_distance` holds.
#define ANNOY_SEARCH_MAX_DISTANCE 2

// Flag: the bits of `bitmap` that are 1 stand for items that may not be found, instead of those
// that may.
#define ANNOY_SEARCH_DENY 4

// So many items are all looked at by a search that is told neither method nor `search_k`, where
// there are no trees: see `annoy_get_nns_by_item`.
#define ANNOY_EXACT_ITEMS 3000

// Tells long calls to give up. Made by `annoy_cancel_new`, freed by `annoy_cancel_free`.
typedef struct annoy_cancel annoy_cancel;

// An index. Made by `annoy_new`, `annoy_new_with`, `annoy_open` or `annoy_open_buffer`, freed by
// `annoy_free`.
//
// Any thread may call any function with it at any time. Calls that take a `const annoy_index *`
// run at the same time. Any other call waits until it has the index to itself.
typedef struct annoy_index annoy_index;

// What a call came to: `ANNOY_OK` or one of the `ANNOY_ERR_` numbers. New numbers may be added;
// none changes its meaning.
typedef int32_t annoy_status;

// A metric: one of `ANNOY_ANGULAR` to `ANNOY_DOT`.
typedef int32_t annoy_metric;

// Says more about a failure. The caller owns it, it may live on the stack, and it needs no free.
// Every `error` parameter may be NULL; what it points to is written only when the call fails. Its
// size will not change.
typedef struct annoy_error {
  // The status the call returned.
  annoy_status code;
  // The operating system's error number (`errno`), 0 if there was none.
  int32_t os_errno;
  // What was wrong, what was found and what was expected: UTF-8, always NUL-terminated, cut off
  // if too long.
  char message[504];
} annoy_error;

// What the elements of stored vectors are.
typedef int32_t annoy_scalar;

// How an index lays out its file. Zero everything, then set `struct_size` and what is wanted.
typedef struct annoy_options {
  // `sizeof(annoy_options)`.
  size_t struct_size;
  // The metric.
  annoy_metric metric;
  // Element type; `ANNOY_DEFAULT` (0) for the metric's usual one.
  annoy_scalar scalar;
  // Width of ids in the file: 32 or 64 bits; 0 means 32, which all of Annoy's bindings have.
  int32_t id_bits;
  // 0 or `ANNOY_UNLOCKED`.
  uint32_t flags;
  // Length of the vectors: numbers (1 to 65,536), or bits for hamming (1 to 65,536 words).
  size_t f;
} annoy_options;

// What `annoy_get_fact` is asked for: one of the `ANNOY_FACT_` numbers. New numbers may be added.
typedef int32_t annoy_fact;

// Hears what an index does: `user` as given to `annoy_set_log`, one of the `ANNOY_LOG_` levels, a
// NUL-terminated UTF-8 text that is gone after the call. Called on the thread that made the call
// it reports on. It must not unwind or `longjmp`.
typedef void (*annoy_log_fn)(void *user, int32_t level, const char *text);

// What vectors of the caller's are made of: one of `ANNOY_ELEMENT_F32` to `ANNOY_ELEMENT_I8`, or 0
// for f32.
typedef int32_t annoy_element;

// Vectors of the caller's: `n` rows in memory. Zero everything, then set `struct_size` and what is
// there.
//
// An index of f32 takes rows of f32, one of f64 those of f64, one for hamming both, and words of
// bits. Rows of f16, bf16 and i8 go into an index of f32 or f64, as the numbers they stand for.
typedef struct annoy_vectors {
  // `sizeof(annoy_vectors)`.
  size_t struct_size;
  // The first element of the first row, at an address that fits its type. Written to by
  // `annoy_get_vectors` alone.
  void *data;
  // What the rows are made of; 0 for f32.
  annoy_element element;
  // Must be 0.
  int32_t reserved;
  // Rows.
  size_t n;
  // Elements of a row: f, or for words of bits f / 64 rounded up.
  size_t len;
  // Bytes from the start of a row to that of the next, a multiple of the size of an element;
  // 0 when one is right behind the other.
  size_t stride;
} annoy_vectors;

// What a long call is doing: one of the `ANNOY_STAGE_` numbers. New numbers may be added.
typedef int32_t annoy_stage;

// Hears how far a long call has come: `done` of `total`. `user` as given in the `annoy_work`.
// `done` never becomes less, and may be the same several times; `total` changes only in a build
// that finds out how many trees it needs. Called on the thread that made the call. It must not
// unwind or `longjmp`; it may set the token of the call.
typedef void (*annoy_progress_fn)(void *user, annoy_stage stage, uint64_t done, uint64_t total);

// How a long call is to work. Zero everything, then set `struct_size` and what is wanted. NULL in
// its place stands for as many threads as there are processors, and nothing else.
typedef struct annoy_work {
  // `sizeof(annoy_work)`.
  size_t struct_size;
  // Threads; 0 or -1 for one per processor. No more than 256 are used, whatever is asked for,
  // and fewer where the system gives fewer. Saving and verifying take one in any case.
  int32_t n_threads;
  // Must be 0.
  int32_t reserved;
  // Looked at all the time; NULL for none. Once it is set the call returns
  // `ANNOY_ERR_CANCELLED`, and the index is as before.
  const struct annoy_cancel *cancel;
  // Hears how far the call has come; NULL for none.
  annoy_progress_fn progress;
  // Handed to `progress`.
  void *progress_user;
} annoy_work;

// How a graph is built. Zero everything, then set `struct_size` and what is wanted: 0 stands for
// the default. The first three decide how much is found, the others how long the building takes.
typedef struct annoy_graph_options {
  // `sizeof(annoy_graph_options)`.
  size_t struct_size;
  // Neighbours of an item at the most, 1 to 255; by default 32.
  int32_t degree;
  // Nearest neighbours they are chosen from, 1 to 1,024; by default 48.
  int32_t candidates;
  // Slack of that choice, 1 to 16: with more, longer ways are kept beside short ones. By default
  // 1.2.
  double alpha;
  // Rounds of NN-descent at the most, 1 to 1,000; by default 6. `ANNOY_ROUNDS_NONE` for none.
  int32_t rounds;
  // Neighbours that a round takes of a list, and of those in whose lists an item is, 1 to 255;
  // by default 12.
  int32_t sample;
  // Trees whose leaves are made use of, 1 to 65,536; by default 10.
  int32_t n_trees;
  // Must be 0.
  int32_t reserved;
} annoy_graph_options;

// A shard that a directory is to have. Its size will not change.
typedef struct annoy_shard {
  // The name of its file in the directory, NUL-terminated: up to 200 letters, digits, `.`, `_`,
  // `-` and `=`, the first no `.`, that end in ".ann". Or the text of a manifest, which begins
  // with `{`: all its shards are taken over on its word, for who has their files elsewhere.
  const char *file;
  // What its items have in common, NUL-terminated UTF-8 of up to 200 bytes; NULL for what the
  // manifest before says of it.
  const char *partition;
  // Ids within the shard (from 0) that are removed from now on, beside those that are already;
  // NULL for none.
  const int64_t *removed;
  // How many.
  size_t n_removed;
} annoy_shard;

// What the labels of an index are.
typedef int32_t annoy_label_kind;

// Labels of the caller's, all of one kind. Zero everything, then set `struct_size` and what is
// there.
typedef struct annoy_labels {
  // `sizeof(annoy_labels)`.
  size_t struct_size;
  // `ANNOY_LABELS_U64` or `ANNOY_LABELS_UTF8`; `ANNOY_LABELS_NONE`, with all pointers NULL,
  // where `annoy_set_labels` is to take labels away.
  annoy_label_kind kind;
  // Must be 0.
  int32_t reserved;
  // How many labels.
  size_t n;
  // `n` numbers.
  const uint64_t *numbers;
  // The strings, one behind the other: UTF-8.
  const char *bytes;
  // `n + 1` offsets, none smaller than the one before: string `i` is from `bytes[offsets[i]]` to
  // before `bytes[offsets[i + 1]]`.
  const size_t *offsets;
} annoy_labels;

// Says whether an item may be found: 0 for no. `user` as given in the options. Called on the
// thread that made the call, once at the most for each item in a search. It must not unwind,
// `longjmp`, or change the index.
typedef int32_t (*annoy_filter_fn)(void *user, int64_t item);

// What a search goes through: one of the `ANNOY_METHOD_` numbers. New numbers may be added.
typedef int32_t annoy_method;

// What a search is to find, and among which items. Zero everything, then set `struct_size` and
// what is wanted.
//
// An item has to pass all that is set: bitmap, list, filter, distance. Those that do not pass do
// not count for `search_k`, so that a search still finds n where n are to be found; where no more
// than `search_k` can pass, by the bitmap, all those are looked at.
typedef struct annoy_search_options {
  // `sizeof(annoy_search_options)`.
  size_t struct_size;
  // `ANNOY_SEARCH_` flags.
  uint64_t flags;
  // The number of candidates looked at; 0 or -1 for the usual: see `annoy_get_nns_by_item`.
  int64_t search_k;
  // With `ANNOY_SEARCH_MAX_DISTANCE`: no results farther than this; for dot, none of a smaller
  // inner product.
  double max_distance;
  // A bit for each item, the first in the least significant place of the first word; NULL for
  // none.
  const uint64_t *bitmap;
  // Bits in `bitmap`: the number of items.
  size_t bitmap_bits;
  // Ids that are not wanted, in any order; NULL for none.
  const int64_t *exclude;
  // How many.
  size_t n_exclude;
  // Asked about items that pass all else; NULL for none. In a batch it keeps the work on the
  // calling thread.
  annoy_filter_fn filter;
  // Handed to `filter`.
  void *filter_user;
  // What the search goes through; 0 for the graph where there is one, else the scan, else the
  // trees.
  annoy_method method;
  // Must be 0.
  int32_t reserved;
  // The share of the nearest that is to be found, up to 1, in place of `search_k`, of an index
  // that `annoy_tune` has measured; 0 for none. Exact search needs no measuring.
  double recall;
  // Of a directory of shards, the places of those that are searched, from 0, in the order of the
  // manifest; NULL for all.
  const size_t *shards;
  // How many.
  size_t n_shards;
} annoy_search_options;

// Where the results of searches go: a row of `n` places for each query. Zero everything, then set
// `struct_size` and what is wanted.
typedef struct annoy_results {
  // `sizeof(annoy_results)`.
  size_t struct_size;
  // Ids, nearest first, equal distances by id; -1 in places that are left over.
  int64_t *ids;
  // Distances of the same places, NaN in those left over; NULL when they are not wanted.
  void *distances;
  // What `distances` are: `ANNOY_ELEMENT_F64`, or `ANNOY_ELEMENT_F32` or 0, whatever the index
  // holds.
  annoy_element distance_element;
  // Must be 0.
  int32_t reserved;
  // How many were found for each query, below `n` when fewer were: that is no error; NULL when
  // that is not wanted.
  size_t *counts;
  // How many are wanted for each query.
  size_t n;
  // Gets how many shards of a directory were not there, so that they were not searched: see
  // `ANNOY_OPEN_PARTIAL`; NULL when that is not wanted.
  size_t *n_missing;
  // Gets the generation of the manifest whose shards were searched, which the ids are of; NULL
  // when that is not wanted.
  uint64_t *generation;
} annoy_results;

// Something wrong in an index. Its size will not change.
typedef struct annoy_fault {
  // The node; -1 when it is about a section or the file as a whole.
  int64_t node;
  // What is wrong: UTF-8, always NUL-terminated, cut off if too long.
  char text[248];
} annoy_fault;

// The facts about an index. Set `struct_size`; fields that it leaves no room for are left out, and
// bytes that it has beyond those of the library stay as they are.
typedef struct annoy_info {
  // `sizeof(annoy_info)`.
  size_t struct_size;
  // The largest id plus one.
  int64_t n_items;
  // Items that are not missing.
  int64_t n_present;
  // Trees.
  int64_t n_trees;
  // All nodes: items, splits, leaves, copies of roots, and those that say what the file is.
  int64_t n_nodes;
  // Splits of all trees.
  int64_t n_splits;
  // Splits by coin tosses, where no plane was found.
  int64_t n_coin_splits;
  // Leaves of all trees.
  int64_t n_leaves;
  // Nodes from a root to the farthest item, without the item.
  int64_t depth;
  // Bytes of the index in memory, or of its file.
  uint64_t bytes;
  // Seed of the build; 0 where `has_seed` is.
  uint64_t seed;
  // Bytes of a node.
  uint64_t node_size;
  // The most items in a leaf (Annoy's K).
  uint64_t max_leaf;
  // Mean share of `max_leaf` that leaves hold, 0 to 1.
  double leaf_fill;
  // Mean share of a split's items that lie on its larger side, 0.5 to 1.
  double imbalance;
  // 1 when a file, or the bytes of one, is loaded.
  int32_t is_loaded;
  // 1 when that file says what it is: it has checksums, and `annoy_open` opens it.
  int32_t is_described;
  // 1 when the seed of the build is known.
  int32_t has_seed;
  // 0.
  int32_t reserved;
  // Items that are removed; they are counted in `n_present` too, until the next build.
  int64_t n_removed;
  // Neighbours of an item at the most in the graph; 0 when there is none.
  int64_t graph_degree;
  // Bytes of an item's code, which walks of the graph compare; 0 where they compare the vectors,
  // as codes did not tell near items apart, and where there is no graph.
  int64_t graph_code_bytes;
  // Share of the nearest 10 that searches of the graph found when it was built, at the usual
  // `search_k`, of 64 items as if those were not there: 0 to 1. -1 where it was not tried, and
  // where there is no graph.
  double graph_recall;
  // Lists of the scan; 0 when there is none.
  int64_t scan_lists;
  // What searches of the scan look at by default for each ten results; 0 when there is none.
  int64_t scan_search_k;
  // Share of the nearest 10 that such searches found when the scan was built, of 64 items as if
  // those were not there: 0 to 1. -1 where there is no scan.
  double scan_recall;
  // Queries that `annoy_tune` measured searches with; 0 when it did not.
  int64_t n_tuned;
} annoy_info;

// What a file may be. Its size will not change.
typedef struct annoy_kind {
  // The metric.
  annoy_metric metric;
  // The element type.
  annoy_scalar scalar;
  // Width of its ids in bits: 32 or 64.
  int32_t id_bits;
  // 0.
  int32_t reserved;
  // Length of its vectors: numbers, or bits for hamming.
  size_t f;
  // Items it would have.
  int64_t n_items;
  // Trees it would have.
  int64_t n_trees;
  // Annoy's version of its layout: "1.17", "1.16 (packed)" or "main", NUL-terminated.
  char layout[24];
} annoy_kind;

// The call did what it was asked to.
#define ANNOY_OK 0

// A required pointer was NULL.
#define ANNOY_ERR_NULL 1

// A parameter has a value it cannot have.
#define ANNOY_ERR_ARGUMENT 2

// A vector's length is not the index's.
#define ANNOY_ERR_DIMENSION 3

// An item id is negative, too large, or not in the index.
#define ANNOY_ERR_ITEM 4

// The call is not legal now: the index is built, not built, or loaded.
#define ANNOY_ERR_STATE 5

// The operating system refused something: see `os_errno`.
#define ANNOY_ERR_IO 6

// A file is not an index, or one of another metric, f or types.
#define ANNOY_ERR_FORMAT 7

// A vector holds NaN or infinity.
#define ANNOY_ERR_NOT_FINITE 8

// Memory could not be had.
#define ANNOY_ERR_NO_MEMORY 9

// The call was cancelled.
#define ANNOY_ERR_CANCELLED 10

// The caller's buffer is too small.
#define ANNOY_ERR_TOO_SMALL 11

// This index, or this build of the library, cannot do that.
#define ANNOY_ERR_UNSUPPORTED 12

// A loaded file turned out to be damaged.
#define ANNOY_ERR_CORRUPT 13

// There is no such label, or it is another item's.
#define ANNOY_ERR_LABEL 14

// A bug in this library. The handle refuses all further work and can only be freed.
#define ANNOY_ERR_PANIC 100

// `sqrt(2 - 2 cos(u, v))`; a zero vector has cosine 0 to everything.
#define ANNOY_ANGULAR 1

// `sqrt(sum (u - v)^2)`.
#define ANNOY_EUCLIDEAN 2

// `sum |u - v|`.
#define ANNOY_MANHATTAN 3

// The number of differing bits.
#define ANNOY_HAMMING 4

// The inner product; results come largest first and their "distance" is the inner product itself.
#define ANNOY_DOT 5

// The usual type of the metric: f32, or 64-bit words for hamming.
#define ANNOY_DEFAULT 0

// 32-bit floats.
#define ANNOY_F32 1

// 64-bit floats: what Annoy's Ruby binding stores by default.
#define ANNOY_F64 2

// Hamming in words of 64 bits: what Annoy's Python binding stores.
#define ANNOY_BITS64 3

// Hamming in words of 32 bits.
#define ANNOY_BITS32 4

// Hamming in words of 8 bits.
#define ANNOY_BITS8 5

// The metric: one of `ANNOY_ANGULAR` to `ANNOY_DOT`.
#define ANNOY_FACT_METRIC 1

// What the labels are: `ANNOY_LABELS_NONE` (0) where there are none.
#define ANNOY_FACT_LABEL_KIND 2

// How many items have labels.
#define ANNOY_FACT_N_LABELS 3

// How many items are marked as removed.
#define ANNOY_FACT_N_REMOVED 4

// How many shards the manifest of a directory names; 0 for an index of one file.
#define ANNOY_FACT_N_SHARDS 5

// How many of them are not there: see `ANNOY_OPEN_PARTIAL`.
#define ANNOY_FACT_N_MISSING 6

// The generation of the manifest that is searched; 0 for an index of one file.
#define ANNOY_FACT_GENERATION 7

// Adding items; counted in items.
#define ANNOY_STAGE_ADD 1

// Building trees; counted in steps that take about as long as each other.
#define ANNOY_STAGE_BUILD 2

// Searching for many; counted in queries.
#define ANNOY_STAGE_SEARCH 3

// Writing a file; counted in bytes.
#define ANNOY_STAGE_SAVE 4

// Verifying; counted in nodes.
#define ANNOY_STAGE_VERIFY 5

// Building a graph; counted in items, each many times.
#define ANNOY_STAGE_GRAPH 6

// Building the lists of a scan; counted in items, each twice or four times.
#define ANNOY_STAGE_SCAN 7

// 32-bit floats; for hamming one for each bit, over 0.5 is 1. So is 0, the default.
#define ANNOY_ELEMENT_F32 1

// 64-bit floats; for hamming as above.
#define ANNOY_ELEMENT_F64 2

// For hamming: bits in words of 64, the first in the least significant place of the first word,
// those past f 0.
#define ANNOY_ELEMENT_BITS 3

// 16-bit floats of IEEE 754 (binary16).
#define ANNOY_ELEMENT_F16 4

// 16-bit floats that are the upper half of 32-bit ones (bfloat16).
#define ANNOY_ELEMENT_BF16 5

// 8-bit whole numbers with a sign.
#define ANNOY_ELEMENT_I8 6

// There are none.
#define ANNOY_LABELS_NONE 0

// Numbers of 64 bits.
#define ANNOY_LABELS_U64 1

// Strings.
#define ANNOY_LABELS_UTF8 2

// The graph where there is one, else the scan, else the trees.
#define ANNOY_METHOD_DEFAULT 0

// The trees, as Annoy does, also where there is a graph.
#define ANNOY_METHOD_FOREST 1

// The graph; `ANNOY_ERR_STATE` where there is none.
#define ANNOY_METHOD_GRAPH 2

// All items that may be found, one by one, of an index that is not built too. `search_k` plays no
// part.
#define ANNOY_METHOD_EXACT 3

// The lists of the scan (`annoy_build_scan`); `ANNOY_ERR_STATE` where there are none.
#define ANNOY_METHOD_SCAN 4

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Name of a status, such as "ANNOY_ERR_IO"; "unknown status" for a number that is none. Static,
// never NULL. Async-signal-safe.
const char *annoy_status_name(annoy_status status);

// Version of the library, such as "0.1.0". Static, never NULL. Async-signal-safe.
const char *annoy_version(void);

// The library's `ANNOY_ABI_VERSION`, to be compared with the header's. Async-signal-safe.
uint32_t annoy_abi_version(void);

// Name of the distance kernels that indexes use: "avx512", "avx2" or "sse2" on x86-64, "dotprod"
// or "neon" on aarch64, "portable" elsewhere. The environment variable `ANNOY_RS_KERNEL` can force
// one; NULL when it names none that this machine has. It is read once in a process, so that what
// this says does not change. A program that changes its environment in other threads can have it
// read before, by this call. Static.
const char *annoy_kernel_name(void);

// Annoy's name of a metric, such as "angular"; NULL for a number that is none. Static.
// Async-signal-safe.
const char *annoy_metric_name(annoy_metric metric);

// Finds the metric of a name: "angular", "euclidean", "manhattan", "dot" or "hamming".
//
// Or of an alias: "cosine" (angular), "l2", "lstsq" (euclidean), "l1", "cityblock", "taxicab"
// (manhattan), "dotproduct", "inner", "innerproduct", "@", "." (dot).
//
// `name` must be a NUL-terminated string and `metric` must not be NULL.
// Errors: `ANNOY_ERR_NULL`, `ANNOY_ERR_ARGUMENT` for any other name.
annoy_status annoy_metric_from_name(const char *name, annoy_metric *metric, struct annoy_error *error);

// Makes an empty index with Annoy's usual types: f32 (64-bit words for hamming) and 32-bit ids.
//
// `f` is the length of the vectors: 1 to 65,536 numbers, for hamming 1 to 4,194,304 bits. `*index`
// gets the handle, to be freed with `annoy_free`.
// Errors: `ANNOY_ERR_NULL`, `ANNOY_ERR_ARGUMENT`, `ANNOY_ERR_UNSUPPORTED` (`ANNOY_RS_KERNEL` names
// no kernel of this machine).
annoy_status annoy_new(annoy_metric metric, size_t f, struct annoy_index **index, struct annoy_error *error);

// Makes an empty index with the types given.
//
// `*index` gets the handle, to be freed with `annoy_free`.
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ARGUMENT` for a field with a value it cannot have, a scalar
// type that does not fit the metric, or a `struct_size` that cannot be or asks for what this
// library does not know; `ANNOY_ERR_UNSUPPORTED`.
annoy_status annoy_new_with(const struct annoy_options *options, struct annoy_index **index, struct annoy_error *error);

// Waits for the calls under way on the index, and frees all that it holds: labels that calls
// pointed to are gone, bytes that it borrowed are the caller's again, and its log function is not
// called any more. Every later call but `annoy_free` is refused with `ANNOY_ERR_STATE`, also calls
// that wait meanwhile; a second close does nothing. A file being built on disk is removed unless
// its build was completed, also by a child of the process that builds it.
//
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` in a callback of a call on the index, and after a
// fork while another thread changed it.
annoy_status annoy_close(struct annoy_index *index, struct annoy_error *error);

// Frees an index, closed or not; NULL does nothing. No other call may be using it, and none may
// come: several threads that share one call `annoy_close` first.
void annoy_free(struct annoy_index *index);

// Number of items: the largest id plus one, missing ones included. 0 for NULL.
int64_t annoy_get_n_items(const struct annoy_index *index);

// Number of trees, 0 before the build and for NULL. Each is counted once, also in files where
// Annoy counts twice.
int64_t annoy_get_n_trees(const struct annoy_index *index);

// Length of the vectors: numbers, or bits for hamming. 0 for NULL.
size_t annoy_get_f(const struct annoy_index *index);

// A number about the index that takes no looking for, however large it is (`annoy_get_info` has
// the others). 0 for NULL, and for a fact that this library does not know.
int64_t annoy_get_fact(const struct annoy_index *index, annoy_fact fact);

// How the index lays out its file into `*options`, whose `struct_size` is set: metric, element
// type, width of ids, f, and `ANNOY_UNLOCKED` where it has no lock. `annoy_new_with` makes another
// such index of them. Fields that `struct_size` leaves no room for are left out, and bytes that it
// has beyond those of the library stay as they are. Legal in every state.
//
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ARGUMENT` for a `struct_size` of less than the first field
// or more than 4,096.
annoy_status annoy_get_options(const struct annoy_index *index,
                               struct annoy_options *options,
                               struct annoy_error *error);

// Sets the seed of the next build. Legal in every state; unlike Annoy's, it stays through save,
// load and unload.
//
// Errors: `ANNOY_ERR_NULL`.
annoy_status annoy_set_seed(struct annoy_index *index, uint64_t seed, struct annoy_error *error);

// Sets who hears what the index does; NULL for silence, which is the default. The library never
// prints.
//
// `level`: it hears messages of this level and the more important ones, which have smaller
// numbers; 0 for `ANNOY_LOG_INFO`. `user` is handed back at each call and must be good for use
// from every thread that uses the index.
// Errors: `ANNOY_ERR_NULL` for `index`; `ANNOY_ERR_ARGUMENT` for a level that there is not.
annoy_status annoy_set_log(struct annoy_index *index,
                           int32_t level,
                           annoy_log_fn log,
                           void *user,
                           struct annoy_error *error);

// Makes a token that long calls look at; NULL when there is no memory. Not yet cancelled.
struct annoy_cancel *annoy_cancel_new(void);

// Tells the calls that were given this token to give up: they return `ANNOY_ERR_CANCELLED`, and so
// do later ones. Any thread may do this at any time, also a signal handler: it stores one number
// and does nothing else. NULL does nothing.
void annoy_cancel_set(const struct annoy_cancel *cancel);

// Frees a token; NULL does nothing. No call may be looking at it.
void annoy_cancel_free(struct annoy_cancel *cancel);

// Adds items, or replaces them, all or none.
//
// `ids` has an id for each of the `vectors`, or is NULL: then they follow the last item. Of
// vectors with the same id the last counts. Several threads copy where there is much to copy.
// Vectors that are replaced are kept until all is done. `work` may be NULL.
// Errors: as `annoy_add_item`; the message names the id; `ANNOY_ERR_ARGUMENT` for fields of
// `vectors` that cannot be; `ANNOY_ERR_UNSUPPORTED` for elements that the index does not take;
// `ANNOY_ERR_CANCELLED`. On an error no item is added.
annoy_status annoy_add(struct annoy_index *index,
                       const int64_t *ids,
                       const struct annoy_vectors *vectors,
                       const struct annoy_work *work,
                       struct annoy_error *error);

// Copies the vectors of `to->n` items to the rows of `to`, which are f32, f64 or words of bits.
//
// `ids` has an id for each row, or is NULL: then they are 0, 1 and so on. Missing and removed
// items are as in `annoy_get_item`. Legal in every state.
// Errors: as `annoy_get_item`; `ANNOY_ERR_ARGUMENT` for fields of `to` that cannot be;
// `ANNOY_ERR_UNSUPPORTED` for other elements, and those that do not fit the index. Nothing is
// written on an error.
annoy_status annoy_get_vectors(const struct annoy_index *index,
                               const int64_t *ids,
                               const struct annoy_vectors *to,
                               struct annoy_error *error);

// Adds an item, or replaces it; one that was removed is there again.
//
// `item` is the id, from 0 up, in any order; space is taken for all ids up to the largest.
// `vector` has `len` numbers (`len` must be f; for hamming one number per bit, over 0.5 is 1) and
// is copied.
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when built or loaded; `ANNOY_ERR_ITEM`;
// `ANNOY_ERR_DIMENSION`; `ANNOY_ERR_NOT_FINITE`; `ANNOY_ERR_UNSUPPORTED` when the index holds f64;
// `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_IO` (on-disk build).
annoy_status annoy_add_item(struct annoy_index *index,
                            int64_t item,
                            const float *vector,
                            size_t len,
                            struct annoy_error *error);

// Takes room for `n_items` items ahead of need; their number stays as it is. In memory that is
// address space, which becomes memory as items are added; in an on-disk build it is room on the
// disk. Does nothing when there is room already.
//
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when built or loaded; `ANNOY_ERR_ARGUMENT` for more
// than the ids can count; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_IO` (on-disk build).
annoy_status annoy_reserve(struct annoy_index *index, size_t n_items, struct annoy_error *error);

// Copies an item's vector to `vector`, which has room for `len` numbers (`len` must be f; for
// hamming each becomes 0 or 1). A missing item reads as zeros, as in Annoy; a removed one is there
// until the next build. Legal in every state.
//
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ITEM`; `ANNOY_ERR_DIMENSION`; `ANNOY_ERR_UNSUPPORTED` when
// the index holds f64.
annoy_status annoy_get_item(const struct annoy_index *index,
                            int64_t item,
                            float *vector,
                            size_t len,
                            struct annoy_error *error);

// The distance between two items into `*distance`; for dot their inner product. Legal in every
// state.
//
// Errors: `ANNOY_ERR_NULL`, `ANNOY_ERR_ITEM`.
annoy_status annoy_get_distance(const struct annoy_index *index,
                                int64_t i,
                                int64_t j,
                                double *distance,
                                struct annoy_error *error);

// Builds the items added so far into a forest of `n_trees` trees, by `n_threads` threads. Items
// that are removed are left out: they are missing from then on, and have no labels.
//
// `n_trees`: more trees give better answers and a larger file; -1 adds trees until there are twice
// as many nodes as items. `n_threads`: 0 or -1 for one per processor; no more than 256 are used.
// The same items, seed and number of trees give the same bytes, for any number of threads and on
// any processor. After an on-disk build the file is complete, durable and has its name.
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when built or loaded; `ANNOY_ERR_ARGUMENT` for 0 or
// less than -1; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_IO` (on-disk build). On an error the index is as
// before, unless `annoy_get_n_trees` says that there are trees: then it is built, its file could
// not be made durable or be given its name, and `annoy_save` can write it elsewhere.
annoy_status annoy_build(struct annoy_index *index, int32_t n_trees, int32_t n_threads, struct annoy_error *error);

// `annoy_build` as `work` says: by how many threads, with progress and cancellation; it may be
// NULL.
//
// The bytes are those of `annoy_build`. Once all trees are there nothing is cancelled any more: an
// on-disk build still waits for the disk.
// Errors: as `annoy_build`; `ANNOY_ERR_CANCELLED`.
annoy_status annoy_build_trees(struct annoy_index *index,
                               int32_t n_trees,
                               const struct annoy_work *work,
                               struct annoy_error *error);

// Takes the trees away, so that items can be added and trees built again. Does nothing when there
// are none.
//
// After an on-disk build the file stays as it is; the next build replaces it.
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when loaded, which `annoy_thaw` is for;
// `ANNOY_ERR_IO` (on-disk build).
annoy_status annoy_unbuild(struct annoy_index *index, struct annoy_error *error);

// Makes an index, whatever its state, one that items can be added to (`flags` is 0), or makes a
// built or loaded index one that items can be inserted into by `annoy_insert` (`flags` is
// `ANNOY_THAW_BUILT`).
//
// With 0, the items of a loaded index are copied to memory, its trees, graph and scan dropped. A
// built one is unbuilt, as by `annoy_unbuild`; one that is not built stays as it is. Files in
// layouts that Annoy 1.17 does not read can be saved once they are thawed and built.
//
// With `ANNOY_THAW_BUILT`, items, trees, graph and scan of a loaded index are copied to memory,
// where the index is then built; what `annoy_tune` measured stays. This takes as much memory as
// the file has bytes. It does nothing to an index that was built in memory or thawed so before.
//
// Either way the file or bytes are let go of; labels, marks of removed items, metadata and the
// seed stay (sections of later versions do not).
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ARGUMENT` for other flags; `ANNOY_ERR_NOT_FINITE` for a
// loaded item with NaN or infinity; `ANNOY_ERR_CORRUPT` for other damage in items, labels or
// marks; `ANNOY_ERR_NO_MEMORY`; with 0 `ANNOY_ERR_IO` (on-disk build); with `ANNOY_THAW_BUILT`
// `ANNOY_ERR_STATE` when not built, or built on disk, and `ANNOY_ERR_UNSUPPORTED` for a file in a
// layout that Annoy 1.17 does not read.
annoy_status annoy_thaw(struct annoy_index *index, uint64_t flags, struct annoy_error *error);

// Makes the index build in a file: items and trees go there instead of to memory. To be called
// before items are added; `annoy_build` then completes the file, and no save is needed.
//
// `path` is NUL-terminated: on Unix any bytes, elsewhere UTF-8. Until the build is complete the
// file has a temporary name beside `path`, in a directory that must let files be made. What `path`
// held before stays until then; where that is nothing, a small file that says that it is not
// finished has the name, and is removed should the build be given up.
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` unless empty; `ANNOY_ERR_ARGUMENT` for a path that
// cannot be one; `ANNOY_ERR_IO`.
annoy_status annoy_on_disk_build(struct annoy_index *index, const char *path, struct annoy_error *error);

// Builds a graph over the items of a built or loaded index, in place of the one it has; `options`
// and `work` may be NULL.
//
// Searches then walk it, and find far more of the nearest among as many items looked at, which is
// what `search_k` says. `annoy_save` writes it into the file, where Annoy does not see it; the
// file of an on-disk build, which is complete by then, does not get it. It is gone when the trees
// are. The same index and options give the same bytes, for any number of threads and on any
// processor. For each item it takes 4 bytes for each neighbour and one for each number of a vector
// (to a multiple of 64; fewer where fewer tell long vectors apart), some 20 for ways down ten
// trees (80 where vectors are shortest), and while it is built 8 * (candidates + 4 * sample) bytes
// and 4 for each tree. Walks compare codes made of the vectors, if those tell near items apart,
// which is tried, else the vectors themselves; what was chosen and the share of the nearest that
// was then found are in `annoy_info` and in the log, as a warning when it is less than 0.9:
// searches then look at more by default (`annoy_get_nns_by_item`).
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when not built; `ANNOY_ERR_ARGUMENT`;
// `ANNOY_ERR_UNSUPPORTED` for 2^31 items or more; `ANNOY_ERR_CORRUPT` when a loaded file turns out
// to be damaged; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_CANCELLED`. On an error the index is as before.
annoy_status annoy_build_graph(struct annoy_index *index,
                               const struct annoy_graph_options *options,
                               const struct annoy_work *work,
                               struct annoy_error *error);

// Puts the items of a built or loaded index into lists of near ones, as codes of 4 bits for each
// two numbers (each four of vectors longer than 192), in place of those it has; `work` may be
// NULL.
//
// Searches then read the lists nearest to the query in a row, without following ways from item to
// item: with `ANNOY_METHOD_SCAN`, and by default where there is no graph. They are faster than
// those of a graph where neighbours do not lie apart from the rest, as those of word vectors, and
// slower in clustered data; lists take less memory and time to build. `search_k` is how many items
// a search looks at, of which it measures a few hundred by their vectors. How many of both is
// tried: as few as find 0.95 of the nearest ten of 64 items. What was found is in
// `annoy_info` and in the log, as a warning when it is less than 0.9. `annoy_save` writes the
// lists into the file, where Annoy does not see them. They are gone when the trees are. The same
// index gives the same bytes, for any number of threads and on any processor. For each item they
// take a byte for each four numbers of a vector (each eight of longer ones), and 6 more; while
// they are built a byte for each number.
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when not built; `ANNOY_ERR_ARGUMENT` for a wrong
// `work`; `ANNOY_ERR_UNSUPPORTED` for manhattan and hamming, whose distances are no sums of
// products, and for 2^32 items or more; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_CANCELLED`. On an error
// the index is as before.
annoy_status annoy_build_scan(struct annoy_index *index, const struct annoy_work *work, struct annoy_error *error);

// Builds a graph or a scan over the items of a built or loaded index, whichever is expected to
// find so much of the nearest ten in less time, in place of both; then measures it, as
// `annoy_tune`. `recall` is more than 0 and up to 1, or 0 for 0.95. `work` may be NULL.
//
// A scan is built in a tenth of the time of a graph, so it comes first; how much searches of a
// graph have to look at is told by those of samples of the items. `annoy_save` writes what was
// built into the file, where Annoy does not see it. The choice depends on the items alone: the
// same index gives the same bytes, for any number of threads and on any processor. Progress is
// told of one build or search after the other, each from 0. Errors: those of `annoy_build_graph`
// and `annoy_tune`; `ANNOY_ERR_ARGUMENT` for another `recall`. On an error the index is as before.
annoy_status annoy_build_auto(struct annoy_index *index,
                              double recall,
                              const struct annoy_work *work,
                              struct annoy_error *error);

// Writes the index to a file that Annoy 1.17 reads too. The index stays as it is.
//
// `path` is NUL-terminated: on Unix any bytes, elsewhere UTF-8. The file appears whole or not at
// all, and is durable when the call returns; a file that was there before is replaced in one step,
// and processes that have it loaded keep the old one. Its owner, group and mode go over to the new
// one, as far as the system allows. A symbolic link stays, and what it names is written.
//
// Where a file is there whose name cannot be given to another (it is mounted, or its directory may
// not be changed), it is written over where it is, and a warning says so (`annoy_set_log`). That
// is not all or nothing: processes that have it mapped see it change and may be ended by SIGBUS,
// and a crash or a failing disk in the midst leaves a file that no call takes for an index. A full
// disk, a cancelled call and other errors leave it as it was.
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when not built; `ANNOY_ERR_ARGUMENT` for a path that
// cannot be one; `ANNOY_ERR_UNSUPPORTED` for a loaded file in a layout that Annoy 1.17 does not
// read, or with more sections of later versions than there is room for, and for a file to be
// written over that this index has mapped; `ANNOY_ERR_CORRUPT` for a loaded file found to be
// damaged; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_IO`.
annoy_status annoy_save(const struct annoy_index *index, const char *path, struct annoy_error *error);

// `annoy_save` with progress and cancellation; `work` may be NULL.
//
// It is cancelled until all is written. What then comes, waiting for the disk and giving the file
// its name, is done in any case.
// Errors: as `annoy_save`; `ANNOY_ERR_CANCELLED`, with what `path` held before still there.
annoy_status annoy_save_to(const struct annoy_index *index,
                           const char *path,
                           const struct annoy_work *work,
                           struct annoy_error *error);

// Saves, then loads the new file in place of what is in memory: what Annoy's own save does.
//
// `flags`: as `annoy_load`. `work` is for the saving, as in `annoy_save_to`, and may be NULL.
// Errors: as `annoy_save_to` and `annoy_load`.
annoy_status annoy_save_and_load(struct annoy_index *index,
                                 const char *path,
                                 uint64_t flags,
                                 const struct annoy_work *work,
                                 struct annoy_error *error);

// Maps a file, ours or Annoy's, in place of whatever the index holds. Its metric, f and types must
// be those of the index: by its own word, or, for a plain Annoy file, as far as its structure
// shows. Reads little of it, however large it is.
//
// `path` is NUL-terminated: on Unix any bytes, elsewhere UTF-8. `flags` is 0,
// `ANNOY_LOAD_PREFAULT` or `ANNOY_LOAD_COPY`. While it is mapped the file must not be shortened
// (the system would end the process with SIGBUS), nor rewritten in place (calls would fail, or
// find what stands there then); replacing it by rename, as `annoy_save` does, or removing it is
// fine. With `ANNOY_LOAD_COPY` anything may happen to it.
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ARGUMENT`; `ANNOY_ERR_IO`; `ANNOY_ERR_FORMAT`;
// `ANNOY_ERR_NO_MEMORY`. On an error the index is as before.
annoy_status annoy_load(struct annoy_index *index, const char *path, uint64_t flags, struct annoy_error *error);

// Opens a file that says what it is, as all files of this library do: metric, f and types are
// those of the file. Or a directory of shards (`annoy_commit_shards`), as one index.
//
// `path` is NUL-terminated: on Unix any bytes, elsewhere UTF-8. `flags` are those of `annoy_load`,
// `ANNOY_UNLOCKED` and `ANNOY_OPEN_PARTIAL`. `*index` gets the handle, to be freed with
// `annoy_free`.
//
// An index of shards takes all calls that search and look: `annoy_search` and its like, labels,
// vectors, distances, facts, verifying. `search_k` is what an index of all items would be given;
// shards look at parts of it, which are so large that no less is found. Results at equal distances
// are in the order of labels where there are some. Filters, lists and bitmaps are about ids of the
// whole. A single query is shared between threads, too. Calls that would change it, or save it,
// are refused with `ANNOY_ERR_STATE`: its files stay as they are.
// Errors: as `annoy_load`; `ANNOY_ERR_FORMAT` also for a file by Annoy itself, which `annoy_probe`
// helps with, for a manifest that is damaged, of a later version, or names what cannot be, and for
// a shard that is not the one it names; `ANNOY_ERR_UNSUPPORTED` as `annoy_new`.
annoy_status annoy_open(const char *path, uint64_t flags, struct annoy_index **index, struct annoy_error *error);

// Sets bytes of the caller's that go along when the index is saved, in place of those before.
// Legal in every state; the file of an on-disk build has those set before the build.
//
// `bytes` are `len` bytes, at most 65,536, which are copied; `(NULL, 0)` for none.
// Errors: `ANNOY_ERR_NULL`, `ANNOY_ERR_ARGUMENT`.
annoy_status annoy_set_metadata(struct annoy_index *index, const void *bytes, size_t len, struct annoy_error *error);

// Copies the metadata to `bytes`, which has room for `capacity` bytes, and its length to `*len`.
//
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_TOO_SMALL` when there is more, with `*len` set and nothing
// copied.
annoy_status annoy_get_metadata(const struct annoy_index *index,
                                void *bytes,
                                size_t capacity,
                                size_t *len,
                                struct annoy_error *error);

// Drops items, trees, metadata, labels and file; the index is then empty and not built. Metric, f,
// types, seed and log stay.
//
// Errors: `ANNOY_ERR_NULL`.
annoy_status annoy_unload(struct annoy_index *index, struct annoy_error *error);

// Writes the bytes of the file that `annoy_save` writes to the start of `buffer`, which has room
// for `capacity` bytes, and their number to `*written`. The index stays as it is. `work` may be
// NULL.
//
// `(NULL, 0)` for `buffer` asks how many there are.
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_TOO_SMALL` when there are more, with `*written` set and
// nothing written; `ANNOY_ERR_STATE` when not built; `ANNOY_ERR_UNSUPPORTED` and
// `ANNOY_ERR_CORRUPT` as `annoy_save`; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_CANCELLED`. On other
// errors anything may be in `buffer`.
annoy_status annoy_save_to_buffer(const struct annoy_index *index,
                                  void *buffer,
                                  size_t capacity,
                                  size_t *written,
                                  const struct annoy_work *work,
                                  struct annoy_error *error);

// Loads the bytes of a file, ours or Annoy's, in place of whatever the index holds. As
// `annoy_load`.
//
// `bytes` are `n` bytes, at any address. `flags` is 0 or `ANNOY_LOAD_COPY`. With 0 they are
// borrowed: they must stay where and as they are until the index is freed, unloaded or thawed, or
// has loaded something else. With `ANNOY_LOAD_COPY` they are copied. When the call fails they are
// not borrowed, and the index is as before.
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ARGUMENT`; `ANNOY_ERR_FORMAT`; `ANNOY_ERR_NO_MEMORY`.
annoy_status annoy_load_from_buffer(struct annoy_index *index,
                                    const void *bytes,
                                    size_t n,
                                    uint64_t flags,
                                    struct annoy_error *error);

// Opens the bytes of a file that says what it is: metric, f and types are those of the file. As
// `annoy_open`.
//
// `bytes`, `n` and `flags` are those of `annoy_load_from_buffer`; `flags` may have
// `ANNOY_UNLOCKED` too. `*index` gets the handle, to be
// freed with `annoy_free`.
// Errors: as `annoy_load_from_buffer`; `ANNOY_ERR_FORMAT` also for a file by Annoy itself;
// `ANNOY_ERR_UNSUPPORTED` as `annoy_new`.
annoy_status annoy_open_buffer(const void *bytes,
                               size_t n,
                               uint64_t flags,
                               struct annoy_index **index,
                               struct annoy_error *error);

// Makes `shards` those of a directory, in this order: all or nothing, and durable when the call
// returns. Ids of items are those within their shard plus the number of all items in the shards
// before it. `annoy_open` opens such a directory.
//
// `path` is an existing directory, NUL-terminated: on Unix any bytes, elsewhere UTF-8. The shards
// are files in it that `annoy_save` wrote, of one metric, f, types and kind of labels, and must
// not be changed any more; those that the manifest names already are not looked at again. Each is
// an index of its own, which Annoy opens.
//
// `expected` is the generation of the manifest that is there, 0 when there is none: if another
// writer was first, nothing is done. `*generation` gets that of the new one, one more; it may be
// NULL. Manifests before the last `keep` are taken away then, with the files that only those name;
// 0 keeps all. An index that has those files open keeps them.
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when another writer was first, or is at it;
// `ANNOY_ERR_FORMAT` for a file that is no index which says what it is, or another than the first
// in metric, f, types or kind of labels; `ANNOY_ERR_ARGUMENT` for names that cannot be, twice the
// same, no shards or more than 65,536; `ANNOY_ERR_ITEM` for ids that a shard does not have;
// `ANNOY_ERR_IO`; `ANNOY_ERR_NO_MEMORY`. On an error the manifest is as before, but for one of
// taking away.
annoy_status annoy_commit_shards(const char *path,
                                 const struct annoy_shard *shards,
                                 size_t n_shards,
                                 uint64_t expected,
                                 uint64_t keep,
                                 uint64_t *generation,
                                 struct annoy_error *error);

// Takes up the manifest that a directory of shards has now, if it is another than the one the
// index was opened with. Searches go on meanwhile; those under way keep to the shards they began
// with. Shards that both manifests name are not opened anew.
//
// Ids of items stay where shards were only added behind those there were, and may be others where
// some were replaced. `*generation` gets that of the manifest that is searched now; it may be
// NULL.
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` for an index of one file; those of `annoy_open`. On
// an error the index is as before.
annoy_status annoy_refresh(const struct annoy_index *index, uint64_t *generation, struct annoy_error *error);

// Gives labels to items, all or none: label `i` to item `items[i]`, or, where `items` is NULL, to
// item `i`, in place of the one it had. Of labels for the same item the last counts; items may
// swap labels. Strings are copied; they may be empty, and may have NULs among their bytes.
//
// Labels of kind `ANNOY_LABELS_NONE` take the labels of the `n` items away; nothing happens to an
// item that has none. Where `items` is NULL and `n` is 0, they take all labels away: those to come
// may then be of the other kind.
//
// Legal in every state. Labels go along when the index is saved, and the file of an on-disk build
// has those given before the build. The first change on a loaded file copies the labels there are
// to memory.
//
// Errors: `ANNOY_ERR_NULL`, also for labels of kind `ANNOY_LABELS_NONE` without `items` where `n`
// is not 0; `ANNOY_ERR_ITEM` for an id that the index does not have; `ANNOY_ERR_LABEL` when
// another item has that label; `ANNOY_ERR_UNSUPPORTED` for strings where the index has numbers,
// and the other way; `ANNOY_ERR_ARGUMENT` for a kind that is none of the three, one of
// `ANNOY_LABELS_NONE` where there are numbers or strings, offsets that descend, or what is not
// UTF-8; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_CORRUPT` when the labels of a loaded file cannot be
// copied. The message names the item. On an error all labels are as before.
annoy_status annoy_set_labels(struct annoy_index *index,
                              const int64_t *items,
                              const struct annoy_labels *labels,
                              struct annoy_error *error);

// The labels of `n` items, such as a search found, into `labels`. `found[i]` gets 1 where item `i`
// has a label, and 0 where it has none, or where its id is -1, which a batch has in places left
// over: then `labels[i]` gets 0. `found` may be NULL: then each item must have a label.
//
// Legal in every state. Of a loaded file only those labels are read.
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ITEM` for an id that the index does not have;
// `ANNOY_ERR_LABEL` for an item without a label where `found` is NULL; `ANNOY_ERR_UNSUPPORTED`
// when labels are strings; `ANNOY_ERR_CORRUPT` when a loaded file turns out to be damaged. Nothing
// is written on an error.
annoy_status annoy_get_labels_u64(const struct annoy_index *index,
                                  const int64_t *items,
                                  size_t n,
                                  uint64_t *labels,
                                  uint8_t *found,
                                  struct annoy_error *error);

// Copies the labels of `n` items, such as a search found, one behind the other to `labels`, which
// has room for `capacity` bytes; their lengths to `lens`, and that of all to `*written`. They are
// UTF-8, with no NUL behind them. An item without a label, and the id -1, have -1 for a length.
// `lens` may be NULL: then each item must have a label. `(NULL, 0)` for `labels` asks how much
// room they take.
//
// Legal in every state. Of a loaded file only those labels are read.
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ITEM` for an id that the index does not have;
// `ANNOY_ERR_LABEL` for an item without a label where `lens` is NULL; `ANNOY_ERR_UNSUPPORTED` when
// labels are numbers; `ANNOY_ERR_TOO_SMALL`; `ANNOY_ERR_CORRUPT` when a loaded file turns out to
// be damaged. Nothing is written on an error, but for `*written` on `ANNOY_ERR_TOO_SMALL`.
annoy_status annoy_get_labels(const struct annoy_index *index,
                              const int64_t *items,
                              size_t n,
                              char *labels,
                              size_t capacity,
                              int64_t *lens,
                              size_t *written,
                              struct annoy_error *error);

// The item with a label into `*item`. Legal in every state; on a loaded file little more than that
// label is read.
//
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_LABEL` when no item has that label; `ANNOY_ERR_UNSUPPORTED`
// when labels are strings; `ANNOY_ERR_CORRUPT` when a loaded file turns out to be damaged.
annoy_status annoy_find_label_u64(const struct annoy_index *index,
                                  uint64_t label,
                                  int64_t *item,
                                  struct annoy_error *error);

// The item with a label of `len` bytes of UTF-8 into `*item`. As `annoy_find_label_u64`.
//
// Errors: as there; `ANNOY_ERR_UNSUPPORTED` when labels are numbers; `ANNOY_ERR_ARGUMENT` for what
// is not UTF-8.
annoy_status annoy_find_label(const struct annoy_index *index,
                              const char *label,
                              size_t len,
                              int64_t *item,
                              struct annoy_error *error);

// 1 when an id holds an item; 0 when it is missing (a hole, or past the last) or removed, and for
// NULL. In every state.
int32_t annoy_has_item(const struct annoy_index *index, int64_t item);

// Copies the ids that hold items, ascending, to `ids`, which has room for `capacity`, and their
// number to `*n_ids`. Holes and removed items are left out. Room for `annoy_get_n_items` always
// suffices. Legal in every state; reads each item's node.
//
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_TOO_SMALL` when there are more, with `*n_ids` set and
// nothing copied.
annoy_status annoy_get_ids(const struct annoy_index *index,
                           int64_t *ids,
                           size_t capacity,
                           size_t *n_ids,
                           struct annoy_error *error);

// Marks an item as removed: no search finds it or starts from it any more. Its vector can be read
// and its label found until the next build, which leaves both out: then it is missing, and the
// number of items is as before. Legal in every state; marks go along when the index is saved.
// Annoy itself still finds removed items in such a file. Nothing happens when it is removed
// already.
//
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ITEM` for an id that the index does not have, or a missing
// item; `ANNOY_ERR_NO_MEMORY`.
annoy_status annoy_remove_item(struct annoy_index *index, int64_t item, struct annoy_error *error);

// Takes the mark of a removed item away; nothing happens when it has none. As `annoy_remove_item`.
// (While items are added, adding one with its id does that too.)
//
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ITEM` for an id that the index does not have;
// `ANNOY_ERR_NO_MEMORY`.
annoy_status annoy_restore_item(struct annoy_index *index, int64_t item, struct annoy_error *error);

// 1 when an item is marked as removed; 0 when not, also for an id that the index does not have,
// and for NULL.
int32_t annoy_is_removed(const struct annoy_index *index, int64_t item);

// Inserts items into a built index, all or none, without building it anew: the next search finds
// them, in trees, graph and scan.
//
// `ids` has an id for each of the `vectors`, or is NULL: then they follow the last item. `labels`
// has a label for each, or is NULL. `flags` is 0 or `ANNOY_INSERT_REPLACE`: then ids may be those
// of items there are, also of removed ones, which get other vectors, and keep their labels where
// `labels` is NULL.
//
// An item goes down each tree to a leaf, which is split when it is full; in the graph its
// neighbours are chosen by a search; it comes into the list of the nearest centroid. A few items,
// no more than one for 64 there are, are put in where trees and graph lie, by one thread, in time
// that does not grow with the index. Now and then such a call takes longer, as all is written
// anew: when one in 16 has come. So do calls with more items, those that replace, and all on an
// index with a scan. What `annoy_tune` measured stays. A loaded index needs `annoy_thaw` with
// `ANNOY_THAW_BUILT` first.
//
// The same calls give the same bytes, for any number of threads and on any processor. Progress is
// told of adding, trees, graph and scan one after the other, each from 0; of a few items once.
// `work` may be NULL.
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when not built, built on disk, or loaded;
// `ANNOY_ERR_ITEM` for an id that is there twice, that cannot be, or, without
// `ANNOY_INSERT_REPLACE`, that an item has, also a removed one; `ANNOY_ERR_DIMENSION`;
// `ANNOY_ERR_NOT_FINITE`; `ANNOY_ERR_ARGUMENT` for fields of `vectors` and `labels` that cannot
// be, other flags, and when there are not as many labels as vectors; `ANNOY_ERR_LABEL` when
// another item has one of the labels; `ANNOY_ERR_UNSUPPORTED` for elements that the index does not
// take, and labels that are not of the kind it has; `ANNOY_ERR_CORRUPT` when the trees of a file
// that was thawed turn out to be damaged; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_CANCELLED`. On an
// error the index is as before.
annoy_status annoy_insert(struct annoy_index *index,
                          const int64_t *ids,
                          const struct annoy_vectors *vectors,
                          const struct annoy_labels *labels,
                          uint64_t flags,
                          const struct annoy_work *work,
                          struct annoy_error *error);

// Takes the items that are marked as removed out of trees, graph and scan of a built index,
// without building it anew: no search is led through them any more, they are missing from then on,
// their labels gone, and their ids can be inserted again. Does nothing when none is marked.
//
// Takes less time than a build where few are marked: trees and graph are copied, and items with
// neighbours that are gone choose among the others and the neighbours of those. Where fewer than
// three of four stay, trees and graph are built anew. The same calls give the same bytes, for any
// number of threads and on any processor. `work` may be NULL.
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when not built, built on disk, or loaded
// (`annoy_thaw` with `ANNOY_THAW_BUILT` is for that); `ANNOY_ERR_CORRUPT` when the trees of a file
// that was thawed turn out to be damaged; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_CANCELLED`. On an
// error the index is as before.
annoy_status annoy_consolidate(struct annoy_index *index, const struct annoy_work *work, struct annoy_error *error);

// Builds trees, graph and scan of a built index anew, those of them that it has, without the items
// that are marked as removed. The bytes are those of a fresh build of what is left, with as many
// trees and the seed it was built with, its graph by default options but for degree and alpha. Ids
// stay as they are; those behind the last item that is left are free again. What `annoy_tune`
// measured is dropped. `work` may be NULL.
//
// Errors: as `annoy_consolidate`.
annoy_status annoy_compact(struct annoy_index *index, const struct annoy_work *work, struct annoy_error *error);

// Finds the `n` items nearest to an item (itself among them), nearest first, equal distances by
// id.
//
// `search_k` is the number of candidates looked at: more take longer and find better. In the trees
// repeats between them are counted, and -1 stands for n times their number. Where there is a graph
// (`annoy_build_graph`) that is searched: about so many in hard data, fewer where the nearest lie
// apart from the rest, twice as many at the most; -1 stands for 3,000 for each ten of `n`, twice
// as many where the graph found less than 0.9 of the nearest when it was tried, and four times
// where less than 0.6 (`annoy_info`). An index that is not built looks at all its items, if there
// are up to `ANNOY_EXACT_ITEMS` of them and `search_k` is -1. `ids` and `distances` have room for
// `n` each, or for as many as there are items if that is fewer and no other thread adds or loads
// any meanwhile; `distances` may be NULL. `*n_found` gets the number of results, which is below
// `n` when fewer were found: that is no error. Beyond it nothing is written, and on an error
// nothing at all. Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when not built, but as said;
// `ANNOY_ERR_ITEM`; `ANNOY_ERR_ARGUMENT` for a search_k below -1; `ANNOY_ERR_CORRUPT` when a
// loaded file turns out to be damaged.
annoy_status annoy_get_nns_by_item(const struct annoy_index *index,
                                   int64_t item,
                                   size_t n,
                                   int64_t search_k,
                                   int64_t *ids,
                                   float *distances,
                                   size_t *n_found,
                                   struct annoy_error *error);

// Finds the `n` items nearest to a vector of `len` numbers (`len` must be f; for hamming one
// number per bit, over 0.5 is 1). The rest is as `annoy_get_nns_by_item`.
//
// Errors: as there, and `ANNOY_ERR_DIMENSION`, `ANNOY_ERR_NOT_FINITE`, `ANNOY_ERR_UNSUPPORTED`
// when the index holds f64.
annoy_status annoy_get_nns_by_vector(const struct annoy_index *index,
                                     const float *vector,
                                     size_t len,
                                     size_t n,
                                     int64_t search_k,
                                     int64_t *ids,
                                     float *distances,
                                     size_t *n_found,
                                     struct annoy_error *error);

// Finds the `results->n` items nearest to each of the `queries`, one or many, that pass what
// `options` say. `options` and `work` may be NULL.
//
// Many queries are shared between threads; a single one takes the calling thread alone. The
// results are the same for any number of threads, and as if each query had been asked by itself.
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when not built (but see `annoy_get_nns_by_item`, and
// `ANNOY_METHOD_EXACT`), or without the graph that the method asks for; `ANNOY_ERR_ARGUMENT` for
// fields of the structs that cannot be, such as a bitmap that does not have as many bits as there
// are items; `ANNOY_ERR_DIMENSION`; `ANNOY_ERR_NOT_FINITE`; `ANNOY_ERR_UNSUPPORTED` for elements
// that the index does not take; `ANNOY_ERR_CORRUPT` when a loaded file turns out to be damaged;
// `ANNOY_ERR_CANCELLED`; `ANNOY_ERR_NO_MEMORY`. Nothing is written on an error of the arguments,
// nor on any of a single query; on others of several queries some rows may have been written.
annoy_status annoy_search(const struct annoy_index *index,
                          const struct annoy_vectors *queries,
                          const struct annoy_search_options *options,
                          const struct annoy_results *results,
                          const struct annoy_work *work,
                          struct annoy_error *error);

// `annoy_search` from items, each its own neighbour unless `ANNOY_SEARCH_EXCLUDE_SELF` is set.
//
// `items` are `n_items` ids. Errors: as `annoy_search`; `ANNOY_ERR_ITEM`.
annoy_status annoy_search_items(const struct annoy_index *index,
                                const int64_t *items,
                                size_t n_items,
                                const struct annoy_search_options *options,
                                const struct annoy_results *results,
                                const struct annoy_work *work,
                                struct annoy_error *error);

// Estimates the recall of searches for the `n` nearest of an item, itself left out: the share of
// what is found that is as near as the `n` nearest of an exact search, 0 to 1, over `n_sample`
// items chosen by `seed` (or all that are neither missing nor removed, if they are fewer).
//
// `search_k` is as in `annoy_get_nns_by_item`, `work` may be NULL. The same index and numbers give
// the same result, with any number of threads. Looks at all items `n_sample` times, and takes 8
// bytes of memory for each.
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when not built; `ANNOY_ERR_ARGUMENT` for 0 samples,
// an `n` of 0, a wrong search_k or `work`; `ANNOY_ERR_CANCELLED`; `ANNOY_ERR_CORRUPT` when a
// loaded file turns out to be damaged; `ANNOY_ERR_NO_MEMORY`.
annoy_status annoy_estimate_recall(const struct annoy_index *index,
                                   size_t n_sample,
                                   size_t n,
                                   int64_t search_k,
                                   uint64_t seed,
                                   const struct annoy_work *work,
                                   double *recall,
                                   struct annoy_error *error);

// Measures what share of the nearest ten searches find, by how much they look at, so that they can
// be asked for a `recall` (`annoy_search_options`) in place of a `search_k`. `work` may be NULL.
//
// What searches go through by default is measured: the graph where there is one, else the scan,
// else the trees. `queries` are such as will be asked; NULL for 512 of the items, each as if it
// were not there itself (they find a little more of each other than other queries do, as trees and
// lists were made with them). What searches with a filter find is not measured. `annoy_save`
// writes the curve into the file, where Annoy does not see it. It is gone when trees, graph or
// scan are built anew. Looks at all items once for each query. The same index and queries give the
// same curve, for any number of threads and on any processor.
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_STATE` when not built; `ANNOY_ERR_ARGUMENT` for no queries,
// fields of `queries` that cannot be, or a wrong `work`; `ANNOY_ERR_DIMENSION`,
// `ANNOY_ERR_NOT_FINITE` and `ANNOY_ERR_UNSUPPORTED` for a query; `ANNOY_ERR_CORRUPT` when a
// loaded file turns out to be damaged; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_CANCELLED`. On an error
// the index is as before.
annoy_status annoy_tune(struct annoy_index *index,
                        const struct annoy_vectors *queries,
                        const struct annoy_work *work,
                        struct annoy_error *error);

// Verifies a built or loaded index: checksums, kinds of nodes, ids, that each item is in every
// tree once, that values are finite. Reads all of it; takes 4 bytes of memory for each item.
//
// The first `capacity` faults go to `faults` (may be NULL if `capacity` is 0), the number of all
// to `*n_faults`. `work` may be NULL.
// Errors: `ANNOY_ERR_CORRUPT`, with the first fault, when there are faults; `ANNOY_ERR_NULL`;
// `ANNOY_ERR_STATE` when not built; `ANNOY_ERR_NO_MEMORY`; `ANNOY_ERR_CANCELLED`.
annoy_status annoy_verify(const struct annoy_index *index,
                          struct annoy_fault *faults,
                          size_t capacity,
                          size_t *n_faults,
                          const struct annoy_work *work,
                          struct annoy_error *error);

// Verifies a file that says what it is. As `annoy_verify`.
//
// `path` is NUL-terminated: on Unix any bytes, elsewhere UTF-8. The file is mapped meanwhile, and
// must not be shortened: see `annoy_load`.
// Errors: as `annoy_open` and `annoy_verify`.
annoy_status annoy_verify_file(const char *path,
                               struct annoy_fault *faults,
                               size_t capacity,
                               size_t *n_faults,
                               const struct annoy_work *work,
                               struct annoy_error *error);

// Collects the facts about an index into `*info`, whose `struct_size` is set. Walks all trees;
// takes 4 bytes of memory for each item. Legal in every state.
//
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ARGUMENT` for a `struct_size` of less than the first field
// or more than 4,096; `ANNOY_ERR_NO_MEMORY`.
annoy_status annoy_get_info(const struct annoy_index *index, struct annoy_info *info, struct annoy_error *error);

// Finds out what a file may be: one kind if it says so itself, else every kind whose structure it
// has. Of plain Annoy files there are often several: nothing tells euclidean from manhattan, nor
// always the words of hamming. However long the file is, no more than 256 MiB of it are read,
// which takes a fraction of a second.
//
// `path` is NUL-terminated: on Unix any bytes, elsewhere UTF-8. The first `capacity` kinds go to
// `kinds` (may be NULL if `capacity` is 0), the number of all to `*n_kinds`.
// Errors: `ANNOY_ERR_NULL`; `ANNOY_ERR_ARGUMENT`; `ANNOY_ERR_IO`; `ANNOY_ERR_FORMAT` when it is no
// index, one that says what it is and is damaged, or could be so many that it would take more to
// tell, as a long file of zeros; `ANNOY_ERR_UNSUPPORTED` as `annoy_new`.
annoy_status annoy_probe(const char *path,
                         struct annoy_kind *kinds,
                         size_t capacity,
                         size_t *n_kinds,
                         struct annoy_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ANNOY_RS_ANNOY_H */
