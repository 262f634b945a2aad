"""Exact sampling: part, then image, then position; nothing is rejected and nothing is decoded here.

A crop strategy states weights. What is drawn from them, and from which random numbers, is decided here:
the image of every crop is fixed before any image is decoded, and each image's positions come from a
substream of (seed, image id, part), so that neither the number of workers nor their order matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import DataError, PluginError
from bench.types import Bool, CropStrategy, Float32, Float64, Image, Index, Mask, Part
from bench.words import plural, shown

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Parts = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Plan:
    """Which part and which image every crop of a draw comes from.

    ``weights`` is ``float64[parts, images]``; ``part`` (``uint8[N]``) and ``source`` (``int32[N]``, a number
    into the index) are in the order of the draw. ``unbiased`` repeats the strategy's attribute of that name,
    by which a reference strategy says that it excludes nothing on purpose.
    """

    strategy: str
    unbiased: bool
    parts: tuple[Part, ...]
    weights: Float64
    part: Parts
    source: Int32


def name_of(strategy: object) -> str:
    """What messages call a strategy: its ``name`` if it has one, else the name of its class."""
    return str(getattr(strategy, "name", type(strategy).__qualname__))


def plan_crops(strategy: CropStrategy, index: Index, crops: int, seed: int) -> Plan:
    """Fix part and image of every crop; any slice of the draw has nearly the shares and weights of the whole.

    Raises:
        PluginError: shares that do not sum to 1, or weights of the wrong shape, negative, not finite or all zero.
        DataError: there is no training image, or no crop is asked for.
    """
    if crops < 1 or not index.entries:
        raise DataError(
            f"cannot draw {plural(crops, 'crop')} from {plural(len(index.entries), 'training image')}; "
            "both must be positive"
        )
    name = name_of(strategy)
    parts = tuple(strategy.parts())
    counts = apportion(_shares(parts, name), crops)
    weights = np.stack([_weights(part, index, name) for part in parts])
    part = interleave(counts)
    source = np.empty(crops, np.int32)
    for number, count in enumerate(counts.tolist()):
        source[part == number] = image_sequence(weights[number], count, np.random.default_rng([seed, number, 0]))
    return Plan(name, bool(getattr(strategy, "unbiased", False)), parts, weights, part, source)


def replacements(plan: Plan, exhausted: Bool, rows: Int64, seed: int, attempt: int) -> Int32:
    """Other images for the crops ``rows`` (``int64[R]``) whose image turned out to have no position.

    ``exhausted`` is ``bool[parts, images]``; attempt counts 1, 2, ... so that every one has its own random numbers.

    Raises:
        DataError: no image of the part is left.
    """
    chosen = np.empty(len(rows), np.int32)
    for number in np.unique(plan.part[rows]).tolist():
        mine = plan.part[rows] == number
        weights = np.where(exhausted[number], 0.0, plan.weights[number])
        if not weights.any():
            raise DataError(
                f"crop strategy {plan.strategy!r} admits no position in any training image; "
                "lower its threshold, choose a fallback, or use a smaller crop size"
            )
        generator = np.random.default_rng([seed, number, attempt])
        chosen[mine] = image_sequence(weights, int(mine.sum()), generator)
    return chosen


def apportion(shares: Float64, crops: int) -> Int64:
    """Split ``crops`` by ``shares`` with the method of largest remainders; ties go to the earlier part."""
    exact = shares * crops
    counts = np.floor(exact + 1e-9).astype(np.int64)
    order = np.argsort(counts - exact, kind="stable")
    counts[order[: crops - counts.sum()]] += 1
    return counts


def interleave(counts: Int64) -> Parts:
    """Order the parts evenly, ``uint8[sum(counts)]``: the k-th crop of n of a part stands at (k + 1/2) / n."""
    part = np.repeat(np.arange(len(counts), dtype=np.uint8), counts)
    places = np.concatenate([(np.arange(count) + 0.5) / count for count in counts.tolist()])
    ordered: Parts = part[np.argsort(places, kind="stable")]
    return ordered


def image_sequence(weights: Float64, crops: int, generator: np.random.Generator) -> Int32:
    """Draw image numbers ``int32[crops]`` in cycles of as many crops as images have a weight.

    Systematic sampling (Madow 1949): in each cycle, and over all whole cycles together, every image's count
    deviates by less than 1 from its expectation; equal weights give each image once per cycle. Each cycle
    is shuffled.
    """
    drawable = generator.permutation(np.flatnonzero(weights))
    edges = _edges(weights[drawable])
    cycles, rest = divmod(crops, len(drawable))
    # one regular grid over all cycles, dealt out at random: each cycle alone is a regular grid too
    shifts = (generator.permutation(cycles) + generator.random()) / max(cycles, 1)
    whole = _at(edges, np.arange(len(drawable)) + shifts[:, None])
    last = _at(edges, (np.arange(rest) + generator.random()) * (len(drawable) / max(rest, 1)))
    places = np.concatenate([generator.permuted(whole, axis=1).ravel(), generator.permutation(last)])
    numbers: Int32 = drawable[places].astype(np.int32)
    return numbers


def _edges(weights: Float64) -> Float64:
    """Cumulative weights, scaled to end at their number; exactly 1, 2, 3, ... when all are equal."""
    if (weights == weights[0]).all():
        return np.arange(1.0, len(weights) + 1)
    total = np.cumsum(weights)
    edges: Float64 = total * (len(weights) / total[-1])
    return edges


def _at(edges: Float64, points: npt.NDArray[np.floating]) -> Int64:
    """The interval each point lies in; a point rounded up to the last edge stays in the last interval."""
    return np.minimum(np.searchsorted(edges, points, side="right"), len(edges) - 1)


def substream(seed: int, id: str, part: int, attempt: int) -> np.random.Generator:
    """The random numbers of one image in one part; equal on every machine and for any order of work."""
    name = int.from_bytes(blake2b(id.encode(), digest_size=8).digest(), "big")
    return np.random.default_rng([seed, name, part, attempt])


def positions_of(plan: Plan, number: int, image: Image, mask: Mask, size: int) -> Bool | Float32:
    """Ask one part for its map over the corners of one padded image, and check the answer.

    Raises:
        PluginError: the map has a wrong type or shape, or weights that are negative or not finite.
    """
    found: Any = plan.parts[number].positions(image, mask)
    shape = image.shape[0] - size + 1, image.shape[1] - size + 1
    if not isinstance(found, np.ndarray) or found.dtype not in (np.bool_, np.float32) or found.shape != shape:
        raise PluginError(
            f"crop strategy {plan.strategy!r} returned {shown(found)} as positions; "
            f"for this image it must be bool or float32 {list(shape)}"
        )
    if found.dtype == np.float32 and not (found.min() >= 0 and found.max() < np.inf):
        raise PluginError(
            f"crop strategy {plan.strategy!r} returned position weights that are negative or not finite "
            f"(smallest {found.min()}, largest {found.max()})"
        )
    return found


def row_index(positions: Bool | Float32) -> Float64 | Int64:
    """Cumulative weight of the rows of a map, ``[rows]``: all that sampling needs besides the map itself."""
    if positions.dtype == np.bool_:
        return np.cumsum(np.count_nonzero(positions, axis=1))
    return np.cumsum(positions.sum(axis=1, dtype=np.float64))


def draw_corners(positions: Bool | Float32, rows: Float64 | Int64, crops: int, generator: np.random.Generator) -> Int32:
    """Draw corners ``int32[crops, 2]`` with replacement from a map and its :func:`row_index`, exactly.

    The true corners of a bool map are equally likely; float weights are proportional to the probability.
    """
    if rows.dtype == np.int64:
        draws: Any = generator.integers(0, rows[-1], crops)
    else:
        draws = generator.random(crops) * rows[-1]
    tops = np.minimum(np.searchsorted(rows, draws, side="right"), np.searchsorted(rows, rows[-1]))
    within = draws - np.where(tops > 0, rows[tops - 1], 0)
    lefts = np.empty(crops, np.int64)
    order = np.argsort(tops, kind="stable")
    starts = np.flatnonzero(np.diff(tops[order], prepend=-1))
    for here in np.split(order, starts)[1:]:  # by row
        lefts[here] = _columns(positions[tops[here[0]]], within[here])
    return np.stack([tops, lefts], axis=1).astype(np.int32)


def _columns(row: Bool | Float32, draws: npt.NDArray[Any]) -> Int64:
    """Columns of one row: the k-th true one, or where the cumulative weight passes the draw."""
    if row.dtype == np.bool_:
        columns: Int64 = np.flatnonzero(row)[draws]
        return columns
    total = np.cumsum(row, dtype=np.float64)
    last = np.searchsorted(total, total[-1])  # rounding must not end in a corner of weight zero
    place = np.searchsorted(total, draws, side="right")
    return np.where(place < last, place, last)


def _shares(parts: Sequence[Part], name: str) -> Float64:
    shares = np.array([part.share for part in parts], np.float64)
    if not 1 <= len(parts) <= 255 or not (shares >= 0).all() or abs(shares.sum() - 1) > 1e-6:
        raise PluginError(
            f"crop strategy {name!r} has {len(parts)} parts with shares {shares.tolist()}; "
            "one to 255 parts must have shares of at least 0 that sum to 1"
        )
    return shares


def _weights(part: Part, index: Index, name: str) -> Float64:
    weights: Any = part.images(index)
    if not isinstance(weights, np.ndarray) or weights.dtype.kind not in "fiu" or weights.shape != (len(index.entries),):
        raise PluginError(
            f"crop strategy {name!r} returned {shown(weights)} as weights of the images; "
            f"it must be float64 [{len(index.entries)}], one per training image"
        )
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise PluginError(
            f"crop strategy {name!r} returned weights of the images that are negative, not finite or all zero; "
            "at least one training image must have a weight above zero"
        )
    return weights.astype(np.float64)
