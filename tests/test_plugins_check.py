"""``bench plugins check``: what a name stands for, one line per component or failure, and the exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.catalog import KINDS
from bench.cli.plugins.check import command
from bench.errors import PluginError
from tiny import bench

SOUND = '''
import numpy as np
from bench.api import Component, hookimpl

print("hello from a plugin")


def build(*, gamma: float = 0.5):
    """``gamma`` bends the curve."""
    print("built")
    return lambda image: image


def flat():
    return lambda image: image[:, :, 0]


def leaving():
    raise SystemExit(0)


@hookimpl
def bench_preprocess():
    yield Component("curve", build)
'''
BROKEN = SOUND + '    yield Component("flat", flat)\n    yield Component("leaving", leaving)\n'


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(a) for a in arguments], standalone_mode=False)


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    return tmp_path / "mine.py"


def test_a_sound_file_is_ok(plugin: Path) -> None:
    plugin.write_text(SOUND)
    done = check(plugin)
    assert (done.return_value, done.stdout) == (0, "preprocess curve: ok\n")


def test_every_component_of_a_file_is_checked_and_each_failure_is_a_line(plugin: Path) -> None:
    plugin.write_text(BROKEN)
    done = check(plugin)
    assert done.return_value == 3
    assert done.stdout.splitlines() == [
        "preprocess curve: ok",
        "preprocess flat: preprocessing step 'flat.<locals>.<lambda>' returned uint8[40, 50] for image "
        "'uint8[40, 50, 1]'; it must return uint8 or uint16 [height, width, channels]",
        "preprocess leaving: the builder of 'leaving' fails: SystemExit: 0",
    ]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        (SOUND.replace("bench_preprocess", "bench_preproces"), "unknown hook 'bench_preproces'; did you mean"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_fails_with_its_reason(plugin: Path, source: str, reason: str) -> None:
    plugin.write_text(source)
    done = check(plugin)
    assert done.return_value == 3
    assert done.stdout.startswith(f"mine.py: it cannot be loaded: {reason}")


def test_a_name_may_be_a_component_a_distribution_or_a_module() -> None:
    assert check("uniform").stdout == check("defectbench:uniform").stdout == "crop uniform: ok\n"
    assert check("bench_plugins.augment.flips").stdout == "augment flips: ok\naugment rotations: ok\n"
    assert check("bench.score.metrics").stdout.startswith("metric f1: ok\nmetric precision: ok\n")


def test_a_name_may_be_a_distribution_however_it_is_spelt(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.testing import named

    everything = named("defectbench")
    listed = [(offer.kind, offer.component.name) for offer in everything.offers]
    assert [(offer.kind, offer.component.name) for offer in named("Defectbench").offers] == listed
    kinds = {offer.kind for offer in everything.offers}
    assert kinds == set(KINDS) - {"reporter"}  # sections of the page need no plugin


def test_an_unknown_name_is_an_error_with_a_hint() -> None:
    with pytest.raises(PluginError, match="no component and no distribution is called 'unifrm'"):
        command.main(["unifrm"], standalone_mode=False)


def test_a_folder_is_for_one_data_set(tmp_path: Path) -> None:
    done = check("uniform", "--data", tmp_path)
    assert "--data is the folder of one data set; 'uniform' stands for 0 of them" in str(done.exception)


def test_given_data_are_checked_instead_of_the_example(tmp_path: Path) -> None:
    done = check("folder", "--data", tmp_path)
    assert done.return_value == 3
    assert done.stdout.startswith("dataset folder: records() raises DataError: images: the folder is missing;")


def test_the_installed_command_leaves_with_the_code_of_its_outcome(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(BROKEN)
    done = bench(tmp_path, "plugins", "check", "mine.py")
    assert done.returncode == 3
    assert len(done.stdout.splitlines()) == 3
    absent = bench(tmp_path, "plugins", "check", "absent.py")
    assert absent.returncode == 2
    assert absent.stderr.endswith("absent.py: the plugin file is missing\n")
