"""From the bytes of a picture file to its pixels: what Pillow would give back otherwise than stored is refused.

Every refusal says what the file is and what helps; only bytes that cannot be decoded are called damaged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.words import size_text

if TYPE_CHECKING:
    from PIL.Image import Image as ImageFile

Exif: TypeAlias = Literal["refuse", "turn", "keep"]
"""What becomes of a picture that Exif says is to be turned: refused, turned as viewers do, or kept as stored."""
Pixels: TypeAlias = npt.NDArray[Any]

PLAIN = ("L", "RGB", "I;16", "I;16L", "I;16B", "I")
"""Pillow's modes that are taken as they are; ``I`` where 16-bit grey was widened."""
CONVERTED: Mapping[str, str] = {
    "1": "L", "LA": "L", "La": "L",
    "P": "RGB", "PA": "RGB", "RGBA": "RGB", "RGBa": "RGB", "RGBX": "RGB", "CMYK": "RGB", "YCbCr": "RGB",
}  # fmt: skip
"""Modes that are read as grey or colour of 8 bits: alpha dropped, palettes looked up."""
WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")
ORIENTATION, TURNED = 0x0112, range(2, 9)
"""Exif tag, and its values that turn or mirror a picture; 1 is upright."""
CODESTREAM = b"\xff\x4f\xff\x51"
"""The first two markers of JPEG 2000."""
MEGAPIXELS = 1000
"""The largest picture that is read: the header of a damaged file may claim any size."""
LARGEST = 8 * 10**9
"""Bytes of a file: such a picture in colour of 16 bits has 6 GB, not compressed."""
LOSSY: Mapping[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "MPO": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "WEBP": (".webp",),
    "JPEG2000": (".jp2", ".j2k", ".jpx"),
}
"""Types that may change levels, by Pillow's name, with the names that admit it."""
LOSSY_TYPES = frozenset(chain.from_iterable(LOSSY.values()))
"""All of these names: values of a mask under them may not be those that were drawn."""
POINTERS: Mapping[bytes, str] = {
    b"version https://git-lfs.github.com/spec/": "a Git LFS pointer in the place of the picture; run 'git lfs pull'",
    b"/annex/objects/": "a git-annex pointer in the place of the picture; run 'git annex get'",
}
"""What version control leaves where the content of a file was not fetched, by its first bytes."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """Pixels as stored: ``[H, W]`` or ``[H, W, 3]`` of 8 bits, ``[H, W]`` of 16, or indices of a palette.

    ``palette`` is ``uint8[entries, 3]``, the colours that the indices stand for; None where pixels are levels.
    """

    pixels: Pixels
    palette: npt.NDArray[np.uint8] | None


def decode_image(path: Path, exif: Exif) -> Pixels:
    """Grey of 8 or 16 bits ``[H, W]``, or colour of 8 bits ``[H, W, 3]``; alpha is dropped, palettes are looked up.

    Raises:
        DataError: the file is missing, damaged, or of a kind that is not read; says which, and what to do.
    """
    from PIL import ImageOps

    content = _content(path)
    with _opened(path, content) as file:
        _check_kind(path, file, content, exif)
        upright = ImageOps.exif_transpose(file) if exif == "turn" else file
        return _levels(path, upright, _mode(path, file))


def decode_mask(path: Path) -> Decoded:
    """The stored values of a mask: levels, or the indices of a palette beside their colours.

    Raises:
        DataError: as in :func:`decode_image`; or a pixel is transparent, as what was meant there is unknown; or a
            JPEG or the like under the name of another type, as its exact values are lost.
    """
    content = _content(path)
    with _opened(path, content) as file:
        _check_kind(path, file, content, "refuse")
        _check_exact(path, file)
        _check_opaque(path, file)
        if file.mode == "P":
            return Decoded(np.asarray(file), _palette(file))
        return Decoded(_levels(path, file, _mode(path, file)), None)


def decode_palette(path: Path) -> npt.NDArray[np.uint8]:
    """Colours by index, ``uint8[entries, 3]``, from the header of a file; no entry where it has no palette.

    Raises:
        DataError: the file is missing, or its header is damaged.
    """
    with _opened(path, _content(path)) as file:
        return _palette(file) if file.mode == "P" else np.zeros((0, 3), np.uint8)


@contextmanager
def _opened(path: Path, content: bytes) -> Iterator[ImageFile]:
    """The picture in the bytes of a file, for as long as it is decoded.

    Checksums are verified where a format has them: Pillow reads over a changed byte of a PNG.

    Raises:
        DataError: the bytes are no picture, or decoding them fails.
    """
    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    Pillow.MAX_IMAGE_PIXELS = None  # its limit is below what line-scan cameras write; ours follows
    try:
        with Pillow.open(BytesIO(content)) as file:
            if file.width * file.height > MEGAPIXELS * 10**6:
                raise DataError(
                    f"{path}: {file.width}x{file.height} pixels; pictures of up to {MEGAPIXELS:,} megapixels are read, "
                    "cut it into parts, and its mask likewise"
                )
            file.verify()
        with Pillow.open(BytesIO(content)) as file:
            yield file
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(
            f"{path}: not an image of a type that is read ({len(content):,} bytes); if other programs show it, save "
            "it as PNG there, else copy it anew from where it came"
        ) from None
    except Exception as error:  # decoders may raise anything on damaged bytes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path}: cannot be decoded ({reason}); if other programs show it whole, save it as PNG there, else copy "
            "it anew from where it came"
        ) from None


def _content(path: Path) -> bytes:
    """The bytes of a file that is there and holds something."""
    if path.is_symlink() and not path.exists():
        raise DataError(f"{path}: {unfetched(path)}")
    if not path.is_file():
        raise DataError(f"{path}: " + ("not a file" if path.exists() else "the file is missing"))
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path}: more than {size_text(LARGEST)}, which no picture that is read has; cut it up")
        content = path.read_bytes()
    except PermissionError:
        raise DataError(f"{path}: may not be read (permission denied); allow it, as with 'chmod u+r'") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the disk or the connection") from None
    if not content:
        raise DataError(f"{path}: an empty file; copy it anew from where it came")
    for start, what in POINTERS.items():
        if content.startswith(start):
            raise DataError(f"{path}: {what}")
    return content


def unfetched(link: Path) -> str:
    """What to say of a link that leads nowhere."""
    return (
        f"a link to {link.readlink()}, which is not there; fetch its content first ('dvc pull', 'git annex get', or "
        "mount what it leads to)"
    )


def _check_kind(path: Path, file: ImageFile, content: bytes, exif: Exif) -> None:
    """Refuse what Pillow opens but would not give back as it is stored, or as it is seen."""
    if getattr(file, "n_frames", 1) > 1 and file.format != "MPO":  # the first picture of an MPO is the photograph
        raise DataError(f"{path}: several pictures in one file; save each as a file of its own")
    turned = file.getexif().get(ORIENTATION, 1) in TURNED
    if turned and exif == "refuse":
        raise DataError(
            f"{path}: Exif says that viewers turn it, and masks may be drawn on either; set 'exif: turn' or 'exif: "
            "keep' if the data set has that setting, or save it upright ('mogrify -auto-orient')",
            remedies=({"exif": "turn"}, {"exif": "keep"}),
        )
    if turned and exif == "keep" and file.format == "TIFF":  # Pillow turns it when it decodes
        raise DataError(f"{path}: a TIFF that viewers turn cannot be kept as stored; save it without that tag")
    if file.mode in ("RGB", "RGBA") and _bits(file, content) > 8:
        raise DataError(f"{path}: colour of 16 bits, of which 8 would be read; save it as grey, or with 8 bits")
    if file.format == "BMP" and file.mode == "1" and content[28] == 8:
        raise DataError(f"{path}: an 8-bit BMP with two colours, which is taken for 1-bit; save it as PNG")


def _bits(file: ImageFile, content: bytes) -> int:
    """Bits of a channel as stored, where the format says so."""
    if file.format == "PNG":
        return content[24]
    if file.format == "PPM":  # maxval is the third number after the first two bytes, comments left out
        numbers = re.sub(rb"#[^\n]*\n", b" ", content[2:100_000]).split(maxsplit=3)
        return int(numbers[2]).bit_length()
    if file.format == "JPEG2000":
        return 1 + (content[content.index(CODESTREAM) + 42] & 127)  # Ssiz of the first component
    if file.format == "TIFF":
        stored: Any = file.tag_v2.get(258, (8,))  # type: ignore[attr-defined]  # BitsPerSample of a TIFF
        return int(max(stored) if isinstance(stored, tuple) else stored)
    return 8


def _mode(path: Path, file: ImageFile) -> str:
    """Pillow's mode in which a picture is read."""
    if file.mode in PLAIN:
        return file.mode
    if file.mode not in CONVERTED:
        raise DataError(
            f"{path}: pixels of Pillow's mode {file.mode} are not read; save it as grey of 8 or 16 bits, or as RGB "
            "of 8 bits"
        )
    return CONVERTED[file.mode]


