"""Rows weighed by how rare their token is, folded in so that readers need no weights."""

import numpy as np
from numpy.typing import NDArray

from training.vocabulary import Tokens

Floats = NDArray[np.float32]


def weigh_rows(rows: Floats, seen: Tokens, *, smoothing: float) -> Floats:
    """Rows times `smoothing / (smoothing + p)`, p being the share of the token among `seen`.

    Source: Arora, Liang and Ma, A Simple but Tough-to-Beat Baseline for Sentence Embeddings (2017).
    """
    shares = np.bincount(seen, minlength=len(rows)) / len(seen)
    weights = smoothing / (smoothing + shares)
    return np.asarray(rows * weights[:, None], dtype=np.float32)
