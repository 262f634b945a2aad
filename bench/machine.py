"""What this machine is: system, processors and memory, and what it is slow at. No torch is asked."""

from __future__ import annotations

import os
import platform
import re
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.gpus import installed_gpus

NO_WINDOWS = (
    "bench does not run on Windows: its store needs the file locks of Linux or macOS; "
    "use it there, or in the Windows Subsystem for Linux (WSL)"
)
_MEMORY_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_DEVICE = re.compile(r"cpu|cuda(:[0-9]+)?")


def refuse_windows() -> None:
    """Go on only where the store can lock files.

    Raises:
        BenchError: this is Windows.
    """
    if sys.platform == "win32":
        raise BenchError(NO_WINDOWS)


def why_no_device(name: str) -> str | None:
    """Why ``name`` is no device that bench computes on; None where it may be one."""
    if _DEVICE.fullmatch(name):
        return None
    if name.partition(":")[0] == "mps":
        return f"Apple's GPU ({name}) is not supported; write cpu, or leave the device out"
    return f"{name!r} is no device; write cpu, cuda or the number of one GPU, such as cuda:1"


def processors() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes() -> int:
    """Memory that this process may use: that of the machine, or of its container (cgroup) where that is less."""
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = [installed]
    for file in _MEMORY_LIMITS:
        with suppress(OSError, ValueError):  # no such group, or "max"
            limits.append(int(Path(file).read_text(encoding="ascii")))
    return min(limits)


def machine_facts() -> dict[str, Any]:
    """What decides how fast this machine is: measurements hold where all of this is the same."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor_lines().get("model name") or platform.processor(),
        "processors": processors(),
        "memory_gb": round(memory_bytes() / 1e9),
        "gpus": installed_gpus(),
        "torch": _version_of("torch"),
    }


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def processor_lines() -> dict[str, str]:
    """What Linux tells of the first processor (``/proc/cpuinfo``), by name; nothing elsewhere."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0]
    except OSError:
        return {}
    pairs = [line.partition(":") for line in first.splitlines()]
    return {name.strip(): value.strip() for name, _, value in pairs}


def emulates_bf16() -> bool:
    """Whether this processor is known to compute in bf16 much slower than in float32.

    A convolution of 128 channels took 20 times as long on an EPYC with AVX2 alone (torch 2.14). oneDNN has fast bf16
    from AVX-512 on; of what is no x86, and of systems that do not tell, nothing is known.
    """
    flags = processor_lines().get("flags", "").split()
    return bool(flags) and not any(flag.startswith("avx512") for flag in flags)
