"""The indexes follow the database: before a search, everything committed since is indexed.

The database is the truth. A process starts from the newest sealed snapshot that fits it (same
epoch, same model, not newer than the database), else from nothing, and applies what changed since.
"""

import json
import logging
import os
import time
from collections.abc import Sequence
from enum import Enum, auto

import numpy as np
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from indexes.faiss_index import FaissIndex
from indexes.snapshot import Label, SnapshotRefused, open_latest, publish
from indexes.word_index import TantivyIndex
from matcher.hubs import Hubs
from matcher.passages import encode_long
from matcher.statements import Kind
from matcher.words import weigh_fields
from service.database import read, write
from service.failpoints import failpoint
from service.resources import Indexes, Progress, Resources
from service.store.revisions import Mark, current_mark
from service.store.statements import Change, changes_since, ids_of_kind
from service.store.vectors import keep_vectors_of_texts, stored_vectors, texts_without_vector

LOGGER = logging.getLogger(__name__)
BEHIND_AT_MOST = 512
"""Changes that a search takes in before it answers, in about a second."""
TAKEN_AT_ONCE = 4_096
"""Changes taken in while searches wait: a fifth of a second."""
EMBEDDED_AT_ONCE = 512
"""Texts embedded between two commits: what is stored is not embedded again after a crash."""
TRIED_AGAIN_AFTER = 15.0
"""Seconds for which a search does not embed again what the database could not keep."""
PUBLISHED_SHARE = 0.05
"""A snapshot is renewed when this share of it changed: the rest is quick to catch up."""


WORDS = "words-2"
"""How texts become words: it changes with `matcher.words`, and an older index is then refused."""


def catch_up(
    resources: Resources, progress: Progress | None = None, *, as_far_as_can_be: bool = False
) -> Mark:
    """Index everything committed so far; returns the revision the indexes now stand at.

    Where the database takes no vectors just now (full, busy), OperationalError; or, with
    `as_far_as_can_be`, what came before the first text without one. Then, too, much at once is
    left to the thread that keeps a web process ready, if there is one: nobody waits for it.
    """
    # Whoever asks, the indexes hold everything: what a person may see is chosen at the search.
    resources = resources.unscoped()
    indexes = resources.indexes
    with read(resources.engine) as session:
        mark = current_mark(session)
    if (indexes.revision, indexes.epoch) == mark:
        # Nothing was committed since: a search must not look through every statement.
        return mark
    is_far = mark.revision - indexes.revision > BEHIND_AT_MOST and indexes.epoch == mark.epoch
    if as_far_as_can_be and is_far and indexes.keeper:
        indexes.keeper.set()
        return Mark(indexes.revision, indexes.epoch)
    # What is indexed has its vectors: only what came since may lack one.
    since = indexes.revision if indexes.epoch == mark.epoch else 0
    # Not under the lock of the indexes, which answer meanwhile.
    with indexes.embedding:
        if as_far_as_can_be:
            _embed_if_it_can_be_kept(resources, since, progress)
        else:
            _embed_missing(resources, since, progress)
    while True:
        with indexes.lock:
            step = _take_in(resources, as_far_as_can_be=as_far_as_can_be)
        if step is Step.LACKS:
            # Committed between the embedding and the read: the next round takes them.
            return catch_up(resources, progress, as_far_as_can_be=as_far_as_can_be)
        if step is Step.DONE:
            _publish_if_worth_it(resources)
            return Mark(indexes.revision, indexes.epoch)


class Step(Enum):
    """How one step ended: all is in, more is to come, or texts lack vectors."""

    DONE = auto()
    MORE = auto()
    LACKS = auto()


def _take_in(resources: Resources, *, as_far_as_can_be: bool) -> Step:
    """Index the next changes: so many that a search waits for a moment only."""
    indexes = resources.indexes
    with read(resources.engine) as session:
        mark = current_mark(session)
        if indexes.epoch != mark.epoch or indexes.revision > mark.revision:
            _start_over(resources, mark)
            indexes.needs = ids_of_kind(session, Kind.PROBLEM) & indexes.terms.keys()
        changes = changes_since(session, indexes.revision, limit=TAKEN_AT_ONCE)
        rows = stored_vectors(
            session, resources.encoder.fingerprint, [c.text_hash for c in changes]
        )
    is_all = len(changes) < TAKEN_AT_ONCE
    reached = mark.revision if is_all else changes[-1].revision
    missing = [c for c in changes if not c.deleted and c.text_hash not in rows]
    if missing and not (as_far_as_can_be and indexes.is_stuck):
        return Step.LACKS
    if missing:
        is_all, reached = True, missing[0].revision - 1
        changes = [c for c in changes if c.revision <= reached]
    _apply(indexes, changes, {c.id: rows[c.text_hash] for c in changes if not c.deleted})
    if is_all:
        _follow_hubs(indexes)
    resources.recent.forget([change.id for change in changes])
    indexes.revision, indexes.epoch = reached, mark.epoch
    return Step.DONE if is_all else Step.MORE


def index_committed(resources: Resources, progress: Progress | None = None) -> None:
    """Index what was just committed, if it can be: what is in is not said to be refused."""
    try:
        catch_up(resources, progress, as_far_as_can_be=True)
    except (SQLAlchemyError, OSError) as error:
        LOGGER.warning("committed, to be indexed at the next search: %s", error)


