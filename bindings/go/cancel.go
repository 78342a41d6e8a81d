package annoy

// #include "shim.h"
// #include <stdlib.h>
import "C"

import (
	"context"
	"unsafe"
)

// long makes a long call of C, with the threads and callbacks of the settings. The call ends early
// if the context ends or a callback panics; then long panics too.
func (s *settings) long(ctx context.Context, call func(work *C.annoy_work) error) error {
	token, done, err := watch(ctx, s.callbacks != nil)
	if err != nil {
		return err
	}
	defer done()
	if s.callbacks != nil {
		s.callbacks.giveUp = func() { C.annoy_cancel_set(token) }
	}
	s.start()
	defer s.finish()
	work := C.annoy_go_new_work(s.nThreads, token, s.progressUser())
	if work == nil {
		return refused(ErrNoMemory, "no memory for what a call is told")
	}
	defer C.free(unsafe.Pointer(work))
	return because(ctx, call(work))
}

// watch makes a token for one call of C, which is cancelled when the context ends; done frees it.
// It is NULL for a context that never ends, unless needed. C looks at the token itself: no Go
// code runs meanwhile.
func watch(ctx context.Context, needed bool) (token *C.annoy_cancel, done func(), err error) {
	if ctx.Done() == nil && !needed {
		return nil, func() {}, nil
	}
	token = C.annoy_cancel_new()
	if token == nil {
		return nil, nil, refused(ErrNoMemory, "no memory for a cancel token")
	}
	if ctx.Done() == nil {
		return token, func() { C.annoy_cancel_free(token) }, nil
	}
	over, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-ctx.Done():
			C.annoy_cancel_set(token)
		case <-over:
		}
	}()
	return token, func() {
		close(over)
		<-stopped
		C.annoy_cancel_free(token)
	}, nil
}
