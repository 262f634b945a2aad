"""Images of two data sets that show the same physical object from the same viewpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.data.statistics import natural
from bench.errors import DataError
from bench.types import Record

FIELD = "viewpoint"
"""Metadata field that says from where an image was taken."""
MOST_NAMED = 3

Key = tuple[str, str]
"""Group and viewpoint as text: a table's ``"3"`` is a reader's 3."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One viewpoint of one group, with the first image of it in either data set."""

    group: str
    viewpoint: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Correspondence:
    """Pairs in the order of the first data set, viewpoints by number or name; counts of viewpoints without a partner.

    ``several`` counts pairs for which a data set has more than one image, at several exposures say.
    """

    pairs: tuple[Pair, ...]
    viewpoints: tuple[str, ...]
    alone_in_first: int
    alone_in_second: int
    several: int


def correspondence(first: Sequence[Record], second: Sequence[Record], names: tuple[str, str]) -> Correspondence:
    """Match by group and viewpoint.

    Raises:
        DataError: a data set states no viewpoints, or no group and viewpoint is found in both; with examples.
    """
    here, there = _viewpoints(first, names[0]), _viewpoints(second, names[1])
    shared = [key for key in here if key in there]
    if not shared:
        raise DataError(
            f"no viewpoint of one group is found in both data sets: {names[0]!r} has {_some(here)}, "
            f"{names[1]!r} has {_some(there)}; groups and viewpoints must bear the same names"
        )
    values = {key[1]: here[key][0].meta[FIELD] for key in shared}
    return Correspondence(
        pairs=tuple(Pair(*key, here[key][0].id, there[key][0].id) for key in shared),
        viewpoints=tuple(sorted(values, key=lambda text: natural(values[text]))),
        alone_in_first=len(here) - len(shared),
        alone_in_second=len(there) - len(shared),
        several=sum(max(len(here[key]), len(there[key])) > 1 for key in shared),
    )


def _viewpoints(records: Sequence[Record], name: str) -> Mapping[Key, list[Record]]:
    found: dict[Key, list[Record]] = {}
    for record in records:
        if FIELD in record.meta:
            found.setdefault((record.group, str(record.meta[FIELD])), []).append(record)
    if not found:
        raise DataError(f"the images of {name!r} state no {FIELD!r} in their metadata, so nothing can be matched")
    return found


def _some(keys: Mapping[Key, list[Record]]) -> str:
    """The first viewpoints, for a message."""
    shown = ", ".join(f"group {group!r} viewpoint {viewpoint!r}" for group, viewpoint in list(keys)[:MOST_NAMED])
    return shown + (" and others" if len(keys) > MOST_NAMED else "")
