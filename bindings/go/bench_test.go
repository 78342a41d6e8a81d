//go:build !annoy_dynamic

package annoy_test

import (
	"path/filepath"
	"runtime"
	"testing"
	"time"

	annoy "annoy_rs/bindings/go"
	"annoy_rs/bindings/go/internal/bare"
)

// What is measured: 20,000 vectors of 100 numbers, the ten nearest among 1,000 candidates.
const (
	benchItems, benchF, benchN, benchK = 20_000, 100, 10, 1000
	benchQueries                       = 200
)

type bench struct {
	index   *annoy.Index
	bare    bare.Index
	queries []float32
}

func newBench(tb testing.TB) bench { return newBenchOf(tb, benchItems) }

func newBenchOf(tb testing.TB, items int) bench {
	path := filepath.Join(tb.TempDir(), "bench.ann")
	must(tb, built(tb, items, benchF, annoy.Angular).Save(ctx, path))
	index, err := annoy.Open(path, annoy.Prefault)
	must(tb, err)
	inC, err := bare.Open(path)
	must(tb, err)
	tb.Cleanup(func() { index.Close(); inC.Close() })
	return bench{index, inC, random(benchQueries, benchF)}
}

func (b bench) query(i int) []float32 { return b.queries[i%benchQueries*benchF:][:benchF] }

func BenchmarkBareC(b *testing.B) {
	bench := newBench(b)
	b.ResetTimer()
	if _, err := bench.bare.Search(bench.queries, benchF, benchN, benchK, b.N); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkSearch(b *testing.B) {
	bench := newBench(b)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		if _, err := bench.index.Search(ctx, bench.query(i), benchN, annoy.SearchK(benchK)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSearchInto(b *testing.B) {
	bench := newBench(b)
	ids, distances := make([]int64, benchN), make([]float32, benchN)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		if _, err := bench.index.SearchInto(bench.query(i), benchK, ids, distances); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSearchParallel(b *testing.B) {
	bench := newBench(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := bench.index.Search(ctx, bench.query(i), benchN, annoy.SearchK(benchK)); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkSearchBatch(b *testing.B) {
	bench := newBench(b)
	b.ResetTimer()
	for i := 0; i < b.N; i += benchQueries {
		if _, err := bench.index.SearchBatch(ctx, bench.queries, benchN, annoy.SearchK(benchK), annoy.NThreads(1)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFilter(b *testing.B) {
	bench := newBench(b)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		filter := annoy.Filter(func(id int64) bool { return id&1 == 0 })
		if _, err := bench.index.Search(ctx, bench.query(i), benchN, annoy.SearchK(benchK), filter); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAddItem(b *testing.B) {
	index, err := annoy.New(benchF, annoy.Angular)
	must(b, err)
	defer index.Close()
	vector := random(1, benchF)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		must(b, index.AddItem(int64(i%benchItems), vector))
	}
}

func BenchmarkErrors(b *testing.B) {
	index := built(b, 10, 4, annoy.Angular)
	vector := make([]float32, 3)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		index.Search(ctx, vector, 1)
	}
}

// What a search costs over the C ABI, with so few items that the difference shows. The cases take
// turns, and the best time of each counts: other work of the machine can only add to it.
func BenchmarkOverhead(b *testing.B) {
	bench := newBenchOf(b, 20)
	// The library keeps scratch memory for each thread: all are to have the same.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const rounds = 200
	ids, distances := make([]int64, benchN), make([]float32, benchN)
	ways := []struct {
		name string
		run  func() error
		best float64
	}{
		{name: "C", run: func() error {
			_, err := bench.bare.Search(bench.queries, benchF, benchN, benchK, rounds)
			return err
		}},
		{name: "Search", run: func() error {
			for i := 0; i < rounds; i++ {
				if _, err := bench.index.Search(ctx, bench.query(i), benchN, annoy.SearchK(benchK)); err != nil {
					return err
				}
			}
			return nil
		}},
		{name: "SearchInto", run: func() error {
			for i := 0; i < rounds; i++ {
				if _, err := bench.index.SearchInto(bench.query(i), benchK, ids, distances); err != nil {
					return err
				}
			}
			return nil
		}},
	}
	b.ResetTimer()
	for turn := 0; turn < b.N; turn++ {
		for i := range ways {
			start := time.Now()
			must(b, ways[i].run())
			took := float64(time.Since(start)) / rounds
			if turn == 0 || took < ways[i].best {
				ways[i].best = took
			}
		}
	}
	b.ReportMetric(ways[0].best, "ns/C")
	for _, way := range ways[1:] {
		b.ReportMetric(way.best-ways[0].best, "ns-over-C/"+way.name)
	}
}
