"""An edited sheet of pairings becomes decisions: all rows or none, with each error by its line."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from service.database import now, read, write
from service.errors import Refused
from service.files.columns import fold, parse_date
from service.files.reading import Table, read_table, tidy
from service.resources import Resources
from service.store.decisions import (
    DecisionView,
    Pair,
    Read,
    Say,
    add_decision,
    list_decisions,
    ordered,
    standing_decisions,
)
from service.store.pairings import pairs_of_runs
from service.store.proposed import find_ranks
from service.store.sociopoles import get_sociopole, lock_sociopole
from service.store.statements import StatementView, statements_by_id
from service.workflows.decide import LONGEST_WORDS, REASONS, Said, check_said
from service.workflows.pairing_sheet import (
    DECISION,
    LEFT_ID,
    MARK,
    REASON,
    RIGHT_ID,
    SILENCE,
    UNTIL,
    WORDS,
    Answer,
    Mark,
    answer_of,
    is_read,
    texts_read,
)
from service.workflows.rows import RowError
from service.workflows.sheet_words import REASON_BY_WORDS, SAY_BY_WORDS, SAYS
from service.workflows.signing import check_author

NEEDED = (LEFT_ID, RIGHT_ID, DECISION, REASON, WORDS, UNTIL, MARK)
EXPORT_AGAIN = "exportez de nouveau les rapprochements, et reportez-y votre décision"


class Taken(NamedTuple):
    """What one row decided; the number of the decision is 0 where nothing was written."""

    row: int
    left: str
    right: str
    action: str
    decision: int


@dataclass(frozen=True, slots=True)
class DecisionsReport:
    """What a sheet did, or would do. rows = decided + unchanged + rows with an error."""

    rows: int
    decided: list[Taken]
    unchanged: int
    errors: list[RowError]
    written: bool

    def as_json(self) -> dict[str, Any]:
        """The report with plain values."""
        return asdict(self) | {
            "decided": [taken._asdict() for taken in self.decided],
            "errors": [error._asdict() for error in self.errors],
        }


class Line(NamedTuple):
    """A row of the sheet: its number, the mark it left with, its two ids, what it says."""

    number: int
    mark: Mark | None
    ids: tuple[str, str]
    answer: Answer


@dataclass(slots=True)
class Known:
    """What the database says of the pairings of the sheet."""

    pairs: Mapping[tuple[int, int], Pair]
    views: Mapping[int, StatementView]
    decisions: Mapping[int, DecisionView]
    standing: Mapping[Pair, DecisionView]
    texts: Mapping[tuple[int, Pair], Read]
    seen: dict[tuple[int, int], int] = field(default_factory=dict)
    """The line of each pairing that was already read."""

    def now_said(self, pair: Pair) -> Answer:
        """What the cells of a pairing would say if they were exported now."""
        hashes = {i: self.views[i].text_hash for i in pair if i in self.views}
        return self._said(self.standing.get(ordered(*pair)), pair, hashes)

    def said_then(self, mark: Mark, pair: Pair) -> Answer:
        """What they said when the sheet left."""
        hashes = dict(zip(pair, (mark.left_hash, mark.right_hash), strict=True))
        return self._said(self.decisions.get(mark.decision), pair, hashes)

    def _said(self, decision: DecisionView | None, pair: Pair, hashes: Mapping[int, str]) -> Answer:
        text = self.texts.get((decision.id, ordered(*pair))) if decision else None
        return answer_of(decision, as_read=is_read(text, hashes))


class Fault(Exception):  # noqa: N818 - what is wrong with one row, caught where rows are read
    """A column and, in French, what to do."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column, self.message = column, message


