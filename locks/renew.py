"""Write the locks anew: the newest releases that fit pyproject.toml, every one with the hashes of its files.

``python -m locks.renew``, from the repository's root. A constraint in pip's configuration holds here too: what this
machine cannot install, it cannot test.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from locks.install import LOCKS, ROOT, TESTED

PLATFORM = f"{TESTED.machine}-manylinux_2_28"  # torch's own wheels ask for this glibc
CONSTRAINT = re.compile(r"^\S+\.constraint='(.*)'$", re.MULTILINE)


def write_locks(test: Path, run: Path) -> None:
    """The newest set with the extra ``test``, and the part of it that running needs.

    Raises:
        CalledProcessError: uv could not resolve; it has said why.
    """
    _compile(test, ["--upgrade", "--extra", "test", *constraints()])
    _compile(run, ["--upgrade", "--constraint", str(test)])


def constraints() -> list[str]:
    """The constraint files that pip is configured with on this machine, as uv's options."""
    asked = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    files = " ".join(CONSTRAINT.findall(listed)).split()
    return [f"--constraint={file}" for file in files]


def _compile(lock: Path, options: list[str]) -> None:
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet"),
        *("--python-version", TESTED.python.rpartition(" ")[2]),
        *("--python-platform", PLATFORM),
        *("--only-binary", ":all:"),
        "--generate-hashes",
        "--no-annotate",  # would name files of this machine
        *("--custom-compile-command", "make lock"),
        *("--output-file", str(lock)),
        *options,
    ]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    write_locks(LOCKS["test"], LOCKS["run"])
