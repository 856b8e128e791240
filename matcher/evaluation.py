"""How good a ranking is, by trec_eval's measures."""

from collections.abc import Mapping, Sequence

import pytrec_eval

DEPTH = 100
MEASURES = {
    "ndcg@10": "ndcg_cut_10",
    "mrr@10": "recip_rank",
    "recall@1": "recall_1",
    "recall@10": "recall_10",
    "recall@100": "recall_100",
}

Judgements = Mapping[str, Mapping[str, int]]
"""Query id to document id to grade; 0 is not relevant, 1 and more are."""


def measure_ranking(
    rankings: Mapping[str, Sequence[str]], judgements: Judgements
) -> dict[str, float]:
    """The mean of each measure over the judged queries; a query without a ranking counts 0.

    `rankings` give document ids, best first. nDCG is trec_eval's: linear gains, log2 discount.
    """
    judged = {
        q: dict(grades) for q, grades in judgements.items() if max(grades.values(), default=0)
    }
    if not judged:
        raise ValueError("no query has a relevant document")
    return {
        name: _mean(measure, rankings, judged, depth=10 if name == "mrr@10" else DEPTH)
        for name, measure in MEASURES.items()
    }


def _mean(
    measure: str,
    rankings: Mapping[str, Sequence[str]],
    judged: Mapping[str, dict[str, int]],
    *,
    depth: int,
) -> float:
    # trec_eval orders by score and breaks ties by id: a score per rank keeps our order.
    run = {
        query: {doc: float(DEPTH - rank) for rank, doc in enumerate(rankings[query][:depth])}
        for query in judged
        if rankings.get(query)
    }
    found = pytrec_eval.RelevanceEvaluator(judged, {_family(measure)}).evaluate(run)
    return sum(values[measure] for values in found.values()) / len(judged)


def _family(measure: str) -> str:
    """trec_eval's name of a cut measure: `ndcg_cut_10` is asked for as `ndcg_cut.10`."""
    head, _, cut = measure.rpartition("_")
    return f"{head}.{cut}" if cut.isdigit() else measure
