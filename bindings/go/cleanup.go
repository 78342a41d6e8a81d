//go:build cgo && !go1.24

package annoy

import "runtime"

type cleanup struct{}

func (index *Index) freeWhenUnreachable() {
	runtime.SetFinalizer(index, func(index *Index) { index.handle.free() })
}

func (index *Index) keepWhenUnreachable() {
	runtime.SetFinalizer(index, nil)
}
