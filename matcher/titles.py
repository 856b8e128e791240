"""A group's key terms and title, in the words of its texts: no stem, no made-up sentence."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import log, log2

import numpy as np

from matcher.encoder import Encoder, Progress, Vectors
from matcher.likeness import without_common_part
from matcher.words import Token, plain, stems, tokens

Key = tuple[str, ...]

TERMS, TITLE_TERMS = 8, 3
LONGEST_TITLE = 200
LONGEST_TERM = 3
"""Words that carry meaning; the small words between them come along."""
LONGER_IS_BETTER = 0.35
"""What each further word adds: « perte d'autonomie » says more than « perte »."""
SHARED_IS_BETTER = 0.6
"""What a term gains each time twice as many texts of the group use it."""
CANDIDATES, CANDIDATES_IN_ALL = 40, 2000
"""Terms whose meaning is compared with the group's: at most so many a group, and in all."""
LINKS = frozenset("de du des d' la le les l' à au aux en".split())
"""Small words that may stand inside a term."""
COMPOUND = re.compile(r"(?:-\w+)*")
"""What a hyphen ties to a word: « rendez-vous », « chauves-souris »."""
DULL = frozenset(
    stem
    for word in """
    aimer aller an année appeler arriver attendre avis besoin bon cas chose commencer comprendre
    connaître continuer croire demander dernier devenir dire donner entendre essayer euro façon
    falloir fin finir gens grand gros heure jour laisser mal manière mieux minute mois moment monde
    nombre nouveau parler part passer penser permettre petit place possible pouvoir premier prendre
    problème question raison regarder rendre rester réponse retrouver savoir semaine seul sortir
    temps tenir tomber trouver venir viennent venu vivre voir voudrait vouloir veut veulent vrai
    vraiment faites soir matin deux trois quatre cinq six sept huit neuf dix onze douze quinze vingt
    trente quarante cinquante soixante cent mille
    """.split()
    for stem in stems(word)
)
"""Stems that begin or end no term: they stand in every story."""


@dataclass(slots=True)
class _Term:
    """How one term occurs in a group: in how many texts, and under which written forms."""

    texts: int = 0
    forms: Counter[str] = field(default_factory=Counter)
    first: int = 0


