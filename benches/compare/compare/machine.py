"""What a run must tell about where it was made."""

from __future__ import annotations

import importlib.metadata
import os
import pathlib
import platform
import re

from .native import ANNOY_FLAGS, ROOT, ProgramError, run


def installed(packages: list[str]) -> dict[str, str]:
    """Versions of those that are installed here."""
    versions = {}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pass
    return versions


def _first_line(*command: str) -> str:
    try:
        return run(list(command)).splitlines()[0]
    except (ProgramError, IndexError):
        return "-"


def _processor() -> str:
    match = re.search(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return match[1] if match else platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def facts(cpu: int, second_cpu: int | None, versions: dict[str, str]) -> dict[str, str]:
    ours = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    commit = _first_line("git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=10")
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB",
        "cores used": f"{cpu}" + (f"; builds with 2 threads: {cpu} and {second_cpu}" if second_cpu is not None else ""),
        "system": f"{platform.system()} {platform.release()}",
        "annoy_rs": f"{ours}, commit {commit}",
        "compilers": f"{_first_line('c++', '--version')}; {_first_line('rustc', '--version')}",
        "flags of Annoy": " ".join(ANNOY_FLAGS),
        "peers": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "Python": platform.python_version(),
    }
