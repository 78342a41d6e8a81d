package annoy_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	annoy "annoy_rs/bindings/go"
)

// The cases of tests/conformance, which every binding runs.
const conformance = "../../tests/conformance"

type conformanceCase struct {
	Name  string
	Index struct {
		Metric, Scalar string
		IDBits         int `json:"id_bits"`
		F              int
	}
	Steps []map[string]any
}

var scalars = map[string]annoy.Scalar{
	"f32": annoy.Float32, "f64": annoy.Float64, "u64": annoy.Bits64, "u32": annoy.Bits32, "u8": annoy.Bits8,
}

func TestConformance(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(conformance, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", conformance, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var cases []conformanceCase
		decoder := json.NewDecoder(strings.NewReader(string(text)))
		decoder.UseNumber() // ids have more bits than a float64
		if err := decoder.Decode(&cases); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, c := range cases {
			name := fmt.Sprintf("%s/%d/%s", strings.TrimSuffix(filepath.Base(file), ".json"), c.Index.IDBits, c.Name)
			t.Run(name, func(t *testing.T) { runCase(t, c) })
		}
	}
}

func runCase(t *testing.T, c conformanceCase) {
	metric, err := annoy.ParseMetric(c.Index.Metric)
	if err != nil {
		t.Fatal(err)
	}
	index, err := annoy.New(c.Index.F, metric, annoy.WithScalar(scalars[c.Index.Scalar]), annoy.WithIDBits(c.Index.IDBits))
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{t: t, index: index, directory: t.TempDir(), double: c.Index.Scalar == "f64"}
	defer func() { r.index.Close() }()
	for i, step := range c.Steps {
		r.step = step
		found, err := r.run()
		if want, ok := step["error"]; ok {
			var e *annoy.Error
			if !errors.As(err, &e) || e.Code.Error() != want {
				t.Fatalf("step %d, %v: %v, expected %v", i, step["call"], err, want)
			}
			continue
		}
		if err != nil {
			t.Fatalf("step %d, %v: %v", i, step["call"], err)
		}
		if want, ok := step["expect"]; ok {
			// By way of JSON both have the same types, and numbers are those that were written.
			if got := throughJSON(t, found); !reflect.DeepEqual(got, throughJSON(t, want)) {
				t.Fatalf("step %d, %v:\n%v\nexpected\n%v", i, step["call"], got, want)
			}
		}
	}
}

func throughJSON(t *testing.T, value any) (v any) {
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return plainNumbers(v)
}

// plainNumbers makes numbers float64, except integers that have more bits, such as labels.
func plainNumbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if n, err := strconv.ParseUint(v.String(), 10, 64); err == nil && n > 1<<53 {
			return n
		}
		return number(v)
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = plainNumbers(v[name])
		}
	}
	return value
}

// A runner takes the steps of a case.
type runner struct {
	t         *testing.T
	index     *annoy.Index
	directory string
	double    bool // vectors go through the calls for double
	step      map[string]any
}

type results map[string]any

func (r *runner) run() (any, error) {
	ctx, index := context.Background(), r.index
	switch call := r.step["call"]; call {
	case "set_seed":
		return nil, index.SetSeed(unsigned(r.step["seed"]))
	case "add_item":
		switch {
		case r.has("words"):
			return nil, index.AddItemBits(r.int("item"), r.words("words"))
		case r.double:
			return nil, index.AddItemFloat64(r.int("item"), r.floats("vector"))
		}
		return nil, index.AddItem(r.int("item"), singles(r.floats("vector")))
	case "insert_items":
		return nil, r.insertItems(ctx)
	case "thaw_built":
		return nil, index.ThawBuilt()
	case "consolidate":
		return nil, index.Consolidate(ctx)
	case "compact":
		return nil, index.Compact(ctx)
	case "add_items":
		ids := r.ids()
		switch {
		case r.has("word_rows"):
			return nil, index.AddItemsBits(ctx, ids, r.wordRows())
		case r.double:
			return nil, index.AddItemsFloat64(ctx, ids, r.rows())
		}
		return nil, index.AddItems(ctx, ids, singles(r.rows()))
	case "build":
		return nil, index.Build(ctx, int(r.int("n_trees")), annoy.NThreads(int(r.int("n_threads"))))
	case "unbuild":
		return nil, index.Unbuild()
	case "unload":
		return nil, index.Unload()
	case "on_disk_build":
		return nil, index.OnDiskBuild(r.file())
	case "save":
		if err := index.Save(ctx, r.file()); err != nil {
			return nil, err
		}
		bytes, err := os.ReadFile(r.file())
		sum := sha256.Sum256(bytes)
		return results{"sha256": hex.EncodeToString(sum[:])}, err
	case "load":
		return nil, index.Load(r.file())
	case "save_and_load":
		return nil, index.SaveAndLoad(ctx, r.file())
	case "open":
		opened, err := annoy.Open(r.file())
		if err == nil {
			index.Close()
			r.index = opened
		}
		return nil, err
	case "counts":
		scalar := ""
		for name, s := range scalars {
			if s == index.Scalar() {
				scalar = name
			}
		}
		return results{"n_items": index.NItems(), "n_trees": index.NTrees(), "f": index.F(),
			"metric": index.Metric().String(), "scalar": scalar, "id_bits": index.IDBits()}, nil
	case "set_metadata":
		return nil, index.SetMetadata([]byte(r.step["text"].(string)))
	case "get_metadata":
		text, err := index.Metadata()
		return results{"text": string(text)}, err
	case "verify":
		faults, total, err := index.Verify(ctx, 10)
		if err == nil && (total != 0 || len(faults) != 0) {
			r.t.Fatalf("verify: no error, but %d faults: %v", total, faults)
		}
		return nil, err
	case "get_item":
		return r.getItem()
	case "get_distance":
		distance, err := index.Distance(r.int("i"), r.int("j"))
		return results{"distance": distance}, err
	case "get_nns_by_item", "get_nns_by_vector":
		return r.plain()
	case "search":
		return r.search(ctx)
	case "search_batch":
		return r.batch(ctx)
	default:
		return r.runLabels(ctx)
	}
}

