"""Corresponding viewpoints of two data sets in one picture (supplement, figure 1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from bench.audit.viewpoints import Correspondence, Pair
from bench.pictures.gallery import Strip, Thumbnail, Tile, gallery
from bench.pictures.overlay import Colour

MOST_VIEWPOINTS = 4
"""Columns of a picture, each for both data sets."""
SIDE = 240

Small = Callable[[str], Thumbnail]
"""Reduces the image of an id."""


def views(
    found: Correspondence, names: tuple[str, str], small: tuple[Small, Small], *, instances: int, outline: bool
) -> Colour:
    """One row per instance, one pair of columns per viewpoint: the first data set left, the second beside it.

    All pictures go through one tone curve, so a difference in brightness is one of the data. A place stays empty
    where an instance lacks the viewpoint.
    """
    groups = chosen_groups(found, instances)
    shown = _viewpoints(found, groups)
    by_place = {(pair.group, pair.viewpoint): pair for pair in found.pairs}
    heads = [f"viewpoint {viewpoint}\n{name}" for viewpoint in shown for name in names]
    return gallery([_strip(group, shown, by_place, small) for group in groups], heads=heads, outline=outline)


def chosen_groups(found: Correspondence, instances: int) -> list[str]:
    """Groups with the most shared viewpoints; where more than asked for have as many, in even steps among those."""
    count = Counter(pair.group for pair in found.pairs)
    ranked = sorted(count, key=lambda group: -count[group])
    fullest = [group for group in ranked if count[group] == count[ranked[0]]]
    if len(fullest) < instances:
        return ranked[:instances]
    places = np.linspace(0, len(fullest) - 1, instances).round().astype(int)
    return [fullest[place] for place in places]


def _viewpoints(found: Correspondence, groups: Sequence[str]) -> list[str]:
    """The viewpoints that most of these groups have, in their own order."""
    count = Counter(pair.viewpoint for pair in found.pairs if pair.group in groups)
    frequent = sorted(count, key=lambda v: (-count[v], found.viewpoints.index(v)))[:MOST_VIEWPOINTS]
    return [viewpoint for viewpoint in found.viewpoints if viewpoint in frequent]


def _strip(
    group: str, viewpoints: Sequence[str], by_place: Mapping[tuple[str, str], Pair], small: tuple[Small, Small]
) -> Strip:
    tiles: list[Tile | None] = []
    for viewpoint in viewpoints:
        pair = by_place.get((group, viewpoint))
        tiles += [Tile(small[0](pair.first)), Tile(small[1](pair.second))] if pair else [None, None]
    return Strip(group, tuple(tiles))
