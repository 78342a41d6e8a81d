package annoy

// #include "shim.h"
import "C"

import (
	"math"
	"unsafe"
)

// Where the elements of a slice are, for C; NULL for an empty one.

// elements does so for any type. To Go they are bytes, in which it looks for no pointers.
func elements[T any](v []T) *C.uint8_t {
	if len(v) == 0 {
		return nil
	}
	return (*C.uint8_t)(unsafe.Pointer(&v[0]))
}

func uint64s(v []uint64) *C.uint64_t {
	if len(v) == 0 {
		return nil
	}
	return (*C.uint64_t)(&v[0])
}

func int64s(v []int64) *C.int64_t {
	if len(v) == 0 {
		return nil
	}
	return (*C.int64_t)(&v[0])
}

func bytes(v []byte) unsafe.Pointer {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Pointer(&v[0])
}

// rows gives the number of vectors of `width` elements that lie in a slice of `length`, and how
// far apart in bytes.
func (s *settings) rows(element C.annoy_element, length, width int) (n, stride C.size_t, err error) {
	step := s.stride
	if step == 0 {
		step = width
	}
	if step < width {
		return 0, 0, refused(ErrArgument, "RowStride is %d: vectors have %d elements", step, width)
	}
	if length == 0 {
		return 0, 0, nil
	}
	// What is between rows may be missing behind the last.
	if length < width || (length-width)%step > step-width {
		return 0, 0, refused(ErrDimension, "%d elements are no vectors of %d elements, %d apart", length, width, step)
	}
	bytes := C.size_t(8)
	if element == C.ANNOY_ELEMENT_F32 {
		bytes = 4
	}
	return C.size_t((length-width)/step + 1), C.size_t(step) * bytes, nil
}

// int32Of checks a number that C takes with 32 bits.
func int32Of(name string, value int64) (C.int32_t, error) {
	if value < math.MinInt32 || value > math.MaxInt32 {
		return 0, refused(ErrArgument, "%s is %d: it must fit 32 bits", name, value)
	}
	return C.int32_t(value), nil
}
