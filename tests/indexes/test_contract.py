"""One suite for every back end: what `indexes.contract` promises."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexes.contract import Hit, Ids, VectorIndex, Vectors, WordIndex
from indexes.faiss_index import BATCH, FaissIndex
from indexes.word_index import FEW_ALLOWED, QUERY_WORDS, TantivyIndex

DIM = 8
FAR = 2**40
"""Ids are database keys: sparse, and larger than any row number."""

MakeVectors = Callable[[int], VectorIndex]
MakeWords = Callable[[], WordIndex]


@pytest.fixture(params=[FaissIndex], ids=["faiss"])
def make_vectors(request: pytest.FixtureRequest) -> MakeVectors:
    back_end: MakeVectors = request.param
    return back_end


@pytest.fixture(params=["memory", "folder"])
def words(request: pytest.FixtureRequest, tmp_path: Path) -> WordIndex:
    return TantivyIndex(tmp_path / "words" if request.param == "folder" else None)


def as_ids(*ids: int) -> Ids:
    return np.array(ids, np.int64)


def unit_rows(count: int, *, seed: int, directions: int | None = None, dim: int = DIM) -> Vectors:
    """Random rows; few `directions` make many exact twins."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((directions or count, dim)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows[rng.integers(0, len(rows), count)] if directions else rows


def along(*axes: int) -> Vectors:
    return np.eye(DIM, dtype=np.float32)[list(axes)]


def brute_force(
    content: dict[int, Vectors], query: Vectors, k: int, allowed: Ids | None
) -> list[Hit]:
    hits = [
        Hit(id_, float(np.vecdot(row, query)))
        for id_, row in content.items()
        if allowed is None or id_ in allowed
    ]
    return sorted(hits, key=lambda hit: (-hit.score, hit.id))[:k]


def test_the_nearest_come_first(make_vectors: MakeVectors) -> None:
    index = make_vectors(DIM)
    tilted = (0.6 * along(0) + 0.8 * along(1)).astype(np.float32)
    index.put(as_ids(5, FAR, 7), np.vstack([along(0), tilted, along(2)]))

    [hits] = index.search(along(1), 2)

    assert [hit.id for hit in hits] == [FAR, 5]
    assert hits[0].score == pytest.approx(0.8)


def test_putting_an_id_again_replaces_its_row(make_vectors: MakeVectors) -> None:
    index = make_vectors(DIM)
    index.put(as_ids(1, 2), along(0, 1))

    index.put(as_ids(2, 3), along(3, 1))

    assert len(index) == 3
    assert index.search(along(1, 3), 1) == [[Hit(3, 1.0)], [Hit(2, 1.0)]]


def test_a_removed_row_is_never_found(make_vectors: MakeVectors) -> None:
    index = make_vectors(DIM)
    index.put(as_ids(1, 2, 3, 4), along(0, 1, 2, 3))

    index.remove([1, 3, 99])

    assert len(index) == 2
    assert {hit.id for hit in index.search(along(0), 10)[0]} == {2, 4}


def test_an_empty_index_finds_nothing(make_vectors: MakeVectors) -> None:
    index = make_vectors(DIM)

    index.remove([1])
    index.put(as_ids(), along())

    assert index.search(along(0, 1), 3) == [[], []]
    assert index.search(along(), 3) == []
    assert len(index) == 0


def test_no_allowed_id_finds_nothing(make_vectors: MakeVectors) -> None:
    index = make_vectors(DIM)
    index.put(as_ids(1), along(0))

    assert index.search(along(0), 3, allowed=as_ids()) == [[]]
    assert index.search(along(0), 3, allowed=as_ids(2)) == [[]]


@pytest.mark.parametrize("queries", [1, BATCH])
@pytest.mark.parametrize("allowed", [None, 3, 150])
def test_twins_rank_by_id_even_at_the_edge(
    make_vectors: MakeVectors, queries: int, allowed: int | None
) -> None:
    index = make_vectors(DIM)
    ids = np.random.default_rng(3).permutation(300) * 1_000
    index.put(ids, np.repeat(along(0), 300, axis=0))
    among = None if allowed is None else np.sort(ids)[:allowed][::-1].copy()

    found = index.search(np.repeat(along(0), queries, axis=0), 20, allowed=among)

    expected = [Hit(1_000 * n, 1.0) for n in range(min(20, allowed or 20))]
    assert found == [expected] * queries


