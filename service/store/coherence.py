"""Whether rows agree with each other where no foreign key can say so.

Of two rows that belong together, one of another sociopôle would show to some what is others'.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.tables import (
    Decision,
    GroupEdit,
    Grouping,
    GroupPlace,
    GroupRow,
    KnownRelation,
    Membership,
    Organisation,
    Orphan,
    Pairing,
    Revision,
    Run,
    StatementRow,
)

Owners = Mapping[int, int]
"""The sociopôle of each row, by its number."""


class _Known(NamedTuple):
    statements: Owners
    organisations: Owners
    runs: Owners
    groupings: Owners


def incoherences(session: Session) -> Iterator[str]:
    """What does not agree, in French."""
    known = _Known(
        *(
            {row.id: row.sociopole_id for row in session.execute(select(t.id, t.sociopole_id))}
            for t in (StatementRow, Organisation, Run, Grouping)
        )
    )
    yield from _strangers(session, known)
    yield from _strange_proposals(session, known)
    yield from _decisions(session, known.statements)
    yield from _groups(session, known)
    yield from _edits(session, known)
    yield from _future(session)


def _strangers(session: Session, known: _Known) -> Iterator[str]:
    """Organisations of another sociopôle than what names them."""
    statements = select(StatementRow.id, StatementRow.organisation_id, StatementRow.sociopole_id)
    for row in session.execute(statements.where(StatementRow.organisation_id.is_not(None))):
        if known.organisations.get(row.organisation_id) != row.sociopole_id:
            yield f"contribution {row.id} : sa structure est d'un autre sociopôle"
    for relation in session.execute(select(KnownRelation.left_id, KnownRelation.right_id)):
        if len({known.organisations.get(side) for side in relation}) > 1:
            sides = f"structures {relation.left_id} et {relation.right_id}"
            yield f"{sides} : elles se connaissent d'un sociopôle à l'autre"
    members = select(Membership).where(Membership.organisation_id.is_not(None))
    for member in session.execute(members).scalars():
        if known.organisations.get(member.organisation_id or 0) != member.sociopole_id:
            yield f"compte {member.account_id} : sa structure est d'un autre sociopôle"


def _strange_proposals(session: Session, known: _Known) -> Iterator[str]:
    """Pairings and orphans whose statements are of another sociopôle than their run."""
    columns = (Pairing.run_id, Pairing.rank, Pairing.left_id, Pairing.right_id, Pairing.alternates)
    for row in session.execute(select(*columns)):
        ids = (row.left_id, row.right_id, *row.alternates)
        name = f"rapprochement {row.rank} du passage {row.run_id}"
        yield from _statements_of(name, ids, known.runs.get(row.run_id), known.statements)
    for orphan in session.execute(select(Orphan.run_id, Orphan.statement_id)):
        name = f"sans réponse du passage {orphan.run_id}"
        owner = known.runs.get(orphan.run_id)
        yield from _statements_of(name, [orphan.statement_id], owner, known.statements)


def _decisions(session: Session, statements: Owners) -> Iterator[str]:
    """Decisions on statements that are not there, and undoings of what others decided."""
    rows = session.execute(
        select(Decision.id, Decision.sociopole_id, Decision.pairs, Decision.undoes_id)
    ).all()
    owners = {row.id: row.sociopole_id for row in rows}
    for row in rows:
        ids = [i for pair in row.pairs for i in pair[:2]]
        yield from _statements_of(f"décision {row.id}", ids, row.sociopole_id, statements)
        yield from _undoing(f"décision {row.id}", row.undoes_id, row.sociopole_id, owners)


def _groups(session: Session, known: _Known) -> Iterator[str]:
    """Groupings may cross sociopôles: what they name must only be there."""
    names = {tuple(row) for row in session.execute(select(GroupRow.grouping_id, GroupRow.name))}
    columns = (GroupPlace.grouping_id, GroupPlace.name, GroupPlace.statement_id)
    for grouping, name, statement in session.execute(select(*columns)):
        if name and (grouping, name) not in names:
            yield f"regroupement {grouping} : la contribution {statement} est d'un groupe absent"
    groups = select(GroupRow.grouping_id, GroupRow.name, GroupRow.partners)
    for grouping, name, partners in session.execute(groups):
        ids = [partner["statement"] for partner in partners]
        label = f"groupe {name} du regroupement {grouping}"
        yield from _statements_of(label, ids, None, known.statements)
    bases = select(Grouping.id, Grouping.sociopole_id, Grouping.base_id)
    for row in session.execute(bases):
        yield from _undoing(
            f"regroupement {row.id}", row.base_id, row.sociopole_id, known.groupings
        )


def _edits(session: Session, known: _Known) -> Iterator[str]:
    rows = session.execute(
        select(GroupEdit.id, GroupEdit.sociopole_id, GroupEdit.content, GroupEdit.undoes_id)
    ).all()
    owners = {row.id: row.sociopole_id for row in rows}
    for row in rows:
        name = f"modification de groupes {row.id}"
        yield from _statements_of(name, _named_in(row.content), None, known.statements)
        yield from _undoing(name, row.undoes_id, row.sociopole_id, owners)


def _named_in(content: Mapping[str, Any]) -> list[int]:
    """The statements that an edit of groups names; 0 stands for none."""
    groups = [i for group in content.get("groups", []) for i in group]
    return [i for i in (*groups, content.get("statement"), content.get("anchor")) if i]


def _future(session: Session) -> Iterator[str]:
    """Nothing may bear a number that the counter has not given yet."""
    last = session.execute(select(Revision.value)).scalar_one()
    for table, what in (
        (StatementRow, "contribution"),
        (Run, "passage"),
        (Grouping, "regroupement"),
    ):
        ids = select(table.id).where(table.revision > last).order_by(table.id)
        for identity in session.execute(ids).scalars():
            yield f"{what} {identity} : porte un numéro que le compteur n'a pas donné"


def _statements_of(
    name: str, ids: Iterable[int], owner: int | None, statements: Owners
) -> Iterator[str]:
    """Statements that are not there, or not of this sociopôle (None: of any)."""
    for identity in dict.fromkeys(ids):
        found = statements.get(identity)
        if found is None:
            yield f"{name} : renvoie à la contribution {identity}, qui n'existe pas"
        elif owner is not None and found != owner:
            yield f"{name} : la contribution {identity} est d'un autre sociopôle"


def _undoing(name: str, earlier: int | None, owner: int, owners: Owners) -> Iterator[str]:
    if earlier is not None and owners.get(earlier, owner) != owner:
        yield f"{name} : porte sur ce qui est d'un autre sociopôle"
