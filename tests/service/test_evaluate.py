"""A judged collection is ranked by words, by meaning and by both."""

from pathlib import Path

import pytest

from matcher.lexicon.lexicon import Entry, Lexicon
from service.errors import Refused
from service.workflows.evaluate import evaluate, read_collection
from tests.builders import write_beir
from tests.fakes import WordEncoder

CORPUS = {"d1": "vélos pour les enfants", "d2": "murs humides", "d3": "jardin partagé"}
QUERIES = {"q1": "des vélos", "q2": "un jardin", "unjudged": "des murs"}
GRADES = ["q1 d1 3", "q1 d2 0", "q2 d3 1"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_beir(tmp_path / "gold", CORPUS, QUERIES, GRADES)


def test_three_rankings_are_measured_under_stable_names(folder: Path) -> None:
    measures = evaluate(folder, WordEncoder())

    assert set(measures) == {"words", "meaning", "both", "intervals", "differences"}
    for values in (measures[name] for name in ("words", "meaning", "both")):
        assert set(values) == {"ndcg@10", "mrr@10", "recall@1", "recall@10", "recall@100"}
        assert values["ndcg@10"] == values["recall@1"] == 1


def test_a_question_that_is_in_the_collection_does_not_answer_itself(tmp_path: Path) -> None:
    folder = write_beir(
        tmp_path / "gold", CORPUS | {"q1": "des vélos"}, {"q1": "des vélos"}, ["q1 d1 1"]
    )

    assert evaluate(folder, WordEncoder())["words"]["recall@1"] == 1


def test_a_question_may_ask_for_some_kinds_only(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "gold", {}, {}, ["q1 d2 1"])
    (folder / "corpus.jsonl").write_text(
        '{"_id": "d1", "text": "des vélos bleus", "metadata": {"kind": "interest"}}\n'
        '{"_id": "d2", "text": "vélos", "title": "Nos vélos", "metadata": {"kind": "problem"}}\n'
    )
    (folder / "queries.jsonl").write_text(
        '{"_id": "q1", "text": "vélos bleus", "metadata": {"kinds": ["problem"]}}\n'
    )

    measures = evaluate(folder, WordEncoder())

    assert {measures[name]["recall@1"] for name in ("words", "meaning", "both")} == {1}


def test_each_mean_has_an_interval_and_each_pair_of_rankings_a_difference(folder: Path) -> None:
    measures = evaluate(folder, WordEncoder())

    for name in ("words", "meaning", "both"):
        low, high = measures["intervals"][name]["ndcg@10"]
        assert low <= measures[name]["ndcg@10"] <= high
    assert set(measures["differences"]) == {"both - words", "both - meaning"}
    assert set(measures["differences"]["both - words"]["mrr@10"]) == {"mean", "low", "high"}


def test_another_model_is_compared_query_by_query(folder: Path) -> None:
    measures = evaluate(folder, WordEncoder(), other=WordEncoder("words-2"))

    assert measures["other"]["both"] == measures["both"]
    assert measures["differences"]["both - other"]["ndcg@10"] == {"mean": 0, "low": 0, "high": 0}


def test_the_lexicon_finds_what_neither_words_nor_stems_share(tmp_path: Path) -> None:
    texts = {"d1": "la précarité énergétique", "d2": "murs humides"}
    folder = write_beir(tmp_path / "gold", texts, {"q1": "chauffage trop cher"}, ["q1 d1 1"])
    lexicon = Lexicon([Entry(("précarité énergétique",), ("chauffage trop cher",))])

    without, with_it = (
        evaluate(folder, WordEncoder(), lexicon=each)["words"]["recall@1"]
        for each in (None, lexicon)
    )

    assert (without, with_it) == (0, 1)


def test_questions_without_a_judgement_are_left_out(folder: Path) -> None:
    assert set(read_collection(folder).questions) == {"q1", "q2"}


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_missing_file_is_refused_by_its_name(folder: Path, name: str) -> None:
    (folder / name).unlink()

    with pytest.raises(Refused, match=name):
        read_collection(folder)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("corpus.jsonl", '{"_id": "d1", "text": "a"}\n{"_id": "d2"}\n', r"corpus\.jsonl, ligne 2"),
        ("corpus.jsonl", "pas du json\n", r"corpus\.jsonl, ligne 1"),
        ("corpus.jsonl", "[1, 2]\n", r"corpus\.jsonl, ligne 1"),
        ("corpus.jsonl", "", "aucune question"),
        ("queries.jsonl", '{"_id": "zz", "text": "a"}\n', "aucune question"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\n", r"test\.tsv, ligne 2"),
        ("qrels/test.tsv", "q1\td1\tbeaucoup\n", r"test\.tsv, ligne 1"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_with_its_number(
    folder: Path, name: str, content: str, message: str
) -> None:
    (folder / name).write_text(content)

    with pytest.raises(Refused, match=message):
        read_collection(folder)


def test_judgements_that_find_nothing_relevant_are_refused(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "gold", CORPUS, QUERIES, ["q1 d1 0"])

    with pytest.raises(Refused, match="pertinent"):
        evaluate(folder, WordEncoder())
