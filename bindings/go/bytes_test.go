package annoy_test

import (
	"bytes"
	"encoding/gob"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	annoy "annoy_rs/bindings/go"
)

func TestBytes(t *testing.T) {
	index := built(t, 300, 8, annoy.Euclidean)
	must(t, index.SetLabel(7, "seven"))
	must(t, index.RemoveItem(9))
	must(t, index.SetMetadata([]byte("about it")))
	path := filepath.Join(t.TempDir(), "x.ann")
	must(t, index.Save(ctx, path))
	file, err := os.ReadFile(path)
	must(t, err)
	data, err := index.ToBytes()
	must(t, err)
	if !bytes.Equal(data, file) {
		t.Fatal("not the bytes of the file")
	}

	opened, err := annoy.FromBytes(data)
	must(t, err)
	defer opened.Close()
	loaded, err := annoy.New(8, annoy.Euclidean)
	must(t, err)
	defer loaded.Close()
	must(t, loaded.LoadBytes(data))
	var stream bytes.Buffer
	must(t, gob.NewEncoder(&stream).Encode(index))
	var decoded *annoy.Index
	must(t, gob.NewDecoder(&stream).Decode(&decoded))
	defer decoded.Close()
	reused := built(t, 5, 3, annoy.Dot)
	must(t, reused.UnmarshalBinary(data))
	var closed annoy.Index
	must(t, closed.UnmarshalBinary(data))
	must(t, closed.Close())
	must(t, closed.UnmarshalBinary(data))
	defer closed.Close()
	for i := range data {
		data[i] = 0xff // they were copied
	}
	want, err := index.SearchItem(ctx, 1, 10)
	must(t, err)
	for _, other := range []*annoy.Index{opened, loaded, decoded, reused, &closed} {
		found, err := other.SearchItem(ctx, 1, 10)
		must(t, err)
		id, err := other.FindLabel("seven")
		must(t, err)
		metadata, err := other.Metadata()
		must(t, err)
		if !reflect.DeepEqual(found, want) || id != 7 || string(metadata) != "about it" || !other.IsRemoved(9) {
			t.Fatalf("%v, expected %v; label of %d, metadata %q", found, want, id, metadata)
		}
		if other.F() != 8 || other.Metric() != annoy.Euclidean || other.NItems() != 300 {
			t.Fatalf("%d, %v, %d", other.F(), other.Metric(), other.NItems())
		}
	}
}

func TestBytesThatWillNotDo(t *testing.T) {
	index := built(t, 300, 8, annoy.Euclidean)
	data, err := index.MarshalBinary()
	must(t, err)
	for _, bad := range [][]byte{nil, {}, []byte("no index"), data[:len(data)-1]} {
		_, err := annoy.FromBytes(bad)
		fails(t, err, annoy.ErrFormat, "the buffer is not a")
		fails(t, index.LoadBytes(bad), annoy.ErrFormat, "the buffer is not a euclidean index of f = 8")
		fails(t, index.UnmarshalBinary(bad), annoy.ErrFormat, "the buffer is not a")
	}
	if index.NTrees() != 10 {
		t.Fatal("it is not what it was")
	}
	must(t, index.Unbuild())
	_, err = index.MarshalBinary()
	fails(t, err, annoy.ErrState, "not built")
	index.Close()
	_, err = index.MarshalBinary()
	fails(t, err, annoy.ErrClosed, "")
	fails(t, index.LoadBytes(data), annoy.ErrClosed, "")
	fails(t, index.Thaw(), annoy.ErrClosed, "")
}

func TestThaw(t *testing.T) {
	fresh, err := annoy.New(8, annoy.Dot)
	must(t, err)
	defer fresh.Close()
	rows := random(301, 8)
	must(t, fresh.AddItems(ctx, nil, rows))
	must(t, fresh.Build(ctx, 4))
	want, err := fresh.MarshalBinary()
	must(t, err)

	first := built(t, 300, 8, annoy.Dot)
	data, err := first.MarshalBinary()
	must(t, err)
	index, err := annoy.FromBytes(data)
	must(t, err)
	defer index.Close()
	fails(t, index.AddItem(300, rows[300*8:]), annoy.ErrState, "the index is loaded")
	must(t, index.Thaw())
	must(t, index.AddItem(300, rows[300*8:]))
	must(t, index.Build(ctx, 4))
	found, err := index.MarshalBinary()
	must(t, err)
	if !bytes.Equal(found, want) {
		t.Fatal("not as if it had never been built")
	}
	must(t, index.Thaw())
	must(t, index.Thaw())
	if index.NTrees() != 0 || index.NItems() != 301 {
		t.Fatal(index.NTrees(), index.NItems())
	}
}
