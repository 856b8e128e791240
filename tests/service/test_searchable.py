"""Who may see what is kept between searches, and stays true whatever changes meanwhile."""

import itertools
import random

import pytest
from sqlalchemy import func, select

from service.catchup import catch_up
from service.database import read, write
from service.recent import Recent
from service.resources import Resources
from service.store.forgetting import forget_stray_vectors
from service.store.revisions import current_mark, renew_epoch
from service.store.rights import set_consent
from service.store.scope import PUBLISHED, WHOLE, Scope
from service.store.sociopoles import organisations, sociopole_id
from service.store.statements import searchable_ids, set_deleted
from service.tables import Vector
from service.workflows.answer import Query, answer
from service.workflows.searchable import searchable
from service.workflows.sentences import embed_sentences
from service.workflows.set_up import create_sociopole
from tests.builders import SLUG, import_rows, import_texts
from tests.conftest import OpenResources

HEADER = ("id", "organisation", "text", "sector", "consent")


@pytest.fixture
def filled(resources: Resources) -> Resources:
    """Ten problems here, five of them published, three elsewhere."""
    create_sociopole(resources, slug="lyon", name="Lyon", territory="69123")
    rows = [
        (f"p{i}", f"Association {i % 3}", f"vélo numéro {i}", "011075", "oui" if i % 2 else "non")
        for i in range(10)
    ]
    import_rows(resources, HEADER, rows)
    import_rows(resources, HEADER, rows[:3], sociopole="lyon")
    return resources


def scopes(resources: Resources) -> list[Scope]:
    with read(resources.engine) as session:
        here, there = sociopole_id(session, SLUG), sociopole_id(session, "lyon")
        mine = min(view.id for view in organisations(session, here).values())
    return [
        WHOLE,
        PUBLISHED,
        Scope(full=frozenset({there}), published=frozenset({here, there})),
        Scope(published=frozenset({here}), organisations=frozenset({mine})),
    ]


def test_what_is_kept_is_what_would_be_read_anew(filled: Resources) -> None:
    draw = random.Random(7)
    wanted = list(
        itertools.product(scopes(filled), (None, "here"), ((), ("problem",)), ("", "011000"))
    )
    with read(filled.engine) as session:
        numbers = searchable_ids(session)
    for _ in range(25):
        mark = catch_up(filled)
        for scope, where, kinds, sector in draw.sample(wanted, 6):
            seen = filled.seen_by(scope)
            with read(filled.engine) as session:
                here = sociopole_id(session, SLUG) if where else None
            kept = searchable(seen, mark, sociopole=here, kinds=kinds, sector=sector)
            with read(seen.engine) as session:
                anew = searchable_ids(session, sociopole_id=here, kinds=kinds, sector=sector)
            assert kept.tolist() == anew
        with write(filled.engine) as session:
            number = draw.choice(numbers)
            if draw.random() < 0.5:
                set_consent(session, {number}, consent=draw.random() < 0.5)
            else:
                set_deleted(session, number, deleted=draw.random() < 0.5)
            if draw.random() < 0.1:
                renew_epoch(session)


def test_what_nobody_changed_is_not_read_again(filled: Resources) -> None:
    mark = catch_up(filled)
    seen = filled.seen_by(PUBLISHED)

    first = searchable(seen, mark, sociopole=None)

    assert searchable(seen, mark, sociopole=None) is first
    assert searchable(filled.seen_by(WHOLE), mark, sociopole=None) is not first
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1


def test_what_is_withdrawn_is_no_answer_at_the_next_question(filled: Resources) -> None:
    seen = filled.seen_by(PUBLISHED)
    assert {found.view.public_id for found in answer(seen, Query("vélo", k=100))} > {"p1", "p3"}
    with write(filled.engine) as session:
        number = searchable_ids(session)[1]
        set_consent(session, {number}, consent=False)

    found = {found.view.statement.id for found in answer(seen, Query("vélo", k=100))}

    assert number not in found


def test_the_sentences_of_an_answer_are_embedded_once(resources: Resources) -> None:
    import_texts(resources, "Les murs sont humides. Nous cherchons un architecte.")
    first = answer(resources, Query("architecte"))[0].sentence
    embedded = resources.encoder.embedded  # type: ignore[attr-defined]  # the test's encoder
    embedded.clear()

    assert answer(resources, Query("murs humides"))[0].sentence == "Les murs sont humides."
    assert (first, embedded) == ("Nous cherchons un architecte.", [])


def test_a_text_that_changed_answers_by_its_new_sentences(resources: Resources) -> None:
    import_texts(resources, "Les murs sont humides. Nous cherchons un architecte.")
    answer(resources, Query("architecte"))

    import_texts(resources, "Nous cherchons un architecte bénévole. Le toit fuit.")

    assert answer(resources, Query("le toit"))[0].sentence == "Le toit fuit."


def test_no_question_is_kept_in_words_nor_a_filter_larger_than_all(resources: Resources) -> None:
    import_texts(resources, "un vélo")
    answer(resources, Query("ma question secrète"))
    with read(resources.engine) as session:
        mark = current_mark(session)

    assert "secrète" not in str(resources.recent.questions)
    recent = Recent()
    assert recent.find(recent.lexicons, "a", lambda: resources.lexicon) is resources.lexicon
    assert mark.revision == 1


def test_sentences_embedded_by_the_worker_are_read_by_every_process(
    resources: Resources, open_more: OpenResources
) -> None:
    import_texts(resources, "Les murs sont humides. Nous cherchons un architecte.", "Un vélo.")
    shown: list[tuple[str, int, int]] = []
    embed_sentences(resources, lambda *told: shown.append(told))
    embed_sentences(resources)
    other = open_more()
    embedded = other.encoder.embedded  # type: ignore[attr-defined]  # the test's encoder
    labels = len(embedded)

    assert answer(other, Query("architecte"))[0].sentence == "Nous cherchons un architecte."

    assert shown == [("Phrases", 2, 2)]
    assert "Nous cherchons un architecte." not in embedded[labels:]


def test_the_vectors_of_sentences_go_with_the_text(resources: Resources) -> None:
    import_texts(resources, "Les murs sont humides. Nous cherchons un architecte.")
    embed_sentences(resources)
    with write(resources.engine) as session:
        set_deleted(session, searchable_ids(session)[0], deleted=True)
        forget_stray_vectors(session, set())
    with read(resources.engine) as session:
        left = session.execute(select(func.count()).select_from(Vector)).scalar_one()

    assert left == 0
