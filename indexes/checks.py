"""What every back end verifies before it believes its input: fail at the door, with the value."""

import numpy as np

from indexes.contract import Ids, Vectors

LENGTH_TOLERANCE = 1e-3
"""How far from 1 a row may be: float16 storage moves lengths by 5e-4 at most."""


def check_ids(ids: Ids) -> None:
    """Refuse anything but distinct, non-negative int64 database keys."""
    if ids.dtype != np.int64 or ids.ndim != 1:
        raise ValueError(f"expected int64 (n,), got {ids.dtype} {ids.shape}")
    if ids.size and ids.min() < 0:
        raise ValueError(f"ids are never negative, got {ids.min()}")
    ordered = np.sort(ids)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if twice.size:
        raise ValueError(f"id {twice[0]} given twice")


def check_vectors(vectors: Vectors, dim: int) -> None:
    """Refuse anything but finite float32 `(n, dim)` rows of length 1."""
    if vectors.dtype != np.float32 or vectors.ndim != 2 or vectors.shape[1] != dim:
        raise ValueError(f"expected float32 (n, {dim}), got {vectors.dtype} {vectors.shape}")
    lengths = np.sqrt(np.vecdot(vectors, vectors))
    # Written so that NaN fails it too.
    wrong = np.flatnonzero(~(np.abs(lengths - 1.0) <= LENGTH_TOLERANCE))
    if wrong.size:
        raise ValueError(f"row {wrong[0]} has length {lengths[wrong[0]]}, not 1")


def check_count(k: int) -> None:
    """Refuse to search for fewer than one neighbour."""
    if k < 1:
        raise ValueError(f"k is at least 1, got {k}")
