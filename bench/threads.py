"""Work on threads whose results come in order, and how its progress is told."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias, TypeVar

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
    return _ahead(work, items, workers, workers) if workers else map(work, items)


def _ahead(work: Callable[[Item], Result], items: Iterable[Item], workers: int, most: int) -> Iterator[Result]:
    """Results in order; ``most`` items are on their way while one is waited for."""
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > most:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
