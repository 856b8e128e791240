"""Measures as trec_eval's, against figures computed by hand."""

from math import log2

import numpy as np
import pytest

from matcher.evaluation import MEASURES, bootstrap, measure_queries, measure_ranking


def test_ndcg_has_linear_gains_and_a_logarithmic_discount() -> None:
    measures = measure_ranking({"q": ["a", "x", "b"]}, {"q": {"a": 1, "b": 3, "c": 2}})

    found = 1 / log2(2) + 3 / log2(4)
    ideal = 3 / log2(2) + 2 / log2(3) + 1 / log2(4)
    assert measures["ndcg@10"] == pytest.approx(found / ideal)
    assert set(measures) == set(MEASURES)


def test_recall_is_the_share_found_at_each_depth() -> None:
    ranking = ["a", *(f"x{i}" for i in range(9)), "b", *(f"y{i}" for i in range(100))]

    measures = measure_ranking({"q": ranking}, {"q": {"a": 1, "b": 1, "c": 1, "d": 1}})

    assert measures["recall@1"] == pytest.approx(1 / 4)
    assert measures["recall@10"] == pytest.approx(1 / 4)
    assert measures["recall@100"] == pytest.approx(2 / 4)


@pytest.mark.parametrize(("place", "expected"), [(1, 1), (4, 1 / 4), (10, 1 / 10), (11, 0)])
def test_mrr_looks_at_ten_places(place: int, expected: float) -> None:
    ranking = [*(f"x{i}" for i in range(place - 1)), "a"]

    assert measure_ranking({"q": ranking}, {"q": {"a": 2}})["mrr@10"] == pytest.approx(expected)


def test_a_question_without_a_ranking_counts_as_nothing_found() -> None:
    judgements = {"q": {"a": 1}, "silent": {"a": 1}, "empty": {"a": 1}}

    measures = measure_ranking({"q": ["a"], "empty": []}, judgements)

    assert all(value == pytest.approx(1 / 3) for value in measures.values())


def test_a_question_nobody_answers_by_the_judges_is_left_out() -> None:
    assert measure_ranking({"q": ["a"]}, {"q": {"a": 1}, "none": {"a": 0}})["recall@1"] == 1


def test_the_order_given_is_kept_whatever_the_names() -> None:
    judgements = {"q": {"a": 1}}

    first, last = (measure_ranking({"q": ranking}, judgements) for ranking in ("az", "za"))

    assert (first["mrr@10"], last["mrr@10"]) == (1, 0.5)


def test_without_any_relevant_document_there_is_nothing_to_measure() -> None:
    with pytest.raises(ValueError, match="no query"):
        measure_ranking({}, {"q": {"a": 0}})


def test_measures_of_queries_stand_in_the_order_of_their_ids() -> None:
    judgements = {"b": {"x": 1}, "a": {"y": 1}}

    values = measure_queries({"a": ["y"], "b": ["z"]}, judgements)["recall@1"]

    assert values.tolist() == [1, 0]


def test_an_interval_holds_the_mean_and_narrows_with_more_queries() -> None:
    rng = np.random.default_rng(0)
    few, many = (np.tile([0.0, 1.0], n) for n in (10, 1_000))

    wide, narrow = bootstrap(few, rng=rng), bootstrap(many, rng=rng)

    assert wide.low < 0.5 == wide.mean < wide.high
    assert narrow.high - narrow.low < (wide.high - wide.low) / 5
    # Twenty draws of a coin: the normal interval is .5 +- 1.96 x .5 / sqrt(20).
    assert wide.low == pytest.approx(0.28, abs=0.03)


def test_equal_queries_leave_no_doubt() -> None:
    assert bootstrap(np.full(5, 0.3), rng=np.random.default_rng(0)) == pytest.approx([0.3] * 3)
