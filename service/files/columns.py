"""Which column is which, and what the short answers in its cells mean."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from service.errors import Refused
from service.files.table import Row

FIELDS = (
    "id",
    "organisation",
    "college",
    "title",
    "text",
    "sector",
    "discipline",
    "territory",
    "kind",
    "contact_name",
    "contact_email",
    "consent",
    "date",
)

# In French and English, the most telling first; case, accents, plurals and articles do not matter.
NAMES: dict[str, tuple[str, ...]] = {
    "id": (
        *("id", "identifiant", "identifier", "n°", "no", "num", "numéro", "number"),
        *("ref", "référence"),
    ),
    "organisation": (
        *(
            "organisation",
            "organization",
            "structure",
            "nom de la structure",
            "association",
            "asso",
        ),
        *("nom de l'association", "bénéficiaire", "beneficiary", "organisme", "porteur"),
        *("établissement", "laboratoire", "labo", "laboratory", "lab", "unité de recherche"),
        *("raison sociale", "dénomination", "institution", "entreprise"),
    ),
    "college": (
        *("collège", "type de structure", "type d'organisation", "type d'organisme"),
        *("type d'acteur", "type of organisation", "nature de la structure", "nature juridique"),
        *("forme juridique", "statut juridique", "catégorie juridique", "organisation type"),
    ),
    "title": (
        *("titre", "intitulé", "title", "nom du projet", "titre du projet", "projet"),
        *("project", "project name", "nom de l'action", "libellé"),
    ),
    "text": (
        *("texte", "problème", "problématique", "problem", "description", "besoin", "need"),
        *("résumé", "abstract", "summary", "text", "énoncé", "statement", "objet"),
        *("objet de la subvention", "sujet", "subject", "question"),
    ),
    "sector": (
        *("secteur", "sector", "secteur d'activité", "thématique", "thème", "theme", "topic"),
        *("domaine d'activité", "domaine d'intervention", "field", "domaine"),
    ),
    "discipline": (
        *("discipline", "domaine scientifique", "section cnu", "cnu", "domaine de recherche"),
        *("scientific field", "research field"),
    ),
    # The code first: it is unambiguous, and many communes share a name.
    "territory": (
        *("code insee", "code commune", "insee", "commune", "territoire", "territory", "ville"),
        *("city", "town", "municipality", "localité", "lieu", "place", "code postal"),
    ),
    "kind": ("nature", "type", "kind", "nature de la demande", "type de fiche"),
    "contact_name": (
        *("contact", "nom du contact", "contact name", "personne à contacter", "interlocuteur"),
        *("référent", "responsable", "contact person"),
    ),
    "contact_email": (
        *("e-mail", "email", "courriel", "mail", "mél", "adresse e-mail", "adresse mail"),
        *("adresse électronique", "email address", "contact email", "e-mail du contact"),
    ),
    "consent": (
        *("consentement", "consent", "accord", "accord de publication", "publication"),
        *("autorisation", "autorisation de publication", "rgpd"),
    ),
    "date": ("date", "date de dépôt", "date de création", "année", "year", "exercice", "millésime"),
}

# With the s of "thématique(s)".
ARTICLES = frozenset("d de des du en et l la le les of s the un une a au aux".split())
# Numbers of a person or of an organisation: neither a statement's id nor anything we keep.
UNUSED = frozenset("telephone tel phone mobile siret siren".split())
# A column of names or codes is no statement.
LEAST_TEXT_CHARACTERS = 20
ROWS_LOOKED_AT = 500

COLLEGES = {
    "association": (
        *("association", "associatif", "asso", "ong", "ngo", "loi 1901", "1901", "collectif"),
        *("fondation", "société civile", "société savante", "civil society", "non profit"),
    ),
    "academic": (
        *("academic", "académique", "université", "university", "universitaire", "laboratoire"),
        *("labo", "recherche", "research", "chercheur", "enseignement supérieur", "grande école"),
        *("cnrs", "inserm", "inrae", "umr", "établissement de recherche"),
        *("organisme de recherche", "organisme public de recherche", "laboratoire public"),
    ),
    "public": (
        *("public", "mairie", "commune", "ville", "collectivité", "municipalité", "état"),
        *("département", "région", "epci", "métropole", "préfecture", "ministère", "hôpital"),
        *("syndicat mixte", "communauté de communes", "entreprise publique", "government"),
        *("administration", "secteur public", "service public"),
    ),
    "private": (
        *("private", "privé", "entreprise", "société", "company", "business", "sarl", "sas"),
        *("scop", "coopérative", "start up", "startup", "artisan", "commerçant", "sa"),
    ),
}

KINDS = {
    "problem": (
        *("problem", "problème", "problématique", "besoin", "need", "difficulté", "demande"),
    ),
    "offer": (*("offer", "offre", "savoir", "ressource", "resource", "compétence", "expertise"),),
    "interest": ("interest", "intérêt", "recherche", "research", "centre d'intérêt"),
    "course": (
        *("course", "cours", "enseignement", "formation", "teaching", "training"),
        *("offre de formation", "offre de cours", "module"),
    ),
}

YES = frozenset("oui o x 1 true vrai yes y ok accord daccord ✓ ✔".split())
NO = frozenset(("", *"non n 0 false faux no refus aucun".split()))

ISO_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ]\d{2}:\d{2}.*)?")
FRENCH_DATE = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})(?: \d{2}:\d{2}.*)?")
YEAR = re.compile(r"\d{4}")
# What is typed on two digits is recent or to come; a birth in 1940 is none of our dates.
FIRST_YEAR_OF_LAST_CENTURY = 70
YEARS = range(1900, 2101)


Words = list[str]
Rank = tuple[int, float, int, int]
"""Smaller is better: a whole name, then the part of one that says most and comes first."""


def fold(name: str) -> str:
    """The name without case, accents or punctuation: two names are the same when these are."""
    plain = unicodedata.normalize("NFKD", name.casefold().replace("œ", "oe").replace("æ", "ae"))
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return " ".join(re.findall(r"[^\W_]+", letters))


def guess_columns(columns: Sequence[str], rows: Sequence[Row]) -> dict[str, str]:
    """Field to column, each column for one field, for those whose name tells it.

    When no name tells where the statement is, it is the column with the longest texts.
    """
    words = [_telling_words(column) for column in columns]
    matches = sorted(
        (rank, FIELDS.index(field), place, field)
        for field in FIELDS
        for rank, place in _ranked(words, field)
    )
    chosen: dict[str, int] = {}
    for _, _, place, field in matches:
        if field not in chosen and place not in chosen.values():
            chosen[field] = place
    if "text" not in chosen:
        longest = _longest_column(len(columns), rows, taken=frozenset(chosen.values()))
        if longest is not None:
            chosen["text"] = longest
    return {field: columns[chosen[field]] for field in FIELDS if field in chosen}


def _ranked(columns: Sequence[Words], field: str) -> Iterator[tuple[Rank, int]]:
    names = [_telling_words(name) for name in NAMES[field]]
    for place, words in enumerate(columns):
        # "Date de publication" is a date and no consent, whatever else it says.
        elsewhere = words[:1] == ["date"] and field != "date"
        if elsewhere or not UNUSED.isdisjoint(words):
            continue
        ranks = (_rank(words, name, order=order) for order, name in enumerate(names))
        best = min(filter(None, ranks), default=None)
        if best is not None:
            yield best, place


def _rank(words: Words, name: Words, *, order: int) -> Rank | None:
    if words == name:
        return 0, 0.0, 0, order
    start = _find(name, words)
    return None if start is None else (1, -len(name) / len(words), start, order)


def _telling_words(name: str) -> Words:
    # The cut makes one word of "thème" and "thèmes".
    words = [word for word in fold(name).split() if word not in ARTICLES]
    return [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words]


def _find(wanted: Words, words: Words) -> int | None:
    places = range(len(words) - len(wanted) + 1)
    return next((p for p in places if words[p : p + len(wanted)] == wanted), None)


def _longest_column(count: int, rows: Sequence[Row], *, taken: frozenset[int]) -> int | None:
    looked_at = rows[:ROWS_LOOKED_AT]
    lengths = {
        place: sum(len(row.cells[place]) for row in looked_at) / max(len(looked_at), 1)
        for place in range(count)
        if place not in taken
    }
    longest = max(lengths, key=lambda place: lengths[place], default=None)
    if longest is None or lengths[longest] < LEAST_TEXT_CHARACTERS:
        return None
    return longest


def apply_mapping(given: Mapping[str, str], columns: Sequence[str]) -> dict[str, str]:
    """The given field to column, in the columns' own spelling; refused when either is unknown."""
    spelling = {fold(column): column for column in columns}
    mapping: dict[str, str] = {}
    for field, column in given.items():
        if field not in FIELDS:
            raise Refused(f"Champ inconnu : « {field} ». Les champs sont : {', '.join(FIELDS)}.")
        # A name made of signs only folds to nothing: it must then be given exactly.
        found = column if column in columns else spelling.get(fold(column) or column)
        if found is None:
            raise Refused(
                f"Colonne inconnue : « {column} ». Les colonnes sont : {', '.join(columns)}."
            )
        mapping[field] = found
    return mapping


