//go:build annoy_dynamic

package annoy

// The library is one that is installed, and is needed to run the program too.

// #cgo pkg-config: annoy_rs
// #cgo CFLAGS: -DANNOY_GO_DYNAMIC
import "C"
