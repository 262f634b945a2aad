"""All figures of a run into a folder: each kind by itself, so that one which cannot be made stops no other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.document import Document, Notes, Table
from bench.errors import BenchError, DataError, named_line
from bench.figures.captions import Written, captions_latex, captions_markdown
from bench.figures.choice import Choice, best_cells, named_cells
from bench.figures.curves import aprf, training
from bench.figures.drawing import Drawing
from bench.figures.images import contexts, views
from bench.figures.numbers import all_effects, costs, tables_of_effects
from bench.figures.predictions import predictions
from bench.figures.source import NothingToDraw, Source
from bench.files import whole_file
from bench.pictures.sizes import inches
from bench.pictures.style import FONT, PRINT_DPI, check_font, printed, write_figure
from bench.render.latex import to_latex
from bench.report.board_document import board_document
from bench.report.effects_document import effects_document
from bench.words import unknown

OF_RUN: Mapping[str, Callable[[Source, float], Iterator[Drawing]]] = {
    "views": views,
    "effects": all_effects,
    "costs": costs,
}
"""Figures of the whole run."""
OF_CELLS: Mapping[str, Callable[[Source, list[Choice], float], Iterator[Drawing]]] = {
    "context": contexts,
    "predictions": predictions,
    "aprf": aprf,
    "training": training,
}
"""Figures of chosen cells, or of their data sets."""
TABLES = "tables"
KINDS = ("views", "context", "predictions", "aprf", "training", "effects", "costs", TABLES)
"""In the order of the supplement's figures, then ours."""
FORMATS = ("pdf", "svg", "png")


@dataclass(frozen=True, slots=True)
class Asked:
    """What to draw and how: kinds, cells by id or the axis whose levels each give one, formats, widths, font.

    ``width`` is of all figures, in columns of the ``journal`` or as a length; ``widths`` are those of single kinds.

    Raises:
        DataError: a kind, a format, a width or a font that there is not.
    """

    kinds: Sequence[str] = KINDS
    cells: Sequence[str] = ()
    by: str | None = None
    formats: Sequence[str] = FORMATS
    journal: str = "elsevier"
    width: str = "2"
    widths: Mapping[str, str] = field(default_factory=dict)
    font: str = FONT

    def __post_init__(self) -> None:
        for what, given, known in (
            ("figure", (*self.kinds, *self.widths), KINDS),
            ("format", self.formats, FORMATS),
        ):
            for name in given:
                if name not in known:
                    raise DataError(unknown(what, name, known).capitalize())
        for kind in KINDS:
            self.inches(kind)
        check_font(self.font)

    def inches(self, kind: str) -> float:
        """The width of the figures of a kind."""
        return inches(self.widths.get(kind, self.width), self.journal)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was written, and why something was not; ``nothing`` are kinds of which the run has nothing to show."""

    figures: tuple[Written, ...]
    texts: tuple[Path, ...]
    missing: Mapping[str, str]
    nothing: Mapping[str, str]


def write_figures(source: Source, asked: Asked, to: Path) -> Outcome:
    """Write figures, their captions and the tables of a run into a folder, which is made.

    Raises:
        BenchError: the cells that were asked for are not there.
    """
    figures: list[Written] = []
    missing: dict[str, str] = {}
    nothing: dict[str, str] = {}
    if asked.cells:
        named_cells(source, asked.cells)  # before anything is drawn
    for kind in KINDS[:-1]:
        if kind not in asked.kinds:
            continue
        try:
            with printed(asked.font):
                # those of a kind that were written before one fails stay
                figures.extend(_written(drawing, asked, kind, to) for drawing in _drawn(source, asked, kind))
        except NothingToDraw as why:
            nothing[kind] = str(why)
        except BenchError as why:
            missing[kind] = named_line(why)
    texts = list(_captions(source, asked, figures, to)) if figures else []
    if TABLES in asked.kinds:
        texts.append(_text(to / "tables.tex", _tables(source)))
    return Outcome(tuple(figures), tuple(texts), missing, nothing)


def _drawn(source: Source, asked: Asked, kind: str) -> Iterator[Drawing]:
    width = asked.inches(kind)
    if kind in OF_RUN:
        return OF_RUN[kind](source, width)
    choices = named_cells(source, asked.cells) if asked.cells else best_cells(source, asked.by)
    return OF_CELLS[kind](source, choices, width)


def _written(drawing: Drawing, asked: Asked, kind: str, to: Path) -> Written:
    files = []
    for form in asked.formats:
        path = to / f"{drawing.name}.{form}"
        write_figure(drawing.figure, path, PRINT_DPI)
        files.append(path)
    return Written(drawing.name, tuple(files), asked.inches(kind), tuple(drawing.caption))


def _captions(source: Source, asked: Asked, figures: Sequence[Written], to: Path) -> Iterator[Path]:
    title = f"Figures of {source.suite.name}"
    yield _text(to / "captions.md", captions_markdown(title, figures))
    yield _text(to / "captions.tex", captions_latex(title, figures, asked.journal))


def _tables(source: Source) -> str:
    """The tables of the board, with their notes, and those of the effects of its axes, as LaTeX."""
    blocks = [one for one in board_document(source.board).blocks if isinstance(one, Table | Notes)]
    for effects in tables_of_effects(source):
        document = effects_document(effects)
        tables = [one for one in document.blocks if isinstance(one, Table)]
        blocks += [replace(one, title=one.title or document.title) for one in tables]
    return to_latex(Document(f"Tables of {source.suite.name}", blocks))


def _text(path: Path, text: str) -> Path:
    with whole_file(path) as file:
        file.write(text.encode())
    return path


def only(text: str, of: Collection[str], what: str) -> tuple[str, ...]:
    """Names parted by commas, in the order given.

    Raises:
        DataError: none, or one that there is not.
    """
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in names:
        if name not in of:
            raise DataError(unknown(what, name, of).capitalize())
    if not names:
        raise DataError(f"Name at least one {what}: {', '.join(of)}.")
    return names
