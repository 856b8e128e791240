"""A provider: what is particular to it, its published addresses and keys, how it is asked."""

import time
from collections.abc import Callable
from functools import cached_property
from typing import Generic, NamedTuple, TypeVar

import httpx2
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey
from pydantic import BaseModel, ConfigDict, ValidationError

from service.errors import Refused
from service.fetching import TIMEOUT_SECONDS, GuardedTransport, open_client
from service.settings import LOOPBACK, OpenIDProvider

KEPT_SECONDS = 3600.0
SMALLEST_RSA_BITS = 2048
UNREADABLE = (ValueError, TypeError, KeyError, RecursionError)
"""What reading an answer that makes no sense raises."""
DISCOVERY = "/.well-known/openid-configuration"

T = TypeVar("T")
Clock = Callable[[], float]


class Profile(NamedTuple):
    """What is particular to a kind of provider."""

    scopes: str
    uses_pkce: bool = True
    signs_userinfo: bool = False
    vouches_for_email: bool = False
    """Every address it gives was checked, though it does not say `email_verified`."""


PROFILES = {
    "generic": Profile("openid email profile"),
    # Any parameter beyond its own is an error (Y000400): no PKCE.
    "proconnect": Profile(
        "openid given_name usual_name email uid siret idp_id",
        uses_pkce=False,
        signs_userinfo=True,
        vouches_for_email=True,
    ),
    # Gives no address: an account is tied to it by someone who is already signed in.
    "orcid": Profile("openid", uses_pkce=False),
}


class Metadata(BaseModel):
    """What the provider publishes of itself."""

    model_config = ConfigDict(frozen=True)

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    authorization_response_iss_parameter_supported: bool = False
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]

    @property
    def addresses(self) -> list[str]:
        """Every address that it names."""
        named = (self.authorization_endpoint, self.token_endpoint, self.jwks_uri)
        return [*named, *filter(None, (self.userinfo_endpoint, self.end_session_endpoint))]


class Tokens(NamedTuple):
    """What a code was changed for."""

    id_token: str
    access_token: str


