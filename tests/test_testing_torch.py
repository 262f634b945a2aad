"""The contracts of augmentation, losses and models: for every clause a component that breaks it, and its sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench.api import Component, Task
from bench.testing import breaches
from bench.types import IGNORED


def given(function: Any) -> Component[Any]:
    def build() -> Any:
        return function

    return Component("function", build)


def mirror(images: Any, masks: Any, generator: Any) -> Any:
    import torch

    turned = torch.rand((), generator=generator) < 0.5
    return (images.flip(-1), masks.flip(-1)) if turned else (images, masks)


def framed(images: Any, masks: Any, generator: Any) -> Any:
    """What comes from outside is black and ignored."""
    images[..., 0], masks[..., 0] = 0, IGNORED
    return images, masks


def images_only(images: Any, masks: Any, generator: Any) -> Any:
    return images.flip(-1), masks


def noise(images: Any, generator: Any, strength: float = 0.01) -> Any:
    import torch

    return images + strength * torch.randn(images.shape, generator=generator)


def noisy(images: Any, masks: Any, generator: Any) -> Any:
    return noise(images, generator, 1.0), masks


def inverted(images: Any, masks: Any, generator: Any) -> Any:
    return -images, masks


def blurred(images: Any, masks: Any, generator: Any) -> Any:
    from torchvision.transforms.functional import gaussian_blur

    return gaussian_blur(images, [9, 9], [2.0, 2.0]), masks


def erased(images: Any, masks: Any, generator: Any) -> Any:
    images[:, :, 6:24, 6:24] = 0
    return images, masks


def blank(images: Any, masks: Any, generator: Any) -> Any:
    """An extreme of what a contrast jitter may do."""
    return images * 0, masks


def brightened_mirror(images: Any, masks: Any, generator: Any) -> Any:
    images, masks = mirror(images, masks, generator)
    return noise(images, generator) * 1.3 + 0.2, masks


def noisy_images_only(images: Any, masks: Any, generator: Any) -> Any:
    return noise(images.flip(-1), generator), masks


def noisy_now_and_then(images: Any, masks: Any, generator: Any) -> Any:
    """Mirrors some images of some batches without their masks."""
    import torch

    turned = torch.rand(len(images), generator=generator) < 0.2
    return noise(images.flip(-1).where(turned[:, None, None, None], images), generator), masks


def shifted_masks(images: Any, masks: Any, generator: Any) -> Any:
    return noise(images, generator), masks.roll(3, 1)


def cropped(images: Any, masks: Any, generator: Any) -> Any:
    return images[..., 1:], masks[..., 1:]


def widened(images: Any, masks: Any, generator: Any) -> Any:
    return images, masks.long()


def divided(images: Any, masks: Any, generator: Any) -> Any:
    return images / 0, masks


def blended(images: Any, masks: Any, generator: Any) -> Any:
    return images, ((masks.float() + masks.float().roll(1, -1)) / 2).to(masks.dtype)


def private(images: Any, masks: Any, generator: Any) -> Any:
    import torch

    return images + torch.rand(()), masks


def alone(images: Any, masks: Any, generator: Any) -> Any:
    return images


def lost(images: Any, masks: Any, generator: Any) -> Any:
    raise KeyError("angle")


@pytest.mark.parametrize("augment", [mirror, framed, noisy, inverted, blurred, erased, blank, brightened_mirror])
def test_a_sound_augmentation_breaks_nothing(augment: Any) -> None:
    assert breaches("augment", given(augment)) == []


@pytest.mark.parametrize("augment", [noisy_images_only, noisy_now_and_then, shifted_masks])
def test_masks_that_leave_their_images_are_told_when_grey_levels_change_too(augment: Any) -> None:
    (found,) = breaches("augment", given(augment))
    assert found.startswith("images that show their own masks do not agree with them afterwards (correlation 0.")
    assert found.endswith("): every mask must stay on its image")


@pytest.mark.parametrize(
    ("augment", "sentence"),
    [
        (None, "its builder returned NoneType: return a function (images, masks, generator)"),
        (
            images_only,
            "it moves the images but not the masks in the same way: every mask must stay on its image",
        ),
        (
            cropped,
            "it turned images float32[4, 1, 32, 32] into float32[4, 1, 32, 31]: shape and type must be kept",
        ),
        (widened, "it turned masks uint8[4, 32, 32] into int64[4, 32, 32]: shape and type must be kept"),
        (divided, "it makes pixels that are not finite"),
        (
            blended,
            "masks of values 0, 2 and 255 gained the values [1, 127]: resample masks by the nearest pixel",
        ),
        (
            private,
            "equal generators give different results: draw from the generator that is given, from nothing else",
        ),
        (alone, "it returned float32[4, 1, 32, 32]: it must return the tuple (images, masks)"),
        (lost, "a batch float32[4, 1, 32, 32] raises KeyError: 'angle'"),
    ],
)
def test_an_augmentation_that_breaks_a_clause_is_told_so(augment: Any, sentence: str) -> None:
    assert breaches("augment", given(augment)) == [sentence]


def cross_entropy(logits: Any, targets: Any) -> Any:
    import torch

    valid = (targets != IGNORED).sum().clamp_min(1)
    return torch.nn.functional.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum") / valid


def plain_mean(logits: Any, targets: Any) -> Any:
    import torch

    return torch.nn.functional.cross_entropy(logits, targets, ignore_index=IGNORED)


def per_pixel(logits: Any, targets: Any) -> Any:
    import torch

    return torch.nn.functional.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="none")


def logarithm(logits: Any, targets: Any) -> Any:
    import torch

    chance = logits.softmax(dim=1).log()
    valid = (targets != IGNORED).sum().clamp_min(1)
    return torch.nn.functional.nll_loss(chance, targets, ignore_index=IGNORED, reduction="sum") / valid


def detached(logits: Any, targets: Any) -> Any:
    return cross_entropy(logits.detach(), targets)


def stopped(logits: Any, targets: Any) -> Any:
    return cross_entropy(logits.detach(), targets) + 0 * logits.sum()


def with_ignored(logits: Any, targets: Any) -> Any:
    return cross_entropy(logits, targets.where(targets != IGNORED, targets * 0))


def rewarding(logits: Any, targets: Any) -> Any:
    return -cross_entropy(logits, targets).clamp_max(100)


def repainting(logits: Any, targets: Any) -> Any:
    targets[0, 0, 0] += 1
    return cross_entropy(logits, targets.clamp_max(1).where(targets != IGNORED, targets))


def dropping(logits: Any, targets: Any) -> Any:
    import torch

    return cross_entropy(logits, targets) * torch.rand(())


def rooted(logits: Any, targets: Any) -> Any:
    """Has an infinite slope where nothing is wrong."""
    valid = (targets != IGNORED)[:, None]
    return (logits * valid * 0).abs().sqrt().mean() + cross_entropy(logits, targets)


def unknown(logits: Any, targets: Any) -> Any:
    raise KeyError("weights")


def test_a_sound_loss_breaks_nothing() -> None:
    assert breaches("loss", given(cross_entropy)) == []


@pytest.mark.parametrize(
    ("loss", "sentence"),
    [
        (None, "its builder returned NoneType: return a function (logits, targets)"),
        (unknown, "the loss of a mixed mask raises KeyError: 'weights'"),
        (per_pixel, "the loss of a mixed mask is float32[2, 16, 16]: it must be a scalar tensor"),
        (lambda logits, targets: 1.0, "the loss of a mixed mask is float: it must be a scalar tensor"),
        (plain_mean, "the loss of an all-ignored mask is nan: it must be finite"),
        (
            logarithm,
            "the loss of logits of -1000 for the true class is inf: use log_softmax, not the logarithm of a "
            "probability",
        ),
        (
            detached,
            "the gradient of a mixed mask raises RuntimeError: element 0 of tensors does not require grad and does "
            "not have a grad_fn",
        ),
        (stopped, "the gradient of a mixed mask is zero everywhere: nothing can be learned"),
        (rooted, "no finite gradient of a mixed mask reaches the logits"),
        (repainting, "it changes the targets it is given: work on a copy"),
        (dropping, "the loss of equal arguments differs the second time: it must be deterministic"),
    ],
)
def test_a_loss_that_breaks_a_clause_is_told_so(loss: Any, sentence: str) -> None:
    assert breaches("loss", given(loss))[0] == sentence


def test_a_loss_that_counts_ignored_pixels_is_told_so() -> None:
    (found,) = breaches("loss", given(with_ignored))
    assert found.startswith("other logits where the target is 255 change the loss from ")


def test_a_loss_that_rewards_the_opposite_is_told_so() -> None:
    (found,) = breaches("loss", given(rewarding))
    assert found.endswith(": perfect must be the lower")


def model(make: Any) -> Component[Any]:
    def build(task: Task, /) -> Any:
        return make(task)

    return Component("model", build)


def layer(task: Task) -> Any:
    import torch

    return torch.nn.Conv2d(task.channels, 1 + task.classes, 3, padding=1)


def halving(task: Task) -> Any:
    import torch

    return torch.nn.Conv2d(task.channels, 1 + task.classes, 2, stride=2)


def wrapped(task: Task) -> Any:
    import torch

    class Wrapped(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer(task)

        def forward(self, images: Any) -> Any:
            return {"out": self.layer(images)}

    return Wrapped()


def renamed(task: Task) -> Any:
    import torch

    class Renamed(torch.nn.Conv2d):
        def state_dict(self, *arguments: Any, **named: Any) -> Any:
            return {f"old.{name}": value for name, value in super().state_dict(*arguments, **named).items()}

    return Renamed(task.channels, 1 + task.classes, 1)


def mixing(task: Task) -> Any:
    """Takes the mean of the batch from every image."""
    import torch

    class Mixing(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer(task)

        def forward(self, images: Any) -> Any:
            logits = self.layer(images)
            return logits - 0.5 * logits.mean(dim=0)

    return Mixing()


def unremembering(task: Task) -> Any:
    """Normalises by the batch in evaluation too."""
    import torch

    return torch.nn.Sequential(layer(task), torch.nn.BatchNorm2d(1 + task.classes, track_running_stats=False))


def leaning(task: Task) -> Any:
    """As ``mixing``, below a constant that is far larger than what is mixed."""
    import torch

    class Leaning(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mixing = mixing(task)

        def forward(self, images: Any) -> Any:
            return self.mixing(images) / 100 - 5

    return Leaning()


def normalising(task: Task) -> Any:
    """Normalises every image by itself, and by what training left behind."""
    import torch

    classes = 1 + task.classes
    return torch.nn.Sequential(layer(task), torch.nn.InstanceNorm2d(classes), torch.nn.BatchNorm2d(classes))


def grey_only(task: Task) -> Any:
    if task.channels > 1:
        raise ValueError("grey images only")
    return layer(task)


MIXING = "in evaluation it gives an image other logits alone than beside another: treat the images one by one"


@pytest.mark.parametrize("make", [layer, normalising])
def test_a_sound_model_breaks_nothing(make: Any) -> None:
    assert breaches("model", model(make)) == []


@pytest.mark.parametrize(
    ("make", "sentences"),
    [
        (lambda task: task, ["its builder returned Task: return a torch.nn.Module"]),
        (wrapped, ["with 1, 3 and 5 channels: returns dict, not a tensor of logits"]),
        (
            halving,
            [f"with 1, 3 and 5 channels: logits have shape ({n}, 3, 32, 32), not ({n}, 3, 64, 64)" for n in (2, 1)],
        ),
        (mixing, [MIXING]),
        (unremembering, [MIXING]),
        (leaning, [MIXING]),
        (
            grey_only,
            ["with 3 and 5 channels: refuses to be built (the builder of 'model' fails: ValueError: grey images only)"],
        ),
    ],
)
def test_a_model_that_breaks_a_clause_is_told_so(make: Any, sentences: list[str]) -> None:
    assert breaches("model", model(make)) == sentences


def test_a_model_with_something_to_fit_must_not_be_offered_as_a_baseline() -> None:
    (found,) = breaches("model", replace(model(layer), learns=False))
    assert "has parameters to fit" in found


def test_a_model_that_cannot_load_its_own_state_is_told_so() -> None:
    (found,) = breaches("model", model(renamed))
    assert found.startswith("its own state_dict cannot be loaded: RuntimeError: ")
