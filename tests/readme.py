#!/usr/bin/env python3
"""Compiles and runs the C and C++ of bindings/cpp/README.md and of docs. The other languages' own
tests run theirs.

    python3 tests/readme.py LIBRARY     the static library
"""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
STRICT = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-variable"]
COMPILERS = {"c": ["cc", "-std=c99"], "cpp": ["c++", "-std=c++17"]}

# What stands before and behind a block that is part of a program, by its first line;
# includes go to the top.
AROUND = {
    'annoy_open("three.ann"': (
        "#include <annoy.h>\nint main(void) { annoy_index *index = NULL; annoy_error error; annoy_kind kinds[16]; size_t n;\n"
        "annoy_info info;",
        "return annoy_get_n_items(index) != 3; }",
    ),
    "#include <annoy.hpp>\n\nannoy::index index": (
        "static int n_used, n_logged; static void use(long long, float) { n_used++; } static void log(const char*) { n_logged++; }\n"
        'int main() { const std::vector<float> flat_vector = {0, 1, 0, 1, 1, 0}; const char* path = "nowhere.ann";',
        "return n_used != 2 || n_logged != 1; }",
    ),
    '#include "annoylib.h"': ("#include <cstdio>\n#include <vector>\nint main() {", "return ids.size() != 1; }"),
}


def program(block: str) -> str:
    if "int main" in block:
        return block
    for start, (before, behind) in AROUND.items():
        if block.startswith(start):
            includes = "\n".join(re.findall(r"^#include .*$", block, flags=re.M))
            rest = re.sub(r"^#include .*$", "", block, flags=re.M)
            return f"{includes}\n{before}\n{rest}\n{behind}\n"
    raise SystemExit(f"tests/readme.py does not know how to run:\n{block}")


def main() -> int:
    library = str(pathlib.Path(sys.argv[1]).resolve())
    passed = failed = 0
    with tempfile.TemporaryDirectory() as directory:
        docs = sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md"))
        for readme in ("bindings/cpp/README.md", *docs):
            text = (ROOT / readme).read_text(encoding="utf-8")
            for language, block in re.findall(r"^```(c|cpp)\n(.*?)^```", text, flags=re.M | re.S):
                source = pathlib.Path(directory, f"app.{language}")
                source.write_text(program(block), encoding="utf-8")
                include = [f"-I{ROOT / 'include'}", f"-I{ROOT / 'bindings/cpp/include'}"]
                libraries = [library, "-lpthread", "-ldl", "-lm"]
                compile = [*COMPILERS[language], *STRICT, *include, str(source), "-o", f"{directory}/app", *libraries]
                done = subprocess.run(compile, capture_output=True, text=True)
                if done.returncode == 0:
                    done = subprocess.run([f"{directory}/app"], cwd=directory, capture_output=True, text=True)
                name = f"{readme}, {block.splitlines()[0]}"
                if done.returncode == 0:
                    passed += 1
                    print(f"ok    {name}")
                else:
                    failed += 1
                    print(f"FAIL  {name}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0 or passed == 0)


if __name__ == "__main__":
    sys.exit(main())
