"""The real application at a real address, which relies on the provider of tests/openid."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from service.app import create_app
from service.resources import Resources, open_resources
from tests.access.entering.ada import EMAIL
from tests.access.entering.openid.door import behave_as
from tests.fakes import WordEncoder
from tests.openid.conftest import Behave, behave, issuer, outside, place, profile, window
from tests.openid.site import Place, settings_for

__all__ = ["behave", "issuer", "outside", "place", "profile", "window"]


@pytest.fixture
def resources(
    data: Path, issuer: str, place: Place, profile: dict[str, Any]
) -> Iterator[Resources]:
    settings = settings_for(data, issuer, **profile).model_copy(
        update={"public_url": place.address}
    )
    resources = open_resources(settings, WordEncoder())
    yield resources
    resources.engine.dispose()


@pytest.fixture
def browser(
    place: Place, window: httpx2.Client, resources: Resources, behave: Behave
) -> httpx2.Client:
    """A browser with its cookies, on a fresh site; the provider knows Ada."""
    place.site = create_app(resources)
    window.cookies.clear()
    behave_as(behave, EMAIL)
    return window
