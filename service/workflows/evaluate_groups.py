"""Evaluate groups: how well ours and others' agree with labels given by hand."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.encoder import Encoder, Vectors
from matcher.evaluation import measure_groups
from matcher.grouping import find_groups
from matcher.passages import encode_long
from service.errors import Refused
from service.resources import Progress
from service.workflows.group_material import nearest_by_index

Labels = NDArray[np.int64]
Baseline = Callable[[Vectors, int], Labels]
OURS = "ours"
SEED = 0


def evaluate_groups(
    path: Path,
    encoder: Encoder,
    *,
    baselines: Sequence[str] = (),
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measures of our groups and of each baseline, on the same vectors, with their seconds.

    `path` holds rows `{"text", "label"}`. k-means and Ward are told the true number of labels.
    """
    if unknown := [name for name in baselines if name not in BASELINES]:
        raise Refused(
            f"« {unknown[0]} » n'est pas une méthode de comparaison : {', '.join(BASELINES)}."
        )
    texts, labels = read_labelled(path)
    tell = progress or (lambda *_: None)
    vectors = encode_long(
        encoder.encode_passages, texts, lambda done, all_: tell("Vecteurs", done, all_)
    )
    shown = {OURS: measure(ours(texts), vectors, labels)}
    for done, name in enumerate(baselines):
        tell("Comparaison", done, len(baselines))
        shown[name] = measure(BASELINES[name], vectors, labels)
    return {"texts": len(texts), "labels": len(set(labels)), "methods": shown}


def measure(method: Baseline, vectors: Vectors, labels: Sequence[str]) -> dict[str, float]:
    """What a method finds, against the labels, and how long it took."""
    start = time.perf_counter()
    try:
        found = method(vectors, len(set(labels)))
    except ValueError as error:
        raise Refused(f"Trop peu de textes pour une des méthodes demandées ({error}).") from error
    seconds = time.perf_counter() - start
    return measure_groups(found.tolist(), labels) | {"seconds": seconds}


def read_labelled(path: Path) -> tuple[list[str], list[str]]:
    """The texts and their labels. Raises Refused naming the line that is wrong."""
    if not path.is_file():
        raise Refused(f"{path} n'existe pas : il faut un fichier de lignes JSON text et label.")
    texts: list[str] = []
    labels: list[str] = []
    try:
        lines = path.read_text("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise Refused(f"{path} n'est pas en UTF-8 : enregistrez-le ainsi.") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            content = json.loads(line)
            texts.append(str(content["text"]))
            labels.append(str(content["label"]))
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(
                f"{path}, ligne {number} : il faut un objet avec text et label."
            ) from error
    if not texts:
        raise Refused(f"{path} est vide : il faut un fichier de lignes JSON text et label.")
    return texts, labels


def ours(texts: Sequence[str]) -> Baseline:
    """Our groups of these texts, of the recommended number."""
    return lambda vectors, _k: find_groups(texts, vectors, nearest=nearest_by_index).group


def _kmeans(vectors: Vectors, k: int) -> Labels:
    import faiss  # noqa: PLC0415

    means = faiss.Kmeans(
        vectors.shape[1], k, niter=25, seed=SEED, spherical=True, min_points_per_centroid=1
    )
    means.train(vectors)
    _, nearest = means.index.search(vectors, 1)
    return np.asarray(nearest.ravel(), dtype=np.int64)


def _ward(vectors: Vectors, k: int) -> Labels:
    from sklearn.cluster import AgglomerativeClustering  # noqa: PLC0415

    return np.asarray(AgglomerativeClustering(n_clusters=k).fit_predict(vectors), dtype=np.int64)


def _hdbscan(vectors: Vectors, _k: int) -> Labels:
    from sklearn.cluster import HDBSCAN  # noqa: PLC0415

    return np.asarray(HDBSCAN(min_cluster_size=5, copy=True).fit_predict(vectors), dtype=np.int64)


def _umap_hdbscan(vectors: Vectors, _k: int) -> Labels:
    """BERTopic's pipeline with its default settings, but for a seed that makes it repeatable."""
    from sklearn.cluster import HDBSCAN  # noqa: PLC0415

    umap = _optional("umap", "umap-learn")
    reduced = umap.UMAP(
        n_neighbors=min(15, len(vectors) - 1),
        n_components=5,
        min_dist=0.0,
        metric="cosine",
        random_state=SEED,
        n_jobs=1,
    ).fit_transform(vectors)
    return np.asarray(HDBSCAN(min_cluster_size=10, copy=True).fit_predict(reduced), dtype=np.int64)


def _evoc(vectors: Vectors, _k: int) -> Labels:
    evoc = _optional("evoc", "evoc")
    return np.asarray(evoc.EVoC(random_state=SEED).fit_predict(vectors), dtype=np.int64)


BASELINES: dict[str, Baseline] = {
    "kmeans": _kmeans,
    "ward": _ward,
    "hdbscan": _hdbscan,
    "umap-hdbscan": _umap_hdbscan,
    "evoc": _evoc,
}


def _optional(module: str, package: str) -> Any:  # noqa: ANN401 - a module
    import importlib  # noqa: PLC0415

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Refused(
            f"Cette comparaison demande « pip install {package} » (make bench l'installe)."
        ) from error
