// Package annoyindex has the names of the SWIG binding of Spotify's Annoy, so that code
// written for it compiles with another import. New code is better off with package annoy,
// whose calls return errors.
//
// As there, a call that fails does not return why: it prints the reason to standard error, a search
// only after Verbose(true). Unlike there, no argument crashes the program, nothing leaks without
// Delete or Free, and every call on a deleted index fails.
package annoyindex

import (
	"context"
	"fmt"
	"math"
	"os"
	"sync/atomic"

	annoy "annoy_rs/bindings/go"
)

// AnnoyIndex is what all indexes have.
type AnnoyIndex interface {
	// AddItem adds an item, or replaces it, until Build.
	AddItem(item int, w []float32)
	// Build builds a forest of q trees.
	Build(q int)
	// Save takes a file name and, if wanted, whether to read the file in at once (true). It saves,
	// then maps the file.
	Save(a ...interface{}) bool
	// Load takes what Save takes, and maps the file.
	Load(a ...interface{}) bool
	// Unload drops everything: items can be added again.
	Unload()
	// OnDiskBuild makes the index build in a file, which is complete once Build is done. Until then
	// a file that had this name stays. If there was none, a small placeholder file has the name.
	OnDiskBuild(file string) bool
	// GetNnsByItem takes an item, n and searchK as int, a destination for ids (an AnnoyVectorInt,
	// *[]int or *[]int32) and optionally one for distances (an AnnoyVectorFloat or *[]float32). It
	// replaces what they hold.
	GetNnsByItem(a ...interface{})
	// GetNnsByVector takes a []float32, and the rest as GetNnsByItem.
	GetNnsByVector(a ...interface{})
	// GetItem puts an item's vector into v, an AnnoyVectorFloat or *[]float32.
	GetItem(item int, v interface{})
	// GetDistance is the distance between two items, 0 if there is none.
	GetDistance(i, j int) float32
	// GetNItems is the largest id plus one.
	GetNItems() int
	// Verbose says whether what the index does is printed to standard error.
	Verbose(v bool)
}

// The indexes of each metric.
type (
	AnnoyIndexAngular    interface{ AnnoyIndex }
	AnnoyIndexEuclidean  interface{ AnnoyIndex }
	AnnoyIndexManhattan  interface{ AnnoyIndex }
	AnnoyIndexDotProduct interface{ AnnoyIndex }
)

// NewAnnoyIndexAngular makes an empty index of vectors of f numbers.
func NewAnnoyIndexAngular(f int) AnnoyIndexAngular { return newIndex(f, annoy.Angular) }

// NewAnnoyIndexEuclidean makes an empty index of vectors of f numbers.
func NewAnnoyIndexEuclidean(f int) AnnoyIndexEuclidean { return newIndex(f, annoy.Euclidean) }

// NewAnnoyIndexManhattan makes an empty index of vectors of f numbers.
func NewAnnoyIndexManhattan(f int) AnnoyIndexManhattan { return newIndex(f, annoy.Manhattan) }

// NewAnnoyIndexDotProduct makes an empty index of vectors of f numbers.
func NewAnnoyIndexDotProduct(f int) AnnoyIndexDotProduct { return newIndex(f, annoy.Dot) }

// DeleteAnnoyIndexAngular frees an index.
func DeleteAnnoyIndexAngular(t AnnoyIndexAngular) { free(t) }

// DeleteAnnoyIndexEuclidean frees an index.
func DeleteAnnoyIndexEuclidean(t AnnoyIndexEuclidean) { free(t) }

// DeleteAnnoyIndexManhattan frees an index.
func DeleteAnnoyIndexManhattan(t AnnoyIndexManhattan) { free(t) }

// DeleteAnnoyIndexDotProduct frees an index.
func DeleteAnnoyIndexDotProduct(t AnnoyIndexDotProduct) { free(t) }

func free(t AnnoyIndex) {
	if t, ok := t.(*index); ok {
		t.index.Close()
	}
}

type index struct {
	index   *annoy.Index // closed from the start for an f that cannot be
	onDisk  atomic.Bool  // the file is complete after Build: Save has nothing to do
	verbose atomic.Bool
}

func newIndex(f int, metric annoy.Metric) *index {
	made, err := annoy.New(f, metric)
	if err != nil {
		made = new(annoy.Index)
	}
	t := &index{index: made}
	t.done(err)
	return t
}

// done prints an error, as Annoy does where nobody takes it.
func (t *index) done(err error) bool {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return err == nil
}

func (t *index) AddItem(item int, w []float32) {
	t.done(t.index.AddItem(int64(item), w))
}

