package annoy

// #include "shim.h"
import "C"

import "encoding"

var (
	_ encoding.BinaryMarshaler   = (*Index)(nil)
	_ encoding.BinaryUnmarshaler = (*Index)(nil)
)

// FromBytes opens the bytes of a file that says what it is, as Open opens the file.
// They are copied.
func FromBytes(data []byte) (*Index, error) {
	var c *C.annoy_index
	var e C.annoy_error
	// C may not keep memory of Go's.
	status := C.annoy_open_buffer(bytes(data), C.size_t(len(data)), C.ANNOY_LOAD_COPY|C.ANNOY_UNLOCKED, &c, &e)
	if err := check(status, &e); err != nil {
		return nil, err
	}
	return wrap(c), nil
}

// LoadBytes loads the bytes of a file, as Load loads the file. They are copied.
func (index *Index) LoadBytes(data []byte) error {
	return index.write(func(c *C.annoy_index) error {
		var e C.annoy_error
		status := C.annoy_load_from_buffer(c, bytes(data), C.size_t(len(data)), C.ANNOY_LOAD_COPY, &e)
		return check(status, &e)
	})
}

// ToBytes gives the bytes that Save writes.
func (index *Index) ToBytes() (data []byte, err error) {
	err = index.read(func(c *C.annoy_index) error {
		var e C.annoy_error
		var n C.size_t
		status := C.annoy_save_to_buffer(c, nil, 0, &n, nil, &e)
		if status != C.ANNOY_ERR_TOO_SMALL {
			return check(status, &e)
		}
		room := make([]byte, n)
		if err := check(C.annoy_save_to_buffer(c, bytes(room), n, &n, nil, &e), &e); err != nil {
			return err
		}
		data = room
		return nil
	})
	return data, err
}

// MarshalBinary is ToBytes. With UnmarshalBinary it lets an index go through
// encoding/gob and its like.
func (index *Index) MarshalBinary() ([]byte, error) { return index.ToBytes() }

// UnmarshalBinary replaces the Index by what FromBytes gives. The Index may be a zero one or
// closed. No other call may use it at the same time.
func (index *Index) UnmarshalBinary(data []byte) error {
	opened, err := FromBytes(data)
	if err != nil {
		return err
	}
	index.Close()
	index.mu.Lock()
	defer index.mu.Unlock()
	opened.keepWhenUnreachable()
	index.handle = opened.handle
	index.f, index.metric, index.scalar, index.idBits = opened.f, opened.metric, opened.scalar, opened.idBits
	index.freeWhenUnreachable()
	return nil
}
