"""Archives of runs from elsewhere with changed bytes, cut ends and entries that were never written by ``bench``."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.commands import board_files, board_of_run, export
from bench.errors import BenchError
from studies.faults.trial import Outcome, Undisturbed

NAMES = ("../out.json", "/out.json", "tiny/cells/x\0y.json", "tiny/" + "a/" * 200 + "b", "tiny/suite.json", "\x1b[2J")
JSON = (b"[" * 100_000, b"null", b"{}", b'{"schema": 1e999}', b'{"schema": 1, "suite": []}', b"\xff\xfe", b"9" * 5000)


def outcomes(times: int, rng: random.Random, whole: Undisturbed) -> list[Outcome]:
    """What became of so many archives: refused in a line, or shown as the run that it was made of."""
    with TemporaryDirectory(prefix="bench-faults-") as place:
        archive = Path(place) / "tiny.zip"
        export(whole.folder / "runs" / "tiny", to=archive)
        board = board_files(board_of_run(archive))["leaderboard.csv"]
        return [_outcome(archive.read_bytes(), board, Path(place) / "odd.zip", rng) for _ in range(times)]


def _outcome(held: bytes, board: str, path: Path, rng: random.Random) -> Outcome:
    what, content = rng.choice((_flipped, _cut, _with_entry, _with_json))(held, rng)
    path.write_bytes(content)
    try:
        shown = board_files(board_of_run(path))["leaderboard.csv"]
    except BenchError as error:
        return Outcome(f"archive {what}", "" if "\n" not in str(error) else f"more than a line: {error}")
    except Exception as error:  # the one thing that must not be
        return Outcome(f"archive {what}", f"{type(error).__name__}: {error}")
    return Outcome(f"archive {what}", "" if shown == board else "shown with other numbers")


def _flipped(held: bytes, rng: random.Random) -> tuple[str, bytes]:
    content = bytearray(held)
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return "with a changed bit", bytes(content)


def _cut(held: bytes, rng: random.Random) -> tuple[str, bytes]:
    return "cut short", held[: rng.randrange(len(held))]


def _with_entry(held: bytes, rng: random.Random) -> tuple[str, bytes]:
    return "with a strange entry", _rewritten(held, {}, {rng.choice(NAMES): rng.choice(JSON)})


def _with_json(held: bytes, rng: random.Random) -> tuple[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(held)) as archive:
        names = [name for name in archive.namelist() if name.endswith(".json")]
    return "with strange JSON", _rewritten(held, {rng.choice(names): rng.choice(JSON)}, {})


def _rewritten(held: bytes, instead: dict[str, bytes], more: dict[str, bytes]) -> bytes:
    """The archive with other contents, and with entries beside its own."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(held)) as archive, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new:
        for name in archive.namelist():
            new.writestr(name, instead.get(name, archive.read(name)))
        for name, content in more.items():
            new.writestr(name, content)
    return written.getvalue()
