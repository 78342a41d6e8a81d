"""The extension module made by cffi: `ffi` handles pointers, `lib` holds the functions and
numbers of annoy.h."""

from typing import Any

ffi: Any
lib: Any
