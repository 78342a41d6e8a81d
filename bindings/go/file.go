package annoy

// #include "shim.h"
import "C"

import "context"

// A LoadOption says how a file is loaded.
type LoadOption uint64

const (
	// Prefault reads the whole file in at once, instead of page by page as it is used.
	Prefault LoadOption = C.ANNOY_LOAD_PREFAULT
	// Copy copies the file to memory of the process instead of mapping it, so that it may be
	// shortened or rewritten.
	Copy LoadOption = C.ANNOY_LOAD_COPY
)

func loadFlags(opts []LoadOption) (flags C.uint64_t) {
	for _, option := range opts {
		flags |= C.uint64_t(option)
	}
	return flags
}

// Open opens a file that says what it is, as all files of this library do: metric, f and types are
// those of the file. The file is mapped. While it is, nobody may shorten it (the system would end
// the process) or rewrite it in place (answers may be wrong). Replacing it, as Save does, or
// removing it is fine. A directory of shards (see CommitShards) is opened as one index, which
// cannot be changed.
func Open(path string, opts ...LoadOption) (*Index, error) {
	var index *Index
	err := withPath(path, func(path *C.char) error {
		var c *C.annoy_index
		var e C.annoy_error
		if err := check(C.annoy_open(path, loadFlags(opts)|C.ANNOY_UNLOCKED, &c, &e), &e); err != nil {
			return err
		}
		index = wrap(c)
		return nil
	})
	return index, err
}

// Load maps a file, ours or Annoy's, in place of whatever the index holds: see Open. Its metric, f
// and types must be those of the index.
func (index *Index) Load(path string, opts ...LoadOption) error {
	return withPath(path, func(path *C.char) error {
		return index.write(func(c *C.annoy_index) error {
			var e C.annoy_error
			return check(C.annoy_load(c, path, loadFlags(opts), &e), &e)
		})
	})
}

// Save writes the index to a file, which Annoy 1.17 reads too. The file appears whole or not at
// all, and is durable when Save returns. It replaces an older file; who has that loaded keeps it.
// Save ends early when the context does, unless everything is written by then. Takes OnProgress.
func (index *Index) Save(ctx context.Context, path string, opts ...CallOption) error {
	if err := ended(ctx); err != nil {
		return err
	}
	var s settings
	if err := s.read(opts, progress); err != nil {
		return err
	}
	return withPath(path, func(path *C.char) error {
		return index.readUntil(ctx, func(c *C.annoy_index) error {
			return s.long(ctx, func(work *C.annoy_work) error {
				var e C.annoy_error
				return check(C.annoy_save_to(c, path, work, &e), &e)
			})
		})
	})
}

// SaveAndLoad saves, then loads the new file in place of what is in memory. It ends
// early as Save does.
func (index *Index) SaveAndLoad(ctx context.Context, path string, opts ...LoadOption) error {
	if err := ended(ctx); err != nil {
		return err
	}
	return withPath(path, func(path *C.char) error {
		return index.writeUntil(ctx, func(c *C.annoy_index) error {
			return new(settings).long(ctx, func(work *C.annoy_work) error {
				var e C.annoy_error
				return check(C.annoy_save_and_load(c, path, loadFlags(opts), work, &e), &e)
			})
		})
	})
}

// SetMetadata sets bytes of the caller that are saved with the index, at most 65,536. It replaces
// those set before.
func (index *Index) SetMetadata(metadata []byte) error {
	return index.write(func(c *C.annoy_index) error {
		var e C.annoy_error
		return check(C.annoy_set_metadata(c, bytes(metadata), C.size_t(len(metadata)), &e), &e)
	})
}

// Metadata gives a copy of the metadata.
func (index *Index) Metadata() ([]byte, error) {
	var metadata []byte
	err := index.read(func(c *C.annoy_index) error {
		var e C.annoy_error
		var length C.size_t
		status := C.annoy_get_metadata(c, nil, 0, &length, &e)
		if status == C.ANNOY_ERR_TOO_SMALL {
			metadata = make([]byte, length)
			status = C.annoy_get_metadata(c, bytes(metadata), length, &length, &e)
		}
		return check(status, &e)
	})
	return metadata, err
}

// A Kind is what a file may be.
type Kind struct {
	Metric Metric
	Scalar Scalar
	IDBits int
	F      int
	NItems int
	NTrees int
	Layout string // Annoy's version of it: "1.17", "1.16 (packed)" or "main"
}

// Probe finds out what a file may be: one kind if the file says so itself, otherwise every kind
// whose structure it has. Plain Annoy files often have several.
func Probe(path string) (kinds []Kind, err error) {
	err = withPath(path, func(path *C.char) error {
		var e C.annoy_error
		found, n := make([]C.annoy_kind, 16), C.size_t(0)
		if err := check(C.annoy_probe(path, &found[0], C.size_t(len(found)), &n, &e), &e); err != nil {
			return err
		}
		if int(n) > len(found) {
			found = make([]C.annoy_kind, n)
			if err := check(C.annoy_probe(path, &found[0], C.size_t(len(found)), &n, &e), &e); err != nil {
				return err
			}
		}
		if int(n) < len(found) {
			found = found[:n]
		}
		for i := range found {
			kind := &found[i]
			kinds = append(kinds, Kind{
				Metric: Metric(kind.metric), Scalar: Scalar(kind.scalar), IDBits: int(kind.id_bits), F: int(kind.f),
				NItems: int(kind.n_items), NTrees: int(kind.n_trees), Layout: C.GoString(&kind.layout[0]),
			})
		}
		return nil
	})
	return kinds, err
}
