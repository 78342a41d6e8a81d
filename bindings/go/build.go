package annoy

// #include "shim.h"
// #include <stdlib.h>
import "C"

import (
	"context"
	"unsafe"
)

// Build builds a forest of nTrees trees over the items. More trees give better answers and a larger
// file. -1 adds trees until there are twice as many nodes as items. The same items, seed and number
// of trees give the same bytes, for any number of threads and on any processor. Items that are
// removed are left out. It ends early when the context does, with the index as before.
//
// Takes NThreads and OnProgress.
func (index *Index) Build(ctx context.Context, nTrees int, opts ...CallOption) error {
	if err := ended(ctx); err != nil {
		return err
	}
	var s settings
	if err := s.read(opts, forItems); err != nil {
		return err
	}
	trees, err := int32Of("nTrees", int64(nTrees))
	if err != nil {
		return err
	}
	return index.writeUntil(ctx, func(c *C.annoy_index) error {
		return s.long(ctx, func(work *C.annoy_work) error {
			var e C.annoy_error
			return check(C.annoy_build_trees(c, trees, work, &e), &e)
		})
	})
}

// Unbuild takes the trees away, so that items can be added and trees built again. It does nothing
// when there are none. A loaded index has to be thawed instead.
func (index *Index) Unbuild() error {
	return index.write(func(c *C.annoy_index) error {
		var e C.annoy_error
		return check(C.annoy_unbuild(c, &e), &e)
	})
}

// Thaw makes it possible to add items, whatever the state of the index. Of a loaded index it copies
// the items to memory and drops the trees; a built index it unbuilds. Labels, marks of removed
// items, metadata and the seed stay.
func (index *Index) Thaw() error {
	return index.write(func(c *C.annoy_index) error {
		var e C.annoy_error
		return check(C.annoy_thaw(c, 0, &e), &e)
	})
}

// ThawBuilt copies a loaded index to memory with its trees, graph and scan, so that items can be
// inserted. Labels, marks of removed items, metadata, the seed and what Tune measured stay.
func (index *Index) ThawBuilt() error {
	return index.write(func(c *C.annoy_index) error {
		var e C.annoy_error
		return check(C.annoy_thaw(c, C.ANNOY_THAW_BUILT, &e), &e)
	})
}

// OnDiskBuild makes an empty index build in a file, which Build then completes: no Save is needed.
// Until then the file has a temporary name beside path, and a file at path stays. If there is none,
// a small placeholder file has the name. If Build fails because it cannot rename the file, the
// index is built nevertheless: NTrees shows it, and Save can write it elsewhere.
func (index *Index) OnDiskBuild(path string) error {
	return withPath(path, func(path *C.char) error {
		return index.write(func(c *C.annoy_index) error {
			var e C.annoy_error
			return check(C.annoy_on_disk_build(c, path, &e), &e)
		})
	})
}

func withPath(path string, use func(path *C.char) error) error {
	text, err := cString("path", path)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(text))
	return use(text)
}
