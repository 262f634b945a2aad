"""Values taken from records and turned into text: one place for units, digits and directions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.record import Record, number
from bench.report.shape import Figure, Measure
from bench.scores import named, possible
from bench.types import JsonValue
from bench.words import line

NOTHING = "–"
"""Printed where there is no value; a missing score is never a zero."""
OLD = " (old scores)"
"""Beside the name of a row whose scores are not of today's data."""

SUBSCRIPTS = {"validation": "V", "test": "T"}


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one record; ``alarm`` says why a value that is there is not believed."""

    value: float | None
    at_least: bool = False
    alarm: str | None = None


def measure_of(name: str) -> Measure:
    """Read a board value: ``<score>@<split>``, ``convergence_epoch``, or a dotted field of the record."""
    field, _, split = name.partition("@")
    path = tuple(field.split("."))
    if path[0] == "types" and len(path) > 3:  # a class may have dots in its name
        path = ("types", ".".join(path[1:-1]), path[-1])
    whole, score = named(field), named(path[-1])
    better = score.better if score else "higher"  # a metric's contract says that perfect beats opposite
    return Measure(
        name=name,
        path=path,
        split=split or None,
        symbol=(whole and whole.symbol) or field,
        subscript=SUBSCRIPTS.get(split, split),
        percent=bool(split and score and score.percent),
        better=better if split else None,
    )


def heading(measure: Measure, unit: str = " [%]") -> str:
    """``F1_V [%]`` for ``f1@validation``."""
    subscript = f"_{measure.subscript}" if measure.subscript else ""
    return f"{measure.symbol}{subscript}{unit if measure.percent else ''}"


def read(record: Record, measure: Measure) -> Reading:
    """The value of ``measure`` in a record; absent, null and non-finite values read as None."""
    if measure.split is None and measure.path == ("convergence_epoch",):
        return _convergence(record)
    path = ("scores", measure.split, *measure.path) if measure.split else measure.path
    value = number(record.value(path))
    if value is not None and measure.percent and not possible(measure.path[-1], value):
        return Reading(None, alarm=f"{measure.name} is {value:g}, outside its possible range 0..1: not shown")
    return Reading(value)


def _convergence(record: Record) -> Reading:
    found = record.convergence
    if found is None:
        return Reading(None)
    if found.epoch is not None:
        return Reading(float(found.epoch))
    return Reading(float(found.budget), at_least=True) if found.budget else Reading(None)


def leaves(name: str, value: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    """Dotted names and values of a nested mapping; the mappings of a list are numbered from 1."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from leaves(f"{name}.{key}" if name else str(key), inner)
    elif isinstance(value, list | tuple) and value and all(isinstance(inner, Mapping) for inner in value):
        for position, inner in enumerate(value, start=1):
            yield from leaves(f"{name}.{position}", inner)
    else:
        yield name, value


def figure(readings: Sequence[Reading], measure: Measure) -> Figure:
    """Mean and sample standard deviation over the readings that have a value.

    One bounded reading makes the mean a bound too: the mean of lower bounds is a lower bound of the
    mean, and a spread of bounds means nothing.
    """
    found = [reading for reading in readings if reading.value is not None]
    if not found:
        return Figure(None, None, 0, at_least=False, text=NOTHING, spread_text="")
    values = np.array([reading.value for reading in found], dtype=np.float64)
    at_least = any(reading.at_least for reading in found)
    mean = float(values.mean())
    spread = float(values.std(ddof=1)) if len(found) > 1 and not at_least else None
    text = ("> " if at_least else "") + printed(mean, measure)
    return Figure(mean, spread, len(found), at_least, text, "" if spread is None else printed(spread, measure))


def printed(value: float, measure: Measure) -> str:
    """The value as the tables show it: percent with one digit, epochs whole, others to three digits."""
    if measure.percent:
        return percent(value)
    if measure.name == "convergence_epoch":
        return f"{value:.0f}"
    return plain(value)


def percent(value: float | None) -> str:
    """0.4567 as ``45.7``; None as a dash."""
    return NOTHING if value is None else f"{100 * value:.1f}"


def share_text(part: int, whole: int) -> str:
    """``15 (3.0 %)``; the part alone of nothing."""
    return f"{part:,} ({percent(part / whole)} %)" if whole else f"{part:,}"


def interval_text(interval: tuple[float, float] | None) -> str:
    """(0.4, 0.512) as ``[40.0, 51.2]``; None as a dash."""
    return NOTHING if interval is None else f"[{percent(interval[0])}, {percent(interval[1])}]"


def interval_in(interval: tuple[float, float] | None, measure: Measure) -> str:
    """An interval of a measure in its unit; a dash where there is none."""
    if interval is None or measure.percent:
        return interval_text(interval)
    return f"[{plain(interval[0])}, {plain(interval[1])}]"


def signed(value: float, measure: Measure) -> str:
    """A difference of a measure with its sign: points of percent with one digit, others to three digits."""
    return f"{100 * value:+.1f}" if measure.percent else f"{value:+.3g}"


def p_text(p: float | None) -> str:
    """``0.012``, ``<0.001``; a dash where nothing is claimed."""
    if p is None:
        return NOTHING
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def plain(value: JsonValue) -> str:
    """Any JSON scalar for the eye: whole numbers with separators, others to three significant digits."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        if not math.isfinite(value):
            return str(value)
        if value == int(value) and abs(value) < 1e15:
            return f"{int(value):,}"
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return line(str(value))


def setting_text(value: JsonValue) -> str:
    """A setting exactly as asked: 0.0003, not 3e-4 rounded."""
    return line(value) if isinstance(value, str) else line(repr(value))


def settings_text(settings: Mapping[str, JsonValue]) -> str:
    """``learning_rate = 0.001`` for a trial's settings; sections such as ``recipe.`` are left out."""
    return ", ".join(f"{key.rpartition('.')[2]} = {setting_text(value)}" for key, value in settings.items())


def mean_of_all(values: Iterable[float | None]) -> float | None:
    """The mean over all seeds; None where one of them lacks the value, or there is none."""
    known = []
    for value in values:
        if value is None:
            return None
        known.append(value)
    return sum(known) / len(known) if known else None


def mean_over(records: Iterable[Record], measure: Measure) -> float | None:
    """The mean of a measure over all of the records; None where one of them lacks it, or there is none."""
    return mean_of_all(read(record, measure).value for record in records)


def first_line(text: str, most: int = 300) -> str:
    """The first line of a reason, for a table; the whole of it stands in ``bench show``."""
    found = line(text.strip().splitlines()[0]) if text.strip() else ""
    return found if len(found) <= most else found[: most - 1] + "…"
