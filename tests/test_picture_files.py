"""Pictures are read whatever their type; what looks like one and would be left out is said, with why and what to do."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import DataError
from bench.images import read_image, read_mask
from bench.picture_files import TYPES, UNREAD, left_out, picture_files

GREY = np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8)
LOSSLESS = (".png", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm", ".pnm", ".jp2", ".j2k")


def save(path: Path, **options: object) -> Path:
    """The picture in the type of the name; WebP without loss."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = Image.fromarray(GREY)
    if path.suffix == ".webp":
        options["lossless"] = True
    (file.convert("RGB") if path.suffix == ".ppm" else file).save(path, **options)
    return path


def parts(message: str, what: str, where: str, remedy: str) -> bool:
    """Whether a message is one line that says these three."""
    return "\n" not in message and all(part in message for part in (what, where, remedy))


@pytest.mark.parametrize("type", LOSSLESS)
def test_a_picture_of_any_type_is_found_and_read(tmp_path, type):
    path = save(tmp_path / f"picture{type}")
    assert picture_files(tmp_path) == [path]
    assert np.array_equal(read_image(path, channels=1)[..., 0], GREY)


@pytest.mark.parametrize("type", [type for type in TYPES if type.startswith(".j")])
def test_a_photograph_of_any_name_of_jpeg_is_found_and_read(tmp_path, type):
    file = Image.fromarray(GREY)
    path = tmp_path / f"picture{type.upper()}"
    file.save(path, format="JPEG2000" if type.startswith(".j2") or type == ".jp2" else "JPEG")
    assert picture_files(tmp_path) == [path]
    assert read_image(path).shape == (20, 30, 1)


@pytest.mark.parametrize("type", UNREAD)
def test_a_type_that_is_not_read_is_an_error_and_not_left_out(tmp_path, type):
    save(tmp_path / "a.png")
    (tmp_path / f"b{type}").write_bytes(b"x")
    with pytest.raises(DataError) as caught:
        picture_files(tmp_path)
    assert parts(str(caught.value), "are not read", str(tmp_path / f"b{type}"), "save it as PNG")


def test_what_does_not_look_like_a_picture_is_left_out(tmp_path):
    path = save(tmp_path / "a.png")
    for name in ("Thumbs.db", "notes.txt", ".b.png", "._a.png", "a.xml", "a.jpg_original"):
        (tmp_path / name).write_bytes(b"x")
    assert picture_files(tmp_path) == [path]


