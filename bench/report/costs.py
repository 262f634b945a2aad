"""What every position costs: parameters, time, memory, and which positions no other beats on score and cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace

from bench.record import Record, number
from bench.report.choose import Records, done_of
from bench.report.front import front
from bench.report.measures import NOTHING, OLD, measure_of, percent, plain, read
from bench.report.shape import CellLike, CostLine, Entry, Grid, Section, Table
from bench.types import JsonValue
from bench.words import line, plural

PATHS: Mapping[str, tuple[str, ...]] = {
    "parameters": ("parameters",),
    "train_s": ("cost", "train_s"),
    "crops_per_s": ("cost", "crops_per_s"),
    "image_latency_s": ("cost", "image_latency_s"),
    "peak_memory_bytes": ("cost", "peak_memory_bytes"),
}
"""Field of a cost line to its place in a record."""

FRONTS = {"image_latency_s": "L", "train_s": "T", "parameters": "P"}
"""Costs for which a front is sought, and the letter for it."""
ALIKE = {"image_latency_s": 0.1, "train_s": 0.1, "parameters": 0.0}
"""Shares up to which costs count as equal: a clock is no counter."""
TIMED = ("image_latency_s", "train_s")

UNNAMED = "a device that was not recorded"

VALIDATION, TEST = measure_of("f1@validation"), measure_of("f1@test")

HEADER = ("F1_V %", "F1_T %", "M params", "train s", "crops/s", "ms/image", "MB", "front")

MEANING = (
    "Means over seeds. M params: millions of trainable parameters; train s: the training stage, with that of a "
    "pretraining run; crops/s: crops seen by the seconds of the training loop, validations included; ms/image: "
    "prediction of one image by tiles; MB: peak of memory in training."
)
FRONT = (
    "Front: no other position of the same data set has a higher F1_V at no more latency (L), training time (T) or "
    "parameters (P); times within 10 % count as equal. F1_V decides, F1_T is only shown; positions that lack seeds "
    "take no part."
)


def cost_lines(
    cells: Sequence[CellLike], tables: Sequence[Table], records: Records
) -> tuple[CostLine, ...]:  # fmt: skip
    """One line per position with a finished cell, in the order of the tables."""
    labels = {cell.id: cell.labels for cell in cells}
    lines = [
        _line(entry, table, labels[entry.cells[0]], records)
        for table in tables
        for row in table.entries
        for entry in row
        if entry.seeds
    ]
    return tuple(with_fronts(lines))


def _line(entry: Entry, table: Table, labels: Mapping[str, str], records: Records) -> CostLine:
    done = done_of(entry.cells, records)
    means = {name: _mean([_paid(record, path) for record in done]) for name, path in PATHS.items()}
    scores = {name: _mean([read(r, m).value for r in done]) for name, m in (("v", VALIDATION), ("t", TEST))}
    group = [label for axis, label in labels.items() if axis == "dataset" or axis.startswith("protocol.")]
    return CostLine(
        group=", ".join(group),
        name=", ".join([f"{entry.row} / {entry.column}", *(label for _, label in table.title)]),
        row=entry.row,
        column=entry.column,
        complete=entry.seeds == entry.expected,
        f1_validation=scores["v"],
        f1_test=scores["t"],
        parameters=means["parameters"],
        train_s=_mean([_trained(record) for record in done]),
        crops_per_s=means["crops_per_s"],
        image_latency_s=means["image_latency_s"],
        peak_memory_bytes=means["peak_memory_bytes"],
        badges=tuple(dict.fromkeys(badge for record in done for badge in record.badges)),
        outdated=any(record.outdated for record in done),
        memory_of=_distinct(record.cost.peak_memory_of for record in done if record.cost),
        devices=_distinct(_device(record) for record in done),
    )


def _paid(record: Record, path: Sequence[str]) -> float | None:
    """A cost; one below zero is none."""
    value = number(record.value(path))
    return value if value is not None and value >= 0 else None


def _trained(record: Record) -> float | None:
    """Seconds of training, those of the pretraining run included."""
    own, before = (_paid(record, ("cost", name)) for name in ("train_s", "pretrain_s"))
    return own if own is None or before is None else own + before


def _device(record: Record) -> str:
    """The device that trained a cell, with its threads."""
    made = record.provenance
    if made is None or made.device is None:
        return UNNAMED
    return f"{made.device}, {plural(made.threads, 'thread')}" if made.threads else made.device


def _distinct(values: Iterator[JsonValue]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line(value) for value in values if isinstance(value, str)))


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean over all seeds; None where one of them lacks the value."""
    found = [value for value in values if value is not None]
    return sum(found) / len(found) if found and len(found) == len(values) else None


