"""The contract of launchers tells what is wrong with each that breaks it; a sound queue and the local one keep it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import pytest

from bench.catalog import Catalog
from bench.component import Component
from bench.engine.worker import perform
from bench.jobs import Ended, Job, Progress
from bench.launcher import Command, Site
from bench.states import State
from bench.testing import breaches, launchers
from bench.train.stop import Stop
from sampling import whole_run


class Here:
    """A sound launcher, which does a job in this process when somebody asks what has ended."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.waiting: list[Job] = []
        self.catalogs: dict[Any, Catalog] = {}

    def submit(self, jobs: Sequence[Job]) -> None:
        self.waiting += jobs

    def ended(self, _timeout: float) -> Sequence[Ended]:
        jobs, self.waiting = self.waiting, []
        return [perform(job, self.catalogs, self.say, Stop()) for job in jobs]

    def say(self, said: object) -> None:
        if isinstance(said, Progress):
            self.site.listener(said)

    def remarks(self) -> Sequence[str]:
        return ()

    def cancel(self, keys: Collection[str]) -> None:
        self.waiting = [job for job in self.waiting if job.key not in keys]

    def stop(self) -> None:
        self.waiting = []

    def close(self) -> None:
        for path in self.site.folder.glob("*"):
            path.unlink()


class Idle(Here):
    def ended(self, _timeout: float) -> Sequence[Ended]:
        jobs, self.waiting = self.waiting, []
        return [Ended(job.key, State.OK) for job in jobs]


class Silent(Here):
    def say(self, said: object) -> None: ...


class Repeating(Here):
    done: Sequence[Ended] = ()

    def ended(self, timeout: float) -> Sequence[Ended]:
        self.done = [*self.done, *super().ended(timeout)]
        return self.done


class Deaf(Here):
    def cancel(self, keys: Collection[str]) -> None: ...


class Littering(Here):
    def submit(self, jobs: Sequence[Job]) -> None:
        super().submit(jobs)
        (self.site.folder / "job").write_text("left")

    def close(self) -> None: ...


class Raising(Here):
    def cancel(self, keys: Collection[str]) -> None:
        raise RuntimeError("not today")


class Forgetting(Here):
    def submit(self, jobs: Sequence[Job]) -> None:
        self.waiting += jobs[1:]


class Telling(Here):
    def ended(self, timeout: float) -> Any:
        return [ended.key for ended in super().ended(timeout)]


class Excusing(Here):
    def ended(self, timeout: float) -> Sequence[Ended]:
        return [Ended(ended.key, ended.state) for ended in super().ended(timeout)]


class Lost:
    """A queue that knows nothing of its commands."""

    def start(self, commands: Sequence[Command]) -> Sequence[str]:
        return [command.name for command in commands]

    def alive(self, _ids: Collection[str]) -> Collection[str]:
        return ()

    def stop(self, ids: Collection[str]) -> None: ...

    def kill(self, ids: Collection[str]) -> None: ...


BROKEN: dict[str, tuple[Callable[[Site], Any], str]] = {
    "idle": (Idle, "a job ended as done and has made nothing"),
    "silent": (Silent, "nobody heard where a job was"),
    "repeating": (Repeating, "which ended before, was cancelled or never"),
    "deaf": (Deaf, "tells of 'cancelled', which ended before, was cancelled"),
    "littering": (Littering, "files are left in the folder of the site"),
    "raising": (Raising, "cancel() raises RuntimeError: not today"),
    "forgetting": (Forgetting, "ended() has not told of first, last within"),
    "telling": (Telling, "return Ended objects"),
    "excusing": (Excusing, "a job on a folder that is not there ended as data-error (None): it must say why"),
    "nothing": (lambda _site: None, "return a Queue, a Carrier or a Launcher"),
    "lost": (
        lambda _site: Lost(),
        "a sound job ended as killed: job contract-00001-first of the queue ended without an answer",
    ),
}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here is slow."""
    for name in ("QUIET_S", "GONE_S"):
        monkeypatch.setattr(launchers, name, 0.2)
    monkeypatch.setattr(launchers, "LIMIT_S", 60.0)
    monkeypatch.setattr("bench.engine.queued.ASK_S", 0.1)
    monkeypatch.setattr("bench.engine.queued.GRACE_S", 0.2)


def offered(build: Callable[[Site], Any]) -> Component[Any]:
    def builder(site: Site, /) -> Any:
        return build(site)

    return Component("theirs", builder)


def test_a_sound_launcher_breaks_nothing() -> None:
    assert breaches("launcher", offered(Here)) == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_launcher_is_told_what_is_wrong(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    build, said = BROKEN[name]
    if name == "forgetting":
        monkeypatch.setattr(launchers, "LIMIT_S", 2.0)
    found = breaches("launcher", offered(build))
    assert any(said in sentence for sentence in found), found


@whole_run
def test_the_launcher_of_this_machine_keeps_the_contract(catalog: Catalog) -> None:
    assert breaches("launcher", catalog.find("launcher", "local").component) == []
