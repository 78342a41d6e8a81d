package annoy

// #include "shim.h"
import "C"

import (
	"strings"
	"unsafe"
)

// A Shard is a file of a directory that is searched as one index.
type Shard struct {
	// File is its name in the directory, or the text of a manifest, whose shards are all taken over
	// on its word.
	File string
	// Partition is what its items have in common; if empty, it stays what it was.
	Partition string
	// Removed are ids within the shard that are removed from now on.
	Removed []int64
}

// Partial lets Open leave out the shards of a directory that are not there; without it they are an
// error. NMissing says how many they are.
const Partial LoadOption = C.ANNOY_OPEN_PARTIAL

// CommitShards makes these the shards of a directory, in this order, all or nothing, and gives the
// generation of the new manifest. They are files in it that Save wrote, of one metric, f, types and
// kind of labels, and must not change any more. Open opens the directory.
//
// Expected is the generation that is there, 0 for none: if another writer was first, the error is
// an ErrState. Manifests before the last keep are taken away, with the files that only those name;
// 0 keeps all.
func CommitShards(path string, shards []Shard, expected, keep uint64) (generation uint64, err error) {
	raw := (*C.annoy_shard)(C.calloc(C.size_t(len(shards)+1), C.sizeof_annoy_shard))
	if raw == nil {
		return 0, refused(ErrNoMemory, "no memory for %d shards", len(shards))
	}
	defer C.free(unsafe.Pointer(raw))
	rows := unsafe.Slice(raw, len(shards))
	for i, shard := range shards {
		if strings.Contains(shard.File+shard.Partition, "\x00") {
			return 0, refused(ErrArgument, "the shard %q has a NUL character in it", shard.File)
		}
		row := &rows[i]
		row.file = C.CString(shard.File)
		defer C.free(unsafe.Pointer(row.file))
		if shard.Partition != "" {
			row.partition = C.CString(shard.Partition)
			defer C.free(unsafe.Pointer(row.partition))
		}
		if n := len(shard.Removed); n > 0 {
			ids := C.CBytes(unsafe.Slice((*byte)(unsafe.Pointer(&shard.Removed[0])), 8*n))
			defer C.free(ids)
			row.removed, row.n_removed = (*C.int64_t)(ids), C.size_t(n)
		}
	}
	err = withPath(path, func(path *C.char) error {
		var e C.annoy_error
		var written C.uint64_t
		status := C.annoy_commit_shards(path, raw, C.size_t(len(shards)), C.uint64_t(expected), C.uint64_t(keep), &written, &e)
		generation = uint64(written)
		return check(status, &e)
	})
	return generation, err
}

// Refresh takes up the manifest that a directory of shards has now, while searches go on, and gives
// its generation. Ids stay where shards were only added behind those there were.
func (index *Index) Refresh() (uint64, error) {
	var generation C.uint64_t
	err := index.read(func(c *C.annoy_index) error {
		var e C.annoy_error
		return check(C.annoy_refresh(c, &generation, &e), &e)
	})
	return uint64(generation), err
}

func (index *Index) fact(which C.annoy_fact) (n int) {
	index.read(func(c *C.annoy_index) error { n = int(C.annoy_get_fact(c, which)); return nil })
	return n
}

// NShards is how many shards a directory has; 0 for an index of one file.
func (index *Index) NShards() int { return index.fact(C.ANNOY_FACT_N_SHARDS) }

// NMissing is how many of them are not there, and are not searched.
func (index *Index) NMissing() int { return index.fact(C.ANNOY_FACT_N_MISSING) }

// Generation is that of the manifest that is searched; 0 for an index of one file.
func (index *Index) Generation() uint64 { return uint64(index.fact(C.ANNOY_FACT_GENERATION)) }
