"""Archives of runs: equal bytes for equal content, and never a file outside the folder they are unpacked into."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

from bench.errors import DataError, StoreError
from bench.files import whole_file
from bench.obtain.unpack import Bounds, naming, unpack

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every entry: an archive of the same run has the same bytes."""
STORED = (".png",)
"""Files that are compressed already."""
AGAIN = "export the run again"
OF_RUNS = Bounds(members=200_000, ratio=100, harmless=2**28)
"""Records and tables are text and pack well, pictures do not; 10,000 cells have fewer files."""
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def write_archive(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a zip file whole or not at all; entries stand in the order of their names.

    Raises:
        StoreError: the disk is full or the folder cannot be written.
    """
    try:
        with whole_file(path) as file, zipfile.ZipFile(file, "w") as archive:
            for name in sorted(files):
                archive.writestr(_entry(name), files[name])
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror}); free space or choose another place") from None


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
        with naming(path, AGAIN), zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if not entry.filename.isprintable() or entry.compress_type not in METHODS:
                    what = f"entry {entry.filename!r} was not written by 'bench export'"
                    raise StoreError(f"{path}: {what}; the archive is refused")
        into.mkdir(parents=True, exist_ok=True)
        unpack(path, into, again=AGAIN, bounds=OF_RUNS)
    except DataError as error:
        raise StoreError(str(error)) from None
    found = sorted(into.glob("*/suite.json")) + sorted(into.glob("suite.json"))
    if len(found) != 1:
        raise StoreError(f"{path}: not an archive of one run (it holds {len(found)} suite.json); see 'bench export'")
    return found[0].parent
