package annoy_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	annoy "annoy_rs/bindings/go"
)

func saveLine(t *testing.T, path string, start int) {
	t.Helper()
	index, err := annoy.New(1, annoy.Euclidean)
	must(t, err)
	defer index.Close()
	for i := 0; i < 10; i++ {
		must(t, index.AddItem(int64(i), []float32{float32(start + i)}))
	}
	must(t, index.Build(ctx, 1))
	must(t, index.Save(ctx, path))
}

func TestShards(t *testing.T) {
	directory := t.TempDir()
	saveLine(t, filepath.Join(directory, "a.ann"), 0)
	saveLine(t, filepath.Join(directory, "b.ann"), 10)
	generation, err := annoy.CommitShards(directory, []annoy.Shard{{File: "a.ann"}, {File: "b.ann"}}, 0, 0)
	must(t, err)
	index, err := annoy.Open(directory)
	must(t, err)
	defer index.Close()
	if generation != 1 || index.NItems() != 20 || index.NShards() != 2 || index.NMissing() != 0 || index.Generation() != 1 {
		t.Fatal(generation, index.NItems(), index.NShards(), index.NMissing(), index.Generation())
	}
	found, err := index.Search(ctx, []float32{12.2}, 2)
	must(t, err)
	if len(found) != 2 || found[0].ID != 12 || found[1].ID != 13 {
		t.Fatal(found)
	}
	if err := index.AddItem(3, []float32{1}); !errors.Is(err, annoy.ErrState) {
		t.Fatal(err)
	}
	removing := []annoy.Shard{{File: "a.ann", Partition: "left", Removed: []int64{3, 4}}, {File: "b.ann"}}
	_, err = annoy.CommitShards(directory, removing, 1, 1)
	must(t, err)
	generation, err = index.Refresh()
	must(t, err)
	if generation != 2 || index.NRemoved() != 2 || !index.IsRemoved(4) {
		t.Fatal(generation, index.NRemoved())
	}
	if _, err = annoy.CommitShards(directory, removing, 1, 0); !errors.Is(err, annoy.ErrState) {
		t.Fatal(err)
	}
	if _, err = annoy.CommitShards(directory, []annoy.Shard{{File: "a\x00"}}, 2, 0); !errors.Is(err, annoy.ErrArgument) {
		t.Fatal(err)
	}
	must(t, os.Remove(filepath.Join(directory, "a.ann")))
	if _, err = annoy.Open(directory); !errors.Is(err, annoy.ErrIO) {
		t.Fatal(err)
	}
	partial, err := annoy.Open(directory, annoy.Partial)
	must(t, err)
	defer partial.Close()
	if partial.NMissing() != 1 {
		t.Fatal(partial.NMissing())
	}
}

// What Rust made, and finds in it.
func TestShardsConform(t *testing.T) {
	type row struct {
		IDs       []int64
		Distances []float64
	}
	var all struct {
		Items    []int64
		Queries  [][]float32
		Searches []struct {
			N        int
			SearchK  int64 `json:"search_k"`
			ByVector []row `json:"by_vector"`
			ByItem   []row `json:"by_item"`
		}
	}
	here := filepath.Join("..", "..", "tests", "conformance", "shards")
	text, err := os.ReadFile(filepath.Join(here, "answers.json"))
	must(t, err)
	must(t, json.Unmarshal(text, &all))
	index, err := annoy.Open(filepath.Join(here, "three.annd"))
	must(t, err)
	defer index.Close()
	same := func(expected row, found []annoy.Neighbor, err error) {
		t.Helper()
		must(t, err)
		if len(found) != len(expected.IDs) {
			t.Fatal(found, expected)
		}
		for i, one := range found {
			if one.ID != expected.IDs[i] || float32(one.Distance) != float32(expected.Distances[i]) {
				t.Fatal(i, one, expected)
			}
		}
	}
	if len(all.Searches) < 4 {
		t.Fatal(len(all.Searches))
	}
	for _, search := range all.Searches {
		for i, query := range all.Queries {
			found, err := index.Search(ctx, query, search.N, annoy.SearchK(search.SearchK))
			same(search.ByVector[i], found, err)
		}
		for i, item := range all.Items {
			found, err := index.SearchItem(ctx, item, search.N, annoy.SearchK(search.SearchK))
			same(search.ByItem[i], found, err)
		}
	}
}
