"""Tables of the studies: as Markdown, printed or between their markers in a file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bench.errors import StoreError


def table_of(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; its first column is set left, the others right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *lines))


def written_into(text: str, name: str, table: str) -> str:
    """The text with a table between its markers ``<!-- name -->`` and ``<!-- end of name -->``.

    Raises:
        StoreError: the text has no such markers.
    """
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = text.partition(start)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise StoreError(f"the file lacks the markers {start!r} and {end!r}; put them where the table belongs")
    return f"{before}{start}\n\n{table}\n\n{end}{after}"


def tell(name: str, table: str, into: Path | None) -> None:
    """Print a table, or write it between its markers in a file.

    Raises:
        StoreError: the file has no such markers.
    """
    if into is None:
        sys.stdout.write(f"## {name}\n\n{table}\n\n")
    else:
        text = written_into(into.read_text(encoding="utf-8"), name, table)
        into.write_text(text, encoding="utf-8")
