//go:build cgo && go1.24

package annoy

import "runtime"

type cleanup = runtime.Cleanup

func (index *Index) freeWhenUnreachable() {
	index.cleanup = runtime.AddCleanup(index, (*handle).free, index.handle)
}

func (index *Index) keepWhenUnreachable() {
	index.cleanup.Stop()
}
