"""One pass over the images that a plan names: decode, ask for positions, draw corners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from bench.crops.prepare import AtHand, ImageSource, Prepared, padded
from bench.crops.sampling import (
    Int32,
    Int64,
    Parts,
    Plan,
    draw_corners,
    positions_of,
    replacements,
    row_index,
    substream,
)
from bench.errors import DataError
from bench.threads import Progress, ordered, silent
from bench.types import Bool, CropStrategy, FallingBack, Fitting, Float64, Index, JsonValue

Take = Callable[[int, Prepared, Int64, Int32], None]
"""Receives the number of an image, the padded image, rows of the draw and their corners; on a worker thread."""


@dataclass(frozen=True, slots=True)
class Draw:
    """A finished draw, in its order, and what the strategy had to choose from.

    ``part`` is ``uint8[N]``, ``source`` ``int32[N]``, ``corner`` ``int32[N, 2]``. ``admissible`` is the share of
    corners that the parts admit, weighted by their shares, over the images that were looked at (an image of
    weight zero admits none); ``fallback`` the share of crops from a fallback window; ``skipped`` the ids of
    images in which a part found no position; ``inert`` that a strategy meant to choose has excluded nothing.
    """

    part: Parts
    source: Int32
    corner: Int32
    admissible: float
    fallback: float
    skipped: tuple[str, ...]
    inert: bool

    def facts(self) -> dict[str, JsonValue]:
        """What the strategy had to choose from, as a file's provenance has it."""
        return {
            "admissible": self.admissible,
            "fallback": self.fallback,
            "skipped": list(self.skipped),
            "inert": self.inert,
        }


@dataclass(frozen=True, slots=True)
class Frame:
    """What crops are drawn from: the training images, their source, the crop size, the seed; and how fast."""

    index: Index
    source: ImageSource
    size: int
    seed: int = 0
    workers: int = 2

    def load(self, number: int) -> Prepared:
        """Image ``number`` of the index, padded to the crop size.

        Raises:
            DataError: it is not as large as the index says.
        """
        entry = self.index.entries[number]
        prepared = self.source.prepared(entry.id)
        if prepared.mask.shape != (entry.height, entry.width):
            raise DataError(
                f"image {entry.id!r} is {prepared.mask.shape[1]}x{prepared.mask.shape[0]} pixels, "
                f"the index says {entry.width}x{entry.height}; build the index again"
            )
        return padded(prepared, self.size)

    def begun(self, number: int) -> tuple[Frame, Prepared]:
        """Image ``number`` as its source gives it, and the frame that need not decode it a second time."""
        id = self.index.entries[number].id
        first = self.source.prepared(id)
        return replace(self, source=AtHand(self.source, id, first)), first

    def corners(self) -> Int64:
        """How many corners every image has, ``int64[images]``."""
        sides = np.array([(entry.height, entry.width) for entry in self.index.entries], np.int64)
        counts: Int64 = np.maximum(sides - self.size + 1, 1).prod(axis=1)
        return counts


@dataclass(frozen=True, slots=True)
class _Found:
    """What one part offers in one image, and the corners drawn there for ``rows`` (none if it offers nothing)."""

    part: int
    admitted: int
    empty: bool
    fell_back: bool
    weighted: bool
    rows: Int64
    corners: Int32


@dataclass(frozen=True, slots=True)
class _Tally:
    """What is known of every part in every image, arrays ``[parts, images]``; admitted is -1 if not looked at."""

    admitted: Int64
    empty: Bool
    fell_back: Bool
    weighted: Bool

    @classmethod
    def of(cls, plan: Plan) -> _Tally:
        no = np.zeros(plan.weights.shape, bool)
        return cls(np.where(plan.weights > 0, -1, 0), no, no.copy(), no.copy())

    def add(self, number: int, found: _Found) -> None:
        at = found.part, number
        self.admitted[at] = found.admitted
        self.empty[at] = found.empty
        self.fell_back[at] = found.fell_back
        self.weighted[at] = found.weighted


def discard(number: int, prepared: Prepared, rows: Int64, corners: Int32) -> None:
    """Take no crop: only the positions are of interest."""


def fitted(strategy: CropStrategy, frame: Frame, progress: Progress = silent) -> CropStrategy:
    """The strategy itself, or, if it is :class:`Fitting`, what it becomes after a pass over all images."""
    if not isinstance(strategy, Fitting):
        return strategy
    fitting: Fitting = strategy

    def observe(number: int) -> Float64:
        prepared = frame.load(number)
        return fitting.observe(prepared.guide, prepared.mask)

    total = None
    for row in ordered(observe, range(len(frame.index.entries)), frame.workers, progress):
        total = row if total is None else total + row
    if total is None:
        raise DataError("there is no training image to fit the crop strategy to; check the split")
    return fitting.fit(total)


