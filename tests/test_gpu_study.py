"""``make gpu`` in its dry form, and what it writes."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from studies.gpu.__main__ import PARTS
from studies.gpu.checkout import laid_out
from studies.gpu.figures import Part, between, section

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.sampled(each=0)
@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_dry_form_measures_on_the_processor_and_leaves_the_documents(part: str, tmp_path: Path) -> None:
    before = [(ROOT / "docs" / f"{name}.md").read_bytes() for name in set(PARTS.values())]
    command = [sys.executable, "-m", "studies.gpu", "--dry", "--part", part, "--results", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    saved = json.loads((tmp_path / f"{part}.json").read_text())
    assert saved["figures"] or saved["notes"]
    assert done.stdout.startswith(f"**{part}**, ")
    assert [(ROOT / "docs" / f"{name}.md").read_bytes() for name in set(PARTS.values())] == before


def test_a_checkout_that_is_not_installed_offers_what_an_installation_would(tmp_path: Path) -> None:
    laid_out(tmp_path)
    laid_out(tmp_path)
    ask = "from importlib.metadata import entry_points; import bench_suites; print(len(entry_points(group='bench')))"
    path = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); "
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", path + ask], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert int(done.stdout) == len(project["project"]["entry-points"]["bench"])


def test_what_was_measured_is_a_section_with_its_bars(tmp_path: Path) -> None:
    part = Part("step", "H100", tmp_path / "step.json", tmp_path)
    part.figure("speed", 6.0, "6 x", 5.0)
    part.figure("share", 0.2, "20 %", 0.05, at_most=True)
    part.figure("rate", 100.0, "100 crops/s")
    part.note("A sentence.")
    text = section([part.path])
    assert (
        "| speed | 6 x | at least 5: met |\n| share | 20 % | at most 0.05: **not met** |\n| rate | 100 crops/s | |"
        in text
    )
    page = "before\n<!-- gpu -->\nold\n<!-- /gpu -->\nafter"
    assert between(page, "gpu", text) == f"before\n<!-- gpu -->\n{text}<!-- /gpu -->\nafter"
    with pytest.raises(ValueError, match=r"marks .* are missing"):
        between("none", "gpu", text)


def test_the_documents_have_the_marks_that_it_writes_between() -> None:
    for name in set(PARTS.values()):
        page = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
        assert between(page, "gpu", "x\n") != page
