"""Writes the C code of the extension module `annoy_rs._native`, through cffi: all of annoy.h,
guarded.h and views.h, and the callbacks. Prints where Python.h is, for build.rs.

    python build_native.py _native.c [windows]     the system that the module is for, if another
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
from contextlib import redirect_stdout
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
HEADERS = [HERE.parents[2] / "include" / "annoy.h", HERE / "guarded.h", HERE / "views.h"]

# Functions of Python that the library calls. Rust calls the second.
CALLBACKS = """
extern "Python" int32_t python_filter(void *user, int64_t item);
extern "Python+C" void python_progress(void *user, uint64_t done, uint64_t total);
extern "Python" void python_log(void *user, int32_t level, const char *text);
"""


def declarations(header: Path) -> str:
    """What of a header cffi takes: all but the lines that are for a preprocessor or for C++."""
    lines = header.read_text(encoding="utf-8").splitlines()
    numbers = [line for line in lines if line.startswith("#define ") and len(line.split()) == 3]
    return "\n".join(line for line in lines if line in numbers or not line.startswith(("#", 'extern "C"', "}  // extern")))


# What Python's headers ask of a system, for the stable ABI. Python's own file for Windows comes
# with Python for Windows. (Without the third and fourth, data of Python's is taken for code.)
WINDOWS = """#define MS_WINDOWS
#define MS_WIN64
#define HAVE_DECLSPEC_DLL
#define Py_ENABLE_SHARED
#define SIZEOF_VOID_P 8
#define SIZEOF_SIZE_T 8
#define SIZEOF_LONG 4
#define SIZEOF_LONG_LONG 8
#define SIZEOF_WCHAR_T 2
"""


def headers(system: str, beside: Path) -> Path:
    """Where the headers are: those of this Python, made for Windows where this Python is not."""
    own = Path(sysconfig.get_path("include"))
    if system != "windows" or sys.platform == "win32":
        return own
    copy = beside.with_name("include")
    shutil.copytree(own, copy, dirs_exist_ok=True)
    (copy / "pyconfig.h").write_text(WINDOWS, encoding="utf-8")
    return copy


def main() -> None:
    ffi = FFI()
    ffi.cdef("\n".join(map(declarations, HEADERS)) + CALLBACKS)
    includes = "\n".join(f'#include "{header.name}"' for header in HEADERS)
    ffi.set_source("annoy_rs._native", includes, py_limited_api=True)
    with redirect_stdout(sys.stderr):
        ffi.emit_c_code(sys.argv[1])
    print(headers("".join(sys.argv[2:]), Path(sys.argv[1])))


if __name__ == "__main__":
    main()
