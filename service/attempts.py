"""How often one may try to enter: by address of the network and account, by network alone."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from limits import RateLimitItem, RateLimitItemPerMinute, parse
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from service.errors import TooMany

PER_ACCOUNT = RateLimitItemPerMinute(10, 15)
PER_NETWORK = RateLimitItemPerMinute(100, 15)
"""A whole university may share one address."""
MAILS = parse("5 per 15 minutes")
MAILS_A_DAY = parse("20 per 1 day")
MAILS_TO_ONE = parse("30 per 15 minutes")
MAILS_TO_ONE_A_DAY = parse("100 per 1 day")
"""From wherever they are asked for: more than any one network can ask for by itself. With five
tries a code of six digits, whoever asks from many networks has a chance of 1 in 2,000 a day, and
a hundred e-mails tell the person of it."""
HOUR_S = 3_600

Limit = tuple[RateLimitItem, tuple[str, ...]]
"""How often, and of what."""


class Attempts:
    """Counts tries in this process, or in Redis for several (`redis://…`).

    Nobody is locked out for good: a quarter of an hour after the first, counting begins anew, and
    for codes by e-mail a day.
    """

    def __init__(self, storage: str) -> None:
        # Of the ways to count, the one by which what was counted can be given back.
        self._limiter = FixedWindowRateLimiter(storage_from_string(storage))
        self._turn = threading.Lock()

    @contextmanager
    def trying(self, network: str, account: str) -> Iterator[None]:
        """Count a try before it is made, and not at all where it succeeds: the block ends.

        Were failures counted after they are known, many at once would all be let through. Raises
        TooMany.
        """
        limits: list[Limit] = [
            (PER_NETWORK, ("network", network)),
            (PER_ACCOUNT, ("account", network, account)),
        ]
        self._take(limits)
        yield
        with self._turn:
            self._give_back(limits)

    def count_mail(self, network: str, account: str) -> None:
        """Count a code that is to be mailed. Raises TooMany: nobody is to be flooded."""
        # What one network is refused is not counted, nor keeps the person from a code elsewhere.
        self._take(
            [
                (PER_NETWORK, ("mails", network)),
                (MAILS, ("mail", network, account)),
                (MAILS_A_DAY, ("mail of a day", network, account)),
                (MAILS_TO_ONE, ("mail", account)),
                (MAILS_TO_ONE_A_DAY, ("mail of a day", account)),
            ]
        )

    def _take(self, limits: list[Limit]) -> None:
        """Count one of each, or nothing where one of them is used up."""
        # A counter in memory that is just begun, or begun anew, forgets what threads add at once.
        with self._turn:
            for number, (item, what) in enumerate(limits, start=1):
                if not self._limiter.hit(item, *what):
                    self._give_back(limits[:number])
                    again = self._limiter.get_window_stats(item, *what).reset_time
                    raise _too_many(max(1, math.ceil(again - time.time())))

    def _give_back(self, limits: list[Limit]) -> None:
        for item, what in limits:
            self._limiter.hit(item, *what, cost=-1)


def _too_many(seconds: int) -> TooMany:
    hours, minutes = divmod(math.ceil(seconds / 60), 60)
    wait = f"{hours} h {minutes:02} min" if seconds > HOUR_S else f"{hours * 60 + minutes} min"
    return TooMany(f"Trop d'essais : recommencez dans {wait}.", retry_after=seconds)
