"""Crops that lie on the device: a bank, or the images of a draw, from which batches are cut by index arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.crops.bank import Bank
from bench.crops.cuts import Cuts
from bench.crops.sampling import Int64
from bench.train.forward import resident
from bench.types import IGNORED

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class ResidentBank:
    """All crops on the device: ``[N, h, w, C]`` (16 bits seen as signed, see :func:`plain`) and ``uint8[N, h, w]``."""

    images: torch.Tensor
    masks: torch.Tensor
    dtype: torch.dtype

    @staticmethod
    def of(bank: Bank, device: torch.device) -> ResidentBank:
        """Copy a bank to the device."""
        images = resident(bank.image, device)
        return ResidentBank(plain(images), resident(bank.mask, device), images.dtype)

    def __len__(self) -> int:
        return len(self.masks)

    def batches(self, rows: Iterable[Int64]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """See :class:`bench.train.delivery.Delivery`."""
        for chosen in rows_on_device(rows, self.masks.device):
            yield self.images.index_select(0, chosen).view(self.dtype), self.masks.index_select(0, chosen)


@dataclass(frozen=True, slots=True)
class ResidentImages:
    """The images of a draw on the device, and for every crop where it lies in them.

    ``pixels`` is ``[P, C]`` (16 bits seen as signed), ``truth`` ``uint8[P]``. Of every crop: ``start`` is the first
    pixel of its image, ``sides`` (``int64[N, 2]``) its height and width, ``corner`` and ``seen`` as in the draw.
    """

    pixels: torch.Tensor
    truth: torch.Tensor
    start: torch.Tensor
    sides: torch.Tensor
    corner: torch.Tensor
    seen: torch.Tensor
    size: int
    dtype: torch.dtype

    @staticmethod
    def of(cuts: Cuts, device: torch.device) -> ResidentImages:
        """Copy those images to the device that crops are cut from, one behind the other."""
        import torch

        images, channels = cuts.images, cuts.format.channels
        used, image = np.unique(cuts.number, return_inverse=True)
        sides = np.stack([images.height[used], images.width[used]], axis=1).astype(np.int64)
        starts = np.cumsum(np.append(0, sides.prod(axis=1)))
        dtype = resident(cuts.flat_image[:1], torch.device("cpu")).dtype
        signed = torch.int16 if cuts.format.itemsize == 2 else torch.uint8
        pixels = torch.empty((int(starts[-1]), channels), dtype=signed, device=device)
        truth = torch.empty(int(starts[-1]), dtype=torch.uint8, device=device)
        for number, start, end in zip(used.tolist(), starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            first, last = images.offset[number], images.offset[number + 1]
            stored = cuts.flat_image[channels * first : channels * last].reshape(-1, channels)
            pixels[start:end] = plain(resident(stored, device))
            truth[start:end] = resident(cuts.flat_mask[first:last], device)
        return ResidentImages(
            pixels=pixels,
            truth=truth,
            start=on_device(starts[image], device),
            sides=on_device(sides[image], device),
            corner=on_device(cuts.tables.corner.astype(np.int64), device),
            seen=on_device(cuts.seen.astype(np.int64), device),
            size=cuts.size,
            dtype=dtype,
        )

    def __len__(self) -> int:
        return len(self.start)

    def batches(self, rows: Iterable[Int64]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """See :class:`bench.train.delivery.Delivery`."""
        for chosen in rows_on_device(rows, self.truth.device):
            yield self.cut(chosen)

    def cut(self, chosen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Crops ``int64[B]``, padded as :func:`bench.crops.tiles.cut_padded` pads them."""
        import torch

        side = torch.arange(self.size, device=chosen.device)
        places = self.corner[chosen][:, :, None] + side  # [B, 2, size]: rows and columns in the image
        sides = self.sides[chosen][:, :, None]
        hidden = (places >= sides) | (side < self.seen[chosen][:, :, None])
        places = places % (2 * sides - 2).clamp(min=1)
        places = torch.minimum(places, 2 * sides - 2 - places)
        down, right = places[:, 0, :, None], places[:, 1, None, :]
        at = (self.start[chosen][:, None, None] + down * sides[:, 1, :, None] + right).flatten()
        shape = len(chosen), self.size, self.size
        images = self.pixels.index_select(0, at).view(*shape, -1).view(self.dtype)
        masks = self.truth.index_select(0, at).view(shape)
        return images, masks.masked_fill(hidden[:, 0, :, None] | hidden[:, 1, None, :], IGNORED)


def resident_bytes(crops: Bank | Cuts) -> int:
    """Bytes that crops take on a device."""
    if isinstance(crops, Bank):
        return crops.image.nbytes + crops.mask.nbytes
    used = np.unique(crops.number)
    pixels = int((crops.images.height[used].astype(np.int64) * crops.images.width[used]).sum())
    return pixels * (crops.format.pixel_bytes + 1) + len(crops) * 7 * 8


def rows_on_device(rows: Iterable[Int64], device: torch.device) -> Iterator[torch.Tensor]:
    """The rows ``int64[B]`` of each batch on the device, those of all batches sent by one copy."""
    import torch

    batches = list(rows)
    together = on_device(np.concatenate(batches), device)
    yield from torch.split(together, [len(batch) for batch in batches])


def plain(images: torch.Tensor) -> torch.Tensor:
    """The tensor itself, or ``uint16`` seen as ``int16``: devices have few operations on unsigned 16 bits."""
    import torch

    return images.view(torch.int16) if images.dtype == torch.uint16 else images


def on_device(array: npt.NDArray[Any], device: torch.device) -> torch.Tensor:
    """An array as a tensor on the device, by a copy that nobody waits for."""
    import torch

    tensor = torch.from_numpy(array)
    if device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)