def with_fronts(lines: Sequence[CostLine]) -> list[CostLine]:
    """Mark every line with the fronts it is on; times of different devices are not compared."""
    on: dict[int, list[str]] = {}
    for group in dict.fromkeys(one.group for one in lines):
        members = [i for i, one in enumerate(lines) if one.group == group and one.complete]
        devices = {device for one in lines if one.group == group for device in one.devices}
        comparable = len(devices) == 1 and UNNAMED not in devices
        for cost in FRONTS:
            if cost in TIMED and not comparable:
                continue
            points = [(i, lines[i].f1_validation, getattr(lines[i], cost)) for i in members]
            known = [(i, score, paid) for i, score, paid in points if score is not None and paid is not None]
            best = front([(score, paid) for _, score, paid in known], alike=ALIKE[cost]) if len(known) > 1 else []
            for place in best:
                on.setdefault(known[place][0], []).append(cost)
    return [replace(one, fronts=tuple(on.get(i, ()))) for i, one in enumerate(lines)]


def cost_section(lines: Sequence[CostLine]) -> Section | None:
    """The costs of all positions; None where none is known."""
    known = [one for one in lines if any(getattr(one, name) is not None for name in PATHS)]
    if not known:
        return None
    fronts = any(one.fronts for one in known)
    return Section(
        title="Cost",
        grids=(_grid(known),),
        sentences=(MEANING, *_memory(known), *_devices(known), *([FRONT] if fronts else ())),
        values=tuple({key: list(v) if isinstance(v, tuple) else v for key, v in asdict(one).items()} for one in known),
    )


def _grid(lines: Sequence[CostLine]) -> Grid:
    """One row per position; figures that no record has are no column."""
    rows = [(line(one.name) + (OLD if one.outdated else ""), *_texts(one)) for one in lines]
    header = ("position", *HEADER)
    kept = [0, *(i for i in range(1, len(header)) if any(row[i] != NOTHING for row in rows))]
    return Grid("", tuple(header[i] for i in kept), tuple(tuple(row[i] for i in kept) for row in rows))


def _texts(one: CostLine) -> tuple[str, ...]:
    def scaled(value: float | None, by: float = 1.0) -> str:
        return NOTHING if value is None else plain(value * by)

    return (
        percent(one.f1_validation),
        percent(one.f1_test),
        scaled(one.parameters, 1e-6),
        scaled(one.train_s),
        scaled(one.crops_per_s),
        scaled(one.image_latency_s, 1e3),
        scaled(one.peak_memory_bytes, 1e-6),
        " ".join(FRONTS[cost] for cost in one.fronts) or NOTHING,
    )


def _memory(lines: Sequence[CostLine]) -> tuple[str, ...]:
    kinds = tuple(dict.fromkeys(kind for one in lines for kind in one.memory_of))
    if not kinds:
        return ()
    warning = "; not comparable with each other" if len(kinds) > 1 else ""
    return (f"Memory is that of {' or of '.join(kinds)}{warning}.",)


def _devices(lines: Sequence[CostLine]) -> tuple[str, ...]:
    """What the times were measured on; times of different devices cannot be compared."""
    found = tuple(dict.fromkeys(device for one in lines for device in one.devices))
    if len(found) == 1:
        return (f"Measured on {found[0]}; times compare only with times of the same device and load.",)
    return (
        f"Measured on different devices ({'; '.join(found)}): their times and memory cannot be compared, "
        "so a data set that was run on several has no front of times.",
    )
