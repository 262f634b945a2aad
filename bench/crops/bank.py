"""Crop banks: building them in one pass over the images, and reading batches from them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.crops import hdf5
from bench.crops.draw import Frame, draw
from bench.crops.positions import crop_tables, planned, tile_tables
from bench.crops.prepare import Format, ImageSource, Prepared, format_of
from bench.crops.sampling import Int32, Int64, Parts
from bench.crops.tables import tables_from
from bench.crops.writer import Writer, new_file
from bench.threads import Progress, ordered, silent
from bench.types import IGNORED, CropStrategy, Float64, Image, JsonValue, Mask
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

    @property
    def size(self) -> int:
        """Side of a crop."""
        return int(self.mask.shape[1])

    @property
    def format(self) -> Format:
        """Channels and pixel type of the crops."""
        return format_of(self.image[0])

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
    frame = Frame(index, source, size, seed, workers)
    ready, plan = planned(frame, strategy, crops, other_groups, progress)
    frame, first = frame.begun(int(plan.source[0]))
    format = format_of(first.image)
    with new_file(path, WHAT, large_arrays(crops, size, format), crops) as file:

        def take(number: int, prepared: Prepared, rows: Int64, corners: Int32) -> None:
            format.check(prepared.image, index.entries[number].id)
            for row, (top, left) in zip(rows.tolist(), corners.tolist(), strict=True):
                window = slice(top, top + size), slice(left, left + size)
                put(file, row, prepared.image[window], prepared.mask[window])

        drawn = draw(plan, frame, take, progress=progress)
        file.finish(key, crop_tables(frame, ready, drawn, provenance).arrays())


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
    frame = Frame(validation, source, size, workers=workers)
    tables, seen = tile_tables(Frame(training, source, 1, workers=workers), frame, provenance, progress)
    frame, first = frame.begun(0)
    format, tiles = format_of(first.image), len(seen)
    with new_file(path, WHAT, large_arrays(tiles, size, format), tiles) as file:

        def cut(number: int) -> None:
            prepared = frame.load(number)
            format.check(prepared.image, validation.entries[number].id)
            for row in np.flatnonzero(tables.source == number).tolist():
                (top, left), (down, right) = tables.corner[row].tolist(), seen[row].tolist()
                window = slice(top, top + size), slice(left, left + size)
                mask = prepared.mask[window].copy()
                mask[:down] = IGNORED
                mask[:, :right] = IGNORED
                put(file, row, prepared.image[window], mask)

        for _ in ordered(cut, range(len(validation.entries)), workers, progress):
            pass
        file.finish(key, tables.arrays())


def bank_bytes(crops: int, size: int, format: Format) -> int:
    """Bytes of the pixels of a bank."""
    return sum(large.nbytes for large in large_arrays(crops, size, format).values())


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
