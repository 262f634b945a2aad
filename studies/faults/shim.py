"""The library ``shim.c``: compiled, and the environment in which a command meets the fault that it makes."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")


def why_not() -> str | None:
    """Why there is no such library here, or None."""
    if not sys.platform.startswith("linux"):
        return "a library is put before others by LD_PRELOAD, which is Linux's"
    return None if shutil.which("gcc") else "no gcc on the path"


def compiled(folder: Path) -> Path:
    """The library, made in a folder."""
    library = folder / "shim.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    return library


@dataclass(frozen=True, slots=True)
class Shim:
    """The library in a world: changes below it are counted in a file, and noted in another."""

    library: Path
    folder: Path

    @property
    def log(self) -> Path:
        """The file with every change."""
        return self.folder / "changes.log"

    @property
    def _count(self) -> Path:
        return self.folder / "changes.count"

    @property
    def changes(self) -> int:
        """Changes of files until now."""
        (changes,) = struct.unpack("=Q", self._count.read_bytes())
        return int(changes)

    def environment(self, mode: str, at: int, jump: int = 0) -> Mapping[str, str]:
        """Variables with which a command meets a fault at a change: ``full``, ``cut`` or ``clock``, by ``jump`` s."""
        self._count.write_bytes(struct.pack("=Q", 0))
        return {
            "LD_PRELOAD": str(self.library),
            "FAULTS_BELOW": f"{self.folder}/",
            "FAULTS_COUNT": str(self._count),
            "FAULTS_LOG": str(self.log),
            "FAULTS_MODE": mode,
            "FAULTS_AT": str(at),
            "FAULTS_JUMP": str(jump),
        }
