"""Contact sheets: which images are shown, and several overlays with captions in one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from bench.canonical import printable
from bench.errors import DataError
from bench.pictures.overlay import COLOURS, Codes, Colour, coloured, colours
from bench.report.measures import percent
from bench.types import JsonValue

if TYPE_CHECKING:
    from PIL.Image import Image as Canvas
    from PIL.ImageDraw import ImageDraw

CHOSEN = "chosen"
"""Why an image is shown that was asked for by its id."""
LEGEND = ("true positive", "false positive", "false negative")
HEAD, MARGIN, CAPTION, LETTER, LINE, GAP = 30, 8, 38, 13, 20, 22
"""Pixels of a legend of one line, between tiles, of a caption of two lines, of letters, of one more line,
and between two entries of the legend."""


@dataclass(frozen=True, slots=True)
class Pick:
    """An image to show, and why; counts are pixels."""

    id: str
    why: str
    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def f1(self) -> float | None:
        """F1 of this image alone; None where there is neither a true nor a predicted positive."""
        twice = 2 * self.true_positives
        positives = twice + self.false_positives + self.false_negatives
        return twice / positives if positives else None


@dataclass(frozen=True, slots=True)
class Panel:
    """One overlay of a sheet with the two lines under it."""

    picture: Colour
    first: str
    second: str = ""


def named(image_counts: Mapping[str, JsonValue], ids: Sequence[str]) -> list[Pick]:
    """The images asked for by id.

    Raises:
        DataError: an id that was not scored.
    """
    picks = {pick.id: pick for pick in _picks(image_counts, CHOSEN)}
    for id in ids:
        if id not in picks:
            raise DataError(
                f"no image {id!r} was scored; {len(picks):,} others were, such as {next(iter(picks), None)!r}"
            )
    return [picks[id] for id in ids]


def worst(
    image_counts: Mapping[str, JsonValue], by: Literal["f1", "false positives", "false negatives"], most: int
) -> list[Pick]:
    """The ``most`` worst images, worst first; images that have nothing wrong in this respect are left out.

    ``f1``: lowest F1 of the image alone among images with true defects; at equal F1 the one with more wrong
    pixels. The others: most pixels of that kind. Remaining ties go by id.
    """
    ranked = []
    for pick in _picks(image_counts, "lowest F1" if by == "f1" else f"most {by}"):
        badness = _badness(pick, by)
        if badness is not None:
            ranked.append((badness, pick.id, pick))
    ranked.sort(key=lambda found: found[:2])
    return [pick for *_, pick in ranked[:most]]


def _badness(pick: Pick, by: str) -> tuple[float, float] | None:
    """Sort key, smaller is worse; None where the image is not to be listed."""
    errors = pick.false_positives + pick.false_negatives
    if by == "f1":
        has_defect = pick.true_positives + pick.false_negatives > 0
        return (pick.f1 or 0.0, -errors) if has_defect and errors else None
    count = pick.false_positives if by == "false positives" else pick.false_negatives
    return (-count, -errors) if count else None


def _picks(image_counts: Mapping[str, JsonValue], why: str) -> list[Pick]:
    """All images of ``{"ids": [...], "counts": [[TP, FP, FN, TN], ...]}``."""
    pairs = zip(image_counts["ids"], image_counts["counts"], strict=True)
    return [Pick(str(id), why, int(tp), int(fp), int(fn)) for id, (tp, fp, fn, _) in pairs]


def panel(picture: Colour, cell: str, pick: Pick) -> Panel:
    """An overlay with the cell, the image, why it is shown and its F1 under it; of a sound image F1 says nothing.

    The letters of captions are ASCII: the font that comes with Pillow has no dashes.
    """
    score = f"F1 {percent(pick.f1)}" if pick.true_positives + pick.false_negatives else "no defect in it"
    return Panel(picture, cell, f"{pick.id}: {pick.why}, {score}")


def contact_sheet(panels: Sequence[Panel], *, columns: int = 4, side: int = 320, note: str = "") -> Colour:
    """Set overlays in a grid of tiles, with captions, a legend and a note below it; returns RGB.

    A tile is at most ``side`` pixels wide, and no wider than the widest picture or caption. Larger images are reduced
    by a whole factor. A reduced pixel is coloured if any pixel under it is, or thin defects would fade away: only the
    full overlays can be counted.

    Raises:
        DataError: no panels.
    """
    if not panels:
        raise DataError("a contact sheet needs at least one overlay; choose images or a cell that has predictions")
    across = min(columns, len(panels))
    pictures = [fitted(one.picture, side) for one in panels]
    captions = [(one.first, one.second) for one in panels]
    widest = max(picture.shape[1] for picture in pictures)
    width = max(widest, min(side, max(map(_length, chain.from_iterable(captions)))))
    widths = [18 + _length(name) for name in LEGEND]
    legend = _legend_places(widths, MARGIN + across * (width + MARGIN))
    head = HEAD + legend[-1][1] - legend[0][1] + (LINE if note else 0)
    least = 2 * MARGIN + max(widths)
    canvas, draw = laid(pictures, captions, across=across, width=width, gap=MARGIN, top=head, least=least)
    for name, colour, (left, top) in zip(LEGEND, COLOURS[1:].tolist(), legend, strict=True):
        draw.rectangle((left, top + 2, left + 12, top + 14), fill=tuple(colour))
        draw.text((left + 18, top), name, "black", font_size=LETTER)
    draw.text((MARGIN, head - HEAD + 7), cut(draw, note, canvas.width - 2 * MARGIN), "black", font_size=LETTER)
    return np.asarray(canvas)


def laid(
    pictures: Sequence[Colour],
    captions: Sequence[Sequence[str]],
    *,
    across: int,
    width: int,
    gap: int,
    top: int,
    least: int = 0,
) -> tuple[Canvas, ImageDraw]:
    """Pictures in rows of ``across``, each with up to two lines of text below; the ``top`` pixels stay free.

    A column is ``width`` pixels wide, ``gap`` of them lie between two, and ``least`` is the least width of the whole.
    """
    from PIL import Image, ImageDraw

    heights, tops = [], [top]
    for first in range(0, len(pictures), across):
        heights.append(max(picture.shape[0] for picture in pictures[first : first + across]))
        tops.append(tops[-1] + heights[-1] + CAPTION + MARGIN)
    canvas = Image.new("RGB", (max(MARGIN + across * (width + gap), least), tops[-1]), "white")
    draw = ImageDraw.Draw(canvas)
    for number, (picture, lines) in enumerate(zip(pictures, captions, strict=True)):
        row, column = divmod(number, across)
        left, below = MARGIN + column * (width + gap), tops[row] + heights[row] + 2
        canvas.paste(Image.fromarray(picture), (left, tops[row]))
        for place, text in enumerate(lines):
            draw.text((left, below + 16 * place), cut(draw, text, width), "black", font_size=LETTER)
    return canvas, draw


def fitted(picture: Colour, side: int) -> Colour:
    """Shrink or repeat pixels by a whole factor so that the longer edge is at most ``side``.

    A reduced pixel has the most frequent code under it that is not 0, if there is one.
    """
    longer = max(picture.shape[:2])
    if longer <= side:
        factor = side // longer
        return picture.repeat(factor, axis=0).repeat(factor, axis=1)
    factor = -(-longer // side)
    found = colours(picture)
    base = np.where(found == 0, picture[:, :, 0], picture.min(axis=2))  # what a colour leaves to see of the image
    means = np.rint(blocks(base, factor).mean(axis=(1, 3))).astype(np.uint8)
    return coloured(means, frequent(found, factor, (1, 2, 3)))


def frequent(found: Codes, factor: int, codes: Sequence[int]) -> Codes:
    """Of each block of ``uint8[H, W]`` the most frequent of ``codes``, 1 and up, or 0 where it has none of them."""
    counts = np.stack([blocks(found == code, factor).sum(axis=(1, 3)) for code in codes])
    return np.where(counts.any(axis=0), counts.argmax(axis=0) + 1, 0).astype(np.uint8)


def blocks(values: npt.NDArray[np.generic], factor: int) -> npt.NDArray[np.float64]:
    """View as ``[rows, factor, columns, factor]``; the last rows and columns are repeated to a whole block."""
    height, width = values.shape
    padded = np.pad(values, ((0, -height % factor), (0, -width % factor)), mode="edge")
    return padded.reshape(padded.shape[0] // factor, factor, padded.shape[1] // factor, factor).astype(np.float64)


def _length(text: str) -> int:
    """Pixels of a line of letters."""
    from PIL import Image, ImageDraw

    draw = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    return int(np.ceil(draw.textlength(printable(text), font_size=LETTER)))


def _legend_places(widths: Sequence[int], width: int) -> list[tuple[int, int]]:
    """Left and top of every entry of the legend: as many in a line as a sheet of this width has room for."""
    places: list[tuple[int, int]] = []
    left, top = MARGIN, 7
    for taken in widths:
        if places and left + taken + MARGIN > width:
            left, top = MARGIN, top + LINE
        places.append((left, top))
        left += taken + GAP
    return places


def cut(draw: ImageDraw, text: str, width: int, size: int = LETTER) -> str:
    """Leave out the middle of a caption until it fits ``width`` pixels: both ends of an image id tell something.

    What cannot be printed is shown escaped: an id may hold a line break.
    """
    text = shown = printable(text)
    kept = len(text)
    while kept and draw.textlength(shown, font_size=size) > width:
        kept -= 1
        shown = f"{text[: kept // 2]}...{text[len(text) - (kept - kept // 2) :]}"
    return shown if kept else ""
