"""What lives as long as the process: settings, engine, encoder, official lists, indexes."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from indexes.faiss_index import FaissIndex
from indexes.word_index import TantivyIndex
from matcher.encoder import Encoder, UnsafeModel, load_encoder
from matcher.fusion import Background, measure_background
from matcher.hubs import Hubs
from matcher.lexicon.lexicon import Lexicon, read_lexicon
from matcher.nomenclature import Nomenclature
from service import reference
from service.attempts import Attempts
from service.database import FIRST, SCOPE, migrate, open_engine, read
from service.errors import Refused
from service.kept_vectors import KeptEncoder
from service.recent import Recent
from service.settings import Settings
from service.store import moving
from service.store.scope import WHOLE, Scope

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, in French; done; total)."""
Keep = Callable[[Session, Mapping[str, Any]], None]
"""Called last in the transaction that writes an effect, with what came of it: both or neither."""


@dataclass(slots=True)
class Indexes:
    """What this process has indexed, and up to which revision of which database."""

    vectors: FaissIndex
    words: TantivyIndex
    terms: dict[int, str] = field(default_factory=dict)
    needs: set[int] = field(default_factory=set)
    """The problems among them: those who need, whom the others answer."""
    hubs: Hubs = field(default_factory=Hubs)
    revision: int = 0
    epoch: str = ""
    published: int = -1
    unpublished: int = 0
    unfollowed: set[int] = field(default_factory=set)
    """What changed since the hubs were measured."""
    stuck_until: float = 0.0
    lock: threading.RLock = field(default_factory=threading.RLock)
    embedding: threading.RLock = field(default_factory=threading.RLock)
    """One thread embeds; who is to wait for it does not keep the indexes."""
    keeper: threading.Event | None = None
    """Wakes the thread that keeps this process ready, where there is one."""

    @property
    def is_stuck(self) -> bool:
        """Whether the database refused vectors a moment ago (monotonic clock)."""
        return time.monotonic() < self.stuck_until


@dataclass(frozen=True, slots=True)
class Resources:
    """Built once by `open_resources`, passed as an argument."""

    settings: Settings
    engine: Engine
    encoder: Encoder
    sectors: Nomenclature
    disciplines: Nomenclature
    indexes: Indexes
    attempts: Attempts
    recent: Recent = field(default_factory=Recent, repr=False)
    _measured: list[Background] = field(default_factory=list, repr=False)
    _lexicons: list[Lexicon] = field(default_factory=list, repr=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)
    """Many come at once to a service just started: one measures, the others wait for it."""

    def seen_by(self, scope: Scope, first: Callable[[Session], None] | None = None) -> Self:
        """The same, but sessions read only what is in the scope, and writes begin with `first`."""
        engine = self.engine.execution_options(**{SCOPE: scope, FIRST: first})
        return replace(self, engine=engine)

    def unscoped(self) -> Self:
        """The same for the program's own work, which is nobody's: it reads everything."""
        return self.seen_by(WHOLE)

    @property
    def background(self) -> Background:
        """How near unrelated texts are to this encoder: measured on the names of the sectors."""
        with self._turn:
            if not self._measured:
                vectors = self.sectors.vectors
                self._measured.append(measure_background(vectors, vectors))
        return self._measured[0]

    @property
    def lexicon(self) -> Lexicon:
        """The bundled bridge lexicon."""
        if not self._lexicons:
            self._lexicons.append(Lexicon(read_lexicon()))
        return self._lexicons[0]


def open_database(settings: Settings, *, half_restored: bool = False) -> Engine:
    """Open the database and bring its tables up to date.

    Raises Refused for one whose restore was cut short, unless it is the restore that opens it.
    """
    if not settings.database_url:
        settings.data.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings.url, settings.lock_wait)
    if not half_restored:
        refuse_half_restored(engine)
    migrate(engine)
    return engine


def refuse_half_restored(engine: Engine) -> None:
    """Raise Refused where a restore was cut short: what is there is nobody's database."""
    with read(engine) as session:
        kept = moving.half_restored(session)
    if kept:
        engine.dispose()
        raise Refused(
            "La dernière restauration de cette base s'est arrêtée avant la fin : rien n'y est "
            f"servi, et la base d'avant est gardée (schéma {kept}). Relancez "
            "« sociopoles restore » avec --force : ce qui était là est d'abord remis en place."
        )


def open_resources(
    settings: Settings, encoder: Encoder | None = None, *, half_restored: bool = False
) -> Resources:
    """Open the database, the encoder and empty indexes; see `open_database`."""
    engine = open_database(settings, half_restored=half_restored)
    encoder = encoder or load_named_encoder(settings.model)
    kept = KeptEncoder(engine, encoder)
    return Resources(
        settings=settings,
        engine=engine,
        encoder=encoder,
        sectors=Nomenclature(reference.sectors(), kept, free_words_to_families=True),
        disciplines=Nomenclature(reference.disciplines(), kept, free_words_to_families=False),
        indexes=Indexes(FaissIndex(encoder.dim), TantivyIndex()),
        attempts=Attempts(settings.attempts_url),
    )


def load_named_encoder(model: str) -> Encoder:
    """The encoder of this name or folder; Refused, in French, where it cannot be had."""
    try:
        return load_encoder(model)
    except UnsafeModel as error:
        raise Refused(
            f"Le modèle « {model} » est refusé : il contient du code ({error})."
        ) from error
    except (OSError, ValueError) as error:
        raise Refused(
            f"Le modèle « {model or 'livré'} » ne se charge pas : {error}. "
            "Vérifiez SOCIOPOLES_MODEL, ou laissez-le vide pour le modèle livré."
        ) from error
