"""Latencies as a document."""

from __future__ import annotations

from collections.abc import Sequence

from bench.document import Document, Paragraph
from bench.perf.infer import Infer, Subject
from bench.report.measures import plain
from bench.report.tables import plain_table
from bench.words import plural

TIMES = ("p50 ms", "p95 ms", "p50 ms/MP", "p95 ms/MP")
HEADER = ("what", "cells", "image", "batch", "threads", *TIMES, "x reference", "noise %")
MEANING = (
    "p50, p95: median, as the mean over processes, and 95th percentile for one image in memory, with preprocessing, "
    "tiles and stitching; MP: megapixel; x reference: p50 in runs of the reference load, a convolution that ran before "
    "and after each image; noise: the width of its 95 % interval over processes. Cells whose prediction differs in "
    "weights alone share a row."
)


def infer_document(found: Infer) -> Document:
    """One row per subject, and what it was measured on."""
    rows = [_row(found, subject) for subject in found.subjects]
    measured = found.measured
    pace = ", ".join(f"{1e3 * seconds:.3g} ms on {plural(n, 'thread')}" for n, seconds in measured.reference.items())
    on = (
        f"Measured on {found.device} in {measured.processes} processes; {measured.quiet} of "
        f"{plural(measured.spells, 'spell')} of rounds were quiet and count; the reference load took {pace}."
    )
    return Document("Latency", [plain_table(HEADER, rows), Paragraph([MEANING, on])])


def _row(found: Infer, subject: Subject) -> Sequence[str]:
    timed = found.timed(subject)
    height, width = subject.image.shape[:2]
    times = [1e3 * timed.p50_s, 1e3 * timed.p95_s]
    return (
        subject.name,
        str(len(subject.cells)) if subject.cells else "",
        f"{height}x{width}",
        str(subject.trained.batch),
        str(subject.threads),
        *(plain(value) for value in times),
        *(plain(value / subject.megapixels) for value in times),
        plain(timed.ratio),
        f"{100 * timed.noise:.1f}",
    )
