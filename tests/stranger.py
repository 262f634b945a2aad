"""The environment of somebody else: a Python of its own that borrows the packages of this one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OFFLINE = "--no-index --no-deps --no-build-isolation"
"""The packages that a plugin needs are borrowed, so pip has nothing to fetch."""


@dataclass(frozen=True)
class Stranger:
    """A new environment in ``folder``, which is also where commands run; what is installed there stays there."""

    folder: Path

    def sh(self, command: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a line of shell as the stranger would; what is installed comes from this machine alone."""
        settings = {
            **os.environ,
            "PATH": f"{self.folder}/venv/bin:{os.environ['PATH']}",
            "BENCH_HOME": str(self.folder / "home"),
            "BENCH_PROFILE": "",
            "OMP_NUM_THREADS": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "COLUMNS": "200",
        }
        for name in ("VIRTUAL_ENV", "PYTHONPATH", "PYTEST_ADDOPTS"):
            settings.pop(name, None)
        return subprocess.run(
            ["bash", "-ec", re.sub(r"(pip (?:install|wheel))", rf"\1 {OFFLINE}", command)],
            cwd=self.folder,
            env=settings,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


def arrive(folder: Path) -> Stranger:
    """Make the environment: its site-packages are empty, those of this interpreter are borrowed."""
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "venv")}))
    borrowed = sysconfig.get_path("purelib")
    (site / "borrowed.pth").write_text(f"import site; site.addsitedir({borrowed!r})\n")
    script = folder / "venv" / "bin" / "bench"
    script.write_text(f"#!{python}\nfrom bench.cli import main\n\nmain()\n")
    script.chmod(0o755)
    assert python.exists(), f"{sys.executable} cannot make environments"
    return Stranger(folder)
