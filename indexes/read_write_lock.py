"""Many readers or one writer."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class ReadWriteLock:
    """Lets searches run together, and changes alone; a waiting change goes before new searches.

    Not re-entrant: a reader that asks again while a change waits would wait for ever.
    """

    def __init__(self) -> None:
        self._condition = Condition()
        self._readers = 0
        self._waiting_writers = 0
        self._is_writing = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold off changes while inside."""
        with self._condition:
            self._condition.wait_for(lambda: not (self._is_writing or self._waiting_writers))
            self._readers += 1
        try:
            yield
        finally:
            with self._condition:
                self._readers -= 1
                self._condition.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be alone while inside."""
        with self._condition:
            self._waiting_writers += 1
            try:
                self._condition.wait_for(lambda: not (self._is_writing or self._readers))
                self._is_writing = True
            finally:
                self._waiting_writers -= 1
                # An interrupted wait must let the readers behind it through.
                self._condition.notify_all()
        try:
            yield
        finally:
            with self._condition:
                self._is_writing = False
                self._condition.notify_all()
