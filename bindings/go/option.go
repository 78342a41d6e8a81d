package annoy

// #include "shim.h"
import "C"

import (
	"runtime/cgo"
	"strings"
)

// A CallOption is an option of a search, or of a long call. Its comment says which calls it is for.
// Other calls refuse it.
//
// It is a value, not a function, so that options of a search allocate no memory.
type CallOption struct {
	kind   optionKind
	whole  int64
	number float64
	bitmap Bitmap
	ids    []int64
	labels *labelList
	filter func(id int64) bool
	report func(Progress)
}

type optionKind uint16

const (
	searchK optionKind = 1 << iota
	maxDistance
	allow
	deny
	exclude
	excludeSelf
	filter
	method
	nThreads
	progress
	rowStride
	recall
	replace
	labels
)

var optionNames = []string{"SearchK", "MaxDistance", "Allow", "Deny", "Exclude", "ExcludeSelf", "Filter",
	"Exact, Forest, Graph or Scan", "NThreads", "OnProgress", "RowStride", "Recall", "Replace", "Labels or LabelNumbers"}

// What a call takes.
const (
	forSearch  = searchK | maxDistance | allow | deny | exclude | excludeSelf | filter | method | recall
	forItems   = nThreads | progress
	forRows    = forItems | rowStride
	forInserts = forRows | replace | labels
)

// SearchK sets the number of candidates of a search; one that comes from several trees counts
// several times. More candidates take longer and find more. The default, also with 0 and -1, is n
// times the number of trees, or with a graph or scan a number that suits it.
func SearchK(k int64) CallOption { return CallOption{kind: searchK, whole: k} }

// Recall sets the share of the nearest that a search is to find, up to 1, in place of SearchK. The
// index must have been measured by Tune or BuildAuto.
func Recall(share float64) CallOption { return CallOption{kind: recall, number: share} }

// MaxDistance leaves items out that are farther away than this, for Dot items with a
// smaller inner product.
func MaxDistance(distance float64) CallOption { return CallOption{kind: maxDistance, number: distance} }

// Allow lets a search find only the items of a bitmap, which has as many bits as the
// index has items.
func Allow(items Bitmap) CallOption { return CallOption{kind: allow, bitmap: items} }

// Deny lets a search find all but the items of a bitmap, which has as many bits as the index has
// items. Not with Allow.
func Deny(items Bitmap) CallOption { return CallOption{kind: deny, bitmap: items} }

// Exclude leaves ids out of a search. They may be in any order, and need not be in the index.
func Exclude(ids ...int64) CallOption { return CallOption{kind: exclude, ids: ids} }

// ExcludeSelf leaves the item that is searched for out of its own neighbours.
func ExcludeSelf() CallOption { return CallOption{kind: excludeSelf} }

// Filter lets a search find only items for which allowed returns true. The search calls it at most
// once for each item that passes all other options, on its own goroutine; a batch then uses that
// goroutine only. Each call goes from C into Go: Allow is faster.
func Filter(allowed func(id int64) bool) CallOption { return CallOption{kind: filter, filter: allowed} }

// Exact makes a search look at all items that may be found, without the trees.
func Exact() CallOption { return CallOption{kind: method, whole: C.ANNOY_METHOD_EXACT} }

// Forest makes a search go through the trees, as Annoy does, also where there is a
// graph. Not with Exact.
func Forest() CallOption { return CallOption{kind: method, whole: C.ANNOY_METHOD_FOREST} }

// Graph makes a search go through the graph, and fail where there is none. (Without it the graph is
// searched where there is one.) Not with Exact or Forest.
func Graph() CallOption { return CallOption{kind: method, whole: C.ANNOY_METHOD_GRAPH} }

// Scan makes a search read the lists that BuildScan made, and fail where there are none. (Without
// it they are read where there is no graph.) Not with Exact, Forest or Graph.
func Scan() CallOption { return CallOption{kind: method, whole: C.ANNOY_METHOD_SCAN} }

// Replace lets InsertItems give items that there are, also removed ones, other vectors. Without it
// their ids are errors. They keep their labels if they are given none.
func Replace() CallOption { return CallOption{kind: replace} }

// Labels gives the items of InsertItems strings as labels, one to each.
func Labels(of []string) CallOption {
	l := stringLabels(of)
	return CallOption{kind: labels, labels: &l}
}

// LabelNumbers gives the items of InsertItems numbers as labels, one to each.
func LabelNumbers(of []uint64) CallOption {
	l := numberLabels(of)
	return CallOption{kind: labels, labels: &l}
}

// NThreads sets how many threads a long call uses: AddItems, InsertItems, Consolidate, Compact,
// Build, BuildGraph, BuildScan, BuildAuto, Tune, EstimateRecall, and batches of searches. The
// default, also with 0 and -1, is one per processor.
func NThreads(n int) CallOption { return CallOption{kind: nThreads, whole: int64(n)} }

// Stage is what a long call is doing.
type Stage int32

// The stages, and what is counted in each.
const (
	StageAdd    Stage = C.ANNOY_STAGE_ADD    // items
	StageBuild  Stage = C.ANNOY_STAGE_BUILD  // steps that take about as long as each other
	StageSearch Stage = C.ANNOY_STAGE_SEARCH // queries
	StageSave   Stage = C.ANNOY_STAGE_SAVE   // bytes
	StageVerify Stage = C.ANNOY_STAGE_VERIFY // nodes
	StageGraph  Stage = C.ANNOY_STAGE_GRAPH  // items, each many times
	StageScan   Stage = C.ANNOY_STAGE_SCAN   // items, each twice or four times
)

// Progress is how far a long call has come. What is done never becomes less.
type Progress struct {
	Stage       Stage
	Done, Total uint64
}

