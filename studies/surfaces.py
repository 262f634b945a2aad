"""How the defects of ``metalpart`` stand in their ground, beside those of photographs.

``python -m studies.surfaces --data mtd=FOLDER --data severstal=FOLDER --into docs/metalpart.md`` measures every
connected defect against the sound pixels around it and writes a table between the markers ``surfaces`` of that file.
Photographs are read where they lie; nothing of them but figures is written.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2  # noqa: TID253 - a study measures pictures
import numpy as np
import numpy.typing as npt

from bench.catalog import load_catalog
from bench.component import build
from bench.home import bench_home
from bench.types import IGNORED, Bool, Dataset, Float32
from studies.metalpart import BINS, Levels, area_under_roc, levels_of
from studies.tables import table_of, tell

RIM, RING = 2, 6
"""Pixels on either side of a border that are taken for neither, and the width of the sound ring beyond them."""
LEAST = 12
"""Pixels of the smallest defect that is measured, and of the smallest ring."""
ARTEFACTS = "metalpart", "metalpart-v1"


@dataclass(frozen=True, slots=True)
class Defect:
    """A connected defect: grey levels inside less those of the ring around it, and what the ring scatters by.

    ``rim`` and ``ground`` are mean gradients in grey levels a pixel, on the border and in the ring.
    """

    pixels: int
    share: float
    contrast: float
    noise: float
    rim: float
    ground: float


def defects_of(grey: Float32, marked: Bool, sound: Bool) -> Iterator[Defect]:
    """The defects of ``grey: float32[H, W]``; rings are of the ``sound`` pixels around them."""
    steep = gradient(grey)
    found, labels, boxes, _ = cv2.connectedComponentsWithStats(marked.astype(np.uint8), connectivity=8)
    reach = RIM + RING + 1
    for number in range(1, found):
        left, top, width, height, pixels = boxes[number].tolist()
        window = np.s_[max(top - reach, 0) : top + height + reach, max(left - reach, 0) : left + width + reach]
        own = labels[window] == number
        ring = grown(own, RIM + RING) & ~grown(marked[window], RIM) & sound[window]
        if pixels < LEAST or ring.sum() < LEAST:
            continue
        inside, around = grey[window][own], grey[window][ring]
        border = grown(own, 1) & ~shrunk(own, 1)
        yield Defect(
            pixels=pixels,
            share=pixels / grey.size,
            contrast=float(inside.mean() - around.mean()),
            noise=float(around.std()),
            rim=float(steep[window][border].mean()),
            ground=float(steep[window][ring].mean()),
        )


def gradient(grey: Float32) -> Float32:
    """Length of the gradient in grey levels a pixel, by Sobel's operator."""
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *order) / 8 for order in ((1, 0), (0, 1)))
    return np.asarray(np.hypot(across, down), np.float32)


def grown(mask: Bool, by: int) -> Bool:
    """The mask with a band of so many pixels around it."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))
    return cv2.dilate(mask.astype(np.uint8), disc) > 0


def shrunk(mask: Bool, by: int) -> Bool:
    """The mask without such a band; beyond the edge of the image it goes on."""
    return ~grown(~mask, by)


def grain(grey: Float32, sound: Bool) -> float:
    """Standard deviation of noise on sound pixels, in grey levels (Immerkaer 1996).

    The median of the filtered values stands for their mean, so that edges and marks weigh little.
    """
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    filtered = np.abs(cv2.filter2D(grey, cv2.CV_32F, kernel))[sound]
    return float(np.median(filtered) / (0.6745 * 6))


@dataclass(frozen=True, slots=True)
class Surface:
    """What was measured of a data set: images with defects, their defects, grain, and levels of sound and defect."""

    name: str
    images: int
    defects: Sequence[Defect]
    grains: Sequence[float]
    levels: Levels


def measured(name: str, dataset: Dataset) -> Surface:
    """Measure all images that have a defect."""
    defects: list[Defect] = []
    grains: list[float] = []
    levels = np.zeros((2, BINS), np.int64)
    for record in dataset.records():
        sample = dataset.load(record.id)
        marked = (sample.mask > 0) & (sample.mask != IGNORED)
        if not marked.any():
            continue
        grey = sample.image.astype(np.float32).mean(axis=2)
        on_part = part_of(dataset, record.id, marked.shape)
        sound = on_part & (sample.mask == 0)
        defects += defects_of(grey, marked, sound)
        grains.append(grain(grey, sound & ~grown(marked, RIM)))
        levels += levels_of(grey[on_part], marked[on_part])
    return Surface(name, len(grains), defects, grains, levels)


def part_of(dataset: Dataset, id: str, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Where there is a surface: a part of ``metalpart`` lies on a background, photographs are filled by theirs."""
    region: Callable[[str], npt.NDArray[np.uint8]] | None = getattr(dataset, "region", None)
    return np.ones(shape, np.bool_) if region is None else region(id) > 0


ROWS: dict[str, Callable[[Surface], str]] = {
    "images with defects, defects": lambda one: f"{one.images}, {len(one.defects)}",
    "grain of the sound surface, grey levels": lambda one: f"{np.median(one.grains):.1f}",
    "contrast, grey levels": lambda one: spread([abs(defect.contrast) for defect in one.defects]),
    "contrast over the scatter of the ring": lambda one: spread(
        [abs(defect.contrast) / max(defect.noise, 0.5) for defect in one.defects]
    ),
    "scatter of the ring, grey levels": lambda one: spread([defect.noise for defect in one.defects]),
    "brighter than the ring, %": lambda one: f"{100 * np.mean([defect.contrast > 0 for defect in one.defects]):.0f}",
    "gradient on the rim, grey levels a pixel": lambda one: spread([defect.rim for defect in one.defects]),
    "that over the gradient of the ring": lambda one: spread(
        [defect.rim / max(defect.ground, 0.1) for defect in one.defects]
    ),
    "area, pixels": lambda one: spread([defect.pixels for defect in one.defects], digits=0),
    "area, share of the image, %": lambda one: spread([100 * defect.share for defect in one.defects], digits=2),
    "area under the ROC curve of grey": lambda one: f"{area_under_roc(one.levels):.2f}",
}
"""What is told of a surface."""


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Median, and the range that holds nine tenths."""
    low, middle, high = (f"{value:.{digits}f}" for value in np.percentile(values, [5, 50, 95]))
    return f"{middle} ({low} to {high})"


def table(surfaces: Sequence[Surface]) -> str:
    """A column for every surface; median and, in brackets, the range of nine tenths."""
    head = ["quantity", *(surface.name for surface in surfaces)]
    return table_of(head, [[name, *map(figure, surfaces)] for name, figure in ROWS.items()])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the table, or write it into a file."""
    parser = argparse.ArgumentParser(prog="python -m studies.surfaces", description=__doc__)
    parser.add_argument("--data", action="append", default=[], metavar="NAME=FOLDER", help="photographs; repeatable")
    parser.add_argument("--into", type=Path, help="Markdown file with markers; without it the table is printed")
    asked = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    catalog = load_catalog()
    folders = {name: bench_home() / "data" / name for name in ARTEFACTS}
    folders |= {name: Path(folder) for name, _, folder in (one.partition("=") for one in asked.data)}
    surfaces = []
    for name, folder in folders.items():
        settings = {"views": 1} if name in ARTEFACTS else {}
        dataset = build(catalog.find("dataset", name).component, folder, settings=settings)
        surfaces.append(measured(name, dataset))
    tell("surfaces", table(surfaces), asked.into)


if __name__ == "__main__":
    main()
