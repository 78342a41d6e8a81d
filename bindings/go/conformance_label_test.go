package annoy_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	annoy "annoy_rs/bindings/go"
)

var labelKinds = map[annoy.LabelKind]string{annoy.NoLabels: "none", annoy.NumberLabels: "u64", annoy.StringLabels: "utf8"}

// runLabels takes the steps about labels, removed items and recall.
func (r *runner) runLabels(ctx context.Context) (any, error) {
	index := r.index
	switch call := r.step["call"]; call {
	case "set_label":
		if text, ok := r.step["label"].(string); ok {
			return nil, index.SetLabel(r.int("item"), text)
		}
		return nil, index.SetLabelNumber(r.int("item"), unsigned(r.step["label"]))
	case "set_labels":
		return nil, r.setLabels()
	case "clear_label":
		return nil, index.ClearLabel(r.int("item"))
	case "clear_labels":
		return nil, index.ClearLabels()
	case "get_labels":
		labels := []any{}
		for _, id := range r.ints("ids") {
			label, err := r.label(id)
			if err != nil && !errors.Is(err, annoy.ErrLabel) {
				return nil, err
			}
			labels = append(labels, label)
		}
		return results{"labels": labels}, nil
	case "find_label":
		if text, ok := r.step["label"].(string); ok {
			item, err := index.FindLabel(text)
			return results{"item": item}, err
		}
		item, err := index.FindLabelNumber(unsigned(r.step["label"]))
		return results{"item": item}, err
	case "label_counts":
		return results{"kind": labelKinds[index.LabelKind()], "n_labels": index.NLabels(), "n_removed": index.NRemoved()}, nil
	case "remove_item":
		return nil, index.RemoveItem(r.int("item"))
	case "restore_item":
		return nil, index.RestoreItem(r.int("item"))
	case "is_removed":
		return results{"removed": index.IsRemoved(r.int("item"))}, nil
	case "has_items":
		present := ""
		for _, id := range r.ints("items") {
			if index.HasItem(id) {
				present += "1"
			} else {
				present += "0"
			}
		}
		return results{"present": present}, nil
	case "get_ids":
		ids, err := index.IDs()
		return results{"ids": append([]int64{}, ids...)}, err
	case "estimate_recall":
		seed := unsigned(r.step["seed"])
		recall, err := index.EstimateRecall(ctx, int(r.int("n_sample")), int(r.int("n")), r.int("search_k"), seed)
		return results{"recall": recall}, err
	default:
		r.t.Fatalf("unknown step %v", call)
		return nil, nil
	}
}

func (r *runner) setLabels() error {
	texts, numbers := r.labels()
	if numbers != nil {
		return r.index.SetLabelNumbers(r.ids(), numbers)
	}
	return r.index.SetLabels(r.ids(), texts)
}

// labels gives those of a step, which are of one kind.
func (r *runner) labels() (texts []string, numbers []uint64) {
	for _, label := range r.step["labels"].([]any) {
		if text, ok := label.(string); ok {
			texts = append(texts, text)
		} else {
			numbers = append(numbers, unsigned(label))
		}
	}
	return texts, numbers
}

// label gives an item's label, nil when it has none.
func (r *runner) label(id int64) (any, error) {
	if r.index.LabelKind() == annoy.NumberLabels {
		number, err := r.index.LabelNumber(id)
		if err != nil {
			return nil, err
		}
		return number, nil
	}
	text, err := r.index.Label(id)
	if err != nil {
		return nil, err
	}
	return text, nil
}

func unsigned(value any) uint64 {
	n, err := strconv.ParseUint(value.(json.Number).String(), 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}
