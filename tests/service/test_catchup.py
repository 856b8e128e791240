"""The indexes follow the database, in every process, whatever happens to their files."""

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest
from sqlalchemy import delete, event, select, update
from sqlalchemy.orm import Session

from matcher.encoder import Progress, Vectors
from service import catchup
from service.catchup import catch_up, read_snapshot
from service.database import read, write
from service.resources import Resources
from service.store.revisions import current_mark, take_revisions
from service.store.sociopoles import get_sociopole
from service.tables import Revision, StatementRow, Vector
from service.workflows.answer import Query, answer
from tests.builders import SLUG, import_rows, import_texts
from tests.conftest import OpenResources
from tests.fakes import WordEncoder

TEXTS = ("pas de vélos pour les enfants", "murs humides des logements", "jardin partagé")


def found(resources: Resources, question: str = "vélos enfants logements jardin") -> list[str]:
    return [found.view.statement.text for found in answer(resources, Query(question))]


def embedded_by_opening(open_more: OpenResources, fingerprint: str = "words-1") -> list[str]:
    """What a new process embeds before it can answer."""
    encoder = WordEncoder(fingerprint)
    catch_up(open_more(encoder))
    return sorted(encoder.embedded)


def test_what_was_imported_is_found(resources: Resources) -> None:
    import_texts(resources, *TEXTS)

    assert set(found(resources)) == set(TEXTS)
    assert found(resources, "jardin")[0] == "jardin partagé"


def test_what_was_changed_is_found_in_its_new_words_only(resources: Resources) -> None:
    import_texts(resources, *TEXTS)
    found(resources)

    import_texts(resources, "cantine bio", *TEXTS[1:])

    assert found(resources, "cantine")[0] == "cantine bio"
    assert TEXTS[0] not in found(resources)


def test_what_was_deleted_is_no_longer_found(resources: Resources) -> None:
    import_texts(resources, *TEXTS)

    with write(resources.engine) as session:
        [revision] = take_revisions(session, 1)
        velo = StatementRow.text == TEXTS[0]
        session.execute(update(StatementRow).where(velo).values(deleted=True, revision=revision))

    assert set(found(resources)) == set(TEXTS[1:])
    assert len(resources.indexes.vectors) == len(resources.indexes.words) == 2


def test_two_processes_see_each_other_s_statements_at_the_next_search(
    open_more: OpenResources,
) -> None:
    one, other = open_more(), open_more()
    import_texts(one, TEXTS[0])
    assert found(other) == [TEXTS[0]]

    import_texts(other, *TEXTS[:2])

    assert set(found(one)) == set(TEXTS[:2])
    assert found(one) == found(other)


def test_what_is_stored_is_not_embedded_again(
    resources: Resources, open_more: OpenResources
) -> None:
    import_texts(resources, *TEXTS)

    assert embedded_by_opening(open_more) == []


def test_a_text_is_embedded_once_however_many_have_it(open_more: OpenResources) -> None:
    encoder = WordEncoder()
    resources = open_more(encoder)

    rows = [("1", "A", "jardin partagé"), ("2", "B", "jardin partagé")]
    import_rows(resources, ("id", "organisation", "text"), rows)
    import_rows(resources, ("id", "organisation", "text"), rows, kind="offer")

    assert encoder.embedded == ["jardin partagé"]
    assert len(resources.indexes.vectors) == 4


def test_another_model_embeds_all_anew_and_never_mixes(
    resources: Resources, open_more: OpenResources
) -> None:
    import_texts(resources, *TEXTS)

    assert embedded_by_opening(open_more, "words-2") == sorted(TEXTS)

    assert embedded_by_opening(open_more, "words-2") == embedded_by_opening(open_more) == []
    with read(resources.engine) as session:
        kept = session.scalars(select(Vector.fingerprint)).all()
    assert sorted(kept) == ["words-1"] * 3 + ["words-2"] * 3


def _remove(folder: Path) -> None:
    shutil.rmtree(folder)


def _empty(folder: Path) -> None:
    for path in files_of(folder):
        path.write_bytes(b"")


def _flip(folder: Path) -> None:
    for path in files_of(folder):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0x40
        path.write_bytes(content)


def _truncate(folder: Path) -> None:
    for path in files_of(folder):
        path.write_bytes(path.read_bytes()[:-7])


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]


@pytest.mark.parametrize("spoil", [_remove, _empty, _flip, _truncate])
def test_index_files_that_are_gone_or_broken_change_no_answer(
    resources: Resources, open_more: OpenResources, spoil: Callable[[Path], None]
) -> None:
    import_texts(resources, *TEXTS)
    before = found(resources)

    spoil(resources.settings.index_folder)

    assert embedded_by_opening(open_more) == []
    assert found(open_more()) == found(resources) == before


@pytest.mark.parametrize("name", ["manifest.json", "vectors.faiss", "words.json"])
def test_each_broken_file_alone_is_noticed(
    resources: Resources, open_more: OpenResources, name: str
) -> None:
    import_texts(resources, *TEXTS)
    before = found(resources)

    [path] = resources.settings.index_folder.rglob(name)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

    assert found(open_more()) == before
    with read(resources.engine) as session:
        assert read_snapshot(resources, current_mark(session)).revision == 3


def test_an_index_folder_that_cannot_be_written_stops_no_search(
    resources: Resources, open_more: OpenResources, tmp_path: Path
) -> None:
    import_texts(resources, *TEXTS)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "indexes").write_text("a file where the folder should be")

    assert set(found(open_more(data=elsewhere))) == set(TEXTS)


