"""Forgetting a person in the tables where masking words is not enough."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, select, update
from sqlalchemy.orm import Session

from matcher.statements import passage
from service.rgpd.identity import Sought
from service.store.contacts import (
    ContactView,
    delete_contacts,
    list_contacts,
    statements_of_contacts,
)
from service.store.holdings import (
    Forgetting,
    Forgotten,
    Holding,
    hold_rows,
    masked_values,
    plain,
    read_rows,
    write_row,
)
from service.store.revisions import take_revisions
from service.store.statements import CHUNK, hash_text
from service.store.territories import name_key
from service.tables import Decision, StatementRow, Vector


def contacts_of(session: Session, sought: Sought) -> list[ContactView]:
    """The contacts that are this person: by address, or by name at the same organisation."""
    return [
        view
        for view in list_contacts(session)
        if sought.is_email(view.email) or sought.is_seat(view.name, view.organisation_key)
    ]


def forget_contacts(session: Session, _holding: Holding, forgetting: Forgetting) -> Forgotten:
    """Remove a person's contacts."""
    ids = {view.id for view in contacts_of(session, forgetting.sought)}
    delete_contacts(session, ids)
    return Forgotten(deleted=len(ids))


def hold_contacts(session: Session, _holding: Holding, sought: Sought) -> list[dict[str, Any]]:
    """A person's contacts, with the organisation of each."""
    return [
        {
            name: value.isoformat() if hasattr(value, "isoformat") else value
            for name, value in view._asdict().items()
        }
        for view in contacts_of(session, sought)
    ]


def hold_statements(session: Session, holding: Holding, sought: Sought) -> list[dict[str, Any]]:
    """Statements that came with a person, and those that name them."""
    came = statements_of_contacts(session, {view.id for view in contacts_of(session, sought)})
    rows = hold_rows(session, holding, sought)
    missing = sorted(came - {row["id"] for row in rows})
    names = list(StatementRow.__table__.columns)
    for start in range(0, len(missing), CHUNK):
        part = missing[start : start + CHUNK]
        found = session.execute(select(*names).where(StatementRow.id.in_(part)))
        rows += [plain(row) for row in found]
    return sorted(
        [row | {"came_with_the_person": row["id"] in came} for row in rows],
        key=lambda row: int(row["id"]),
    )


def forget_statements(session: Session, holding: Holding, forgetting: Forgetting) -> Forgotten:
    """Mask a person in texts; what was decided of a text holds for the masked one."""
    sought, changed, left = forgetting.sought, 0, 0
    for row in read_rows(session, holding, "text_hash"):
        values = masked_values(row, holding, forgetting)
        if values:
            title, text = values.get("title", row.title), values.get("text", row.text)
            after = hash_text(passage(title, text))
            forgetting.rewritten[row.text_hash] = after
            for name in {"reference", "public_id"} & set(values):
                values[name] = forgotten_reference(sought, getattr(row, name))
            (revision,) = take_revisions(session, 1)
            write_row(session, holding, row, values | {"text_hash": after, "revision": revision})
            changed += 1
        texts = [values.get(name, getattr(row, name)) for name in holding.words]
        if forgetting.mask_texts:
            words = (word for written in texts for word in sought.surnames_in(written))
            forgetting.common |= {word.folded for word in words}
        else:
            left += any(sought.spans(written) for written in texts)
    _follow_hashes(session, forgetting.rewritten)
    return Forgotten(changed=changed, left=left)


def forget_organisations(session: Session, holding: Holding, forgetting: Forgetting) -> Forgotten:
    """Give another name to an organisation that bears the person's."""
    changed = left = 0
    for row in read_rows(session, holding):
        if not forgetting.sought.spans(row.name):
            continue
        if forgetting.mask_texts:
            name = forgotten_organisation(forgetting.sought, row.name)
            write_row(session, holding, row, {"name": name, "name_key": name_key(name)})
        changed += forgetting.mask_texts
        left += not forgetting.mask_texts
    return Forgotten(changed=changed, left=left)


def forgotten_organisation(sought: Sought, name: str) -> str:
    """The name an organisation gets instead: always the same, so that it is met again."""
    return (
        f"Structure d'une personne effacée {sought.salt.hash('organisation', name_key(name))[:6]}"
    )


def forgotten_reference(sought: Sought, reference: str) -> str:
    """The id a statement gets instead of one that names the person: always the same."""
    return f"efface-{sought.salt.hash('reference', reference)[:12]}"


def forget_stray_vectors(session: Session, kept: set[str]) -> int:
    """Drop vectors of texts that are nobody's any more; `kept` are hashes of official labels."""
    in_use = exists().where(
        StatementRow.text_hash == Vector.text_hash, StatementRow.deleted.is_(False)
    )
    rows = session.execute(select(Vector.text_hash).where(~in_use).distinct()).scalars()
    stray = sorted(set(rows) - kept)
    for start in range(0, len(stray), CHUNK):
        session.execute(delete(Vector).where(Vector.text_hash.in_(stray[start : start + CHUNK])))
    return len(stray)


def _follow_hashes(session: Session, rewritten: Mapping[str, str]) -> None:
    """A masked text is the text that was read: what was set aside stays so."""
    if not rewritten:
        return
    rows = session.execute(select(Decision.id, Decision.pairs)).all()
    for row in rows:
        pairs = [[_rewrite(part, rewritten) for part in pair] for pair in row.pairs]
        if pairs != row.pairs:
            is_row: ColumnElement[bool] = Decision.id == row.id
            session.execute(update(Decision).where(is_row).values(pairs=pairs))


def _rewrite(part: Any, rewritten: Mapping[str, str]) -> Any:  # noqa: ANN401 - a part of JSON
    return rewritten.get(part, part) if isinstance(part, str) else part
