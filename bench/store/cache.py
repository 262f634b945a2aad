"""Looking after a store: what is there, and what of it is damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

from bench.errors import StoreError
from bench.files import files_below
from bench.store.store import CHECKPOINT, HDF5, NOTE, flaws, read_json

Check: TypeAlias = tuple[Path, Callable[[Path], object]]
"""A file, and what reads it or raises ``StoreError``."""


def stage_folders(home: Path) -> dict[str, list[Path]]:
    """Finished and unfinished stage folders by kind; temporary ones left out."""
    stages = {}
    for kind in sorted((home / "stages").glob("*")):
        if kind.is_dir():
            stages[kind.name] = sorted(each for each in kind.glob("[!.]*") if each.is_dir())
    return stages


def weight(folder: Path) -> int:
    """Bytes of all files of a folder."""
    return sum(path.stat().st_size for path in files_below(folder))


def damages(home: Path) -> Iterator[str]:
    """What is wrong with anything in a store, one line each: stages, checkpoints of trainings, indices, rates."""
    from bench.data.index_file import read_index

    for folder in chain.from_iterable(stage_folders(home).values()):
        yield from damages_in(folder)
    for kept in sorted((home / "stages").glob(f"*/.*{CHECKPOINT}")):
        yield from damages_of_checkpoint(kept)
    checks: list[Check] = [(path, read_index) for path in sorted((home / "index").glob("[!.]*.json"))]
    checks += [(path, read_json) for path in sorted((home / "measured").glob("[!.]*.json"))]
    yield from failed(checks)


def damages_in(folder: Path) -> Iterator[str]:
    """What is wrong with one stage, one line each: its note, and every file by its digest or its own checksums."""
    note: Mapping[str, Any] = {}
    try:
        note = read_json(folder / NOTE)
    except StoreError as error:
        yield str(error)
    yield from flaws(folder, note)
    digests = note.get("digests", {})
    paths = [path for path in sorted(files_below(folder)) if path.name not in digests]
    yield from chain.from_iterable(_wrong_rows(path) for path in paths if path.suffix == HDF5)
    yield from failed((path, read) for path in paths if (read := _reader(path)) is not None)


def damages_of_checkpoint(path: Path) -> Iterator[str]:
    """What is wrong with the checkpoint of a training."""
    from bench.train.checkpoint import check_whole

    yield from failed([(path, check_whole)])


def failed(checks: Iterable[Check]) -> Iterator[str]:
    """A line for each file that its reader refuses."""
    for path, read in checks:
        try:
            read(path)
        except StoreError as error:
            yield str(error)


def _wrong_rows(path: Path) -> list[str]:
    from bench.crops.bank import verify_bank
    from bench.crops.cuts import DRAW, verify_draw
    from bench.crops.images import IMAGES, verify_images

    return {IMAGES: verify_images, DRAW: verify_draw}.get(path.name, verify_bank)(path)


def _reader(path: Path) -> Callable[[Path], object] | None:
    """What reads a file whose digest no note has, as earlier versions left it; None where nothing can be told."""
    from bench.score.evidence_file import read_evidence
    from bench.train.history import HISTORY, read_history
    from bench.train.weights import load_weights

    if path.name == HISTORY:
        return lambda path: read_history(path.parent)
    if path.name in ("validation.npz", "test.npz"):
        return read_evidence
    if path.suffix == ".json" and path.name != NOTE:
        return read_json
    return load_weights if path.suffix == ".safetensors" else None