// OnProgress makes a long call report its progress, on the goroutine of the caller: AddItems,
// InsertItems, Consolidate, Compact, Build, BuildGraph, BuildScan, BuildAuto, Tune, Save, Verify,
// VerifyFile, EstimateRecall, and batches of searches. report must not use the index. If it panics,
// the call ends, the index is as before, and the panic continues in the caller.
func OnProgress(report func(Progress)) CallOption { return CallOption{kind: progress, report: report} }

// RowStride sets the distance between the starts of two vectors in a slice, in elements, for
// AddItems, InsertItems and batches of searches. By default there is no gap between vectors.
func RowStride(elements int) CallOption { return CallOption{kind: rowStride, whole: int64(elements)} }

// settings are what the options of a call say.
type settings struct {
	flags       C.uint64_t
	method      C.annoy_method
	searchK     C.int64_t
	maxDistance C.double
	recall      C.double
	bitmap      *C.uint64_t
	bits        C.size_t
	exclude     *C.int64_t
	nExclude    C.size_t
	nThreads    C.int32_t
	stride      int
	labels      *labelList
	callbacks   *callbacks
	user        C.uintptr_t
}

// read takes in options, of kinds that are allowed.
func (s *settings) read(opts []CallOption, allowed optionKind) error {
	var seen optionKind
	for i := range opts {
		o := &opts[i]
		if o.kind == 0 {
			continue // the zero value says nothing
		}
		if o.kind&allowed == 0 {
			return refused(ErrArgument, "%s is no option of this call", o.kind)
		}
		switch o.kind {
		case searchK:
			s.searchK = C.int64_t(o.whole)
		case maxDistance:
			s.flags |= C.ANNOY_SEARCH_MAX_DISTANCE
			s.maxDistance = C.double(o.number)
		case recall:
			s.recall = C.double(o.number)
		case allow, deny:
			if err := s.setBitmap(o); err != nil {
				return err
			}
		case exclude:
			s.exclude, s.nExclude = int64s(o.ids), C.size_t(len(o.ids))
		case excludeSelf:
			s.flags |= C.ANNOY_SEARCH_EXCLUDE_SELF
		case filter:
			s.called().filter = o.filter
		case method:
			s.method = C.annoy_method(o.whole)
		case nThreads:
			n, err := int32Of("NThreads", o.whole)
			if err != nil {
				return err
			}
			s.nThreads = n
		case progress:
			s.called().progress = o.report
		case replace:
			s.flags |= C.ANNOY_INSERT_REPLACE
		case labels:
			s.labels = o.labels
		case rowStride:
			s.stride = int(o.whole)
			if s.stride < 1 {
				return refused(ErrArgument, "RowStride is %d: it must be 1 or more", s.stride)
			}
		}
		if seen&o.kind != 0 {
			return refused(ErrArgument, "%s is there twice", o.kind)
		}
		seen |= o.kind
	}
	if seen&allow != 0 && seen&deny != 0 {
		return refused(ErrArgument, "Allow and Deny are both there: a search takes one bitmap")
	}
	return nil
}

func (s *settings) setBitmap(o *CallOption) error {
	if o.kind == deny {
		s.flags |= C.ANNOY_SEARCH_DENY
	}
	bits := o.bitmap.Bits
	if bits < 0 || len(o.bitmap.Words) < wordsOf(bits) {
		return refused(ErrArgument, "%s: a bitmap of %d bits has %d words", o.kind, bits, len(o.bitmap.Words))
	}
	s.bits = C.size_t(bits)
	s.bitmap = uint64s(o.bitmap.Words)
	if s.bitmap == nil {
		// NULL would be no bitmap: the library is to see that it has no bits.
		s.bitmap = uint64s(noWords[:])
	}
	return nil
}

var noWords [1]uint64

func (s *settings) called() *callbacks {
	if s.callbacks == nil {
		s.callbacks = new(callbacks)
	}
	return s.callbacks
}

// start gives C something to call back; finish, to be deferred, takes it away, and panics
// if a callback did.
func (s *settings) start() {
	if s.callbacks != nil {
		s.user = C.uintptr_t(cgo.NewHandle(s.callbacks))
	}
}

func (s *settings) finish() {
	if s.callbacks != nil {
		cgo.Handle(s.user).Delete()
		s.callbacks.panics.raise()
	}
}

// filterUser is what stands for the filter, 0 if there is none; progressUser likewise.
func (s *settings) filterUser() C.uintptr_t {
	if s.callbacks == nil || s.callbacks.filter == nil {
		return 0
	}
	return s.user
}

func (s *settings) progressUser() C.uintptr_t {
	if s.callbacks == nil || s.callbacks.progress == nil {
		return 0
	}
	return s.user
}

func (k optionKind) String() string {
	var names []string
	for i, name := range optionNames {
		if k&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// A Bitmap has a bit for each item.
type Bitmap struct {
	// Words holds the bits, the first in the least significant place of the first word.
	Words []uint64
	// Bits is how many there are.
	Bits int
}

// NewBitmap makes a bitmap of so many bits, all 0.
func NewBitmap(bits int) Bitmap {
	return Bitmap{Words: make([]uint64, wordsOf(bits)), Bits: bits}
}

// Set makes an item's bit 1.
func (b Bitmap) Set(id int64) { b.Words[id/64] |= 1 << (id % 64) }

// Clear makes an item's bit 0.
func (b Bitmap) Clear(id int64) { b.Words[id/64] &^= 1 << (id % 64) }

// Has reports whether an item's bit is 1.
func (b Bitmap) Has(id int64) bool { return b.Words[id/64]>>(id%64)&1 == 1 }

func wordsOf(bits int) int { return bits/64 + (bits%64+63)/64 }
