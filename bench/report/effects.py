"""The effect of an axis over everything else that a suite varies: marginal means, differences, interactions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from bench.errors import SuiteError
from bench.report.choose import Records, done_records
from bench.report.claims import claims, ends
from bench.report.counts import pooled_metric
from bench.report.design import Context, Design, design
from bench.report.measures import measure_of
from bench.report.ordering import is_tested
from bench.report.shape import Measure
from bench.report.spread import interval_of
from bench.report.undefined import all_shown, why_undefined
from bench.scores import named, pooled_metrics
from bench.statistics.comparisons import FEWEST_SEEDS
from bench.statistics.effects import interaction, marginal_means
from bench.suite.cells import Cell
from bench.suite.joint import followers
from bench.suite.resolved import Suite
from bench.words import unknown

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class LevelLine:
    """One level of the axis; scores in 0..1. ``p`` is adjusted over the levels; None is not claimed, or not known."""

    level: str
    mean: float
    interval: Interval | None
    tie: str = ""
    difference: float | None = None
    difference_interval: Interval | None = None
    p: float | None = None


@dataclass(frozen=True, slots=True)
class InteractionLine:
    """The effect of a level in one level of another axis, and how far it deviates from the mean of that axis."""

    other_axis: str
    other: str
    level: str
    difference: float
    difference_interval: Interval | None
    deviation: float
    deviation_interval: Interval | None
    p: float | None


@dataclass(frozen=True, slots=True)
class Effects:
    """The effect of an axis; every format is a rendering of this.

    ``combinations`` of the other axes have all levels, over ``seeds``, the fewest of any data set. ``remarks`` say what
    is left out and why.
    """

    suite: str
    axis: str
    measure: Measure
    reference: str
    levels: tuple[LevelLine, ...]
    interactions: tuple[InteractionLine, ...]
    combinations: int
    seeds: int
    groups: int
    defective_groups: int
    remarks: tuple[str, ...]


def effects(
    cells: Sequence[Cell],
    records: Records,
    axis: str,
    *,
    metric: str,
    reference: str | None,
    suite_name: str,
    paired: Sequence[Sequence[str]] = (),
) -> Effects:
    """The effect of ``axis`` on ``metric`` (such as ``f1@test``), differences taken to the level ``reference``.

    Axes of a ``paired`` group that only follow ``axis`` are part of its levels.

    Raises:
        SuiteError: no such axis, level or metric, or one whose levels cannot be compared.
    """
    levels = _levels(cells, axis)
    measure = _metric(metric, records)
    first = levels[0] if reference is None else reference
    if first not in levels:
        raise SuiteError([f"--reference: {unknown('level', first, levels)}"])
    records = all_shown(records)
    followed = followers(axis, paired, [cell.labels for cell in cells if not cell.included])
    crossed = design([_without(cell, followed) for cell in cells], records, axis, levels, measure)
    return Effects(
        suite=suite_name,
        axis=axis,
        measure=measure,
        reference=first,
        levels=_level_lines(crossed, measure, first),
        interactions=_interactions(crossed, first),
        combinations=len(crossed.contexts),
        seeds=crossed.seeds,
        groups=crossed.groups,
        defective_groups=crossed.defective,
        remarks=(*told(cells, records, measure), *crossed.remarks),
    )


def effects_in(
    suite: Suite, records: Records, axis: str, *, metric: str = "f1@test", reference: str | None = None
) -> Effects:
    """The effect of an axis of a suite, by default to the level that its board compares rows with.

    Raises:
        SuiteError: as :func:`effects`.
    """
    own = suite.board.reference if axis == suite.board.rows else None
    return effects(
        suite.cells,
        records,
        axis,
        metric=metric,
        reference=reference or own,
        suite_name=suite.name,
        paired=suite.paired,
    )


def _without(cell: Cell, axes: Collection[str]) -> Cell:
    return replace(cell, labels={axis: label for axis, label in cell.labels.items() if axis not in axes})


def told(cells: Sequence[Cell], records: Records, measure: Measure) -> tuple[str, ...]:
    """Badges of the finished cells, scores that are not today's, and why a score is absent, each once."""
    badges: list[str] = []
    outdated: list[str] = []
    undefined: list[str] = []
    for record in done_records(cells, records):
        if record.parameters != 0:
            badges += [f"badge: {badge}" for badge in record.badges]
            outdated += record.outdated
            undefined += why_undefined(record, measure.split)
    return tuple(f"{text[0].upper()}{text[1:]}." for text in dict.fromkeys(badges + outdated + undefined))