func (r *runner) insertItems(ctx context.Context) error {
	var options []annoy.CallOption
	if r.has("replace") {
		options = append(options, annoy.Replace())
	}
	if r.has("labels") {
		texts, numbers := r.labels()
		if numbers != nil {
			options = append(options, annoy.LabelNumbers(numbers))
		} else {
			options = append(options, annoy.Labels(texts))
		}
	}
	switch {
	case r.has("word_rows"):
		return r.index.InsertItemsBits(ctx, r.ids(), r.wordRows(), options...)
	case r.double:
		return r.index.InsertItemsFloat64(ctx, r.ids(), r.rows(), options...)
	}
	return r.index.InsertItems(ctx, r.ids(), singles(r.rows()), options...)
}

func (r *runner) getItem() (any, error) {
	if r.step["as"] == "words" {
		words, err := r.index.ItemBits(r.int("item"))
		hex := []string{}
		for _, word := range words {
			hex = append(hex, fmt.Sprintf("%016x", word))
		}
		return results{"words": hex}, err
	}
	if r.double {
		vector, err := r.index.ItemFloat64(r.int("item"))
		return results{"vector": vector}, err
	}
	vector, err := r.index.Item(r.int("item"))
	return results{"vector": doubles(vector)}, err
}

func (r *runner) plain() (any, error) {
	ids, searchK := make([]int64, r.int("n")), r.int("search_k")
	floats, wide := make([]float32, len(ids)), make([]float64, len(ids))
	var n int
	var err error
	switch {
	case r.has("item") && r.double:
		n, err = r.index.SearchItemIntoFloat64(r.int("item"), searchK, ids, wide)
	case r.has("item"):
		n, err = r.index.SearchItemInto(r.int("item"), searchK, ids, floats)
	case r.has("words"):
		n, err = r.index.SearchIntoBits(r.words("words"), searchK, ids, floats)
	case r.double:
		n, err = r.index.SearchIntoFloat64(r.floats("vector"), searchK, ids, wide)
	default:
		n, err = r.index.SearchInto(singles(r.floats("vector")), searchK, ids, floats)
	}
	if !r.double {
		wide = doubles(floats)
	}
	return results{"ids": ids[:n], "distances": wide[:n]}, err
}

func (r *runner) search(ctx context.Context) (any, error) {
	n, options := int(r.int("n")), r.options()
	var neighbors []annoy.Neighbor
	var err error
	switch {
	case r.has("item"):
		neighbors, err = r.index.SearchItem(ctx, r.int("item"), n, options...)
	case r.has("words"):
		neighbors, err = r.index.SearchBits(ctx, r.words("words"), n, options...)
	case r.double:
		neighbors, err = r.index.SearchFloat64(ctx, r.floats("vector"), n, options...)
	default:
		neighbors, err = r.index.Search(ctx, singles(r.floats("vector")), n, options...)
	}
	ids, distances := []int64{}, []float64{}
	for _, neighbor := range neighbors {
		ids, distances = append(ids, neighbor.ID), append(distances, neighbor.Distance)
	}
	return results{"ids": ids, "distances": distances}, err
}

