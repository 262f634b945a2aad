"""The place of a data set, ``$BENCH_HOME/data/<name>``, which it takes whole or not at all.

All is gathered in ``.<name>.unpacking`` beside the place, on the same disk, and renamed when it is complete.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import DataError
from bench.store.home import check_writable, writing
from bench.store.leases import if_idle, owner_at


def occupied(root: Path) -> bool:
    """Whether something lies at a place; an empty folder is nothing, one that may not be read is something."""
    try:
        return root.is_symlink() or root.is_file() or (root.is_dir() and any(root.iterdir()))
    except OSError:
        return True


def check_free(root: Path, name: str) -> None:
    """Refuse to touch what is there.

    Raises:
        DataError: something lies at ``root``.
    """
    if occupied(root):
        raise DataError(
            f"{root}: {name} is there already; 'bench data verify {name}' checks it, and once you have moved "
            f"or removed this {'link' if root.is_symlink() else 'folder'} the command gets it anew"
        )


@contextmanager
def claimed(root: Path, name: str) -> Iterator[None]:
    """Hold a free place, so that no second process fills it at the same time.

    Raises:
        DataError: it is occupied, or another process holds it.
        StoreError: nothing can be written there.
    """
    check_writable(root.parent)
    with writing(root):
        root.parent.mkdir(parents=True, exist_ok=True)
        with if_idle(root) as idle:
            if not idle:
                raise DataError(f"{root}: {owner_at(root)} is getting {name} just now; wait for it")
            check_free(root, name)
            yield


@contextmanager
def draft(root: Path) -> Iterator[Path]:
    """An empty folder beside a claimed place, gone afterwards unless it was published."""
    folder = _beside(root)
    _clear(folder)  # of a killed process: whoever holds the place is the only one at work
    folder.mkdir()
    try:
        yield folder
    finally:
        _clear(folder)


def publish(folder: Path, root: Path) -> None:
    """Give a complete draft its name, once all of it is on disk."""
    os.sync()  # one call for all files: flushing tens of thousands one by one takes minutes
    folder.rename(root)


def publish_link(source: Path, root: Path) -> None:
    """Let a claimed place point to a folder elsewhere."""
    link = _beside(root)
    _clear(link)
    link.symlink_to(source, target_is_directory=True)
    if root.is_dir():
        root.rmdir()
    link.rename(root)


def _beside(root: Path) -> Path:
    return root.with_name(f".{root.name}.unpacking")


def _clear(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
