"""A finished run as figures read it: its board and records, and where its evidence and images lie."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.catalog import Catalog
from bench.component import guarded, why_withheld
from bench.data.index import DatasetIndex
from bench.data.verified import Verified
from bench.errors import BenchError, Damaged, DataError, StoreError
from bench.record import Record
from bench.report.board import Leaderboard
from bench.runs.folder import done_again
from bench.stages.opening import open_indexed
from bench.store.home import Places
from bench.store.store import flaws, stage_note
from bench.suite.cells import Cell
from bench.suite.resolved import Suite
from bench.suite.schema import Ref
from bench.types import Record as Entry
from bench.types import Sample


class NothingToDraw(BenchError):
    """A run has nothing that a figure of this kind shows: no fault, and nothing can be done about it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A run with its ``records`` by cell id; ``permitted`` are data sets whose owner lets the user print pictures."""

    suite: Suite
    board: Leaderboard
    records: Mapping[str, Record]
    catalog: Catalog
    places: Places
    permitted: Collection[str] = ()

    @property
    def cells(self) -> Mapping[str, Cell]:
        """The cells of the suite by id."""
        return {cell.id: cell for cell in self.suite.cells}

    @property
    def told(self) -> str:
        """Which run it is, for captions."""
        return f"Run {self.suite.name}, suite {self.suite.hash}."

    def stage(self, record: Record, kind: str) -> Path:
        """Folder of a finished stage of a cell in the store.

        Raises:
            StoreError: it is no longer there.
            Damaged: a file of it is not what was written.
        """
        key = record.keys.get(kind) or ""
        folder = self.places.stage(kind, key)
        note = stage_note(folder) if key else None
        if note is None:
            raise StoreError(f"the {kind} stage of cell {record.id} is not in {folder.parent}; {done_again(record)}")
        for flaw in flaws(folder, note):
            raise Damaged(f"{flaw}; {done_again(record)}")
        return folder

    def scored(self, cell: Cell, record: Record) -> Images:
        """The images that a cell was scored on.

        Raises:
            BenchError: as :meth:`images`.
        """
        made = record.provenance
        return self.images(cell.dataset, made.data_fingerprint if made else None)

    def images(self, ref: Ref, fingerprint: str | None) -> Images:
        """A data set whose pictures may be printed; ``fingerprint`` is that of the data which were scored.

        Raises:
            BenchError: nobody offers it, it is absent, or may not be shown.
            DataError: it is not what it was.
        """
        about = self.catalog.find("dataset", ref.use).component.about
        withheld = why_withheld(ref.use, about, self.permitted)
        if withheld:
            raise DataError(withheld)
        opened = open_indexed(self.catalog, ref, self.places)
        if fingerprint not in (None, opened.index.fingerprint):
            raise DataError(f"data set {ref.use!r} is not what this run was scored on; run the suite again")
        licence = about.licence if about else ""
        verified = Verified(opened.dataset, opened.index, opened.index_file)
        return Images(ref.use, licence or "not stated", verified, opened.index, opened.records)


@dataclass(frozen=True, slots=True)
class Images:
    """A data set whose images may be printed; each is loaded by its id, and is then what was indexed."""

    name: str
    licence: str
    verified: Verified
    index: DatasetIndex
    records: Sequence[Entry]

    def load(self, id: str) -> Sample:
        """One image with its mask.

        Raises:
            BenchError: it cannot be read, or is another one now.
        """
        return guarded(f"load({id!r}) of data set {self.name!r}", self.verified.load, id)

    @property
    def told(self) -> str:
        """Whose images they are, for captions."""
        return f"Images: {self.name}, licence: {self.licence}."
