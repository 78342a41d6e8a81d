package annoy

// #include "shim.h"
import "C"

import "context"

// BuildScan puts the items of a built or loaded index into lists of near ones, in place of those it
// has. Searches read lists in a row: with Scan, and by default where there is no graph. Save writes
// them into the file, where Annoy does not see them. They go when the trees go. The same index
// gives the same bytes, for any number of threads and on any processor. Manhattan and Hamming have
// no scan: ErrUnsupported. It ends early when the context does, with the index as before.
//
// Takes NThreads and OnProgress.
func (index *Index) BuildScan(ctx context.Context, opts ...CallOption) error {
	return index.change(ctx, opts, forItems, func(c *C.annoy_index, _ *settings, work *C.annoy_work) error {
		var e C.annoy_error
		return check(C.annoy_build_scan(c, work, &e), &e)
	})
}
