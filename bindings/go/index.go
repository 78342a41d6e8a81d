package annoy

// #include "shim.h"
// #include <stdlib.h>
import "C"

import (
	"context"
	"io"
)

// An Index is items with vectors, and once built the trees to find them by. It must not be copied.
type Index struct {
	// Calls that annoy.h lets run at the same time hold mu for reading. It also keeps the Index
	// reachable, and so its handle alive, while C works with it.
	mu     lock
	handle *handle // nil once closed

	f      int
	metric Metric
	scalar Scalar
	idBits int

	cleanup cleanup
}

var _ io.Closer = (*Index)(nil)

// handle is what an Index owns, in memory of its own so that it can be freed when
// the Index is gone.
type handle struct {
	c   *C.annoy_index
	log *logger
}

func (h *handle) free() {
	C.annoy_free(h.c)
	h.log.release()
}

// An Option says how an index is made.
type Option func(*options)

type options struct {
	c      C.annoy_options
	seed   *uint64
	logger func(LogLevel, string)
}

// WithScalar sets what the elements of vectors are.
func WithScalar(scalar Scalar) Option {
	return func(o *options) { o.c.scalar = C.annoy_scalar(scalar) }
}

// WithIDBits sets the width of ids in the file: 32 (the default, which all of Annoy's
// bindings have) or 64.
func WithIDBits(bits int) Option {
	return func(o *options) { o.c.id_bits = C.int32_t(bits) }
}

// WithSeed is SetSeed.
func WithSeed(seed uint64) Option {
	return func(o *options) { o.seed = &seed }
}

// WithLog is SetLog.
func WithLog(log func(level LogLevel, message string)) Option {
	return func(o *options) { o.logger = log }
}

// New makes an empty index of vectors of f numbers, for Hamming f bits.
func New(f int, metric Metric, opts ...Option) (*Index, error) {
	length, err := size("f", f)
	if err != nil {
		return nil, err
	}
	// An Index has a lock of its own, see lock.
	o := options{c: C.annoy_options{
		struct_size: C.sizeof_annoy_options, metric: C.annoy_metric(metric), flags: C.ANNOY_UNLOCKED, f: length,
	}}
	for _, option := range opts {
		option(&o)
	}
	var c *C.annoy_index
	var e C.annoy_error
	if err := check(C.annoy_new_with(&o.c, &c, &e), &e); err != nil {
		return nil, err
	}
	index := wrap(c)
	if o.seed != nil {
		err = index.SetSeed(*o.seed)
	}
	if err == nil && o.logger != nil {
		err = index.SetLog(LogInfo, o.logger)
	}
	if err != nil {
		index.Close()
		return nil, err
	}
	return index, nil
}

// wrap takes a handle over.
func wrap(c *C.annoy_index) *Index {
	made := C.annoy_options{struct_size: C.sizeof_annoy_options}
	C.annoy_get_options(c, &made, nil)
	index := &Index{
		handle: &handle{c: c},
		f:      int(C.annoy_get_f(c)),
		metric: Metric(C.annoy_get_fact(c, C.ANNOY_FACT_METRIC)),
		scalar: Scalar(made.scalar),
		idBits: int(made.id_bits),
	}
	index.freeWhenUnreachable()
	return index
}

// Close frees the index, after the calls that use it have returned; the methods return
// ErrClosed from then on. An index being built on disk is removed unless its build was
// completed. An index that is not closed is freed once nothing refers to it. Closing twice does
// nothing. The error is always nil.
func (index *Index) Close() error {
	index.mu.Lock()
	defer index.mu.Unlock()
	if index.handle != nil {
		index.keepWhenUnreachable()
		index.handle.free()
		index.handle = nil
	}
	return nil
}

// read calls use with the index for a call that takes it const.
func (index *Index) read(use func(c *C.annoy_index) error) error {
	return index.readUntil(context.Background(), use)
}

// readUntil is read which does not wait for the index when the context has ended.
func (index *Index) readUntil(ctx context.Context, use func(c *C.annoy_index) error) error {
	if err := index.mu.share(ctx); err != nil {
		return err
	}
	defer index.mu.RUnlock()
	return index.handle.call(use)
}

// write calls use with the index for any other call.
func (index *Index) write(use func(c *C.annoy_index) error) error {
	return index.writeUntil(context.Background(), use)
}

// writeUntil is write which does not wait for the index when the context has ended.
func (index *Index) writeUntil(ctx context.Context, use func(c *C.annoy_index) error) error {
	if err := index.mu.take(ctx); err != nil {
		return err
	}
	defer index.mu.Unlock()
	return index.handle.call(use)
}

func (h *handle) call(use func(c *C.annoy_index) error) error {
	if h == nil {
		return ErrClosed
	}
	defer h.log.raise()
	return use(h.c)
}

// F is the length of vectors: numbers, or bits for Hamming.
func (index *Index) F() int { return index.f }

// Metric is the metric.
func (index *Index) Metric() Metric { return index.metric }

// Scalar is the element type.
func (index *Index) Scalar() Scalar { return index.scalar }

// IDBits is the width of ids in the file.
func (index *Index) IDBits() int { return index.idBits }

// NItems is the number of items: the largest id plus one, missing ones included. 0 when closed.
func (index *Index) NItems() (n int) {
	index.read(func(c *C.annoy_index) error { n = int(C.annoy_get_n_items(c)); return nil })
	return n
}

// NTrees is the number of trees, 0 before the build and when closed.
func (index *Index) NTrees() (n int) {
	index.read(func(c *C.annoy_index) error { n = int(C.annoy_get_n_trees(c)); return nil })
	return n
}

// SetSeed sets the seed of the next build.
func (index *Index) SetSeed(seed uint64) error {
	return index.write(func(c *C.annoy_index) error {
		var e C.annoy_error
		return check(C.annoy_set_seed(c, C.uint64_t(seed), &e), &e)
	})
}

// Unload drops items, trees, metadata, labels and file; the index is then empty and not built.
func (index *Index) Unload() error {
	return index.write(func(c *C.annoy_index) error {
		var e C.annoy_error
		return check(C.annoy_unload(c, &e), &e)
	})
}
