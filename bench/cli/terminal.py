"""The terminal: its width and colours, lines folded to it, and how the command itself was typed."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from typing import TextIO

from bench.words import visible

NARROWEST = 40


def width() -> int:
    """Columns of the terminal; 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns


def in_colour() -> bool:
    """Whether standard output is a terminal whose user wants colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def quiet() -> redirect_stdout[TextIO]:
    """Send to standard error what is printed meanwhile: what a plugin prints must not spoil what a command prints."""
    return redirect_stdout(sys.stderr)


def command_line() -> str:
    """The command as the user typed it."""
    return shlex.join(["bench", *sys.argv[1:]])


def folded(lines: Iterable[str], columns: int | None = None) -> Iterator[str]:
    """Break every line at spaces; what follows stands two columns further in than the line itself.

    What a terminal would obey is taken out.
    """
    from bench.render.layout import wrap

    columns = max(columns or width(), NARROWEST)
    for text in map(visible, lines):
        indent = " " * (len(text) - len(text.lstrip()))
        first, *others = wrap(text.strip(), columns - len(indent) - 2)
        yield indent + first
        for part in others:
            yield f"{indent}  {part}"
