//go:build !annoy_dynamic

package annoy_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const consumer = `package main

import (
	"context"
	"fmt"
	"os"

	annoy "annoy_rs/bindings/go"
	"annoy_rs/bindings/go/annoyindex"
)

func main() {
	index, err := annoy.New(2, annoy.Euclidean)
	if err == nil {
		err = index.AddItems(context.Background(), nil, []float32{0, 0, 1, 0, 5, 5})
	}
	if err == nil {
		err = index.Build(context.Background(), 3)
	}
	if err == nil {
		err = index.Save(context.Background(), os.Args[1])
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	old := annoyindex.NewAnnoyIndexEuclidean(2)
	old.Load(os.Args[1])
	var ids []int
	old.GetNnsByVector([]float32{4, 4}, 2, -1, &ids)
	fmt.Println(ids)
}
`

// Another module uses this one, by its directory or vendored, and the programs need neither to run.
// Both modules are copies in temporary directories, which are removed before the programs run.
func TestConsumer(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs that do not depend on the flags of this run; test.sh has one without -short")
	}
	module, app, run := filepath.Join(t.TempDir(), "annoy"), t.TempDir(), t.TempDir()
	must(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || strings.HasSuffix(path, "_test.go") {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(module, path), 0o700)
		}
		bytes, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(module, path), bytes, 0o600)
	}))
	goMod := "module consumer\n\ngo 1.19\n\nrequire annoy_rs/bindings/go v0.0.0\n\nreplace annoy_rs/bindings/go => " + module + "\n"
	must(t, os.WriteFile(filepath.Join(app, "go.mod"), []byte(goMod), 0o600))
	must(t, os.WriteFile(filepath.Join(app, "main.go"), []byte(consumer), 0o600))

	command := func(directory, name string, arguments ...string) string {
		t.Helper()
		command := exec.Command(name, arguments...)
		command.Dir = directory
		command.Env = append(os.Environ(), "GOFLAGS=", "GOPROXY=off")
		output, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, output)
		}
		return string(output)
	}
	replaced, vendored := filepath.Join(run, "replaced"), filepath.Join(run, "vendored")
	command(app, "go", "build", "-o", replaced)
	command(app, "go", "mod", "vendor")
	must(t, os.RemoveAll(module))
	command(app, "go", "build", "-mod=vendor", "-o", vendored)
	must(t, os.RemoveAll(app))
	for _, program := range []string{replaced, vendored} {
		if output := command(run, program, filepath.Join(run, "consumer.ann")); output != "[2 1]\n" {
			t.Fatalf("%s says %q", program, output)
		}
		if ldd, err := exec.LookPath("ldd"); err == nil {
			if needs := command(run, ldd, program); strings.Contains(needs, "annoy") {
				t.Fatalf("the program needs the library:\n%s", needs)
			}
		}
	}
}
