"""What to beware of in the data sets of a run, as the records of its cells say."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.choose import Records
from bench.report.measures import texts_of
from bench.report.shape import CellLike, Section

TITLE = "To beware of in the data"


def data_section(cells: Sequence[CellLike], records: Records) -> Section | None:
    """Every remark once, in the order of the cells; None where there is none."""
    found = dict.fromkeys(remark for cell in cells for remark in texts_of(records.get(cell.id, {}).get("remarks")))
    return Section(TITLE, (), tuple(found)) if found else None
