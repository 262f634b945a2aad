"""What to beware of in the data sets of a run, as the records of its cells say."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.choose import Records
from bench.report.shape import Section
from bench.suite.cells import Cell

TITLE = "To beware of in the data"


def data_section(cells: Sequence[Cell], records: Records) -> Section | None:
    """Every remark once, in the order of the cells; None where there is none."""
    known = [records[cell.id] for cell in cells if cell.id in records]
    found = dict.fromkeys(remark for record in known for remark in record.remarks)
    return Section(TITLE, (), tuple(found), question="data") if found else None
