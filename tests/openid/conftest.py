"""The provider's process, and a browser on a small site that relies on it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.openid.site import KnownPeople, Place, create_site, serve, settings_for

ROOT = Path(__file__).parents[2]

Behave = Callable[..., list[str]]


@pytest.fixture(scope="session")
def issuer() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.openid.provider"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        yield process.stdout.readline().strip()
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture(scope="session")
def outside() -> Iterator[httpx2.Client]:
    """Requests that no browser makes."""
    with httpx2.Client(timeout=20) as client:
        yield client


@pytest.fixture
def behave(issuer: str, outside: httpx2.Client) -> Behave:
    """Say how the provider is from now on; answers what it was asked since the last time."""

    def set_behaviour(fault: str = "", **more: Any) -> list[str]:
        answer = outside.post(f"{issuer}/behave", json={"fault": fault, **more})
        assert answer.status_code == httpx2.codes.OK, answer.text
        return list(answer.json())

    set_behaviour()
    return set_behaviour


@pytest.fixture
def people() -> KnownPeople:
    return KnownPeople({1: "Awa.Diallo@exemple.fr", 2: "jeanne.morel@exemple.fr"})


@pytest.fixture
def profile(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the settings say of the provider beside its address; parametrized where it matters."""
    return dict(getattr(request, "param", {}))


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    with serve() as place:
        yield place


@pytest.fixture(scope="session")
def window(place: Place) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=place.address, timeout=20) as client:
        yield client


@pytest.fixture
def browser(
    place: Place,
    window: httpx2.Client,
    issuer: str,
    people: KnownPeople,
    profile: dict[str, Any],
    tmp_path: Path,
) -> httpx2.Client:
    """A browser with its cookies; relative addresses are those of a fresh site."""
    place.site = create_site(settings_for(tmp_path, issuer, **profile), people)
    window.cookies.clear()
    return window
