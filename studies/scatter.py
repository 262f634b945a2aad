"""By how much the scores of a run scatter: what ``bench plan`` assumes of data of which nothing is measured yet.

``python -m studies.scatter RUN`` prints, for every column of the board of a run folder or an archive, the standard
deviation over seeds, that which one group with a defect gives to a difference of two rows, and how many degrees of
freedom such a group has; the last line are the means over variances, for the constants of ``bench/cli/power.py``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.errors import StoreError
from bench.report.board import numbers
from bench.report.order import ordered
from bench.report.ordering import ordering
from bench.report.power import Power
from bench.report.shape import title_text
from bench.runs.folder import read_run, records_in, run_folder, told
from bench.statistics.power import Scatter, mean_scatter
from studies.tables import table_of


def powers(run: Path) -> dict[str, Power]:
    """The columns of a board in which an order is claimed, each with what its rows scatter by.

    Raises:
        StoreError: there is no run, or no column has two rows of three seeds without a flag.
    """
    with run_folder(run) as folder:
        suite, _ = read_run(folder)
        found = numbers(suite.cells, told(folder, records_in(folder, suite)), suite.board, suite.paired)
    how = ordering(found.measures, found.board.reference, found.records)
    _, columns = ordered(found.tables, how, suite.cells, found.records, found.board.rows)
    known = {title_text(column.table, column.name): column.power for column in columns if column.power}
    if not known:
        raise StoreError(f"{run}: no column has two rows of three finished seeds without a flag; run more seeds")
    return known


def of_one_group(power: Power) -> Scatter:
    """The scatter of a design with a single group that has a defect."""
    return power.scatter.over(1 / power.groups)


def table(found: Mapping[str, Power]) -> str:
    """A line for every column and one for all."""
    scatters = {name: of_one_group(power) for name, power in found.items()}
    lines = [line(name, one) for name, one in {**scatters, "all": mean_scatter(list(scatters.values()))}.items()]
    return table_of(["column", "over seeds", "of a group", "freedom of a group"], lines)


def line(name: str, one: Scatter) -> list[str]:
    """Standard deviations in 0..1."""
    return [name, f"{one.seeds**0.5:.4f}", f"{one.groups**0.5:.4f}", f"{one.freedom:.3f}"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of a run."""
    parser = argparse.ArgumentParser(prog="python -m studies.scatter", description=__doc__)
    parser.add_argument("run", type=Path, help="run folder or archive")
    sys.stdout.write(f"{table(powers(parser.parse_args(arguments).run))}\n")


if __name__ == "__main__":
    main()
