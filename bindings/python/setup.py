"""Builds the library with cargo, and around it the extension module."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # setuptools before 70.1
    from wheel.bdist_wheel import bdist_wheel

ROOT = Path(__file__).resolve().parents[2]


class build_with_cargo(build_ext):
    def run(self) -> None:
        target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
        cargo = [os.environ.get("CARGO", "cargo"), "build", "--release", "--locked", "--lib"]
        where = ["--manifest-path", str(ROOT / "Cargo.toml"), "--target-dir", str(target)]
        print("building the library with cargo, which takes some minutes", flush=True)
        try:
            subprocess.run([*cargo, *where], check=True)
        except FileNotFoundError:
            raise SystemExit(
                f"{cargo[0]} was not found: the library is built by Rust 1.89 or later (rustup, or CARGO=path of its cargo)"
            ) from None
        except subprocess.CalledProcessError as failed:
            raise SystemExit(f"cargo did not build the library (exit code {failed.returncode}); it takes Rust 1.89 or later") from None
        library = target / "release" / "libannoy_rs.a"
        for extension in self.extensions:
            extension.extra_objects.append(str(library))
            extension.libraries.extend(["pthread", "m", *(["dl"] if sys.platform == "linux" else [])])
            # Linked anew when either has changed.
            extension.depends.extend([str(library), str(ROOT / "include" / "annoy.h"), "native/guarded.h", "native/views.h"])
        super().run()


class one_wheel_per_platform(bdist_wheel):
    def finalize_options(self) -> None:
        self.py_limited_api = "cp39"
        super().finalize_options()


setup(
    cffi_modules=["native/build_native.py:ffi"],
    cmdclass={"build_ext": build_with_cargo, "bdist_wheel": one_wheel_per_platform},
)
