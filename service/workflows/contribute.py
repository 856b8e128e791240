"""Contribute: write, correct, publish or take back one statement, as its authors or an animator."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from matcher.nomenclature import Tie
from matcher.statements import Kind
from service.catchup import index_committed
from service.database import read, write
from service.errors import Conflict, Forbidden, NotFound, Refused
from service.resources import Resources
from service.store.sociopoles import SociopoleView, get_sociopole, lock_sociopole, organisations
from service.store.statements import (
    Stored,
    find_stored,
    page_of_statements,
    set_deleted,
    statements_by_id,
)
from service.store.territories import name_key
from service.workflows.guard import Guard, read_guard
from service.workflows.rights import remember_consent
from service.workflows.rows import ReadRow, RowReader
from service.workflows.show import show_statement
from service.workflows.take_in import sort_rows, tie_fields, write_sorted

FIELDS = ("organisation", "title", "text", "sector", "discipline", "territory", "consent", "date")
KEPT = {
    "title": "title",
    "text": "text",
    "sector": "sector_written",
    "discipline": "discipline_written",
}
"""Fields that are stored as they were written."""

ANOTHERS = (
    "Cette contribution est maintenant celle d'une autre structure : demandez à l'animation de la "
    "changer."
)

Organisations = frozenset[int] | None
"""The organisations a person may write for; None for all of the sociopôle."""


def list_statements(
    resources: Resources, slug: str, *, kinds: tuple[str, ...] = (), after: int = 0, limit: int = 50
) -> dict[str, Any]:
    """Statements that may be read, by number, and where the next page starts."""
    with read(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        found = page_of_statements(session, sociopole.id, kinds, after=after, limit=limit + 1)
    page = found[:limit]
    more = len(found) > limit
    return {
        "statements": [show_statement(view) for view in page],
        "next": page[-1].statement.id if more else None,
    }


def read_statement(resources: Resources, slug: str, public_id: str) -> dict[str, Any]:
    """One statement, its consent and its version."""
    with read(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        return _shown(session, _found(session, sociopole, public_id))


def add_statement(
    resources: Resources, slug: str, kind: Kind, fields: Mapping[str, str], *, of: Organisations
) -> dict[str, Any]:
    """Write a new statement; the same text of the same organisation again is the one there is."""
    row = _read(kind, fields)
    ties = tie_fields(resources, [row])
    with write(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        lock_sociopole(session, sociopole.id)
        _check_author(session, sociopole, row.organisation, of)
        guard = read_guard(resources, session, slug, authors=True)
        shown = _shown(session, _put(session, sociopole, row, (ties, guard), of))
    remember_consent(resources, slug, shown["id"], consent=shown["consent"], before=False)
    index_committed(resources)
    return shown


def change_statement(
    resources: Resources,
    slug: str,
    public_id: str,
    changes: Mapping[str, str],
    *,
    of: Organisations,
    version: int | None = None,
) -> dict[str, Any]:
    """Correct some fields. Raises Conflict where somebody else changed it since `version`."""
    with read(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        stored = _found(session, sociopole, public_id)
        _check_owner(stored, of)
        _check_version(stored, version)
        shown = _shown(session, stored)
    merged = {name: _written(stored, shown, name) for name in FIELDS} | dict(changes)
    row = _read(Kind(stored.draft.kind), merged | {"id": public_id})
    # Before the write: a new word for a sector is embedded, and kept by a write of its own.
    ties = tie_fields(resources, [row])
    with write(resources.engine) as session:
        lock_sociopole(session, sociopole.id)
        _check_version(_found(session, sociopole, public_id), stored.revision)
        _check_author(session, sociopole, row.organisation, of)
        guard = read_guard(resources, session, slug, authors=True)
        shown = _shown(session, _put(session, sociopole, row, (ties, guard), of))
    remember_consent(
        resources, slug, public_id, consent=shown["consent"], before=stored.draft.consent
    )
    index_committed(resources)
    return shown


def remove_statement(
    resources: Resources, slug: str, public_id: str, *, of: Organisations, deleted: bool = True
) -> None:
    """Take a statement back, or (deleted=False) bring it back."""
    with write(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        lock_sociopole(session, sociopole.id)
        stored = _found(session, sociopole, public_id, deleted=not deleted)
        if not deleted and not _is_of(stored, of):
            # That there was one is not for others to know.
            raise _missing(sociopole, public_id)
        _check_owner(stored, of)
        set_deleted(session, stored.id, deleted=deleted)
    index_committed(resources)


def _read(kind: Kind, fields: Mapping[str, str]) -> ReadRow:
    names = tuple(fields)
    row = RowReader({name: name for name in names}, names, kind).read(1, tuple(fields.values()))
    if isinstance(row, list):
        raise Refused(" ; ".join(f"{error.column} : {error.message}" for error in row) + ".")
    return row


def _put(
    session: Session,
    sociopole: SociopoleView,
    row: ReadRow,
    rules: tuple[Mapping[str, Mapping[str, Tie]], Guard],
    of: Organisations,
) -> Stored:
    """Write a row as somebody who may write for these organisations."""
    ties, guard = rules
    outcome = sort_rows(session, sociopole, [row], ties, {}, guard)
    for before in outcome.met:
        _check_met(before, of)
    if outcome.errors:
        raise Refused(" ; ".join(error.message for error in outcome.errors) + ".")
    try:
        write_sorted(session, sociopole, outcome)
    except IntegrityError:
        if of is None:
            raise
        # Another's that this person may not read: answered as one that they may.
        raise Forbidden(ANOTHERS) from None
    stored = find_stored(session, sociopole.id, row.given_id or row.reference)
    if stored is None:  # the reference was taken by another kind, and got its own public id
        stored = find_stored(session, sociopole.id, f"{row.kind}-{row.reference}")
    if stored is None:
        raise NotFound("Cette contribution n'est plus là : relisez la liste.")
    return stored


def _check_met(before: Stored, of: Organisations) -> None:
    """Whether one may write over what is there, which may have changed hands since."""
    if not _is_of(before, of):
        raise Forbidden(ANOTHERS)
    if before.deleted:
        raise Refused(f"La contribution « {before.public_id} » a été retirée : rétablissez-la.")


def _found(
    session: Session, sociopole: SociopoleView, public_id: str, *, deleted: bool = False
) -> Stored:
    stored = find_stored(session, sociopole.id, public_id)
    if stored is None or stored.deleted != deleted:
        raise _missing(sociopole, public_id)
    return stored


def _missing(sociopole: SociopoleView, public_id: str) -> NotFound:
    return NotFound(f"La contribution « {public_id} » n'existe pas dans {sociopole.slug}.")


def _shown(session: Session, stored: Stored) -> dict[str, Any]:
    [view] = statements_by_id(session, [stored.id])
    draft = stored.draft
    return show_statement(view) | {
        "sector_written": draft.sector_written,
        "discipline_written": draft.discipline_written,
        "consent": draft.consent,
        "date": draft.written_on.isoformat() if draft.written_on else "",
        "version": stored.revision,
    }


def _written(stored: Stored, shown: Mapping[str, Any], name: str) -> str:
    """A field as it would be written in a sheet."""
    if name in KEPT:
        return str(getattr(stored.draft, KEPT[name]))
    if name == "consent":
        return "oui" if stored.draft.consent else "non"
    if name == "territory":
        return stored.draft.territory_id
    return str(shown[name])


def _check_version(stored: Stored, version: int | None) -> None:
    if version is not None and version != stored.revision:
        raise Conflict(
            f"« {stored.public_id} » a changé depuis (version {stored.revision}, vous aviez la "
            f"{version}) : relisez, puis recommencez.",
            [{"version": stored.revision, "title": stored.draft.title, "text": stored.draft.text}],
        )


def _is_of(stored: Stored, of: Organisations) -> bool:
    return of is None or stored.draft.organisation_id in of


def _check_owner(stored: Stored, of: Organisations) -> None:
    if not _is_of(stored, of):
        raise Forbidden("Cette contribution est celle d'une autre structure.")


def _check_author(
    session: Session, sociopole: SociopoleView, organisation: str, of: Organisations
) -> None:
    if of is None:
        return
    everyone = organisations(session, sociopole.id)
    known = everyone.get(name_key(organisation))
    if known is None or known.id not in of:
        mine = [view.name for view in everyone.values() if view.id in of]
        raise Forbidden(
            "Vous écrivez au nom de votre structure : "
            + (", ".join(sorted(mine)) or "demandez à l'animation de vous y rattacher")
            + "."
        )
