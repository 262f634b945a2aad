"""The one table of formats that set documents: a renderer more is a row more, here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.document import Document
from bench.render.html import to_html
from bench.render.latex import to_latex
from bench.render.markdown import to_markdown
from bench.render.text import to_text


@dataclass(frozen=True, slots=True)
class Format:
    """A renderer, and how the names of its files end."""

    render: Callable[[Document], str]
    suffix: str


FORMATS: Mapping[str, Format] = {
    "text": Format(to_text, "txt"),
    "markdown": Format(to_markdown, "md"),
    "latex": Format(to_latex, "tex"),
    "html": Format(to_html, "html"),
}
