"""The ledger: on the disk before anything, unreadable by others, whole or refused."""

import datetime as dt
from pathlib import Path

import pytest

from service.errors import Refused
from service.resources import Resources
from service.rgpd.identity import Keys, Person, Salt
from service.rgpd.ledger import FILE, SECRET, Asked, Ledger, Line, new_line
from service.workflows.erase import erase, replay_erasures
from service.workflows.identify import Asking
from service.workflows.ledger import open_ledger
from tests.builders import import_rows
from tests.conftest import OpenResources

SALT = Salt(b"s" * 32)
AT = dt.datetime.fromisoformat("2026-11-25T12:00:01.000005")
HEADER = ("id", "organisation", "text", "contact_name", "contact_email")
AWA = ("1", "Asso", "un texte", "Awa Diallo", "awa@exemple.example")


def a_line() -> Line:
    return new_line(Asked.ERASE, SALT.keys(Person(names=("Awa Diallo",))), AT, mask_texts=True)


def test_lines_come_back_as_they_were(tmp_path: Path) -> None:
    ledger, line = Ledger(tmp_path, SALT), a_line()

    ledger.add(line)
    ledger.add(Line("b", AT, Asked.ALLOW, Keys()))

    assert ledger.lines() == [line, Line("b", AT, Asked.ALLOW, Keys())]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_line_cut_by_a_crash_is_left_out_and_the_next_is_whole(tmp_path: Path) -> None:
    ledger, line = Ledger(tmp_path, SALT), a_line()
    ledger.add(line)
    with (tmp_path / FILE).open("a") as file:
        file.write('{"id": "cut')

    ledger.add(Line("b", AT, Asked.ALLOW, Keys()))

    assert [line.id for line in ledger.lines()] == [line.id, "b"]


def test_a_damaged_line_is_not_passed_over(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, SALT)
    ledger.add(a_line())
    whole = (tmp_path / FILE).read_text()
    (tmp_path / FILE).write_text(whole.replace('"id"', '"id', 1))

    with pytest.raises(Refused, match="ligne 1"):
        ledger.lines()


def test_lines_of_another_secret_are_refused(tmp_path: Path) -> None:
    Ledger(tmp_path, SALT).add(a_line())

    with pytest.raises(Refused, match=SECRET):
        Ledger(tmp_path, Salt(b"t" * 32)).lines()


def test_two_ledgers_become_one(tmp_path: Path) -> None:
    here, there = Ledger(tmp_path / "here", SALT), Ledger(tmp_path / "there", SALT)
    first, second = a_line(), a_line()
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
    here.add(first)
    there.add(first)
    there.add(second)

    assert here.merge(tmp_path / "there" / FILE) == 1

    assert here.lines() == [first, second]


def test_the_secret_is_drawn_once_and_its_own_in_each_installation(
    resources: Resources, open_more: OpenResources, tmp_path: Path
) -> None:
    first = open_ledger(resources)
    again = open_ledger(open_more())
    elsewhere = open_ledger(open_more(data=tmp_path / "elsewhere"))

    hashes = {ledger.salt.email("a@b.example") for ledger in (first, again, elsewhere)}
    assert len(hashes) == 1
    assert (tmp_path / "elsewhere" / SECRET).stat().st_mode & 0o777 == 0o600


def test_another_installations_secret_is_refused(resources: Resources) -> None:
    open_ledger(resources)
    (resources.settings.data / SECRET).write_bytes(b"x" * 32)

    with pytest.raises(Refused, match="n'est pas le secret"):
        replay_erasures(resources)


def test_a_folder_that_was_lost_is_filled_from_the_database(resources: Resources) -> None:
    import_rows(resources, HEADER, [AWA])
    erase(resources, Asking(email=AWA[4]))
    lines = open_ledger(resources).lines()
    for name in (FILE, SECRET):
        (resources.settings.data / name).unlink()

    assert replay_erasures(resources) == 0

    assert open_ledger(resources).lines() == lines


def test_the_ledger_names_nobody(resources: Resources) -> None:
    import_rows(resources, HEADER, [AWA])
    erase(resources, Asking(email=AWA[4]), mask_texts=True)

    written = (resources.settings.data / FILE).read_text().lower()

    assert written.count("\n") == 1
    assert not any(word in written for word in ("awa", "diallo", "exemple"))


def test_what_was_asked_and_not_done_is_done_at_the_next_start(resources: Resources) -> None:
    import_rows(resources, HEADER, [AWA])
    ledger = open_ledger(resources)
    # As when the process died between the ledger and the database.
    ledger.add(new_line(Asked.ERASE, ledger.salt.keys(Person(emails=(AWA[4],))), AT))

    assert replay_erasures(resources) == 1

    assert erase(resources, Asking(email=AWA[4]), dry_run=True).done.tables == {}
