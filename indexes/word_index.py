"""BM25 over analysed words, on tantivy."""

import hashlib
import json
import math
import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from threading import Lock

import numpy as np
import tantivy
from numpy.typing import NDArray
from tantivy import Occur, Query

from indexes.checks import check_count, check_ids
from indexes.contract import Hit, Ids
from indexes.snapshot import write_durably

Scores = NDArray[np.float64]

QUERY_WORDS = 200
"""Distinct query words kept: a long statement says its subject by then, and each word costs."""
FEW_ALLOWED = 1_000
"""Up to so many ids tantivy filters; above, we drop from a wider window (break-even at 100k)."""
ALSO_WEIGHT = 0.3
"""What a word of an expansion counts for beside one that was asked (docs/decisions/0005)."""
SHORTEST_FUZZY, SHORTEST_FUZZY_TWICE = 6, 12
"""Letters from which a word that no text has may stand for one a letter, or two, away."""
FUZZY_SCORE = 3.0
"""What such a neighbour is worth: about half of a rare word that is there as it was asked."""
SPARE = 16
"""Texts fetched beyond k: short texts have few lengths, so ties at the edge are common."""
WINDOW_GROWTH = 8
NEAR_WORDS = 20
"""Words of a question that may stand for near spellings: a typing error weighs in a short one."""
FIRST_HOLDERS = 64
"""Texts that have a word, looked at first for one that may be found."""
SCORE_DECIMALS = 4
"""Equal texts may differ in the last float32 bits, by the order in which words were added up."""
HEAP_BYTES = 50_000_000
"""Texts held before a segment is written: 100k short ones are one segment."""
SEAL = "meta.sha256"
FOOTER_MAGIC = 1337
"""Ends each data file of tantivy, after a JSON footer with the CRC-32 of what is before it."""


class TantivyIndex:
    """Texts found by their words, in memory or in a folder of its own.

    Scores follow the whole index; a replaced or removed text weighs on how rare a word seems until
    tantivy merges it away. Texts are compared on scores of 4 decimals, equal ones by ascending id.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Open `folder`, or raise ValueError if what it holds cannot be trusted: rebuild then."""
        self._folder = folder
        self._schema = _schema()
        self._index = _open_index(self._schema, folder)
        # The default reader also reloads by itself: the two meet on a lock, and wait for 100 ms.
        self._index.config_reader("manual")
        self._index.register_tokenizer(
            "whitespace", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        )
        self._index.reload()
        self._turn = Lock()

    def __len__(self) -> int:
        return self._index.searcher().num_docs

    def put(self, ids: Ids, terms: Sequence[str]) -> None:
        """Add texts (analysed words joined by spaces), replacing ids already there."""
        check_ids(ids)
        if len(ids) != len(terms):
            raise ValueError(f"{len(ids)} ids for {len(terms)} texts")
        self._change(ids.tolist(), terms)

    def remove(self, ids: Iterable[int]) -> None:
        """Forget these ids; unknown ones are ignored."""
        self._change(list(ids), ())

    def search(
        self, terms: str, k: int, *, allowed: Ids | None = None, also: str = ""
    ) -> list[Hit]:
        """The at most `k` best texts for any of these words, best first, ties by id.

        The words of `also`, an expansion of the question, count for less. A word that no text has,
        among those that may be found, stands for those a letter or two away that some text has.
        """
        check_count(k)
        searcher = self._index.searcher()
        k = min(k, searcher.num_docs)
        among = None if allowed is None else _ordered(allowed)
        if not (k and (terms.strip() or also.strip()) and (among is None or among.size)):
            return []
        query, window = self._query(searcher, terms, also, among), k + SPARE
        if among is not None and among.size <= FEW_ALLOWED:
            query, among = self._restrict(query, among), None
        elif among is not None:
            window = math.ceil(window * max(1.0, searcher.num_docs / among.size))
        ids, scores = _best_of(searcher, query, window)
        while not _is_settled(ids, scores, k, among=among, window=window):
            window *= WINDOW_GROWTH
            ids, scores = _best_of(searcher, query, window)
        if among is not None:
            is_allowed = _is_among(ids, among)
            ids, scores = ids[is_allowed], scores[is_allowed]
        order = np.lexsort((ids, -scores))[:k]
        return [Hit(int(ids[at]), float(scores[at])) for at in order]

    def _query(self, searcher: tantivy.Searcher, terms: str, also: str, among: Ids | None) -> Query:
        # Never the query parser: what people write is words, not operators.
        asked = Counter(terms.split())
        added = [word for word in dict.fromkeys(also.split()) if word not in asked]
        guessed = set(islice(filter(_has_near_spellings, asked), NEAR_WORDS))
        clauses = [
            _near_spellings(self._schema, word)
            if word in guessed and not self._stands(searcher, word, among)
            else _weighted(self._schema, word, float(times))
            for word, times in islice(asked.items(), QUERY_WORDS)
        ]
        clauses += [_weighted(self._schema, word, ALSO_WEIGHT) for word in added[:QUERY_WORDS]]
        return Query.boolean_query([(Occur.Should, clause) for clause in clauses])

    def _stands(self, searcher: tantivy.Searcher, word: str, among: Ids | None) -> bool:
        """Whether a text that may be found has the word: others are nothing to whoever asks."""
        holders = searcher.doc_freq("terms", word)
        if not holders or among is None:
            return bool(holders)
        query, window = Query.term_query(self._schema, "terms", word, "freq"), FIRST_HOLDERS
        ids, _ = _best_of(searcher, query, window)
        while not _is_among(ids, among).any():
            if window >= holders or len(ids) < window:
                return False
            window *= WINDOW_GROWTH
            ids, _ = _best_of(searcher, query, window)
        return True

    def _restrict(self, query: Query, allowed: Ids) -> Query:
        members = Query.term_set_query(self._schema, "id", allowed.tolist())
        return Query.boolean_query(
            [(Occur.Must, query), (Occur.Must, Query.const_score_query(members, 0.0))]
        )

    def _change(self, ids: Sequence[int], terms: Sequence[str]) -> None:
        """Replace `ids` by `terms`, or remove them if there are none."""
        if not ids:
            return
        with self._turn:
            # One thread and no merge left behind: the same changes give the same segments, hence
            # the same scores. A new writer costs 0.3 ms.
            writer = self._index.writer(HEAP_BYTES, num_threads=1)
            try:
                for key in ids:
                    writer.delete_documents_by_term("id", key)
                for key, text in zip(ids, terms, strict=False):
                    writer.add_document(_document(key, text))
                writer.commit()
            except BaseException:
                writer.rollback()
                raise
            finally:
                # Also what releases the folder's lock.
                writer.wait_merging_threads()
            self._index.reload()
            if self._folder:
                write_durably(self._folder / SEAL, _meta_digest(self._folder).encode())


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    # An unsigned field would never delete: tantivy-py makes a signed term of a Python integer.
    builder.add_integer_field("id", indexed=True, fast=True)
    builder.add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
    return builder.build()


