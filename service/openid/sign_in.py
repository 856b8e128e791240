"""The dance with a provider: send the browser there, and read what it brings back."""

import hmac
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from service.fetching import TIMEOUT_SECONDS
from service.openid.provider import Provider
from service.openid.tokens import read_id_token, read_userinfo
from service.settings import Settings

LOGGER = logging.getLogger(__name__)
SECRET_BYTES = 32  # 43 characters; ProConnect asks for 32 at least
LONGEST_SUBJECT, LONGEST_EMAIL, LONGEST_NAME = 255, 320, 200


@dataclass(frozen=True, slots=True)
class Dance:
    """What this browser was sent with; it must come back to the same browser, and only once.

    `account` is the number of who is signed in already and asks for an identity to be tied;
    `then` is the page to go to afterwards.
    """

    provider: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(default="", repr=False)
    account: int | None = None
    then: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a provider says this person is; `id_token` is what signing out there asks for."""

    issuer: str
    subject: str
    email: str
    email_verified: bool
    name: str
    id_token: str = field(repr=False)


def open_providers(settings: Settings, timeout: float = TIMEOUT_SECONDS) -> Mapping[str, Provider]:
    """The providers of the settings by name, in their order; nothing is asked of them yet."""
    return {
        chosen.name: Provider(chosen, settings.trusted_hosts, timeout=timeout)
        for chosen in settings.oidc
    }


def start_sign_in(
    provider: Provider, redirect_uri: str, *, account: int | None = None, then: str = ""
) -> tuple[str, Dance]:
    """Where to send the browser, and what to keep for its return. Raises Refused."""
    dance = Dance(
        provider.chosen.name,
        state=secrets.token_urlsafe(SECRET_BYTES),
        nonce=secrets.token_urlsafe(SECRET_BYTES),
        code_verifier=secrets.token_urlsafe(SECRET_BYTES) if provider.profile.uses_pkce else "",
        account=account,
        then=then,
    )
    proof = {"code_verifier": dance.code_verifier} if dance.code_verifier else {}
    url = provider.authorization_url(
        redirect_uri=redirect_uri, state=dance.state, nonce=dance.nonce, **proof
    )
    return url, dance


def finish_sign_in(
    provider: Provider, dance: Dance, params: Mapping[str, str], redirect_uri: str
) -> Identity:
    """Who the browser that came back is; `params` are those of its address. Raises Refused."""
    code = _check_return(provider, dance, params)
    tokens = provider.change_code(code, redirect_uri, dance.code_verifier)
    claims = read_id_token(provider, tokens, dance.nonce)
    subject = claims["sub"]
    if not subject or _text(subject, LONGEST_SUBJECT) != subject:
        raise provider.refusal("il ne dit pas qui vous êtes")
    more = read_userinfo(provider, tokens.access_token, subject)
    # An address and whether it was verified are said in the same place.
    about_email = more if "email" in more else claims
    email = _text(about_email.get("email"), LONGEST_EMAIL)
    return Identity(
        issuer=provider.chosen.issuer,
        subject=subject,
        email=email,
        email_verified=bool(email) and _is_verified(provider, about_email),
        name=_name(claims | more),
        id_token=tokens.id_token,
    )


def sign_out_url(provider: Provider, id_token: str, return_to: str) -> tuple[str, str]:
    """Where to send the browser to sign out there too, and the state it brings back.

    Both are empty where the provider has no such address. Raises Refused.
    """
    address = provider.metadata().end_session_endpoint
    if not address:
        return "", ""
    state = secrets.token_urlsafe(SECRET_BYTES)
    asked = {
        "id_token_hint": id_token,
        "state": state,
        "post_logout_redirect_uri": return_to,
    }
    return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}", state


def _check_return(provider: Provider, dance: Dance, params: Mapping[str, str]) -> str:
    """The code that the browser brings."""
    came = dance.provider == provider.chosen.name
    if not came or not _same(params.get("state", ""), dance.state):
        raise provider.refusal("ce retour n'est pas celui de votre demande")
    issuer = params.get("iss", "")
    expected = issuer or provider.metadata().authorization_response_iss_parameter_supported
    if expected and not _same(issuer, provider.chosen.issuer):
        raise provider.refusal("sa réponse vient d'un autre fournisseur")
    if params.get("error") == "access_denied":
        raise provider.refusal("vous ou le fournisseur y avez renoncé")
    if "error" in params or not params.get("code"):
        LOGGER.warning("%s answered an error: %.60r", provider.chosen.name, params.get("error"))
        raise provider.refusal("il a répondu par une erreur")
    return params["code"]


def _same(one: str, other: str) -> bool:
    """Compared in a time that tells nothing."""
    return hmac.compare_digest(one.encode(errors="replace"), other.encode())


def _is_verified(provider: Provider, told: Mapping[str, Any]) -> bool:
    said = told.get("email_verified")
    if said is None:
        return provider.profile.vouches_for_email
    return said is True or said == "true"  # some write it as a text


def _name(told: Mapping[str, Any]) -> str:
    family = told.get("family_name") or told.get("usual_name")
    parts = (_text(part, LONGEST_NAME) for part in (told.get("given_name"), family))
    return _text(told.get("name"), LONGEST_NAME) or " ".join(filter(None, parts))[:LONGEST_NAME]


def _text(value: object, longest: int) -> str:
    """A value as one line of text; empty where it is none, or too long to be one."""
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return text if text.isprintable() and len(text) <= longest else ""
