"""A plan in words."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from bench.engine.devices import device_remarks, no_bf16
from bench.engine.plan import RUNNABLE, Plan, Planned
from bench.engine.workers import environments_of
from bench.record import State
from bench.store.home import Places
from bench.words import plural, size_text

MEANING = {
    "done": "finished, reused as they are",
    "diverged": "finished without a usable model, not repeated",
    "stale": "finished with other data, code version or settings; run again",
    "failed": "failed before; run again",
    "pending": "to be run",
    "unindexed": "to be run; their data have not been indexed yet",
    "blocked": "cannot run",
    "skipped": "not possible",
    "excluded": "left out by the suite",
}


def plan_lines(plan: Plan, places: Places) -> Iterator[str]:
    """Cells by state, reasons once each, inert levels, data sets, disk."""
    profile = f", profile {plan.suite.profile} ({plan.suite.profile_reason})" if plan.suite.profile else ""
    yield f"suite {plan.suite.name}{profile}: {plural(len(plan.cells), 'cell')}"
    counts = plan.counts()
    for state, meaning in MEANING.items():
        if state in counts:
            yield f"  {counts[state]:5d} {state:9s} {meaning}"
    yield from _reasons(plan)
    badges: dict[str, None] = {}
    for planned in plan.cells:
        badges |= dict.fromkeys(planned.badges)
    for badge in badges:
        yield f"  badge: {badge}"
    yield from opening_remarks(plan)
    yield workers_line(plan)
    for remark in device_remarks(plan.suite.runtime) if plan.suite.runtime.is_local else ():
        yield f"  remark: {remark}"
    for note in plan.suite.notes:
        yield f"  note: {note}"
    inert = {planned.cell.labels["crop"] for planned in plan.cells if planned.inert}
    for label in sorted(inert):
        yield f"  inert: {label} excludes no position of these images; it is the same as uniform crops"
    fell_back = {planned.cell.labels["crop"] for planned in plan.cells if planned.fell_back}
    for label in sorted(fell_back):
        yield f"  fallback: {label} admits no position of these images; every crop is its fallback window"
    for dataset in plan.datasets:
        images = plural(len(dataset.index.entries), "image") if dataset.index else "not indexed yet"
        yield f"  data set {dataset.data.use}: {dataset.problem or images}"
    yield _disk(plan, places)


def workers_line(plan: Plan) -> str:
    """How many cells are at work at once, where, and with how many threads of an operation each."""
    if not plan.suite.runtime.is_local:
        return f"  launcher: {plan.suite.runtime.launcher.use}, which decides where and how many at once"
    environments = environments_of(plan.suite)
    devices = dict.fromkeys(environment["BENCH_DEVICE_NAME"] for environment in environments)
    threads = sorted({cell.recipe.threads for cell in plan.suite.cells})
    each = plural(threads[0], "thread") if len(threads) == 1 else f"{threads[0]} to {threads[-1]} threads"
    return f"  workers: {len(environments)} on {', '.join(devices)}, {each} each"


def opening_remarks(plan: Plan) -> Iterator[str]:
    """What to beware of before anything is spent: in the data, and on this machine."""
    for remark in plan.remarks():
        yield f"  remark: {remark}"
    waiting = [planned.cell for planned in plan.cells if planned.state in (*RUNNABLE, "unindexed")]
    in_bf16 = sum(cell.recipe.precision == "bf16" for cell in waiting)
    slow = no_bf16(plan.suite.runtime) if plan.suite.runtime.is_local else None
    if in_bf16 and slow is not None:
        yield (
            f"  remark: {plural(in_bf16, 'cell')} in bf16, {slow}: -x recipe.precision=float32 makes them other cells, "
            "and fast"
        )


def blocked_lines(plan: Plan) -> Iterator[str]:
    """Why cells could not run, and that what a leaderboard shows of them is of an earlier run."""
    groups: dict[str, list[Planned]] = {}
    for planned in plan.cells:
        if planned.state == "blocked" and planned.reason:
            groups.setdefault(planned.reason, []).append(planned)
    for reason, group in groups.items():
        earlier = any(planned.record is not None and planned.record.state is State.OK for planned in group)
        yield reason if group[0].data_absent else f"blocked ({len(group)}): {reason}"
        if earlier:
            yield "  the scores above of these cells are those of an earlier run, not of these data"


def _reasons(plan: Plan) -> Iterator[str]:
    seen: dict[tuple[str, str], list[Planned]] = {}
    for planned in plan.cells:
        if planned.reason:
            seen.setdefault((planned.state, planned.reason), []).append(planned)
    for (state, reason), group in seen.items():
        yield f"  {state} ({len(group)}): {reason}"


def free_bytes(places: Places) -> int:
    """Bytes that are free where the store is, or will be."""
    folder = places.home
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _disk(plan: Plan, places: Places) -> str:
    """Bytes needed against bytes free; unindexed data sets cannot be counted yet."""
    free = free_bytes(places)
    verdict = "" if plan.disk_bytes < free else " - NOT ENOUGH"
    indexed = all(dataset.index is not None or dataset.problem for dataset in plan.datasets)
    parts = ", ".join(f"{what} {size_text(count)}" for what, count in plan.disk.items())
    need = f"{size_text(plan.disk_bytes)} to store" + (f" ({parts})" if parts else "")
    if not indexed:
        need = f"at least {need}, the rest known after indexing" if parts else "known after indexing"
    home = Path.home()
    place = f"~/{places.home.relative_to(home)}" if places.home.is_relative_to(home) else places.home
    return f"  disk: {need}, {size_text(free)} free at {place}{verdict}"
