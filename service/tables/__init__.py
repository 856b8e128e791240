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
from service.tables.learning import WeightsRow
from service.tables.people import (
    Account,
    ApiToken,
    Audit,
    Identity,
    Membership,
    Once,
    SignIn,
    SignInCode,
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
from service.tables.queries import SavedAnswer, SavedQuery
from service.tables.rights import RightsRequest, RightsSecret, StatementContact
from service.tables.work import Job

__all__ = [
    "Account",
    "ApiToken",
    "Audit",
    "Contact",
    "Decision",
    "GroupEdit",
    "GroupPlace",
    "GroupRow",
    "Grouping",
    "Identity",
    "Import",
    "Job",
    "KnownRelation",
    "LexiconRow",
    "Membership",
    "Once",
    "Organisation",
    "Orphan",
    "Pairing",
    "Revision",
    "RightsRequest",
    "RightsSecret",
    "Run",
    "SavedAnswer",
    "SavedQuery",
    "SignIn",
    "SignInCode",
    "Sociopole",
    "StatementContact",
    "StatementRow",
    "Table",
    "Territory",
    "TerritoryParent",
    "Vector",
    "WeightsRow",
]
