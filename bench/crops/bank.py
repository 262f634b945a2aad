"""Crop banks: building them in one pass over the images, and reading batches from them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bench.crops import hdf5
from bench.crops.draw import Frame, draw, fitted
from bench.crops.prepare import Prepared, Source
from bench.crops.sampling import Int32, Int64, Parts, plan_crops
from bench.crops.tiles import grid
from bench.crops.writer import new_file
from bench.errors import DataError
from bench.threads import Progress, ordered, silent
from bench.types import IGNORED, CropStrategy, Float64, Image, Index, JsonValue, Mask, Split
from bench.words import plural

if TYPE_CHECKING:
    from bench.data.index import DatasetIndex


STRETCH = 1 << 18
"""Pixels that are summed at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """An opened bank: pixels mapped read-only, everything else in memory.

    ``image`` is ``[N, h, w, C]`` uint8 or uint16, ``mask`` ``uint8[N, h, w]``, ``source`` ``int32[N]`` counts in
    ``ids``, ``groups`` and ``splits``; ``corner`` is ``int32[N, 2]``, ``part`` ``uint8[N]``. Crops are in the order of
    their draw, so that consecutive slices are balanced. ``mean`` and ``std`` (``float64[C]``, on the scale of the
    stored dtype) are those of the preprocessed training images and stand in a bank of tiles only.
    """

    path: Path
    key: str
    image: Image
    mask: Mask
    source: Int32
    corner: Int32
    part: Parts
    ids: tuple[str, ...]
    groups: tuple[str, ...]
    splits: tuple[str, ...]
    mean: Float64 | None
    std: Float64 | None
    provenance: JsonValue

    def __len__(self) -> int:
        return len(self.source)

    def read(self, rows: Int64, image_out: Image, mask_out: Mask) -> None:
        """Copy crops ``int64[B]`` into ``[B, h, w, C]`` and ``uint8[B, h, w]`` arrays of the stored dtypes.

        Raises:
            IndexError: a row is not in the bank.
        """
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"rows {rows.min()} to {rows.max()} of a bank of {plural(len(self), 'crop')}")
        np.take(self.image, rows, axis=0, out=image_out, mode="clip")  # any other mode copies twice
        np.take(self.mask, rows, axis=0, out=mask_out, mode="clip")


def build_bank(
    path: Path,
    *,
    key: str,
    index: DatasetIndex,
    source: Source,
    strategy: CropStrategy,
    size: int,
    crops: int,
    seed: int,
    provenance: dict[str, JsonValue],
    other_groups: Collection[str] = (),
    workers: int = 2,
    progress: Progress = silent,
) -> None:
    """Draw ``crops`` crops from the training images ``index`` and file them; the same bytes for any ``workers``.

    Under ``draw`` the provenance gets ``strategy`` (as fitted), ``admissible``, ``fallback``, ``skipped``, ``inert``.

    Raises:
        DataError: a training group is in ``other_groups``, no image has a position, or images differ in kind.
        PluginError: the strategy or the preprocessing broke its contract.
        StoreError: the file cannot be written.
    """
    _refuse_shared_groups(index, other_groups)
    frame = Frame(index, source, size, seed, workers)
    ready = fitted(strategy, frame, progress)
    plan = plan_crops(ready, index, crops, seed)
    with new_file(path, _pixels(frame, index, int(plan.source[0]), crops)) as file:

        def take(number: int, prepared: Prepared, rows: Int64, corners: Int32) -> None:
            _refuse_other_kind(prepared, file.pixels, index.entries[number].id)
            for row, (top, left) in zip(rows.tolist(), corners.tolist(), strict=True):
                window = slice(top, top + size), slice(left, left + size)
                file.put(row, prepared.image[window], prepared.mask[window])

        drawn = draw(plan, frame, take, progress=progress)
        facts = {
            "strategy": repr(ready),
            "admissible": drawn.admissible,
            "fallback": drawn.fallback,
            "skipped": list(drawn.skipped),
            "inert": drawn.inert,
        }
        file.finish(
            hdf5.Tables(
                key,
                drawn.source,
                drawn.corner,
                drawn.part,
                _sources(index, "train"),
                provenance={**provenance, "draw": facts},
            )
        )


