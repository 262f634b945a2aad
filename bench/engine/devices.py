"""Which devices a run computes on, and what must be said of those that it cannot use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.errors import SuiteError
from bench.gpus import BF16_CAPABILITY, Gpu, gpus, is_full, why_full
from bench.machine import emulates_bf16
from bench.suite.resolved import Suite
from bench.suite.schema import Runtime

CPU = "cpu"


def devices_of(runtime: Runtime) -> list[str]:
    """The device asked for, else every GPU that torch can use, else the processor."""
    if runtime.device == "cuda":
        first = gpus().of("cuda")
        return [first.device if first else "cuda"]
    if runtime.device:
        return [runtime.device]
    return [gpu.device for gpu in gpus().usable] or [CPU]


def gpus_of(runtime: Runtime) -> list[Gpu]:
    """The GPUs that a run computes on, as far as they are here."""
    return [gpu for device in devices_of(runtime) if (gpu := gpus().of(device)) is not None]


def device_remarks(runtime: Runtime) -> Iterator[str]:
    """Why GPUs that are here cannot be used, where no device was asked for."""
    if runtime.device is not None:
        return
    found = gpus()
    full = _all_full(found.usable)
    for remark in (*found.remarks, *([why_full(found.usable)] if full else [])):
        yield f"{remark} (the processor is used instead)" if full or not found.usable else remark


def no_bf16(runtime: Runtime) -> str | None:
    """Why a run should not compute in bf16 here, as a clause; None where it may."""
    if devices_of(runtime) == [CPU]:
        slow = "which this processor only emulates, 20 times slower than float32"
        return slow if emulates_bf16() else None
    without = [gpu for gpu in gpus_of(runtime) if gpu.capability < BF16_CAPABILITY]
    if not without:
        return None
    return f"which {' and '.join(map(str, without))} cannot compute in, compute capability 8.0 is the first that can"


def settled(runtime: Runtime) -> Runtime:
    """The run time as it can be here and now: on the processor where no GPU has memory left.

    Raises:
        SuiteError: the device that was asked for cannot be used.
    """
    if runtime.device is None:
        return runtime.model_copy(update={"device": CPU}) if _all_full(gpus().usable) else runtime
    why = _why_not(runtime)
    if why is not None:
        raise SuiteError([f"runtime.device: {runtime.device}: {why}"])
    return runtime


def refuse_graphs(suite: Suite) -> None:
    """Go on only where CUDA graphs can be made, if any cell asks for them.

    Raises:
        SuiteError: they are asked for and the run computes on a processor.
    """
    asked = any(cell.recipe.compile == "cudagraphs" for cell in suite.cells)
    if asked and devices_of(suite.runtime) == [CPU]:
        raise SuiteError(["recipe.compile: cudagraphs: a processor has no CUDA graphs; set recipe.compile: none"])


def _why_not(runtime: Runtime) -> str | None:
    """Why the device that was asked for cannot be used."""
    if runtime.device == CPU:
        return None
    (device,), found = devices_of(runtime), gpus()
    gpu = found.of(device)
    if gpu is not None:
        return why_full([gpu]) if is_full(gpu) else None
    if found.usable:
        return f"no such GPU can be used; write {' or '.join(gpu.device for gpu in found.usable)}, or leave it out"
    return "; ".join(found.remarks) or "no NVIDIA GPU is here; write cpu, or leave it out"


def _all_full(gpus: Sequence[Gpu]) -> bool:
    """Whether there are GPUs and none has memory left."""
    return bool(gpus) and all(is_full(gpu) for gpu in gpus)
