"""Replicates of test scores: against the whole way from masks, and against redrawn validation groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from bench.errors import StoreError
from bench.replicates import CellReplicates
from bench.score.evidence import Evidence
from bench.score.replicates import cell_replicates, comparable, redrawn
from bench.score.subset import subset
from bench.score.summary import Choices, choices_of, scores_at, summarise
from bench.score.thresholds import best_index, choose_threshold, pooled, threshold_at
from bench.scores import F1, SCORES
from bench.store.replicates import read_replicates, write_replicates
from bench.types import Float32, Mask
from score_worlds import defect_probability, observed, random_mask, two_planes

FOUND = 0.5
GROUPS = ("a", "b", "a", "c", "d", "d", "e")
"""Of the images of a split, in their order."""


def a_split(seed: int, *, clean: int = 2) -> tuple[list[Mask], list[Float32]]:
    """Masks and predictions of an image of each of :data:`GROUPS`, ``clean`` of them without a defect."""
    rng = np.random.default_rng(seed)
    masks = [random_mask(rng) for _ in GROUPS]
    for mask in masks[:clean]:
        mask[mask != 255] = 0
    predictions = []
    for mask in masks:
        labels, count = ndimage.label((mask != 0) & (mask != 255))
        ease = np.append(0.0, rng.uniform(-0.3, 0.5, count))[labels]
        predictions.append(two_planes(np.clip(ease + rng.random(mask.shape), 0, 1).astype(np.float32)))
    return masks, predictions


def kept(items: Sequence[Any], group: str) -> list[Any]:
    return [item for item, other in zip(items, GROUPS, strict=True) if other != group]


def made(seed: int, *, clean: int = 2, chosen: bool = True) -> tuple[Evidence, Evidence, CellReplicates, Choices]:
    """Validation, test, the replicates of its scores, and what validation chose besides the threshold."""
    validation = observed(*a_split(seed + 1000, clean=clean), groups=GROUPS)
    test = observed(*a_split(seed, clean=clean), groups=GROUPS)
    k, also = choose_threshold(validation).index, choices_of(validation, each=False)
    rule = F1 if chosen else None
    found = cell_replicates(validation, test, k, lambda one, k: scores_at(one, k, FOUND, also), rule, "key")
    assert found is not None
    return validation, test, found, also


def test_every_score_without_a_group_is_that_of_a_split_measured_without_it() -> None:
    masks, predictions = a_split(3)
    validation, _, found, also = made(3)
    threshold = choose_threshold(validation)
    assert found.groups == ("a", "b", "c", "d", "e")
    for number, group in enumerate(found.groups):
        alone = observed(kept(masks, group), kept(predictions, group), groups=kept(GROUPS, group))
        expected = comparable(summarise(alone, threshold, found=FOUND, also=also))
        got = {name: one.without[number] for name, one in found.scores.items()}
        lost = {name for name in got if name not in expected}
        assert all(np.isnan(got[name]) for name in lost)
        assert {name: got[name] for name in got.keys() - lost} == pytest.approx(
            {name: expected[name] for name in got.keys() - lost}
        )


def test_every_score_of_a_summary_that_can_be_better_has_replicates() -> None:
    validation, test, found, also = made(5)
    scores = summarise(test, choose_threshold(validation), found=FOUND, also=also)
    better = {row.name for row in SCORES if row.table == "split" and row.better and not row.each}
    assert better <= found.scores.keys()
    assert {"sizes.q1.recall", "types.a.object_recall", "operating.recall_80.f1", "tolerance.f1_truth_eroded"} <= (
        found.scores.keys()
    )
    assert found.scores["ap"].value == scores["ap"]
    assert found.scores["sizes.q4.overlap"].value == scores["sizes"]["q4"]["overlap"]
    assert not {"threshold", "objects", "floor", "images"} & found.scores.keys()


def recall_of(masks: Sequence[Mask], predictions: Sequence[Float32], k: int) -> float:
    """The share of defects of which half is predicted, counted component by component."""
    hits = []
    for mask, prediction in zip(masks, predictions, strict=True):
        positive = defect_probability(prediction) >= np.float32(k / 1000)
        for kind in (1, 2):
            labels, count = ndimage.label(mask == kind, np.ones((3, 3)))
            hits += [positive[labels == number].mean() >= FOUND for number in range(1, count + 1)]
    return float(np.mean(hits))


def test_object_recall_is_jackknifed_as_by_counting_components() -> None:
    masks, predictions = a_split(11, clean=0)
    validation, _, found, _ = made(11, clean=0)
    k = choose_threshold(validation).index
    expected = [recall_of(kept(masks, group), kept(predictions, group), k) for group in found.groups]
    assert found.scores["object_recall"].without == pytest.approx(expected)
    assert len(set(expected)) > 1


def test_false_alarms_without_a_group_are_those_of_the_other_groups() -> None:
    validation, test, found, _ = made(7)
    alarms = test.alarms[:, choose_threshold(validation).index]
    by_group = [alarms[np.array(GROUPS) == group].sum() for group in found.groups]
    assert alarms.sum()
    assert found.scores["false_alarms"].without.tolist() == (alarms.sum() - np.array(by_group)).tolist()


def test_a_draw_of_validation_groups_is_the_counts_of_its_images_as_often_as_it_has_them() -> None:
    validation = observed(*a_split(2), groups=GROUPS)
    draws = redrawn(validation)
    alone = [pooled(subset(validation, np.array(GROUPS) == group)) for group in dict.fromkeys(GROUPS)]
    shares = np.linalg.lstsq(np.stack([one.ravel() for one in alone], axis=1), np.stack(draws).reshape(200, -1).T)[0]
    times = np.round(shares).astype(int)
    assert np.abs(shares - times).max() < 1e-6
    assert (times >= 0).all()
    assert (times.sum(axis=0) == len(alone)).all()
    assert times.mean(axis=1) == pytest.approx(np.ones(len(alone)), abs=0.3)
    assert times.var() == pytest.approx(1 - 1 / len(alone), rel=0.2)


def test_scores_at_thresholds_chosen_anew_are_those_of_the_best_threshold_of_each_draw() -> None:
    validation, test, found, also = made(13)
    assert found.validation is not None
    for number in (0, 1, 50, 199):
        index, best = best_index(redrawn(validation)[number])
        expected = comparable(summarise(test, threshold_at(index, validation), found=FOUND, also=also))
        assert found.validation[number] == best
        for name in ("f1", "object_recall", "false_alarms", "sizes.q2.recall", "ap", "f1_image"):
            rechosen = found.scores[name].rechosen
            assert rechosen is not None
            assert rechosen[number] == pytest.approx(expected[name])


def test_draws_are_the_same_for_other_predictions_of_the_same_groups_and_not_for_other_groups() -> None:
    masks, predictions = a_split(2)
    one = redrawn(observed(masks, predictions, groups=GROUPS))
    two = redrawn(observed(masks, [p[::-1].copy() for p in predictions], groups=GROUPS))
    other = redrawn(observed(masks, predictions, groups=[f"{group}x" for group in GROUPS]))
    positive = [[draw[0, 0] for draw in draws] for draws in (one, two, other)]
    assert positive[0] == positive[1] != positive[2]


def test_a_threshold_that_was_not_chosen_as_best_is_not_chosen_anew_nor_are_scores_with_a_choice_of_their_own() -> None:
    assert made(3, chosen=False)[2].validation is None
    found = made(3)[2]
    assert found.scores["operating.recall_80.f1"].rechosen is None
    assert found.scores["f1"].rechosen is not None


@given(seed=st.integers(0, 10_000), without=st.integers(0, 4))
@settings(max_examples=15, deadline=None)
def test_a_subset_scores_as_the_evidence_of_its_images(seed: int, without: int) -> None:
    masks, predictions = a_split(seed)
    group = "abcde"[without]
    whole = observed(masks, predictions, groups=GROUPS)
    alone = observed(kept(masks, group), kept(predictions, group), groups=kept(GROUPS, group))
    part = subset(whole, np.array(GROUPS) != group)
    assert scores_of(part) == pytest.approx(scores_of(alone), nan_ok=True)
    assert part.groups == alone.groups


def scores_of(evidence: Evidence) -> Mapping[str, float]:
    return comparable(scores_at(evidence, 400, FOUND, Choices()))


def test_replicates_come_back_from_their_file_as_they_were(tmp_path: Path) -> None:
    found = made(3)[2]
    write_replicates(tmp_path / "replicates" / "x.npz", found)
    again = read_replicates(tmp_path / "replicates" / "x.npz")
    assert again is not None
    assert (again.predict, again.groups, again.draws) == (found.predict, found.groups, found.draws)
    assert again.scores.keys() == found.scores.keys()
    for name, one in found.scores.items():
        assert again.scores[name].value == one.value
        assert np.array_equal(again.scores[name].without, one.without, equal_nan=True)
        assert (again.scores[name].rechosen is None) is (one.rechosen is None)
    assert read_replicates(tmp_path / "replicates" / "y.npz") is None


def test_a_damaged_file_of_replicates_says_how_it_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "run" / "replicates" / "x.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"nothing")
    with pytest.raises(StoreError, match=r"damaged .*'bench score .*run --write' makes it again"):
        read_replicates(path)


def test_one_test_group_has_no_replicates() -> None:
    masks, predictions = a_split(1)
    test = observed(masks, predictions, groups=["only"] * len(masks))
    assert cell_replicates(test, test, 500, lambda one, k: scores_at(one, k, FOUND, Choices()), F1, "key") is None
