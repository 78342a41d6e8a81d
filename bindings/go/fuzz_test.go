package annoy_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	annoy "annoy_rs/bindings/go"
)

// FuzzOpen opens whatever bytes, also as a file, and searches: each call gives results or an error.
func FuzzOpen(f *testing.F) {
	index, err := annoy.New(3, annoy.Angular)
	must(f, err)
	must(f, index.AddItems(ctx, nil, random(20, 3)))
	must(f, index.SetLabels(nil, []string{"a", "b"}))
	must(f, index.Build(ctx, 2))
	path := filepath.Join(f.TempDir(), "seed.ann")
	must(f, index.Save(ctx, path))
	bytes, err := os.ReadFile(path)
	must(f, err)
	f.Add(bytes, int64(1), 5)
	plain, err := os.ReadFile("../../tests/golden/annoy-1.17.3/angular-i32-f32.ann")
	must(f, err)
	f.Add(plain, int64(0), 2)
	f.Add([]byte(nil), int64(0), 0)

	f.Fuzz(func(t *testing.T, bytes []byte, id int64, n int) {
		path := filepath.Join(t.TempDir(), "fuzz.ann")
		must(t, os.WriteFile(path, bytes, 0o600))
		annoy.Probe(path)
		annoy.VerifyFile(ctx, path, 3)
		ofFile, err := annoy.Open(path)
		if err == nil {
			ofFile.Close()
		}
		index, ofBytes := annoy.FromBytes(bytes)
		if (err == nil) != (ofBytes == nil) {
			t.Fatalf("the file: %v, its bytes: %v", err, ofBytes)
		}
		if ofBytes != nil {
			known(t, err)
			known(t, ofBytes)
			if index, err = annoy.New(3, annoy.Angular); err != nil {
				t.Fatal(err)
			}
			known(t, index.LoadBytes(bytes))
		}
		defer index.Close()
		if neighbors, err := index.SearchItem(ctx, id, n); err == nil && (n < 0 || len(neighbors) > n) {
			t.Fatalf("%d neighbours, %d wanted", len(neighbors), n)
		} else {
			known(t, err)
		}
		_, err = index.Item(id)
		known(t, err)
		index.Label(id)
		_, err = index.Info()
		known(t, err)
		known(t, index.Thaw())
	})
}

// FuzzSearch searches with whatever arguments: each call gives results in order or an error.
func FuzzSearch(f *testing.F) {
	index := built(f, 300, 2, annoy.Euclidean)
	f.Add(float32(1), float32(2), 3, int64(-1), 1.5, uint64(1), 300, int64(0))
	f.Add(float32(math.Inf(1)), float32(0), -3, int64(math.MinInt64), math.NaN(), uint64(0), -1, int64(-1))
	f.Fuzz(func(t *testing.T, x, y float32, n int, searchK int64, radius float64, word uint64, bits int, item int64) {
		bitmap := annoy.Bitmap{Words: []uint64{word, word, word, word, word}, Bits: bits}
		for _, options := range [][]annoy.CallOption{
			{annoy.SearchK(searchK)},
			{annoy.MaxDistance(radius), annoy.Exclude(item, -item)},
			{annoy.Allow(bitmap), annoy.SearchK(searchK)},
			{annoy.Deny(bitmap), annoy.Exact(), annoy.Filter(func(id int64) bool { return id != item })},
		} {
			neighbors, err := index.Search(ctx, []float32{x, y}, n, options...)
			known(t, err)
			for i := 1; i < len(neighbors); i++ {
				if neighbors[i-1].Distance > neighbors[i].Distance {
					t.Fatalf("%v", neighbors)
				}
			}
		}
		_, err := index.SearchItem(ctx, item, n)
		known(t, err)
	})
}

// known checks that an error is the library's, and no bug in it.
func known(t *testing.T, err error) {
	t.Helper()
	var e *annoy.Error
	if err != nil && (!errors.As(err, &e) || e.Code == annoy.ErrPanic || e.Message == "") {
		t.Fatal(err)
	}
}
