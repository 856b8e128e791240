"""How alike texts are for grouping: meaning, words and shared neighbours in one set of rows."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from matcher.encoder import Vectors
from matcher.fusion import Neighbours
from matcher.words import Matrix, weigh_words, word_cosines

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]
Nearest = Callable[[Vectors, int], Neighbours]
"""Given rows `(n, dim)` and k, the k nearest other rows of each: positions and cosines."""

WORD_SHARE, NEIGHBOUR_SHARE = 0.35, 0.3
"""What words count for beside meaning, and shared neighbours beside both (docs/decisions/0007)."""
SHARED_NEIGHBOURS = 5
NEIGHBOURS = 15
"""Nearest in meaning, among which the nearest in both are looked for."""
ALL_COMPARED = 3000
"""Up to so many texts each is compared with each, in meaning and in words."""
PRIOR_TEXTS = 5
"""A common part seen in so few texts is taken off by half: two texts have no common part."""
BLOCK = 2048


class Rows(NamedTuple):
    """Rows whose dot product is the likeness of two texts, at most 1: `(n, dim)` and `(n, m)`."""

    dense: Floats
    thin: Matrix

    def __len__(self) -> int:
        """How many rows."""
        return len(self.dense)

    def take(self, positions: Indices) -> "Rows":
        """The rows at these positions."""
        return Rows(self.dense[positions], self.thin[positions])

    def means(self, group: Indices, n_groups: int) -> "Rows":
        """The mean row of each group; `group` `(n,)` says which, -1 for none. `(n_groups, …)`.

        The dot product of two means is the average likeness between the members of two groups.
        """
        kept = np.flatnonzero(group >= 0)
        sizes = np.maximum(np.bincount(group[kept], minlength=n_groups), 1)
        shares = (1 / sizes[group[kept]]).astype(np.float32)
        to_group = sparse.csr_matrix(
            (shares, (group[kept], kept)), shape=(n_groups, len(self)), dtype=np.float32
        )
        return Rows(
            np.asarray(to_group @ self.dense, dtype=np.float32),
            sparse.csr_matrix(to_group @ self.thin),
        )

    def likeness(self, others: "Rows") -> Floats:
        """The likeness of each row with each of `others`. `(n, len(others))`."""
        columns = sparse.csc_matrix(others.thin.T)
        result = np.empty((len(self), len(others)), dtype=np.float32)
        # Blocks: the product of the thin parts is nearly full before it is written down.
        for start in range(0, len(self), BLOCK):
            stop = start + BLOCK
            result[start:stop] = self.dense[start:stop] @ others.dense.T
            result[start:stop] += (self.thin[start:stop] @ columns).toarray()
        return result

    def own(self) -> Floats:
        """The likeness of each row with itself. `(n,)`."""
        thin = np.asarray(self.thin.multiply(self.thin).sum(axis=1)).ravel()
        return np.asarray(np.einsum("ij,ij->i", self.dense, self.dense) + thin, dtype=np.float32)


def without_common_part(vectors: Vectors) -> Vectors:
    """Unit rows without what all have in common, so that no theme word makes a group by itself.

    The mean is taken off (Mu and Viswanath, ICLR 2018, without the principal components: removing
    these lost themes here), less of it where there are few texts to tell it from.
    """
    n = len(vectors)
    centred = vectors - vectors.mean(axis=0) * np.float32(n / (n + PRIOR_TEXTS))
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(lengths, 1e-9), dtype=np.float32)


def compare_all(rows: Vectors, k: int) -> Neighbours:
    """The `k` nearest other rows of each by comparing all, ties by position."""
    n = len(rows)
    k = min(k, n - 1)
    ids = np.empty((n, k), dtype=np.int64)
    cosines = np.empty((n, k), dtype=np.float32)
    for start in range(0, n, BLOCK):
        found = rows[start : start + BLOCK] @ rows.T
        here = np.arange(len(found))
        found[here, start + here] = -np.inf
        ids[start : start + BLOCK] = np.argsort(-found, axis=1, kind="stable")[:, :k]
        cosines[start : start + BLOCK] = np.take_along_axis(
            found, ids[start : start + BLOCK], axis=1
        )
    return Neighbours(ids, cosines)


def liken(
    texts: Sequence[str], vectors: Vectors, *, nearest: Nearest = compare_all
) -> tuple[Rows, Neighbours]:
    """The rows of texts, and the nearest others of each by meaning and words together.

    Two texts are the more alike the more of their nearest neighbours are the same (Jarvis and
    Patrick 1973; Houle et al. 2010): that third part keeps a text that is a little near to many
    from drawing them all together. `nearest` is asked above `ALL_COMPARED` texts.
    """
    meaning = without_common_part(vectors)
    words, _ = weigh_words(texts, [])
    near = _nearest_in_both(meaning, words, nearest)
    shared = _neighbourhoods(near)
    rest = 1 - NEIGHBOUR_SHARE
    dense = meaning * np.float32(np.sqrt(rest * (1 - WORD_SHARE)))
    thin = sparse.hstack(
        [
            words * np.float32(np.sqrt(rest * WORD_SHARE)),
            shared * np.float32(np.sqrt(NEIGHBOUR_SHARE)),
        ],
        format="csr",
        dtype=np.float32,
    )
    return Rows(dense, sparse.csr_matrix(thin)), near


def _nearest_in_both(meaning: Vectors, words: Matrix, nearest: Nearest) -> Neighbours:
    n = len(meaning)
    if n <= ALL_COMPARED:
        both = (1 - WORD_SHARE) * (meaning @ meaning.T)
        both += WORD_SHARE * (words @ words.T).toarray()
        np.fill_diagonal(both, -np.inf)
        ids = np.argsort(-both, axis=1, kind="stable")[:, : min(NEIGHBOURS, n - 1)]
        return Neighbours(
            ids.astype(np.int64), np.take_along_axis(both, ids, axis=1).astype(np.float32)
        )
    found = nearest(meaning, NEIGHBOURS)
    asking = np.repeat(np.arange(n, dtype=np.int64), found.ids.shape[1])
    in_words = word_cosines(words, words, (asking, found.ids.ravel()))
    both = (1 - WORD_SHARE) * found.cosines + WORD_SHARE * in_words.reshape(found.ids.shape)
    order = np.lexsort((found.ids, -both), axis=1)
    return Neighbours(
        np.take_along_axis(found.ids, order, axis=1),
        np.take_along_axis(both, order, axis=1).astype(np.float32),
    )


def _neighbourhoods(near: Neighbours) -> Matrix:
    """Each text's nearest few and itself, as a row of length 1: `(n, n)`."""
    n = len(near.ids)
    # Of three texts each has the two others as neighbours: that says nothing.
    k = min(SHARED_NEIGHBOURS, n // 4, near.ids.shape[1])
    columns = np.c_[np.arange(n, dtype=np.int64), near.ids[:, :k]]
    return sparse.csr_matrix(
        (
            np.full(columns.size, 1 / np.sqrt(k + 1), dtype=np.float32),
            (np.repeat(np.arange(n), k + 1), columns.ravel()),
        ),
        shape=(n, n),
    )
