#!/usr/bin/env bash
# Writes the references of each language's API: api.sh PYTHON TO. PYTHON has annoy_rs and pdoc.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=$1
to=$(mkdir -p "$2" && cd "$2" && pwd)
target=${CARGO_TARGET_DIR:-target}

RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --lib --target-dir "$target/site"
cp -r "$target/site/doc" "$to/rust"

# It warns of each type that a checker alone looks at.
"$python" -m pdoc --output-directory "$to/python" annoy_rs 2> >(grep -v "^Warn: " >&2)

# Comments of the header are Doxygen's when they have a third slash.
doxygen - <<END >/dev/null
PROJECT_NAME = "annoy_rs for C and C++"
INPUT = include/annoy.h bindings/cpp/include/annoy.hpp bindings/cpp/include/annoy
EXCLUDE_PATTERNS = annoylib.h kissrandom.h mman.h
FILE_PATTERNS = *.h *.hpp
INPUT_FILTER = "sed -E 's#^( *)//( |\$)#\1///\2#'"
EXTRACT_ALL = YES
JAVADOC_AUTOBRIEF = YES
OUTPUT_DIRECTORY = $to
HTML_OUTPUT = c
GENERATE_LATEX = NO
QUIET = YES
HAVE_DOT = NO
WARNINGS = NO
END

mkdir -p "$to/go"
{
    echo '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
    echo '<title>annoy for Go</title><h1>annoy for Go</h1><pre>'
    (cd bindings/go && go doc -all .) | sed 's/&/\&amp;/g; s/</\&lt;/g'
    echo '</pre></html>'
} >"$to/go/index.html"

rdoc --quiet --output "$to/ruby" --root bindings/ruby --main README.md bindings/ruby/README.md bindings/ruby/lib
# Fonts are links of Debian's into packages that need not be there.
find "$to/ruby" -xtype l -delete
