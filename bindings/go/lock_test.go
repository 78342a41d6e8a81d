package annoy_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	annoy "annoy_rs/bindings/go"
)

// soon fails the test when something takes longer than it may.
func soon(t *testing.T, what string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal(what, "has no end")
	}
}

// A deadline ends the wait for the index, whichever call waits and whatever has it.
func TestDeadlinesEndWaits(t *testing.T) {
	index := built(t, 2000, 8, annoy.Angular)
	defer index.Close()
	query := random(1, 8)
	inside, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	hold := func() {
		once.Do(func() { close(inside) })
		<-goOn
	}
	var holding sync.WaitGroup
	holding.Add(1)
	go func() {
		defer holding.Done()
		_, err := index.Search(ctx, query, 1, annoy.Filter(func(int64) bool { hold(); return true }))
		must(t, err)
	}()
	<-inside
	waits := map[string]func(context.Context) error{
		"Build":       func(ctx context.Context) error { return index.Build(ctx, 1) },
		"BuildGraph":  func(ctx context.Context) error { return index.BuildGraph(ctx, annoy.GraphOptions{}) },
		"BuildScan":   func(ctx context.Context) error { return index.BuildScan(ctx) },
		"AddItems":    func(ctx context.Context) error { return index.AddItems(ctx, nil, query) },
		"SaveAndLoad": func(ctx context.Context) error { return index.SaveAndLoad(ctx, t.TempDir()+"/x") },
	}
	check := func(waits map[string]func(context.Context) error) {
		t.Helper()
		for name, wait := range waits {
			for _, bound := range []func() (context.Context, context.CancelFunc){
				func() (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, 20*time.Millisecond) },
				func() (context.Context, context.CancelFunc) {
					ctx, cancel := context.WithCancel(ctx)
					time.AfterFunc(20*time.Millisecond, cancel)
					return ctx, cancel
				},
			} {
				ctx, cancel := bound()
				soon(t, name, func() {
					err := wait(ctx)
					fails(t, err, annoy.ErrCancelled, "context")
					if !errors.Is(err, ctx.Err()) {
						t.Errorf("%s: %v", name, err)
					}
				})
				cancel()
			}
		}
	}
	check(waits)
	close(goOn)
	holding.Wait()

	// Now one that has it alone.
	must(t, index.Unbuild())
	inside, goOn, once = make(chan struct{}), make(chan struct{}), sync.Once{}
	holding.Add(1)
	go func() {
		defer holding.Done()
		must(t, index.Build(ctx, 5, annoy.OnProgress(func(annoy.Progress) { hold() })))
	}()
	<-inside
	waits["Search"] = func(ctx context.Context) error { _, err := index.Search(ctx, query, 1); return err }
	waits["SearchItem"] = func(ctx context.Context) error { _, err := index.SearchItem(ctx, 1, 1); return err }
	waits["SearchBatch"] = func(ctx context.Context) error { _, err := index.SearchBatch(ctx, query, 1); return err }
	waits["Save"] = func(ctx context.Context) error { return index.Save(ctx, t.TempDir()+"/x") }
	waits["Verify"] = func(ctx context.Context) error { _, _, err := index.Verify(ctx, 1); return err }
	waits["EstimateRecall"] = func(ctx context.Context) error { _, err := index.EstimateRecall(ctx, 1, 1, -1, 0); return err }
	check(waits)
	close(goOn)
	holding.Wait()
	// None of those that gave up is waited for.
	soon(t, "a change", func() { must(t, index.SetLabel(1, "one")) })
	if _, err := index.Search(ctx, query, 1); err != nil {
		t.Fatal(err)
	}
}

// A deadline ends a search that asks a filter.
func TestDeadlinesEndSearchesWithFilters(t *testing.T) {
	index := built(t, 2000, 8, annoy.Angular)
	defer index.Close()
	query := random(1, 8)
	for name, search := range map[string]func(context.Context, annoy.CallOption) error{
		"Search": func(ctx context.Context, filter annoy.CallOption) error {
			_, err := index.Search(ctx, query, 5, filter, annoy.SearchK(10000))
			return err
		},
		"SearchItem": func(ctx context.Context, filter annoy.CallOption) error {
			_, err := index.SearchItem(ctx, 3, 5, filter, annoy.Exact())
			return err
		},
		"SearchBatch": func(ctx context.Context, filter annoy.CallOption) error {
			_, err := index.SearchBatch(ctx, query, 5, filter, annoy.SearchK(10000))
			return err
		},
	} {
		calls := 0
		ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		err := search(ctx, annoy.Filter(func(int64) bool { calls++; time.Sleep(10 * time.Millisecond); return true }))
		cancel()
		fails(t, err, annoy.ErrCancelled, "deadline")
		if !errors.Is(err, context.DeadlineExceeded) || calls > 40 {
			t.Fatal(name, calls, err)
		}
	}
	// A panic ends it likewise.
	calls := 0
	func() {
		defer func() {
			if value := recover(); value != "of the filter" || calls != 3 {
				t.Fatal(value, calls)
			}
		}()
		index.Search(ctx, query, 5, annoy.Filter(func(int64) bool {
			if calls++; calls == 3 {
				panic("of the filter")
			}
			return true
		}))
	}()
}

