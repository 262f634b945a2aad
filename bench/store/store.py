"""The store: shared stage folders and small cell records, each written whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from bench.bounded import bounded_bytes, parsed
from bench.canonical import digest_file
from bench.errors import Damaged, StoreError
from bench.files import UNFINISHED, files_below, whole_file, whole_folder
from bench.sealed import sealed, unsealed
from bench.store.home import unwritable, writing
from bench.store.leases import Late, Lease, leased, owner_at
from bench.types import JsonValue

SCHEMA = 1
"""Schema number of resolved suites, stage notes and late scores; records have their own (:mod:`bench.record`)."""

NOTE = "stage.json"
"""The file whose presence says that a stage folder is complete."""

HDF5 = ".h5"
"""How files end that carry their own checksums; to read many gigabytes twice would cost what the stage costs."""

CHECKPOINT = ".checkpoint"
"""How the file ends in which a training that is not finished keeps where it is."""


def checkpoint_path(folder: Path) -> Path:
    """The file beside a stage's folder in which its training keeps where it is."""
    return folder.with_name(f".{folder.name}{CHECKPOINT}")


def write_json(path: Path, value: Mapping[str, JsonValue]) -> None:
    """Write a JSON object whole or not at all, a line for each of its keys, behind a digest of its content.

    Raises:
        StoreError: the disk is full or the folder cannot be written.
    """
    lines = []
    for key, held in value.items():
        # indented by json, each value would be encoded in Python, which took longer than all else of filing a cell
        lines.append(f"{_encoded(key)}: {_encoded(held)}")
    _write(path, sealed(",\n".join(lines) + "\n}\n"))


def _encoded(value: JsonValue) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


def write_text(path: Path, text: str) -> None:
    """Write text whole or not at all.

    Raises:
        StoreError: the disk is full or the folder cannot be written.
    """
    _write(path, text.encode("utf-8"))


def _write(path: Path, content: bytes) -> None:
    try:
        with whole_file(path) as file:
            file.write(content)
    except OSError as error:
        raise unwritable(path, error) from None


def read_json(path: Path) -> Any:
    """Read a JSON file of the store.

    Raises:
        Damaged: the content is no JSON object, or not what was written.
        StoreError: the file is missing, cannot be read, or is of another schema.
    """
    value = read_object(path)
    if value.get("schema") != SCHEMA:
        raise StoreError(
            f"{path}: schema {value.get('schema')}, this version reads {SCHEMA}; "
            "use another BENCH_HOME and --out for each version of bench"
        )
    return value


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object of any schema.

    Raises:
        Damaged: the content is no JSON object, or not what was written.
        StoreError: the file is missing or cannot be read.
    """
    try:
        value = unsealed(bounded_bytes(path), parsed)
    except FileNotFoundError:
        raise StoreError(f"{path}: the file is missing; run the suite again") from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror}); look at the disk and the permissions") from None
    except ValueError as error:
        raise Damaged(f"{path}: damaged ({error}); run the suite again") from None
    if not isinstance(value, dict):
        raise Damaged(f"{path}: damaged (no JSON object); run the suite again")
    return value


def read_note(folder: Path) -> dict[str, Any] | None:
    """The note of a stage, also where its files are gone; None where there is none or its content is damaged.

    Raises:
        StoreError: it is there but cannot be read, or another version wrote it; nothing of that is overwritten.
    """
    path = folder / NOTE
    if not path.is_file():
        return None
    try:
        note: dict[str, Any] = read_json(path)
    except Damaged:
        return None
    return note


def stage_note(folder: Path) -> dict[str, Any] | None:
    """What a finished stage left behind; None where it is not finished, or a file is gone or cut short."""
    note = read_note(folder)
    return note if note is not None and not missing_files(folder, note) else None


def forget_stage(folder: Path) -> None:
    """Take the note from a stage, so that it is done again; whoever reads its files goes on."""
    (folder / NOTE).unlink(missing_ok=True)


def touch_stage(folder: Path) -> None:
    """Note that a stage was of use just now; one that is gone stays gone."""
    with suppress(FileNotFoundError):
        os.utime(folder / NOTE)


def missing_files(folder: Path, note: Mapping[str, Any]) -> list[str]:
    """Names of files that a stage's note lists and that are not there in full."""
    return [
        name
        for name, size in note.get("files", {}).items()
        if not (folder / name).is_file() or (folder / name).stat().st_size != size
    ]


