"""Every number that decides how hard ``metalpart`` is, by version; see docs/metalpart.md for the procedure.

Lengths are in units of 1/512 of the image side, slopes are dimensionless, angles in degrees. A name that a version has
no use for is 0 there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Range: TypeAlias = tuple[float, float]
"""Lower and upper end of a uniform distribution."""
Counts: TypeAlias = tuple[int, int]
"""Lower bound and excluded upper bound of a uniform distribution of whole numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """The constants of one version; none of them ever changes."""

    version: int
    seed: int

    objects: int
    """Objects of the default set."""
    held_out: tuple[float, float]
    """Shares of the objects in validation and test."""
    clean: tuple[int, int]
    """``(n, k)``: the objects i with ``i % n == k`` have no defect."""

    object_area: Range
    """Square units; the image has 262,144."""
    thread_pitch: Range
    thread_flank: Range
    """Slope of the flanks."""

    defect_area: Range
    """Nominal square units per object, on the half that faces the camera."""
    class_shares: tuple[float, float, float]
    """Of the defects drawn: scratch, dent, pit."""
    scratch_length: Range
    scratch_width: Range
    """Standard deviation of the cross section."""
    scratch_depth: Range
    scratch_grooves: Counts
    """Parallel grooves, as a slipped tool leaves them."""
    scratch_turn: float
    """A scratch stays this far from the direction of the tool marks."""
    dent_radius: Range
    dent_depth: Range
    pit_radius: Range
    pit_depth: Range
    visible_deviation: float
    """Units of height from which a pixel belongs to the defect."""
    smallest_defect: float
    """Square units; smaller fragments are not annotated."""

    chatter: Counts
    """Grooves along the tool marks, as deep and wide as scratches."""
    engravings: Counts
    """Rows of peened dots, as deep and wide as pits."""
    stains: Counts
    stain_shade: Range
    """Factor on the light of a stain."""
    dust: Counts
    """Fibres and specks."""

    roughness: Range
    """Width of the slope distribution along the lay."""
    lay_ratio: Range
    """Width across the lay over width along it."""
    tool_marks: Range
    """Standard deviation of the slope of turning marks."""
    grain: Range
    """Standard deviation of the isotropic slope noise."""

    lamps: int
    elevation: Range
    """Of the lamps above the image plane."""
    lamp_power: Range
    """Of all lamps but the first, relative to it."""
    ambient: float
    """Undirected light from a cut surface."""
    scatter: float
    """Added to it where a defect deviates by ``torn_at`` units of height or more."""
    torn_at: float
    camera_mean: Range
    """Grey level of the object, metered."""
    blur: float
    """Standard deviation of the point spread."""
    shot_noise: float
    """Variance per grey level."""
    read_noise: float
    """Standard deviation in grey levels."""
    black_level: float
    interreflection: float
    """Share of the neighbourhood's light that slopes receive."""
    neighbourhood: float
    """Standard deviation of what counts as near."""
    render_mean: Range
    """About one exposure value above the camera."""
    render_roughness: Range
    """Factor on roughness and grain per object."""


FIRST = Frozen(
    version=1,
    seed=20261122,
    objects=72,
    held_out=(12 / 72, 20 / 72),
    clean=(9, 4),
    object_area=(28_500.0, 47_500.0),
    thread_pitch=(9.0, 19.0),
    thread_flank=(0.55, 1.05),
    defect_area=(800.0, 1_650.0),
    class_shares=(0.45, 0.25, 0.30),
    scratch_length=(16.0, 48.0),
    scratch_width=(1.5, 2.4),
    scratch_depth=(1.4, 2.8),
    scratch_grooves=(1, 4),
    scratch_turn=0.0,
    dent_radius=(6.0, 11.0),
    dent_depth=(2.5, 5.0),
    pit_radius=(2.6, 4.6),
    pit_depth=(1.6, 3.2),
    visible_deviation=0.25,
    smallest_defect=6.0,
    chatter=(0, 0),
    engravings=(0, 0),
    stains=(0, 0),
    stain_shade=(0.0, 0.0),
    dust=(0, 0),
    roughness=(0.13, 0.2),
    lay_ratio=(1.3, 2.0),
    tool_marks=(0.03, 0.07),
    grain=(0.02, 0.04),
    lamps=4,
    elevation=(14.0, 40.0),
    lamp_power=(0.3, 0.9),
    ambient=0.2,
    scatter=5.0,
    torn_at=0.8,
    camera_mean=(33.0, 47.0),
    blur=0.8,
    shot_noise=0.25,
    read_noise=0.55,
    black_level=0.8,
    interreflection=0.25,
    neighbourhood=18.0,
    render_mean=(60.0, 100.0),
    render_roughness=(0.6, 1.7),
)
"""Dark field; torn metal scatters, so that a threshold on the grey level finds most defects."""

SECOND = Frozen(
    version=2,
    seed=20261129,
    objects=400,
    held_out=(60 / 400, 140 / 400),
    clean=(5, 2),
    object_area=(28_500.0, 47_500.0),
    thread_pitch=(9.0, 19.0),
    thread_flank=(0.55, 1.05),
    defect_area=(800.0, 1_650.0),
    class_shares=(0.45, 0.25, 0.30),
    scratch_length=(16.0, 48.0),
    scratch_width=(1.7, 2.7),
    scratch_depth=(2.4, 3.8),
    scratch_grooves=(1, 4),
    scratch_turn=25.0,
    dent_radius=(7.0, 12.0),
    dent_depth=(4.0, 7.0),
    pit_radius=(3.2, 5.2),
    pit_depth=(2.6, 4.4),
    visible_deviation=0.25,
    smallest_defect=12.0,
    chatter=(1, 6),
    engravings=(0, 3),
    stains=(0, 3),
    stain_shade=(0.7, 1.15),
    dust=(1, 6),
    roughness=(0.13, 0.2),
    lay_ratio=(1.3, 2.0),
    tool_marks=(0.03, 0.07),
    grain=(0.01, 0.02),
    lamps=4,
    elevation=(14.0, 40.0),
    lamp_power=(0.3, 0.9),
    ambient=0.05,
    scatter=0.5,
    torn_at=0.8,
    camera_mean=(33.0, 47.0),
    blur=0.8,
    shot_noise=0.1,
    read_noise=0.55,
    black_level=0.8,
    interreflection=0.15,
    neighbourhood=18.0,
    render_mean=(60.0, 100.0),
    render_roughness=(0.6, 1.7),
)
"""Dark field; torn metal scatters little: defects show by their slopes, beside what only looks like one."""
