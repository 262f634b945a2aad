"""NVIDIA's two driver libraries, made up: they report GPUs that environment variables describe, and compute nothing.

``FAKE_GPUS`` is how many there are, ``FAKE_NAME`` what they are called, ``FAKE_CAPABILITY`` (``90``) and ``FAKE_GB``
what each has, ``FAKE_FREE_MB`` what of it is free, ``FAKE_SERVES`` (``13000``) what the driver serves, ``FAKE_MIG``
whether MIG is on without an instance. ``CUDA_VISIBLE_DEVICES`` hides as CUDA documents it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("driver.c")
LIBRARIES = ("libcuda.so.1", "libnvidia-ml.so.1")


def built(folder: Path) -> Path:
    """Compile both libraries into a folder; the test is skipped where no compiler is."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler is here to make a driver library of")
    for library in LIBRARIES:
        subprocess.run([compiler, "-shared", "-fPIC", "-o", str(folder / library), str(SOURCE)], check=True)
    return folder


def described(libraries: Path, gpus: int, **said: object) -> dict[str, str]:
    """The environment of a process that sees so many GPUs; ``said`` are the variables above in small letters."""
    found = {f"FAKE_{name.upper()}": str(value) for name, value in said.items()}
    return {"LD_LIBRARY_PATH": str(libraries), "FAKE_GPUS": str(gpus), **found}


def environment(described: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process with that laid over it, and no GPU hidden unless it says so."""
    inherited = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    return {**inherited, **described}
