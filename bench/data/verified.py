"""A data set that is read as it was indexed: times and sizes of files tell of most changes, the pixels of all."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.data.index import DatasetIndex, sample_digest
from bench.errors import DataError
from bench.types import Dataset, Record, Sample


@dataclass(frozen=True)
class Verified:
    """A data set whose every loaded image is compared with its index.

    An index that is not true of an image is removed with ``file``: the next run reads all images again.
    """

    dataset: Dataset
    index: DatasetIndex
    file: Path

    @property
    def classes(self) -> Sequence[str]:
        """Those of the data set."""
        return self.dataset.classes

    def records(self) -> Sequence[Record]:
        """Those of the data set."""
        return self.dataset.records()

    def load(self, id: str, /) -> Sample:
        """One image and its mask as they were indexed. Called from several threads at once.

        Raises:
            DataError: it cannot be read, or is another one now.
        """
        sample = self.dataset.load(id)
        if sample_digest(sample) != self._digests.get(id):
            with suppress(OSError):
                self.file.unlink(missing_ok=True)
            raise DataError(
                f"image {id!r} of data set {self.index.dataset!r} or its mask is not what was indexed, though size and "
                "times of its files are, or its reader gives another each time; run the suite again, which reads all "
                "images anew"
            )
        return sample

    @cached_property
    def _digests(self) -> dict[str, str]:
        return {entry.id: entry.digest for entry in self.index.entries}
