"""Evaluate: how well words, meaning and both rank a judged collection (BEIR layout)."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from indexes.contract import Ids
from indexes.faiss_index import FaissIndex
from indexes.word_index import TantivyIndex
from matcher.encoder import Encoder
from matcher.evaluation import MEASURES, Floats, Interval, bootstrap, measure_queries
from matcher.fusion import measure_background
from matcher.hubs import Hubs
from matcher.lexicon.lexicon import Lexicon
from matcher.passages import encode_long
from matcher.statements import Kind, passage
from matcher.words import weigh_fields
from service import reference
from service.errors import Refused
from service.resources import Progress
from service.workflows.ranking import Ranker, embed_question, read_question


@dataclass(frozen=True, slots=True)
class Collection:
    """A judged collection: texts, questions, the kinds each asks for, and the grades."""

    texts: dict[str, str]
    titles: dict[str, str]
    kinds: dict[str, str]
    questions: dict[str, str]
    asked_kinds: dict[str, list[str]]
    grades: dict[str, dict[str, int]]


def evaluate(
    folder: Path,
    encoder: Encoder,
    progress: Progress | None = None,
    *,
    lexicon: Lexicon | None = None,
    other: Encoder | None = None,
) -> dict[str, Any]:
    """The measures of three rankings: words, meaning, both; how sure they are, and how they differ.

    A query may say in its metadata which `kinds` it asks for; only texts of these kinds (their
    own metadata) are then ranked, as in a search of the service. `intervals` hold the 95 %
    bootstrap interval of each mean, `differences` the mean and interval of paired differences:
    `both - words`, `both - meaning` and, with an `other` encoder, `both - other`.
    """
    collection = read_collection(folder)
    lexicon = lexicon or Lexicon(())
    found = _measure(collection, encoder, lexicon, progress, folder)
    pairs = {"both - words": (found["both"], found["words"])}
    pairs["both - meaning"] = (found["both"], found["meaning"])
    shown: dict[str, Any] = {name: _means(values) for name, values in found.items()}
    if other:
        compared = _measure(collection, other, lexicon, progress, folder)
        shown["other"] = {name: _means(values) for name, values in compared.items()}
        pairs["both - other"] = (found["both"], compared["both"])
    shown["intervals"] = {name: _bounds(values) for name, values in found.items()}
    shown["differences"] = {
        name: {
            measure: _bootstrap(left[measure] - right[measure])._asdict() for measure in MEASURES
        }
        for name, (left, right) in pairs.items()
    }
    return shown


def rank_collection(
    collection: Collection,
    encoder: Encoder,
    lexicon: Lexicon,
    progress: Progress | None = None,
) -> dict[str, dict[str, list[str]]]:
    """The rankings of every question by words, by meaning, by both: names of texts, best first."""
    names = list(collection.texts)
    ids = np.arange(len(names), dtype=np.int64)
    vectors, words = FaissIndex(encoder.dim), TantivyIndex()
    texts = list(collection.texts.values())
    rows = encode_long(encoder.encode_passages, texts)
    vectors.put(ids, rows)
    words.put(
        ids, [weigh_fields(collection.titles[name], collection.texts[name]) for name in names]
    )
    of_text = [collection.kinds[name] for name in names]
    labels = encoder.encode_passages([entry.label for entry in reference.sectors()])
    ranker = Ranker(
        vectors,
        words,
        Hubs.of(rows, np.array([kind == Kind.PROBLEM for kind in of_text], np.bool_)),
        measure_background(labels, labels).deviation,
    )
    rankings: dict[str, dict[str, list[str]]] = {"words": {}, "meaning": {}, "both": {}}
    for done, (query, text) in enumerate(collection.questions.items(), start=1):
        wanted = collection.asked_kinds.get(query)
        # A question that is itself in the collection neither answers nor completes itself.
        others = ids[np.array(names) != query] if query in collection.texts else None
        allowed = _ids_of_kinds(wanted, of_text) if wanted else None
        question = read_question(text, embed_question(text, encoder), lexicon)
        found = ranker.rank(question, allowed, visible=others)
        for name, ranking in found._asdict().items():
            rankings[name][query] = [names[i] for i, _ in ranking if names[i] != query]
        if progress and done % 20 == 0:
            progress("Questions", done, len(collection.questions))
    return rankings


def read_collection(folder: Path) -> Collection:
    """Read corpus.jsonl, queries.jsonl and qrels/test.tsv. Raises Refused naming what is wrong."""
    corpus = list(_lines(folder / "corpus.jsonl"))
    queries = list(_lines(folder / "queries.jsonl"))
    grades = _grades(folder / "qrels" / "test.tsv")
    questions = {str(q["_id"]): str(q["text"]) for q in queries if str(q["_id"]) in grades}
    if not corpus or not questions:
        raise Refused(f"{folder} ne contient aucune question jugée.")
    return Collection(
        texts={str(d["_id"]): passage(str(d.get("title") or ""), str(d["text"])) for d in corpus},
        titles={str(d["_id"]): str(d.get("title") or "") for d in corpus},
        kinds={str(d["_id"]): str(_metadata(d).get("kind", "")) for d in corpus},
        questions=questions,
        asked_kinds={str(q["_id"]): list(_metadata(q).get("kinds", [])) for q in queries},
        grades={query: found for query, found in grades.items() if query in questions},
    )


def _measure(
    collection: Collection,
    encoder: Encoder,
    lexicon: Lexicon,
    progress: Progress | None,
    folder: Path,
) -> dict[str, dict[str, Floats]]:
    rankings = rank_collection(collection, encoder, lexicon, progress)
    try:
        return {name: measure_queries(found, collection.grades) for name, found in rankings.items()}
    except ValueError as error:
        raise Refused(f"{folder} : aucune question n'a de réponse jugée pertinente.") from error


def _means(values: Mapping[str, Floats]) -> dict[str, float]:
    return {measure: float(of_queries.mean()) for measure, of_queries in values.items()}


def _bounds(values: Mapping[str, Floats]) -> dict[str, list[float]]:
    intervals = {measure: _bootstrap(of_queries) for measure, of_queries in values.items()}
    return {measure: [found.low, found.high] for measure, found in intervals.items()}


def _bootstrap(values: Floats) -> Interval:
    # The same draws for every measure and run: what differs is the rankings.
    return bootstrap(values, rng=np.random.default_rng(0))


def _ids_of_kinds(kinds: Sequence[str], of_text: Sequence[str]) -> Ids:
    return np.flatnonzero(np.isin(of_text, list(kinds))).astype(np.int64)


def _metadata(line: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = line.get("metadata") or {}
    return found


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        raise Refused(f"{path} n'existe pas : il faut corpus.jsonl, queries.jsonl, qrels/test.tsv.")
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            content = json.loads(line)
            content["_id"], content["text"]
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(f"{path}, ligne {number} : il faut un objet avec _id et text.") from error
        yield content


def _grades(path: Path) -> dict[str, dict[str, int]]:
    if not path.is_file():
        raise Refused(f"{path} n'existe pas : il faut corpus.jsonl, queries.jsonl, qrels/test.tsv.")
    grades: dict[str, dict[str, int]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.reader(file, delimiter="\t"), start=1):
            if number == 1 and row[-1:] == ["score"]:
                continue
            try:
                query, document, grade = row
                grades.setdefault(query, {})[document] = int(grade)
            except ValueError as error:
                raise Refused(
                    f"{path}, ligne {number} : il faut query-id, corpus-id et score, séparés par "
                    "des tabulations."
                ) from error
    return grades
