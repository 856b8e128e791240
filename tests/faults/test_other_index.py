"""F6, F11: an index of another time, place or model is never answered from."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update

from matcher.encoder import Progress, Vectors
from matcher.passages import encode_long
from service.catchup import catch_up, publish_now
from service.database import read, write
from service.resources import Resources
from service.store.statements import changes_since
from service.tables import Revision
from service.workflows.check import check
from tests.fakes import DIM, WordEncoder
from tests.faults.children import opened, take, write_file
from tests.faults.conftest import Tally
from tests.faults.finding import (
    answers_of,
    assert_clean,
    assert_same_answers,
    fill,
    refusal,
    top,
)
from tests.faults.processes import Place


@pytest.fixture
def filled(sqlite_place: Place) -> Place:
    fill(sqlite_place, "avant", 120)
    return sqlite_place


@pytest.mark.fault("F6")
def test_an_older_index_is_brought_up_to_date(filled: Place, tally: Tally) -> None:
    old = keep_indexes(filled)
    fill(filled, "apres", 80)
    before = answers_of(filled)

    put_indexes_back(old, filled)

    assert refusal(filled) == ""
    assert_same_answers(filled, before)
    assert_clean(filled)
    tally(1, "older indexes")


@pytest.mark.fault("F6")
def test_an_index_newer_than_the_database_is_not_used(filled: Place, tally: Tally) -> None:
    before, old = answers_of(filled), keep_database(filled)
    fill(filled, "apres", 80)

    put_database_back(old, filled)

    assert refusal(filled) == "newer"
    assert_same_answers(filled, before)
    assert refusal(filled) == ""
    # Nor does it come back once the lost numbers have been given again.
    fill(filled, "autre", 80)
    assert_clean(filled)
    tally(1, "newer indexes")


@pytest.mark.fault("F6")
def test_an_index_from_before_a_restore_is_not_used(filled: Place, tally: Tally) -> None:
    before, old = answers_of(filled), keep_database(filled)
    fill(filled, "perdu", 40)
    put_database_back(old, filled)
    with opened(filled) as resources, write(resources.engine) as session:
        session.execute(update(Revision).values(epoch="restored"))
    after = keep_indexes(filled)

    assert refusal(filled) == "other-epoch"
    assert_same_answers(filled, before)

    # The numbers of the lost rows are given again, and more: no number tells, the epoch does.
    fill(filled, "autre", 80)
    put_indexes_back(after, filled)
    assert refusal(filled) == "other-epoch"
    answers_of(filled)
    assert_clean(filled)
    tally(2, "indexes of another epoch")


@pytest.mark.fault("F6")
def test_a_database_put_back_by_hand_without_a_new_epoch_is_reported_and_repaired(
    filled: Place, tally: Tally
) -> None:
    old = keep_database(filled)
    fill(filled, "perdu", 40)
    after = keep_indexes(filled)
    put_database_back(old, filled)
    fill(filled, "autre", 80)
    # Nothing on the label tells this index, of rows that are lost, from one of today.
    put_indexes_back(after, filled)

    with opened(filled) as resources:
        found, repaired = check(resources), check(resources, repair=True)

    assert any("vecteurs périmés" in finding.message for finding in found.findings)
    assert (found.exit_code, repaired.exit_code) == (1, 0)
    assert_clean(filled)
    tally(1, "silent restores")


class OtherWeights(WordEncoder):
    """Another model of the same size: every text is elsewhere."""

    def __init__(self) -> None:
        super().__init__("other-weights")

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        return turned(super().encode_passages(texts, progress))

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return turned(super().encode_queries(texts))


class OtherSize(WordEncoder):
    """A model of half the size."""

    dim = DIM // 2

    def __init__(self) -> None:
        super().__init__("other-size")

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        return halved(super().encode_passages(texts, progress))

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return halved(super().encode_queries(texts))


def turned(vectors: Vectors) -> Vectors:
    return np.ascontiguousarray(-vectors[:, ::-1])


def halved(vectors: Vectors) -> Vectors:
    half = vectors[:, : DIM // 2]
    return np.ascontiguousarray(half / np.linalg.norm(half, axis=1, keepdims=True))


@pytest.mark.fault("F11")
@pytest.mark.parametrize("make_other", [OtherWeights, OtherSize])
def test_an_index_of_another_model_is_not_used(
    place: Place, tally: Tally, make_other: Callable[[], WordEncoder]
) -> None:
    fill(place, "avant", 60)
    before = answers_of(place)

    assert refusal(place, make_other()) == "other-model"
    with opened(place, make_other()) as resources:
        catch_up(resources)
        assert_is_of_its_model(resources, make_other())

    # Going back to the first model finds its vectors again.
    assert refusal(place) == "other-model"
    assert_same_answers(place, before)
    tally(2, "models changed")


@pytest.mark.fault("F11")
@pytest.mark.parametrize("make_other", [OtherWeights, OtherSize])
def test_an_old_and_a_new_model_serve_side_by_side_and_never_mix(
    place: Place, tally: Tally, make_other: Callable[[], WordEncoder]
) -> None:
    with opened(place) as old, opened(place, make_other()) as new:
        for number in range(4):
            take((old, new)[number % 2], write_file(place.folder, f"lot{number}", 20))
            for resources, encoder in ((old, WordEncoder()), (new, make_other())):
                catch_up(resources)
                # Each seals its own over the other's.
                publish_now(resources)
                assert_is_of_its_model(resources, encoder)
        assert [len(one.indexes.vectors) for one in (old, new)] == [80, 80]
        assert len(top(old)) == len(top(new))
    tally(8, "snapshots over each other")


def assert_is_of_its_model(resources: Resources, encoder: WordEncoder) -> None:
    """Each row of the index is what this very model makes of its text."""
    with read(resources.engine) as session:
        changes = changes_since(session, 0, limit=1_000)
    expected = encode_long(encoder.encode_passages, [change.passage for change in changes])
    ids = np.array([change.id for change in changes])
    assert np.allclose(resources.indexes.vectors.vectors_of(ids), expected, atol=1e-6)


def keep_database(place: Place) -> Path:
    kept = place.beside("kept.sqlite3")
    shutil.copy(place.database, kept)
    return kept


def put_database_back(kept: Path, place: Place) -> None:
    for path in place.folder.glob("sociopoles.sqlite3*"):
        path.unlink()
    shutil.copy(kept, place.database)


def keep_indexes(place: Place) -> Path:
    kept = place.beside("kept-indexes")
    shutil.copytree(place.folder / "indexes", kept)
    return kept


def put_indexes_back(kept: Path, place: Place) -> None:
    shutil.rmtree(place.folder / "indexes")
    shutil.copytree(kept, place.folder / "indexes")