// A filter may search while somebody waits to change the index, who waits for the
// search that asks it.
func TestFiltersSearchWhileAChangeWaits(t *testing.T) {
	one, two := built(t, 2000, 8, annoy.Angular), built(t, 2000, 8, annoy.Angular)
	defer one.Close()
	defer two.Close()
	query := random(1, 8)
	var running sync.WaitGroup
	var inside sync.WaitGroup
	inside.Add(2)
	for _, pair := range [][2]*annoy.Index{{one, two}, {two, one}} {
		mine, its := pair[0], pair[1]
		running.Add(2)
		var once sync.Once
		go func() {
			defer running.Done()
			_, err := mine.Search(ctx, query, 3, annoy.Filter(func(id int64) bool {
				once.Do(func() {
					inside.Done()
					inside.Wait()
					go func() { defer running.Done(); must(t, mine.SetLabel(1, "one")) }()
					time.Sleep(50 * time.Millisecond) // it waits by now
					for _, index := range []*annoy.Index{mine, its} {
						if _, err := index.Search(ctx, query, 3); err != nil {
							t.Error(err)
						}
						if _, err := index.SearchBatch(ctx, query, 3); err != nil {
							t.Error(err)
						}
						if _, err := index.Item(id); err != nil || index.NItems() != 2000 {
							t.Error(err)
						}
					}
				})
				return true
			}))
			if err != nil {
				t.Error(err)
			}
		}()
	}
	soon(t, "a search in a filter", running.Wait)
	if one.NLabels() != 1 || two.NLabels() != 1 {
		t.Fatal("not labelled")
	}
}

// Whoever waits gets a turn, however busy the others are; and what changes is alone.
func TestTurnsRace(t *testing.T) {
	index := built(t, 500, 8, annoy.Angular)
	defer index.Close()
	query := random(1, 8)
	var stop atomic.Bool
	var running sync.WaitGroup
	for worker := 0; worker < 6; worker++ {
		running.Add(1)
		go func(worker int) {
			defer running.Done()
			for i := 0; !stop.Load(); i++ {
				short, cancel := context.WithTimeout(ctx, time.Duration(i%7)*100*time.Microsecond)
				switch worker {
				case 0, 1:
					index.SetLabel(int64(i%500), fmt.Sprint(i))
				case 2:
					index.Search(short, query, 5, annoy.Filter(func(id int64) bool { return index.HasItem(id) }))
				case 3:
					index.SaveAndLoad(short, t.TempDir()+"/x")
				default:
					index.SearchBatch(short, query, 5)
				}
				cancel()
			}
		}(worker)
	}
	soon(t, "somebody's turn", func() {
		for i := 0; i < 200; i++ {
			if _, err := index.Search(ctx, query, 3); err != nil {
				t.Error(err)
			}
			if err := index.RemoveItem(int64(i)); err != nil {
				t.Error(err)
			}
		}
	})
	stop.Store(true)
	soon(t, "the end", running.Wait)
	if index.NRemoved() != 200 {
		t.Fatal(index.NRemoved())
	}
}

// Ids that hold items: not those of holes, nor of removed items.
func TestIDs(t *testing.T) {
	index, err := annoy.New(2, annoy.Euclidean)
	must(t, err)
	look := func(index *annoy.Index, expected ...int64) {
		t.Helper()
		ids, err := index.IDs()
		must(t, err)
		if len(ids) != len(expected) {
			t.Fatal(ids)
		}
		there := map[int64]bool{}
		for i, id := range ids {
			if id != expected[i] {
				t.Fatal(ids)
			}
			there[id] = true
		}
		for id := int64(-1); id < 12; id++ {
			if index.HasItem(id) != there[id] {
				t.Fatal(id)
			}
		}
	}
	look(index)
	for _, id := range []int64{2, 5, 9} {
		must(t, index.AddItem(id, []float32{1, 2}))
	}
	must(t, index.RemoveItem(5))
	look(index, 2, 9)
	must(t, index.Build(ctx, 1))
	// Names of files are bytes.
	path := t.TempDir() + "/n\xe4chste.ann"
	must(t, index.Save(ctx, path))
	opened, err := annoy.Open(path)
	must(t, err)
	look(opened, 2, 9)
	must(t, opened.RemoveItem(9))
	look(opened, 2)
	must(t, index.Close())
	if _, err := index.IDs(); !errors.Is(err, annoy.ErrClosed) || index.HasItem(2) {
		t.Fatal(err)
	}
	must(t, opened.Close())
}
