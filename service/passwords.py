"""Passwords: argon2id, and what is too easily guessed is refused."""

from functools import lru_cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from zxcvbn import zxcvbn

from service.errors import Refused

SHORTEST, LONGEST = 10, 200
LEAST_STRENGTH = 3
"""Of zxcvbn, from 0 to 4: more than 10^8 guesses."""
LOOKED_AT = 72
"""Characters zxcvbn reads: its time grows with the square of the length."""

HASHER = PasswordHash((Argon2Hasher(),))


def hash_password(password: str, *about: str) -> str:
    """The hash to keep. Raises Refused for what is guessed easily; `about` is known to all."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Refused(
            f"Un mot de passe compte de {SHORTEST} à {LONGEST} caractères (ici {len(password)}) : "
            "une phrase de quatre ou cinq mots convient très bien."
        )
    found = zxcvbn(password[:LOOKED_AT], user_inputs=[word for word in about if word])
    if found["score"] < LEAST_STRENGTH:
        raise Refused(
            "Ce mot de passe se devine trop facilement : choisissez une phrase de quatre ou cinq "
            "mots qui ne se suivent pas d'habitude."
        )
    return HASHER.hash(password)


def verify_password(password: str, stored: str) -> tuple[bool, str | None]:
    """Whether it is this password, and its new hash where the old is outdated.

    An account without a password costs the same time as one with another.
    """
    right, renewed = HASHER.verify_and_update(password[: LONGEST + 1], stored or _nobody())
    return (right and bool(stored)), (renewed if stored else None)


@lru_cache(maxsize=1)
def _nobody() -> str:
    return HASHER.hash("the password of nobody")
