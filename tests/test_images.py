"""Image files are read whole and exactly, or refused by name."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bench.errors import DataError
from bench.images import check_values, read_image, read_mask, read_pair, write_png


def mask_of(side: int = 24) -> np.ndarray:
    return (np.random.default_rng(0).random((side, side)) > 0.7).astype(np.uint8) * 255


def refusal(read, path: Path, expected: np.ndarray) -> str | None:
    """The message with which a file is refused; None when it was read, and then exactly."""
    try:
        found = read(path)
    except DataError as error:
        return str(error)
    assert np.array_equal(found, expected)
    return None


def names_in_one_line(message: str | None, path: Path) -> bool:
    return message is None or (str(path) in message and "\n" not in message)


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_one_changed_bit_in_a_png_never_gives_another_mask(tmp_path_factory, place, bit):
    path = tmp_path_factory.mktemp("bits") / "mask.png"
    write_png(path, mask_of())
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    path.write_bytes(content)
    assert names_in_one_line(refusal(read_mask, path, mask_of()), path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif"])
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_refused_by_name_or_whole(tmp_path_factory, suffix, share):
    path = tmp_path_factory.mktemp("cut") / f"image{suffix}"
    Image.fromarray(mask_of()).save(path)
    whole = np.asarray(Image.open(path))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    assert names_in_one_line(refusal(lambda file: read_image(file)[:, :, 0], path, whole), path)


def test_a_file_that_is_no_image_is_refused_without_the_name_of_a_buffer(tmp_path):
    path = tmp_path / "image.png"
    path.write_bytes(b"not an image")
    with pytest.raises(DataError, match=r"image\.png: not an image of a type that is read \(12 bytes\)"):
        read_image(path)


def test_grey_is_repeated_where_three_channels_are_asked_for(tmp_path):
    write_png(tmp_path / "grey.png", mask_of())
    image = read_image(tmp_path / "grey.png", channels=3)
    assert image.shape == (24, 24, 3)
    assert all(np.array_equal(image[:, :, k], mask_of()) for k in range(3))


def test_equal_channels_become_one_where_one_is_asked_for_and_colour_is_refused(tmp_path):
    colour = np.repeat(mask_of()[:, :, None], 3, axis=2)
    write_png(tmp_path / "equal.png", colour)
    assert np.array_equal(read_image(tmp_path / "equal.png", channels=1)[:, :, 0], mask_of())
    colour[0, 0, 1] ^= 1
    write_png(tmp_path / "colour.png", colour)
    with pytest.raises(DataError, match=r"colour\.png: in colour"):
        read_image(tmp_path / "colour.png", channels=1)


def test_a_pair_of_different_sizes_is_refused_naming_both(tmp_path):
    write_png(tmp_path / "image.png", mask_of(24))
    write_png(tmp_path / "mask.png", mask_of(20))
    with pytest.raises(DataError, match=r"mask\.png: the mask is 20x20 pixels but its image .*image\.png is 24x24"):
        read_pair(tmp_path / "image.png", tmp_path / "mask.png")


def test_unknown_mask_values_are_named_with_those_allowed():
    check_values(mask_of(), (0, 255), Path("mask.png"))
    with pytest.raises(DataError, match=r"mask\.png: the mask holds \[255\]; it may hold 0, 1 only"):
        check_values(mask_of(), (0, 1), Path("mask.png"))


def test_a_mask_saved_as_jpeg_under_another_name_is_refused(tmp_path):
    Image.fromarray(mask_of()).save(tmp_path / "mask.png", format="JPEG")
    with pytest.raises(DataError, match=r"mask\.png: .* saved as JPEG under the name \.png"):
        read_mask(tmp_path / "mask.png")
    assert read_image(tmp_path / "mask.png").shape == (24, 24, 1)


def test_a_bitmap_of_two_colours_is_not_read_as_one_bit_pixels(tmp_path):
    """Pillow opens an 8-bit BMP whose palette is black and white as 1-bit and returns other pixels."""
    palette, width = bytes((0, 0, 0, 0, 255, 255, 255, 0)), 24
    pixels = (mask_of(width) > 0).astype(np.uint8)[::-1].tobytes()
    sizes = [2 + 12 + 40 + 8 + len(pixels), 0, 62, 40, width, width]
    header = b"BM" + b"".join(size.to_bytes(4, "little") for size in sizes)
    rest = (1).to_bytes(2, "little") + (8).to_bytes(2, "little") + bytes(16) + (2).to_bytes(4, "little") + bytes(4)
    (tmp_path / "mask.bmp").write_bytes(header + rest + palette + pixels)
    with pytest.raises(DataError, match=r"mask\.bmp: .* two colours"):
        read_mask(tmp_path / "mask.bmp")


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_mask_painted_in_the_alpha_channel_is_refused_and_an_opaque_one_read(tmp_path, mode):
    values = Image.fromarray(mask_of())
    opaque = values.convert(mode)
    opaque.save(tmp_path / "opaque.png")
    assert np.array_equal(read_mask(tmp_path / "opaque.png"), mask_of())
    opaque.putalpha(values)
    opaque.save(tmp_path / "clear.png")
    with pytest.raises(DataError, match=r"clear\.png: .*transparent pixels"):
        read_mask(tmp_path / "clear.png")


def test_a_palette_mask_with_a_transparent_colour_is_refused(tmp_path):
    file = Image.fromarray((mask_of() > 0).astype(np.uint8), mode="P")
    file.putpalette([0, 0, 0, 255, 255, 255])
    file.save(tmp_path / "mask.png")
    assert np.array_equal(read_mask(tmp_path / "mask.png"), mask_of())
    file.save(tmp_path / "clear.png", transparency=1)
    with pytest.raises(DataError, match=r"clear\.png: .*transparent pixels"):
        read_mask(tmp_path / "clear.png")


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_grey_of_sixteen_bits_is_read_whatever_its_byte_order(tmp_path, order):
    grey = np.arange(24 * 24, dtype=np.uint16).reshape(24, 24) * 113
    Image.frombytes("I;16" if order == "<u2" else "I;16B", (24, 24), grey.astype(order).tobytes()).save(
        tmp_path / "grey.tif"
    )
    found = read_image(tmp_path / "grey.tif")
    assert found.dtype == np.uint16
    assert np.array_equal(found[:, :, 0], grey)


def test_colour_of_sixteen_bits_is_refused_because_half_of_it_would_be_lost(tmp_path):
    colour = np.random.default_rng(0).integers(0, 2**16, (24, 24, 3), dtype=np.uint16)
    for name in ("colour.png", "colour.tif"):
        assert cv2.imwrite(str(tmp_path / name), colour)
        with pytest.raises(DataError, match=rf"{name}: .*colour of 16 bits"):
            read_image(tmp_path / name)


def test_several_pictures_in_one_file_are_refused(tmp_path):
    pages = [Image.fromarray(mask_of()), Image.fromarray(255 - mask_of())]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(DataError, match=r"pages\.tif: .*several pictures"):
        read_image(tmp_path / "pages.tif")


def test_a_photograph_that_is_to_be_turned_is_refused(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(mask_of()).save(tmp_path / "turned.jpg", exif=exif)
    with pytest.raises(DataError, match=r"turned\.jpg: .*Exif says"):
        read_image(tmp_path / "turned.jpg")


def test_what_is_no_file_is_said_to_be_none(tmp_path):
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    for name in ("folder.png", "pipe.png"):
        with pytest.raises(DataError, match=rf"{name}: not a file"):
            read_image(tmp_path / name)
    with pytest.raises(DataError, match=r"absent\.png: the file is missing"):
        read_image(tmp_path / "absent.png")


def test_a_mask_compressed_with_loss_inside_a_tiff_is_refused(tmp_path):
    Image.fromarray(mask_of()).save(tmp_path / "lossy.tif", compression="jpeg")
    Image.fromarray(mask_of()).save(tmp_path / "exact.tif", compression="tiff_lzw")
    assert np.array_equal(read_mask(tmp_path / "exact.tif"), mask_of())
    with pytest.raises(DataError, match=r"lossy\.tif: a mask saved as TIFF .* its exact values are lost"):
        read_mask(tmp_path / "lossy.tif")
