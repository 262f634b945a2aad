"""What the intervals and comparisons are worth: simulated worlds with a known truth.

``python -m studies.simulation --into docs/statistics.md`` runs everything and writes the tables between the markers
of that file; equal arguments give equal tables.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import astuple, dataclass, replace
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bench.scores import F1
from bench.statistics.comparisons import ALPHA, all_pairs, holm
from bench.statistics.estimates import block, mean_estimate
from bench.types import Bool, Float64
from studies.bootstrap import crossed_interval, group_replicates, percentiles
from studies.choices import CHOOSERS, SETTINGS, choices_lines
from studies.choices import HEAD as CHOICES
from studies.choices import coverage as chosen_coverage
from studies.collapse import HEAD, LEVELS, batches, flagged, flags_lines, flags_of
from studies.tables import table_of, tell
from studies.worlds import ADVERSE, ALONE, BEYOND, WORLDS, World

GROUPS = (20, 50, 150, 400)
SEEDS = (3, 5)
FEWER = (20, 50, 150)
"""Groups of the tables of claims."""
BETTER = 1.5
"""Planted advantage of the last level on the logit scale."""
REPLICATES = 1000

LAST = LEVELS - 2
"""Number of the pair of the reference, level 0, and the last level."""

R = TypeVar("R")
Setting = tuple[World, int, int]
"""World, groups and seeds."""
Method = Callable[[Float64, np.random.Generator], Float64]
"""Counts ``float64[worlds, seeds, groups, 4]`` to intervals ``float64[worlds, 2]``."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Share of worlds whose interval holds the truth, and mean width of the interval, by method."""

    world: World
    groups: int
    seeds: int
    covered: dict[str, float]
    width: dict[str, float]


@dataclass(frozen=True, slots=True)
class Told:
    """Shares of worlds in which something is claimed.

    ``apart``: in a table of differences to the reference or in one of all pairs, each a family of its own;
    ``together``: in either, where all pairs are the one family of both; ``board``: that, but for flagged rows.
    """

    apart: float
    together: float
    board: float


@dataclass(frozen=True, slots=True)
class Claims:
    """How often differences are claimed.

    ``false``: any at all where all levels are equal. ``found``: that of the last level to the reference where it is
    better by ``planted`` F1. ``up``: any row is flagged where all levels are equal.
    """

    world: World
    groups: int
    seeds: int
    false: Told
    up: float
    planted: float
    found: Told


def shipped(counts: Float64, _: np.random.Generator) -> Float64:
    """The interval of the product; it draws nothing."""
    return mean_estimate(counts, F1).share_interval()


def percentile_crossed(counts: Float64, rng: np.random.Generator) -> Float64:
    """Percentiles of the bootstrap over groups crossed with seeds."""
    return crossed_interval(counts, F1, rng, REPLICATES)


def groups_only(counts: Float64, rng: np.random.Generator) -> Float64:
    """Percentiles of the bootstrap over groups, as if these seeds were all there are."""
    return percentiles(group_replicates(counts, F1, rng, REPLICATES).mean(axis=-1))


def nested(counts: Float64, rng: np.random.Generator) -> Float64:
    """The wrong way: every redrawn seed draws groups of its own."""
    worlds, seeds = counts.shape[:2]
    total = np.zeros((REPLICATES, worlds))
    for _ in range(seeds):
        of_slot = rng.integers(0, seeds, REPLICATES)
        for seed in range(seeds):
            here = np.flatnonzero(of_slot == seed)
            total[here] += group_replicates(counts[:, seed : seed + 1], F1, rng, len(here))[..., 0]
    return percentiles(total / seeds)


METHODS: dict[str, Method] = {
    "shipped": shipped,
    "percentile, crossed": percentile_crossed,
    "groups only": groups_only,
    "nested": nested,
}


def coverage(
    world: World, groups: int, seeds: int, worlds: int, rng: np.random.Generator, methods: Sequence[str] = (*METHODS,)
) -> Coverage:
    """Draw worlds and count the intervals that hold the truth."""
    truth = world.truth()
    found: dict[str, list[Float64]] = {name: [] for name in methods}
    for size in batches(worlds):
        counts = world.counts((size, 1, seeds), groups, rng)[:, 0]
        for name in methods:
            found[name].append(METHODS[name](counts, rng))
    covered, width = {}, {}
    for name, parts in found.items():
        low, high = np.concatenate(parts).T
        covered[name] = float(np.mean((low <= truth) & (truth <= high)))
        width[name] = float(np.mean(high - low))
    return Coverage(world, groups, seeds, covered, width)


