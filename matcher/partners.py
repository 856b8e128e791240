"""Who may answer a group: the interests and courses nearest to it, of several disciplines."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matcher.bars import meaning_bar
from matcher.encoder import Vectors
from matcher.fusion import Background, Neighbours, closeness, correct_hubs, hubness
from matcher.words import weigh_words

Floats = NDArray[np.float32]
PARTNERS = 5


class Partner(NamedTuple):
    """One that may answer, by its position, and how near it is: a bar from 0 to 1."""

    position: int
    strength: float


def find_partners(
    centres: Vectors,
    texts: Sequence[str],
    partners: Vectors,
    partner_texts: Sequence[str],
    families: Sequence[str],
    background: Background,
) -> list[list[Partner]]:
    """The nearest partners of each group, best first, of at least two families where there are.

    `centres` `(n_groups, dim)` are mean vectors, `texts` the groups' texts joined, `families` the
    discipline family of each partner, empty for unknown. Meaning and words as for pairings, and
    corrected for partners that are near to every group.
    """
    near = measure_nearness(centres, texts, partners, partner_texts, background)
    return [_choose(row, families) for row in near] if len(partners) else [[] for _ in near]


def measure_nearness(
    centres: Vectors,
    texts: Sequence[str],
    partners: Vectors,
    partner_texts: Sequence[str],
    background: Background,
) -> Floats:
    """How near each partner is to each group, as a bar from 0 to 1. `(n_groups, n_partners)`."""
    if not len(partners) or not len(centres):
        return np.zeros((len(centres), len(partners)), dtype=np.float32)
    lengths = np.linalg.norm(centres, axis=1, keepdims=True)
    cosines = np.asarray(centres / np.maximum(lengths, 1e-9) @ partners.T, dtype=np.float32)
    rows, columns = np.indices(cosines.shape)
    corrected = correct_hubs(
        cosines.ravel(), _hubness(cosines)[rows.ravel()], _hubness(cosines.T)[columns.ravel()]
    )
    group_words, partner_words = weigh_words(texts, partner_texts)
    in_words = (group_words @ partner_words.T).toarray().astype(np.float32).ravel()
    return meaning_bar(closeness(corrected, in_words, background)).reshape(cosines.shape)


def _hubness(cosines: Floats) -> Floats:
    order = np.argsort(-cosines, axis=1, kind="stable")
    return hubness(Neighbours(order.astype(np.int64), np.take_along_axis(cosines, order, axis=1)))


def _choose(near: Floats, families: Sequence[str]) -> list[Partner]:
    order = np.argsort(-np.round(near, 6), kind="stable").tolist()
    chosen = order[:PARTNERS]
    others = [i for i in order[PARTNERS:] if families[i] and families[i] != families[chosen[0]]]
    if len({families[i] for i in chosen} - {""}) < 2 and others:
        chosen[-1] = others[0]
    return [Partner(i, round(float(near[i]), 4)) for i in chosen]
