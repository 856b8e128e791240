"""What in a text seems to be about a person: addresses, numbers, names, health. No text is refused.

Every expression is linear: repetitions are bounded, or cannot match the same text in two ways.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from service.rgpd.health import health_spans
from service.rgpd.names import name_spans

EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}(?![\w-])")
SPELT_EMAIL = re.compile(
    r"(?<![\w.%+-])[\w.%+-]{1,64} ?[(\[] ?(?:at|arobase|@) ?[)\]] ?"
    r"[\w-]{1,63}(?:(?:\.| ?[(\[] ?(?:dot|point) ?[)\]] ?)[\w-]{1,63}){1,4}(?![\w-])",
    re.IGNORECASE,
)
FRENCH_PHONE = re.compile(
    r"(?<![\w+])(?<!\d[.,-])(?:\+33|0033|0)[ .\u00a0]?(?:\(0\)[ .]?)?[1-9]"
    r"(?:[ ./\u00a0\u202f-]?\d{2}){4}(?!\w)(?![.,-]\d)"
)
FOREIGN_PHONE = re.compile(r"(?<![\w+])\+(?!33)\d{2,3}(?:[ .\u00a0-]?\d{1,4}){3,5}(?!\d)")
FEWEST_DIGITS = 9
NIR = re.compile(
    r"(?<!\d)(?P<number>[1278][ .]?\d\d[ .]?(?:0[1-9]|1[0-2]|[2-9]\d)[ .]?"
    r"(?:\d\d|2[AB])[ .]?\d{3}[ .]?\d{3})(?P<key>[ .]?\d\d)?(?!\d)"
)


DIGITS = re.compile(r"[0-9][0-9 .AB]{12}")


class Kind(StrEnum):
    """What was found, in the order in which one hides another."""

    NIR = "nir"
    EMAIL = "email"
    PHONE = "phone"
    NAME = "name"
    HEALTH = "health"


LABELS: Mapping[Kind, str] = {
    Kind.NIR: "numéro de sécurité sociale",
    Kind.EMAIL: "adresse électronique",
    Kind.PHONE: "numéro de téléphone",
    Kind.NAME: "nom d'une personne",
    Kind.HEALTH: "santé d'une personne",
}


class Finding(NamedTuple):
    """A stretch of a text that seems to be about a person."""

    kind: Kind
    start: int
    end: int


def find_personal_data(text: str) -> list[Finding]:
    """What seems personal in a text, in its order; found by form, so some is missed or wrong."""
    found: list[Finding] = []
    # One flag a character: a text of thousands of addresses takes no longer than another.
    taken = bytearray(len(text))
    for kind, spans in (*_by_form(text), (Kind.NAME, name_spans(text))):
        for start, end in spans:
            if not any(taken[start:end]):
                found.append(Finding(kind, start, end))
                taken[start:end] = b"\1" * (end - start)
    names = [(start, end) for kind, start, end in found if kind == Kind.NAME]
    found += [Finding(Kind.HEALTH, *span) for span in health_spans(text, names)]
    return sorted(found, key=lambda finding: finding[1:])


def count_kinds(findings: Iterable[Finding]) -> dict[str, int]:
    """How many of each kind, in the order of the kinds."""
    counts = Counter(finding.kind for finding in findings)
    return {str(kind): counts[kind] for kind in Kind if counts[kind]}


def _by_form(text: str) -> Iterator[tuple[Kind, Iterable[tuple[int, int]]]]:
    if DIGITS.search(text):
        yield Kind.NIR, (match.span() for match in NIR.finditer(text) if _is_nir(match))
    if "@" in text:
        yield Kind.EMAIL, (match.span() for match in EMAIL.finditer(text))
    if "(" in text or "[" in text:
        yield Kind.EMAIL, (match.span() for match in SPELT_EMAIL.finditer(text))
    if "0" in text or "+" in text:
        yield Kind.PHONE, (match.span() for match in FRENCH_PHONE.finditer(text))
    if "+" in text:
        numbers = FOREIGN_PHONE.finditer(text)
        yield Kind.PHONE, (m.span() for m in numbers if _count_digits(m.group()) >= FEWEST_DIGITS)


def _count_digits(text: str) -> int:
    return sum(character.isdigit() for character in text)


def _is_nir(match: re.Match[str]) -> bool:
    """Whether the key is right; without one, whether it is written in the usual groups."""
    written, key = match["number"], match["key"]
    digits = re.sub(r"[ .]", "", written)
    if key is None:
        return len(written) - len(digits) == 5
    # Corsica: the key is computed as for departments 19 and 18.
    number = int(digits.replace("2A", "19").replace("2B", "18"))
    return 97 - number % 97 == int(key.strip(" ."))
