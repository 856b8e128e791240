"""Kept questions: what is new is told once, to who may see it, and stops when they say so."""

import re
from collections.abc import Iterator

import pytest

from service.access import Person, Role, as_person
from service.database import read
from service.errors import NotFound, Refused
from service.resources import Resources
from service.store.accounts import NewAccount, get_account, list_accounts
from service.workflows import alerts
from service.workflows.accounts import AccountChange, RoleWanted, change_account, create_account
from service.workflows.answer import Query
from tests.builders import SLUG, import_rows
from tests.service.mail_servers import Mailbox, mail_server, with_smtp
from tests.service.people import Someone, add_person

READER, ACADEMIC = Someone("Une élue", Role.READER), Someone("Un chercheur", Role.ACADEMIC)
HEADER = ("id", "organisation", "title", "text", "consent")


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def resources(resources: Resources, mailbox: Mailbox) -> Iterator[Resources]:
    """With a mail server."""
    with mail_server(mailbox) as port:
        yield with_smtp(resources, f"smtp://127.0.0.1:{port}")


def person(resources: Resources, someone: Someone) -> Person:
    number = add_person(resources, someone)
    with read(resources.engine) as session:
        return as_person(get_account(session, number))


def put(resources: Resources, key: str, text: str, consent: str = "non") -> None:
    import_rows(resources, HEADER, [(key, f"Asso {key}", f"Titre {key}", text, consent)])


def keep(resources: Resources, who: Person, *, by_mail: bool = True) -> int:
    seen = resources.seen_by(who.scope())
    query = Query("garage vélos école", k=alerts.ANSWERS_KEPT)
    return int(alerts.keep_query(seen, who, query, by_mail=by_mail)["id"])


def new_of(resources: Resources, who: Person, number: int) -> list[str]:
    shown = alerts.show_query(resources.seen_by(who.scope()), who, number)
    return [answer["id"] for answer in shown["answers"] if answer["is_new"]]


def test_what_was_there_is_listed_and_only_what_comes_later_is_new(resources: Resources) -> None:
    for key in "ADE":
        put(resources, key, f"garage vélos école {key}")
    who = person(resources, ACADEMIC)
    number = keep(resources, who)
    assert new_of(resources, who, number) == []

    put(resources, "B", "un garage pour les vélos de l'école")
    put(resources, "C", "xylophone quantique")

    assert alerts.look_again(resources) == 1
    assert new_of(resources, who, number) == ["B"]
    assert alerts.look_again(resources) == 0


def test_looked_at_it_is_no_longer_new(resources: Resources) -> None:
    who = person(resources, ACADEMIC)
    number = keep(resources, who)
    put(resources, "B", "garage vélos école")
    alerts.look_again(resources)

    alerts.change_query(resources.seen_by(who.scope()), who, number, seen=True)

    assert new_of(resources, who, number) == []
    assert alerts.show_queries(resources, who)["queries"][0]["new"] == 0


def test_one_is_told_of_what_one_may_see_and_no_more(resources: Resources) -> None:
    reader, academic = person(resources, READER), person(resources, ACADEMIC)
    of_reader, of_academic = keep(resources, reader), keep(resources, academic)
    put(resources, "SECRET", "garage vélos école")
    put(resources, "PUBLIC", "garage vélos école enfants", consent="oui")

    alerts.look_again(resources)

    assert new_of(resources, reader, of_reader) == ["PUBLIC"]
    assert sorted(new_of(resources, academic, of_academic)) == ["PUBLIC", "SECRET"]


def test_what_is_withdrawn_meanwhile_is_not_told(resources: Resources) -> None:
    who = person(resources, READER)
    keep(resources, who)
    put(resources, "A", "garage vélos école", consent="oui")
    alerts.look_again(resources)
    put(resources, "A", "garage vélos école", consent="non")

    assert alerts.send_digests(resources) == []


def test_a_sentence_that_its_author_took_out_is_neither_shown_nor_mailed(
    resources: Resources,
) -> None:
    who = person(resources, ACADEMIC)
    number = keep(resources, who)
    put(resources, "A", "Un garage pour les vélos de l'école. Demandez Mme Zulma au guichet.")
    put(resources, "B", "Demandez Mme Zulma pour le garage à vélos de l'école.")
    alerts.look_again(resources)
    put(resources, "A", "Un garage pour  les vélos de l'école, c'est dit. Nous sommes dix.")
    put(resources, "B", "Plus de garage à vélos à l'école.")

    shown = alerts.show_query(resources.seen_by(who.scope()), who, number)
    [mail] = alerts.send_digests(resources)

    assert {a["id"]: a["sentence"] for a in shown["answers"]} == {"A": "", "B": ""}
    assert "Titre A" in mail.text
    assert "«  »" not in mail.text
    assert "Zulma" not in f"{shown}{mail.text}"


def test_a_sentence_that_still_stands_is_shown_and_mailed(resources: Resources) -> None:
    who = person(resources, ACADEMIC)
    number = keep(resources, who)
    put(resources, "A", "Un garage pour les vélos de l'école. Nous sommes dix bénévoles.")
    alerts.look_again(resources)
    put(resources, "A", "Un garage pour les vélos de l'école. Nous sommes vingt bénévoles.")

    shown = alerts.show_query(resources.seen_by(who.scope()), who, number)
    [mail] = alerts.send_digests(resources)

    sentence = "Titre A Un garage pour les vélos de l'école."
    assert [answer["sentence"] for answer in shown["answers"]] == [sentence]
    assert f"« {sentence} »" in mail.text


