"""Finding a release in the folder a user named, and reading its tables: what every reader of a data set needs."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar

from bench.errors import DataError
from bench.picture_files import closed, looks_like_picture, visible
from bench.words import plural


def release_home(root: Path, holds: Callable[[Path], bool], *, wanted: str, obtain: str) -> Path:
    """The folder that ``holds`` the release: ``root``, or the only folder one level below that does.

    ``wanted`` names what such a folder contains, ``obtain`` says how to get the data; both go into messages. A folder
    below that may not be read holds nothing.

    Raises:
        DataError: the folder is missing or unreadable, or neither it nor exactly one folder in it holds the release.
    """
    try:
        if not root.is_dir():
            raise DataError(f"{root}: the folder is missing; {obtain}")
        if holds(root):
            return root
    except OSError as error:
        raise closed(Path(error.filename or root), error) from None
    found = [folder for folder in visible(root) if _is_open(folder, holds)]
    if not found:
        raise DataError(f"{root}: no {wanted} in it or one level below; {obtain}")
    if len(found) > 1:
        names = ", ".join(folder.name for folder in found)
        raise DataError(f"{root}: holds several copies of the data set, {names}; name one of them")
    return found[0]


def _is_open(folder: Path, holds: Callable[[Path], bool]) -> bool:
    """Whether this is a folder that may be read and that ``holds`` something."""
    try:
        os.scandir(folder).close()
        return os.access(folder, os.X_OK) and holds(folder)
    except OSError:
        return False


def part_folders(home: Path, names: Sequence[str], holds: Callable[[Path], bool]) -> dict[str, Path]:
    """The parts of a release that are there, by name: ``home/name``, or ``home/name/name``, as single archives unpack.

    Names are compared without regard to case; ``holds`` is asked of folders that exist.

    Raises:
        DataError: a part is there twice.
    """
    found: dict[str, Path] = {}
    for name, folder in subfolders(home, names).items():
        here = [place for place in (folder, *subfolders(folder, (name,)).values()) if holds(place)]
        if len(here) > 1:
            raise DataError(f"{here[0]}: holds {name}, and {here[1]} holds it again; remove one of them")
        if here:
            found[name] = here[0]
    return found


def subfolders(folder: Path, names: Sequence[str]) -> dict[str, Path]:
    """Folders in a folder by the ``names`` asked for, in this order, whatever the case of their names on disk.

    Raises:
        DataError: the folder cannot be read, or two entries differ only in case.
    """
    found = named_files(folder, f"({'|'.join(map(re.escape, names))})")
    folders: dict[str, Path] = {}
    for name in names:
        path = found.get(name.lower())
        if path is not None and _is_folder(path):
            folders[name] = path
    return folders


def entry(folder: Path, name: str) -> Path:
    """The file or folder of this name as it is spelled on disk, whatever its case; ``folder/name`` if there is none.

    Raises:
        DataError: the folder cannot be read, or two entries differ only in case.
    """
    return named_files(folder, f"({re.escape(name)})").get(name.lower(), folder / name)


def named_files(folder: Path, pattern: str) -> dict[str, Path]:
    """What lies in a folder under names that match, by the first group of ``pattern`` in lower case, ordered by key.

    The case of names does not matter, digits are those of ASCII, hidden entries are left out. A missing folder gives
    none.

    Raises:
        DataError: the folder cannot be read, or two names give the same key; names both.
    """
    name = re.compile(pattern, re.IGNORECASE | re.ASCII)
    found: dict[str, Path] = {}
    for path in visible(folder) if _is_folder(folder) else ():
        if not (match := name.fullmatch(path.name)):
            continue
        first = found.setdefault(match[1].lower(), path)
        if first is not path:
            raise DataError(f"{path}: {first.name} beside it stands for the same; keep one of the two")
    return dict(sorted(found.items()))


def release_files(folder: Path, *patterns: str) -> tuple[dict[str, Path], ...]:
    r"""What a release has in a folder: for each of ``patterns`` the files as by :func:`named_files`.

    Patterns end in a file type, as ``(\d{5})_GT\.png``. Files of other names are strays and are left out, but not a
    picture that has the name of a released one in its place and another type: someone converted it.

    Raises:
        DataError: as there, or there is such a picture.
    """
    found = tuple(named_files(folder, pattern) for pattern in patterns)
    known = set(chain.from_iterable(files.values() for files in found))
    for path in visible(folder) if _is_folder(folder) else ():
        if path not in known and looks_like_picture(path):
            _check_stray(path, patterns, found)
    return found


def _check_stray(path: Path, patterns: Sequence[str], found: Sequence[Mapping[str, Path]]) -> None:
    for pattern, files in zip(patterns, found, strict=True):
        type = pattern.rpartition("\\")[2]
        named = re.fullmatch(pattern, path.stem + type, re.IGNORECASE | re.ASCII)
        if named and named[1].lower() not in files:
            raise DataError(
                f"{path}: a file of the release by its name, but the release has type {type}, so it would be left out; "
                f"convert it to {type}, or fetch the released one"
            )


Key = TypeVar("Key")


def check_partners(
    files: Mapping[Key, Path], partners: Mapping[Key, Path], what: str, expected: Callable[[Key], Path | str]
) -> None:
    """Refuse files without a partner under the same key: ``what`` says what it is, ``expected`` where it should be.

    Raises:
        DataError: names the first such file, the partner, and how many there are.
    """
    alone = [key for key in files if key not in partners]
    if alone:
        raise DataError(
            f"{files[alone[0]]}: its {what} {expected(alone[0])} is missing ({plural(len(alone), 'such file')}); "
            "fetch what is missing, or move the file out of the data set"
        )


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:
        raise closed(path, error) from None


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
    """The rows of a comma-separated UTF-8 file whose first line that is not blank names at least ``columns``.

    Raises:
        DataError: the file is missing, unreadable, not UTF-8, empty, separated otherwise, lacks a column or names one
            twice, or a row has more or fewer values than the header; names file and line.
    """
    text = _text(path)
    _check_separator(path, text, columns)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        filled = (values for values in reader if any(map(str.strip, values)))
        header = [name.strip() for name in next(filled, [])]
        _check_header(f"{path}:{max(reader.line_num, 1)}", header, columns)
        rows = []
        for values in reader:
            if not values:
                continue
            if len(values) != len(header):
                raise DataError(f"{path}:{reader.line_num}: {plural(len(values), 'value')} under {len(header)} columns")
            rows.append(Row(path, reader.line_num, dict(zip(header, values, strict=True))))
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: not a comma-separated table ({error})") from None
    return rows


SEPARATORS: Mapping[str, str] = {";": "semicolons", "\t": "tabs", "|": "bars"}


def _check_separator(path: Path, text: str, columns: Sequence[str]) -> None:
    """Refuse a table whose first line names the columns with something else than commas between them."""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        for separator, name in SEPARATORS.items():
            header = [column.strip(' "') for column in line.split(separator)]
            if len(header) > 1 and set(columns) <= set(header):
                raise DataError(
                    f"{path}:{number}: the columns are separated by {name}; save the table with commas between them"
                )
        return


def _check_header(where: str, header: Sequence[str], columns: Sequence[str]) -> None:
    """Refuse a first line without the columns that must be there, each once."""
    wanted = f"there must be {', '.join(columns)}, each once, separated by commas"
    if not header:
        raise DataError(f"{where}: the table is empty; {wanted}")
    if len(set(header)) < len(header) or not set(columns) <= set(header):
        raise DataError(f"{where}: the columns are {list(header)}; {wanted}")


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path}: the file is missing") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); allow reading it") from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: not UTF-8 text ({error.reason} at byte {error.start}); save it with the encoding UTF-8"
        ) from None
