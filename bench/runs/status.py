"""What goes on in a run folder now, from its records and its journal."""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.record import Record
from bench.report.choose import state_of
from bench.runs.folder import CELLS, read_run, records_in
from bench.runs.journal import BEAT_S, events
from bench.suite.joint import short_names
from bench.types import JsonValue
from bench.words import duration, plural

ERRORS = 5
"""Last failures that are told."""
SILENT_S = 3 * BEAT_S
"""Seconds of silence after which a command on another machine is taken for dead."""


@dataclass(slots=True)
class Task:
    """What a worker has in hand: the stage of a job, how far it is, since when (seconds since 1970)."""

    key: str
    name: str
    stage: str
    done: int
    total: int
    note: str
    since: float


@dataclass(slots=True)
class Command:
    """A command that works on the run, or worked on it last; ``ends`` is when, as it foresaw last."""

    run: str
    command: str = ""
    host: str = ""
    pid: int = 0
    began: float = 0.0
    last: float = 0.0
    planned: Mapping[str, int] = field(default_factory=dict)
    ended: int = 0
    ends: float | None = None
    how: str | None = None
    tasks: dict[str, Task] = field(default_factory=dict)

    def is_alive(self, now: float) -> bool:
        """Whether it is still at work: its process is there, or from afar, it spoke lately."""
        if self.how is not None:
            return False
        if self.host == socket.gethostname():
            return _is_process(self.pid)
        return now - self.last < SILENT_S

    def left(self, now: float) -> float | None:
        """Seconds until all its cells have ended, as it has told itself; else at the pace of those that have.

        None before the first.
        """
        if self.ends is not None:
            return max(0.0, self.ends - now)
        waiting = sum(self.planned.values()) - self.planned.get("done", 0) - self.ended
        return (now - self.began) / self.ended * waiting if self.ended else None


@dataclass(frozen=True, slots=True)
class Status:
    """A run folder at one moment: cells by state, the commands at work, and the last failures."""

    suite: str
    cells: Mapping[str, int]
    alive: tuple[Command, ...]
    last: Command | None
    failures: tuple[Mapping[str, JsonValue], ...]
    now: float

    def plain(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "suite": self.suite,
            "at": self.now,
            "cells": dict(self.cells),
            "commands": [_plain(command, self.now) for command in self.alive],
            "last": None if self.last is None else _plain(self.last, self.now),
            "failures": list(self.failures),
        }


def status_of(folder: Path, now: float | None = None) -> Status:
    """What goes on in a run folder.

    Raises:
        StoreError: the folder holds no run, or a record is damaged.
    """
    now = time.time() if now is None else now
    suite, _ = read_run(folder)
    records = records_in(folder, suite)
    states: dict[str, str] = {cell.id: state_of(cell, records)[0] for cell in suite.cells}
    short = short_names([cell.labels for cell in suite.cells])
    names = {cell.id: name for cell, name in zip(suite.cells, short, strict=True)}
    commands = read_commands(events(folder), names)
    alive = tuple(command for command in commands if command.is_alive(now))
    at_work = {key for command in alive for key in command.tasks if key in states}
    states |= dict.fromkeys(at_work, "running")
    counts = Counter(states.values())
    failed = [cell for cell, state in states.items() if state in ("failed", "diverged", "blocked")]
    failed.sort(key=lambda cell: (folder / CELLS / f"{cell}.json").stat().st_mtime)
    failures = tuple(_failure(cell, names[cell], records[cell]) for cell in failed[-ERRORS:])
    return Status(suite.name, counts, alive, commands[-1] if commands else None, failures, now)


def _failure(cell: str, name: str, record: Record) -> Mapping[str, JsonValue]:
    return {"cell": cell, "name": name, "state": record.state.value, "reason": record.reason}


def read_commands(told: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> list[Command]:
    """The commands of a journal in the order they began, each as its last line left it."""
    commands: dict[str, Command] = {}
    for event in told:
        command = commands.setdefault(event["run"], Command(event["run"], began=event["at"]))
        command.last = event["at"]
        with suppress(KeyError, TypeError, ValueError):  # a line of another version says something else
            _take(command, event, names)
    return list(commands.values())


def _take(command: Command, event: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Bring a command up to one of its events."""
    if "left_s" in event:
        command.ends = event["at"] + float(event["left_s"])
    match event["event"]:
        case "began":
            command.command, command.host, command.pid = event["command"], event["host"], int(event["pid"])
        case "planned":
            command.planned = dict(event["cells"])
            command.tasks.clear()  # indices are made by now
        case "at":
            key, stage = event["key"], event["stage"]
            before = command.tasks.get(key)
            since = before.since if before is not None and before.stage == stage else event["at"]
            figures = int(event["done"]), int(event["total"]), str(event["note"])
            command.tasks[key] = Task(key, names.get(key, key[:8]), stage, *figures, since)
            if key not in names and figures[0] >= figures[1]:
                del command.tasks[key]  # a pretraining run, of whose end nobody else tells
        case "ended":
            command.ended += 1
            command.tasks.pop(event["key"], None)
        case "finished":
            command.how = event["how"]
            command.tasks.clear()


def _is_process(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _plain(command: Command, now: float) -> dict[str, Any]:
    told = asdict(command)
    tasks = list(told["tasks"].values())
    return {**told, "tasks": tasks, "alive": command.is_alive(now), "left_s": command.left(now)}


def status_lines(status: Status) -> Iterator[str]:
    """What goes on, for the eye."""
    counts = ", ".join(f"{count} {state}" for state, count in sorted(status.cells.items()))
    yield f"{status.suite}: {plural(sum(status.cells.values()), 'cell')} ({counts})"
    for at_work in status.alive:
        yield from _command_lines(at_work, status.now)
    if not status.alive:
        yield _rest(status.last, status.now)
    for failure in status.failures:
        yield f"{failure['state']}: {str(failure['cell'])[:8]} {failure['name']}: {failure['reason']}"


def _command_lines(at_work: Command, now: float) -> Iterator[str]:
    left = at_work.left(now)
    ahead = "" if left is None else f", about {duration(left)} left"
    ended = f"{plural(at_work.ended, 'cell')} ended in {duration(now - at_work.began)}"
    yield f"at work: {at_work.host} process {at_work.pid}, {ended}{ahead}"
    for task in at_work.tasks.values():
        note = f", {task.note}" if task.note else ""
        yield f"  {task.name}: {task.stage} {task.done}/{task.total}, {duration(now - task.since)}{note}"


def _rest(last: Command | None, now: float) -> str:
    """Why nothing is at work."""
    if last is None:
        return "nothing is at work; no command has kept a journal here"
    silent = duration(now - last.last)
    if last.how is None:
        return f"nothing is at work; the last command was killed (silent for {silent}); repeat it"
    return f"nothing is at work; the last command ended {silent} ago: {last.how}"
