"""The terminal: its width and colours, lines folded to it, and how the command itself was typed."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from typing import TextIO

from bench.words import line, visible

NARROWEST = 40
LEAST_TEXT = 30
"""Columns that a text beside its name has at least."""


def width(without: int = 100) -> int:
    """Columns of the terminal, or ``without`` one."""
    return shutil.get_terminal_size((without, 24)).columns


def in_colour() -> bool:
    """Whether standard output is a terminal whose user wants colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def in_blocks() -> bool:
    """Whether standard output can print the blocks that curves are drawn with."""
    if os.environ.get("TERM") in ("dumb", "linux"):
        return False
    try:
        "▁█".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def quiet() -> redirect_stdout[TextIO]:
    """Send to standard error what is printed meanwhile: what a plugin prints must not spoil what a command prints."""
    return redirect_stdout(sys.stderr)


def command_line() -> str:
    """The command as the user typed it."""
    return shlex.join(["bench", *sys.argv[1:]])


def fitted(lines: Iterable[str]) -> Iterator[str]:
    """Lines folded for whoever reads them on a terminal, and whole for whatever else reads them."""
    return folded(lines) if _is_read() else map(visible, lines)


def entries(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Names, each with a text beside it, or below where there is no room; on a terminal the text is folded."""
    from bench.render.layout import wrap

    column = max((len(name) for name, _ in rows), default=0) + 2
    columns = max(width(), NARROWEST)
    beside = columns - column >= LEAST_TEXT
    for name, text in rows:
        if not _is_read():
            yield f"{name:{column}}{line(text)}".rstrip()
            continue
        indent = column if beside else 4
        parts = wrap(line(text), columns - indent)
        if beside:
            yield f"{name:{column}}{parts[0]}".rstrip()
        else:
            yield name
        for part in parts[1:] if beside else filter(None, parts):
            yield " " * indent + part


def _is_read() -> bool:
    """Whether standard output is a terminal, or its width was set as if it were."""
    return sys.stdout.isatty() or bool(os.environ.get("COLUMNS"))


def folded(lines: Iterable[str], columns: int | None = None) -> Iterator[str]:
    """Break every line that is too long at spaces; what follows stands two columns further in than the line itself.

    What a terminal would obey is taken out.
    """
    from bench.render.layout import cells, wrap

    columns = max(columns or width(), NARROWEST)
    for text in map(visible, lines):
        if cells(text) <= columns:
            yield text.rstrip()
            continue
        indent = " " * (len(text) - len(text.lstrip()))
        first, *others = wrap(text.strip(), columns - len(indent) - 2)
        yield indent + first
        for part in others:
            yield f"{indent}  {part}"
