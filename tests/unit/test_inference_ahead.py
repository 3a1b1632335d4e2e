"""An iterator that a thread advances: order, how far ahead, failures, and its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator

import pytest

from lesionlocator.inference.ahead import ahead

PATIENCE = 10.0


def counted(count: int, made: list[int], ended: threading.Event | None = None) -> Generator[int, None, None]:
    try:
        for number in range(count):
            made.append(number)
            yield number
    finally:
        if ended is not None:
            ended.set()


def others() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "lesionlocator-ahead"]


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_items_come_in_order(depth: int) -> None:
    assert list(ahead(counted(20, []), depth)) == list(range(20))
    assert others() == []


@pytest.mark.parametrize("depth", [1, 3])
def test_no_more_than_depth_items_are_made_before_they_are_asked_for(depth: int) -> None:
    made: list[int] = []
    items = ahead(counted(20, made), depth)
    assert next(items) == 0
    until = time.monotonic() + PATIENCE
    while len(made) < depth + 1 and time.monotonic() < until:
        time.sleep(0.001)
    time.sleep(0.02)
    assert len(made) == depth + 1  # the one that was taken, and those ahead
    items.close()


def test_nothing_is_made_before_the_first_item_is_asked_for() -> None:
    made: list[int] = []
    items = ahead(counted(3, made))
    assert made == []
    items.close()
    assert others() == []


def test_the_source_works_while_its_item_is_worked_on() -> None:
    made_next = threading.Event()

    def source() -> Generator[int, None, None]:
        yield 0
        made_next.set()
        yield 1

    items = ahead(source())
    assert next(items) == 0
    assert made_next.wait(PATIENCE)
    assert list(items) == [1]


@pytest.mark.parametrize("problem", [ValueError("bad"), KeyboardInterrupt()])
def test_what_the_source_raises_comes_in_its_place(problem: BaseException) -> None:
    def source() -> Generator[int, None, None]:
        yield 0
        raise problem

    items = ahead(source(), 3)
    assert next(items) == 0
    with pytest.raises(type(problem)):
        next(items)
    assert others() == []


def test_closing_stops_the_source_and_tells_it() -> None:
    ended, stop = threading.Event(), threading.Event()
    items = ahead(counted(20, [], ended), stop=stop)
    next(items)
    items.close()
    assert ended.is_set()
    assert stop.is_set()
    assert others() == []


def test_one_thread_may_feed_another() -> None:
    made: list[int] = []
    doubled = ahead((2 * number for number in ahead(counted(9, made), 2)), 2)
    assert next(doubled) == 0
    doubled.close()
    assert others() == []
    assert len(made) < 9
