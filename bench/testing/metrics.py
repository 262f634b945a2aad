"""The contract of metrics: values in their stated range for whatever counts or images a run may end with."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from bench.component import Component
from bench.testing.clauses import Breach, Sentences, built, in_turn, kept, ran
from bench.types import IGNORED, Float64, ImageMetric, PixelMetric, Prediction
from bench.words import shown

THRESHOLD = 0.5
PERFECT, OPPOSITE = (40.0, 0.0, 0.0, 60.0), (0.0, 60.0, 40.0, 0.0)
"""TP, FP, FN, TN of 100 pixels."""


def breaches_of_metric(component: Component[Any]) -> list[str]:
    """The clauses of a ``PixelMetric``, or of an ``ImageMetric`` where it has ``observe``."""
    return kept(in_turn(stating(component), _valuing(component)))


def stating(component: Component[Any]) -> Sentences:
    """It has ``value`` and says between which bounds it lies."""
    metric = built(component)
    if not callable(getattr(metric, "value", None)):
        raise Breach(f"its builder returned {shown(metric)}, which has no value(): return a PixelMetric or ImageMetric")
    bounds: Any = getattr(metric, "range", None)
    numbers = isinstance(bounds, tuple) and len(bounds) == 2 and all(isinstance(b, int | float) for b in bounds)
    if not numbers or not bounds[0] < bounds[1]:
        yield f"its range is {bounds!r}: it must be (smallest, largest) possible value"


def _valuing(component: Component[Any]) -> Sentences:
    """What is counted or observed, and the values of it."""
    metric: Any = built(component)
    if hasattr(metric, "observe"):
        yield from in_turn(observing(metric), repeating(metric), adding(metric))
    else:
        yield from counting(metric)


def counting(metric: PixelMetric) -> Sentences:
    """Counts ``[..., 4]`` become values ``[...]``, row by row, in range, better for perfect than for opposite; equal
    counts give equal values.
    """
    some = np.array(list(itertools.product((0.0, 7.0), repeat=4)))
    random = np.random.default_rng(0).integers(0, 1000, (46, 4)).astype(np.float64)
    rows = np.concatenate([some, random, some * 1e11, [PERFECT, OPPOSITE]])
    what = [f"TP, FP, FN, TN = {row.tolist()}" for row in rows]
    yield from _of_rows(metric, rows, "counts", what, perfect=-2)


def _of_rows(
    metric: PixelMetric | ImageMetric, rows: Float64, name: str, what: Sequence[str], perfect: int
) -> Sentences:
    """Rows ``[..., M]`` become values ``[...]``, row by row, in range, the same when asked again.

    Rows are called ``name``, each of them as in ``what``; the row after ``perfect`` is its opposite.
    """
    given, cube = rows.copy(), rows[:24].reshape(2, 3, 4, -1)
    values, again = _values(metric, given), _values(metric, rows.copy())
    if not np.array_equal(given, rows):
        yield f"value changes the {name} it is given: work on a copy"
    if not np.array_equal(values, again, equal_nan=True):
        raise Breach(f"value gives another result for the same {name} the second time: it must be deterministic")
    yield from _outside(metric.range, values, what)
    singly = np.array([_values(metric, row.copy()) for row in rows])
    close = partial(np.allclose, rtol=1e-9, atol=1e-12, equal_nan=True)
    if not close(values, singly) or not close(values[:24], _values(metric, cube.copy()).ravel()):
        yield (
            f"value of many {'rows' if name == 'counts' else name} is not the value of each: it must map "
            f"float64[..., {'4' if name == 'counts' else 'M'}] to [...] along the last axis"
        )
    best, worst = map(float, singly[[perfect, perfect + 1]])
    if not best > worst:
        yield (
            f"a perfect prediction gets {best}, its opposite {worst}: perfect must be the higher, "
            "so that the board can order cells"
        )


def _values(metric: PixelMetric | ImageMetric, rows: Float64) -> Float64:
    """The values of rows, checked for shape."""
    found: object = ran("value", metric.value, rows)
    values = np.asarray(found)
    shape = rows.shape[:-1]
    if values.shape != shape or values.dtype.kind not in "fiu":
        raise Breach(f"value of {shown(rows)} returned {shown(found)}: it must be float64{list(shape)}")
    return values.astype(np.float64)


def _outside(bounds: tuple[float, float], values: Float64, what: Sequence[str]) -> Sentences:
    """The first value that is not finite, and the first outside the range."""
    slack = 1e-9 * max([1.0, *(abs(b) for b in bounds if np.isfinite(b))])
    odd = np.flatnonzero(~np.isfinite(values))
    beyond = np.flatnonzero((values < bounds[0] - slack) | (values > bounds[1] + slack))
    if len(odd):
        yield f"its value is {values[odd[0]]} for {what[odd[0]]}: it must be finite in every degenerate case"
    elif len(beyond):
        yield f"its value is {values[beyond[0]]} for {what[beyond[0]]}: its range says {bounds[0]} to {bounds[1]}"


def predictions() -> list[Prediction]:
    """Images right, wrong, undecided and degenerate: no defect, nothing but defect, nothing but ignored pixels."""
    generator = np.random.default_rng(0)
    mask = np.zeros((24, 20), np.uint8)
    mask[3:9, 4:12], mask[15:18, 2:5], mask[-2:] = 1, 2, IGNORED
    random = generator.random(mask.shape)
    found = []
    for truth in (mask, np.zeros_like(mask), np.ones_like(mask), np.full_like(mask, IGNORED)):
        right = (truth > 0).astype(np.float64)
        found += [_predicted(truth, probability) for probability in (right, 1 - right, random)]
    return [*found, _predicted(mask, np.full(mask.shape, THRESHOLD))]


def _predicted(mask: Any, probability: Any) -> Prediction:
    name = f"{np.unique(mask).tolist()} predicted {np.round(np.unique(probability)[:2], 2).tolist()}"
    return Prediction(name, probability.astype(np.float32), mask, ("scratch", "dent"))


def observing(metric: ImageMetric) -> Sentences:
    """Rows have one length and are finite; the prediction is not changed."""
    lengths: dict[str, str] = {}
    for image in predictions():
        probability, mask = image.probability.copy(), image.mask.copy()
        row: Any = ran(f"observe of mask values {image.id}", metric.observe, image, THRESHOLD)
        if not (np.array_equal(probability, image.probability) and np.array_equal(mask, image.mask)):
            raise Breach("observe changes the prediction it is given: work on a copy")
        if not isinstance(row, np.ndarray) or row.dtype != np.float64 or row.ndim != 1:
            raise Breach(f"observe returned {shown(row)}: it must be float64[M], as rows add")
        if not np.isfinite(row).all():
            raise Breach(f"observe returned {row.tolist()} for mask values {image.id}: rows must be finite")
        lengths.setdefault(shown(row), image.id)
    if len(lengths) > 1:
        yield f"observe returned {' and '.join(lengths)}: M must be the same for all images, as rows add"


def adding(metric: ImageMetric) -> Sentences:
    """Sums of rows have a value in range, also of one image or none; perfect beats opposite."""
    images = predictions()
    rows = np.stack([metric.observe(image, THRESHOLD) for image in images])
    totals = np.concatenate([rows, rows.cumsum(axis=0), np.zeros_like(rows[:1])])
    what = [f"mask values {image.id}" for image in images]
    what += [f"the first {number} images together" for number in range(1, len(images) + 1)]
    yield from _of_rows(metric, totals, "totals", [*what, "no image"], perfect=0)


def repeating(metric: ImageMetric) -> Sentences:
    """A row depends on its image alone, so that the order of images plays no role."""
    images = predictions()
    forth = [metric.observe(image, THRESHOLD) for image in images]
    back = [metric.observe(image, THRESHOLD) for image in reversed(images)]
    if not all(map(partial(np.array_equal, equal_nan=True), forth, reversed(back))):
        yield "observe returns another row when the images come in another order: a row must depend on its image alone"
