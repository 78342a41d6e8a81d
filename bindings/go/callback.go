package annoy

// A file with exports may declare in its preamble, but not define: so not shim.h.

// #include <stdint.h>
import "C"

import "runtime/cgo"

// callbacks are the functions of one call, which C's `user` stands for.
type callbacks struct {
	filter   func(id int64) bool
	progress func(Progress)
	giveUp   func() // ends a long call
	panics   panics
}

// catch calls back. Once that has panicked it is not done any more, and a long call ends.
func (c *callbacks) catch(call func()) {
	if c.panics.caught {
		return
	}
	c.panics.catch(call)
	if c.panics.caught && c.giveUp != nil {
		c.giveUp()
	}
}

// panics keeps a panic while C returns: C code must not be unwound.
type panics struct {
	value  any
	caught bool
}

func (p *panics) catch(call func()) {
	// A panic has to be told from none by what did not happen: before Go 1.21 its value may be nil.
	p.caught = true
	defer func() { p.value = recover() }()
	call()
	p.caught = false
}

// raise panics if a call did.
func (p *panics) raise() {
	if p.caught {
		p.caught = false
		panic(p.value)
	}
}

//export annoyGoFilter
func annoyGoFilter(user C.uintptr_t, item C.int64_t) C.int32_t {
	c := cgo.Handle(user).Value().(*callbacks)
	found := false
	c.catch(func() { found = c.filter(int64(item)) })
	if found {
		return 1
	}
	return 0
}

//export annoyGoProgress
func annoyGoProgress(user C.uintptr_t, stage C.int32_t, done, total C.uint64_t) {
	c := cgo.Handle(user).Value().(*callbacks)
	c.catch(func() { c.progress(Progress{Stage: Stage(stage), Done: uint64(done), Total: uint64(total)}) })
}

//export annoyGoLog
func annoyGoLog(user C.uintptr_t, level C.int32_t, text *C.char) {
	cgo.Handle(user).Value().(*logger).hear(LogLevel(level), C.GoString(text))
}
