"""Plugins that hang, exit, crash, fork, write where they should not and change the process: what others get of it.

Each is met at both doors: when it is loaded, where it is left out with its reason, and in a cell that uses it, which
ends in a state of its own while the scores of other cells are those of a run without the plugin, to the bit.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from bench.catalog import load_catalog
from bench.contain import process
from bench.record import State
from test_contain import gone, linux
from tiny import bench, bench_process, write_world

STARTED_COLD = process.start

OFFER = """
from bench.api import Component, hookimpl

def build(task, /):
    raise RuntimeError("never built")

@hookimpl
def bench_models():
    yield Component("hostile", build)
"""

WRITING = """import os
for fd in range(3, 5000):
    try:
        os.write(fd, b"x" * 40)
    except OSError:
        pass
"""

AT_IMPORT = {
    "import os; os._exit(7)": "ends with exit code 7",
    "import sys; sys.exit(0)": "SystemExit: 0",
    "raise KeyboardInterrupt": "ends with exit code",
    "raise BaseException('no ordinary error')": "BaseException: no ordinary error",
    "raise GeneratorExit": "GeneratorExit",
    "import ctypes; ctypes.string_at(0)": "is ended by signal 11",
    "import json; json.dumps = lambda *_, **__: 'null'": "it changes json.dumps when it is loaded",
    "import json; json.JSONEncoder.encode = lambda *_: ''": "it changes json.encoder.JSONEncoder.encode",
    "import builtins; builtins.open = None": "it changes builtins.open",
    "import os; os.environ['OMP_NUM_THREADS'] = '9'": "it changes the environment variable OMP_NUM_THREADS",
    "import os; os.chdir('/')": "it changes the current folder",
    "import sys; sys.stdout = None": "it changes sys.stdout",
    "import random; random.seed(0)": "it changes the random state of Python",
    "import numpy; numpy.random.seed(0)": "it changes the random state of NumPy",
    "import numpy; numpy.seterr(all='ignore')": "it changes numpy.geterr",
    "import numpy; numpy.mean = numpy.median": "it changes numpy.mean",
    "import signal; signal.signal(2, signal.SIG_IGN)": "it changes the handler of signal 2",
    "import torch; torch.set_default_dtype(torch.float64)": "it changes the default dtype of torch",
    "import torch; torch.manual_seed(3)": "it changes the random state of torch",
    "import torch; torch.nn.functional.relu = abs": "it changes torch.nn.functional.relu",
    "import bench.canonical as b; b.digest = str": "it changes bench.canonical.digest",
    "raise ValueError('\\x1b[2Jtwo\\nlines\\x07')": "ValueError: two lines",
    WRITING: "writes to the channel",
    "input()": "EOFError",
}


@pytest.mark.parametrize("code", AT_IMPORT)
def test_a_plugin_that_misbehaves_when_it_is_loaded_is_left_out_with_its_reason(code: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.py"
    path.write_text(code + OFFER)
    catalog = load_catalog([path])
    assert AT_IMPORT[code] in catalog.quarantined[0].reason
    assert catalog.quarantined[0].reason.isprintable()
    assert "hostile" not in catalog.names("model")
    assert "unet" in catalog.names("model")


@pytest.mark.parametrize("code", ["while True: pass", "import time; time.sleep(600)"])
def test_a_plugin_that_hangs_when_it_is_loaded_is_left_out(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_PLUGIN_TIMEOUT", "0.5")
    for name, text in {"import": code + OFFER, "hook": OFFER.replace("    yield", f"    {code}\n    yield")}.items():
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        assert "not loaded within 0.5 seconds" in load_catalog([path]).quarantined[0].reason


def test_what_a_library_changes_is_no_fault_of_the_plugin_but_what_lies_beside_it_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("library", "plugins"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"of_{folder}.py").write_text("import json\njson.dumps = None\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'library'}:{tmp_path / 'plugins'}")
    monkeypatch.syspath_prepend(tmp_path / "library")
    before = json.dumps
    monkeypatch.setattr("bench.contain.process.start", STARTED_COLD)
    plugin = tmp_path / "plugins" / "plugin.py"
    plugin.write_text("import of_library" + OFFER)
    try:
        assert load_catalog([plugin]).quarantined == ()
    finally:
        json.dumps = before
    plugin.write_text("import of_plugins" + OFFER)
    assert "it changes json.dumps" in load_catalog([plugin]).quarantined[0].reason


def test_the_libraries_of_models_and_data_are_no_fault_of_who_imports_them(tmp_path: Path) -> None:
    path = tmp_path / "fine.py"
    path.write_text("import cv2, torch, torchvision, matplotlib.pyplot, numba, scipy.ndimage, h5py" + OFFER)
    assert load_catalog([path]).quarantined == ()


def test_a_plugin_is_tried_once_until_it_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    tries = tmp_path / "tries"
    path = tmp_path / "counted.py"
    path.write_text(
        f"import os, sys\nif 'bench.plugin_trial' in sys.argv: open({str(tries)!r}, 'a').write('x')" + OFFER
    )
    for _ in range(3):
        forget_plugins()
        assert load_catalog([path]).quarantined == ()
    assert tries.read_text() == "x"
    path.write_text(path.read_text() + "\n# another\n")
    load_catalog([path])
    assert tries.read_text() == "xx"


def forget_plugins() -> None:
    """Be as a new process is: a plugin that is loaded is not tried."""
    for name in [name for name in sys.modules if name.startswith("bench_local_")]:
        del sys.modules[name]


HOSTILE = """
import os, signal, sys, time
from bench.api import Component, hookimpl