def take_in_decisions(
    resources: Resources,
    slug: str,
    path: Path,
    *,
    by: str,
    dry_run: bool = False,
    today: dt.date | None = None,
) -> DecisionsReport:
    """Decide what an edited sheet of pairings says, in one transaction; one error stops it all.

    Only rows whose cells changed since the export decide anything, each its own decision, which is
    undone alone. A row whose pairing was decided otherwise meanwhile, or whose texts changed, is
    an error: nobody's decision is overwritten by a sheet that does not know it.
    """
    if not by.strip():
        raise Refused("Dites qui décide.")
    check_author(by)
    with read(resources.engine) as session:
        get_sociopole(session, slug)
    table = read_table(path)
    lines, errors = _read_lines(table)
    with write(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        lock_sociopole(session, sociopole.id)
        known = _known(session, sociopole.id, lines)
        decided: list[tuple[Line, Said]] = []
        for line in lines:
            try:
                found = _decide(line, known, by, today or now().date())
            except Fault as fault:
                errors.append(RowError(line.number, fault.column, fault.message))
                continue
            if found:
                decided.append((line, found))
        written = not errors and not dry_run
        numbers = _write(session, sociopole.id, decided) if written else {}
    taken = [
        Taken(line.number, *line.ids, str(said.action), numbers.get(line.number, 0))
        for line, said in decided
    ]
    bad = len({error.row for error in errors})
    return DecisionsReport(
        len(table.rows), taken, len(table.rows) - len(taken) - bad, sorted(errors), written
    )


def _read_lines(table: Table) -> tuple[list[Line], list[RowError]]:
    place = _places(table.columns)
    errors = [RowError(p.row, p.column, p.message) for p in table.problems]
    broken = {error.row for error in errors}
    lines = []
    for number, cells in table.rows:
        if number in broken:
            continue
        cell = {name: tidy(cells[place[name]]) for name in NEEDED}
        try:
            ids = (cell[LEFT_ID], cell[RIGHT_ID])
            lines.append(Line(number, Mark.read(cell[MARK]), ids, _read_answer(cell)))
        except Fault as fault:
            errors.append(RowError(number, fault.column, fault.message))
    return lines, errors


def _places(columns: Sequence[str]) -> dict[str, int]:
    folded = {fold(column): place for place, column in reversed(list(enumerate(columns)))}
    if missing := [name for name in NEEDED if fold(name) not in folded]:
        raise Refused(
            f"Ce n'est pas une feuille de rapprochements entière : il y manque "
            f"{', '.join(f'« {name} »' for name in missing)}. Partez de « sociopoles export "
            "pairings », et gardez ses colonnes."
        )
    return {name: folded[fold(name)] for name in NEEDED}


def _read_answer(cell: Mapping[str, str]) -> Answer:
    say, reason = cell[DECISION], cell[REASON]
    if say and fold(say) not in SAY_BY_WORDS:
        raise Fault(
            DECISION, f"« {say} » n'est pas une décision : écrivez {', '.join(SAYS.values())}"
        )
    if reason and fold(reason) not in REASON_BY_WORDS:
        raise Fault(
            REASON, f"« {reason} » n'est pas un motif : écrivez {', '.join(REASONS.values())}"
        )
    try:
        until = parse_date(cell[UNTIL])
    except ValueError as error:
        raise Fault(UNTIL, str(error)) from error
    return Answer(
        SAYS[SAY_BY_WORDS[fold(say)]] if say else "",
        REASON_BY_WORDS[fold(reason)] if reason else "",
        cell[WORDS],
        until,
    )


def _known(session: Session, sociopole_id: int, lines: Sequence[Line]) -> Known:
    marks = [line.mark for line in lines if line.mark]
    pairs = pairs_of_runs(session, sociopole_id, {mark.run for mark in marks})
    ids = sorted({i for m in marks for i in pairs.get((m.run, m.rank), ())})
    decisions = list_decisions(session, sociopole_id)
    return Known(
        pairs=pairs,
        views={view.statement.id: view for view in statements_by_id(session, ids)},
        decisions={decision.id: decision for decision in decisions},
        standing=standing_decisions(session, sociopole_id),
        texts=texts_read(decisions),
    )


def _decide(line: Line, known: Known, by: str, today: dt.date) -> Said | None:
    """What a row decides, None where it says what it said when it left, or what stands by now."""
    pair = _pair_of(line, known)
    if pair is None or line.mark is None:
        return None
    if line.answer == known.said_then(line.mark, pair):
        return None
    standing = known.standing.get(ordered(*pair))
    if (standing.id if standing else 0) != line.mark.decision:
        if line.answer == known.now_said(pair):
            return None
        raise Fault(DECISION, _otherwise(standing))
    _check_texts(line, line.mark, pair, known)
    said = _said(line.answer, line.mark, by)
    _check(said, today)
    return said


def _pair_of(line: Line, known: Known) -> Pair | None:
    """The statements of a row, None for one that decides nothing and is no pairing."""
    if line.mark is None:
        if line.answer == SILENCE:
            return None
        raise Fault(
            MARK,
            "le repère de cette ligne manque ou a changé : une contribution sans réponse ne se "
            f"décide pas ; pour un rapprochement, {EXPORT_AGAIN}",
        )
    place = (line.mark.run, line.mark.rank)
    pair = known.pairs.get(place)
    if pair is None:
        raise Fault(
            MARK, f"ce repère n'est pas d'un rapprochement de ce sociopôle : {EXPORT_AGAIN}"
        )
    if place in known.seen:
        raise Fault(
            MARK, f"ce rapprochement est déjà à la ligne {known.seen[place]} : gardez-en une"
        )
    known.seen[place] = line.number
    ids = tuple(
        known.views[i].public_id if i in known.views else given
        for i, given in zip(pair, line.ids, strict=True)
    )
    if ids != line.ids:
        raise Fault(
            LEFT_ID,
            f"cette ligne mêle deux rapprochements (son repère est celui de {' et '.join(ids)}) : "
            "une partie des colonnes a sans doute été triée sans les autres",
        )
    return pair


def _otherwise(standing: DecisionView | None) -> str:
    if standing is None:
        return f"la décision que montrait cette ligne a été annulée depuis : {EXPORT_AGAIN}"
    return (
        f"décidé autrement depuis l'export (« {SAYS[standing.action]} », {standing.by}, le "
        f"{standing.at:%d/%m/%Y}) : {EXPORT_AGAIN}"
    )


def _check_texts(line: Line, mark: Mark, pair: Pair, known: Known) -> None:
    for statement, given, left_with in zip(
        pair, line.ids, (mark.left_hash, mark.right_hash), strict=True
    ):
        view = known.views.get(statement)
        if view is None:
            raise Fault(DECISION, f"la contribution {given} n'est plus là : rien à décider")
        if not view.text_hash.startswith(left_with):
            raise Fault(
                DECISION,
                f"le texte de {given} a changé depuis l'export : relisez-le, puis {EXPORT_AGAIN}",
            )


def _said(answer: Answer, mark: Mark, by: str) -> Said:
    if answer.say:
        action = next(say for say, words in SAYS.items() if words == answer.say)
        return Said(Say(action), by, answer.reason, answer.words, answer.until)
    if answer != SILENCE:
        raise Fault(DECISION, "choisissez une décision, ou videz aussi les autres cellules")
    raise Fault(
        DECISION,
        "une décision ne s'efface pas ainsi : annulez-la par « sociopoles undo-decision "
        f"--decision {mark.decision} », qui la reprend pour tous ses rapprochements",
    )


def _check(said: Said, today: dt.date) -> None:
    """The rules of decisions, each said of its column."""
    aside, later = said.action == Say.SET_ASIDE, said.action == Say.POSTPONE
    if aside and not said.reason:
        raise Fault(REASON, f"dites pourquoi vous écartez : {', '.join(REASONS.values())}")
    if said.reason and not aside:
        raise Fault(REASON, "un motif n'accompagne que ce qui est écarté : videz la cellule")
    if later and (said.until is None or said.until <= today):
        raise Fault(UNTIL, "dites jusqu'à quelle date, à venir : par exemple 15/01/2027")
    if said.until and not later:
        raise Fault(UNTIL, "une date n'accompagne que « plus tard » : videz la cellule")
    if len(said.words) > LONGEST_WORDS:
        raise Fault(WORDS, f"au plus {LONGEST_WORDS} caractères ; il y en a {len(said.words)}")
    try:
        check_said(said, today)
    except Refused as refusal:
        raise Fault(DECISION, str(refusal)) from refusal


def _write(
    session: Session, sociopole_id: int, decided: Sequence[tuple[Line, Said]]
) -> dict[int, int]:
    """The number of the decision of each line, with the texts and bars that the sheet showed."""
    marks = [line.mark for line, _ in decided if line.mark]
    shown = {
        run: find_ranks(session, run, [mark.rank for mark in marks if mark.run == run])
        for run in sorted({mark.run for mark in marks})
    }
    numbers = {}
    for line, said in decided:
        if line.mark is None:
            continue
        read = shown[line.mark.run][line.mark.rank].read
        row = DecisionView(
            0, now(), said.by, said.action, said.reason, said.words, said.until, [read], None
        )
        numbers[line.number] = add_decision(session, sociopole_id, row)
    return numbers
