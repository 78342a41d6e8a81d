package annoy

// #include "shim.h"
// #include <stdlib.h>
import "C"

import (
	"fmt"
	"unsafe"
)

// Metric says what distance is.
type Metric int32

// The metrics, and the distances they report.
const (
	Angular   Metric = C.ANNOY_ANGULAR   // sqrt(2 - 2 cos(u, v)); with a zero vector cos is 0
	Euclidean Metric = C.ANNOY_EUCLIDEAN // sqrt(sum (u - v)^2)
	Manhattan Metric = C.ANNOY_MANHATTAN // sum |u - v|
	Hamming   Metric = C.ANNOY_HAMMING   // the number of differing bits; f is the number of bits
	Dot       Metric = C.ANNOY_DOT       // the inner product itself, largest first
)

// ParseMetric finds the metric of Annoy's name: "angular", "euclidean", "manhattan", "dot" or
// "hamming"; or of an alias: "cosine" (angular), "l2", "lstsq" (euclidean), "l1", "cityblock",
// "taxicab" (manhattan), "dotproduct", "inner", "innerproduct", "@", "." (dot).
func ParseMetric(name string) (Metric, error) {
	text, err := cString("metric", name)
	if err != nil {
		return 0, err
	}
	defer C.free(unsafe.Pointer(text))
	var metric C.annoy_metric
	var e C.annoy_error
	err = check(C.annoy_metric_from_name(text, &metric, &e), &e)
	return Metric(metric), err
}

// String gives Annoy's name of the metric.
func (m Metric) String() string {
	if name := C.annoy_metric_name(C.annoy_metric(m)); name != nil {
		return C.GoString(name)
	}
	return fmt.Sprintf("Metric(%d)", int32(m))
}

// Scalar says what the elements of stored vectors are.
type Scalar int32

// The element types.
const (
	DefaultScalar Scalar = C.ANNOY_DEFAULT // the metric's usual one: Float32, Bits64 for hamming
	Float32       Scalar = C.ANNOY_F32
	Float64       Scalar = C.ANNOY_F64    // what Annoy's Ruby binding stores by default
	Bits64        Scalar = C.ANNOY_BITS64 // hamming in words of 64 bits, as Annoy in Python has
	Bits32        Scalar = C.ANNOY_BITS32 // hamming in words of 32 bits
	Bits8         Scalar = C.ANNOY_BITS8  // hamming in words of 8 bits
)
