"""Leaderboards, effects and comparisons for other programs: CSV with one row per cell, JSON with everything."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields

from bench.canonical import printable
from bench.record import pair
from bench.render.plain import json_text, plain_data
from bench.report.compare import Comparison, Difference, Met
from bench.report.effects import Effects, InteractionLine, LevelLine
from bench.report.measures import leaves
from bench.report.shape import CellLine, Leaderboard
from bench.report.verdicts import Judged
from bench.types import JsonValue

COUNTS = "image_counts"
"""A field that is left out: counts per image lie in the cell records, and weigh more than all the rest."""

SCALARS = (
    "parameters",
    "choice",
    "output_stride",
    "reuse",
    "inert",
    "badges",
    "outdated",
    "convergence",
    "scores",
    "last_step",
    "ceiling",
    "cost",
)
"""Record fields that the CSV spreads into columns."""


FORMULA = re.compile(r"'*[=+@-]")
"""How a text begins that a spreadsheet takes for a formula, or for one that was defused."""


def defused(value: JsonValue) -> JsonValue:
    """A value for a CSV: text on one line, signs that cannot be printed as escapes, with ``'`` before a formula."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if FORMULA.match(text) and not _is_number(text) else text


def undefused(text: str) -> str:
    """The text that was :func:`defused`; escapes stay."""
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def board_csv(board: Leaderboard) -> str:
    """One row per cell, finished or not: id, axes, settings, state, reason, and every scalar of its record.

    Nested fields become dotted columns, an interval two columns ``.low`` and ``.high``. Scores are in 0..1
    and not rounded; an absent value is an empty field. Text is :func:`defused`.
    """
    run = {"suite": board.suite, "suite_hash": board.suite_hash, "profile": board.profile}
    return _csv([{**run, **_csv_row(cell)} for cell in board.cells], first=(*run, "id"))


def rows_csv(rows: Sequence[Mapping[str, JsonValue]]) -> str:
    """Any rows as CSV with the union of their columns; nested fields become dotted columns."""
    return _csv([dict(_flat("", row)) for row in rows])


def board_json(board: Leaderboard) -> str:
    """Everything the leaderboard holds but counts per image, with a schema number."""
    whole = _without_counts(plain_data(board))
    assert isinstance(whole, Mapping)
    return json_text(whole)


def effects_csv(effects: Effects) -> str:
    """One row per level and per level and level of another axis; scores in 0..1, not rounded."""
    common = {"suite": effects.suite, "axis": effects.axis, "measure": effects.measure.name, "to": effects.reference}
    lines: list[LevelLine | InteractionLine] = [*effects.levels, *effects.interactions]
    return rows_csv([{**common, **asdict(one)} for one in lines])


def effects_json(effects: Effects) -> str:
    """Everything, with a schema number."""
    return json_text({**asdict(effects), "measure": effects.measure.name})


def claims_json(found: Judged) -> str:
    """Every claim with its verdict, with a schema number."""
    claims = []
    for one in found.verdicts:
        values = {field.name: getattr(one, field.name) for field in fields(one)}
        claims.append({**values, "claim": one.claim.model_dump(mode="json"), "measure": one.measure.name})
    return json_text({"suite": found.suite, "claims": claims, "of_others": found.of_others})


def comparison_csv(comparison: Comparison) -> str:
    """One row per cell; values are not rounded."""
    return rows_csv(list(_rows(comparison)))


def comparison_json(comparison: Comparison, met: Sequence[Met]) -> str:
    """Everything, with a schema number."""
    return json_text(
        {
            "first": comparison.first,
            "second": comparison.second,
            "mean": [{**_values(difference), "cells": count} for difference, count in comparison.mean],
            "cells": list(_rows(comparison)),
            "gates_met": [{"gate": one.gate.text, "cell": one.cell, "how": one.how} for one in met],
        }
    )


def _csv(rows: Sequence[Mapping[str, JsonValue]], first: Sequence[str] = ()) -> str:
    columns = dict.fromkeys(first)
    for row in rows:
        columns |= dict.fromkeys(row)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(map(defused, columns))
    for row in rows:
        writer.writerow(defused(row.get(column, "")) for column in columns)
    return buffer.getvalue()


def _csv_row(cell: CellLine) -> dict[str, JsonValue]:
    spread: dict[str, JsonValue] = {}
    for field in SCALARS:
        spread |= dict(_flat(field, cell.record.get(field)))
    return {
        "id": cell.id,
        **{axis: label for axis, label in cell.labels.items() if axis not in cell.tuned},
        **dict(cell.tuned),
        "state": cell.state,
        "reason": cell.reason or "",
        "shown": cell.shown,
        "baseline": cell.baseline,
        **spread,
        **{f"published.{name}": value for name, value in cell.published.items()},
    }


def _flat(name: str, value: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    for key, leaf in leaves(name, value):
        interval = pair(leaf)
        if COUNTS in key.split("."):
            continue
        if interval is not None:
            yield from zip((f"{key}.low", f"{key}.high"), interval, strict=True)
        elif isinstance(leaf, list | tuple):
            yield key, "; ".join(map(str, leaf))
        elif leaf is not None and not isinstance(leaf, Mapping):
            yield key, leaf


def _without_counts(value: JsonValue) -> JsonValue:
    if isinstance(value, Mapping):
        return {key: _without_counts(inner) for key, inner in value.items() if key != COUNTS}
    if isinstance(value, list):
        return [_without_counts(inner) for inner in value]
    return value


def _rows(comparison: Comparison) -> Iterator[dict[str, JsonValue]]:
    for cell in comparison.cells:
        yield {
            "id": cell.first.id,
            "second_id": cell.second.id,
            **cell.first.labels,
            "matched_by": "labels" if cell.by_label else "id",
            "first_state": cell.states[0],
            "second_state": cell.states[1],
            "not_comparable": cell.apart or "",
            **{difference.measure.name: _values(difference) for difference in cell.differences},
            "changed": "; ".join(cell.changed),
        }
    for side, cells in ((comparison.first, comparison.only_first), (comparison.second, comparison.only_second)):
        for alone in cells:
            yield {"id": alone.id, **alone.axes, "matched_by": f"only in {side}"}


def _values(difference: Difference) -> dict[str, JsonValue]:
    low, high = difference.interval or (None, None)
    return {
        "measure": difference.measure.name,
        "first": difference.first,
        "second": difference.second,
        "difference": difference.value,
        "low": low,
        "high": high,
    }
