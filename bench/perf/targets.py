"""What a measurement of latencies is made of: finished cells of runs, and models as they are built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.catalog import Catalog
from bench.errors import StoreError
from bench.perf.infer import Infer, ModelImage, Subject, Subjects, subject_of_model
from bench.record import State
from bench.runs.folder import records_in
from bench.runs.latencies import keep_latencies
from bench.store.home import Places
from bench.suite.resolved import Suite
from bench.suite.schema import Ref


@dataclass(slots=True)
class Targets:
    """What is to be timed, and the cells whose latencies each run folder is to keep.

    ``places`` gives the store, with the folders of data sets that a suite names; ``batch`` is another number of tiles
    at once than those that cells were trained with.
    """

    catalog: Catalog
    places: Callable[[Mapping[str, str]], Places]
    batch: int | None = None
    subjects: list[Subject] = field(default_factory=list)
    folders: dict[Path, list[str]] = field(default_factory=dict)

    def add_model(self, name: str, ref: Ref, image: ModelImage) -> None:
        """Take a model as it is built."""
        self.subjects.append(subject_of_model(name, ref, self.catalog, image))

    def add_cells(self, folder: Path, suite: Suite, start: str = "") -> None:
        """Take the finished cells of a run whose ids begin with ``start``.

        Raises:
            StoreError: none is finished, or a stage of one is not in the store.
            DataError: the data set of one is not here.
        """
        records = records_in(folder, suite)
        cells = []
        for cell in suite.cells:
            record = records.get(cell.id)
            if record is not None and record.state is State.OK and cell.id.startswith(start):
                cells.append((cell, record))
        if not cells:
            raise StoreError(f"{folder}: no finished cell to measure; 'bench run' this suite first")
        found = Subjects(self.catalog, self.places(suite.data)).of(cells)
        self.subjects += [subject.batched(self.batch) if self.batch else subject for subject in found]
        self.folders.setdefault(folder, []).extend(cell.id for cell, _ in cells)

    def keep(self, found: Infer) -> None:
        """Write the latencies of cells into the folders of their runs, for boards and fronts."""
        latencies = found.latencies()
        for folder, ids in self.folders.items():
            keep_latencies(folder, {id: latencies[id] for id in ids})
