"""Providers in the settings, and how long what they publish is kept."""

import json
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError

from service.errors import Refused
from service.openid.provider import KEPT_SECONDS, Provider
from service.openid.sign_in import open_providers, sign_out_url, start_sign_in
from service.settings import OpenIDProvider, Settings
from tests.openid.conftest import ROOT, Behave

PROVIDER = {"name": "maison", "issuer": "https://connexion.exemple.fr/realms/s", "client_id": "s"}
SECRET = "ne-doit-pas-se-voir"  # noqa: S105


def test_providers_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    orcid = {"profile": "orcid", "name": "orcid", "label": "ORCID", "issuer": "https://orcid.org"}
    chosen = [PROVIDER, orcid | {"client_id": "APP-1", "client_secret": SECRET}]
    monkeypatch.setenv("SOCIOPOLES_OIDC", json.dumps(chosen))

    settings = Settings()
    providers = open_providers(settings)

    assert {name: provider.label for name, provider in providers.items()} == {
        "maison": "maison",
        "orcid": "ORCID",
    }
    assert providers["orcid"].profile.scopes == "openid"
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    "issuer",
    [
        "http://connexion.exemple.fr",
        "http://127.0.0.1.exemple.fr",
        "ftp://127.0.0.1",
        "connexion.exemple.fr",
        "https://",
        "https://moi:secret@connexion.exemple.fr",
        "https://connexion.exemple.fr?x=1",
        "https://connexion.exemple.fr#x",
        "https://connexion.exemple.fr:99999",
        "https://[connexion.exemple.fr",
    ],
)
def test_an_issuer_is_a_plain_https_address(issuer: str) -> None:
    with pytest.raises(ValidationError, match="issuer"):
        OpenIDProvider(**PROVIDER | {"issuer": issuer})


@pytest.mark.parametrize(
    "chosen",
    [
        [PROVIDER, PROVIDER],
        [PROVIDER | {"profile": "franceconnect"}],
        [PROVIDER | {"secret": SECRET}],
        [PROVIDER | {"name": "Ma Maison"}],
        [PROVIDER | {"client_id": ""}],
        [{"name": "maison", "client_secret": SECRET}],
    ],
)
def test_what_is_wrong_is_refused_without_showing_a_secret(chosen: list[dict[str, Any]]) -> None:
    with pytest.raises(ValidationError) as refusal:
        Settings(oidc=[provider | {"client_secret": SECRET} for provider in chosen])

    assert SECRET not in str(refusal.value)


def test_what_is_no_json_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIOPOLES_OIDC", f"[{SECRET}")

    with pytest.raises(SettingsError) as refusal:
        Settings()

    assert SECRET not in str(refusal.value)


def test_private_hosts_are_read() -> None:
    written = " 127.0.0.1:9000, Keycloak.interne ,[::1]:8443,, "

    assert Settings(private_hosts=written).trusted_hosts == {
        "127.0.0.1:9000",
        "keycloak.interne:443",
        "::1:8443",
    }


@pytest.mark.parametrize("written", ["127.0.0.1:99999", "127.0.0.1:x", "[::1", "://"])
def test_private_hosts_that_are_none_are_refused(written: str) -> None:
    with pytest.raises(ValidationError):
        Settings(private_hosts=written)


def test_the_example_of_the_readme_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    example = readme.partition("SOCIOPOLES_OIDC='")[2].partition("'")[0]
    monkeypatch.setenv("SOCIOPOLES_OIDC", example)

    profiles = {provider.name: provider.profile for provider in Settings().oidc}

    assert profiles == {"proconnect": "proconnect", "orcid": "orcid", "universite": "generic"}


def local(issuer: str, trusted: str, **more: Any) -> Provider:
    chosen = OpenIDProvider(name="maison", issuer=issuer, client_id="sociopoles")
    return Provider(chosen, frozenset({trusted}), **more)


def test_a_provider_on_this_machine_must_be_trusted(issuer: str, behave: Behave) -> None:
    behave()

    with pytest.raises(Refused, match="réseau interne"):
        start_sign_in(local(issuer, "127.0.0.1:1"), "http://127.0.0.1/finish")

    assert behave() == []


def test_what_is_published_is_read_again_after_an_hour(issuer: str, behave: Behave) -> None:
    at = [1000.0]
    provider = local(issuer, issuer.removeprefix("http://"), clock=lambda: at[0])
    behave()
    for later in (0.0, KEPT_SECONDS - 1, 1.0, 1.0):
        at[0] += later
        provider.metadata()
        provider.keys()

    asked = behave()

    assert asked.count("/.well-known/openid-configuration") == 2
    assert asked.count("/jwks") == 2


def test_a_failure_is_not_kept(issuer: str, behave: Behave) -> None:
    provider = local(issuer, issuer.removeprefix("http://"))
    behave("discovery-nonsense")
    with pytest.raises(Refused):
        provider.metadata()
    behave()

    assert provider.metadata().issuer == issuer


def test_a_provider_without_such_an_address_is_not_asked_to_sign_out(
    issuer: str, behave: Behave
) -> None:
    provider = local(issuer, issuer.removeprefix("http://"))
    behave("no-sign-out")

    assert sign_out_url(provider, "jeton", "https://exemple.fr/bye") == ("", "")
