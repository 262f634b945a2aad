"""How crops come to the trainer: batch by batch, in the order it asks for, the same to the bit in every form.

On the CPU they are read from the mapped files. On a GPU they lie on the device where they fit in what is free, else
they are cut on the host into two pinned buffers, one batch ahead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from bench.crops.bank import Bank
from bench.crops.cuts import Cuts
from bench.crops.prepare import Format
from bench.crops.sampling import Int64
from bench.train.resident import ResidentBank, ResidentImages, resident_bytes
from bench.types import Image, Mask

if TYPE_CHECKING:
    import torch

RESIDENT_SHARE = 0.5
"""Share of a device's free memory that crops may take; the rest is for activations."""


class Crops(Protocol):
    """Crops of one size on the host, in a bank or cut from stored images."""

    def __len__(self) -> int: ...

    @property
    def size(self) -> int:
        """Side of a crop."""
        ...

    @property
    def format(self) -> Format:
        """Channels and pixel type."""
        ...

    def read(self, rows: Int64, image_out: Image, mask_out: Mask) -> None:
        """Copy crops ``int64[B]`` into ``[B, h, w, C]`` and ``uint8[B, h, w]``."""
        ...


class Delivery(Protocol):
    """Crops on their way to a device."""

    def __len__(self) -> int: ...

    def batches(self, rows: Iterable[Int64]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """For each ``int64[B]`` images ``uint8 or uint16 [B, h, w, C]`` and masks ``uint8[B, h, w]`` on the device."""
        ...


class Mapped:
    """On the CPU: a batch is read from the mapped files when it is asked for."""

    def __init__(self, crops: Crops) -> None:
        self._crops = crops

    def __len__(self) -> int:
        return len(self._crops)

    def batches(self, rows: Iterable[Int64]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """See :class:`Delivery`."""
        import torch

        for batch in rows:
            images, masks = empty_batch(self._crops, len(batch))
            self._crops.read(batch, images, masks)
            yield torch.from_numpy(images), torch.from_numpy(masks)


class Streamed:
    """To a GPU that cannot hold them: a thread reads the next batch into one of two buffers while one is at work."""

    def __init__(self, crops: Crops, device: torch.device) -> None:
        self._crops = crops
        self._device = device

    def __len__(self) -> int:
        return len(self._crops)

    def batches(self, rows: Iterable[Int64]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """See :class:`Delivery`."""
        buffers = [_Buffer(self._crops, self._device), _Buffer(self._crops, self._device)]
        with ThreadPoolExecutor(1) as thread:
            ahead: tuple[_Buffer, Future[None]] | None = None
            for number, batch in enumerate(rows):
                buffer = buffers[number % 2]
                reading = buffer, thread.submit(buffer.read, batch)
                if ahead is not None:
                    yield _sent(*ahead)
                ahead = reading
            if ahead is not None:
                yield _sent(*ahead)


class _Buffer:
    """Host memory for one batch, pinned for a GPU; it is filled again only when the device has its copy."""

    def __init__(self, crops: Crops, device: torch.device) -> None:
        self._crops = crops
        self._device = device
        self._tensors: tuple[torch.Tensor, ...] = ()
        self._count = 0
        self._copied: Any = None

    def read(self, rows: Int64) -> None:
        """Read crops into the buffer, which grows as needed."""
        import torch

        if self._copied is not None:
            self._copied.synchronize()
        self._count = len(rows)
        if not self._tensors or len(self._tensors[0]) < len(rows):
            made = [torch.from_numpy(array) for array in empty_batch(self._crops, len(rows))]
            self._tensors = tuple(each.pin_memory() for each in made) if self._device.type == "cuda" else tuple(made)
        images, masks = (tensor[: self._count].numpy() for tensor in self._tensors)
        self._crops.read(rows, images, masks)

    def send(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Start the copy to the device."""
        import torch

        images, masks = (tensor[: self._count] for tensor in self._tensors)
        images = images.to(self._device, non_blocking=True, copy=True)
        masks = masks.to(self._device, non_blocking=True, copy=True)
        if self._device.type == "cuda":
            self._copied = torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch
            self._copied.record(torch.cuda.current_stream(self._device))
        return images, masks


def _sent(buffer: _Buffer, reading: Future[None]) -> tuple[torch.Tensor, torch.Tensor]:
    """The batch of a buffer on the device, once it is read."""
    reading.result()
    return buffer.send()


def deliver(crops: Crops, device: torch.device) -> Delivery:
    """Crops in the fastest form that the device has room for now."""
    if device.type == "cpu":
        return Mapped(crops)
    room = RESIDENT_SHARE * free_bytes(device)
    if isinstance(crops, Bank) and resident_bytes(crops) <= room:
        return ResidentBank.of(crops, device)
    if isinstance(crops, Cuts) and resident_bytes(crops) <= room:
        return ResidentImages.of(crops, device)
    return Streamed(crops, device)


def free_bytes(device: torch.device) -> int:
    """Memory of a GPU that torch can still get, of the share that this process may take, with what it holds unused."""
    import torch

    free, whole = torch.cuda.mem_get_info(device)
    used = torch.cuda.memory_allocated(device)
    share = torch.cuda.get_per_process_memory_fraction(device)
    return min(free + torch.cuda.memory_reserved(device) - used, int(share * whole) - used)


def empty_batch(crops: Crops, count: int) -> tuple[Image, Mask]:
    """Arrays that ``count`` crops can be read into."""
    shape = count, crops.size, crops.size
    return np.empty((*shape, crops.format.channels), crops.format.dtype), np.empty(shape, np.uint8)


def in_order(crops: int, batch: int) -> Iterator[Int64]:
    """All rows once, ``batch`` at a time, the last batch as large as what is left."""
    for first in range(0, crops, batch):
        yield np.arange(first, min(first + batch, crops))
