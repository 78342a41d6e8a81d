package annoy_test

import (
	"errors"
	"math/rand"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	annoy "annoy_rs/bindings/go"
)

// Close while many goroutines search: each search succeeds or says that the index is closed.
func TestCloseRacesWithSearches(t *testing.T) {
	path := filepath.Join(t.TempDir(), "race.ann")
	must(t, built(t, 2000, 8, annoy.Angular).Save(ctx, path))
	query := random(1, 8)
	for round := 0; round < 50; round++ {
		index, err := annoy.Open(path)
		must(t, err)
		var running sync.WaitGroup
		started := make(chan struct{}, 8)
		for worker := 0; worker < 8; worker++ {
			running.Add(1)
			go func(worker int) {
				defer running.Done()
				started <- struct{}{}
				for {
					var err error
					switch worker % 4 {
					case 0:
						_, err = index.Search(ctx, query, 10)
					case 1:
						_, err = index.SearchBatch(ctx, query, 10, annoy.Filter(func(id int64) bool { return id%2 == 0 }))
					case 2:
						_, err = index.Item(7)
					case 3:
						_, err = index.SearchItemInto(3, -1, make([]int64, 4), nil)
					}
					if errors.Is(err, annoy.ErrClosed) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			}(worker)
		}
		for worker := 0; worker < 8; worker++ {
			<-started
		}
		time.Sleep(time.Duration(rand.Intn(500)) * time.Microsecond)
		must(t, index.Close())
		running.Wait()
	}
}

// Loading anew while others search: no search sees half of it.
func TestLoadRacesWithSearches(t *testing.T) {
	directory := t.TempDir()
	paths := []string{filepath.Join(directory, "a.ann"), filepath.Join(directory, "b.ann")}
	for i, n := range []int{500, 900} {
		must(t, built(t, n, 8, annoy.Angular).Save(ctx, paths[i]))
	}
	index, err := annoy.Open(paths[0])
	must(t, err)
	defer index.Close()
	query, over := random(1, 8), make(chan struct{})
	var running sync.WaitGroup
	for worker := 0; worker < 4; worker++ {
		running.Add(1)
		go func() {
			defer running.Done()
			for {
				select {
				case <-over:
					return
				default:
				}
				neighbors, err := index.Search(ctx, query, 1000, annoy.Exact())
				if err != nil || len(neighbors) != 500 && len(neighbors) != 900 {
					t.Error(len(neighbors), err)
					return
				}
			}
		}()
	}
	for i := 0; i < 200; i++ {
		must(t, index.Load(paths[i%2]))
	}
	close(over)
	running.Wait()
}

// With the collector at work all the time: what C holds is not moved or freed, and what
// nobody closed is.
func TestCollectorAtWork(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	defer func(before int) { runtime.GOMAXPROCS(before) }(runtime.GOMAXPROCS(4))
	path := filepath.Join(t.TempDir(), "gc.ann")
	saved := built(t, 1000, 16, annoy.Euclidean)
	must(t, saved.SetLabels(nil, []string{"first", "second"}))
	must(t, saved.Save(ctx, path))
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	var running sync.WaitGroup
	for worker := 0; worker < 4; worker++ {
		running.Add(1)
		go func(worker int) {
			defer running.Done()
			for round := 0; round < rounds; round++ {
				index, err := annoy.Open(path)
				if err != nil {
					t.Error(err)
					return
				}
				query := append([]float32(nil), random(1, 16)...)
				excluded := []int64{int64(round), int64(worker)}
				bits := annoy.NewBitmap(1000)
				for id := int64(0); id < 1000; id++ {
					bits.Set(id)
				}
				garbage := 0
				neighbors, err := index.Search(ctx, query, 300, annoy.Exclude(excluded...), annoy.Allow(bits),
					annoy.Filter(func(id int64) bool {
						garbage += len(make([]byte, 100+id%7))
						return true
					}))
				if err != nil || len(neighbors) != 300 || garbage == 0 {
					t.Error(len(neighbors), err)
					return
				}
				if label, err := index.Label(1); err != nil || label != "second" {
					t.Error(label, err)
				}
				if _, err := index.SearchBatch(ctx, random(20, 16), 5, annoy.NThreads(2)); err != nil {
					t.Error(err)
				}
				if _, err := index.Search(ctx, query[:3], 1); !errors.Is(err, annoy.ErrDimension) {
					t.Error(err)
				}
				// Half are closed, the others left to the collector.
				if round%2 == 0 {
					index.Close()
				}
			}
		}(worker)
	}
	running.Wait()
}

// An index nobody refers to is freed: an on-disk build that was not completed takes its file along.
func TestCollectorFrees(t *testing.T) {
	directory := t.TempDir()
	func() {
		index, err := annoy.New(4, annoy.Angular)
		must(t, err)
		must(t, index.OnDiskBuild(filepath.Join(directory, "never.ann")))
		must(t, index.AddItem(0, make([]float32, 4)))
		if files, err := filepath.Glob(filepath.Join(directory, "*")); err != nil || len(files) != 2 {
			t.Fatal("the build has no temporary file, or its name is free", files, err)
		}
	}()
	for tries := 0; ; tries++ {
		runtime.GC()
		files, err := filepath.Glob(filepath.Join(directory, "*"))
		must(t, err)
		hidden, err := filepath.Glob(filepath.Join(directory, ".*"))
		must(t, err)
		if len(files)+len(hidden) == 0 {
			return
		}
		if tries == 500 {
			t.Fatalf("%v is still there: the index was not freed", append(files, hidden...))
		}
		time.Sleep(2 * time.Millisecond)
	}
}
