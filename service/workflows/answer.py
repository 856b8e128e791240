"""Answer a query: a question in words to ranked statements, with the sentence that answers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from indexes.contract import Ids
from matcher.lexicon.lexicon import Lexicon
from matcher.reasons import answering_sentences
from service.catchup import catch_up
from service.database import read
from service.errors import Refused
from service.resources import Progress, Resources
from service.store.scope import WHOLE, scope_of
from service.store.sociopoles import get_sociopole
from service.store.statements import StatementView, searchable_ids, statements_by_id
from service.workflows.lexicon import lexicon_of
from service.workflows.ranking import Ranker
from service.workflows.sectors import find_sector

LONGEST_QUERY = 20_000
MOST_ANSWERS = 100


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
    """A statement that answers, its score and the sentence of it that answers best."""

    view: StatementView
    score: float
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
    catch_up(resources, progress, as_far_as_can_be=True)
    with read(resources.engine) as session:
        allowed = visible = None
        sociopole = get_sociopole(session, query.sociopole).id if query.sociopole else None
        lexicon = lexicon_of(resources, session, sociopole)
        if sociopole is not None or scope_of(session) != WHOLE:
            visible = allowed = _searchable(session, sociopole)
        if query.kinds or sector:
            allowed = _searchable(session, sociopole, kinds=query.kinds, sector=sector)
    # Not within a session: who has the indexes may be waiting for a connection to the database.
    found = _rank(resources, text, lexicon, allowed, visible)[: query.k]
    with read(resources.engine) as session:
        views = statements_by_id(session, [identity for identity, _ in found])
    scores = dict(found)
    sentences = answering_sentences(
        text, [view.statement.passage for view in views], resources.encoder
    )
    return [
        Answer(view, round(scores[view.statement.id], 5), sentence)
        for view, sentence in zip(views, sentences, strict=True)
    ]


def _rank(
    resources: Resources, text: str, lexicon: Lexicon, allowed: Ids | None, visible: Ids | None
) -> Sequence[tuple[int, float]]:
    indexes, deviation = resources.indexes, resources.background.deviation
    with indexes.lock:
        ranker = Ranker(
            indexes.vectors, indexes.words, resources.encoder, indexes.hubs, deviation, lexicon
        )
        return ranker.rank(text, allowed, visible=visible).both


def _searchable(
    session: Session, sociopole: int | None, *, kinds: Collection[str] = (), sector: str = ""
) -> Ids:
    found = searchable_ids(session, sociopole_id=sociopole, kinds=kinds, sector=sector)
    return np.array(found, dtype=np.int64)
