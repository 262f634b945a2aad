"""Settings of optimisers and schedules in suites: checked alone where they are read, together where they meet."""

from __future__ import annotations

import math
import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bench.component import build, complete, mistakes_in
from bench.suite.optimisers import OPTIMISERS
from bench.suite.schedules import SCHEDULES, cosine_restarts, one_cycle
from bench.suite.schema import Recipe
from suite_worlds import SMALL, begins, load, mistakes

SGD = f"{SMALL}recipe: {{optimiser: sgd}}\n"
NESTEROV, MOMENTUM = "recipe.optimiser.settings.nesterov", "recipe.optimiser.settings.momentum"
REASON = "optimiser sgd: nesterov needs momentum above 0 and dampening 0, got momentum: 0.0, dampening: 0.0"


def skipped(suite):
    """Reason by the two settings of a cell."""
    found = {}
    for cell in suite.cells:
        chosen = cell.recipe.optimiser.settings
        found[chosen["nesterov"], chosen["momentum"]] = cell.skipped
    return found


def test_a_cell_whose_settings_do_not_go_together_is_skipped_with_the_reason(tmp_path):
    suite = load(tmp_path, SGD, f"axes.{NESTEROV}=[false, true]", f"axes.{MOMENTUM}=[0.0, 0.9]")
    assert skipped(suite) == {(False, 0.0): None, (False, 0.9): None, (True, 0.0): REASON, (True, 0.9): None}


def test_settings_that_go_together_only_in_pairs_can_be_paired(tmp_path):
    suite = load(tmp_path, f"{SGD}paired: [{{{NESTEROV}: [false, true], {MOMENTUM}: [0.0, 0.9]}}]\n")
    assert skipped(suite) == {(False, 0.0): None, (True, 0.9): None}


def test_a_pairing_as_rows_is_read_the_same(tmp_path):
    rows = f"[{{{NESTEROV}: false, {MOMENTUM}: 0.0}}, {{{NESTEROV}: true, {MOMENTUM}: 0.9}}]"
    suite = load(tmp_path, f"{SGD}paired:\n  - {rows}\n")
    assert skipped(suite) == {(False, 0.0): None, (True, 0.9): None}


def test_tuned_settings_that_do_not_go_together_are_skipped_too(tmp_path):
    suite = load(tmp_path, SGD, f"tune.{NESTEROV}=[false, true]", f"tune.{MOMENTUM}=[0.0, 0.9]")
    assert [key for key, reason in skipped(suite).items() if reason] == [(True, 0.0)]


def test_a_setting_of_an_axis_is_still_checked_by_itself(tmp_path):
    (found,) = mistakes(tmp_path, f"{SMALL[:-2]}, {MOMENTUM}: [0.9, 1.5]}}\nrecipe: {{optimiser: sgd}}\n")
    assert begins(found, "suite.yaml:2:79: setting 'momentum' of 'sgd': <theirs>, got 1.5")


def test_an_optimiser_of_an_axis_with_a_clash_of_its_own_is_a_mistake_with_its_place(tmp_path):
    axis = "recipe.optimiser: [adam, {use: sgd, settings: {nesterov: true}}]"
    (found,) = mistakes(tmp_path, f"{SMALL[:-2]}, {axis}}}\n")
    assert found.startswith("suite.yaml:2:83: sgd: nesterov needs momentum above 0")


def test_a_clash_of_the_recipe_as_written_is_one_mistake_with_its_place(tmp_path):
    text = f"{SMALL}recipe: {{optimiser: {{use: sgd, settings: {{nesterov: true}}}}}}\n"
    (found,) = mistakes(tmp_path, text, "axes.recipe.learning_rate=[0.1, 0.01]", f"axes.{MOMENTUM}=[0.0]")
    assert found.startswith("suite.yaml:3:42: sgd: nesterov needs momentum above 0")


def test_a_clash_of_a_pretraining_run_is_a_mistake_with_its_place(tmp_path):
    pretrain = "pretrain: {dataset: tiles, recipe: {optimiser: {settings: {nesterov: true}}}}"
    (found,) = mistakes(tmp_path, f"{SMALL[:-2]}, {pretrain}}}\nrecipe: {{optimiser: sgd}}\n")
    assert found.startswith("suite.yaml:2:")
    assert "sgd: nesterov needs momentum above 0" in found


@pytest.mark.parametrize(
    "betas",
    [[], [0.9], [0.9, 0.99, 0.999]],
)
def test_too_few_or_too_many_numbers_are_told_by_how_many_are_needed(betas):
    found = mistakes_in(OPTIMISERS["adamw"], {"betas": betas})
    assert found == [(("betas",), f"setting 'betas' of 'adamw': needs 2 values, got {betas}")]


