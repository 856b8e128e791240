"""What is done in the background."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.base import Number, Table


class Job(Table):
    """A job: what is asked, how far it is, what came of it.

    `claim` is renewed each time it is taken, `beat` counts while its worker is alive: no clock is
    read to tell whether it is. `kept` says that `result` was committed together with the effect.
    """

    __tablename__ = "job"
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    sociopole_id: Mapped[int | None] = mapped_column(ForeignKey("sociopole.id"), index=True)
    by: Mapped[str] = mapped_column(String(200))
    key: Mapped[str | None] = mapped_column(String(200), unique=True)
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(16), index=True)
    message: Mapped[str] = mapped_column(Text)
    done: Mapped[int]
    total: Mapped[int]
    attempts: Mapped[int]
    worker: Mapped[str] = mapped_column(String(200))
    claim: Mapped[str] = mapped_column(String(32))
    beat: Mapped[int] = mapped_column(Number)
    cancelling: Mapped[bool]
    kept: Mapped[bool]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    error: Mapped[str] = mapped_column(Text)
    created_at: Mapped[dt.datetime]
    started_at: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]
