package annoy

// #include "shim.h"
import "C"

import (
	"runtime/cgo"
	"sync"
)

// LogLevel says how important a message is.
type LogLevel int32

// The levels.
const (
	LogError LogLevel = C.ANNOY_LOG_ERROR // a long call failed
	LogWarn  LogLevel = C.ANNOY_LOG_WARN  // something that may not be what was meant
	LogInfo  LogLevel = C.ANNOY_LOG_INFO  // what was done
	LogDebug LogLevel = C.ANNOY_LOG_DEBUG // what is about to be done
)

// SetLog sets the function that gets the messages of level and the more important ones. The default
// is nil: no messages. The library never prints.
//
// log is called on the goroutine whose call it is about, so that several may be in it at the
// same time. What it refers to lives as long as the index; when that is the index itself,
// only Close frees it.
func (index *Index) SetLog(level LogLevel, log func(level LogLevel, message string)) error {
	return index.write(func(c *C.annoy_index) error {
		var e C.annoy_error
		next := newLogger(log)
		if err := check(C.annoy_go_set_log(c, C.int32_t(level), next.user(), &e), &e); err != nil {
			next.release()
			return err
		}
		index.handle.log.release()
		index.handle.log = next
		return nil
	})
}

// logger is what C's `user` stands for. The methods take nil for one that is not there.
type logger struct {
	log    func(LogLevel, string)
	handle cgo.Handle

	mu     sync.Mutex
	panics panics
}

func newLogger(log func(LogLevel, string)) *logger {
	if log == nil {
		return nil
	}
	l := &logger{log: log}
	l.handle = cgo.NewHandle(l)
	return l
}

func (l *logger) user() C.uintptr_t {
	if l == nil {
		return 0
	}
	return C.uintptr_t(l.handle)
}

func (l *logger) release() {
	if l != nil {
		l.handle.Delete()
	}
}

// raise panics if log did.
func (l *logger) raise() {
	if l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.panics.raise()
	}
}

func (l *logger) hear(level LogLevel, message string) {
	var panics panics
	panics.catch(func() { l.log(level, message) })
	if panics.caught {
		l.mu.Lock()
		l.panics = panics
		l.mu.Unlock()
	}
}
