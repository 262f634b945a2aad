"""Which version of a data set a record is of, where boards and comparisons must say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bench.record import record_from
from bench.report.changes import origin_changes
from documents import to_text
from report_samples import board_of, by_id, product_cells, record


def of_version(version: int | None, name: str = "metalpart") -> dict[str, Any]:
    """The providers of a record; None is one from before versions were kept."""
    provider = {"package": "defectbench", "version": "0.1.0", "source": "ab"}
    return {f"dataset {name}": provider if version is None else {**provider, "component": version}}


def footer(*providers: Mapping[str, Any]) -> str | None:
    """What the foot of a board of cells with these providers says of data sets."""
    cells = product_cells(len(providers))[: len(providers)]
    made = [record(one, 0.5, 0.5, providers=own) for one, own in zip(cells, providers, strict=True)]
    board = board_of(cells, by_id(*made))
    said = dict(board.footer).get("data sets")
    assert (said or "nothing") in f"{to_text(board)} nothing"
    return said


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ([None], None),
        ([1], None),
        ([2], "metalpart version 2"),
        ([None, 2], "metalpart version 1 and 2"),
        ([2, 2], "metalpart version 2"),
    ],
)
def test_a_board_says_a_later_version_and_a_record_without_one_is_of_the_first(
    versions: list[int | None], said: str | None
) -> None:
    assert footer(*map(of_version, versions)) == said


def test_of_other_data_sets_a_record_without_a_version_says_nothing() -> None:
    assert footer(of_version(None, "mtd"), of_version(2, "mtd")) == "mtd version 2"


def test_a_comparison_says_that_the_data_are_of_another_version() -> None:
    first, second, third = (
        record_from(record(product_cells(1)[0], 0.5, 0.5, providers=of_version(version)), "made up")
        for version in (None, 2, 1)
    )
    assert "version of dataset metalpart: 1 -> 2" in origin_changes(first, second)
    assert not any("version of" in change or "component" in change for change in origin_changes(first, third))
