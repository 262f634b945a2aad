"""What a run could find, said before it is paid for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from bench.data.splits import assign
from bench.data.statistics import is_defective
from bench.engine.plan import Plan, Planned
from bench.report.design import design
from bench.report.measures import heading, measure_of
from bench.report.ordering import ordering
from bench.report.power import WANTED, Power
from bench.report.shape import Measure, is_comparable
from bench.statistics.comparisons import FEWEST_SEEDS
from bench.statistics.estimates import Block
from bench.statistics.power import Scatter, mean_scatter, scatter_of
from bench.suite.cells import Cell
from bench.words import plural

SEEDS_SD, GROUPS_SD, FREEDOM = 0.02, 0.12, 10.0
"""What is assumed before anything is measured: the standard deviation of a score over seeds, that of a difference which
one group with defects gives, and the degrees of freedom of the groups (few, because a few large defects decide)."""
CANNOT_RUN = ("skipped", "excluded", "blocked")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a suite asks of one data set: the cells to be compared, their rows and seeds."""

    planned: Sequence[Planned]
    axis: str

    @property
    def cells(self) -> list[Cell]:
        """All of them."""
        return [one.cell for one in self.planned]

    @property
    def rows(self) -> list[str]:
        """Levels of the axis."""
        return list(dict.fromkeys(cell.labels[self.axis] for cell in self.cells if self.axis in cell.labels))

    @property
    def seeds(self) -> int:
        """How many seeds there are."""
        return len({cell.seed for cell in self.cells})


@dataclass(frozen=True, slots=True)
class Foretold:
    """What a run of this design would find on one data set; without ``power`` its groups are known after indexing."""

    dataset: str
    measure: Measure
    seeds: int
    power: Power | None
    is_measured: bool


def power_lines(plan: Plan) -> Iterator[str]:
    """For every data set which difference between two rows a run of this design would find."""
    for one in foretold(plan):
        yield f"  power: {one.dataset}, {_told(one, one.power) if one.power else 'known after indexing'}"


def foretold(plan: Plan) -> Iterator[Foretold]:
    """For every data set what the comparison of its rows would find."""
    board = plan.suite.board
    how = ordering([measure_of(name) for name in board.values], board.reference, plan.records())
    if how is None or not how.measure.percent or not is_comparable(board.rows):
        return
    for name, asked in _by_dataset(plan).items():
        if len(asked.rows) > 1:
            groups = _defective_groups(asked.planned[0])
            scatter = _measured(asked, how.measure) if groups else None
            power = _power(asked, groups, scatter) if groups else None
            yield Foretold(name, how.measure, asked.seeds, power, scatter is not None)


def _power(asked: Asked, groups: int, scatter: Scatter | None) -> Power:
    """By the scatter of finished cells, or by what is assumed."""
    scatter = scatter or Scatter(SEEDS_SD**2, GROUPS_SD**2 / groups, FREEDOM)
    return Power(scatter, len(asked.rows), max(asked.seeds, FEWEST_SEEDS), groups)


def _by_dataset(plan: Plan) -> dict[str, Asked]:
    """The cells of every data set that can run, but for those that are only included."""
    found: dict[str, list[Planned]] = {}
    for planned in plan.cells:
        if not planned.cell.included and planned.state not in CANNOT_RUN:
            found.setdefault(planned.cell.labels["dataset"], []).append(planned)
    return {name: Asked(cells, plan.suite.board.rows) for name, cells in found.items()}


def _defective_groups(planned: Planned) -> int:
    """Groups with a defect in the test split; 0 before the data are indexed."""
    index = planned.dataset.index if planned.dataset else None
    if index is None:
        return 0
    split = assign(index, planned.cell.protocol.split)
    return len({entry.group for entry in index.entries if split[entry.id] == "test" and is_defective(entry)})


def _told(one: Foretold, power: Power) -> str:
    """``3 seeds, 112 test groups with defects: of two of 5 rows a difference of 9.4 points of F1_T is found ...``."""
    start = f"{plural(one.seeds, 'seed')}, {plural(power.groups, 'test group')} with defects: "
    if one.seeds < FEWEST_SEEDS:
        start += f"no order of the rows is claimed with fewer than {FEWEST_SEEDS} seeds; with {FEWEST_SEEDS} "
    found = f"a difference of {100 * power.found:.1f} points of {heading(one.measure, '')} between two of "
    text = f"{start}{found}{plural(power.rows, 'row')} is found in 8 of 10 repetitions{_wanted(power)}"
    return f"{text} ({'by the scatter of finished cells' if one.is_measured else _assumed(one.measure)})"


def _wanted(power: Power) -> str:
    """What would find fewer points; nothing where they are found."""
    if power.found <= WANTED:
        return ""
    seeds = "no number of seeds" if power.seeds_wanted is None else plural(power.seeds_wanted, "seed")
    groups = "no number of groups" if power.groups_wanted is None else plural(power.groups_wanted, "group")
    return f", one of {100 * WANTED:.0f} points by {seeds} on these groups, and by {groups} with these seeds"


def _assumed(measure: Measure) -> str:
    return (
        f"assumed: {heading(measure, '')} scatters by {100 * SEEDS_SD:.0f} points over seeds, a difference by "
        f"{100 * GROUPS_SD:.0f} over the root of the groups"
    )


def _measured(asked: Asked, measure: Measure) -> Scatter | None:
    """The mean scatter of the combinations whose rows have enough finished seeds and no flag; None without any."""
    records = {one.cell.id: one.record for one in asked.planned if one.record is not None}
    if not records:
        return None
    crossed = design(asked.cells, records, asked.axis, asked.rows, measure)
    kept = [number for number, level in enumerate(crossed.levels) if level not in crossed.flags]
    pairs = list(combinations(kept, 2))
    if crossed.seeds < FEWEST_SEEDS or not pairs:
        return None
    scatters = []
    for one in crossed.scores:
        for context in range(one.values.shape[1]):
            alone = Block(one.values[:, [context]], one.without[:, [context]], trainings=one.trainings)
            scatters.append(scatter_of([alone], pairs))
    return mean_scatter(scatters)
