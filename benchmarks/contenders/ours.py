"""Ours: what `service.workflows.suggest` does between the texts and the chosen pairings."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import NamedTuple, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.measures import Stopwatch
from benchmarks.task import Task, save_array
from indexes.faiss_index import FaissIndex
from matcher import pairing
from matcher.assignment import Limits, choose_pairings
from matcher.encoder import Encoder, Vectors, load_encoder
from matcher.fusion import Neighbours
from matcher.statements import College, Kind, Statement, passages

P = ParamSpec("P")
R = TypeVar("R")

STAGES = {
    "words": ("weigh_words", "nearest_in_words", "word_cosines"),
    "hubs": ("measure_background", "hubness", "correct_hubs", "closeness"),
    "bars": ("meaning_bar", "sector_gaps", "complementarities", "novelties"),
    "assignment": ("choose_pairings",),
}
"""The parts of suggest_pairings that are timed; what is left is `candidates`."""
REPEATS = 3


class Result(NamedTuple):
    """What was chosen, among whom."""

    proposals: pairing.Proposals
    vectors: Vectors


def prepare(task: Task, _folder: Path) -> Encoder:
    """The model, loaded."""
    return load_encoder(task.model)


def work(task: Task, encoder: Encoder, watch: Stopwatch) -> Result:
    """From texts to pairings."""
    _time_stages(watch)
    statements = _statements(task)
    with watch.stage("encode"):
        vectors = encoder.encode_passages(passages(statements))
    ids = np.array([s.id for s in statements], dtype=np.int64)
    with watch.stage("index"):
        index = FaissIndex(encoder.dim)
        index.put(ids, vectors)
    cut = len(task.problems)
    problems = pairing.Side(Kind.PROBLEM, np.arange(cut), vectors[:cut])
    interests = pairing.Side(Kind.INTEREST, np.arange(cut, len(ids)), vectors[cut:])
    with watch.stage("two-way top-k"):
        block = pairing.Block(
            problems,
            interests,
            _nearest(index, ids, problems, interests),
            _nearest(index, ids, interests, problems),
        )
    with watch.stage("suggest_pairings"):
        limits = Limits(task.proposals, task.max_load)
        proposals = pairing.suggest_pairings(statements, [block], limits=limits)
    return Result(proposals, vectors)


def keep(folder: Path, result: Result, watch: Stopwatch) -> None:
    """Leave candidates and choice for the others, after timing the assignment alone."""
    proposals = result.proposals
    candidates = proposals.candidates
    for turn in range(REPEATS):
        with watch.stage(f"assignment alone {turn}"):
            choose_pairings(candidates, proposals.seats, proposals.limits)
    save_array(folder, "candidates.left", candidates.left)
    save_array(folder, "candidates.right", candidates.right)
    save_array(folder, "candidates.scores", candidates.scores)
    save_array(folder, "ours.chosen", proposals.chosen)
    save_array(folder, "vectors", result.vectors)


def _statements(task: Task) -> list[Statement]:
    """Problems of associations with one each, interests of academics with several."""
    first = max(task.owners) + 1
    seeking = [
        Statement(i, Kind.PROBLEM, first + i, College.ASSOCIATION, "", text)
        for i, text in enumerate(task.problems)
    ]
    answering = [
        Statement(len(seeking) + i, Kind.INTEREST, owner, College.ACADEMIC, "", text)
        for i, (owner, text) in enumerate(zip(task.owners, task.interests, strict=True))
    ]
    return seeking + answering


def _nearest(
    index: FaissIndex, ids: NDArray[np.int64], asking: pairing.Side, asked: pairing.Side
) -> Neighbours:
    """As service.workflows.suggest asks; no statement can find itself here."""
    k = pairing.NEAR_IN_MEANING
    found, cosines = index.search_arrays(asking.vectors, k + 1, allowed=ids[asked.positions])
    positions = np.where(found >= 0, np.searchsorted(ids, found), -1)
    return Neighbours(positions[:, :k], cosines[:, :k])


def _time_stages(watch: Stopwatch) -> None:
    for stage, names in STAGES.items():
        for name in names:
            setattr(pairing, name, _timed(getattr(pairing, name), stage, watch))


def _timed(function: Callable[P, R], stage: str, watch: Stopwatch) -> Callable[P, R]:
    @wraps(function)
    def timed(*args: P.args, **kwargs: P.kwargs) -> R:
        with watch.stage(stage):
            return function(*args, **kwargs)

    return timed
