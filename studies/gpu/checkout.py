"""A checkout as if it were installed: a folder for ``PYTHONPATH`` with its packages and its entry points."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def laid_out(folder: Path) -> Path:
    """Fill a folder with what an installation has: links to the packages, and a description of the distribution."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    described = folder / "defectbench-0.dist-info"
    described.mkdir(parents=True, exist_ok=True)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: defectbench\nVersion: 0\n", encoding="utf-8")
    groups = []
    for group, entries in project["project"]["entry-points"].items():
        groups.append("\n".join([f"[{group}]", *(f"{name} = {target}" for name, target in entries.items())]))
    (described / "entry_points.txt").write_text("\n\n".join(groups) + "\n", encoding="utf-8")
    for name, source in {"bench": "bench", **project["tool"]["setuptools"]["package-dir"]}.items():
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(ROOT / source)
    return folder
