"""The locked set: what stands in it, how it is installed, and when the newest releases are taken instead."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from locks.install import LOCKS, TESTED, Kind, why_not_locked
from locks.newest import pins

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUN = PROJECT["project"]["dependencies"]
TEST = PROJECT["project"]["optional-dependencies"]["test"]
BUILD = PROJECT["build-system"]["requires"]  # the project itself is installed without build isolation


@pytest.mark.parametrize(("lock", "wanted"), [("run", RUN + BUILD), ("test", RUN + TEST + BUILD)])
def test_a_lock_holds_every_dependency_at_a_version_that_pyproject_allows(lock: str, wanted: list[str]) -> None:
    locked = {canonicalize_name(name): version for name, version in pins(LOCKS[lock].read_text()).items()}
    for requirement in map(Requirement, wanted):
        assert locked[canonicalize_name(requirement.name)] in requirement.specifier


def test_running_takes_a_part_of_the_tested_set() -> None:
    run, test = pins(LOCKS["run"].read_text()), pins(LOCKS["test"].read_text())
    assert run.items() < test.items()
    assert "pytest" not in run


@pytest.mark.parametrize("lock", ["run", "test"])
def test_every_locked_release_has_hashes_and_no_address_or_place_stands_beside_it(lock: str) -> None:
    text = LOCKS[lock].read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9.-]+==\S+ \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in lines)
    assert text.count("==") == len(pins(text))
    assert not re.search("https?:|file:|index.url|find.links|^ *#.*/", text, re.MULTILINE)


@pytest.mark.parametrize(
    "kind",
    [Kind("Darwin", "arm64", TESTED.python), TESTED._replace(machine="aarch64"), TESTED._replace(python="PyPy 3.11")],
)
def test_another_kind_of_machine_is_told_without_asking_pip(kind: Kind, tmp_path: Path) -> None:
    why = why_not_locked(kind, tmp_path / "absent.txt")
    assert why == f"The locked set was tested on {TESTED}, and this is {kind}"


BACKEND = '''\
"""Builds the small project without any package: a wheel that holds its name alone."""
import zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name, info = "small-1-py3-none-any.whl", "small-1.dist-info/"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        needs = "Requires-Dist: part>=1\\nProvides-Extra: test\\n"
        wheel.writestr(info + "METADATA", f"Metadata-Version: 2.1\\nName: small\\nVersion: 1\\n{needs}")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "")
    return name
'''


class SmallProject:
    """A copy of the installer in a project with one dependency, ``part``, whose releases lie in a folder."""

    def __init__(self, folder: Path, environment: Path, kind: Kind = TESTED) -> None:
        self.folder, self.environment = folder, environment
        (folder / "locks").mkdir()
        for name in ("__init__.py", "install.py"):
            shutil.copy(ROOT / "locks" / name, folder / "locks")
        (folder / "pyproject.toml").write_text(
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        )
        (folder / "backend.py").write_text(BACKEND)
        (folder / "releases").mkdir()
        version = kind.python.split()[1].split(".")
        (folder / "sitecustomize.py").write_text(  # this machine, as if it were of that kind
            f"import platform\nplatform.system = lambda: {kind.system!r}\nplatform.machine = lambda: {kind.machine!r}\n"
            f"platform.python_version_tuple = lambda: {(*version, '0')!r}\n"
        )

    def release(self, version: str) -> str:
        """Publish a release of ``part``; the line that locks it."""
        path = self.folder / "releases" / f"part-{version}-py3-none-any.whl"
        info = f"part-{version}.dist-info/"
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr(info + "METADATA", f"Metadata-Version: 2.1\nName: part\nVersion: {version}\n")
            wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(info + "RECORD", "")
        return f"part=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"

    def installed(self, lock: str) -> tuple[int, str, str]:
        """Install with that lock: exit code, output, and what pip lists of ``part`` and ``small``."""
        for name in ("run", "test"):
            (self.folder / "locks" / f"{name}.txt").write_text(lock)
        alone = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        environment = alone | {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.folder / "releases"),
            "PYTHONPATH": str(self.folder),
        }
        python = self.environment / "bin" / "python"
        remove = [python, "-m", "pip", "uninstall", "--quiet", "--yes", "part", "small"]
        subprocess.run(remove, env=environment, capture_output=True, check=True)
        command = [python, "-m", "locks.install", "run"]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        listed = [python, "-m", "pip", "list", "--format", "freeze"]
        found = subprocess.run(listed, cwd="/", env=environment, capture_output=True, text=True, check=True).stdout
        names = [line for line in found.split() if line.startswith(("part", "small"))]
        return done.returncode, done.stdout + done.stderr, " ".join(names)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder


def test_the_locked_release_is_installed_although_a_newer_one_is_there(environment: Path, tmp_path: Path) -> None:
    project = SmallProject(tmp_path, environment)
    lock = project.release("1.0")
    project.release("2.0")
    code, said, found = project.installed(lock)
    assert (code, found) == (0, "part==1.0 small==1"), said
    assert "newest" not in said


def test_another_kind_of_machine_takes_the_newest_release_and_one_sentence_says_so(
    environment: Path, tmp_path: Path
) -> None:
    other = Kind("Plan9", "vax", "CPython 3.99")
    project = SmallProject(tmp_path, environment, other)
    lock = project.release("1.0")
    project.release("2.0")
    code, said, found = project.installed(lock)
    assert (code, found) == (0, "part==2.0 small==1"), said
    assert said == (
        f"The locked set was tested on {TESTED}, and this is {other}: "
        "the newest releases that fit pyproject.toml are installed instead.\n"
    )


def test_where_the_locked_release_cannot_be_had_the_newest_one_is_taken(environment: Path, tmp_path: Path) -> None:
    project = SmallProject(tmp_path, environment)
    lock = project.release("1.0")
    project.release("2.0")
    (tmp_path / "releases" / "part-1.0-py3-none-any.whl").unlink()
    code, said, found = project.installed(lock)
    assert (code, found) == (0, "part==2.0 small==1"), said
    assert said.count("the newest releases that fit pyproject.toml are installed instead.\n") == 1


def test_without_any_release_in_reach_pips_own_error_ends_it(environment: Path, tmp_path: Path) -> None:
    project = SmallProject(tmp_path, environment)
    lock = project.release("1.0")
    shutil.rmtree(tmp_path / "releases")
    code, said, found = project.installed(lock)
    assert (code != 0, found) == (True, "")
    assert "ERROR" in said
    assert "newest" not in said


def test_a_release_with_other_bytes_is_never_replaced_by_another_without_hashes(
    environment: Path, tmp_path: Path
) -> None:
    project = SmallProject(tmp_path, environment)
    lock = project.release("1.0")
    project.release("2.0")
    code, said, found = project.installed(f"{lock.partition('sha256:')[0]}sha256:{'0' * 64}\n")
    assert (code != 0, found) == (True, "")
    assert "ERROR" in said
    assert "newest" not in said
