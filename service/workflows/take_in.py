"""Import: a spreadsheet to statements, all rows or none, with a report that says each error."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from matcher.nomenclature import Nomenclature, Tie, Tied
from service.catchup import index_committed
from service.database import now, read, write
from service.failpoints import failpoint
from service.files.reading import Table, read_table, tidy
from service.resources import Keep, Progress, Resources
from service.store.contacts import keep_contacts
from service.store.imports import save_import
from service.store.sociopoles import (
    SociopoleView,
    add_organisations,
    contacts_of,
    get_sociopole,
    lock_sociopole,
    organisations,
    set_college,
)
from service.store.statements import (
    Existing,
    StatementDraft,
    Stored,
    add_statements,
    existing_statements,
    public_names,
    update_statements,
)
from service.store.territories import choose_place, name_key, territories_within
from service.workflows.guard import Guard, read_guard
from service.workflows.rows import (
    ReadRow,
    RowError,
    RowReader,
    derive_title,
    map_columns,
)

CHOICES_SHOWN = 4
TAKEN_BACK = (
    "la contribution « {} » a été retirée : rétablissez-la d'abord, ou ôtez cette ligne du fichier"
)


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What to import and how; `mapping` is field to column, guessed where it is silent.

    `file_name` is the name people know the file by, where the path bears another.
    """

    path: Path
    sociopole: str
    kind: str
    mapping: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False
    skip_errors: bool = False
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or would do. rows = created + updated + unchanged + duplicates + bad.

    `persons` is what there is to say of people, without naming any: see `Guard.report`.
    """

    rows: int
    created: int
    updated: int
    unchanged: int
    duplicates: int
    errors: list[RowError]
    columns: dict[str, str]
    encoding: str
    delimiter: str
    tied: list[dict[str, str]]
    written: bool
    persons: dict[str, Any] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Whether the good rows are in, or would be on a trial."""
        return self.written or not (self.rows and self.errors)

    def as_json(self) -> dict[str, Any]:
        """The report with plain values."""
        return asdict(self) | {"errors": [error._asdict() for error in self.errors]}


@dataclass(slots=True)
class Sorted:
    """Rows sorted by what becomes of them."""

    new: list[StatementDraft] = field(default_factory=list)
    changed: list[Existing] = field(default_factory=list)
    unchanged: int = 0
    of_organisations: int = 0
    """Rows that change their organisation's college or contact, and nothing of the statement."""
    duplicates: int = 0
    met: list[Stored] = field(default_factory=list)
    """What there was of the rows before, of that too which was taken back."""
    errors: list[RowError] = field(default_factory=list)
    contacts: dict[tuple[str, str], tuple[int, str, str]] = field(default_factory=dict)


def take_in(
    resources: Resources,
    plan: ImportPlan,
    progress: Progress | None = None,
    keep: Keep | None = None,
) -> ImportReport:
    """Import a file in one transaction. Errors leave everything as it was unless skipped."""
    tell = progress or (lambda *_: None)
    with read(resources.engine) as session:
        get_sociopole(session, plan.sociopole)
    tell("Lecture du fichier", 0, 3)
    table = read_table(plan.path)
    mapping = map_columns(table, plan.mapping)
    rows, errors = _read_rows(table, mapping, plan.kind)
    tell("Secteurs et disciplines", 1, 3)
    ties = tie_fields(resources, rows)
    tell("Enregistrement", 2, 3)
    with write(resources.engine) as session:
        sociopole = get_sociopole(session, plan.sociopole)
        lock_sociopole(session, sociopole.id)
        guard = read_guard(resources, session, sociopole.slug)
        outcome = sort_rows(session, sociopole, rows, ties, mapping, guard)
        outcome.errors = sorted([*outcome.errors, *errors])
        # A trial goes all the way and is undone: it reports exactly what would happen.
        written = not plan.dry_run and (plan.skip_errors or not outcome.errors)
        report = _report(table, mapping, outcome, ties, written=written)
        report = replace(report, persons=guard.report(rows))
        if written:
            write_sorted(session, sociopole, outcome)
            save_import(
                session,
                sociopole.id,
                plan.path,
                file_name=plan.file_name or plan.path.name,
                kind=plan.kind,
                columns=mapping,
                report=report.as_json(),
            )
            if keep:
                keep(session, report.as_json())
            failpoint("import.written")
        else:
            session.rollback()
    tell("Enregistrement", 3, 3)
    if written:
        failpoint("import.committed")
        index_committed(resources, progress)
    return report


