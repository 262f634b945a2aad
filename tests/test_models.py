"""The model components: contract, encoders, baselines."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.component import build, complete
from bench.errors import DataError, SettingsError
from bench.train.model_contract import breaches_of_model
from bench.types import Task
from light_models import CORE as LIGHT

BASELINES = [name for name, changed in LIGHT.items() if not changed]


def made(catalog, name, task, **changed):
    return build(catalog.find("model", name).component, task, settings=LIGHT[name] | changed)


@pytest.mark.parametrize("name", LIGHT)
def test_a_model_meets_the_contract(catalog, name):
    assert breaches_of_model(lambda task: made(catalog, name, task)) == []


def test_the_contract_check_sees_a_wrong_shape_a_lost_gradient_and_unsaved_state():
    class Broken(torch.nn.Module):
        def __init__(self, task):
            super().__init__()
            self.layer = torch.nn.Conv2d(task.channels, 1 + task.classes, 1)
            self.idle = torch.nn.Parameter(torch.zeros(1))

        def forward(self, images):
            return self.layer(images)

    class Forgetful(torch.nn.Module):
        def __init__(self, task):
            super().__init__()
            self.weight = [torch.randn(1 + task.classes, task.channels, 1, 1)]

        def forward(self, images):
            return torch.nn.functional.conv2d(images, self.weight[0])

    assert all("idle" in breach for breach in breaches_of_model(Broken))
    assert len(breaches_of_model(Broken)) == 3
    assert breaches_of_model(Forgetful) == ["a second model with the same state_dict gives other logits"]
    halved = breaches_of_model(lambda task: torch.nn.Conv2d(task.channels, 1 + task.classes, 2, stride=2))
    assert "with 1 channel: logits have shape (2, 3, 32, 32), not (2, 3, 64, 64)" in halved


@pytest.mark.parametrize(
    ("name", "changed", "stride"),
    [
        ("fcn", {}, 8),
        ("fcn", {"depth": 5, "output_stride": 16}, 16),
        ("fcn", {"encoder": "mobilenetv3_small_100"}, 8),
        ("deeplabv3", {"depth": 5, "output_stride": 32}, 32),
        ("unet", {}, 1),
    ],
)
def test_the_stated_output_stride_is_that_of_the_logits_before_upsampling(catalog, name, changed, stride):
    model = made(catalog, name, Task(1, 1), **changed).eval()
    head = model.segmentation_head if name == "unet" else model.head
    seen = []
    head.register_forward_hook(lambda _module, _inputs, output: seen.append(output.shape[-1]))
    model(torch.zeros(1, 1, 128, 128))
    assert model.output_stride == stride == 128 // seen[0]


@pytest.mark.parametrize("name", ["fcn", "deeplabv3"])
def test_with_resnet50_the_model_is_torchvisions_own(catalog, name):
    """Same parameters, and with torchvision's weights the same logits."""
    oracle = getattr(torchvision.models.segmentation, f"{name}_resnet50")
    theirs = oracle(weights=None, weights_backbone=None, num_classes=2, aux_loss=False).eval()
    component = catalog.find("model", name).component
    ours = build(component, Task(3, 1), settings={}).eval()
    ours.encoder.load_state_dict(theirs.backbone.state_dict())
    ours.head.load_state_dict(theirs.classifier.state_dict())
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(ours(images), theirs(images)["out"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["fcn", "deeplabv3", "unet"])
@pytest.mark.parametrize("classes", [1, 4])
def test_an_untrained_model_expects_few_defects_of_any_class(catalog, name, classes):
    model = made(catalog, name, Task(1, classes)).eval()
    with torch.inference_mode():
        chance = model(torch.zeros(1, 1, 64, 64)).softmax(dim=1)
    assert float(1 - chance[:, 0].mean()) == pytest.approx(0.02, rel=0.3)
    assert chance[:, 1:].mean(dim=(0, 2, 3)).tolist() == pytest.approx([0.02 / classes] * classes, rel=0.3)


def test_unet_takes_smps_own_encoders_too(catalog):
    model = made(catalog, "unet", Task(3, 1), encoder="mit_b0", depth=5, decoder=[32, 16, 16, 8, 8]).eval()
    assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 2, 64, 64)


@pytest.mark.parametrize("name", ["fcn", "deeplabv3", "unet"])
def test_a_misspelt_encoder_is_refused_with_the_nearest_name(catalog, name):
    with pytest.raises(SettingsError, match=r"No encoder is called 'resnt34'\. Did you mean 'resnet34'\?"):
        made(catalog, name, Task(1, 1), encoder="resnt34")


def test_an_encoder_that_cannot_be_dilated_says_what_to_do(catalog):
    with pytest.raises(SettingsError, match=r"'densenet121' cannot give .* output_stride 8 .* output_stride: 32"):
        made(catalog, "fcn", Task(1, 1), encoder="densenet121", depth=5)


def test_a_depth_that_does_not_reach_the_output_stride_is_refused(catalog):
    with pytest.raises(SettingsError, match="has stride 8 after 3 stages, not 16; set output_stride: 8"):
        made(catalog, "fcn", Task(1, 1), depth=3, output_stride=16)


