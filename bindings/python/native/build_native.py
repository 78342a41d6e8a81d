"""Makes the extension module `annoy_rs._native`: all of annoy.h, guarded.h, views.h and callbacks,
through cffi."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
HEADER = ROOT / "include" / "annoy.h"

# What of guarded.h Python calls.
GUARDED = """
typedef struct guarded guarded;
typedef struct guarded_hold guarded_hold;
#define GUARDED_CLOSED 1
#define GUARDED_BUSY 2
#define GUARDED_SHARED 3
#define GUARDED_LOST 4
#define GUARDED_MEMORY 5
#define GUARDED_AGAIN 6
annoy_error *guarded_error(void);
guarded *guarded_new(annoy_index *index);
int guarded_lock(guarded *self, int alone, guarded_hold **place);
void guarded_unlock(guarded_hold **place);
annoy_index *guarded_index(guarded *self);
int guarded_close(guarded *self, guarded_hold **place);
void guarded_free(guarded *self);
void guarded_fork_begins(void);
void guarded_before_fork(guarded *self);
void guarded_after_fork(guarded *self, int child);
void guarded_fork_ends(int child);
int64_t guarded_by_vector(guarded *self, const float *vector, size_t len, size_t n,
                          int64_t search_k, int64_t *ids, float *distances);
int64_t guarded_by_item(guarded *self, int64_t item, size_t n, int64_t search_k, int64_t *ids,
                        float *distances);
typedef struct guarded_reports { void *user; int64_t next; } guarded_reports;
void guarded_progress(void *reports, annoy_stage stage, uint64_t done, uint64_t total);
"""

# What of views.h Python calls.
VIEWS = """
annoy_status views_add(annoy_index *index, const int64_t *ids, void *data, annoy_element element,
    size_t n, size_t len, size_t stride, const annoy_work *work, annoy_error *error);
annoy_status views_get(const annoy_index *index, const int64_t *ids, void *data, annoy_element
    element, size_t n, size_t len, annoy_error *error);
annoy_status views_search(const annoy_index *index, const int64_t *items, void *data, annoy_element
    element, size_t n_queries, size_t len, size_t stride, int64_t search_k, const
    annoy_search_options *options, int64_t *ids, void *distances, annoy_element distance_element,
    size_t *counts, size_t n, const annoy_work *work, annoy_error *error);
"""

# Functions of Python that the library calls.
CALLBACKS = """
extern "Python" int32_t python_filter(void *user, int64_t item);
extern "Python" void python_progress(void *user, uint64_t done, uint64_t total);
extern "Python" void python_log(void *user, int32_t level, const char *text);
"""


def declarations(header: str) -> str:
    """The header without what a C preprocessor and a C++ compiler would need; its numbers stay."""
    header = re.sub(r"/\*.*?\*/|//[^\n]*", "", header, flags=re.S)
    header = re.sub(r"#ifdef __cplusplus.*?#endif", "", header, flags=re.S)
    kept = [
        line
        for line in header.splitlines()
        if line.strip() and (not line.startswith("#") or re.fullmatch(r"#define \w+ -?\d+ *", line))
    ]
    return "\n".join(kept)


ffi = FFI()
ffi.cdef(declarations(HEADER.read_text(encoding="utf-8")) + GUARDED + VIEWS + CALLBACKS)
ffi.set_source(
    "annoy_rs._native",
    '#include "guarded.h"\n#include "views.h"',
    include_dirs=[str(HEADER.parent), str(HERE)],
    # The extension is one file: symbols of the library stay inside.
    extra_link_args=["-Wl,--exclude-libs,ALL", "-Wl,--strip-debug"] if sys.platform == "linux" else [],
    py_limited_api=True,
)
