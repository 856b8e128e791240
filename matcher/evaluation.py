"""How good a ranking is, by trec_eval's measures, and how good groups are."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pytrec_eval
from numpy.typing import NDArray

DEPTH = 100
MEASURES = {
    "ndcg@10": "ndcg_cut_10",
    "mrr@10": "recip_rank",
    "recall@1": "recall_1",
    "recall@10": "recall_10",
    "recall@100": "recall_100",
}
RESAMPLES = 10_000

Judgements = Mapping[str, Mapping[str, int]]
"""Query id to document id to grade; 0 is not relevant, 1 and more are."""
Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """A mean over queries with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


def measure_ranking(
    rankings: Mapping[str, Sequence[str]], judgements: Judgements
) -> dict[str, float]:
    """The mean of each measure over the judged queries; a query without a ranking counts 0.

    `rankings` give document ids, best first. nDCG is trec_eval's: linear gains, log2 discount.
    """
    return {
        name: float(values.mean()) for name, values in measure_queries(rankings, judgements).items()
    }


def measure_queries(
    rankings: Mapping[str, Sequence[str]], judgements: Judgements
) -> dict[str, Floats]:
    """Each measure of each judged query, in the order of their ids. `(queries,)` a measure.

    Raises ValueError where no query has a relevant document.
    """
    judged = {
        q: dict(grades) for q, grades in judgements.items() if max(grades.values(), default=0)
    }
    if not judged:
        raise ValueError("no query has a relevant document")
    return {
        name: _values(measure, rankings, judged, depth=10 if name == "mrr@10" else DEPTH)
        for name, measure in MEASURES.items()
    }


def bootstrap(values: Floats, *, rng: np.random.Generator, resamples: int = RESAMPLES) -> Interval:
    """The mean of `values` `(queries,)` and where 95 % of the means of resampled queries lie.

    Percentile bootstrap over queries (Efron 1979; Sakai, SIGIR 2006, for retrieval measures). Give
    it the differences of two rankings, query by query, to compare them.
    """
    n = len(values)
    # How often each query is drawn: the same draws as positions, without gathering them.
    counts = rng.multinomial(n, np.full(n, 1 / n), size=resamples)
    low, high = np.quantile(counts @ values / n, [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high))


def measure_groups(group: Sequence[int], labels: Sequence[str]) -> dict[str, float]:
    """How well groups `(n,)` agree with hand-given labels; -1 is a text in no group.

    A text in no group stands as a group of its own. `nmi` (geometric mean: Strehl and Ghosh 2002),
    `v_measure` (Rosenberg and Hirschberg 2007) and `ari` (Hubert and Arabie 1985); `ami`, corrected
    for chance, does not rise with the number of groups (Vinh et al. 2010). `placed`: share of texts
    in a group.
    """
    # A second to import: nothing but an evaluation needs it.
    from sklearn import metrics  # noqa: PLC0415

    found = np.asarray(group, dtype=np.int64)
    alone = found < 0
    apart = found.copy()
    apart[alone] = found.max(initial=-1) + 1 + np.arange(alone.sum())
    return {
        "nmi": float(
            metrics.normalized_mutual_info_score(labels, apart, average_method="geometric")
        ),
        "v_measure": float(metrics.v_measure_score(labels, apart)),
        "ari": float(metrics.adjusted_rand_score(labels, apart)),
        "ami": float(metrics.adjusted_mutual_info_score(labels, apart)),
        "placed": float((~alone).mean()) if len(found) else 1.0,
        "groups": float(len(set(found[~alone].tolist()))),
    }


def _values(
    measure: str,
    rankings: Mapping[str, Sequence[str]],
    judged: Mapping[str, dict[str, int]],
    *,
    depth: int,
) -> Floats:
    # trec_eval orders by score and breaks ties by id: a score per rank keeps our order.
    run = {
        query: {doc: float(DEPTH - rank) for rank, doc in enumerate(rankings[query][:depth])}
        for query in judged
        if rankings.get(query)
    }
    found = pytrec_eval.RelevanceEvaluator(judged, {_family(measure)}).evaluate(run)
    return np.array([found[q][measure] if q in found else 0.0 for q in sorted(judged)])


def _family(measure: str) -> str:
    """trec_eval's name of a cut measure: `ndcg_cut_10` is asked for as `ndcg_cut.10`."""
    head, _, cut = measure.rpartition("_")
    return f"{head}.{cut}" if cut.isdigit() else measure
