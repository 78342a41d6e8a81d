package annoy

// #include "shim.h"
import "C"

import (
	"context"
	"unsafe"
)

// A Batch is the results of many searches. Query i found Counts[i] items: they are in IDs and
// Distances from i * N on, nearest first. The rest of those N places holds -1 and NaN.
type Batch[Distance float32 | float64] struct {
	N         int
	IDs       []int64
	Distances []Distance
	Counts    []int
}

// Len is the number of queries.
func (b *Batch[Distance]) Len() int { return len(b.Counts) }

// Query gives what query i found, nearest first: parts of IDs and Distances.
func (b *Batch[Distance]) Query(i int) (ids []int64, distances []Distance) {
	from, to := i*b.N, i*b.N+b.Counts[i]
	return b.IDs[from:to:to], b.Distances[from:to:to]
}

// SearchBatch is Search for many vectors, one after the other in a slice, with several threads. The
// results are those of Search, for any number of threads. It ends early when the context does.
//
// Takes the options of Search, and NThreads, OnProgress and RowStride.
func (index *Index) SearchBatch(ctx context.Context, vectors []float32, n int, opts ...CallOption) (*Batch[float32], error) {
	return searchBatch[float32](ctx, index, C.ANNOY_ELEMENT_F32, elements(vectors), len(vectors), index.f, n, forRows, opts)
}

// SearchBatchFloat64 is SearchBatch for an index of Float64, or Hamming.
func (index *Index) SearchBatchFloat64(ctx context.Context, vectors []float64, n int,
	opts ...CallOption) (*Batch[float64], error) {
	return searchBatch[float64](ctx, index, C.ANNOY_ELEMENT_F64, elements(vectors), len(vectors), index.f, n, forRows, opts)
}

// SearchBatchBits is SearchBatch for Hamming, each vector in words as AddItemBits takes it.
func (index *Index) SearchBatchBits(ctx context.Context, vectors []uint64, n int,
	opts ...CallOption) (*Batch[float32], error) {
	return searchBatch[float32](ctx, index, C.ANNOY_ELEMENT_BITS, elements(vectors), len(vectors), index.words(), n,
		forRows, opts)
}

// SearchItems is SearchItem for many items, and otherwise SearchBatch. For any element type.
// Takes no RowStride.
func (index *Index) SearchItems(ctx context.Context, ids []int64, n int, opts ...CallOption) (*Batch[float32], error) {
	return searchBatch[float32](ctx, index, C.ANNOY_GO_ITEMS, elements(ids), len(ids), 1, n, forItems, opts)
}

// SearchItemsFloat64 is SearchItems with distances of float64.
func (index *Index) SearchItemsFloat64(ctx context.Context, ids []int64, n int,
	opts ...CallOption) (*Batch[float64], error) {
	return searchBatch[float64](ctx, index, C.ANNOY_GO_ITEMS, elements(ids), len(ids), 1, n, forItems, opts)
}

func searchBatch[Distance float32 | float64](ctx context.Context, index *Index, form C.annoy_element, queries *C.uint8_t,
	length, width, n int, allowed optionKind, opts []CallOption) (*Batch[Distance], error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	var s settings
	if err := s.read(opts, forSearch|allowed); err != nil {
		return nil, err
	}
	nQueries, stride, err := s.rows(form, length, width)
	if err != nil {
		return nil, err
	}
	wanted, err := size("n", n)
	if err != nil {
		return nil, err
	}
	if err := index.mu.share(ctx); err != nil {
		return nil, err
	}
	defer index.mu.RUnlock()
	defer index.asks(&s)()
	if index.handle == nil {
		return nil, ErrClosed
	}
	c := index.handle.c
	wanted = least(wanted, c)
	b := &Batch[Distance]{
		N:         int(wanted),
		IDs:       make([]int64, int(nQueries)*int(wanted)),
		Distances: make([]Distance, int(nQueries)*int(wanted)),
		Counts:    make([]int, nQueries),
	}
	counts := (*C.size_t)(unsafe.Pointer(elements(b.Counts))) // as wide as int
	err = s.long(ctx, func(work *C.annoy_work) error {
		return taken(C.annoy_go_search_batch(c, form, queries, nQueries, C.size_t(width), stride, s.flags, s.method,
			s.searchK, s.recall, s.maxDistance, s.bitmap, s.bits, s.exclude, s.nExclude, s.filterUser(), work, int64s(b.IDs),
			elements(b.Distances), elementOf[Distance](), wanted, counts))
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}
