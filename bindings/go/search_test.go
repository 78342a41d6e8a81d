package annoy_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	annoy "annoy_rs/bindings/go"
)

func found(t testing.TB, index *annoy.Index, vector []float32, n int, opts ...annoy.CallOption) []annoy.Neighbor {
	t.Helper()
	neighbors, err := index.Search(ctx, vector, n, opts...)
	must(t, err)
	return neighbors
}

func TestFilter(t *testing.T) {
	index := built(t, 1000, 8, annoy.Angular)
	query := random(1, 8)
	asked := 0
	neighbors := found(t, index, query, 300, annoy.SearchK(1_000_000), annoy.Filter(func(id int64) bool {
		asked++
		return id%3 == 0
	}))
	if len(neighbors) != 300 || asked != 1000 {
		t.Fatalf("%d found, %d asked", len(neighbors), asked)
	}
	bits := annoy.NewBitmap(1000)
	for id := int64(0); id < 1000; id += 3 {
		bits.Set(id)
	}
	if allowed := found(t, index, query, 300, annoy.SearchK(1_000_000), annoy.Allow(bits)); !reflect.DeepEqual(allowed, neighbors) {
		t.Fatal("a bitmap and a filter of the same items differ")
	}
	bits.Clear(neighbors[0].ID)
	if bits.Has(neighbors[0].ID) || !bits.Has(neighbors[1].ID) {
		t.Fatal("Clear cleared another bit")
	}
	batch, err := index.SearchBatch(ctx, query, 300, annoy.SearchK(1_000_000), annoy.Filter(func(id int64) bool { return id%3 == 0 }))
	must(t, err)
	if ids, _ := batch.Query(0); len(ids) != 300 || ids[9] != neighbors[9].ID {
		t.Fatal("the batch found other items")
	}
}

// A panic of a callback comes out of the call, and leaves the index usable.
func TestPanics(t *testing.T) {
	index := built(t, 1000, 8, annoy.Angular)
	query := random(1, 8)
	raises := func(name string, call func()) {
		defer func() {
			if value := recover(); value != name {
				t.Errorf("%s: recovered %v", name, value)
			}
		}()
		call()
		t.Errorf("%s: no panic", name)
	}
	filter := annoy.Filter(func(int64) bool { panic("filter") })
	raises("filter", func() { index.Search(ctx, query, 10, filter) })
	raises("filter", func() { index.SearchBatch(ctx, query, 10, filter) })
	raises("progress", func() {
		index.SearchBatch(ctx, random(100, 8), 10, annoy.OnProgress(func(annoy.Progress) { panic("progress") }))
	})
	must(t, index.SetLog(annoy.LogInfo, func(annoy.LogLevel, string) { panic("log") }))
	must(t, index.Unbuild())
	raises("log", func() { index.Build(ctx, 1) })
	if len(found(t, index, query, 10)) != 10 {
		t.Fatal("the index is not built")
	}
	must(t, index.Close()) // nothing holds the lock
}

