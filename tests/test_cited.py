"""What docs/results.md prints of a cited run is what its records give, and what is claimed of it holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.commands import board_of_run, claims, export
from bench.report.shape import entries_of
from studies import cited
from studies.tables import written_into
from test_claims import a_stored_run


def test_every_cited_run_has_claims_and_a_printed_block() -> None:
    runs = {path.stem for path in cited.archives()}
    assert {path.stem for path in cited.CITED.glob("*.yaml")} >= runs  # claims are written before their run
    assert set(re.findall(r"^<!-- cited (\S+) -->$", cited.RESULTS.read_text(encoding="utf-8"), re.M)) == runs


@pytest.mark.parametrize("archive", cited.archives(), ids=lambda path: path.stem)
def test_what_is_printed_of_a_cited_run_is_what_its_records_give(archive: Path) -> None:
    text = cited.RESULTS.read_text(encoding="utf-8")
    anew = written_into(text, f"cited {archive.stem}", cited.block(archive))
    assert anew == text, "write it anew: python -m studies.cited"


@pytest.mark.parametrize("archive", cited.archives(), ids=lambda path: path.stem)
def test_a_claim_that_is_refuted_is_said_to_be_in_the_text_above(archive: Path) -> None:
    judged = claims(archive, file=archive.with_suffix(".yaml"))
    refuted = [one for one in judged.verdicts if one.outcome == "does not hold"]
    text, _, _ = cited.RESULTS.read_text(encoding="utf-8").partition(f"<!-- cited {archive.stem} -->")
    assert text.rpartition("\n## ")[2].count("is refuted") == len(refuted)
    assert judged.of_others == 0


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The numbers of a run of two rows, and a claim on them."""
    path = tmp_path / "small.zip"
    export(a_stored_run(tmp_path), to=path, only="numbers")
    path.with_suffix(".yaml").write_text("claims: [{better: {crop: bias}, than: {crop: uniform}, by: 2}]\n")
    return path


def test_a_block_has_every_figure_of_the_board_and_every_claim_with_its_verdict(archive: Path) -> None:
    text = cited.block(archive)
    for entry in entries_of(board_of_run(archive).tables):
        for figure in entry.figures:
            assert figure.text in text
    assert "holds: crop bias beats uniform by at least 2 points of F1\\_T" in text
    assert re.findall(r"^#+ ", text, re.M)[0] == "### "
    assert "ms/image" not in text


def test_a_claim_that_fails_is_told_as_it_is(archive: Path) -> None:
    archive.with_suffix(".yaml").write_text("claims: [{better: {crop: uniform}, than: {crop: bias}}]\n")
    assert "does not hold: crop uniform beats bias" in cited.block(archive)


def test_a_number_that_was_changed_by_hand_is_found(archive: Path) -> None:
    text = written_into("<!-- cited small -->\n<!-- end of cited small -->\n", "cited small", cited.block(archive))
    assert written_into(text, "cited small", cited.block(archive)) == text
    changed = re.sub(r"\| (\d+\.\d)±", lambda found: f"| {float(found[1]) + 0.1:.1f}±", text, count=1)
    assert changed != text
    assert written_into(changed, "cited small", cited.block(archive)) == text
