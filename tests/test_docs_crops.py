"""The document on crop strategies names all of them with all of their settings, and its suite can be run."""

from __future__ import annotations

import re
from pathlib import Path

from bench.component import settings_of
from bench.suite.reading.load import load_suite

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "crops.md"


def test_every_strategy_stands_in_the_table_with_its_settings(catalog):
    rows = re.findall(r"^\| `([\w-]+)` \|[^|]*\|([^|]*)\|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    described = {name: set(re.findall(r"`(\w+)", settings)) for name, settings in rows}
    offered = {
        name: {setting.name for setting in settings_of(catalog.find("crop", name).component)}
        for name in catalog.names("crop")
        if catalog.find("crop", name).provider.package == "defectbench"
    }
    assert described == offered


def test_the_suite_of_the_document_has_no_mistake(catalog, tmp_path):
    (text,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "crops.yaml").write_text(text)
    suite = load_suite(tmp_path / "crops.yaml", catalog)
    assert len(suite.cells) == 2 * 2 * 3 * 3
    assert all(cell.runs for cell in suite.cells)
