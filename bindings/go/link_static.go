//go:build !annoy_dynamic

package annoy

// The library becomes part of the program. build-lib.sh puts it here, with its header.

// #cgo linux,amd64 LDFLAGS: ${SRCDIR}/libannoy_rs_linux_amd64.a
// #cgo linux,arm64 LDFLAGS: ${SRCDIR}/libannoy_rs_linux_arm64.a
// #cgo darwin,amd64 LDFLAGS: ${SRCDIR}/libannoy_rs_darwin_amd64.a
// #cgo darwin,arm64 LDFLAGS: ${SRCDIR}/libannoy_rs_darwin_arm64.a
// #cgo linux LDFLAGS: -lpthread -lm -ldl
import "C"

//go:generate sh build-lib.sh