class Provider:
    """One provider of the settings; what it publishes is kept for an hour."""

    def __init__(
        self,
        chosen: OpenIDProvider,
        trusted: frozenset[str] = frozenset(),
        *,
        timeout: float = TIMEOUT_SECONDS,
        clock: Clock = time.monotonic,
    ) -> None:
        self.chosen = chosen
        self.profile = PROFILES[chosen.profile]
        self._timeout = timeout
        self._trusted = trusted
        self._metadata: _Kept[Metadata] = _Kept(self._fetch_metadata, clock)
        self._keys: _Kept[KeySet] = _Kept(self._fetch_keys, clock)

    @cached_property
    def _transport(self) -> GuardedTransport:
        return GuardedTransport(self._trusted)

    @property
    def label(self) -> str:
        """What the button says."""
        return self.chosen.label or self.chosen.name

    def metadata(self) -> Metadata:
        """What it publishes of itself. Raises Refused."""
        return self._metadata.get()

    def keys(self, *, renewed: bool = False) -> KeySet:
        """The public keys it signs with; `renewed` asks again. Raises Refused."""
        return self._keys.get(renewed=renewed)

    def authorization_url(self, **parameters: str) -> str:
        """Where a browser goes to sign in."""
        client = self._client(parameters.pop("redirect_uri"))
        address = self.metadata().authorization_endpoint
        url, _state = client.create_authorization_url(address, **parameters)
        return str(url)

    def change_code(self, code: str, redirect_uri: str, code_verifier: str) -> Tokens:
        """The tokens of a code, which is good once. Raises Refused."""
        address = self.metadata().token_endpoint
        with self._client(redirect_uri) as client:
            proof = {"code_verifier": code_verifier} if code_verifier else {}
            try:
                found = client.fetch_token(address, code=code, **proof)
            except (OAuthError, httpx2.HTTPStatusError, *UNREADABLE) as error:
                raise self.refusal("il n'a pas reconnu ce retour, ou il est trop tard") from error
        tokens = Tokens(found.get("id_token"), found.get("access_token"))
        if not all(token and isinstance(token, str) for token in tokens):
            raise self.refusal("sa réponse est incomplète")
        return tokens

    def userinfo(self, access_token: str) -> httpx2.Response:
        """What it tells of the person: JSON, or a signed token. Raises Refused."""
        headers = {"Authorization": f"Bearer {access_token}"}
        return self._get(self.metadata().userinfo_endpoint, headers)

    def refusal(self, why: str) -> Refused:
        """Why nobody is signed in, in French."""
        return Refused(
            f"La connexion par « {self.label} » n'a pas abouti : {why}. Recommencez ; si cela se "
            "répète, prévenez l'administrateur."
        )

    def _client(self, redirect_uri: str) -> OAuth2Client:
        return OAuth2Client(
            self.chosen.client_id,
            self.chosen.client_secret.get_secret_value() or None,
            token_endpoint_auth_method=self._auth_method(),
            scope=self.chosen.scopes or self.profile.scopes,
            redirect_uri=redirect_uri,
            code_challenge_method="S256" if self.profile.uses_pkce else None,
            leeway=0,  # a token that lives 60 s would be too old from the start
            transport=self._transport,
            timeout=self._timeout,
            trust_env=False,
        )

    def _auth_method(self) -> str:
        if not self.chosen.client_secret.get_secret_value():
            return "none"
        # In the body, every character of a secret arrives as it is.
        known = self.metadata().token_endpoint_auth_methods_supported
        in_body = "client_secret_post"
        return in_body if in_body in known else "client_secret_basic"

    def _get(self, url: str, headers: dict[str, str] | None = None) -> httpx2.Response:
        with open_client(self._transport, self._timeout) as client:
            response = client.get(url, headers=headers)
        if response.status_code != httpx2.codes.OK:
            raise self.refusal(f"il répond {response.status_code}")
        return response

    def _fetch_metadata(self) -> Metadata:
        response = self._get(self.chosen.issuer.rstrip("/") + DISCOVERY)
        try:
            found = Metadata.model_validate_json(response.content)
        except ValidationError as error:
            raise self.refusal("ce qu'il publie de lui-même ne se lit pas") from error
        if found.issuer != self.chosen.issuer:
            raise self.refusal("il se dit un autre que celui qui est réglé")
        if not all(self._is_safe(address) for address in found.addresses):
            raise self.refusal("il publie une adresse qui n'est pas en https")
        return found

    def _is_safe(self, address: str) -> bool:
        try:
            url = httpx2.URL(address)
        except httpx2.InvalidURL:
            return False
        local = self.chosen.issuer.startswith("http:") and url.host in LOOPBACK
        return bool(url.host) and (url.scheme == "https" or (url.scheme == "http" and local))

    def _fetch_keys(self) -> KeySet:
        response = self._get(self.metadata().jwks_uri)
        try:
            keys = KeySet.import_key_set(response.json())
        except (JoseError, *UNREADABLE) as error:
            raise self.refusal("ses clés ne se lisent pas") from error
        return KeySet([key for key in keys if _is_usable(key)])


class _Kept(Generic[T]):
    """A value that is asked for again when it is an hour old."""

    def __init__(self, fetch: Callable[[], T], clock: Clock) -> None:
        self._fetch, self._clock = fetch, clock
        self._value: tuple[float, T] | None = None

    def get(self, *, renewed: bool = False) -> T:
        kept = self._value
        if renewed or kept is None or self._clock() >= kept[0]:
            kept = (self._clock() + KEPT_SECONDS, self._fetch())
            self._value = kept
        return kept[1]


def _is_usable(key: object) -> bool:
    """Public keys alone: with a shared one, whoever reads it could sign."""
    if isinstance(key, RSAKey):
        return bool(key.public_key.key_size >= SMALLEST_RSA_BITS)
    return isinstance(key, ECKey)