@pytest.mark.parametrize("name", ["fcn", "unet"])
def test_pretrained_weights_that_cannot_be_fetched_are_one_clear_line(catalog, name, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(DataError) as caught:
        made(catalog, name, Task(1, 1), pretrained=True)
    message = str(caught.value)
    assert "\n" not in message
    assert "'resnet10t' could not be fetched" in message
    assert message.endswith("or set pretrained: false")


@pytest.mark.parametrize(
    ("name", "wrong", "sentence"),
    [
        ("unet", {"depth": 4, "decoder": [8, 8]}, "needs 4 positive decoder channels"),
        ("unet", {"depth": 3, "decoder": [8, 0, 8]}, "needs 3 positive decoder channels"),
        ("deeplabv3", {"rates": []}, "positive rates"),
        ("deeplabv3", {"aspp": 0}, "positive aspp"),
    ],
)
def test_settings_that_do_not_fit_are_known_without_building(catalog, name, wrong, sentence):
    component = catalog.find("model", name).component
    reason = component.supports(Task(1, 1), **complete(component, wrong))
    assert sentence in reason
    assert component.supports(Task(1, 1), **complete(component, LIGHT[name])) is None
    with pytest.raises(SettingsError, match=sentence):
        made(catalog, name, Task(1, 1), **wrong)


def test_looking_at_models_imports_no_torch():
    code = (
        "import sys; from bench.catalog import load_catalog; from bench.component import complete, json_schema\n"
        "for offer in load_catalog().offers('model'):\n"
        "    complete(offer.component, {}); json_schema(offer.component)\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'timm', 'torchvision')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("classes", [1, 3])
def test_a_baseline_has_nothing_to_fit_and_shares_its_score_evenly(catalog, name, classes):
    model = made(catalog, name, Task(3, classes))
    assert not list(model.parameters())
    logits = model(torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)))
    one = made(catalog, name, Task(3, 1))(torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)))
    chance = logits.softmax(dim=1)
    torch.testing.assert_close(1 - chance[:, 0], one.softmax(dim=1)[:, 1], rtol=1e-4, atol=1e-6)
    assert (chance[:, 1:] == chance[:, 1:2]).all()


@given(st.floats(0.001, 0.999))
@settings(max_examples=20, deadline=None)
def test_constant_answers_its_probability(catalog, probability):
    model = made(catalog, "constant", Task(1, 1), probability=probability)
    chance = model(torch.zeros(1, 1, 2, 2)).softmax(dim=1)[:, 1]
    assert chance.numpy() == pytest.approx(probability, abs=1e-5)


@pytest.mark.parametrize("probability", [0.0, 1.0, -1.0])
def test_constant_refuses_certainty(catalog, probability):
    with pytest.raises(SettingsError, match="between 0 and 1"):
        made(catalog, "constant", Task(1, 1), probability=probability)


@given(st.integers(0, 2**32 - 1), st.integers(20, 235))
@settings(max_examples=25, deadline=None)
def test_otsu_cuts_where_opencv_does(catalog, seed, split):
    """On tiles that use the whole scale, where 256 bins between darkest and brightest are the grey levels."""
    rng = np.random.default_rng(seed)
    tile = np.where(rng.random((32, 32)) < 0.3, rng.integers(split, 256, (32, 32)), rng.integers(0, split, (32, 32)))
    tile[0, :2] = (0, 255)
    tile = tile.astype(np.uint8)
    _, theirs = cv2.threshold(tile, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    normalised = torch.from_numpy(tile).float()[None, None] * 0.02 - 1.3
    ours = made(catalog, "otsu", Task(1, 1))(normalised).softmax(dim=1)[0, 1] > 0.5
    assert (ours.numpy() == (theirs == 1)).mean() > 0.999


def test_otsu_finds_the_dark_side_when_asked(catalog):
    tile = torch.ones(1, 1, 32, 32)
    tile[..., :8, :8] = -1
    tile += 0.01 * torch.randn(tile.shape, generator=torch.Generator().manual_seed(0))
    found = made(catalog, "otsu", Task(1, 1), foreground="dark")(tile).argmax(dim=1)[0]
    assert torch.equal(found, (tile[0, 0] < 0).long())


def test_otsu_sees_no_defect_in_a_tile_of_one_grey_level(catalog):
    assert not made(catalog, "otsu", Task(1, 1))(torch.full((1, 1, 8, 8), 0.7)).argmax(dim=1).any()


def test_local_contrast_grows_with_the_difference_from_the_surroundings(catalog):
    tile = torch.zeros(1, 1, 64, 64)
    tile[0, 0, 16, 16], tile[0, 0, 48, 48] = 1.0, -3.0
    chance = made(catalog, "local-contrast", Task(1, 1))(tile).softmax(dim=1)[0, 1]
    assert chance[48, 48] > chance[16, 16] > chance[32, 32]
    difference = 1 - 1 / 15**2
    assert float(chance[16, 16]) == pytest.approx(difference / (difference + 0.25), abs=1e-4)


@pytest.mark.parametrize("name", ["otsu", "local-contrast"])
def test_scores_of_a_baseline_spread_over_the_threshold_grid(catalog, name):
    tile = torch.randn(1, 1, 128, 128, generator=torch.Generator().manual_seed(0))
    chance = made(catalog, name, Task(1, 1))(tile).softmax(dim=1)[0, 1]
    assert len(np.unique(np.floor(chance.numpy() * 1000))) > 700
