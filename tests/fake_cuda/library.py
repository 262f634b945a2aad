"""The library that stands in for CUDA's runtime and driver, compiled where a compiler and CUDA's headers are."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("device.c")
HEADERS = ("driver_types.h", "crt/host_defines.h")
PACKAGES = {"nvidia": "cu*/include", "triton": "backends/nvidia/include"}
"""Packages that torch for CUDA brings along, and where in them headers lie; the first one's are of torch's version."""


def why_not() -> str | None:
    """Why the library cannot be made here, or None."""
    if not sys.platform.startswith("linux"):
        return "libraries are put in place of others by LD_PRELOAD, which is Linux's"
    if shutil.which("gcc") is None:
        return "no gcc on the path"
    missing = [header for header in HEADERS if not any((folder / header).is_file() for folder in include_folders())]
    if missing:
        return f"no header {missing[0]}, which comes with torch for CUDA"
    return None


def include_folders() -> list[Path]:
    """Folders of CUDA's headers among the installed packages."""
    folders: list[Path] = []
    for package, pattern in PACKAGES.items():
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations or []) if spec else []:
            folders += sorted(Path(place).glob(pattern))
    return folders


def compiled(folder: Path) -> Path:
    """The library in a folder, under the name by which torch looks for the driver's."""
    library = folder / "libcuda.so.1"
    includes = [f"-I{each}" for each in include_folders()]
    named = f"-Wl,-soname,{library.name}"
    subprocess.run(["gcc", "-shared", "-fPIC", *includes, named, "-o", library, SOURCE], check=True)
    return library
