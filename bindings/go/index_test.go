package annoy_test

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	annoy "annoy_rs/bindings/go"
)

var ctx = context.Background()

// random makes n vectors of f numbers, the same each time.
func random(n, f int) []float32 {
	source := rand.New(rand.NewSource(1))
	rows := make([]float32, n*f)
	for i := range rows {
		rows[i] = float32(source.NormFloat64())
	}
	return rows
}

// built makes an index of random vectors.
func built(t testing.TB, n, f int, metric annoy.Metric) *annoy.Index {
	t.Helper()
	index, err := annoy.New(f, metric)
	must(t, err)
	t.Cleanup(func() { index.Close() })
	must(t, index.AddItems(ctx, nil, random(n, f)))
	must(t, index.Build(ctx, 10))
	return index
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fails checks that an error is of a kind and says something.
func fails(t testing.TB, err error, kind error, says string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), says) {
		t.Fatalf("%v, expected %v that says %q", err, kind, says)
	}
}

func TestErrors(t *testing.T) {
	index, err := annoy.New(3, annoy.Angular)
	must(t, err)
	defer index.Close()
	_, err = index.Search(ctx, []float32{1, 2, 3}, 1, annoy.Forest())
	fails(t, err, annoy.ErrState, "annoy: ")
	if errors.Is(err, annoy.ErrItem) || errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%v is of other kinds too", err)
	}
	var e *annoy.Error
	if !errors.As(err, &e) || e.Code != annoy.ErrState || e.Errno != 0 || e.Message == "" {
		t.Fatalf("%#v", e)
	}

	missing := filepath.Join(t.TempDir(), "missing.ann")
	err = index.Load(missing)
	fails(t, err, annoy.ErrIO, missing)
	fails(t, err, fs.ErrNotExist, missing)
	var errno syscall.Errno
	if !errors.As(err, &errno) || errno != syscall.ENOENT {
		t.Fatalf("%v has errno %v", err, errno)
	}

	fails(t, index.AddItem(0, []float32{1, 2}), annoy.ErrDimension, "2")
	fails(t, index.AddItem(-1, []float32{1, 2, 3}), annoy.ErrItem, "-1")
	fails(t, index.AddItem(0, nil), annoy.ErrDimension, "0")
	fails(t, index.AddItem(0, []float32{1, 2, float32(math.NaN())}), annoy.ErrNotFinite, "")
	fails(t, index.AddItems(ctx, []int64{1}, make([]float32, 6)), annoy.ErrArgument, "1 ids for 2 vectors")
	fails(t, index.AddItems(ctx, nil, make([]float32, 7)), annoy.ErrDimension, "7 elements")
	fails(t, index.AddItems(ctx, nil, make([]float32, 2)), annoy.ErrDimension, "2 elements")
	fails(t, index.AddItems(ctx, nil, nil, annoy.SearchK(1)), annoy.ErrArgument, "SearchK")
	fails(t, index.Build(ctx, 1<<40), annoy.ErrArgument, "1099511627776")
	fails(t, index.Load("a\x00b"), annoy.ErrArgument, "NUL at byte 1")
	fails(t, index.SetLabel(0, "x"), annoy.ErrItem, "0")

	_, err = annoy.New(-1, annoy.Angular)
	fails(t, err, annoy.ErrArgument, "f is -1")
	_, err = annoy.New(0, annoy.Angular)
	fails(t, err, annoy.ErrArgument, "0")
	_, err = annoy.New(3, annoy.Metric(77))
	fails(t, err, annoy.ErrArgument, "77")
	_, err = annoy.New(3, annoy.Dot, annoy.WithIDBits(33))
	fails(t, err, annoy.ErrArgument, "33")
	_, err = annoy.ParseMetric("cos")
	fails(t, err, annoy.ErrArgument, "\"cos\"")
	for alias, metric := range map[string]annoy.Metric{"cosine": annoy.Angular, "l2": annoy.Euclidean, "l1": annoy.Manhattan,
		"cityblock": annoy.Manhattan, "taxicab": annoy.Manhattan, "dotproduct": annoy.Dot, "inner": annoy.Dot,
		"innerproduct": annoy.Dot} {
		if found, err := annoy.ParseMetric(alias); err != nil || found != metric {
			t.Fatal(alias, found, err)
		}
	}
	if name := annoy.Metric(77).String(); name != "Metric(77)" {
		t.Fatal(name)
	}
	if name := annoy.ErrIO.Error(); name != "ANNOY_ERR_IO" {
		t.Fatal(name)
	}
	if annoy.Version() == "" || annoy.KernelName() == "" {
		t.Fatalf("version %q, kernel %q", annoy.Version(), annoy.KernelName())
	}
}

