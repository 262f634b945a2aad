"""Documents on standard output, in any format."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from bench.render.formats import FORMATS

if TYPE_CHECKING:
    from bench.document import Document


def format_option(*exports: str) -> Callable[[Any], Any]:
    """``--format``: every format of documents, and the data ``exports`` of this command."""
    choice = click.Choice((*FORMATS, *exports))
    return click.option("--format", "form", type=choice, default="text", show_default=True)


def printed(document: Document, form: str = "text") -> str:
    """A document in a format; plain text fits the terminal that it is printed on."""
    if form != "text":
        return FORMATS[form].render(document)
    from bench.render.text import to_text

    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return to_text(document, shutil.get_terminal_size((100, 24)).columns, colour)
