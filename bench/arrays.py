"""Files of arrays: ``.npz`` without pickle, whose checksums are verified before anything of it is used."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import named_line


def read_arrays(path: Path, most: int | None = None) -> dict[str, npt.NDArray[Any]]:
    """Every array of a file by name; all of them together have at ``most`` so many bytes.

    Raises:
        OSError: the file is missing or cannot be read.
        ValueError: it is damaged, in one line.
    """
    content = io.BytesIO(path.read_bytes())
    try:
        with zipfile.ZipFile(content) as archive:
            if most is not None and sum(member.file_size for member in archive.infolist()) > most:
                raise ValueError(f"more than {most:,} bytes unpacked")
            damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"checksum of {damaged} is wrong")
        content.seek(0)
        with np.load(content, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except Exception as error:  # a damaged archive may raise anything
        raise ValueError(named_line(error)) from None
