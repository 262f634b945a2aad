"""``python -m studies.faults``: the campaign, in parts, with the seed that repeats it.

``--times`` says how often each part is tried, ``--part`` runs some of them, ``--jobs`` tries several at once, ``--into
docs/reliability.md`` writes the table there, of all outcomes in the file ``--kept`` where a campaign is run in pieces.
Exit code 1 where anything was lost.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from studies.faults import archives, data, disk, flips, kills, looks, races, suites
from studies.faults.trial import Outcome, Undisturbed, undisturbed
from studies.tables import table_of, tell

Trial = Callable[[Undisturbed, random.Random], Outcome]

TRIALS: dict[str, Trial] = {
    "kills": kills.trial,
    "full": disk.full,
    "cuts": disk.cut,
    "clock": disk.clock,
    "data": data.trial,
    "looks": looks.trial,
}
"""Name of a part to what is tried once, each in a world of its own."""
TIMES = {
    "kills": 200,
    "full": 40,
    "cuts": 100,
    "clock": 20,
    "data": 40,
    "looks": 20,
    "archives": 500,
    "flips": 1200,
    "races": 1,
    "suites": 10_000,
}
"""How often each part of the whole campaign is tried."""
RACING = 8
"""Processes that race for one suite."""
HEAD = ("what", "tried", "survived", "lost")


def main() -> int:
    """Run the parts and print or write their table; 1 where anything was lost."""
    parser = argparse.ArgumentParser(prog="studies.faults", description=__doc__)
    parser.add_argument("--part", action="append", choices=tuple(TIMES), help="this part alone; may be repeated")
    parser.add_argument("--times", type=int, help="how often each part is tried")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="what is drawn; printed")
    parser.add_argument("--jobs", type=int, default=1, help="trials at once; each keeps about one core busy")
    parser.add_argument("--into", type=Path, help="a file with the markers of the table")
    parser.add_argument("--kept", type=Path, help="a file of outcomes: these are added, and the table is of all in it")
    asked = parser.parse_args()
    sys.stdout.write(f"seed {asked.seed}\n")
    parts = asked.part or list(TIMES)
    found: list[Outcome] = []
    with undisturbed() as whole:
        for part in (part for part in parts if part in TRIALS):
            found += _tried(part, asked.times or TIMES[part], asked.seed, asked.jobs, whole)
        if "archives" in parts:
            rng = random.Random(f"archives {asked.seed}")
            found += archives.outcomes(asked.times or TIMES["archives"], rng, whole)
    if "flips" in parts:
        found += _flips(asked.times or TIMES["flips"], asked.seed)
    if "races" in parts:
        found += [one for _ in range(asked.times or TIMES["races"]) for one in _races()]
    if "suites" in parts:
        found += _suites(asked.times or TIMES["suites"], asked.seed)
    if asked.kept:
        found = _added(asked.kept, found)
    for outcome in found:
        if outcome.lost:
            sys.stdout.write(f"lost: {outcome.what}: {outcome.lost}\n")
    tell("campaign", table_of(HEAD, list(_lines(found))), asked.into)
    return int(any(outcome.lost for outcome in found))


def _added(path: Path, found: Iterable[Outcome]) -> list[Outcome]:
    """Add outcomes to a file, a line of JSON each; all that are in it."""
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(outcome)) + "\n" for outcome in found)
    return [Outcome(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _tried(part: str, times: int, seed: int, jobs: int, whole: Undisturbed) -> Iterable[Outcome]:
    def outcome_of(number: int) -> Outcome:
        return TRIALS[part](whole, random.Random(f"{part} {seed} {number}"))

    with ThreadPoolExecutor(jobs) as pool:
        for number, outcome in enumerate(pool.map(outcome_of, range(times))):
            sys.stdout.write(f"{part} {number}: {outcome.what}: {outcome.lost or 'as undisturbed'}\n")
            sys.stdout.flush()
            yield outcome


def _flips(times: int, seed: int) -> Iterable[Outcome]:
    for found in flips.tried(times, seed):
        how = "cut off" if found.fault.change is None else "with another byte"
        yield Outcome(f"file {how}, {found.verdict}", f"{found.fault.text}: {found.why}" if found.why else "")


def _races() -> Iterable[Outcome]:
    """Races with the locks of the file system as they are, and where they do nothing."""
    with TemporaryDirectory(prefix="bench-race-") as place:
        alone = races.race(Path(place), ["smoke"], 1, locks=True)
    for locks, named in ((True, "locks"), (False, "no locks")):
        with TemporaryDirectory(prefix="bench-race-") as place:
            raced = races.race(Path(place), ["smoke"], RACING, locks=locks)
        lost = "a command failed, or a stage was filed twice or never" if raced.lost else ""
        yield Outcome(f"{RACING} commands race, {named}", lost or ("" if raced.rows == alone.rows else "other results"))


def _suites(times: int, seed: int) -> list[Outcome]:
    from bench.catalog import load_catalog

    timed = suites.outcomes(times, random.Random(f"suites {seed}"), load_catalog())
    mean = sum(seconds for _, seconds in timed) / len(timed)
    sys.stdout.write(f"mutated suites took {1e3 * mean:.1f} ms each on average\n")
    return [outcome for outcome, _ in timed]


def _lines(found: Iterable[Outcome]) -> Iterable[tuple[str, ...]]:
    tried, lost = Counter[str](), Counter[str]()
    for outcome in found:
        tried[outcome.what] += 1
        lost[outcome.what] += bool(outcome.lost)
    return ((what, str(n), str(n - lost[what]), str(lost[what])) for what, n in sorted(tried.items()))


if __name__ == "__main__":
    sys.exit(main())
