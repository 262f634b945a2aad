"""Architectures of segmentation_models_pytorch and LR-ASPP: contract, encoders, logits on the input's grid."""

from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp
import timm
import torch
import torchvision

from bench.component import build, complete, why_not
from bench.errors import DataError, SettingsError
from bench.train.model_contract import breaches_of_model
from bench.types import Task
from light_models import MORE as LIGHT

COARSE = {"fpn": 4, "pspnet": 8, "deeplabv3plus": 4, "pan": 4, "upernet": 4, "segformer": 4, "lraspp": 8}


def made(catalog, name, task, **changed):
    return build(catalog.find("model", name).component, task, settings=LIGHT[name] | changed)


def refusal(catalog, name, **changed):
    return why_not(catalog.find("model", name).component, Task(1, 1), settings=LIGHT[name] | changed)


def last_layer(model):
    """The layer that makes the logits."""
    if hasattr(model, "head"):
        return model.head.low_classifier
    return getattr(model, "model", model).segmentation_head[0]


@pytest.mark.parametrize("name", LIGHT)
def test_a_model_meets_the_contract(catalog, name):
    assert breaches_of_model(lambda task: made(catalog, name, task)) == []


@pytest.mark.parametrize("name", LIGHT)
def test_nine_channels_and_sides_of_any_multiple_of_32_give_logits_at_the_inputs_size(catalog, name):
    model = made(catalog, name, Task(9, 4)).eval()
    with torch.inference_mode():
        for height, width in ((32, 96), (96, 160)):
            assert model(torch.zeros(1, 9, height, width)).shape == (1, 5, height, width)


@pytest.mark.parametrize(
    ("name", "changed", "stride"),
    [
        *((name, {}, COARSE.get(name, 1)) for name in LIGHT),
        ("fpn", {"depth": 4}, 2),
        ("pspnet", {"depth": 5}, 32),
        ("deeplabv3plus", {"depth": 3}, 4),
        ("deeplabv3plus", {"output_stride": 8}, 4),
        ("pan", {"output_stride": 32}, 4),
    ],
)
def test_the_stated_output_stride_is_that_of_the_logits_before_enlargement(catalog, name, changed, stride):
    model = made(catalog, name, Task(1, 1), **changed).eval()
    head = last_layer(model)
    seen = []
    head.register_forward_hook(lambda _module, _inputs, output: seen.append(output.shape[-1]))
    with torch.inference_mode():
        model(torch.zeros(1, 1, 256, 256))
    assert model.output_stride == stride == 256 // seen[0]


@pytest.mark.parametrize("name", LIGHT)
def test_an_untrained_model_expects_few_defects(catalog, name):
    model = made(catalog, name, Task(1, 2))
    last = model.head.high_classifier if name == "lraspp" else last_layer(model)
    chance = last.bias.detach().softmax(dim=0)
    assert chance.tolist() == pytest.approx([0.98, 0.01, 0.01], rel=0.05)


@pytest.mark.parametrize(
    ("name", "architecture", "options"),
    [
        ("fpn", smp.FPN, {"decoder_pyramid_channels": 32, "decoder_segmentation_channels": 32, "upsampling": 1}),
        ("upernet", smp.UPerNet, {"decoder_channels": 16, "upsampling": 1}),
        ("linknet", smp.Linknet, {"encoder_depth": 4}),
    ],
)
def test_with_smps_weights_the_logits_are_smps_enlarged_without_aligned_corners(catalog, name, architecture, options):
    theirs = architecture("tu-resnet10t", encoder_weights=None, in_channels=1, classes=2, **options).eval()
    ours = made(catalog, name, Task(1, 1)).eval()
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = torch.nn.functional.interpolate(theirs(images), size=(64, 64), mode="bilinear", align_corners=False)
        torch.testing.assert_close(ours(images), expected)


