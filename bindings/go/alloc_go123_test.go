//go:build go1.23

package annoy_test

import (
	"testing"

	annoy "annoy_rs/bindings/go"
)

// Nothing is allocated but results and errors. (Go 1.19 allocates 8 bytes more, for its
// checks of pointers.)
func TestAllocations(t *testing.T) {
	index := built(t, 1000, 8, annoy.Euclidean)
	query, ids, distances := random(1, 8), make([]int64, 4), make([]float32, 4)
	bits, k := annoy.NewBitmap(1000), annoy.SearchK(100)
	for _, call := range []struct {
		name string
		most float64
		run  func()
	}{
		{"SearchInto", 0, func() { index.SearchInto(query, -1, ids, distances) }},
		{"Search", 1, func() { index.Search(ctx, query, 10, k, annoy.MaxDistance(3), annoy.Deny(bits)) }},
		{"Distance", 0, func() { index.Distance(1, 2) }},
		{"a failed AddItem", 3, func() { index.AddItem(0, query) }},
	} {
		if n := testing.AllocsPerRun(100, call.run); n > call.most {
			t.Errorf("%s allocates %v times", call.name, n)
		}
	}
}
