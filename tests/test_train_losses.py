"""Losses: equal to the references on valid pixels, finite on every mask."""

from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.losses import DiceLoss

from bench.component import build
from bench.errors import SettingsError

NAMES = ["bce-dice", "bce", "dice"]


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
