"""``python -m defectbench_weldseam FOLDER`` writes the rendered seams into a new folder."""

from __future__ import annotations

import sys
from pathlib import Path

from defectbench_weldseam.seams import example

if len(sys.argv) != 2:
    sys.exit("usage: python -m defectbench_weldseam FOLDER")
folder = Path(sys.argv[1])
if folder.exists():
    sys.exit(f"{folder} exists already and is left as it is; name a new folder")
example(folder)
