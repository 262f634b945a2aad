"""A document as LaTeX in the form of the supplement's tables (packages: booktabs; graphicx where it has pictures)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

from bench.document import (
    Block,
    Cell,
    Code,
    Document,
    Heading,
    Link,
    Listing,
    Notes,
    Paragraph,
    Part,
    Picture,
    Points,
    Symbol,
    Table,
    Text,
    Verbatim,
    bare,
    parts,
)
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


def to_latex(document: Document) -> str:
    """Set the blocks as floats and lists, to be put into a document that loads booktabs."""
    first = rf"% {line(bare(document.title))}: generated, do not edit. \usepackage{{booktabs}}"
    return "\n\n".join(filter(None, [first, *map(_block, document.blocks)])) + "\n"


def marked(text: Text) -> str:
    """One line in which no character but its own marks has a meaning to LaTeX."""
    return " ".join("".join(map(_part, parts(text))).split())


def _part(part: Part) -> str:
    match part:
        case Code(text):
            return rf"\texttt{{{escaped(text)}}}"
        case Link(address):
            return rf"\texttt{{{escaped(address).replace('/', BREAK)}}}"
        case Symbol(text, index, unit, words):
            subscript = rf"$_{{{escaped(index)}}}$" if index else ""
            return escaped(words) or escaped(text) + subscript + (escaped(f" [{unit}]") if unit else "")
        case _:
            return escaped(part)


def escaped(text: str) -> str:
    """A text in which no character has a meaning to LaTeX; two hyphens stay two, as options have them."""
    return "-{}-".join(part.translate(SPECIAL) for part in visible(text).split("--"))


def _block(block: Block) -> str:
    match block:
        case Heading(text):
            return rf"\paragraph{{{marked(text)}}}"
        case Paragraph(sentences):
            return "\n".join(map(marked, sentences))
        case Points(items):
            return _list(("--", marked(item)) for item in items)
        case Notes(texts):
            return _list((str(k), marked(note).replace("/", BREAK)) for k, note in enumerate(texts, start=1))
        case Listing(pairs, title):
            return _titled(title, _list((escaped(name), marked(text)) for name, text in pairs))
        case Verbatim(text, title):
            lines = [rf"{escaped(one).strip()}\par" for one in text.splitlines() if one.strip()]
            return _titled(title, "\n".join([r"\begin{flushleft}\ttfamily", *lines, r"\end{flushleft}"]))
        case Picture(file, text):
            return _float("figure", marked(text), [rf"\includegraphics[width=\linewidth]{{{visible(file)}}}"])
        case Table():
            return "\n\n".join(filter(None, [_table(block), "\n".join(map(marked, block.below))]))


def _titled(title: str, body: str) -> str:
    return f"\\paragraph{{{escaped(title)}}}\n\n{body}" if title and body else body


def _list(items: Iterable[tuple[str, str]]) -> str:
    lines = [rf"\item[{{{name}}}] {text}" for name, text in items]
    return "\n".join([r"\begin{description}\sloppy", *lines, r"\end{description}"]) if lines else ""


def _table(table: Table) -> str:
    """A float with its caption above the table; a table without a caption stays where it is."""
    sides = "".join("r" if column.right else "l" for column in table.columns)
    body = [r"\toprule", *_head(table), r"\midrule"]
    for row in table.rows:
        cells = [_cell(cell, span) for cell, span in table.cells(row)]
        body.append(_row([marked(row.name), *cells]))
    size = _size(table)
    tabular = [*size, rf"\begin{{tabular}}{{l{sides}}}", *body, r"\bottomrule", r"\end{tabular}"]
    caption = marked(table.caption or table.title)
    if not caption:
        return "\n".join([r"\begin{center}", *tabular, r"\end{center}"])
    kind = "table*" if size is SMALLEST else "table"  # across both columns of a page that has two
    return _float(kind, caption, tabular, table.label)


def _float(kind: str, caption: str, body: Sequence[str], label: str = "") -> str:
    named = rf"\caption{{{caption}}}" + (rf"\label{{tab:{label}}}" if label else "")
    return "\n".join([rf"\begin{{{kind}}}", r"\centering", named, *body, rf"\end{{{kind}}}"])


def _head(table: Table) -> list[str]:
    """The line of headings; where groups have titles, these above it, each over a rule of its own."""
    heads = [marked(column.head) for column in table.columns]
    corner = marked(table.corner)
    if not _has_titles(table):
        return [_row([corner, *heads])]
    spans = [len(group.columns) for group in table.groups]
    titles = [_spanning(marked(group.title), span) for group, span in zip(table.groups, spans, strict=True)]
    edges = pairwise(accumulate([2, *spans]))
    rules = " ".join(rf"\cmidrule(lr){{{start}-{end - 1}}}" for start, end in edges)
    return [_row([corner, *titles]), rules, _row(["", *heads])]


def _has_titles(table: Table) -> bool:
    return any(group.title for group in table.groups)


def _spanning(text: str, span: int) -> str:
    return rf"\multicolumn{{{span}}}{{c}}{{{text}}}"


def _row(texts: Sequence[str]) -> str:
    return " & ".join(texts) + r" \\"


def _cell(cell: Cell, span: int) -> str:
    """The value, bold where it is the best, with its spread in small type so that a table of nine columns fits."""
    text = marked(cell.text)
    spread = rf"{{\tiny$\pm${escaped(cell.spread)}}}" if cell.spread else ""
    ties = rf"$^\mathrm{{{cell.ties}}}$" if cell.ties else ""
    dagger = r"$\dagger$" if cell.dagger else ""
    note = rf"$^{{{cell.note}}}$" if cell.note else ""
    whole = (rf"\textbf{{{text}}}" if cell.best else text) + spread + ties + dagger + note
    return _spanning(whole, span) if cell.instead else whole


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
