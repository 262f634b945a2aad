"""What the machine and the installation are, so that a number can be made again."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.gpus import nvidia_driver
from bench.machine import processor_lines
from bench.stages.environment import operation_threads, workers
from bench.types import JsonValue

PACKAGES: Sequence[str] = (
    "defectbench",
    "torch",
    "torchvision",
    "timm",
    "segmentation-models-pytorch",
    "numpy",
    "numba",
    "opencv-python-headless",
    "pillow",
    "h5py",
)
"""Packages whose version may decide a number."""

CHECKOUT = Path(__file__).resolve().parents[2]
"""The folder that ``bench`` lies in; a Git checkout where it is installed for development."""


def provenance(asked: int = 1) -> dict[str, JsonValue]:
    """What a stage is made with, ``asked`` threads of an operation: see :class:`bench.record.Provenance`."""
    device = os.environ.get("BENCH_DEVICE", "cpu")
    commit = commit_of(CHECKOUT)
    return {
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": device_name(device),
        "threads": operation_threads(asked),
        "workers": workers(),
        "packages": {name: version_of(name) for name in PACKAGES},
        "driver": nvidia_driver() if device.startswith("cuda") else None,
        "cuda": cuda_version() if device.startswith("cuda") else None,
        "commit": commit,
        "commit_changed": None if commit is None else has_changes(CHECKOUT),
    }


def version_of(package: str) -> str:
    """Version of an installed package; ``absent`` where it is not here."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def device_name(device: str) -> str:
    """The own name of a worker's GPU, with what the run calls it, or that of the processor."""
    if device.startswith("cuda"):
        import torch

        return f"{torch.cuda.get_device_name(device)} ({os.environ.get('BENCH_DEVICE_NAME', device)})"
    return processor_lines().get("model name") or platform.processor() or platform.machine()


def cuda_version() -> str | None:
    """The CUDA that torch was built with."""
    import torch

    return torch.version.cuda


@cache  # the code of a process is that of its start
def commit_of(checkout: Path) -> str | None:
    """The Git commit that is checked out in a folder; None where the folder is no checkout."""
    if not (checkout / ".git").exists():
        return None
    return git(checkout, "rev-parse", "HEAD")


@cache
def has_changes(checkout: Path) -> bool | None:
    """Whether files that Git follows differ from the commit; None where Git does not say."""
    said = git(checkout, "status", "--porcelain", "--untracked-files=no")
    return None if said is None else said != ""


def git(checkout: Path, *arguments: str) -> str | None:
    """What Git says of a checkout; None where it fails or is not installed."""
    try:
        done = subprocess.run(
            ["git", "-C", str(checkout), *arguments], capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
