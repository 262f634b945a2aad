"""The page of a run: its numbers are those of its files, its text is only text, and what it lacks is said."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from bench.component import About, why_withheld
from bench.page.table import measures_of
from bench.pictures.layers import Scale, codes_layer, map_layer, truth_layer
from bench.pictures.overlay import COLOURS, FALSE_NEGATIVE, NOTHING, TRUE_POSITIVE
from bench.score.evidence_file import read_evidence
from bench.store.home import Places
from bench.store.records import load_record
from bench.store.store import read_object, write_json
from bench.train.history import HISTORY
from page_reading import parts_of, tree_of
from tiny import bench, edited

RUN = Path("runs") / "tiny"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202e&amp;"


class Seen(HTMLParser):
    """What a browser would make of a page: tags with their attributes, and text outside of scripts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.content = ""
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = dict(attrs).get("id") or "" if tag == "script" else self._inside
        if tag in ("script", "style"):
            self._inside = self._inside or tag

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "content":
            self.content += data
        elif not self._inside:
            self.text.append(data)


def read(page: Path) -> Seen:
    seen = Seen()
    seen.feed(page.read_text(encoding="utf-8"))
    seen.close()
    return seen


def reported(folder: Path, *arguments: str) -> Seen:
    done = bench(folder, "report", str(RUN), "--plugin", "models.py", *arguments)
    assert done.returncode == 0, done.stderr
    return read(folder / RUN / "report.html")


