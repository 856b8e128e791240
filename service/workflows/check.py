"""Check: the database is whole, and what is derived from it agrees with it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from indexes.snapshot import SnapshotRefused
from matcher.passages import encode_long
from service.catchup import catch_up, read_snapshot
from service.database import is_current, read, write
from service.resources import Indexes, Progress, Resources
from service.store.coherence import incoherences
from service.store.health import (
    broken_references,
    broken_storage,
    deleted_after,
    live_statements,
    sample_vectors,
    vector_sizes,
)
from service.store.revisions import current_mark
from service.store.vectors import forget_vectors, stored_vectors

SHOWN, SAMPLE = 10, 16
NO_FAULT = frozenset({"missing", "other-model"})
SAME = 0.99
"""Cosine of two vectors of one text: processors that multiply bf16 differ from others by .004."""


class Severity(StrEnum):
    """Whether rebuilding what is derived mends it, or something of people's own is gone."""

    REPAIRABLE = "repairable"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, in French."""

    severity: Severity
    message: str


@dataclass(frozen=True, slots=True)
class Health:
    """What a check found; `pending` statements are simply not indexed yet."""

    findings: list[Finding]
    statements: int
    indexed: int
    pending: int
    repaired: bool = False

    @property
    def exit_code(self) -> int:
        """0 clean, 1 repairable, 2 data lost."""
        severities = {finding.severity for finding in self.findings}
        if Severity.LOST in severities:
            return 2
        return 1 if severities and not self.repaired else 0

    def as_json(self) -> dict[str, Any]:
        """The findings with plain values."""
        return {
            "status": ("clean", "repairable", "lost")[self.exit_code],
            "findings": [{"severity": f.severity, "message": f.message} for f in self.findings],
            "statements": self.statements,
            "indexed": self.indexed,
            "pending": self.pending,
            "repaired": self.repaired,
        }


def check(
    resources: Resources, *, repair: bool = False, progress: Progress | None = None
) -> Health:
    """Look for what is broken; with `repair`, rebuild what is derived (never a person's rows)."""
    health = _look(resources)
    if not repair or not health.findings:
        return health
    shutil.rmtree(resources.settings.index_folder, ignore_errors=True)
    with write(resources.engine) as session:
        forget_vectors(session, resources.encoder.fingerprint)
    # Epoch "" is no database's: the indexes start over from nothing.
    resources.indexes.epoch = ""
    catch_up(resources, progress)
    after = _look(resources)
    lost = [finding for finding in after.findings if finding.severity == Severity.LOST]
    return Health(
        lost or health.findings, after.statements, after.indexed, after.pending, repaired=not lost
    )


def _look(resources: Resources) -> Health:
    findings: list[Finding] = []
    if not is_current(resources.engine):
        findings.append(Finding(Severity.REPAIRABLE, "les tables ne sont pas à jour"))
    with read(resources.engine) as session:
        findings += [Finding(Severity.LOST, message) for message in broken_storage(session)]
        findings += [Finding(Severity.LOST, message) for message in broken_references(session)]
        findings += [Finding(Severity.LOST, message) for message in incoherences(session)]
        findings += list(_vector_faults(session, resources))
        live = live_statements(session)
        mark = current_mark(session)
        try:
            snapshot = read_snapshot(resources, mark)
        except (SnapshotRefused, OSError) as refusal:
            # No index, or one of another model, is no fault: it is built at the next search.
            if not (isinstance(refusal, SnapshotRefused) and refusal.reason in NO_FAULT):
                message = f"index publié inutilisable : {refusal}"
                findings.append(Finding(Severity.REPAIRABLE, message))
            return Health(findings, len(live), indexed=0, pending=len(live))
        findings += list(_index_faults(session, resources, snapshot, live))
    pending = sum(revision > snapshot.revision for revision, _ in live.values())
    return Health(findings, len(live), len(snapshot.vectors), pending)


def _vector_faults(session: Session, resources: Resources) -> Iterator[Finding]:
    fingerprint, expected = resources.encoder.fingerprint, 4 * resources.encoder.dim
    wrong = [size for size in vector_sizes(session, fingerprint) if size != expected]
    if wrong:
        message = f"des vecteurs stockés ont {wrong[0]} octets au lieu de {expected}"
        yield Finding(Severity.REPAIRABLE, message)
        return
    sample = sample_vectors(session, fingerprint, SAMPLE)
    if not sample:
        return
    ids, passages, rows = zip(*sample, strict=True)
    fresh = encode_long(resources.encoder.encode_passages, list(passages))
    cosines = np.sum(np.stack(rows) * fresh, axis=1)
    strange = sorted(i for i, cosine in zip(ids, cosines, strict=True) if not cosine >= SAME)
    if strange:
        message = f"vecteurs stockés qui ne sont pas ceux de leur texte : {_few(strange)}"
        yield Finding(Severity.REPAIRABLE, message)


def _index_faults(
    session: Session, resources: Resources, snapshot: Indexes, live: dict[int, tuple[int, str]]
) -> Iterator[Finding]:
    """What the published index has too much, lacks, or has wrong, up to its own revision."""
    there = set(snapshot.vectors.ids().tolist())
    # A statement changed after the snapshot is caught up with at the next search.
    due = {i for i, (revision, _) in live.items() if revision <= snapshot.revision}
    missing = sorted(due - there)
    if missing:
        yield Finding(Severity.REPAIRABLE, f"absents de l'index : {_few(missing)}")
    phantoms = sorted(there - set(live) - deleted_after(session, snapshot.revision))
    if phantoms:
        yield Finding(Severity.REPAIRABLE, f"de trop dans l'index : {_few(phantoms)}")
    if set(snapshot.terms) != there:
        yield Finding(Severity.REPAIRABLE, "l'index des mots et celui du sens diffèrent")
    both = sorted(due & there)
    rows = stored_vectors(session, resources.encoder.fingerprint, [live[i][1] for i in both])
    wrong = [
        i
        for i, row in zip(both, snapshot.vectors.vectors_of(np.array(both)), strict=True)
        if not np.array_equal(rows.get(live[i][1], ()), row)
    ]
    if wrong:
        yield Finding(Severity.REPAIRABLE, f"vecteurs périmés dans l'index : {_few(wrong)}")


def _few(ids: list[int]) -> str:
    shown = ", ".join(str(i) for i in ids[:SHOWN])
    return shown if len(ids) <= SHOWN else f"{shown} … ({len(ids)} en tout)"
