//go:build !cgo

package annoy

// Without cgo the rest of this package is left out. The compiler should report only this line,
// which says what is missing.
var _ = annoy_rs_needs_cgo__set_CGO_ENABLED_to_1_and_have_a_C_compiler
