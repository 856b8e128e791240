"""The bridge lexicon of a sociopôle: the bundled entries, its own, and those it switches off."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from matcher.lexicon.lexicon import Entry, Lexicon
from matcher.lexicon.proposals import propose_entries
from matcher.statements import Kind
from service.database import now, read, write
from service.errors import NotFound, Refused
from service.resources import Resources
from service.store.lexicon import OwnEntry, State, own_entries, put_entry, term_key
from service.store.pairings import latest_run
from service.store.readings import hold_reading, note_reading
from service.store.sociopoles import get_sociopole, lock_sociopole, sociopole_id
from service.store.statements import statements_by_id

LONGEST_FORM = 120


def lexicon_of(resources: Resources, session: Session, sociopole_id: int | None) -> Lexicon:
    """The entries in use in a sociopôle; the bundled ones where none is named."""
    own = own_entries(session, sociopole_id) if sociopole_id is not None else {}
    if not own:
        return resources.lexicon
    recent = resources.recent
    return recent.find(
        recent.lexicons,
        tuple(own.items()),
        lambda: Lexicon(_used(resources.lexicon.entries, own)),
    )


def show_lexicon(resources: Resources, slug: str) -> dict[str, Any]:
    """A sociopôle's own entries, and how many bundled ones stand beside them."""
    with read(resources.engine) as session:
        own = own_entries(session, sociopole_id(session, slug))
    return {
        "sociopole": slug,
        "bundled": len(resources.lexicon),
        "own": [
            {"terms": list(entry.terms), "say": list(entry.say), "state": str(entry.state)}
            for entry in own.values()
        ],
    }


def add_entry(resources: Resources, slug: str, *, terms: Sequence[str], say: Sequence[str]) -> None:
    """Add a sociopôle's own entry, or its own phrases to a bundled one. Raises Refused."""
    terms, say = _clean(terms), _clean(say)
    if not terms or not say:
        raise Refused("Donnez au moins un terme (--term) et une façon de le dire (--say).")
    with write(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        before = own_entries(session, sociopole.id).get(term_key(terms[0]))
        if before:
            terms = _clean([*before.terms, *terms])
            say = _clean([*before.say, *say])
        put_entry(session, sociopole.id, terms, say, State.ON, now())


def switch_entry(resources: Resources, slug: str, term: str, *, on: bool) -> None:
    """Use an entry, bundled, own or proposed, or stop using it. Raises NotFound for no entry."""
    with write(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        own = own_entries(session, sociopole.id).get(term_key(term))
        bundled = _bundled(resources.lexicon.entries).get(term_key(term))
        if own is None and bundled is None:
            raise NotFound(
                f"Le lexique n'a pas d'entrée « {term} » : "
                f"« sociopoles lexicon list {slug} » montre les vôtres, "
                f"« sociopoles lexicon find » cherche dans toutes."
            )
        terms = own.terms if own else bundled.terms if bundled else (term,)
        state = State.ON if on else State.OFF
        put_entry(session, sociopole.id, terms, own.say if own else (), state, now())


def propose_from_pairing(resources: Resources, slug: str, rank: int) -> dict[str, Any]:
    """Keep what an accepted pairing of the last run suggests, until a person switches it on.

    Raises NotFound for a pairing that is not there, Refused where no side speaks as a researcher.
    """
    with read(resources.engine) as session:
        sociopole, reading = get_sociopole(session, slug), note_reading(session)
        run = latest_run(session, sociopole.id)
        pairing = next((p for p in run.pairings if p.rank == rank), None) if run else None
        if pairing is None:
            raise NotFound(
                f"Le rapprochement {rank} n'existe pas dans le dernier calcul : "
                f"« sociopoles suggest {slug} » en propose, avec leur rang."
            )
        views = statements_by_id(session, [pairing.left, pairing.right])
        own = own_entries(session, sociopole.id)
    sides = {view.statement.kind: view.statement.passage for view in views}
    scholarly = sides.get(Kind.INTEREST) or sides.get(Kind.COURSE)
    everyday = sides.get(Kind.PROBLEM) or sides.get(Kind.OFFER)
    if not scholarly or not everyday:
        raise Refused(
            "Le lexique relie les mots de tous les jours à ceux d'une discipline : choisissez un "
            "rapprochement entre une problématique et un intérêt de recherche."
        )
    known = {*own, *_bundled(resources.lexicon.entries)}
    proposals = propose_entries(everyday, scholarly, resources.encoder, known=known)
    with write(resources.engine) as session:
        lock_sociopole(session, sociopole.id)
        hold_reading(session, reading)
        for proposal in proposals:
            put_entry(
                session, sociopole.id, [proposal.term], [proposal.said], State.PROPOSED, now()
            )
    return {"sociopole": slug, "proposed": [proposal._asdict() for proposal in proposals]}


def find_entries(resources: Resources, text: str) -> dict[str, Any]:
    """The bundled entries met in a text, or that have it in their forms."""
    wanted = term_key(text)
    met = {found.entry for found in resources.lexicon.find(text)}
    entries = [
        entry
        for number, entry in enumerate(resources.lexicon.entries)
        if number in met or any(wanted in form.casefold() for form in (*entry.terms, *entry.say))
    ]
    return {
        "entries": [
            {
                "terms": list(entry.terms),
                "say": list(entry.say),
                "english": entry.english,
                "discipline": entry.discipline,
            }
            for entry in entries
        ]
    }


def _used(bundled: Sequence[Entry], own: dict[str, OwnEntry]) -> list[Entry]:
    used = []
    rest = dict(own)
    for entry in bundled:
        mine = rest.pop(term_key(entry.terms[0]), None)
        if mine is None or mine.state == State.PROPOSED:
            used.append(entry)
        elif mine.state == State.ON:
            terms, say = _clean([*entry.terms, *mine.terms]), _clean([*entry.say, *mine.say])
            used.append(Entry(terms, say=say, english=entry.english, discipline=entry.discipline))
    used += [
        Entry(mine.terms, say=mine.say)
        for mine in rest.values()
        if mine.state == State.ON and mine.say
    ]
    return used


def _bundled(entries: Sequence[Entry]) -> dict[str, Entry]:
    return {term_key(entry.terms[0]): entry for entry in entries}


def _clean(forms: Sequence[str]) -> tuple[str, ...]:
    """Each form once, without spaces around it. Raises Refused for one that is a whole text."""
    clean = [" ".join(form.split()) for form in forms]
    # In small letters, some signs are several.
    if long := next((f for f in clean if max(len(f), len(term_key(f))) > LONGEST_FORM), None):
        raise Refused(
            f"« {long[:40]}… » compte {len(long)} caractères : une entrée du lexique tient en "
            f"quelques mots ({LONGEST_FORM} caractères au plus)."
        )
    return tuple(dict.fromkeys(form for form in clean if form))