PIDS = {pids!r}


def layer(task):
    import torch

    return torch.nn.Conv2d(task.channels, 1 + task.classes, 1)


def patching(task, /):
    import json
    import torch

    torch.set_default_dtype(torch.float64)
    torch.nn.functional.relu = lambda *_, **__: None
    json.dumps = json.loads = None
    os.environ["OMP_NUM_THREADS"] = "7"
    torch.set_default_dtype(torch.float32)
    return layer(task)


def writing(task, /):
    for descriptor in range(3, 5000):
        try:
            os.write(descriptor, b"garbage " * 9)
        except OSError:
            pass
    return layer(task)


def printing(task, /):
    os.write(1, b"not a message")
    print({{"event": "ended"}}, flush=True)
    return layer(task)


def asking(task, /):
    input("your name? ")


def forking(task, /):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            with open(PIDS, "a") as file:
                file.write(f"{{os.getpid()}}\\n")
            time.sleep(600)
        os._exit(0)
    os.fork()  # a copy that goes on as if it were the worker
    with open(PIDS, "a") as file:
        file.write(f"{{os.getpid()}}\\n")
    return layer(task)


def exiting(task, /):
    os._exit(0)


def raising(task, /):
    raise BaseException("\\x1b[31mnone of yours\\x1b[0m")