def _document(key: int, terms: str) -> tantivy.Document:
    document = tantivy.Document()
    document.add_integer("id", key)
    document.add_text("terms", terms)
    return document


def _weighted(schema: tantivy.Schema, word: str, weight: float) -> Query:
    query = Query.term_query(schema, "terms", word, "freq")
    return query if weight == 1 else Query.boost_query(query, weight)


def _near_spellings(schema: tantivy.Schema, word: str) -> Query:
    distance = 2 if len(word) >= SHORTEST_FUZZY_TWICE else 1
    return Query.boost_query(Query.fuzzy_term_query(schema, "terms", word, distance), FUZZY_SCORE)


def _has_near_spellings(word: str) -> bool:
    return len(word) >= SHORTEST_FUZZY and word.isalpha()


def _best_of(searcher: tantivy.Searcher, query: Query, window: int) -> tuple[Ids, Scores]:
    hits = searcher.search(query, window, count=False).hits
    ids = searcher.fast_field_values("id", [address for _, address in hits])
    scores = np.array([score for score, _ in hits], np.float64)
    return np.array(ids, np.int64), np.round(scores, SCORE_DECIMALS)


def _is_settled(ids: Ids, scores: Scores, k: int, *, among: Ids | None, window: int) -> bool:
    """Whether no text outside the window can belong to the best `k`, not even by a tie."""
    if len(ids) < window:
        return True
    above = ids[scores > scores[-1]]
    return above.size >= k if among is None else int(_is_among(above, among).sum()) >= k


def _is_among(ids: Ids, ordered: Ids) -> NDArray[np.bool_]:
    # np.isin would sort the whole filter again: 20 ms of a 2 ms search.
    place = np.minimum(np.searchsorted(ordered, ids), len(ordered) - 1)
    found: NDArray[np.bool_] = ordered[place] == ids
    return found


def _ordered(ids: Ids) -> Ids:
    ids = np.asarray(ids, np.int64)
    # Those of the service come in their order: to see it is twenty times as quick as to sort.
    return ids if (ids[1:] >= ids[:-1]).all() else np.sort(ids)


def _open_index(schema: tantivy.Schema, folder: Path | None) -> tantivy.Index:
    if folder is None:
        return tantivy.Index(schema)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if any(folder.iterdir()):
            _check_folder(folder)
        index = tantivy.Index(schema, str(folder))
        write_durably(folder / SEAL, _meta_digest(folder).encode())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder} is not a sound word index: {error}") from error
    return index


def _check_folder(folder: Path) -> None:
    """Verify all that tantivy itself believes: it reads wrong bytes without a word, or panics."""
    if (folder / SEAL).read_bytes() != _meta_digest(folder).encode():
        raise ValueError("meta.json is not what was sealed")
    for segment in json.loads((folder / "meta.json").read_bytes())["segments"]:
        name = segment["segment_id"].replace("-", "")
        for suffix in ("fast", "fieldnorm", "idx", "pos", "store", "term"):
            _check_file(folder / f"{name}.{suffix}")
        if segment["deletes"]:
            _check_file(folder / f"{name}.{segment['deletes']['opstamp']}.del")


def _check_file(path: Path) -> None:
    content = memoryview(path.read_bytes())
    if len(content) < 8:
        raise ValueError(f"{path.name} is cut off")
    footer_bytes, magic = struct.unpack("<II", content[-8:])
    end = len(content) - 8 - footer_bytes
    if magic != FOOTER_MAGIC or end < 0:
        raise ValueError(f"{path.name} is cut off")
    if json.loads(bytes(content[end:-8]))["crc"] != zlib.crc32(content[:end]):
        raise ValueError(f"{path.name} is damaged")


def _meta_digest(folder: Path) -> str:
    return hashlib.sha256((folder / "meta.json").read_bytes()).hexdigest()
