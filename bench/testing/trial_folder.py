"""Where the contract of a data set is tried: a folder, fresh readers of it, and the images to load."""

from __future__ import annotations

import builtins
import inspect
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from bench.component import Component, build
from bench.testing.clauses import Breach, ran
from bench.types import Dataset, Record, Sample
from bench.words import shown

LOADED = 16
"""So many images of a data set that is not an example are loaded, in whole groups."""


def only(chosen: Sequence[Record], reader: Dataset) -> Any:
    """Some images of a data set, as a data set."""
    return SimpleNamespace(classes=reader.classes, records=lambda: chosen, load=reader.load)


@dataclass(frozen=True, slots=True)
class TrialFolder:
    """``example``: the folder was written by the component's example; ``ours``: files in it may be changed."""

    component: Component[Any]
    root: Path
    example: bool
    ours: bool

    def reader(self) -> Any:
        """A reader that has seen nothing yet."""
        return self.at(self.root)

    def at(self, folder: Path) -> Any:
        """A reader of another folder."""
        reader = ran("building it", build, self.component, folder, settings={})
        for name in ("classes", "records", "load"):
            if inspect.getattr_static(reader, name, None) is None:
                raise Breach(f"its builder returned {shown(reader)}, which has no {name}: return a Dataset")
        return reader

    def records(self, reader: Any) -> tuple[Record, ...]:
        """All records.

        Raises:
            Breach: the reader refuses the folder, or lists something else.
        """
        what = "records() of its own example" if self.example else "records()"
        records: tuple[Record, ...] = ran(what, lambda: tuple(reader.records()))
        odd = [record for record in records if not isinstance(record, Record)]
        if odd:
            raise Breach(f"records() lists {shown(odd[0])}: it must list Record objects")
        return records

    def chosen(self, reader: Any) -> tuple[Record, ...]:
        """The records whose images are loaded."""
        records = self.records(reader)
        return records if self.example else sampled(records, LOADED)

    def tidy(self, sentence: str) -> str:
        """A sentence with files named from the folder on."""
        for root in dict.fromkeys((self.root, self.root.resolve())):
            sentence = sentence.replace(f"{root}{os.sep}", "").replace(str(root), "the folder")
        return sentence


def sampled(records: Sequence[Record], most: int) -> tuple[Record, ...]:
    """About ``most`` records in whole groups, the official splits taking turns; in their own order."""
    groups: dict[str | None, dict[str, list[Record]]] = {}
    for record in records:
        groups.setdefault(record.split, {}).setdefault(record.group, []).append(record)
    queues = [list(by_name.values()) for by_name in groups.values()]
    taken: set[str] = set()
    for turn in range(max(map(len, queues), default=0)):
        for queue in queues:
            if turn < len(queue) and (len(taken) < most or turn == 0):
                taken.update(record.id for record in queue[turn])
    return tuple(record for record in records if record.id in taken)


def equal(one: Sample, other: Sample) -> bool:
    """Whether two samples have the same pixels, of the same type."""
    return (
        one.image.dtype == other.image.dtype
        and np.array_equal(one.image, other.image)
        and np.array_equal(one.mask, other.mask)
    )


@contextmanager
def opened_files() -> Iterator[set[Path]]:
    """Collect the files that are opened for reading through Python; what a C library opens is not seen."""
    opened: set[Path] = set()
    real = io.open

    def noting(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        if isinstance(file, str | os.PathLike) and not set(mode) & set("wax"):
            opened.add(Path(os.fsdecode(file)).resolve())
        return real(file, mode, *arguments, **named)

    stand_in: Any = noting
    builtins.open, io.open = stand_in, stand_in
    try:
        yield opened
    finally:
        builtins.open, io.open = real, real
