"""NVIDIA GPUs: which are here, which of them torch can use, and why not the others. No torch is imported.

What is installed is told by NVML. What CUDA offers is told by its driver library, in a short process of its own: that
library alone knows what ``CUDA_VISIBLE_DEVICES``, in any spelling, MIG and a broken driver leave.
"""

from __future__ import annotations

import ctypes
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.words import plural, size_text

CONTEXT_BYTES = 10**9
"""What CUDA and its libraries take of a GPU beside what torch allocates; with less free, nothing can be computed."""
ANSWER_S = 60
"""Seconds that the driver has for its answer."""
LEAST_DRIVER: Mapping[int, str] = {12: "525", 13: "580"}
"""Major version of CUDA to the first driver that serves it (CUDA release notes)."""
LEAST_CAPABILITY: Mapping[int, tuple[int, int]] = {12: (5, 0), 13: (7, 5)}
"""Major version of CUDA to the lowest compute capability that it compiles for (CUDA release notes)."""
BF16_CAPABILITY = (8, 0)
"""The lowest compute capability with arithmetic in bf16."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU, or an instance of one (MIG), as CUDA offers it: ``number`` is that of torch, ``memory`` in bytes."""

    number: int
    name: str
    memory: int
    capability: tuple[int, int]
    uuid: str

    @property
    def device(self) -> str:
        """What torch and ``runtime.device`` call it."""
        return f"cuda:{self.number}"

    def __str__(self) -> str:
        return f"{self.device} ({self.name})"


@dataclass(frozen=True, slots=True)
class Gpus:
    """GPUs that torch can use, and a sentence for each reason why others cannot be used or not whole."""

    usable: tuple[Gpu, ...] = ()
    remarks: tuple[str, ...] = ()

    def of(self, device: str) -> Gpu | None:
        """The one called ``cuda:1``; ``cuda`` is the first."""
        if device == "cuda":
            return self.usable[0] if self.usable else None
        return next((gpu for gpu in self.usable if gpu.device == device), None)


def gpus() -> Gpus:
    """The GPUs of this machine, asked once for each ``CUDA_VISIBLE_DEVICES``."""
    return _gpus(os.environ.get("CUDA_VISIBLE_DEVICES"))


@cache
def _gpus(visible: str | None) -> Gpus:
    installed = installed_gpus()
    if not installed and not _has_driver():
        return Gpus()
    build = torch_build()
    driver = _asked_of_driver() if build.cuda and _has_driver() else None
    why = _why_none(installed, visible, build, driver)
    if why or driver is None:
        return Gpus(remarks=(why,) if why else ())
    least = LEAST_CAPABILITY.get(build.major, (0, 0))
    usable = tuple(gpu for gpu in driver.gpus if gpu.capability >= least)
    outdated = [gpu for gpu in driver.gpus if gpu.capability < least]
    shared = [gpu for gpu in usable if gpu.uuid.startswith("MIG-")]
    remarks = []
    if outdated:
        remarks.append(
            f"{_all(outdated)} cannot be used: compute capability {_dotted(outdated[0].capability)}, "
            f"torch {build.version} needs {_dotted(least)}"
        )
    if shared:
        remarks.append(f"{_all(shared)} is an instance of a GPU in MIG mode; CUDA shows a process no more than one")
    return Gpus(usable, tuple(remarks))


def _all(gpus: Sequence[Gpu]) -> str:
    return " and ".join(map(str, gpus))


def _why_none(installed: Sequence[str], visible: str | None, build: Build, driver: Driver | None) -> str | None:
    """Why torch can use no GPU, where one is installed; None where it may, or where none is."""
    here = f"{plural(len(installed), 'NVIDIA GPU')} ({', '.join(dict.fromkeys(installed))})"
    if build.cuda is None:
        if not installed or not build.version:
            return None
        return f"{here} cannot be used: torch {build.version} is built without CUDA; install a build with CUDA"
    if driver is None:
        lacks = "the driver does not answer" if _has_driver() else "the driver's CUDA library (libcuda.so.1) is missing"
        return f"{here} cannot be used: {lacks}; in a container set NVIDIA_DRIVER_CAPABILITIES=compute,utility"
    if driver.version and driver.version // 1000 < build.major:
        serves = f"{driver.version // 1000}.{driver.version % 1000 // 10}"
        least = LEAST_DRIVER.get(build.major)
        wanted = f"a driver of version {least} or later" if least else "a later driver"
        return (
            f"{here} cannot be used: the driver {nvidia_driver() or ''} serves CUDA {serves}, "
            f"torch {build.version} is built with CUDA {build.cuda}; install {wanted}"
        )
    if driver.gpus or not installed:
        return None
    if visible is not None:
        return (
            f"CUDA_VISIBLE_DEVICES={visible!r} hides {here}; unset it, or name each GPU once, by its number or by "
            "the UUID that 'nvidia-smi -L' prints"
        )
    if _has_mig():
        return f"{here} cannot be used: MIG is on and has no instance; make one with 'nvidia-smi mig', or turn MIG off"
    return f"{here} cannot be used: CUDA's driver does not start (error {driver.error}); 'nvidia-smi' may tell why"


