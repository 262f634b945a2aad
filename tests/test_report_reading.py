"""The way from stored records to the numbers of a board is short."""

from __future__ import annotations

from pathlib import Path

from bench.record import record_from
from bench.report.board import numbers
from bench.report.shape import entries_of
from bench.store.records import load_record, write_record
from bench.suite.schema import Board
from entering import entered
from report_samples import cell, failed, product_cells, record

SHARED = {
    *("canonical.py", "record.py", "migrations.py", "leaves.py", "parts.py", "states.py", "scores.py", "words.py"),
    *("bounded.py", "sealed.py", "report/shape.py", "store/store.py", "suite/joint.py", "suite/schema.py"),
}
"""What others use too, and what a record and a board are: none of them makes a number of a record."""


def test_a_reader_of_the_code_enters_at_most_six_files(tmp_path: Path) -> None:
    """From the file of a record to the means, marks and notes of every position, tuned and failed ones among them.

    What is said of the numbers, such as their order and costs, is a question of its own and made from them.
    """
    trials = [cell(tuned={"recipe.learning_rate": rate}) for rate in (0.1, 0.01)]
    cells = [*product_cells(2), *trials, cell(axes={"dataset": "mtd", "preprocess": "stretch"})]
    stored = [failed(one) if one in cells[2:4] else record(one, 0.4, 0.3) for one in cells]
    paths = {one["id"]: tmp_path / f"{number}.json" for number, one in enumerate(stored)}
    for one in stored:
        write_record(paths[one["id"]], record_from(one, one["id"]))
    with entered() as files:
        records = {id: load_record(path) for id, path in paths.items()}
        made = numbers(cells, records, Board(), [("dataset", "preprocess")])
    states = {entry.state for entry in entries_of(made.tables)}
    assert states >= {"done", "failed"}
    reading = files - SHARED
    assert len(reading) <= 6, sorted(reading)
