//go:build cgo && go1.23

package annoy

import "iter"

// Items goes through all items: ids from 0 up with copies of their vectors, as Item gives them. It
// ends early when the index is closed or holds Float64.
func (index *Index) Items() iter.Seq2[int64, []float32] {
	return items(index, index.Item)
}

// ItemsFloat64 is Items for an index of Float64, or Hamming.
func (index *Index) ItemsFloat64() iter.Seq2[int64, []float64] {
	return items(index, index.ItemFloat64)
}

// ItemsBits is Items for Hamming, in words as AddItemBits takes them.
func (index *Index) ItemsBits() iter.Seq2[int64, []uint64] {
	return items(index, index.ItemBits)
}

func items[Vector any](index *Index, item func(id int64) (Vector, error)) iter.Seq2[int64, Vector] {
	return func(yield func(int64, Vector) bool) {
		for id := int64(0); id < int64(index.NItems()); id++ {
			vector, err := item(id)
			if err != nil || !yield(id, vector) {
				return
			}
		}
	}
}

// All goes through the queries of a batch: their numbers with the neighbours they found.
func (b *Batch[Distance]) All() iter.Seq2[int, iter.Seq2[int64, Distance]] {
	return func(yield func(int, iter.Seq2[int64, Distance]) bool) {
		for i := range b.Counts {
			neighbors := func(yield func(int64, Distance) bool) {
				ids, distances := b.Query(i)
				for j, id := range ids {
					if !yield(id, distances[j]) {
						return
					}
				}
			}
			if !yield(i, neighbors) {
				return
			}
		}
	}
}
