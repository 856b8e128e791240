"""The sheet of pairings: what a person reads in it, and what an edited one says when it is back."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple, Self

from service.database import read
from service.errors import NotFound
from service.files.reading import tidy
from service.files.writing import Cell, Column, Sheet, SheetFormat
from service.resources import Resources
from service.store.decisions import DecisionView, Pair, Read, Say, ordered, standing_decisions
from service.store.pairings import PairingView, RunView, latest_run
from service.store.sociopoles import get_sociopole
from service.store.statements import StatementView
from service.workflows.decide import REASONS
from service.workflows.export import Exported, make_file, views_of
from service.workflows.filter_pairings import write_pairing_id
from service.workflows.sheet_words import COLLEGES, KINDS, SAYS
from service.workflows.still_said import reasons_now

LEFT_ID, RIGHT_ID = "Identifiant A", "Identifiant B"
DECISION, REASON, WORDS, UNTIL = "Décision", "Motif", "Commentaire", "Jusqu'au"
MARK = "Repère (à garder)"
HASH_SIGNS = 12
"""Of the hash of a text: enough to see that it changed."""

RANK_COLUMN = Column("Rang", 7)
ANSWER_COLUMNS = (
    Column(DECISION, 16, tuple(SAYS.values()), read_back=True),
    Column(REASON, 19, tuple(REASONS.values()), read_back=True),
    Column(WORDS, 36, read_back=True),
    Column(UNTIL, 12, read_back=True),
)
READ_COLUMNS = (
    Column(LEFT_ID, 14),
    Column("Structure A", 24),
    Column("Titre A", 32),
    Column("Phrase A", 52),
    Column(RIGHT_ID, 14),
    Column("Structure B", 24),
    Column("Titre B", 32),
    Column("Phrase B", 52),
    Column("Mots communs", 22),
    Column("Dit autrement", 34),
    Column("Nature A", 15),
    Column("Collège A", 13),
    Column("Nature B", 15),
    Column("Collège B", 13),
    Column("Sens", 9),
    Column("Écart de secteur", 10),
    Column("Complémentarité", 16),
    Column("Nouveauté", 11),
    Column("Rapprochement", 14),
    Column("Sans réponse", 36),
)
TRACE_COLUMNS = (Column("Dernière décision", 36), Column(MARK, 12))
BARS = ("meaning", "sector_gap", "complementarity", "novelty")
WRITTEN_MARK = re.compile(
    rf"p(\d{{1,9}})-(\d{{1,9}})-(\d{{1,9}})-([0-9a-f]{{{HASH_SIGNS}}})-"
    rf"([0-9a-f]{{{HASH_SIGNS}}})"
)


class Mark(NamedTuple):
    """What a row was when it left: its run and rank, its last decision (0: none), its two texts."""

    run: int
    rank: int
    decision: int
    left_hash: str
    right_hash: str

    def write(self) -> str:
        """As a cell that no spreadsheet takes for a number or a date."""
        return f"p{self.run}-{self.rank}-{self.decision}-{self.left_hash}-{self.right_hash}"

    @classmethod
    def read(cls, cell: str) -> Self | None:
        """The mark in a cell, None where there is none."""
        found = WRITTEN_MARK.fullmatch(cell)
        if found is None:
            return None
        run, rank, decision, left, right = found.groups()
        return cls(int(run), int(rank), int(decision), left, right)


class Answer(NamedTuple):
    """What the four cells of a decision say; all empty where nothing was decided."""

    say: str = ""
    reason: str = ""
    words: str = ""
    until: date | None = None


SILENCE = Answer()


def export_pairings(
    resources: Resources, slug: str, format_: SheetFormat, *, only_published: bool = False
) -> Exported:
    """The pairings of the last run and, after them, what stays without an answer.

    Decisions written in its last columns come back by `take_in_decisions`; what may be published
    says nothing of decisions. Raises NotFound where no run was made.
    """
    with read(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        run = latest_run(session, sociopole.id)
        if run is None:
            raise NotFound(
                "Aucun rapprochement n'a encore été proposé : "
                f"lancez « sociopoles suggest {slug} »."
            )
        ids = {i for p in run.pairings for i in (p.left, p.right)} | {i for i, _ in run.orphans}
        views = views_of(session, sorted(ids), only_published=only_published)
        said = standing_decisions(session, sociopole.id)
    if only_published:
        columns: tuple[Column, ...] = (RANK_COLUMN, *READ_COLUMNS)
        return make_file(slug, Sheet("Rapprochements", columns, _rows(run, views)), format_)
    columns = (RANK_COLUMN, *ANSWER_COLUMNS, *READ_COLUMNS, *TRACE_COLUMNS)
    rows = _decided_rows(run, said, views)
    # The rank and the decision stay in sight beside what is read.
    return make_file(slug, Sheet("Rapprochements", columns, rows, frozen=2), format_)


def answer_of(decision: DecisionView | None, *, as_read: bool) -> Answer:
    """What the cells say of a decision.

    Nothing where it set aside a pairing whose texts changed since: that one is open again.
    """
    if decision is None or decision.action not in SAYS:
        return SILENCE
    if decision.action == Say.SET_ASIDE and not as_read:
        return SILENCE
    return Answer(SAYS[decision.action], decision.reason, tidy(decision.words), decision.until)


def is_read(text: Read | None, hashes: Mapping[int, str]) -> bool:
    """Whether the hashes by statement, whole or their first signs, are of the texts decided on."""
    if text is None:
        return False
    left, right = hashes.get(text.left, "?"), hashes.get(text.right, "?")
    return text.left_hash.startswith(left) and text.right_hash.startswith(right)


def texts_read(decisions: Sequence[DecisionView]) -> dict[tuple[int, Pair], Read]:
    """The texts that each decision was about, by its number and the pair."""
    return {(d.id, read.pair): read for d in decisions for read in d.pairs}


def _decided_rows(
    run: RunView, said: Mapping[Pair, DecisionView], views: Mapping[int, StatementView]
) -> Iterator[tuple[Cell, ...]]:
    """The rows with what was decided of each, and the mark by which an edited one is known."""
    texts = texts_read(list({decision.id: decision for decision in said.values()}.values()))
    hashes = {i: view.text_hash for i, view in views.items()}
    by_rank = {pairing.rank: pairing for pairing in run.pairings}
    for rank, *read_cells in _rows(run, views):
        pairing = by_rank.get(rank) if isinstance(rank, int) else None
        if pairing is None:
            yield (rank, *_cells(SILENCE), *read_cells, "", "")
            continue
        pair = ordered(pairing.left, pairing.right)
        decision = said.get(pair)
        as_read = decision is not None and is_read(texts.get((decision.id, pair)), hashes)
        mark = Mark(
            run.id,
            pairing.rank,
            decision.id if decision else 0,
            hashes[pairing.left][:HASH_SIGNS],
            hashes[pairing.right][:HASH_SIGNS],
        )
        answer = answer_of(decision, as_read=as_read)
        yield (rank, *_cells(answer), *read_cells, _last(decision, as_read=as_read), mark.write())


def _cells(answer: Answer) -> tuple[Cell, ...]:
    return (answer.say, REASONS.get(answer.reason, ""), answer.words, answer.until)


def _last(decision: DecisionView | None, *, as_read: bool) -> str:
    if decision is None:
        return ""
    told = f"{SAYS[decision.action]}, {decision.by}, {decision.at:%d/%m/%Y}"
    return told if as_read else f"{told}, avant qu'un des deux textes change"


def _rows(run: RunView, views: Mapping[int, StatementView]) -> Iterator[tuple[Cell, ...]]:
    for pairing in run.pairings:
        if pairing.left in views and pairing.right in views:
            yield _pairing(pairing, views[pairing.left], views[pairing.right])
    for statement, why in run.orphans:
        if statement in views:
            view = views[statement]
            empty = ("",) * 4
            yield (None, *_side(view, ""), *empty, "", "", *_sort(view), "", "", *empty, "", why)


def _pairing(pairing: PairingView, left: StatementView, right: StatementView) -> tuple[Cell, ...]:
    reasons = reasons_now(pairing, left, right)
    otherwise = [
        f"« {bridge['said']} » : {bridge['term']}"
        for reason in reasons
        for bridge in reason.get("said_otherwise", ())
    ]
    return (
        pairing.rank,
        *_side(left, "\n".join(reason["left_sentence"] for reason in reasons)),
        *_side(right, "\n".join(reason["right_sentence"] for reason in reasons)),
        ", ".join(term for reason in reasons for term in reason["shared_terms"]),
        "\n".join(otherwise),
        *_sort(left),
        *_sort(right),
        *(round(pairing.bars[bar], 2) for bar in BARS),
        write_pairing_id(ordered(pairing.left, pairing.right)),
        "",
    )


def _side(view: StatementView, sentence: str) -> tuple[Cell, ...]:
    return (view.public_id, view.organisation, view.statement.title, sentence)


def _sort(view: StatementView) -> tuple[Cell, ...]:
    return (KINDS[view.statement.kind], COLLEGES[view.statement.college])
