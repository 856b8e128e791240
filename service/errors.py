"""What the service answers when it will not do what was asked."""


class Refused(Exception):  # noqa: N818 - reads as what happened, not as a fault of ours
    """Bad input: the message, in French, says what is wrong and what to do."""


class Damaged(Refused):
    """The database cannot be read: something of people's own may be gone."""


class NotFound(Refused):
    """What was named does not exist, or is not for this person."""
