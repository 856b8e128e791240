"""Failpoints strike where a test asks, and never elsewhere."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from service.failpoints import FailpointError, arm, failpoint

TESTING = {"SOCIOPOLES_TESTING": "1"}
TWO_PASSES = """
from service.failpoints import failpoint
failpoint("ici"); print("une", flush=True); failpoint("ici"); print("deux", flush=True)
"""


@pytest.fixture(autouse=True)
def _disarm() -> Iterator[None]:
    yield
    arm({})


def pass_twice(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", TWO_PASSES],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_failpoint_kills_the_process_at_the_pass_asked_for() -> None:
    first = pass_twice(SOCIOPOLES_FAILPOINT="ici:kill", **TESTING)
    second = pass_twice(SOCIOPOLES_FAILPOINT="ici:kill:2", **TESTING)
    assert (first.returncode, first.stdout) == (-signal.SIGKILL, "")
    assert (second.returncode, second.stdout) == (-signal.SIGKILL, "une\n")


@pytest.mark.parametrize("testing", [{}, {"SOCIOPOLES_TESTING": "0"}, {"SOCIOPOLES_TESTING": ""}])
def test_a_service_in_use_has_no_failpoint(testing: dict[str, str]) -> None:
    done = pass_twice(SOCIOPOLES_FAILPOINT="ici:kill", **testing)
    assert (done.returncode, done.stdout) == (0, "une\ndeux\n")


def test_a_failpoint_raises_once_and_lets_the_next_pass() -> None:
    arm(TESTING | {"SOCIOPOLES_FAILPOINT": "ici:raise:2"})
    failpoint("ici")
    failpoint("ailleurs")
    with pytest.raises(FailpointError, match="ici"):
        failpoint("ici")
    failpoint("ici")


@pytest.mark.parametrize("wanted", ["ici", "ici:explode", ":kill", "ici:kill:0", "ici:kill:x"])
def test_a_failpoint_that_cannot_be_read_is_not_passed_over(wanted: str) -> None:
    with pytest.raises(ValueError, match="name:kill"):
        arm(TESTING | {"SOCIOPOLES_FAILPOINT": wanted})