def test_a_wrong_number_beside_a_missing_one_is_told_too():
    (one, other) = mistakes_in(OPTIMISERS["adamw"], {"betas": [1.5]})
    assert {one[0], other[0]} == {("betas", 0), ("betas",)}


def test_a_rise_of_a_single_step_starts_at_the_top():
    assert [one_cycle(rise=0.5, final=0.0)(step, 2) for step in range(2)] == pytest.approx([1.0, 0.0])


def test_a_restart_comes_at_the_very_step_where_a_cycle_begins():
    starts = [0, 1, 4, 13]  # cycles of 1, 3, 9 and 27 steps
    rate = cosine_restarts(cycles=4, growth=3)
    for scale in range(1, 40):
        assert [step for step in range(40 * scale) if rate(step, 40 * scale) == 1.0] == [scale * at for at in starts]


@pytest.mark.parametrize(("name", "value"), [("cycles", 1001), ("growth", 11)])
def test_restarts_without_bound_are_refused(name, value):
    ((path, sentence),) = mistakes_in(SCHEDULES["cosine-restarts"], {"cycles": 3, "growth": 2, name: value})
    assert path == (name,)
    assert begins(sentence, f"setting {name!r} of 'cosine-restarts': <theirs>, got {value}")


INSIDE = st.floats(0, 1, exclude_min=True, exclude_max=True)
FACTOR = st.floats(0, 1, exclude_min=True)
FINAL = st.floats(0, 1)
VALID = {
    "constant": {},
    "cosine": {"final": FINAL},
    "linear": {"final": FINAL},
    "polynomial": {"power": st.floats(0, exclude_min=True, allow_infinity=False)},
    "step": {"every": INSIDE, "factor": FACTOR},
    "multi-step": {"at": st.lists(INSIDE, max_size=5), "factor": FACTOR},
    "exponential": {"final": FACTOR},
    "one-cycle": {
        "rise": INSIDE | st.integers(1, 50).map(lambda steps: 1 / (steps + 1)),
        "start": FACTOR,
        "final": FINAL,
        "shape": st.sampled_from(["cosine", "linear"]),
    },
    "cosine-restarts": {"cycles": st.integers(1, 1000), "growth": st.integers(1, 10), "final": FINAL},
}


def test_the_property_below_knows_every_setting():
    assert VALID.keys() == SCHEDULES.keys()
    for name, chosen in VALID.items():
        assert chosen.keys() == complete(SCHEDULES[name], {}).keys()


@pytest.mark.parametrize("name", SCHEDULES)
@given(drawn=st.data())
@settings(max_examples=60, deadline=None)
def test_every_step_of_every_budget_has_a_finite_rate_from_nought_on(name, drawn):
    rate = build(SCHEDULES[name], settings=drawn.draw(st.fixed_dictionaries(VALID[name])))
    found = [rate(step, steps) for steps in range(1, 51) for step in range(steps)]
    assert all(math.isfinite(value) and 0 <= value <= 1 + 1e-9 for value in found), found


@pytest.mark.parametrize("name", ["epochs", "epoch_crops", "standard_size", "batch", "warmup_steps"])
def test_a_number_too_large_for_arithmetic_is_refused(tmp_path, name):
    (found,) = mistakes(tmp_path, f"{SMALL}recipe: {{equal: pixels, {name}: {10**200}}}\n")
    assert re.search(rf"recipe\.{name}: .+, got 1", found)


def test_the_largest_recipe_can_be_counted(tmp_path):
    from bench.stages.graph import budget_crops

    largest = {}
    for name in ("epochs", "epoch_crops", "standard_size", "batch", "warmup_steps"):
        (bound,) = (rule.le for rule in Recipe.model_fields[name].metadata if hasattr(rule, "le"))
        largest[name] = bound
        with pytest.raises(ValidationError):
            Recipe(**{name: bound + 1})
    text = ", ".join(f"{name}: {value}" for name, value in largest.items())
    (cell,) = load(tmp_path, f"{SMALL}recipe: {{equal: pixels, {text}}}\n", "axes.crop_size=[1]").cells
    assert budget_crops(cell) > 0


def test_asking_whether_settings_go_together_imports_no_torch():
    code = (
        "import sys; from bench.suite.skipped import clashes; from bench.suite.schema import Recipe\n"
        "assert not list(clashes(Recipe())); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
