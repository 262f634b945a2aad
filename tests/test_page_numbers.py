"""Every number that a page prints is that of the file which it names: one by one, against values that are not rounded.

The runs are those whose numbers lie in the repository, so that tables, intervals, baselines and costs are real. What
is compared with is read from the files: values as numbers, never the text that was made of them.
"""

from __future__ import annotations

import json
import math
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.cli.main import bench as command_line
from page_reading import Grid, Node, Part, content_of, parts_of, told, tree_of
from studies import cited

NUMBER = re.compile(r"(?<![\w.])[+-]?\d+(?:,\d{3})*(?:\.\d+)?")
SCALES = (1.0, 100.0, 1e3, 1e-6)
"""As it is, in percent, in thousandths, in millions."""
RULES = re.compile(
    r"Intervals of 95 %|family-wise error 5 %|95 %\)|8 of 10 repetitions|for 5 points|For 5 points|; 5 points take"
    r"|2 pixels further|within 10 %|crops of 256|threshold of 10|threshold 10|Table \d|\bF1\b|\bF1_[VT]\b"
    r"|at least 3 finished seeds|have 3 seeds|takes three|Letter a"
    r"|\d+ epochs of [\d,]+ crops = [\d,]+ crops|n = \d+ of \d+ seeds; seeds [\d, ]+"
)
"""What is said of every run alike, and numbers that stand in names, notes and budgets."""


@dataclass(frozen=True)
class World:
    """A page with what its files hold."""

    root: Node
    board: dict[str, Any]
    records: dict[str, dict[str, Any]]
    archive: Path

    @property
    def derived(self) -> list[float]:
        """What follows from records: groups of a test split, what share may collapse where no seed did, workers, and
        labels that are numbers.
        """
        split = [one["scores"]["test"]["image_counts"] for one in self.records.values() if one.get("scores")]
        groups = {float(len(set(counts["groups"]))) for counts in split}
        seeds = {one["seeds"] for one in self.positions() if one["seeds"]}
        workers = {float((one.get("provenance") or {}).get("workers") or 1) for one in self.records.values()}
        labels = {label for cell in self.board["cells"] for label in cell["labels"].values()}
        numbers = [float(label) for label in labels if re.fullmatch(r"[\d.]+", label)]
        return [*groups, *seeds, *workers, *numbers, *(1 - 0.025 ** (1 / count) for count in seeds)]

    @property
    def names(self) -> list[str]:
        """Labels and names that hold numbers, the longest first."""
        names = {label for cell in self.board["cells"] for label in cell["labels"].values()}
        names |= {one["name"] for standing in self.board["standings"] for one in standing["baselines"]}
        names |= {line["name"] for line in self.board["costs"]}
        names |= {device for line in self.board["costs"] for device in line["devices"]}
        return sorted(names, key=len, reverse=True)

    def numbers(self, text: str) -> list[str]:
        """The numbers of a sentence that are of this run and in no name."""
        text = RULES.sub(" ", text)
        for name in self.names:
            text = text.replace(name, " ") if not name.isdigit() else text
        return NUMBER.findall(text)

    def section(self, part: Part) -> dict[str, Any]:
        """The section of the file whose sentences a part says."""
        said = " ".join(part.sentences)
        found = [one for one in self.board["sections"] if one["sentences"] and one["sentences"][0] in said]
        assert len(found) == 1, said
        return dict(found[0])

    def position(self, cell: str) -> dict[str, Any]:
        """The position of the board that a cell belongs to."""
        return next(one for one in self.positions() if cell in one["cells"])

    def positions(self) -> Iterator[dict[str, Any]]:
        """Every position of the board."""
        for table in self.board["tables"]:
            for row in table["entries"]:
                yield from row

    def values(self, position: Mapping[str, Any], *path: str) -> list[float]:
        """A number of the finished cells of a position, from the files of their records."""
        found = []
        for id in position["cells"]:
            record = self.records.get(id, {})
            if record.get("state") == "done":
                value: Any = record
                for step in path:
                    value = value[step]
                found.append(math.nan if value is None else float(value))
        return found

    def mean(self, position: Mapping[str, Any], *path: str) -> float:
        """Its mean."""
        values = self.values(position, *path)
        return sum(values) / len(values) if values else math.nan


