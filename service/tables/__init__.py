"""The tables. Only these files and the store know mapped classes."""

from service.tables.base import Table
from service.tables.ecosystem import (
    Contact,
    Import,
    KnownRelation,
    LexiconRow,
    Organisation,
    Revision,
    Sociopole,
    StatementRow,
    Territory,
    TerritoryParent,
    Vector,
)
from service.tables.proposals import (
    Decision,
    GroupEdit,
    Grouping,
    GroupPlace,
    GroupRow,
    Orphan,
    Pairing,
    Run,
)

__all__ = [
    "Contact",
    "Decision",
    "GroupEdit",
    "GroupPlace",
    "GroupRow",
    "Grouping",
    "Import",
    "KnownRelation",
    "LexiconRow",
    "Organisation",
    "Orphan",
    "Pairing",
    "Revision",
    "Run",
    "Sociopole",
    "StatementRow",
    "Table",
    "Territory",
    "TerritoryParent",
    "Vector",
]
