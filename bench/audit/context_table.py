"""What smaller crops lose: a defect and its look-alike in crops of several sizes (supplement, figure 2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.audit.context import Context, Nest, window
from bench.document import Document, Paragraph, Picture, Table
from bench.pictures.gallery import Thumbnail, outlined, thumbnail, toned
from bench.pictures.overlay import Colour
from bench.pictures.style import blank, lettered
from bench.report.tables import plain_table
from bench.types import Sample
from bench.words import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

EDGES = ("#D55E00", "#E69F00", "#0072B2", "#009E73", "#56B4E9", "#CC79A7")
"""Squares and frames from the smallest size up; told apart by the colour-blind too."""
MOST_SIZES = len(EDGES)
VIEW = 2.5
"""Largest edge of what is shown of an image, in edges of the largest crop."""
MINUS = "\u2212"
WIDTH = 7.2
"""Inches: the text width of a two-column paper."""
NARROW = 5.5
"""Inches below which the words under the images are short."""


def context_document(context: Context, figure: str) -> Document:
    """How alike defects and sound surface are at every size, of which pair the ``figure`` is, and what was searched."""
    pair, block = context.pair, context.block
    searched = f"searched {context.places:,} places of {plural(context.images, 'image')}"
    told = [
        f"defect: {pair.defect.id}, look-alike: {pair.sound.id}",
        f"{searched}, compared on blocks of {block} x {block} pixels",
    ]
    return Document("", [_table(context), Paragraph(told), Picture(figure, "A defect and its look-alike")])


def _table(context: Context) -> Table:
    """One row per size, largest first: likeness of the best look-alikes over the defects, and of the pair shown."""
    columns = *np.percentile(context.best, [50, 25, 75], axis=0), context.pair.likeness
    rows = []
    for size, *values in zip(context.sizes, *columns, strict=True):
        rows.append((str(size), *(f"{value:.2f}" for value in values)))
    return plain_table(
        ("crop size", "median", "lower quartile", "upper quartile", "pair shown"),
        rows[::-1],
        title=f"Likeness of the best look-alike in sound surface, {plural(len(context.best), 'defect')}",
    )


def context_figure(context: Context, load: Callable[[str], Sample], width: float = WIDTH) -> Figure:
    """Both images with a square per size, and beside them the crops, smallest first, with their likeness.

    It is ``width`` inches wide. All pictures go through one tone curve. What the mask marks is outlined in the images
    and not in the crops.
    """
    from matplotlib.patches import Rectangle

    sizes, nests = context.sizes, (context.pair.defect, context.pair.sound)
    pictures = _pictures([load(nest.id) for nest in nests])
    views = [_view(nest, sizes[-1], plain.shape) for nest, (plain, _) in zip(nests, pictures, strict=True)]
    widest = max((columns.stop - columns.start) / (rows.stop - rows.start) for rows, columns in views)
    aspect = float(np.clip(widest, 0.6, 2.0))
    figure = blank((width, 2 * (width - 0.4) / (aspect + len(sizes)) + 0.75))
    figure.set_layout_engine("constrained", w_pad=0.03, h_pad=0.05, wspace=0.01, hspace=0.01)
    axes = figure.subplots(2, 1 + len(sizes), width_ratios=[aspect, *[1.0] * len(sizes)])
    for (whole, *crops), nest, (plain, marked), view in zip(axes, nests, pictures, views, strict=True):
        _show(whole, marked[view])
        for axis, corner, size, colour in zip(crops, nest.corners, sizes, cycle(EDGES), strict=False):
            place = corner[1] - view[1].start - 0.5, corner[0] - view[0].start - 0.5
            whole.add_patch(Rectangle(place, size, size, fill=False, edgecolor=colour, linewidth=1.3))
            _show(axis, window(plain, corner, size), colour)
    _label(axes, context)
    return figure


def _pictures(samples: Sequence[Sample]) -> list[tuple[Colour, Colour]]:
    """Each image plain and with its mask outlined, by one tone curve."""
    whole: list[Thumbnail] = [thumbnail(sample, max(sample.mask.shape)) for sample in samples]
    return [(plain, outlined(plain, each.marked)) for plain, each in zip(toned(whole), whole, strict=True)]


def _view(nest: Nest, largest: int, shape: Sequence[int]) -> tuple[slice, slice]:
    """What is shown of an image: all of it, or the surroundings of the largest square."""
    shown = []
    for first, length in zip(nest.corners[-1], shape, strict=False):
        side = min(round(VIEW * largest), length)
        start = min(max(first + largest // 2 - side // 2, 0), length - side)
        shown.append(slice(start, start + side))
    return shown[0], shown[1]


def _show(axis: Axes, picture: Colour, frame: str | None = None) -> None:
    axis.imshow(picture, interpolation="none")
    axis.set(xticks=[], yticks=[])
    for spine in axis.spines.values():
        spine.set(visible=frame is not None, edgecolor=frame, linewidth=1.6)


def _label(axes: Any, context: Context) -> None:
    """What the rows are, sizes above, the two indices below."""
    middle = np.median(context.best, axis=0)
    labels = zip(context.sizes, cycle(EDGES), context.pair.likeness, middle, strict=False)
    for column, (size, colour, likeness, found) in enumerate(labels, start=1):
        axes[0, column].set_title(f"{size} \u00d7 {size}", fontsize="small", color=colour)
        axes[1, column].set_xlabel(f"{likeness:.2f}\n{found:.2f}".replace("-", MINUS), fontsize="small")
    text = f"likeness of these two\nbest found, median of {plural(len(context.best), 'defect')}"
    if axes[0, 0].figure.get_figwidth() < NARROW:
        text = f"these two\nmedian of {len(context.best)}"
    axes[0, 0].set_ylabel(lettered(0, "defect"))
    axes[1, 0].set_ylabel(lettered(1, "look-alike"))
    axes[1, 0].set_xlabel(text, fontsize="small")
