"""Every operation of the service and the permission it needs, written down apart from the code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.builders import SLUG as HERE

ANYONE, SELF, ADMINISTER = "anyone", "self", "administer"
MACHINES = "machines"
"""Programs of the machine that serves, or with the token of the measures: no person."""
READ, QUESTIONS, PROPOSALS = "read", "questions", "proposals"
REVIEW, CONTRIBUTE, CONTACTS = "review", "contribute", "contacts"

LEADS = frozenset({ANYONE, SELF, READ, QUESTIONS, PROPOSALS, REVIEW, CONTRIBUTE, CONTACTS})
MAY: Mapping[str, frozenset[str]] = {
    "nobody": frozenset({ANYONE}),
    "reader": frozenset({ANYONE, SELF, READ, QUESTIONS}),
    "association": frozenset({ANYONE, SELF, READ, QUESTIONS, CONTRIBUTE}),
    "academic": frozenset({ANYONE, SELF, READ, QUESTIONS, CONTRIBUTE}),
    "animator": LEADS,
    "stranger": LEADS,
    "head": frozenset({ANYONE, SELF, READ, QUESTIONS, PROPOSALS}),
    "admin": LEADS | {ADMINISTER},
    "reading key": frozenset({ANYONE, READ}),
    "dead key": frozenset({ANYONE}),
}
"""What each actor may do in the sociopôle HERE; the stranger may so elsewhere only."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One route: what it needs, and a request that succeeds for who may."""

    method: str
    path: str
    needs: str
    body: Mapping[str, Any] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    upload: Mapping[str, str] | None = None
    is_endless: bool = False
    """A stream that ends when the job does: only who is refused is tried."""
    may_be_absent: bool = False
    """What it names is one's own, or a setting, and there may be none: 404 says no more."""

    @property
    def url(self) -> str:
        """The path with its places filled in."""
        places = {"slug": HERE, "public_id": "secret", "number": "1", "later": "1"}
        places |= {"provider": "maison"}
        return self.path.format(**places | dict(self.parameters))

    @property
    def files(self) -> dict[str, tuple[str, bytes]] | None:
        """What is uploaded: a small sheet under each name."""
        if self.upload is None:
            return None
        sheet = "id;texte\nX1;vélo garage école\n".encode()
        return {field: (name, sheet) for field, name in self.upload.items()}

    @property
    def is_in_sociopole(self) -> bool:
        """Whether the path names a sociopôle."""
        return "{slug}" in self.path


