"""What is claimed of a run is checked against its records, and a mistake of the file is told with its place."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from bench.cli.claims import command
from bench.commands import export
from bench.errors import SuiteError
from bench.report.claims_file import read_claims
from bench.report.effects import effects
from bench.report.verdicts import Judged, Verdict, judged
from bench.report.verdicts_document import claims_document, sentence
from bench.store.store import SCHEMA, write_json
from documents import to_text
from report_samples import CROPS, MODELS, FakeCell, budgeted_cells, cell, failed, product_cells, typed
from suite_worlds import load
from test_report_order import BEST, GROUPS, a_run, scored

BETTER = f"""
  - better: {{crop: {BEST}}}
    than: {{crop: {CROPS[0]}}}
"""


def verdicts(
    folder: Path, text: str, cells: Sequence[FakeCell], records: Mapping[str, Any], suite: str = "cropping", **more: Any
) -> Judged:
    """The verdicts on a claims file that lists this."""
    file = folder / "claims.yaml"
    file.write_text(f"claims:{text}")
    return judged(read_claims(file, suite, cells), cells, typed(records), suite, **more)


def verdict(folder: Path, text: str, **run: Any) -> Verdict:
    """The verdict on the only claim, by default of a run in which :data:`BEST` is better by 15 points of recall."""
    cells = run.pop("cells", None) or product_cells(5, CROPS[:3])
    (one,) = verdicts(folder, text, cells, run.pop("records", None) or a_run(cells, **run)).verdicts
    return one


def mistakes(folder: Path, text: str) -> list[str]:
    """What is wrong with a claims file, without the name of its folder."""
    with pytest.raises(SuiteError) as error:
        verdicts(folder, text, product_cells(3, CROPS[:3]), {})
    return [mistake.removeprefix(f"{folder}/") for mistake in error.value.mistakes]


def test_a_difference_that_was_planted_holds_and_the_other_way_round_it_does_not(tmp_path: Path) -> None:
    one = verdict(tmp_path, BETTER)
    assert one.outcome == "holds"
    turned = verdict(tmp_path, f"\n  - {{better: {{crop: {CROPS[0]}}}, than: {{crop: {BEST}}}}}\n")
    assert turned.outcome == "does not hold"
    assert (one.difference, one.p) == pytest.approx((-(turned.difference or 0), turned.p))


def test_the_difference_is_that_of_the_effects_of_the_axis(tmp_path: Path) -> None:
    cells = product_cells(5, CROPS[:3])
    records = a_run(cells)
    one = verdict(tmp_path, BETTER, cells=cells, records=records)
    found = effects(cells, typed(records), "crop", metric="f1@test", reference=None, suite_name="cropping")
    (line,) = (line for line in found.levels if line.level == BEST)
    assert one.difference == pytest.approx(line.difference)
    assert one.interval == pytest.approx(line.difference_interval)
    assert (one.combinations, one.seeds, one.groups) == (3, 5, GROUPS)


@pytest.mark.parametrize(("by", "outcome"), [(2, "holds"), (11, "not decided"), (40, "does not hold")])
def test_a_margin_must_lie_outside_the_interval_to_be_decided(by: float, outcome: str, tmp_path: Path) -> None:
    one = verdict(tmp_path, f"{BETTER}    by: {by}\n")
    assert one.outcome == outcome
    assert one.interval is not None
    assert one.p is not None
    assert (one.p < 0.05) == (not one.interval[0] <= by / 100 <= one.interval[1])


def test_several_claims_are_adjusted_together_and_interval_and_p_agree(tmp_path: Path) -> None:
    cells = product_cells(5, CROPS[:3])
    records = a_run(cells)
    alone = verdict(tmp_path, BETTER, cells=cells, records=records)
    margins = [0, *np.arange(9, 14, 0.25)]
    text = "".join(f"{BETTER.rstrip()}\n    by: {by}" for by in margins)
    together = verdicts(tmp_path, text, cells, records).verdicts
    assert together[0].p == pytest.approx(len(margins) * (alone.p or 0))
    assert {one.outcome for one in together} == {"holds", "not decided", "does not hold"}
    for one in together:
        assert ((one.p or 0) < 0.05) == (one.outcome != "not decided")
    assert np.ptp(together[0].interval or ()) > np.ptp(alone.interval or ())


def test_where_narrows_a_claim_to_some_levels_of_other_axes(tmp_path: Path) -> None:
    cells = product_cells(5, CROPS[:3])
    records = a_run(cells)
    two = verdict(tmp_path, f"{BETTER}    where: {{model: [{MODELS[0]}, {MODELS[2]}]}}\n", cells=cells, records=records)
    kept = [one for one in cells if one.labels["model"] != MODELS[1]]
    alone = verdict(tmp_path, BETTER, cells=kept, records=records)
    assert (two.difference, two.combinations) == (alone.difference, 2)


def test_several_axes_make_one_level_together(tmp_path: Path) -> None:
    text = f"\n  - {{better: {{crop: {BEST}, model: {MODELS[1]}}}, than: {{crop: {CROPS[0]}, model: {MODELS[0]}}}}}\n"
    cells = product_cells(5, CROPS[:3])
    records = a_run(cells)
    one = verdict(tmp_path, text, cells=cells, records=records)
    means = []
    for crop, model in ((BEST, MODELS[1]), (CROPS[0], MODELS[0])):
        scores = [records[cell(crop, model, seed).id]["scores"]["test"]["f1"] for seed in range(5)]
        means.append(np.mean(scores))
    assert one.difference == pytest.approx(means[0] - means[1])
    assert one.combinations == 1


def test_what_advances_with_an_axis_is_compared_with_it(tmp_path: Path) -> None:
    """Rows of a paired group differ in their budget too: only one level of that goes with each."""
    crops = (CROPS[0], BEST)
    cells = budgeted_cells(crops, 5)
    records = a_run(cells)
    (apart,) = verdicts(tmp_path, BETTER, cells, records).verdicts
    (joint,) = verdicts(tmp_path, BETTER, cells, records, paired=[("crop", "recipe.epochs")]).verdicts
    assert (apart.outcome, apart.difference) == ("not decided", None)
    plain = product_cells(5, crops, MODELS[:1])
    expected = verdict(tmp_path, BETTER, cells=plain, records=a_run(plain))
    assert (joint.outcome, joint.combinations) == ("holds", 1)
    assert joint.difference == pytest.approx(expected.difference)


def test_fewer_than_three_seeds_decide_nothing(tmp_path: Path) -> None:
    one = verdict(tmp_path, BETTER, cells=product_cells(2, CROPS[:3]))
    assert one.outcome == "not decided"
    assert "Fewer than 3 seeds" in sentence(one)


def test_a_combination_that_is_not_finished_leaves_a_claim_undecided_unless_it_is_not_claimed(tmp_path: Path) -> None:
    cells = product_cells(3, CROPS[:3])
    records = a_run(cells)
    for seed in range(3):
        records[cell(BEST, MODELS[1], seed).id] = failed(cell(BEST, MODELS[1], seed))
    one = verdict(tmp_path, BETTER, cells=cells, records=records)
    assert one.outcome == "not decided"
    assert any("1 of 3 combinations" in reason for reason in one.reasons)
    where = f"{BETTER}    where: {{model: {MODELS[0]}}}\n"
    assert verdict(tmp_path, where, cells=cells, records=records).outcome == "holds"


def test_without_any_record_nothing_is_decided_and_nothing_breaks(tmp_path: Path) -> None:
    found = verdicts(tmp_path, BETTER, product_cells(3, CROPS[:3]), {})
    assert [one.outcome for one in found.verdicts] == ["not decided"]
    assert "no finished cell with a score" in " ".join(to_text(claims_document(found)).split())


def test_the_sentence_says_all_that_decides(tmp_path: Path) -> None:
    said = sentence(verdict(tmp_path, f"{BETTER}    by: 2.5\n    where: {{model: {MODELS[2]}}}\n"))
    assert said.startswith(f"holds: crop {BEST} beats {CROPS[0]} by at least 2.5 points of F1_T (model {MODELS[2]}): +")
    assert f"5 seeds, {GROUPS} groups, {GROUPS} with defects" in said
    undecided = sentence(verdict(tmp_path, f"{BETTER}    by: 11\n"))
    assert "Found in 8 of 10 repetitions" in undecided
    assert "if the difference stays as it is" in undecided


def test_the_seeds_that_would_decide_are_more_than_those_that_did_not(tmp_path: Path) -> None:
    one = verdict(tmp_path, f"{BETTER}    by: 11\n", noise=0.03)
    assert one.outcome == "not decided"
    assert one.seeds_wanted is None or one.seeds_wanted > one.seeds
    clear = verdict(tmp_path, BETTER, noise=0.03)
    assert clear.seeds_wanted is not None
    assert clear.seeds_wanted <= clear.seeds


def test_claims_on_other_suites_are_not_looked_at_but_counted(tmp_path: Path) -> None:
    cells = product_cells(3, CROPS[:3])
    other = "\n  - {suite: sources, better: {dataset: mtd}, than: {dataset: dagm}}\n"
    found = verdicts(tmp_path, other.rstrip() + BETTER, cells, a_run(cells))
    assert (len(found.verdicts), found.of_others) == (1, 1)
    assert "1 claim of this file on other suites" in to_text(claims_document(found))
    assert mistakes(tmp_path, other)[0].startswith("claims.yaml:1:1: no claim is about the suite 'cropping'")


GOOD = f"than: {{crop: {CROPS[0]}}}}}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "\n  - {beter: {crop: A}, than: {crop: B}}\n",
            "claims.yaml:2:6: unknown key of claims.0: 'beter'. Did you mean 'better'",
        ),
        (f"\n  - {{better: {{crop: Random}}, {GOOD}", "claims.yaml:2:21: crop: unknown level 'Random'"),
        (f"\n  - {{better: {{crops: {BEST}}}, {GOOD}", "crops: unknown axis 'crops'. Did you mean 'crop'"),
        ("\n  - {better: {seed: 0}, than: {seed: 1}}\n", "seed: seeds are repetitions"),
        ("\n  - {better: {dataset: a}, than: {dataset: b}}\n", "different data sets cannot be compared"),
        (f"\n  - {{better: {{model: FCN}}, {GOOD}", "'better' names model; name the same axes here"),
        (f"\n  - {{better: {{crop: {CROPS[0]}}}, {GOOD}", "both sides are the same"),
        (f"{BETTER}    where: {{crop: {BEST}}}\n", "claims.yaml:4:19: crop: it stands under 'better'"),
        (f"{BETTER}    where: {{model: [FCN, UNet]}}\n", "claims.yaml:4:26: model: unknown level 'UNet'"),
        (f"{BETTER}    score: f1\n", "'f1' does not follow from pixel counts"),
        (f"{BETTER}    by: -1\n", "claims.0.by: input should be greater than or equal to 0"),
        (f"{BETTER}    by: two\n", "claims.0.by"),
        (f"{BETTER}    where: {{model: [[FCN]]}}\n", "a label is text or a number"),
        (" []\n", "needs at least one entry"),
        (" {}\n", "claims"),
        ("\n\t- a\n", "a tab indents"),
    ],
)
def test_a_mistake_of_the_file_is_told_with_its_place(text: str, words: str, tmp_path: Path) -> None:
    found = mistakes(tmp_path, text)
    assert any(words in mistake for mistake in found), found
    assert all(mistake.startswith("claims.yaml:") for mistake in found)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"there is no claims file.*--file"):
        read_claims(tmp_path / "claims.yaml", "cropping", [])


def a_stored_run(folder: Path) -> Path:
    """A run folder whose rows differ by much, of cells that were never trained."""
    text = "name: small\naxes: {dataset: parts, crop: [uniform, bias], model: unet, seed: [0, 1, 2]}\n"
    suite = load(folder, text)
    run = folder / "runs" / "small"
    write_json(run / "suite.json", {"schema": SCHEMA, "command": "bench run", "suite": suite.resolved()})
    for one in suite.cells:
        rng = np.random.default_rng(int(one.labels["seed"]))
        hits = rng.uniform(0.4, 0.7, GROUPS) + 0.2 * (one.labels["crop"] == "bias")
        write_json(run / "cells" / f"{one.id}.json", {**scored(FakeCell(one.id, one.labels), hits), "schema": SCHEMA})
    return run


@pytest.mark.parametrize(("by", "code"), [(2, 0), (30, 3)])
def test_the_command_ends_well_only_where_every_claim_holds(by: int, code: int, tmp_path: Path) -> None:
    run, file = a_stored_run(tmp_path), tmp_path / "claims.yaml"
    file.write_text(f"claims: [{{better: {{crop: bias}}, than: {{crop: uniform}}, by: {by}}}]\n")
    archive = tmp_path / "small.zip"
    export(run, to=archive)
    outputs = []
    for arguments in ([str(run)], ["small", "--out", str(tmp_path / "runs")], [str(archive)]):
        done = CliRunner().invoke(command, [*arguments, "--file", str(file)], standalone_mode=False)
        assert done.return_value == code, done.output
        outputs.append(done.output)
    assert len(set(outputs)) == 1
    stored = json.loads(CliRunner().invoke(command, [str(run), "--file", str(file), "--format", "json"]).output)
    assert stored["claims"][0]["outcome"] == ("holds" if code == 0 else "does not hold")
    assert stored["claims"][0]["claim"]["by"] == by


def test_a_training_that_collapsed_leaves_a_claim_undecided_and_no_other(
    tmp_path: Path,
) -> None:
    cells = product_cells(5, CROPS[:3], MODELS[:1])
    records = a_run(cells)
    gone = cell(BEST, MODELS[0], 2)
    records[gone.id] = scored(gone, np.full(GROUPS, 0.001))
    one = verdict(tmp_path, BETTER, cells=cells, records=records)
    assert one.outcome == "not decided"
    assert "1 of 5 trainings collapsed" in sentence(one)
    assert (one.interval, one.p, one.found, one.seeds_wanted) == (None, None, None, None)
    assert one.difference is not None
    other = f"\n  - {{better: {{crop: {CROPS[1]}}}, than: {{crop: {CROPS[0]}}}, by: 20}}\n"
    assert verdict(tmp_path, other, cells=cells, records=records).outcome == "does not hold"