def read_snapshot(resources: Resources, mark: Mark) -> Indexes:
    """The newest published indexes that fit this database and model.

    Raises SnapshotRefused where there is none, or one that must not be used.
    """
    snapshot = open_latest(
        resources.settings.index_folder,
        epoch=mark.epoch,
        fingerprint=_maker(resources),
        at_most_revision=mark.revision,
    )
    vectors = FaissIndex.from_bytes(snapshot.files["vectors.faiss"])
    terms = {int(i): text for i, text in json.loads(snapshot.files["words.json"]).items()}
    words = TantivyIndex()
    words.put(np.fromiter(terms, dtype=np.int64, count=len(terms)), list(terms.values()))
    revision = snapshot.manifest.revision
    return Indexes(vectors, words, terms, revision=revision, epoch=mark.epoch, published=revision)


def publish_now(resources: Resources) -> None:
    """Seal what is indexed, unless another process is at it."""
    indexes = resources.indexes
    # Copied under the lock, written without it: a slow disk keeps no search waiting.
    with indexes.lock:
        label = Label(
            epoch=indexes.epoch,
            fingerprint=_maker(resources),
            revision=indexes.revision,
            dim=indexes.vectors.dim,
            count=len(indexes.vectors),
        )
        files = {
            "vectors.faiss": indexes.vectors.to_bytes(),
            "words.json": json.dumps(indexes.terms, ensure_ascii=False).encode(),
        }
        indexes.published, indexes.unpublished = indexes.revision, 0
    failpoint("publish.begins")
    try:
        publish(resources.settings.index_folder, label, files, lambda: _revision_now(resources))
    except OSError as error:
        # Derived data: a full or closed disk must not keep anyone from an answer.
        LOGGER.warning("indexes not published: %s", error)
    failpoint("publish.done")


def _maker(resources: Resources) -> str:
    """What an index is made by: the model, and the way words are taken from texts."""
    return f"{resources.encoder.fingerprint}+{WORDS}"


def _revision_now(resources: Resources) -> int:
    with read(resources.engine) as session:
        return current_mark(session).revision


def _start_over(resources: Resources, mark: Mark) -> None:
    """Take the published indexes, or empty ones where none fits."""
    try:
        fresh = read_snapshot(resources, mark)
    except (SnapshotRefused, OSError):
        # Derived data, of another time, place or model: rebuilt from the stored vectors.
        fresh = Indexes(FaissIndex(resources.encoder.dim), TantivyIndex())
    indexes = resources.indexes
    indexes.vectors, indexes.words, indexes.terms = fresh.vectors, fresh.words, fresh.terms
    indexes.hubs, indexes.unfollowed = Hubs(), set()
    indexes.revision, indexes.published, indexes.unpublished = fresh.revision, fresh.published, 0


def _apply(indexes: Indexes, changes: Sequence[Change], rows: dict[int, np.ndarray]) -> None:
    if not changes:
        return
    gone = [change.id for change in changes if change.deleted]
    kept = [change for change in changes if not change.deleted]
    indexes.vectors.remove(gone)
    indexes.words.remove(gone)
    for identity in gone:
        indexes.terms.pop(identity, None)
    if kept:
        ids = np.array([change.id for change in kept], dtype=np.int64)
        terms = [weigh_fields(change.title, change.passage) for change in kept]
        indexes.vectors.put(ids, np.stack([rows[change.id] for change in kept]))
        indexes.words.put(ids, terms)
        indexes.terms.update(zip(ids.tolist(), terms, strict=True))
    indexes.needs |= {change.id for change in kept if change.kind == Kind.PROBLEM}
    indexes.needs.difference_update(gone)
    indexes.unfollowed.update(change.id for change in changes)
    indexes.unpublished += len(changes)


def _follow_hubs(indexes: Indexes) -> None:
    if not indexes.unfollowed and len(indexes.hubs) == len(indexes.vectors):
        return
    ids = np.sort(indexes.vectors.ids())
    is_need = np.isin(ids, np.fromiter(indexes.needs, np.int64, len(indexes.needs)))
    changed = indexes.unfollowed if indexes.hubs else ids.tolist()
    indexes.hubs.follow(ids[is_need], ids[~is_need], changed, indexes.vectors.vectors_of)
    indexes.unfollowed.clear()


def _publish_if_worth_it(resources: Resources) -> None:
    indexes = resources.indexes
    behind = indexes.unpublished > PUBLISHED_SHARE * max(len(indexes.vectors), 1)
    if indexes.unpublished and (indexes.published < 0 or behind):
        publish_now(resources)


def _embed_if_it_can_be_kept(resources: Resources, since: int, progress: Progress | None) -> None:
    indexes = resources.indexes
    if indexes.is_stuck:
        return
    try:
        _embed_missing(resources, since, progress)
    except OperationalError as error:
        LOGGER.warning("answering without what is not embedded yet: %s", error)
        indexes.stuck_until = time.monotonic() + TRIED_AGAIN_AFTER


def _embed_missing(resources: Resources, since: int, progress: Progress | None) -> None:
    fingerprint = resources.encoder.fingerprint
    with read(resources.engine) as session:
        texts = texts_without_vector(session, fingerprint, since=since)
    hashes = list(texts)
    # Each process from another place: several that find the same texts share them.
    first = os.getpid() * EMBEDDED_AT_ONCE % max(len(hashes), 1)
    hashes = hashes[first:] + hashes[:first]
    for start in range(0, len(hashes), EMBEDDED_AT_ONCE):
        part = hashes[start : start + EMBEDDED_AT_ONCE]
        if start:
            with read(resources.engine) as session:
                there = stored_vectors(session, fingerprint, part)
            part = [text_hash for text_hash in part if text_hash not in there]
        vectors = encode_long(resources.encoder.encode_passages, [texts[h] for h in part])
        with write(resources.engine) as session:
            keep_vectors_of_texts(session, fingerprint, part, vectors)
        failpoint("vectors.kept")
        if progress:
            progress("Calcul des vecteurs", start + len(part), len(hashes))
    resources.indexes.stuck_until = 0.0
