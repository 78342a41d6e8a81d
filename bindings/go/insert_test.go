package annoy_test

import (
	"bytes"
	"errors"
	"testing"

	annoy "annoy_rs/bindings/go"
)

func TestInsertItems(t *testing.T) {
	index := tunable(t, annoy.Euclidean)
	must(t, index.BuildGraph(ctx, annoy.GraphOptions{}))
	before, err := index.ToBytes()
	must(t, err)
	rows := random(30, 12)
	for i := range rows {
		rows[i] += 5
	}
	must(t, index.InsertItems(ctx, nil, rows, annoy.NThreads(2)))
	found, err := index.Search(ctx, rows[12*7:12*8], 1)
	must(t, err)
	if len(found) != 1 || found[0].ID != 4007 {
		t.Fatal(found)
	}
	must(t, index.InsertItems(ctx, []int64{4050, 4049}, rows[:24]))
	if n := index.NItems(); n != 4051 {
		t.Fatal(n)
	}
	if err := index.InsertItems(ctx, []int64{3}, rows[:12]); !errors.Is(err, annoy.ErrItem) {
		t.Fatal(err)
	}
	if err := index.InsertItems(ctx, []int64{3}, rows[:24]); !errors.Is(err, annoy.ErrArgument) {
		t.Fatal(err)
	}
	if err := index.InsertItemsFloat64(ctx, nil, make([]float64, 12)); !errors.Is(err, annoy.ErrUnsupported) {
		t.Fatal(err)
	}
	if err := index.InsertItemsBits(ctx, nil, make([]uint64, 1)); !errors.Is(err, annoy.ErrUnsupported) {
		t.Fatal(err)
	}
	loaded, err := annoy.FromBytes(before)
	must(t, err)
	defer loaded.Close()
	if err := loaded.InsertItems(ctx, nil, rows); !errors.Is(err, annoy.ErrState) {
		t.Fatal(err)
	}
	must(t, loaded.ThawBuilt())
	must(t, loaded.InsertItems(ctx, nil, rows))
	must(t, loaded.InsertItems(ctx, []int64{4050, 4049}, rows[:24]))
	first, err := index.ToBytes()
	must(t, err)
	second, err := loaded.ToBytes()
	must(t, err)
	if !bytes.Equal(first, second) {
		t.Fatal("other bytes from a file")
	}
}