def output(*arguments: str) -> str:
    done = CliRunner().invoke(command_line, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module", params=cited.archives(), ids=lambda path: path.stem)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    page = tmp_path_factory.mktemp("numbers") / "page.html"
    output("report", str(request.param), "--to", str(page))
    board = json.loads(output("leaderboard", str(request.param), "--json"))
    return World(tree_of(page), board, records_of(request.param), request.param)


@cache
def records_of(archive: Path) -> dict[str, dict[str, Any]]:
    with zipfile.ZipFile(archive) as files:
        cells = [name for name in files.namelist() if "/cells/" in name and name.endswith(".json")]
        return {Path(name).stem: json.loads(files.read(name)) for name in cells}


def leaves(value: Any) -> Iterator[float]:
    """Every number in a value of a file; what was made of them as text is none."""
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield float(value)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)


def prints(token: str, values: Iterable[float]) -> bool:
    """Whether a printed number is one of the values, rounded to the digits that are printed."""
    digits = len(token.partition(".")[2])
    number = float(token.replace(",", ""))
    signed = token[0] in "+-"
    for value in values:
        for scale in SCALES:
            shown = scale * value if signed else abs(scale * value)
            if abs(shown - number) <= 0.5000001 * 10**-digits:
                return True
    return False


def check(world: World, text: str, values: Iterable[float]) -> int:
    """Assert that every number of a text is one of the values; how many there were."""
    known = list(values)
    for bound in re.findall(r"<(0\.\d+)", text):
        assert any(0 <= value < float(bound) for value in known), text
    tokens = world.numbers(re.sub(r"<0\.\d+", " ", text))
    assert [token for token in tokens if not prints(token, known)] == [], text
    return len(tokens)


def cells_of(grid: Grid) -> Iterator[tuple[str, str, str]]:
    """Row, head and text of every cell of a table."""
    for name, *cells in grid.rows:
        for head, text in zip(grid.heads[-len(cells) :], cells, strict=True):
            yield name, head, text


def part_of(world: World, question: str, first: str) -> Part:
    """The part whose first table begins with a column of this head or has this title."""
    for part in parts_of(world.root):
        if part.question == question and part.grids and first in (part.grids[0].heads[0], part.grids[0].title):
            return part
    raise AssertionError(first)


def test_every_part_and_every_sentence_names_a_file(world: World) -> None:
    assert all(part.file for part in parts_of(world.root))
    for section in ("deploy", "short"):
        assert all(file for _, file in told(world.root, section))
    text = world.root.text("script", "style")
    for part in parts_of(world.root):
        assert f"From {part.file}" in text


def test_every_figure_of_the_board_is_its_value(world: World) -> None:
    grids = [grid for part in parts_of(world.root) if part.question == "best" for grid in part.grids if grid.groups]
    tables = world.board["tables"]
    assert len(grids) >= len(tables)
    checked = 0
    for grid, table in zip(grids, tables, strict=False):
        columns = [name for name, width in grid.groups for _ in range(width)]
        for row, entries in zip(grid.rows, table["entries"], strict=True):
            by_column = {entry["column"]: entry for entry in entries}
            for at, text in enumerate(row[1:]):
                entry = by_column[columns[at]]
                assert entry["row"] == row[0]
                if not entry["figures"]:
                    assert text == entry["state"]
                    continue
                measures = len(world.board["measures"])
                figure = entry["figures"][at % measures]
                measure = world.board["measures"][at % measures]
                assert text == shown(figure, measure), (row[0], columns[at], measure["name"])
                checked += 1
    assert checked >= 10


