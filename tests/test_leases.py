"""One process at a time is at work on a stage: whoever is dead or silent is followed, and what comes late is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli.progress import PlainLines
from bench.jobs import Progress
from bench.store import leases, owners
from bench.store.home import Places
from bench.store.leases import Late, Lease, claims, if_idle, lease_path
from bench.store.owners import Owner, owner_from, this_process
from bench.store.store import finish_stage, stage_note

BEGUN = """
    import sys, time
    from pathlib import Path
    from bench.store import owners
    from bench.store.store import finish_stage

    owners.BEAT_S = {beat}
    def write(folder):
        (folder / "half").write_text("x")
        print("begun", flush=True)
        time.sleep({work})
        return {{"by": "the first"}}

    note = finish_stage(Path({stage!r}), write, tell=lambda *told: print(*told, flush=True))
    print("has the work of", note["by"], flush=True)
"""


@contextmanager
def another(stage: Path, *, beat: float = 10.0, work: float = 0.0) -> Iterator[subprocess.Popen[str]]:
    """Another process that has begun to write a stage, with the seconds between its signs of life."""
    script = textwrap.dedent(BEGUN).format(stage=str(stage), beat=beat, work=work)
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "begun\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def second(_folder: Path) -> dict[str, str]:
    return {"by": "the second"}


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    return tmp_path / "train" / "k"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Where a stage tells; waiting is said at once."""
    monkeypatch.setattr(leases, "SAID_AFTER_S", 0.0)
    return []


def finished(stage: Path, said: list[tuple[str, str]]) -> dict[str, object]:
    return finish_stage(stage, second, tell=lambda event, text: said.append((event, text)))


def left(stage: Path) -> list[str]:
    return sorted(path.name for path in stage.parent.iterdir())


def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process begins from here on looks as if another machine had, with a sign of life every 20 ms."""
    owner = replace(this_process(), host="elsewhere", beat_s=0.02)
    monkeypatch.setattr(leases, "this_process", lambda: replace(owner, token=this_process().token))


def attempted(stage: Path) -> Lease | None:
    """The lease on a stage, as soon as it is to be had, by one who does not beat; None where it is not."""
    stage.parent.mkdir(exist_ok=True)
    contender, deadline = leases._Contender(lease_path(stage)), time.monotonic() + 0.5
    while not isinstance(found := contender.attempt(), Lease) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found if isinstance(found, Lease) else None


def test_a_killed_owner_is_followed_at_once_and_leaves_nothing(stage: Path, said: list[tuple[str, str]]) -> None:
    with another(stage, work=60) as process:
        process.kill()
        process.wait()
        assert len(left(stage)) == 2
        assert finished(stage, said)["by"] == "the second"
    assert said == [("filed", "")]
    assert left(stage) == ["k"]


def test_a_living_owner_is_waited_for_and_told_by_name(stage: Path, said: list[tuple[str, str]]) -> None:
    with another(stage, work=0.5) as process:
        assert finished(stage, said)["by"] == "the first"
    ((event, text),) = said
    assert event == "waiting"
    assert f"process {process.pid} on " in text
    assert left(stage) == ["k"]


def test_a_stopped_owner_is_told_and_followed_and_its_late_work_is_lost(
    stage: Path, said: list[tuple[str, str]]
) -> None:
    with another(stage, beat=0.1) as process:
        process.send_signal(signal.SIGSTOP)
        assert finished(stage, said)["by"] == "the second"
        filed = stage_note(stage)
        process.send_signal(signal.SIGCONT)
        told, _ = process.communicate()
    assert [event for event, _ in said] == ["waiting", "filed"]
    late, has = told.splitlines()
    assert late.startswith("late ")
    assert has == "has the work of the second"
    assert stage_note(stage) == filed
    assert left(stage) == ["k"]


def test_an_owner_of_another_machine_is_followed_when_it_has_been_silent_by_our_own_clock(
    stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        elsewhere(patch)
        first = attempted(stage)
    assert first is not None
    for skew in (-1e6, 1e6):  # clocks that are wrong, or jump, are no silence
        now = time.time() + skew
        os.utime(first.file, (now, now))
        with if_idle(stage) as idle:
            assert not idle
    assert attempted(stage) is not None


def test_an_owner_of_another_machine_that_gives_signs_of_life_is_not_followed(
    stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        elsewhere(patch)
        first = attempted(stage)
    assert first is not None
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(0.005):
            os.utime(first.file)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        assert attempted(stage) is None
    finally:
        ended.set()
        thread.join()


def test_whoever_was_followed_can_neither_publish_nor_take_the_lease_away(
    stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere(monkeypatch)
    first, then = attempted(stage), attempted(stage)
    assert first is not None
    assert then is not None
    assert first.lost
    first.release()
    assert not then.lost
    with pytest.raises(Late):
        first.seal()
    then.seal()
    then.release()
    assert left(stage) == []
    with pytest.raises(Late):
        first.seal()
    first.release()
    assert left(stage) == []


def test_whoever_sealed_is_followed_no_more_unless_it_falls_silent(
    stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere(monkeypatch)
    first = attempted(stage)
    assert first is not None
    first.seal()
    monkeypatch.setattr(leases, "MISSED", 10_000)
    assert attempted(stage) is None
    monkeypatch.setattr(leases, "MISSED", 0.001)
    assert attempted(stage) is not None


def test_a_file_of_which_a_full_disk_took_no_word_is_a_lease_all_the_same(
    stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Owner, "as_bytes", lambda _: b"")
        first = attempted(stage)
    assert first is not None
    with if_idle(stage) as idle:
        assert not idle
    first.release()
    assert left(stage) == []


def test_of_many_who_want_a_lease_one_has_it_at_a_time(stage: Path) -> None:
    stage.parent.mkdir()
    inside: list[int] = []
    met: list[int] = []

    def work() -> None:
        for _ in range(5):
            with leases.leased(stage, lambda _: None):
                inside.append(1)
                met.append(len(inside))
                time.sleep(0.002)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert met == [1] * 20
    assert left(stage) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 10_000, b'{"pid": 1}', b"\xff", b'{"host": 1, "pid": "x"}'])
def test_what_is_no_owner_is_taken_for_none(content: bytes) -> None:
    assert owner_from(content) is None


def test_an_owner_comes_back_as_written_and_knows_whether_it_is_there() -> None:
    owner = this_process()
    assert owner_from(owner.as_bytes()) == owner
    assert not owner.is_dead
    assert not replace(owner, host="elsewhere", pid=2**22 + 1).is_dead
    if owner.born:
        assert replace(owner, born="1").is_dead  # another process has its number now


def test_a_process_that_only_waits_to_be_reaped_is_dead() -> None:
    process = subprocess.Popen(["true"])
    deadline = time.monotonic() + 10
    while (there := owners.is_process(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not there or not owners.this_process().born
    process.wait()


def test_a_chain_is_read_from_its_first_file(stage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere(monkeypatch)
    first, then = attempted(stage), attempted(stage)
    assert first is not None
    assert then is not None
    assert [claim.token for claim in claims(lease_path(stage))] == [first.token, then.token]


def test_waiting_is_told_on_a_plain_terminal_with_the_name_of_the_cell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = PlainLines(places=Places(tmp_path, tmp_path, {}), names={"a": "unet"})
    lines.progress(Progress("a", "waiting", 0, 1, "train: waiting for process 7 on lab (since noon)"))
    lines.progress(Progress("a", "train", 1, 2))
    assert capsys.readouterr().err == "remark: unet: train: waiting for process 7 on lab (since noon)\n"
