"""Answer a query: a question in words to ranked statements, with the sentence that answers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from indexes.contract import Ids
from matcher.encoder import Vectors
from matcher.lexicon.lexicon import Lexicon
from matcher.reasons import answering_sentence, show_sentence
from service.catchup import catch_up
from service.database import read
from service.errors import Refused
from service.recent import Found
from service.resources import Progress, Resources
from service.store.revisions import Mark
from service.store.scope import WHOLE, Scope, scope_of
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
        scope = scope_of(session)
    place = _Place(mark, scope, sociopole, tuple(sorted(query.kinds)), sector)
    recent, key = resources.recent, (hash_text(text), query.k, place, lexicon)
    # Until something is written, what was found once is what would be found again.
    found = recent.get(recent.answers, key)
    if found is None:
        found, views = _find(resources, text, lexicon, place, query.k)
        recent.put(recent.answers, key, found)
    else:
        views = _read(resources, [identity for identity, *_ in found])
    shown = {view.statement.id: view for view in views}
    decimals = EXACT if scope.full is None else ROUGH
    return [
        Answer(
            shown[identity],
            round(score, EXACT),
            round(score, decimals),
            show_sentence(shown[identity].statement.passage, sentence),
        )
        for identity, score, sentence in found
        if identity in shown
    ]


class _Place(NamedTuple):
    """What a question is asked of: at which mark, by whom, and what it is limited to."""

    mark: Mark
    scope: Scope
    sociopole: int | None
    kinds: tuple[str, ...]
    sector: str


def _find(
    resources: Resources, text: str, lexicon: Lexicon, place: _Place, k: int
) -> tuple[list[Found], list[StatementView]]:
    allowed = visible = None
    if place.sociopole is not None or place.scope != WHOLE:
        visible = allowed = searchable(resources, place.mark, sociopole=place.sociopole)
    if place.kinds or place.sector:
        allowed = searchable(
            resources,
            place.mark,
            sociopole=place.sociopole,
            kinds=place.kinds,
            sector=place.sector,
        )
    question = read_question(text, _embed(resources, text), lexicon)
    scores = dict(_rank(resources, question, allowed, visible)[:k])
    views = _read(resources, list(scores))
    found = [
        Found(
            view.statement.id,
            scores[view.statement.id],
            answering_sentence(question.rows[0], rows),
        )
        for view, rows in zip(views, sentences_of(resources, views), strict=True)
    ]
    return found, views


def _read(resources: Resources, ids: Sequence[int]) -> list[StatementView]:
    with read(resources.engine) as session:
        return statements_by_id(session, ids)


def _embed(resources: Resources, text: str) -> Vectors:
    recent = resources.recent
    return recent.find(
        recent.questions, hash_text(text), lambda: embed_question(text, resources.encoder)
    )


def _rank(
    resources: Resources, question: Question, allowed: Ids | None, visible: Ids | None
) -> Sequence[tuple[int, float]]:
    # Not within a session: who has the indexes may be waiting for a connection to the database.
    indexes, deviation = resources.indexes, resources.background.deviation
    with indexes.lock:
        ranker = Ranker(indexes.vectors, indexes.words, indexes.hubs, deviation)
        return ranker.rank(question, allowed, visible=visible).both
