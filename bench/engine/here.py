"""Whether the work is done on this machine, and what can be said of it only then."""

from __future__ import annotations

from collections.abc import Iterator

from bench.engine.devices import device_remarks, no_bf16
from bench.suite.schema import LOCAL, Runtime


def is_here(runtime: Runtime) -> bool:
    """Whether it is done by the workers of this machine; of others neither devices nor memory nor time are known."""
    return runtime.launcher.use.rpartition(":")[2] == LOCAL


def remarks_here(runtime: Runtime) -> Iterator[str]:
    """Why GPUs of this machine cannot be used, where they would be."""
    if is_here(runtime):
        yield from device_remarks(runtime)


def slow_here(runtime: Runtime) -> str | None:
    """Why bf16 is slow on this machine, as a clause; None where it is not, or the work is elsewhere."""
    return no_bf16(runtime) if is_here(runtime) else None
