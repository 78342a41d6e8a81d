package annoy_test

import (
	"bytes"
	"context"
	"math"
	"path/filepath"
	"reflect"
	"testing"

	annoy "annoy_rs/bindings/go"
)

var smallGraph = annoy.GraphOptions{Degree: 7, Candidates: 12, Alpha: 1.5, Rounds: 2, Sample: 5, NTrees: 3}

func TestGraph(t *testing.T) {
	index := built(t, 1000, 8, annoy.Euclidean)
	query := random(1, 8)
	// So few candidates that forest and graph find others.
	search := func(index *annoy.Index, opts ...annoy.CallOption) []annoy.Neighbor {
		t.Helper()
		return found(t, index, query, 30, append(opts, annoy.SearchK(40))...)
	}
	degree := func(index *annoy.Index) int {
		info, err := index.Info()
		must(t, err)
		return info.GraphDegree
	}
	byForest := search(index)
	if n := degree(index); n != 0 {
		t.Fatalf("degree %d before there is a graph", n)
	}
	must(t, index.BuildGraph(ctx, smallGraph, annoy.NThreads(1)))
	if n := degree(index); n != 7 {
		t.Fatalf("degree %d", n)
	}
	byGraph := search(index, annoy.Graph())
	if reflect.DeepEqual(byGraph, byForest) || !reflect.DeepEqual(search(index), byGraph) ||
		!reflect.DeepEqual(search(index, annoy.Forest()), byForest) {
		t.Fatalf("by graph %v, by forest %v", byGraph, byForest)
	}
	batch, err := index.SearchBatch(ctx, query, 30, annoy.SearchK(40), annoy.Forest())
	must(t, err)
	if ids, _ := batch.Query(0); ids[len(ids)-1] != byForest[len(byForest)-1].ID {
		t.Fatalf("the batch found %v", ids)
	}
	saved, err := index.MarshalBinary()
	must(t, err)

	file := filepath.Join(t.TempDir(), "graph.ann")
	must(t, index.Save(ctx, file))
	loaded, err := annoy.Open(file)
	must(t, err)
	defer loaded.Close()
	if degree(loaded) != 7 || !reflect.DeepEqual(search(loaded, annoy.Graph()), byGraph) {
		t.Fatal("the loaded graph is another")
	}
	_, n, err := loaded.Verify(ctx, 1)
	if err != nil || n != 0 {
		t.Fatal(n, err)
	}
	must(t, loaded.BuildGraph(ctx, annoy.GraphOptions{Rounds: annoy.RoundsNone}))
	must(t, loaded.BuildGraph(ctx, smallGraph, annoy.NThreads(2)))
	again, err := loaded.MarshalBinary()
	must(t, err)
	if !bytes.Equal(again, saved) {
		t.Fatal("two threads built another graph")
	}
	must(t, index.Unbuild())
	must(t, index.Build(ctx, 10))
	if degree(index) != 0 || !reflect.DeepEqual(search(index), byForest) {
		t.Fatal("the graph is there without its trees")
	}
}

func TestWhatInfoSaysOfAGraph(t *testing.T) {
	index := built(t, 300, 8, annoy.Euclidean)
	told := func(index *annoy.Index) (int, float64) {
		t.Helper()
		info, err := index.Info()
		must(t, err)
		return info.GraphCodeBytes, info.GraphRecall
	}
	if bytes, recall := told(index); bytes != 0 || recall != -1 {
		t.Fatalf("%d bytes, recall %g before there is a graph", bytes, recall)
	}
	must(t, index.BuildGraph(ctx, annoy.GraphOptions{}))
	bytes, recall := told(index)
	if bytes != 16 || recall < 0.9 || recall > 1 {
		t.Fatalf("%d bytes, recall %g", bytes, recall)
	}
	file := filepath.Join(t.TempDir(), "told.ann")
	must(t, index.Save(ctx, file))
	loaded, err := annoy.Open(file)
	must(t, err)
	defer loaded.Close()
	if b, r := told(loaded); b != bytes || r != recall {
		t.Fatalf("%d bytes, recall %g when loaded", b, r)
	}
	must(t, index.Unbuild())
	if bytes, recall := told(index); bytes != 0 || recall != -1 {
		t.Fatalf("%d bytes, recall %g without a graph", bytes, recall)
	}
}

func TestGraphOptionsThatCannotBe(t *testing.T) {
	index := built(t, 10, 3, annoy.Angular)
	for name, options := range map[string]annoy.GraphOptions{
		"degree": {Degree: 256}, "candidates": {Candidates: 1025}, "alpha": {Alpha: math.NaN()}, "rounds": {Rounds: -2},
		"sample": {Sample: 256}, "n_trees": {NTrees: -1}, "Degree": {Degree: 1 << 40}, "NTrees": {NTrees: -1 << 40},
	} {
		fails(t, index.BuildGraph(ctx, options), annoy.ErrArgument, name)
	}
	fails(t, index.BuildGraph(ctx, annoy.GraphOptions{}, annoy.Exact()), annoy.ErrArgument, "Exact")
	over, cancel := context.WithCancel(ctx)
	cancel()
	fails(t, index.BuildGraph(over, annoy.GraphOptions{}), context.Canceled, "")
	search := func(opts ...annoy.CallOption) error {
		_, err := index.Search(ctx, random(1, 3), 1, opts...)
		return err
	}
	fails(t, search(annoy.Graph()), annoy.ErrState, "graph")
	fails(t, search(annoy.Graph(), annoy.Exact()), annoy.ErrArgument, "Exact, Forest, Graph or Scan is there twice")
	fails(t, search(annoy.Forest(), annoy.Graph()), annoy.ErrArgument, "twice")
	must(t, index.Unbuild())
	fails(t, index.BuildGraph(ctx, annoy.GraphOptions{}), annoy.ErrState, "not built")
}
