"""Questions that people keep, and what was found for them since."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.base import Number, Table


class SavedQuery(Table):
    """A question kept by a person; `revision` is how far its answers were looked for."""

    __tablename__ = "saved_query"
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    at: Mapped[dt.datetime]
    text: Mapped[str] = mapped_column(Text)
    limits: Mapped[dict[str, Any]] = mapped_column(JSON)
    by_mail: Mapped[bool]
    stop_hash: Mapped[str] = mapped_column(String(64), unique=True)
    revision: Mapped[int] = mapped_column(Number)


class SavedAnswer(Table):
    """A statement that meets a kept question: told once by mail, listed until it is looked at."""

    __tablename__ = "saved_answer"
    query_id: Mapped[int] = mapped_column(ForeignKey("saved_query.id"), primary_key=True)
    statement_id: Mapped[int] = mapped_column(
        ForeignKey("statement.id"), primary_key=True, index=True
    )
    at: Mapped[dt.datetime]
    sentence: Mapped[str] = mapped_column(Text)
    is_new: Mapped[bool]
    mailed_at: Mapped[dt.datetime | None]