def test_one_mail_a_person_tells_of_each_answer_once(
    resources: Resources, mailbox: Mailbox
) -> None:
    who = person(resources, ACADEMIC)
    keep(resources, who)
    put(resources, "A", "garage vélos école")
    put(resources, "B", "garage vélos école enfants")
    alerts.look_again(resources)

    assert len(alerts.send_digests(resources, dry_run=True)) == 1
    [mail] = alerts.send_digests(resources)

    assert mail.to == ACADEMIC.email
    assert mailbox.recipients == [[ACADEMIC.email]]
    assert mail.subject.startswith("2 contributions nouvelles")
    assert {"Titre A", "Titre B"} <= set(re.findall(r"Titre \w", mail.text))
    assert alerts.send_digests(resources) == []


def test_an_address_that_is_refused_keeps_nobody_from_their_mail_and_is_tried_again(
    resources: Resources, mailbox: Mailbox
) -> None:
    refused = Someone("Inconnue", Role.ACADEMIC)
    for someone in (refused, ACADEMIC):
        keep(resources, person(resources, someone))
    put(resources, "A", "garage vélos école")
    alerts.look_again(resources)

    first = alerts.send_digests(resources)
    mailbox.unknown = ()
    then = alerts.send_digests(resources)

    assert [mail.to for mail in first] == [ACADEMIC.email]
    assert [mail.to for mail in then] == [refused.email]
    assert mailbox.recipients == [[ACADEMIC.email], [refused.email]]
    assert alerts.send_digests(resources) == []


def test_without_a_mail_server_only_the_demo_is_told_in_the_log_and_others_wait(
    resources: Resources, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    add_demo(resources, "academic@demo.invalid")
    with read(resources.engine) as session:
        demo = [as_person(a) for a in list_accounts(session) if a.is_demo]
    for who in (*demo, person(resources, ACADEMIC)):
        keep(resources, who)
    put(resources, "A", "garage vélos école")
    alerts.look_again(resources)
    unserved = with_smtp(resources, "")

    expected = alerts.send_digests(unserved, dry_run=True)
    logged = alerts.send_digests(unserved)
    later = alerts.send_digests(resources)

    assert [mail.to for mail in logged] == [mail.to for mail in expected]
    assert [mail.to for mail in logged] == ["academic@demo.invalid"]
    assert "academic@demo.invalid" in caplog.text
    assert [mail.to for mail in later] == [ACADEMIC.email]
    assert mailbox.recipients == [[ACADEMIC.email]]


def add_demo(resources: Resources, email: str) -> None:
    new = NewAccount(email, "Un enseignant-chercheur", is_demo=True)
    create_account(resources, new, by=None, roles=[RoleWanted(SLUG, Role.ACADEMIC)])


def test_nobody_is_mailed_who_did_not_ask(resources: Resources) -> None:
    keep(resources, person(resources, ACADEMIC), by_mail=False)
    put(resources, "A", "garage vélos école")
    alerts.look_again(resources)

    assert alerts.send_digests(resources) == []


def test_a_closed_account_is_neither_looked_for_nor_mailed(resources: Resources) -> None:
    who = person(resources, ACADEMIC)
    keep(resources, who)
    assert who.account
    change_account(resources, who.account, AccountChange(is_active=False), by=None)
    put(resources, "A", "garage vélos école")

    assert alerts.look_again(resources) == 0
    assert alerts.send_digests(resources) == []


def test_the_link_of_a_mail_stops_them_all_without_signing_in(resources: Resources) -> None:
    who = person(resources, ACADEMIC)
    for _ in range(2):
        keep(resources, who)
    put(resources, "A", "garage vélos école")
    alerts.look_again(resources)
    [mail] = alerts.send_digests(resources)
    secret = mail.unsubscribe_url.rpartition("/")[2]

    assert alerts.stop_mails(resources, secret) == 2
    assert alerts.stop_mails(resources, secret) == 0

    put(resources, "B", "garage vélos école enfants")
    assert alerts.look_again(resources) == 2
    assert alerts.send_digests(resources) == []
    with pytest.raises(NotFound):
        alerts.stop_mails(resources, "autre")


def test_a_question_of_somebody_else_does_not_exist(resources: Resources) -> None:
    mine = keep(resources, person(resources, ACADEMIC))
    other = person(resources, READER)

    for act in (alerts.show_query, alerts.forget_query):
        with pytest.raises(NotFound):
            act(resources, other, mine)


def test_a_forgotten_question_is_gone(resources: Resources) -> None:
    put(resources, "A", "garage vélos école")
    who = person(resources, ACADEMIC)
    number = keep(resources, who)

    alerts.forget_query(resources, who, number)

    assert alerts.show_queries(resources, who) == {"queries": []}


def test_a_question_of_a_lost_sociopole_is_quiet(resources: Resources) -> None:
    who = person(resources, ACADEMIC)
    seen = resources.seen_by(who.scope())
    query = Query("garage vélos", sociopole=SLUG)
    number = alerts.keep_query(seen, who, query, by_mail=True)["id"]
    assert who.account
    change_account(resources, who.account, AccountChange(roles=[]), by=None)
    put(resources, "A", "garage vélos école")

    assert alerts.look_again(resources) == 0
    assert number


def test_questions_are_kept_up_to_a_measure(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "MOST_QUERIES", 1)
    who = person(resources, ACADEMIC)
    keep(resources, who)

    with pytest.raises(Refused, match="Au plus 1"):
        keep(resources, who)
