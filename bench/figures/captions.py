"""The captions of figures, as Markdown to be read beside them and as floats for LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.document import Document, Heading, Paragraph, Picture, Text
from bench.pictures.journals import JOURNALS, MM
from bench.render.latex import Latex
from bench.render.markdown import to_markdown

WIDER = 1.02
"""Columns from which on a figure goes across both."""


@dataclass(frozen=True, slots=True)
class Written:
    """A figure that was written: its files, the width in inches, and the sentences of its caption."""

    name: str
    files: tuple[Path, ...]
    width: float
    caption: tuple[Text, ...]

    def file(self, *suffixes: str) -> str:
        """The name of its file in the first of these formats that it has, else of any."""
        by_suffix = {path.suffix: path.name for path in self.files}
        return next((by_suffix[suffix] for suffix in suffixes if suffix in by_suffix), self.files[0].name)


def captions_markdown(title: str, figures: Sequence[Written]) -> str:
    """Every figure under its name, with its picture and its caption."""
    blocks: list[Heading | Picture | Paragraph] = []
    for one in figures:
        picture = Picture(one.file(".svg", ".png"), one.name)
        blocks += [Heading(f"{one.name}, {one.width / MM:.0f} mm"), picture, Paragraph(one.caption)]
    return to_markdown(Document(title, blocks, level=1))


def captions_latex(title: str, figures: Sequence[Written], journal: str) -> str:
    """A float for every figure, at the size that it was drawn for, to be read by a paper."""
    marks = Latex()
    first = rf"% {title}: generated, do not edit. \usepackage{{graphicx}}, and \graphicspath to this folder."
    floats = [_float(one, marks, JOURNALS[journal]["1"]) for one in figures]
    return "\n\n".join([first, *floats]) + "\n"


def _float(one: Written, marks: Latex, column: float) -> str:
    kind = "figure*" if one.width > WIDER * column else "figure"
    caption = " ".join(map(marks.marked, one.caption))
    lines = [
        rf"\begin{{{kind}}}",
        r"\centering",
        rf"\includegraphics{{{one.file('.pdf', '.png')}}}",
        rf"\caption{{{caption}}}\label{{fig:{one.name}}}",
        rf"\end{{{kind}}}",
    ]
    return "\n".join(lines)