def test_a_link_to_content_that_was_not_fetched_is_an_error_that_says_so(tmp_path):
    save(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("../.git/annex/objects/XX/yy.png")
    (tmp_path / "c.png").symlink_to("nowhere.png")
    with pytest.raises(DataError) as caught:
        picture_files(tmp_path)
    assert parts(str(caught.value), "which is not there", str(tmp_path / "b.png"), "fetch its content first")
    assert "2 such files" in str(caught.value)
    with pytest.raises(DataError, match=r"b\.png: a link to .*fetch its content first"):
        read_image(tmp_path / "b.png")


def test_a_picture_of_which_there_is_the_pointer_of_dvc_only_is_an_error(tmp_path):
    save(tmp_path / "a.png")
    (tmp_path / "a.png.dvc").write_text("outs:\n- path: a.png\n")
    assert left_out(tmp_path / "a.png.dvc") is None
    (tmp_path / "b.png.dvc").write_text("outs:\n- path: b.png\n")
    with pytest.raises(DataError, match=r"b\.png\.dvc: b\.png itself is not there; .*dvc pull"):
        picture_files(tmp_path)


def test_a_folder_of_which_there_is_the_pointer_of_dvc_only_says_so(tmp_path):
    (tmp_path / "images.dvc").write_text("outs:\n- path: images\n")
    with pytest.raises(DataError, match=r"images: the folder is missing; .*dvc pull"):
        picture_files(tmp_path / "images")


@pytest.mark.parametrize(
    ("content", "what", "remedy"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS pointer", "git lfs pull"),
        (b"/annex/objects/SHA256E-s9--0.png\n", "git-annex pointer", "git annex get"),
        (b"", "empty file", "copy it anew"),
        (b"not a picture", "not an image of a type that is read", "save it as PNG"),
    ],
)
def test_what_lies_in_the_place_of_a_picture_is_named(tmp_path, content, what, remedy):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    for read in (read_image, read_mask):
        with pytest.raises(DataError) as caught:
            read(path)
        assert parts(str(caught.value), what, str(path), remedy)


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png")

    def denied(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(DataError) as caught:
        read_image(path)
    assert parts(str(caught.value), "may not be read", str(path), "chmod")


def test_the_first_picture_of_a_photograph_of_several_is_read(tmp_path):
    first, second = Image.fromarray(GREY), Image.fromarray(255 - GREY)
    first.save(tmp_path / "drone.jpg", format="MPO", save_all=True, append_images=[second], quality=100)
    first.save(tmp_path / "plain.jpg", quality=100)
    assert np.array_equal(read_image(tmp_path / "drone.jpg"), read_image(tmp_path / "plain.jpg"))


def test_a_photograph_in_ink_colours_is_read_as_its_viewers_show_it(tmp_path):
    colour = np.repeat(GREY[:, :, None], 3, axis=2) // 2 + 60
    Image.fromarray(colour).convert("CMYK").save(tmp_path / "a.tif")
    assert np.array_equal(read_image(tmp_path / "a.tif"), colour)


def test_floating_point_levels_are_refused_with_what_is_read(tmp_path):
    Image.fromarray(GREY.astype(np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(DataError) as caught:
        read_image(tmp_path / "a.tif")
    assert parts(str(caught.value), "mode F are not read", str(tmp_path / "a.tif"), "save it as grey of 8 or 16 bits")


@pytest.mark.parametrize("largest", [255, 4095, 65535])
def test_colour_of_more_than_8_bits_is_refused_in_ppm_as_well(tmp_path, largest):
    pixels = np.random.default_rng(0).integers(0, largest + 1, (4, 5, 3))
    stored = pixels.astype(">u2" if largest > 255 else "u1").tobytes()
    (tmp_path / "a.ppm").write_bytes(b"P6\n# a comment\n5 4\n%d\n" % largest + stored)
    if largest == 255:
        assert np.array_equal(read_image(tmp_path / "a.ppm"), pixels)
        return
    with pytest.raises(DataError, match=r"a\.ppm: colour of 16 bits"):
        read_image(tmp_path / "a.ppm")


def test_a_scan_beyond_the_limit_of_pillow_is_read_without_a_warning(tmp_path, recwarn):
    limit = 2 * (1 << 30) // 4 // 3  # Pillow refuses twice its documented limit of 89 megapixels
    rows = limit // 8192 + 1
    Image.new("L", (8192, rows), 7).save(tmp_path / "scan.png", compress_level=1)
    image = read_image(tmp_path / "scan.png")
    assert image.shape == (rows, 8192, 1)
    assert image.min() == image.max() == 7
    assert not recwarn.list


def test_a_header_that_claims_more_than_a_gigapixel_is_refused_before_anything_is_decoded(tmp_path):
    (tmp_path / "a.pgm").write_bytes(b"P5\n60000 60000\n255\n" + bytes(10))
    with pytest.raises(DataError) as caught:
        read_image(tmp_path / "a.pgm")
    assert parts(str(caught.value), "60000x60000 pixels", str(tmp_path / "a.pgm"), "cut it into parts")


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_photograph_is_turned_as_viewers_show_it_or_kept_as_stored_where_asked(tmp_path, orientation):
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(GREY)
    stored.save(tmp_path / "a.png", exif=exif)
    seen = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "a.png")))
    assert np.array_equal(read_image(tmp_path / "a.png", exif="turn")[..., 0], seen)
    assert np.array_equal(read_image(tmp_path / "a.png", exif="keep")[..., 0], GREY)
    with pytest.raises(DataError) as caught:
        read_image(tmp_path / "a.png")
    assert parts(str(caught.value), "Exif says", str(tmp_path / "a.png"), "save it upright")


def test_no_refusal_of_an_intact_file_asks_to_fetch_it_again(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(GREY).save(tmp_path / "turned.jpg", exif=exif)
    Image.fromarray(GREY.astype(np.float32)).save(tmp_path / "float.tif")
    pages = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    (tmp_path / "large.pgm").write_bytes(b"P5\n60000 60000\n255\n" + bytes(10))
    for name in ("turned.jpg", "float.tif", "pages.tif", "large.pgm"):
        with pytest.raises(DataError) as caught:
            read_image(tmp_path / name)
        assert "fetch" not in str(caught.value)
        assert "anew" not in str(caught.value)


def test_a_pipe_under_the_name_of_a_picture_is_found_and_named(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert picture_files(tmp_path) == [tmp_path / "pipe.png"]
    with pytest.raises(DataError, match=r"pipe\.png: not a file"):
        read_image(tmp_path / "pipe.png")


@pytest.mark.parametrize("name", ["b.png.gz", "b.jpg.part", "b.PNG ", "b"])
def test_a_picture_under_a_name_that_would_be_passed_over_is_an_error(tmp_path, name):
    path = save(tmp_path / "a.png")
    (tmp_path / name).write_bytes(path.read_bytes())
    with pytest.raises(DataError, match="rename it"):
        picture_files(tmp_path)


def test_a_backup_beside_its_picture_is_left_out(tmp_path):
    path = save(tmp_path / "a.png")
    (tmp_path / "a.png.bak").write_bytes(path.read_bytes())
    assert picture_files(tmp_path) == [path]


def test_a_tiff_that_pillow_turns_cannot_be_kept_as_stored(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.tif", tiffinfo={274: 6})
    assert np.array_equal(read_image(tmp_path / "a.tif", exif="turn")[..., 0], np.rot90(GREY, -1))
    with pytest.raises(DataError, match=r"a\.tif: a TIFF that viewers turn cannot be kept"):
        read_image(tmp_path / "a.tif", exif="keep")
