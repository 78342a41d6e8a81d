"""What a run must tell about where it was made."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import pathlib
import platform
import re
import sys

from .native import ANNOY_FLAGS, HERE, ROOT, ProgramError, run, say


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def install(packages: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Installs into this environment the versions that requirements.txt names. Returns what is
    there, and why the rest is not."""
    pinned = dict(line.split("==") for line in (HERE / "requirements.txt").read_text().splitlines() if "==" in line)
    versions, failures = {}, {}
    for package in packages:
        if _installed(package) != pinned[package]:
            say(f"install {package} {pinned[package]}")
            try:
                run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"{package}=={pinned[package]}"])
                importlib.invalidate_caches()
            except ProgramError as error:
                failures[package] = f"{package} {pinned[package]} could not be installed: {error.reason()}"
                continue
        versions[package] = pinned[package]
    return versions, failures


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
        "annoy_rs": "the library named by OURS_LIB" if "OURS_LIB" in os.environ else f"{ours}, commit {commit}",
        "compilers": f"{_first_line('c++', '--version')}; {_first_line('rustc', '--version')}",
        "flags of Annoy": " ".join(ANNOY_FLAGS),
        "peers": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "Python": platform.python_version(),
    }