def shown(figure: Mapping[str, Any], measure: Mapping[str, Any]) -> str:
    """A figure as a board prints it, from its value and spread."""
    if figure["value"] is None:
        return "–"
    if not measure["percent"]:
        return f"> {figure['value']:g}" if figure["at_least"] else f"{figure['value']:g}"
    spread = "" if figure["spread"] is None else f"±{100 * figure['spread']:.1f}"
    return f"{100 * figure['value']:.1f}{spread}"


def test_every_score_of_the_board_is_the_mean_over_the_records_of_its_cells(world: World) -> None:
    measures = [(number, one) for number, one in enumerate(world.board["measures"]) if one["split"]]
    for position in world.positions():
        for number, measure in measures if position["figures"] else ():
            mean = world.mean(position, "scores", measure["split"], *measure["path"])
            assert position["figures"][number]["value"] == pytest.approx(mean, rel=1e-12)


def test_every_number_of_a_section_is_a_value_of_its_row_and_column(world: World) -> None:
    checked = 0
    for part in parts_of(world.root):
        if part.file != "leaderboard.json" or part.question in ("best", "fails") or not part.grids:
            continue
        section = world.section(part)
        for grid in part.grids:
            for name, head, text in cells_of(grid):
                values = list(leaves(of_cell(world, section["values"], grid, name, head)))
                checked += check(world, text, values)
    assert checked >= 20


def of_cell(world: World, values: list[dict[str, Any]], grid: Grid, name: str, head: str) -> list[Any]:
    """The values of a section that a cell of a table may print: those of its row, and of its column if one is named."""
    columns = {position["column"] for position in world.positions()}
    exact = [one for one in values if name in (one.get("row"), one.get("name"), one.get("column"))]
    of_row = exact or [one for one in values if name.split(",")[0] == one.get("column")]
    wanted = {column for column in columns if column in grid.title.split(":")[0].split(", ") or column == head}
    found = [one for one in of_row if not wanted or one.get("column") in wanted]
    spreads = [
        figure["spread"]
        for position in world.positions()
        if position["row"] == name and position["column"] in wanted
        for figure in position["figures"]
        if figure["spread"] is not None
    ]
    return [*found, spreads if "here" in head else []]


def test_every_number_of_baselines_and_types_is_that_of_the_standing(world: World) -> None:
    grids = [grid for part in parts_of(world.root) if part.question == "fails" for grid in part.grids]
    for title, kind in (("Baselines", "baselines"), ("Defect types", "types")):
        shown = [grid for grid in grids if grid.title.startswith(title)]
        standings = [one[kind] for one in world.board["standings"] if one[kind]]
        for lines, grid in zip(standings, shown, strict=True):
            by_name = {one["name"]: one for one in lines}
            total = sum(one.get("pixels") or 0 for one in lines)
            for name, _, text in cells_of(grid):
                line = by_name[name]
                share = [line["pixels"] / total] if line.get("pixels") else []
                check(world, text, [*leaves(line), *share])


def test_every_number_of_a_sentence_is_a_value_of_the_part_that_says_it(world: World) -> None:
    checked = 0
    standings = list(leaves(world.board["standings"]))
    for part in parts_of(world.root):
        if part.file != "leaderboard.json" or part.question == "best":
            continue
        own = standings if part.question == "fails" else [*leaves(world.section(part)["values"]), *standings]
        own = [*own, *world.derived]
        for sentence in part.sentences:
            checked += check(world, sentence, own)
    assert checked >= 3