func (t *index) Build(q int) {
	before := t.index.NTrees()
	if !t.done(t.index.Build(context.Background(), q)) && before == 0 && t.index.NTrees() > 0 {
		// Built, but its file could not get its name: to be saved as any other.
		t.onDisk.Store(false)
	}
}

func (t *index) Save(a ...interface{}) bool {
	file, prefault := fileArguments("Save", a)
	if t.onDisk.Load() {
		return true
	}
	return t.done(t.index.SaveAndLoad(context.Background(), file, prefault))
}

func (t *index) Load(a ...interface{}) bool {
	file, prefault := fileArguments("Load", a)
	if !t.done(t.index.Load(file, prefault)) {
		return false
	}
	t.onDisk.Store(false)
	return true
}

func (t *index) Unload() {
	t.done(t.index.Unload())
	t.onDisk.Store(false)
}

func (t *index) OnDiskBuild(file string) bool {
	if !t.done(t.index.OnDiskBuild(file)) {
		return false
	}
	t.onDisk.Store(true)
	return true
}

func (t *index) GetNnsByItem(a ...interface{}) {
	item, ok := first(a).(int)
	if !ok {
		noMatch("GetNnsByItem", a)
	}
	t.search("GetNnsByItem", a, func(searchK int64, ids []int64, distances []float32) (int, error) {
		return t.index.SearchItemInto(int64(item), searchK, ids, distances)
	})
}

func (t *index) GetNnsByVector(a ...interface{}) {
	w, ok := first(a).([]float32)
	if !ok {
		noMatch("GetNnsByVector", a)
	}
	t.search("GetNnsByVector", a, func(searchK int64, ids []int64, distances []float32) (int, error) {
		return t.index.SearchInto(w, searchK, ids, distances)
	})
}

// So many results have room in any case.
const few = 256

func (t *index) search(name string, a []interface{}, run func(int64, []int64, []float32) (int, error)) {
	if len(a) != 4 && len(a) != 5 {
		noMatch(name, a)
	}
	n, isInt := a[1].(int)
	searchK, isAlso := a[2].(int)
	if !isInt || !isAlso {
		noMatch(name, a)
	}
	// As in Annoy, where both become unsigned: negative numbers other than a searchK of -1 are as
	// large as can be. Room for more than a few is only made if there are as many items.
	if n < 0 || n > few {
		if items := t.index.NItems(); n < 0 || n > items {
			n = items
		}
	}
	if searchK < -1 {
		searchK = math.MaxInt
	}
	ids, distances := make([]int64, n), make([]float32, n)
	if searchK == 0 || (searchK == -1 && t.index.NTrees() == 0) {
		// No candidates, as in Annoy: elsewhere 0 is the default, and -1 without trees looks at all of
		// a few items.
		ids = nil
	}
	found, err := run(int64(searchK), ids, distances)
	if err != nil && t.verbose.Load() {
		t.done(err)
	}
	fits := putInts(a[3], ids[:found])
	if len(a) == 5 {
		fits = putFloats(a[4], distances[:found]) && fits
	}
	if !fits {
		noMatch(name, a)
	}
}

func (t *index) GetItem(item int, v interface{}) {
	vector, err := t.index.Item(int64(item))
	if t.done(err) && !putFloats(v, vector) {
		noMatch("GetItem", []interface{}{item, v})
	}
}

func (t *index) GetDistance(i, j int) float32 {
	distance, err := t.index.Distance(int64(i), int64(j))
	t.done(err)
	return float32(distance)
}

func (t *index) GetNItems() int { return t.index.NItems() }

func (t *index) Verbose(v bool) {
	t.verbose.Store(v)
	var log func(annoy.LogLevel, string)
	if v {
		log = func(_ annoy.LogLevel, message string) { fmt.Fprintln(os.Stderr, message) }
	}
	t.done(t.index.SetLog(annoy.LogInfo, log))
}

// fileArguments takes a file name and a prefault that is true when left out.
func fileArguments(name string, a []interface{}) (file string, prefault annoy.LoadOption) {
	file, ok := first(a).(string)
	wanted := true
	if len(a) == 2 {
		var isBool bool
		wanted, isBool = a[1].(bool)
		ok = ok && isBool
	}
	if !ok || len(a) > 2 {
		noMatch(name, a)
	}
	if wanted {
		prefault = annoy.Prefault
	}
	return file, prefault
}

func first(a []interface{}) interface{} {
	if len(a) == 0 {
		return nil
	}
	return a[0]
}

// noMatch is what SWIG does about arguments of other types.
func noMatch(name string, a []interface{}) {
	types := ""
	for i, argument := range a {
		if i > 0 {
			types += ", "
		}
		types += fmt.Sprintf("%T", argument)
	}
	panic(fmt.Sprintf("annoyindex: no match for overloaded function call: %s(%s)", name, types))
}