func TestCancel(t *testing.T) {
	index := built(t, 20_000, 32, annoy.Euclidean)
	cancelled := func(err error, reason error) {
		t.Helper()
		fails(t, err, annoy.ErrCancelled, reason.Error())
		fails(t, err, reason, "")
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	query := random(1, 32)
	_, err := index.Search(over, query, 1)
	cancelled(err, context.Canceled)
	_, err = index.SearchBatch(over, query, 1)
	cancelled(err, context.Canceled)
	cancelled(index.Build(over, 1), context.Canceled)
	cancelled(index.Save(over, "never.ann"), context.Canceled)
	cancelled(index.AddItems(over, nil, query), context.Canceled)
	_, _, err = index.Verify(over, 1)
	cancelled(err, context.Canceled)
	_, err = index.EstimateRecall(over, 1, 1, 1, 1)
	cancelled(err, context.Canceled)

	if index.NItems() != 20_000 || index.NTrees() == 0 {
		t.Fatal("something has changed")
	}

	// While the call runs, from another goroutine: without it this would take minutes.
	queries := random(20_000, 32)
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	start := time.Now()
	first := make(chan struct{}, 1)
	go func() {
		<-first
		cancel()
	}()
	_, err = index.SearchBatch(running, queries, 10, annoy.Exact(), annoy.OnProgress(func(annoy.Progress) {
		select {
		case first <- struct{}{}:
		default:
		}
	}))
	cancelled(err, context.Canceled)
	if took := time.Since(start); took > 30*time.Second {
		t.Fatalf("it took %v to cancel", took)
	}
	soon, cancel2 := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel2()
	_, err = index.SearchBatch(soon, queries, 10, annoy.Exact())
	cancelled(err, context.DeadlineExceeded)
}

// Every long call ends with the context, and at a panic of its progress, with the index as before.
func TestLongCalls(t *testing.T) {
	file := t.TempDir() + "/x.ann"
	full, rows := built(t, 3000, 300, annoy.Euclidean), random(3000, 300)
	must(t, full.Save(ctx, file))
	empty, err := annoy.New(300, annoy.Euclidean)
	must(t, err)
	filled, err := annoy.New(300, annoy.Euclidean)
	must(t, err)
	must(t, filled.Reserve(3000))
	must(t, filled.AddItems(ctx, nil, rows))
	calls := map[string]struct {
		stage annoy.Stage
		call  func(ctx context.Context, report annoy.CallOption) error
	}{
		"AddItems": {annoy.StageAdd, func(ctx context.Context, report annoy.CallOption) error {
			return empty.AddItems(ctx, nil, rows, report)
		}},
		"Build": {annoy.StageBuild, func(ctx context.Context, report annoy.CallOption) error {
			return filled.Build(ctx, 5, report, annoy.NThreads(2))
		}},
		"BuildGraph": {annoy.StageGraph, func(ctx context.Context, report annoy.CallOption) error {
			return full.BuildGraph(ctx, smallGraph, report, annoy.NThreads(2))
		}},
		"BuildScan": {annoy.StageScan, func(ctx context.Context, report annoy.CallOption) error {
			return full.BuildScan(ctx, report, annoy.NThreads(2))
		}},
		"SearchBatch": {annoy.StageSearch, func(ctx context.Context, report annoy.CallOption) error {
			_, err := full.SearchBatch(ctx, rows, 3, report)
			return err
		}},
		"EstimateRecall": {annoy.StageSearch, func(ctx context.Context, report annoy.CallOption) error {
			_, err := full.EstimateRecall(ctx, 50, 3, 100, 1, report)
			return err
		}},
		"Save": {annoy.StageSave, func(ctx context.Context, report annoy.CallOption) error {
			return full.Save(ctx, file, report)
		}},
		"Verify": {annoy.StageVerify, func(ctx context.Context, report annoy.CallOption) error {
			_, _, err := full.Verify(ctx, 1, report)
			return err
		}},
		"VerifyFile": {annoy.StageVerify, func(ctx context.Context, report annoy.CallOption) error {
			_, _, err := annoy.VerifyFile(ctx, file, 1, report)
			return err
		}},
	}
	unchanged := func(name string) {
		if empty.NItems() != 0 || filled.NTrees() != 0 {
			t.Fatalf("%s: %d items, %d trees", name, empty.NItems(), filled.NTrees())
		}
		if info, err := full.Info(); err != nil || info.GraphDegree != 0 || info.ScanLists != 0 {
			t.Fatalf("%s: a graph of degree %d, %d lists, %v", name, info.GraphDegree, info.ScanLists, err)
		}
	}
	for name, c := range calls {
		over, cancel := context.WithCancel(ctx)
		report := annoy.OnProgress(func(annoy.Progress) {
			cancel()
			time.Sleep(20 * time.Millisecond) // for the token to be set
		})
		err := c.call(over, report)
		fails(t, err, annoy.ErrCancelled, "context canceled")
		unchanged(name)
		func() {
			calls := 0
			defer func() {
				if recover() != name || calls != 1 {
					t.Fatalf("%s: no panic, or after %d calls", name, calls)
				}
			}()
			c.call(ctx, annoy.OnProgress(func(annoy.Progress) { calls++; panic(name) }))
		}()
		unchanged(name)
	}
	for name, c := range calls {
		var last annoy.Progress
		must(t, c.call(ctx, annoy.OnProgress(func(p annoy.Progress) {
			if p.Stage != c.stage || p.Done < last.Done || p.Done > p.Total {
				t.Errorf("%s: %+v after %+v", name, p, last)
			}
			last = p
		})))
		if last.Done != last.Total || last.Done == 0 {
			t.Errorf("%s: %+v at the end", name, last)
		}
	}
	fails(t, filled.Reserve(1), annoy.ErrState, "")
	fails(t, empty.Reserve(-1), annoy.ErrArgument, "nItems")
}

func TestProgress(t *testing.T) {
	index := built(t, 1000, 8, annoy.Angular)
	var last annoy.Progress
	_, err := index.SearchBatch(ctx, random(500, 8), 5, annoy.OnProgress(func(p annoy.Progress) {
		if p.Done < last.Done || p.Total != 500 {
			t.Errorf("%+v after %+v", p, last)
		}
		last = p
	}))
	must(t, err)
	if last.Done != 500 {
		t.Fatalf("%+v at the end", last)
	}
}

func TestSearchOptions(t *testing.T) {
	index := built(t, 1000, 8, annoy.Euclidean)
	query := random(1, 8) // that of item 0
	all := found(t, index, query, 1000, annoy.Exact())
	if len(all) != 1000 || all[0].ID != 0 {
		t.Fatal(len(all), all[0])
	}
	if got := found(t, index, query, 5, annoy.Exact(), annoy.Exclude(all[1].ID, -5, 1<<40)); !reflect.DeepEqual(got[1:], all[2:6]) {
		t.Fatal(got, all[:6])
	}
	near := found(t, index, query, 1000, annoy.Exact(), annoy.MaxDistance(all[9].Distance))
	if len(near) != 10 {
		t.Fatal(len(near))
	}
	self, err := index.SearchItem(ctx, 0, 2, annoy.ExcludeSelf(), annoy.Exact())
	must(t, err)
	if !reflect.DeepEqual(self, all[1:3]) {
		t.Fatal(self, all[:3])
	}
	// The zero option says nothing: an option may be left out by a condition.
	if got := found(t, index, query, 3, annoy.CallOption{}, annoy.Exact()); !reflect.DeepEqual(got, all[:3]) {
		t.Fatal(got)
	}
	if got := found(t, index, query, math.MaxInt, annoy.Exact()); !reflect.DeepEqual(got, all) {
		t.Fatal("no more than all are found")
	}
	if got := found(t, index, query, 0); len(got) != 0 {
		t.Fatal(got)
	}

	refused := func(says string, opts ...annoy.CallOption) {
		t.Helper()
		_, err := index.Search(ctx, query, 3, opts...)
		fails(t, err, annoy.ErrArgument, says)
	}
	refused("NThreads", annoy.NThreads(2))
	refused("SearchK is there twice", annoy.SearchK(1), annoy.SearchK(2))
	refused("Allow and Deny", annoy.Allow(annoy.NewBitmap(1000)), annoy.Deny(annoy.NewBitmap(1000)))
	refused("999", annoy.Allow(annoy.NewBitmap(999)))
	refused("0", annoy.Allow(annoy.Bitmap{}))
	refused("16 words", annoy.Allow(annoy.Bitmap{Words: make([]uint64, 16), Bits: 1025}))
	refused("-1 bits", annoy.Deny(annoy.Bitmap{Bits: -1}))
	refused("NaN", annoy.MaxDistance(math.NaN()))
	_, err = index.Search(ctx, query, -1)
	fails(t, err, annoy.ErrArgument, "n is -1")
	_, err = index.SearchBatch(ctx, query, -1)
	fails(t, err, annoy.ErrArgument, "n is -1")
	_, err = index.SearchBatch(ctx, query, 1, annoy.NThreads(1<<40))
	fails(t, err, annoy.ErrArgument, "NThreads is 1099511627776")
}

func TestSearchInto(t *testing.T) {
	index := built(t, 1000, 8, annoy.Euclidean)
	query := random(1, 8)
	ids, distances := make([]int64, 4), make([]float32, 4)
	n, err := index.SearchInto(query, -1, ids, distances)
	must(t, err)
	for i, neighbor := range found(t, index, query, 4) {
		if i >= n || ids[i] != neighbor.ID || float64(distances[i]) != neighbor.Distance {
			t.Fatal(ids, distances, neighbor)
		}
	}
	if n, err = index.SearchInto(query, -1, ids, nil); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	_, err = index.SearchInto(query, -1, ids, distances[:3])
	fails(t, err, annoy.ErrTooSmall, "room for 3")
}

func TestErrorIsNotRetainedByC(t *testing.T) {
	index := built(t, 10, 2, annoy.Angular)
	_, first := index.Search(ctx, []float32{1}, 1)
	text := first.Error()
	for i := 0; i < 1000; i++ {
		if _, err := index.Search(ctx, []float32{1, 2, 3}, 1); !errors.Is(err, annoy.ErrDimension) {
			t.Fatal(err)
		}
	}
	if first.Error() != text {
		t.Fatalf("%q became %q", text, first)
	}
}