def parse_consent(answer: str) -> bool | None:
    """An empty answer is no consent; None is an answer we do not understand."""
    plain = answer.strip()
    folded = fold(plain).replace(" ", "") or plain
    if folded in YES:
        return True
    return False if folded in NO else None


def parse_date(typed: str) -> date | None:
    """None when empty, the first of January for a year alone."""
    plain = typed.strip()
    if not plain:
        return None
    try:
        found = date(*_date_parts(plain))
    except ValueError as error:
        raise _unknown_date(typed) from error
    if found.year not in YEARS:
        raise _unknown_date(typed)
    return found


def _date_parts(plain: str) -> tuple[int, int, int]:
    if YEAR.fullmatch(plain):
        return int(plain), 1, 1
    iso = ISO_DATE.fullmatch(plain)
    if iso:
        year, month, day = map(int, iso.groups())
        return year, month, day
    french = FRENCH_DATE.fullmatch(plain)
    if french is None:
        raise ValueError(plain)
    day, month, year = map(int, french.groups())
    if len(french[3]) == len("AA"):
        year += 1900 if year >= FIRST_YEAR_OF_LAST_CENTURY else 2000
    return year, month, day


def _unknown_date(typed: str) -> ValueError:
    return ValueError(f"Date non comprise : « {typed} ». Écrivez AAAA-MM-JJ ou JJ/MM/AAAA.")


def parse_college(typed: str) -> str:
    """One of association, academic, public, private, or nothing when nothing is typed."""
    return _first_named(typed, COLLEGES, expected="association, université, collectivité ou privé")


def parse_kind(typed: str) -> str:
    """One of problem, offer, interest, course, or nothing when nothing is typed."""
    return _first_named(typed, KINDS, expected="problème, offre, intérêt ou cours")


def _first_named(typed: str, vocabulary: Mapping[str, Sequence[str]], *, expected: str) -> str:
    """What is named first: « besoin de formation » is a need; of two there, the longer name."""
    words = _telling_words(typed)
    if not words:
        return ""
    found = [
        (start, -len(wanted), meaning)
        for meaning, names in vocabulary.items()
        for name in names
        if (start := _find(wanted := _telling_words(name), words)) is not None
    ]
    if not found:
        raise ValueError(f"Réponse non comprise : « {typed} ». Écrivez {expected}.")
    return min(found)[2]
