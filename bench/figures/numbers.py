"""Figures of what a board says: effects of axes with their intervals, and score against cost with its front."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain

from bench.document import Symbol, Text
from bench.errors import SuiteError
from bench.figures.drawing import Drawing, Sketch, stem
from bench.figures.source import NothingToDraw, Source
from bench.pictures.forest import effects_figure
from bench.pictures.pareto import PANELS, fronts_of, pareto_panels
from bench.pictures.style import lettered
from bench.report.effects import Effects, effects_in, never_compared
from bench.report.effects_document import MEANING, cautions
from bench.report.naming import slug
from bench.report.shape import CostLine
from bench.words import plural

EFFECTS = (
    ": {means} mean of every level, {differences} its difference to {reference}. Filled: over {combinations} of the "
    "other axes, {seeds} and {groups}{parted}."
)
LETTERS = "Levels with a letter in common cannot be told apart."
COSTS = (
    "Validation F1 against cost on {on}, means over seeds: {panels}. Colours are columns of the board, signs its rows. "
    "Filled, and joined by the step: no other position has a higher validation F1 at no more cost."
)


def all_effects(source: Source, width: float) -> Iterator[Sketch]:
    """A figure for every axis whose levels can be compared.

    Raises:
        NothingToDraw: there is none, or nothing of it is finished.
    """
    found = tables_of_effects(source)
    if not found:
        raise NothingToDraw("no axis has two levels that can be compared and are finished")
    for one in found:
        yield Sketch(f"effects-{slug(one.axis)}", partial(_effect, source, one, width))


def _effect(source: Source, one: Effects, width: float) -> Drawing:
    """Draw it.

    Raises:
        DataError: more levels than fit a page.
    """
    other = _other(source, one)
    parted = f"; open: in each level of {other} alone" if other else ""
    how = EFFECTS.format(
        means=lettered(0), differences=lettered(1), reference=one.reference, seeds=plural(one.seeds, "seed"),
        groups=plural(one.groups, "group"), combinations=plural(one.combinations, "combination"), parted=parted,
    )  # fmt: skip
    score = Symbol(one.measure.symbol, one.measure.subscript)
    letters = [LETTERS] if any(level.tie for level in one.levels) else []
    caption: list[Text] = [(f"Effect of {one.axis} on ", score, how), *letters, *cautions(one), MEANING, source.told]
    return Drawing(effects_figure(one, width, other), caption)


def tables_of_effects(source: Source) -> list[Effects]:
    """The effects of every axis that has some, for tables."""
    return [one for one in (_effects(source, axis) for axis in _axes(source)) if one and one.levels]


def _axes(source: Source) -> list[str]:
    """The axes that may be compared, in the order of the suite."""
    known = dict.fromkeys(chain.from_iterable(cell.labels for cell in source.suite.cells))
    refused = never_compared(source.suite.cells)
    return [axis for axis in known if axis not in refused]


def _effects(source: Source, axis: str) -> Effects | None:
    """The effect of an axis on the first test score of the board; None where its levels cannot be compared."""
    metric = next((measure.name for measure in source.board.measures if measure.split == "test"), "f1@test")
    try:
        return effects_in(source.suite, source.records, axis, metric=metric)
    except SuiteError:
        return None


def _other(source: Source, one: Effects) -> str | None:
    """The axis that a figure parts an effect by: the board's other one, or the first that there is."""
    others = dict.fromkeys(line.other_axis for line in one.interactions)
    board = (source.board.columns_axis, source.board.rows_axis)
    return next((axis for axis in (*board, *others) if axis in others), None)


def costs(source: Source, width: float) -> Iterator[Sketch]:
    """A figure for every data set that has a front.

    Raises:
        NothingToDraw: none has.
    """
    groups: dict[str, list[CostLine]] = {}
    for line in source.board.costs:
        groups.setdefault(line.group, []).append(line)
    compared = {on: lines for on, lines in groups.items() if fronts_of(lines)}
    if not compared:
        raise NothingToDraw("no cost of two finished positions can be compared")
    for on, lines in compared.items():
        yield Sketch(stem("costs", on, list(groups)), partial(_cost, source, on, lines, width))


def _cost(source: Source, on: str, lines: Sequence[CostLine], width: float) -> Drawing:
    """Draw it.

    Raises:
        DataError: more panels than fit a page.
    """
    shown = fronts_of(lines)
    names = [PANELS[cost][0] for cost in shown]
    panels = ", ".join(map(lettered, range(len(names)), names)) if len(names) > 1 else names[0]
    devices = dict.fromkeys(chain.from_iterable(line.devices for line in lines))
    badges = dict.fromkeys(chain.from_iterable(line.badges for line in lines))
    times = [f"Times were measured on {' and '.join(devices)}."] if set(shown) != {"parameters"} else []
    caption = [COSTS.format(on=on, panels=panels), *times, *(f"Badge: {badge}." for badge in badges), source.told]
    return Drawing(pareto_panels(lines, width), caption)
