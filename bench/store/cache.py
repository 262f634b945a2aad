"""Looking after the shared stages: what is there, and what of it is damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from bench.errors import StoreError
from bench.files import files_below
from bench.store.store import NOTE, missing_files, read_json


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