def greedy(task, /):
    import torch

    class Greedy(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = layer(task)

        def forward(self, images):
            if len(images) > 2 and self.training:
                raise MemoryError
            return self.inner(images)

    return Greedy()


@hookimpl
def bench_models():
    for build in (patching, writing, printing, asking, forking, exiting, raising, greedy):
        yield Component(build.__name__, build)
"""

ENDS = {
    "writing": (State.PLUGIN_ERROR, "something other than bench wrote to the channel"),
    "asking": (State.PLUGIN_ERROR, "EOFError"),
    "exiting": (State.KILLED, "ended with code 0"),
    "raising": (State.PLUGIN_ERROR, "BaseException: none of yours"),
    "greedy": (State.OOM, "recipe.batch is 4; of its halves 2 is the largest that fits here"),
}


def records(folder: Path) -> dict[str, dict[str, Any]]:
    """Model to the record of its cell."""
    stored = [json.loads(path.read_text()) for path in (folder / "runs" / "tiny" / "cells").glob("*.json")]
    return {record["axes"]["model"]: record for record in stored}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The record of the tiny model in a run without any hostile plugin."""
    folder = tmp_path_factory.mktemp("alone")
    write_world(folder)
    done = bench(folder, "run", "tiny.yaml", "--plugin", "models.py", "-x", "axes.crop=[uniform]")
    assert done.returncode == 0, done.stderr
    return records(folder)["tiny"]


@linux
def test_a_cell_of_a_hostile_plugin_ends_in_its_own_state_and_changes_no_other(
    alone: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_world(tmp_path)
    pids = tmp_path / "pids"
    (tmp_path / "hostile.py").write_text(HOSTILE.format(pids=str(pids)))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    models = f"axes.model=[patching, {', '.join(ENDS)}, printing, forking, tiny]"
    plugins = ("--plugin", "models.py", "--plugin", "hostile.py")
    done = bench(tmp_path, "run", "tiny.yaml", *plugins, "-x", models, "-x", "axes.crop=[uniform]")
    assert done.returncode == 3, done.stderr
    found = records(tmp_path)
    for model, (state, said) in ENDS.items():
        assert (found[model]["state"], said in found[model]["reason"]) == (state, True), found[model]
        assert found[model]["reason"].isprintable()
    assert found["printing"]["state"] == found["forking"]["state"] == State.OK, found["forking"]
    assert found["tiny"]["scores"] == alone["scores"]
    assert found["tiny"]["last_step"] == alone["last_step"]
    assert list(found["tiny"]["plugins"]) == ["models.py"]
    assert list(found["forking"]["plugins"]) == ["hostile.py"]
    ids = pids.read_text().split()
    assert len(ids) >= 3
    assert all(gone(int(pid)) for pid in ids)
    assert not list(temporary.glob("bench-process-*"))
    assert "\x1b" not in done.stdout + done.stderr


HANGING = """
import os, time
from bench.api import Component, Record, hookimpl


def building(task, /):
    time.sleep(600)


def passing(task, /):
    import torch

    class Passing(torch.nn.Conv2d):
        def forward(self, images):
            while self.training:
                pass
            return super().forward(images)

    return Passing(task.channels, 1 + task.classes, 1)


def unsure(task, /):
    raise RuntimeError("never built")


class Reader:
    classes = ("defect",)

    def __init__(self, root):
        self.files = sorted((root / "images").iterdir())

    def records(self):
        return [Record(file.stem, group=file.stem, files=(file,)) for file in self.files]

    def load(self, id, /):
        time.sleep(600)


class Unlisted(Reader):
    def records(self):
        while True:
            try:
                time.sleep(600)
            except Exception:
                pass
        yield


def loading(root, /):
    return Reader(root)


def listing(root, /):
    return Unlisted(root)


@hookimpl
def bench_models():
    for build in (building, passing):
        yield Component(build.__name__, build)
    yield Component("unsure", unsure, supports=lambda *_: time.sleep(600))


@hookimpl
def bench_datasets():
    yield Component("loading", loading)
    yield Component("listing", listing)
"""


@linux
def test_what_hangs_is_ended_by_its_time_and_the_other_cells_are_done(
    alone: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_world(tmp_path)
    (tmp_path / "hanging.py").write_text(HANGING)
    monkeypatch.setenv("BENCH_PLUGIN_TIMEOUT", "4")
    plugins = ("--plugin", "models.py", "--plugin", "hanging.py")
    folders = ("--data", "loading=parts", "--data", "listing=parts")
    axes = ("-x", "axes.crop=[uniform]", "-x", "axes.dataset=[folder, loading, listing]")
    models = ("-x", "axes.model=[tiny, building, passing, unsure]")
    runtime = ("-x", "runtime.timeout=8s", "-x", "runtime.workers=4")
    done = bench(tmp_path, "run", "tiny.yaml", *plugins, *folders, *axes, *models, *runtime)
    assert done.returncode == 3, done.stderr
    stored = [json.loads(path.read_text()) for path in (tmp_path / "runs" / "tiny" / "cells").glob("*.json")]
    ends = {(one["axes"]["dataset"], one["axes"]["model"]): (one["state"], one["reason"]) for one in stored}
    silent = "no sign of life for 8s"
    late = "has not ended within 4 seconds; BENCH_PLUGIN_TIMEOUT allows more"
    for (dataset, model), (state, reason) in ends.items():
        if dataset == "loading":
            assert (state, silent in reason) == (State.BLOCKED, True), reason
        elif dataset == "listing":
            assert (state, reason) == (State.BLOCKED, f"records() of data set 'listing' {late}")
        elif model in ("building", "passing"):
            assert (state, silent in reason) == (State.TIMEOUT, True), reason
        elif model == "unsure":
            assert (state, late in reason) == (State.BLOCKED, True), reason
    tiny = next(one for one in stored if one["axes"] == {**one["axes"], "dataset": "folder", "model": "tiny"})
    assert tiny["scores"] == alone["scores"]


@linux
def test_a_command_that_reads_images_itself_does_not_wait_for_ever(tmp_path: Path) -> None:
    write_world(tmp_path)
    (tmp_path / "hanging.py").write_text(HANGING)
    command = ("data", "card", "loading", "--plugin", "hanging.py", "--data", "loading=parts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_PLUGIN_TIMEOUT", "4")
        done = bench_process(tmp_path, *command)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "code of a plugin on a thread has not ended within 4 seconds; BENCH_PLUGIN_TIMEOUT allows more"
    )


def test_a_plugin_file_that_deletes_itself_costs_the_cells_of_others_nothing(
    alone: dict[str, Any], tmp_path: Path
) -> None:
    write_world(tmp_path)
    vanishing = "import os\n" + OFFER.replace(
        "    raise RuntimeError", "    os.unlink(__file__)\n    raise RuntimeError"
    )
    (tmp_path / "vanishing.py").write_text(vanishing)
    plugins = ("--plugin", "models.py", "--plugin", "vanishing.py")
    done = bench(
        tmp_path, "run", "tiny.yaml", *plugins, "-x", "axes.model=[hostile, tiny]", "-x", "axes.crop=[uniform]"
    )
    assert done.returncode == 3, done.stderr
    found = records(tmp_path)
    assert found["hostile"]["state"] == State.PLUGIN_ERROR
    assert found["tiny"]["scores"] == alone["scores"]


def test_a_reader_that_fails_is_not_taken_for_data_that_are_absent(tmp_path: Path) -> None:
    write_world(tmp_path)
    (tmp_path / "reader.py").write_text(
        "from bench.api import Component, DataError, hookimpl\n"
        "def build(root, /):\n    raise DataError('the server of the data does not answer')\n"
        "@hookimpl\ndef bench_datasets():\n    yield Component('remote', build)\n"
    )
    plugins = ("--plugin", "models.py", "--plugin", "reader.py")
    overrides = ("-x", "axes.dataset=[folder, remote]", "-x", "axes.model=[constant]", "-x", "axes.crop=[uniform]")
    done = bench(tmp_path, "run", "tiny.yaml", *plugins, *overrides)
    assert done.returncode == 3, done.stderr
    assert "the server of the data does not answer" in " ".join(done.stdout.split())


CLASSES = """
from dataclasses import dataclass
from pathlib import Path

from bench.api import Component, Record, Sample, hookimpl, read_image, read_mask


@dataclass(frozen=True)
class Two:
    root: Path
    classes = ("odd", "even")

    def records(self):
        images = sorted((self.root / "images").iterdir())
        return [Record(path.stem, group=path.stem, files=(path, self.root / "masks" / path.name)) for path in images]

    def load(self, id, /):
        mask = read_mask(self.root / "masks" / f"{id}.png") > 0
        return Sample(id, read_image(self.root / "images" / f"{id}.png"), mask.astype("uint8") * (1 + int(id[-1]) % 2))


def two(root, /):
    return Two(root)


def three(task, /):
    import torch

    return torch.nn.Conv2d(task.channels, 3, 1)


@hookimpl
def bench_datasets():
    yield Component("two", two)


@hookimpl
def bench_models():
    yield Component("three", three)
"""


def test_a_model_with_the_planes_of_a_task_by_chance_is_refused(tmp_path: Path) -> None:
    write_world(tmp_path)
    (tmp_path / "classes.py").write_text(CLASSES)
    plugins = ("--plugin", "models.py", "--plugin", "classes.py", "--data", "two=parts")
    axes = ("-x", "axes.dataset=[two]", "-x", "axes.model=[three, tiny]", "-x", "axes.crop=[uniform]")
    done = bench(tmp_path, "run", "tiny.yaml", *plugins, *axes, "-x", "protocol.classes=each")
    assert done.returncode == 3, done.stderr
    found = records(tmp_path)
    assert found["three"]["state"] == State.PLUGIN_ERROR
    assert "gives 3 planes whatever the number of classes" in found["three"]["reason"]
    assert found["tiny"]["state"] == State.OK, found["tiny"]


ENDING = """
import ctypes, os
from bench.api import Component, Record, hookimpl


class Reader:
    classes = ("defect",)

    def __init__(self, root):
        pass

    def records(self):
        yield Record("one", group="one")
        os._exit(7)


def leaving(root, /):
    os._exit(0)


def crashing(*_):
    ctypes.string_at(0)


def never(task, /):
    raise RuntimeError("never built")


@hookimpl
def bench_datasets():
    yield Component("listing", lambda root, /: Reader(root))
    yield Component("leaving", leaving)


@hookimpl
def bench_models():
    yield Component("crashing", never, supports=crashing)
"""


@linux
def test_a_plugin_that_ends_the_process_while_a_suite_is_planned_costs_its_own_cells(tmp_path: Path) -> None:
    write_world(tmp_path)
    (tmp_path / "ending.py").write_text(ENDING)
    plugins = ("--plugin", "models.py", "--plugin", "ending.py", "--data", "listing=parts", "--data", "leaving=parts")
    axes = ("-x", "axes.dataset=[folder, listing, leaving]", "-x", "axes.model=[tiny, crashing]")
    done = bench_process(tmp_path, "run", "tiny.yaml", *plugins, *axes, "-x", "axes.crop=[uniform]", timeout=300)
    assert done.returncode == 3, done.stderr
    found = [json.loads(path.read_text()) for path in (tmp_path / "runs" / "tiny" / "cells").glob("*.json")]
    ends = {(one["axes"]["dataset"], one["axes"]["model"]): (one["state"], one["reason"]) for one in found}
    assert ends.pop(("folder", "tiny")) == (State.OK, None)
    assert ends.pop(("folder", "crashing")) == (
        State.BLOCKED,
        "'supports' of 'crashing': the process is ended by signal 11",
    )
    assert set(ends.values()) == {
        (State.BLOCKED, "records() of data set 'listing': the process ends with exit code 7"),
        (State.BLOCKED, "the builder of 'leaving': the process ends with exit code 0"),
    }
