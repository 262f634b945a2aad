"""All figures of a run into a folder: each kind by itself, so that one which cannot be made stops no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.document import Document, Notes, Table
from bench.errors import BenchError, one_line
from bench.figures.asked import KINDS, TABLES, Asked
from bench.figures.captions import Written, captions_latex, captions_markdown
from bench.figures.choice import Choice, best_cells, check_axis, named_cells
from bench.figures.curves import aprf, training
from bench.figures.drawing import Sketch
from bench.figures.images import contexts, views
from bench.figures.numbers import all_effects, costs, tables_of_effects
from bench.figures.predictions import predictions
from bench.figures.source import NothingToDraw, Source
from bench.files import whole_file
from bench.pictures.style import FONT, PRINT_DPI, printed, write_figure
from bench.render.latex import to_latex
from bench.report.board_document import board_document
from bench.report.effects_document import effects_document

OF_RUN: Mapping[str, Callable[[Source, float], Iterator[Sketch]]] = {
    "views": views,
    "effects": all_effects,
    "costs": costs,
}
"""Figures of the whole run."""
OF_CELLS: Mapping[str, Callable[[Source, Sequence[Choice], float], Iterator[Sketch]]] = {
    "context": contexts,
    "predictions": predictions,
    "aprf": aprf,
    "training": training,
}
"""Figures of chosen cells, or of their data sets."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was written, and why something was not; ``nothing`` are those of which the run has nothing to show."""

    figures: tuple[Written, ...]
    texts: tuple[Path, ...]
    missing: Mapping[str, str]
    nothing: Mapping[str, str]


def write_figures(source: Source, asked: Asked, to: Path) -> Outcome:
    """Write figures, their captions and the tables of a run into a folder, which is made.

    Raises:
        BenchError: the cells or the axis that were asked for are not there.
    """
    if asked.by:
        check_axis(source, asked.by)
    if asked.cells:
        named_cells(source, asked.cells)  # refused before anything is drawn
    figures: list[Written] = []
    why_not = _WhyNot()
    for kind in (kind for kind in KINDS if kind in asked.kinds and kind != TABLES):
        sketches: list[Sketch] = []
        with why_not.told(kind):
            sketches = list(_sketches(source, asked, kind))
        for sketch in sketches:
            with why_not.told(sketch.name), printed(asked.font or FONT):
                figures.append(_written(sketch, asked, asked.inches(kind), to))
    texts = list(_captions(source, asked, figures, to)) if figures else []
    if TABLES in asked.kinds:
        texts.append(_text(to / "tables.tex", _tables(source)))
    return Outcome(tuple(figures), tuple(texts), why_not.missing, why_not.nothing)


@dataclass(frozen=True, slots=True)
class _WhyNot:
    """What could not be made, and of what there is nothing, with the reasons."""

    missing: dict[str, str] = field(default_factory=dict)
    nothing: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def told(self, name: str) -> Iterator[None]:
        """Go on after an error that is told."""
        try:
            yield
        except NothingToDraw as why:
            self.nothing[name] = one_line(why)
        except BenchError as why:
            self.missing[name] = one_line(why)


def _sketches(source: Source, asked: Asked, kind: str) -> Iterator[Sketch]:
    width = asked.inches(kind)
    if kind in OF_RUN:
        return OF_RUN[kind](source, width)
    choices = named_cells(source, asked.cells) if asked.cells else best_cells(source, asked.by)
    return OF_CELLS[kind](source, choices, width)


def _written(sketch: Sketch, asked: Asked, width: float, to: Path) -> Written:
    drawing = sketch.draw()
    files = []
    for form in asked.formats:
        path = to / f"{sketch.name}.{form}"
        write_figure(drawing.figure, path, PRINT_DPI)
        files.append(path)
    return Written(sketch.name, tuple(files), width, tuple(drawing.caption))


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
