"""Archives of runs: equal bytes for equal content, and never a file outside the folder they are unpacked into."""

from __future__ import annotations

import errno
import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from bench.canonical import printable
from bench.errors import StoreError

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every entry: an archive of the same run has the same bytes."""
STORED = (".png",)
"""Files that are compressed already."""
LARGEST = 8 << 30
"""Bytes that an archive may unpack to."""
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE)
"""What keeps a file from being written whatever it is called; all else is the fault of a name in the archive."""


def write_archive(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a zip file whole or not at all; entries stand in the order of their names.

    Raises:
        StoreError: the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for name in sorted(files):
                    archive.writestr(_entry(name), files[name])
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror}); free space or choose another place") from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.create_system = 3  # Unix on every machine, so that the bytes are the same
    entry.external_attr = 0o100644 << 16
    entry.compress_type = zipfile.ZIP_STORED if name.endswith(STORED) else zipfile.ZIP_DEFLATED
    return entry


def extract(path: Path, into: Path) -> Path:
    """Unpack an archive of a run below ``into``; returns the run's folder.

    Raises:
        StoreError: it is damaged, holds no run, an entry would leave the folder, or there is no space.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_all(path, archive.infolist())
            archive.extractall(into)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise StoreError(f"{path}: damaged archive ({printable(str(error))}); export the run again") from None
    except OSError as error:
        if error.errno in OF_THE_DISK:
            raise StoreError(
                f"{path}: cannot be unpacked ({error.strerror}); look at the permissions, free space or set TMPDIR"
            ) from None
        raise StoreError(f"{path}: damaged archive ({error.strerror or error}); export the run again") from None
    found = sorted(into.glob("*/suite.json")) + sorted(into.glob("suite.json"))
    if len(found) != 1:
        raise StoreError(f"{path}: not an archive of one run (it holds {len(found)} suite.json); see 'bench export'")
    return found[0].parent


def _check_all(path: Path, entries: Sequence[zipfile.ZipInfo]) -> None:
    for entry in entries:
        _check(path, entry)
    if sum(entry.file_size for entry in entries) > LARGEST:
        raise StoreError(f"{path}: unpacks to more than {LARGEST >> 30} GB; refused")
    named = [(PurePosixPath(entry.filename), entry.is_dir()) for entry in entries]
    files = Counter(name for name, is_folder in named if not is_folder)
    folders = {folder for name, is_folder in named for folder in (*name.parents, *([name] if is_folder else []))}
    for name, count in files.items():
        if count > 1 or name in folders:
            raise StoreError(f"{path}: damaged archive (two entries are called '{name}'); export the run again")


def _check(path: Path, entry: zipfile.ZipInfo) -> None:
    name = PurePosixPath(entry.filename)
    link = (entry.external_attr >> 16) & 0o170000 == 0o120000
    if name.is_absolute() or ".." in name.parts or "\\" in entry.filename or link:
        raise StoreError(f"{path}: entry {entry.filename!r} would leave its folder; the archive is refused")
    if not entry.filename.isprintable() or entry.compress_type not in METHODS:
        raise StoreError(f"{path}: entry {entry.filename!r} was not written by 'bench export'; the archive is refused")
