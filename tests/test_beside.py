"""Work on threads beside the making of its items."""

from __future__ import annotations

import threading
import time

import pytest

from bench.threads import beside, ordered


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_results_come_in_the_order_of_the_items_whoever_is_done_first(workers):
    def slow_first(item: int) -> int:
        time.sleep(0.02 if item == 0 else 0)
        return -item

    assert list(beside(slow_first, range(20), workers)) == [-item for item in range(20)]
    assert list(ordered(slow_first, range(20), max(1, workers))) == [-item for item in range(20)]


@pytest.mark.parametrize("workers", [1, 3])
def test_no_more_items_are_made_than_workers_and_one_while_none_is_done(workers):
    held, made = threading.Event(), []

    def items():
        for item in range(50):
            made.append(item)
            yield item

    def work(item: int) -> int:
        held.wait()
        return item

    results = beside(work, items(), workers)
    first = threading.Thread(target=next, args=(results,))
    first.start()
    time.sleep(0.1)
    assert len(made) == workers + 1
    held.set()
    first.join()
    assert list(results) == list(range(1, 50))


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_of_the_work_is_raised_in_its_place(workers):
    def work(item: int) -> int:
        if item == 3:
            raise ValueError("three")
        return item

    results = beside(work, range(9), workers)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
