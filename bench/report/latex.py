"""The leaderboard as LaTeX in the form of the supplement's tables (packages: booktabs)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from bench.report.measures import line
from bench.report.parts import (
    DAGGER,
    board_title,
    figure_text,
    mark,
    settings_grids,
    standing_grids,
    standing_title,
    table_title,
)
from bench.report.shape import Entry, Grid, Leaderboard, Measure, Standing, Table

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


def to_latex(board: Leaderboard) -> str:
    """Render the leaderboard as floats to be put into a document that loads booktabs."""
    blocks = [f"% {board_title(board)}: generated, do not edit. \\usepackage{{booktabs}}"]
    blocks += [_table(board, table) for table in board.tables]
    blocks += [grid_latex(grid) for grid in settings_grids(board)]
    blocks.append(_list([(str(k), escaped(note)) for k, note in enumerate(board.notes, 1)]))
    blocks.append(_list([("--", escaped(remark)) for remark in board.remarks]))
    blocks += [block for standing in board.standings for block in _standing(board, standing)]
    blocks.append(_list([(escaped(name), rf"\texttt{{{escaped(value)}}}") for name, value in board.footer]))
    return "\n\n".join(block for block in blocks if block) + "\n"


def escaped(text: str) -> str:
    """One line in which no character has a meaning to LaTeX."""
    return line(text).translate(SPECIAL)


def grid_latex(grid: Grid) -> str:
    """Render a plain table as a float."""
    body = [r"\toprule", _row(map_escaped(grid.header)), r"\midrule"]
    body += [_row(map_escaped(row)) for row in grid.rows]
    return _float(escaped(grid.title), "l" + "r" * (len(grid.header) - 1), body)


def map_escaped(texts: Sequence[str]) -> list[str]:
    """Escape every text of a row."""
    return [escaped(text) for text in texts]


def _table(board: Leaderboard, table: Table) -> str:
    span = len(board.measures)
    titles = ["", *(rf"\multicolumn{{{span}}}{{c}}{{{escaped(column)}}}" for column in table.columns)]
    heads = [escaped(board.rows_axis), *[_heading(m) for m in board.measures] * len(table.columns)]
    body = [r"\toprule", _row(titles), _rules(span, len(table.columns)), _row(heads), r"\midrule"]
    body += [
        _row([escaped(name), *(text for entry in row for text in _entry(entry, span))])
        for name, row in zip(table.rows, table.entries, strict=True)
    ]
    caption = escaped(f"{board_title(board)}; {table_title(table)}" if table_title(table) else board_title(board))
    return _float(caption, "l" + "r" * span * len(table.columns), body)


def _rules(span: int, columns: int) -> str:
    edges = accumulate([2, *[span] * columns])
    return " ".join(rf"\cmidrule(lr){{{start}-{end - 1}}}" for start, end in pairwise(edges))


def _heading(measure: Measure) -> str:
    symbol = escaped(measure.symbol)
    subscript = rf"$_{{{escaped(measure.subscript)}}}$" if measure.subscript else ""
    return symbol + subscript + (r" [\%]" if measure.percent else "")


def _entry(entry: Entry, span: int) -> list[str]:
    suffix = (escaped(DAGGER) if entry.inert else "") + (rf"$^{{{entry.note}}}$" if entry.note else "")
    if not entry.figures:
        return [rf"\multicolumn{{{span}}}{{c}}{{{escaped(mark(entry))}{suffix}}}"]
    texts = [escaped(figure_text(figure)) for figure in entry.figures]
    bold = [rf"\textbf{{{t}}}" if f.best else t for t, f in zip(texts, entry.figures, strict=True)]
    return [bold[0] + suffix, *bold[1:]]


def _row(texts: Sequence[str]) -> str:
    return " & ".join(texts) + r" \\"


def _float(caption: str, columns: str, body: Sequence[str]) -> str:
    start = [r"\begin{table}", r"\centering", rf"\caption{{{caption}}}", rf"\begin{{tabular}}{{{columns}}}"]
    return "\n".join([*start, *body, r"\bottomrule", r"\end{tabular}", r"\end{table}"])


def _list(items: Sequence[tuple[str, str]]) -> str:
    if not items:
        return ""
    lines = [rf"\item[{{{name}}}] {text}" for name, text in items]
    return "\n".join([r"\begin{description}", *lines, r"\end{description}"])


def _standing(board: Leaderboard, standing: Standing) -> list[str]:
    title = standing_title(standing, board)
    sentences = "\n".join(escaped(sentence) for sentence in standing.sentences)
    grids = [grid_latex(grid) for grid in standing_grids(standing)]
    return [rf"\paragraph{{{escaped(title)}}}" if title and (sentences or grids) else "", sentences, *grids]
