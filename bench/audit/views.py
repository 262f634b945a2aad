"""The same objects from the same viewpoints in two data sets: which images correspond, and their picture.

The picture is figure 1 of the supplement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.data.index import spread
from bench.data.statistics import natural
from bench.errors import DataError
from bench.pictures.gallery import Strip, Thumbnail, Tile, gallery
from bench.pictures.overlay import Colour
from bench.types import Record

FIELD = "viewpoint"
"""Metadata field that says from where an image was taken."""
MOST_NAMED = 3

MOST_VIEWPOINTS = 4
"""Columns of a picture, each for both data sets."""
SIDE = 240

Small = Callable[[str], Thumbnail]
"""Reduces the image of an id."""

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


@dataclass(frozen=True, slots=True)
class Shown:
    """What a picture shows: a strip per instance, in it two tiles per viewpoint, the first data set's left."""

    viewpoints: tuple[str, ...]
    strips: tuple[Strip, ...]


def shown(
    found: Correspondence, small: tuple[Small, Small], *, instances: int, viewpoints: int = MOST_VIEWPOINTS
) -> Shown:
    """The images of at most so many instances and viewpoints; a place stays empty where an instance lacks one."""
    groups = chosen_groups(found, instances)
    frequent = _frequent(found, groups, viewpoints)
    by_place = {(pair.group, pair.viewpoint): pair for pair in found.pairs}
    strips = []
    for group in groups:
        tiles: list[Tile | None] = []
        for viewpoint in frequent:
            pair = by_place.get((group, viewpoint))
            tiles += [Tile(small[0](pair.first)), Tile(small[1](pair.second))] if pair else [None, None]
        strips.append(Strip(group, tuple(tiles)))
    return Shown(tuple(frequent), tuple(strips))


def views(
    found: Correspondence, names: tuple[str, str], small: tuple[Small, Small], *, instances: int, outline: bool
) -> Colour:
    """One row per instance, one pair of columns per viewpoint: the first data set left, the second beside it.

    All pictures go through one tone curve, so a difference in brightness is one of the data.
    """
    chosen = shown(found, small, instances=instances)
    heads = [f"viewpoint {viewpoint}\n{name}" for viewpoint in chosen.viewpoints for name in names]
    return gallery(chosen.strips, heads=heads, outline=outline)


def chosen_groups(found: Correspondence, instances: int) -> list[str]:
    """Groups with the most shared viewpoints; where more than asked for have as many, in even steps among those."""
    count = Counter(pair.group for pair in found.pairs)
    ranked = sorted(count, key=lambda group: -count[group])
    fullest = [group for group in ranked if count[group] == count[ranked[0]]]
    return spread(fullest, instances) if len(fullest) >= instances else ranked[:instances]


def _frequent(found: Correspondence, groups: Sequence[str], most: int) -> list[str]:
    """The viewpoints that most of these groups have, in their own order."""
    count = Counter(pair.viewpoint for pair in found.pairs if pair.group in groups)
    frequent = sorted(count, key=lambda v: (-count[v], found.viewpoints.index(v)))[:most]
    return [viewpoint for viewpoint in found.viewpoints if viewpoint in frequent]
