"""Which differences designs find: the table of ``docs/statistics.md``, in seconds.

Run with ``python -m studies.power --into docs/statistics.md``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

from bench.statistics.power import Scatter, detectable
from studies.tables import table_of, tell

SEEDS_SD = (0.01, 0.02, 0.04)
GROUPS = (18, 112, 400)
SEEDS = (3, 5, 10)
OF_A_GROUP = 0.12
"""What one group with defects gives to the standard deviation of a difference in the world 'balanced'."""
FREEDOM = 10.0
PAIRS = 10
"""Of five rows."""


def lines() -> Iterator[list[str]]:
    """Scatter over seeds, groups, and the difference found with each number of seeds, in points."""
    for seeds_sd, groups in product(SEEDS_SD, GROUPS):
        scatter = Scatter(seeds_sd**2, OF_A_GROUP**2 / groups, FREEDOM)
        found = [f"{100 * detectable(scatter, seeds, PAIRS):.1f}" for seeds in SEEDS]
        yield [f"{100 * seeds_sd:.0f}", str(groups), *found]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, or write it into a file."""
    parser = argparse.ArgumentParser(prog="python -m studies.power", description=__doc__)
    parser.add_argument("--into", type=Path, help="Markdown file with markers; without it the table is printed")
    asked = parser.parse_args(arguments)
    head = ["points over seeds", "groups with defects", *(f"found, {seeds} seeds" for seeds in SEEDS)]
    tell("power", table_of(head, list(lines())), asked.into)


if __name__ == "__main__":
    main()
