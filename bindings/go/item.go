package annoy

// #include "shim.h"
import "C"

import "context"

// words is the number of 64-bit words that f bits take.
func (index *Index) words() int { return wordsOf(index.f) }

// AddItem adds or replaces an item: it copies a vector of F numbers. A removed item is there again.
// Ids start at 0 and come in any order. The index takes memory for all ids up to the largest.
func (index *Index) AddItem(id int64, vector []float32) error {
	return index.addItem(id, C.ANNOY_ELEMENT_F32, elements(vector), len(vector))
}

// AddItemFloat64 is AddItem for an index of Float64, or Hamming.
func (index *Index) AddItemFloat64(id int64, vector []float64) error {
	return index.addItem(id, C.ANNOY_ELEMENT_F64, elements(vector), len(vector))
}

// AddItemBits is AddItem for Hamming: F bits, the first in the least significant place of the first
// word, those past F 0.
func (index *Index) AddItemBits(id int64, words []uint64) error {
	return index.addItem(id, C.ANNOY_ELEMENT_BITS, elements(words), len(words))
}

func (index *Index) addItem(id int64, element C.annoy_element, data *C.uint8_t, length int) error {
	index.mu.Lock()
	defer index.mu.Unlock()
	if index.handle == nil {
		return ErrClosed
	}
	return taken(C.annoy_go_add_item(index.handle.c, C.int64_t(id), element, data, C.size_t(length)))
}

// AddItems adds many items, all or none. rows holds their vectors, one behind the other. There is
// an id for each, or ids is nil: then they follow the last item. If an id comes twice, its last
// vector counts. It ends early when the context does, with the index as before. Takes RowStride,
// NThreads and OnProgress.
func (index *Index) AddItems(ctx context.Context, ids []int64, rows []float32, opts ...CallOption) error {
	return index.addItems(ctx, ids, C.ANNOY_ELEMENT_F32, elements(rows), len(rows), index.f, opts)
}

// AddItemsFloat64 is AddItems for an index of Float64, or Hamming.
func (index *Index) AddItemsFloat64(ctx context.Context, ids []int64, rows []float64, opts ...CallOption) error {
	return index.addItems(ctx, ids, C.ANNOY_ELEMENT_F64, elements(rows), len(rows), index.f, opts)
}

// AddItemsBits is AddItems for Hamming, each vector in words as AddItemBits takes it.
func (index *Index) AddItemsBits(ctx context.Context, ids []int64, rows []uint64, opts ...CallOption) error {
	return index.addItems(ctx, ids, C.ANNOY_ELEMENT_BITS, elements(rows), len(rows), index.words(), opts)
}

func (index *Index) addItems(ctx context.Context, ids []int64, element C.annoy_element, data *C.uint8_t,
	length, width int, opts []CallOption) error {
	if err := ended(ctx); err != nil {
		return err
	}
	var s settings
	if err := s.read(opts, forRows); err != nil {
		return err
	}
	n, stride, err := s.rows(element, length, width)
	if err != nil {
		return err
	}
	if ids != nil && C.size_t(len(ids)) != n {
		return refused(ErrArgument, "there are %d ids for %d vectors", len(ids), n)
	}
	return index.writeUntil(ctx, func(c *C.annoy_index) error {
		return s.long(ctx, func(work *C.annoy_work) error {
			return taken(C.annoy_go_add(c, int64s(ids), element, data, n, C.size_t(width), stride, work))
		})
	})
}

// Reserve takes room for nItems items ahead of need; their number stays as it is.
func (index *Index) Reserve(nItems int) error {
	n, err := size("nItems", nItems)
	if err != nil {
		return err
	}
	return index.write(func(c *C.annoy_index) error {
		var e C.annoy_error
		return check(C.annoy_reserve(c, n, &e), &e)
	})
}

// Item gives a copy of an item's vector, for Hamming 0 or 1 for each bit. A missing
// item reads as zeros.
func (index *Index) Item(id int64) ([]float32, error) {
	return item[float32](index, id, C.ANNOY_ELEMENT_F32, index.f)
}

// ItemFloat64 is Item for an index of Float64, or Hamming.
func (index *Index) ItemFloat64(id int64) ([]float64, error) {
	return item[float64](index, id, C.ANNOY_ELEMENT_F64, index.f)
}

// ItemBits is Item for Hamming, in words as AddItemBits takes them.
func (index *Index) ItemBits(id int64) ([]uint64, error) {
	return item[uint64](index, id, C.ANNOY_ELEMENT_BITS, index.words())
}

func item[T any](index *Index, id int64, element C.annoy_element, length int) ([]T, error) {
	vector := make([]T, length)
	index.mu.RLock()
	defer index.mu.RUnlock()
	if index.handle == nil {
		return nil, ErrClosed
	}
	err := taken(C.annoy_go_get_item(index.handle.c, C.int64_t(id), element, elements(vector), C.size_t(length)))
	if err != nil {
		return nil, err
	}
	return vector, nil
}

// Distance is the distance between two items; for Dot their inner product.
func (index *Index) Distance(i, j int64) (float64, error) {
	index.mu.RLock()
	defer index.mu.RUnlock()
	if index.handle == nil {
		return 0, ErrClosed
	}
	result := C.annoy_go_get_distance(index.handle.c, C.int64_t(i), C.int64_t(j))
	return float64(result.distance), taken(result.error)
}

// RemoveItem marks an item as removed: no search finds it or starts from it any more. Its vector
// can be read and its label found until the next build, which leaves both out. Marks are saved with
// the index. Removing an item twice does nothing.
func (index *Index) RemoveItem(id int64) error {
	return index.write(func(c *C.annoy_index) error {
		var e C.annoy_error
		return check(C.annoy_remove_item(c, C.int64_t(id), &e), &e)
	})
}

// RestoreItem takes the mark of a removed item away; nothing happens when it has none.
func (index *Index) RestoreItem(id int64) error {
	return index.write(func(c *C.annoy_index) error {
		var e C.annoy_error
		return check(C.annoy_restore_item(c, C.int64_t(id), &e), &e)
	})
}

// HasItem reports whether an id holds an item: one that is neither missing (a hole, or past the
// last) nor removed. False when closed.
func (index *Index) HasItem(id int64) (there bool) {
	index.read(func(c *C.annoy_index) error { there = C.annoy_has_item(c, C.int64_t(id)) != 0; return nil })
	return there
}

// IDs gives the ids that hold items, ascending: holes and removed items are left out.
func (index *Index) IDs() (ids []int64, err error) {
	err = index.read(func(c *C.annoy_index) error {
		room := make([]int64, int(C.annoy_get_n_items(c)))
		var n C.size_t
		var e C.annoy_error
		if err := check(C.annoy_get_ids(c, int64s(room), C.size_t(len(room)), &n, &e), &e); err != nil {
			return err
		}
		ids = room[:n]
		return nil
	})
	return ids, err
}

// IsRemoved reports whether an item is marked as removed; false also for an id that the
// index does not have.
func (index *Index) IsRemoved(id int64) (removed bool) {
	index.read(func(c *C.annoy_index) error { removed = C.annoy_is_removed(c, C.int64_t(id)) != 0; return nil })
	return removed
}

// NRemoved is how many items are marked as removed.
func (index *Index) NRemoved() (n int) {
	index.read(func(c *C.annoy_index) error { n = int(C.annoy_get_fact(c, C.ANNOY_FACT_N_REMOVED)); return nil })
	return n
}
