"""What a run shows of itself: pace and time left that hold, failures that stay, and nothing that wraps or floods."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.live import Live

from bench.catalog import load_catalog
from bench.cli.account import Account
from bench.cli.clock import AtWork, Clock, job_left, wall_left
from bench.cli.live import LiveLines, fit, squeezed
from bench.cli.memory import held_by_workers
from bench.cli.progress import SILENT_S, PlainLines
from bench.engine.invocation import Invocation, make_plan
from bench.engine.outlook import Outlook
from bench.engine.plan import Plan
from bench.jobs import Ended, Progress
from bench.machine import memory_bytes
from bench.record import State, record_of
from bench.store.home import Places
from bench.store.records import write_record
from bench.suite.reading.load import load_suite
from bench.train.memory import DEVICE
from tiny import environment


@dataclass
class Foreseen:
    """An outlook of what is given."""

    whole: Mapping[str, float | None] = field(default_factory=dict)
    parts: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)

    def seconds(self, key: str) -> float | None:
        return self.whole.get(key)

    def stages(self, key: str) -> Mapping[str, float | None]:
        return self.parts.get(key, {})


def training(epochs: int, seconds: float, of: int = 100, began: float = 0.0) -> AtWork:
    """A job that has trained so many epochs at an even pace."""
    job = AtWork("a", Progress("a", "tiles", 0, 1), began, began, told=began)
    job.moved(Progress("a", "train", 0, of), began)
    for epoch in range(1, epochs + 1):
        job.moved(Progress("a", "train", epoch, of), began + epoch * seconds)
    return job


def left(job: AtWork, now: float, outlook: Foreseen | None = None) -> tuple[float, str] | None:
    found = job_left(job, cast(Outlook, outlook or Foreseen()), now)
    return None if found is None else (found.seconds, found.of)


def test_nothing_is_told_of_a_job_that_is_like_none_measured() -> None:
    assert left(training(1, 3.0), 3.0) is None


@given(st.integers(2, 99), st.floats(0.01, 1000))
def test_a_training_that_was_never_measured_tells_its_own_rest_by_its_own_pace(epochs: int, seconds: float) -> None:
    assert left(training(epochs, seconds), epochs * seconds) == (pytest.approx((100 - epochs) * seconds), "training")


def test_what_follows_the_training_is_added_where_it_is_known() -> None:
    stages = {"train": 300.0, "predict": 40.0, "score": 2.0}
    seconds, of = left(training(50, 3.0), 150.0, Foreseen({"a": 342.0}, {"a": stages})) or (0.0, "")
    assert (seconds, of) == (pytest.approx(150 + 42), "")


def test_a_forecast_that_was_wrong_is_left_for_the_pace_that_is_measured() -> None:
    stages = {"train": 1000.0, "predict": 0.0}
    outlook = Foreseen({"a": 1000.0}, {"a": stages})
    early, _ = left(training(1, 1.0), 1.0, outlook) or (0.0, "")
    late, _ = left(training(60, 1.0), 60.0, outlook) or (0.0, "")
    assert early > 600
    assert late == pytest.approx(40, rel=0.8)
    assert late < early / 5


def test_a_training_that_goes_on_from_a_checkpoint_counts_from_there() -> None:
    job = training(0, 1.0)
    job.moved(Progress("a", "train", 60, 100), 5.0)
    job.moved(Progress("a", "train", 70, 100), 25.0)
    assert job.pace == pytest.approx(2.0)
    assert left(job, 25.0) == (pytest.approx(60.0), "training")


def test_a_stage_that_takes_longer_than_foreseen_is_never_over_before_it_is() -> None:
    job = AtWork("a", Progress("a", "predict", 0, 10), 0.0, 0.0)
    assert left(job, 500.0, Foreseen({"a": 100.0}, {"a": {"predict": 100.0}})) == (pytest.approx(5.0), "")


def test_jobs_go_in_order_to_the_worker_that_is_free_first() -> None:
    assert wall_left([10.0, 4.0], ["a", "b", "c"], {"a": 5.0, "b": 2.0, "c": 1.0}, 2, {}) == 11.0
    assert wall_left([], ["a", "b"], {"a": 5.0, "b": 2.0}, 2, {"b": "a"}) == 7.0
    assert wall_left([], [], {}, 2, {}) == 0.0


@given(st.lists(st.floats(0, 1e4), max_size=4), st.lists(st.floats(0, 1e4), max_size=8), st.integers(1, 4))
def test_a_run_takes_no_less_than_its_work_shared_evenly(busy: list[float], waiting: list[float], more: int) -> None:
    workers = len(busy) + more
    keys = [str(number) for number in range(len(waiting))]
    found = wall_left(busy, keys, dict(zip(keys, waiting, strict=True)), workers, {})
    assert found >= max([(sum(busy) + sum(waiting)) / workers, *busy, *waiting]) - 1e-6


@pytest.fixture
def plan(ran_world: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Plan, Places]:
    """Four cells that are to be run, two of them like those that have run."""
    monkeypatch.chdir(ran_world)
    for name, value in environment(ran_world).items():
        monkeypatch.setenv(name, value)
    catalog = load_catalog([ran_world / "models.py"])
    suite = load_suite(ran_world / "tiny.yaml", catalog, overrides=["axes.seed=[5,6]"])
    places = Places(ran_world / "home", ran_world / "new", suite.data)
    return make_plan(suite, Invocation(catalog, places)), places


def test_cells_that_have_run_here_tell_the_time_of_a_run_from_its_first_moment(plan: tuple[Plan, Places]) -> None:
    account = Account(places=plan[1])
    list(account.opening(plan[0]))
    assert account.clock is not None
    assert account.clock.left().unknown == 0
    assert account.left().startswith("about ")


def test_where_nothing_was_measured_no_time_is_told_but_how_many_cells_are_unknown(
    plan: tuple[Plan, Places],
) -> None:
    account = Account(places=plan[1])
    list(account.opening(plan[0]))
    account.clock = Clock(Outlook(plan[0], plan[1], None, 1), 1)
    assert account.left() == ""
    assert plural_of(account.not_known()) == len(plan[0].cells)
    first = plan[0].cells[0]
    account.outcome(first, Ended(first.cell.id, State.OK, seconds=50.0))
    alike = [one for one in plan[0].cells[1:] if one.cell.labels["crop"] == first.cell.labels["crop"]]
    assert account.clock.outlook.seconds(alike[0].cell.id) == 50.0  # only the seed differs


def plural_of(text: str) -> int:
    return int(text.split("what ")[1].split(" ")[0])


def drawn(places: Places, width: int, height: int) -> LiveLines:
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True)
    return LiveLines(places=places, console=console, drawn=Live(console=console, auto_refresh=False))


@pytest.mark.parametrize(("width", "height"), [(20, 5), (40, 10), (80, 24), (120, 40)])
def test_nothing_that_is_drawn_wraps_or_is_higher_than_the_terminal(
    plan: tuple[Plan, Places], width: int, height: int
) -> None:
    live = drawn(plan[1], width, height)
    live.planned(plan[0])
    for number, planned in enumerate(plan[0].cells):
        live.progress(Progress(planned.cell.id, "train", number, 50, "loss 0.123, validation F1 0.456"))
    failing = plan[0].cells[0]
    live.ended(failing, Ended(failing.cell.id, State.FAILED, "the reason\nis " + "long " * 50))
    lines = live.lines(width - 1, height)
    assert all(cell_len(line) < width for line in lines)
    assert len(lines) < height


def test_a_job_is_told_by_its_labels_its_epoch_and_its_pace(
    plan: tuple[Plan, Places], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    live = drawn(plan[1], 200, 24)
    live.planned(plan[0])
    cell = plan[0].cells[0].cell
    live.progress(Progress(cell.id, "train", 0, 50))
    now = 1010.0
    live.progress(Progress(cell.id, "train", 5, 50, "loss 0.123"))
    now = 1012.0
    live.progress(Progress(cell.id, "train", 6, 50, "loss 0.123"))
    (line,) = [line for line in live.lines(200, 24) if "epoch" in line]
    assert live.names[cell.id] in line
    assert cell.id[:8] not in line
    rate = cell.recipe.epoch_crops / 2
    assert f"epoch 6 of 50, {rate:.1f} crops/s" in line if rate < 10 else f"epoch 6 of 50, {rate:.0f} crops/s" in line
    assert any(line.startswith("next: ") for line in live.lines(200, 24))


def test_failures_stay_in_view_and_are_one_line_each(plan: tuple[Plan, Places]) -> None:
    live = drawn(plan[1], 80, 30)
    live.planned(plan[0])
    first, second, *_ = plan[0].cells
    live.ended(first, Ended(first.cell.id, State.FAILED, "it broke " + "long " * 50, "log"))
    live.ended(second, Ended(second.cell.id, State.OK, seconds=3.0))
    lines = [line for line in live.lines(79, 30) if "it broke" in line]
    assert len(lines) == 1
    assert first.cell.id[:8] in lines[0]
    assert "1 failed" in live.head()


def test_a_log_gets_a_line_for_each_thing_that_happened_and_one_now_and_then(
    plan: tuple[Plan, Places], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    lines = PlainLines(places=plan[1])
    lines.planned(plan[0])
    capsys.readouterr()
    cell = plan[0].cells[0].cell
    for second in range(int(2.5 * SILENT_S)):
        now = 1000.0 + second
        lines.progress(Progress(cell.id, "train", second, 2000))
        lines.tick()
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert all("epoch" in line for line in told)


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_terminal_of_another_encoding_is_sent_nothing_that_it_lacks(plan: tuple[Plan, Places], encoding: str) -> None:
    written = io.BytesIO()
    file = io.TextIOWrapper(written, encoding, "strict")
    console = Console(file=file, width=60, height=20, force_terminal=True)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        lines = LiveLines(places=plan[1], console=console, drawn=live)
        lines.planned(plan[0])
        lines.progress(Progress(plan[0].cells[0].cell.id, "train", 1, 50, "loss ½"))
    file.flush()
    assert b"cells" in written.getvalue()


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"])), st.integers(0, 100))
def test_a_text_is_cut_to_its_room_and_says_so(text: str, width: int) -> None:
    cut = fit(text, width)
    assert cell_len(cut) <= width
    assert cut == text or cut.endswith("."[:width])


def test_memory_of_workers_is_told_where_the_system_tells_it() -> None:
    held = held_by_workers()
    assert held is None or 0 <= held < memory_bytes() * 10


def test_memory_of_a_gpu_is_the_highest_of_the_trainings_that_ended(plan: tuple[Plan, Places]) -> None:
    account = Account(places=plan[1])
    list(account.opening(plan[0]))
    planned = plan[0].cells[0]
    cost = {"peak_memory_bytes": 4_100_000_000, "peak_memory_of": DEVICE}
    record = record_of(id=planned.cell.id, state=State.OK, cost=cost)
    write_record(plan[1].record(plan[0].suite.name, planned.cell.id), record)
    account.outcome(planned, Ended(planned.cell.id, State.OK))
    assert account.memory() == "memory: 4.1 GB at most of a GPU for one training"


def test_names_that_differ_in_their_last_axis_can_be_told_apart_where_there_is_little_room() -> None:
    names = {squeezed(f"Random (uniform) / U-Net deeper / seed {seed}", 24) for seed in range(3)}
    assert len(names) == 3
    assert all(cell_len(name) <= 24 for name in names)
