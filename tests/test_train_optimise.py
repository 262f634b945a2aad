"""Optimisers and schedules: torch's own, with torch's defaults, validated and in the id without torch."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from bench.component import complete
from bench.suite.cells import asked
from bench.suite.optimisers import OPTIMISERS
from bench.suite.schedules import SCHEDULES
from bench.suite.schema import Recipe, Ref
from bench.train.optimise import learning_rates, optimiser_of
from suite_worlds import SMALL, begins, load, mistakes

PEAK = 0.5


def recipe(**changed):
    return Recipe(learning_rate=PEAK, warmup_steps=0, **changed)


def rates(steps, warmup=0, **schedule):
    rate = learning_rates(steps, recipe(schedule=Ref(**schedule)).model_copy(update={"warmup_steps": warmup}))
    return [rate(step) for step in range(steps)]


def torch_rates(steps, create):
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    scheduler = create(optimiser)
    found = []
    for _ in range(steps):
        found.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return found


ORACLES = {
    "cosine": ({"final": 0.1}, lambda o, n: lr_scheduler.CosineAnnealingLR(o, n, eta_min=0.1 * PEAK)),
    "linear": ({"final": 0.2}, lambda o, n: lr_scheduler.LinearLR(o, 1.0, 0.2, n)),
    "polynomial": ({"power": 2.0}, lambda o, n: lr_scheduler.PolynomialLR(o, n, 2.0)),
    "step": ({"every": 0.25, "factor": 0.5}, lambda o, n: lr_scheduler.StepLR(o, round(n / 4), 0.5)),
    "multi-step": (
        {"at": [0.3, 0.8], "factor": 0.2},
        lambda o, n: lr_scheduler.MultiStepLR(o, [round(0.3 * n), round(0.8 * n)], 0.2),
    ),
    "exponential": ({"final": 0.05}, lambda o, n: lr_scheduler.ExponentialLR(o, 0.05 ** (1 / n))),
    "one-cycle": ({}, lambda o, n: lr_scheduler.OneCycleLR(o, PEAK, n, cycle_momentum=False)),
    "cosine-restarts": (
        {"cycles": 3, "growth": 2, "final": 0.1},
        lambda o, n: lr_scheduler.CosineAnnealingWarmRestarts(o, n // 7, 2, eta_min=0.1 * PEAK),
    ),
}


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("steps", [28, 280])
def test_a_schedule_is_torchs_stepped_after_every_step(name, steps):
    chosen, create = ORACLES[name]
    expected = torch_rates(steps, lambda optimiser: create(optimiser, steps))
    assert rates(steps, use=name, settings=chosen) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_a_linear_one_cycle_is_torchs():
    expected = torch_rates(
        60, lambda o: lr_scheduler.OneCycleLR(o, PEAK, 60, anneal_strategy="linear", cycle_momentum=False)
    )
    assert rates(60, use="one-cycle", settings={"shape": "linear"}) == pytest.approx(expected, rel=1e-6)


def test_every_schedule_has_an_oracle():
    assert set(SCHEDULES) - {"constant"} == set(ORACLES)


@given(st.sampled_from(list(SCHEDULES)), st.integers(1, 60), st.integers(0, 60))
@settings(max_examples=100)
def test_a_rate_is_never_negative_nor_above_the_peak_however_short_the_run(name, steps, warmup):
    assert all(0 <= rate <= PEAK * (1 + 1e-9) for rate in rates(steps, warmup, use=name))


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_warm_up_is_a_straight_line_to_the_schedules_first_value(name):
    warm, cold = rates(110, 10, use=name), rates(100, use=name)
    assert warm[10:] == pytest.approx(cold)
    assert warm[:10] == pytest.approx([cold[0] * step / 10 for step in range(1, 11)])


@pytest.mark.parametrize("name", OPTIMISERS)
def test_the_defaults_are_torchs(name):
    component = OPTIMISERS[name]
    chosen = component.build()
    signature = inspect.signature(getattr(torch.optim, chosen.name)).parameters
    for setting, value in complete(component, {}).items():
        default = signature[setting].default
        assert value == (list(default) if isinstance(default, tuple) else default)
        assert chosen.options[setting] == default


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_fused_kernel_is_asked_for_wherever_torch_has_one_for_gpus(name):
    chosen = OPTIMISERS[name].build()
    known = inspect.signature(getattr(torch.optim, chosen.name)).parameters
    on_gpus = "fused" in known and chosen.name != "Adagrad"  # "fused=True" is refused there with CUDA tensors
    assert chosen.options.get("fused", False) is on_gpus


@pytest.mark.parametrize("name", OPTIMISERS)
def test_an_optimiser_lowers_a_loss_and_decays_neither_norms_nor_biases(name):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Conv2d(4, 1, 1))
    optimiser = optimiser_of(model, Recipe(optimiser=Ref(use=name), learning_rate=1e-2, weight_decay=0.125))
    decay = {id(p): group["weight_decay"] for group in optimiser.param_groups for p in group["params"]}
    assert {decay[id(p)] for p in model.parameters() if p.ndim == 1} == {0.0}
    assert {decay[id(p)] for p in model.parameters() if p.ndim > 1} == {0.125}
    images = torch.randn(4, 1, 12, 12)
    losses = []
    for _ in range(30):
        loss = (model(images) - 1).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]


def test_settings_reach_the_optimiser():
    chosen = Ref(use="sgd", settings={"momentum": 0.9, "nesterov": True})
    optimiser = optimiser_of(torch.nn.Linear(2, 2), recipe(optimiser=chosen))
    assert isinstance(optimiser, torch.optim.SGD)
    assert (optimiser.defaults["momentum"], optimiser.defaults["nesterov"]) == (0.9, True)


def test_one_step_of_sgd_with_weight_decay_is_the_formula():
    model = torch.nn.Linear(3, 1)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimiser = optimiser_of(model, Recipe(optimiser=Ref(use="sgd"), learning_rate=0.1, weight_decay=0.5))
    model(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    torch.testing.assert_close(model.weight, before["weight"] - 0.1 * (1 + 0.5 * before["weight"]))
    torch.testing.assert_close(model.bias, before["bias"] - 0.1)


def the_cell(folder, *overrides):
    (cell,) = load(folder, SMALL, *overrides).cells
    return cell


def test_a_bare_name_is_the_same_as_its_defaults_written_out(tmp_path):
    bare = the_cell(tmp_path, "recipe.optimiser=sgd", "recipe.schedule=cosine")
    written = the_cell(
        tmp_path,
        "recipe.optimiser={use: sgd, settings: {nesterov: false, momentum: 0}, label: S}",
        "recipe.schedule={use: cosine, settings: {final: 0.0}, label: C}",
    )
    assert bare.id == written.id
    assert asked(bare)["recipe"]["optimiser"]["settings"] == complete(OPTIMISERS["sgd"], {})
    assert bare.recipe == written.recipe


@pytest.mark.parametrize(
    "override",
    [
        "recipe.optimiser=adam",
        "recipe.optimiser={use: adamw, settings: {eps: 1.0e-6}}",
        "recipe.schedule=linear",
        "recipe.schedule={use: step, settings: {every: 0.5}}",
    ],
)
def test_another_optimiser_schedule_or_setting_is_another_cell(tmp_path, override):
    assert the_cell(tmp_path, override).id != the_cell(tmp_path).id


def test_optimisers_and_their_settings_can_be_axes_and_be_tuned(tmp_path):
    suite = load(
        tmp_path,
        SMALL,
        "axes.recipe.optimiser=[adamw, {use: sgd, settings: {momentum: 0.9}}]",
        "recipe.schedule=cosine",
        "tune.recipe.schedule.settings.final=[0.0, 0.1]",
    )
    assert [cell.labels["recipe.optimiser"] for cell in suite.cells[::2]] == ["adamw", "sgd (momentum=0.9)"]
    assert [cell.recipe.schedule.settings["final"] for cell in suite.cells] == [0.0, 0.1, 0.0, 0.1]
    assert len({cell.id for cell in suite.cells}) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{optimiser: admw}", "suite.yaml:3:21: unknown optimiser 'admw'. Did you mean 'adamw'? Known: adamw, adam,"),
        ("{schedule: cosin}", "suite.yaml:3:20: unknown schedule 'cosin'. Did you mean 'cosine'? Known: constant,"),
        (
            "{optimiser: {use: sgd, settings: {momentun: 0.9}}}",
            "suite.yaml:3:43: 'sgd' has no setting 'momentun'. Did you mean 'momentum'?",
        ),
        (
            "{optimiser: {use: adam, settings: {betas: [0.9, 1.0]}}}",
            "suite.yaml:3:57: setting 'betas' of 'adam': <theirs>, got 1",
        ),
        (
            "{optimiser: {use: sgd, settings: {nesterov: true}}}",
            "suite.yaml:3:42: sgd: nesterov needs momentum above 0 and dampening 0",
        ),
        (
            "{schedule: {use: step, settings: {every: 3}}}",
            "suite.yaml:3:50: setting 'every' of 'step': <theirs>, got 3.",
        ),
        ("{epochs: x, schedule: cosin}", "suite.yaml:3:31: unknown schedule 'cosin'."),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path, text, expected):
    found = mistakes(tmp_path, f"{SMALL}recipe: {text}\n")
    assert any(begins(line, expected) for line in found), found


def test_a_setting_of_another_schedule_cannot_be_tuned(tmp_path):
    assert (
        "'constant' has no setting 'final'" in mistakes(tmp_path, SMALL, "tune.recipe.schedule.settings.final=[0]")[0]
    )


def test_reading_optimisers_and_schedules_imports_no_torch():
    code = (
        "import sys; from bench.suite.optimisers import OPTIMISERS; from bench.suite.schedules import SCHEDULES\n"
        "from bench.component import build, json_schema\n"
        "for part in [*OPTIMISERS.values(), *SCHEDULES.values()]:\n"
        "    build(part, settings={}); json_schema(part)\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(("kind", "table"), [("optimisers", OPTIMISERS), ("schedules", SCHEDULES)])
def test_list_and_info_tell_of_them(kind, table):
    from click.testing import CliRunner

    from bench.cli.info import command as info
    from bench.cli.listing import command as listing

    listed = CliRunner().invoke(listing, [kind]).output
    assert [line.split()[0] for line in listed.splitlines()] == list(table)
    for name in table:
        assert f"{kind[:-1]} {name} (version 1)" in CliRunner().invoke(info, [name]).output
