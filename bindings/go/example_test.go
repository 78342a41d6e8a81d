package annoy_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log"
	"math"
	"os"
	"strings"
	"testing"

	annoy "annoy_rs/bindings/go"
)

// Nearest words, among the 20,000 most frequent of English.
func Example() {
	words, vectors := readWords("../../examples/data")
	ctx := context.Background()
	index, err := annoy.New(50, annoy.Angular)
	check(err)
	defer index.Close()
	check(index.AddItems(ctx, nil, vectors))
	check(index.SetLabels(nil, words))
	check(index.Build(ctx, 10)) // trees, as Annoy has them
	check(index.BuildAuto(ctx)) // a graph or a scan over them, whichever is faster
	king, err := index.FindLabel("king")
	check(err)
	neighbors, err := index.SearchItem(ctx, king, 4, annoy.ExcludeSelf())
	check(err)
	for _, neighbor := range neighbors {
		fmt.Printf("%.3f %s\n", neighbor.Distance, words[neighbor.ID]) // 0.594 prince, 0.657 queen, ...
	}
	// Output:
	// 0.594 prince
	// 0.657 queen
	// 0.671 ii
	// 0.673 emperor
}

// docs/languages.md has these lines.
func ExampleOpen() {
	ctx, vector, bitmap := context.Background(), []float32{1, 0.1, 0}, annoy.NewBitmap(3)
	index, err := annoy.Open("three.ann")
	check(err)
	neighbors, err := index.Search(ctx, vector, 10, annoy.SearchK(5000), annoy.Allow(bitmap))
	check(err)
	fmt.Println(neighbors)
}

// docs/living.md has these lines.
func ExampleIndex_InsertItems() {
	ctx := context.Background()
	index, err := annoy.New(2, annoy.Euclidean)
	check(err)
	defer index.Close()
	check(index.AddItems(ctx, nil, []float32{0, 0, 1, 0, 2, 0, 3, 0, 4, 0}))
	check(index.Build(ctx, 10))

	check(index.InsertItems(ctx, nil, []float32{5, 0, 6, 0}, annoy.Labels([]string{"five", "six"})))
	// Another vector for item 1; then no search finds item 0, nor is led through it.
	check(index.InsertItems(ctx, []int64{1}, []float32{7, 0}, annoy.Replace()))
	check(index.RemoveItem(0))
	check(index.Consolidate(ctx))
	near, err := index.Search(ctx, []float32{6.9, 0}, 3)
	check(err)
	for _, neighbor := range near {
		fmt.Println(neighbor.ID) // 1, 6, 5
	}
	// Output:
	// 1
	// 6
	// 5
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// readWords reads the words and their vectors of 50 numbers, which are 16-bit floats.
func readWords(directory string) ([]string, []float32) {
	text, err := os.ReadFile(directory + "/glove-20k-words.txt")
	check(err)
	halves, err := os.ReadFile(directory + "/glove-20k-50d.f16")
	check(err)
	vectors := make([]float32, len(halves)/2)
	for i := range vectors {
		half := binary.LittleEndian.Uint16(halves[2*i:])
		// Sign, exponent and fraction where a float32 has them; its exponents are
		// biased by 112 more.
		bits := uint32(half&0x8000)<<16 | uint32(half&0x7fff)<<13
		vectors[i] = math.Float32frombits(bits) * float32(math.Ldexp(1, 112))
	}
	return strings.Fields(string(text)), vectors
}

// The README shows the example as it is.
func TestReadme(t *testing.T) {
	source, err := os.ReadFile("example_test.go")
	must(t, err)
	readme, err := os.ReadFile("README.md")
	must(t, err)
	_, body, _ := strings.Cut(string(source), "func Example() {\n")
	body, _, found := strings.Cut(body, "\t// Output:")
	body = strings.ReplaceAll("\n"+body, "\n\t", "\n")
	if !found || !strings.Contains(string(readme), "```go"+body+"```\n") {
		t.Fatalf("README.md does not have%s", body)
	}
	for _, page := range []string{"../../docs/languages.md", "../../docs/living.md"} {
		text, err := os.ReadFile(page)
		must(t, err)
		_, block, _ := strings.Cut(string(text), "```go\n")
		block, _, found := strings.Cut(block, "```\n")
		block = strings.ReplaceAll(strings.TrimSuffix("\n"+block, "\n"), "\n", "\n\t")
		block = strings.ReplaceAll(block, "\n\t\n", "\n\n")
		if !found || !strings.Contains(string(source), block+"\n") {
			t.Fatalf("example_test.go does not have%s", block)
		}
	}
}
