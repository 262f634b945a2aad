"""Suites with changed bytes, lines and values: each is refused with its mistakes, or has a plan."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.catalog import Catalog
from bench.engine.invocation import Invocation, make_plan
from bench.errors import BenchError
from bench.store.home import Places
from bench.suite.reading.load import load_suite
from bench.suite.shipped import shipped_suites
from studies.faults.trial import Outcome

VALUES = (
    "null", "~", "true", "no", "-1", "0", "1e999", ".nan", "-.inf", "99999999999999999999", "0x1F", "1_000", "''",
    "[]", "{}", "[[[[]]]]", "{a: {b: {c: []}}}", "!!python/object:os.system", "&a [*a]", "*nobody", "<<: {}",
    "2026-11-29", "12:30:45", "'\\0'", '"\\u202e"', '"\\x1b[31m"', "é", "=cmd", "uniform", "metalpart", "[0, 0]", "1.5",
    "{use: unet}", "{use: unet, settings: {encoder: 7}}", "?", "- -", ": :", "|", "> x", "%YAML 1.1", "x" * 3000,
)  # fmt: skip
TOKEN = re.compile(r"[\w.+-]+|[^\w\s]")

Mutation = Callable[[str, random.Random], str]


def byte_changed(text: str, rng: random.Random) -> str:
    """One bit of one byte; what is no UTF-8 any more stays so."""
    held = bytearray(text.encode("utf-8", "surrogateescape"))
    held[rng.randrange(len(held))] ^= 1 << rng.randrange(8)
    return held.decode("utf-8", "surrogateescape")


def cut_short(text: str, rng: random.Random) -> str:
    """The beginning alone."""
    return text[: rng.randrange(len(text))]


def relined(text: str, rng: random.Random) -> str:
    """A line is lost, doubled, moved or set in."""
    lines = text.splitlines(keepends=True)
    which = rng.randrange(len(lines))
    line = lines[which]
    change = rng.randrange(4)
    if change < 3:
        del lines[which]
    if change == 1:
        lines.insert(rng.randint(0, len(lines)), line)
    elif change == 2:
        lines[which:which] = [line, line]
    elif change == 3:
        lines[which] = " " * rng.randrange(1, 5) + line
    return "".join(lines)


def revalued(text: str, rng: random.Random) -> str:
    """A word or sign is lost, or gives way to something odd, or to another of the file."""
    found = list(TOKEN.finditer(text))
    if not found:
        return text
    hit = rng.choice(found)
    instead = rng.choice(("", rng.choice(VALUES), rng.choice(VALUES), rng.choice(found).group()))
    return text[: hit.start()] + instead + text[hit.end() :]


MUTATIONS: Sequence[Mutation] = (byte_changed, cut_short, relined, revalued, revalued, revalued)


def outcomes(times: int, rng: random.Random, catalog: Catalog) -> list[tuple[Outcome, float]]:
    """What became of so many mutated suites, with the seconds that each took."""
    texts = [path.read_text(encoding="utf-8") for _, path in sorted(shipped_suites().items())]
    with TemporaryDirectory(prefix="bench-faults-") as place:
        folder = Path(place)
        invocation = Invocation(catalog, Places(folder / "home", folder / "runs", {}))
        return [_outcome(mutated(rng.choice(texts), rng), folder / "suite.yaml", invocation) for _ in range(times)]


def mutated(text: str, rng: random.Random) -> str:
    """A suite with one to three changes."""
    for _ in range(rng.randint(1, 3)):
        if text:
            text = rng.choice(MUTATIONS)(text, rng)
    return text


def _outcome(text: str, path: Path, invocation: Invocation) -> tuple[Outcome, float]:
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    began = time.perf_counter()
    try:
        suite = load_suite(path, invocation.catalog)
        make_plan(suite, invocation)
        what, lost = "planned", ""
    except BenchError as error:
        what, lost = "refused", "" if str(error).strip() else "no word of why"
    except Exception as error:  # the one thing that must not be
        what, lost = "refused", f"{type(error).__name__}: {error}; {text[:2000]!r}"
    return Outcome(f"mutated suite {what}", lost), time.perf_counter() - began
