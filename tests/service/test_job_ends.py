"""A job whose end the database does not take as it is ends all the same, and the next is done."""

from collections.abc import Mapping
from typing import Any

import pytest

from service.database import now
from service.errors import Refused
from service.resources import Resources
from tests.service.workers import ask, do_all, job, states

NOTHING: Mapping[str, Any] = {}


@pytest.mark.parametrize("result", [{"seen": {1, 2}}, {"seen": float("nan"), "when": now()}])
def test_a_result_that_cannot_be_stored_is_a_fault_and_the_next_job_is_done(
    resources: Resources, result: Mapping[str, Any]
) -> None:
    number, _ = ask(resources, "strange"), ask(resources, "note")
    do_all(resources, strange=lambda *_: result, note=lambda *_: NOTHING)

    assert states(resources) == ["failed", "done"]
    assert job(resources, number).result is None
    assert f"job retry {number}" in job(resources, number).error
    assert job(resources, number).attempts == 1


def test_a_refusal_that_the_database_does_not_take_ends_its_job_too(resources: Resources) -> None:
    """PostgreSQL holds no NUL, which a file may."""

    def refuse(*_: Any) -> Mapping[str, Any]:
        raise Refused("« a\x00b » n'est pas un territoire.")

    number, _ = ask(resources, "refuse"), ask(resources, "note")
    do_all(resources, refuse=refuse, note=lambda *_: NOTHING)

    assert states(resources) == ["failed", "done"]
    assert job(resources, number).error
