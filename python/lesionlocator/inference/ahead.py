"""Doing one thing while another waits: an iterator that a thread of its own advances."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import TypeVar

Item = TypeVar("Item")


def ahead(
    source: Generator[Item, None, None], depth: int = 1, *, stop: Event | None = None
) -> Generator[Item, None, None]:
    """Yield what a generator yields, which a thread advances meanwhile.

    Parameters
    ----------
    source
        Advanced and closed by the thread; what it raises is raised here, in its place.
    depth
        How many items may be ready, or be made, before they are asked for.
    stop
        Is set when nobody asks any more, so that the source can give up halfway to an item.

    Yields
    ------
    object
        The items in order. The thread starts when the first is asked for, and has ended when this generator
        is closed.
    """
    stop = stop or Event()
    room = Semaphore(depth - 1)
    ready: SimpleQueue[tuple[Item] | BaseException | None] = SimpleQueue()

    def advance() -> None:
        try:
            with closing(source):
                for item in source:
                    ready.put((item,))
                    del item  # which may be large, and must not live on while the next is made
                    room.acquire()
                    if stop.is_set():
                        return
        except BaseException as problem:  # raised again where it is waited for
            ready.put(problem)
        else:
            ready.put(None)

    thread = Thread(target=advance, name="lesionlocator-ahead", daemon=True)
    thread.start()
    try:
        while (found := ready.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            room.release()
            (item,) = found
            del found
            yield item
            del item
    finally:
        stop.set()
        room.release()
        thread.join()
