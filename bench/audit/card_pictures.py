"""Pictures of a data card: image sizes, grey levels, areas of defects, examples of every class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.audit.pixels import DARK, Int64, PixelFacts
from bench.data.index import DatasetIndex, IndexedImage
from bench.data.statistics import CROPS, is_defective
from bench.pictures.curves import axes_of, broken, counting
from bench.pictures.gallery import Strip, Thumbnail, Tile, gallery
from bench.report.measures import plain
from bench.types import Float64
from bench.words import plural

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
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
CHANNEL_COLOURS = {1: ("#8c8c8c",), 3: ("#D55E00", "#009E73", "#0072B2")}
"""One line for grey, one per channel for colour; other numbers of channels are drawn as one sum."""


def sizes_plot(index: DatasetIndex) -> Figure:
    """Width against height of every image; larger dots are more images.

    What lies outside a dotted corner is padded for crops of that size.
    """
    counted = Counter((entry.width, entry.height) for entry in index.entries)
    width, height = np.array(list(counted), dtype=np.float64).T
    figure, (axis,) = axes_of(1, (5.0, 4.0))
    dots = 12 * np.sqrt(np.array(list(counted.values()), dtype=np.float64))
    axis.set(xlabel="width [pixels]", ylabel="height [pixels]")
    axis.set_axisbelow(True)
    axis.scatter(width, height, s=dots, color=INK, alpha=0.5, linewidths=0)
    wide, high = 1.05 * max(width.max(), CROPS[-1]), 1.05 * max(height.max(), CROPS[-1])
    for side in CROPS:
        axis.plot((side, side, wide), (high, side, side), color="#444444", linestyle=":", linewidth=1.2)
    for corner, name in _corner_names(wide, high):
        axis.annotate(name, (corner, corner), (3, 2), textcoords="offset points", fontsize="small")
    axis.set_xlim(0, wide)
    axis.set_ylim(0, high)
    return figure


def _corner_names(wide: float, high: float) -> list[tuple[int, str]]:
    """Corner and text of every mark of a crop size; sizes that lie close together share the first one's corner."""
    named: list[tuple[int, list[int]]] = []
    for side in CROPS:
        if named and max((side - named[-1][0]) / wide, (side - named[-1][0]) / high) < NEAR:
            named[-1][1].append(side)
        else:
            named.append((side, [side]))
    return [(corner, ", ".join(map(str, sides))) for corner, sides in named]


def levels_plot(facts: PixelFacts, dtype: str) -> Figure:
    """Share of all pixels at each grey level, per channel of a colour image; what is dark lies left of the dots.

    The height of a bar is the root of its share: a dark background takes most pixels and the object still shows.
    """
    levels = facts.levels[:1] if facts.equal_channels else facts.levels
    if len(levels) not in CHANNEL_COLOURS:
        levels = levels.sum(axis=0, keepdims=True)
    step = 64 if dtype == "uint16" else 1
    used = int(np.flatnonzero(levels.any(axis=0)).max()) + 1
    figure, (axis,) = axes_of(1, (6.4, 3.2))
    axis.set_axisbelow(True)
    names = ("red", "green", "blue") if len(levels) == 3 else ("",)
    for counts, colour, name in zip(levels, CHANNEL_COLOURS[len(levels)], names, strict=True):
        share = 100 * counts[:used] / counts.sum()
        axis.stairs(share, np.arange(used + 1) * step, color=colour, label=name, fill=len(levels) == 1)
    axis.axvline(DARK * (257 if step > 1 else 1) + 1, color="#000000", linestyle=":", linewidth=1.4)
    axis.set(xlabel="grey level", ylabel="pixels [%], root scale", xlim=(0, max(used * step, 2)))
    axis.set_yscale("function", functions=(_root, np.square))
    axis.set_ylim(bottom=0)
    if len(levels) == 3:
        axis.legend(frameon=False, fontsize="small")
    return figure


