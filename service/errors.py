"""What the service answers when it will not do what was asked."""


class Refused(Exception):  # noqa: N818 - reads as what happened, not as a fault of ours
    """Bad input: the message, in French, says what is wrong and what to do."""


class NotFound(Refused):
    """What was named does not exist, or is not for this person."""
