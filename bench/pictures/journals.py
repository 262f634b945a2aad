"""Widths of figures: columns of journals, and lengths."""

from __future__ import annotations

import re

from bench.errors import DataError
from bench.words import unknown

MM = 1 / 25.4
"""Inches of a millimetre."""
UNITS = {"mm": MM, "cm": 10 * MM, "in": 1.0, "pt": 1 / 72.27, "bp": 1 / 72}
"""Inches of a unit, as TeX calls them."""
JOURNALS = {
    "elsevier": {"1": 90 * MM, "1.5": 140 * MM, "2": 190 * MM},
    "springer": {"1": 84 * MM, "1.5": 129 * MM, "2": 174 * MM},
    "nature": {"1": 89 * MM, "1.5": 120 * MM, "2": 183 * MM},
    "ieee": {"1": 3.5, "2": 7.16},
    "cvf": {"1": 3.28125, "2": 6.875},
}
"""Width in inches of one column, one and a half, and two: publishers' instructions for artwork; of CVPR, ICCV and WACV
the text width of their class and the column that its gap leaves."""
NARROWEST, WIDEST, PAGE = 40 * MM, 210 * MM, 230 * MM
"""Inches that a figure is wide at least and at most, and high at most."""


def inches(text: str, journal: str) -> float:
    """The width that ``1``, ``1.5`` or ``2`` (columns of the journal) or a length such as ``88mm`` means.

    Raises:
        DataError: neither, or no width that a figure can have.
    """
    columns = JOURNALS[journal]
    if text in columns:
        return columns[text]
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([a-z]+)", text)
    if found is None:
        known = ", ".join(columns)
        raise DataError(f"--width {text!r}: give {known} (columns of {journal}), or a length such as 88mm or 3.5in")
    number, unit = found.groups()
    if unit not in UNITS:
        raise DataError(f"--width {text!r}: {unknown('unit', unit, UNITS)}")
    width = float(number) * UNITS[unit]
    if not NARROWEST - 1e-9 <= width <= WIDEST + 1e-9:
        raise DataError(f"--width {text!r}: a figure is {NARROWEST / MM:.0f} to {WIDEST / MM:.0f} mm wide")
    return width
