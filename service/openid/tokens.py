"""What a provider signed: read only where the signature is its own and meant for this sign-in."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    ClaimError,
    ExpiredTokenError,
    InvalidKeyIdError,
    JoseError,
    MissingKeyError,
    UnsupportedAlgorithmError,
)
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from service.openid.provider import UNREADABLE, Provider, Tokens

LOGGER = logging.getLogger(__name__)
ALGORITHMS = ("RS256", "ES256")
CLOCK_SECONDS = 30
"""Two machines do not agree on the second."""
WRONG_CLAIMS = {
    "iss": "sa réponse vient d'un autre fournisseur",
    "aud": "sa réponse est destinée à un autre service",
    "azp": "sa réponse est destinée à un autre service",
    "nonce": "sa réponse ne répond pas à cette demande",
    "at_hash": "sa réponse mêle deux connexions",
}
FAULTS: tuple[tuple[type[Exception], str], ...] = (
    (ExpiredTokenError, "sa réponse est périmée (vérifiez l'heure de cette machine)"),
    (BadSignatureError, "sa signature est fausse"),
    (UnsupportedAlgorithmError, "sa signature n'est pas d'une sorte acceptée (RS256, ES256)"),
    (InvalidKeyIdError, "il signe avec une clé qu'il ne publie pas"),
    (MissingKeyError, "il ne publie pas de clé"),
)


def read_id_token(provider: Provider, tokens: Tokens, nonce: str) -> dict[str, Any]:
    """Who signed in. Raises Refused."""
    with _faults_in_words(provider):
        token = _decode(provider, tokens.id_token)
        claims = CodeIDToken(
            token.claims,
            token.header,
            _meant_for(provider),
            {
                "nonce": nonce,
                "client_id": provider.chosen.client_id,
                "access_token": tokens.access_token,
            },
        )
        claims.validate(leeway=CLOCK_SECONDS)
        return dict(claims)


def read_userinfo(provider: Provider, access_token: str, subject: str) -> dict[str, Any]:
    """What the provider tells of this person, signed where its profile says so. Raises Refused."""
    if not provider.metadata().userinfo_endpoint:
        return {}
    response = provider.userinfo(access_token)
    claims: Any
    with _faults_in_words(provider):
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/jwt":
            claims = _decode(provider, response.text.strip()).claims
            JWTClaimsRegistry(None, CLOCK_SECONDS, **_meant_for(provider)).validate(claims)
        elif provider.profile.signs_userinfo:
            raise provider.refusal("il n'a pas signé ce qu'il dit de vous")
        else:
            claims = response.json()
    if not isinstance(claims, dict) or claims.get("sub") != subject:
        raise provider.refusal("ce qu'il dit de vous concerne quelqu'un d'autre")
    return claims


def _decode(provider: Provider, text: str) -> jwt.Token:
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    try:
        return jwt.decode(text, provider.keys(), registry=registry)
    except InvalidKeyIdError:
        # It may have changed its keys since they were read: once.
        return jwt.decode(text, provider.keys(renewed=True), registry=registry)


def _meant_for(provider: Provider) -> dict[str, jwt.ClaimsOption]:
    return {
        "iss": {"essential": True, "value": provider.chosen.issuer},
        "aud": {"essential": True, "value": provider.chosen.client_id},
    }


@contextmanager
def _faults_in_words(provider: Provider) -> Iterator[None]:
    try:
        yield
    except (JoseError, *UNREADABLE) as error:
        claim = getattr(error, "claim", "") if isinstance(error, ClaimError) else ""
        LOGGER.warning("%s refused: %s %s", provider.chosen.name, type(error).__name__, claim)
        known = next((words for kind, words in FAULTS if isinstance(error, kind)), "")
        words = known or WRONG_CLAIMS.get(claim, "sa réponse ne se lit pas")
        raise provider.refusal(words) from error