def test_every_number_in_short_is_a_value_of_the_file_that_is_named(world: World) -> None:
    board = world.board
    checked = 0
    for text, file in told(world.root, "short"):
        assert file.startswith(("leaderboard.json: ", "the index of the data set"))
        what = file.removeprefix("leaderboard.json: ")
        if what == "cells":
            counts = Counter(cell["state"] for cell in board["cells"])
            assert (
                text
                == f"{len(board['cells']):,} cells: {', '.join(f'{n} {state}' for state, n in counts.most_common())}."
            )
        elif what == "standings":
            checked += check(world, text, [*leaves(board["standings"]), *world.derived])
        elif what == "costs":
            (line,) = [one for one in board["costs"] if re.search(rf"(^|: ){re.escape(one['name'])} took ", text)]
            assert f"{line['parameters'] / 1e6:.3g} million" in text
            assert re.search(r"took (\d+) (s|min)", text)
            known = [*leaves(line), (line["train_s"] or 0) / 60, *world.derived]
            checked += check(world, text.replace(" min ", " s "), known)
        elif what.startswith("cells, scores.test."):
            path = what.removeprefix("cells, scores.test.").split(".")
            by_mean = {world.mean(one, "scores", "test", *path) for one in board_complete(world)}
            assert len(world.numbers(text)) == 2
            checked += check(world, text, by_mean)
        elif what == "tables and sections":
            rows = [one for section in board["sections"] for one in section["values"] if "difference" in one]
            known = [*leaves([one for one in rows if one["row"] in text]), *world.derived]
            checked += check(world, text, known)
        elif what == "sections":
            powers = [one for section in board["sections"] for one in section["values"] if "found" in one]
            own = [one for one in powers if re.match(rf"{re.escape(one['column'])}[:,]", text)]
            checked += check(world, text.removeprefix(own[0]["column"]), leaves(own))
        else:
            assert what in ("cells, remarks", "the index of the data set: bench data card")
    assert checked >= 8


def test_what_would_change_the_answer_is_counted_in_the_records(world: World) -> None:
    (part,) = [part for part in parts_of(world.root) if part.file == "leaderboard.json: cells"]
    trained = [one for one in world.records.values() if one.get("parameters") and one.get("convergence")]
    early = [one for one in trained if one["convergence"]["epoch"] is None]
    rivals = [text for text, _ in told(world.root, "short") if "another position is first" in text]
    said = " ".join(part.sentences)
    if early:
        which = "none" if len(early) == len(trained) else f"{len(early)} not"
        assert f"{which} of {len(trained)} trainings converged" in said
    assert (f"by {len(rivals)} other score" in said) == bool(rivals)
    for sentence in part.sentences:
        check(world, sentence, [len(trained), len(early), len(rivals), *world.derived])


def board_complete(world: World) -> list[dict[str, Any]]:
    return [one for one in world.positions() if one["seeds"] and one["seeds"] == one["expected"]]


def test_every_number_of_the_verdict_is_that_of_the_best_position(world: World) -> None:
    everything = told(world.root, "deploy")
    several = len(world.board["standings"]) > 1
    for standing in world.board["standings"]:
        of = f"{standing['dataset']}: " if several else ""
        said = [(text.removeprefix(of), file) for text, file in everything if text.startswith(of)]
        best = standing["best"]
        position = world.position(best["cell"])
        scores = f"F1 {100 * best['f1_validation']:.1f} % on validation, {100 * best['f1_test']:.1f} % on test."
        (verdict,) = [text for text, _ in said if text.endswith(scores)]
        assert f"{position['row']} / {position['column']}" in verdict
        (parts,) = [(text, file) for text, file in said if text.startswith("It finds")]
        names = re.search(r"scores\.test \(([^)]+)\)", parts[1])
        assert names is not None
        means = [world.mean(position, "scores", "test", name) for name in names[1].split(", ")]
        thresholds = world.values(position, "scores", "validation", "threshold")
        tokens = world.numbers(parts[0])
        assert len(tokens) == len(means) + len(thresholds)
        assert all(prints(token, [value]) for token, value in zip(tokens, [*means, *thresholds], strict=True))
        assert any(best["cell"][:8] in text for text, _ in said)
        borders = [
            world.mean(position, "scores", "test", "tolerance", f"f1_truth_{way}") for way in ("eroded", "dilated")
        ]
        noted = map(float, NUMBER.findall(best["interval_note"] or ""))
        counts = [len(thresholds), best["seeds"], *noted, *world.derived]
        for text, file in said:
            if text.startswith("What speaks against it"):
                check(world, text, [*borders, *counts])
            if ".operating." in file:
                path = re.search(r"scores\.(test\.operating\.\w+) \(([^)]+)\)", file)
                assert path is not None
                names = path[2].split(", ")
                found = world.values(position, "scores", *path[1].split("."), names[0])
                calm = [world.mean(position, "scores", *path[1].split("."), name) for name in names]
                calm = [calm[0], *([min(found), max(found)] if len(found) > 1 else []), calm[1]]
                tokens = world.numbers(text)
                assert len(tokens) == len(calm)
                assert all(prints(token, [value]) for token, value in zip(tokens, calm, strict=True))


