package annoy_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
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

// nearest is what the nearest to each row of 12 numbers is.
func nearest(t *testing.T, index *annoy.Index, rows []float32) (ids []int64) {
	t.Helper()
	for i := 0; i < len(rows); i += 12 {
		one, err := index.Search(ctx, rows[i:i+12], 1)
		must(t, err)
		ids = append(ids, one[0].ID)
	}
	return ids
}

func TestReplace(t *testing.T) {
	index := tunable(t, annoy.Euclidean)
	must(t, index.BuildGraph(ctx, annoy.GraphOptions{}))
	must(t, index.SetLabel(3, "three"))
	must(t, index.SetLabel(5, "five"))
	must(t, index.RemoveItem(4))
	before, err := index.ToBytes()
	must(t, err)
	rows := random(3, 12)
	for i := range rows {
		rows[i] += 5
	}
	ids := []int64{3, 4, 4000}
	fails(t, index.InsertItems(ctx, ids, rows), annoy.ErrItem, "not to be replaced")
	named := annoy.Labels([]string{"3", "4", "new"})
	fails(t, index.InsertItems(ctx, ids, rows, annoy.Replace(), annoy.Labels([]string{"3", "4", "five"})), annoy.ErrLabel, "five")
	fails(t, index.InsertItems(ctx, ids, rows, annoy.Replace(), annoy.LabelNumbers([]uint64{1, 2, 3})), annoy.ErrUnsupported, "strings")
	fails(t, index.InsertItems(ctx, ids, rows, annoy.Replace(), annoy.Labels([]string{"3"})), annoy.ErrArgument, "labels is 1")
	fails(t, index.InsertItems(ctx, []int64{3, 3, 4}, rows, annoy.Replace()), annoy.ErrItem, "once")
	fails(t, index.InsertItems(ctx, ids, rows, named, named), annoy.ErrArgument, "Labels or LabelNumbers is there twice")
	fails(t, index.AddItems(ctx, nil, rows, annoy.Replace()), annoy.ErrArgument, "Replace is no option")
	if after, err := index.ToBytes(); err != nil || !bytes.Equal(before, after) {
		t.Fatal("an error left something behind: ", err)
	}

	must(t, index.InsertItems(ctx, ids, rows, annoy.Replace(), named, annoy.NThreads(2)))
	if near := nearest(t, index, rows); near[0] != 3 || near[1] != 4 || near[2] != 4000 {
		t.Fatal(near)
	}
	names, err := index.Labels([]int64{3, 4, 4000, 5}, "none")
	must(t, err)
	if strings.Join(names, " ") != "3 4 new five" || index.IsRemoved(4) {
		t.Fatal(names, index.IsRemoved(4))
	}
	// Labels stay where none are given.
	must(t, index.InsertItems(ctx, []int64{5}, rows[:12], annoy.Replace()))
	if label, err := index.Label(5); err != nil || label != "five" {
		t.Fatal(label, err)
	}
	numbered := tunable(t, annoy.Euclidean)
	must(t, numbered.InsertItems(ctx, nil, rows, annoy.LabelNumbers([]uint64{7, 8, 1 << 63})))
	if id, err := numbered.FindLabelNumber(1 << 63); err != nil || id != 4002 {
		t.Fatal(id, err)
	}
}

func TestConsolidateAndCompact(t *testing.T) {
	index := tunable(t, annoy.Euclidean)
	must(t, index.BuildGraph(ctx, annoy.GraphOptions{}))
	must(t, index.SetLabelNumber(3999, 7))
	must(t, index.Consolidate(ctx)) // nothing to do
	for id := int64(3990); id < 4000; id++ {
		must(t, index.RemoveItem(id))
	}
	var stages []annoy.Stage
	heard := annoy.OnProgress(func(p annoy.Progress) {
		if len(stages) == 0 || stages[len(stages)-1] != p.Stage {
			stages = append(stages, p.Stage)
		}
	})
	before, err := index.ToBytes()
	must(t, err)
	over, cancel := context.WithCancel(ctx)
	stop := annoy.OnProgress(func(annoy.Progress) { cancel() })
	for _, call := range []func(context.Context, ...annoy.CallOption) error{index.Consolidate, index.Compact} {
		fails(t, call(over, stop), context.Canceled, "")
		fails(t, call(ctx, annoy.NThreads(-2)), annoy.ErrArgument, "n_threads")
		fails(t, call(ctx, annoy.Replace()), annoy.ErrArgument, "Replace is no option")
		over, cancel = context.WithCancel(ctx)
	}
	cancel()
	if after, err := index.ToBytes(); err != nil || !bytes.Equal(before, after) {
		t.Fatal("an error left something behind: ", err)
	}

	must(t, index.Consolidate(ctx, annoy.NThreads(2), heard))
	if len(stages) != 2 || stages[0] != annoy.StageBuild || stages[1] != annoy.StageGraph {
		t.Fatal(stages)
	}
	if index.NRemoved() != 0 || index.NLabels() != 0 || index.NItems() != 4000 || index.HasItem(3999) {
		t.Fatal(index.NRemoved(), index.NLabels(), index.NItems(), index.HasItem(3999))
	}
	must(t, index.InsertItems(ctx, []int64{3995}, random(1, 12)))
	must(t, index.RemoveItem(3995))
	must(t, index.Compact(ctx, annoy.NThreads(2), heard))
	if index.NItems() != 3990 || index.NRemoved() != 0 {
		t.Fatal(index.NItems(), index.NRemoved())
	}
	fresh := tunable(t, annoy.Euclidean)
	must(t, fresh.Thaw())
	for id := int64(3990); id < 4000; id++ {
		must(t, fresh.RemoveItem(id))
	}
	must(t, fresh.Build(ctx, 4))
	must(t, fresh.BuildGraph(ctx, annoy.GraphOptions{}))
	must(t, fresh.Compact(ctx))
	first, err := index.ToBytes()
	must(t, err)
	second, err := fresh.ToBytes()
	must(t, err)
	if !bytes.Equal(first, second) {
		t.Fatal("not the bytes of a fresh build")
	}

	loaded, err := annoy.FromBytes(before)
	must(t, err)
	defer loaded.Close()
	fails(t, loaded.Consolidate(ctx), annoy.ErrState, "thaw it")
	fails(t, loaded.Compact(ctx), annoy.ErrState, "thaw it")
}