def _read_rows(
    table: Table, mapping: Mapping[str, str], kind: str
) -> tuple[list[ReadRow], list[RowError]]:
    errors = [RowError(p.row, p.column, p.message) for p in table.problems]
    broken = {error.row for error in errors}
    reader = RowReader(mapping, table.columns, kind)
    rows = []
    for number, cells in table.rows:
        if number in broken:
            continue
        outcome = reader.read(number, cells)
        if isinstance(outcome, list):
            errors.extend(outcome)
        else:
            rows.append(outcome)
    return rows, errors


def tie_fields(resources: Resources, rows: Sequence[ReadRow]) -> dict[str, dict[str, Tie]]:
    """The official code of each sector and discipline that was written, by field."""
    return {
        "sector": _tie(resources.sectors, [row.sector for row in rows]),
        "discipline": _tie(resources.disciplines, [row.discipline for row in rows]),
    }


def _tie(nomenclature: Nomenclature, written: Sequence[str]) -> dict[str, Tie]:
    distinct = sorted({text for text in written if text})
    return dict(zip(distinct, nomenclature.tie(distinct), strict=True))


def sort_rows(
    session: Session,
    sociopole: SociopoleView,
    rows: Sequence[ReadRow],
    ties: Mapping[str, Mapping[str, Tie]],
    mapping: Mapping[str, str],
    guard: Guard,
) -> Sorted:
    """What becomes of each row; new organisations are written, statements are not yet."""
    rows = [guard.row(row) for row in rows]
    places, unknown = _places(session, sociopole, {row.territory for row in rows})
    numbers, moved = _organisations(session, sociopole.id, rows)
    known_contacts = set(contacts_of(session, sociopole.id))
    names = {name for row in rows for name in (row.given_id, row.reference)}
    existing, by_public = existing_statements(session, sociopole.id, names)
    outcome = Sorted()
    seen: dict[tuple[str, str], tuple[int, StatementDraft]] = {}
    for row in rows:
        if row.territory in unknown:
            outcome.errors.append(
                RowError(row.number, mapping.get("territory", ""), unknown[row.territory])
            )
            continue
        kind, known_as = by_public.get(row.given_id, ("", ""))
        reference = known_as if kind == row.kind else row.reference
        organisation = numbers.get(name_key(row.organisation))
        draft = guard.draft(_draft(row, reference, organisation, places, ties))
        key = (row.kind, reference)
        if key in seen:
            _count_repeat(outcome, row, draft, seen[key], column=mapping.get("id", ""))
            continue
        seen[key] = (row.number, draft)
        before = existing.get(key)
        if before is not None:
            outcome.met.append(before)
        if before is not None and before.deleted:
            # Whoever took it back is not overruled by an old sheet.
            message = TAKEN_BACK.format(before.public_id)
            outcome.errors.append(RowError(row.number, mapping.get("id", ""), message))
            continue
        touched = row.number in moved
        if organisation is not None and any(row.contact):
            outcome.contacts[key] = (organisation, *row.contact)
            touched |= outcome.contacts[key] not in known_contacts
        _count(outcome, before, draft, touched=touched)
    return outcome


def _count(outcome: Sorted, before: Stored | None, draft: StatementDraft, *, touched: bool) -> None:
    if before is None:
        outcome.new.append(draft)
    elif not _is_same(before.draft, draft):
        outcome.changed.append(Existing(before.id, draft))
    elif touched:
        outcome.of_organisations += 1
    else:
        outcome.unchanged += 1


def _is_same(before: StatementDraft, draft: StatementDraft) -> bool:
    """Whether a row says what is stored, which a file may not hold to the letter.

    What did not come from a file may have spaces around, or line breaks of two signs.
    """
    if before == draft:
        return True
    text = tidy(before.text)
    return replace(before, text=text, title=tidy(before.title) or derive_title(text)) == draft


