"""A leaderboard of anything that a store may hold renders in every format, aligned and without nonsense."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.errors import StoreError
from bench.record import record_from
from bench.render.formats import FORMATS
from bench.render.layout import cells as columns_of
from bench.report.shape import Leaderboard
from bench.suite.schema import Published
from documents import board_in
from report_samples import CROPS, MODELS, FakeCell, board_of, by_id, cell, failed, product_cells, record
from test_report_formats import tabulars, width_of

BOARD_FORMATS = (*FORMATS, "csv", "json")

shares = st.floats(0, 1)
strange = st.sampled_from([None, "text", True, float("nan"), float("inf"), -0.5, 17.25, [1, 2], {"a": 1}])
values = st.sampled_from(
    ["f1@validation", "f1@test", "convergence_epoch", "own@test", "ap@test", "precision@validation", "recall@test",
     "parameters", "cost.train_s", "cost.peak_memory_bytes", "types.Dent.recall@test", "object_recall@test"]
)  # fmt: skip
labels = st.sampled_from([*CROPS[:3], "a|b & 50 % $x$ #1_", "漢字 très long", "{use: x}\\", "<b>~^", "-"])
reasons = st.text(alphabet=st.sampled_from(list("ab|&%$#_{}~^\\<>\n\t\x1b漢é")), max_size=30)
paths = st.sampled_from(
    [("scores", "test", "f1"), ("scores", "validation", "f1"), ("scores", "test"), ("scores",), ("cost",),
     ("cost", "train_s"), ("cost", "image_latency_s"), ("parameters",), ("provenance",), ("provenance", "threads"),
     ("provenance", "device"), ("convergence",), ("convergence", "epoch"), ("ceiling",), ("badges",), ("axes",),
     ("cell",), ("cell", "recipe", "epochs"), ("scores", "test", "types"), ("scores", "test", "tolerance"),
     ("scores", "test", "tolerance", "f1_truth_eroded"), ("scores", "test", "f1_interval"), ("reuse",), ("inert",),
     ("scores", "test", "flags"), ("reason",)]
)  # fmt: skip


def put(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        inner = tree.get(key)
        if not isinstance(inner, dict):
            return
        tree = inner
    tree[path[-1]] = value


@st.composite
def records_of(draw: Any, of: FakeCell) -> dict[str, Any] | None:
    """A record as a finished, damaged, failed or strange run may leave it; None where there is none."""
    kind = draw(st.sampled_from(["done"] * 6 + ["failed", "diverged", "blocked", "skipped", "unheard-of", "none"]))
    if kind == "none":
        return None
    if kind != "done":
        reason = draw(st.sampled_from(["not here: mtd: fetch it", "no memory"])) + draw(reasons)
        return failed(of, reason, kind)
    found = record(of, draw(shares), draw(shares), draw(st.one_of(st.none(), st.integers(1, 30))))
    found["inert"] = draw(st.booleans())
    found["badges"] = draw(st.lists(st.sampled_from(["leaky", "stale", "a|b_%"]), max_size=2, unique=True))
    found["cost"] |= {"image_latency_s": draw(st.floats(0, 10)), "crops_per_s": 12.5, "peak_memory_bytes": 10**9}
    found["cost"]["peak_memory_of"] = draw(st.sampled_from(["the GPU", "the process"]))
    found["provenance"]["device"] = draw(st.sampled_from(["cpu", "H100"]))
    tolerance = {"pixels": 2, "f1_truth_dilated": draw(shares), "f1_truth_eroded": 0.1, "f1_band_left_out": 0.2}
    found["scores"]["test"]["tolerance"] = tolerance
    if draw(st.booleans()):
        found["scores"]["test"]["own"] = draw(st.floats(-3, 9))
    for _ in range(draw(st.integers(0, 2))):
        put(found, draw(paths), draw(strange))
    return found if is_let_in(found) else None


def is_let_in(found: Mapping[str, Any]) -> bool:
    """Whether the record comes through the door: no board sees one that does not."""
    try:
        record_from(found, "r")
    except StoreError:
        return False
    return True


@st.composite
def boards(draw: Any) -> Leaderboard:
    """A leaderboard of some rows, columns, seeds, trials, pairs, baselines and published numbers."""
    rows = draw(st.lists(labels, min_size=1, max_size=3, unique=True))
    columns = draw(st.lists(st.sampled_from([*MODELS, "x & y"]), min_size=1, max_size=2, unique=True))
    cells = product_cells(draw(st.integers(1, 2)), rows, columns)
    if draw(st.booleans()):
        rates = (1e-3, 3e-4)
        tuned = [{"recipe.learning_rate": rate} for rate in rates]
        cells = [
            cell(
                c.labels["crop"], c.labels["model"], int(c.labels["seed"]), tuned=t, axes={"recipe.learning_rate": "r"}
            )
            for c in cells
            for t in tuned
        ]
    if draw(st.booleans()):
        cells.append(cell(rows[0], "otsu", included=True))
    if draw(st.booleans()):
        cells.append(cell(rows[0], columns[0], excluded="too deep for 128", axes={"crop_size": "64"}))
    if draw(st.booleans()):
        cells.append(cell(rows[0], columns[0], skipped="needs colour", axes={"dataset": "mtd", "preprocess": "(EX)"}))
    found = [one for c in cells if (one := draw(records_of(c))) is not None]
    numbers = {row: {column: (draw(st.floats(-10, 120)), None) for column in columns} for row in rows}
    published = Published(source="A & B", title="Table 1", about="50 %", values=("f1@test", "ap@test"), numbers=numbers)
    return board_of(
        cells,
        by_id(*found),
        values=tuple(draw(st.lists(values, min_size=1, max_size=4, unique=True))),
        rows=draw(st.sampled_from(["crop", "dataset"])),
        paired=draw(st.sampled_from([[], [("dataset", "preprocess")], [("crop", "crop_size")]])),
        published=draw(st.sampled_from([None, published])),
        description=draw(st.sampled_from(["", "50 % of_it"])),
    )


def check_text(text: str) -> None:
    assert all(columns_of(line) <= 100 for line in text.splitlines())
    assert "\x1b" not in text


def check_markdown(text: str) -> None:
    width = None
    for line in text.splitlines():
        count = len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) if line.startswith("|") else None
        assert width is None or count is None or count == width, line
        width = count


def check_latex(text: str) -> None:
    assert sorted(re.findall(r"\\begin\{(\w+\*?)\}", text)) == sorted(re.findall(r"\\end\{(\w+\*?)\}", text))
    bare = re.sub(r"\\[\\{}$%&#_]", "", "\n".join(line for line in text.splitlines() if not line.startswith("% ")))
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    assert not set(bare) & set('%#~<>|"')
    for columns, lines in tabulars(text):
        assert {width_of(line) for line in lines if line.endswith(r" \\")} == {columns}


def check_csv(text: str) -> None:
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert len(set(rows[0])) == len(rows[0])


def check_json(text: str) -> None:
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


class Balanced(HTMLParser):
    """Every tag that is opened is closed, in the order of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert all(name in ATTRIBUTES for name, _ in attrs), attrs
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


