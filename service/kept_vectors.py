"""An encoder that remembers: what a model embedded once is read back from the database."""

import logging
from collections.abc import Sequence

import numpy as np
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from matcher.encoder import Encoder, Progress, Vectors
from service.database import read, write
from service.store.statements import hash_text
from service.store.vectors import keep_vectors, stored_vectors

LOGGER = logging.getLogger(__name__)


class KeptEncoder:
    """For texts that belong to nobody, as labels of official lists: a search from cold is quick.

    What people wrote does not go through here: their vectors must go when their text goes.
    """

    def __init__(self, engine: Engine, encoder: Encoder) -> None:
        self._engine = engine
        self._encoder = encoder
        self.fingerprint = encoder.fingerprint
        self.dim = encoder.dim

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Vectors `(len(texts), dim)`, embedded where they are not kept yet."""
        hashes = [hash_text(text) for text in texts]
        with read(self._engine) as session:
            rows = dict(stored_vectors(session, self.fingerprint, hashes))
        missing = {h: text for h, text in zip(hashes, texts, strict=True) if h not in rows}
        if missing:
            vectors = self._encoder.encode_passages(list(missing.values()), progress)
            try:
                with write(self._engine) as session:
                    keep_vectors(session, self.fingerprint, list(missing), vectors)
            except OperationalError as error:
                # A full disk or a busy database: embedded again next time, and nobody waits.
                LOGGER.warning("vectors of labels not kept: %s", error)
            rows |= dict(zip(missing, vectors, strict=True))
        if not hashes:
            return np.empty((0, self.dim), dtype=np.float32)
        return np.stack([rows[h] for h in hashes])

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors `(len(texts), dim)` of questions, never kept."""
        return self._encoder.encode_queries(texts)
