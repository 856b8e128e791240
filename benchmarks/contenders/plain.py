"""The plain script: sentence-transformers, semantic_search, then the best pairs that still fit."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer, util

from benchmarks.measures import Stopwatch
from benchmarks.task import Indices, Task, save_array

TOP = 50
STATIC_BATCH = 1024
"""A static model is twice as fast so than with the usual 32; a transformer is not."""

Pairs = tuple[Indices, Indices]


def prepare(task: Task, _folder: Path) -> SentenceTransformer:
    """The model, loaded."""
    return SentenceTransformer(task.model, device="cpu")


def work(task: Task, model: SentenceTransformer, watch: Stopwatch) -> Pairs:
    """From texts to pairings."""
    batch = STATIC_BATCH if type(model[0]).__name__ == "StaticEmbedding" else 32
    with watch.stage("encode"):
        problems, interests = (
            model.encode(texts, batch_size=batch, convert_to_tensor=True, show_progress_bar=False)
            for texts in (task.problems, task.interests)
        )
    with watch.stage("semantic_search"):
        hits = util.semantic_search(problems, interests, top_k=TOP)
    with watch.stage("greedy"):
        left = np.repeat(np.arange(len(hits)), [len(row) for row in hits])
        right = np.array([int(hit["corpus_id"]) for row in hits for hit in row])
        scores = np.array([hit["score"] for row in hits for hit in row])
        return _take_best(task, left, right, scores)


def keep(folder: Path, result: Pairs, _watch: Stopwatch) -> None:
    """Leave the choice for the comparison."""
    for key, array in zip(("left", "right"), result, strict=True):
        save_array(folder, f"plain.{key}", array)


def _take_best(task: Task, left: Indices, right: Indices, scores: NDArray[np.float64]) -> Pairs:
    """Best score first, within `proposals` a problem and `max_load` an organisation."""
    order = np.argsort(-scores, kind="stable")
    owner = np.array(task.owners)[right[order]]
    places = [task.proposals] * len(task.problems)
    seats = dict.fromkeys(task.owners, task.max_load)
    taken = []
    for position, problem, organisation in zip(
        order.tolist(), left[order].tolist(), owner.tolist(), strict=True
    ):
        if places[problem] and seats[organisation]:
            places[problem] -= 1
            seats[organisation] -= 1
            taken.append(position)
    return left[taken], right[taken]
