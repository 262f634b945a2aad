"""Which rows of a column are compared in pairs, over which seeds, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.errors import DataError
from bench.report.rows import Row, same_images
from bench.statistics.comparisons import FEWEST_SEEDS
from bench.words import plural


@dataclass(frozen=True, slots=True)
class Family:
    """Rows that are compared in pairs, over the seeds that all of them have; ``remarks`` say what is left out."""

    rows: Mapping[str, Row]
    some_seeds: bool
    remarks: tuple[str, ...]


def family_of(rows: Mapping[str, Row], reference: str) -> Family:
    """The family of a column.

    Raises:
        DataError: why no order is claimed.
    """
    enough = {name: row for name, row in rows.items() if len(row) >= FEWEST_SEEDS}
    if len(enough) < 2:
        raise DataError(f"no order claimed: fewer than two rows have {FEWEST_SEEDS} seeds")
    if not same_images(enough.values()):
        raise DataError("no order claimed: the rows were not scored on the same images")
    shared = [seed for seed in next(iter(enough.values())) if all(seed in row for row in enough.values())]
    if len(shared) < FEWEST_SEEDS:
        raise DataError(f"no order claimed: all rows share {plural(len(shared), 'seed')}, fewer than {FEWEST_SEEDS}")
    some = any(len(row) > len(shared) for row in enough.values())
    remarks = []
    out = [name for name in rows if name not in enough]
    if out:
        remarks.append(f"not compared: {', '.join(out)}")
    if some:
        remarks.append(f"compared over the {plural(len(shared), 'seed')} {', '.join(shared)}, so are the means here")
    if reference not in enough:
        remarks.append(f"no difference to {reference}: it is not among the rows compared")
    compared = {}
    for name, row in enough.items():
        compared[name] = {seed: row[seed] for seed in shared}
    return Family(compared, some, tuple(remarks))