def _levels(cells: Sequence[Cell], axis: str) -> tuple[str, ...]:
    """The levels of an axis in the order of the suite.

    Raises:
        SuiteError: there is no such axis, or its levels cannot be compared.
    """
    axes: dict[str, None] = {}
    for cell in cells:
        axes |= dict.fromkeys(cell.labels)
    if axis not in axes:
        raise SuiteError([f"--axis: {unknown('axis', axis, axes)}"])
    refused = never_compared(cells)
    if axis in refused:
        raise SuiteError([f"--axis {axis}: {refused[axis]}; name another axis"])
    levels = tuple(dict.fromkeys(cell.labels[axis] for cell in cells if axis in cell.labels))
    if len(levels) < 2:
        raise SuiteError([f"--axis {axis}: its only level is {levels[0]!r}, so that it has no effect to show"])
    return levels


def never_compared(cells: Iterable[Cell]) -> dict[str, str]:
    """Axes whose levels are not compared, and why."""
    refused = {
        "seed": "seeds are repetitions; their spread is in every interval",
        "dataset": "scores of different data sets cannot be compared",
    }
    for cell in cells:
        refused |= dict.fromkeys(cell.tuned, "it is tuned, and validation chooses its value")
    return refused


def _metric(name: str, records: Records) -> Measure:
    measure = measure_of(name)
    why = why_not_compared(measure)
    if why is None and not is_tested(measure, records):
        why = f"no record comes with replicates of {name!r}; 'bench score RUN --write' makes them"
    if why:
        raise SuiteError([f"--metric: {why}"])
    return measure


def why_not_compared(measure: Measure) -> str | None:
    """Why levels are not compared by a score; None where they are, as far as its name tells."""
    if pooled_metric(measure) is not None and measure.split in ("validation", "test"):
        return None
    if measure.split == "test" and measure.better and named(measure.path[-1]):
        return None
    known = ", ".join(f"{score}@test" for score in pooled_metrics())
    others = "and on test every score that has a better end, such as object_recall@test"
    return f"{measure.name!r} does not follow from pixel counts; known: {known}, these @validation, {others}"


def _level_lines(crossed: Design, measure: Measure, reference: str) -> tuple[LevelLine, ...]:
    if not crossed.blocks:
        return ()
    blocks = crossed.scores
    means = marginal_means(blocks)
    sign = -1 if measure.better == "lower" else 1
    values = [sign * float(mean.value) for mean in means]
    unclaimed = crossed.flags if crossed.seeds >= FEWEST_SEEDS else crossed.levels
    found = claims(blocks, values, crossed.levels, reference, unclaimed=unclaimed)
    lines = []
    for level, mean, claim in zip(crossed.levels, means, found, strict=True):
        interval = interval_of(mean, measure) if crossed.is_measured(level) else None
        told = claim if crossed.is_measured(level, reference) else claim._replace(interval=None)
        lines.append(LevelLine(level, float(mean.value), interval, *told[:4]))
    return tuple(lines)


def _interactions(crossed: Design, reference: str) -> tuple[InteractionLine, ...]:
    """Interactions with every other axis of several levels whose levels stand in equal combinations of the rest."""
    if not crossed.blocks or reference not in crossed.levels:
        return ()
    axes = dict.fromkeys(axis for axis, _ in chain.from_iterable(crossed.contexts))
    return tuple(chain.from_iterable(_interaction(crossed, reference, axis) for axis in axes))


def _interaction(crossed: Design, reference: str, axis: str) -> Iterator[InteractionLine]:
    """Nothing where the axis has one level, or where its levels share no combination of the rest."""
    rests: dict[str, set[Context]] = {}
    for context in crossed.contexts:
        label = dict(context).get(axis)
        if label is not None:
            rests.setdefault(label, set()).add(_rest(context, axis))
    labels = list(rests)
    shared = set.intersection(*rests.values()) if rests else set()
    if len(labels) < 2 or not shared:
        return
    inside = []
    for label in labels:
        members = []
        for contexts, _ in crossed.blocks:
            belongs = [(axis, label) in one and _rest(one, axis) in shared for one in contexts]
            members.append(np.array(belongs))
        inside.append(members)
    for one in interaction(crossed.scores, inside, crossed.levels.index(reference)):
        level = crossed.levels[one.level]
        measured = crossed.is_measured(level, reference)
        claimed = crossed.seeds >= FEWEST_SEEDS and not {level, reference} & {*crossed.flags}
        yield InteractionLine(
            other_axis=axis,
            other=labels[one.other],
            level=level,
            difference=float(one.effect.value),
            difference_interval=ends(one.effect.interval()) if measured else None,
            deviation=float(one.deviation.value),
            deviation_interval=ends(one.deviation.interval()) if measured else None,
            p=one.p if claimed else None,
        )


def _rest(context: Context, axis: str) -> Context:
    return tuple(pair for pair in context if pair[0] != axis)
