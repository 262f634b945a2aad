"""What a step must do at least: floating-point operations of its products, and bytes that its operations touch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Counts:
    """Floating-point operations of products and convolutions; bytes that all operations read and write."""

    operations: int
    bytes: int


def counts_of(work: Callable[[], object]) -> Counts:
    """Count what torch is asked to do, backward passes included; views touch nothing."""
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import FlopCounterMode

    class Touched(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch
        """Adds up the sizes of what goes in and out."""

        def __init__(self) -> None:
            super().__init__()  # type: ignore[no-untyped-call]  # torch
            self.bytes = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            if not func.is_view:
                self.bytes += sum(_bytes(tensor) for tensor in _tensors((args, result)))
            return result

    flops = FlopCounterMode(display=False)
    with Touched() as touched, flops:
        work()
    return Counts(flops.get_total_flops(), touched.bytes)


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _tensors(inner)


def _bytes(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()
