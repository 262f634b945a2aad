"""Fake tensors on the device, real ones on the host; every wait of the host is kept with the place that asked for it.

A :class:`FakeDevice` runs what is on the host as ever. What touches the device runs without data, by torch's own
FakeTensorMode, which knows shapes and types and refuses tensors of two devices in one operation. What a real device
would send to the host arrives as ones. It needs the library of :mod:`fake_cuda.library`.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.optim import optimizer
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter, tree_map_only

CUDA = torch.device("cuda", 0)
HERE = Path(__file__).resolve()
REPOSITORY = HERE.parents[2]
aten = torch.ops.aten


@dataclass(frozen=True, slots=True)
class Wait:
    """The host waited for the device: why, and the function of ours that made it wait, with file and line."""

    why: str
    function: str
    place: str


class Refused(RuntimeError):
    """An operation that a training on a device must not hold, or that a device refuses itself."""


class FakeDevice(TorchDispatchMode):
    """Inside, ``cuda:0`` is fake; ``waits`` grows by every wait of the host."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[Wait] = []
        self._fake = FakeTensorMode(allow_non_fake_inputs=True)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No, as nothing is compiled here; to skip it costs its import."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation on the host as it is, one on the device without data."""
        kwargs = kwargs or {}
        there = any(on_device(leaf) for leaf in tree_iter((args, kwargs)))
        if not there and not names_device(kwargs):
            return func(*args, **kwargs)
        if is_composite(func):
            with self:
                return func.decompose(*args, **kwargs)  # which in inference mode torch leaves to us
        check_generator(func, kwargs)
        if func in (aten.index.Tensor, aten.index_put.default, aten.index_put_.default):
            check_indices(func, *args)
        elif func is aten._local_scalar_dense.default:
            self.waited("a number is read")
            return torch.ones((), dtype=args[0].dtype).item()
        elif is_by_data(func):
            raise Refused(f"{func} waits for the device, as what it returns depends on the data")
        elif func is aten._to_copy.default and not there:
            self._sent(args[0], kwargs)
            args = (self._empty_like(args[0]),)
        elif func is aten.copy_.default and not (on_device(args[0]) and on_device(args[1])):
            return self._copied(func, types, args, kwargs)
        elif func is aten._fused_sgd_.default:
            return None  # in place, of tensors whose shapes are equal; torch has no form of it without data
        result = self._fake.dispatch(func, types, args, kwargs)
        if func is aten._to_copy.default and not on_device(result) and not kwargs.get("non_blocking"):
            self.waited("a tensor is read")
        return tree_map_only(FakeTensor, lambda tensor: come(tensor, kwargs), result)

    def _empty_like(self, tensor: torch.Tensor) -> torch.Tensor:
        """A tensor of the host on the device."""
        with self._fake:
            return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=CUDA)

    def _copied(self, func: Any, types: Any, args: Any, kwargs: Any) -> torch.Tensor:
        """Between host and device, into a tensor that is there."""
        target, source = args[:2]
        options = {"non_blocking": args[2]} if len(args) > 2 else kwargs
        if on_device(target):
            self._sent(source, options)
            return self._fake.dispatch(func, types, (target, self._empty_like(source), *args[2:]), kwargs)
        if not (options.get("non_blocking") and target.is_pinned()):
            self.waited("a tensor is read")
        return target.fill_(1)

    def _sent(self, tensor: torch.Tensor, options: Mapping[str, Any]) -> None:
        """From the host to the device."""
        if not options.get("non_blocking"):
            self.waited("a tensor is sent by a copy that blocks")
        elif not tensor.is_pinned():
            self.waited("a tensor is sent from memory that is not pinned")

    def waited(self, why: str) -> None:
        """Keep a wait of the host, with the place that asked for it."""
        function, place = asking()
        self.waits.append(Wait(why, function, place))


@contextmanager
def fake_device() -> Iterator[FakeDevice]:
    """A block in which ``cuda:0`` is fake."""
    library: Any = ctypes.CDLL(None)
    device = FakeDevice()
    on_wait = ctypes.CFUNCTYPE(None)(lambda: device.waited("the device is awaited"))
    library.fake_cuda_on_wait(on_wait)
    torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor(1, device="cuda") is made on the host and sent, visibly
    try:
        with device:
            yield device
    finally:
        torch._C._set_only_lift_cpu_tensors(False)
        library.fake_cuda_on_wait(None)


def on_device(value: Any) -> bool:
    """Whether it is a tensor on the fake device."""
    return isinstance(value, FakeTensor) and value.fake_device.type == "cuda"


def come(tensor: FakeTensor, options: Mapping[str, Any]) -> torch.Tensor:
    """What an operation returns: as it is if it is on the device, else as a tensor of ones on the host."""
    if on_device(tensor):
        return tensor
    return torch.ones(tensor.shape, dtype=tensor.dtype, pin_memory=bool(options.get("pin_memory")))


@cache
def is_composite(func: Any) -> bool:
    """Whether an operation is made of others."""
    composite = torch._C._dispatch_has_kernel_for_dispatch_key
    return func.namespace == "aten" and composite(func.name(), "CompositeImplicitAutograd")


@cache
def is_by_data(func: Any) -> bool:
    """Whether an operation waits because what it returns depends on the data: nonzero, bincount, equal, ..."""
    return not {torch.Tag.dynamic_output_shape, torch.Tag.data_dependent_output}.isdisjoint(func.tags)


def names_device(options: Mapping[str, Any]) -> bool:
    """Whether an operation is asked to return a tensor on the device."""
    return options.get("device") is not None and torch.device(options["device"]).type == "cuda"


def check_generator(func: Any, options: Mapping[str, Any]) -> None:
    """Refuse what a device refuses: to draw from a generator of the host.

    Raises:
        Refused: it is one.
    """
    generator = options.get("generator")
    if generator is not None and generator.device.type != "cuda":
        raise Refused(f"{func} draws on the device from a generator of the host")


def check_indices(func: Any, target: torch.Tensor, indices: Any, *values: Any) -> None:
    """Refuse indices that make the host wait: they are sent from it, or they are a mask, whose pixels are counted.

    Raises:
        Refused: one is on the host, or a mask. A mask that is filled with one number is none: nothing is counted.
    """
    for index in indices:
        if index is None:
            continue
        if not on_device(index):
            raise Refused(f"{func} takes an index from the host")
        if index.dtype in (torch.bool, torch.uint8) and not (values and values[0].numel() == 1):
            raise Refused(f"{func} takes a mask as an index, whose pixels are counted first")


def asking() -> tuple[str, str]:
    """The innermost function of this repository that is at work, and its file and line."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = Path(frame.f_code.co_filename)
        if ours(file):
            function = frame.f_code.co_qualname.partition(".<locals>")[0]
            return function, f"{file.relative_to(REPOSITORY)}:{frame.f_lineno}"
        frame = frame.f_back
    return "backward", "a thread of torch's own"


def ours(file: Path) -> bool:
    """Whether it is of this repository, and not this file."""
    return file.is_relative_to(REPOSITORY) and ".venv" not in file.parts and file != HERE


def tolist(tensor: torch.Tensor) -> Any:
    """All numbers in one reading, as of a tensor with data; FakeTensor's own reads them one by one."""
    return tensor.cpu().tolist()


def set_tensor(tensor: torch.Tensor, other: torch.Tensor) -> None:
    """Give a parameter what another holds, as modules do with real tensors when they are moved."""
    tensor.data = other.data


FakeTensor.tolist = tolist
torch.utils.swap_tensors = set_tensor
optimizer._foreach_supported_types.append(FakeTensor)  # so that optimisers go the way that they go on a device
