"""Art. 14: academics are told within a month that they are kept here."""

import datetime as dt

import pytest
from sqlalchemy import update

from service.database import now, write
from service.errors import NotFound
from service.resources import Resources
from service.tables import Contact
from service.workflows.notices import due_on, mark_sent, show_notices
from tests.builders import SLUG, import_rows

HEADER = ("id", "organisation", "text", "contact_name", "contact_email")


@pytest.fixture
def filled(resources: Resources) -> Resources:
    people = [("1", "Labo", "un", "Awa Diallo", "awa@exemple.example"),
              ("2", "Master", "deux", "", "master@exemple.example")]  # fmt: skip
    import_rows(resources, HEADER, people, kind="interest")
    import_rows(resources, HEADER, [("3", "Asso", "trois", "Luc Sow", "luc@exemple.example")])
    return resources


def test_academics_are_listed_with_the_day_and_the_mail(filled: Resources) -> None:
    notices = show_notices(filled, SLUG, source="HAL")["notices"]

    assert [notice["email"] for notice in notices] == [
        "awa@exemple.example", "master@exemple.example",
    ]  # fmt: skip
    first = notices[0]
    assert first["due_on"] == due_on(now()).isoformat()
    for words in (
        "Bonjour Awa Diallo",
        "Plaine Commune",
        "Labo",
        "HAL",
        "3 ans",
        "CNIL",
        "opposer",
    ):
        assert words in first["mail"]
    assert "{" not in first["mail"]
    assert not first["late"]


def test_who_was_told_waits_no_more(filled: Resources) -> None:
    assert mark_sent(filled, SLUG, ["AWA@exemple.example"]) == 1
    assert [n["email"] for n in show_notices(filled, SLUG)["notices"]] == ["master@exemple.example"]

    assert mark_sent(filled, SLUG) == 1

    assert show_notices(filled, SLUG)["notices"] == []


def test_another_import_does_not_make_them_wait_again(filled: Resources) -> None:
    mark_sent(filled, SLUG)

    again = [("1", "Labo", "un", "Awa Diallo", "awa@exemple.example")]
    import_rows(filled, HEADER, again, kind="interest")

    assert show_notices(filled, SLUG)["notices"] == []


def test_an_address_that_waits_for_nothing_is_refused(filled: Resources) -> None:
    with pytest.raises(NotFound, match="Personne n'attend"):
        mark_sent(filled, SLUG, ["luc@exemple.example"])

    assert len(show_notices(filled, SLUG)["notices"]) == 2


def test_who_is_late_is_said(filled: Resources) -> None:
    with write(filled.engine) as session:
        session.execute(update(Contact).values(added_at=now() - dt.timedelta(days=40)))

    assert {notice["late"] for notice in show_notices(filled, SLUG)["notices"]} == {True}


@pytest.mark.parametrize(
    ("added", "due"),
    [("2026-11-25", "2026-12-25"), ("2026-12-31", "2027-01-31"), ("2027-01-31", "2027-02-28")],
)
def test_a_month_is_a_month(added: str, due: str) -> None:
    assert due_on(dt.datetime.fromisoformat(added)).isoformat() == due
