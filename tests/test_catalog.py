"""Plugins load under guard: one that fails is reported and stops nothing."""

from __future__ import annotations

import os
import py_compile
from pathlib import Path

import pytest

from bench.catalog import KINDS, Catalog, Offer, Provider, load_catalog
from bench.component import Component
from bench.errors import PluginError

GOOD = """
from bench.api import Component, hookimpl
def build(): return lambda image: image
@hookimpl
def bench_preprocess():
    yield Component("same", build)
"""
BROKEN = {
    "raises on import": "raise RuntimeError('no such camera')",
    "leaves the interpreter": "import sys; sys.exit(3)",
    "wrong syntax": "def (:",
    "raises in its hook": GOOD.replace('yield Component("same", build)', "raise OSError('disk')\n    yield"),
    "unknown hook": GOOD.replace("bench_preprocess", "bench_preproces"),
    "no component": GOOD.replace('Component("same", build)', '"same"'),
    "wrong context": GOOD.replace("def build():", "def build(root, /):"),
    "untyped setting": GOOD.replace("def build():", "def build(*, gain=1):"),
    "offers nothing": "x = 1",
}


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_every_builtin_plugin_loads(catalog: Catalog) -> None:
    assert catalog.quarantined == ()
    assert all(catalog.offers(kind) for kind in KINDS if kind != "reporter")  # sections of the page need no plugin


def test_every_builtin_says_what_it_is(catalog: Catalog) -> None:
    silent = [o.component.name for o in catalog.all if not (o.component.about and o.component.about.summary)]
    assert silent == []


@pytest.mark.parametrize("reason", BROKEN)
def test_a_broken_plugin_is_quarantined_and_the_others_work(tmp_path: Path, reason: str) -> None:
    broken = written(tmp_path, "broken.py", BROKEN[reason])
    catalog = load_catalog([broken, written(tmp_path, "good.py", GOOD)])
    assert catalog.find("preprocess", "same").provider.local is not None
    (lost,) = catalog.quarantined
    assert lost.module == "broken.py"
    assert "\n" not in lost.reason


def test_a_misspelt_hook_is_named(tmp_path: Path) -> None:
    catalog = load_catalog([written(tmp_path, "broken.py", BROKEN["unknown hook"])])
    assert "did you mean 'bench_preprocess'" in catalog.quarantined[0].reason


def test_strict_mode_refuses_a_broken_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match="no such camera"):
        load_catalog([written(tmp_path, "broken.py", BROKEN["raises on import"])])


def test_a_misspelt_name_gets_a_hint(catalog: Catalog) -> None:
    with pytest.raises(PluginError, match=r"Did you mean 'unet'\?"):
        catalog.find("model", "unett")


def test_a_name_offered_twice_is_refused_only_when_used_and_a_package_picks_one() -> None:
    component = Component("twin", lambda: None)
    offers = [Offer("loss", component, Provider(package, "1", package, "")) for package in ("left", "right")]
    catalog = Catalog(tuple(offers))
    with pytest.raises(PluginError, match=r"'left:twin', 'right:twin'"):
        catalog.find("loss", "twin")
    assert catalog.find("loss", "right:twin").provider.package == "right"


def test_two_local_files_of_one_name_live_together(tmp_path: Path) -> None:
    for folder, name in (("a", "first"), ("b", "second")):
        (tmp_path / folder).mkdir()
        written(tmp_path / folder, "plugin.py", GOOD.replace('"same"', f'"{name}"'))
    catalog = load_catalog([tmp_path / "a" / "plugin.py", tmp_path / "b" / "plugin.py"])
    assert {"first", "second"} <= set(catalog.names("preprocess"))


def test_bytecode_beside_a_plugin_file_is_not_asked(tmp_path: Path) -> None:
    """A power cut leaves it short; and an edit of equal size within a second leaves it what the file was."""
    path = written(tmp_path, "good.py", GOOD)
    cached = Path(py_compile.compile(str(path)))
    stamp = path.stat().st_mtime_ns
    path.write_text(GOOD.replace('"same"', '"emas"'))
    os.utime(path, ns=(stamp, stamp))
    assert load_catalog([path]).find("preprocess", "emas").provider.local is not None
    cached.write_bytes(cached.read_bytes()[:20])
    path.write_text(GOOD.replace('"same"', '"mesa"'))
    os.utime(path, ns=(stamp, stamp))
    assert load_catalog([path]).find("preprocess", "mesa").provider.local is not None


def test_a_missing_plugin_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="missing"):
        load_catalog([tmp_path / "absent.py"])
