"""Two coordinates a text, for a picture: groups near in meaning lie near, members around them."""

import numpy as np
from numpy.typing import NDArray

from matcher.likeness import Rows

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
MOST_CENTRES = 600
"""More would take minutes to spread."""
GROUP_SHARE = 0.35
"""How far a member may lie from its group's centre, against the nearest other centre."""


def lay_out(rows: Rows, group: Indices) -> Floats:
    """Coordinates `(n, 2)` from -1 to 1, the same for the same input.

    Group centres by metric MDS of their average likeness (SMACOF: de Leeuw 1977), started from
    their first two principal components; members around their centre by the two components of
    what tells them apart. A text in no group is a centre of its own, and is placed by the
    components alone where there are too many for that.
    """
    n = len(rows)
    if n == 0:
        return np.empty((0, 2))
    centre = group.copy()
    alone = np.flatnonzero(group < 0)
    n_groups = int(group.max(initial=-1)) + 1
    centre[alone] = n_groups + np.arange(len(alone))
    if len(alone) + n_groups > MOST_CENTRES:
        return _fit(_components(rows.dense.astype(np.float64)))
    means = rows.means(centre, n_groups + len(alone))
    centres = _spread(means)
    places = centres[centre]
    step = _nearest_gap(centres) * GROUP_SHARE
    for g in range(n_groups):
        members = np.flatnonzero(group == g)
        around = _components(rows.dense[members].astype(np.float64))
        places[members] += _fit(around) * step[g]
    return _fit(places)


def _spread(means: Rows) -> Floats:
    if len(means) < 3:
        return _components(means.dense.astype(np.float64))
    # A second to import, with what it needs: only a picture needs it.
    from sklearn.manifold import smacof  # noqa: PLC0415

    far = np.maximum(1 - means.likeness(means).astype(np.float64), 0)
    far = (far + far.T) / 2
    np.fill_diagonal(far, 0)
    start = _components(means.dense.astype(np.float64))
    places, _ = smacof(far, n_components=2, init=start, n_init=1, normalized_stress=False)
    return np.asarray(places, dtype=np.float64)


def _components(rows: Floats) -> Floats:
    """The first two principal components, signs fixed by their largest entry. `(n, 2)`."""
    centred = rows - rows.mean(axis=0)
    result = np.zeros((len(rows), 2))
    if len(rows) < 2:
        return result
    if len(rows) <= rows.shape[1]:
        values, vectors = np.linalg.eigh(centred @ centred.T)
        found = vectors[:, ::-1] * np.sqrt(np.maximum(values[::-1], 0))
    else:
        _, axes = np.linalg.eigh(centred.T @ centred)
        found = centred @ axes[:, ::-1]
    k = min(2, found.shape[1])
    result[:, :k] = found[:, :k]
    largest = result[np.abs(result).argmax(axis=0), np.arange(2)]
    return np.asarray(result * np.where(largest < 0, -1, 1), dtype=np.float64)


def _nearest_gap(centres: Floats) -> Floats:
    if len(centres) < 2:
        return np.ones(len(centres))
    gaps = np.linalg.norm(centres[:, None] - centres[None, :], axis=2)
    np.fill_diagonal(gaps, np.inf)
    return np.asarray(gaps.min(axis=1))


def _fit(places: Floats) -> Floats:
    """Moved and scaled to lie between -1 and 1."""
    middle = (places.max(axis=0) + places.min(axis=0)) / 2
    extent = np.abs(places - middle).max()
    return np.asarray((places - middle) / (extent if extent > 0 else 1), dtype=np.float64)
