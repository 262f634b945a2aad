"""The bars that measured speed is held against: each stands here once, with where it comes from.

Ratios of one run on a machine with two cores and no GPU; see ``docs/performance.md``. ``make benchmark`` prints them.
"""

from __future__ import annotations

from dataclasses import dataclass

DATA = "from the rates of loaders, samplers and stores measured side by side on two cores"
LIMIT = "from the limit of the machine: nothing is faster than copying, reading or decoding the same bytes"
HOUSE = "what a user would not notice, in processor time"


@dataclass(frozen=True)
class Bar:
    """What a figure must reach, or may not exceed, and where that comes from."""

    least: float | None = None
    most: float | None = None
    source: str = LIMIT

    def met(self, value: float) -> bool:
        """Whether a figure is on the right side."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        return f">= {self.least:g}" if self.least is not None else f"<= {self.most:g}"


BARS: dict[tuple[str, str], Bar] = {
    ("bank reading", "share_of_memcpy"): Bar(0.6),
    ("bank reading", "times_lzf"): Bar(25, source=DATA),
    ("bank reading", "times_loader_over_hdf5"): Bar(15, source=DATA),
    ("bank reading", "times_ffcv"): Bar(1.2, source=DATA),
    ("crops without a bank", "times_rejection"): Bar(15, source=DATA),
    ("crops without a bank", "share_of_memcpy"): Bar(0.25),
    ("exact sampling", "index_kilobytes"): Bar(most=100),
    ("bank building", "share_of_decode"): Bar(0.8),
    ("bank building", "uniform_share_of_decode"): Bar(0.8),
    **{
        (f"threshold sweep, {kind}", name): bar
        for kind in ("sure", "unsure", "noise")
        for name, bar in {
            "times_scikit_learn": Bar(150, source=DATA),
            "times_torchmetrics": Bar(150, source=DATA),
            "share_of_one_pass": Bar(0.3),
            "extra_bytes_per_pixel": Bar(most=1.0),
        }.items()
    },
    ("training step", "share_of_bare_step"): Bar(0.97, source="from the same step on one batch that is ready"),
    ("training step", "times_plain_loop"): Bar(1.8, source="the loop of smp's examples, where bf16 is native"),
    ("starting", "help_of_import_click"): Bar(most=2, source=HOUSE),
    ("starting", "plan_of_imports"): Bar(most=1.6, source="0.6 s where importing what it needs takes 0.37 s"),
    ("scheduling", "ms_a_cell"): Bar(most=5, source=HOUSE),
    ("many cells", "s_of_100000"): Bar(most=20, source=HOUSE),
    ("many cells", "cost_of_a_cell_among_ten_times_as_many"): Bar(most=1.3, source=HOUSE),
    ("tiled inference", "times_monai_float32"): Bar(1.2, source="a batch of tiles in channels-last against MONAI's"),
    ("tiled inference", "times_monai_bf16"): Bar(1.8, source="the same in bf16, where the processor has it"),
}
"""Stage and figure to its bar."""
