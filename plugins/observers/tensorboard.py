"""TensorBoard: a folder of events for each cell, below the run's own folder, written without TensorFlow or torch.

A cell that goes on gets a further file in its folder, which begins with a mark that TensorBoard reads as a restart:
what the folder says of that epoch and later ones is no longer shown.
"""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.api import (
    About,
    CellResult,
    Component,
    Epoch,
    ObservedCell,
    ObservedRun,
    Observer,
    PluginError,
    RunResult,
    hookimpl,
)

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

FLUSH_S = 10
LONGEST_NAME = 80
OTHERS = re.compile(r"[^\w.=-]+")
PNG = b"\x89PNG\r\n\x1a\n"
SIZE = struct.Struct(">16xII")
"""Width and height in the head of a PNG file."""


class TensorBoard(Observer):
    """Writes scalars in float32, as the format has them, pictures, and axes and settings as hyper-parameters."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writers: dict[str, EventFileWriter] = {}
        self.last: dict[str, int] = {}

    def cell_began(self, cell: ObservedCell) -> None:
        """Open a file of events with what the cell is of."""
        from tensorboard.plugins.hparams.summary_v2 import hparams_pb

        self.writers[cell.id] = self._writer(cell.id, cell.name)
        plain = {name: value for name, value in cell.settings.items() if isinstance(value, str | int | float)}
        told = hparams_pb({**plain, **{f"axis.{axis}": label for axis, label in cell.axes.items()}}, trial_id=cell.id)
        self._add(cell.id, summary=told)

    def epoch_ended(self, cell: ObservedCell, epoch: Epoch) -> None:
        """Add what is known of it, by its number; the first of a file begins with a mark of restart."""
        from tensorboard.compat.proto.event_pb2 import SessionLog

        if cell.id not in self.last:
            self._add(cell.id, epoch.epoch, session_log=SessionLog(status=SessionLog.START))
        self.last[cell.id] = epoch.epoch
        values = {f"epoch/{name}": value for name, value in asdict(epoch).items() if value is not None}
        self._add_scalars(cell.id, values, epoch.epoch)

    def cell_ended(self, cell: ObservedCell, result: CellResult) -> None:
        """Add scores, costs and pictures, and close the file."""
        record, step = result.record, self.last.pop(cell.id, 0)
        for split, scores in record.scores.items():
            self._add_scalars(cell.id, {f"{split}/{name}": value for name, value in scores.numbers.items()}, step)
        self._add_scalars(cell.id, {f"cell/{name}": value for name, value in record.facts.items()}, step)
        for picture in result.pictures:
            self._add_picture(cell.id, picture, step)
        self._add_text(cell.id, "ended", ": ".join(filter(None, (record.state.word, record.reason))), step)
        self.writers.pop(cell.id).close()

    def run_ended(self, run: ObservedRun, result: RunResult) -> None:
        """Add the leaderboard, and close what is open."""
        boards = [path for path in result.files if path.suffix == ".md"]
        if boards:
            self.writers[run.id] = self._writer(run.id, "leaderboard")
            for path in boards:
                self._add_text(run.id, path.stem, path.read_text(encoding="utf-8"), 0)
        for writer in self.writers.values():
            writer.close()

    def _writer(self, id: str, name: str) -> EventFileWriter:
        """A writer into the folder of an id, which keeps the name that it was first made with."""
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        ending = f"-{id[:8]}"
        made = OTHERS.sub("-", name)[:LONGEST_NAME].strip("-.") + ending
        there = sorted(self.folder.glob(f"*{ending}"))
        return EventFileWriter(str(there[0] if there else self.folder / made), flush_secs=FLUSH_S)

    def _add(self, id: str, step: int = 0, **what: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        event: Event = Event(wall_time=time.time(), step=step, **what)
        self.writers[id].add_event(event)

    def _add_scalars(self, id: str, values: Mapping[str, float], step: int) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        found = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._add(id, step, summary=Summary(value=found))

    def _add_picture(self, id: str, path: Path, step: int) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        content = path.read_bytes()
        if not content.startswith(PNG):
            return
        width, height = SIZE.unpack_from(content)
        image = Summary.Image(width=width, height=height, colorspace=3, encoded_image_string=content)
        self._add(id, step, summary=Summary(value=[Summary.Value(tag=f"pictures/{path.stem}", image=image)]))

    def _add_text(self, id: str, name: str, text: str, step: int) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.text.metadata import create_summary_metadata
        from tensorboard.util.tensor_util import make_tensor_proto

        metadata = create_summary_metadata(name, "")
        value = Summary.Value(tag=name, metadata=metadata, tensor=make_tensor_proto([text.encode()]))
        self._add(id, step, summary=Summary(value=[value]))


def build(folder: Path, /, *, logs: str | None = None) -> Observer:
    """Write files of events.

    ``logs`` is the folder for them, null the observer's own: ``tensorboard --logdir runs/NAME/observers/tensorboard``.
    """
    try:
        import tensorboard.compat.proto.event_pb2  # noqa: F401
    except ImportError:
        raise PluginError(
            "the observer 'tensorboard' needs TensorBoard: pip install \"defectbench[tensorboard]\""
        ) from None
    return TensorBoard(Path(logs) if logs else folder)


@hookimpl
def bench_observers() -> Iterable[Component[Observer]]:
    """Offer it."""
    yield Component("tensorboard", build, about=About("files of TensorBoard; needs the extra 'tensorboard'"))
