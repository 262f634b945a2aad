"""Suite, profile, override: what wins, and which profile is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.gpus import Gpu, Gpus
from bench.suite.reading import layers
from suite_worlds import SMALL, begins, load, mistakes

PROFILED = (
    SMALL
    + """
recipe: {epochs: 1, batch: 1, bank: {crops: 1}, augment: [flips, rotations]}
profiles:
  cpu: {recipe: {epochs: 2, batch: 2}, axes: {seed: [5, 6]}}
  gpu: {recipe: {epochs: 3, augment: [flips]}, tune: {recipe.learning_rate: [1e-3, 1e-2]}}
"""
)


@pytest.fixture(autouse=True)
def _no_driver_no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv("BENCH_PROFILE", raising=False)


def test_an_override_wins_over_the_profile_which_wins_over_the_suite(tmp_path: Path) -> None:
    recipe = load(tmp_path, PROFILED, "recipe.batch=9", profile="cpu").recipe
    assert (recipe.epochs, recipe.batch, recipe.bank.crops) == (2, 9, 1)
    assert load(tmp_path, PROFILED, profile="none").recipe.epochs == 1


def test_of_two_overrides_the_later_wins(tmp_path: Path) -> None:
    suite = load(tmp_path, PROFILED, "recipe.batch=7", "recipe.batch=8", "recipe={epochs: 4}", profile="cpu")
    assert (suite.recipe.batch, suite.recipe.epochs) == (8, 4)


def test_lists_replace_and_mappings_merge(tmp_path: Path) -> None:
    gpu = load(tmp_path, PROFILED, profile="gpu")
    assert [step.use for step in gpu.recipe.augment] == ["flips"]
    assert (gpu.recipe.batch, list(gpu.tune)) == (1, ["recipe.learning_rate"])
    cpu = load(tmp_path, PROFILED, "axes.seed=[1]", "axes.crop=bias", profile="cpu")
    assert [(cell.seed, cell.crop.use, cell.model.use) for cell in cpu.cells] == [(1, "bias", "unet")]


def test_a_component_replaces_another_whole_and_settings_alone_merge(tmp_path: Path) -> None:
    text = (
        SMALL
        + "recipe: {loss: {use: focal, settings: {gain: 3}}}\nprofiles: {cpu: {recipe: {loss: {use: bce-dice}}}}\n"
    )
    assert load(tmp_path, text, profile="cpu").recipe.loss.settings == {"gain": 1.0}
    assert load(tmp_path, text, "recipe.loss.settings.gain=4", profile="none").recipe.loss.settings == {"gain": 4.0}
    bare = SMALL + "recipe: {loss: focal}\n"
    assert load(tmp_path, bare, "recipe.loss.settings.gain=4").recipe.loss.settings == {"gain": 4.0}


def test_an_axis_is_replaced_whole(tmp_path: Path) -> None:
    text = SMALL.replace("unet", "{use: keywords, settings: {grid: 3}}")
    (cell,) = load(tmp_path, text, "axes.model={use: keywords, settings: {copy: true}}").cells
    assert cell.model.settings["grid"] == 1


def test_null_takes_a_section_axis_or_tuned_path_out(tmp_path: Path) -> None:
    text = PROFILED + "include: [{model: fcn, seed: 0}]\n"
    suite = load(tmp_path, text, "tune.recipe.learning_rate=null", "include=null", profile="gpu")
    assert len(suite.cells) == 1
    assert len(load(tmp_path, text, "tune=null", "axes.seed=null", profile="gpu").cells) == 2


def test_override_values_are_yaml_without_its_traps(tmp_path: Path) -> None:
    suite = load(
        tmp_path,
        SMALL,
        "axes.model={use: keywords, settings: {json: no}}",
        "recipe.learning_rate=1e-2",
        "description='a: b'",
    )
    assert suite.description == "a: b"
    assert suite.cells[0].model.settings["json"] == "no"
    assert suite.recipe.learning_rate == 0.01


@pytest.mark.parametrize(
    ("override", "mistake"),
    [
        ("recipe.epohcs=3", "unknown key of recipe: 'epohcs'. Did you mean 'epochs'?"),
        ("protocol.tiles.overlapp=0", "unknown key of protocol.tiles: 'overlapp'. Did you mean 'overlap'?"),
        ("epochs=3", "unknown key 'epochs'."),
        ("profiles.cpu.recipe.epochs=3", "unknown key 'profiles'."),
        ("axes.modle=fcn", "unknown axis 'modle'. Did you mean 'model'?"),
        ("recipe.epochs", "'recipe.epochs' is not KEY=VALUE;"),
        ("recipe.epochs=", "'recipe.epochs=' is not KEY=VALUE;"),
        ("recipe..epochs=3", "the key 'recipe..epochs' has an empty part."),
        ("recipe.=3", "the key 'recipe.' has an empty part."),
        ("=3", "unknown key ''."),
        ("recipe.epochs={a: 1, a: 2}", "the key 'a' stands twice;"),
        ("recipe.epochs.more=3", "recipe.epochs: <theirs>, got "),
        ("recipe.batch=\ud800", "the character U+D800 cannot stand in YAML."),
    ],
)
def test_a_wrong_override_is_located_as_its_argument(tmp_path: Path, override: str, mistake: str) -> None:
    lines = mistakes(tmp_path, SMALL, "recipe.batch=2", override)
    assert any(begins(line, f"-x argument 2: {mistake}") for line in lines)
    assert all(line.startswith("-x argument 2: ") for line in lines)


def test_an_override_that_a_pair_would_make_void_is_refused(tmp_path: Path) -> None:
    text = "name: x\naxes: {model: unet}\npaired: [{dataset: [parts, tiles], preprocess: [none, stretch]}]\n"
    assert mistakes(tmp_path, text, "axes.dataset=parts") == [
        "-x argument 1: the axis 'dataset' is paired, so this would change nothing; change 'paired'."
    ]
    assert len(load(tmp_path, text, "axes.dataset=parts", "paired=null").cells) == 1
    assert len(load(tmp_path, text, "paired=[{dataset: [parts], seed: [4]}]", "axes.crop=bias").cells) == 1
    profile = text + "profiles: {cpu: {axes: {preprocess: none}}}\n"
    assert mistakes(tmp_path, profile, profile="cpu") == [
        "suite.yaml:4:25: the axis 'preprocess' is paired, so this would change nothing; change 'paired'."
    ]


def test_the_profile_asked_for_wins_over_the_environment_and_that_over_the_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load(tmp_path, PROFILED).profile == "cpu"
    monkeypatch.setenv("BENCH_PROFILE", "gpu")
    assert load(tmp_path, PROFILED).profile == "gpu"
    assert load(tmp_path, PROFILED).profile_reason == "BENCH_PROFILE"
    assert load(tmp_path, PROFILED, profile="cpu").profile == "cpu"
    assert load(tmp_path, PROFILED, profile="none").profile is None


def test_a_driver_that_is_there_chooses_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "gpus", lambda: Gpus((Gpu(0, "H100", 80 * 10**9, (9, 0), "GPU-1"),)))
    assert load(tmp_path, PROFILED).profile == "gpu"
    assert load(tmp_path, SMALL + "profiles: {cpu: {}}\n").profile is None


def test_a_gpu_that_cannot_be_used_chooses_cpu_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "gpus", lambda: Gpus(remarks=("1 NVIDIA GPU (H100) cannot be used: ...",)))
    loaded = load(tmp_path, PROFILED)
    assert (loaded.profile, loaded.profile_reason) == ("cpu", "the NVIDIA GPU cannot be used")


@pytest.mark.parametrize(("source", "asked"), [("--profile", "gpuu"), ("BENCH_PROFILE", None)])
def test_an_unknown_profile_is_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, asked: str | None
) -> None:
    if asked is None:
        monkeypatch.setenv("BENCH_PROFILE", "gpuu")
    assert mistakes(tmp_path, PROFILED, profile=asked) == [
        f"{source}: unknown profile 'gpuu'. Did you mean 'gpu'? Known: cpu, gpu, none."
    ]


def test_a_suite_without_profiles_does_not_mind_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_PROFILE", "gpu")
    assert load(tmp_path, SMALL).profile is None
    assert len(mistakes(tmp_path, SMALL, profile="gpu")) == 1


def test_relative_data_folders_start_at_the_suite_and_those_of_overrides_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    suite = load(tmp_path, SMALL + "data: {parts: images, tiles: images}\n", "data.tiles=images")
    assert suite.data == {"parts": str(tmp_path / "images"), "tiles": str(tmp_path / "here" / "images")}