def _levels(path: Path, file: ImageFile, mode: str) -> Pixels:
    """Pixels of 8 or 16 bits in the machine's own byte order."""
    pixels: Pixels = np.asarray(file if file.mode == mode else file.convert(mode))
    if pixels.dtype == np.int32 and pixels.size and pixels.min() >= 0 and pixels.max() < 2**16:
        pixels = pixels.astype(np.uint16)  # Pillow widens some 16-bit grey files to 32 bits
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if pixels.dtype not in (np.uint8, np.uint16):
        raise DataError(f"{path}: pixels of type {pixels.dtype} are not read; save it as grey of 8 or 16 bits")
    return pixels


def _check_exact(path: Path, file: ImageFile) -> None:
    """Refuse a mask that went through a lossy compression and does not admit it by its name."""
    compressed = file.format == "TIFF" and file.info.get("compression") in ("jpeg", "tiff_jpeg", "webp")
    if compressed or path.suffix.lower() not in LOSSY.get(file.format or "", (path.suffix.lower(),)):
        how = f"{file.format} with lossy compression" if compressed else f"{file.format}"
        raise DataError(
            f"{path}: a mask saved as {how} under the name {path.suffix}, its exact values are lost; save it anew as "
            "PNG from where it was drawn"
        )


def _check_opaque(path: Path, file: ImageFile) -> None:
    if file.mode in WITH_ALPHA or "transparency" in file.info:
        lowest, _ = file.convert("RGBA").getchannel("A").getextrema()
        if lowest != 255:
            raise DataError(f"{path}: the mask has transparent pixels; save it without alpha")


def _palette(file: ImageFile) -> npt.NDArray[np.uint8]:
    """Colours by index, ``uint8[entries, 3]``."""
    return np.array(file.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
