"""Who says what each table may hold of a person; the order is that of an erasure.

A table or a column that is missing here fails a test: who adds one says what it holds of people.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import Session

from service.rgpd.identity import Sought
from service.store.forgetting import (
    forget_contacts,
    forget_organisations,
    forget_statements,
    hold_contacts,
    hold_statements,
)
from service.store.forgetting_accounts import (
    forget_accounts,
    forget_answers_kept,
    forget_owned,
    forget_queries,
    hold_nothing,
    hold_owned,
)
from service.store.holdings import (
    Forgetting,
    Forgotten,
    Holding,
    Mention,
    find_mentions,
    hold_rows,
    is_signature,
    mask_rows,
    read_rows,
    write_row,
)
from service.tables import (
    Account,
    ApiToken,
    Audit,
    Contact,
    Decision,
    GroupEdit,
    Grouping,
    GroupPlace,
    GroupRow,
    Identity,
    Import,
    Job,
    KnownRelation,
    LexiconRow,
    Membership,
    Once,
    Organisation,
    Orphan,
    Pairing,
    Revision,
    RightsRequest,
    RightsSecret,
    Run,
    SavedAnswer,
    SavedQuery,
    SignIn,
    SignInCode,
    Sociopole,
    StatementContact,
    StatementRow,
    Territory,
    TerritoryParent,
    Vector,
    WeightsRow,
)

HOLDINGS: tuple[Holding, ...] = (
    Holding(
        Contact,
        "contacts",
        words=("name", "email"),
        is_person=True,
        forget=forget_contacts,
        hold=hold_contacts,
    ),
    Holding(
        StatementRow,
        "contributions",
        words=(
            "reference",
            "public_id",
            "title",
            "text",
            "sector_written",
            "discipline_written",
        ),
        neutral=("kind", "sector", "discipline", "territory_id", "text_hash"),
        forget=forget_statements,
        hold=hold_statements,
    ),
    Holding(
        Organisation,
        "structures",
        words=("name",),
        neutral=("name_key", "college"),
        forget=forget_organisations,
    ),
    Holding(KnownRelation, "relations connues", words=("note",), neutral=("since",)),
    Holding(
        Import,
        "imports",
        traces=("file_name", "columns", "report"),
        neutral=("file_hash", "kind"),
    ),
    Holding(LexiconRow, "lexique", words=("term_key", "say", "terms"), neutral=("state",)),
    Holding(Pairing, "rapprochements", made=("reasons",), neutral=("bars", "alternates")),
    Holding(Orphan, "sans réponse", made=("why",)),
    Holding(
        Decision,
        "décisions",
        signed=("by",),
        words=("words",),
        neutral=("action", "reason", "pairs", "filter"),
    ),
    Holding(
        GroupEdit,
        "modifications de groupes",
        signed=("by",),
        words=("why", "content"),
        neutral=("action",),
    ),
    Holding(
        Grouping,
        "regroupements",
        signed=("by",),
        made=("lost_titles",),
        neutral=("fingerprint", "content", "settings", "advice", "merges"),
    ),
    Holding(
        GroupRow, "groupes", made=("title", "terms"), neutral=("name", "stability", "partners")
    ),
    Holding(
        WeightsRow,
        "poids des barres",
        signed=("by",),
        neutral=("action", "by_bar", "fingerprint", "measure"),
    ),
    Holding(
        Job,
        "tâches de fond",
        signed=("by",),
        traces=("arguments", "key", "message", "result", "error"),
        neutral=("kind", "state", "worker", "claim"),
    ),
    Holding(
        SavedQuery,
        "recherches gardées",
        words=("text", "limits"),
        secret=("stop_hash",),
        owner="account_id",
        forget=forget_queries,
        hold=hold_owned,
    ),
    Holding(SavedAnswer, "réponses aux recherches gardées", made=("sentence",)),
    Holding(
        SignIn,
        "sessions ouvertes",
        words=("network",),
        secret=("secret_hash",),
        owner="account_id",
        is_person=True,
        forget=forget_owned,
        hold=hold_owned,
    ),
    Holding(
        SignInCode,
        "codes de connexion",
        secret=("browser_hash", "code_hash"),
        owner="account_id",
        is_person=True,
        forget=forget_owned,
        hold=hold_owned,
    ),
    Holding(
        ApiToken,
        "clés",
        words=("name",),
        neutral=("scopes", "prefix"),
        secret=("secret_hash",),
        owner="account_id",
        is_person=True,
        forget=forget_owned,
        hold=hold_owned,
    ),
    Holding(
        Identity,
        "identités chez un fournisseur",
        words=("issuer", "subject"),
        owner="account_id",
        is_person=True,
        forget=forget_owned,
        hold=hold_owned,
    ),
    Holding(
        Membership,
        "rôles",
        neutral=("role",),
        owner="account_id",
        is_person=True,
        forget=forget_owned,
        hold=hold_owned,
    ),
    Holding(
        Audit,
        "journal d'audit",
        traces=("about", "detail"),
        neutral=("action",),
        owner="account_id",
        hold=hold_owned,
    ),
    Holding(
        Once,
        "réponses gardées un jour",
        traces=("body",),
        neutral=("media_type",),
        secret=("key_hash", "request_hash"),
        forget=forget_answers_kept,
        hold=hold_nothing,
    ),
    Holding(
        Account,
        "comptes",
        words=("email", "email_key", "name"),
        neutral=("locale",),
        secret=("password_hash",),
        owner="id",
        is_person=True,
        forget=forget_accounts,
        hold=hold_owned,
    ),
)
"""Contacts first, accounts last: the one is found by its organisation, the other finds its own."""

TABLES = frozenset({*(h.table.__tablename__ for h in HOLDINGS), "statement_contact", "vector"})
"""All that an erasure may have touched, also by way of another table."""

HOLDS_NOBODY = (
    GroupPlace,  # where a statement stands
    Revision,
    RightsRequest,  # salted hashes
    RightsSecret,
    Run,
    Sociopole,
    StatementContact,  # goes with the contact
    Territory,
    TerritoryParent,
    Vector,  # of a text, and goes with it
)


def mentions_of(session: Session, sought: Sought) -> Iterator[Mention]:
    """Where a person is named, but for their own contact and account."""
    for holding in HOLDINGS:
        if not holding.is_person:
            yield from find_mentions(session, holding, sought)


def held_of(session: Session, sought: Sought) -> dict[str, list[dict[str, Any]]]:
    """The rows that hold something of a person, by table; tables without any are left out."""
    held = {
        holding.table.__tablename__: (holding.hold or hold_rows)(session, holding, sought)
        for holding in HOLDINGS
    }
    return {table: rows for table, rows in held.items() if rows}


def forget_person(session: Session, forgetting: Forgetting) -> dict[str, Forgotten]:
    """Take a person out of every table; what happened to each, those left alone aside."""
    done = {
        holding.table.__tablename__: (holding.forget or mask_rows)(session, holding, forgetting)
        for holding in HOLDINGS
    }
    return {table: forgotten for table, forgotten in done.items() if any(forgotten)}


def sign_as(session: Session, sought: Sought, name: str) -> int:
    """Sign by another name what a person did; returns how many rows changed."""
    changed = 0
    for holding in HOLDINGS:
        for row in read_rows(session, holding) if holding.signed else ():
            values = {c: name for c in holding.signed if is_signature(sought, getattr(row, c))}
            if values:
                write_row(session, holding, row, values)
                changed += 1
    return changed


def label_of(table: str) -> str:
    """A table's name for a reader."""
    return next(h.label for h in HOLDINGS if h.table.__tablename__ == table)