def test_every_row_of_effects_is_that_of_the_command_which_is_named(world: World) -> None:
    rows = content_of(world.root)["effects"]
    asked = {(row["axis"], row["measure"]) for row in rows}
    assert asked
    for axis, measure in asked:
        found = json.loads(output("effects", str(world.archive), "--axis", axis, "--metric", measure, "--json"))
        shown = [row for row in rows if (row["axis"], row["measure"]) == (axis, measure)]
        for row, level in zip(shown, found["levels"], strict=True):
            assert row["level"] == level["level"]
            assert row["tie"] == level["tie"]
            assert row["mean"] == pytest.approx(100 * level["mean"], rel=1e-12)
            assert row["text"] == f"{100 * level['mean']:.1f}"
            low, high = level["interval"] or (level["mean"], level["mean"])
            assert (row["low"], row["high"]) == pytest.approx((100 * low, 100 * high), rel=1e-12)
            assert row["interval"] == (f"[{100 * low:.1f}, {100 * high:.1f}]" if level["interval"] else "–")


def test_every_cost_of_the_chart_is_that_of_the_board(world: World) -> None:
    shown = content_of(world.root)["costs"]
    assert shown
    for one, line in zip(shown, world.board["costs"], strict=True):
        assert one == {name: line[name] for name in one}
        assert set(one["fronts"]) <= {"image_latency_s", "train_s", "parameters"}


def test_intervals_and_ties_of_the_sorted_table_are_those_of_the_board(world: World) -> None:
    rows = [
        one
        for section in world.board["sections"]
        for one in section["values"]
        if "defective_groups" in one and "row" in one
    ]
    axes = (world.board["rows_axis"], world.board["columns_axis"])
    positions = {tuple(one["axes"][axis] for axis in axes): one for one in content_of(world.root)["positions"]}
    checked = 0
    for row in rows:
        if row["table"]:
            continue
        position = positions[row["row"], row["column"]]
        low, high = row["interval"]
        assert position["intervals"][row["measure"]] == f"[{100 * low:.1f}, {100 * high:.1f}]"
        assert position["ties"].get(row["measure"], "") == row["tie"]
        checked += 1
    ordered = any(one["expected"] > 1 for one in world.positions())
    assert checked or not ordered or any(row["table"] for row in rows)


def test_shares_of_positions_are_those_that_records_say_of_their_draws(world: World) -> None:
    part = part_of(world, "data", "What crops were drawn from")
    by_row = {}
    for record in world.records.values():
        if record.get("draw", {}) and record["draw"].get("admissible") is not None:
            axes = record["axes"]
            by_row[axes["crop"], axes["dataset"], axes["crop_size"]] = record["draw"]
    assert len(part.grids[0].rows) == len(by_row)
    for crop, dataset, size, admissible, fallback in part.grids[0].rows:
        draw = by_row[crop, dataset, size]
        assert admissible == f"{100 * draw['admissible']:.1f}"
        assert fallback == f"{100 * draw['fallback']:.1f}"


def test_a_number_that_is_changed_on_the_page_is_found(world: World) -> None:
    values = list(leaves(world.board["standings"]))
    text = next(text for text, file in told(world.root, "short") if file == "leaderboard.json: standings")
    assert check(world, text, values)
    changed = re.sub(r"(\d+)\.(\d)", lambda found: f"{int(found[1]) + 31}.{found[2]}", text)
    with pytest.raises(AssertionError):
        check(world, changed, values)
