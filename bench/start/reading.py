"""How a folder is read: a data set by name with settings, why each setting, and what a first look says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from bench.catalog import Catalog
from bench.component import settings_of
from bench.errors import BenchError, DataError
from bench.jobs import DataRef
from bench.stages.indexing import listed, open_dataset
from bench.start.facts import Look, first_look
from bench.types import Dataset, JsonValue, Record
from bench.words import unknown

LEAVE_OUT = "leave-out"
"""``--set clean=leave-out``: images without a mask are not used."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the user said: the reader, folders of images and of masks from the root, and settings of the reader."""

    reader: str | None = None
    images: PurePath | None = None
    masks: PurePath | None = None
    settings: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """A data set by name, its folder and settings; ``why`` has a comment for settings that were concluded.

    ``table`` is the text of the csv file that the reader needs, None where it needs none. ``found`` and ``left_out``
    are sentences.
    """

    use: str
    root: Path
    settings: Mapping[str, JsonValue]
    why: Mapping[str, str]
    found: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    table: str | None = None
    groups_are: str = ""

    def with_settings(self, settings: Mapping[str, JsonValue], why: Mapping[str, str]) -> Reading:
        """The same with more settings."""
        return replace(self, settings={**self.settings, **settings}, why={**self.why, **why})


@dataclass(frozen=True, slots=True)
class Settled:
    """A reading that reads: its data set, records, and the first look at some of them."""

    reading: Reading
    dataset: Dataset
    records: tuple[Record, ...]
    look: Look


def opened(catalog: Catalog, reading: Reading) -> tuple[Dataset, tuple[Record, ...]]:
    """Build the data set and list its records.

    Raises:
        BenchError: what the reader says.
    """
    data = DataRef(reading.use, dict(reading.settings), str(reading.root), index="")
    dataset = open_dataset(catalog, data)
    return dataset, listed(dataset, reading.use)


def settled(catalog: Catalog, reading: Reading) -> Settled:
    """Read some images; of several settings that the reader advises one is taken if it is the only one that reads.

    Raises:
        DataError: the reader refuses; the message ends with the options that answer it.
    """
    try:
        return _read(catalog, reading)
    except DataError as error:
        remedies = [dict(remedy) for remedy in error.remedies if not set(remedy) & set(reading.settings)]
        reading_ones = [found for remedy in remedies if (found := _tried(catalog, reading, remedy))]
        if len(remedies) > 1 and len(reading_ones) == 1:
            return reading_ones[0]
        if not remedies:
            raise
        raise DataError(f"{error}; answer with {' or '.join(map(as_option, remedies))}") from None


def _tried(catalog: Catalog, reading: Reading, remedy: Mapping[str, object]) -> Settled | None:
    settings = {name: _plain(value) for name, value in remedy.items()}
    why = dict.fromkeys(settings, "the only one of the settings advised with which all images looked at are read")
    try:
        return _read(catalog, reading.with_settings(settings, why))
    except BenchError:
        return None


def _read(catalog: Catalog, reading: Reading) -> Settled:
    dataset, records = opened(catalog, reading)
    look = first_look(reading.use, dataset, [record.id for record in records])
    return Settled(reading, dataset, records, look)


def _plain(value: object) -> JsonValue:
    """A setting out of an error."""
    if isinstance(value, str | int | bool):
        return value
    raise TypeError(f"{value!r} is no text, number or truth value")


def as_option(settings: Mapping[str, object]) -> str:
    """``--set a=1 --set b=text``, as it is typed."""
    import shlex

    parts = []
    for name, value in settings.items():
        written = str(value).lower() if isinstance(value, bool) else str(value)
        parts.append(f"--set {shlex.quote(f'{name}={written}')}")
    return " ".join(parts)


def check_settings(catalog: Catalog, use: str, names: Sequence[str]) -> None:
    """Refuse answers that the reader has no setting for.

    Raises:
        DataError: names it and what there is.
    """
    known = [setting.name for setting in settings_of(catalog.find("dataset", use).component)]
    for name in names:
        if name not in known:
            raise DataError(f"--set {name}: {unknown(f'setting of data set {use}', name, known)}")
