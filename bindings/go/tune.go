package annoy

// #include "shim.h"
import "C"

import "context"

// BuildAuto builds a graph or a scan, whichever is expected to find so much of the nearest (Recall,
// by default 0.95) in less time, in place of both; then it measures it, as Tune does. The same
// index gives the same bytes, for any number of threads and on any processor. It ends early when
// the context does, with the index as before.
//
// Takes Recall, NThreads and OnProgress.
func (index *Index) BuildAuto(ctx context.Context, opts ...CallOption) error {
	return index.change(ctx, opts, forItems|recall, func(c *C.annoy_index, s *settings, work *C.annoy_work) error {
		var e C.annoy_error
		return check(C.annoy_build_auto(c, s.recall, work, &e), &e)
	})
}

// Tune measures what share of the nearest ten searches find, by how much they look at, so that they
// can be asked for a Recall. It measures what searches go through by default: the graph where there
// is one, else the scan, else the trees. The queries are 512 of the items, each as if it was not
// there itself. Save writes the measurement into the file, where Annoy does not see it. It goes
// when trees, graph or scan are built anew. It ends early when the context does, with the index as
// before.
//
// Takes NThreads and OnProgress.
func (index *Index) Tune(ctx context.Context, opts ...CallOption) error {
	return index.tune(ctx, C.ANNOY_GO_ITEMS, nil, 0, 1, forItems, opts)
}

// TuneFor is Tune with vectors such as will be searched for, one after the other in a slice.
//
// Takes NThreads, OnProgress and RowStride.
func (index *Index) TuneFor(ctx context.Context, queries []float32, opts ...CallOption) error {
	return index.tune(ctx, C.ANNOY_ELEMENT_F32, elements(queries), len(queries), index.f, forRows, opts)
}

// TuneForFloat64 is TuneFor for an index of Float64, or Hamming.
func (index *Index) TuneForFloat64(ctx context.Context, queries []float64, opts ...CallOption) error {
	return index.tune(ctx, C.ANNOY_ELEMENT_F64, elements(queries), len(queries), index.f, forRows, opts)
}

// TuneForBits is TuneFor for Hamming, each vector in words as AddItemBits takes it.
func (index *Index) TuneForBits(ctx context.Context, queries []uint64, opts ...CallOption) error {
	return index.tune(ctx, C.ANNOY_ELEMENT_BITS, elements(queries), len(queries), index.words(), forRows, opts)
}

func (index *Index) tune(ctx context.Context, form C.annoy_element, queries *C.uint8_t, length, width int,
	allowed optionKind, opts []CallOption) error {
	return index.change(ctx, opts, allowed, func(c *C.annoy_index, s *settings, work *C.annoy_work) error {
		n, stride, err := s.rows(form, length, width)
		if err != nil {
			return err
		}
		return taken(C.annoy_go_tune(c, form, queries, n, C.size_t(width), stride, work))
	})
}

// change makes a long call that changes the index, and takes options of these kinds.
func (index *Index) change(ctx context.Context, opts []CallOption, allowed optionKind,
	call func(*C.annoy_index, *settings, *C.annoy_work) error) error {
	if err := ended(ctx); err != nil {
		return err
	}
	var s settings
	if err := s.read(opts, allowed); err != nil {
		return err
	}
	return index.writeUntil(ctx, func(c *C.annoy_index) error {
		return s.long(ctx, func(work *C.annoy_work) error { return call(c, &s, work) })
	})
}
