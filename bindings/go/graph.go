package annoy

// #include "shim.h"
import "C"

import "context"

// RoundsNone in GraphOptions leaves the graph at what the leaves of the trees tell.
const RoundsNone = C.ANNOY_ROUNDS_NONE

// GraphOptions say how a graph is built. 0 in a field stands for its default. The first three
// fields decide how much is found, the others how long the building takes.
type GraphOptions struct {
	Degree     int     // most neighbours of an item, 1 to 255; by default 32
	Candidates int     // nearest neighbours they are chosen from, 1 to 1,024; by default 48
	Alpha      float64 // slack of that choice, 1 to 16: more keeps longer edges; by default 1.2
	Rounds     int     // most rounds of NN-descent, 1 to 1,000; by default 6; or RoundsNone
	Sample     int     // neighbours that a round takes of a list, 1 to 255; by default 12
	NTrees     int     // trees whose leaves are used; by default 10
}

// BuildGraph builds a graph over the items of a built or loaded index, in place of the one it has.
// Searches then use it, and find more in less time. Save writes it into the file, where Annoy does
// not see it. The graph goes when the trees go. The same index and options give the same bytes,
// for any number of threads and on any processor. It ends early when the context does, with the
// index as before.
//
// Takes NThreads and OnProgress.
func (index *Index) BuildGraph(ctx context.Context, options GraphOptions, opts ...CallOption) error {
	if err := ended(ctx); err != nil {
		return err
	}
	var s settings
	if err := s.read(opts, forItems); err != nil {
		return err
	}
	raw := C.annoy_graph_options{struct_size: C.sizeof_annoy_graph_options, alpha: C.double(options.Alpha)}
	for _, field := range []struct {
		name  string
		given int
		to    *C.int32_t
	}{
		{"Degree", options.Degree, &raw.degree},
		{"Candidates", options.Candidates, &raw.candidates},
		{"Rounds", options.Rounds, &raw.rounds},
		{"Sample", options.Sample, &raw.sample},
		{"NTrees", options.NTrees, &raw.n_trees},
	} {
		number, err := int32Of(field.name, int64(field.given))
		if err != nil {
			return err
		}
		*field.to = number
	}
	return index.writeUntil(ctx, func(c *C.annoy_index) error {
		return s.long(ctx, func(work *C.annoy_work) error {
			var e C.annoy_error
			return check(C.annoy_build_graph(c, &raw, work, &e), &e)
		})
	})
}
