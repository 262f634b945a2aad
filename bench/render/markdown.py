"""A document as Markdown: for a README, a pull request, a wiki."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.document import Cell
from bench.render.markup import Markup
from bench.words import visible

SPECIAL = str.maketrans({**{c: f"\\{c}" for c in "\\`*_{}[]#|~"}, "&": "&amp;", "<": "&lt;", ">": "&gt;"})


class Markdown(Markup):
    """CommonMark with the tables of GitHub."""

    def escaped(self, text: str) -> str:
        """A text in which nothing is read as Markdown or HTML."""
        return visible(text).translate(SPECIAL)

    def code(self, text: str) -> str:
        """A value as code, whatever backticks it holds."""
        fence = "`" * (1 + _longest_run(text))
        padding = " " if "`" in text else ""
        return f"{fence}{padding}{text}{padding}{fence}"

    def link(self, address: str) -> str:
        """An address that can be followed."""
        return f"<{address}>"

    def heading(self, text: str, level: int) -> str:
        """Hashes before the text."""
        return f"{'#' * level} {text}"

    def verbatim(self, text: str) -> str:
        """A fenced block."""
        fence = "`" * max(3, 1 + _longest_run(text))
        return "\n".join([fence, super().verbatim(text), fence])

    def picture(self, file: str, text: str) -> str:
        """An image with its text."""
        return f"![{text}]({file})"

    def title(self, text: str) -> str:
        """A line in bold."""
        return f"**{text}**"

    def cell(self, cell: Cell) -> str:
        """A value, bold where it is the best, with what is raised beside it."""
        text = super().cell(cell)
        bold = f"**{text}**" if cell.best else text
        ties = f"<sup>{cell.ties}</sup>" if cell.ties else ""
        note = f"<sup>{cell.note}</sup>" if cell.note else ""
        return bold + ties + ("†" if cell.dagger else "") + note

    def grid(self, head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
        """A table between bars."""
        rule = ["---:" if each else "---" for each in right]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


to_markdown = Markdown().render
