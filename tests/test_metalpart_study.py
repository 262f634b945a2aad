"""The study of ``metalpart`` counts as scikit-learn does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import f1_score, roc_auc_score

from studies.metalpart import area_under_roc, f1_by_threshold, filters, levels_of

GREY = arrays(np.float32, 40, elements=st.integers(-255, 255).map(float))
DEFECT = arrays(np.bool_, 40).filter(lambda mask: mask.any() and not mask.all())


@given(grey=GREY, defect=DEFECT)
def test_the_area_is_that_of_the_better_sign(grey, defect):
    area = roc_auc_score(defect, grey)
    assert area_under_roc(levels_of(grey, defect)) == pytest.approx(max(area, 1 - area))


@given(grey=GREY, defect=DEFECT, sign=st.sampled_from([1, -1]))
def test_the_best_f1_is_that_of_the_best_threshold(grey, defect, sign):
    best = max(f1_score(defect, sign * grey >= threshold) for threshold in np.unique(sign * grey))
    assert f1_by_threshold(levels_of(grey, defect), sign).max() == pytest.approx(best)


@pytest.mark.parametrize("name", list(filters()))
def test_a_filtered_picture_stays_within_the_bins_and_a_flat_one_says_nothing(name):
    rng = np.random.default_rng(0)
    noisy = rng.integers(0, 256, (64, 64)).astype(np.float32)
    assert np.abs(filters()[name](noisy)).max() <= 255
    flat = filters()[name](np.full((64, 64), 90, np.float32))
    np.testing.assert_allclose(flat, flat[0, 0], atol=0.2)
