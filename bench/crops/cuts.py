"""A draw beside the image store: positions only, and crops that are cut from stored images when they are asked for.

Data sets: those of :class:`bench.crops.tables.Tables`, ``size[1]`` i4, and of tiles ``seen[N, 2]`` i4: so many first
rows and columns of a tile lie in earlier tiles, and are 255 in its mask.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.crops import hdf5
from bench.crops.draw import Frame, draw
from bench.crops.images import Images
from bench.crops.positions import crop_tables, planned, tile_tables
from bench.crops.prepare import Format, ImageSource
from bench.crops.sampling import Int32, Int64
from bench.crops.tables import Tables, tables_from
from bench.crops.tiles import cut_padded
from bench.crops.writer import new_file
from bench.threads import Progress, silent
from bench.types import IGNORED, CropStrategy, Float64, Image, JsonValue, Mask
from bench.words import plural

if TYPE_CHECKING:
    from bench.data.index import DatasetIndex

WHAT = "draw"
DRAW = "draw.h5"
"""File of a stage that holds positions and no pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Cuts:
    """An opened draw with the images that it cuts: what :class:`bench.crops.bank.Bank` gives, to the bit.

    ``number`` (``int64[N]``) is the image of each crop in ``images``, ``corner`` (``int32[N, 2]``) its place there; so
    many first rows and columns as ``seen`` (``int32[N, 2]``) says are 255 in its mask. ``flat_image`` and
    ``flat_mask`` map all pixels.
    """

    images: Images
    tables: Tables
    size: int
    number: Int64
    seen: Int32
    flat_image: Image
    flat_mask: Mask

    def __len__(self) -> int:
        return len(self.number)

    @property
    def format(self) -> Format:
        """Channels and pixel type of the crops."""
        return self.images.format

    @property
    def mean(self) -> Float64 | None:
        """Of the preprocessed training images, ``float64[C]``; with tiles only."""
        return self.tables.mean

    @property
    def std(self) -> Float64 | None:
        """Likewise."""
        return self.tables.std

    @property
    def provenance(self) -> JsonValue:
        """What the draw was made with."""
        return self.tables.provenance

    def read(self, rows: Int64, image_out: Image, mask_out: Mask) -> None:
        """Cut crops ``int64[B]`` into contiguous ``[B, h, w, C]`` and ``uint8[B, h, w]`` arrays of the stored dtypes.

        Raises:
            IndexError: a row is not in the draw.
        """
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"rows {rows.min()} to {rows.max()} of a draw of {plural(len(self), 'crop')}")
        numbers, corners, seen = self.number[rows], self.tables.corner[rows], self.seen[rows]
        whole = np.minimum(self.images.height, self.images.width)[numbers] >= self.size
        self._cut_whole(np.flatnonzero(whole), numbers[whole], corners[whole], image_out, mask_out)
        for place in np.flatnonzero(~whole).tolist():
            image, mask = self._image(numbers[place])
            cut_padded(image, mask, corners[place].tolist(), image_out[place], mask_out[place])
        for place in np.flatnonzero(seen.any(axis=1)).tolist():
            down, right = seen[place].tolist()
            mask_out[place, :down] = IGNORED
            mask_out[place, :, :right] = IGNORED

    def _cut_whole(self, places: Int64, numbers: Int64, corners: Int32, image_out: Image, mask_out: Mask) -> None:
        """Cut crops of images that are no smaller than a crop, so that nothing is padded."""
        from bench.crops.kernels import gather

        widths = self.images.width[numbers].astype(np.int64)
        first = self.images.offset[numbers] + corners[:, 0] * widths + corners[:, 1]
        for flat, out in ((self.flat_image, image_out), (self.flat_mask, mask_out)):
            bytes_out = out.view(np.uint8).reshape(*out.shape[:2], -1)
            bytes_each = bytes_out.shape[2] // self.size
            gather(flat.view(np.uint8), first * bytes_each, widths * bytes_each, places, bytes_out)

    def _image(self, number: int) -> tuple[Image, Mask]:
        """One image ``[H, W, C]`` and its mask, mapped."""
        height, width, channels = self.images.height[number], self.images.width[number], self.format.channels
        start, end = self.images.offset[number : number + 2]
        image = self.flat_image[channels * start : channels * end].reshape(height, width, channels)
        return image, self.flat_mask[start:end].reshape(height, width)


def build_draw(
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
    """Draw as :func:`bench.crops.bank.build_bank` does with the same arguments, and file the positions.

    Raises:
        DataError: as for a bank.
        PluginError: as for a bank.
        StoreError: the file cannot be written.
    """
    frame = Frame(index, source, size, seed, workers)
    ready, plan = planned(frame, strategy, crops, other_groups, progress)
    drawn = draw(plan, frame, progress=progress)
    with new_file(path, WHAT, {}, 0) as file:
        tables = crop_tables(frame, ready, drawn, provenance)
        file.finish(key, {**tables.arrays(), "size": np.array([size], "<i4")})


def build_tile_positions(
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
    """Lay the grid of :func:`bench.crops.bank.build_tiles` and file the positions, with mean and deviation.

    Raises:
        DataError: as for a bank of tiles.
        StoreError: the file cannot be written.
    """
    frames = Frame(training, source, 1, workers=workers), Frame(validation, source, size, workers=workers)
    tables, seen = tile_tables(*frames, provenance, progress)
    with new_file(path, WHAT, {}, 0) as file:
        file.finish(key, {**tables.arrays(), "size": np.array([size], "<i4"), "seen": seen.astype("<i4")})


def open_cuts(path: Path, images: Images) -> Cuts:
    """Check a draw and the pixels of all images that it cuts, then map them.

    Raises:
        StoreError: the draw or an image is missing or damaged.
    """
    content = hdf5.read_content(path, WHAT)
    if not hdf5.has_sound_tables(content):
        raise hdf5.damaged(path, "the checksum of its tables is wrong")
    tables = tables_from(content.tables)
    number = np.array(images.numbers(tables.sources.ids), np.int64)[tables.source]
    images.check(number)
    seen = content.tables.get("seen", np.zeros_like(tables.corner))
    return Cuts(images, tables, int(content.tables["size"][0]), number, seen, *images.flat())


def verify_draw(path: Path) -> list[str]:
    """Everything that is wrong with a draw, one line each; empty when it is sound."""
    return hdf5.problems(path, WHAT, lambda _: {}, "crop")
