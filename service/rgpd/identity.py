"""A person as salted hashes: found again in any text, and never to be read from the hashes."""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple, Self

from service.rgpd.findings import EMAIL
from service.rgpd.names import fold, is_first_name

MASK = "▒▒▒▒"
ERASED = "personne effacée"
SECRET_BYTES = 32

# Accents written apart and invisible characters belong to the word.
INSIDE = "\u0300-\u036f\u00ad\u200b-\u200d\u2060\ufeff"
WORD = re.compile(rf"[^\W_](?:[^\W_]|[{INSIDE}])*")
INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
WIDEST_GAP = 3
"""Characters between two words of one name: « Diallo, Awa »."""
CIVILITIES = frozenset(
    "m mm mr mme mmes mlle mlles madame monsieur mademoiselle dr docteur docteure pr professeur "
    "professeure me maitre".split()
)
PARTICLES = frozenset("d l de du des la le el al ben da dos van von o".split())
SHORTEST_SURNAME = 3


class Word(NamedTuple):
    """A word as it is compared, and its place."""

    folded: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Keys:
    """Hashes of what names a person: whole addresses, names in any order, words after « Mme ».

    `starts` are first words of what is looked for, so that most words are put aside at once;
    `seats` a person at an organisation; `statements` contributions whose publication is withdrawn.
    """

    emails: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    grams: frozenset[str] = frozenset()
    starts: frozenset[str] = frozenset()
    surnames: frozenset[str] = frozenset()
    seats: frozenset[str] = frozenset()
    orcids: frozenset[str] = frozenset()
    idrefs: frozenset[str] = frozenset()
    statements: frozenset[str] = frozenset()
    sizes: frozenset[int] = frozenset()

    def __or__(self, other: Self) -> "Keys":
        return Keys(*(getattr(self, f.name) | getattr(other, f.name) for f in fields(self)))

    def __sub__(self, other: Self) -> "Keys":
        kept = {f.name: getattr(self, f.name) - getattr(other, f.name) for f in fields(self)}
        return Keys(**kept | {"sizes": self.sizes})

    def as_json(self) -> dict[str, Any]:
        """Lists by name, without the empty ones."""
        return {
            f.name: sorted(getattr(self, f.name)) for f in fields(self) if getattr(self, f.name)
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """What `as_json` gave."""
        return cls(**{name: frozenset(values) for name, values in stored.items()})


@dataclass(frozen=True, slots=True)
class Person:
    """Who is meant: addresses, names, other words they are known by, (name, organisation key)."""

    emails: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    seats: tuple[tuple[str, str], ...] = ()
    orcids: tuple[str, ...] = ()
    idrefs: tuple[str, ...] = ()


class Salt:
    """Hashes with the installation's secret: without it, nobody can try names one by one."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def hash(self, kind: str, text: str) -> str:
        """32 hexadecimal digits, other for each kind."""
        message = f"{kind}\0{text}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(message, key=self._secret, digest_size=16).hexdigest()

    def email(self, email: str) -> str:
        """The hash of an address, whatever its case."""
        return self.hash("email", clean_email(email))

    def orcid(self, orcid: str) -> str:
        """The hash of an ORCID, with or without its web address."""
        return self.hash("orcid", clean_id(orcid))

    def idref(self, idref: str) -> str:
        """The hash of an IdRef, with or without its web address."""
        return self.hash("idref", clean_id(idref))

    def seat(self, name: str, organisation_key: str) -> str:
        """The hash of a person at an organisation, the words of the name in any order."""
        words = " ".join(sorted(word.folded for word in words_of(name)))
        return self.hash("seat", f"{words}|{organisation_key}")

    def keys(self, person: Person) -> Keys:
        """All that the person can be known by."""
        names = [tuple(word.folded for word in words_of(name)) for name in person.names]
        others = [tuple(word.folded for word in words_of(text)) for text in person.also]
        # A first name alone is everyone's: it is looked for in no text.
        forms = {form for name in names for form in _forms(name) if len(form) > 1}
        grams = forms | set(filter(None, others))
        surnames = {(word,) for name in person.names for word in _surnames(name)}
        return Keys(
            emails=frozenset(self.email(email) for email in person.emails if email.strip()),
            names=self._words("name", {form for name in names for form in _orders(name)}),
            grams=self._words("gram", grams),
            starts=self._words("start", {gram[:1] for gram in grams}),
            surnames=self._words("surname", surnames),
            seats=frozenset(self.seat(*seat) for seat in person.seats),
            orcids=frozenset(self.orcid(orcid) for orcid in person.orcids),
            idrefs=frozenset(self.idref(idref) for idref in person.idrefs),
            sizes=frozenset(len(gram) for gram in grams),
        )

    def _words(self, kind: str, forms: Iterable[tuple[str, ...]]) -> frozenset[str]:
        return frozenset(self.hash(kind, " ".join(form)) for form in forms if form)


class Sought:
    """Finds a person in texts by the hashes alone, the first time as when a backup is restored."""

    def __init__(self, salt: Salt, keys: Keys) -> None:
        self.salt, self.keys = salt, keys
        self._is_start = lru_cache(maxsize=200_000)(
            lambda word: salt.hash("start", word) in keys.starts
        )
        self._is_surname = lru_cache(maxsize=50_000)(
            lambda word: salt.hash("surname", word) in keys.surnames
        )

    def is_email(self, text: str) -> bool:
        """Whether the whole text is an address of the person."""
        return "@" in text and self.salt.email(text) in self.keys.emails

    def is_name(self, text: str) -> bool:
        """Whether the whole text is the person's name."""
        words = " ".join(word.folded for word in words_of(text))
        return bool(words) and self.salt.hash("name", words) in self.keys.names

    def is_seat(self, name: str, organisation_key: str) -> bool:
        """Whether the person is known at this organisation by this name."""
        return self.salt.seat(name, organisation_key) in self.keys.seats

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where a text names the person; an address that holds the name counts whole."""
        emails = [match.span() for match in EMAIL.finditer(text)] if "@" in text else []
        found = [span for span in emails if self.salt.email(text[slice(*span)]) in self.keys.emails]
        if self.keys.starts or self.keys.surnames:
            words = words_of(text)
            found += [_widen(span, emails) for span in self._named(text, words)]
        return _merge(found)

    def mask(self, text: str) -> str:
        """The text with the person made unreadable."""
        parts, last = [], 0
        for start, end in self.spans(text):
            parts += [text[last:start], MASK]
            last = end
        return "".join([*parts, text[last:]])

    def surnames_in(self, text: str) -> list[Word]:
        """The words of a text that are written as a part of the person's name."""
        if not self.keys.surnames:
            return []
        return [word for word in words_of(text) if self._is_surname(word.folded)]

    def mask_fragments(self, text: str, common: Collection[str]) -> str:
        """As `mask`, for what was cut from texts: lone words of the name too, but the `common`."""
        text = self.mask(text)
        for word in reversed(self.surnames_in(text)):
            if word.folded not in common:
                text = text[: word.start] + MASK + text[word.end :]
        return text

    def mask_all(self, value: Any) -> Any:  # noqa: ANN401 - JSON holds anything
        """A JSON value with the person made unreadable in each of its strings."""
        return map_strings(value, self.mask)

    def _named(self, text: str, words: list[Word]) -> Iterator[tuple[int, int]]:
        for place, word in enumerate(words):
            if self._is_start(word.folded):
                yield from self._grams_at(text, words[place:])
            if word.folded in CIVILITIES and (end := self._surname_end(words, place)):
                yield word.start, end

    def _grams_at(self, text: str, words: list[Word]) -> Iterator[tuple[int, int]]:
        for size in self.keys.sizes:
            gram = words[:size]
            near = all(b.start - a.end <= WIDEST_GAP for a, b in pairwise(gram))
            # « A. Diallo », not « à Diallo ».
            near = near and all(len(word.folded) > 1 or _is_initial(text, word) for word in gram)
            written = " ".join(word.folded for word in gram)
            if len(gram) == size and near and self.salt.hash("gram", written) in self.keys.grams:
                yield gram[0].start, gram[-1].end

    def _surname_end(self, words: list[Word], place: int) -> int | None:
        for word in words[place + 1 : place + 5]:
            if self._is_surname(word.folded):
                return word.end
            if word.folded not in PARTICLES:
                return None
        return None


def words_of(text: str) -> list[Word]:
    """The words of a text as they are compared."""
    return [Word(_fold(match.group()), *match.span()) for match in WORD.finditer(text)]


def clean_email(email: str) -> str:
    """An address as it is compared."""
    return INVISIBLE.sub("", unicodedata.normalize("NFKC", email)).strip().casefold()


def clean_id(written: str) -> str:
    """An ORCID or IdRef without its web address and hyphens."""
    return re.sub(r"[^0-9a-z]", "", written.strip().casefold().rstrip("/").rpartition("/")[2])


def map_strings(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - JSON holds anything
    """A JSON value with each of its strings changed, keys too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): map_strings(part, change) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [map_strings(part, change) for part in value]
    return value


def _fold(word: str) -> str:
    return fold(word if word.isascii() else INVISIBLE.sub("", word))


def _surnames(name: str) -> set[str]:
    """The words that follow « Mme »: those in capitals, else those after the first names."""
    written = [match.group() for match in WORD.finditer(name)]
    capitals = [word for word in written if word.isupper() and len(word) > 1]
    last = [word for word in written[1:] if not is_first_name(word)]
    chosen = capitals if 0 < len(capitals) < len(written) else last or written[1:] or written
    folded = {_fold(word) for word in chosen}
    return {word for word in folded if len(word) >= SHORTEST_SURNAME and word not in PARTICLES}


def _orders(name: tuple[str, ...]) -> set[tuple[str, ...]]:
    """« Jean Paul Diop », « Diop Jean Paul »: wherever the last name begins."""
    return {(*name[cut:], *name[:cut]) for cut in range(max(len(name), 1))}


def _forms(name: tuple[str, ...]) -> set[tuple[str, ...]]:
    """What a text may make of a name: « J. P. Diop », « JP Diop », « Jean Diop »."""
    forms = _orders(name)
    for cut in range(1, len(name)):
        given, last = name[:cut], name[cut:]
        initials = tuple(word[0] for word in given)
        joined = ("".join(initials),)
        forms |= {(*short, *last) for short in (given[:1], initials, initials[:1], joined)}
    return forms


def _is_initial(text: str, word: Word) -> bool:
    return text[word.start].isupper() and text[word.end : word.end + 1] == "."


def _widen(span: tuple[int, int], emails: list[tuple[int, int]]) -> tuple[int, int]:
    return next((e for e in emails if e[0] < span[1] and span[0] < e[1]), span)


def _merge(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