def flaws(folder: Path, note: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the files that a stage's note lists, a line for each: gone, cut short, other content.

    HDF5 files have no digest in a note: they carry checksums of their own, row by row, which are verified before use.
    """
    missing = missing_files(folder, note)
    yield from (f"{folder / name}: missing or cut short" for name in missing)
    for name, digest in note.get("digests", {}).items():
        if name not in missing and not _has_digest(folder / name, digest):
            yield f"{folder / name}: damaged (its content is not what was written)"


def is_sound(folder: Path, note: Mapping[str, Any]) -> bool:
    """Whether the files of a stage are those that were written; reads them."""
    return not any(flaws(folder, note))


def _has_digest(path: Path, digest: str) -> bool:
    try:
        return digest_file(path) == digest
    except OSError:
        return False


def always(_folder: Path) -> bool:
    """Whatever a finished stage left serves."""
    return True


Event = Literal["waiting", "late", "filed"]
"""A stage waits for whoever is at work on it, its result came too late, or it was filed."""
Tell = Callable[[Event, str], None]


def untold(_event: Event, _text: str) -> None:
    """Nobody listens."""


def finish_stage(
    folder: Path,
    write: Callable[[Path], Mapping[str, JsonValue]],
    serves: Callable[[Path], bool] = always,
    tell: Tell = untold,
) -> dict[str, Any]:
    """Return the note of a stage, running ``write`` into a fresh folder first where it is not finished or damaged.

    One that is finished in a form that does not serve (``serves`` of its folder) is written anew.

    ``write`` fills the folder it is given and returns the note. The folder is renamed into place when all of it
    is on disk. A lease lets several workers meet at one stage: the first does it, the others find it done. The result
    of one that was taken for dead meanwhile is thrown away, and that of its successor taken.

    Raises:
        StoreError: the stage cannot be written.
    """
    while (done := _finished(folder, serves)) is None:
        with writing(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            with leased(folder, lambda text: tell("waiting", text)) as lease:
                if _finished(folder, serves) is not None:
                    continue
                try:
                    note = _written(folder, write, lease)
                except Exception as error:
                    if not (isinstance(error, Late) or lease.lost):
                        raise
                    tell("late", f"the work of this process on {folder.name} was taken over by {owner_at(folder)}")
                else:
                    tell("filed", "")
                    return note
    touch_stage(folder)
    return done


def _finished(folder: Path, serves: Callable[[Path], bool]) -> dict[str, Any] | None:
    """The note of a stage that is finished, whole, and serves."""
    done = stage_note(folder)
    return done if done is not None and is_sound(folder, done) and serves(folder) else None


def _written(folder: Path, write: Callable[[Path], Mapping[str, JsonValue]], lease: Lease) -> dict[str, Any]:
    """Do a stage and give it its name.

    Raises:
        Late: another process has taken over.
    """
    if lease.alone:
        for leftover in folder.parent.glob(f".{folder.name}.*{UNFINISHED}"):
            shutil.rmtree(leftover)  # of a killed worker: whoever holds the lease is the only one at work

    def may() -> None:
        lease.seal()
        shutil.rmtree(folder, ignore_errors=True)  # an unfinished or damaged one

    with whole_folder(folder, may) as temporary:
        facts = write(temporary)
        note = {"schema": SCHEMA, **facts, **_listing(temporary)}
        write_json(temporary / NOTE, note)
    return note


def _listing(folder: Path) -> dict[str, JsonValue]:
    """Sizes and digests of the files of a stage, by name."""
    paths = {str(path.relative_to(folder)): path for path in files_below(folder)}
    return {
        "files": {name: path.stat().st_size for name, path in paths.items()},
        "digests": {name: digest_file(path) for name, path in paths.items() if path.suffix != HDF5},
    }
