"""What was made on another machine, filed as if it were made here: whole or not at all, and only if it is sound."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from bench.errors import Damaged
from bench.files import files_below, whole_file
from bench.store.home import Places, writing
from bench.store.store import NOTE, checkpoint_path, finish_stage, flaws, missing_files, read_note, stage_note
from bench.types import JsonValue


def take_stage(places: Places, kind: str, key: str, arrived: Path) -> None:
    """File a stage that was made elsewhere, as if it were made here: whole, with the digests that it was made with.

    Raises:
        Damaged: it is not the stage that was asked for, or its files are not those that its note lists.
        StoreError: the disk is full or the store cannot be written.
    """
    note = read_note(arrived)
    if note is None or (note.get("kind"), note.get("key")) != (kind, key):
        raise Damaged(f"what came is not the stage {kind}/{key}")
    came = {str(path.relative_to(arrived)) for path in files_below(arrived)} - {NOTE}
    if came != set(note["files"]) or missing_files(arrived, note):
        raise Damaged(f"the stage {kind}/{key} came without some of its files")
    for flaw in flaws(arrived, note):
        raise Damaged(f"what came is damaged: {flaw}")

    def write(folder: Path) -> Mapping[str, JsonValue]:
        for name in note["files"]:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(arrived / name, folder / name)
        return {name: value for name, value in note.items() if name not in ("schema", "files", "digests")}

    finish_stage(places.stage(kind, key), write)
    checkpoint_path(places.stage(kind, key)).unlink(missing_ok=True)  # of no use then


def take_checkpoint(places: Places, train: str, arrived: Path) -> None:
    """Keep where a training was elsewhere, unless it is finished; whoever goes on checks the content.

    Raises:
        StoreError: the disk is full or the store cannot be written.
    """
    folder = places.stage("train", train)
    if stage_note(folder) is None:
        take_file(arrived, checkpoint_path(folder))


def take_file(arrived: Path, path: Path) -> None:
    """Give a file its place, whole or not at all.

    Raises:
        StoreError: the disk is full or the folder cannot be written.
    """
    with writing(path), arrived.open("rb") as source, whole_file(path) as file:
        shutil.copyfileobj(source, file)
