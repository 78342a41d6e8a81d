package annoy

// #include "shim.h"
import "C"

// LabelKind says what the labels of an index are.
type LabelKind int32

// The kinds. One index has labels of one kind.
const (
	NoLabels     LabelKind = C.ANNOY_LABELS_NONE
	NumberLabels LabelKind = C.ANNOY_LABELS_U64
	StringLabels LabelKind = C.ANNOY_LABELS_UTF8
)

// SetLabel gives an item a string as its label, in place of the one it had. No two items have the
// same. Labels are saved with the index.
func (index *Index) SetLabel(id int64, label string) error {
	return index.setLabels([]int64{id}, stringLabels([]string{label}))
}

// SetLabelNumber gives an item a number as its label, as SetLabel.
func (index *Index) SetLabelNumber(id int64, label uint64) error {
	return index.setLabels([]int64{id}, numberLabels([]uint64{label}))
}

// SetLabels gives strings as labels to many items, all or none: labels[i] to item ids[i], or, where
// ids is nil, to item i. Items may swap labels.
func (index *Index) SetLabels(ids []int64, labels []string) error {
	return index.setLabels(ids, stringLabels(labels))
}

// SetLabelNumbers gives numbers as labels to many items, as SetLabels.
func (index *Index) SetLabelNumbers(ids []int64, labels []uint64) error {
	return index.setLabels(ids, numberLabels(labels))
}

func (index *Index) setLabels(ids []int64, l labelList) error {
	if err := sameLength(ids, int(l.n)); err != nil {
		return err
	}
	return index.write(func(c *C.annoy_index) error {
		var e C.annoy_error
		return check(C.annoy_go_set_labels(c, int64s(ids), l.kind, l.n, l.numbers, l.text, l.offsets, &e), &e)
	})
}

// labelList is labels as C takes them: numbers, or strings one behind the other. The zero value is
// none, which takes labels away.
type labelList struct {
	kind    C.annoy_label_kind
	n       C.size_t
	numbers *C.uint64_t
	text    *C.uint8_t
	offsets *C.size_t
}

func stringLabels(labels []string) labelList {
	offsets := make([]C.size_t, len(labels)+1)
	var text []byte
	for i, label := range labels {
		text = append(text, label...)
		offsets[i+1] = C.size_t(len(text))
	}
	return labelList{
		kind: C.ANNOY_LABELS_UTF8, n: C.size_t(len(labels)), text: elements(text), offsets: &offsets[0],
	}
}

func numberLabels(labels []uint64) labelList {
	return labelList{kind: C.ANNOY_LABELS_U64, n: C.size_t(len(labels)), numbers: uint64s(labels)}
}

func sameLength(ids []int64, labels int) error {
	if ids != nil && len(ids) != labels {
		return refused(ErrArgument, "there are %d ids for %d labels", len(ids), labels)
	}
	return nil
}

// ClearLabel takes an item's label away; nothing happens when it has none.
func (index *Index) ClearLabel(id int64) error {
	return index.setLabels([]int64{id}, labelList{n: 1})
}

// ClearLabels takes all labels away; those to come may be of the other kind.
func (index *Index) ClearLabels() error {
	return index.setLabels(nil, labelList{})
}

// LabelKind is what the labels are.
func (index *Index) LabelKind() (kind LabelKind) {
	index.read(func(c *C.annoy_index) error {
		kind = LabelKind(C.annoy_get_fact(c, C.ANNOY_FACT_LABEL_KIND))
		return nil
	})
	return kind
}

// NLabels is how many items have labels.
func (index *Index) NLabels() (n int) {
	index.read(func(c *C.annoy_index) error { n = int(C.annoy_get_fact(c, C.ANNOY_FACT_N_LABELS)); return nil })
	return n
}

// Label gives an item's label. One that has none is an ErrLabel.
func (index *Index) Label(id int64) (label string, err error) {
	item := C.int64_t(id)
	err = index.read(func(c *C.annoy_index) error {
		text, err := inRoom(64, func(text *C.char, room C.size_t, length *C.size_t, e *C.annoy_error) C.annoy_status {
			return C.annoy_get_labels(c, &item, 1, text, room, nil, length, e)
		})
		label = string(text)
		return err
	})
	return label, err
}

// inRoom gives what a call writes to room for so many bytes, or for as many as it says it takes.
func inRoom(room C.size_t, call func(text *C.char, room C.size_t, length *C.size_t, e *C.annoy_error) C.annoy_status) ([]byte, error) {
	for {
		var e C.annoy_error
		var length C.size_t
		text := make([]byte, room)
		status := call((*C.char)(bytes(text)), room, &length, &e)
		if status != C.ANNOY_ERR_TOO_SMALL {
			return text[:length], check(status, &e)
		}
		room = length
	}
}

// LabelNumber gives an item's label, as Label.
func (index *Index) LabelNumber(id int64) (uint64, error) {
	item, label := C.int64_t(id), C.uint64_t(0)
	err := index.read(func(c *C.annoy_index) error {
		var e C.annoy_error
		return check(C.annoy_get_labels_u64(c, &item, 1, &label, nil, &e), &e)
	})
	return uint64(label), err
}

// Labels gives the labels of many items, such as a search found. An item without a label, and the
// id -1, give otherwise.
func (index *Index) Labels(ids []int64, otherwise string) (labels []string, err error) {
	if len(ids) == 0 {
		return nil, index.read(func(*C.annoy_index) error { return nil })
	}
	err = index.read(func(c *C.annoy_index) error {
		n := C.size_t(len(ids))
		lengths := make([]int64, n)
		text, err := inRoom(32*n, func(text *C.char, room C.size_t, length *C.size_t, e *C.annoy_error) C.annoy_status {
			return C.annoy_get_labels(c, int64s(ids), n, text, room, int64s(lengths), length, e)
		})
		if err != nil {
			return err
		}
		labels = make([]string, n)
		for i, length := range lengths {
			labels[i] = otherwise
			if length >= 0 {
				labels[i], text = string(text[:length]), text[length:]
			}
		}
		return nil
	})
	return labels, err
}

// LabelNumbers gives the labels of many items, as Labels.
func (index *Index) LabelNumbers(ids []int64, otherwise uint64) ([]uint64, error) {
	labels, found := make([]uint64, len(ids)), make([]byte, len(ids))
	err := index.read(func(c *C.annoy_index) error {
		var e C.annoy_error
		n := C.size_t(len(ids))
		return check(C.annoy_get_labels_u64(c, int64s(ids), n, uint64s(labels), elements(found), &e), &e)
	})
	if err != nil {
		return nil, err
	}
	for i := range labels {
		if found[i] == 0 {
			labels[i] = otherwise
		}
	}
	return labels, nil
}

// FindLabel gives the item with a label. When there is none it is an ErrLabel.
func (index *Index) FindLabel(label string) (int64, error) {
	var item C.int64_t
	err := index.read(func(c *C.annoy_index) error {
		var e C.annoy_error
		text := []byte(label)
		return check(C.annoy_find_label(c, (*C.char)(bytes(text)), C.size_t(len(text)), &item, &e), &e)
	})
	return int64(item), err
}

// FindLabelNumber gives the item with a label, as FindLabel.
func (index *Index) FindLabelNumber(label uint64) (int64, error) {
	var item C.int64_t
	err := index.read(func(c *C.annoy_index) error {
		var e C.annoy_error
		return check(C.annoy_find_label_u64(c, C.uint64_t(label), &item, &e), &e)
	})
	return int64(item), err
}
