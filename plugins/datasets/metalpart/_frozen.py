"""Every number that decides how hard ``metalpart`` is; see docs/metalpart.md for the procedure.

Lengths are in units of 1/512 of the image side, slopes are dimensionless, angles in degrees.
"""

from __future__ import annotations

from typing import TypeAlias

Range: TypeAlias = tuple[float, float]
"""Lower and upper end of a uniform distribution."""

VERSION = 1
SEED = 20261122

# Objects
OBJECT_AREA: Range = (28_500.0, 47_500.0)  # square units; the image has 262,144
THREAD_PITCH: Range = (9.0, 19.0)
THREAD_FLANK: Range = (0.55, 1.05)  # slope of the flanks

# Defects
CLEAN_EVERY, CLEAN_AT = 9, 4  # the objects i with i % CLEAN_EVERY == CLEAN_AT have no defect
DEFECT_AREA: Range = (800.0, 1_650.0)  # nominal square units per object, on the half that faces the camera
CLASS_SHARES = (0.45, 0.25, 0.30)  # of the defects drawn: scratch, dent, pit
SCRATCH_LENGTH: Range = (16.0, 48.0)
SCRATCH_WIDTH: Range = (1.5, 2.4)  # standard deviation of the cross section
SCRATCH_DEPTH: Range = (1.4, 2.8)
SCRATCH_GROOVES = (1, 4)  # parallel grooves, as a slipped tool leaves them: lower bound, excluded upper bound
DENT_RADIUS: Range = (6.0, 11.0)
DENT_DEPTH: Range = (2.5, 5.0)
PIT_RADIUS: Range = (2.6, 4.6)
PIT_DEPTH: Range = (1.6, 3.2)
VISIBLE_DEVIATION = 0.25  # units of height from which a pixel belongs to the defect
SMALLEST_DEFECT = 6.0  # square units; smaller fragments are not annotated

# Surface
ROUGHNESS: Range = (0.13, 0.2)  # width of the slope distribution along the lay
LAY_RATIO: Range = (1.3, 2.0)  # width across the lay over width along it
TOOL_MARKS: Range = (0.03, 0.07)  # standard deviation of the slope of turning marks
GRAIN: Range = (0.02, 0.04)  # standard deviation of the isotropic slope noise

# Light and camera
ELEVATION: Range = (14.0, 40.0)  # of the lamps above the image plane: dark field
LAMP_POWER: Range = (0.3, 0.9)  # of the second to fourth lamp relative to the first
AMBIENT = 0.2  # undirected light from a cut surface
SCATTER = 5.0  # added to it where a defect deviates by TORN_AT units of height or more
TORN_AT = 0.8
CAMERA_MEAN: Range = (33.0, 47.0)  # grey level of the object, metered
BLUR = 0.8  # standard deviation of the point spread
SHOT_NOISE = 0.25  # variance per grey level
READ_NOISE = 0.55  # standard deviation in grey levels
BLACK_LEVEL = 0.8
INTERREFLECTION = 0.25  # share of the neighbourhood's light that slopes receive
NEIGHBOURHOOD = 18.0  # standard deviation of what counts as near
RENDER_MEAN: Range = (60.0, 100.0)  # about one exposure value above the camera
RENDER_ROUGHNESS: Range = (0.6, 1.7)  # factor on ROUGHNESS and GRAIN per object