@pytest.fixture(scope="module")
def page(ran_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copied(ran_world, tmp_path_factory.mktemp("page"))
    reported(folder)
    return folder / RUN / "report.html"


@pytest.fixture(scope="module")
def seen(page: Path) -> Seen:
    return read(page)


def copied(world: Path, to: Path) -> Path:
    shutil.copytree(world, to, dirs_exist_ok=True)
    return to


@pytest.fixture
def world(ran_world: Path, tmp_path: Path) -> Path:
    return copied(ran_world, tmp_path)


def only_run(seen: Seen) -> dict[str, Any]:
    (run,) = json.loads(seen.content)["runs"]
    return dict(run)


def at(found: Any, path: list[str]) -> Any:
    for step in path:
        found = found[step]
    return found


def test_every_number_of_the_table_is_the_mean_of_what_its_record_files_hold(seen: Seen, ran_world: Path) -> None:
    run = only_run(seen)
    checked = 0
    for position in run["positions"]:
        files = [ran_world / RUN / "cells" / f"{id}.json" for id in position["cells"]]
        records = [read_object(file) for file in files]
        for measure, (text, _, value, _) in zip(run["measures"], position["figures"], strict=True):
            if value is None or measure["name"] == "convergence_epoch":
                continue
            mean = np.mean([at(record, measure["path"]) for record in records])
            assert value == pytest.approx(mean, rel=1e-12)
            if measure["percent"]:
                assert text == f"{100 * mean:.1f}"
            checked += 1
    assert checked > 40


def test_every_number_of_a_cell_stands_in_its_file_under_the_path_that_is_told(seen: Seen, ran_world: Path) -> None:
    run = only_run(seen)
    for cell in run["cells"]:
        stored = read_object(ran_world / RUN / cell["file"])
        assert len(cell["numbers"]) > 50
        for path, value in cell["numbers"].items():
            assert at(stored, path.split(".")) == value


def test_counts_of_images_are_those_of_the_records(seen: Seen, ran_world: Path) -> None:
    run = only_run(seen)
    (images,) = run["sets"]
    for cell in run["cells"]:
        stored = read_object(ran_world / RUN / cell["file"])["scores"]["test"]["image_counts"]
        assert images["ids"] == stored["ids"]
        assert images["groups"] == stored["groups"]
        assert images["cells"][cell["id"]] == [counts[:3] for counts in stored["counts"]]


def test_areas_and_types_of_defects_are_those_of_the_masks(seen: Seen, ran_world: Path) -> None:
    (images,) = only_run(seen)["sets"]
    for id, area, types in zip(images["ids"], images["areas"], images["types"], strict=True):
        (file,) = (ran_world / "parts" / "masks").glob(f"{Path(id).name}.png")
        regions, count = ndimage.label(np.asarray(Image.open(file)) > 0, np.ones((3, 3)))
        assert area == max(np.bincount(regions.ravel())[1:], default=0)
        assert bool(types) == bool(count)


def test_every_value_of_a_curve_follows_from_the_evidence(seen: Seen, ran_world: Path) -> None:
    """The formulas are written out, over the pixels on and off defects that are positive at each threshold."""
    run = only_run(seen)
    places = Places(ran_world / "home", ran_world, {})
    for cell in run["cells"]:
        record = load_record(ran_world / RUN / cell["file"])
        evidence = read_evidence(places.stage("predict", record.keys["predict"]) / "test.npz")
        true, false = evidence.positive.sum(axis=0)
        sound = false[0]
        shown = run["curves"][cell["id"]]
        assert {len(values) for values in shown.values()} == {101}
        for at in range(101):
            tp, fp = int(true[10 * at]), int(false[10 * at])
            fn, tn = int(true[0]) - tp, int(sound) - fp
            assert shown["f1"][at] == pytest.approx(2 * tp / (2 * tp + fp + fn), abs=5e-5)
            assert shown["f2"][at] == pytest.approx(5 * tp / (5 * tp + fp + 4 * fn), abs=5e-5)
            assert shown["recall"][at] == pytest.approx(tp / (tp + fn), abs=5e-5)
            assert shown["accuracy"][at] == pytest.approx((tp + tn) / (tp + tn + fp + fn), abs=5e-5)
            if tp + fp:
                assert shown["precision"][at] == pytest.approx(tp / (tp + fp), abs=5e-5)
            else:
                assert shown["precision"][at] is None


def test_every_epoch_of_a_training_is_that_of_its_history(seen: Seen, ran_world: Path) -> None:
    run = only_run(seen)
    places = Places(ran_world / "home", ran_world, {})
    for cell in run["cells"]:
        key = load_record(ran_world / RUN / cell["file"]).keys["train"]
        history = json.loads((places.stage("train", key) / HISTORY).read_bytes())
        shown = run["training"][cell["id"]]
        assert shown[-1]["epoch"] == 4
        for epoch, stored in zip(shown, history, strict=True):
            assert {name: stored[name] for name in epoch} == epoch


def test_counts_of_splits_are_those_that_records_and_files_give(page: Path, ran_world: Path) -> None:
    (part,) = [part for part in parts_of(tree_of(page)) if part.file == "the index of the data set"]
    (grid,) = part.grids
    rows = {split: list(map(int, counts)) for split, *counts in grid.rows}
    scores = read_object(next((ran_world / RUN / "cells").glob("*.json")))["scores"]
    for split in ("validation", "test"):
        counted = scores[split]["image_counts"]
        defective = {
            group for group, (tp, _, fn, *_) in zip(counted["groups"], counted["counts"], strict=True) if tp + fn
        }
        assert rows[split][:3] == [scores[split]["images"], len(set(counted["groups"])), len(defective)]
    assert sum(images for images, *_ in rows.values()) == len(list((ran_world / "parts" / "images").iterdir()))


def test_nothing_is_fetched_and_no_policy_would_let_it(seen: Seen) -> None:
    policy = next(attrs["content"] for tag, attrs in seen.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    for tag, attrs in seen.tags:
        assert "src" not in attrs or tag == "img"
        assert tag != "link"


def test_pictures_of_the_kept_images_are_in_the_page(seen: Seen) -> None:
    run = only_run(seen)
    (images,) = run["sets"]
    assert images["why"] == ""
    places = set(images["pictures"]["image"])
    assert places
    for cell in run["cells"]:
        assert set(images["pictures"]["overlay"][cell["id"]]) <= places
        assert images["pictures"]["map"][cell["id"]].keys() == images["pictures"]["overlay"][cell["id"]].keys()
    assert all(source.startswith("data:image/webp;base64,") for source in images["pictures"]["image"].values())


def test_pictures_that_are_too_many_bytes_lie_in_a_folder_beside_the_page(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.page.writing.INLINE", 100)
    found = reported(world)
    (images,) = only_run(found)["sets"]
    for source in images["pictures"]["image"].values():
        assert (world / RUN / source).is_file()
    assert "base64" not in json.dumps(images)


def test_names_that_look_like_markup_stay_text(world: Path) -> None:
    for file in (world / RUN / "cells").glob("*.json"):
        record = read_object(file)
        axes = {**record["axes"], "crop": HOSTILE}
        edited(file, axes=axes, badges=[HOSTILE], remarks=[HOSTILE])
    suite = read_object(world / RUN / "suite.json")
    text = json.dumps(suite).replace('"uniform"', json.dumps(HOSTILE))
    suite = json.loads(text)
    suite["suite"]["description"] = HOSTILE
    write_json(world / RUN / "suite.json", suite)
    found = reported(world)
    assert [attrs for tag, attrs in found.tags if "onerror" in attrs] == []
    assert sum(tag == "script" for tag, _ in found.tags) == 3
    assert sum("<script>alert(1)</script>" in text for text in found.text) >= 2
    assert json.loads(found.content)["runs"]
    assert "</script>alert" not in found.content


def test_a_store_without_the_evidence_leaves_tables_and_says_what_is_gone(world: Path) -> None:
    shutil.rmtree(world / "home" / "stages" / "predict")
    run = only_run(reported(world))
    assert run["curves"] == {}
    assert "evidence is no longer in the cache" in run["sets"][0]["why"]
    assert len(run["positions"]) == 2


def test_data_that_are_gone_leave_the_counts_and_say_so(world: Path) -> None:
    gone = world / "gone"
    run = only_run(reported(world, "--data", f"folder={gone}"))
    assert run["sets"][0]["pictures"]["image"] == {}
    assert str(gone) in run["sets"][0]["why"]


def test_an_archive_gives_the_tables_of_its_folder(world: Path) -> None:
    assert bench(world, "export", "tiny", "--to", "tiny.zip").returncode == 0
    whole = only_run(reported(world))
    done = bench(world, "report", "tiny.zip", "--plugin", "models.py")
    assert done.returncode == 0, done.stderr
    packed = only_run(read(world / "tiny.html"))
    assert packed["positions"] == whole["positions"]


def test_two_runs_are_told_apart_on_one_page(world: Path) -> None:
    shutil.copytree(world / RUN, world / "runs" / "other")
    done = bench(world, "report", str(RUN), "other", "--plugin", "models.py", "--to", "both.html")
    assert done.returncode == 0, done.stderr
    assert [run["name"] for run in json.loads(read(world / "both.html").content)["runs"]] == ["tiny", "other"]


def test_a_run_that_is_no_run_is_one_line(world: Path) -> None:
    done = bench(world, "report", "nowhere")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "nowhere" in done.stderr


@pytest.mark.parametrize(
    ("about", "permitted", "shown"),
    [
        (None, (), True),
        (About("what", licence="CC0"), (), True),
        (About("what", withheld="no licence is stated"), (), False),
        (About("what", withheld="no licence is stated"), ("other",), False),
        (About("what", withheld="no licence is stated"), ("parts",), True),
    ],
)
def test_pictures_are_withheld_where_a_licence_forbids_copies(
    about: About | None, permitted: tuple[str, ...], shown: bool
) -> None:
    said = why_withheld("parts", about, permitted)
    assert (said == "") == shown
    assert shown or "--permitted parts" in said


def test_a_page_without_pictures_says_so(world: Path) -> None:
    (images,) = only_run(reported(world, "--no-pictures"))["sets"]
    assert images["why"] == "none were asked for"
    assert images["pictures"]["image"] == {}


def test_layers_hold_the_codes_of_every_pixel_and_are_seen_through_elsewhere() -> None:
    codes = np.array([[NOTHING, TRUE_POSITIVE], [FALSE_NEGATIVE, NOTHING]], np.uint8)
    picture = np.asarray(Image.open(BytesIO(codes_layer(codes, Scale(1)))).convert("RGBA"))
    assert (picture[..., :3][codes > 0] == COLOURS[codes[codes > 0]]).all()
    assert ((picture[..., 3] > 0) == (codes > 0)).all()


def test_a_thin_defect_is_still_there_in_a_reduced_layer() -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[10, :] = 1
    picture = np.asarray(Image.open(BytesIO(truth_layer(mask, Scale.to(16, 64, 64)))).convert("RGBA"))
    assert picture.shape[:2] == (16, 16)
    assert (picture[2, :, 3] > 0).all()


def test_shades_of_a_map_tell_on_which_side_of_the_threshold_a_pixel_lies() -> None:
    values = np.array([[0, 127, 128, 255]], np.uint8)
    picture = Image.open(BytesIO(map_layer(values, Scale(1))))
    below, above = picture.getpixel((1, 0)), picture.getpixel((2, 0))
    assert below < above
    assert len(np.unique(np.asarray(picture))) == 4


def test_every_score_on_the_page_has_a_better_end_or_is_a_fact_of_cells(ran_world: Path) -> None:
    records = [load_record(path) for path in (ran_world / RUN / "cells").glob("*.json")]
    measures = measures_of(records)
    assert {"f1@test", "iou@validation", "object_recall@test"} <= {one.name for one in measures}
    assert all(one.better for one in measures if one.split)
    assert any(re.match(r"operating\.recall_90\.", one.name) for one in measures)
