"""Looking after the shared stages: what is there, what is damaged, what nobody needs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from bench.errors import StoreError
from bench.files import UNFINISHED, files_below
from bench.store.store import CHECKPOINT, NOTE, if_idle, missing_files, read_json, read_note


@dataclass(frozen=True, slots=True)
class Garbage:
    """A folder that may go, with its bytes and the reason."""

    path: Path
    size: int
    why: str


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
    """What is wrong with any stage, one line each."""
    for folder in chain.from_iterable(stage_folders(home).values()):
        yield from damages_in(folder)


def damages_in(folder: Path) -> Iterator[str]:
    """Check one stage folder: its note, and every file by its own kind of checksum."""
    from bench.crops.bank import verify_bank
    from bench.crops.cuts import DRAW, verify_draw
    from bench.crops.images import IMAGES, verify_images
    from bench.score.evidence_file import read_evidence
    from bench.train.weights import load_weights

    try:
        note = read_json(folder / NOTE)
    except StoreError as error:
        yield str(error)
    else:
        yield from (f"{folder / name}: missing or cut short" for name in missing_files(folder, note))
    for path in folder.glob("*.h5"):
        verify = {IMAGES: verify_images, DRAW: verify_draw}.get(path.name, verify_bank)
        yield from verify(path)
    checks: list[tuple[Path, Callable[[Path], object]]] = []
    checks += [(path, load_weights) for path in folder.glob("*.safetensors")]
    checks += [(path, read_evidence) for path in (folder / "validation.npz", folder / "test.npz") if path.exists()]
    for path, read in checks:
        try:
            read(path)
        except StoreError as error:
            yield str(error)


def garbage(home: Path, *, unused_since: float | None, keep: Sequence[Path]) -> Iterator[Garbage]:
    """Leftovers of killed workers, damaged stages, and stages not used since a time (seconds since 1970).

    A stage that a worker has in hand is passed over, and locked while the caller looks at it.
    """
    spared = _keys_of(home, keep)
    for leftover in sorted((home / "stages").glob(f"*/.*{UNFINISHED}")):
        with if_idle(leftover.with_name(leftover.name.split(".")[1])) as idle:
            if idle:
                yield Garbage(leftover, weight(leftover), "left by a killed worker")
    for kept in sorted((home / "stages").glob(f"*/.*{CHECKPOINT}")):
        key = kept.name.removeprefix(".").removesuffix(CHECKPOINT)
        with if_idle(kept.with_name(key)) as idle:
            if idle and unused_since is not None and kept.stat().st_mtime < unused_since:
                yield Garbage(kept, kept.stat().st_size, "of a training that nobody went on with")
    for folder in chain.from_iterable(stage_folders(home).values()):
        with if_idle(folder) as idle:
            if not idle:
                continue
            if any(damages_in(folder)):
                yield Garbage(folder, weight(folder), "damaged")
            elif unused_since is not None and folder.name not in spared and _last_use(folder) < unused_since:
                yield Garbage(folder, weight(folder), "not used lately")


def _last_use(folder: Path) -> float:
    """When a run last finished or reused a stage, seconds since 1970."""
    return (folder / NOTE).stat().st_mtime


def _keys_of(home: Path, runs: Sequence[Path]) -> set[str]:
    """Keys that the records of some run folders stand on, and those of what their stages read beside them."""
    keys: set[str] = set()
    for run in runs:
        for path in run.glob("cells/*.json"):
            for kind, key in read_json(path).get("keys", {}).items():
                note = read_note(home / "stages" / kind / key) or {}
                keys |= {key, *note.get("reads", {}).values()}
    return keys


def remove(folder: Path) -> None:
    """Unlink a stage or a file; a process that has mapped its files keeps them until it ends."""
    if folder.is_file():
        folder.unlink()
        return
    (folder / NOTE).unlink(missing_ok=True)  # first: a half-removed stage is never taken for a finished one
    shutil.rmtree(folder)
