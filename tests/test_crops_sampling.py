"""Sampling is exact: shares, images and positions are checked against what they should be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.crops.draw import Frame, draw
from bench.crops.sampling import (
    apportion,
    draw_corners,
    image_sequence,
    interleave,
    plan_crops,
    positions_of,
    row_index,
    substream,
)
from bench.errors import DataError, PluginError
from crops_worlds import Given, Mixture, World, world

maps = st.tuples(st.integers(1, 30), st.integers(1, 30), st.integers(0, 1000))


def _map(shape_and_seed, share=0.3):
    rows, columns, seed = shape_and_seed
    found = np.random.default_rng(seed).random((rows, columns)) < share
    found[-1, -1] = True
    return found


def _p_value(positions, weights, seed, crops=4000):
    corners = draw_corners(positions, row_index(positions), crops, np.random.default_rng(seed))
    counts = np.bincount(corners[:, 0] * weights.shape[1] + corners[:, 1], minlength=weights.size)
    expected = crops * weights.ravel().astype(float) / weights.sum(dtype=float)
    assert counts[expected == 0].sum() == 0
    return stats.chisquare(counts[expected > 0], expected[expected > 0]).pvalue


def test_the_admissible_corners_are_equally_likely():
    positions = _map((17, 23, 5))
    values = [_p_value(positions, positions.astype(float), seed) for seed in range(60)]
    assert stats.kstest(values, "uniform").pvalue > 0.01


def test_float_weights_are_the_probabilities():
    positions = np.random.default_rng(1).integers(0, 5, (9, 11)).astype(np.float32)
    values = [_p_value(positions, positions, seed) for seed in range(60)]
    assert stats.kstest(values, "uniform").pvalue > 0.01


def test_the_chi_square_test_would_notice_a_sampler_that_picks_rows_first():
    positions = np.tri(12, dtype=bool)
    generator = np.random.default_rng(0)
    rows = generator.integers(0, 12, 4000)
    columns = (generator.random(4000) * (rows + 1)).astype(int)
    counts = np.zeros((12, 12))
    np.add.at(counts, (rows, columns), 1)
    assert stats.chisquare(counts[positions], np.full(78, 4000 / 78)).pvalue < 1e-6


@settings(max_examples=100, deadline=None)
@given(shape=maps, share=st.sampled_from([0.0, 0.02, 0.5, 1.0]), crops=st.integers(0, 50), weighted=st.booleans())
def test_a_corner_is_always_admissible(shape, share, crops, weighted):
    positions = _map(shape, share)
    chosen = positions * np.float32(1e-3) if weighted else positions
    corners = draw_corners(chosen, row_index(chosen), crops, np.random.default_rng(shape[2]))
    assert corners.shape == (crops, 2)
    assert corners.dtype == np.int32
    assert positions[corners[:, 0], corners[:, 1]].all()


def test_weights_of_very_different_size_never_draw_a_corner_of_weight_zero():
    positions = np.zeros((3, 40), np.float32)
    positions[0, ::3], positions[1, 5], positions[2, :20] = 1e30, 1e-30, 3e29
    corners = draw_corners(positions, row_index(positions), 5000, np.random.default_rng(0))
    assert (positions[corners[:, 0], corners[:, 1]] > 0).all()


def test_the_index_of_a_map_has_eight_bytes_per_row():
    assert row_index(np.ones((1793, 2193), bool)).nbytes == 1793 * 8


@settings(max_examples=100, deadline=None)
@given(
    raw=st.lists(st.integers(0, 20), min_size=1, max_size=12).filter(any),
    crops=st.integers(0, 300),
    seed=st.integers(0, 99),
)
def test_images_appear_as_often_as_their_weight_says_in_every_cycle(raw, crops, seed):
    weights = np.array(raw, float)
    drawn = image_sequence(weights, crops, np.random.default_rng(seed))
    cycle = np.count_nonzero(weights)
    rate = weights / weights.sum()
    whole = crops // cycle * cycle
    for start in range(0, crops, cycle):
        part = drawn[start : start + cycle]
        assert (np.abs(np.bincount(part, minlength=len(raw)) - len(part) * rate) < 1 + 1e-6).all()
    assert (np.abs(np.bincount(drawn[:whole], minlength=len(raw)) - whole * rate) < 1 + 1e-6).all()


def test_with_equal_weights_every_image_appears_once_per_cycle_in_a_new_order():
    drawn = image_sequence(np.full(50, 0.1), 200, np.random.default_rng(0)).reshape(4, 50)
    assert (np.sort(drawn, axis=1) == np.arange(50)).all()
    assert len({tuple(cycle) for cycle in drawn.tolist()}) == 4


def test_the_images_of_an_incomplete_cycle_are_drawn_with_equal_probability():
    draws = [image_sequence(np.ones(7), 3, np.random.default_rng(seed)) for seed in range(2100)]
    assert stats.chisquare(np.bincount(np.concatenate(draws), minlength=7)).pvalue > 1e-3


@settings(max_examples=100, deadline=None)
@given(raw=st.lists(st.integers(0, 30), min_size=1, max_size=6).filter(any), crops=st.integers(1, 500))
def test_parts_get_their_shares_to_less_than_one_crop(raw, crops):
    shares = np.array(raw) / sum(raw)
    counts = apportion(shares, crops)
    assert counts.sum() == crops
    assert (np.abs(counts - shares * crops) < 1).all()


@settings(max_examples=100, deadline=None)
@given(raw=st.lists(st.integers(0, 200), min_size=1, max_size=5).filter(any))
def test_every_slice_of_a_draw_has_the_shares_of_the_whole(raw):
    counts = np.array(raw)
    part = interleave(counts)
    assert np.array_equal(np.bincount(part, minlength=len(raw)), counts)
    running = np.cumsum(part[:, None] == np.arange(len(raw)), axis=0)
    expected = np.arange(1, len(part) + 1)[:, None] * counts / counts.sum()
    assert (np.abs(running - expected) <= (len(raw) + 1) / 2).all()


def test_the_random_numbers_of_an_image_depend_on_seed_id_part_and_attempt_only():
    def numbers(*names):
        return substream(*names).integers(0, 2**62, 4).tolist()

    assert numbers(1, "a", 0, 0) == numbers(1, "a", 0, 0)
    others = [numbers(2, "a", 0, 0), numbers(1, "b", 0, 0), numbers(1, "a", 1, 0), numbers(1, "a", 0, 1)]
    assert len({tuple(each) for each in [*others, numbers(1, "a", 0, 0)]}) == 5


def _draw(made, strategy, size=16, crops=60, seed=3, workers=1):
    index = made.index()
    return draw(plan_crops(strategy, index, crops, seed), Frame(index, made.source(), size, seed, workers))


def _all(image, mask):
    return np.ones((image.shape[0] - 15, image.shape[1] - 15), bool)


def _only_wide(image, mask):
    return _all(image, mask) & (image.shape[1] > 40)


def test_positions_are_drawn_over_all_images_as_the_map_says():
    drawn = _draw(world(), Given(_all), crops=3000)
    for number, (height, width) in enumerate([(25, 35), (18, 49), (33, 16)]):
        mine = drawn.corner[drawn.source == number]
        assert len(mine) == 1000
        assert stats.chisquare(np.bincount(mine[:, 0], minlength=height)).pvalue > 1e-4
        assert stats.chisquare(np.bincount(mine[:, 1], minlength=width)).pvalue > 1e-4


def test_a_draw_is_the_same_for_any_number_of_workers():
    few, many = (
        _draw(world(), Mixture([Given(_all, share=0.7), Given(_only_wide, share=0.3)]), workers=n) for n in (1, 4)
    )
    for name in ("part", "source", "corner"):
        assert np.array_equal(getattr(few, name), getattr(many, name))


def test_another_seed_gives_another_draw():
    assert not np.array_equal(_draw(world(), Given(_all), seed=1).corner, _draw(world(), Given(_all), seed=2).corner)


def test_crops_of_an_image_without_positions_go_to_the_others_evenly():
    drawn = _draw(world(), Given(_only_wide), crops=60)
    assert drawn.skipped == ("image 2",)
    assert np.bincount(drawn.source, minlength=3).tolist() == [30, 30, 0]
    assert (drawn.corner >= 0).all()


def test_crops_are_passed_on_again_when_their_second_image_is_empty_too():
    weights = np.array([1e-9, 1e-9, 1.0])
    drawn = _draw(
        world(), Given(lambda image, mask: _all(image, mask) & (image.shape == (40, 50, 1)), weights), crops=9
    )
    assert (drawn.source == 0).all()


def test_when_no_image_has_a_position_the_message_says_what_to_do():
    with pytest.raises(DataError, match=r"'Given' admits no position.*fallback"):
        _draw(world(), Given(lambda image, mask: ~_all(image, mask)))


@pytest.mark.parametrize(
    ("corners", "said"),
    [
        (np.ones((3, 3), bool), r"bool\[3, 3\].*\[25, 35\]"),
        (lambda image, mask: _all(image, mask).astype(np.float64), "float64"),
        (lambda image, mask: _all(image, mask).tolist(), "list"),
        (lambda image, mask: -_all(image, mask).astype(np.float32), "negative or not finite"),
        (lambda image, mask: _all(image, mask) * np.float32("nan"), "negative or not finite"),
        (lambda image, mask: _all(image, mask) * np.float32("inf"), "negative or not finite"),
    ],
)
def test_an_impossible_map_is_refused_by_the_name_of_its_strategy(corners, said):
    made = world(shapes=[(40, 50)])
    with pytest.raises(PluginError, match=f"'Given'.*{said}"):
        _draw(made, Given(corners))


def test_one_nan_in_a_map_is_enough_to_refuse_it():
    weights = np.ones((25, 35), np.float32)
    weights[7, 9] = np.nan
    plan = plan_crops(Given(weights), world(shapes=[(40, 50)]).index(), 1, 0)
    with pytest.raises(PluginError, match="not finite"):
        positions_of(plan, 0, np.zeros((40, 50, 1), np.uint8), np.zeros((40, 50), np.uint8), 16)


@pytest.mark.parametrize(
    "weights",
    [
        np.zeros(3),
        np.array([1.0, -1, 1]),
        np.array([1, np.nan, 1]),
        np.array([1, np.inf, 1]),
        np.ones(2),
        np.ones((3, 1)),
        [1, 1, 1],
    ],
)
def test_impossible_weights_of_images_are_refused_by_the_name_of_their_strategy(weights):
    with pytest.raises(PluginError, match=r"'Given'.*weights"):
        plan_crops(Given(_all, weights), world().index(), 5, 0)


@pytest.mark.parametrize("shares", [[0.5], [0.5, 0.6], [1.5, -0.5], [float("nan")], []])
def test_shares_that_do_not_sum_to_one_are_refused_by_the_name_of_their_strategy(shares):
    with pytest.raises(PluginError, match=r"'Mixture'.*sum to 1"):
        plan_crops(Mixture([Given(_all, share=share) for share in shares]), world().index(), 5, 0)


def test_a_draw_from_no_images_is_refused():
    made = world()
    empty = type(made.index())("world", ("scratch",), (), "")
    with pytest.raises(DataError, match="0 training images"):
        plan_crops(Given(_all), empty, 5, 0)


def test_an_image_that_changed_since_it_was_indexed_is_refused():
    made = world()
    index = made.index()
    changed = World([image[1:] for image in made.images], [mask[1:] for mask in made.masks])
    with pytest.raises(DataError, match="build the index again"):
        draw(plan_crops(Given(_all), index, 5, 0), Frame(index, changed.source(), 16))


def test_strategies_that_exclude_nothing_are_inert_and_those_that_choose_are_not():
    assert _draw(world(), Given(_all)).inert
    assert not _draw(world(), Given(_only_wide)).inert
    assert not _draw(world(), Given(_all, np.array([1.0, 2.0, 1.0]))).inert
    assert not _draw(world(), Given(lambda image, mask: _all(image, mask).astype(np.float32))).inert


def test_the_admissible_share_is_that_of_corners_not_of_images():
    drawn = _draw(world(), Given(_only_wide))
    corners = [25 * 35, 18 * 49, 33 * 16]
    assert drawn.admissible == pytest.approx(sum(corners[:2]) / sum(corners))
