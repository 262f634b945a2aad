"""The example notebook is stripped of outputs, and runs: its code in this process, and in Jupyter where that is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).resolve().parent.parent / "examples" / "first-look.ipynb"


@pytest.fixture
def beside(ran_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which a run lies where the notebook looks for one."""
    shutil.copytree(ran_world / "runs" / "tiny", tmp_path / "runs" / "smoke")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def code() -> list[dict[str, Any]]:
    return [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]


def test_it_holds_no_output() -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code())


def test_its_code_reads_a_run_and_draws_it(beside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib as mpl

    monkeypatch.setitem(mpl.rcParams, "backend", "agg")
    names: dict[str, Any] = {}
    for cell in code():
        exec(compile("".join(cell["source"]), str(NOTEBOOK), "exec"), names)
    assert [path.name for path in beside.iterdir()] == ["runs"]  # it was read, and not run again
    drawn = [names["plt"].figure(number) for number in names["plt"].get_fignums()]
    names["plt"].close("all")
    assert len(drawn) == 2
    lines = drawn[0].axes[0].lines
    assert sorted(y for line in lines for y in line.get_ydata()) == sorted(100 * names["frame"]["f1@test"])
    assert len(drawn[1].axes[0].images) == 1


def test_jupyter_runs_it(beside: Path) -> None:
    client = pytest.importorskip("nbclient", reason="defectbench[notebook] is not installed")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(NOTEBOOK, 4)
    client.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(beside)}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert sum("image/png" in output.get("data", {}) for output in shown) == 2
