"""The vectors of the sentences of statements, by which one of them is shown as the answer.

They are kept in the database beside the vector of the whole text, and go with it. What is not
there yet is embedded for who asks; the worker embeds all of them after an import.
"""

from collections.abc import Sequence

import numpy as np

from matcher.encoder import Vectors
from matcher.reasons import encode_sentences
from matcher.words import sentences
from service.database import read, write
from service.recent import Cut
from service.resources import Progress, Resources
from service.store.statements import StatementView
from service.store.vectors import (
    count_without_sentences,
    keep_sentences,
    stored_sentences,
    stored_vectors,
    texts_without_sentences,
)

EMBEDDED_AT_ONCE = 256
"""Texts whose sentences are embedded between two commits."""


def sentences_of(resources: Resources, views: Sequence[StatementView]) -> list[Vectors]:
    """For each statement, the vectors of its sentences `(n, dim)`."""
    recent = resources.recent
    cuts = {view.statement.id: recent.get(recent.sentences, view.statement.id) for view in views}
    lacking = [view for view in views if not _is_of(cuts[view.statement.id], view)]
    for view, rows in zip(lacking, _look_up(resources, lacking), strict=True):
        cut = Cut(view.text_hash, rows)
        cuts[view.statement.id] = recent.put(recent.sentences, view.statement.id, cut)
    found = [cuts[view.statement.id] for view in views]
    return [cut.rows.astype(np.float32) for cut in found if cut]


def embed_sentences(resources: Resources, progress: Progress | None = None) -> None:
    """Embed the sentences of every text that lacks them."""
    fingerprint, done, last = resources.encoder.fingerprint, 0, ""
    with read(resources.engine) as session:
        total = count_without_sentences(session, fingerprint)
    while True:
        with read(resources.engine) as session:
            texts = texts_without_sentences(
                session, fingerprint, after=last, limit=EMBEDDED_AT_ONCE
            )
            lone = [h for h, text in texts.items() if len(sentences(text)) == 1]
            # A text of one sentence is embedded already.
            rows = {
                h: row[np.newaxis] for h, row in stored_vectors(session, fingerprint, lone).items()
            }
        if not texts:
            return
        cut = [h for h in texts if h not in rows]
        fresh = encode_sentences([texts[h] for h in cut], resources.encoder)
        rows |= dict(zip(cut, fresh, strict=True))
        kept = {text_hash: part.astype(np.float16) for text_hash, part in rows.items()}
        with write(resources.engine) as session:
            keep_sentences(session, fingerprint, kept)
        done, last = done + len(texts), max(texts)
        if progress:
            progress("Phrases", done, max(done, total))


def _look_up(
    resources: Resources, views: Sequence[StatementView]
) -> list[np.ndarray[tuple[int, int], np.dtype[np.float16]]]:
    """Read what is stored, and embed the rest."""
    if not views:
        return []
    encoder = resources.encoder
    with read(resources.engine) as session:
        hashes = [view.text_hash for view in views]
        stored = stored_sentences(session, encoder.fingerprint, hashes, dim=encoder.dim)
    new = [view for view in views if view.text_hash not in stored]
    rows = encode_sentences([view.statement.passage for view in new], encoder)
    fresh = {view.text_hash: part.astype(np.float16) for view, part in zip(new, rows, strict=True)}
    found = {**stored, **fresh}
    return [found[view.text_hash] for view in views]


def _is_of(cut: Cut | None, view: StatementView) -> bool:
    return cut is not None and cut.text_hash == view.text_hash
