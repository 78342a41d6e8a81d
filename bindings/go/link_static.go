//go:build !annoy_dynamic

package annoy

// The library becomes part of the program. build-lib.sh puts it, and its header, there.

// #cgo linux,amd64 CFLAGS: -I${SRCDIR}/lib/linux_amd64
// #cgo linux,amd64 LDFLAGS: ${SRCDIR}/lib/linux_amd64/libannoy_rs.a
// #cgo linux,arm64 CFLAGS: -I${SRCDIR}/lib/linux_arm64
// #cgo linux,arm64 LDFLAGS: ${SRCDIR}/lib/linux_arm64/libannoy_rs.a
// #cgo darwin,amd64 CFLAGS: -I${SRCDIR}/lib/darwin_amd64
// #cgo darwin,amd64 LDFLAGS: ${SRCDIR}/lib/darwin_amd64/libannoy_rs.a
// #cgo darwin,arm64 CFLAGS: -I${SRCDIR}/lib/darwin_arm64
// #cgo darwin,arm64 LDFLAGS: ${SRCDIR}/lib/darwin_arm64/libannoy_rs.a
// #cgo linux LDFLAGS: -lpthread -lm -ldl
import "C"

//go:generate sh build-lib.sh
