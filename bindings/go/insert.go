package annoy

// #include "shim.h"
import "C"

import "context"

// InsertItems inserts items into a built index without building it anew, all or none: the next
// search finds them. rows and ids are as AddItems takes them, but no id may be there twice, nor,
// without Replace, be that of an item. Many items together take less time than one by one. A loaded
// index needs ThawBuilt first. It ends early when the context does, with the index as before. Takes
// Replace, Labels or LabelNumbers, RowStride, NThreads and OnProgress.
func (index *Index) InsertItems(ctx context.Context, ids []int64, rows []float32, opts ...CallOption) error {
	return index.insertItems(ctx, ids, C.ANNOY_ELEMENT_F32, elements(rows), len(rows), index.f, opts)
}

// InsertItemsFloat64 is InsertItems for an index of Float64, or Hamming.
func (index *Index) InsertItemsFloat64(ctx context.Context, ids []int64, rows []float64, opts ...CallOption) error {
	return index.insertItems(ctx, ids, C.ANNOY_ELEMENT_F64, elements(rows), len(rows), index.f, opts)
}

// InsertItemsBits is InsertItems for Hamming, each vector in words as AddItemBits takes it.
func (index *Index) InsertItemsBits(ctx context.Context, ids []int64, rows []uint64, opts ...CallOption) error {
	return index.insertItems(ctx, ids, C.ANNOY_ELEMENT_BITS, elements(rows), len(rows), index.words(), opts)
}

func (index *Index) insertItems(ctx context.Context, ids []int64, element C.annoy_element, data *C.uint8_t,
	length, width int, opts []CallOption) error {
	return index.change(ctx, opts, forInserts, func(c *C.annoy_index, s *settings, work *C.annoy_work) error {
		n, stride, err := s.rows(element, length, width)
		if err != nil {
			return err
		}
		if ids != nil && C.size_t(len(ids)) != n {
			return refused(ErrArgument, "there are %d ids for %d vectors", len(ids), n)
		}
		var l labelList
		if s.labels != nil {
			l = *s.labels
		}
		return taken(C.annoy_go_insert(c, int64s(ids), element, data, n, C.size_t(width), stride,
			l.kind, l.n, l.numbers, l.text, l.offsets, s.flags, work))
	})
}

// Consolidate takes the removed items out of trees, graph and scan of a built index without
// building it anew: no search is led through them any more, they are missing from then on, their
// labels gone, and their ids can be inserted again. It does nothing when no item is removed, and
// takes less time than a build where few are. A loaded index needs ThawBuilt first. It ends early
// when the context does, with the index as before.
//
// Takes NThreads and OnProgress.
func (index *Index) Consolidate(ctx context.Context, opts ...CallOption) error {
	return index.change(ctx, opts, forItems, func(c *C.annoy_index, _ *settings, work *C.annoy_work) error {
		var e C.annoy_error
		return check(C.annoy_consolidate(c, work, &e), &e)
	})
}

// Compact builds trees, graph and scan of a built index anew, those of them that it has, without
// the removed items. The bytes are those of a fresh build of what is left. Ids stay as they are,
// and those behind the last item that is left are free again. What Tune measured is dropped. Other
// than that it is as Consolidate.
func (index *Index) Compact(ctx context.Context, opts ...CallOption) error {
	return index.change(ctx, opts, forItems, func(c *C.annoy_index, _ *settings, work *C.annoy_work) error {
		var e C.annoy_error
		return check(C.annoy_compact(c, work, &e), &e)
	})
}
