"""Work on threads whose results come in order, and how its progress is told."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias, TypeVar

from bench.life import Hanging, call_seconds, overdue, sign_of_life

Item = TypeVar("Item")
Result = TypeVar("Result")

Progress: TypeAlias = Callable[[int, int], None]
"""Is told how much is done, and of how much."""


def silent(done: int, total: int) -> None:
    """Tell nothing."""


def ordered(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int, progress: Progress = silent
) -> Iterator[Result]:
    """Map on threads and yield results in the order of the items, never more than a few ahead.

    ``progress`` is told of a result when the next one is asked for.
    """
    for done, result in enumerate(_ahead(work, items, workers, 2 * workers), 1):
        yield result
        progress(done, len(items))


def beside(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """Map on threads while this one makes the next items; results in order, ``workers`` + 1 items at most in memory.

    Without workers this thread does the work between the items.
    """
    return _ahead(work, items, workers, workers) if workers else _between(work, items)


def _between(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    for item in items:
        sign_of_life()
        yield work(item)


def _ahead(work: Callable[[Item], Result], items: Iterable[Item], workers: int, most: int) -> Iterator[Result]:
    """Results in order; ``most`` items are on their way while one is waited for.

    Raises:
        Hanging: in a command, one takes longer than it waits for a plugin; then nobody waits for the threads.
    """
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(workers)
    hanging = False
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > most:
                yield _result(waiting.popleft())
        while waiting:
            yield _result(waiting.popleft())
    except Hanging:
        hanging = True
        raise
    finally:
        pool.shutdown(wait=not hanging, cancel_futures=True)


def _result(future: Future[Result]) -> Result:
    seconds = call_seconds()
    try:
        result = future.result(seconds)
    except TimeoutError:
        if future.done():
            raise  # it is the work's own
        raise Hanging(overdue("code of a plugin on a thread", seconds)) from None
    sign_of_life()
    return result
