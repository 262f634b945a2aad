"""What a file says of its crops beside their pixels: where each was taken, from which images, by whom."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.canonical import canonical
from bench.crops.hdf5 import Table, damaged, decoded, encoded, has_sound_tables, read_content
from bench.crops.sampling import Int32, Parts
from bench.types import Float64, Index, JsonValue, Split


@dataclass(frozen=True, slots=True)
class Sources:
    """The images that crops come from, by number."""

    ids: tuple[str, ...]
    groups: tuple[str, ...]
    splits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything of a draw but the pixels: ``int32[N]``, ``int32[N, 2]``, ``uint8[N]``, ``float64[C]``.

    Data sets: ``source[N]`` i4, ``corner[N, 2]`` i4, ``part[N]`` u1, ``sources/{id,group,split}`` UTF-8, ``provenance``
    (canonical JSON), and of tiles ``mean[C]`` and ``std[C]`` f8.
    """

    source: Int32
    corner: Int32
    part: Parts
    sources: Sources
    provenance: JsonValue
    mean: Float64 | None = None
    std: Float64 | None = None

    def arrays(self) -> dict[str, Table]:
        """The data sets by name, as they stand in the file."""
        found: dict[str, Table] = {
            "source": self.source.astype("<i4"),
            "corner": self.corner.astype("<i4"),
            "part": self.part,
            "sources/id": encoded(self.sources.ids),
            "sources/group": encoded(self.sources.groups),
            "sources/split": encoded(self.sources.splits),
            "provenance": np.frombuffer(canonical(self.provenance), np.uint8),
        }
        if self.mean is not None and self.std is not None:
            found |= {"mean": self.mean.astype("<f8"), "std": self.std.astype("<f8")}
        return found


def tables_from(arrays: Mapping[str, Table]) -> Tables:
    """The inverse of :meth:`Tables.arrays`.

    Raises:
        KeyError: a data set is missing.
        ValueError: the tables do not fit together.
    """
    source, corner, part = (arrays[name] for name in ("source", "corner", "part"))
    if not len(source) == len(corner) == len(part):
        raise ValueError("its tables do not fit together")
    return Tables(
        source,
        corner,
        part,
        Sources(*(decoded(arrays[f"sources/{name}"]) for name in ("id", "group", "split"))),
        json.loads(arrays["provenance"].tobytes()),
        arrays.get("mean"),
        arrays.get("std"),
    )


def read_tables(path: Path) -> Tables:
    """The tables of a bank or a draw, whose pixels are not looked at.

    Raises:
        StoreError: the file is missing, damaged, or of another schema.
    """
    content = read_content(path, "crop file")
    if not has_sound_tables(content):
        raise damaged(path, "the checksum of its tables is wrong")
    return tables_from(content.tables)


def sources_of(index: Index, split: Split) -> Sources:
    """The images of an index, all of one split."""
    ids = tuple(entry.id for entry in index.entries)
    groups = tuple(entry.group for entry in index.entries)
    return Sources(ids, groups, (split,) * len(ids))
