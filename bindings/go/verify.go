package annoy

// #include "shim.h"
import "C"

import "context"

// A Fault is something wrong in an index.
type Fault struct {
	Node int64 // -1 when it is about a section or the file as a whole
	Text string
}

// Verify checks a built or loaded index: checksums, every node of every tree, every value. It reads
// the whole index, and takes 4 bytes of memory for each item. If there are faults, the error is an
// ErrCorrupt that names the first one. Verify returns the first `most` faults, and the total
// number. It ends early when the context does. Takes OnProgress.
func (index *Index) Verify(ctx context.Context, most int, opts ...CallOption) (faults []Fault, total int, err error) {
	return verify(ctx, most, opts, func(s *settings, faults *C.annoy_fault, capacity C.size_t, n *C.size_t) error {
		return index.readUntil(ctx, func(c *C.annoy_index) error {
			return s.long(ctx, func(work *C.annoy_work) error {
				var e C.annoy_error
				return check(C.annoy_verify(c, faults, capacity, n, work, &e), &e)
			})
		})
	})
}

// VerifyFile is Verify for a file that says what it is.
func VerifyFile(ctx context.Context, path string, most int, opts ...CallOption) (faults []Fault, total int, err error) {
	return verify(ctx, most, opts, func(s *settings, faults *C.annoy_fault, capacity C.size_t, n *C.size_t) error {
		return withPath(path, func(path *C.char) error {
			return s.long(ctx, func(work *C.annoy_work) error {
				var e C.annoy_error
				return check(C.annoy_verify_file(path, faults, capacity, n, work, &e), &e)
			})
		})
	})
}

func verify(ctx context.Context, most int, opts []CallOption,
	run func(s *settings, faults *C.annoy_fault, capacity C.size_t, n *C.size_t) error) ([]Fault, int, error) {
	if err := ended(ctx); err != nil {
		return nil, 0, err
	}
	var s settings
	if err := s.read(opts, progress); err != nil {
		return nil, 0, err
	}
	capacity, err := size("most", most)
	if err != nil {
		return nil, 0, err
	}
	found := make([]C.annoy_fault, most)
	var first *C.annoy_fault
	if most > 0 {
		first = &found[0]
	}
	var n C.size_t
	err = run(&s, first, capacity, &n)
	if n < capacity {
		found = found[:n]
	}
	var faults []Fault
	for i := range found {
		faults = append(faults, Fault{Node: int64(found[i].node), Text: C.GoString(&found[i].text[0])})
	}
	return faults, int(n), err
}

// Info is facts about an index.
type Info struct {
	NItems         int     // the largest id plus one
	NPresent       int     // items that are not missing
	NRemoved       int     // items that are removed, counted in NPresent too
	NTrees         int     // trees
	NNodes         int     // all nodes
	NSplits        int     // splits of all trees
	NCoinSplits    int     // splits by coin tosses, where no plane was found
	NLeaves        int     // leaves of all trees
	Depth          int     // nodes from a root to the farthest item, without the item
	GraphDegree    int     // most neighbours of an item in the graph; 0 without a graph
	GraphCodeBytes int     // bytes of an item's code in the graph; 0 where it has no codes
	GraphRecall    float64 // recall@10 when the graph was tried; -1 where it was not
	ScanLists      int     // lists of the scan; 0 without a scan
	ScanSearchK    int64   // items looked at by default for each ten results; 0 without a scan
	ScanRecall     float64 // recall@10 when the scan was tried; -1 without a scan
	NTuned         int     // queries that Tune measured searches with; 0 when it did not
	Bytes          uint64  // size in memory, or of the file
	NodeSize       uint64  // bytes of a node
	MaxLeaf        uint64  // the most items in a leaf
	LeafFill       float64 // mean share of MaxLeaf that leaves hold, 0 to 1
	Imbalance      float64 // mean share of a split's items that lie on its larger side, 0.5 to 1
	Seed           uint64  // seed of the build
	HasSeed        bool    // whether that is known
	IsLoaded       bool    // whether a file is loaded
	IsDescribed    bool    // whether that file says what it is
}

// Info collects the facts. It walks all trees, and takes 4 bytes of memory for each item.
func (index *Index) Info() (Info, error) {
	info := C.annoy_info{struct_size: C.sizeof_annoy_info}
	err := index.read(func(c *C.annoy_index) error {
		var e C.annoy_error
		return check(C.annoy_get_info(c, &info, &e), &e)
	})
	if err != nil {
		return Info{}, err
	}
	return Info{
		NItems: int(info.n_items), NPresent: int(info.n_present), NRemoved: int(info.n_removed), NTrees: int(info.n_trees),
		NNodes: int(info.n_nodes), NSplits: int(info.n_splits), NCoinSplits: int(info.n_coin_splits),
		NLeaves: int(info.n_leaves), Depth: int(info.depth), GraphDegree: int(info.graph_degree),
		GraphCodeBytes: int(info.graph_code_bytes), GraphRecall: float64(info.graph_recall),
		ScanLists: int(info.scan_lists), ScanSearchK: int64(info.scan_search_k), ScanRecall: float64(info.scan_recall),
		NTuned:   int(info.n_tuned),
		Bytes:    uint64(info.bytes),
		NodeSize: uint64(info.node_size), MaxLeaf: uint64(info.max_leaf), LeafFill: float64(info.leaf_fill),
		Imbalance: float64(info.imbalance), Seed: uint64(info.seed), HasSeed: info.has_seed != 0,
		IsLoaded: info.is_loaded != 0, IsDescribed: info.is_described != 0,
	}, nil
}

// EstimateRecall estimates the recall of searches for the n nearest neighbours of an item: the
// share of results that are as near as those of an exact search, 0 to 1, over nSample items chosen
// by seed. An item is not its own neighbour here. The same arguments give the same result. searchK
// is as in SearchK. It looks at all items nSample times, and ends early when the context does.
// Takes NThreads and OnProgress.
func (index *Index) EstimateRecall(ctx context.Context, nSample, n int, searchK int64, seed uint64,
	opts ...CallOption) (float64, error) {
	if err := ended(ctx); err != nil {
		return 0, err
	}
	var s settings
	if err := s.read(opts, forItems); err != nil {
		return 0, err
	}
	samples, err := size("nSample", nSample)
	if err != nil {
		return 0, err
	}
	nearest, err := size("n", n)
	if err != nil {
		return 0, err
	}
	var recall C.double
	err = index.readUntil(ctx, func(c *C.annoy_index) error {
		return s.long(ctx, func(work *C.annoy_work) error {
			var e C.annoy_error
			status := C.annoy_estimate_recall(c, samples, nearest, C.int64_t(searchK), C.uint64_t(seed), work, &recall, &e)
			return check(status, &e)
		})
	})
	return float64(recall), err
}
