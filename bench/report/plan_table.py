"""What a run would do, as text: cells by state, levels that change nothing, disk needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.report.measures import line, plural
from bench.report.shape import Grid
from bench.report.text import grid_text

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def plan_text(
    states: Mapping[str, int],
    *,
    inert: Sequence[str] = (),
    disk: Mapping[str, int] | None = None,
    reasons: Mapping[str, str] | None = None,
    width: int = 100,
) -> str:
    """Set a plan in ``width`` columns.

    ``states`` counts cells by state, ``inert`` names levels that exclude nothing, ``disk`` maps what is
    written to bytes, ``reasons`` maps cells that are not run to why.
    """
    total = plural(sum(states.values()), "cell")
    grids = [Grid(total, ("state", "cells"), tuple((state, f"{count:,}") for state, count in states.items()))]
    if disk:
        sizes = (*disk.items(), ("all", sum(disk.values())))
        grids.append(Grid("Disk needed", ("what", "size"), tuple((line(name), size(count)) for name, count in sizes)))
    blocks = [grid_text(grid, width) for grid in grids]
    blocks.append("".join(f"inert: {line(level)} excludes no crop position of its images\n" for level in inert))
    blocks.append("".join(f"{line(cell)}: {line(why)}\n" for cell, why in (reasons or {}).items()))
    return "\n".join(block for block in blocks if block)


def size(count: int) -> str:
    """Bytes in powers of 1000 with three digits: 131 kB, 2.62 GB."""
    value = float(count)
    for unit in UNITS:
        if value < 999.5 or unit == UNITS[-1]:
            break
        value /= 1000
    return f"{value:.3g} {unit}"
