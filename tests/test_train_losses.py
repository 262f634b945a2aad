"""Losses: equal to the references on valid pixels, finite on every mask."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.losses import DiceLoss, FocalLoss, TverskyLoss
from torchvision.ops import sigmoid_focal_loss

from bench.component import build
from bench.errors import SettingsError

NAMES = ["bce-dice", "bce", "dice", "focal", "tversky", "lovasz", "mixture"]


def loss_of(catalog, name, **chosen):
    return build(catalog.find("loss", name).component, settings=chosen)


def example(seed: int, classes: int, ignored: float = 0.3):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(3, 1 + classes, 8, 9, generator=generator)
    targets = torch.randint(0, 1 + classes, (3, 8, 9), generator=generator)
    targets[torch.rand(targets.shape, generator=generator) < ignored] = 255
    return logits, targets


@given(st.integers(0, 2**31), st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_bce_is_torchs_cross_entropy_over_valid_pixels(catalog, seed, classes):
    logits, targets = example(seed, classes)
    expected = torch.nn.functional.cross_entropy(logits, targets, ignore_index=255)
    torch.testing.assert_close(loss_of(catalog, "bce")(logits, targets), expected)


@given(st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_on_one_class_bce_is_the_sigmoids_of_the_difference(catalog, seed):
    logits, targets = example(seed, 1)
    valid = targets != 255
    difference = (logits[:, 1] - logits[:, 0])[valid]
    expected = torch.nn.functional.binary_cross_entropy_with_logits(difference, targets[valid].float())
    torch.testing.assert_close(loss_of(catalog, "bce")(logits, targets), expected)


@given(st.integers(0, 2**31), st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_dice_is_smps_over_the_defect_classes(catalog, seed, classes):
    logits, targets = example(seed, classes)
    oracle = smp.losses.DiceLoss("multiclass", classes=list(range(1, 1 + classes)), ignore_index=255)
    torch.testing.assert_close(loss_of(catalog, "dice")(logits, targets), oracle(logits, targets))


@given(st.integers(0, 2**31), st.integers(1, 4))
@settings(max_examples=10, deadline=None)
def test_dice_is_monais_where_every_class_is_present_and_no_pixel_is_ignored(catalog, seed, classes):
    logits, targets = example(seed, classes, ignored=0)
    targets[0, 0, : 1 + classes] = torch.arange(1 + classes)
    oracle = DiceLoss(include_background=False, to_onehot_y=True, softmax=True, batch=True, smooth_nr=0, smooth_dr=1e-7)
    torch.testing.assert_close(loss_of(catalog, "dice")(logits, targets), oracle(logits, targets[:, None]))


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_bce_dice_is_the_weighted_sum(catalog, share):
    logits, targets = example(0, 2)
    expected = (1 - share) * loss_of(catalog, "bce")(logits, targets) + share * loss_of(catalog, "dice")(
        logits, targets
    )
    torch.testing.assert_close(loss_of(catalog, "bce-dice", dice=share)(logits, targets), expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fill", [0, 1, 255])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_loss_and_gradient_are_finite_on_masks_of_one_value(catalog, name, fill, scale):
    logits = (scale * torch.randn(2, 2, 8, 8, generator=torch.Generator().manual_seed(0))).requires_grad_()
    value = loss_of(catalog, name)(logits, torch.full((2, 8, 8), fill))
    value.backward()
    assert value.isfinite()
    assert value >= 0
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_ignored_pixels_change_neither_loss_nor_gradient(catalog, name):
    logits, targets = example(1, 1)
    loud = torch.where((targets == 255).unsqueeze(1), 50 * torch.ones_like(logits).cumsum(1), logits).requires_grad_()
    loss = loss_of(catalog, name)
    loss(loud, targets).backward()
    torch.testing.assert_close(loss(loud, targets), loss(logits, targets))
    assert not loud.grad.permute(0, 2, 3, 1)[targets == 255].any()


@pytest.mark.parametrize("name", NAMES)
def test_a_perfect_answer_costs_less_than_the_opposite(catalog, name):
    _, targets = example(2, 1, ignored=0)
    perfect = 10 * torch.nn.functional.one_hot(targets, 2).permute(0, 3, 1, 2).float()
    assert loss_of(catalog, name)(perfect, targets) < 0.01
    assert loss_of(catalog, name)(-perfect, targets) > 0.9


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_outside_0_to_1_is_refused(catalog, share):
    with pytest.raises(SettingsError, match=r"within 0\.\.1"):
        loss_of(catalog, "bce-dice", dice=share)


@given(st.integers(0, 2**31), st.sampled_from([0.0, 0.5, 2.0]), st.sampled_from([None, 0.25, 0.8]))
@settings(max_examples=25, deadline=None)
def test_on_one_class_focal_is_torchvisions_of_the_difference(catalog, seed, gamma, alpha):
    logits, targets = example(seed, 1)
    valid = targets != 255
    difference, truth = (logits[:, 1] - logits[:, 0])[valid], targets[valid].float()
    expected = sigmoid_focal_loss(difference, truth, -1 if alpha is None else alpha, gamma, reduction="mean")
    found = loss_of(catalog, "focal", gamma=gamma, alpha=alpha)(logits, targets)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@given(st.integers(0, 2**31), st.integers(1, 4), st.sampled_from([1.0, 2.0]))
@settings(max_examples=15, deadline=None)
def test_focal_is_monais_softmax_form_where_no_pixel_is_ignored(catalog, seed, classes, gamma):
    logits, targets = example(seed, classes, ignored=0)
    oracle = FocalLoss(gamma=gamma, use_softmax=True, to_onehot_y=True, reduction="none")
    expected = oracle(logits, targets[:, None]).sum(dim=1).mean()
    torch.testing.assert_close(loss_of(catalog, "focal", gamma=gamma)(logits, targets), expected, rtol=1e-4, atol=1e-6)


def test_focal_without_focus_is_cross_entropy(catalog):
    logits, targets = example(3, 2)
    torch.testing.assert_close(
        loss_of(catalog, "focal", gamma=0.0)(logits, targets), loss_of(catalog, "bce")(logits, targets)
    )


@given(st.integers(0, 2**31), st.integers(1, 4), st.floats(0.1, 0.9))
@settings(max_examples=25, deadline=None)
def test_tversky_is_smps_over_the_defect_classes(catalog, seed, classes, alpha):
    logits, targets = example(seed, classes)
    oracle = smp.losses.TverskyLoss(
        "multiclass", classes=list(range(1, 1 + classes)), ignore_index=255, alpha=alpha, beta=1 - alpha
    )
    found = loss_of(catalog, "tversky", alpha=alpha, beta=1 - alpha)(logits, targets)
    torch.testing.assert_close(found, oracle(logits, targets))


def test_tversky_weighs_false_alarms_and_misses_as_monai_does(catalog):
    logits, targets = example(4, 2, ignored=0)
    oracle = TverskyLoss(
        include_background=False,
        to_onehot_y=True,
        softmax=True,
        alpha=0.2,
        beta=0.9,
        batch=True,
        smooth_nr=0,
        smooth_dr=0,
    )
    found = loss_of(catalog, "tversky", alpha=0.2, beta=0.9)(logits, targets)
    torch.testing.assert_close(found, oracle(logits, targets[:, None]))


@given(st.integers(0, 2**31))
@settings(max_examples=10, deadline=None)
def test_an_even_tversky_is_dice(catalog, seed):
    logits, targets = example(seed, 2)
    even = loss_of(catalog, "tversky", alpha=0.5, beta=0.5)(logits, targets)
    torch.testing.assert_close(even, loss_of(catalog, "dice")(logits, targets))


@given(st.integers(0, 2**31), st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_lovasz_and_its_gradient_are_smps(catalog, seed, classes):
    logits, targets = example(seed, classes)
    ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    found = loss_of(catalog, "lovasz")(ours, targets)
    expected = smp.losses.LovaszLoss("multiclass", ignore_index=255)(theirs, targets)
    torch.testing.assert_close(found, expected)
    found.backward()
    expected.backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_lovasz_of_certain_answers_is_one_minus_the_mean_iou(catalog):
    """On the corners of the cube the extension is the set function itself, here by counting over all of them."""
    truth = np.array([0, 1, 1, 0])
    for answer in itertools.product((0, 1), repeat=4):
        certain = 100.0 * torch.nn.functional.one_hot(torch.tensor([[answer]]), 2).permute(0, 3, 1, 2)
        ious = [
            np.logical_and(truth == k, np.array(answer) == k).sum()
            / np.logical_or(truth == k, np.array(answer) == k).sum()
            for k in (0, 1)
        ]
        found = loss_of(catalog, "lovasz")(certain, torch.tensor(truth)[None, None])
        assert float(found) == pytest.approx(1 - np.mean(ious), abs=1e-6)


def test_a_mixture_is_the_weighted_sum_of_its_parts(catalog):
    logits, targets = example(5, 2)
    weights = {"bce": 0.25, "focal": 2.0, "dice": 0.5, "tversky": 1.0, "lovasz": 0.125}
    expected = sum(weight * loss_of(catalog, name)(logits, targets) for name, weight in weights.items())
    torch.testing.assert_close(loss_of(catalog, "mixture", parts=weights)(logits, targets), expected)


@pytest.mark.parametrize("parts", [{}, {"bce": 0.0}])
def test_a_mixture_of_nothing_is_refused(catalog, parts):
    with pytest.raises(SettingsError, match="at least one part needs a weight above 0"):
        loss_of(catalog, "mixture", parts=parts)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("mixture", {"parts": {"bec": 1.0}}),
        ("mixture", {"parts": {"bce": -1.0}}),
        ("focal", {"gamma": -1.0}),
        ("focal", {"alpha": 2.0}),
        ("tversky", {"beta": 0.0}),
    ],
)
def test_settings_of_a_loss_out_of_range_are_refused(catalog, name, wrong):
    with pytest.raises(SettingsError, match=rf"setting '{next(iter(wrong))}' of '{name}': .+, got "):
        loss_of(catalog, name, **wrong)


@pytest.mark.parametrize("name", NAMES)
def test_no_loss_needs_an_operation_without_a_deterministic_form(catalog, name):
    """Asked of torch itself, on the CPU and without mercy; the running sums of floats of CUDA are not used."""
    logits, targets = example(6, 2)
    values = []
    torch.use_deterministic_algorithms(True)
    try:
        for _ in range(2):
            mine = logits.clone().requires_grad_()
            loss_of(catalog, name)(mine, targets).backward()
            values.append(mine.grad)
    finally:
        torch.use_deterministic_algorithms(False)
    assert torch.equal(*values)
