"""The service against its own document: what it announces is what it does, for every role."""

import json
from collections.abc import Iterable, Mapping, Set
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events
from schemathesis.engine.recorder import ScenarioRecorder

from service.database import write
from service.resources import Resources
from service.tables import Account
from service.visits import COOKIE
from service.workflows.sign_in import open_session
from tests.access.operations import API, MAY, Operation
from tests.access.world import EVERYONE, HERE, open_app
from tests.faults.conftest import rounds
from tests.service.people import FROM_HERE, Someone, add_person

DOCUMENT = "/api/v1/openapi.json"
ROLES = ("nobody", "reader", "association", "academic", "animator", "head", "admin")
PHASES = ("examples", "coverage", "fuzzing", "stateful")
SEED = 20_240_229
EXAMPLES = 4
UNEXPECTED = ["get", "put", "post", "delete", "options", "patch", "trace"]
"""Tried once, as the administration: a path answers to them alike whoever asks."""
WRITING = ("post", "put", "patch")

UNTRIED: Mapping[str, str] = {
    "positive_data_acceptance": "what a sentence asks for is more than a schema can say: "
    "a decision that gives a reason which does not go with it is rightly refused",
}
"""Checks that are not made, and why."""
WORDS_FOR_NUMBERS = ("unsupported_method", "allow_header_conformance")
UNTRIED_AT: Mapping[str, tuple[str, ...]] = {
    # GET …/jobs/{number} takes these words for the number of a job, and refuses them as such.
    "POST /api/v1/sociopoles/{slug}/jobs/runs": WORDS_FOR_NUMBERS,
    "POST /api/v1/sociopoles/{slug}/jobs/groupings": WORDS_FOR_NUMBERS,
    # GET …/{number} does the same, beside what reads the latest.
    "GET /api/v1/sociopoles/{slug}/groupings/latest": WORDS_FOR_NUMBERS,
}


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_the_service_does_what_its_document_says(mine: Resources, role: str) -> None:
    asked = labels(operation for operation in API if operation.needs in MAY[role])
    config = configure(but=labels(API) - asked)
    schema = schemathesis.openapi.from_asgi(DOCUMENT, open_app(mine), config=config)
    if (someone := EVERYONE[role].someone) is not None:
        enter_each_time(schema, mine, someone)

    faults: list[str] = []
    succeeded: set[str] = set()
    for event in engine.from_schema(schema).execute():
        if isinstance(event, events.NonFatalError):
            faults.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, events.FatalError):
            faults.append(repr(event.exception))
        elif isinstance(event, events.ScenarioFinished):
            faults += faults_in(event.recorder)
            succeeded |= done_in(event.recorder)

    assert not faults, "\n\n".join(dict.fromkeys(faults))
    # Were everything refused, nothing would have been tried.
    assert len(succeeded) >= len(asked) // 2, asked - succeeded


def test_every_request_that_writes_shows_an_example(app: FastAPI) -> None:
    document = app.openapi()

    silent = [
        f"{method} {path}"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in WRITING and "requestBody" in operation
        for content in operation["requestBody"]["content"].values()
        if not has_example(document, content["schema"])
    ]

    assert silent == []


def test_the_examples_are_accepted_by_their_own_schema(app: FastAPI) -> None:
    """Each is what a person would first send: it must at least be well formed."""
    components = app.openapi()["components"]["schemas"]

    unknown = {
        name: sorted(set(shown) - set(schema["properties"]))
        for name, schema in components.items()
        for shown in schema.get("examples", [])
        if not set(shown) <= set(schema["properties"])
        or not set(schema.get("required", [])) <= set(shown)
    }

    assert unknown == {}


def test_every_answer_that_holds_something_says_what(app: FastAPI) -> None:
    silent = [
        f"{method} {path} {status}"
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
        for status, answer in operation["responses"].items()
        if status != "204"
        and not all(c.get("schema") for c in answer.get("content", {"": {}}).values())
    ]

    assert silent == []


def test_every_operation_that_needs_a_person_says_how_to_sign_in(app: FastAPI) -> None:
    paths = app.openapi()["paths"]

    open_to_all = {
        (method.upper(), path)
        for path, operations in paths.items()
        for method, operation in operations.items()
        if not operation.get("security")
    }

    assert open_to_all == {
        (o.method, o.path.partition("?")[0]) for o in API if o.needs in MAY["nobody"]
    }


def configure(*, but: Set[str]) -> SchemathesisConfig:
    """All but some operations, tried from one seed, the same at each run."""
    left_out = [{"include-name": label, "enabled": False} for label in sorted(but)]
    in_part = [
        {"include-name": label, "checks": {check: {"enabled": False} for check in checks}}
        for label, checks in UNTRIED_AT.items()
        if label not in but
    ]
    return SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "continue-on-failure": True,
            "headers": FROM_HERE,
            "parameters": {"path.slug": HERE},
            "max-stream-events": 1,
            "generation": {
                "deterministic": True,
                "database": "none",
                "no-shrink": True,
                "max-examples": rounds(EXAMPLES, at_most=50),
                "with-security-parameters": False,
            },
            "phases": {phase: {"enabled": True} for phase in PHASES}
            | {"coverage": {"unexpected-methods": UNEXPECTED if not but else []}},
            "checks": {name: {"enabled": False} for name in UNTRIED},
            "operations": [*left_out, *in_part],
        }
    )


def enter_each_time(schema: Any, resources: Resources, someone: Someone) -> None:
    """Sign in before each request: the one before may have closed every session."""

    @schema.auth(refresh_interval=None)
    class FreshSession:
        def get(self, _case: object, _context: object) -> str:
            number = add_person(resources, someone)
            with write(resources.engine) as session:
                # So may it have taken one's own rights away.
                account = session.get_one(Account, number)
                account.is_active, account.is_admin = True, someone.is_admin
                return open_session(session, number, "127.0.0.0")

        def set(self, case: Any, secret: str, _context: object) -> None:
            case.cookies[COOKIE] = secret


def labels(operations: Iterable[Operation]) -> set[str]:
    """As schemathesis names them."""
    return {f"{o.method} {o.path.partition('?')[0]}" for o in operations}


def faults_in(recorder: ScenarioRecorder) -> list[str]:
    """What the document says otherwise, with a command that shows it."""
    return [
        f"{recorder.label}: {check.name}: {check.failure_info.failure.message}\n"
        f"{check.failure_info.code_sample}"
        for checks in recorder.checks.values()
        for check in checks
        if check.failure_info is not None
    ]


def done_in(recorder: ScenarioRecorder) -> set[str]:
    """The operations that did what was asked at least once."""
    return {
        recorder.cases[case].value.operation.label
        for case, interaction in recorder.interactions.items()
        if interaction.response is not None and interaction.response.status_code < 300
    }


def has_example(document: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    """Whether a body has an example, as a whole or, for a form with a file, of what is needed."""
    reference = schema.get("$ref", "").rpartition("/")[2]
    whole = document["components"]["schemas"][reference] if reference else schema
    parts = [whole["properties"][name] for name in whole.get("required", [])]
    return bool(whole.get("examples")) or all(
        "examples" in part or "contentMediaType" in json.dumps(part) for part in parts
    )