def find_terms(
    groups: Sequence[Sequence[str]],
    centres: Vectors,
    encoder: Encoder,
    *,
    limit: int = TERMS,
    progress: Progress | None = None,
) -> list[list[str]]:
    """The terms that tell each group of texts from the others, strongest first.

    Candidates by class-based TF-IDF (Grootendorst 2022) over terms of one to three words, counted
    once a text so that a long text does not name its group; then those nearest in meaning to the
    group and far from the others (after KeyBERT, Grootendorst 2020). `centres` `(n_groups, dim)`
    are the groups' mean vectors. A term is shown in the form its authors use most.
    """
    counted = [_count(texts) for texts in groups]
    if not counted:
        return []
    n_candidates = max(10, min(CANDIDATES, CANDIDATES_IN_ALL // len(counted)))
    candidates = _candidates(counted, n_candidates)
    forms = sorted(
        {_most_written(found[key]) for found, keys in zip(counted, candidates, strict=True)
         for key in keys}
    )  # fmt: skip
    place = {form: i for i, form in enumerate(forms)}
    gains = _gains(forms, centres, encoder, progress)
    chosen = []
    for number, (found, keys) in enumerate(zip(counted, candidates, strict=True)):
        weights = {
            key: gains[place[_most_written(found[key])], number]
            * (1 + SHARED_IS_BETTER * log2(found[key].texts))
            for key in keys
        }
        ranked = sorted(keys, key=lambda key: (-round(weights[key], 6), found[key].first, key))
        chosen.append([_most_written(found[key]) for key in _apart(ranked, limit)])
    return chosen


def name_groups(
    terms: Sequence[Sequence[str]], centrals: Sequence[str], taken: Iterable[str] = ()
) -> list[str]:
    """A title for each group, out of its terms; never one twice, nor one that is `taken`.

    `centrals` are the titles of the groups' most central texts, as a last resort.
    """
    taken = {title.casefold() for title in taken}
    titles = []
    for own, central in zip(terms, centrals, strict=True):
        titles.append(_free_title(own, central, taken))
        taken.add(titles[-1].casefold())
    return titles


def _gains(
    forms: Sequence[str], centres: Vectors, encoder: Encoder, progress: Progress | None
) -> Vectors:
    """How much nearer each form is to each group than to the others. `(n_forms, n_groups)`."""
    if not forms:
        return np.zeros((0, len(centres)), dtype=np.float32)
    near = (
        without_common_part(encoder.encode_passages(forms, progress))
        @ without_common_part(centres).T
    )
    others = (near.sum(axis=1, keepdims=True) - near) / max(near.shape[1] - 1, 1)
    return np.asarray(near - others if near.shape[1] > 1 else near, dtype=np.float32)


def _candidates(counted: Sequence[dict[Key, _Term]], limit: int) -> list[list[Key]]:
    everywhere: Counter[Key] = Counter()
    for found in counted:
        for key, term in found.items():
            everywhere[key] += term.texts
    average = sum(everywhere.values()) / len(counted)

    def weight(found: dict[Key, _Term], key: Key) -> float:
        longer = 1 + LONGER_IS_BETTER * (len(key) - 1)
        return found[key].texts * log(1 + average / everywhere[key]) * longer

    return [
        sorted(found, key=lambda key: (-weight(found, key), found[key].first, key))[:limit]
        for found in counted
    ]


def _apart(ranked: Sequence[Key], limit: int) -> list[Key]:
    """The first terms of which none says a word of another: « logement », « logement humide »."""
    chosen: list[Key] = []
    for key in ranked:
        if not any(set(key) & set(other) for other in chosen):
            chosen.append(key)
        if len(chosen) == limit:
            break
    return chosen


def _free_title(terms: Sequence[str], central: str, taken: set[str]) -> str:
    for n in range(min(TITLE_TERMS, len(terms)), len(terms) + 1):
        title = _capital(", ".join(terms[:n]))[:LONGEST_TITLE]
        if title and title.casefold() not in taken:
            return title
    base, number = _capital(" ".join(central.split()))[:LONGEST_TITLE] or "Groupe", 2
    title = base
    while title.casefold() in taken:
        title, number = f"{base} ({number})", number + 1
    return title


def _count(texts: Sequence[str]) -> dict[Key, _Term]:
    found: dict[Key, _Term] = defaultdict(_Term)
    for number, text in enumerate(texts):
        seen: set[Key] = set()
        for key, form in _terms(text):
            term = found[key]
            if not term.forms:
                term.first = number
            term.forms[form] += 1
            if key not in seen:
                seen.add(key)
                term.texts += 1
    return found


def _terms(text: str) -> Iterator[tuple[Key, str]]:
    """Each run of one to three meaning words, as it is written."""
    written = plain(text)
    found = tokens(text)
    shouted = [token.written.isupper() for token in found]
    for start, first in enumerate(found):
        if not _may_stand_alone(first) or written[first.start - 1 : first.start] == "-":
            continue
        for stop in range(start + 1, min(start + LONGEST_TERM, len(found)) + 1):
            run = found[start:stop]
            if len(run) > 1 and not _are_joined(written, run[-2], run[-1]):
                break
            if not _may_stand_alone(run[-1]):
                continue
            # « CAF » alone is an acronym; between other capitals it is only loud.
            loud = any(shouted[max(start - 1, 0) : start]) or any(shouted[stop : stop + 1])
            tail = COMPOUND.match(written, run[-1].end)
            end = tail.end() if tail else run[-1].end
            yield tuple(t.stem for t in run), _form(written[first.start : end], loud=loud)


def _may_stand_alone(token: Token) -> bool:
    return token.stem not in DULL and not token.written[0].isdigit()


def _are_joined(written: str, left: Token, right: Token) -> bool:
    """Whether only spaces and small words of a noun phrase stand between two words."""
    between = written[left.end : right.start].casefold().replace("’", "'")
    words = between.replace("'", "' ").split()
    return "\n" not in between and len(words) <= 2 and all(word in LINKS for word in words)


def _form(written: str, *, loud: bool) -> str:
    """The term in lower case, but for acronyms."""
    words = " ".join(written.split()).replace("’", "'").split(" ")
    quiet = loud or sum(word.isupper() for word in words) > 1
    return " ".join(word if word.isupper() and not quiet else word.lower() for word in words)


def _most_written(term: _Term) -> str:
    return min(term.forms, key=lambda form: (-term.forms[form], form))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
