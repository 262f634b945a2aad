"""YAML as suites read it: JSON's scalars, a mark on every value, mistakes instead of guesses."""

from __future__ import annotations

import json
import re
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.suite.reading.yaml import DEEPEST, Mark, Mistakes, Node, mark_of, parse, plain, without


def read(text: str) -> tuple[Node | None, list[str]]:
    mistakes = Mistakes()
    return parse(text, partial(Mark, "f"), mistakes), mistakes.lines()


def value(text: str) -> object:
    node, mistakes = read(text)
    assert node is not None
    assert mistakes == []
    return plain(node)


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "No",
        "yes",
        "on",
        "off",
        "y",
        "n",
        "10:30",
        "1:2:3",
        "010",
        "0o17",
        "0x1f",
        "0b1",
        "1_000",
        "2026-11-22",
        "2026-11-22 10:30:00",
        ".inf",
        "-.inf",
        ".nan",
        "nan",
        "1e",
        "e3",
        "1.2.3",
        "tRue",
        "NO",
        "=",
    ],
)
def test_what_yaml_1_1_would_turn_into_something_else_stays_text(text: str) -> None:
    assert value(f"key: {text}") == {"key": text}
    assert value(f'key: "{text}"') == {"key": text}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1e-3", 0.001),
        ("1.0e-3", 0.001),
        ("1E3", 1000.0),
        ("0", 0),
        ("-7", -7),
        ("+7", 7),
        (".5", 0.5),
        ("5.", 5.0),
        ("-0.0", 0.0),
    ],
)
def test_numbers_are_numbers(text: str, number: float) -> None:
    found = value(text)
    assert found == number
    assert type(found) is type(number)
    assert str(found) == str(number)  # minus zero would be another id


def test_null_and_booleans_are_the_words_of_json() -> None:
    assert value("[null, ~, true, false, True, FALSE]") == [None, None, True, False, True, False]
    assert value("a:\nb: ''") == {"a": None, "b": ""}


def test_keys_are_always_text() -> None:
    assert value("{no: 1, 5: 2, 1e3: 3, null: 4, true: 5}") == {"no": 1, "5": 2, "1e3": 3, "null": 4, "true": 5}


words = st.text(st.characters(max_codepoint=0xD7FF), max_size=8)  # JSON escapes of surrogate pairs are not YAML
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(-1e200, 1e200) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_every_json_document_reads_as_itself(document: object) -> None:
    assert value(json.dumps(document)) == document


@given(st.text(alphabet=st.sampled_from("ab:-[]{}#&*!|>'\"%@` \n\t,?0.e\\é\x07"), max_size=30))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    node, mistakes = read(text)
    assert all(line.startswith("f:") and "\n" not in line for line in mistakes)
    assert node is None or mark_of(node, ()).line > 0


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("a:\n\tb: 1", "f:2:1: a tab indents this line; YAML takes spaces only."),
        ("a: 1\nb: 2\na: 3", "f:3:1: the key 'a' stands twice; the first is at f:1:1."),
        ('a: {no: 1, "no": 2}', "f:1:12: the key 'no' stands twice; the first is at f:1:5."),
        (
            "a: !!python/object:os.system x",
            "f:1:4: the tag '!!python/object:os.system' is not taken here; write a plain value.",
        ),
        ("a: !!set {x}", "f:1:4: the tag '!!set' is not taken here; write a plain value."),
        (
            "a: &x {b: 1}\nc: {<<: *x}",
            "f:2:5: the merge key '<<' is not taken; use an alias for a whole value instead.",
        ),
        ("? [1]\n: 2", "f:1:3: a key must be plain text."),
        ("a: *b", "f:1:4: the alias '*b' has no finished anchor before it."),
        ("a: &a [*a]", "f:1:8: the alias '*a' has no finished anchor before it."),
        ("--- 1\n--- 2", "f:2:1: a second document starts here; a suite is one document."),
        ("é: \x07", "f:1:4: the character U+0007 cannot stand in YAML."),
        ("a: 1e999", "f:1:4: the number 1e999... is too large."),
        (f"a: {'9' * 5000}", "f:1:4: the number 99999999999999999999... is too large."),
    ],
)
def test_each_mistake_has_its_line_and_column(text: str, mistake: str) -> None:
    assert read(text)[1] == [mistake]


@pytest.mark.parametrize(
    ("text", "place"),
    [("a: 1\nb: [1, 2\n", "f:3:1"), ("a: b: c", "f:1:5"), ("a: 1\nb:\n  - x\n  a: 2\nb: 3\n", "f:4:3")],
)
def test_a_syntax_error_has_its_line_and_column_whatever_the_parser_says(text: str, place: str) -> None:
    (mistake,) = read(text)[1]
    assert re.fullmatch(rf"{place}: not YAML: .+\.", mistake)


def test_several_mistakes_are_found_in_one_reading() -> None:
    assert len(read("a: !x 1\na: 2\nb: {c: 1, c: 2}\nd: 1e999\n")[1]) == 4


def test_aliases_repeat_values_and_keep_the_mark_of_the_anchor() -> None:
    node, mistakes = read("a: &x {b: [1, 2]}\nc: *x\n")
    assert mistakes == []
    assert node is not None
    assert plain(node) == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}}
    assert str(mark_of(node, ("c", "b", 1))) == "f:1:15"


@pytest.mark.parametrize("levels", [DEEPEST + 2, 900, 100_000])  # some releases of libyaml refuse 1,000 themselves
@pytest.mark.parametrize("opening", ["[", "- ", "{a: "])
def test_deep_nesting_is_refused_at_its_place_and_does_not_end_the_process(opening: str, levels: int) -> None:
    node, mistakes = read(opening * levels + "1")
    assert node is None
    column = len(opening) * (DEEPEST + 1) + 1
    assert mistakes == [f"f:1:{column}: nested more than {DEEPEST} levels deep."]


@pytest.mark.parametrize("levels", [2, 100_000])
def test_nested_keys_are_refused_in_words_of_ours(levels: int) -> None:
    node, mistakes = read("? " * levels)
    assert node is None
    assert mistakes[0].endswith((": a key must be plain text.", f": nested more than {DEEPEST} levels deep."))


def test_aliases_of_aliases_cannot_fill_the_memory() -> None:
    lines = ["a0: &a0 [1, 1]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    node, mistakes = read("\n".join(lines))
    assert node is None
    assert "values" in mistakes[0]


def test_marks_follow_a_path_as_deep_as_the_file_goes() -> None:
    node, _ = read("a:\n  - b: 1\n    c: [x, y]\n")
    assert node is not None
    assert str(mark_of(node, ("a", 0, "c", 1))) == "f:3:12"
    assert str(mark_of(node, ("a", 0, "c"), key=True)) == "f:3:5"
    assert str(mark_of(node, ("a", 0, "missing"))) == "f:2:5"


@pytest.mark.parametrize(
    ("path", "left"),
    [
        (("a",), {"b": {"c": 1, "d": [2, 3]}}),
        (("b", "c"), {"a": 0, "b": {"d": [2, 3]}}),
        (("b", "d", 0), {"a": 0, "b": {"c": 1, "d": [3]}}),
        (("b", 0, "c", "use"), {"a": 0, "b": {"d": [2, 3]}}),
        (("x", "y"), {"a": 0, "b": {"c": 1, "d": [2, 3]}}),
    ],
)
def test_what_stands_at_a_path_is_taken_out_as_deep_as_the_file_goes(path: tuple[str | int, ...], left: object) -> None:
    node, _ = read("{a: 0, b: {c: 1, d: [2, 3]}}")
    assert node is not None
    assert plain(without(node, path)) == left
