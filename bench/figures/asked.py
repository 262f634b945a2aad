"""What may be asked of the figures of a run: kinds, cells, formats, widths, font."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from bench.errors import DataError
from bench.pictures.journals import JOURNALS, inches
from bench.words import unknown

TABLES = "tables"
KINDS = ("views", "context", "predictions", "aprf", "training", "effects", "costs", TABLES)
"""In the order of the supplement's figures, then ours."""
FORMATS = ("pdf", "svg", "png")


@dataclass(frozen=True, slots=True)
class Asked:
    """What to draw and how: kinds, cells by id or the axis whose levels each give one, formats, widths, font.

    ``width`` is of all figures, in columns of the ``journal`` or as a length; ``widths`` are those of single kinds.
    Without a font it is one that comes with matplotlib.

    Raises:
        DataError: a kind, a format, a journal, a width or a font that there is not.
    """

    kinds: Sequence[str] = KINDS
    cells: Sequence[str] = ()
    by: str | None = None
    formats: Sequence[str] = FORMATS
    journal: str = "elsevier"
    width: str = "2"
    widths: Mapping[str, str] = field(default_factory=dict)
    font: str | None = None

    def __post_init__(self) -> None:
        for what, given, known in (
            ("figure", (*self.kinds, *self.widths), KINDS),
            ("format", self.formats, FORMATS),
            ("journal", (self.journal,), JOURNALS),
        ):
            for name in given:
                if name not in known:
                    raise DataError(unknown(what, name, known))
        for kind in KINDS:
            self.inches(kind)
        if self.font is not None:
            from bench.pictures.style import check_font

            check_font(self.font)

    def inches(self, kind: str) -> float:
        """The width of the figures of a kind."""
        return inches(self.widths.get(kind, self.width), self.journal)


def names_of(text: str, of: Collection[str], what: str) -> tuple[str, ...]:
    """Names parted by commas, in the order given.

    Raises:
        DataError: none, or one that there is not.
    """
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in names:
        if name not in of:
            raise DataError(unknown(what, name, of))
    if not names:
        raise DataError(f"name at least one {what}: {', '.join(of)}.")
    return names
