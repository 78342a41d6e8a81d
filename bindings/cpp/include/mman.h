// Annoy has a header of this name that gives Windows an mmap. annoy_rs maps files inside its
// library, so there is nothing here; it exists so that code which includes it compiles.
// <sys/mman.h> is another header and is not affected.
#ifndef ANNOY_RS_MMAN_H
#define ANNOY_RS_MMAN_H
#endif