ATTRIBUTES = (
    *("lang", "charset", "name", "content", "http-equiv", "class", "scope", "rowspan", "colspan", "dir"),
    *("role", "tabindex", "aria-label", "href", "rel", "src", "alt"),
)


def check_html(text: str) -> None:
    page = Balanced()
    page.feed(text)
    page.close()
    assert page.open == []
    assert "script" not in page.seen
    assert {"html", "title", "h1"} <= page.seen


CHECKS: Mapping[str, Callable[[str], None]] = {
    "text": check_text,
    "markdown": check_markdown,
    "latex": check_latex,
    "html": check_html,
    "csv": check_csv,
    "json": check_json,
}


def test_every_format_has_a_check() -> None:
    assert set(CHECKS) == set(BOARD_FORMATS)


@given(boards())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_whatever_the_store_holds_every_format_is_well_formed(board: Leaderboard) -> None:
    for form in BOARD_FORMATS:
        CHECKS[form](board_in(form, board))


@given(boards())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_no_share_outside_its_range_and_nothing_that_is_no_number_is_printed(board: Leaderboard) -> None:
    for entry in (entry for table in board.tables for row in table.entries for entry in row):
        for measure, figure in zip(board.measures, entry.figures, strict=False):
            if measure.percent and figure.value is not None:
                assert 0 <= figure.value <= 1
    for form in ("text", "markdown", "latex"):
        shown = board_in(form, board)
        assert not re.search(r"(?<![A-Za-z])(nan|inf)(?![A-Za-z])", shown)
        assert "1725.0" not in shown
        assert "-50.0" not in shown


@pytest.mark.parametrize("form", BOARD_FORMATS)
@pytest.mark.parametrize("state", ["failed", "diverged", "blocked", "skipped", "pending"])
def test_a_run_in_which_every_cell_ended_alike_renders(form: str, state: str) -> None:
    cells = product_cells()
    records = {} if state == "pending" else by_id(*(failed(one, "why & how", state) for one in cells))
    text = board_in(form, board_of(cells, records))
    CHECKS[form](text)
    assert state in text


@pytest.mark.parametrize("form", BOARD_FORMATS)
def test_failed_missing_inert_and_extra_cells_stand_in_one_table(form: str) -> None:
    cells = product_cells(1, CROPS, MODELS[:1])
    rich = record(cells[0], 0.5, 0.4)
    rich["scores"]["test"]["own"] = 0.25
    records = by_id(
        rich, record(cells[1], 0.4, 0.3, inert=True), failed(cells[2]), failed(cells[3], "loss is nan", "diverged")
    )
    text = board_in(form, board_of(cells, records, values=("f1@validation", "f1@test", "own@test")))
    CHECKS[form](text)
    for part in ("0.25", "out of memory", "diverged", "pending"):
        assert part in text


def test_a_data_set_that_is_not_here_is_a_row_with_how_to_get_it() -> None:
    cells = [cell(axes={"dataset": name}) for name in ("metalpart", "mtd")]
    records = by_id(record(cells[0], 0.5, 0.4), failed(cells[1], "not here: mtd: bench data fetch mtd", "blocked"))
    board = board_of(cells, records, rows="dataset")
    for form in ("text", "markdown", "latex"):
        assert "not here" in board_in(form, board)
    assert board.notes == ("not here: mtd: bench data fetch mtd",)
