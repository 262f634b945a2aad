"""What every position costs: parameters, time, memory, and which positions no other beats on score and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from itertools import chain

from bench.record import Latency, Record, number
from bench.report.best import scored_alike
from bench.report.choose import TEST_F1, VALIDATION_F1, Records, done_of
from bench.report.front import front
from bench.report.measures import NOTHING, OLD, mean_of_all, mean_over, percent, plain
from bench.report.shape import INSIDE, CostLine, Entry, Grid, Section, Table, entries_of
from bench.suite.cells import Cell
from bench.types import JsonValue
from bench.words import line, plural

COSTS = {
    "parameters": ("M params", 1e-6),
    "train_s": ("train s", 1.0),
    "crops_per_s": ("crops/s", 1.0),
    "image_latency_s": ("ms/image", 1e3),
    "peak_memory_bytes": ("MB", 1e-6),
}
"""Field of a cost line to the head of its column, and to what it is multiplied by there."""

FRONTS = {"image_latency_s": "L", "train_s": "T", "parameters": "P"}
"""Costs for which a front is sought, and the letter for it."""
TIMED = ("image_latency_s", "train_s")
ALIKE = 0.1
"""Share up to which times count as equal whose noise was not measured, or within one process: a clock is no counter."""

UNNAMED = "a device that was not recorded"

HEADER = ("F1_V %", "F1_T %", *(head for head, _ in COSTS.values()), "front")

MEANING = (
    "Means over seeds. M params: millions of trainable parameters; train s: the training stage, with that of a "
    "pretraining run; crops/s: crops seen by the seconds of the training loop, validations included; {latency}MB: peak "
    "of memory in training."
)
TOLD = "ms/image: prediction of one image by tiles; "
MEASURED = "ms/image: the median for one image by tiles, warm and alone, as 'bench perf infer' measured it; "
UNMEASURED = (
    "No latency is shown, and none decides a front: 'bench perf infer RUN' measures it, warm and alone; what a run "
    "takes for an image beside its other work is none."
)
FRONT = (
    "Front: no other position of the same data set has a higher F1_V at no more {latency}training time (T) or "
    "parameters (P); {alike} count as equal. F1_V decides, F1_T is only shown; positions that lack seeds "
    "take no part."
)
BESIDE = (
    "No front of training times: {} workers shared the processor, and each is slowed by what the others do; "
    "'runtime: {{workers: 1}}' trains cells alone."
)


def cost_lines(cells: Sequence[Cell], tables: Sequence[Table], records: Records) -> tuple[CostLine, ...]:
    """One line per position with a finished cell, in the order of the tables."""
    labels = {cell.id: cell.labels for cell in cells}
    measured = any(record.latency for record in records.values())
    lines = []
    for table in tables:
        scored = [entry for entry in entries_of([table]) if entry.seeds]
        lines += [_line(entry, table, labels[entry.cells[0]], records, measured=measured) for entry in scored]
    return tuple(with_fronts(lines))


def _line(entry: Entry, table: Table, labels: Mapping[str, str], records: Records, *, measured: bool) -> CostLine:
    """The costs of a position; with ``measured`` latencies those that old records tell are none."""
    done = done_of(entry.cells, records)
    means = {name: mean_of_all(_paid(record, name) for record in done) for name in COSTS}
    if measured:
        means["image_latency_s"] = mean_of_all(record.latency.p50_s if record.latency else None for record in done)
    badges: list[str] = []
    memories = []
    for record in done:
        badges += record.badges
        if record.cost and record.cost.peak_memory_of is not None:
            memories.append(line(record.cost.peak_memory_of))
    return CostLine(
        group=scored_alike(labels),
        name=position_name(entry, table),
        row=entry.row,
        column=entry.column,
        complete=entry.complete,
        f1_validation=mean_over(done, VALIDATION_F1),
        f1_test=mean_over(done, TEST_F1),
        **means,
        badges=tuple(dict.fromkeys(badges)),
        outdated=any(record.outdated for record in done),
        memory_of=tuple(dict.fromkeys(memories)),
        devices=tuple(dict.fromkeys(map(_device, done))),
        fronts=(),
        latencies=tuple(record.latency for record in done if record.latency),
        beside=max(map(_beside, done)),
    )


def position_name(entry: Entry, table: Table) -> str:
    """``bias 10 / U-Net, 128``: what a position is called beside those of other tables."""
    return ", ".join([f"{entry.row} / {entry.column}", *dict(table.title).values()])


def _beside(record: Record) -> int:
    """Workers that shared the processor that trained a cell; 0 for a GPU, and where it is not known."""
    made = record.provenance
    return (made.workers or 0) if made and made.cuda is None else 0


def _paid(record: Record, name: str) -> float | None:
    """A cost, one below zero is none; training includes that of the pretraining run."""
    if name == "image_latency_s":
        value = record.told_latency_s
    else:
        value = number(record.value((name,) if name == "parameters" else ("cost", name)))
    if value is None or value < 0:
        return None
    before = _paid(record, "pretrain_s") if name == "train_s" else None
    return value + (before or 0.0)


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
        for cost in FRONTS:
            alike = alike_of([lines[place] for place in members], cost)
            for place in () if alike is None else _front(lines, members, cost, alike):
                on[place].append(cost)
    return [replace(one, fronts=tuple(fronts)) for one, fronts in zip(lines, on, strict=True)]


def alike_of(lines: Sequence[CostLine], cost: str) -> float | None:
    """Share up to which costs of these positions count as equal; None where they cannot be compared.

    Of measured latencies it is the most that one of them moves by itself.
    """
    if cost not in TIMED:
        return 0.0
    latencies = [latency for one in lines for latency in one.latencies]
    if cost == "image_latency_s" and latencies:
        places = {(latency.machine, latency.on) for latency in latencies}
        return max(map(_noise, latencies)) if len(places) == 1 else None
    if cost == "train_s" and any(one.beside > 1 for one in lines):
        return None
    devices = _devices(lines)
    return ALIKE if len(devices) == 1 and UNNAMED not in devices else None


def _noise(latency: Latency) -> float:
    """The share that a latency moves by; one of a single process moves by more than it tells."""
    return (latency.noise or 0.0) if latency.processes else max(ALIKE, latency.noise or 0.0)


def _front(lines: Sequence[CostLine], members: Sequence[int], cost: str, alike: float) -> list[int]:
    """Those of the members that are on the front of this cost; none where fewer than two can be compared."""
    places = []
    points = []
    for place in members:
        score, paid = lines[place].f1_validation, _compared(lines[place], cost)
        if lines[place].complete and score is not None and paid is not None:
            places.append(place)
            points.append((score, paid))
    return [places[best] for best in front(points, alike=alike)] if len(points) > 1 else []


def _compared(one: CostLine, cost: str) -> float | None:
    """A cost as a front compares it; measured latencies in runs of the reference load, as days differ in its pace."""
    if cost == "image_latency_s" and one.image_latency_s is not None and one.latencies:
        return mean_of_all(latency.ratio for latency in one.latencies)
    return getattr(one, cost)  # type: ignore[no-any-return]


def _devices(lines: Sequence[CostLine]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(one.devices for one in lines)))


def cost_section(lines: Sequence[CostLine]) -> Section | None:
    """The costs of all positions; None where none is known."""
    known = [one for one in lines if any(getattr(one, name) is not None for name in COSTS)]
    if not known:
        return None
    memories = dict.fromkeys(chain.from_iterable(one.memory_of for one in known))
    latencies = [latency for one in known for latency in one.latencies]
    told = any(one.image_latency_s is not None for one in known)
    sentences = [MEANING.format(latency=MEASURED if latencies else TOLD if told else "")]
    if memories:
        warning = "; not comparable with each other" if len(memories) > 1 else ""
        sentences.append(f"Memory is that of {' or of '.join(memories)}{warning}.")
    sentences.append(_measured_on(_devices(known)))
    if latencies:
        sentences.append(f"Latency is that of {' or of '.join(dict.fromkeys(one.on for one in latencies))}.")
    elif not told:
        sentences.append(UNMEASURED)
    if any(one.fronts for one in known):
        sentences.append(FRONT.format(latency="latency (L), " if told else "", alike=_alike_words(known)))
    beside = max(one.beside for one in known)
    if beside > 1:
        sentences.append(BESIDE.format(beside))
    return Section("Cost", (_grid(known),), tuple(sentences), tuple(map(_values, known)), "cost")


def _alike_words(lines: Sequence[CostLine]) -> str:
    """What counts as equal: times by a fixed share, latencies by the noise that was measured."""
    noise = [_noise(latency) for one in lines for latency in one.latencies]
    if not noise:
        return f"times within {100 * ALIKE:.0f} %"
    share = f"latencies, in runs of the reference load, within {100 * max(noise):.1f} %, the most that one moved,"
    return f"{share} and training times within {100 * ALIKE:.0f} %"


def _values(one: CostLine) -> dict[str, JsonValue]:
    """The exported figures of a position, by name."""
    return {each.name: getattr(one, each.name) for each in fields(one) if each.metadata != INSIDE}


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
    costs = []
    for name, (_, scale) in COSTS.items():
        value = getattr(one, name)
        costs.append(NOTHING if value is None else plain(value * scale))
    fronts = " ".join(FRONTS[cost] for cost in one.fronts)
    return (percent(one.f1_validation), percent(one.f1_test), *costs, fronts or NOTHING)
