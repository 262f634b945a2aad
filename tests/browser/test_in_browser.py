"""The page of a run in a real browser: what a reader clicks does what it says, and nothing is asked of anybody."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from bench.store.store import read_object, write_json
from browser.pages import Opened, written
from test_page import HOSTILE
from tiny import bench, environment, write_world

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SORTED = """() => {
    const began = performance.now();
    document.querySelector('#positions thead button').click();
    return performance.now() - began;
}"""
EVERY_NUMBER = """() => {
    const found = [], choose = (id, value) => {
        document.getElementById(id).value = value;
        document.getElementById(id).dispatchEvent(new Event('change'));
    };
    const values = id => [...document.getElementById(id).options].map(one => one.value);
    for (const rule of values('rule')) {
        choose('rule', rule);
        for (const score of values('score')) {
            choose('score', score);
            for (const split of values('split')) {
                choose('split', split);
                for (const cell of document.querySelectorAll('#positions tbody td[data-path]'))
                    found.push([cell.dataset.path, cell.dataset.cells.split(' '),
                        cell.firstChild.textContent, cell.title]);
            }
        }
    }
    return found;
}"""
CAPTIONS = """items => items.map(item => [item.querySelector('strong').textContent,
    [...item.querySelectorAll('figcaption')].map(one => one.textContent).filter(text => / found /.test(text))])"""
BLANK = "data:text/html,<!doctype html><title>blank</title><p>blank"


@pytest.fixture(params=["three", "many", "given"])
def opened(request: pytest.FixtureRequest, page: Page) -> Opened:
    return Opened(page, request.getfixturevalue(f"{request.param}_page"))


@pytest.fixture
def small(page: Page, three_page: str) -> Opened:
    return Opened(page, three_page)


def column_of(opened: Opened, path: str) -> list[float]:
    texts = opened.text(f'#positions tbody td[data-path="{path}"]')
    return [float(text.split("±")[0]) for text in texts]


def test_nothing_goes_wrong_and_nothing_is_asked_of_anybody(opened: Opened) -> None:
    opened.page.mouse.wheel(0, 20_000)
    opened.page.wait_for_timeout(500)
    assert opened.wrong == []
    assert [address for address in opened.asked[1:] if not address.startswith("data:")] == []


def test_the_best_row_is_first_and_a_click_on_a_head_turns_the_order(opened: Opened) -> None:
    head = opened.page.locator("#positions thead th", has_text="F1_T")
    for order in ("descending", "ascending", "descending"):
        assert head.get_attribute("aria-sort") == order
        values = column_of(opened, "scores.test.f1")
        assert len(values) > 1
        assert values == sorted(values, reverse=order == "descending")
        head.locator("button").click()
        assert opened.page.evaluate("document.activeElement.textContent").startswith("F1_T")


def test_a_word_filters_the_rows(opened: Opened) -> None:
    before = opened.text("#positions tbody tr th")
    first = before[-1]
    opened.page.fill("#filter", first)
    rows = opened.text("#positions tbody tr th")
    assert rows
    assert all(first in row for row in rows)
    assert len(rows) < len(before)
    opened.page.fill("#filter", "no such name")
    assert opened.text("#positions tbody tr") == []


def test_every_number_of_every_score_split_and_threshold_is_that_of_the_files_it_names(
    small: Opened, three: Path
) -> None:
    shown = small.page.evaluate(EVERY_NUMBER)
    assert len({path for path, *_ in shown}) > 60
    for path, ids, text, title in shown:
        values = [_stored(three, id, path) for id in ids]
        assert all(f"cells/{id}.json" in title for id in ids)
        numbers = [value for value in values if value is not None]
        if len(numbers) < len(values):
            assert text.startswith(">")  # a training that has not converged
            continue
        printed = text.split(" ±")[0].replace(",", "")
        mean = sum(numbers) / len(numbers)
        digits = len(printed.partition(".")[2])
        scaled = [mean, 100 * mean, 1e-6 * mean]
        assert any(abs(value - float(printed)) <= 0.5000001 * 10**-digits for value in scaled), (path, text, mean)


def _stored(run: Path, id: str, path: str) -> float | None:
    found = read_object(run / "cells" / f"{id}.json")
    for step in path.split("."):
        found = found[step]
    return None if found is None else float(found)


def test_values_of_charts_stand_in_tables_that_need_no_pointer(small: Opened, three: Path) -> None:
    page = small.page
    page.wait_for_selector("#chart-cost svg")
    for name in ("curves", "training", "losses", "parts", "cost"):
        page.locator(f"details.values[data-of={name}] summary").click()
        small.until(f"document.querySelector('details.values[data-of={name}] tbody tr') !== null")
    rows = page.locator("#effects-table tbody tr").all_inner_texts()
    asked = ["effects", str(three), "--axis", "crop", "--json", "--plugin", str(three.parent.parent / "models.py")]
    levels = json.loads(bench(three.parent.parent, *asked).stdout)["levels"]
    for row, level in zip(rows, levels, strict=True):
        name, mean, interval, *_ = row.split("\t")
        assert name == level["level"]
        assert mean == f"{100 * level['mean']:.1f}"
        assert interval == "[{:.1f}, {:.1f}]".format(*(100 * end for end in level["interval"]))
    found = page.locator("details.values[data-of=training] tbody tr").all_inner_texts()
    page.locator("#chosen input").first.click()
    small.until(f"document.querySelectorAll('details.values[data-of=training] tbody tr').length < {len(found)}")


def test_the_numbers_below_a_picture_are_those_of_its_image_and_cell(small: Opened, three: Path) -> None:
    page = small.page
    page.uncheck("#image-pictured")
    shown = page.locator("#image-list > li").evaluate_all(CAPTIONS)
    assert len(shown) > 1
    for image, captions in shown:
        for letter, caption in zip("ab", captions, strict=True):
            id = page.locator(f"#cell-{letter}").input_value()
            counted = read_object(three / "cells" / f"{id}.json")["scores"]["test"]["image_counts"]
            tp, fp, fn = counted["counts"][counted["ids"].index(image)][:3]
            f1 = f"{200 * tp / (2 * tp + fp + fn):.1f}" if tp + fn else "–"
            assert f"F1 {f1}, found {tp:,}, false {fp:,}, missed {fn:,} px" in caption


def test_a_picture_is_shown_as_large_as_the_window_by_the_keyboard(small: Opened) -> None:
    page = small.page
    figure = page.locator("#image-list figure[data-kind='prediction A']").first
    before = figure.locator("img").first.bounding_box()
    figure.locator("button.larger").press("Enter")
    page.locator("dialog.large .stack").hover()
    large = page.locator("dialog.large img").first.bounding_box()
    assert before is not None
    assert large is not None
    assert large["width"] > 1.5 * before["width"]
    assert not page.locator("dialog.large .map").is_visible()
    page.check("dialog.large input")
    assert page.locator("dialog.large .map").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("dialog").count() == 0


def test_the_verdict_comes_first_and_words_are_explained(small: Opened) -> None:
    heads = small.text("main h2")
    assert heads[:2] == ["What to deploy", "In short"]
    assert small.text("#deploy li")
    small.page.click("#words summary")
    words = small.text("#words dt")
    assert {"F1_V", "F1_T", "ties", "TH", "fallback"} <= set(words)


def test_a_column_can_be_hidden(small: Opened) -> None:
    small.page.click("#board-tools summary")
    before = small.text("#positions thead th")
    small.page.uncheck("#columns label:has-text('seeds') input")
    assert [text for text in before if text not in small.text("#positions thead th")] == ["seeds"]


def test_chosen_cells_have_their_curves_and_thresholds_on_one_sheet(small: Opened) -> None:
    small.page.wait_for_selector("#chart-curves svg")
    before = int(small.page.get_attribute("#chart-curves", "data-rows") or 0)
    small.page.locator("#positions tbody input:not(:checked)").first.click()
    small.until(f"Number(document.getElementById('chart-curves').dataset.rows) > {before}")
    assert len(small.text("#chosen label")) == 2
    assert small.page.locator("#chart-curves .mark-rule path, #chart-curves .mark-rule line").count() >= 2
    small.page.locator("#chosen input").first.click()
    assert len(small.text("#chosen label")) == 1


def test_a_position_without_curves_is_ticked_and_unticked_and_the_page_says_what_is_gone(
    page: Page, many_page: str
) -> None:
    opened = Opened(page, many_page)
    box = page.locator("#positions tbody input").nth(7)
    before = box.is_checked()
    box.click()
    box = page.locator("#positions tbody input").nth(7)
    assert box.is_checked() is not before
    assert "No curves and no epochs are kept here" in page.locator("#chosen-note").inner_text()
    box.click()
    assert page.locator("#positions tbody input").nth(7).is_checked() is before
    assert opened.wrong == []


def test_a_score_that_a_threshold_does_not_have_is_said_and_comes_back(small: Opened) -> None:
    page = small.page
    page.select_option("#score", "iou")
    page.select_option("#rule", "recall>=0.9")
    assert page.locator("#score").input_value() != "iou"
    assert "iou is not recorded at this threshold" in page.locator("#board-note").inner_text()
    page.select_option("#rule", "protocol")
    assert page.locator("#score").input_value() == "iou"


def test_scores_that_are_better_when_low_begin_with_the_lowest(small: Opened) -> None:
    small.page.select_option("#score", "false_alarms")
    values = column_of(small, "scores.test.false_alarms")
    assert len(values) > 1
    assert values == sorted(values)


def test_effects_have_a_mark_and_a_row_for_every_level(small: Opened) -> None:
    assert len(small.text("#effects-table tbody tr")) == 2
    small.page.wait_for_selector("#chart-effects svg")
    assert small.page.locator("#chart-effects .mark-symbol path").count() == 2


def test_two_cells_are_compared_image_by_image_the_most_different_first(small: Opened) -> None:
    page = small.page
    page.uncheck("#image-pictured")
    names = page.locator("#cell-a option").evaluate_all("options => options.map(one => one.value)")
    page.select_option("#cell-a", names[0])
    page.select_option("#cell-b", names[-1])
    order = "document.querySelectorAll('#image-list > li .facts')"
    said = page.evaluate(f"[...{order}].map(one => one.textContent)")
    gaps = [int(text.rpartition("by ")[2].replace(",", "")) if "by " in text else 0 for text in said]
    assert gaps == sorted(gaps, reverse=True)
    assert len(gaps) > 1


def test_pictures_show_truth_predictions_and_on_a_key_the_probability(small: Opened) -> None:
    page = small.page
    figures = page.locator("#image-list > li").first.locator("figure")
    kinds = figures.evaluate_all("all => all.map(one => one.dataset.kind)")
    assert kinds == ["image", "truth", "prediction A", "prediction B"]
    page.locator("#image-list").scroll_into_view_if_needed()
    small.until("[...document.querySelectorAll('#image-list img')].slice(0, 4).every(one => one.naturalWidth)")
    over = page.locator(".stack .map").first
    assert not over.is_visible()
    page.locator("body").press("p")
    assert over.is_visible()
    page.locator("body").press("p")
    assert not over.is_visible()


def test_images_are_filtered_by_group_and_by_type(small: Opened) -> None:
    page = small.page
    page.uncheck("#image-pictured")
    everything = len(small.text("#image-list > li"))
    name = page.locator("#image-list > li strong").first.inner_text()
    page.fill("#image-filter", name)
    assert small.text("#image-list > li strong") == [name]
    page.fill("#image-filter", "")
    page.select_option("#image-size", "none")
    assert len(small.text("#image-list > li")) < everything
    assert all("no defect" in text for text in small.text("#image-list > li .facts"))


def test_a_cell_opens_in_full_and_closes_by_the_keyboard(small: Opened) -> None:
    page = small.page
    page.click("#board-tools summary")
    page.check("#columns label:has-text('cells') input")
    page.locator("#positions tbody button").first.click()
    assert "scores.test.f1" in page.locator("dialog").inner_text()
    page.keyboard.press("Escape")
    assert page.locator("dialog").count() == 0


@pytest.mark.parametrize("dark", [False, True])
def test_no_reader_is_shut_out(browser: Browser, three_page: str, dark: bool) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    context = browser.new_context(color_scheme="dark" if dark else "light", bypass_csp=True)
    opened = Opened(context.new_page(), three_page)
    opened.page.wait_for_selector("#chart-cost svg")
    found = axe.Axe().run(opened.page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
    context.close()


@pytest.mark.parametrize("width", [1280, 400])
def test_no_page_is_wider_than_its_window(browser: Browser, many_page: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    opened = Opened(context.new_page(), many_page)
    opened.page.wait_for_timeout(500)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_the_page_can_be_printed(small: Opened, tmp_path: Path) -> None:
    file = tmp_path / "page.pdf"
    small.page.pdf(path=file)
    assert file.read_bytes().startswith(b"%PDF")
    assert file.stat().st_size > 20_000


def test_without_scripts_tables_and_sentences_are_there(browser: Browser, three_page: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(three_page)
    assert "Cropping mechanism" in page.locator("#best").inner_text()
    assert page.locator("#short li").count() > 2
    context.close()


def test_names_with_markup_scripts_and_marks_of_direction_stay_text(three: Path, page: Page, tmp_path: Path) -> None:
    world = tmp_path / "hostile"
    run = world / "runs" / "tiny"
    write_world(world)
    (run / "cells").mkdir(parents=True)
    suite = read_object(three / "suite.json")
    suite["suite"]["description"] = HOSTILE
    for cell in suite["suite"]["cells"]:
        if cell["labels"]["crop"] == "uniform":
            cell["labels"]["crop"] = HOSTILE
    write_json(run / "suite.json", suite)
    for file in (three / "cells").glob("*.json"):
        record = read_object(file)
        crop = HOSTILE if record["axes"]["crop"] == "uniform" else record["axes"]["crop"]
        write_json(run / "cells" / file.name, {**record, "axes": {**record["axes"], "crop": crop}, "badges": [HOSTILE]})
    said: list[str] = []
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    opened = Opened(page, written(run))
    opened.page.wait_for_selector("#chart-effects svg")
    opened.page.wait_for_timeout(300)
    assert said == []
    assert opened.wrong == []
    assert any("<script>alert(1)</script>" in text for text in opened.text("#positions tbody tr"))
    assert opened.page.locator("main img[onerror], main script").count() == 0


def test_a_large_page_is_shown_and_answers_soon(page: Page, many_page: str, capsys: pytest.CaptureFixture[str]) -> None:
    painted = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? performance.now()"
    page.goto(BLANK)
    page.wait_for_timeout(300)
    blank = max(page.evaluate(painted), 1.0)
    opened = Opened(page, many_page)
    opened.page.wait_for_timeout(300)
    first = page.evaluate(painted)
    ready = page.evaluate("performance.now()")
    clicked = page.evaluate(SORTED)
    size = Path(many_page.removeprefix("file://")).stat().st_size / 1e6
    with capsys.disabled():
        sys.stdout.write(
            f"\n500 cells, {size:.1f} MB: first paint {first / blank:.1f} times that of a blank page ({blank:.0f} ms), "
            f"ready {ready / blank:.1f} times, one sorting {clicked / blank:.2f} times\n"
        )
    assert len(opened.text("#positions tbody tr")) == 100


def test_a_run_is_shown_while_it_runs_and_after_it_has_ended(page: Page, tmp_path: Path) -> None:
    write_world(tmp_path)
    command = [sys.executable, "-P", "-m", "bench"]
    settings = environment(tmp_path)
    (tmp_path / "runs" / "tiny").mkdir(parents=True)
    server = subprocess.Popen(
        [*command, "serve", "tiny", "--port", "0", "--plugin", "models.py"],
        cwd=tmp_path,
        env=settings,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        address = server.stdout.readline().split()[0]
        assert address.startswith("http://127.0.0.1:")
        page.goto(address)
        assert "no run" in page.locator("body").inner_text() or "suite" in page.locator("body").inner_text()
        run = [*command, "run", "tiny.yaml", "--plugin", "models.py", "--plain", "-x", "axes.model=[tiny, failing]"]
        ran = subprocess.run(run, cwd=tmp_path, env=settings, capture_output=True, text=True, check=False)
        assert ran.returncode == 3, ran.stderr
        page.wait_for_selector("#live:not([hidden])", timeout=60_000)
        page.wait_for_selector("#live:has-text('nothing is at work')", timeout=60_000)
        assert "2 done" in page.locator("#live").inner_text()
        assert "failed" in page.locator("#short").inner_text()
        assert server.poll() is None
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=20)
        assert server.stdout is not None
        server.stdout.close()


def test_only_this_machine_is_answered_and_only_under_its_own_name(three: Path) -> None:
    world = three.parent.parent
    server = subprocess.Popen(
        [sys.executable, "-P", "-m", "bench", "serve", str(three), "--port", "0", "--plugin", str(world / "models.py")],
        cwd=world,
        env=environment(world),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        address = server.stdout.readline().split()[0]
        listening = Path(f"/proc/{server.pid}/net/tcp").read_text()
        port = f"{int(address.rstrip('/').rpartition(':')[2]):04X}"
        places = [line.split()[1] for line in listening.splitlines()[1:] if line.split()[1].endswith(f":{port}")]
        assert {place.partition(":")[0] for place in places} == {"0100007F"}
        with urlopen(f"{address}status.json") as answer:
            assert b'"version"' in answer.read()
        asked = ["curl", "-s", "-o", os.devnull, "-w", "%{http_code}"]
        assert subprocess.check_output([*asked, "-H", "Host: evil.example", address], text=True) == "403"
        assert subprocess.check_output([*asked, f"{address}cells/"], text=True) == "404"
        assert subprocess.check_output([*asked, "-X", "POST", address], text=True) == "501"
    finally:
        server.terminate()
        server.wait(timeout=20)
        assert server.stdout is not None
        server.stdout.close()
