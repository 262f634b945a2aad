"""One byte changed, or the rest cut off, at a random place of any file of a store or a run folder.

``python -m studies.faults.flips --times 1200 --seed 0`` does so in a copy of a finished run, a sixth of the times by
cutting. Each time it looks before and after one repeat of ``bench run``: at the board, at scores made again from the
evidence, and at a picture predicted with the weights. Before, each of these is what it was or names the file; after,
all are what they were. For a file of a stage the records are removed first, and the notes of all stages after it, so
that the repeat reads it. A fault is

- *healed* where it was named, by what was looked at or by ``bench cache verify``, and the repeat made it good,
- *harmless* where it was not named, and nothing that was looked at ever differed,
- *lost* where something else was shown, a traceback came, or the repeat did not end as the run did.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from bench.canonical import digest
from bench.commands import board_files, board_of_run
from bench.errors import BenchError, named_line
from bench.files import files_below
from bench.runs.folder import read_run, records_in
from bench.runs.predict import load_trained
from bench.runs.rescore import ScoreRequest, rescored
from bench.runs.verify import run_damages
from bench.store.cache import damages
from bench.store.store import forget_stage
from studies.faults.parts import SIDE
from studies.faults.world import World, finished_world

CUT_SHARE = 1 / 6
CHAIN = ("images", "tiles", "crops", "train", "predict")
"""Stages in the order in which they read each other."""
SHOWN = (".png", ".txt", ".md", ".tex", ".csv")
"""What is written anew by every run and read by none."""

Verdict = Literal["healed", "harmless", "lost"]
Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Fault:
    """A file below the folder of a world, the place in it, and what the byte there is changed by; None cuts it off."""

    path: Path
    place: int
    change: int | None

    def befall(self, folder: Path) -> None:
        """Change the file."""
        content = bytearray((folder / self.path).read_bytes())
        if self.change is None:
            del content[self.place :]
        else:
            content[self.place] ^= self.change
        (folder / self.path).write_bytes(content)

    @property
    def text(self) -> str:
        """The fault in words."""
        return f"{self.path}: {'cut' if self.change is None else f'{self.change:#04x}'} at {self.place}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a fault, and why it is lost."""

    fault: Fault
    verdict: Verdict
    why: str = ""


def kinds_of(world: World) -> dict[str, list[Path]]:
    """The files of a world's store and results by what they are, below its folder."""
    kinds: dict[str, list[Path]] = {}
    for path in sorted(files_below(world.home) + files_below(world.place / "runs")):
        below = path.relative_to(world.place)
        if path.stat().st_size:
            kinds.setdefault(_kind(below), []).append(below)
    return kinds


def _kind(path: Path) -> str:
    """``home/stages/train/ID/best.safetensors``; one kind for all that is only shown."""
    return "shown" if path.suffix in SHOWN else re.sub("[0-9a-f]{32}", "ID", path.as_posix())


def drawn(world: World, kind: Sequence[Path], rng: Rng) -> Fault:
    """A fault in a file of a kind."""
    path = kind[int(rng.integers(len(kind)))]
    place = int(rng.integers((world.place / path).stat().st_size))
    return Fault(path, place, None if rng.random() < CUT_SHARE else int(rng.integers(1, 256)))


Seen = Mapping[str, str]
"""What was looked at, each as text, or the line that was told in its place."""


def look(world: World) -> dict[str, str]:
    """Everything that a user may look at in a finished run."""
    return {
        "board": _told(lambda: board_files(board_of_run(world.run))["leaderboard.md"]),
        "scores": _told(lambda: _scores(world)),
        "scores made again": _told(lambda: _scored_again(world)),
        "prediction": _told(lambda: _predicted(world)),
    }


def _told(call: Callable[[], str]) -> str:
    try:
        return call()
    except BenchError as error:
        return str(error)


def _scores(world: World) -> str:
    suite, _ = read_run(world.run)
    found = {}
    for id, record in records_in(world.run, suite).items():
        found[id] = [record.state, record.reason, record.plain_scores, dict(record.last_step), dict(record.ceiling)]
    return repr(found)


def _scored_again(world: World) -> str:
    records = records_in(world.run, world.suite)
    late = rescored(world.suite.cells, records, ScoreRequest(), world.catalog, world.places)
    return repr([(one.cell, one.scores, one.problem, one.differing) for one in late] or _scores(world))