def build_tiles(
    path: Path,
    *,
    key: str,
    training: DatasetIndex,
    validation: DatasetIndex,
    source: Source,
    size: int,
    provenance: dict[str, JsonValue],
    workers: int = 2,
    progress: Progress = silent,
) -> None:
    """File the validation images on a fixed grid, and mean and deviation of the training images.

    Every valid validation pixel is in exactly one tile: where tiles overlap, later ones are 255 in the mask. The
    grid is the same for every crop strategy.

    Raises:
        DataError: a group is in both splits, a split is empty, or images differ in kind.
        StoreError: the file cannot be written.
    """
    _refuse_shared_groups(training, {entry.group for entry in validation.entries})
    if not training.entries or not validation.entries:
        raise DataError(
            f"{len(training.entries):,} training and {plural(len(validation.entries), 'validation image')}: "
            "neither split may be empty; check the split"
        )
    frame = Frame(validation, source, size, workers=workers)
    corners = [grid(entry.height, entry.width, size, 0.0) for entry in validation.entries]
    tiles = [len(each) for each in corners]
    first = np.cumsum([0, *tiles]).tolist()
    mean, std = _statistics(Frame(training, source, 1, workers=workers), training, progress)
    with new_file(path, _pixels(frame, validation, 0, first[-1])) as file:

        def tile(number: int) -> None:
            prepared = frame.load(number)
            _refuse_other_kind(prepared, file.pixels, validation.entries[number].id)
            mask = prepared.mask.copy()
            for row, (top, left) in enumerate(corners[number].tolist(), first[number]):
                window = slice(top, top + size), slice(left, left + size)
                file.put(row, prepared.image[window], mask[window])
                mask[window] = IGNORED  # a pixel of a later tile counts once

        for _ in ordered(tile, range(len(corners)), workers, progress):
            pass
        file.finish(
            hdf5.Tables(
                key,
                np.repeat(np.arange(len(corners), dtype=np.int32), tiles),
                np.concatenate(corners),
                np.zeros(first[-1], np.uint8),
                _sources(validation, "validation"),
                provenance=provenance,
                mean=mean,
                std=std,
            )
        )


def open_bank(path: Path) -> Bank:
    """Check a bank's structure, size and checksums, then map it.

    Raises:
        StoreError: it is missing, damaged, or of another schema.
    """
    found = hdf5.problems(path)
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise hdf5.damaged(path, found[0].removeprefix(f"{path}: ").partition("; run ")[0] + more)
    pixels, tables, _ = hdf5.read_tables(path)
    image, mask = hdf5.mapped(path, pixels)
    return Bank(
        path=path,
        key=tables.key,
        image=image,
        mask=mask,
        source=tables.source,
        corner=tables.corner,
        part=tables.part,
        ids=tables.sources.ids,
        groups=tables.sources.groups,
        splits=tables.sources.splits,
        mean=tables.mean,
        std=tables.std,
        provenance=tables.provenance,
    )


def verify_bank(path: Path) -> list[str]:
    """Everything that is wrong with a bank, one line each; empty when it is sound."""
    return hdf5.problems(path)


def _sources(index: Index, split: Split) -> hdf5.Sources:
    ids = tuple(entry.id for entry in index.entries)
    groups = tuple(entry.group for entry in index.entries)
    return hdf5.Sources(ids, groups, (split,) * len(ids))


def _refuse_shared_groups(index: Index, others: Collection[str]) -> None:
    shared = sorted({entry.group for entry in index.entries} & set(others))
    if shared:
        more = f" and {len(shared) - 1} more" if len(shared) > 1 else ""
        raise DataError(
            f"group {shared[0]!r}{more} would be in the training crops and in another split; split by group"
        )


def _pixels(frame: Frame, index: DatasetIndex, number: int, crops: int) -> hdf5.Pixels:
    """What the crops look like: as the index says, or, after preprocessing, as one decoded image shows."""
    if not frame.source.chain:
        entry = index.entries[number]
        return hdf5.Pixels(crops, frame.size, entry.channels, entry.dtype)
    image = frame.load(number).image
    return hdf5.Pixels(crops, frame.size, image.shape[2], image.dtype.name)


def _refuse_other_kind(prepared: Prepared, pixels: hdf5.Pixels, id: str) -> None:
    image = prepared.image
    if (image.shape[2], image.dtype.name) != (pixels.channels, pixels.dtype):
        raise DataError(
            f"image {id!r} has {plural(image.shape[2], 'channel')} of {image.dtype} after preprocessing, others have "
            f"{pixels.channels} of {pixels.dtype}; convert them with a preprocessing step"
        )


def _statistics(frame: Frame, index: DatasetIndex, progress: Progress) -> tuple[Float64, Float64]:
    """Mean and standard deviation of every channel over all pixels, ``float64[C]``; a constant channel has 1."""
    kind = _pixels(frame, index, 0, 1)

    def sums(number: int) -> npt.NDArray[np.object_]:
        prepared = frame.load(number)
        _refuse_other_kind(prepared, kind, index.entries[number].id)
        return _sums(prepared.image)

    total = np.zeros((3, kind.channels), object)
    for each in ordered(sums, range(len(index.entries)), frame.workers, progress):
        total += each
    mean, deviation = [], []
    for pixels, first, second in total.T.tolist():
        mean.append(first / pixels)
        deviation.append(sqrt(pixels * second - first * first) / pixels or 1.0)
    return np.array(mean), np.array(deviation)


def _sums(image: Image) -> npt.NDArray[np.object_]:
    """Pixels, sum and sum of squares per channel as exact integers ``[3, C]``: no order of addition matters."""
    flat = image.reshape(-1, image.shape[2])
    total = np.zeros((3, flat.shape[1]), object)
    for start in range(0, len(flat), STRETCH):
        block = flat[start : start + STRETCH].astype(np.float64)  # integers below 2^53
        sums = np.stack([np.full(block.shape[1], len(block)), block.sum(axis=0), np.einsum("nc,nc->c", block, block)])
        total += sums.astype(np.int64).astype(object)
    return total
