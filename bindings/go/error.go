package annoy

// #include "shim.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"syscall"
)

// Code says what kind of error it is. Each is an error itself, for errors.Is to look for.
type Code int32

// The kinds of errors. New ones may be added; none changes its meaning.
const (
	ErrNull        Code = C.ANNOY_ERR_NULL        // never from this package
	ErrArgument    Code = C.ANNOY_ERR_ARGUMENT    // a parameter has a value it cannot have
	ErrDimension   Code = C.ANNOY_ERR_DIMENSION   // a vector's length is not the index's
	ErrItem        Code = C.ANNOY_ERR_ITEM        // an id is negative, too large, or not in the index
	ErrState       Code = C.ANNOY_ERR_STATE       // not legal now: built, not built, or loaded
	ErrIO          Code = C.ANNOY_ERR_IO          // the operating system refused something: see Errno
	ErrFormat      Code = C.ANNOY_ERR_FORMAT      // no index, or of another metric, f or type
	ErrNotFinite   Code = C.ANNOY_ERR_NOT_FINITE  // a vector holds NaN or infinity
	ErrNoMemory    Code = C.ANNOY_ERR_NO_MEMORY   // memory could not be had
	ErrCancelled   Code = C.ANNOY_ERR_CANCELLED   // the context ended
	ErrTooSmall    Code = C.ANNOY_ERR_TOO_SMALL   // a slice for results is too short
	ErrUnsupported Code = C.ANNOY_ERR_UNSUPPORTED // the index or this library cannot do it
	ErrCorrupt     Code = C.ANNOY_ERR_CORRUPT     // a file turned out to be damaged
	ErrLabel       Code = C.ANNOY_ERR_LABEL       // there is no such label, or it is another item's
	ErrPanic       Code = C.ANNOY_ERR_PANIC       // a bug in the library; the index can only be closed
)

// ErrClosed is what every method returns once the index is closed.
var ErrClosed = errors.New("annoy: the index is closed")

// Error gives the name that annoy.h has for the kind.
func (c Code) Error() string {
	return C.GoString(C.annoy_status_name(C.annoy_status(c)))
}

// Error is what the library refused, and why.
type Error struct {
	// Code is the kind.
	Code Code
	// Errno is the operating system's error number, 0 if there was none.
	Errno syscall.Errno
	// Message says what was wrong, what was found and what was expected.
	Message string

	context error // why the context ended, where it did
}

func (e *Error) Error() string {
	return "annoy: " + e.Message
}

// Is reports whether target is the error's Code.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}

// Unwrap gives the error of the operating system or of the context, nil if there is neither.
func (e *Error) Unwrap() error {
	if e.context != nil {
		return e.context
	}
	if e.Errno != 0 {
		return e.Errno
	}
	return nil
}

// refused makes the error of a value that is refused before it gets to the library,
// which could not tell.
func refused(code Code, format string, values ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, values...)}
}

// check turns what a C call came to into an error.
func check(status C.annoy_status, e *C.annoy_error) error {
	if status == C.ANNOY_OK {
		return nil
	}
	return newError(e)
}

func newError(e *C.annoy_error) *Error {
	return &Error{Code: Code(e.code), Errno: syscall.Errno(e.os_errno), Message: C.GoString(&e.message[0])}
}

// taken turns what a shim returns into an error: NULL, or an error to be freed.
func taken(e *C.annoy_error) error {
	if e == nil {
		return nil
	}
	defer C.annoy_go_free_error(e)
	return newError(e)
}

// ended gives an error when the context has ended.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return &Error{Code: ErrCancelled, Message: err.Error(), context: err}
	}
	return nil
}

// because gives an error of a call that the context cancelled the context's reason.
func because(ctx context.Context, err error) error {
	if e, ok := err.(*Error); ok && e.Code == ErrCancelled && ctx.Err() != nil {
		e.context = ctx.Err()
		e.Message += ": " + e.context.Error()
	}
	return err
}

// size checks a number that C takes without a sign.
func size(name string, value int) (C.size_t, error) {
	if value < 0 {
		return 0, refused(ErrArgument, "%s is %d: it must not be negative", name, value)
	}
	return C.size_t(value), nil
}
