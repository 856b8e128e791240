"""Erasure: nothing of the person is left, on the disk either, also after a restore."""

import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from matcher.assignment import Limits
from service import database
from service.database import open_engine, read
from service.errors import Refused
from service.resources import Resources
from service.store.contacts import list_contacts
from service.store.decisions import Say
from service.store.rights import noted_requests
from service.tables import Organisation, StatementRow
from service.workflows.answer import Query, answer
from service.workflows.check import check
from service.workflows.decide import Choice, Said, decide, show_decisions
from service.workflows.erase import erase, replay_erasures
from service.workflows.identify import Asking
from service.workflows.ledger import open_ledger
from service.workflows.purge import purge
from service.workflows.show import show_suggestions
from service.workflows.suggest import Plan, parse_kinds, suggest
from tests.builders import SLUG, import_rows
from tests.conftest import OpenResources
from tests.service.rgpd.canaries import (
    EMAIL,
    dump_postgresql,
    use_everything,
    vector_bytes,
    what_is_left,
)

PERSON = Asking(email=EMAIL)


@pytest.fixture
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dump") / "all.sql"


def test_nothing_is_left_of_who_is_erased_nor_after_a_restore(
    resources: Resources, open_more: OpenResources, dump: Path
) -> None:
    use_everything(resources)
    assert len(list(what_is_left(resources, dump))) > 3
    old_vectors = vector_bytes(resources)
    assert old_vectors
    keep = back_up(resources, dump.parent)

    erasure = erase(resources, PERSON, mask_texts=True)

    assert erasure.is_whole
    assert list(what_is_left(resources, dump)) == []
    assert no_file_holds(resources, old_vectors)

    restored = restore(resources, open_more, keep)
    assert len(list(what_is_left(restored, dump))) > 0

    assert replay_erasures(restored) == 1

    assert list(what_is_left(restored, dump)) == []
    assert no_file_holds(restored, old_vectors)
    assert replay_erasures(restored) == 0


def back_up(resources: Resources, folder: Path) -> Path:
    if resources.engine.dialect.name == "postgresql":
        dump_postgresql(resources, folder / "yesterday.sql")
        return folder / "yesterday.sql"
    resources.engine.dispose()
    for name in ("sociopoles.sqlite3", "sociopoles.sqlite3-wal"):
        if (resources.settings.data / name).exists():
            shutil.copy(resources.settings.data / name, folder / name)
    return folder / "sociopoles.sqlite3"


