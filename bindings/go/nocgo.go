//go:build !cgo

package annoy

// All else of this package is left out without cgo. What is missing should be the one thing that
// the compiler says.
var _ = annoy_rs_needs_cgo__set_CGO_ENABLED_to_1_and_have_a_C_compiler
