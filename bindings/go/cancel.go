package annoy

// #include "shim.h"
import "C"

import "context"

// watch makes a token that is cancelled when the context ends, for one call of C; done frees it. NULL for a context that never
// ends. C looks at the token itself: no Go code runs meanwhile.
func watch(ctx context.Context) (token *C.annoy_cancel, done func(), err error) {
	if ctx.Done() == nil {
		return nil, func() {}, nil
	}
	token = C.annoy_cancel_new()
	if token == nil {
		return nil, nil, refused(ErrNoMemory, "no memory for a cancel token")
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
