"""Copying a folder of the user's, without what is hidden in it, and refusing what is no plain file."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

from bench.errors import DataError
from bench.obtain.space import check_space
from bench.threads import Progress


def copy_file(source: Path, target: Path) -> None:
    """Copy one file with its time of change.

    Raises:
        DataError: there is a file of that name already, or the disk fails.
    """
    if target.exists():
        raise DataError(f"{source}: {target.name!r} came already from another path of the command; name one of them")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    except OSError as error:
        raise DataError(f"{source}: cannot be copied ({error.strerror or error})") from None


def copy_folder(source: Path, into: Path, progress: Progress) -> None:
    """Copy a folder's content; hidden entries and ``__MACOSX`` stay behind. ``progress`` counts bytes.

    Raises:
        DataError: the place is inside the folder, the disk is too small, or something is no plain file.
    """
    if into.resolve().is_relative_to(source.resolve()):
        raise DataError(f"{source}: the data of bench lie in this folder; name the folder of the data set itself")
    files = _plain_files(source)
    sizes = {path: path.stat().st_size for path in files}
    total, done = sum(sizes.values()), 0
    into.mkdir(parents=True, exist_ok=True)
    check_space(into, total, f"copying {source.name}")
    for path in files:
        copy_file(path, into / path.relative_to(source))
        done += sizes[path]
        progress(done, total)


def _plain_files(source: Path) -> list[Path]:
    """Every visible file below a folder; links to files are followed.

    Raises:
        DataError: a link to a folder, a dangling link, something that is neither file nor folder, or a folder
            that cannot be read.
    """
    found = []
    for folder, folders, names in os.walk(source, onerror=_unreadable):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if name[0] != "." and name != "__MACOSX")
        linked = next((here / name for name in folders if (here / name).is_symlink()), None)
        if linked:
            raise DataError(f"{linked}: links to another folder; replace it by that folder, or import with --link")
        paths = [here / name for name in sorted(names) if name[0] != "."]
        odd = next((path for path in paths if not _is_file(path)), None)
        if odd:
            raise DataError(f"{odd}: not a plain file; remove it, or import with --link")
        found += paths
    return found


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        _unreadable(error)


def _unreadable(error: OSError) -> NoReturn:
    """Refuse what would be left out silently."""
    raise DataError(
        f"{error.filename}: cannot be read ({error.strerror or error}); give yourself the right to, or move it away"
    ) from None
