"""Plugins of third parties are first loaded in a process of their own, so that none can hang, end or change a command.

What a command calls of them later is first called in a copy of its process.

What went well is remembered below ``$BENCH_HOME``, until the plugin, bench or Python is another.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.canonical import digest, digest_file
from bench.contain.channel import Garbled
from bench.contain.process import Contained, contain
from bench.contain.rehearsal import how_it_ends_a_process
from bench.files import whole_file
from bench.home import bench_home
from bench.life import TIMEOUT, plugin_seconds
from bench.types import JsonValue
from bench.version import __version__
from bench.words import line, plural

MODULE = "bench.plugin_trial"
LOADING_S = 60.0
STARTING_S = 120.0
"""Seconds in which the process must be ready, with the libraries that a plugin imports."""
MOST_NAMED = 5
READY = "ready"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a trial: why the plugin cannot be loaded, what it changes of the process, what it imports."""

    why: str | None = None
    changes: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()


def why_refused(place: str) -> str | None:
    """Why a plugin, a file or a module, must not be loaded in this process, or None.

    One that changes the process is tried once more after the libraries that it imports: what those change is no fault
    of it.
    """
    known = _memory([place, _identity(place)])
    if known.is_file():
        return None
    verdict = _tried(place, ())
    if verdict.changes and verdict.imports:
        verdict = _tried(place, verdict.imports)
    if verdict.why is not None:
        return verdict.why
    if verdict.changes:
        named = ", ".join(verdict.changes[:MOST_NAMED])
        more = len(verdict.changes) - MOST_NAMED
        others = f" and {plural(more, 'other')}" if more > 0 else ""
        return f"it changes {named}{others} when it is loaded, for everything else in the process; it must not"
    _remember(known, place)
    return None


def why_not_called(what: str, module: str, call: Callable[[], object], seconds: float) -> str | None:
    """Why a call of a plugin's code, of this module, must not be made in this process: it would end it; or None.

    Raises:
        TimeoutError: it does not return within so many seconds.
    """
    source = getattr(sys.modules.get(module), "__file__", None)
    known = _memory([what, module, _identity(source or module)])
    if known in _CALLED or known.is_file():
        return None
    how = how_it_ends_a_process(call, seconds)
    if how is not None:
        return f"the process {how}"
    _CALLED.add(known)
    _remember(known, what)
    return None


_CALLED: set[Path] = set()
"""What was called in this process, where nothing can be remembered."""


def _memory(tried: JsonValue) -> Path:
    """The file that stands for what went well once."""
    return bench_home() / "plugins" / digest([tried, __version__, platform.python_version()])


def _remember(known: Path, what: str) -> None:
    with suppress(OSError), whole_file(known) as file:  # where it cannot be kept, it is tried each time
        file.write(what.encode())


def _identity(place: str) -> JsonValue:
    """What is another when a plugin is: the digest of a file, or size and time of each source file of a module."""
    with suppress(Exception):  # whatever finders raise for what is installed badly; loading it says so
        if Path(place).is_absolute():
            return digest_file(Path(place))
        return _stamps(place)
    return None


def _stamps(module: str) -> list[JsonValue]:
    spec = importlib.util.find_spec(module.partition(".")[0])  # it imports nothing of the module
    if spec is None:
        return []
    folders = spec.submodule_search_locations or ()
    paths = [path for folder in folders for path in Path(folder).rglob("*.py")] or [Path(spec.origin or "")]
    stats = [(path, path.stat()) for path in sorted(paths)]
    return [[str(path), found.st_size, found.st_mtime_ns] for path, found in stats]


def _tried(place: str, libraries: Sequence[str]) -> Verdict:
    """Load a plugin after some libraries in a process that ends then."""
    allowed = plugin_seconds(LOADING_S)
    process = contain(MODULE, os.environ)
    try:
        process.channel.send([place, list(libraries)])
        if _answer(process, STARTING_S) != READY:
            raise Garbled
        said = _answer(process, allowed)
        return Verdict(said["why"], tuple(said["changes"]), tuple(said["imports"]))
    except (Garbled, LookupError, TypeError):
        return Verdict("it writes to the channel of the process that loads it")
    except TimeoutError:
        return Verdict(f"it is not loaded within {allowed:g} seconds; {TIMEOUT} allows more")
    except (EOFError, OSError):
        code = process.end()
        how = f"is ended by signal {-code}" if code < 0 else f"ends with exit code {code}"
        said = [line(text) for text in process.words.splitlines() if text.strip()][-1:]
        return Verdict(": ".join([f"the process {how} when it is loaded", *said]))
    finally:
        process.end()


def _answer(process: Contained, seconds: float) -> Any:
    """The next message.

    Raises:
        TimeoutError: it does not come.
        EOFError: the process has ended.
        Garbled: something else was written.
    """
    message = process.channel.next(time.monotonic() + seconds)
    if message is None:
        raise EOFError
    return message
