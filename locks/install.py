"""Install the locked set and this project, or the newest releases where the locked set is not for this machine.

``python -m locks.install run`` or ``test``, from the repository's root, by the Python of the environment to fill.
Only the standard library: nothing is installed yet.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
LOCKS = {"run": ROOT / "locks" / "run.txt", "test": ROOT / "locks" / "test.txt"}
PROJECT = {"run": ".", "test": ".[test]"}

NOT_HERE = re.compile(r"\(from versions: (?!none\))|ResolutionImpossible")
"""pip's words when this machine offers other releases, or caps them; "none" is also its word without a network."""


class Kind(NamedTuple):
    """What decides which files of a release fit."""

    system: str
    machine: str
    python: str

    def __str__(self) -> str:
        return f"{self.system} {self.machine} with {self.python}"


TESTED = Kind("Linux", "x86_64", "CPython 3.11")
"""The kind of machine that the locks are made for and tested on."""


def this_kind() -> Kind:
    """The kind of this machine and of the Python that runs this."""
    version = ".".join(platform.python_version_tuple()[:2])
    return Kind(platform.system(), platform.machine(), f"{platform.python_implementation()} {version}")


def why_not_locked(kind: Kind, lock: Path) -> str | None:
    """Install the locked set; None when that is done, else why it is not for this machine.

    Raises:
        SystemExit: pip failed for a reason that the newest releases would share; it has said which.
    """
    if kind != TESTED:
        return f"The locked set was tested on {TESTED}, and this is {kind}"
    code, said = pip("install", "--only-binary", ":all:", "--require-hashes", "--requirement", str(lock))
    if code == 0:
        return None
    if NOT_HERE.search(said):
        return "The locked set cannot be had on this machine, as pip says above"
    raise SystemExit(code)


def pip(*arguments: str) -> tuple[int, str]:
    """Run pip and pass on what it says as it says it; its exit code and all it said on errors."""
    command = [sys.executable, "-m", "pip", arguments[0], "--quiet", "--disable-pip-version-check", *arguments[1:]]
    said = []
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            sys.stderr.write(line)
            sys.stderr.flush()
    return process.returncode, "".join(said)


def main(extra: str) -> int:
    """Fill this Python's environment; the exit code is pip's."""
    why = why_not_locked(this_kind(), LOCKS[extra])
    if why is None:
        code, _ = pip("install", "--no-deps", "--no-build-isolation", "--editable", ".")
        return code
    print(f"{why}: the newest releases that fit pyproject.toml are installed instead.", flush=True)
    code, _ = pip("install", "--editable", PROJECT[extra])
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