def draw(
    plan: Plan,
    frame: Frame,
    take: Take = discard,
    *,
    look_at: Sequence[int] = (),
    progress: Progress = silent,
) -> Draw:
    """Draw the corners of a plan and hand every image's crops to ``take``, decoding each image once.

    Crops whose image has no position go to other images of their part, drawn anew in the same way: only
    those images are decoded again. ``look_at`` names images that count even if no crop comes from them.

    Raises:
        DataError: no image of a part has a position, or an image cannot be decoded.
        PluginError: the strategy returned an impossible map.
    """
    source = plan.source.copy()
    corner = np.full((len(source), 2), -1, np.int32)
    tally = _Tally.of(plan)
    attempt = done = 0
    rows, others = np.arange(len(source)), look_at
    while len(rows):
        visits = _visits(source, rows, others)
        total = done + len(visits)
        for number, found in ordered(partial(_visit, plan, frame, take, attempt), visits, frame.workers):
            for each in found:
                tally.add(number, each)
                corner[each.rows] = each.corners
            done += 1
            progress(done, total)
        attempt += 1
        rows, others = np.flatnonzero(corner[:, 0] < 0), ()
        source[rows] = replacements(plan, tally.empty, rows, frame.seed, attempt)
    return _summary(plan, frame, tally, source, corner)


@dataclass(frozen=True, slots=True)
class _Visit:
    number: int
    rows: Int64
    look: bool


def _visits(source: Int32, rows: Int64, look_at: Sequence[int]) -> list[_Visit]:
    """Group the rows of the draw by image; images to look at come along with no rows."""
    order = rows[np.argsort(source[rows], kind="stable")]
    numbers, starts = np.unique(source[order], return_index=True)
    grouped = dict(zip(numbers.tolist(), np.split(order, starts[1:]), strict=True))
    none, look = np.zeros(0, np.int64), set(look_at)
    return [_Visit(number, grouped.get(number, none), number in look) for number in sorted(grouped.keys() | look)]


def _visit(plan: Plan, frame: Frame, take: Take, attempt: int, visit: _Visit) -> tuple[int, list[_Found]]:
    """Decode one image and draw the corners of all its crops."""
    prepared = frame.load(visit.number)
    parts = plan.part[visit.rows]
    found = []
    for part in range(len(plan.parts)):
        mine = parts == part
        if mine.any() or (visit.look and plan.weights[part, visit.number] > 0):
            found.append(_drawn(plan, frame, prepared, attempt, visit.number, part, visit.rows[mine]))
    if found:
        rows = np.concatenate([each.rows for each in found])
        take(visit.number, prepared, rows, np.concatenate([each.corners for each in found]))
    return visit.number, found


def _drawn(plan: Plan, frame: Frame, prepared: Prepared, attempt: int, number: int, part: int, rows: Int64) -> _Found:
    """Ask one part for its positions in one image and draw the corners of ``rows`` from them."""
    asked = plan.parts[part]
    positions = positions_of(plan, part, prepared.guide, prepared.mask, frame.size)
    weighted = positions.dtype != np.bool_
    index = row_index(positions)
    admitted = int(np.count_nonzero(positions)) if weighted else int(index[-1])
    if not admitted:
        return _Found(part, 0, True, False, weighted, rows[:0], np.zeros((0, 2), np.int32))
    fell_back = isinstance(asked, FallingBack) and asked.falls_back(prepared.guide, prepared.mask, positions)
    generator = substream(frame.seed, frame.index.entries[number].id, part, attempt)
    corners = draw_corners(positions, index, len(rows), generator)
    return _Found(part, 0 if fell_back else admitted, False, fell_back, weighted, rows, corners)


def _summary(plan: Plan, frame: Frame, tally: _Tally, source: Int32, corner: Int32) -> Draw:
    looked_at = tally.admitted >= 0
    corners = (frame.corners() * looked_at).sum(axis=1)
    admitted = np.where(looked_at, tally.admitted, 0).sum(axis=1) / np.maximum(corners, 1)
    share = np.bincount(plan.part, minlength=len(plan.parts)) / len(plan.part)
    equal = (plan.weights == plan.weights[:, :1]).all() and not tally.weighted.any()
    entries = frame.index.entries
    return Draw(
        part=plan.part,
        source=source,
        corner=corner,
        admissible=float((share * admitted).sum()),
        fallback=float(tally.fell_back[plan.part, source].mean()),
        skipped=tuple(entries[number].id for number in np.flatnonzero(tally.empty.any(axis=0)).tolist()),
        inert=bool(equal and (admitted[share > 0] == 1).all() and not plan.unbiased),
    )
