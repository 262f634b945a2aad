"""The device a worker computes on, and making it give the same numbers twice."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bench.errors import TrainingError
from bench.machine import why_no_device

if TYPE_CHECKING:
    import torch

UNSETTLED = r"(.+) does not have a deterministic implementation"
"""How torch begins its warning of an operation that may give other bits the next time."""


def choose_device(name: str | None) -> torch.device:
    """The device of that name; None is the first CUDA device, or the CPU where there is none.

    Raises:
        TrainingError: the name is no device, or this machine has none of that kind.
    """
    import torch

    if name is None:
        return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    why = why_no_device(name)
    if why:
        raise TrainingError(f"device: {why}")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise TrainingError(f"device {name!r} cannot be used ({reason}); set runtime.device to cpu or cuda") from error
    return device


def settle(threads: int | None = None) -> None:
    """Make this process deterministic and exact in float32. For a worker, once, before its first job.

    ``threads`` is the number of CPU threads of one operation; the same number gives the same bits.
    Global by nature, therefore never called by the library itself.
    """
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_deterministic_debug_mode("warn")  # its better known synonym also imports all of torch's compiler: 3 s
    # a guard for code that reads what it never wrote; it costs a pass over memory for every new tensor
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a property of a module
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False  # precision is a recipe field: float32 means float32
    torch.backends.cuda.matmul.allow_tf32 = False


@contextmanager
def unsettled() -> Iterator[dict[str, None]]:
    """Gather the names of operations that torch cannot compute the same way twice on their device, in order.

    They are what :func:`settle` lets pass. Other warnings are shown as ever.
    """
    operations: dict[str, None] = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("default", message=UNSETTLED)
        show = warnings.showwarning

        def told(message: Warning | str, *where: Any) -> None:
            said = re.match(UNSETTLED, str(message))
            if said:
                operations[said[1]] = None
            else:
                show(message, *where)

        warnings.showwarning = told  # type: ignore[assignment]  # it hands on whatever else it is given
        yield operations


def share_memory(device: torch.device, processes: int) -> None:
    """Take no more than an equal share of a GPU that so many processes compute on."""
    import torch

    if device.type == "cuda":
        torch.cuda.set_per_process_memory_fraction(1 / processes, device)


PROVEN = 72
"""Every number that the proof computes: 8 channels of 9 ones, forward and backward."""


def prove(device: torch.device) -> None:
    """Convolve on a device, forward and backward, and compare with the numbers that are known.

    Raises:
        TrainingError: it computes other numbers.
    """
    import torch

    images = torch.ones(2, 8, 16, 16, device=device, requires_grad=True)
    answers = torch.nn.functional.conv2d(images, torch.ones(8, 8, 3, 3, device=device))
    answers.sum().backward()  # type: ignore[no-untyped-call]  # torch
    assert images.grad is not None
    inner = images.grad[:, :, 2:-2, 2:-2]
    if not bool((answers == PROVEN).all()) or not bool((inner == PROVEN).all()):
        raise TrainingError("it computes wrong convolutions")


def synchronise(device: torch.device) -> None:
    """Wait until the device has done its work, so that a clock may be read."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
