"""One figure of a paper with its caption, before it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.document import Text
from bench.report.naming import slug

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure, the stem of its files, and the sentences of its caption."""

    name: str
    figure: Figure
    caption: Sequence[Text]


def stem(kind: str, part: str, parts: Sequence[str]) -> str:
    """``aprf``, or ``aprf-mtd`` where a run has several such figures; names that would be equal are numbered."""
    if len(parts) == 1:
        return kind
    same = [other for other in parts if slug(other) == slug(part)]
    number = f"-{same.index(part) + 1}" if len(same) > 1 else ""
    return f"{kind}-{slug(part)}{number}"
