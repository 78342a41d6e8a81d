package annoyindex_test

import (
	"io"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"annoy_rs/bindings/go/annoyindex"
)

func three(t *testing.T) annoyindex.AnnoyIndexAngular {
	index := annoyindex.NewAnnoyIndexAngular(3)
	index.AddItem(0, []float32{0, 0, 1})
	index.AddItem(1, []float32{0, 1, 0})
	index.AddItem(2, []float32{1, 0, 0})
	index.Build(10)
	t.Cleanup(func() { annoyindex.DeleteAnnoyIndexAngular(index) })
	return index
}

// printed gives what is printed to standard error meanwhile.
func printed(t *testing.T, call func()) string {
	t.Helper()
	before := os.Stderr
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stderr = write
	defer func() { os.Stderr = before }()
	call()
	write.Close()
	text, err := io.ReadAll(read)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Both ways that versions of the old binding have to take results, in all their types.
func TestResults(t *testing.T) {
	index := three(t)
	var ints []int
	index.GetNnsByVector([]float32{3, 2, 1}, 3, -1, &ints)
	kept := ints
	index.GetNnsByVector([]float32{1, 2, 3}, 3, -1, &ints)
	if !reflect.DeepEqual(kept, []int{2, 1, 0}) || !reflect.DeepEqual(ints, []int{0, 1, 2}) {
		t.Fatal(kept, ints)
	}
	var narrow []int32
	var floats []float32
	index.GetNnsByItem(1, 2, 100, &narrow, &floats)
	if narrow[0] != 1 || len(narrow) != 2 || floats[0] != 0 || math.Abs(float64(floats[1])-math.Sqrt2) > 1e-6 {
		t.Fatal(narrow, floats)
	}
	ids, distances := annoyindex.NewAnnoyVectorInt(), annoyindex.NewAnnoyVectorFloat()
	for i := 0; i < 2; i++ { // the second search replaces the results of the first
		index.GetNnsByVector([]float32{2, 0, 1}, 3, -1, ids, distances)
	}
	if !reflect.DeepEqual(ids.ToSlice(), []int32{2, 0, 1}) || ids.Len() != 3 || ids.Get(1) != 0 || *ids.ArrayPtr() != 2 {
		t.Fatal(ids.ToSlice())
	}
	if distances.Len() != 3 || distances.Get(2) != distances.InnerArray()[2] || *distances.ArrayPtr() > distances.Get(1) {
		t.Fatal(distances.ToSlice())
	}
	copied := make([]int32, 1, 10)
	before := &copied[0]
	ids.Copy(&copied)
	if len(copied) != 3 || &copied[0] != before {
		t.Fatal("Copy takes the slice that is there when it is long enough")
	}
	ids.Free()
	distances.Free()
	if ids.ToSlice()[0] != 2 {
		t.Fatal("Free does nothing")
	}
	if annoyindex.NewAnnoyVectorInt().ArrayPtr() != nil {
		t.Fatal("an empty vector has no first element")
	}

	var vector []float32
	index.GetItem(2, &vector)
	if !reflect.DeepEqual(vector, []float32{1, 0, 0}) {
		t.Fatal(vector)
	}
	index.GetItem(1, distances)
	if !reflect.DeepEqual(distances.ToSlice(), []float32{0, 1, 0}) {
		t.Fatal(distances.ToSlice())
	}
	if index.GetNItems() != 3 {
		t.Fatal(index.GetNItems())
	}
}

func TestMetrics(t *testing.T) {
	for name, got := range map[string]float32{
		"euclidean 5": distance(annoyindex.NewAnnoyIndexEuclidean(2), annoyindex.DeleteAnnoyIndexEuclidean),
		"manhattan 7": distance(annoyindex.NewAnnoyIndexManhattan(2), annoyindex.DeleteAnnoyIndexManhattan),
		"dot 16":      distance(annoyindex.NewAnnoyIndexDotProduct(2), annoyindex.DeleteAnnoyIndexDotProduct),
	} {
		if want := map[string]float32{"euclidean 5": 5, "manhattan 7": 7, "dot 16": 16}[name]; got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func distance[Index annoyindex.AnnoyIndex](index Index, free func(Index)) float32 {
	defer free(index)
	index.AddItem(0, []float32{1, 2})
	index.AddItem(1, []float32{4, 6})
	index.Build(1)
	return index.GetDistance(0, 1)
}

func TestFiles(t *testing.T) {
	directory := t.TempDir()
	path := filepath.Join(directory, "a.ann")
	index := three(t)
	if !index.Save(path) || !index.Load(path) || !index.Save(path, false) || !index.Load(path, true) {
		t.Fatal("Save or Load is false")
	}
	index.Unload()
	if index.GetNItems() != 0 {
		t.Fatal(index.GetNItems())
	}
	on := filepath.Join(directory, "disk.ann")
	if !index.OnDiskBuild(on) {
		t.Fatal("OnDiskBuild is false")
	}
	// Annoy's own tests look for it at once.
	if _, err := os.Stat(on); err != nil {
		t.Fatal(err)
	}
	index.AddItem(0, []float32{1, 2, 3})
	index.Build(2)
	if _, err := os.Stat(on); err != nil || !index.Save("ignored, as by Annoy") {
		t.Fatal(err)
	}
	index.Unload()
	index.Load(on)
	if index.GetNItems() != 1 {
		t.Fatal(index.GetNItems())
	}
	// A name that is taken before the build is done: nothing is lost, and Save has something to do.
	index.Unload()
	taken := filepath.Join(directory, "taken.ann")
	if !index.OnDiskBuild(taken) {
		t.Fatal("OnDiskBuild is false")
	}
	index.AddItem(0, []float32{1, 2, 3})
	if err := os.Remove(taken); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(taken, 0o777); err != nil {
		t.Fatal(err)
	}
	if text := printed(t, func() { index.Build(2) }); !strings.Contains(text, "taken.ann") {
		t.Fatal(text)
	}
	elsewhere := filepath.Join(directory, "elsewhere.ann")
	if _, err := os.Stat(elsewhere); err == nil || !index.Save(elsewhere) {
		t.Fatal("Save is false")
	}
	if _, err := os.Stat(elsewhere); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(directory, "missing.ann")
	text := printed(t, func() {
		if index.Load(missing) {
			t.Error("Load of a missing file is true")
		}
	})
	if !strings.Contains(text, missing) || index.GetNItems() != 1 {
		t.Fatalf("%q, %d items", text, index.GetNItems())
	}
}

// What crashed or read past memory in the old binding.
func TestMisuse(t *testing.T) {
	index := three(t)
	text := printed(t, func() {
		index.AddItem(3, []float32{1, 2, 3})
		if distance := index.GetDistance(0, 99); distance != 0 {
			t.Error(distance)
		}
		vector := []float32{7}
		index.GetItem(-1, &vector)
		if vector[0] != 7 {
			t.Error(vector)
		}
	})
	if strings.Count(text, "\n") != 3 {
		t.Errorf("%q", text)
	}
	ids := []int{9}
	text = printed(t, func() { index.GetNnsByVector([]float32{1}, 3, -1, &ids) })
	if text != "" || len(ids) != 0 {
		t.Errorf("%q, %v", text, ids)
	}
	text = printed(t, func() {
		index.Verbose(true)
		index.GetNnsByItem(50, 3, -1, &ids)
		index.Verbose(false)
		index.GetNnsByItem(50, 3, -1, &ids)
	})
	if strings.Count(text, "50") != 1 {
		t.Errorf("%q", text)
	}
	index.GetNnsByItem(0, -1, -7, &ids)
	if len(ids) != 3 {
		t.Error(ids)
	}
	index.GetNnsByItem(0, 3, 0, &ids)
	if len(ids) != 0 {
		t.Error(ids)
	}
	annoyindex.DeleteAnnoyIndexAngular(index)
	annoyindex.DeleteAnnoyIndexAngular(index)
	annoyindex.DeleteAnnoyIndexAngular(nil)
	printed(t, func() {
		index.Build(1)
		index.GetNnsByItem(0, 3, -1, &ids)
		if index.Save("x") || index.Load("x") || index.OnDiskBuild("x") || index.GetNItems() != 0 || len(ids) != 0 {
			t.Error("a deleted index works")
		}
	})
	none := annoyindex.NewAnnoyIndexAngular(3)
	text = printed(t, func() { none = annoyindex.NewAnnoyIndexAngular(-3) })
	if !strings.Contains(text, "f is -3") || none.GetNItems() != 0 {
		t.Errorf("%q", text)
	}

	for name, call := range map[string]func(){
		"GetNnsByItem(int32, int, int, *[]int)":       func() { index.GetNnsByItem(int32(0), 3, -1, &ids) },
		"GetNnsByItem(int, int, int, []int)":          func() { index.GetNnsByItem(0, 3, -1, ids) },
		"GetNnsByVector([]float32, int, int)":         func() { index.GetNnsByVector([]float32{1}, 3, -1) },
		"GetNnsByVector()":                            func() { index.GetNnsByVector() },
		"Save(string, int)":                           func() { index.Save("x", 1) },
		"Load(bool)":                                  func() { index.Load(true) },
		"GetNnsByItem(int, int, int, *[]int, *[]int)": func() { index.GetNnsByItem(0, 3, -1, &ids, &ids) },
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.HasSuffix(text, ": "+name) {
					t.Errorf("%s: %q", name, text)
				}
			}()
			call()
		}()
	}
}

// The program of Annoy's page on Go, but for its import.
func TestDocumentedProgram(t *testing.T) {
	defer os.Chdir(func() string { here, _ := os.Getwd(); return here }())
	if err := os.Chdir(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	f := 40
	index := annoyindex.NewAnnoyIndexAngular(f)
	for i := 0; i < 1000; i++ {
		item := make([]float32, 0, f)
		for x := 0; x < f; x++ {
			item = append(item, rand.Float32())
		}
		index.AddItem(i, item)
	}
	index.Build(10)
	index.Save("test.ann")
	annoyindex.DeleteAnnoyIndexAngular(index)

	index = annoyindex.NewAnnoyIndexAngular(f)
	index.Load("test.ann")
	var result []int
	index.GetNnsByItem(0, 1000, -1, &result)
	vector := annoyindex.NewAnnoyVectorInt()
	defer vector.Free()
	index.GetNnsByItem(0, 1000, -1, vector)
	if len(result) != 1000 || result[0] != 0 || len(vector.ToSlice()) != 1000 {
		t.Fatal(len(result), result[0], vector.Len())
	}
}
