"""Which files of a folder are pictures: those that are read, and those that would be left out without a word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.decoding import unfetched
from bench.errors import DataError

TYPES = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm",
    ".pbm", ".pnm", ".jp2", ".j2k",
)  # fmt: skip
"""File types of the pictures that are read, in lower case."""
UNREAD = (
    ".apng", ".arw", ".avif", ".btf", ".cr2", ".cr3", ".czi", ".dcm", ".dds", ".dng", ".exr", ".fit", ".fits", ".h5",
    ".hdr", ".heic", ".heif", ".hif", ".ico", ".j2c", ".jpc", ".jpf", ".jpx", ".jxl", ".jxr", ".lsm", ".mat", ".nd2",
    ".ndpi", ".nef", ".nii", ".npy", ".npz", ".orf", ".pcx", ".pfm", ".psd", ".qoi", ".raf", ".ras", ".raw", ".rw2",
    ".sgi", ".svg", ".svs", ".tga", ".x3f", ".xcf",
)  # fmt: skip
"""File types that hold pictures, or masks, and are not read."""


def is_picture(path: Path) -> bool:
    """Whether a name is that of a picture of a type that is read."""
    return path.suffix.lower() in TYPES


def looks_like_picture(path: Path) -> bool:
    """Whether a name is that of a picture, or of an array in the place of one, read or not."""
    return path.suffix.lower() in (*TYPES, *UNREAD)


def left_out(path: Path) -> str | None:
    """Why something that looks like a picture cannot be read, and what to do: the end of a sentence about ``path``.

    None for a picture that can be read, and for what does not look like one.
    """
    if looks_like_picture(path) and path.is_symlink() and not path.exists():
        return unfetched(path)
    if path.suffix.lower() in UNREAD:
        return f"pictures of type {path.suffix} are not read; save it as PNG, or move it out of this folder"
    named = path.with_suffix("")
    if is_picture(named) and not is_picture(path) and not named.exists():
        if path.suffix == ".dvc":
            return f"{named.name} itself is not there; fetch its content first with 'dvc pull'"
        return f"{named.name} itself is not there; unpack or rename it, or move it out of this folder"
    if path.suffix.rstrip() != path.suffix:
        return "its name ends in a space; rename it"
    if not path.suffix and _starts_as_picture(path):
        return "a picture by its content, without a file type in its name; rename it, as to NAME.png"
    return None


STARTS = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*", b"GIF8", b"RIFF")
"""First bytes of common types of pictures."""


def _starts_as_picture(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(8).startswith(STARTS)
    except OSError:
        return False


def picture_files(folder: Path) -> list[Path]:
    """Pictures in and below a folder, hidden ones left out, in a stable order.

    Raises:
        DataError: the folder is missing, or holds a link to another folder, or something that looks like a picture
            and cannot be read.
    """
    if not folder.is_dir():
        tracked = folder.with_name(f"{folder.name}.dvc").is_file()
        fetch = "; fetch its content first with 'dvc pull'" if tracked else ""
        raise DataError(f"{folder}: the folder is missing{fetch}")
    found = sorted(_below(folder))
    unread = [path for path in found if left_out(path)]
    if unread:
        such = f" ({len(unread)} such files)" if len(unread) > 1 else ""
        raise DataError(f"{unread[0]}: {left_out(unread[0])}{such}")
    return [path for path in found if is_picture(path)]


def _below(folder: Path) -> Iterator[Path]:
    """Everything in and below a folder that is not a folder itself."""
    for path in visible(folder):
        if not path.is_dir():
            yield path
        elif path.is_symlink():
            raise DataError(f"{path}: a link to a folder would show its images twice; name the folder itself instead")
        else:
            yield from _below(path)


def visible(folder: Path) -> Iterator[Path]:
    """What lies in a folder, in the order of names, without hidden entries and what archives of a Mac add.

    Raises:
        DataError: the folder is missing or may not be read.
    """
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise closed(folder, error) from None
    return (folder / name for name in names if name[0] != "." and name != "__MACOSX")


def closed(folder: Path, error: OSError) -> DataError:
    """What to say of a folder that may not be read."""
    return DataError(f"{folder}: the folder cannot be read ({error.strerror}); allow reading it, or move it away")