@dataclass(frozen=True, slots=True)
class Build:
    """The installed torch: its version, and the CUDA that it is built with; empty and None where there is none."""

    version: str
    cuda: str | None

    @property
    def major(self) -> int:
        """Major version of its CUDA."""
        return int((self.cuda or "0").partition(".")[0])


@cache
def torch_build() -> Build:
    """What the installed torch says of itself, in a file beside it."""
    found = find_spec("torch")
    if found is None or found.origin is None:
        return Build("", None)
    try:
        said = runpy.run_path(str(Path(found.origin).with_name("version.py")))
    except OSError:
        return Build("", None)
    return Build(str(said.get("__version__", "")), said.get("cuda"))


@dataclass(frozen=True, slots=True)
class Driver:
    """What CUDA's driver library answered: the CUDA it serves (13020 is 13.2), its first error, its GPUs."""

    version: int
    error: int
    gpus: tuple[Gpu, ...]


def _asked_of_driver() -> Driver | None:
    """Ask in a process of its own; None where it does not answer."""
    asking = Path(__file__).with_name("cuda_driver.py")
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(asking)], capture_output=True, timeout=ANSWER_S, check=True
        )
        said = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    found = []
    for number, gpu in enumerate(said["gpus"]):
        found.append(Gpu(number, gpu["name"], gpu["memory"], tuple(gpu["capability"]), gpu["uuid"]))
    return Driver(said["version"], said["error"], tuple(found))


def _has_driver() -> bool:
    """Whether CUDA's driver library is here; loading it starts nothing."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def _dotted(capability: tuple[int, int]) -> str:
    return f"{capability[0]}.{capability[1]}"


def installed_gpus() -> list[str]:
    """Names of all GPUs that are installed, hidden ones too, in the driver's order."""
    count = ctypes.c_uint(0)
    counted = _asked_of_nvml(lambda nvml: nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)))
    return [_name_of(number) for number in range(count.value)] if counted else []


def _name_of(number: int) -> str:
    handle, name = ctypes.c_void_p(), ctypes.create_string_buffer(96)

    def ask(nvml: Any) -> int:
        failed: int = nvml.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(number), ctypes.byref(handle))
        return failed or int(nvml.nvmlDeviceGetName(handle, name, ctypes.c_uint(len(name))))

    return name.value.decode(errors="replace") if _asked_of_nvml(ask) else "GPU"


def free_memory(gpu: Gpu) -> int | None:
    """Bytes of a GPU that nobody holds now; None where the driver does not tell."""
    handle, memory = ctypes.c_void_p(), (ctypes.c_ulonglong * 3)()  # total, free, used

    def ask(nvml: Any) -> int:
        failed: int = nvml.nvmlDeviceGetHandleByUUID(gpu.uuid.encode(), ctypes.byref(handle))
        return failed or int(nvml.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory)))

    return int(memory[1]) if _asked_of_nvml(ask) else None


def is_full(gpu: Gpu) -> bool:
    """Whether a GPU is known to have too little memory left to compute in."""
    free = free_memory(gpu)
    return free is not None and free < CONTEXT_BYTES


def why_full(gpus: Sequence[Gpu]) -> str:
    """That no memory is left on GPUs that are full, in one sentence."""
    left = [f"{gpu} has {size_text(free_memory(gpu) or 0)} of {size_text(gpu.memory)} free" for gpu in gpus]
    return f"{', '.join(left)}; end the program that holds the rest, or wait for it"


def _has_mig() -> bool:
    """Whether a GPU is in MIG mode."""
    handle, now, later = ctypes.c_void_p(), ctypes.c_uint(0), ctypes.c_uint(0)

    def ask(nvml: Any) -> int:
        failed: int = nvml.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(0), ctypes.byref(handle))
        return failed or int(nvml.nvmlDeviceGetMigMode(handle, ctypes.byref(now), ctypes.byref(later)))

    return _asked_of_nvml(ask) and now.value == 1


def nvidia_driver() -> str | None:
    """Version of the NVIDIA driver; None where there is none."""
    text = ctypes.create_string_buffer(80)
    known = _asked_of_nvml(lambda nvml: nvml.nvmlSystemGetDriverVersion(text, ctypes.c_uint(len(text))))
    return text.value.decode() if known else None


def _asked_of_nvml(ask: Callable[[Any], int]) -> bool:
    """Ask NVIDIA's library (NVML) for something; whether it answered."""
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
        if nvml.nvmlInit_v2() != 0:
            return False
        answered = ask(nvml) == 0
        nvml.nvmlShutdown()
    except (OSError, AttributeError):
        return False
    return answered