// Every method of a closed index, whatever it is given, says that it is closed, or gives 0.
func TestClosed(t *testing.T) {
	index := built(t, 10, 3, annoy.Euclidean)
	must(t, index.Close())
	must(t, index.Close())
	for name, index := range map[string]*annoy.Index{"closed": index, "zero": new(annoy.Index)} {
		value := reflect.ValueOf(index)
		for i := 0; i < value.NumMethod(); i++ {
			method, call := value.Type().Method(i), value.Method(i)
			// UnmarshalBinary makes another index of it.
			if method.Name == "Close" || method.Name == "UnmarshalBinary" || strings.HasPrefix(method.Name, "Items") {
				continue
			}
			var arguments []reflect.Value
			for j := 0; j < call.Type().NumIn(); j++ {
				switch in := call.Type().In(j); {
				case call.Type().IsVariadic() && j == call.Type().NumIn()-1:
				case in == reflect.TypeOf((*context.Context)(nil)).Elem():
					arguments = append(arguments, reflect.ValueOf(ctx))
				default:
					arguments = append(arguments, reflect.Zero(in))
				}
			}
			results := call.Call(arguments)
			last := results[len(results)-1]
			if err, ok := last.Interface().(error); ok {
				if !errors.Is(err, annoy.ErrClosed) {
					t.Errorf("%s.%s: %v", name, method.Name, err)
				}
			} else if last.Kind() == reflect.Interface {
				t.Errorf("%s.%s: no error", name, method.Name)
			} else if name == "zero" && !last.IsZero() {
				t.Errorf("%s.%s: %v", name, method.Name, last)
			}
		}
		if index.NItems() != 0 || index.NTrees() != 0 || index.NLabels() != 0 || index.NRemoved() != 0 {
			t.Errorf("%s: it still counts", name)
		}
	}
}

func TestFiles(t *testing.T) {
	index := built(t, 500, 8, annoy.Angular)
	must(t, index.SetMetadata([]byte("model 7")))
	path := filepath.Join(t.TempDir(), "größe.ann")
	must(t, index.Save(ctx, path))
	want, err := index.SearchItem(ctx, 3, 5)
	must(t, err)
	for _, flags := range [][]annoy.LoadOption{nil, {annoy.Prefault}, {annoy.Copy}} {
		opened, err := annoy.Open(path, flags...)
		must(t, err)
		got, err := opened.SearchItem(ctx, 3, 5)
		must(t, err)
		if !reflect.DeepEqual(got, want) || opened.F() != 8 || opened.Metric() != annoy.Angular || opened.NItems() != 500 {
			t.Fatalf("%v, expected %v", got, want)
		}
		if metadata, err := opened.Metadata(); err != nil || string(metadata) != "model 7" {
			t.Fatalf("%q, %v", metadata, err)
		}
		fails(t, opened.AddItem(0, make([]float32, 8)), annoy.ErrState, "")
		must(t, opened.Close())
	}
	fails(t, index.Load(path, annoy.LoadOption(1<<40)), annoy.ErrArgument, "")

	kinds, err := annoy.Probe(path)
	must(t, err)
	wantKind := annoy.Kind{Metric: annoy.Angular, Scalar: annoy.Float32, IDBits: 32, F: 8, NItems: 500, NTrees: 10,
		Layout: "1.17"}
	if len(kinds) != 1 || kinds[0] != wantKind {
		t.Fatalf("%+v", kinds)
	}
	if _, total, err := annoy.VerifyFile(ctx, path, 5); err != nil || total != 0 {
		t.Fatal(total, err)
	}
	info, err := index.Info()
	must(t, err)
	if info.NItems != 500 || info.NPresent != 500 || info.NTrees != 10 || info.IsLoaded || !info.HasSeed || info.Depth == 0 {
		t.Fatalf("%+v", info)
	}

	// A damaged file: bytes of an item and of a tree.
	bytes, err := os.ReadFile(path)
	must(t, err)
	bytes[8*20] ^= 0x40
	bytes[len(bytes)/2] ^= 0x40
	must(t, os.WriteFile(path, bytes, 0o600))
	faults, total, err := annoy.VerifyFile(ctx, path, 1)
	fails(t, err, annoy.ErrCorrupt, faults[0].Text)
	if len(faults) != 1 || total < 2 {
		t.Fatalf("%d faults listed of %d", len(faults), total)
	}
	_, err = annoy.Open(filepath.Join(t.TempDir(), "none"))
	fails(t, err, fs.ErrNotExist, "none")
}

