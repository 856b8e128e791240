"""What people asked about their data, and whose contributions are whose."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.base import Table


class RightsRequest(Table):
    """A line of the ledger that this database has followed; `keys` are salted hashes.

    `cleaned_at` when the last byte of whom it is about was gone from the files too.
    """

    __tablename__ = "rights_request"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[dt.datetime]
    asked: Mapped[str] = mapped_column(String(16))
    mask_texts: Mapped[bool]
    keys: Mapped[dict[str, Any]] = mapped_column(JSON)
    cleaned_at: Mapped[dt.datetime | None]


class RightsSecret(Table):
    """What the hashes were made with: drawn once, the same in the data folder."""

    __tablename__ = "rights_secret"
    id: Mapped[int] = mapped_column(primary_key=True)
    secret: Mapped[str] = mapped_column(String(64))


class StatementContact(Table):
    """The person a statement came with."""

    __tablename__ = "statement_contact"
    statement_id: Mapped[int] = mapped_column(ForeignKey("statement.id"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), primary_key=True, index=True)