@pytest.mark.parametrize("dim", [DIM, 383, 384])
def test_scores_do_not_depend_on_the_company(make_vectors: MakeVectors, dim: int) -> None:
    index = make_vectors(dim)
    ids = np.arange(500) * 3
    index.put(ids, unit_rows(500, seed=1, dim=dim))
    queries = unit_rows(40, seed=2, dim=dim)

    together = index.search(queries, 10)
    alone = [index.search(query[np.newaxis], 10)[0] for query in queries]
    filtered = index.search(queries, 10, allowed=ids)

    assert together == alone == filtered


@settings(max_examples=120, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_history_and_filter_equal_brute_force(data: st.DataObject) -> None:
    keys = st.integers(0, 60).map(lambda n: n * n * 1_000)
    index, content = FaissIndex(DIM), dict[int, Vectors]()
    for step in range(data.draw(st.integers(1, 4))):
        ids = as_ids(*data.draw(st.lists(keys, unique=True, max_size=40)))
        rows = unit_rows(len(ids), seed=step, directions=6)
        index.put(ids, rows)
        content.update(zip(ids.tolist(), rows, strict=True))
        gone = data.draw(st.lists(keys, max_size=15))
        index.remove(gone)
        content = {key: row for key, row in content.items() if key not in gone}
    allowed = data.draw(st.none() | st.lists(keys, max_size=50).map(lambda some: as_ids(*some)))
    k = data.draw(st.integers(1, 70))
    queries = unit_rows(data.draw(st.integers(0, 2 * BATCH)), seed=9, directions=6)

    found = index.search(queries, k, allowed=allowed)

    assert len(index) == len(content)
    assert found == [brute_force(content, query, k, allowed) for query in queries]


def test_a_filter_over_many_blocks_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexes.faiss_index.GATHERED_ROWS", 7)
    monkeypatch.setattr("indexes.faiss_index.RESCORED_ROWS", 11)
    index, rows, ids = FaissIndex(DIM), unit_rows(200, seed=4), np.arange(200)
    index.put(ids, rows)
    queries, allowed = unit_rows(9, seed=5), ids[::3]

    found = index.search(queries, 12, allowed=allowed)

    content = dict(zip(ids.tolist(), rows, strict=True))
    assert found == [brute_force(content, query, 12, allowed) for query in queries]


def test_the_text_with_the_rarer_word_comes_first(words: WordIndex) -> None:
    words.put(as_ids(1, 2, FAR), ["eau ville", "eau nappe", "eau sol"])

    hits = words.search("eau nappe", 10)

    assert [hit.id for hit in hits] == [2, 1, FAR]
    assert hits[0].score > hits[1].score == hits[2].score


def test_a_text_without_any_of_the_words_is_not_found(words: WordIndex) -> None:
    words.put(as_ids(1, 2), ["eau", "sol"])

    assert [hit.id for hit in words.search("eau forêt", 10)] == [1]
    assert words.search("forêt", 10) == []


def test_putting_an_id_again_replaces_its_text(words: WordIndex) -> None:
    words.put(as_ids(1, 2), ["eau", "sol"])

    words.put(as_ids(1), ["air"])

    assert len(words) == 2
    assert words.search("eau", 10) == []
    assert [hit.id for hit in words.search("air", 10)] == [1]


def test_a_removed_text_is_never_found(words: WordIndex) -> None:
    words.put(as_ids(1, 2, FAR), ["eau", "eau", "eau"])

    words.remove([1, FAR, 99])

    assert len(words) == 1
    assert [hit.id for hit in words.search("eau", 10)] == [2]


def test_an_empty_word_index_finds_nothing(words: WordIndex) -> None:
    words.put(as_ids(), [])
    words.remove([1])

    assert words.search("eau", 3) == []
    assert len(words) == 0


def test_no_words_or_no_allowed_id_find_nothing(words: WordIndex) -> None:
    words.put(as_ids(1), ["eau"])

    assert words.search(" ", 3) == []
    assert words.search("eau", 3, allowed=as_ids()) == []
    assert words.search("eau", 3, allowed=as_ids(2)) == []


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("parts", [1, 3])
def test_equal_texts_rank_by_id_whatever_came_first(order: int, parts: int) -> None:
    index = TantivyIndex()
    for ids in np.array_split((np.arange(300) * 10)[::order], parts):
        index.put(ids, ["eau sol"] * len(ids))

    assert [hit.id for hit in index.search("eau", 20)] == [10 * n for n in range(20)]


@pytest.mark.parametrize("allowed", [5, FEW_ALLOWED, FEW_ALLOWED + 1, 2_500])
def test_only_allowed_texts_are_found(allowed: int) -> None:
    index, ids = TantivyIndex(), np.arange(3_000)
    index.put(ids, [f"eau {'sol ' * (n % 5)}" for n in ids])
    # The texts that say it best come first and are not allowed.
    among = ids[::-1][:allowed]

    found = index.search("eau", 12, allowed=among)
    everything = index.search("eau", len(ids))

    assert found == [hit for hit in everything if hit.id in among][:12]
    assert len(found) == min(12, allowed)


def test_a_word_said_twice_in_the_query_weighs_more(words: WordIndex) -> None:
    words.put(as_ids(1, 2), ["eau", "sol"])

    assert [hit.id for hit in words.search("eau sol", 2)] == [1, 2]
    assert [hit.id for hit in words.search("eau sol sol", 2)] == [2, 1]


@pytest.mark.parametrize("text", ["-eau", "terms:eau", '"eau sol', "eau AND", "(eau", "id:1", "*"])
def test_what_people_write_is_never_a_command(words: WordIndex, text: str) -> None:
    words.put(as_ids(1, 2), ["eau", text])

    assert words.search(text, 1)[0].id == 2


def test_a_very_long_query_keeps_its_first_words() -> None:
    index = TantivyIndex()
    index.put(as_ids(1, 2), [f"mot{QUERY_WORDS - 1}", f"mot{QUERY_WORDS}"])

    hits = index.search(" ".join(f"mot{n}" for n in range(QUERY_WORDS + 50)), 5)

    assert [hit.id for hit in hits] == [1]


def test_the_same_changes_give_the_same_scores() -> None:
    def answers() -> list[Hit]:
        index = TantivyIndex()
        rng = np.random.default_rng(8)
        for _ in range(12):
            ids = rng.choice(200, 30, replace=False)
            index.put(ids, [" ".join(f"m{w}" for w in rng.integers(0, 30, 9)) for _ in ids])
            index.remove(rng.choice(200, 5).tolist())
        return index.search("m1 m2 m3 m4", 50)

    assert answers() == answers()


@pytest.mark.parametrize(
    ("ids", "terms", "message"),
    [
        (as_ids(1, 1), ["a", "b"], "id 1 given twice"),
        (as_ids(1, 2), ["a"], "2 ids for 1 texts"),
        (as_ids(-4), ["a"], "got -4"),
    ],
)
def test_wrong_texts_are_refused(
    words: WordIndex, ids: Ids, terms: list[str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        words.put(ids, terms)
    assert len(words) == 0


def test_the_words_of_an_expansion_count_for_less(words: WordIndex) -> None:
    words.put(as_ids(1, 2, 3), ["velo route", "jardin route", "ecole"])

    hits = words.search("velo", 3, also="jardin velo")

    assert [hit.id for hit in hits] == [1, 2]
    assert hits[0] == words.search("velo", 1)[0]
    assert 0 < hits[1].score < hits[0].score


def test_an_expansion_alone_is_enough(words: WordIndex) -> None:
    words.put(as_ids(1, 2), ["velo", "jardin"])

    assert [hit.id for hit in words.search("", 2, also="jardin")] == [2]


@pytest.mark.parametrize("written", ["energetque", "energetiqeu", "enegetique"])
def test_a_word_never_seen_stands_for_its_near_spellings(words: WordIndex, written: str) -> None:
    words.put(as_ids(1, 2), ["precarite energetique", "jardin"])

    assert [hit.id for hit in words.search(written, 2)] == [1]


@pytest.mark.parametrize("others", [1, 63, 64, 65, 600])
@pytest.mark.parametrize("allowed", [20, 1500])
@pytest.mark.parametrize("is_there", [False, True])
def test_a_word_of_texts_that_may_not_be_found_is_a_word_never_seen(
    words: WordIndex,
    others: int,
    allowed: int,
    is_there: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    mine = [f"jardin n{n}" for n in range(allowed)]
    mine[7] = "energetique"
    if is_there:
        mine[9] = "jardin energetiqeu long texte parmi tous"
    words.put(np.arange(allowed), mine)
    without = words.search("energetiqeu", 3, allowed=np.arange(allowed))

    words.put(np.arange(allowed, allowed + others), ["energetiqeu"] * others)

    found = words.search("energetiqeu", 3, allowed=np.arange(allowed))
    assert [hit.id for hit in found] == [hit.id for hit in without] == [9 if is_there else 7]


def test_a_word_that_is_there_is_taken_at_its_word(words: WordIndex) -> None:
    words.put(as_ids(1, 2), ["parent", "parente"])

    assert [hit.id for hit in words.search("parent", 2)] == [1]


def test_a_short_word_never_seen_stands_for_nothing(words: WordIndex) -> None:
    words.put(as_ids(1), ["bus"])

    assert words.search("bis", 1) == []
