"""The leaderboard as LaTeX in the form of the supplement's tables (packages: booktabs)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from bench.render.parts import (
    DAGGER,
    board_title,
    figure_text,
    is_numeric,
    mark,
    settings_grids,
    standing_grids,
    standing_title,
    table_title,
)
from bench.report.measures import heading, line
from bench.report.naming import slug
from bench.report.shape import Entry, Figure, Grid, Leaderboard, Measure, Section, Standing, Table

SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"\textquotedbl{}",
        "±": r"$\pm$",
        "–": "--",
        "·": r"$\cdot$",
        "×": r"$\times$",
        "†": r"$\dagger$",
        "≥": r"$\geq$",
        "…": r"\ldots{}",
    }
)

AXES = {
    "crop": "Cropping mechanism",
    "crop_size": "Crop size (square)",
    "dataset": "Data set",
    "pretrain": "Pretrained on",
    "preprocess": "Preprocessing",
    "model": "Model",
}
"""Axes in words, as the supplement's tables head their rows."""

WORDS = {
    "f1": "F1 score",
    "precision": "precision",
    "recall": "recall",
    "f2": "F2 score",
    "accuracy": "accuracy",
    "iou": "intersection over union",
    "ap": "average precision",
    "object_recall": "share of defects found",
    "convergence_epoch": "training epochs to convergence",
}
"""Scores in words for captions."""

SIZES = ((62, ()), (84, (r"\footnotesize", r"\setlength{\tabcolsep}{3pt}")))
"""Letters across a page in full size, and a little smaller; the rest is set smallest."""
SMALLEST = (r"\scriptsize", r"\setlength{\tabcolsep}{2pt}")
BREAK = r"/\allowbreak{}"
"""A slash at which an address or a folder may go on in the next line."""


def to_latex(board: Leaderboard) -> str:
    """Render the leaderboard as floats to be put into a document that loads booktabs."""
    blocks = [f"% {board_title(board)}: generated, do not edit. \\usepackage{{booktabs}}"]
    blocks += [_table(board, table) for table in board.tables]
    blocks += [grid_latex(grid) for grid in settings_grids(board)]
    blocks.append(_list([(str(k), escaped(note).replace("/", BREAK)) for k, note in enumerate(board.notes, 1)]))
    blocks.append(_list([("--", escaped(remark)) for remark in board.remarks]))
    blocks += [block for section in board.sections for block in _section(section)]
    blocks += [block for standing in board.standings for block in _standing(board, standing)]
    blocks.append(_list([(escaped(name), rf"\texttt{{{escaped(value)}}}") for name, value in board.footer]))
    return "\n\n".join(block for block in blocks if block) + "\n"


def escaped(text: str) -> str:
    """One line in which no character has a meaning to LaTeX; two hyphens stay two, as options have them."""
    return "-{}-".join(part.translate(SPECIAL) for part in line(text).split("--"))


def grid_latex(grid: Grid) -> str:
    """Render a plain table as a float."""
    body = [r"\toprule", _row(map_escaped(grid.header)), r"\midrule"]
    body += [_row(map_escaped(row)) for row in grid.rows]
    widths = [max(map(len, texts)) for texts in zip(grid.header, *grid.rows, strict=True)]
    columns = list(zip(*grid.rows, strict=True)) or [()] * len(grid.header)
    sides = "".join("r" if is_numeric(column) else "l" for column in columns[1:])
    return _float(escaped(grid.title), f"l{sides}", body, _size(widths))


def _size(widths: Sequence[int]) -> Sequence[str]:
    """Commands that make a table of columns so many letters wide fit a page, as far as the classes of LaTeX go."""
    letters = sum(widths) + 2 * len(widths)
    return next((size for most, size in SIZES if letters <= most), SMALLEST)


def map_escaped(texts: Sequence[str]) -> list[str]:
    """Escape every text of a row."""
    return [escaped(text) for text in texts]


