package annoy

// #include "shim.h"
import "C"

import (
	"context"
	"unsafe"
)

// A Neighbor is an item that a search found.
type Neighbor struct {
	ID int64
	// Distance is the distance to what was searched for, for Dot the inner product. It has the precision of the index.
	Distance float64
}

// Search finds the n items nearest to a vector of F numbers, nearest first, equal distances by id. There are fewer when
// fewer were found: that is no error.
//
// Takes SearchK, MaxDistance, Allow, Deny, Exclude, Filter, and one of Exact, Forest and Graph. An item has to pass all
// that is set; those that do not pass do not count for SearchK.
func (index *Index) Search(ctx context.Context, vector []float32, n int, opts ...CallOption) ([]Neighbor, error) {
	return index.search(ctx, C.ANNOY_GO_F32, (*C.uint8_t)(unsafe.Pointer(float32s(vector))), len(vector), 0, n, opts)
}

// SearchFloat64 is Search for an index of Float64, or Hamming.
func (index *Index) SearchFloat64(ctx context.Context, vector []float64, n int, opts ...CallOption) ([]Neighbor, error) {
	return index.search(ctx, C.ANNOY_GO_F64, (*C.uint8_t)(unsafe.Pointer(float64s(vector))), len(vector), 0, n, opts)
}

// SearchBits is Search for Hamming, the vector in words as AddItemBits takes it.
func (index *Index) SearchBits(ctx context.Context, words []uint64, n int, opts ...CallOption) ([]Neighbor, error) {
	return index.search(ctx, C.ANNOY_GO_BITS, (*C.uint8_t)(unsafe.Pointer(uint64s(words))), len(words), 0, n, opts)
}

// SearchItem is Search from an item, which is its own neighbour unless ExcludeSelf says otherwise. For any element
// type.
func (index *Index) SearchItem(ctx context.Context, id int64, n int, opts ...CallOption) ([]Neighbor, error) {
	form := C.int(C.ANNOY_GO_ITEM)
	if index.scalar == Float64 {
		form = C.ANNOY_GO_ITEM_F64
	}
	return index.search(ctx, form, nil, 0, id, n, opts)
}

// more than this many results are not made room for before it is known that the index has as many items.
const many = 256

func (index *Index) search(ctx context.Context, form C.int, query *C.uint8_t, length int, item int64, n int,
	opts []CallOption) ([]Neighbor, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	var s settings
	if err := s.read(opts, forSearch); err != nil {
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
	if index.handle == nil {
		return nil, ErrClosed
	}
	c := index.handle.c
	// A filter takes as long as it likes: so a search with one looks at the context on the way.
	var token *C.annoy_cancel
	if s.callbacks != nil {
		defer index.asks(&s)()
		var done func()
		if token, done, err = watch(ctx, true); err != nil {
			return nil, err
		}
		defer done()
		s.callbacks.giveUp = func() { C.annoy_cancel_set(token) }
	}
	if wanted > many {
		wanted = least(wanted, c)
	}
	neighbors := make([]Neighbor, wanted)
	var first *C.annoy_go_neighbor
	if len(neighbors) > 0 {
		first = (*C.annoy_go_neighbor)(unsafe.Pointer(&neighbors[0]))
	}
	s.start()
	defer s.finish()
	found := C.annoy_go_search(c, form, query, C.size_t(length), C.int64_t(item), s.flags, s.searchK, s.maxDistance,
		s.bitmap, s.bits, s.exclude, s.nExclude, s.filterUser(), token, first, wanted)
	if found.error != nil {
		return nil, because(ctx, taken(found.error))
	}
	return neighbors[:found.n], nil
}

// asks lets others share the index while a filter is asked, though somebody waits to change it: the filter may be one
// of them. What it returns ends that.
func (index *Index) asks(s *settings) (end func()) {
	if s.callbacks == nil || s.callbacks.filter == nil {
		return func() {}
	}
	index.mu.asking.Add(1)
	return func() { index.mu.asking.Add(-1) }
}

// least gives the number of items where that is less than n.
func least(n C.size_t, c *C.annoy_index) C.size_t {
	if items := C.size_t(C.annoy_get_n_items(c)); items < n {
		return items
	}
	return n
}

// SearchInto is a plain Search into memory of the caller's: for as many items as ids has room for, whose distances go
// to distances, unless that is nil. It gives the number found. Nothing is allocated.
//
// searchK is as in SearchK, except that with 0 no candidates are looked at.
func (index *Index) SearchInto(vector []float32, searchK int64, ids []int64, distances []float32) (int, error) {
	index.mu.RLock()
	defer index.mu.RUnlock()
	if err := index.canFill(len(ids), len(distances), distances == nil); err != nil {
		return 0, err
	}
	return into(C.annoy_go_nns_by_vector(index.handle.c, float32s(vector), C.size_t(len(vector)), C.size_t(len(ids)),
		C.int64_t(searchK), int64s(ids), float32s(distances)))
}

// SearchIntoFloat64 is SearchInto for an index of Float64, or Hamming.
func (index *Index) SearchIntoFloat64(vector []float64, searchK int64, ids []int64, distances []float64) (int, error) {
	index.mu.RLock()
	defer index.mu.RUnlock()
	if err := index.canFill(len(ids), len(distances), distances == nil); err != nil {
		return 0, err
	}
	return into(C.annoy_go_nns_by_vector_f64(index.handle.c, float64s(vector), C.size_t(len(vector)), C.size_t(len(ids)),
		C.int64_t(searchK), int64s(ids), float64s(distances)))
}

// SearchIntoBits is SearchInto for Hamming, the vector in words as AddItemBits takes it.
func (index *Index) SearchIntoBits(words []uint64, searchK int64, ids []int64, distances []float32) (int, error) {
	index.mu.RLock()
	defer index.mu.RUnlock()
	if err := index.canFill(len(ids), len(distances), distances == nil); err != nil {
		return 0, err
	}
	return into(C.annoy_go_nns_by_vector_bits(index.handle.c, uint64s(words), C.size_t(len(words)), C.size_t(len(ids)),
		C.int64_t(searchK), int64s(ids), float32s(distances)))
}

// SearchItemInto is SearchInto from an item, itself among the results. For any element type.
func (index *Index) SearchItemInto(id int64, searchK int64, ids []int64, distances []float32) (int, error) {
	index.mu.RLock()
	defer index.mu.RUnlock()
	if err := index.canFill(len(ids), len(distances), distances == nil); err != nil {
		return 0, err
	}
	return into(C.annoy_go_nns_by_item(index.handle.c, C.int64_t(id), C.size_t(len(ids)), C.int64_t(searchK), int64s(ids),
		float32s(distances)))
}

// SearchItemIntoFloat64 is SearchItemInto with distances as float64.
func (index *Index) SearchItemIntoFloat64(id int64, searchK int64, ids []int64, distances []float64) (int, error) {
	index.mu.RLock()
	defer index.mu.RUnlock()
	if err := index.canFill(len(ids), len(distances), distances == nil); err != nil {
		return 0, err
	}
	return into(C.annoy_go_nns_by_item_f64(index.handle.c, C.int64_t(id), C.size_t(len(ids)), C.int64_t(searchK),
		int64s(ids), float64s(distances)))
}

func (index *Index) canFill(ids, distances int, without bool) error {
	if index.handle == nil {
		return ErrClosed
	}
	if distances < ids && !without {
		return refused(ErrTooSmall, "distances has room for %d, ids for %d", distances, ids)
	}
	return nil
}

func into(found C.annoy_go_found) (int, error) {
	return int(found.n), taken(found.error)
}
