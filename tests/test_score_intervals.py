"""Bootstrap over groups, crossed with seeds; nesting must be seen to be too narrow."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.errors import DataError
from bench.scores import F1
from bench.statistics.estimates import group_counts
from studies.bootstrap import crossed_interval, crossed_replicates


def planted(seed: int, seeds: int = 3, groups: int = 40, cells: int = 1) -> np.ndarray:
    """Groups that differ much, seeds that differ little: ``float64[cells, seeds, groups, 4]``."""
    rng = np.random.default_rng(seed)
    ease = rng.beta(2, 2, groups)
    hit = np.clip(ease + 0.03 * rng.normal(size=(cells, seeds, 1)), 0, 1)
    defect = rng.integers(50, 150, groups).astype(float)
    tp = np.round(defect * hit)
    fp = np.full_like(tp, 20.0)
    return np.stack([tp, fp, defect - tp, np.full_like(tp, 5000.0)], axis=-1)


def width(interval: np.ndarray) -> float:
    return float(interval[..., 1] - interval[..., 0])


def nested_interval(counts: np.ndarray, rng: np.random.Generator, replicates: int) -> np.ndarray:
    """The wrong way: every drawn seed draws its own groups."""
    seeds, groups, _ = counts.shape
    values = []
    for _ in range(replicates):
        chosen = rng.integers(0, seeds, seeds)
        drawn = [counts[s, rng.integers(0, groups, groups)].sum(axis=0) for s in chosen]
        values.append(F1.value(np.stack(drawn)).mean())
    return np.quantile(values, [0.025, 0.975])


def test_nesting_groups_in_seeds_is_narrower_than_crossing_them():
    counts = planted(1)[0]
    crossed = crossed_interval(counts, F1, np.random.default_rng(0), 1000)
    nested = nested_interval(counts, np.random.default_rng(0), 1000)
    assert width(nested) < 0.75 * width(crossed)


def test_one_seed_gives_the_interval_of_scipys_bootstrap_over_groups():
    counts = planted(2, seeds=1)[0]
    rows = counts[0]

    def statistic(index, axis=-1):
        return F1.value(rows[index].sum(axis=-2 if axis == -1 else axis))

    scipys = stats.bootstrap(
        (np.arange(len(rows)),), lambda i, axis: statistic(i.astype(int)), method="percentile", n_resamples=4000,
        rng=np.random.default_rng(1), vectorized=True,
    ).confidence_interval  # fmt: skip
    ours = crossed_interval(counts, F1, np.random.default_rng(2), 4000)
    np.testing.assert_allclose(ours, [scipys.low, scipys.high], atol=0.1 * width(ours))


def test_replicates_equal_a_plain_loop_over_the_same_draws():
    counts = planted(3, seeds=2, groups=7)[0]
    rng = np.random.default_rng(5)
    drawn = rng.multinomial(7, np.full(7, 1 / 7), size=9)
    chosen = rng.multinomial(2, [0.5, 0.5], size=9)
    expected = [
        np.average([F1.value((w[:, None] * counts[s]).sum(axis=0)) for s in range(2)], weights=c)
        for w, c in zip(drawn, chosen, strict=True)
    ]
    np.testing.assert_allclose(crossed_replicates(counts, F1, np.random.default_rng(5), 9), expected)


def test_two_cells_share_their_draw_of_groups():
    counts = planted(4, seeds=1, cells=1)
    pair = np.concatenate([counts, counts])
    replicates = crossed_replicates(pair, F1, np.random.default_rng(6), 50)
    assert replicates.shape == (50, 2)
    np.testing.assert_array_equal(replicates[:, 0], replicates[:, 1])
    assert np.ptp(replicates[:, 0]) > 0


def test_cells_draw_their_seeds_independently():
    pair = np.repeat(planted(5, seeds=4), 2, axis=0)
    pair[:, :, :, 0] *= np.array([1.0, 0.7, 0.4, 0.1])[None, :, None]
    replicates = crossed_replicates(pair, F1, np.random.default_rng(7), 200)
    assert not np.array_equal(replicates[:, 0], replicates[:, 1])


def test_the_interval_contains_the_estimate_and_the_draw_is_reproducible():
    counts = planted(6)[0]
    low, high = crossed_interval(counts, F1, np.random.default_rng(8))
    assert low < F1.value(counts.sum(axis=1)).mean() < high
    np.testing.assert_array_equal(crossed_interval(counts, F1, np.random.default_rng(8)), [low, high])


def test_a_single_group_gives_an_interval_of_no_width():
    counts = planted(7, seeds=1, groups=1)[0]
    assert width(crossed_interval(counts, F1, np.random.default_rng(9), 20)) == 0


def test_counts_of_equal_groups_are_added():
    names, counts = group_counts(["b", "a", "b"], np.arange(12).reshape(3, 4))
    assert names == ["b", "a"]
    assert counts.tolist() == [[8, 10, 12, 14], [4, 5, 6, 7]]


def test_no_groups_are_refused():
    with pytest.raises(DataError, match="at least one seed and one group"):
        crossed_interval(np.zeros((1, 0, 4)), F1, np.random.default_rng(0))
