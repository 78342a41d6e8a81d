package annoyindex

// AnnoyVectorInt is a place for ids.
type AnnoyVectorInt interface {
	// ToSlice gives a copy.
	ToSlice() []int32
	// Copy copies to a slice, which is made anew if it is too short.
	Copy(in *[]int32)
	// InnerArray gives the ids themselves.
	InnerArray() []int32
	// ArrayPtr points to the first id; nil when there is none.
	ArrayPtr() *int32
	Len() int
	Get(i int) int32
	// Free does nothing.
	Free()
}

// AnnoyVectorFloat is a place for distances, or a vector.
type AnnoyVectorFloat interface {
	// ToSlice gives a copy.
	ToSlice() []float32
	// Copy copies to a slice, which is made anew if it is too short.
	Copy(in *[]float32)
	// InnerArray gives the numbers themselves.
	InnerArray() []float32
	// ArrayPtr points to the first number; nil when there is none.
	ArrayPtr() *float32
	Len() int
	Get(i int) float32
	// Free does nothing.
	Free()
}

// NewAnnoyVectorInt makes an empty vector.
func NewAnnoyVectorInt() AnnoyVectorInt { return new(vector[int32]) }

// NewAnnoyVectorFloat makes an empty vector.
func NewAnnoyVectorFloat() AnnoyVectorFloat { return new(vector[float32]) }

type vector[T int32 | float32] struct {
	inner []T
}

func (v *vector[T]) ToSlice() []T {
	var out []T
	v.Copy(&out)
	return out
}

func (v *vector[T]) Copy(in *[]T) { *in = append((*in)[:0], v.inner...) }

func (v *vector[T]) InnerArray() []T { return v.inner }

func (v *vector[T]) ArrayPtr() *T {
	if len(v.inner) == 0 {
		return nil
	}
	return &v.inner[0]
}

func (v *vector[T]) Len() int { return len(v.inner) }

func (v *vector[T]) Get(i int) T { return v.inner[i] }

func (v *vector[T]) Free() {}

// putInts replaces the slice in a destination for ids by a new one, because callers keep the old
// one. It returns false if place is not a destination for ids.
func putInts(place interface{}, ids []int64) bool {
	switch place := place.(type) {
	case *vector[int32]:
		place.inner = convert[int32](ids)
	case *[]int32:
		*place = convert[int32](ids)
	case *[]int:
		*place = convert[int](ids)
	default:
		return false
	}
	return true
}

// putFloats replaces what is in a place for numbers, which become its own; false if it is none.
func putFloats(place interface{}, numbers []float32) bool {
	switch place := place.(type) {
	case *vector[float32]:
		place.inner = numbers
	case *[]float32:
		*place = numbers
	default:
		return false
	}
	return true
}

func convert[T int32 | int](ids []int64) []T {
	to := make([]T, len(ids))
	for i, id := range ids {
		to[i] = T(id)
	}
	return to
}
