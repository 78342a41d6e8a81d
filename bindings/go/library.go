package annoy

// #include "shim.h"
// #include <stdlib.h>
import "C"

import "strings"

// Version gives the version of the library, such as "0.1.0".
func Version() string {
	return C.GoString(C.annoy_version())
}

// ABIVersion gives the number of the library's ABI. It is the one this package was compiled
// against, unless the library is linked dynamically and another one is installed.
func ABIVersion() uint32 {
	return uint32(C.annoy_abi_version())
}

// KernelName names the distance kernels indexes use, the same all through a process, such as
// "avx2"; "" when the environment variable ANNOY_RS_KERNEL names none that this machine has.
func KernelName() string {
	return C.GoString(C.annoy_kernel_name())
}

// cString copies text for C, to be freed. C would take it to end at a NUL.
func cString(name, text string) (*C.char, error) {
	if at := strings.IndexByte(text, 0); at >= 0 {
		return nil, refused(ErrArgument, "%s %q has a NUL at byte %d", name, text, at)
	}
	return C.CString(text), nil
}
