"""Names of persons in a text: after a civility, or a first name beside a capital."""

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent
LOOKED_BACK = 60
WORDS_BACK = 3
LONGEST_WORD = 60

UPPER = "A-ZÀ-ÖØ-Þ\u0100-\u017f"
CAPITAL = rf"[{UPPER}]\w*(?:[-'’][^\W_]\w*)*"
PARTICLE = r"(?:(?:de la|de|du|des|da|dos|van|von|ben|el|al|le)[ \u00a0]|[dl]['’])"
LAST_NAME = re.compile(rf"[ \u00a0]{PARTICLE}?{CAPITAL}(?:[ \u00a0]{PARTICLE}?{CAPITAL}){{0,2}}")
SMALL_NAME = re.compile(r"[ \u00a0](?P<word>[a-zà-ÿ]{3,40}(?:-[a-zà-ÿ]{2,40})?)")
AGE = re.compile(r", \d{1,2} ans\b")
SURNAME_BEFORE = re.compile(
    rf"(?<![\w'’-])(?P<surname>[{UPPER}]{{3,40}}(?:-[{UPPER}]{{2,40}})?)[ \u00a0]$"
)
# One class of characters first: it is what makes the search quick.
START = re.compile(rf"[{UPPER}m](?<![\w-].)(?:(?<=[Mm])(?:\.|M\.)|\w*(?:[-'’][^\W_]\w*)*)(?![\w-])")
ABBREVIATED = frozenset(["Mme", "mme", "Mlle", "mlle", "Mr", "mr"])
CIVILITIES = ABBREVIATED | frozenset(
    """
    M. m. MM. M Mmes mmes Mlles mlles Madame madame Monsieur monsieur Mademoiselle mademoiselle Me
    """.split()
)
TITLES = frozenset("Docteur Docteure Professeur Professeure Dr Dre Pr Pre Maître".split())

# After « Mme », « Madame »: an office, not a name.
OFFICES = frozenset(
    """
    maire maires adjoint adjointe president presidente prefet prefete ministre depute deputee
    senateur senatrice directeur directrice recteur rectrice procureur juge conseiller conseillere
    delegue deleguee le la les l un une des et ou qui que est a en du de notre votre tout dit sait
    monsieur madame tout-le-monde
    """.split()
)
# What bears a name without being a person: « rue Jean Jaurès », « lycée Louise Michel ».
PLACES = frozenset(
    """
    rue avenue av boulevard bd place placette allee allees impasse chemin route quai square passage
    esplanade rond-point pont parc gymnase stade piscine salle ecole college lycee universite campus
    faculte amphi amphitheatre bibliotheque mediatheque ludotheque theatre cinema conservatoire
    hopital clinique ehpad foyer residence cite tour tours batiment immeuble quartier zac zup creche
    maternelle scolaire primaire elementaire centre espace maison fondation institut station gare
    metro tramway arret tram musee eglise chapelle prix bourse bourses programme action actions
    chaire projet loi rapport label villa halle halles hall port promenade association asso club
    amicale comite bois laboratoire labo umr ufr saint sainte st ste notre-dame iut cfa ime esat chu
    chr ccas mjc abbe general marechal colonel commandant complexe sportif omnisport multisport
    groupe chateau parking annexe dojo structure monument mausolee stele tombe
    """.split()
)
# Capitals that follow a first name without being a surname: « France Travail ».
NOT_SURNAMES = frozenset(
    """
    travail services service national nationale regional regionale populaire emploi insertion
    benevolat commune europe universite association centre ville metropole ile sud nord est ouest
    international internationale saint sainte mairie prefecture region departement conseil comite le
    la les et ou du de des tel tél mme mlle
    """.split()
)
ACRONYM = re.compile(r"[^AEIOUYÀ-Ü]+|[AEIOUY]{3,}")


def name_spans(text: str) -> list[tuple[int, int]]:
    """Where a living person seems to be named, in the order of the text."""
    spans: list[tuple[int, int]] = []
    for match in START.finditer(text):
        if not (spans and match.start() < spans[-1][1]) and (span := _span_at(text, match)):
            spans.append(span)
    return spans


def fold(word: str) -> str:
    """A word as it is compared: no accents, no case."""
    return _fold(word) if len(word) <= LONGEST_WORD else word


def is_first_name(word: str) -> bool:
    """Whether a word is one of the usual first names."""
    # « Jean-Baptiste », not « Pierre-Bénite » nor « Charles-de-Gaulle ».
    return all(part in _first_names() for part in fold(word).split("-"))


@lru_cache(maxsize=100_000)
def _fold(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.casefold().replace("œ", "oe"))
    return "".join(c for c in plain if not unicodedata.combining(c)).replace("’", "'")


def _span_at(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    word = match.group()
    if word in CIVILITIES or word in TITLES:
        return _by_civility(text, match)
    return _by_first_name(text, match) if word[0] != "m" else None


def _by_civility(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    word = match.group()
    if word in TITLES and _is_of_a_place(text, match.start()):
        return None
    if word == "M" and text[max(0, match.start() - 2) : match.start() - 1].isdigit():
        return None  # 12 M d'euros
    name = LAST_NAME.match(text, match.end())
    if name:
        words = name.group().split()
        return (
            None if fold(words[-1]) in OFFICES or _is_dead(words) else (match.start(), name.end())
        )
    small = SMALL_NAME.match(text, match.end()) if word in ABBREVIATED else None
    if small and fold(small["word"]) not in OFFICES:
        return match.start(), small.end()
    return None


def _by_first_name(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    if not is_first_name(match.group()) or _is_of_a_place(text, match.start()):
        return None
    name = LAST_NAME.match(text, match.end())
    if name and fold(name.group().split()[-1]) not in NOT_SURNAMES:
        words = [match.group(), *name.group().split()]
        return None if _is_dead(words) else (match.start(), name.end())
    age = AGE.match(text, match.end())
    if age:
        return match.start(), age.end()
    before = SURNAME_BEFORE.search(text, max(0, match.start() - LOOKED_BACK), match.start())
    if before and not match.group().isupper() and _is_surname(before["surname"]):
        return before.start(), match.end()
    return None


def _is_surname(word: str) -> bool:
    folded = fold(word)
    return not (folded in PLACES or folded in NOT_SURNAMES or ACRONYM.fullmatch(word))


def _is_of_a_place(text: str, start: int) -> bool:
    before = re.split(r"[.,;:!?()«»\n]", text[max(0, start - LOOKED_BACK) : start])[-1]
    words = re.findall(r"[\w-]+", before)[-WORDS_BACK:]
    return any(fold(word) in PLACES or fold(word).removesuffix("s") in PLACES for word in words)


def _is_dead(words: list[str]) -> bool:
    """Whether the words are those of a dead person that streets are named after."""
    parts = [part for word in words for part in re.split(r"[-']", fold(word))]
    return any(" ".join(parts[:size]) in _dead_names() for size in range(2, len(parts) + 1))


@lru_cache(maxsize=1)
def _first_names() -> frozenset[str]:
    return frozenset(fold(name) for name in _words("first_names.txt").split())


@lru_cache(maxsize=1)
def _dead_names() -> frozenset[str]:
    lines = _words("dead_names.txt").splitlines()
    return frozenset(" ".join(re.split(r"[-' ]", fold(line))) for line in lines)


def _words(name: str) -> str:
    return (FOLDER / name).read_text("utf-8")
