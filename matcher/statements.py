"""What an organisation puts in: a statement of a kind, by an organisation of a college."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The four kinds of statement."""

    PROBLEM = "problem"
    OFFER = "offer"
    INTEREST = "interest"
    COURSE = "course"


class College(StrEnum):
    """The four colleges an organisation belongs to."""

    ASSOCIATION = "association"
    ACADEMIC = "academic"
    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Statement:
    """One text of an organisation, as the matcher needs it.

    `id` orders statements and breaks ties; `organisation` is any stable key of the organisation.
    `sector` is an RNA code (6 digits) and `discipline` a HAL code, each empty when unknown.
    """

    id: int
    kind: Kind
    organisation: int
    college: College
    title: str
    text: str
    sector: str = ""
    discipline: str = ""

    @property
    def passage(self) -> str:
        """The text that is embedded and searched: the title, then the body."""
        return passage(self.title, self.text)


def passage(title: str, text: str) -> str:
    """Join a title and a text, unless the text already begins with the title."""
    if not title or text.casefold().startswith(title.casefold().rstrip(" .…")):
        return text
    return f"{title}\n{text}"


def passages(statements: Sequence[Statement]) -> list[str]:
    """The passages of several statements, in their order."""
    return [statement.passage for statement in statements]
