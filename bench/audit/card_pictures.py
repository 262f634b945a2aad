"""Pictures of a data card: image sizes, grey levels, areas of defects, examples of every class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.audit.pixels import DARK, Int64, PixelFacts
from bench.data.index import DatasetIndex, IndexedImage, spread
from bench.data.statistics import CROPS, is_defective
from bench.pictures.gallery import Strip, Thumbnail, Tile, gallery
from bench.pictures.style import axes_of, broken, counting
from bench.report.measures import plain
from bench.words import plural

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

    from bench.pictures.overlay import Colour

SHOWN_CLASSES = 16
"""Classes in a picture at most; the tables have all."""
EXAMPLES, SIDE = 4, 260
"""Example images per class, and the pixels of their longer edge."""
INK = "#0072B2"
LETTERS = 90
"""Letters of a line above a histogram."""
NEAR = 0.06
"""Share of both axes below which two marked sizes are named together."""
CHANNELS = {1: {"": "#8c8c8c"}, 3: {"red": "#D55E00", "green": "#009E73", "blue": "#0072B2"}}
"""One line for grey, one per channel for colour; other numbers of channels are drawn as one sum."""


def sizes_plot(index: DatasetIndex) -> Figure:
    """Width against height of every image; larger dots are more images.

    What lies outside a dotted corner is padded for crops of that size.
    """
    counted = Counter((entry.width, entry.height) for entry in index.entries)
    width, height = np.array(list(counted), dtype=np.float64).T
    figure, (axis,) = axes_of(1, (5.0, 4.0))
    dots = 12 * np.sqrt(list(counted.values()))
    axis.set(xlabel="width [pixels]", ylabel="height [pixels]")
    axis.set_axisbelow(True)
    axis.scatter(width, height, s=dots, color=INK, alpha=0.5, linewidths=0)
    wide, high = 1.05 * max(width.max(), CROPS[-1]), 1.05 * max(height.max(), CROPS[-1])
    for side in CROPS:
        axis.plot((side, side, wide), (high, side, side), color="#444444", linestyle=":", linewidth=1.2)
    for corner, name in _corner_names(wide, high).items():
        axis.annotate(name, (corner, corner), (3, 2), textcoords="offset points", fontsize="small")
    axis.set(xlim=(0, wide), ylim=(0, high))
    return figure


def _corner_names(wide: float, high: float) -> dict[int, str]:
    """Corner and text of every mark of a crop size; sizes that lie close together share the first one's corner."""
    named: dict[int, str] = {}
    for side in CROPS:
        corner = next(reversed(named), side)
        if corner < side and (side - corner) / min(wide, high) < NEAR:
            named[corner] += f", {side}"
        else:
            named[side] = str(side)
    return named


def levels_plot(facts: PixelFacts, dtype: str) -> Figure:
    """Share of all pixels at each grey level, per channel of a colour image; what is dark lies left of the dots.

    The height of a bar is the root of its share: a dark background takes most pixels and the object still shows.
    """
    levels = facts.levels[:1] if facts.equal_channels else facts.levels
    if len(levels) not in CHANNELS:
        levels = levels.sum(axis=0, keepdims=True)
    step = 64 if dtype == "uint16" else 1
    used = int(np.flatnonzero(levels.any(axis=0)).max()) + 1
    figure, (axis,) = axes_of(1, (6.4, 3.2))
    axis.set_axisbelow(True)
    for counts, (name, colour) in zip(levels, CHANNELS[len(levels)].items(), strict=True):
        share = 100 * counts[:used] / counts.sum()
        axis.stairs(share, np.arange(used + 1) * step, color=colour, label=name, fill=len(levels) == 1)
    axis.axvline(DARK * (257 if step > 1 else 1) + 1, color="#000000", linestyle=":", linewidth=1.4)
    axis.set(xlabel="grey level", ylabel="pixels [%], root scale", xlim=(0, max(used * step, 2)))
    # matplotlib also asks for the root of values just below 0
    axis.set_yscale("function", functions=(lambda share: np.sqrt(np.maximum(share, 0)), np.square))
    axis.set_ylim(bottom=0)
    if len(levels) == 3:
        axis.legend(frameon=False, fontsize="small")
    return figure


def areas_plot(names: Sequence[str], areas: Sequence[Int64]) -> Figure:
    """How large the defects of each class are: one histogram per class that has any, on a common logarithmic axis."""
    shown = [(name, found) for name, found in zip(names, areas, strict=True) if found.size][:SHOWN_CLASSES]
    largest = max(int(found.max()) for _, found in shown)
    decades = max(1, int(np.ceil(np.log10(largest + 1))))
    edges = np.logspace(0, decades, 8 * decades + 1)
    figure, axes = axes_of(len(shown), (6.4, 1.0 + 0.9 * len(shown)))
    for axis, (name, found) in zip(axes, shown, strict=True):
        counts, _ = np.histogram(found, edges)
        middle = float(np.median(found))
        axis.set_axisbelow(True)
        axis.stairs(counts, edges, fill=True, color=INK, alpha=0.75)
        axis.axvline(middle, color="#000000", linewidth=1.2)
        axis.set_ylim(0, 1.15 * counts.max())
        axis.set_ylabel("defects", fontsize="small")
        counting(axis.yaxis)
        text = f"{name}: {plural(found.size, 'defect')}, median {plain(middle)}"
        axis.set_title(broken(text, LETTERS), loc="left", fontsize="small", pad=2, parse_math=False)
    axes[-1].set(xlabel="area of a defect [pixels]", xscale="log", xlim=(0.8, 10**decades))
    return figure


def examples(index: DatasetIndex, small: Callable[[str, int | None], Thumbnail]) -> Colour:
    """A few images of each class, from the least to the most marked, and some without a defect.

    ``small`` reduces one image, with the pixels of one class marked or, for None, those of any.
    """
    strips: list[Strip] = []
    for kind, name in enumerate(index.classes, start=1):
        shown = examples_of(index.entries, kind)
        if shown and len(strips) < SHOWN_CLASSES:
            tiles = [Tile(small(entry.id, kind), f"{entry.id}: {entry.pixels[kind]:,} px") for entry in shown]
            strips.append(Strip(name, tuple(tiles)))
    clean = _few([entry for entry in index.entries if not is_defective(entry)])
    if clean:
        tiles = [Tile(small(entry.id, None), entry.id) for entry in clean]
        strips.append(Strip("without a marked defect", tuple(tiles)))
    return gallery(strips)


def examples_of(entries: Sequence[IndexedImage], kind: int) -> list[IndexedImage]:
    """Images of one class from the fewest to the most pixels of it; of different groups where there are enough."""
    return _few(sorted((e for e in entries if e.pixels[kind]), key=lambda entry: (entry.pixels[kind], entry.id)))


def _few(entries: Sequence[IndexedImage]) -> list[IndexedImage]:
    """In even steps of the last images of every group, and of as many more as there are examples; in their order."""
    last = {entry.group: entry.id for entry in entries}
    rest = [entry.id for entry in entries if entry.id != last[entry.group]]
    kept = {*last.values(), *rest[: max(0, EXAMPLES - len(last))]}
    return spread([entry for entry in entries if entry.id in kept], EXAMPLES)
