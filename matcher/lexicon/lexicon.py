"""What people say and what the field calls it: found in texts, added to questions and reasons."""

import csv
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from matcher.words import plain, stems, tokens

BUNDLED_LEXICON = Path(__file__).parent / "lexicon.csv"
COLUMNS = ("say", "term", "english", "discipline")
SEPARATOR = " | "
NOT_LETTERS = re.compile(r"[\W_]+")
SLACK = 3
"""Content words that may stand between those of a phrase: « demandent rarement leurs aides »."""
SHORTEST_LONE_WORD = 4
"""Letters: a shorter word alone means too many things, unless it is an acronym."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Everyday phrases and the terms that a specialist would use for them.

    `terms` are French synonyms, the usual one first; `english` may be empty, `discipline` is a HAL
    code or empty.
    """

    terms: tuple[str, ...]
    say: tuple[str, ...]
    english: str = ""
    discipline: str = ""


class Bridge(NamedTuple):
    """One entry met in two texts: `said` as written in one, `term` as the field has it."""

    said: str
    term: str


class Found(NamedTuple):
    """An entry met in a text: where it was met, as written, and whether that was by a term."""

    entry: int
    written: str
    is_term: bool


class _Form(NamedTuple):
    """A way of saying an entry: its stems, and its letters too where one stem is too little."""

    stems: tuple[str, ...]
    literal: str
    entry: int
    is_term: bool


class Lexicon:
    """Entries, and the phrases and terms of each as the stems they are recognised by."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self._forms: dict[str, list[_Form]] = defaultdict(list)
        forms = [
            _form(written, number, is_term=is_term)
            for number, entry in enumerate(self.entries)
            for is_term, ways in (
                (False, entry.say),
                (True, (*entry.terms, *([entry.english] if entry.english else []))),
            )
            for written in ways
        ]
        frequency = Counter(stem for form in forms for stem in set(form.stems))
        for form in forms:
            if form.stems:
                # Looked up by its rarest stem: few forms are tried for each word of a text.
                key = min(form.stems, key=lambda stem: (frequency[stem], stem))
                self._forms[key].append(form)

    def __len__(self) -> int:
        return len(self.entries)

    def find(self, text: str) -> list[Found]:
        """The entries met in a text, each once, in the order of the lexicon.

        A form is met where all its content words stand close together, in any order. A term wins
        over a phrase of the same entry.
        """
        clean = plain(text)
        words, folded = tokens(text), f" {_fold(clean)} "
        places: dict[str, list[int]] = defaultdict(list)
        for place, word in enumerate(words):
            places[word.stem].append(place)
        found: dict[int, Found] = {}
        for form in (form for stem in places for form in self._forms.get(stem, ())):
            known = found.get(form.entry)
            if known and (known.is_term or not form.is_term):
                continue
            span = _span(form.stems, places)
            if span is not None and _stands_in(form.literal, folded):
                written = " ".join(clean[words[span[0]].start : words[span[1]].end].split())
                found[form.entry] = Found(form.entry, written, form.is_term)
        return [found[number] for number in sorted(found)]

    def expansions(self, text: str) -> list[str]:
        """What else to look for: terms for the phrases a text uses, phrases for its terms."""
        added: list[str] = []
        for entry, _, is_term in self.find(text):
            here = self.entries[entry]
            added += here.say if is_term else [*here.terms, here.english]
        return list(dict.fromkeys(form for form in added if form))

    def bridges(self, left: str, right: str, *, limit: int = 3) -> list[Bridge]:
        """The entries that one text says in everyday words and the other by the field's term."""
        here, there = ({f.entry: f for f in self.find(text)} for text in (left, right))
        return [
            Bridge(
                said=(there[entry] if here[entry].is_term else here[entry]).written,
                term=self.entries[entry].terms[0],
            )
            for entry in sorted(here.keys() & there.keys())
            if here[entry].is_term != there[entry].is_term
        ][:limit]


def read_lexicon(path: Path = BUNDLED_LEXICON) -> list[Entry]:
    """The entries of a `;` file with the columns say, term, english, discipline.

    Several phrases or terms of one entry are set apart by ` | `. Raises ValueError with the line
    of an entry without phrase or term.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, delimiter=";")
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ValueError(f"{path.name}: expected the columns {COLUMNS}")
        return [_entry(row, reader.line_num, path.name) for row in reader]


def _entry(row: dict[str, str], line: int, name: str) -> Entry:
    say, terms = _split(row["say"]), _split(row["term"])
    if not (say and terms):
        raise ValueError(f"{name}, line {line}: an entry needs a phrase and a term")
    return Entry(terms, say, row["english"].strip(), row["discipline"].strip())


def _split(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(SEPARATOR.strip()) if part.strip())


def _form(written: str, entry: int, *, is_term: bool) -> _Form:
    """How a form is recognised; by nothing where it comes down to one short word."""
    # A whole lexicon is read before the first search: no Token a word.
    found = tuple(dict.fromkeys(stems(written)))
    if len(found) != 1:
        return _Form(found, "", entry, is_term)
    word = tokens(written)[0].written
    if len(word) < SHORTEST_LONE_WORD and not (word.isupper() and len(word) > 1):
        return _Form((), "", entry, is_term)
    # One stem alone is too little: « les communs » is no commune, « pouvoir d'achat » no purchase.
    return _Form(found, _fold(written).removesuffix("s"), entry, is_term)


def _stands_in(literal: str, folded: str) -> bool:
    """Whether the words of `literal`, if any, stand in a folded text, plural or not."""
    return not literal or any(f" {literal}{end} " in folded for end in ("", "s"))


def _fold(text: str) -> str:
    """Lower-case letters without accents, one space between words."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(NOT_LETTERS.sub(" ", bare).split())


def _span(form: Sequence[str], places: dict[str, list[int]]) -> tuple[int, int] | None:
    """The first and last place of the words of `form` where they stand close together, if any."""
    if any(stem not in places for stem in form):
        return None
    for start in places[form[0]]:
        chosen = [min(places[stem], key=lambda place: abs(place - start)) for stem in form]
        first, last = min(chosen), max(chosen)
        if last - first < len(form) + SLACK:
            return first, last
    return None
