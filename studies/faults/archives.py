"""Archives of runs from elsewhere with changed bytes, cut ends and entries that were never written by ``bench``.

Each is refused in a line, or shown as the run that it was made of; a cell whose record cannot be read is shown as one
that failed, with the name of that file.
"""

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

Spoiled = tuple[str, bytes, str | None]
"""What was done, the archive, and the name of the JSON file that is another."""


def outcomes(times: int, rng: random.Random, whole: Undisturbed) -> list[Outcome]:
    """What became of so many archives."""
    with TemporaryDirectory(prefix="bench-faults-") as place:
        archive = Path(place) / "tiny.zip"
        export(whole.folder / "runs" / "tiny", to=archive)
        board = board_files(board_of_run(archive))["leaderboard.csv"]
        return [_outcome(archive.read_bytes(), board, Path(place) / "odd.zip", rng) for _ in range(times)]


def _outcome(held: bytes, board: str, path: Path, rng: random.Random) -> Outcome:
    what, content, spoiled = rng.choice((_flipped, _cut, _with_entry, _with_json))(held, rng)
    path.write_bytes(content)
    try:
        files = board_files(board_of_run(path))
    except BenchError as error:
        return Outcome(f"archive {what}", "" if "\n" not in str(error) else f"more than a line: {error}")
    except Exception as error:  # the one thing that must not be
        return Outcome(f"archive {what}", f"{type(error).__name__}: {error}")
    sound = files["leaderboard.csv"] == board or (spoiled is not None and _is_told(spoiled, files["leaderboard.md"]))
    return Outcome(f"archive {what}", "" if sound else f"shown with other numbers, {spoiled}")


def _is_told(record: str, board: str) -> bool:
    """Whether a board says of a record that it is damaged."""
    return f"{Path(record).name}: damaged" in board


def _flipped(held: bytes, rng: random.Random) -> Spoiled:
    content = bytearray(held)
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return "with a changed bit", bytes(content), None


def _cut(held: bytes, rng: random.Random) -> Spoiled:
    return "cut short", held[: rng.randrange(len(held))], None


def _with_entry(held: bytes, rng: random.Random) -> Spoiled:
    return "with a strange entry", _rewritten(held, {}, {rng.choice(NAMES): rng.choice(JSON)}), None


def _with_json(held: bytes, rng: random.Random) -> Spoiled:
    with zipfile.ZipFile(io.BytesIO(held)) as archive:
        names = [name for name in archive.namelist() if name.endswith(".json")]
    spoiled = rng.choice(names)
    return "with strange JSON", _rewritten(held, {spoiled: rng.choice(JSON)}, {}), spoiled


def _rewritten(held: bytes, instead: dict[str, bytes], more: dict[str, bytes]) -> bytes:
    """The archive with other contents, and with entries beside its own."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(held)) as archive, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new:
        for name in archive.namelist():
            new.writestr(name, instead.get(name, archive.read(name)))
        for name, content in more.items():
            new.writestr(name, content)
    return written.getvalue()
