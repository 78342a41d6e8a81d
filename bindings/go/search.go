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
	// Distance is the distance to what was searched for, for Dot the inner product. It has the
	// precision of the index.
	Distance float64
}

// Search finds the n items nearest to a vector of F numbers, nearest first, equal distances by id.
// It may find fewer than n: that is no error.
//
// Takes SearchK or Recall, MaxDistance, Allow, Deny, Exclude, Filter, and one of Exact, Forest,
// Graph and Scan. An item has to pass all that is set; those that do not pass do not count for
// SearchK.
func (index *Index) Search(ctx context.Context, vector []float32, n int, opts ...CallOption) ([]Neighbor, error) {
	return index.search(ctx, C.ANNOY_ELEMENT_F32, elements(vector), len(vector), 0, n, opts)
}

// SearchFloat64 is Search for an index of Float64, or Hamming.
func (index *Index) SearchFloat64(ctx context.Context, vector []float64, n int, opts ...CallOption) ([]Neighbor, error) {
	return index.search(ctx, C.ANNOY_ELEMENT_F64, elements(vector), len(vector), 0, n, opts)
}

// SearchBits is Search for Hamming, the vector in words as AddItemBits takes it.
func (index *Index) SearchBits(ctx context.Context, words []uint64, n int, opts ...CallOption) ([]Neighbor, error) {
	return index.search(ctx, C.ANNOY_ELEMENT_BITS, elements(words), len(words), 0, n, opts)
}

// SearchItem is Search from an item, which is its own neighbour unless ExcludeSelf says otherwise.
// For any element type.
func (index *Index) SearchItem(ctx context.Context, id int64, n int, opts ...CallOption) ([]Neighbor, error) {
	return index.search(ctx, C.ANNOY_GO_ITEMS, nil, 0, id, n, opts)
}

// Room for more results than this is only allocated if the index has as many items.
const many = 256

func (index *Index) search(ctx context.Context, form C.annoy_element, query *C.uint8_t, length int, item int64, n int,
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
		s.start()
		defer s.finish()
	}
	if wanted > many {
		wanted = least(wanted, c)
	}
	neighbors := make([]Neighbor, wanted)
	first := (*C.annoy_go_neighbor)(unsafe.Pointer(elements(neighbors)))
	found := C.annoy_go_search(c, form, query, C.size_t(length), C.int64_t(item), s.flags, s.method, s.searchK,
		s.recall, s.maxDistance, s.bitmap, s.bits, s.exclude, s.nExclude, s.filterUser(), token, first, wanted)
	if found.error != nil {
		return nil, because(ctx, taken(found.error))
	}
	return neighbors[:found.n], nil
}

// asks lets other calls share the index while a search asks a filter, even if a call waits to
// change the index: the filter may make such calls. The function it returns ends that.
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

// SearchInto is a plain Search that writes to slices of the caller: len(ids) is n, and distances
// may be nil. It returns the number of items found. It allocates nothing.
//
// searchK is as in SearchK.
func (index *Index) SearchInto(vector []float32, searchK int64, ids []int64, distances []float32) (int, error) {
	return searchInto(index, C.ANNOY_ELEMENT_F32, elements(vector), len(vector), 0, searchK, ids, distances)
}

// SearchIntoFloat64 is SearchInto for an index of Float64, or Hamming.
func (index *Index) SearchIntoFloat64(vector []float64, searchK int64, ids []int64, distances []float64) (int, error) {
	return searchInto(index, C.ANNOY_ELEMENT_F64, elements(vector), len(vector), 0, searchK, ids, distances)
}

// SearchIntoBits is SearchInto for Hamming, the vector in words as AddItemBits takes it.
func (index *Index) SearchIntoBits(words []uint64, searchK int64, ids []int64, distances []float32) (int, error) {
	return searchInto(index, C.ANNOY_ELEMENT_BITS, elements(words), len(words), 0, searchK, ids, distances)
}

// SearchItemInto is SearchInto from an item, itself among the results. For any element type.
func (index *Index) SearchItemInto(id int64, searchK int64, ids []int64, distances []float32) (int, error) {
	return searchInto(index, C.ANNOY_GO_ITEMS, nil, 0, id, searchK, ids, distances)
}

// SearchItemIntoFloat64 is SearchItemInto with distances as float64.
func (index *Index) SearchItemIntoFloat64(id int64, searchK int64, ids []int64, distances []float64) (int, error) {
	return searchInto(index, C.ANNOY_GO_ITEMS, nil, 0, id, searchK, ids, distances)
}

func searchInto[Distance float32 | float64](index *Index, form C.annoy_element, query *C.uint8_t, length int, item,
	searchK int64, ids []int64, distances []Distance) (int, error) {
	index.mu.RLock()
	defer index.mu.RUnlock()
	if index.handle == nil {
		return 0, ErrClosed
	}
	if len(distances) < len(ids) && distances != nil {
		return 0, refused(ErrTooSmall, "distances has room for %d, ids for %d", len(distances), len(ids))
	}
	found := C.annoy_go_search_into(index.handle.c, form, query, C.size_t(length), C.int64_t(item), C.int64_t(searchK),
		int64s(ids), elements(distances), elementOf[Distance](), C.size_t(len(ids)))
	return int(found.n), taken(found.error)
}

// elementOf is what C calls a type of distances.
func elementOf[Distance float32 | float64]() C.annoy_element {
	if unsafe.Sizeof(Distance(0)) == 8 {
		return C.ANNOY_ELEMENT_F64
	}
	return C.ANNOY_ELEMENT_F32
}
