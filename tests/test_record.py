"""A cell's record: read through one door, migrated for ever, told apart by how it ended, and described by a page."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from bench.cli.main import bench as command_line
from bench.documented import docstrings_of, meanings_of
from bench.engine.failures import state_of
from bench.errors import BenchError, DataError, Diverged, LossNotFinite, PluginError, StoreError
from bench.record import SCHEMA, WORDS, Part, Record, State, record_from, record_of, record_schema
from bench.stages.provenance import commit_of, has_changes, provenance
from bench.store.records import load_record, read_record, write_record
from bench.store.store import read_object

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "record.md"
OLD = sorted((ROOT / "tests" / "old_runs").glob("*/run/cells/*.json"))


def stored(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem[:8])
def test_a_record_of_every_schema_is_read_and_exported_as_it_was_stored(path: Path, tmp_path: Path) -> None:
    record = load_record(path)
    assert record.stored == stored(path)
    write_record(tmp_path / "again.json", record)
    assert read_object(tmp_path / "again.json") == stored(path)


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem[:8])
def test_no_field_of_a_record_is_lost_or_rounded(path: Path) -> None:
    before, now = stored(path), load_record(path).plain()
    assert {name: now[name] for name in before.keys() - {"schema", "state"}} == {
        name: part for name, part in before.items() if name not in ("schema", "state")
    }


@pytest.mark.parametrize(
    ("word", "reason", "state", "absent"),
    [
        ("done", None, State.OK, False),
        ("diverged", "the training loss is nan", State.DIVERGED, False),
        ("failed", "the worker process was killed by signal 9", State.FAILED, False),
        ("blocked", "pretraining on mtd: not here: mtd: fetch it", State.BLOCKED, True),
        ("blocked", "the mask of 'a' is damaged", State.BLOCKED, False),
        ("skipped", "not for 1 class", State.SKIPPED, False),
    ],
)
def test_the_words_of_schema_1_are_states(word: str, reason: str | None, state: State, absent: bool) -> None:
    record = record_from({"schema": 1, "id": "aa", "state": word, "reason": reason}, "aa.json")
    assert (record.state, record.state.word, record.data_absent) == (state, word, absent)


def test_a_state_that_no_version_knew_is_a_failure_that_says_it() -> None:
    record = record_from({"schema": 1, "id": "aa", "state": "tired", "reason": "too long"}, "aa.json")
    assert (record.state, record.reason) == (State.FAILED, "state 'tired': too long")


def test_a_record_of_a_newer_schema_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "aa.json"
    path.write_text(json.dumps({"schema": SCHEMA + 1, "id": "aa", "state": State.OK}))
    with pytest.raises(StoreError, match=f"reads records up to {SCHEMA}; upgrade bench") as caught:
        read_record(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", ["axes", "tuned", "scores", "cell", "cost", "provenance", "providers", "keys"])
def test_a_part_that_is_no_mapping_is_refused_and_an_odd_leaf_reads_as_absent(part: str) -> None:
    with pytest.raises(StoreError, match=rf"^aa.json: damaged \({part} is no mapping\); make it again$"):
        record_from({"state": State.OK, "schema": 2, part: [1]}, "aa.json")
    record = record_from({"state": State.OK, "schema": 2, "parameters": "many", "cost": {"train_s": [1]}}, "aa.json")
    assert (record.parameters, record.cost and record.cost.train_s) == (None, None)


@given(st.dictionaries(st.sampled_from([*Record.model_fields, "schema"]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=6,
)))  # fmt: skip
def test_whatever_a_file_holds_is_a_record_or_one_line(content: dict[str, Any]) -> None:
    said = ""
    try:
        record_from(content, "aa.json")
    except StoreError as error:
        said = str(error)
    assert "\n" not in said


def test_a_change_leaves_everything_else_as_it_was_stored() -> None:
    path = OLD[0]
    changed = load_record(path).changed(badges=["leaky"])
    assert changed.badges == ("leaky",)
    assert changed.stored == {**stored(path), "badges": ["leaky"]}


def test_a_dotted_path_ends_in_a_value_or_in_nothing() -> None:
    record = record_of(state=State.OK, scores={"test": {"types": {"Dent": {"recall": 0.5}}}}, cost={"train_s": 2.0})
    assert record.value(("scores", "test", "types", "Dent", "recall")) == 0.5
    assert record.value(("cost", "train_s")) == 2.0
    assert record.value(("cost", "train_s", "more")) is None
    assert record.value(("plain",)) is None


class OutOfMemoryError(RuntimeError):
    """As torch calls it."""


def behind(error: BenchError, cause: Exception) -> BenchError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (OutOfMemoryError("CUDA out of memory"), State.OOM),
        (MemoryError(), State.OOM),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), State.OOM),
        (behind(PluginError("the model fails"), MemoryError()), State.OOM),
        (behind(PluginError("the model fails"), ValueError()), State.PLUGIN_ERROR),
        (LossNotFinite("the training loss is nan"), State.NAN),
        (Diverged("the state of the model is nan"), State.DIVERGED),
        (DataError("no mask"), State.DATA_ERROR),
        (StoreError("no space left"), State.FAILED),
        (ValueError("a bug"), State.FAILED),
    ],
)
def test_every_error_has_a_state(error: Exception, state: State) -> None:
    assert state_of(error) is state


def test_provenance_has_every_field_and_says_nothing_of_a_gpu_on_a_processor() -> None:
    made = provenance()
    of_the_cell = {"data_fingerprint", "split_digest"}
    from bench.record import Provenance

    assert set(made) == set(Provenance.model_fields) - of_the_cell
    assert (made["driver"], made["cuda"]) == (None, None)


def test_a_folder_that_is_no_checkout_has_no_commit(tmp_path: Path) -> None:
    assert commit_of(tmp_path) is None
    (tmp_path / ".git").mkdir()
    assert commit_of(tmp_path / ".") is None
    assert has_changes(tmp_path) is None


def test_the_schema_is_printed_and_names_every_field_with_a_line() -> None:
    done = CliRunner().invoke(command_line, ["show", "--schema"])
    schema = json.loads(done.output)
    assert schema == json.loads(json.dumps(record_schema()))
    for properties in (schema["properties"], *(part.get("properties", {}) for part in schema["$defs"].values())):
        assert all(field.get("description", "").endswith(".") for field in properties.values()), properties


def test_every_field_of_a_stored_record_is_in_the_published_schema() -> None:
    known = record_schema()["properties"]
    for path in OLD:
        assert set(stored(path)) <= set(known)


STORED = {"stored", "content"}
"""What gives a record as the mapping that is on disk."""

MAY_EXPORT = {
    "record.py": "makes it",
    "store/records.py": "writes it to a file",
    "report/board.py": "puts it into the exported board as it is",
    "runs/merge.py": "looks whether it can be written again",
}


def test_no_key_of_a_record_is_read_outside_of_its_module() -> None:
    """A record has no keys: types (mypy, strict) see that nothing subscripts one, so only its stored mapping is left.

    Seen is every use of that mapping, and of the function that reads JSON of any schema. Not seen is a file of records
    opened by other means.
    """
    assert not any(hasattr(kind, name) for kind in (Record, Part) for name in ("__getitem__", "get", "items"))
    users = {
        path.relative_to(ROOT / "bench").as_posix()
        for path in (ROOT / "bench").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in STORED and names_a_record(node.value))
        or (isinstance(node, ast.Name) and node.id == "read_object" and path.name != "store.py")
    }
    assert users <= set(MAY_EXPORT)


def names_a_record(node: ast.expr) -> bool:
    """Whether an expression is called as records are: ``record``, ``choice.record``, ``records[id]``."""
    return bool(re.search(r"\b(record|records\[.*\])$", ast.unparse(node)))


def test_the_page_is_what_the_record_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(PAGE.read_text(encoding="utf-8")), "python tests/test_record.py"


def page(text: str) -> str:
    """The page with its tables made again from the record."""
    for name, rows in (("states", state_rows()), ("fields", field_rows())):
        table = "\n".join(rows)
        before, _, rest = text.partition(f"<!-- {name} -->\n")
        after = rest.partition(f"<!-- /{name} -->")[2]
        text = f"{before}<!-- {name} -->\n{table}\n<!-- /{name} -->{after}"
    return text


def state_rows() -> Iterator[str]:
    yield "| State | On boards | Meaning |"
    yield "| --- | --- | --- |"
    lines = docstrings_of(State)
    for state in State:
        yield f"| `{state}` | {WORDS.get(state, 'failed')} | {lines[state.name]} |"


def field_rows() -> Iterator[str]:
    yield "| Field | Meaning |"
    yield "| --- | --- |"
    yield f"| `digest` | {record_schema()['properties']['digest']['description']} |"
    yield f"| `schema` | Schema number of the record, {SCHEMA} today. |"
    yield from _field_rows(Record, "")


def _field_rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if name == "outdated":
            continue
        yield f"| `{prefix}{name}` | {meanings_of(model)[name]} |"
        part = part_of(field.annotation)
        if part:
            path = f"{prefix}{name}.NAME." if "Mapping" in str(field.annotation) else f"{prefix}{name}."
            yield from _field_rows(part, path)


def part_of(kind: Any) -> type[Part] | None:
    """The typed part that a field holds, or holds one of by name."""
    kinds = (kind, *get_args(kind))
    return next((one for one in kinds if isinstance(one, type) and issubclass(one, Part)), None)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
