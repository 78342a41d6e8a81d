package annoy_test

import (
	"bytes"
	"context"
	"path/filepath"
	"reflect"
	"testing"

	annoy "annoy_rs/bindings/go"
)

// clustered is 2,000 vectors of 16 numbers around 40 centres, under 3 trees.
func clustered(t *testing.T, metric annoy.Metric) *annoy.Index {
	t.Helper()
	const n, f, clusters = 2000, 16, 40
	rows, centres := random(n, f), random(clusters, f)
	for i := range rows {
		rows[i] = 0.3*rows[i] + centres[(i+f)%len(centres)]
	}
	index, err := annoy.New(f, metric)
	must(t, err)
	t.Cleanup(func() { index.Close() })
	must(t, index.AddItems(ctx, nil, rows))
	must(t, index.Build(ctx, 3))
	return index
}

func TestScan(t *testing.T) {
	for _, metric := range []annoy.Metric{annoy.Angular, annoy.Euclidean, annoy.Dot} {
		index := clustered(t, metric)
		search := func(index *annoy.Index, opts ...annoy.CallOption) (all [][]annoy.Neighbor) {
			t.Helper()
			for i := int64(0); i < 50; i++ {
				found, err := index.SearchItem(ctx, i*7, 10, opts...)
				must(t, err)
				all = append(all, found)
			}
			return all
		}
		told := func(index *annoy.Index) (int, int64, float64) {
			t.Helper()
			info, err := index.Info()
			must(t, err)
			return info.ScanLists, info.ScanSearchK, info.ScanRecall
		}
		none := func(index *annoy.Index) {
			t.Helper()
			if lists, k, recall := told(index); lists != 0 || k != 0 || recall != -1 {
				t.Fatalf("%d lists, search_k %d, recall %g without a scan", lists, k, recall)
			}
		}
		none(index)
		byForest := search(index)
		must(t, index.BuildScan(ctx, annoy.NThreads(1)))
		lists, k, recall := told(index)
		if lists < 2 || k < 1 || recall < 0.9 || recall > 1 {
			t.Fatalf("%d lists, search_k %d, recall %g", lists, k, recall)
		}
		byScan, byFew := search(index, annoy.Scan()), search(index, annoy.Scan(), annoy.SearchK(30))
		hits := 0
		for i, truth := range search(index, annoy.Exact()) {
			for _, one := range truth {
				for _, other := range byScan[i] {
					if one == other {
						hits++
					}
				}
			}
		}
		if hits < 450 {
			t.Fatalf("%d of 500 found", hits)
		}
		if reflect.DeepEqual(byFew, byForest) || !reflect.DeepEqual(search(index), byScan) ||
			!reflect.DeepEqual(search(index, annoy.SearchK(30)), byFew) ||
			!reflect.DeepEqual(search(index, annoy.Forest()), byForest) {
			t.Fatalf("by scan %v, by forest %v", byFew, byForest)
		}

		file := filepath.Join(t.TempDir(), "scan.ann")
		must(t, index.Save(ctx, file))
		loaded, err := annoy.Open(file)
		must(t, err)
		defer loaded.Close()
		if l, s, r := told(loaded); l != lists || s != k || r != recall {
			t.Fatalf("%d lists, search_k %d, recall %g when loaded", l, s, r)
		}
		if !reflect.DeepEqual(search(loaded, annoy.Scan()), byScan) ||
			!reflect.DeepEqual(search(loaded, annoy.SearchK(30)), byFew) {
			t.Fatal("the loaded scan is another")
		}
		if _, n, err := loaded.Verify(ctx, 1); err != nil || n != 0 {
			t.Fatal(n, err)
		}
		saved, err := index.MarshalBinary()
		must(t, err)
		must(t, loaded.BuildScan(ctx, annoy.NThreads(2)))
		again, err := loaded.MarshalBinary()
		must(t, err)
		if !bytes.Equal(again, saved) {
			t.Fatal("two threads built another scan")
		}
		// Where there is a graph, it goes first.
		must(t, index.BuildGraph(ctx, smallGraph))
		if !reflect.DeepEqual(search(index, annoy.SearchK(30)), search(index, annoy.Graph(), annoy.SearchK(30))) ||
			!reflect.DeepEqual(search(index, annoy.Scan(), annoy.SearchK(30)), byFew) {
			t.Fatal("not the graph by default, or another scan beside it")
		}
		must(t, index.Unbuild())
		none(index)
	}
}

func TestWhereThereIsNoScan(t *testing.T) {
	index := built(t, 10, 3, annoy.Angular)
	search := func(opts ...annoy.CallOption) error {
		_, err := index.Search(ctx, random(1, 3), 1, opts...)
		return err
	}
	fails(t, search(annoy.Scan()), annoy.ErrState, "scan")
	fails(t, search(annoy.Scan(), annoy.Graph()), annoy.ErrArgument, "Exact, Forest, Graph or Scan is there twice")
	fails(t, index.BuildScan(ctx, annoy.Exact()), annoy.ErrArgument, "Exact")
	fails(t, index.BuildScan(ctx, annoy.NThreads(-2)), annoy.ErrArgument, "n_threads")
	over, cancel := context.WithCancel(ctx)
	cancel()
	fails(t, index.BuildScan(over), context.Canceled, "")
	must(t, index.Unbuild())
	fails(t, index.BuildScan(ctx), annoy.ErrState, "not built")
	fails(t, built(t, 10, 3, annoy.Manhattan).BuildScan(ctx), annoy.ErrUnsupported, "manhattan")
}
