"""How often one may try to enter: by address of the network and account, by network alone."""

from limits import RateLimitItemPerMinute, parse
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from service.errors import TooMany

PER_ACCOUNT = RateLimitItemPerMinute(10, 15)
PER_NETWORK = RateLimitItemPerMinute(100, 15)
"""A whole university may share one address."""
MAILS = parse("5 per 15 minutes")
MAILS_TO_ONE = parse("30 per 15 minutes")
"""From wherever they are asked for: more than any one network can ask for by itself."""
WAIT_S = 15 * 60


class Attempts:
    """Counts failed tries in this process, or in Redis for several (`redis://…`).

    Nobody is locked out for good: after a quarter of an hour one may try again.
    """

    def __init__(self, storage: str) -> None:
        self._limiter = MovingWindowRateLimiter(storage_from_string(storage))

    def check(self, network: str, account: str) -> None:
        """Raise TooMany where there were too many failures already."""
        fits = self._limiter.test(PER_ACCOUNT, "account", network, account)
        if not (fits and self._limiter.test(PER_NETWORK, "network", network)):
            self._refuse()

    def failed(self, network: str, account: str) -> None:
        """Count a failure."""
        self._limiter.hit(PER_ACCOUNT, "account", network, account)
        self._limiter.hit(PER_NETWORK, "network", network)

    def count_mail(self, network: str, account: str) -> None:
        """Count a code that is to be mailed. Raises TooMany: nobody is to be flooded."""
        # The narrow ones first: what they refuse is not to keep the person from a code elsewhere.
        if not (
            self._limiter.hit(PER_NETWORK, "mails", network)
            and self._limiter.hit(MAILS, "mail", network, account)
            and self._limiter.hit(MAILS_TO_ONE, "mail", account)
        ):
            self._refuse()

    def _refuse(self) -> None:
        raise TooMany(
            "Trop d'essais : attendez un quart d'heure, puis recommencez.", retry_after=WAIT_S
        )
