"""Finding a release in the folder a user named, and reading its tables: what every reader of a data set needs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import DataError


def release_home(root: Path, holds: Callable[[Path], bool], *, wanted: str, obtain: str) -> Path:
    """The folder that ``holds`` the release: ``root``, or the only folder one level below that does.

    ``wanted`` names what such a folder contains, ``obtain`` says how to get the data; both go into messages.

    Raises:
        DataError: the folder is missing, or neither it nor exactly one folder in it holds the release.
    """
    if not root.is_dir():
        raise DataError(f"{root}: the folder is missing; {obtain}")
    if holds(root):
        return root
    found = sorted(folder for folder in visible(root) if folder.is_dir() and holds(folder))
    if not found:
        raise DataError(f"{root}: no {wanted} in it or one level below; {obtain}")
    if len(found) > 1:
        names = ", ".join(folder.name for folder in found)
        raise DataError(f"{root}: holds several copies of the data set, {names}; name one of them")
    return found[0]


def visible(folder: Path) -> Iterator[Path]:
    """What lies in a folder, in the order of names, without hidden entries and what archives of a Mac add."""
    return (path for path in sorted(folder.iterdir()) if path.name[0] != "." and path.name != "__MACOSX")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: its line in the file, from 1, and its values by column."""

    file: Path
    line: int
    values: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.values[column]

    @property
    def where(self) -> str:
        """``file:line``, for messages."""
        return f"{self.file}:{self.line}"


def read_csv(path: Path, columns: Sequence[str]) -> list[Row]:
    """The rows of a comma-separated UTF-8 file whose first line names at least ``columns``.

    Raises:
        DataError: the file is missing, unreadable, not UTF-8, empty, lacks a column or names one twice, or a row
            has more or fewer values than the header; names file and line.
    """
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        lost = [name for name in columns if name not in header]
        if lost or len(set(header)) < len(header):
            raise DataError(f"{path}:1: the columns are {header}; there must be {', '.join(columns)}, each once")
        rows = []
        for values in reader:
            if not values:
                continue
            if len(values) != len(header):
                raise DataError(f"{path}:{reader.line_num}: {len(values)} value(s) under {len(header)} columns")
            rows.append(Row(path, reader.line_num, dict(zip(header, values, strict=True))))
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: not a comma-separated table ({error})") from None
    return rows


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path}: the file is missing") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from None
