"""All that is known of one cell as a document: ``bench show CELL``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from bench.document import Block, Document, Heading, Listing, Paragraph, Picture, Table, Verbatim
from bench.record import Record, State, number
from bench.report.board_document import TYPES_HEADER, type_row
from bench.report.measures import (
    heading,
    interval_text,
    leaves,
    measure_of,
    percent,
    plain,
    read,
)
from bench.report.standing import type_lines
from bench.report.tables import plain_table
from bench.report.undefined import shown
from bench.scores import named, rows_of
from bench.types import JsonValue

SPLITS = ("validation", "test")


def cell_document(record: Record, pictures: Sequence[str] = ()) -> Document:
    """Everything of a cell record and the files of its ``pictures``; what the record lacks is left out.

    Counts per image are not shown: they fill pages, and stand in the record.
    """
    record = shown(record)
    test = record.of_split("test")
    blocks: list[Block] = [Paragraph(record.outdated), _listing("Axes", record.axes)]
    if record.reason:
        blocks.append(Verbatim(record.reason.rstrip(), "Reason"))
    blocks += _scores(record)
    lines = type_lines(record)
    if lines:
        blocks.append(plain_table(TYPES_HEADER, map(type_row, lines), title="Defect types of the test split"))
    if any("precision" in row for row in test.types.values()):
        blocks += _members("types", test.types, "Classes of the test split, each by its own probability")
    blocks += _members("sizes", test.sizes, "Defects of the test split by quartile of area, q1 the smallest")
    blocks += _members("operating", test.operating, "Operating points: chosen on validation, reached on the test split")
    blocks += [
        _listing("Training", dict(_training(record))),
        _listing("Cost", record.cost.plain() if record.cost else {}),
        _listing("Recipe", record.recipe),
        _listing("Protocol", record.protocol),
        _listing("Keys", record.keys),
        _listing("Provenance", record.provenance.plain() if record.provenance else {}),
    ]
    if record.log:
        blocks += [Heading("Log"), Verbatim(record.log)]
    return Document(_title(record), [*blocks, *map(Picture, pictures)])


def _title(record: Record) -> str:
    badges = "".join(f" [{badge}]" for badge in record.badges)
    inert = " [inert: this level excluded no crop position]" if record.inert else ""
    inert += " [all fallback: this level admitted no crop position]" if record.fell_back else ""
    finer = "" if record.state in (State.OK, record.state.word) else f" ({record.state})"
    return f"{record.id or 'a cell without id'}: {record.state.word}{finer}{badges}{inert}"


def _listing(title: str, value: Mapping[str, JsonValue]) -> Listing:
    """Nested fields by their dotted names."""
    fields = leaves("", value) if value else ()
    return Listing([(name, _text(leaf)) for name, leaf in fields], title)


def _text(value: JsonValue) -> str:
    """A value as it was asked for or measured: settings are not rounded, seconds are."""
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, float) and not isinstance(value, bool):
        return f"{value:.6g}"
    return plain(value) if value is None or isinstance(value, bool | int) else str(value)


def _scores(record: Record) -> Iterator[Table]:
    """Every scalar score of both splits side by side; shares in percent."""
    splits = [split for split in SPLITS if split in record.scores]
    if not splits:
        return
    scores = {split: dict(_plain_scores(record.of_split(split).root)) for split in splits}
    rows = []
    for key in dict.fromkeys(chain.from_iterable(scores.values())):
        values = [_score(scores[split].get(key), key) for split in splits]
        rows.append((_label(key), *values))
    rows.append(("f1 interval [%]", *(interval_text(record.of_split(split).interval) for split in splits)))
    if record.last_step:
        rows.append(("f1 of the last step [%]", *(percent(_last_step(record, split)) for split in splits)))
    notes: list[str] = []
    for split in splits:
        found = record.of_split(split)
        notes += [f"{split}: {note}" for note in (found.interval_note, *found.flags) if note is not None]
    averaged = record.ceiling.get("test")
    if averaged is not None:
        coarse = "F1_T of the truth averaged over the output stride, no bound"
        notes.append(f"{'oracle ceiling of F1_T' if averaged == 1 else coarse}: {percent(averaged)}")
    yield plain_table(("score", *splits), rows, title="Scores", below=notes)


def _plain_scores(scores: Mapping[str, JsonValue]) -> Iterator[tuple[str, JsonValue]]:
    """Dotted names and values of all scores that fit one line."""
    special = {row.name for row in rows_of("split") if not row.plain} | {"flags", "image_counts"}
    return leaves("", {key: value for key, value in scores.items() if key not in special})


def _label(key: str) -> str:
    score = named(key)
    name = (score and score.label) or key.replace("_", " ").replace(".", ", ")
    return name + (" [%]" if _is_share(key) else "")


def _is_share(key: str) -> bool:
    score = named(key.rpartition(".")[2])
    return score is not None and score.percent


def _score(value: JsonValue, key: str) -> str:
    score = number(value)
    if score is not None and _is_share(key):
        return percent(score) if score >= 0.001 or score == 0 else f"{100 * score:.2g}"
    return f"{score:.3f}" if key == "threshold" and score is not None else _text(value)


def _last_step(record: Record, split: str) -> float | None:
    scores = record.last_step.get(split)
    return number(scores.get("f1")) if isinstance(scores, Mapping) else number(scores)


def _members(field: str, members: Mapping[str, Mapping[str, JsonValue]], title: str) -> Iterator[Table]:
    """Every number of a mapping of the test split, such as ``sizes``, one row per member."""
    if not members:
        return
    fields = [key for key in dict.fromkeys(chain.from_iterable(members.values())) if key != "rule"]
    rows = []
    for name, member in members.items():
        values = [_score(member.get(key), key) for key in fields]
        rows.append((name, *values))
    yield plain_table((field, *map(_label, fields)), rows, title=title)


def _training(record: Record) -> Iterator[tuple[str, JsonValue]]:
    if record.parameters is not None:
        yield "parameters", record.parameters or "0: nothing to fit"
    if record.choice is not None:
        yield "chosen on validation", record.choice
    convergence = measure_of("convergence_epoch")
    reading = read(record, convergence)
    if reading.value is not None:
        yield heading(convergence), f"{'> ' if reading.at_least else ''}{reading.value:.0f}"
    if record.output_stride is not None:
        yield "output stride", record.output_stride
    if record.reuse is not None:
        yield "reuse", record.reuse