def _table(board: Leaderboard, table: Table) -> str:
    span = len(board.measures)
    rows = ", ".join(AXES.get(axis, axis) for axis in board.rows_axis.split(", "))
    titles = [escaped(rows), *(rf"\multicolumn{{{span}}}{{c}}{{{escaped(column)}}}" for column in table.columns)]
    heads = ["", *[_heading(m) for m in board.measures] * len(table.columns)]
    body = [r"\toprule", _row(titles), _rules(span, len(table.columns)), _row(heads), r"\midrule"]
    body += [
        _row([escaped(name), *(text for entry in row for text in _entry(entry, span))])
        for name, row in zip(table.rows, table.entries, strict=True)
    ]
    label = slug("-".join([board.suite, *(name for _, name in table.title)]))
    figures = [len(figure_text(f)) for row in table.entries for entry in row for f in entry.figures]
    widest = max([len(heading(m)) for m in board.measures] + figures)
    widths = [max(map(len, (rows, *table.rows))), *[widest] * (span * len(table.columns))]
    return _float(_caption(board, table), "l" + "r" * span * len(table.columns), body, _size(widths), label)


def _caption(board: Leaderboard, table: Table) -> str:
    """What the suite says of itself, what the columns are, and what holds for the whole table."""
    measures = ", ".join(f"{_words(measure)} ({_heading(measure, unit=False)})" for measure in board.measures)
    place = "; ".join(text for text in (board_title(board), table_title(table)) if text)
    start = [escaped(board.description.rstrip(".")) + "."] if board.description.strip() else []
    return " ".join([*start, f"{measures[:1].upper()}{measures[1:]}.", f"{escaped(place)}."])


def _words(measure: Measure) -> str:
    name = WORDS.get(measure.name.partition("@")[0], heading(measure, ""))
    return escaped(f"{measure.split} {name}" if measure.split else name)


def _rules(span: int, columns: int) -> str:
    edges = accumulate([2, *[span] * columns])
    return " ".join(rf"\cmidrule(lr){{{start}-{end - 1}}}" for start, end in pairwise(edges))


def _heading(measure: Measure, *, unit: bool = True) -> str:
    symbol = escaped(measure.symbol)
    subscript = rf"$_{{{escaped(measure.subscript)}}}$" if measure.subscript else ""
    return symbol + subscript + (r" [\%]" if measure.percent and unit else "")


def _entry(entry: Entry, span: int) -> list[str]:
    suffix = (escaped(DAGGER) if entry.inert else "") + (rf"$^{{{entry.note}}}$" if entry.note else "")
    if not entry.figures:
        return [rf"\multicolumn{{{span}}}{{c}}{{{escaped(mark(entry))}{suffix}}}"]
    texts = [_figure(figure) for figure in entry.figures]
    return [texts[0] + suffix, *texts[1:]]


def _figure(figure: Figure) -> str:
    """The mean, bold where it is the best, with its spread in small type so that a table of nine columns fits."""
    text = escaped(figure.text)
    spread = rf"{{\tiny$\pm${escaped(figure.spread_text)}}}" if figure.spread_text else ""
    tie = rf"$^\mathrm{{{figure.tie}}}$" if figure.tie else ""
    return (rf"\textbf{{{text}}}" if figure.best else text) + spread + tie


def _row(texts: Sequence[str]) -> str:
    return " & ".join(texts) + r" \\"


def _float(caption: str, columns: str, body: Sequence[str], size: Sequence[str], label: str = "") -> str:
    """A float with its caption above the table; a table without a caption stays where it is."""
    tabular = [*size, rf"\begin{{tabular}}{{{columns}}}", *body, r"\bottomrule", r"\end{tabular}"]
    if not caption:
        return "\n".join([r"\begin{center}", *tabular, r"\end{center}"])
    named = rf"\caption{{{caption}}}" + (rf"\label{{tab:{label}}}" if label else "")
    kind = "table*" if size is SMALLEST else "table"  # across both columns of a page that has two
    return "\n".join([rf"\begin{{{kind}}}", r"\centering", named, *tabular, rf"\end{{{kind}}}"])


def _list(items: Sequence[tuple[str, str]]) -> str:
    if not items:
        return ""
    lines = [rf"\item[{{{name}}}] {text}" for name, text in items]
    return "\n".join([r"\begin{description}\sloppy", *lines, r"\end{description}"])


def _section(section: Section) -> list[str]:
    grids = [grid_latex(grid) for grid in section.grids]
    return [rf"\paragraph{{{escaped(section.title)}}}", *grids, "\n".join(map(escaped, section.sentences))]


def _standing(board: Leaderboard, standing: Standing) -> list[str]:
    title = standing_title(standing, board)
    sentences = "\n".join(escaped(sentence) for sentence in standing.sentences)
    grids = [grid_latex(grid) for grid in standing_grids(standing)]
    return [rf"\paragraph{{{escaped(title)}}}" if title and (sentences or grids) else "", sentences, *grids]
