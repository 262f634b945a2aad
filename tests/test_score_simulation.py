"""What the intervals cover: the shipped one keeps its word in small simulations, nested resampling breaks it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from bench.errors import StoreError
from bench.scores import F1
from studies.collapse import flags_of
from studies.simulation import Claims, Told, claims, claims_table, coverage, coverage_table, main
from studies.tables import written_into
from studies.worlds import ADVERSE, ALONE, WORLDS, World

WORLD_COUNT = 300
SOME = Told(0.03, 0.02, 0.01)
BAR = 0.90
"""Coverage that must be reached at 400 groups."""


def too_rare(hits: float, share: float, worlds: int = WORLD_COUNT) -> bool:
    """Whether so few hits are incredible (1 in 1,000) if each world hits with probability ``share``."""
    return bool(stats.binom.cdf(round(hits * worlds), worlds, share) < 1e-3)


def too_frequent(hits: float, share: float, worlds: int = WORLD_COUNT) -> bool:
    """Whether so many hits are incredible if each world hits with probability ``share``."""
    return bool(stats.binom.sf(round(hits * worlds) - 1, worlds, share) < 1e-3)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_the_truth_of_a_world_is_what_unlimited_groups_and_seeds_give(world: World) -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate(
        [F1.value(world.counts((1, 1, 25), 6000, rng).sum(axis=3)).ravel() for _ in range(12)]
    )  # fmt: skip
    error = max(stats.sem(values), 0.002)
    assert values.mean() == pytest.approx(world.truth(), abs=4 * error)


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_the_shipped_interval_covers_what_it_says_at_400_groups(world: World, seeds: int) -> None:
    found = coverage(world, 400, seeds, WORLD_COUNT, np.random.default_rng(1), ("shipped",))
    assert not too_rare(found.covered["shipped"], BAR)


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("world", WORLDS[:3], ids=lambda world: world.name)
def test_nested_resampling_fails_the_bar_that_the_shipped_interval_keeps(world: World, seeds: int) -> None:
    found = coverage(world, 400, seeds, 800, np.random.default_rng(2), ("nested",))
    assert too_rare(found.covered["nested"], BAR, 800)


@pytest.mark.parametrize("groups", [20, 50, 150])
def test_the_shipped_interval_covers_nearly_as_much_with_fewer_groups(groups: int) -> None:
    found = coverage(WORLDS[0], groups, 3, WORLD_COUNT, np.random.default_rng(3), ("shipped",))
    assert not too_rare(found.covered["shipped"], BAR)


def test_taking_the_seeds_at_hand_for_all_there_are_fails_where_seeds_dominate() -> None:
    found = coverage(WORLDS[1], 150, 3, WORLD_COUNT, np.random.default_rng(4), ("groups only",))
    assert too_rare(found.covered["groups only"], BAR)


def test_one_seed_is_covered_as_the_training_that_it_is() -> None:
    world = replace(WORLDS[0], seed_sd=0.0)
    found = coverage(world, 150, 1, WORLD_COUNT, np.random.default_rng(5), ("shipped",))
    assert not too_rare(found.covered["shipped"], BAR)


@pytest.mark.parametrize("world", [WORLDS[0], WORLDS[3], replace(WORLDS[0], level_sd=0.4)], ids=lambda w: w.name)
def test_equal_levels_are_told_apart_in_at_most_one_family_of_twenty(world: World) -> None:
    found = claims(world, 100, 3, WORLD_COUNT, np.random.default_rng(6))
    assert not too_frequent(found.false.together, 0.05)
    assert found.false.board <= found.false.together <= found.false.apart


def test_a_planted_difference_is_mostly_found_with_five_seeds() -> None:
    found = claims(WORLDS[0], 150, 5, 100, np.random.default_rng(7))
    assert found.found.board > 0.6
    assert found.planted == pytest.approx(0.131, abs=0.001)


@pytest.mark.parametrize("world", ADVERSE, ids=lambda world: world.name)
def test_the_truth_of_an_adverse_world_is_that_of_its_trainings(world: World) -> None:
    rng = np.random.default_rng(8)
    values = np.concatenate([F1.value(world.counts((20, 1, 5), 4000, rng).sum(axis=3)).mean(axis=2) for _ in range(6)])
    assert values.mean() == pytest.approx(world.truth(), abs=4 * max(stats.sem(values.ravel()), 0.002))


def test_a_balanced_world_has_one_mean_over_all_trainings() -> None:
    world = ALONE[1].balanced()
    values = F1.value(world.counts((40, 2, 5), 3000, np.random.default_rng(9)).sum(axis=3)).mean(axis=(0, 2))
    assert values[0] == pytest.approx(world.steady(), abs=0.01)
    assert values[1] == pytest.approx(world.steady(), abs=0.09)
    assert world.truth(world.advantage) == pytest.approx(world.steady())


@pytest.mark.parametrize("world", ADVERSE[:2], ids=lambda world: world.name)
def test_a_mean_over_collapsed_trainings_breaks_the_interval_and_the_printed_one_keeps_it(world: World) -> None:
    found = flags_of(world, 400, 3, 100, np.random.default_rng(10)).shares
    assert too_rare(found.all_covered, BAR, 100)
    assert not too_rare(found.covered_unflagged, BAR, 100)
    assert not too_rare(found.share_covered, 0.95, 100)
    assert not too_rare(found.up, 1 - (1 - world.collapse) ** 3, 100)


@pytest.mark.parametrize("world", ALONE, ids=lambda world: world.name)
def test_a_level_that_alone_collapses_makes_no_false_claim_of_the_others(world: World) -> None:
    found = claims(world, 100, 3, WORLD_COUNT, np.random.default_rng(12))
    assert not too_frequent(found.false.board, 0.05)


def test_equal_seeds_give_equal_figures() -> None:
    first, second = (coverage(WORLDS[0], 20, 3, 30, np.random.default_rng(11)) for _ in range(2))
    assert first == second


def test_tables_have_one_line_per_setting() -> None:
    rows = [coverage(WORLDS[0], groups, 3, 10, np.random.default_rng(0), ("shipped",)) for groups in (20, 50)]
    assert coverage_table(rows).splitlines()[0] == "| world | groups | seeds | shipped |"
    assert [line.split(" | ")[1] for line in coverage_table(rows).splitlines()[2:]] == ["20", "50"]
    assert "levels differ per group" in claims_table([Claims(World("w", level_sd=1), 20, 3, SOME, 0.1, 0.2, SOME)])


def test_a_table_replaces_what_stands_between_its_markers_and_nothing_else() -> None:
    text = "before\n<!-- one -->\nold\n<!-- end of one -->\nafter"
    once = written_into(text, "one", "new")
    assert once == "before\n<!-- one -->\n\nnew\n\n<!-- end of one -->\nafter"
    assert written_into(once, "one", "new") == once


def test_a_file_without_markers_is_refused() -> None:
    with pytest.raises(StoreError, match="lacks the markers"):
        written_into("nothing here", "one", "table")


def test_the_published_tables_have_their_markers() -> None:
    text = (Path(__file__).resolve().parent.parent / "docs" / "statistics.md").read_text()
    for name in ("coverage", "beyond", "one seed", "claims", "flags", "collapse", "power"):
        assert written_into(text, name, "table").count("<!-- end of") == text.count("<!-- end of")


def test_help_says_what_the_command_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    assert "simulated worlds with a known truth" in " ".join(capsys.readouterr().out.split())
