"""Two saved runs of ``make benchmark`` side by side; a gate on the figures that have a bar.

``python tests/benchmarks/compare.py A.json B.json`` ends with 3 where such a figure of B keeps less than 85 % of what
it was in A, or no longer meets a bar that A met.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from bars import BARS
from figures import GATE, Figures, load, table


def changes(first: Figures, second: Figures) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Stage, figure, both values, how much of the first the second has, and the verdict of the gate."""
    for stage, values in first.items():
        for name, before in values.items():
            after = second.get(stage, {}).get(name)
            if after is None:
                yield stage, name, f"{before:,.3g}", "–", "", ""
                continue
            share = after / before if before else float("nan")
            yield stage, name, f"{before:,.3g}", f"{after:,.3g}", f"{share:.2f}", verdict(stage, name, before, after)


def verdict(stage: str, name: str, before: float, after: float) -> str:
    """``worse`` where a figure with a bar fell through the gate or below its bar."""
    bar = BARS.get((stage, name))
    if bar is None:
        return ""
    kept = after / before if bar.least is not None else before / max(after, 1e-12)
    return "worse" if kept < GATE or (bar.met(before) and not bar.met(after)) else "kept"


def main() -> int:
    """Print the comparison; 3 where the gate is met."""
    if len(sys.argv) != 3:
        sys.stderr.write("name two saved runs: compare.py A.json B.json\n")
        return 2
    first, second = (load(Path(name)) for name in sys.argv[1:])
    rows = list(changes(first, second))
    header = ("stage", "figure", "A", "B", "B / A", "gate")
    sys.stdout.write("\n".join(table(iter(rows), header)) + "\n")
    worse = [f"{row[0]}: {row[1]}" for row in rows if row[-1] == "worse"]
    if worse:
        sys.stderr.write(f"worse than before: {'; '.join(worse)}\n")
    return 3 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
