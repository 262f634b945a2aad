"""A curve in lines of text: as wide as there is room, with what was chosen under its place."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.render.plot import MARGIN, WIDEST, Curve, plot
from bench.runs.curves import cell_curves
from bench.store.home import Places
from bench.store.records import load_record
from tiny import bench

values = st.lists(st.floats(0, 1), min_size=2, max_size=50)


def curve(heights: list[float], marked: float | None = None) -> Curve:
    return Curve("F1", [(float(x), y) for x, y in enumerate(heights)], marked)


@given(values, st.integers(40, 120), st.booleans(), st.data())
def test_every_line_fits_and_the_mark_stands_below_its_value(
    heights: list[float], width: int, ascii_only: bool, data: st.DataObject
) -> None:
    marked = data.draw(st.integers(0, len(heights) - 1))
    title, *_, axis, below = plot(curve(heights, float(marked)), width, ascii_only=ascii_only)
    assert title == "F1"
    assert all(len(line) <= min(width, WIDEST) for line in (axis, below))
    columns = min(width, WIDEST) - MARGIN
    assert below.index("^") == MARGIN + round(marked / (len(heights) - 1) * (columns - 1))


@given(values)
def test_letters_alone_draw_it_where_there_is_nothing_else(heights: list[float]) -> None:
    assert all(line.isascii() for line in plot(curve(heights), 80, ascii_only=True))


def test_a_column_is_as_high_as_its_value_is_of_the_highest() -> None:
    lines = list(plot(curve([0.0, 0.25, 0.5]), 80))[1:-2]
    filled = [sum(line.ljust(80)[-1 - (80 - WIDEST)] == "█" for line in lines)]
    assert filled == [len(lines)]  # the last column is the highest
    assert all(line.ljust(80)[MARGIN] == " " for line in lines)  # the first is nothing
    assert lines[0].startswith(" 50.0 ")


def test_a_cell_shows_its_curves_with_what_was_chosen(ran_world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sorted((ran_world / "runs" / "tiny" / "cells").glob("*.json"))[0]
    record = load_record(path)
    seen = cell_curves(record, Places(ran_world / "home", ran_world / "runs", {}))
    best = max(f1 for _, f1 in seen.epochs)
    assert dict(seen.epochs)[seen.best_epoch or 0] == best
    assert dict(seen.thresholds)[seen.threshold or 0] == pytest.approx(max(f1 for _, f1 in seen.thresholds))
    told = bench(ran_world, "show", path.stem)
    assert f"kept: epoch {seen.best_epoch:.0f}, {100 * best:.1f}" in told.stdout
    plain = json.loads(bench(ran_world, "show", path.stem, "--json").stdout)
    assert plain["curves"]["threshold"] == seen.threshold
    monkeypatch.setenv("TERM", "dumb")
    assert "█" not in bench(ran_world, "show", path.stem).stdout


def test_a_cell_whose_stages_are_gone_is_shown_without_them(ran_world: Path, tmp_path: Path) -> None:
    path = sorted((ran_world / "runs" / "tiny" / "cells").glob("*.json"))[0]
    seen = cell_curves(load_record(path), Places(tmp_path, ran_world / "runs", {}))
    assert (seen.epochs, seen.thresholds) == ((), ())
    assert dataclasses.asdict(seen)["threshold"] is not None