def _predicted(world: World) -> str:
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 1), dtype=np.uint8)
    found = []
    for record in records_in(world.run, world.suite).values():
        if record.reason is not None:
            return record.reason
        trained = load_trained(record, world.catalog, world.places)
        found.append([trained.threshold, trained.probabilities(image, "noise").tobytes().hex()])
    return digest(found)


def outcome(sound: World, seen: Seen, fault: Fault, place: Path) -> Outcome:
    """Copy a sound world to an empty place, let a fault befall it, look, repeat the run, look again."""
    world = sound.at(place)
    for folder in ("home", "runs"):
        shutil.copytree(sound.place / folder, place / folder)
    fault.befall(place)
    try:
        named = [*damages(world.home), *run_damages(world.run)]
        for what, text in look(world).items():
            if text != seen[what] and not _names(text, fault.path):
                return Outcome(fault, "lost", f"{what} differs and does not name the file: {text[:300]}")
            named += [text] if text != seen[what] else []
        why = _repeated(world, seen, fault)
    except Exception as error:
        return Outcome(fault, "lost", named_line(error))
    return Outcome(fault, "lost", why) if why else Outcome(fault, "healed" if named else "harmless")


def _names(text: str, path: Path) -> bool:
    """Whether a text, however it is wrapped, names a file or the folder of its stage."""
    told = "".join(text.split())
    return path.name in told or ("stages" in path.parts and path.parent.name in told)


def _repeated(world: World, seen: Seen, fault: Fault) -> str:
    """What is wrong after one repeat of the run; nothing where all is well."""
    if "stages" in fault.path.parts:
        _let_be_read(world, fault.path.parts[2])
    plan = world.ran()
    undone = [f"{planned.state}: {planned.reason}" for planned in plan.cells if planned.state != "done"]
    if undone:
        return f"the repeat ended with a cell {undone[0]}"
    board_of_run(world.run)  # its costs are those of today
    again = look(world)
    return next((f"{what} differs after the repeat" for what in list(seen)[1:] if again[what] != seen[what]), "")


def _let_be_read(world: World, kind: str) -> None:
    """Remove the records, and the notes of all stages that read one of this kind, so that the repeat reads it."""
    for record in (world.run / "cells").glob("*.json"):
        record.unlink()
    for later in CHAIN[CHAIN.index(kind) + 1 :]:
        for folder in (world.home / "stages" / later).glob("[!.]*"):
            forget_stage(folder)


def outcomes(sound: World, faults: Sequence[Fault]) -> Iterator[Outcome]:
    """What becomes of each fault."""
    seen = look(sound)
    for fault in faults:
        with tempfile.TemporaryDirectory(prefix="bench-flip-") as place:
            yield outcome(sound, seen, fault, Path(place))


def faults_of(world: World, times: int, rng: Rng) -> list[Fault]:
    """So many faults, each kind of file as often as any other."""
    kinds = list(kinds_of(world).values())
    rounds = -(-times // len(kinds))
    order = np.concatenate([rng.permutation(len(kinds)) for _ in range(rounds)])[:times]
    return [drawn(world, kinds[number], rng) for number in order.tolist()]


def tried(times: int, seed: int) -> Iterator[Outcome]:
    """What becomes of so many faults in a world of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-flips-") as folder:
        os.environ["BENCH_HOME"] = str(Path(folder) / "home")
        world = finished_world(Path(folder))
        yield from outcomes(world, faults_of(world, times, np.random.default_rng(seed)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Try faults and print what became of them; 1 where something was lost."""
    parser = argparse.ArgumentParser(prog="python -m studies.faults.flips", description=__doc__)
    parser.add_argument("--times", type=int, default=1200, help="faults to try (1200)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the generator (0)")
    asked = parser.parse_args(arguments)
    counts: Counter[str] = Counter()
    for found in tried(asked.times, asked.seed):
        counts[found.verdict] += 1
        if found.verdict == "lost":
            sys.stdout.write(f"lost: {found.fault.text}: {found.why}\n")
    survived = counts["healed"] + counts["harmless"]
    sys.stdout.write(
        f"flips, seed {asked.seed}: tried {counts.total()}, survived {survived} (healed {counts['healed']}, "
        f"harmless {counts['harmless']}), lost {counts['lost']}\n"
    )
    return 1 if counts["lost"] else 0


if __name__ == "__main__":
    sys.exit(main())
