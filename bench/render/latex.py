"""A document as LaTeX in the form of the supplement's tables (packages: booktabs; graphicx where it has pictures)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

from bench.document import Cell, Document, Symbol, Table, Text, bare, parts
from bench.render.markup import Markup
from bench.words import line, visible

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

SIZES = ((62, ()), (84, (r"\footnotesize", r"\setlength{\tabcolsep}{3pt}")))
"""Letters across a page in full size, and a little smaller; the rest is set smallest."""
SMALLEST = (r"\scriptsize", r"\setlength{\tabcolsep}{2pt}")
BREAK = r"/\allowbreak{}"
"""A slash at which an address or a folder may go on in the next line."""


class Latex(Markup):
    """Floats and lists, to be put into a document that loads booktabs."""

    def render(self, document: Document) -> str:
        """Set a whole document under one line of comment; the title is that of the document it is put into."""
        first = rf"% {line(bare(document.title))}: generated, do not edit. \usepackage{{booktabs}}"
        return self.apart(first, *(self.block(block, document.level) for block in document.blocks)) + "\n"

    def escaped(self, text: str) -> str:
        """A text in which no character has a meaning to LaTeX; two hyphens stay two, as options have them."""
        return "-{}-".join(part.translate(SPECIAL) for part in visible(text).split("--"))

    def code(self, text: str) -> str:
        """A value in the letters of a typewriter."""
        return rf"\texttt{{{self.escaped(text)}}}"

    def link(self, address: str) -> str:
        """An address that may go on in the next line."""
        return self.code(address).replace("/", BREAK)

    def symbol(self, symbol: Symbol) -> str:
        """Words where there are any, else a sign with its index and its unit."""
        subscript = rf"$_{{{self.escaped(symbol.index)}}}$" if symbol.index else ""
        unit = self.escaped(f" [{symbol.unit}]") if symbol.unit else ""
        return self.escaped(symbol.words) or self.escaped(symbol.text) + subscript + unit

    def heading(self, text: str, _level: int) -> str:
        """A paragraph's title: what is above it is the document's own."""
        return rf"\paragraph{{{text}}}"

    def title(self, text: str) -> str:
        """As a heading."""
        return self.heading(text, 0)

    def points(self, items: Iterable[str]) -> str:
        """A list with dashes."""
        return self.listing(("--", item) for item in items)

    def notes(self, texts: Iterable[str]) -> str:
        """A list with numbers."""
        return self.listing((str(k), text.replace("/", BREAK)) for k, text in enumerate(texts, start=1))

    def listing(self, pairs: Iterable[tuple[str, str]]) -> str:
        """A list of descriptions."""
        lines = [rf"\item[{{{name}}}] {text}" for name, text in pairs]
        return "\n".join([r"\begin{description}\sloppy", *lines, r"\end{description}"]) if lines else ""

    def verbatim(self, text: str) -> str:
        """Lines set left in the letters of a typewriter."""
        lines = [rf"{self.escaped(one).strip()}\par" for one in text.splitlines() if one.strip()]
        return "\n".join([r"\begin{flushleft}\ttfamily", *lines, r"\end{flushleft}"])

    def picture(self, file: str, text: str) -> str:
        """A figure with its text as caption."""
        return _float("figure", text, [rf"\includegraphics[width=\linewidth]{{{file}}}"])

    def table(self, table: Table, _level: int) -> str:
        """A float with its caption above the table; a table without a caption stays where it is."""
        sides = "".join("r" if column.right else "l" for column in table.columns)
        body = [r"\toprule", *self._head(table), r"\midrule"]
        for row in table.rows:
            cells = [
                _spanning(self.cell(cell), span) if cell.instead else self.cell(cell) for cell, span in table.cells(row)
            ]
            body.append(_row([self.marked(row.name), *cells]))
        size = _size(table)
        tabular = [*size, rf"\begin{{tabular}}{{l{sides}}}", *body, r"\bottomrule", r"\end{tabular}"]
        caption = self.marked(table.caption or table.title)
        if not caption:
            return "\n".join([r"\begin{center}", *tabular, r"\end{center}"])
        kind = "table*" if size is SMALLEST else "table"  # across both columns of a page that has two
        return _float(kind, caption, tabular, table.label)

    def _head(self, table: Table) -> list[str]:
        """The line of headings; where groups have titles, these above it, each over a rule of its own."""
        heads = [self.marked(column.head) for column in table.columns]
        corner = self.marked(table.corner)
        if not _has_titles(table):
            return [_row([corner, *heads])]
        spans = [len(group.columns) for group in table.groups]
        titles = [_spanning(self.marked(group.title), span) for group, span in zip(table.groups, spans, strict=True)]
        edges = pairwise(accumulate([2, *spans]))
        rules = " ".join(rf"\cmidrule(lr){{{start}-{end - 1}}}" for start, end in edges)
        return [_row([corner, *titles]), rules, _row(["", *heads])]

    def cell(self, cell: Cell) -> str:
        """The value, bold where it is the best, with its spread in small type so that a table of nine columns fits."""
        text = self.marked(cell.text)
        spread = rf"{{\tiny$\pm${self.escaped(cell.spread)}}}" if cell.spread else ""
        ties = rf"$^\mathrm{{{cell.ties}}}$" if cell.ties else ""
        dagger = r"$\dagger$" if cell.dagger else ""
        note = rf"$^{{{cell.note}}}$" if cell.note else ""
        return (rf"\textbf{{{text}}}" if cell.best else text) + spread + ties + dagger + note


def _float(kind: str, caption: str, body: Sequence[str], label: str = "") -> str:
    named = rf"\caption{{{caption}}}" + (rf"\label{{tab:{label}}}" if label else "")
    return "\n".join([rf"\begin{{{kind}}}", r"\centering", named, *body, rf"\end{{{kind}}}"])


def _has_titles(table: Table) -> bool:
    return any(group.title for group in table.groups)


def _spanning(text: str, span: int) -> str:
    return rf"\multicolumn{{{span}}}{{c}}{{{text}}}"


def _row(texts: Sequence[str]) -> str:
    return " & ".join(texts) + r" \\"


def _size(table: Table) -> Sequence[str]:
    """Commands that make a table fit a page, as far as the classes of LaTeX go."""
    widths = _widths(table)
    letters = sum(widths) + 2 * len(widths)
    return next((size for most, size in SIZES if letters <= most), SMALLEST)


def _widths(table: Table) -> list[int]:
    """Letters of the widest text of every column, names first; columns below titles are as wide as the widest of them.

    What stands instead of values takes the room that these leave.
    """
    first = max(map(_letters, [table.corner, *(row.name for row in table.rows)]))
    widths = [_letters(column.head) for column in table.columns]
    for row in table.rows:
        place = 0
        for cell, span in table.cells(row):
            if not cell.instead:
                widths[place] = max(widths[place], len(str(cell)))
            place += span
    return [first, *([max(widths)] * len(widths) if _has_titles(table) else widths)]


def _letters(text: Text) -> int:
    return sum(len(str(part)) if not isinstance(part, Symbol) else _letters_of(part) for part in parts(text))


def _letters_of(symbol: Symbol) -> int:
    return len(symbol.words or str(symbol)) + (len(f" [{symbol.unit}]") if symbol.unit else 0)


to_latex = Latex().render
