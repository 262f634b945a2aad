"""What a data set must do with damaged, missing and stray files: refuse them by name, or not care."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from bench.data.index import spread
from bench.errors import DataError
from bench.picture_files import is_picture
from bench.testing.clauses import Breach, Sentences, said
from bench.testing.trial_folder import TrialFolder, equal
from bench.types import IGNORED, Record, Sample

STRAYS = ("Thumbs.db", ".DS_Store")
LOSSLESS = {".png": "PNG", ".bmp": "BMP"}
FILES = 4
"""So many files of one record are damaged."""


@dataclass(frozen=True, slots=True)
class Damage:
    """One way to spoil a file; ``content`` None stands for no file."""

    how: str
    path: Path
    content: bytes | None


def standing_strays(trial: TrialFolder) -> Sentences:
    """Files that Windows and macOS leave beside images change nothing."""
    before = trial.records(trial.reader())
    folders = {path.parent for record in before for path in record.files}
    for name in STRAYS:
        strays = [folder / name for folder in sorted(folders) if not (folder / name).exists()]
        for stray in strays:
            stray.write_bytes(b"stray")
        done = ""
        try:
            if tuple(trial.reader().records()) != before:
                done = "lists something else"
        except (Exception, SystemExit) as error:
            done = f"raises {said(error)}"
        finally:
            for stray in strays:
                stray.unlink()
        if done:
            yield f"with a stray {name} beside its files records() {done}: leave out what is no image"


def refusing(trial: TrialFolder) -> Sentences:
    """A file cut to half, emptied or removed, or a mask of another size, gives a DataError that names the file, or does
    not matter; an image whose mask is lost never passes for a clean one."""
    reader = trial.reader()
    typical: dict[bool, tuple[Record, Sample]] = {}  # the first with a defect and the first without
    for record in trial.chosen(reader):
        sample = reader.load(record.id)
        typical.setdefault(bool(((sample.mask != 0) & (sample.mask != IGNORED)).any()), (record, sample))
    for record, whole in typical.values():
        for damage in _damages(record):
            sentence = _answer(trial, record, whole, damage)
            if sentence:
                yield sentence


def _damages(record: Record) -> Iterator[Damage]:
    """Only images are cut: half of a table may be a shorter table. The first picture is the image; it alone has a size
    of its own."""
    first = next((path for path in record.files if is_picture(path)), None)
    for path in spread(record.files, FILES):
        content = path.read_bytes()
        if is_picture(path):
            yield Damage("cut to half", path, content[: len(content) // 2])
        if path.suffix.lower() in LOSSLESS and path != first:
            yield Damage("replaced by a picture one row shorter", path, _shorter(content, path))
        yield Damage("emptied", path, b"")
        yield Damage("removed", path, None)


def _shorter(content: bytes, path: Path) -> bytes:
    """The same picture without its first row."""
    from PIL import Image as Pillow

    shorter = BytesIO()
    with Pillow.open(BytesIO(content)) as file:
        file.crop((0, 1, file.width, file.height)).save(shorter, format=LOSSLESS[path.suffix.lower()])
    return shorter.getvalue()


@contextmanager
def _done(damage: Damage) -> Iterator[None]:
    """Spoil the file for a while."""
    content = damage.path.read_bytes()
    damage.path.unlink()
    if damage.content is not None:
        damage.path.write_bytes(damage.content)
    try:
        yield
    finally:
        damage.path.write_bytes(content)


def _answer(trial: TrialFolder, record: Record, whole: Sample, damage: Damage) -> str | None:
    """What is wrong with the way a fresh reader meets the damage."""
    path, spoilt = damage.path, f"with {damage.path} {damage.how},"
    with _done(damage):
        try:
            reader = trial.reader()
            listed = {each.id: each for each in reader.records()}
            unlisted = damage.content is None and path not in getattr(listed.get(record.id), "files", ())
            if unlisted and record.id not in listed:
                return None  # without this file it is another data set, and a sound one
            sample = reader.load(record.id)
        except DataError as error:
            names = [path.name] if damage.content is not None else [path.name, path.stem, str(path.parent)]
            named = any(name in str(error) for name in names)  # a removed file: its folder, or without its type
            return None if named else f"{spoilt} the DataError does not name the file: {error}"
        except (Exception, SystemExit, Breach) as error:
            return f"{spoilt} load({record.id!r}) raises {said(error)}: raise a DataError that names the file"
        if equal(sample, whole) or (unlisted and np.array_equal(sample.mask, whole.mask)):
            return None
        if unlisted:
            return f"{spoilt} load({record.id!r}) returns another mask: a lost mask must not pass for a clean image"
        return f"{spoilt} load({record.id!r}) returns another image or mask without complaint: refuse the file"
