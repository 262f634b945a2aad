"""Finding a cell by the start of its id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.engine.store import read_json
from bench.errors import StoreError


def found_record(out: Path, start: str) -> tuple[Path, dict[str, Any]]:
    """The record of the one cell whose id begins with ``start``, among all runs under ``out``.

    Raises:
        StoreError: there is none, or several.
    """
    if not start or set(start) - set("0123456789abcdef"):
        raise StoreError(f"{start!r} is no cell id: an id is made of the digits 0-9 and a-f; give the start of one")
    found = {path.stem: path for path in sorted(out.glob(f"*/cells/{start}*.json"))}
    if not found:
        raise StoreError(
            f"{out}: no cell whose id begins with {start!r}; 'bench leaderboard RUN --format csv' lists ids"
        )
    if len(found) > 1:
        raise StoreError(
            f"{out}: {len(found)} cells begin with {start!r}: {', '.join(sorted(found)[:4])}; give more of it"
        )
    path = next(iter(found.values()))
    return path, read_json(path)
