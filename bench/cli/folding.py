"""Indented lines set in the width of the terminal."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator


def folded(lines: Iterable[str], width: int | None = None) -> Iterator[str]:
    """Break every line at spaces; what follows stands two columns further in than the line itself."""
    from bench.render.layout import wrap

    width = max(width or shutil.get_terminal_size((100, 24)).columns, 40)
    for line in lines:
        indent = " " * (len(line) - len(line.lstrip()))
        first, *others = wrap(line.strip(), width - len(indent) - 2)
        yield indent + first
        yield from (f"{indent}  {part}" for part in others)
