"""How long a person's name and address may be, wherever somebody signs or is named."""

from service.errors import Refused

LONGEST_NAME, LONGEST_EMAIL = 200, 320
"""As their columns hold them."""


def check_author(by: str) -> None:
    """Refuse a name that no column holds."""
    if len(by) > LONGEST_NAME:
        raise Refused(f"Le nom de qui décide compte au plus {LONGEST_NAME} caractères.")