V1, S = "/api/v1", "/api/v1/sociopoles/{slug}"
API = (
    Operation("POST", f"{V1}/session", ANYONE, {"email": "x@exemple.fr", "password": "non"}),
    Operation("POST", f"{V1}/session/codes", ANYONE, {"email": "x@exemple.fr"}),
    Operation("POST", f"{V1}/session/code", ANYONE, {"code": "000000"}),
    Operation("DELETE", f"{V1}/session", ANYONE),
    Operation("GET", f"{V1}/me", SELF),
    Operation("GET", f"{V1}/me/scopes", SELF),
    Operation("PUT", f"{V1}/me/password", SELF, {"new": "quatre mots pas devinables"}),
    Operation("DELETE", f"{V1}/me/sessions", SELF),
    Operation("POST", f"{V1}/me/tokens", SELF, {"name": "clé", "scopes": ["read"]}),
    Operation("DELETE", f"{V1}/me/tokens/{{number}}", SELF, parameters={"number": "9999"}),
    Operation("DELETE", f"{V1}/me/identities/{{provider}}", SELF),
    Operation("GET", f"{V1}/me/queries", QUESTIONS),
    Operation("POST", f"{V1}/me/queries", QUESTIONS, {"text": "garage à vélos"}),
    Operation("GET", f"{V1}/me/queries/{{number}}", QUESTIONS, may_be_absent=True),
    Operation("PATCH", f"{V1}/me/queries/{{number}}", QUESTIONS, {"seen": True}),
    Operation("DELETE", f"{V1}/me/queries/{{number}}", QUESTIONS),
    Operation("GET", f"{V1}/sociopoles", READ),
    Operation(
        "POST",
        f"{V1}/sociopoles",
        ADMINISTER,
        {"slug": "nouveau", "name": "Nouveau", "territory": "departement:54"},
    ),
    Operation("GET", S, READ),
    Operation("GET", f"{S}/organisations", READ),
    Operation("GET", f"{S}/contacts", CONTACTS),
    Operation("GET", f"{S}/relations", REVIEW),
    Operation(
        "POST",
        f"{S}/relations",
        REVIEW,
        {"left": f"problem {HERE} 01", "right": f"problem {HERE} 11"},
    ),
    Operation("GET", f"{V1}/public/sociopoles", ANYONE),
    Operation("GET", f"{V1}/public/sociopoles/{{slug}}/statements", ANYONE),
    Operation("GET", f"{V1}/public/search?q=garage", ANYONE),
    Operation("GET", f"{S}/statements", READ),
    Operation(
        "POST",
        f"{S}/statements",
        CONTRIBUTE,
        {"kind": "problem", "organisation": "Asso membre", "text": "un nouveau garage à vélos"},
    ),
    Operation("GET", f"{S}/statements/{{public_id}}", READ, parameters={"public_id": "publié"}),
    Operation(
        "PATCH",
        f"{S}/statements/{{public_id}}",
        CONTRIBUTE,
        {"title": "Autre titre"},
        {"public_id": "mien"},
    ),
    Operation(
        "DELETE", f"{S}/statements/{{public_id}}", CONTRIBUTE, parameters={"public_id": "mien"}
    ),
    Operation(
        "POST",
        f"{S}/statements/{{public_id}}/restore",
        CONTRIBUTE,
        parameters={"public_id": "mien"},
    ),
    Operation("GET", f"{V1}/search?q=garage", READ),
    Operation("GET", f"{S}/runs/latest", PROPOSALS),
    Operation("GET", f"{S}/pairings?state=undecided", PROPOSALS),
    Operation("GET", f"{S}/decisions", PROPOSALS),
    Operation(
        "POST", f"{S}/decisions", REVIEW, {"action": "accept", "filter": {"state": "undecided"}}
    ),
    Operation(
        "POST",
        f"{S}/pairings/{{pairing}}/decisions",
        REVIEW,
        {"action": "accept"},
        {"pairing": "1-2"},
    ),
    Operation("POST", f"{S}/decisions/{{number}}/undo", REVIEW, {}),
    Operation("POST", f"{S}/decisions/imports", REVIEW, upload={"file": "feuille.csv"}),
    Operation("GET", f"{S}/weights", PROPOSALS),
    Operation("POST", f"{S}/weights", REVIEW, {"action": "reset"}),
    Operation("GET", f"{S}/imports", REVIEW),
    Operation(
        "POST", f"{S}/imports", REVIEW, form={"kind": "problem"}, upload={"file": "feuille.csv"}
    ),
    Operation("GET", f"{S}/imports/{{number}}/errors.csv", REVIEW),
    Operation("GET", f"{S}/jobs", REVIEW),
    Operation("POST", f"{S}/jobs/runs", REVIEW, {}),
    Operation("POST", f"{S}/jobs/groupings", REVIEW, {}),
    Operation("GET", f"{S}/jobs/{{number}}", REVIEW),
    Operation("GET", f"{S}/jobs/{{number}}/events", REVIEW, is_endless=True),
    Operation("POST", f"{S}/jobs/{{number}}/cancel", REVIEW, {}),
    Operation("POST", f"{S}/jobs/{{number}}/retry", REVIEW, {}),
    *(
        Operation("GET", f"{S}/exports/{what}.{{format_}}", needs, parameters={"format_": "csv"})
        for what, needs in (
            ("statements", READ),
            ("pairings", PROPOSALS),
            ("groups", PROPOSALS),
            ("decisions", PROPOSALS),
        )
    ),
    Operation("GET", f"{V1}/public/sociopoles/{{slug}}.jsonld", ANYONE),
    Operation("GET", f"{S}/introduced", READ),
    Operation("POST", f"{S}/runs", REVIEW, {}),
    Operation("GET", f"{S}/groupings/latest", PROPOSALS),
    Operation("GET", f"{S}/groupings/{{number}}", PROPOSALS),
    Operation("GET", f"{S}/groupings/{{number}}/changes/{{later}}", PROPOSALS),
    Operation("POST", f"{S}/groupings", REVIEW, {"groups": 2}),
    Operation("GET", f"{S}/groupings/latest/edits", PROPOSALS),
    Operation(
        "POST",
        f"{S}/groupings/latest/edits",
        REVIEW,
        {"action": "rename", "groups": ["G1"], "title": "Un titre"},
    ),
    Operation("POST", f"{S}/groupings/latest/edits/undo", REVIEW, {}),
    Operation("POST", f"{S}/workshops", REVIEW, {"groups": ["G1"]}),
    Operation("GET", f"{V1}/accounts", ADMINISTER),
    Operation("POST", f"{V1}/accounts", ADMINISTER, {"email": "n@exemple.fr", "name": "N"}),
    Operation("GET", f"{V1}/accounts/{{number}}", ADMINISTER),
    Operation("PATCH", f"{V1}/accounts/{{number}}", ADMINISTER, {"name": "Autre nom"}),
    Operation("GET", f"{V1}/audit", ADMINISTER),
    Operation("GET", f"{V1}/health", ANYONE),
)
PAGES = (
    Operation("GET", "/", READ),
    Operation("GET", "/sociopoles/{slug}", READ),
    Operation("POST", "/sociopoles/{slug}/rapprochements", REVIEW, form={}),
    Operation("GET", "/recherche?q=garage", READ),
    Operation("GET", "/connexion", ANYONE),
    Operation("POST", "/connexion", ANYONE, form={"email": "x@exemple.fr", "password": "non"}),
    Operation("POST", "/connexion/code", ANYONE, form={"email": "x@exemple.fr"}),
    Operation("POST", "/connexion/code/saisie", ANYONE, form={"code": "000000"}),
    Operation("POST", "/connexion/demo", ANYONE, form={"email": "admin@demo.invalid"}),
    Operation("POST", "/deconnexion", ANYONE, form={}),
    Operation("GET", "/connexion/fournisseur/{provider}", ANYONE, may_be_absent=True),
    Operation("GET", "/connexion/retour/{provider}", ANYONE, may_be_absent=True),
    Operation("GET", "/compte/relier/{provider}", SELF, may_be_absent=True),
    Operation("POST", "/compte/delier/{provider}", SELF, form={}),
    Operation("GET", "/alertes/arret/{secret}", ANYONE, parameters={"secret": "x"}),
    Operation("POST", "/alertes/arret/{secret}", ANYONE, parameters={"secret": "x"}, form={}),
    Operation("GET", f"{V1}/docs", ANYONE),
)
PROBES = (
    Operation("GET", "/healthz", ANYONE),
    Operation("GET", "/readyz", ANYONE),
    Operation("GET", "/metrics", MACHINES),
)
OPERATIONS = (*API, *PAGES, *PROBES)
