"""Near-duplicates on different sides of a split, found from pixels alone: groups are not asked.

Every image is read once and reduced to a :class:`Descriptor`. Thumbnails are compared all with all, in blocks, upright
and in the seven other turns of a square; for the best candidates of each image the likeness is measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from bench.audit.likeness import TURNS, Descriptor, descriptor, likeness, turned, turned_pixels, undone
from bench.data.index import DatasetIndex, loaded
from bench.data.leaks import Assignment
from bench.threads import Progress, ordered, silent
from bench.types import Dataset, Float32, Split

ALIKE = 0.5
"""Likeness from which two images count as near-duplicates; docs/leaks.md has the measurements it was chosen on."""
PROMISING = 0.35
"""Correlation of thumbnails below which no likeness is measured."""
COLUMNS = 128
"""Images compared with all others at once."""
DRAWS = 200
"""Random pairs that tell whether images are alike anyway."""


@dataclass(frozen=True, slots=True)
class Search:
    """How candidates are found: turns tried, shift allowed in pixels of a thumbnail, images kept for each image."""

    turns: Sequence[int]
    margin: int
    most: int


SEARCHES = (Search(range(1), 1, 16), Search(range(1), 3, 8), Search(range(1, TURNS), 1, 8))
"""Upright and nearly in place; upright but shifted by up to a fifth; turned or mirrored."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two images by id, in the order of names, how alike they are, and the turn of the second that makes them so."""

    first: str
    second: str
    likeness: float
    turn: int = 0


def descriptors(
    index: DatasetIndex, dataset: Dataset, *, workers: int = 2, progress: Progress = silent
) -> dict[str, Descriptor]:
    """Read every image once on ``workers`` threads and keep its descriptor, by id.

    Raises:
        DataError: an image cannot be read any more.
        PluginError: the reader fails.
    """
    usual = median(math.sqrt(entry.height * entry.width) for entry in index.entries)
    ids = [entry.id for entry in index.entries]

    def seen(id: str) -> Descriptor:
        return descriptor(loaded(index.dataset, dataset, id).image, usual)

    return dict(zip(ids, ordered(seen, ids, workers, progress), strict=True))


def similar(
    descriptors: Mapping[str, Descriptor],
    assignment: Assignment,
    *,
    least: float = ALIKE,
    workers: int = 2,
) -> list[Pair]:
    """Pairs of images in different splits with a likeness of ``least`` or more, most alike first.

    The order of ``descriptors`` plays no role. Blank images are left out. Of an image with more partners than
    candidates are kept for it, those with the most similar thumbnails are found.
    """
    ids = sorted(_comparable_ids(descriptors, assignment), key=assignment.__getitem__)
    sides = [assignment[id] for id in ids]
    if len(set(sides)) < 2:
        return []
    coarse = np.stack([descriptors[id].coarse for id in ids])
    wanted: dict[tuple[str, str], set[int]] = {}
    for search in SEARCHES:
        for one, other, turn in _candidates(coarse, sides, search):
            first, second = ids[one], ids[other]
            if first > second:
                first, second, turn = second, first, undone(turn)
            wanted.setdefault((first, second), set()).add(turn)

    def measured(pair: tuple[str, str]) -> Pair:
        first, second = (descriptors[id] for id in pair)
        best, turn = max((likeness(first, turned(second, turn)), -turn) for turn in wanted[pair])
        return Pair(*pair, best, -turn)

    found = [pair for pair in ordered(measured, sorted(wanted), workers) if pair.likeness >= least]
    return sorted(found, key=lambda pair: (-pair.likeness, pair.first, pair.second))


def _comparable_ids(descriptors: Mapping[str, Descriptor], assignment: Assignment) -> list[str]:
    """The images that lie in a split and have something to compare, by name."""
    return sorted(id for id, seen in descriptors.items() if id in assignment and not seen.blank)


def resemblance(
    descriptors: Mapping[str, Descriptor],
    assignment: Assignment,
    generator: np.random.Generator,
    *,
    least: float = ALIKE,
) -> float:
    """Share of random pairs across splits with a likeness of ``least`` or more; 0 where there are no such pairs.

    Where it is large the images of the set are alike anyway, as different parts in one and the same pose are.
    """
    ids = _comparable_ids(descriptors, assignment)
    if not ids:
        return 0.0
    drawn = [(ids[one], ids[other]) for one, other in generator.integers(len(ids), size=(8 * DRAWS, 2)).tolist()]
    pairs = [(one, other) for one, other in drawn if assignment[one] != assignment[other]][:DRAWS]
    alike = sum(likeness(descriptors[one], descriptors[other]) >= least for one, other in pairs)
    return alike / max(1, len(pairs))


def _candidates(coarse: Float32, sides: Sequence[Split], search: Search) -> Iterator[tuple[int, int, int]]:
    """Yield (one, other, turn of the other): the best promising images on other sides for every image.

    The middle of its thumbnail is sought anywhere in the other's. ``coarse`` is ``float32[images, 16, 16]``.
    """
    inside = slice(search.margin, coarse.shape[1] - search.margin)
    middles = _comparable(coarse[:, inside, inside])
    side = np.unique(np.asarray(sides), return_inverse=True)[1]
    best = np.full((3, len(coarse), search.most), -1, np.float32)  # correlation of thumbnails, the other's number, turn
    for left in range(0, len(coarse), COLUMNS):
        others = np.arange(left, min(left + COLUMNS, len(coarse)))
        apart = side[:, None] != side[others]
        rows = np.flatnonzero(apart.any(axis=1))
        edge = inside.stop - inside.start
        scores = np.stack([_best(middles[rows], _windows(coarse[others], turn, edge)) for turn in search.turns])
        scores[:, ~apart[rows]] = -1
        turns = np.asarray(search.turns)[scores.argmax(axis=0)]
        found = np.stack([scores.max(axis=0), np.broadcast_to(others, turns.shape), turns], dtype=np.float32)
        found = np.concatenate([best[:, rows], found], axis=2)
        order = np.argpartition(-found[0], search.most - 1, axis=1)[:, : search.most]
        best[:, rows] = np.take_along_axis(found, order[None], axis=2)
    for one, place in np.argwhere(best[0] >= PROMISING).tolist():
        yield one, int(best[1, one, place]), int(best[2, one, place])


def _best(middles: Float32, windows: Float32) -> Float32:
    """``float32[rows, columns]``: correlation with the best window."""
    best: Float32 = middles @ windows[0].T
    for window in windows[1:]:
        np.maximum(best, middles @ window.T, out=best)
    return best


def _windows(coarse: Float32, turn: int, edge: int) -> Float32:
    """Every window of the turned thumbnails, ``float32[windows, images, pixels]``."""
    upright = np.stack([turned_pixels(picture, turn) for picture in coarse])
    views = np.lib.stride_tricks.sliding_window_view(upright, (edge, edge), axis=(1, 2))
    return np.stack([_comparable(views[:, y, x]) for y, x in np.ndindex(views.shape[1:3])])


def _comparable(pictures: Float32) -> Float32:
    """``[images, h, w]`` as rows of mean 0 and length 1, whose products are correlations."""
    rows = pictures.reshape(len(pictures), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    unit: Float32 = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return unit
