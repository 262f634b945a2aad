"""What a job on another machine sends back as soon as it is there: where it is, its stages, its checkpoints."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from bench.engine.carried import CHECKPOINT, PROGRESS, STAGES, TRAVELLING, packed_stage, stages_of
from bench.engine.pieces import packed_bytes, packed_file
from bench.jobs import Job, Progress
from bench.store.home import Places
from bench.store.store import checkpoint_path

EVERY_S = 5.0
"""Seconds between two words on one stage."""


@dataclass(slots=True)
class Wire:
    """The way back: standard output as it was before anything else could print to it."""

    descriptor: int

    @staticmethod
    def taken() -> Wire:
        """Standard output; what is printed from here on goes to standard error."""
        wire = Wire(os.dup(1))
        os.dup2(2, 1)
        return wire

    def send(self, chunks: Iterable[bytes]) -> None:
        """Send pieces, waiting until they are taken."""
        for chunk in chunks:
            left = memoryview(chunk)
            while left:
                left = left[os.write(self.descriptor, left) :]

    def tell(self, name: str, value: object) -> None:
        """Send a word as JSON."""
        self.send([packed_bytes(name, json.dumps(value).encode())])


@dataclass(slots=True)
class Results:
    """What a job leaves, sent as soon as it is there: its stages when they are filed, checkpoints, where it is."""

    job: Job
    places: Places
    wire: Wire
    _sent: set[str] = field(default_factory=set)
    _written: int = 0
    _told: tuple[str, float] = ("", 0.0)

    def known(self, folder: Path) -> None:
        """Leave out what came along: the stages and the checkpoint in the folder of the job."""
        for kind, key in stages_of(self.job).items():
            if (folder / STAGES / kind / key).is_dir():
                self._sent.add(kind)
        self._written = self._checkpoint_written()

    def heard(self, progress: Progress) -> None:
        """Pass on where the job is, and a stage that it has filed."""
        if progress.key != self.job.key:
            progress = replace(progress, key=self.job.key)  # its index
        if progress.stage in TRAVELLING and progress.note == "filed":
            self._send(progress.stage)
        now = time.monotonic()
        if progress.stage == self._told[0] and progress.done < progress.total and now - self._told[1] < EVERY_S:
            return
        self._told = (progress.stage, now)
        self.wire.tell(PROGRESS, asdict(progress))

    def new(self) -> None:
        """Send a checkpoint that was written since the last one."""
        written = self._checkpoint_written()
        if written not in (0, self._written):
            self._written = written
            with suppress(FileNotFoundError):  # the training has ended meanwhile
                self.wire.send(packed_file(CHECKPOINT, self._checkpoint()))

    def all(self) -> None:
        """Send the stages that the job has found finished here."""
        for kind in stages_of(self.job):
            self._send(kind)

    def _send(self, kind: str) -> None:
        if kind not in self._sent:
            self.wire.send(packed_stage(self.places, kind, stages_of(self.job)[kind]))
            self._sent.add(kind)

    def _checkpoint(self) -> Path:
        return checkpoint_path(self.places.stage("train", stages_of(self.job)["train"]))

    def _checkpoint_written(self) -> int:
        try:
            return self._checkpoint().stat().st_mtime_ns
        except OSError:
            return 0
