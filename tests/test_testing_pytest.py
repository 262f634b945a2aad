"""The pytest plugin: contracts as tests, and the fixture that times a data set."""

from __future__ import annotations

from pathlib import Path

import pytest

import bench.testing.augment
import bench.testing.crops
import bench.testing.metrics
import bench.testing.preprocess  # noqa: F401 - what pytester finds imported it leaves so
from test_plugins_check import BROKEN, SOUND

pytest_plugins = ["pytester"]

PLAIN = ("-p", "no:cacheprovider", "-W", "ignore")


def test_a_named_file_gives_one_test_per_component(pytester: pytest.Pytester) -> None:
    plugin = pytester.makepyfile(mine=SOUND)
    done = pytester.runpytest_inprocess(*PLAIN, "-v", "--bench-contracts", str(plugin))
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["bench-contracts::preprocess mine:curve PASSED*"])


def test_a_failure_shows_its_sentences_without_a_traceback(pytester: pytest.Pytester) -> None:
    plugin = pytester.makepyfile(broken=BROKEN)
    done = pytester.runpytest_inprocess(*PLAIN, "--bench-contracts", str(plugin))
    done.assert_outcomes(passed=1, failed=2)
    done.stdout.fnmatch_lines(
        [
            "*contract of preprocess broken:flat*",
            "preprocessing step 'flat.<locals>.<lambda>' returned uint8*; it must return uint8 or uint16 *",
        ]
    )
    done.stdout.no_fnmatch_line("*Traceback*")
    done.stdout.no_fnmatch_line("*runtest*")


def test_a_plugin_that_cannot_be_loaded_is_a_failed_test(pytester: pytest.Pytester) -> None:
    plugin = pytester.makepyfile(lost="import no_such_package")
    done = pytester.runpytest_inprocess(*PLAIN, "--bench-contracts", str(plugin))
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["it cannot be loaded: ModuleNotFoundError: *no_such_package*"])


def test_the_option_is_repeatable_doubles_count_once_and_k_chooses(pytester: pytest.Pytester) -> None:
    names = ("uniform", "precision", "uniform", "recall")
    options = [option for name in names for option in ("--bench-contracts", name)]
    done = pytester.runpytest_inprocess(*PLAIN, *options, "-k", "uniform or recall")
    done.assert_outcomes(passed=2, deselected=1)


def test_contracts_are_counted_as_collected(pytester: pytest.Pytester) -> None:
    done = pytester.runpytest_inprocess(*PLAIN, "--collect-only", "-q", "--bench-contracts", "flips")
    done.stdout.fnmatch_lines(["bench-contracts::augment defectbench:flips", "1 test collected in *"])


def test_contracts_run_beside_other_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_one():\n    pass\n")
    pytester.runpytest_inprocess(*PLAIN, "--bench-contracts", "precision").assert_outcomes(passed=2)


def test_an_unknown_name_is_a_usage_error(pytester: pytest.Pytester) -> None:
    done = pytester.runpytest_inprocess(*PLAIN, "--bench-contracts", "unifrm")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["ERROR: --bench-contracts unifrm: no component * Did you mean 'uniform'?*"])


def test_a_run_without_the_option_imports_nothing_of_bench(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing_is_imported():
            assert "bench._pytest" in sys.modules
            ours = {name for name in sys.modules if name.partition(".")[0] in ("bench", "bench_plugins")}
            assert ours == {"bench", "bench._pytest", "bench.version"}
            assert not {"torch", "numpy", "pluggy_bench", "pydantic", "click"} & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess(*PLAIN, "-p", "no:hypothesispytest", "-p", "no:anyio").assert_outcomes(passed=1)


SPEED = """
def test_speed(data_throughput):
    figures = data_throughput("folder", crop_size=32, crops=50, rounds=2)
    assert set(figures) == {"images_per_s", "megapixels_per_s", "crops_per_s"}
    assert min(figures.values()) > 0
    assert figures["megapixels_per_s"] / figures["images_per_s"] == __import__("pytest").approx(48 * 64 / 1e6)
"""


def test_the_throughput_of_a_data_set_stands_at_the_end_of_the_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("pytest_benchmark")
    monkeypatch.setenv("BENCH_HOME", str(tmp_path))
    pytester.makepyfile(SPEED)
    done = pytester.runpytest_subprocess(*PLAIN)
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(
        ["*data throughput*", "folder: * images/s, * crops/s (crops of 32; 24 images of its example)"]
    )


def test_the_throughput_is_that_of_the_data_where_the_user_keeps_them(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, catalog
) -> None:
    pytest.importorskip("pytest_benchmark")
    monkeypatch.setenv("BENCH_HOME", str(tmp_path))
    (tmp_path / "data" / "folder").mkdir(parents=True)
    catalog.find("dataset", "folder").component.example(tmp_path / "data" / "folder")
    pytester.makepyfile(SPEED)
    done = pytester.runpytest_subprocess(*PLAIN)
    done.stdout.fnmatch_lines(["folder: * (crops of 32; 24 images of the data in the bench home)"])


def test_without_pytest_benchmark_the_throughput_is_skipped_with_a_reason(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SPEED)
    done = pytester.runpytest_inprocess(*PLAIN, "-p", "no:benchmark", "-rs")
    done.assert_outcomes(skipped=1)
    done.stdout.fnmatch_lines(["*data_throughput needs pytest-benchmark*"])
