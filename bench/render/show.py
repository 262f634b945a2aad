"""All that is known of one cell, as text: ``bench show CELL``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from bench.render.text import grid_text
from bench.report.measures import (
    heading,
    interval_text,
    leaves,
    line,
    look,
    measure_of,
    number,
    pair,
    percent,
    plain,
    read,
    texts_of,
    visible,
)
from bench.report.shape import Grid
from bench.report.standing import type_lines
from bench.report.undefined import shown
from bench.score.ranges import SHARES
from bench.types import JsonValue

Record = Mapping[str, JsonValue]

SPLITS = ("validation", "test")
SPECIAL = ("types", "sizes", "operating", "f1_interval", "interval_note", "interval_method", "image_counts", "flags")
"""Score fields that are not plain numbers; they are shown in their own way."""


def describe(record: Record, width: int = 100) -> str:
    """Set a cell record in ``width`` columns; fields that the record lacks are left out.

    Counts per image are not shown: they fill pages, and stand in the record.
    """
    record = shown(record)
    blocks = [
        _head(record),
        _fields("Axes", record.get("axes"), width),
        _reason(record.get("reason"), width),
        _scores(record, width),
        _types(record, width),
        _classes(record, width),
        _members(record, "sizes", "Defects of the test split by quartile of area, q1 the smallest", width),
        _members(record, "operating", "Operating points: chosen on validation, reached on the test split", width),
        _fields("Training", dict(_training(record)), width),
        _fields("Cost", record.get("cost"), width),
        _fields("Recipe", look(record, ("cell", "recipe")), width),
        _fields("Protocol", look(record, ("cell", "protocol")), width),
        _fields("Keys", record.get("keys"), width),
        _fields("Provenance", record.get("provenance"), width),
        f"Log\n{record['log']}\n" if record.get("log") else "",
    ]
    return "\n".join(block for block in blocks if block)


def _head(record: Record) -> str:
    badges = "".join(f" [{line(str(badge))}]" for badge in record.get("badges") or ())
    inert = " [inert: this level excluded no crop position]" if record.get("inert") is True else ""
    outdated = "".join(f"{line(text)}\n" for text in texts_of(record.get("outdated")))
    return f"{record.get('id', 'a cell without id')}: {record.get('state', 'unknown')}{badges}{inert}\n{outdated}"


def _reason(reason: JsonValue, width: int) -> str:
    """The whole reason with its traceback, one printed line per line."""
    if not reason:
        return ""
    lines = [part for text in str(reason).splitlines() for part in textwrap.wrap(visible(text), width - 2) or [""]]
    return "\n".join(["Reason", *(f"  {part}".rstrip() for part in lines)]) + "\n"


def _fields(title: str, value: JsonValue, width: int) -> str:
    """Nested fields as ``name  value`` lines under a title."""
    if not isinstance(value, Mapping) or not value:
        return ""
    pairs = [(line(name), _text(leaf)) for name, leaf in leaves("", value)]
    column = min(max((len(name) for name, _ in pairs), default=0), width // 2)
    room = max(width - column - 4, 20)
    lines = [title]
    for name, text in pairs:
        first, *rest = textwrap.wrap(text, room) or [""]
        lines.append(f"  {name:<{column}}  {first}".rstrip())
        lines += [" " * (column + 4) + part for part in rest]
    return "\n".join(lines) + "\n"


def _text(value: JsonValue) -> str:
    """A value as it was asked for or measured: settings are not rounded, seconds are."""
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, float) and not isinstance(value, bool):
        return f"{value:.6g}"
    return plain(value) if value is None or isinstance(value, bool | int) else line(str(value))


def _scores(record: Record, width: int) -> str:
    """Every scalar score of both splits side by side; shares in percent."""
    splits = [split for split in SPLITS if isinstance(look(record, ("scores", split)), Mapping)]
    if not splits:
        return ""
    found = {split: dict(_plain_scores(look(record, ("scores", split)))) for split in splits}
    fields = dict.fromkeys(key for split in splits for key in found[split])
    rows = [(_label(key), *(_score(found[split].get(key), key) for split in splits)) for key in fields]
    rows.append(("f1 interval [%]", *(_interval(record, split) for split in splits)))
    if record.get("last_step"):
        rows.append(("f1 of the last step [%]", *(percent(_last_step(record, split)) for split in splits)))
    ceiling = number(look(record, ("ceiling", "test")))
    text = grid_text(Grid("Scores", ("score", *splits), tuple(rows)), width)
    notes = [f"{split}: {line(str(note))}" for split in splits for note in _notes(record, split)]
    notes += [f"oracle ceiling of F1_T: {percent(ceiling)}"] if ceiling is not None else []
    return text + "".join(f"{note}\n" for note in notes)


def _plain_scores(scores: Mapping[str, JsonValue]) -> Iterator[tuple[str, JsonValue]]:
    """Dotted names and values of all scores that fit one line."""
    return leaves("", {key: value for key, value in scores.items() if key not in SPECIAL})


def _label(key: str) -> str:
    name = "f1 at 0.5" if key == "f1_half" else key.replace("_", " ").replace(".", ", ")
    return name + (" [%]" if _is_share(key) else "")


def _is_share(key: str) -> bool:
    return key.rpartition(".")[2] in SHARES


def _score(value: JsonValue, key: str) -> str:
    found = number(value)
    if found is not None and _is_share(key):
        return percent(found) if found >= 0.001 or found == 0 else f"{100 * found:.2g}"
    return f"{found:.3f}" if key == "threshold" and found is not None else _text(value)


def _interval(record: Record, split: str) -> str:
    return interval_text(pair(look(record, ("scores", split, "f1_interval"))))


def _last_step(record: Record, split: str) -> float | None:
    found = look(record, ("last_step", split))
    return number(found.get("f1")) if isinstance(found, Mapping) else number(found)


def _notes(record: Record, split: str) -> Sequence[str]:
    note = look(record, ("scores", split, "interval_note"))
    flags = look(record, ("scores", split, "flags"))
    return [str(text) for text in ([note] if note else []) + (flags if isinstance(flags, list) else [])]


def _types(record: Record, width: int) -> str:
    """Recall per defect type of the test split."""
    found = type_lines(record)
    if not found:
        return ""
    header = ("type", "pixels", "groups", "objects", "recall [%]", "object recall [%]")
    rows = tuple(
        (line(t.name), plain(t.pixels), plain(t.groups), plain(t.objects), percent(t.recall), percent(t.object_recall))
        for t in found
    )
    return grid_text(Grid("Defect types of the test split", header, rows), width)


def _classes(record: Record, width: int) -> str:
    """Every score of every class, where each was predicted with a probability of its own."""
    types = look(record, ("scores", "test", "types"))
    each = isinstance(types, Mapping) and any("precision" in row for row in types.values() if isinstance(row, Mapping))
    return _members(record, "types", "Classes of the test split, each by its own probability", width) if each else ""


def _members(record: Record, field: str, title: str, width: int) -> str:
    """Every number of a mapping of the test split, such as ``sizes``, one row per member."""
    members = look(record, ("scores", "test", field))
    if not isinstance(members, Mapping) or not members:
        return ""
    named = {name: member for name, member in members.items() if isinstance(member, Mapping)}
    fields = [key for key in dict.fromkeys(key for m in named.values() for key in m) if key != "rule"]
    rows = tuple((line(name), *(_score(member.get(key), key) for key in fields)) for name, member in named.items())
    return grid_text(Grid(title, (field, *map(_label, fields)), rows), width)


def _training(record: Record) -> Iterator[tuple[str, JsonValue]]:
    parameters = number(record.get("parameters"))
    if parameters is not None:
        yield "parameters", int(parameters) if parameters else "0: nothing to fit"
    convergence = measure_of("convergence_epoch")
    reading = read(record, convergence)
    if reading.value is not None:
        yield heading(convergence), f"{'> ' if reading.at_least else ''}{reading.value:.0f}"
    yield from (
        (key.replace("_", " "), record[key]) for key in ("output_stride", "reuse") if record.get(key) is not None
    )