func (r *runner) batch(ctx context.Context) (any, error) {
	n, options := int(r.int("n")), r.options()
	if r.double && r.has("items") {
		batch, err := r.index.SearchItemsFloat64(ctx, r.ints("items"), n, options...)
		return unpack(batch, err)
	}
	if r.double {
		batch, err := r.index.SearchBatchFloat64(ctx, r.rows(), n, options...)
		return unpack(batch, err)
	}
	var batch *annoy.Batch[float32]
	var err error
	switch {
	case r.has("items"):
		batch, err = r.index.SearchItems(ctx, r.ints("items"), n, options...)
	case r.has("word_rows"):
		batch, err = r.index.SearchBatchBits(ctx, r.wordRows(), n, options...)
	default:
		batch, err = r.index.SearchBatch(ctx, singles(r.rows()), n, options...)
	}
	return unpack(batch, err)
}

func unpack[D float32 | float64](batch *annoy.Batch[D], err error) (any, error) {
	if err != nil {
		return nil, err
	}
	ids, distances := [][]int64{}, [][]float64{}
	for i := 0; i < batch.Len(); i++ {
		found, far := batch.Query(i)
		ids = append(ids, append([]int64{}, found...))
		distances = append(distances, doubles(far))
	}
	return results{"ids": ids, "distances": distances}, nil
}

func (r *runner) options() (options []annoy.CallOption) {
	for name, value := range r.step["options"].(map[string]any) {
		switch name {
		case "search_k":
			options = append(options, annoy.SearchK(integer(value)))
		case "max_distance":
			options = append(options, annoy.MaxDistance(number(value)))
		case "exclude":
			options = append(options, annoy.Exclude(integers(value)...))
		case "exclude_self":
			options = append(options, annoy.ExcludeSelf())
		case "exact":
			options = append(options, annoy.Exact())
		case "n_threads":
			options = append(options, annoy.NThreads(int(integer(value))))
		case "allow":
			options = append(options, annoy.Allow(bitmap(value.(string))))
		case "deny":
			options = append(options, annoy.Deny(bitmap(value.(string))))
		default:
			r.t.Fatalf("unknown option %s", name)
		}
	}
	return options
}

func bitmap(text string) annoy.Bitmap {
	bits := annoy.NewBitmap(len(text))
	for i := range text {
		if text[i] == '1' {
			bits.Set(int64(i))
		}
	}
	return bits
}

func (r *runner) has(name string) bool         { _, ok := r.step[name]; return ok }
func (r *runner) int(name string) int64        { return integer(r.step[name]) }
func (r *runner) ints(name string) []int64     { return integers(r.step[name]) }
func (r *runner) floats(name string) []float64 { return numbers(r.step[name]) }
func (r *runner) words(name string) []uint64   { return words(r.step[name]) }
func (r *runner) file() string                 { return filepath.Join(r.directory, r.step["file"].(string)) }

// ids gives those of a step, nil when it has none.
func (r *runner) ids() []int64 {
	if r.has("ids") {
		return r.ints("ids")
	}
	return nil
}

func (r *runner) rows() (rows []float64) {
	for _, row := range r.step["rows"].([]any) {
		rows = append(rows, numbers(row)...)
	}
	return rows
}

func (r *runner) wordRows() (rows []uint64) {
	for _, row := range r.step["word_rows"].([]any) {
		rows = append(rows, words(row)...)
	}
	return rows
}

func integer(value any) int64 {
	n, err := value.(json.Number).Int64()
	if err != nil {
		panic(err)
	}
	return n
}

func integers(value any) []int64 {
	list := []int64{}
	for _, v := range value.([]any) {
		list = append(list, integer(v))
	}
	return list
}

// number reads what JSON has no numbers for from strings, which ParseFloat knows.
func number(value any) float64 {
	n, err := strconv.ParseFloat(fmt.Sprint(value), 64)
	if err != nil {
		panic(err)
	}
	return n
}

func numbers(value any) []float64 {
	list := []float64{}
	for _, v := range value.([]any) {
		list = append(list, number(v))
	}
	return list
}

func words(value any) []uint64 {
	list := []uint64{}
	for _, v := range value.([]any) {
		word, err := strconv.ParseUint(v.(string), 16, 64)
		if err != nil {
			panic(err)
		}
		list = append(list, word)
	}
	return list
}

func singles(numbers []float64) []float32 {
	list := make([]float32, len(numbers))
	for i, n := range numbers {
		list[i] = float32(n)
	}
	return list
}

func doubles[D float32 | float64](numbers []D) []float64 {
	list := make([]float64, len(numbers))
	for i, n := range numbers {
		list[i] = float64(n)
	}
	return list
}