def restore(resources: Resources, open_more: OpenResources, kept: Path) -> Resources:
    resources.engine.dispose()
    if kept.suffix == ".sql":
        url = resources.settings.database_url
        command = ["psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(kept), url]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return open_more()
    for path in resources.settings.data.glob("sociopoles.sqlite3*"):
        path.unlink()
    for path in kept.parent.glob("sociopoles.sqlite3*"):
        shutil.copy(path, resources.settings.data)
    return open_more()


def no_file_holds(resources: Resources, vectors: set[bytes]) -> bool:
    files = [path for path in resources.settings.data.rglob("*") if path.is_file()]
    return not any(vector in path.read_bytes() for path in files for vector in vectors)


HEADER = ("id", "organisation", "text", "contact_name", "contact_email")
AWA = ("1", "Asso", "Awa Diallo cherche un garage à vélos", "Awa Diallo", "awa@exemple.example")
ASKING = Asking(email=AWA[4])


def texts(resources: Resources) -> list[str]:
    with read(resources.engine) as session:
        return list(session.execute(select(StatementRow.text).order_by(StatementRow.id)).scalars())


def contacts(resources: Resources) -> list[tuple[str, str]]:
    with read(resources.engine) as session:
        return [(contact.name, contact.email) for contact in list_contacts(session)]


def test_a_trial_changes_nothing_and_says_what_would(resources: Resources) -> None:
    import_rows(resources, HEADER, [AWA])

    erasure = erase(resources, ASKING, mask_texts=True, dry_run=True)

    assert erasure.done.tables["contact"].deleted == 1
    assert erasure.done.tables["statement"].changed == 1
    assert "Awa Diallo" in erasure.done.mentions[0].excerpt
    assert contacts(resources) == [("Awa Diallo", AWA[4])]
    assert texts(resources) == [AWA[2]]
    assert open_ledger(resources).lines() == []


def test_texts_are_masked_only_when_it_is_asked(resources: Resources) -> None:
    import_rows(resources, HEADER, [AWA])

    first = erase(resources, ASKING)

    assert contacts(resources) == []
    assert texts(resources) == [AWA[2]]
    assert (first.is_whole, first.done.tables["statement"].left) == (False, 1)

    second = erase(resources, ASKING, mask_texts=True)

    # The contact is gone, and the name with it; the ledger still finds it.
    assert second.is_whole
    assert texts(resources) == ["▒▒▒▒ cherche un garage à vélos"]


def test_a_masked_text_is_found_by_its_other_words_and_no_longer_by_the_name(
    resources: Resources,
) -> None:
    import_rows(resources, HEADER, [AWA])
    answer(resources, Query("Awa Diallo"))

    erase(resources, ASKING, mask_texts=True)

    (found,) = answer(resources, Query("garage vélos"))
    assert found.view.statement.text == "▒▒▒▒ cherche un garage à vélos"
    assert "diallo" not in " ".join(resources.indexes.terms.values())
    assert check(resources).as_json()["status"] == "clean"


def test_what_was_decided_stays_signed_by_nobody_and_holds(resources: Resources) -> None:
    topic = "vélo piste cyclable école"
    import_rows(resources, HEADER, [("P", "Asso", f"Awa Diallo, {topic}", *AWA[3:])])
    import_rows(resources, HEADER, [("I", "Labo", f"recherche {topic}", "", "")], kind="interest")
    plan = Plan(Limits(), parse_kinds("problem-interest"))
    suggest(resources, SLUG, plan)
    decide(resources, SLUG, Choice((1,)), Said(Say.SET_ASIDE, "Awa Diallo", "too-far", "loin"))

    erase(resources, ASKING, mask_texts=True)
    suggest(resources, SLUG, plan)

    (decision,) = show_decisions(resources, SLUG)["decisions"]
    assert (decision["by"], decision["words"]) == ("personne effacée", "loin")
    assert [(pair["left"], pair["right"]) for pair in decision["pairs"]] == [("P", "I")]
    # Masking is no new text: what was set aside does not come back.
    assert show_suggestions(resources, SLUG)["pairings"] == []


def test_the_same_file_does_not_bring_them_back(resources: Resources) -> None:
    unnumbered = ("", "Asso", "Sans numéro, dit Awa Diallo", *AWA[3:])
    rows = [AWA, unnumbered, ("3", "Awa Diallo", "seule", "", "")]
    import_rows(resources, HEADER, rows)
    erase(resources, ASKING, mask_texts=True)

    report = import_rows(resources, HEADER, rows)

    assert (report.created, report.updated, report.unchanged) == (0, 0, 3)
    assert [left["row"] for left in report.persons["left_out"]] == [2, 3]
    assert contacts(resources) == []
    assert not any("Diallo" in text for text in texts(resources))
    with read(resources.engine) as session:
        names = session.execute(select(Organisation.name)).scalars()
        assert not any("Diallo" in name for name in names)


def test_somebody_of_the_same_name_is_left_alone(resources: Resources) -> None:
    other = ("2", "Autre", "Awa Diallo a une idée", "Awa Diallo", "autre@exemple.example")
    import_rows(resources, HEADER, [AWA, other])
    with pytest.raises(Refused, match="Plusieurs personnes"):
        erase(resources, Asking(name="Awa Diallo"))

    erasure = erase(resources, ASKING, mask_texts=True)

    assert contacts(resources) == [("Awa Diallo", "autre@exemple.example")]
    assert texts(resources)[1] == "Awa Diallo a une idée"
    assert "s'appelle « Awa Diallo »" in erasure.notes[0]


def test_somebody_of_the_same_name_at_the_same_place_is_left_alone(resources: Resources) -> None:
    import_rows(resources, HEADER, [AWA, ("2", "Asso", "autre", "DIALLO Awa", "b@exemple.example")])

    erase(resources, ASKING, mask_texts=True)

    assert contacts(resources) == [("DIALLO Awa", "b@exemple.example")]


@pytest.mark.parametrize("asking", [Asking(), Asking(email="awa"), Asking(also=("a",))])
def test_nobody_in_particular_is_refused(resources: Resources, asking: Asking) -> None:
    with pytest.raises(Refused):
        erase(resources, asking)

    assert open_ledger(resources).lines() == []


def test_a_name_alone_is_enough_where_one_person_has_it(resources: Resources) -> None:
    import_rows(resources, HEADER, [AWA])

    assert erase(resources, Asking(name="diallo awa"), mask_texts=True).is_whole

    assert contacts(resources) == []
    assert import_rows(resources, HEADER, [AWA]).persons["left_out"]


def test_a_lone_surname_is_listed_to_be_looked_at(resources: Resources) -> None:
    import_rows(resources, HEADER, [AWA, ("2", "Autre", "Demandez à Diallo, au fond.", "", "")])

    doubtful = [m for m in erase(resources, ASKING, dry_run=True).done.mentions if not m.sure]
    erase(resources, Asking(email=AWA[4], also=("Diallo",)), mask_texts=True)

    assert {mention.excerpt for mention in doubtful} == {"Demandez à Diallo, au fond."}
    assert texts(resources)[1] == "Demandez à ▒▒▒▒, au fond."


def test_a_reader_who_keeps_the_old_bytes_is_told(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 200)
    event.listen(resources.engine, "checkout", do_not_wait)
    import_rows(resources, HEADER, [AWA])
    other = open_engine(resources.settings.url)
    with read(other) as session:
        session.execute(select(StatementRow)).all()
        assert not erase(resources, ASKING, mask_texts=True).is_whole
        assert not purge(resources)["files_clean"]
    other.dispose()
    assert left_to_clean(resources) == 1

    # Somebody who writes in another database of the server is waited for as well.
    assert any(purge(resources)["files_clean"] for _ in range(100))

    assert left_to_clean(resources) == 0
    assert (resources.settings.data / "indexes").exists()


def left_to_clean(resources: Resources) -> int:
    with read(resources.engine) as session:
        return len(noted_requests(session, uncleaned=True))


def do_not_wait(connection: Any, *_: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA busy_timeout=50")
