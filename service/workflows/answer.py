"""Answer a query: a question in words to ranked statements, with the sentence that answers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from indexes.contract import Ids
from matcher.encoder import Vectors
from matcher.reasons import answering_sentence
from service.catchup import catch_up
from service.database import read
from service.errors import Refused
from service.resources import Progress, Resources
from service.store.scope import WHOLE, scope_of
from service.store.sociopoles import sociopole_id
from service.store.statements import StatementView, hash_text, statements_by_id
from service.workflows.lexicon import lexicon_of
from service.workflows.ranking import Question, Ranker, embed_question, read_question
from service.workflows.searchable import searchable
from service.workflows.sectors import find_sector
from service.workflows.sentences import sentences_of

LONGEST_QUERY = 20_000
MOST_ANSWERS = 100


EXACT, ROUGH = 5, 1
"""Decimals of a score. How rare a word is follows every text, of those too that one may not read:
who does not read all is told less of it (docs/decisions/0009)."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question and what its answers are limited to; `sector` is a code or words for one."""

    text: str
    sociopole: str = ""
    kinds: Collection[str] = ()
    sector: str = ""
    k: int = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """A statement that answers, its score and the sentence of it that answers best.

    `shown_score` is what the person who asks is told of the score.
    """

    view: StatementView
    score: float
    shown_score: float
    sentence: str


def answer(resources: Resources, query: Query, progress: Progress | None = None) -> list[Answer]:
    """The at most `k` best answers, best first. Raises Refused for a query that says nothing."""
    text = query.text.strip()
    if not text:
        raise Refused("La recherche est vide : décrivez votre sujet en quelques mots.")
    if len(text) > LONGEST_QUERY:
        raise Refused(
            f"La recherche compte {len(text)} caractères ; la limite est de {LONGEST_QUERY}. "
            "Gardez le résumé, sans les annexes."
        )
    if not 1 <= query.k <= MOST_ANSWERS:
        raise Refused(f"Demandez de 1 à {MOST_ANSWERS} réponses (reçu : {query.k}).")
    sector = find_sector(resources, query.sector)
    # A full disk keeps nobody from an answer.
    mark = catch_up(resources, progress, as_far_as_can_be=True)
    with read(resources.engine) as session:
        sociopole = sociopole_id(session, query.sociopole) if query.sociopole else None
        lexicon = lexicon_of(resources, session, sociopole)
        is_limited = sociopole is not None or scope_of(session) != WHOLE
        decimals = EXACT if scope_of(session).full is None else ROUGH
    allowed = visible = None
    if is_limited:
        visible = allowed = searchable(resources, mark, sociopole=sociopole)
    if query.kinds or sector:
        allowed = searchable(resources, mark, sociopole=sociopole, kinds=query.kinds, sector=sector)
    question = read_question(text, _embed(resources, text), lexicon)
    # Not within a session: who has the indexes may be waiting for a connection to the database.
    found = _rank(resources, question, allowed, visible)[: query.k]
    with read(resources.engine) as session:
        views = statements_by_id(session, [identity for identity, _ in found])
    scores = dict(found)
    return [
        Answer(
            view,
            round(scores[view.statement.id], EXACT),
            round(scores[view.statement.id], decimals),
            answering_sentence(question.rows[0], view.statement.passage, rows),
        )
        for view, rows in zip(views, sentences_of(resources, views), strict=True)
    ]


def _embed(resources: Resources, text: str) -> Vectors:
    recent = resources.recent
    return recent.find(
        recent.questions, hash_text(text), lambda: embed_question(text, resources.encoder)
    )


def _rank(
    resources: Resources, question: Question, allowed: Ids | None, visible: Ids | None
) -> Sequence[tuple[int, float]]:
    indexes, deviation = resources.indexes, resources.background.deviation
    with indexes.lock:
        ranker = Ranker(indexes.vectors, indexes.words, indexes.hubs, deviation)
        return ranker.rank(question, allowed, visible=visible).both