def _root(values: Float64) -> Float64:
    """Root of shares; matplotlib also asks for values just below 0."""
    roots: Float64 = np.sqrt(np.maximum(values, 0))
    return roots


def areas_plot(names: Sequence[str], areas: Sequence[Int64]) -> Figure:
    """How large the defects of each class are: one histogram per class that has any, on a common logarithmic axis."""
    shown = [(name, found) for name, found in zip(names, areas, strict=True) if found.size][:SHOWN_CLASSES]
    largest = max(int(found.max()) for _, found in shown)
    decades = max(1, int(np.ceil(np.log10(largest + 1))))
    edges: Float64 = np.logspace(0, decades, 8 * decades + 1)
    figure, axes = axes_of(len(shown), (6.4, 1.0 + 0.9 * len(shown)))
    for axis, (name, found) in zip(axes, shown, strict=True):
        _draw_areas(axis, name, found, edges)
    axes[-1].set(xlabel="area of a defect [pixels]", xscale="log", xlim=(0.8, 10**decades))
    return figure


def _draw_areas(axis: Axes, name: str, areas: Int64, edges: Float64) -> None:
    counts, _ = np.histogram(areas, edges)
    middle = float(np.median(areas))
    axis.set_axisbelow(True)
    axis.stairs(counts, edges, fill=True, color=INK, alpha=0.75)
    axis.axvline(middle, color="#000000", linewidth=1.2)
    axis.set_ylim(0, 1.15 * counts.max())
    axis.set_ylabel("defects", fontsize="small")
    counting(axis.yaxis)
    text = f"{name}: {plural(areas.size, 'defect')}, median {plain(middle)}"
    axis.set_title(broken(text, LETTERS), loc="left", fontsize="small", pad=2, parse_math=False)


def examples(index: DatasetIndex, small: Callable[[str, int | None], Thumbnail]) -> Colour:
    """A few images of each class, from the least to the most marked, and some without a defect.

    ``small`` reduces one image, with the pixels of one class marked or, for None, those of any.
    """
    kinds = [kind for kind in range(1, len(index.classes) + 1) if any(e.pixels[kind] for e in index.entries)]
    strips = [_strip(index, kind, small) for kind in kinds[:SHOWN_CLASSES]]
    clean = [entry for entry in index.entries if not is_defective(entry)]
    if clean:
        tiles = (Tile(small(entry.id, None), entry.id) for entry in _spread(_one_per_group(clean)))
        strips.append(Strip("without a marked defect", tuple(tiles)))
    return gallery(strips)


def _strip(index: DatasetIndex, kind: int, small: Callable[[str, int | None], Thumbnail]) -> Strip:
    tiles = [
        Tile(small(entry.id, kind), f"{entry.id}: {entry.pixels[kind]:,} px")
        for entry in examples_of(index.entries, kind)
    ]
    return Strip(index.classes[kind - 1], tuple(tiles))


def examples_of(entries: Sequence[IndexedImage], kind: int) -> list[IndexedImage]:
    """Images of one class from the fewest to the most pixels of it; of different groups where there are enough."""
    holding = sorted((e for e in entries if e.pixels[kind]), key=lambda entry: (entry.pixels[kind], entry.id))
    return _spread(_one_per_group(holding))


def _one_per_group(entries: Sequence[IndexedImage]) -> list[IndexedImage]:
    """The last image of every group, or as many more as there are examples; in their order."""
    last = {entry.group: entry.id for entry in entries}
    rest = [entry.id for entry in entries if entry.id != last[entry.group]]
    kept = {*last.values(), *rest[: max(0, EXAMPLES - len(last))]}
    return [entry for entry in entries if entry.id in kept]


def _spread(entries: Sequence[IndexedImage]) -> list[IndexedImage]:
    """A few entries in even steps from the first to the last."""
    places = np.unique(np.linspace(0, len(entries) - 1, EXAMPLES).round().astype(int))
    return [entries[place] for place in places]
