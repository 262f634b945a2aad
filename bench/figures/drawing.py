"""Figures of a paper before they are drawn, and with their captions before they are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.document import Text
from bench.report.naming import slug

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure, and the sentences of its caption."""

    figure: Figure
    caption: Sequence[Text]


@dataclass(frozen=True, slots=True)
class Sketch:
    """What may be drawn: the stem of its files, and how; each by itself, so that one that fails stops no other."""

    name: str
    draw: Callable[[], Drawing]


def stem(kind: str, part: str, parts: Sequence[str]) -> str:
    """``aprf``, or ``aprf-mtd`` where a run has several such figures; names that would be equal are numbered."""
    if len(parts) == 1:
        return kind
    same = [other for other in parts if slug(other) == slug(part)]
    number = f"-{same.index(part) + 1}" if len(same) > 1 else ""
    return f"{kind}-{slug(part)}{number}"
