"""What lies in a folder: pictures that can be read, and everything else by why it is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.errors import DataError
from bench.picture_files import is_picture, left_out, looks_like_picture, visible

RESULTS = ("cells", "suite.yaml")
"""A folder with one of these holds results of a run, not data."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Pictures below a folder, by their path from it, and paths of the rest by why they are left out."""

    root: Path
    pictures: tuple[Path, ...]
    left_out: Mapping[str, tuple[Path, ...]]


def contents(root: Path) -> Contents:
    """Everything below a folder, hidden entries aside; no file is opened.

    Raises:
        DataError: the folder is missing or cannot be read, or holds no picture.
    """
    if not root.is_dir():
        what = "is a file" if root.exists() else "is missing"
        raise DataError(f"{root}: the folder {what}; name the folder that holds your images and masks")
    pictures = []
    rest: dict[str, list[Path]] = {}
    for path in _below(root):
        if path.is_dir():
            rest.setdefault("links to folders, which are not followed; name the folder itself", []).append(path)
            continue
        why = left_out(path)
        if why is None and is_picture(path):
            pictures.append(path.relative_to(root))
        elif why is not None:
            rest.setdefault(_kind(path, why), []).append(path)
        else:
            rest.setdefault("no pictures", []).append(path)
    if not pictures:
        raise DataError(f"{root}: holds no picture that is read; name the folder that holds your images and masks")
    return Contents(root, tuple(sorted(pictures)), {why: tuple(paths) for why, paths in rest.items()})


def _kind(path: Path, why: str) -> str:
    """One reason for all files of an unread type, else the reason of this file."""
    if looks_like_picture(path) and not is_picture(path):
        return f"pictures of type {path.suffix.lower()}, which is not read; save them as PNG"
    return why


def _below(folder: Path) -> Iterator[Path]:
    """Files in and below a folder, and links to folders."""
    for path in visible(folder):
        if not path.is_dir() or path.is_symlink():
            yield path
        elif not any((path / name).exists() for name in RESULTS):
            yield from _below(path)
