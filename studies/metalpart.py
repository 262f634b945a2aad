"""Whether ``metalpart`` is what it must be: no threshold on a filtered grey level may find its defects.

``python -m studies.metalpart --into docs/metalpart.md`` renders the default set anew, measures it and writes the tables
between the markers of that file. Filter, sign and threshold are chosen on validation, pixels of the whole image.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import cv2  # noqa: TID253 - a study measures pictures
import numpy as np
import numpy.typing as npt
from bench_plugins.datasets.metalpart.dataset import MetalPart, build, build_first

from bench.types import SPLITS, Float32, Float64, Split
from studies.tables import table_of, tell

STEP = 0.25
"""Grey levels to a bin; a filtered image lies between -255 and 255."""
BINS = int(510 / STEP) + 1
Levels: TypeAlias = npt.NDArray[np.int64]
"""``int64[2, BINS]``: sound and defect pixels by filtered grey level."""
Filter: TypeAlias = Callable[[Float32], Float32]


def smoothed(grey: Float32, sigma: float) -> Float32:
    """Gaussian mean; ``sigma`` in pixels."""
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), sigma), np.float32)


def top_hat(grey: Float32, side: int, operation: int) -> Float32:
    """White or black top-hat with a disc."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.morphologyEx(grey, operation, disc), np.float32)


def difference(grey: Float32, fine: float, coarse: float) -> Float32:
    """Difference of two Gaussian means."""
    return smoothed(grey, fine) - smoothed(grey, coarse)


def deviation(grey: Float32, sigma: float) -> Float32:
    """Local standard deviation under a Gaussian window."""
    variance = smoothed(grey * grey, sigma) - smoothed(grey, sigma) ** 2
    return np.asarray(np.sqrt(np.maximum(variance, 0)), np.float32)


def filters() -> dict[str, Filter]:
    """The family, by what a reader would call its members."""
    found: dict[str, Filter] = {"grey": lambda grey: grey}
    for sigma in (1, 2, 4):
        found[f"smoothed grey, sigma {sigma}"] = partial(smoothed, sigma=sigma)
    for side in (3, 5, 9, 15, 25):
        found[f"white top-hat, disc {side}"] = partial(top_hat, side=side, operation=cv2.MORPH_TOPHAT)
        found[f"black top-hat, disc {side}"] = partial(top_hat, side=side, operation=cv2.MORPH_BLACKHAT)
    for fine, coarse in ((1, 2), (1, 4), (2, 4), (2, 8), (4, 8)):
        found[f"difference of Gaussians, sigma {fine} and {coarse}"] = partial(difference, fine=fine, coarse=coarse)
    for sigma in (1, 2, 4):
        found[f"local deviation, sigma {sigma}"] = partial(deviation, sigma=sigma)
    return found


@dataclass(frozen=True, slots=True)
class Picture:
    """What one picture adds: levels of every filter, those of grey on the part, and shares."""

    split: Split
    group: str
    levels: Mapping[str, Levels]
    on_part: Levels
    defective: bool
    part_share: float
    defect_share: float
    part_grey: float


def measured(dataset: MetalPart, id: str) -> Picture:
    """Render, or read, and measure one picture."""
    sample, part = dataset.load(id), dataset.region(id) > 0
    grey, defect = sample.image[:, :, 0].astype(np.float32), sample.mask > 0
    levels = {name: levels_of(one(grey), defect) for name, one in filters().items()}
    record = dataset.listed[id]
    return Picture(
        record.split or "train",
        record.group,
        levels,
        levels_of(grey[part], defect[part]),
        bool(defect.any()),
        float(part.mean()),
        float(defect.mean()),
        float(grey[part].mean()),
    )


def levels_of(filtered: Float32, defect: npt.NDArray[np.bool_]) -> Levels:
    """Count pixels by level."""
    bins = np.rint((filtered + 255) / STEP).astype(np.int64).clip(0, BINS - 1)
    return np.stack([np.bincount(bins[defect == kind], minlength=BINS) for kind in (False, True)])


def area_under_roc(levels: Levels) -> float:
    """Probability that a defect pixel is brighter than a sound one, ties counted half; the larger of both signs."""
    sound, defect = levels
    below = np.cumsum(sound) - sound / 2
    area = float((defect * below).sum() / (defect.sum() * sound.sum()))
    return max(area, 1 - area)


def f1_by_threshold(levels: Levels, sign: int) -> Float64:
    """F1 of calling a pixel a defect at or beyond each level, ``float64[BINS]``, from the brightest or darkest on."""
    sound, defect = levels[:, ::-sign]
    hits, called = np.cumsum(defect), np.cumsum(defect + sound)
    return np.asarray(2 * hits / np.maximum(called + defect.sum(), 1))


