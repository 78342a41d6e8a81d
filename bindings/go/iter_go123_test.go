//go:build go1.23

package annoy_test

import (
	"reflect"
	"testing"

	annoy "annoy_rs/bindings/go"
)

func TestIterators(t *testing.T) {
	index := built(t, 20, 3, annoy.Euclidean)
	rows := random(20, 3)
	next := int64(0)
	for id, vector := range index.Items() {
		if id != next || !reflect.DeepEqual(vector, rows[id*3:id*3+3]) {
			t.Fatal(id, vector)
		}
		next++
		if id == 15 {
			break
		}
	}
	if next != 16 {
		t.Fatal(next)
	}
	batch, err := index.SearchBatch(ctx, rows, 2)
	must(t, err)
	queries := 0
	for query, neighbors := range batch.All() {
		for id, distance := range neighbors {
			if id != int64(query) || distance != 0 {
				t.Fatal(query, id, distance)
			}
			break
		}
		queries++
	}
	if queries != 20 {
		t.Fatal(queries)
	}

	bits, err := annoy.New(70, annoy.Hamming)
	must(t, err)
	must(t, bits.AddItemBits(0, []uint64{5, 1}))
	for id, words := range bits.ItemsBits() {
		if id != 0 || !reflect.DeepEqual(words, []uint64{5, 1}) {
			t.Fatal(id, words)
		}
	}
	for id, numbers := range bits.ItemsFloat64() {
		if id != 0 || numbers[0] != 1 || numbers[1] != 0 {
			t.Fatal(id, numbers)
		}
	}
	must(t, bits.Close())
	for range bits.ItemsBits() {
		t.Fatal("a closed index has items")
	}
}
