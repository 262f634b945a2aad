"""Crop banks: building them in one pass over the images, and reading batches from them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.crops import hdf5
from bench.crops.draw import Frame, draw, fitted
from bench.crops.prepare import Format, ImageSource, Prepared, format_of
from bench.crops.sampling import Int32, Int64, Parts, plan_crops
from bench.crops.statistics import mean_and_deviation
from bench.crops.tables import Tables, sources_of, tables_from
from bench.crops.tiles import grid
from bench.crops.writer import Writer, new_file
from bench.errors import DataError
from bench.threads import Progress, ordered, silent
from bench.types import IGNORED, CropStrategy, Float64, Image, Index, JsonValue, Mask
from bench.words import plural

if TYPE_CHECKING:
    from bench.data.index import DatasetIndex

WHAT = "crop bank"


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
    source: ImageSource,
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
    refuse_shared_groups(index, other_groups)
    frame = Frame(index, source, size, seed, workers)
    ready = fitted(strategy, frame, progress)
    plan = plan_crops(ready, index, crops, seed)
    format = format_of(frame.load(int(plan.source[0])).image)
    with new_file(path, WHAT, large_arrays(crops, size, format), crops) as file:

        def take(number: int, prepared: Prepared, rows: Int64, corners: Int32) -> None:
            format.check(prepared.image, index.entries[number].id)
            for row, (top, left) in zip(rows.tolist(), corners.tolist(), strict=True):
                window = slice(top, top + size), slice(left, left + size)
                put(file, row, prepared.image[window], prepared.mask[window])

        drawn = draw(plan, frame, take, progress=progress)
        tables = Tables(
            drawn.source,
            drawn.corner,
            drawn.part,
            sources_of(index, "train"),
            provenance={**provenance, "draw": {"strategy": repr(ready), **drawn.facts()}},
        )
        file.finish(key, tables.arrays())


def build_tiles(
    path: Path,
    *,
    key: str,
    training: DatasetIndex,
    validation: DatasetIndex,
    source: ImageSource,
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
    refuse_shared_groups(training, {entry.group for entry in validation.entries})
    if not training.entries or not validation.entries:
        raise DataError(
            f"{len(training.entries):,} training and {plural(len(validation.entries), 'validation image')}: "
            "neither split may be empty; check the split"
        )
    frame = Frame(validation, source, size, workers=workers)
    corners = [grid(entry.height, entry.width, size, 0.0) for entry in validation.entries]
    tiles = [len(each) for each in corners]
    first = np.cumsum([0, *tiles]).tolist()
    mean, std = mean_and_deviation(Frame(training, source, 1, workers=workers), progress)
    format = format_of(frame.load(0).image)
    with new_file(path, WHAT, large_arrays(first[-1], size, format), first[-1]) as file:

        def tile(number: int) -> None:
            prepared = frame.load(number)
            format.check(prepared.image, validation.entries[number].id)
            mask = prepared.mask.copy()
            for row, (top, left) in enumerate(corners[number].tolist(), first[number]):
                window = slice(top, top + size), slice(left, left + size)
                put(file, row, prepared.image[window], mask[window])
                mask[window] = IGNORED  # a pixel of a later tile counts once

        for _ in ordered(tile, range(len(corners)), workers, progress):
            pass
        tables = Tables(
            np.repeat(np.arange(len(corners), dtype=np.int32), tiles),
            np.concatenate(corners),
            np.zeros(first[-1], np.uint8),
            sources_of(validation, "validation"),
            provenance=provenance,
            mean=mean,
            std=std,
        )
        file.finish(key, tables.arrays())


def large_arrays(crops: int, size: int, format: Format) -> dict[str, hdf5.Large]:
    """The pixels of a bank: ``image[N, h, w, C]`` u1 or u2 and ``mask[N, h, w]`` u1."""
    return {
        "image": hdf5.Large((crops, size, size, format.channels), format.dtype),
        "mask": hdf5.Large((crops, size, size), "uint8"),
    }


def put(file: Writer, row: int, image: Image, mask: Mask) -> None:
    """Write one crop at its row."""
    file.put(row, {"image": (row * image.size, image), "mask": (row * mask.size, mask)})


def open_bank(path: Path) -> Bank:
    """Check a bank's structure, size and checksums, then map it.

    Raises:
        StoreError: it is missing, damaged, or of another schema.
    """
    found = verify_bank(path)
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise hdf5.damaged(path, found[0].removeprefix(f"{path}: ").partition("; run ")[0] + more)
    content = hdf5.read_content(path, WHAT)
    tables = tables_from(content.tables)
    return Bank(
        path=path,
        key=content.key,
        image=hdf5.mapped(content, "image"),
        mask=hdf5.mapped(content, "mask"),
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
    return hdf5.problems(path, WHAT, _bounds, "crop")


def format_of_bank(path: Path) -> Format:
    """Channels and pixel type of the crops of a bank, which is not checked any further.

    Raises:
        StoreError: it is missing, damaged, or of another schema.
    """
    image = hdf5.read_content(path, WHAT).large["image"]
    return Format(image.shape[-1], image.dtype)


def _bounds(content: hdf5.Content) -> hdf5.Bounds:
    image, mask = content.large["image"], content.large["mask"]
    crops, height, width, _ = image.shape
    if mask.shape != (crops, height, width) or mask.dtype != "uint8" or len(content.tables["source"]) != crops:
        raise ValueError(f"images {list(image.shape)}, masks {list(mask.shape)} of {mask.dtype}")
    rows = np.arange(crops + 1)
    return {name: rows * (large.nbytes // max(crops, 1)) for name, large in content.large.items()}


def refuse_shared_groups(index: Index, others: Collection[str]) -> None:
    """Refuse training groups that are also among ``others``.

    Raises:
        DataError: names the first of them.
    """
    shared = sorted({entry.group for entry in index.entries} & set(others))
    if shared:
        more = f" and {len(shared) - 1} more" if len(shared) > 1 else ""
        raise DataError(
            f"group {shared[0]!r}{more} would be in the training crops and in another split; split by group"
        )