def _count_repeat(
    outcome: Sorted,
    row: ReadRow,
    draft: StatementDraft,
    first: tuple[int, StatementDraft],
    *,
    column: str,
) -> None:
    number, earlier = first
    same_text = draft.text.split() == earlier.text.split()
    if same_text and draft.organisation_id == earlier.organisation_id:
        outcome.duplicates += 1
        return
    message = (
        f"l'identifiant « {row.given_id} » est déjà celui de la ligne {number} : "
        "donnez-lui en un autre"
    )
    outcome.errors.append(RowError(row.number, column, message))


def _draft(
    row: ReadRow,
    reference: str,
    organisation: int | None,
    places: Mapping[str, str],
    ties: Mapping[str, Mapping[str, Tie]],
) -> StatementDraft:
    return StatementDraft(
        kind=row.kind,
        reference=reference,
        organisation_id=organisation,
        title=row.title,
        text=row.text,
        sector_written=row.sector,
        sector=ties["sector"][row.sector].code if row.sector else "",
        discipline_written=row.discipline,
        discipline=ties["discipline"][row.discipline].code if row.discipline else "",
        territory_id=places[row.territory],
        consent=row.consent,
        written_on=row.written_on,
    )


def _places(
    session: Session, sociopole: SociopoleView, written: set[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Territory ids by what was written, and messages for what is not one territory."""
    within = territories_within(session, sociopole.territory.id)
    places, unknown = {"": sociopole.territory.id}, {}
    for words in sorted(written - {""}):
        chosen, found = choose_place(session, words, within)
        if chosen:
            places[words] = chosen.id
        elif found:
            choices = " ; ".join(place.label for place in found[:CHOICES_SHOWN])
            unknown[words] = (
                f"le territoire « {words} » est ambigu : {choices}. Écrivez le code INSEE"
            )
        else:
            unknown[words] = (
                f"le territoire « {words} » est inconnu : écrivez le nom d'une commune, son code "
                "INSEE, ou laissez vide pour tout le sociopôle"
            )
    return places, unknown


def _organisations(
    session: Session, sociopole_id: int, rows: Sequence[ReadRow]
) -> tuple[dict[str, int], set[int]]:
    """Numbers of the rows' organisations by name key, the new ones written.

    And the rows that moved one to another college.
    """
    keys = {name_key(row.organisation) for row in rows}
    known = organisations(session, sociopole_id, keys)
    wanted: dict[str, tuple[str, str]] = {}
    moved = set()
    for row in rows:
        key = name_key(row.organisation)
        if not key:
            continue
        if key not in known:
            wanted.setdefault(key, (row.organisation, row.college))
        elif row.college_given and known[key].college != row.college:
            set_college(session, known[key].id, row.college)
            moved.add(row.number)
    add_organisations(session, sociopole_id, list(wanted.values()))
    return {key: view.id for key, view in organisations(session, sociopole_id, keys).items()}, moved


def write_sorted(session: Session, sociopole: SociopoleView, outcome: Sorted) -> None:
    """Write what the rows became."""
    names = {name for draft in outcome.new for name in public_names(draft)}
    _, by_public = existing_statements(session, sociopole.id, names)
    add_statements(session, sociopole.id, outcome.new, by_public)
    update_statements(session, outcome.changed)
    keep_contacts(session, sociopole.id, outcome.contacts, now())


def _report(
    table: Table,
    mapping: dict[str, str],
    outcome: Sorted,
    ties: Mapping[str, Mapping[str, Tie]],
    *,
    written: bool,
) -> ImportReport:
    return ImportReport(
        rows=len(table.rows),
        created=len(outcome.new),
        updated=len(outcome.changed) + outcome.of_organisations,
        unchanged=outcome.unchanged,
        duplicates=outcome.duplicates,
        errors=outcome.errors,
        columns=mapping,
        encoding=table.encoding,
        delimiter=table.delimiter,
        tied=[
            {
                "field": name,
                "written": tie.written,
                "code": tie.code,
                "label": tie.label,
                "how": tie.how,
            }
            for name, found in ties.items()
            for tie in found.values()
            if tie.how in {Tied.NEAREST, Tied.NOT}
        ],
        written=written,
    )
