"""A channel tells its own messages from everything else; a contained process takes along whatever it started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.contain import process as contained
from bench.contain.channel import TOKEN_BYTES, Channel, Garbled, channel_pair
from bench.engine.messages import Unfit, message_of, said_in
from bench.jobs import Ended, Progress
from bench.record import State

PRINTING = """
import sys
from bench.contain.channel import joined
channel = joined(int(sys.argv.pop()))
while (times := channel.next()) is not None:
    sys.stdout.write(times * "so many words\\n")
    sys.stdout.flush()
    channel.send("printed")
"""

STARTED_COLD = contained.start

json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)


def pair() -> tuple[Channel, Channel, socket.socket]:
    """Both ends of a channel, and the socket of the second."""
    first, theirs = channel_pair(10.0)
    return first, Channel(theirs, theirs.recv(TOKEN_BYTES)), theirs


def read_all(channel: Channel) -> list[object]:
    found: list[object] = []
    while (messages := channel.read()) is not None:
        found += messages
    return found


@given(messages=st.lists(json_values, max_size=4))
def test_what_is_sent_is_read(messages: list[object]) -> None:
    here, there, end = pair()
    for message in messages:
        there.send(message)
    end.close()
    assert read_all(here) == messages
    here.close()


@given(noise=st.binary(min_size=1, max_size=60), after=st.integers(0, 2))
def test_whatever_else_is_written_is_noticed_or_never_completed(noise: bytes, after: int) -> None:
    here, there, end = pair()
    for number in range(after):
        there.send(number)
    end.send(noise)
    there.send("a message after it")
    end.close()
    with pytest.raises(Garbled):
        read_all(here)
    here.close()


def test_the_copy_that_a_fork_made_cannot_speak() -> None:
    here, there, end = pair()
    copy = os.fork()
    if copy == 0:
        there.send("from the copy")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]) == 1
    end.close()
    assert read_all(here) == []
    here.close()


@pytest.mark.parametrize(
    "said",
    [
        "proven",
        "alive",
        Unfit("it is broken"),
        Progress("a", "train", 1, 2, "x"),
        Ended("a", State.OOM, "b", None, 1.5),
    ],
)
def test_what_a_worker_says_crosses_as_it_is(said: object) -> None:
    assert said_in(message_of(said)) == said


@pytest.mark.parametrize(
    "message",
    [
        None,
        "proven",
        ["proven", 1],
        ["unheard", {}],
        ["ended", {"key": "a"}],
        ["ended", {"key": "a", "state": "splendid"}],
        ["progress", {"key": "a", "stage": "train", "done": "many", "total": 2}],
        [["ended"], {}],
        {"event": "ended"},
    ],
)
def test_what_is_no_message_of_a_worker_is_refused(message: object) -> None:
    with pytest.raises(Garbled):
        said_in(message)


PLUGIN = """
import os, signal, sys, time

def daemon():
    if os.fork():
        os.wait()
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with open({pids!r}, "a") as file:
        file.write(f"{{os.getpid()}}\\n")
    time.sleep(600)

daemon()
with open({pids!r}, "a") as file:
    file.write(f"{{os.getpid()}}\\n")
{then}
"""


def forking(folder: Path, then: str) -> tuple[Path, Path]:
    """A plugin that leaves a daemon behind and goes on with ``then``, and the file of both their ids."""
    pids = folder / "pids"
    plugin = folder / "plugin.py"
    plugin.write_text(PLUGIN.format(pids=str(pids), then=then))
    return plugin, pids


def written(pids: Path, ended: Callable[[], bool] = lambda: False) -> list[int]:
    """The ids of a daemon and of its starter, once both have written them."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not ended():
        found = pids.read_text().split() if pids.is_file() else []
        if len(found) == 2:
            return [int(pid) for pid in found]
        time.sleep(0.02)
    raise AssertionError(f"nobody wrote to {pids}")


def gone(pid: int) -> bool:
    """Whether a process has ended; a zombie has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only the process group ends")


@linux
@pytest.mark.parametrize("then", ["time.sleep(600)", "os._exit(3)", "os.kill(os.getpid(), signal.SIGSEGV)"])
def test_a_daemon_of_a_contained_process_ends_with_it(tmp_path: Path, then: str) -> None:
    plugin, pids = forking(tmp_path, then)
    process = contained.contain("bench.plugin_trial", os.environ)
    process.channel.send([str(plugin), []])
    ids = written(pids)
    code = process.end()
    assert code in {"time": {-signal.SIGKILL}}.get(then[:4], {3, -signal.SIGSEGV, -signal.SIGKILL})
    assert all(map(gone, ids))


def test_what_a_process_prints_is_forgotten_before_it_fills_a_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.contain.process.start", STARTED_COLD)
    monkeypatch.setattr("bench.contain.process.MOST_PRINTED", 10_000)
    (tmp_path / "printing.py").write_text(PRINTING)
    process = contained.contain("printing", {**os.environ, "PYTHONPATH": str(tmp_path)})
    for times, kept in ((500, 500), (1500, 0), (3, 3)):
        process.channel.send(times)
        assert process.channel.next(time.monotonic() + 60) == "printed"
        process.trim()
        assert os.fstat(process._printed.fileno()).st_size == kept * len("so many words\n")
    process.end()
    assert process.words == 3 * "so many words\n"


def test_a_process_that_cannot_be_started_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(TypeError):
        contained.contain("bench.plugin_trial", {"NO_TEXT": object()})  # type: ignore[dict-item]
    assert not list(tmp_path.iterdir())


@linux
def test_a_killed_command_takes_its_contained_processes_and_their_folder_along(tmp_path: Path) -> None:
    plugin, pids = forking(tmp_path, "time.sleep(600)")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command = subprocess.Popen(
        [sys.executable, "-P", "-m", "bench", "list", "models", "--plugin", str(plugin)],
        env={**os.environ, "TMPDIR": str(temporary), "BENCH_PLUGIN_TIMEOUT": "600"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    ids = written(pids, lambda: command.poll() is not None)
    assert list(temporary.iterdir())
    command.kill()
    command.wait()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (all(map(gone, ids)) and not list(temporary.iterdir())):
        time.sleep(0.02)
    assert all(map(gone, ids))
    assert not list(temporary.iterdir())
