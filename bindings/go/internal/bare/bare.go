//go:build !annoy_dynamic

// Package bare searches from a loop in C, which is what package annoy's own cost is
// measured against.
package bare

// #include <stdlib.h>
// #include "../../libannoy_rs.h"
//
// static annoy_status bare_open(const char *path, annoy_index **index) {
//     return annoy_open(path, 0, index, NULL);
// }
//
// static annoy_status bare_search(const annoy_index *index, const float *queries, size_t n_queries,
//                                 size_t f, size_t n, int64_t search_k, int64_t *ids,
//                                 float *distances, size_t rounds) {
//     for (size_t i = 0; i < rounds; i++) {
//         size_t found;
//         annoy_status status =
//             annoy_get_nns_by_vector(index, queries + i % n_queries * f, f, n, search_k, ids,
//                                     distances, &found, NULL);
//         if (status != ANNOY_OK) return status;
//     }
//     return ANNOY_OK;
// }
import "C"

import (
	"fmt"
	"unsafe"

	_ "annoy_rs/bindings/go" // links the library
)

// Index is a handle of the C ABI.
type Index struct{ c *C.annoy_index }

// Open opens a file.
func Open(path string) (Index, error) {
	var index Index
	text := C.CString(path)
	defer C.free(unsafe.Pointer(text))
	if status := C.bare_open(text, &index.c); status != C.ANNOY_OK {
		return index, fmt.Errorf("%s: status %d", path, status)
	}
	return index, nil
}

// Close frees the index.
func (index Index) Close() { C.annoy_free(index.c) }

// Search searches `rounds` times, for one query after the other, and gives what the last found.
func (index Index) Search(queries []float32, f, n int, searchK int64, rounds int) ([]int64, error) {
	ids, distances := make([]int64, n), make([]float32, n)
	status := C.bare_search(index.c, (*C.float)(&queries[0]), C.size_t(len(queries)/f), C.size_t(f), C.size_t(n),
		C.int64_t(searchK), (*C.int64_t)(&ids[0]), (*C.float)(&distances[0]), C.size_t(rounds))
	if status != C.ANNOY_OK {
		return nil, fmt.Errorf("status %d", status)
	}
	return ids, nil
}
