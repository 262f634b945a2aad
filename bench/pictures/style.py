"""How plots look: colours, dashes, letters of panels, and what a figure for print needs in place of one for a screen.

Everything that tells curves or points apart does so twice, by colour and by dash or sign: print may be grey.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import DataError
from bench.files import whole_file
from bench.words import did_you_mean, line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

BLACK, BLUE, VERMILION, GREEN, AMBER = "#000000", "#0072B2", "#D55E00", "#009E73", "#E69F00"
COLOURS = (BLUE, AMBER, BLACK, VERMILION, "#56B4E9", GREEN, "#CC79A7")
"""Okabe and Ito's, told apart by every common kind of colour vision; the first four are of different greys in print."""
MORE_COLOURS = ("#882255", "#117733", "#332288", "#999933", "#AA4499", "#661100", "#DDCC77", "#6699CC")
"""Tol's, for more than seven."""
GREY, INK = "#7f7f7f", "#444444"
"""Of what is beside the point, and of lines that mark a place."""

FONT = "DejaVu Sans"
"""Comes with matplotlib, so that a figure is the same on every machine."""
PRINT_DPI, SCREEN_DPI = 600, 150
"""Pixels per inch of a PNG; a reduced image in a figure for print has at most as many."""
PRINT: dict[Any, Any] = {
    "font.size": 8.4,  # of which "small" is 7
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "legend.fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.1,
    "lines.markersize": 4,
    "mathtext.default": "regular",
}
"""Letters of 7 and 8 points and lines that print, at the final width."""
VECTOR: dict[Any, Any] = {"pdf.fonttype": 42, "svg.hashsalt": "bench"}
"""Whole TrueType fonts inside a PDF, as publishers ask; names inside an SVG that do not differ from call to call."""
UNDATED: Mapping[str, dict[Any, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""Metadata by format: a date or a version would make equal figures differ."""
TITLE = 64
"""Letters of a title's line that fit a figure on a screen; a longer one would squeeze the axes or be cut off."""


@contextmanager
def printed(font: str = FONT) -> Iterator[None]:
    """Draw for print meanwhile, whatever the user's own settings of matplotlib are.

    Raises:
        DataError: this machine has no such font, or none that can be embedded.
    """
    import matplotlib

    check_font(font)
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({**PRINT, "font.family": [font, FONT]})
        yield


def check_font(font: str) -> None:
    """Refuse a font that matplotlib would silently replace by another.

    Raises:
        DataError: this machine has no such font.
    """
    from matplotlib.font_manager import fontManager

    known = sorted({entry.name for entry in fontManager.ttflist})
    if font not in known:
        hint = did_you_mean(font, known) or f" {FONT!r} and 'STIXGeneral' come with matplotlib."
        raise DataError(f"no font called {line(font)!r} is installed.{hint}")


def axes_of(rows: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """Axes below each other for a screen, outside of pyplot's global list; ``size`` is in inches."""
    figure, axes = panels_of(rows, 1, size, sharex=True)
    return figure, axes


def panels_of(
    rows: int, columns: int, size: tuple[float, float], *, sharex: bool = False, sharey: bool = False
) -> tuple[Figure, list[Axes]]:
    """Axes in reading order, with room for what stands around them; ``size`` is in inches."""
    figure = blank(size)
    figure.set_layout_engine("constrained")
    axes = list(np.ravel(figure.subplots(rows, columns, sharex=sharex, sharey=sharey)))
    for axis in axes:
        plain(axis)
    return figure, axes


def blank(size: tuple[float, float]) -> Figure:
    """A figure outside of pyplot's global list; ``size`` is in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size)
    FigureCanvasAgg(figure)
    return figure


def plain(axis: Axes) -> None:
    """A light grid, and no frame where there is no scale."""
    axis.grid(color="#dddddd", linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)


def counting(axis: Axis) -> None:
    """Ticks at whole numbers only: there is no half an epoch, defect or image."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins="auto", integer=True, min_n_ticks=1))


def entitle(axis: Axes, title: str) -> None:
    """Set a title in as many lines as it takes, above a line of remarks."""
    axis.set_title(broken(title, TITLE), loc="left", fontsize=10, pad=18, parse_math=False)


def lettered(number: int, name: str = "") -> str:
    """``(a) U-Net``: how a panel is called in its figure and in the caption."""
    more, last = divmod(number, len(ascii_lowercase))
    letter = (ascii_lowercase[more - 1] if more else "") + ascii_lowercase[last]
    return f"({letter}) {name}".rstrip()


def broken(text: str, letters: int) -> str:
    """The text in lines of at most so many letters."""
    from textwrap import wrap

    return "\n".join(wrap(text, letters))


def write_figure(figure: Figure, path: Path, dpi: int = SCREEN_DPI) -> None:
    """Write as PNG, SVG or PDF by the suffix of ``path``, whole or not at all; equal figures are equal files."""
    import matplotlib

    form = path.suffix.removeprefix(".")
    with matplotlib.rc_context(VECTOR), whole_file(path) as file:
        figure.savefig(file, format=form, dpi=dpi, metadata=UNDATED[form])
