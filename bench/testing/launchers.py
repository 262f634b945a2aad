"""The contract of launchers: every job ends once, a cancelled one never, and nothing is left behind."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.component import Component
from bench.engine.abandoned import started_in
from bench.engine.carriers import launcher_from
from bench.engine.workers import worker_environments
from bench.images import write_png
from bench.jobs import DataRef, Ended, Job, Progress
from bench.launcher import Launcher, Queue, Site
from bench.states import State
from bench.suite.schema import Runtime
from bench.testing.clauses import Breach, Sentences, built, in_turn, kept, ran
from bench.words import shown

LIMIT_S = 300.0
"""Seconds in which a few jobs of a second each must have ended, on a system that has nothing else to do."""
QUIET_S = 3.0
"""Seconds in which a cancelled job is not heard of."""
GONE_S = 30.0
"""Seconds in which what was closed must be gone."""


def breaches_of_launcher(component: Component[Any]) -> list[str]:
    """The clauses, each on a launcher of its own; the jobs make indices of a few small images."""
    with TemporaryDirectory(prefix="bench-launcher-") as place:
        return kept(in_turn(*(clause(Trial(component, Path(place) / clause.__name__)) for clause in CLAUSES)))


@dataclass(slots=True)
class Trial:
    """A launcher at work in a folder, and what was heard of its jobs."""

    component: Component[Any]
    folder: Path
    heard: list[Progress] = field(default_factory=list)
    ended: dict[str, Ended] = field(default_factory=dict)

    @contextmanager
    def launcher(self) -> Iterator[Launcher]:
        """What the component builds, closed at the end.

        Raises:
            Breach: it is neither a launcher nor a queue.
        """
        self.site.folder.mkdir(parents=True)
        made = built(self.component, self.site)
        if not isinstance(made, Queue) and not all(hasattr(made, name) for name in ("submit", "ended", "close")):
            raise Breach(f"its builder returned {shown(made)}: return a Queue, a Carrier or a Launcher")
        launcher = launcher_from(made, self.site)
        try:
            yield launcher
        finally:
            ran("close()", launcher.close)

    @property
    def site(self) -> Site:
        """Its place: on the processor of whatever machine."""
        environments = worker_environments(Runtime(device="cpu", workers=2), 2)
        return Site("contract", self.folder / "jobs", self.heard.append, environments, "cpu")

    def job(self, name: str, *, sound: bool = True) -> Job:
        """Make an index of three images, or of a folder that is not there."""
        root = self.folder / name
        for number in range(3) if sound else ():
            image = np.full((16, 16), 60 + number, np.uint8)
            write_png(root / "images" / f"{number}.png", image)
            write_png(root / "masks" / f"{number}.png", np.where(image > 61, 255, 0).astype(np.uint8))
        index = self.folder / f"{name}.json"
        return Job(key=name, data=DataRef("folder", {}, str(root), str(index)), home=str(self.folder / "home"))

    def wait(self, launcher: Launcher, keys: Collection[str]) -> None:
        """Collect endings until these jobs have ended.

        Raises:
            Breach: one ends twice, was never submitted, or does not end.
        """
        deadline = time.monotonic() + LIMIT_S
        while not set(keys) <= self.ended.keys():
            if time.monotonic() > deadline:
                left = ", ".join(sorted(set(keys) - self.ended.keys()))
                raise Breach(f"ended() has not told of {left} within {LIMIT_S:g} seconds")
            self.look(launcher, 1.0, keys)

    def look(self, launcher: Launcher, seconds: float, keys: Collection[str]) -> None:
        """Ask once what has ended."""
        for ended in ran("ended()", launcher.ended, seconds):
            if not isinstance(ended, Ended):
                raise Breach(f"ended() returned {shown(ended)}: return Ended objects")
            if ended.key in self.ended or ended.key not in keys:
                raise Breach(f"ended() tells of {ended.key!r}, which ended before, was cancelled or never submitted")
            self.ended[ended.key] = ended


def finishing(trial: Trial) -> Sentences:
    """Every job ends once: done with what it made, or with its reason, whatever becomes of others; it is told where a
    job is.
    """
    names = ("first", "absent", "last")
    with trial.launcher() as launcher:
        ran("submit()", launcher.submit, [trial.job("first"), trial.job("absent", sound=False)])
        ran("submit()", launcher.submit, [trial.job("last")])
        trial.wait(launcher, names)
        trial.look(launcher, 0.1, names)
    for name in ("first", "last"):
        ended = trial.ended[name]
        if ended.state is not State.OK:
            yield f"a sound job ended as {ended.state.value}: {ended.reason}"
        elif not (trial.folder / f"{name}.json").is_file():
            yield "a job ended as done and has made nothing: tell what the job itself answered"
        elif not any(progress.key == name for progress in trial.heard):
            yield "nobody heard where a job was: call site.listener"
    absent = trial.ended["absent"]
    if absent.state is State.OK or not absent.reason:
        yield f"a job on a folder that is not there ended as {absent.state.value} ({absent.reason}): it must say why"


def cancelling(trial: Trial) -> Sentences:
    """A cancelled job ends no more, and all others do."""
    names = ("first", "last")
    with trial.launcher() as launcher:
        ran("submit()", launcher.submit, [trial.job(name) for name in ("first", "cancelled", "last")])
        ran("cancel()", launcher.cancel, ["cancelled"])
        trial.wait(launcher, names)
        trial.look(launcher, QUIET_S, names)
        yield from ()


def leaving(trial: Trial) -> Sentences:
    """Once it is closed nothing of it runs, and its folder is gone; what it started means nothing to the next."""
    with trial.launcher() as launcher:
        ran("submit()", launcher.submit, [trial.job(f"job{number}") for number in range(3)])
        ids = started_in(trial.site.folder)
        trial.look(launcher, 1.0, [f"job{number}" for number in range(3)])
    deadline = time.monotonic() + GONE_S
    while (left := _running(trial.site.folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    if left:
        yield f"{GONE_S:g} seconds after close() these commands still run: {', '.join(left)}"
    following = built(trial.component, trial.site) if ids else None
    for call in (following.stop, following.kill) if isinstance(following, Queue) else ():
        ran(f"{call.__name__}() with ids of another command, as one that was killed leaves them,", call, ids)
    if trial.site.folder.exists() and list(trial.site.folder.iterdir()):
        yield "files are left in the folder of the site: close() must take them away"


def _running(folder: Path) -> list[str]:
    """Commands that name a folder, on a machine that tells of its processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(str(folder).encode() in word for word in words):
            found.append(path.parent.name)
    return found


CLAUSES = (finishing, cancelling, leaving)
