"""What is read on a terminal fits it, and what prints a table prints its data too."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from bench.cli.terminal import folded
from bench.render.plain import json_text, plain_data
from bench.words import visible
from command_tree import called, commands
from tiny import Done, bench

WIDTHS = (60, 80)
PRINTS_NO_TABLE = {
    "cache gc",
    "completion",
    "data fetch",
    "data import",
    "export",
    "figures",
    "merge",
    "plugins check",
    "plugins new",
    "predict",
    "prepare",
    "report",
    "serve",
    "start",
    "validate",
}
"""Commands that write files or say how it went, in sentences."""
MODELS = ("--plugin", "models.py")
READING = (
    ("list", "models"),
    ("list", "suites"),
    ("info", "unet"),
    ("plan", "tiny.yaml", *MODELS),
    ("status", "runs/tiny"),
    ("effects", "tiny", "--axis", "crop"),
    ("leaderboard", "tiny"),
    ("compare", "runs/tiny", "runs/tiny"),
    ("score", "tiny", *MODELS),
    ("plugins", *MODELS),
    ("cache", "ls"),
    ("cache", "verify", "runs"),
    ("data", "list", "--data", "folder=parts"),
    ("data", "coverage", "tiny.yaml", *MODELS),
)
"""Commands that only look, in the world that has run."""


def looked(folder: Path, arguments: tuple[str, ...]) -> Done:
    done = bench(folder, *arguments)
    assert done.returncode == 0, done.stderr
    return done


def refused(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def read(done: Done) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout, parse_constant=refused)
    return found


@pytest.mark.parametrize("width", WIDTHS)
def test_help_of_every_command_fits(width: int) -> None:
    for path, command in commands():
        context = click.Context(command, info_name=" ".join(path), terminal_width=width)
        long = [line for line in command.get_help(context).splitlines() if len(line) > width]
        assert not long, path


def test_whatever_prints_a_table_has_json() -> None:
    with_json = set()
    for name, command in called().items():
        if any("--json" in option.opts for option in command.params):
            with_json.add(name)
    assert called().keys() - with_json == PRINTS_NO_TABLE


def test_the_option_json_is_the_same_everywhere() -> None:
    told = set()
    for command in called().values():
        options = [option for option in command.params if isinstance(option, click.Option)]
        told |= {option.help for option in options if "--json" in option.opts}
    assert len(told) == 1


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_json_is_one_object_with_its_schema_number(ran_world: Path, arguments: tuple[str, ...]) -> None:
    told = read(looked(ran_world, (*arguments, "--json")))
    assert next(iter(told)) == "schema"
    assert len(told) > 1


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_printed_fits(
    ran_world: Path, arguments: tuple[str, ...], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for line in looked(ran_world, arguments).stdout.splitlines():
        assert cell_len(line) <= width or " " not in line.strip()  # a path is never broken


def test_numbers_of_json_are_not_rounded_as_those_of_the_table_are(ran_world: Path) -> None:
    (cell, *_) = read(looked(ran_world, ("leaderboard", "tiny", "--json")))["cells"]
    record = json.loads((ran_world / "runs" / "tiny" / "cells" / f"{cell['id']}.json").read_text())
    assert cell["record"]["scores"]["test"]["f1"] == record["scores"]["test"]["f1"]
    shown = read(looked(ran_world, ("show", cell["id"], "--json")))
    assert shown["record"]["scores"]["test"]["f1"] == record["scores"]["test"]["f1"]
    assert read(looked(ran_world, ("why", cell["id"], "--json", *MODELS)))["state"] == "done"


def test_a_plan_says_null_of_what_was_never_measured(ran_world: Path) -> None:
    arguments = ("plan", "tiny.yaml", *MODELS, "-x", "axes.model=[{use: tiny, settings: {width: 5}}]", "--json")
    told = read(looked(ran_world, arguments))
    assert told["seconds"] is None
    assert {cell["state"] for cell in told["cells"]} == {"pending"}
    assert [cell["cost"]["seconds"] for cell in told["cells"]] == [None] * len(told["cells"])


def test_a_mistake_leaves_standard_output_empty_and_the_exit_code_as_it_is(ran_world: Path) -> None:
    done = bench(ran_world, "show", "0123456789", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_a_pipe_gets_whole_lines(ran_world: Path) -> None:
    assert not os.environ.get("COLUMNS")
    lines = looked(ran_world, ("list", "models")).stdout.splitlines()
    assert len(lines) == len(read(looked(ran_world, ("list", "models", "--json")))["models"])


def test_what_is_not_finite_is_null() -> None:
    told = json.loads(json_text({"a": [float("nan"), float("inf"), 1e-17]}), parse_constant=refused)
    assert told["a"] == [None, None, 1e-17]


def test_what_is_no_data_is_refused() -> None:
    with pytest.raises(TypeError, match="object is no data"):
        plain_data({"a": object()})


@given(st.text(st.characters(codec="utf-8"), max_size=300), st.integers(40, 120))
def test_folded_lines_fit_and_lose_no_letter(text: str, width: int) -> None:
    line = visible(text).strip()
    parts = list(folded([line], width))
    assert all(cell_len(part) <= width for part in parts)
    assert "".join("".join(parts).split()) == "".join(line.split())
