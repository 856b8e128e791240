"""Ready to answer: what a process lacks, and the thread that makes up for it."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from service.catchup import BEHIND_AT_MOST, catch_up
from service.database import is_current, read
from service.resources import Resources
from service.store.revisions import current_mark

LOGGER = logging.getLogger(__name__)


class _Stopped(Exception):  # noqa: N818 - asked for, no fault
    """The process ends: leave the rest to the next one."""


@contextmanager
def stay_ready(resources: Resources) -> Iterator[threading.Event]:
    """Index what is there in the background, at once and each time the event is set."""
    wake, stop = threading.Event(), threading.Event()
    wake.set()
    resources.indexes.keeper = wake
    thread = threading.Thread(target=_keep_up, args=(resources, wake, stop), name="catch-up")
    thread.start()
    try:
        yield wake
    finally:
        resources.indexes.keeper = None
        stop.set()
        wake.set()
        thread.join()


def find_missing(resources: Resources) -> list[str]:
    """What keeps this process from answering, in French; nothing where it is ready."""
    try:
        if not is_current(resources.engine):
            return ["les tables ne sont pas à la version du logiciel"]
        with read(resources.engine) as session:
            mark = current_mark(session)
    except SQLAlchemyError:
        return ["la base de données ne répond pas"]
    missing = []
    if resources.encoder.encode_queries(["prêt"]).shape != (1, resources.encoder.dim):
        missing.append("le modèle ne répond pas")
    behind = mark.revision - resources.indexes.revision
    if resources.indexes.epoch != mark.epoch:
        missing.append("les index ne sont pas encore chargés")
    elif behind > BEHIND_AT_MOST:
        missing.append(f"les index ont {behind} modifications de retard")
    return missing


def _keep_up(resources: Resources, wake: threading.Event, stop: threading.Event) -> None:
    def go_on(_what: str, _done: int, _total: int) -> None:
        if stop.is_set():
            raise _Stopped

    while wake.wait() and not stop.is_set():
        wake.clear()
        try:
            catch_up(resources, go_on)
        except _Stopped:
            return
        except Exception as error:
            # The next probe asks again; meanwhile /readyz says what is missing.
            LOGGER.warning("indexes not caught up", exc_info=error)