// A plain file by Annoy does not say whether it is euclidean or manhattan: Probe lists both.
func TestProbePlainFile(t *testing.T) {
	kinds, err := annoy.Probe("../../tests/golden/annoy-1.17.3/euclidean-i32-f32.ann")
	must(t, err)
	metrics := map[annoy.Metric]bool{}
	for _, kind := range kinds {
		metrics[kind.Metric] = true
	}
	if !metrics[annoy.Euclidean] || !metrics[annoy.Manhattan] {
		t.Fatalf("%+v", kinds)
	}
}

func TestLabels(t *testing.T) {
	index := built(t, 4, 2, annoy.Euclidean)
	if index.LabelKind() != annoy.NoLabels {
		t.Fatal(index.LabelKind())
	}
	must(t, index.SetLabels(nil, []string{"zero", "", "zwei\x00"}))
	must(t, index.SetLabel(3, "drei"))
	must(t, index.SetLabels([]int64{0, 3}, []string{"drei", "zero"})) // they swap
	labels, err := index.Labels([]int64{0, 1, 2, 3, -1}, "none")
	must(t, err)
	if !reflect.DeepEqual(labels, []string{"drei", "", "zwei\x00", "zero", "none"}) {
		t.Fatalf("%q", labels)
	}
	if id, err := index.FindLabel("zwei\x00"); err != nil || id != 2 {
		t.Fatal(id, err)
	}
	if id, err := index.FindLabel(""); err != nil || id != 1 {
		t.Fatal(id, err)
	}
	if label, err := index.Label(3); err != nil || label != "zero" {
		t.Fatal(label, err)
	}
	fails(t, index.SetLabel(0, "zero"), annoy.ErrLabel, "zero")
	fails(t, index.SetLabel(0, "\xff"), annoy.ErrArgument, "")
	fails(t, index.SetLabelNumber(0, 1), annoy.ErrUnsupported, "")
	fails(t, index.SetLabels([]int64{1}, nil), annoy.ErrArgument, "1 ids for 0 labels")
	_, err = index.FindLabel("fünf")
	fails(t, err, annoy.ErrLabel, "fünf")
	must(t, index.ClearLabel(1))
	_, err = index.Label(1)
	fails(t, err, annoy.ErrLabel, "1")
	if index.NLabels() != 3 || index.LabelKind() != annoy.StringLabels {
		t.Fatal(index.NLabels(), index.LabelKind())
	}

	must(t, index.ClearLabels())
	must(t, index.SetLabelNumbers([]int64{1, 0}, []uint64{math.MaxUint64, 7}))
	must(t, index.SetLabelNumber(2, 8))
	path := filepath.Join(t.TempDir(), "labels.ann")
	must(t, index.SaveAndLoad(ctx, path))
	found, err := index.LabelNumbers([]int64{0, 1, 2, 3}, 99)
	must(t, err)
	if !reflect.DeepEqual(found, []uint64{7, math.MaxUint64, 8, 99}) || index.LabelKind() != annoy.NumberLabels {
		t.Fatal(found, index.LabelKind())
	}
	if id, err := index.FindLabelNumber(math.MaxUint64); err != nil || id != 1 {
		t.Fatal(id, err)
	}
	if label, err := index.LabelNumber(0); err != nil || label != 7 {
		t.Fatal(label, err)
	}
}

