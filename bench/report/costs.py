"""What every position costs: parameters, time, memory, and which positions no other beats on score and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from bench.record import Record, number
from bench.report.choose import TEST_F1, VALIDATION_F1, Records, done_of
from bench.report.front import front
from bench.report.measures import NOTHING, OLD, mean_of_all, percent, plain, read
from bench.report.shape import CostLine, Entry, Grid, Section, Table, entries_of
from bench.suite.cells import Cell
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


def cost_lines(cells: Sequence[Cell], tables: Sequence[Table], records: Records) -> tuple[CostLine, ...]:
    """One line per position with a finished cell, in the order of the tables."""
    labels = {cell.id: cell.labels for cell in cells}
    lines = []
    for table in tables:
        scored = [entry for entry in entries_of([table]) if entry.seeds]
        lines += [_line(entry, table, labels[entry.cells[0]], records) for entry in scored]
    return tuple(with_fronts(lines))


def _line(entry: Entry, table: Table, labels: Mapping[str, str], records: Records) -> CostLine:
    done = done_of(entry.cells, records)
    means = {}
    for name, path in PATHS.items():
        means[name] = mean_of_all([_paid(record, path) for record in done])
    badges: list[str] = []
    memories = []
    for record in done:
        badges += record.badges
        if record.cost and record.cost.peak_memory_of is not None:
            memories.append(line(record.cost.peak_memory_of))
    group = [label for axis, label in labels.items() if axis == "dataset" or axis.startswith("protocol.")]
    return CostLine(
        group=", ".join(group),
        name=", ".join([f"{entry.row} / {entry.column}", *(label for _, label in table.title)]),
        row=entry.row,
        column=entry.column,
        complete=entry.seeds == entry.expected,
        f1_validation=mean_of_all([read(record, VALIDATION_F1).value for record in done]),
        f1_test=mean_of_all([read(record, TEST_F1).value for record in done]),
        parameters=means["parameters"],
        train_s=mean_of_all([_trained(record) for record in done]),
        crops_per_s=means["crops_per_s"],
        image_latency_s=means["image_latency_s"],
        peak_memory_bytes=means["peak_memory_bytes"],
        badges=tuple(dict.fromkeys(badges)),
        outdated=any(record.outdated for record in done),
        memory_of=tuple(dict.fromkeys(memories)),
        devices=tuple(dict.fromkeys(_device(record) for record in done)),
    )


def _paid(record: Record, path: Sequence[str]) -> float | None:
    """A cost; one below zero is none."""
    value = number(record.value(path))
    return value if value is not None and value >= 0 else None


def _trained(record: Record) -> float | None:
    """Seconds of training, those of the pretraining run included."""
    own = _paid(record, ("cost", "train_s"))
    before = _paid(record, ("cost", "pretrain_s"))
    return own if own is None or before is None else own + before


def _device(record: Record) -> str:
    """The device that trained a cell, with its threads."""
    made = record.provenance
    if made is None or made.device is None:
        return UNNAMED
    return line(f"{made.device}, {plural(made.threads, 'thread')}" if made.threads else made.device)


def with_fronts(lines: Sequence[CostLine]) -> list[CostLine]:
    """Mark every line with the fronts it is on; times of different devices are not compared."""
    groups: dict[str, list[int]] = {}
    for place, one in enumerate(lines):
        groups.setdefault(one.group, []).append(place)
    on: list[list[str]] = [[] for _ in lines]
    for members in groups.values():
        devices = _devices([lines[place] for place in members])
        timed = len(devices) == 1 and UNNAMED not in devices
        for cost in FRONTS:
            if timed or cost not in TIMED:
                for place in _front(lines, members, cost):
                    on[place].append(cost)
    return [replace(one, fronts=tuple(fronts)) for one, fronts in zip(lines, on, strict=True)]


def _front(lines: Sequence[CostLine], members: Sequence[int], cost: str) -> list[int]:
    """Those of the members that are on the front of this cost; none where fewer than two can be compared."""
    places = []
    points = []
    for place in members:
        score, paid = lines[place].f1_validation, getattr(lines[place], cost)
        if lines[place].complete and score is not None and paid is not None:
            places.append(place)
            points.append((score, paid))
    return [places[best] for best in front(points, alike=ALIKE[cost])] if len(points) > 1 else []


def _devices(lines: Sequence[CostLine]) -> list[str]:
    devices: dict[str, None] = {}
    for one in lines:
        devices |= dict.fromkeys(one.devices)
    return list(devices)


def cost_section(lines: Sequence[CostLine]) -> Section | None:
    """The costs of all positions; None where none is known."""
    known = [one for one in lines if _is_known(one)]
    if not known:
        return None
    memories: dict[str, None] = {}
    values = []
    for one in known:
        memories |= dict.fromkeys(one.memory_of)
        values.append({key: list(v) if isinstance(v, tuple) else v for key, v in asdict(one).items()})
    sentences = [MEANING]
    if memories:
        warning = "; not comparable with each other" if len(memories) > 1 else ""
        sentences.append(f"Memory is that of {' or of '.join(memories)}{warning}.")
    sentences.append(_measured_on(_devices(known)))
    if any(one.fronts for one in known):
        sentences.append(FRONT)
    return Section("Cost", (_grid(known),), tuple(sentences), tuple(values))


def _is_known(one: CostLine) -> bool:
    return any(getattr(one, name) is not None for name in PATHS)


def _measured_on(devices: Sequence[str]) -> str:
    """What the times were measured on; times of different devices cannot be compared."""
    if len(devices) == 1:
        return f"Measured on {devices[0]}; times compare only with times of the same device and load."
    return (
        f"Measured on different devices ({'; '.join(devices)}): their times and memory cannot be compared, "
        "so a data set that was run on several has no front of times."
    )


def _grid(lines: Sequence[CostLine]) -> Grid:
    """One row per position; figures that no record has are no column."""
    rows = []
    for one in lines:
        name = line(one.name) + (OLD if one.outdated else "")
        rows.append((name, *_texts(one)))
    columns = zip(("position", *HEADER), *rows, strict=True)
    kept = [column for column in columns if set(column[1:]) != {NOTHING}]
    header, *texts = zip(*kept, strict=True)
    return Grid("", header, tuple(texts))


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