def test_an_index_of_another_database_is_thrown_away(
    resources: Resources, open_more: OpenResources
) -> None:
    import_texts(resources, *TEXTS)
    found(resources)

    # A restore: the numbers are given again to other texts, under a new epoch.
    with write(resources.engine) as session:
        session.execute(delete(StatementRow))
        session.execute(update(Revision).values(value=0, epoch="restored"))
    import_texts(open_more(), "cantine bio", "piscine", "musée")

    assert set(found(resources, "cantine piscine musée vélos")) == {
        "cantine bio",
        "piscine",
        "musée",
    }
    assert resources.indexes.epoch == "restored"


def test_an_index_of_the_future_is_thrown_away(
    resources: Resources, open_more: OpenResources
) -> None:
    import_texts(resources, *TEXTS)

    # An older copy of the same database, put back without a new epoch.
    with write(resources.engine) as session:
        session.execute(delete(StatementRow).where(StatementRow.text != TEXTS[0]))
        session.execute(update(Revision).values(value=1))

    assert found(resources) == [TEXTS[0]]
    assert found(open_more()) == [TEXTS[0]]


def test_a_new_process_starts_from_the_published_index(
    resources: Resources, open_more: OpenResources
) -> None:
    import_texts(resources, *TEXTS)
    published = resources.indexes.published

    later = open_more()
    catch_up(later)

    assert published == later.indexes.published == 3
    assert later.indexes.unpublished == 0


class MeetingEncoder(WordEncoder):
    """Waits, before it answers, until the other process embeds the same texts."""

    def __init__(self, meeting: Barrier) -> None:
        super().__init__("words-2")
        self._meeting = meeting

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        self._meeting.wait(timeout=10)
        return super().encode_passages(texts, progress)


def test_two_processes_that_embed_the_same_texts_do_not_fail(
    resources: Resources, open_more: OpenResources
) -> None:
    import_texts(resources, *(f"texte {i}" for i in range(300)))
    meeting = Barrier(2)
    both = [open_more(MeetingEncoder(meeting)) for _ in range(2)]

    with ThreadPoolExecutor(2) as pool:
        marks = list(pool.map(catch_up, both))

    assert marks[0] == marks[1]
    assert [len(one.indexes.vectors) for one in both] == [300, 300]


def test_numbers_are_given_in_order_and_only_to_what_changed(resources: Resources) -> None:
    import_texts(resources, *TEXTS)
    import_texts(resources, TEXTS[0], "autre texte", TEXTS[2])

    with read(resources.engine) as session:
        get_sociopole(session, SLUG)
        rows = session.execute(select(StatementRow.public_id, StatementRow.revision)).all()
    assert sorted(tuple(row) for row in rows) == [("1", 1), ("2", 4), ("3", 3)]


def test_a_search_after_no_change_only_asks_where_the_database_stands(resources: Resources) -> None:
    import_texts(resources, *TEXTS)
    catch_up(resources)
    asked: list[str] = []

    @event.listens_for(resources.engine, "before_cursor_execute")
    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        # PostgreSQL is told with each transaction for whom it reads.
        if statement.lstrip().startswith("SELECT") and "set_config" not in statement:
            asked.append(statement)

    catch_up(resources)

    assert len(asked) == 1
    assert "FROM revision" in asked[0]


def test_a_search_does_not_wait_for_a_large_import_to_be_embedded(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_texts(resources, *TEXTS)
    found(resources)
    resources.indexes.keeper = keeper = Event()
    monkeypatch.setattr(catchup, "BEHIND_AT_MOST", 2)
    monkeypatch.setattr(catchup, "index_committed", lambda *_: None)
    with write(resources.engine) as session:
        take_revisions(session, 3)

    assert set(found(resources)) == set(TEXTS)

    assert keeper.is_set()
    assert resources.indexes.revision < catch_up(resources).revision


def test_a_large_change_is_taken_in_by_steps(
    resources: Resources, open_more: OpenResources, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"vélo numéro {i}" for i in range(9)]
    monkeypatch.setattr(catchup, "TAKEN_AT_ONCE", 4)
    import_texts(resources, *texts)
    monkeypatch.undo()
    anew = open_more()
    shutil.rmtree(resources.settings.index_folder)
    catch_up(anew)

    assert len(found(resources, "vélo")) == len(texts)
    assert dict(resources.indexes.hubs) == pytest.approx(dict(anew.indexes.hubs), abs=1e-6)
    assert resources.indexes.needs == anew.indexes.needs


def test_processes_share_what_is_to_be_embedded(
    resources: Resources, open_more: OpenResources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catchup, "EMBEDDED_AT_ONCE", 2)
    ours, theirs = WordEncoder("shared"), WordEncoder("shared")
    import_texts(resources, *[f"texte numéro {i}" for i in range(8)])
    here, there = open_more(ours), open_more(theirs)
    original = catchup.keep_vectors_of_texts

    def keep_and_let_the_other_go_on(session: Session, *arguments: Any) -> None:
        original(session, *arguments)
        if not theirs.embedded:
            theirs.embedded.append("")
            session.commit()
            catch_up(there)

    monkeypatch.setattr(catchup, "keep_vectors_of_texts", keep_and_let_the_other_go_on)
    catch_up(here)

    assert len(ours.embedded) == 2
    assert len(set(theirs.embedded) - {""}) == 6
