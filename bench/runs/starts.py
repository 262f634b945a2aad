"""A cell by the start of its id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from bench.errors import StoreError
from bench.suite.cells import Cell

T = TypeVar("T")


def cell_by_start(cells: Sequence[Cell], start: str, where: str) -> Cell:
    """The one cell whose id begins with ``start``.

    Raises:
        StoreError: there is none, or several.
    """
    check_start(start)
    found = {cell.id: cell for cell in cells if cell.id.startswith(start)}
    return only_one(found, start, where)


def check_start(start: str) -> None:
    """Refuse what no id begins with.

    Raises:
        StoreError: it is empty, or has other signs than an id.
    """
    if not start or set(start) - set("0123456789abcdef"):
        raise StoreError(f"{start!r} is no cell id: an id is made of the digits 0-9 and a-f; give the start of one")


def only_one(found: Mapping[str, T], start: str, where: Path | str) -> T:
    """What was found under the one id that there is.

    Raises:
        StoreError: there is none, or several.
    """
    if not found:
        raise StoreError(
            f"{where}: no cell whose id begins with {start!r}; 'bench leaderboard RUN --format csv' lists ids"
        )
    if len(found) > 1:
        ids = ", ".join(sorted(found)[:4])
        raise StoreError(f"{where}: {len(found)} cells begin with {start!r}: {ids}; give more of it")
    return next(iter(found.values()))
