"""Predictions of chosen cells beside the truth, on the same test images for all (supplement, figures 3 and 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.data.index import IndexedImage
from bench.data.splits import assign, restricted
from bench.figures.choice import Choice, Panel, of_choices
from bench.figures.drawing import Drawing, Sketch
from bench.figures.source import NothingToDraw, Source
from bench.pictures.gallery import OUTLINE, outlined
from bench.pictures.overlay import COLOURS, TONES, Codes, Colour, codes, coloured, colours, grey
from bench.pictures.plate import Row, Tile, pixels, plate, tile_width
from bench.pictures.sheet import CHOSEN, LEGEND, Pick, fitted
from bench.pictures.style import lettered
from bench.report.measures import percent
from bench.score.evidence_file import read_evidence
from bench.stages.shown import SHOWN, picks, positive, read_shown
from bench.types import Bool, Sample

PREDICTIONS = (
    "Predictions on images of the test split of {on}, the same for all cells: spread evenly over the images with a "
    "defect. First the image, then the truth outlined in magenta, then the cells: true positives green, false "
    "positives red, false negatives blue, and the F1 of that image alone."
)
CUT = "Squares in the images are the parts that the rows below them show: all true and predicted defects lie inside."
MARGIN, WHOLE = 0.1, 0.7
"""Share of what is marked that is shown around it, and share of an image from which on all of it is shown."""
Window = tuple[slice, slice]


@dataclass(frozen=True, slots=True)
class _Column:
    """A test image with the codes of truth and prediction of every cell, and the part of it that is shown large."""

    sample: Sample
    base: Colour
    found: Sequence[Codes]
    picks: Sequence[Pick]
    window: Window

    @property
    def cut(self) -> bool:
        """Whether a part of the image is shown."""
        return self.base[self.window].shape != self.base.shape

    def image(self, side: int) -> Tile:
        rows, columns = self.window
        height, width = self.base.shape[:2]
        place = (rows.start / height, columns.start / width)
        shares = ((rows.stop - rows.start) / height, (columns.stop - columns.start) / width)
        return Tile(_reduced(self.base, side), square=(*place, *shares) if self.cut else None)

    def truth(self, side: int) -> Tile:
        """The true defects outlined, after the picture is reduced: the line is as wide as print shows."""
        true = codes(self.sample.mask, self.sample.mask > 0)[self.window]
        base = self.base[self.window]
        marked = colours(_reduced(coloured(base[:, :, 0], true), side)) > 0
        return Tile(outlined(_reduced(base, side), marked))

    def cell(self, number: int, side: int) -> Tile:
        picture = coloured(self.base[self.window][:, :, 0], self.found[number][self.window])
        return Tile(_reduced(picture, side), f"F1 {percent(self.picks[number].f1)} %")


def predictions(source: Source, choices: Sequence[Choice], width: float) -> Iterator[Sketch]:
    """A figure for each data set: test images in columns; the image, the truth and one row for each cell."""
    return of_choices("predictions", choices, lambda choice: _predictions(source, choice, width))


def _predictions(source: Source, choice: Choice, width: float) -> Drawing:
    """Draw it.

    Raises:
        BenchError: the images or what was predicted of them is gone, or may not be printed.
        DataError: more rows than fit a page.
    """
    first = choice.panels[0]
    images = source.scored(first.cell, first.record)
    tested = restricted(images.index, assign(images.index, first.cell.protocol.split), "test").entries
    found = [_predicted(source, panel, tested) for panel in choice.panels]
    ids = [id for id in found[0] if all(id in other for other in found)]
    if not ids:
        raise NothingToDraw(f"no image of the test split of {choice.on} has a defect")
    shown = [_column(images.load(id), [masks[id] for masks in found]) for id in ids]
    side = pixels(tile_width(len(ids), width))
    rows = [Row("image", [one.image(side) for one in shown]), Row("truth", [one.truth(side) for one in shown])]
    for number, panel in enumerate(choice.panels):
        rows.append(Row(lettered(number, panel.name), [one.cell(number, side) for one in shown]))
    cut = [CUT] if any(one.cut for one in shown) else []
    order = f"From left to right: {', '.join(ids)}."
    caption = [PREDICTIONS.format(on=choice.on), *cut, order, *choice.told, TONES, images.told, source.told]
    return Drawing(plate(rows, width, legend=_legend()), caption)


def _legend() -> list[tuple[str, tuple[int, int, int]]]:
    shades = [("truth", OUTLINE), *zip(LEGEND, COLOURS[1:], strict=True)]
    return [(name, (int(red), int(green), int(blue))) for name, (red, green, blue) in shades]


def _predicted(source: Source, panel: Panel, tested: Sequence[IndexedImage]) -> Mapping[str, tuple[Pick, Bool]]:
    """The images that every cell of a data set shows, with the binary prediction of this one."""
    folder = source.stage(panel.record, "predict")
    test, maps = read_evidence(folder / "test.npz"), read_shown(folder / SHOWN)
    index = panel.record.of_split("validation")["threshold_index"]
    chosen = [pick for pick in picks(test, tested, index) if pick.why == CHOSEN]
    return {pick.id: (pick, positive(maps[pick.id])) for pick in chosen}


def _column(sample: Sample, predicted: Sequence[tuple[Pick, Bool]]) -> _Column:
    found = [codes(sample.mask, mask) for _, mask in predicted]
    marked = np.any([one > 0 for one in found], axis=0)
    base = np.repeat(grey(sample.image)[:, :, None], 3, axis=2)
    return _Column(sample, base, found, [pick for pick, _ in predicted], window_of(marked))


def window_of(marked: Bool) -> Window:
    """The square, or what fits the image of it, around all that is marked; the whole image where that is most of it."""
    height, width = marked.shape
    places = np.argwhere(marked)
    if not len(places):
        return slice(0, height), slice(0, width)
    first, last = places.min(axis=0), places.max(axis=0) + 1
    side = int(np.ceil((1 + 2 * MARGIN) * (last - first).max()))
    tall, wide = min(side, height), min(side, width)
    if tall * wide >= WHOLE * height * width:
        return slice(0, height), slice(0, width)
    top, left = ((first + last - (tall, wide)) // 2).clip(0, (height - tall, width - wide)).tolist()
    return slice(top, top + tall), slice(left, left + wide)


def _reduced(picture: Colour, side: int) -> Colour:
    """The picture as it is, unless print shows fewer pixels."""
    return picture if max(picture.shape[:2]) <= side else fitted(picture, side)
