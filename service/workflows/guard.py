"""What people asked holds for imports: nobody who was erased or objected comes back by a file."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session

from service.resources import Resources
from service.rgpd.findings import count_kinds, find_personal_data
from service.rgpd.identity import Keys, Salt, Sought
from service.rgpd.ledger import Asked, Line
from service.store.forgetting import forgotten_organisation, forgotten_reference
from service.store.rights import ledger_name, noted_requests
from service.store.statements import StatementDraft
from service.store.territories import name_key
from service.workflows.ledger import open_ledger
from service.workflows.rows import ReadRow

BY_EMAIL = "cette adresse est sur la liste de ceux qui ne veulent pas être repris"
BY_SEAT = "cette personne, à cette structure, ne veut pas être reprise"


@dataclass(slots=True)
class Guard:
    """What an import must leave out; without any request it lets everything through."""

    slug: str
    barred: Sought | None = None
    masked: Sought | None = None
    withdrawn: Collection[str] = ()
    left_out: list[tuple[int, str]] = field(default_factory=list)
    consents_kept: int = 0

    def row(self, row: ReadRow) -> ReadRow:
        """The row without a contact that asked not to come back, nor what names the erased."""
        if any(row.contact) and (why := self._bar(row)):
            self.left_out.append((row.number, why))
            row = replace(row, contact=("", ""))
        if self.masked is None:
            return row
        if self.masked.spans(row.organisation):
            # Under the reference it had: the statement is the same.
            name = forgotten_organisation(self.masked, row.organisation)
            row = replace(row, organisation=name, kept_reference=row.reference)
        if self.masked.spans(row.given_id):
            reference = forgotten_reference(self.masked, row.given_id)
            row = replace(row, given_id=reference, kept_reference=reference)
        return row

    def draft(self, draft: StatementDraft) -> StatementDraft:
        """The draft with the erased masked, unpublished where the consent was withdrawn."""
        if self.masked is not None:
            draft = replace(
                draft,
                title=self.masked.mask(draft.title),
                text=self.masked.mask(draft.text),
                sector_written=self.masked.mask(draft.sector_written),
                discipline_written=self.masked.mask(draft.discipline_written),
            )
        if draft.consent and self.withdrawn and self._is_withdrawn(draft):
            self.consents_kept += 1
            draft = replace(draft, consent=False)
        return draft

    def report(self, rows: Sequence[ReadRow]) -> dict[str, Any]:
        """What an import says of persons, without naming any.

        `left_out`: contacts that asked not to come back; `consents_kept`: how many withdrawn ones
        hold; `lines`: whose text seems to speak of somebody, with how many findings of each kind.
        """
        found = ((row.number, find_personal_data(f"{row.title}\n{row.text}")) for row in rows)
        return {
            "left_out": [{"row": row, "why": why} for row, why in self.left_out],
            "consents_kept": self.consents_kept,
            "lines": [
                {"row": row, "kinds": count_kinds(findings)} for row, findings in found if findings
            ],
        }

    def _bar(self, row: ReadRow) -> str:
        name, email = row.contact
        if self.barred is None:
            return ""
        if self.barred.is_email(email):
            return BY_EMAIL
        return BY_SEAT if name and self.barred.is_seat(name, name_key(row.organisation)) else ""

    def _is_withdrawn(self, draft: StatementDraft) -> bool:
        if self.barred is None:
            return False
        name = ledger_name(self.slug, draft.kind, draft.reference)
        return self.barred.salt.hash("statement", name) in self.withdrawn


def read_guard(
    resources: Resources, session: Session, slug: str, *, authors: bool = False
) -> Guard:
    """What holds now for imports into a sociopôle.

    Authors who write themselves say whether it may be published, whatever was said before.
    """
    lines = noted_requests(session)
    if not lines:
        return Guard(slug)
    salt = open_ledger(resources).salt
    barred, masked, withdrawn = _sum(lines)
    return Guard(
        slug,
        Sought(salt, barred),
        Sought(salt, masked) if masked != Keys() else None,
        frozenset() if authors else withdrawn.statements,
    )


def is_withdrawn(session: Session, salt: Salt, name: str) -> bool:
    """Whether the consent to publish a statement, under its name in the ledger, is withdrawn."""
    return salt.hash("statement", name) in _sum(noted_requests(session))[2].statements


def is_barred(sought: Sought, *, email: str = "", orcid: str = "", idref: str = "") -> bool:
    """Whether somebody found elsewhere is on the list: for connectors."""
    salt, keys = sought.salt, sought.keys
    return (
        sought.is_email(email)
        or bool(orcid and salt.orcid(orcid) in keys.orcids)
        or bool(idref and salt.idref(idref) in keys.idrefs)
    )


def _sum(lines: Sequence[Line]) -> tuple[Keys, Keys, Keys]:
    barred, masked, withdrawn = Keys(), Keys(), Keys()
    for line in lines:
        if line.asked in {Asked.ERASE, Asked.OBJECT}:
            barred |= line.keys
        elif line.asked == Asked.ALLOW:
            barred -= line.keys
        if line.asked == Asked.CONSENT:
            withdrawn -= line.keys
        else:
            withdrawn |= Keys(statements=line.keys.statements)
        if line.asked == Asked.ERASE and line.mask_texts:
            masked |= line.keys
    return barred, masked, withdrawn
