"""A check sees rows that do not agree with each other, which no foreign key forbids."""

import datetime as dt
import json

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from matcher.assignment import Limits
from matcher.wishes import Action
from service.database import write
from service.resources import Resources
from service.store.coherence import incoherences
from service.store.decisions import Say
from service.tables import KnownRelation, Vector
from service.workflows.answer import Query, answer
from service.workflows.check import Severity, check
from service.workflows.decide import Choice, Said, decide, undo_decision
from service.workflows.set_up import create_sociopole
from service.workflows.suggest import Plan, suggest
from service.workflows.understand_edit import Wanted
from tests.builders import SLUG, import_rows, import_texts
from tests.fakes import DIM
from tests.service import groups
from tests.service.people import ANIMATOR, add_person

THERE = "metropole-de-lyon"
HEADER = ("id", "organisation", "text")


@pytest.fixture
def world(resources: Resources) -> Resources:
    """Two sociopôles, with pairings, decisions, groups, edits and accounts."""
    groups.fill(resources)
    create_sociopole(resources, slug=THERE, name="Lyon", territory="metropole:200046977")
    import_rows(resources, HEADER, [("L1", "Asso L", "vélo")], sociopole=THERE)
    suggest(resources, SLUG, Plan(Limits()))
    for rank in (1, 2):
        decide(resources, SLUG, Choice((rank,)), Said(Say.ACCEPT, "Ada"), dt.date(2026, 11, 25))
    undo_decision(resources, SLUG, by="Ada", number=None)
    groups.make(resources, size=3)
    groups.edit(resources, Wanted(Action.RENAME, ("G1",), title="Se déplacer"))
    add_person(resources, ANIMATOR)
    with write(resources.engine) as session:
        left, right = session.execute(
            text("SELECT id FROM organisation ORDER BY id LIMIT 2")
        ).scalars()
        session.add(KnownRelation(left_id=left, right_id=right, since="", note=""))
    return resources


def number(session: Session, table: str, where: str) -> int:
    found: int = session.execute(text(f"SELECT min(id) FROM {table} WHERE {where}")).scalar_one()  # noqa: S608
    return found


BREACHES = (
    (
        "UPDATE statement SET organisation_id = :there_organisation WHERE id = :statement",
        "sa structure est d'un autre sociopôle",
    ),
    (
        "INSERT INTO known_relation VALUES (:organisation, :there_organisation, '', '')",
        "d'un sociopôle à l'autre",
    ),
    (
        "UPDATE membership SET organisation_id = :there_organisation",
        "compte {account} : sa structure est d'un autre sociopôle",
    ),
    (
        "UPDATE pairing SET left_id = :there_statement WHERE rank = 1",
        "rapprochement 1 du passage {run} : la contribution",
    ),
    (
        "UPDATE pairing SET alternates = '[9999]' WHERE rank = 1",
        "rapprochement 1 du passage {run} : renvoie à la contribution 9999, qui n'existe pas",
    ),
    (
        "INSERT INTO orphan VALUES (:run, :there_statement, '')",
        "sans réponse du passage {run} : la contribution",
    ),
    (
        'UPDATE decision SET pairs = \'[[9999, 1, "", ""]]\' WHERE id = :decision',
        "décision {decision} : renvoie à la contribution 9999, qui n'existe pas",
    ),
    (
        "UPDATE decision SET sociopole_id = :there WHERE undoes_id IS NULL",
        "porte sur ce qui est d'un autre sociopôle",
    ),
    (
        "UPDATE decision SET sociopole_id = :there WHERE id = :decision",
        "décision {decision} : la contribution",
    ),
    (
        "UPDATE grouping_place SET name = 'G99' WHERE name = 'G1'",
        "est d'un groupe absent",
    ),
    (
        'UPDATE grouping_group SET partners = \'[{"statement": 9999, "strength": 1}]\''
        " WHERE name = 'G1'",
        "groupe G1 du regroupement {grouping} : renvoie à la contribution 9999",
    ),
    (
        "UPDATE grouping SET sociopole_id = :there WHERE base_id IS NULL",
        "regroupement {edited} : porte sur ce qui est d'un autre sociopôle",
    ),
    (
        'UPDATE group_edit SET content = \'{"groups": [[9999]], "statement": 0, "anchor": 0}\'',
        "modification de groupes {edit} : renvoie à la contribution 9999",
    ),
    (
        "UPDATE statement SET revision = 100000 WHERE id = :statement",
        "porte un numéro que le compteur n'a pas donné",
    ),
    ("UPDATE run SET revision = 100000", "passage {run} : porte un numéro"),
)


def test_what_agrees_is_left_alone_and_every_breach_is_seen(world: Resources) -> None:
    with write(world.engine) as session:
        assert list(incoherences(session)) == []
        here = number(session, "sociopole", f"slug = '{SLUG}'")
        there = number(session, "sociopole", f"slug = '{THERE}'")
        numbers = {
            "there": there,
            "decision": number(session, "decision", "undoes_id IS NULL"),
            "run": number(session, "run", "id > 0"),
            "grouping": number(session, "grouping", "base_id IS NULL"),
            "edited": number(session, "grouping", "base_id IS NOT NULL"),
            "edit": number(session, "group_edit", "id > 0"),
            "account": number(session, "account", "id > 0"),
        }
        for place, prefix in ((here, ""), (there, "there_")):
            for table in ("statement", "organisation"):
                numbers[prefix + table] = number(session, table, f"sociopole_id = {place}")

        for breach, saying in BREACHES:
            with session.begin_nested() as savepoint:
                session.execute(text(breach), numbers)
                found = list(incoherences(session))
                savepoint.rollback()
            wanted = saying.format(**numbers)
            assert [message for message in found if wanted in message], (breach, found)
        assert list(incoherences(session)) == []


def test_a_breach_is_data_lost_that_no_repair_hides(world: Resources) -> None:
    assert check(world).exit_code == 0
    with write(world.engine) as session:
        pairs = json.dumps([[9999, 9998, "", ""]])
        session.execute(text("UPDATE decision SET pairs = :p"), {"p": pairs})

    found, repaired = check(world), check(world, repair=True)

    assert (found.exit_code, repaired.exit_code) == (2, 2)
    assert {finding.severity for finding in found.findings} == {Severity.LOST}
    assert "9999, qui n'existe pas" in found.findings[0].message


def test_vectors_that_are_not_those_of_their_texts_are_repairable(resources: Resources) -> None:
    """Stored and indexed alike: only embedding some texts again can tell."""
    import_texts(resources, "pas de vélos", "murs humides", "jardin partagé")
    turned = np.roll(np.eye(DIM, dtype=np.float32)[0], 7)
    with write(resources.engine) as session:
        for vector in session.query(Vector).filter_by(fingerprint=resources.encoder.fingerprint):
            vector.row = turned.tobytes()
    check(resources, repair=False)
    before = check(resources)

    repaired, after = check(resources, repair=True), check(resources)

    assert before.exit_code == 1
    assert any("ceux de leur texte" in finding.message for finding in before.findings)
    assert (repaired.exit_code, after.findings) == (0, [])
    assert answer(resources, Query("vélos"))[0].view.statement.text == "pas de vélos"