def claims(world: World, groups: int, seeds: int, worlds: int, rng: np.random.Generator) -> Claims:
    """Draw worlds of equal levels, and half as many whose last level is better, and count what is told apart."""
    equal, up = _told_apart(world, groups, seeds, worlds, 0.0, rng)
    better, _ = _told_apart(world, groups, seeds, worlds // 2, BETTER, rng)
    planted = world.steady(BETTER) - world.steady()
    false = Told(*equal.any(axis=-1).mean(axis=-1))
    return Claims(
        world, groups, seeds, false, float(up.any(axis=-1).mean()), planted, Told(*better[:, :, LAST].mean(-1))
    )


def _told_apart(
    world: World, groups: int, seeds: int, worlds: int, better: float, rng: np.random.Generator
) -> tuple[Bool, Bool]:
    """What is claimed, ``bool[3, worlds, pairs]`` as in :class:`Told`, and who is flagged, ``bool[worlds, levels]``."""
    told = []
    flags = []
    for size in batches(worlds):
        counts = world.counts((size, LEVELS, seeds), groups, rng, better=better)
        scores = block(counts[:, :, None], F1)
        pairs = all_pairs([scores])
        plain = np.stack([pair.estimate.p_value() for pair in pairs], axis=-1)
        together = np.stack([pair.p for pair in pairs], axis=-1) < ALPHA
        apart = together.copy()
        apart[:, : LEVELS - 1] |= holm(plain[:, : LEVELS - 1]) < ALPHA
        up = flagged(counts, scores)
        unflagged = np.stack([~up[:, pair.first] & ~up[:, pair.second] for pair in pairs], axis=-1)
        told.append(np.stack([apart, together, together & unflagged]))
        flags.append(up)
    return np.concatenate(told, axis=1), np.concatenate(flags)


def coverage_table(rows: Sequence[Coverage]) -> str:
    """Coverage in percent, and in brackets the mean width in points of F1."""
    names = list(rows[0].covered)
    lines = []
    for row in rows:
        cells = [f"{100 * row.covered[name]:.1f} ({100 * row.width[name]:.0f})" for name in names]
        lines.append([row.world.name, str(row.groups), str(row.seeds), *cells])
    return table_of(["world", "groups", "seeds", *names], lines)


def claims_table(rows: Sequence[Claims]) -> str:
    """False and true claims in percent of the worlds."""
    lines = []
    for row in rows:
        false = [f"{100 * share:.1f}" for share in (*astuple(row.false), row.up)]
        found = [f"{100 * share:.0f}" for share in astuple(row.found)]
        name = row.world.name + (", levels differ per group" if row.world.level_sd else "")
        lines.append([name, str(row.groups), str(row.seeds), *false, f"{100 * row.planted:+.1f}", *found])
    head = ["world", "groups", "seeds", "any false: two families", "one family", "board", "flag up", "planted F1"]
    return table_of([*head, "found: two families", "one family", "board"], lines)


def tables(worlds: int, seed: int, workers: int) -> Iterator[tuple[str, str]]:
    """Name and Markdown of every table, as they get ready; the number of workers changes no figure."""
    without_seeds = [replace(world, seed_sd=0.0) for world in WORLDS]
    mixed = replace(WORLDS[0], level_sd=0.4)
    on_groups = partial(coverage, methods=("shipped", "groups only"))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        each = partial(_each, pool, seed)
        yield "coverage", coverage_table(each(coverage, product(WORLDS, GROUPS, SEEDS), worlds))
        yield "beyond", coverage_table(each(coverage, product([BEYOND], GROUPS, SEEDS), worlds))
        yield "one seed", coverage_table(each(on_groups, product(without_seeds, GROUPS, [1]), worlds))
        yield "claims", claims_table(each(claims, product([*WORLDS, mixed], FEWER, SEEDS), 2 * worlds))
        choosers = [(chooser, *sizes) for chooser, sizes in product(CHOOSERS, SETTINGS)]
        yield "choices", table_of(CHOICES, choices_lines(each(chosen_coverage, choosers, worlds // 2)))
        usual = flags_lines(each(flags_of, product([*WORLDS, *ADVERSE], GROUPS, SEEDS), worlds // LEVELS))
        yield "flags", table_of(["world", "groups", "seeds", *HEAD], usual)
        unequal = [*ALONE, *(world.balanced() for world in ALONE)]
        yield "collapse", claims_table(each(claims, product([*ADVERSE, *unequal], FEWER, SEEDS), worlds))


def _each(
    pool: Executor, seed: int, study: Callable[..., R], settings: Iterable[tuple[Any, ...]], worlds: int
) -> list[R]:
    """The study at every setting, each with a generator of its own."""
    asked = list(settings)
    generators = np.random.default_rng(seed).spawn(len(asked))
    pending = [pool.submit(study, *setting, worlds, rng) for setting, rng in zip(asked, generators, strict=True)]
    return [one.result() for one in pending]


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate and print the tables, or write them into a file."""
    parser = argparse.ArgumentParser(prog="python -m studies.simulation", description=__doc__)
    parser.add_argument("--worlds", type=int, default=2000, help="worlds per setting (2000)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the generator (0)")
    parser.add_argument("--workers", type=int, default=2, help="processes (2)")
    parser.add_argument("--into", type=Path, help="Markdown file with markers; without it the tables are printed")
    asked = parser.parse_args(arguments)
    for name, table in tables(asked.worlds, asked.seed, asked.workers):
        tell(name, table, asked.into)


if __name__ == "__main__":
    main()
