"""What was learnt of decisions and put in force."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.base import Number, Table


class WeightsRow(Table):
    """What the bars count for in a sociopôle, as a person put it; rows are only ever added.

    `by_bar` is null for the default ones; `last_decision` is the last that was learnt from,
    `decisions` how many were, `measure` what they were measured by.
    """

    __tablename__ = "weights"
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    sociopole_id: Mapped[int] = mapped_column(ForeignKey("sociopole.id"), index=True)
    at: Mapped[dt.datetime]
    by: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(16))
    by_bar: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    decisions: Mapped[int]
    last_decision: Mapped[int] = mapped_column(Number)
    fingerprint: Mapped[str] = mapped_column(String(64))
    measure: Mapped[dict[str, Any]] = mapped_column(JSON)
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("weights.id"))
