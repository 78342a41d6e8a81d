package annoy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	comments  = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)
	functions = regexp.MustCompile(`\b(annoy_[a-z0-9_]+)\(`)
	shims     = regexp.MustCompile(`static inline \w+ \*?(annoy_go_[a-z0-9_]+)\(`)
)

// What other functions do as well; lock closes an index, by annoy_free.
var shorter = map[string]bool{"annoy_new": true, "annoy_build": true, "annoy_save": true, "annoy_close": true}

// Every function of annoy.h is called, and every shim is.
func TestEveryFunctionIsUsed(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return comments.ReplaceAllString(string(text), "")
	}
	header := read("../../include/annoy.h")
	shim := read("shim.h")
	calls := ""
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			calls += read(file)
		}
	}
	calledByGo := func(name string) bool { return regexp.MustCompile(`\bC\.` + name + `\(`).MatchString(calls) }

	found := functions.FindAllStringSubmatch(header, -1)
	if len(found) < 60 {
		t.Fatalf("only %d functions found in annoy.h", len(found))
	}
	for _, match := range found {
		name := match[1]
		used := calledByGo(name) || regexp.MustCompile(`\b`+name+`\(`).MatchString(shim)
		if !used && !shorter[name] {
			t.Errorf("%s: used is %t", name, used)
		}
	}
	for _, match := range shims.FindAllStringSubmatch(shim, -1) {
		name := match[1]
		if !calledByGo(name) && strings.Count(shim, name+"(") < 2 {
			t.Errorf("%s of shim.h is not used", name)
		}
	}
}