def test_lraspp_is_torchvisions_on_the_same_features(catalog):
    ours = made(catalog, "lraspp", Task(3, 1)).eval()
    features = ours.encoder(torch.zeros(1, 3, 64, 64))
    assert [feature.shape[-1] for feature in features] == [64 // 8, 64 // 16]

    class Named(torch.nn.Module):
        def forward(self, images):
            return dict(zip(("low", "high"), ours.encoder(images), strict=True))

    theirs = torchvision.models.segmentation.LRASPP(
        Named(), features[0].shape[1], features[1].shape[1], 2, inter_channels=16
    ).eval()
    theirs.classifier.load_state_dict(ours.head.state_dict())
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(ours(images), theirs(images)["out"])


@pytest.mark.parametrize(
    ("name", "encoder"),
    [
        ("fpn", "convnext_atto"),
        ("upernet", "swin_tiny_patch4_window7_224"),
        ("segformer", "mobilenetv3_small_050"),
        ("deeplabv3plus", "convnext_atto"),
        ("manet", "mit_b0"),
        ("pan", "mit_b0"),
        ("unetplusplus", "pvt_v2_b0"),
    ],
)
def test_transformers_and_light_networks_serve_as_encoders(catalog, name, encoder):
    changed = {"depth": 5} if "depth" in LIGHT[name] else {}
    model = made(catalog, name, Task(1, 1), encoder=encoder, **changed).eval()
    with torch.inference_mode():
        assert model(torch.zeros(1, 1, 96, 64)).shape == (1, 2, 96, 64)


def test_stages_beyond_the_depth_are_not_counted_as_trainable(catalog):
    shallow = made(catalog, "pspnet", Task(1, 1), encoder="mit_b0", depth=3)
    trainable = [parameter.requires_grad for parameter in shallow.parameters()]
    shallow(torch.randn(2, 1, 64, 64)).square().sum().backward()
    assert trainable == [parameter.grad is not None for parameter in shallow.parameters()]
    assert not all(trainable)


@pytest.mark.parametrize(
    ("name", "changed", "sentence"),
    [
        ("unetplusplus", {"decoder": [8, 8]}, "unetplusplus of depth 4 needs 4 positive decoder channels"),
        ("unetplusplus", {"encoder": "mit_b0", "depth": 5}, "mit_b0"),
        ("linknet", {"encoder": "mit_b2", "depth": 5}, "mit_b2"),
        ("manet", {"attention": 0}, "attention must be at least 1, got 0"),
        ("fpn", {"width": 48}, "multiples of 32, got 32 and 48"),
        ("fpn", {"encoder": "vit_tiny_patch16_224"}, "vit_tiny_patch16_224"),
        ("pspnet", {"dropout": 1.5}, "dropout must lie within 0..1"),
        ("deeplabv3plus", {"rates": [6, 12]}, "three positive rates"),
        ("deeplabv3plus", {"encoder": "swin_tiny_patch4_window7_224"}, "swin_tiny_patch4_window7_224"),
        ("pan", {"encoder": "pvt_v2_b0"}, "pvt_v2_b0"),
        ("upernet", {"width": 0}, "width must be at least 1"),
        ("lraspp", {"width": 0}, "positive width"),
    ],
)
def test_what_cannot_work_is_known_without_building_and_refused_in_building(catalog, name, changed, sentence):
    assert sentence in refusal(catalog, name, **changed)
    assert refusal(catalog, name) is None
    with pytest.raises(SettingsError, match=sentence) as caught:
        made(catalog, name, Task(1, 1), **changed)
    assert "\n" not in str(caught.value)


def test_pan_on_an_encoder_that_cannot_be_dilated_works_undilated(catalog):
    assert refusal(catalog, "pan", encoder="pvt_v2_b0", output_stride=32) is None
    model = made(catalog, "pan", Task(1, 1), encoder="pvt_v2_b0", output_stride=32).eval()
    assert model(torch.zeros(1, 1, 32, 32)).shape == (1, 2, 32, 32)


@pytest.mark.parametrize("name", sorted(set(LIGHT) - {"lraspp"}))
def test_a_misspelt_encoder_is_refused_with_the_nearest_name(catalog, name):
    with pytest.raises(SettingsError, match=r"No encoder is called 'resnt34'\. Did you mean 'resnet34'\?"):
        made(catalog, name, Task(1, 1), encoder="resnt34")


def test_an_encoder_whose_features_do_not_fit_is_one_line_that_says_what_to_do(catalog):
    assert timm.is_model("coatnet_nano_rw_224")
    with pytest.raises(SettingsError, match="or an encoder such as 'resnet34'") as caught:
        made(catalog, "fpn", Task(1, 1), encoder="coatnet_nano_rw_224")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "encoder"), [("fpn", "resnet10t"), ("segformer", "mit_b0")])
def test_pretrained_weights_that_cannot_be_fetched_are_one_clear_line(catalog, name, encoder, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(DataError, match=f"{encoder!r} could not be fetched") as caught:
        made(catalog, name, Task(3, 1), encoder=encoder, pretrained=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", LIGHT)
def test_the_default_settings_are_complete_and_without_pretrained_weights(catalog, name):
    assert complete(catalog.find("model", name).component, {})["pretrained"] is False
