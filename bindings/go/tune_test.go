package annoy_test

import (
	"bytes"
	"errors"
	"math"
	"path/filepath"
	"testing"

	annoy "annoy_rs/bindings/go"
)

func tunable(t *testing.T, metric annoy.Metric) *annoy.Index {
	t.Helper()
	const f = 12
	index, err := annoy.New(f, metric)
	must(t, err)
	t.Cleanup(func() { index.Close() })
	must(t, index.AddItems(ctx, nil, random(4000, f)))
	must(t, index.Build(ctx, 4))
	return index
}

// hits is the share of what an exact search finds, for items that find themselves, too.
func hits(t *testing.T, index *annoy.Index, opts ...annoy.CallOption) float64 {
	t.Helper()
	ids := make([]int64, 100)
	for i := range ids {
		ids[i] = int64(i) * 7
	}
	found, err := index.SearchItems(ctx, ids, 10, opts...)
	must(t, err)
	truth, err := index.SearchItems(ctx, ids, 10, annoy.Exact())
	must(t, err)
	n := 0
	for i := range ids {
		is, _ := found.Query(i)
		true_, _ := truth.Query(i)
		for _, id := range is {
			for _, other := range true_ {
				if id == other {
					n++
				}
			}
		}
	}
	return float64(n) / 1000
}

func TestTune(t *testing.T) {
	index := tunable(t, annoy.Angular)
	tuned := func(index *annoy.Index, want int) {
		t.Helper()
		info, err := index.Info()
		must(t, err)
		if info.NTuned != want {
			t.Fatalf("tuned with %d queries, want %d", info.NTuned, want)
		}
	}
	tuned(index, 0)
	if _, err := index.SearchItem(ctx, 0, 3, annoy.Recall(0.9)); !errors.Is(err, annoy.ErrState) {
		t.Fatal(err)
	}
	must(t, index.Tune(ctx, annoy.NThreads(2)))
	tuned(index, 512)
	if low, high, all := hits(t, index, annoy.Recall(0.8)), hits(t, index, annoy.Recall(0.95)),
		hits(t, index, annoy.Recall(1)); low < 0.75 || high < 0.92 || all != 1 {
		t.Fatal(low, high, all)
	}
	queries := random(50, 12)
	must(t, index.TuneFor(ctx, queries))
	tuned(index, 50)
	path := filepath.Join(t.TempDir(), "x.ann")
	must(t, index.Save(ctx, path))
	loaded, err := annoy.Open(path)
	must(t, err)
	defer loaded.Close()
	tuned(loaded, 50)

	for _, wrong := range []float64{-1, 1.01, math.NaN()} {
		if _, err := index.SearchItem(ctx, 0, 3, annoy.Recall(wrong)); !errors.Is(err, annoy.ErrArgument) {
			t.Fatal(wrong, err)
		}
		if err := index.BuildAuto(ctx, annoy.Recall(wrong)); !errors.Is(err, annoy.ErrArgument) {
			t.Fatal(wrong, err)
		}
	}
	if _, err := index.SearchItem(ctx, 0, 3, annoy.Recall(0.9), annoy.SearchK(50)); !errors.Is(err, annoy.ErrArgument) {
		t.Fatal(err)
	}
	if err := index.TuneFor(ctx, queries[:5]); !errors.Is(err, annoy.ErrDimension) {
		t.Fatal(err)
	}
	if err := index.TuneFor(ctx, nil); !errors.Is(err, annoy.ErrArgument) {
		t.Fatal(err)
	}
	if err := index.TuneForFloat64(ctx, make([]float64, 12)); !errors.Is(err, annoy.ErrUnsupported) {
		t.Fatal(err)
	}
	if err := index.TuneForBits(ctx, make([]uint64, 1)); !errors.Is(err, annoy.ErrUnsupported) {
		t.Fatal(err)
	}
}

func TestBuildAuto(t *testing.T) {
	for _, metric := range []annoy.Metric{annoy.Angular, annoy.Manhattan} {
		index := tunable(t, metric)
		must(t, index.BuildAuto(ctx, annoy.NThreads(1)))
		info, err := index.Info()
		must(t, err)
		if (info.GraphDegree > 0) == (info.ScanLists > 0) {
			t.Fatalf("degree %d, %d lists", info.GraphDegree, info.ScanLists)
		}
		if found := hits(t, index, annoy.Recall(0.95)); found < 0.9 {
			t.Fatal(found)
		}
		first, err := index.ToBytes()
		must(t, err)
		must(t, index.BuildAuto(ctx, annoy.Recall(0.95), annoy.NThreads(2)))
		second, err := index.ToBytes()
		must(t, err)
		if !bytes.Equal(first, second) {
			t.Fatal("other bytes by two threads")
		}
	}
}
