"""Retention: what was kept as long as promised goes, the rest stays; a trial only counts."""

import datetime as dt
import os
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import InstrumentedAttribute

from matcher.assignment import Limits
from service.database import now, read, write
from service.resources import Resources
from service.rgpd.durations import DURATIONS
from service.store.contacts import list_contacts
from service.store.decisions import Say
from service.tables import Contact, Grouping, Import, Run, Vector
from service.workflows.decide import Choice, Said, decide
from service.workflows.group import GroupPlan, group
from service.workflows.purge import purge
from service.workflows.show import show_suggestions
from service.workflows.suggest import Plan, parse_kinds, suggest
from tests.builders import SLUG, import_rows

HEADER = ("id", "organisation", "text", "contact_name", "contact_email")
TOPICS = ("vélo piste cyclable", "moisissure logement mur", "compost jardin déchets")


def later(duration: str, days: int = 0) -> dt.datetime:
    return now() + dt.timedelta(days=DURATIONS[duration].days + days)


def counts(purged: dict[str, Any]) -> dict[str, int]:
    return {row["what"]: row["count"] for row in purged["removed"] if row["count"]}


def names(resources: Resources) -> list[str]:
    with read(resources.engine) as session:
        return [contact.name for contact in list_contacts(session)]


def values(resources: Resources, column: InstrumentedAttribute[Any]) -> list[Any]:
    with read(resources.engine) as session:
        return list(session.execute(select(column)).scalars())


@pytest.fixture
def filled(resources: Resources) -> Resources:
    needs = [
        (f"P{i}", f"Asso {i}", f"besoin {topic}", f"Personne {i}", "")
        for i, topic in enumerate(TOPICS)
    ]
    answers = [
        (f"I{i}", f"Labo {i}", f"recherche {topic}", "", "") for i, topic in enumerate(TOPICS)
    ]
    import_rows(resources, HEADER, needs)
    import_rows(resources, HEADER, answers, kind="interest")
    suggest(resources, SLUG, Plan(Limits(), parse_kinds("problem-interest")))
    return resources


def test_a_contact_goes_three_years_after_the_last_sign_of_life(filled: Resources) -> None:
    purge(filled, at=later("contact", -2))
    assert len(names(filled)) == 3

    purge(filled, at=later("contact", 1))

    assert names(filled) == []


def test_another_import_of_it_counts_as_a_sign_of_life(filled: Resources) -> None:
    with write(filled.engine) as session:
        old = now() - dt.timedelta(days=DURATIONS["contact"].days + 1)
        session.execute(update(Contact).values(touched_at=old, added_at=old))
    import_rows(filled, HEADER, [("P1", "Asso 1", f"besoin {TOPICS[1]}", "Personne 1", "")])

    purge(filled)

    assert names(filled) == ["Personne 1"]


def test_who_was_put_in_contact_is_kept_two_years_more(filled: Resources) -> None:
    pairings = show_suggestions(filled, SLUG)["pairings"]
    rank = next(p["rank"] for p in pairings if p["left"]["id"] == "P2")
    decide(filled, SLUG, Choice((rank,)), Said(Say.ACCEPT, "Ada"))

    purge(filled, at=later("contact", 1))
    assert names(filled) == ["Personne 2"]
    purge(filled, at=later("paired_contact", 1))
    assert names(filled) == []


def test_the_last_run_and_grouping_stay_whatever_their_age(filled: Resources) -> None:
    suggest(filled, SLUG, Plan(Limits(), parse_kinds("problem-interest")))
    first = group(filled, GroupPlan(SLUG), by="Ada")
    import_rows(filled, HEADER, [("P9", "Asso 9", "garage à vélos", "", "")])
    second = group(filled, GroupPlan(SLUG), by="Ada")
    runs = values(filled, Run.id)
    assert (len(runs), set(values(filled, Grouping.id))) == (2, {first, second})

    purge(filled, at=later("run", 1))

    assert values(filled, Run.id) == [max(runs)]
    assert values(filled, Grouping.id) == [second]
    assert show_suggestions(filled, SLUG)["pairings"]


def test_an_old_import_keeps_its_counts_and_forgets_its_lines(resources: Resources) -> None:
    header = ("id", "organisation", "text", "territory")
    rows = [("1", "Asso", "un texte", ""), ("2", "Asso", "autre", "chez Mme Sow")]
    import_rows(resources, header, rows, skip_errors=True)

    purge(resources, at=later("import_report", 1))

    (report,) = values(resources, Import.report)
    assert (report["errors"], report["rows"], report["created"]) == ([], 2, 1)


def test_files_that_were_sent_in_go_in_their_time(resources: Resources) -> None:
    folder = resources.settings.upload_folder
    folder.mkdir()
    for name, days in (("old", 1), ("young", -1)):
        path = folder / f"{name}.csv"
        path.write_text("a;b\n")
        age = dt.datetime.now(dt.UTC) - dt.timedelta(days=DURATIONS["upload"].days + days)
        os.utime(path, (age.timestamp(), age.timestamp()))

    assert purge(resources)["files"] == ["uploads/old.csv"]

    assert [path.name for path in folder.iterdir()] == ["young.csv"]


def test_vectors_of_texts_that_changed_go_and_those_of_the_lists_stay(filled: Resources) -> None:
    before = values(filled, Vector.text_hash)
    import_rows(filled, HEADER, [("P0", "Asso 0", "tout autre chose", "", "")])
    labels = filled.sectors.vectors

    assert purge(filled)["vectors"] == 1

    after = values(filled, Vector.text_hash)
    assert len(after) == len(before)
    assert len(after) > len(labels)


def test_a_trial_counts_and_changes_nothing(filled: Resources) -> None:
    filled.settings.upload_folder.mkdir()
    (filled.settings.upload_folder / "a.csv").write_text("a")
    at = later("paired_contact", 1)

    trial = purge(filled, dry_run=True, at=at)
    done = purge(filled, at=at)

    assert counts(trial)["contacts"] == 3
    assert (trial["removed"], trial["files"]) == (done["removed"], done["files"])
    assert counts(purge(filled, at=at)) == {}
