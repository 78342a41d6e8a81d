"""`python -m annoy_rs` says what is installed, for reports of bugs."""

from __future__ import annotations

import importlib.metadata
import platform

from . import __version__, kernel_name
from ._native import lib
from .errors import UnsupportedError

# Packages that are optional, and what needs them.
OPTIONAL = {"scikit-learn": "annoy_rs.sklearn", "matplotlib": "annoy_rs.plots", "annoy-rs-compat": "import annoy"}


def version(package: str) -> str:
    """The version of an installed package, or "-"."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "-"


def main() -> None:
    try:
        kernel = kernel_name()
    except UnsupportedError as error:
        kernel = f"- ({error})"
    lines = {
        "annoy_rs": __version__,
        "ABI": str(lib.annoy_abi_version()),
        "kernel": kernel,
        "Python": f"{platform.python_implementation()} {platform.python_version()}, {platform.platform()}",
        **{package: version(package) for package in ("cffi", "numpy")},
        **{package: f"{version(package)} ({use})" for package, use in OPTIONAL.items()},
    }
    for name, value in lines.items():
        print(f"{name:16} {value}")


if __name__ == "__main__":
    main()
