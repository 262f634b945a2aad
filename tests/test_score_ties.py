"""Tie groups: letters that are shared exactly by what cannot be told apart."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.scores import F1
from bench.statistics.estimates import block
from bench.statistics.letters import letters, tie_letters
from studies.worlds import World


@st.composite
def verdicts(draw: Any) -> tuple[list[float], list[tuple[int, int]]]:
    values = draw(st.lists(st.floats(0, 1), min_size=1, max_size=6))
    pairs = list(combinations(range(len(values)), 2))
    return values, draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []


def share(first: str, second: str) -> bool:
    return bool(set(first) & set(second))


@given(verdicts())
def test_two_levels_share_a_letter_exactly_when_they_are_not_told_apart(verdict: Any) -> None:
    values, apart = verdict
    found = letters(values, apart)
    for first, second in combinations(range(len(values)), 2):
        assert share(found[first], found[second]) == ((first, second) not in apart)


@given(verdicts())
def test_every_level_has_a_letter_and_the_best_has_a(verdict: Any) -> None:
    values, apart = verdict
    found = letters(values, apart)
    assert all(found)
    assert "a" in found[int(np.argmax(values))]


@given(verdicts(), st.randoms(use_true_random=False))
def test_the_order_of_the_verdicts_does_not_show(verdict: Any, shuffle: Any) -> None:
    values, apart = verdict
    mixed = list(apart)
    shuffle.shuffle(mixed)
    assert letters(values, mixed) == letters(values, apart)


@given(verdicts())
def test_no_letter_says_what_another_says_already(verdict: Any) -> None:
    found = letters(*verdict)
    holders = [{k for k, own in enumerate(found) if one in own} for one in set("".join(found))]
    assert not any(one <= other for one, other in combinations(holders, 2))
    assert not any(other <= one for one, other in combinations(holders, 2))


def test_levels_between_two_that_differ_tie_with_both() -> None:
    assert letters([0.9, 0.8, 0.7], [(0, 2)]) == ("a", "ab", "b")


def test_letters_go_down_with_the_scores() -> None:
    assert letters([0.1, 0.9, 0.5], [(0, 1), (0, 2), (1, 2)]) == ("c", "a", "b")


def test_a_planted_difference_is_separated_and_equal_levels_are_not() -> None:
    world = World("clear", seed_sd=0.05, group_sd=0.5, both_sd=0.2)
    counts = world.counts((1, 4, 5), 100, np.random.default_rng(0), better=1.5)[0]
    scores = [block(counts[:, None], F1)]
    assert tie_letters(scores, scores[0].values.mean(axis=(1, 2)).tolist()) == ("b", "b", "b", "a")
