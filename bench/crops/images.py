"""The image store: all preprocessed images of a data set in one file, written once and read by offset.

Data sets: ``image`` u1 or u2 and ``mask`` u1, flat, every image ``[H, W, C]`` behind the one before it; ``guide``
likewise where preprocessing changes the number of channels, so that the guide is not the image; ``channels[2]`` i4 of
image and guide (0 without); ``height[N]``, ``width[N]`` i4; ``offset[N + 1]`` i8, the first pixel of each image and the
end; ``sources/{id,group}`` UTF-8 and ``provenance`` (canonical JSON). Images are not padded.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.canonical import canonical
from bench.crops import hdf5
from bench.crops.draw import Frame
from bench.crops.prepare import Format, ImageSource, Prepared, format_of
from bench.crops.sampling import Int32, Int64
from bench.crops.writer import new_file
from bench.errors import DataError, StoreError
from bench.threads import Progress, ordered, silent
from bench.types import Bool, Image, JsonValue, Mask
from bench.words import plural

if TYPE_CHECKING:
    from bench.data.index import DatasetIndex

WHAT = "image store"
IMAGES = "images.h5"
"""File of the stage ``images``."""


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """An opened image store; pixels are checked image by image before their first use, once per opened store.

    ``height`` and ``width`` are ``int32[N]``, ``offset`` (``int64[N + 1]``) counts pixels.
    """

    content: hdf5.Content
    bounds: hdf5.Bounds
    format: Format
    ids: tuple[str, ...]
    groups: tuple[str, ...]
    height: Int32
    width: Int32
    offset: Int64
    provenance: JsonValue
    number: Mapping[str, int]
    seen_sound: Bool

    def __len__(self) -> int:
        return len(self.ids)

    def prepared(self, id: str, /) -> Prepared:
        """One image, guide and mask, copied from the file. Called from several threads at once.

        Raises:
            StoreError: there is no such image, or its pixels are not those that were written.
        """
        number = self.numbers((id,))[0]
        descriptor = os.open(self.content.path, os.O_RDONLY)
        try:
            pixels = {
                name: hdf5.read_row(descriptor, self.content, self.bounds, name, number) for name in self.content.large
            }
        finally:
            os.close(descriptor)
        if not self.seen_sound[number]:
            if hdf5.pixel_checksum(pixels) != self.content.checksum[number]:
                raise self._damaged(number)
            self.seen_sound[number] = True
        shape = int(self.height[number]), int(self.width[number])
        shaped = {}
        for name, values in pixels.items():
            shaped[name] = values.view(self.content.large[name].dtype).reshape(*shape, -1)
        image = shaped["image"]
        return Prepared(image, shaped.get("guide", image), shaped["mask"][:, :, 0])

    def numbers(self, ids: tuple[str, ...]) -> list[int]:
        """Where images stand in the store.

        Raises:
            StoreError: one is not there.
        """
        absent = [id for id in ids if id not in self.number]
        if absent:
            raise hdf5.damaged(self.content.path, f"it has no image {absent[0]!r}")
        return [self.number[id] for id in ids]

    def check(self, numbers: Int64) -> None:
        """Check the pixels of images that were not read before.

        Raises:
            StoreError: some are not those that were written.
        """
        rows = np.unique(numbers)
        rows = rows[~self.seen_sound[rows]]
        wrong = hdf5.wrong_rows(self.content, self.bounds, rows)
        if wrong:
            raise self._damaged(wrong[0])
        self.seen_sound[rows] = True

    def flat(self) -> tuple[Image, Mask]:
        """All pixels mapped read-only, ``[pixels * C]`` and ``uint8[pixels]``; :meth:`check` comes first."""
        return hdf5.mapped(self.content, "image"), hdf5.mapped(self.content, "mask")

    def _damaged(self, number: int) -> StoreError:
        return hdf5.damaged(self.content.path, f"the checksum of image {self.ids[number]!r} is wrong")


def build_images(
    path: Path,
    *,
    key: str,
    index: DatasetIndex,
    source: ImageSource,
    provenance: JsonValue,
    workers: int = 2,
    progress: Progress = silent,
) -> None:
    """Preprocess and file every image of ``index``; the same bytes for any ``workers``, each of which holds one image.

    Raises:
        DataError: there is no image, images differ in kind, or one is not as large as the index says.
        PluginError: the preprocessing broke its contract.
        StoreError: the file cannot be written.
    """
    entries = index.entries
    if not entries:
        raise DataError(f"data set {index.dataset!r} has no images to store")
    frame, first = Frame(index, source, 1, workers=workers).begun(0)
    format = format_of(first.image)
    guide = None if first.guide is first.image else format_of(first.guide)
    height = np.array([entry.height for entry in entries], np.int32)
    width = np.array([entry.width for entry in entries], np.int32)
    offset = np.cumsum(np.append(0, height.astype(np.int64) * width))
    with new_file(path, WHAT, large_arrays(int(offset[-1]), format, guide), len(entries)) as file:

        def write(number: int) -> None:
            prepared = frame.load(number)
            format.check(prepared.image, entries[number].id)
            at = int(offset[number])
            pixels = {"image": (at * format.channels, prepared.image), "mask": (at, prepared.mask)}
            if guide is not None:
                guide.check(prepared.guide, entries[number].id)
                pixels["guide"] = (at * guide.channels, prepared.guide)
            file.put(number, pixels)

        for _ in ordered(write, range(len(entries)), workers, progress):
            pass
        file.finish(
            key,
            {
                "height": height.astype("<i4"),
                "width": width.astype("<i4"),
                "offset": offset.astype("<i8"),
                "channels": np.array([format.channels, guide.channels if guide else 0], "<i4"),
                "sources/id": hdf5.encoded([entry.id for entry in entries]),
                "sources/group": hdf5.encoded([entry.group for entry in entries]),
                "provenance": np.frombuffer(canonical(provenance), np.uint8),
            },
        )


def image_bytes(pixels: int, format: Format, guide: Format | None) -> int:
    """Bytes of an image store of so many pixels."""
    return sum(large.nbytes for large in large_arrays(pixels, format, guide).values())


def large_arrays(pixels: int, format: Format, guide: Format | None) -> dict[str, hdf5.Large]:
    """The flat arrays of an image store of so many pixels."""
    large = {
        "image": hdf5.Large((pixels * format.channels,), format.dtype),
        "mask": hdf5.Large((pixels,), "uint8"),
    }
    if guide is not None:
        large["guide"] = hdf5.Large((pixels * guide.channels,), guide.dtype)
    return large


def open_images(path: Path) -> Images:
    """Check the structure, the size and the tables of an image store.

    Raises:
        StoreError: it is missing, damaged, or of another schema.
    """
    content = hdf5.read_content(path, WHAT)
    bounds = hdf5.placed(content, _bounds)
    if not hdf5.has_sound_tables(content):
        raise hdf5.damaged(path, "the checksum of its tables is wrong")
    tables = content.tables
    ids = hdf5.decoded(tables["sources/id"])
    return Images(
        content=content,
        bounds=bounds,
        format=Format(int(tables["channels"][0]), content.large["image"].dtype),
        ids=ids,
        groups=hdf5.decoded(tables["sources/group"]),
        height=tables["height"],
        width=tables["width"],
        offset=tables["offset"],
        provenance=json.loads(tables["provenance"].tobytes()),
        number={id: number for number, id in enumerate(ids)},
        seen_sound=np.zeros(len(ids), bool),
    )


def verify_images(path: Path) -> list[str]:
    """Everything that is wrong with an image store, one line each; empty when it is sound."""
    return hdf5.problems(path, WHAT, _bounds, "image")


def _bounds(content: hdf5.Content) -> hdf5.Bounds:
    tables = content.tables
    offset, areas = tables["offset"].astype(np.int64), tables["height"].astype(np.int64) * tables["width"]
    if len(offset) != len(areas) + 1 or (np.diff(offset) != areas).any():
        raise ValueError(f"{plural(len(areas), 'image')}, {plural(len(offset), 'offset')}")
    image, guide = tables["channels"].tolist()
    channels = {"image": image, "mask": 1, "guide": guide}
    return {name: offset * channels[name] * large.itemsize for name, large in content.large.items()}