@dataclass(frozen=True, slots=True)
class Measured:
    """A whole set: its pictures, without levels; the sums of these by split and filter, and of grey on the part."""

    pictures: Sequence[Picture]
    levels: Mapping[tuple[Split, str], Levels]
    on_part: Levels
    seconds: float


@dataclass(frozen=True, slots=True)
class Chosen:
    """A filter with its sign and threshold of best F1 on validation, and what these reach on test."""

    name: str
    sign: int
    validation: float
    test: float


def chosen(found: Measured, name: str) -> Chosen:
    """Choose on validation, read on test."""
    validation, test = (found.levels[split, name] for split in ("validation", "test"))
    value, sign = max((float(f1_by_threshold(validation, sign).max()), sign) for sign in (1, -1))
    place = int(f1_by_threshold(validation, sign).argmax())
    return Chosen(name, sign, value, float(f1_by_threshold(test, sign)[place]))


def rendered(make: Callable[..., Any], workers: int) -> Measured:
    """Render a default set anew, timed, and measure it."""
    pictures: list[Picture] = []
    levels: dict[tuple[Split, str], Levels] = {}
    on_part = np.zeros((2, BINS), np.int64)
    with TemporaryDirectory() as place, ProcessPoolExecutor(workers) as pool:
        dataset = make(Path(place))
        ids = list(dataset.listed)
        start = time.perf_counter()
        list(pool.map(partial(_render, dataset), ids, chunksize=8))
        seconds = time.perf_counter() - start
        for one in pool.map(partial(measured, dataset), ids, chunksize=8):
            on_part += one.on_part
            for name, counted in one.levels.items():
                levels[one.split, name] = levels.get((one.split, name), 0) + counted
            pictures.append(replace(one, levels={}))
    return Measured(pictures, levels, on_part, seconds)


def _render(dataset: MetalPart, id: str) -> None:
    dataset.load(id)


def tables(workers: int) -> Iterator[tuple[str, str]]:
    """Name and Markdown of every table."""
    both = rendered(build, workers), rendered(build_first, workers)
    yield "quantities", quantities(both, workers)
    yield "filters", family(both)


def quantities(both: Sequence[Measured], workers: int) -> str:
    """What the default sets hold."""
    rows = [_row("pictures", both, lambda one: str(len(one.pictures)))]
    rows += [_row(f"groups with defects, of all, {split}", both, partial(_groups, split=split)) for split in SPLITS]
    for name, field in (("part, share of the image", "part_share"), ("defects, share of the image", "defect_share")):
        rows.append(_row(f"{name}, %", both, partial(_spread, field=field, scale=100)))
    rows.append(_row("grey level of the part", both, partial(_spread, field="part_grey", scale=1)))
    rows.append(
        _row("area under the ROC curve of grey, on the part", both, lambda one: f"{area_under_roc(one.on_part):.2f}")
    )
    rows.append(
        _row(f"rendering and writing all, {workers} processes, seconds", both, lambda one: f"{one.seconds:.0f}")
    )
    return table_of(["quantity", "version 2", "version 1"], rows)


def _row(name: str, both: Sequence[Measured], figure: Callable[[Measured], str]) -> list[str]:
    return [name, *map(figure, both)]


def _groups(found: Measured, split: Split) -> str:
    held = {one.group for one in found.pictures if one.split == split}
    defective = {one.group for one in found.pictures if one.split == split and one.defective}
    return f"{len(defective)} of {len(held)}"


def _spread(found: Measured, field: str, scale: float) -> str:
    values = [scale * getattr(one, field) for one in found.pictures]
    return f"{np.mean(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def family(both: Sequence[Measured]) -> str:
    """F1 of every filter in percent, best on validation of version 2 first."""
    rows = []
    for name in filters():
        found = [chosen(one, name) for one in both]
        rows.append((found[0].validation, name, [value for one in found for value in (one.validation, one.test)]))
    lines = [[name, *(f"{100 * value:.1f}" for value in values)] for _, name, values in sorted(rows, reverse=True)]
    head = ["filter", "F1_V, version 2", "F1_T, version 2", "F1_V, version 1", "F1_T, version 1"]
    return table_of(head, lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the tables, or write them into a file."""
    parser = argparse.ArgumentParser(prog="python -m studies.metalpart", description=__doc__)
    parser.add_argument("--workers", type=int, default=2, help="processes (2)")
    parser.add_argument("--into", type=Path, help="Markdown file with markers; without it the tables are printed")
    asked = parser.parse_args(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    cv2.setNumThreads(1)
    for name, table in tables(asked.workers):
        tell(name, table, asked.into)


if __name__ == "__main__":
    main()
