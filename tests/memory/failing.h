/*
 * An allocator that fails when told to, in front of the C library's: the malloc functions, mmap,
 * and the start of threads. It needs glibc, whose own functions it calls.
 */
#ifndef FAILING_H
#define FAILING_H

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static long left = -1;     /* allocations until one fails; negative: none does */
static int lasting, hit;   /* whether all that follow fail too; whether one has failed */
static void *where[64];    /* the stack of the one that failed first */
static int depth;

/* What std::fs and tempfile take for the names of files is not theirs to refuse:
   annoy.h says so. */
static const char *const spares[] = {"7storage7pending", "7storage6target", "7storage10unfinished", "8tempfile", "8TempPath"};
static int n_spared;

static int is_spared(void **stack, int n) {
    Dl_info info;
    for (int i = 2; i < n; i++)
        for (size_t k = 0; k < sizeof spares / sizeof *spares; k++)
            if (dladdr(stack[i], &info) && info.dli_sname && strstr(info.dli_sname, spares[k])) return 1;
    return 0;
}

static int fails(void) {
    if (__atomic_load_n(&left, __ATOMIC_RELAXED) < 0) return 0;
    long before = __atomic_fetch_sub(&left, 1, __ATOMIC_RELAXED);
    if (before > 0) return 0;
    if (before < 0 && !lasting) return 0; /* of two threads at once, one */
    if (lasting) __atomic_store_n(&left, 0, __ATOMIC_RELAXED);
    void *stack[64];
    int n = backtrace(stack, 64);
    if (is_spared(stack, n)) {
        __atomic_fetch_add(&n_spared, 1, __ATOMIC_RELAXED);
        return 0;
    }
    if (!__atomic_exchange_n(&hit, 1, __ATOMIC_RELAXED)) {
        memcpy(where, stack, sizeof stack);
        depth = n;
    }
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t n) { return fails() ? NULL : __libc_malloc(n); }
void *calloc(size_t n, size_t size) { return fails() ? NULL : __libc_calloc(n, size); }
void *realloc(void *p, size_t n) { return fails() ? NULL : __libc_realloc(p, n); }
void *aligned_alloc(size_t align, size_t n) { return fails() ? NULL : __libc_memalign(align, n); }
int posix_memalign(void **p, size_t align, size_t n) {
    if (fails()) return ENOMEM;
    *p = __libc_memalign(align, n);
    return *p ? 0 : ENOMEM;
}
static void *map(void *at, size_t n, int prot, int flags, int fd, off_t offset) {
    return fails() ? MAP_FAILED : (void *)syscall(SYS_mmap, at, n, prot, flags, fd, offset);
}
void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset) { return map(at, n, prot, flags, fd, offset); }
void *mmap64(void *at, size_t n, int prot, int flags, int fd, off64_t offset) { return map(at, n, prot, flags, fd, offset); }
void *mremap(void *at, size_t n, size_t to, int flags, ...) {
    va_list more;
    va_start(more, flags);
    void *place = va_arg(more, void *);
    va_end(more);
    return fails() ? MAP_FAILED : (void *)syscall(SYS_mremap, at, n, to, flags, place);
}

typedef int create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
static create *real_create;
static int n_threads; /* started */

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
    if (fails()) return EAGAIN;
    __atomic_fetch_add(&n_threads, 1, __ATOMIC_RELAXED);
    return real_create(thread, attributes, body, argument);
}

#endif
