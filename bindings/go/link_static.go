//go:build !annoy_dynamic

package annoy

// The library becomes part of the program. build-lib.sh puts it here, with its header.

// With musl as C library (Alpine) build with -tags musl.

// #cgo linux,amd64,!musl LDFLAGS: ${SRCDIR}/libannoy_rs_linux_amd64.a
// #cgo linux,arm64,!musl LDFLAGS: ${SRCDIR}/libannoy_rs_linux_arm64.a
// #cgo linux,amd64,musl LDFLAGS: ${SRCDIR}/libannoy_rs_linux_amd64_musl.a
// #cgo linux,arm64,musl LDFLAGS: ${SRCDIR}/libannoy_rs_linux_arm64_musl.a
// #cgo darwin,amd64 LDFLAGS: ${SRCDIR}/libannoy_rs_darwin_amd64.a
// #cgo darwin,arm64 LDFLAGS: ${SRCDIR}/libannoy_rs_darwin_arm64.a
// #cgo windows,amd64 LDFLAGS: ${SRCDIR}/libannoy_rs_windows_amd64.a
// #cgo linux LDFLAGS: -lpthread -lm -ldl
// #cgo windows LDFLAGS: -lkernel32 -lntdll -luserenv -lws2_32 -ldbghelp
import "C"

//go:generate sh build-lib.sh