func TestRemovedItems(t *testing.T) {
	index := built(t, 100, 4, annoy.Euclidean)
	must(t, index.RemoveItem(5))
	if !index.IsRemoved(5) || index.IsRemoved(6) || index.IsRemoved(-1) || index.NRemoved() != 1 {
		t.Fatal("item 5 is the one that is removed")
	}
	vector, err := index.Item(5)
	must(t, err)
	for _, neighbor := range found(t, index, vector, 100, annoy.Exact()) {
		if neighbor.ID == 5 {
			t.Fatal("found a removed item")
		}
	}
	_, err = index.SearchItem(ctx, 5, 1)
	fails(t, err, annoy.ErrItem, "5")
	must(t, index.RestoreItem(5))
	if nearest := found(t, index, vector, 1)[0].ID; nearest != 5 {
		t.Fatal(nearest)
	}
}

func TestRecall(t *testing.T) {
	index := built(t, 2000, 16, annoy.Angular)
	low, err := index.EstimateRecall(ctx, 50, 10, 20, 1)
	must(t, err)
	high, err := index.EstimateRecall(ctx, 50, 10, 20_000, 1, annoy.NThreads(1))
	must(t, err)
	if low >= high || high < 0.99 || low <= 0 {
		t.Fatalf("recall %v with few candidates, %v with many", low, high)
	}
	_, err = index.EstimateRecall(ctx, -1, 10, 20, 1)
	fails(t, err, annoy.ErrArgument, "nSample is -1")
}

func TestOptionsOfNew(t *testing.T) {
	var heard []string
	index, err := annoy.New(9, annoy.Hamming, annoy.WithScalar(annoy.Bits8), annoy.WithIDBits(64), annoy.WithSeed(9),
		annoy.WithLog(func(_ annoy.LogLevel, message string) { heard = append(heard, message) }))
	must(t, err)
	defer index.Close()
	must(t, index.AddItemBits(0, []uint64{3}))
	must(t, index.Build(ctx, 2))
	info, err := index.Info()
	must(t, err)
	if index.Scalar() != annoy.Bits8 || index.IDBits() != 64 || info.Seed != 9 {
		t.Fatal(index.Scalar(), index.IDBits(), info.Seed)
	}
	if len(heard) == 0 {
		t.Fatal("the logger heard nothing")
	}
}

func TestRowStride(t *testing.T) {
	index, err := annoy.New(2, annoy.Euclidean)
	must(t, err)
	defer index.Close()
	rows := []float32{1, 2, 99, 3, 4, 99, 5, 6} // nothing behind the last
	must(t, index.AddItems(ctx, nil, rows, annoy.RowStride(3)))
	must(t, index.Build(ctx, 1))
	vector, err := index.Item(2)
	must(t, err)
	if index.NItems() != 3 || vector[0] != 5 || vector[1] != 6 {
		t.Fatal(index.NItems(), vector)
	}
	batch, err := index.SearchBatch(ctx, append(rows, 99), 1, annoy.RowStride(3))
	must(t, err)
	if !reflect.DeepEqual(batch.IDs, []int64{0, 1, 2}) {
		t.Fatal(batch.IDs)
	}
	_, err = index.SearchBatch(ctx, rows[:7], 1, annoy.RowStride(3))
	fails(t, err, annoy.ErrDimension, "7 elements")
	_, err = index.SearchBatch(ctx, rows, 1, annoy.RowStride(1))
	fails(t, err, annoy.ErrArgument, "RowStride is 1")
	_, err = index.SearchItems(ctx, nil, 1, annoy.RowStride(3))
	fails(t, err, annoy.ErrArgument, "RowStride")
}

func TestLogLevels(t *testing.T) {
	for most := annoy.LogError; most <= annoy.LogDebug; most++ {
		index, err := annoy.New(2, annoy.Angular)
		must(t, err)
		var heard []annoy.LogLevel
		hear := func(level annoy.LogLevel, _ string) { heard = append(heard, level) }
		must(t, index.SetLog(most, hear))
		must(t, index.AddItems(ctx, nil, []float32{1, 2}))
		must(t, index.Build(ctx, 1))
		fails(t, index.Build(ctx, 1), annoy.ErrState, "")
		last := annoy.LogLevel(0)
		for _, level := range heard {
			if level > most {
				t.Errorf("heard %d, wanted up to %d", level, most)
			}
			last = level
		}
		if last != annoy.LogError || (heard[0] == annoy.LogDebug) != (most == annoy.LogDebug) {
			t.Errorf("heard %v, wanted up to %d", heard, most)
		}
		fails(t, index.SetLog(most+4, hear), annoy.ErrArgument, "level")
	}
}
