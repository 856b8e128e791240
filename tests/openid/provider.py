"""A real OpenID Connect provider for tests, in a process of its own, that can misbehave.

It consents at once. POST /behave says how the next dances go; see `Behaviour`.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import socket
import sys
import time
import warnings
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from pydantic import BaseModel

CLIENT, SECRET = "sociopoles", "un secret: à %/?"
KNOWN_PARAMETERS = {
    *("response_type", "client_id", "redirect_uri", "scope", "state", "nonce"),
    *("prompt", "claims", "acr_values", "login_hint"),
}
SHORTEST_SECRET = 32
CODE_SECONDS, TOKEN_SECONDS = 30, 60
HUGE = 3_000_000
SLOW_SECONDS = 5

app = FastAPI(openapi_url=None)


class Behaviour(BaseModel):
    """How the provider is: `fault` names one thing it does wrong."""

    fault: str = ""
    strict: bool = False
    """As ProConnect: an unknown parameter is an error, no PKCE."""
    signed: bool = False
    subject: str = "b7f3-17"
    claims: dict[str, Any] = {"email": "awa.diallo@exemple.fr", "email_verified": True}
    id_claims: dict[str, Any] = {}
    """What the id token says beside, or instead (None: leaves it out)."""
    key: str = "rsa"
    auth: list[str] = ["client_secret_basic", "client_secret_post"]
    says_issuer: bool = False
    ahead: int = 0
    """Seconds its clock is ahead."""


@dataclass
class State:
    """What the process knows."""

    issuer: str = ""
    behaviour: Behaviour = field(default_factory=Behaviour)
    keys: list[RSAKey | ECKey | OctKey] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)


STATE = State()
RSA = [RSAKey.generate_key(2048, {"kid": f"rsa-{n}", "use": "sig"}) for n in range(2)]
EC = ECKey.generate_key("P-256", {"kid": "ec-0", "use": "sig", "alg": "ES256"})
with warnings.catch_warnings(action="ignore"):
    WEAK = RSAKey.generate_key(1024, {"kid": "weak"})
SHARED = OctKey.import_key(b"partage" * 8, {"kid": "shared"})
# What a careless verifier takes for a shared secret: the public key as text.
PUBLIC_AS_SHARED = RSA[0].as_pem(private=False)
SIGNERS: dict[str, tuple[Any, str, str]] = {
    "rsa": (RSA[0], "rsa-0", "RS256"),
    "ec": (EC, "ec-0", "ES256"),
    "no-signature": (RSA[0], "rsa-0", "none"),
    "signed-by-public-key": (PUBLIC_AS_SHARED, "rsa-0", "HS256"),
    "shared-key": (SHARED, "shared", "HS256"),
    "new-key": (RSA[1], "rsa-1", "RS256"),
    "weak-key": (WEAK, "weak", "RS256"),
    "unpublished-key": (RSA[1], "rsa-1", "RS256"),
    "forged": (RSA[1], "rsa-0", "RS256"),
    "other-algorithm": (RSA[0], "rsa-0", "RS512"),
}
PUBLISHED_FROM_NOW: dict[str, RSAKey | OctKey] = {
    "new-key": RSA[1],
    "weak-key": WEAK,
    "shared-key": SHARED,
}


@app.middleware("http")
async def note(request: Request, call_next: Any) -> Response:
    STATE.asked.append(request.url.path)
    answer: Response = await call_next(request)
    return answer


@app.post("/behave")
def behave(wanted: Behaviour) -> list[str]:
    """Start anew; answers what was asked since the last time."""
    asked = STATE.asked[:-1]
    STATE.behaviour, STATE.asked = wanted, []
    STATE.keys = [RSA[0], EC]
    STATE.codes.clear()
    return asked


@app.get("/.well-known/openid-configuration")
def discovery() -> Response:
    fault, issuer = STATE.behaviour.fault, STATE.issuer
    if fault == "discovery-nonsense":
        return Response("<html>bonjour</html>", media_type="text/html")
    if fault == "discovery-elsewhere":
        return RedirectResponse("http://127.0.0.1:1/.well-known/openid-configuration")
    published = {
        "issuer": "http://127.0.0.1:9/" if fault == "discovery-other-issuer" else issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "end_session_endpoint": f"{issuer}/session/end",
        "token_endpoint_auth_methods_supported": STATE.behaviour.auth,
        "authorization_response_iss_parameter_supported": STATE.behaviour.says_issuer,
    }
    if fault == "discovery-script":
        published["authorization_endpoint"] = "javascript:alert(1)"
    if fault == "no-sign-out":
        del published["end_session_endpoint"]
    if fault == "discovery-no-address":
        published["userinfo_endpoint"] = "https://exemple.fr:x/"
    if fault == "discovery-clear":
        published["token_endpoint"] = "http://exemple.fr/token"  # noqa: S105
    if fault == "discovery-inside":
        published["token_endpoint"] = "https://169.254.169.254/token"  # noqa: S105
    return JSONResponse(published)


@app.get("/jwks")
def jwks() -> Response:
    if STATE.behaviour.fault == "keys-nonsense":
        return JSONResponse({"keys": ["?"]})
    published = [key.as_dict(private=key is SHARED) for key in STATE.keys]
    # Some key of a kind that nobody here knows: to be passed over.
    return JSONResponse({"keys": [{"kty": "AKP", "kid": "pq"}, *published]})


@app.get("/authorize")
def authorize(request: Request) -> Response:
    asked = dict(request.query_params)
    if STATE.behaviour.strict and not set(asked) <= KNOWN_PARAMETERS:
        return JSONResponse({"error": "Y000400"}, status_code=400)
    long_enough = min(len(asked["state"]), len(asked["nonce"])) >= SHORTEST_SECRET
    if asked["client_id"] != CLIENT or asked["response_type"] != "code" or not long_enough:
        return JSONResponse({"error": "invalid_request"}, status_code=400)
    answer = {"state": asked["state"], "code": secrets.token_urlsafe(16)}
    STATE.codes[answer["code"]] = asked | {"at": str(time.time())}
    if STATE.behaviour.says_issuer:
        answer["iss"] = STATE.issuer
    if STATE.behaviour.fault == "other-issuer-parameter":
        answer["iss"] = "https://autre.exemple.fr"
    if STATE.behaviour.fault == "declined":
        answer = {"state": asked["state"], "error": "access_denied"}
    if STATE.behaviour.fault == "broken":
        answer = {"state": asked["state"], "error": "server_error\r\nEND"}
    return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", status_code=302)


@app.post("/token")
async def token(request: Request) -> Response:
    form = {name: str(value) for name, value in (await request.form()).items()}
    if STATE.behaviour.fault == "slow":
        await asyncio.sleep(SLOW_SECONDS)
    if STATE.behaviour.fault == "huge":
        return StreamingResponse(iter([b" " * 10_000] * (HUGE // 10_000)))
    if STATE.behaviour.fault == "token-elsewhere":
        return RedirectResponse("http://127.0.0.1:1/token", status_code=307)
    if STATE.behaviour.fault == "token-nonsense":
        return Response("[1, 2]", media_type="application/json")
    asked = STATE.codes.pop(form.get("code", ""), None)
    if asked is None or not is_client(request, form) or not fits(asked, form):
        return JSONResponse({"error": "invalid_grant"}, status_code=400)
    access = secrets.token_urlsafe(24)
    STATE.tokens.add(access)
    return JSONResponse(
        {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "id_token": id_token(asked["nonce"], access),
        }
        if STATE.behaviour.fault != "no-id-token"
        else {"access_token": access, "token_type": "Bearer"}
    )


@app.get("/userinfo")
def userinfo(request: Request) -> Response:
    access = request.headers.get("authorization", "").removeprefix("Bearer ")
    if access not in STATE.tokens:
        return JSONResponse({"error": "invalid_token"}, status_code=401)
    fault, behaviour = STATE.behaviour.fault, STATE.behaviour
    told: dict[str, Any] = {
        "sub": "quelqu-un-d-autre" if fault == "other-subject" else behaviour.subject
    }
    told |= behaviour.claims
    if not behaviour.signed or fault == "unsigned-userinfo":
        return JSONResponse(told)
    told |= {"iss": STATE.issuer, "aud": CLIENT, "exp": int(time.time()) + TOKEN_SECONDS}
    if fault == "userinfo-other-audience":
        told["aud"] = "un-autre-service"
    if fault == "userinfo-without-audience":
        told["aud"] = None
    text = sign(told, *SIGNERS["forged" if fault == "userinfo-forged" else "rsa"])
    return Response(text, media_type="application/jwt; charset=utf-8")


def id_token(nonce: str, access: str) -> str:
    now, fault = int(time.time()) + STATE.behaviour.ahead, STATE.behaviour.fault
    half = hashlib.sha256(access.encode()).digest()[:16]
    claims: dict[str, Any] = {
        "iss": STATE.issuer,
        "sub": STATE.behaviour.subject,
        "aud": CLIENT,
        "iat": now,
        "exp": now + TOKEN_SECONDS,
        "nonce": nonce,
        "at_hash": encode(half),
    }
    claims |= STATE.behaviour.id_claims
    if fault == "expired":
        claims |= {"iat": now - 7200, "exp": now - 3600}
    if fault == "from-the-future":
        claims |= {"iat": now + 3600, "exp": now + 7200}
    if fault in PUBLISHED_FROM_NOW:
        STATE.keys = [PUBLISHED_FROM_NOW[fault]]
    text = sign(claims, *SIGNERS.get(fault, SIGNERS[STATE.behaviour.key]))
    return {"nonsense": "a.b.c", "cut": text[:-20]}.get(fault, text)


def sign(claims: dict[str, Any], key: Any, kid: str, alg: str) -> str:
    claims = {name: value for name, value in claims.items() if value is not None}
    if isinstance(key, bytes):  # the library will not sign with such a key
        head, body = (encode(json.dumps(part).encode()) for part in ({"alg": alg}, claims))
        mac = hmac.digest(key, f"{head}.{body}".encode(), "sha256")
        return f"{head}.{body}.{encode(mac)}"
    return jwt.encode({"alg": alg, "kid": kid}, claims, key, algorithms=[alg])


def encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def is_client(request: Request, form: dict[str, str]) -> bool:
    header = request.headers.get("authorization", "")
    if header.startswith("Basic ") and "client_secret_basic" in STATE.behaviour.auth:
        return base64.b64decode(header[6:]) == f"{CLIENT}:{SECRET}".encode("latin-1")
    in_body = "client_secret_post" in STATE.behaviour.auth
    return in_body and (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)


def fits(asked: dict[str, str], form: dict[str, str]) -> bool:
    if time.time() - float(asked["at"]) > CODE_SECONDS:
        return False
    challenge = asked.get("code_challenge")
    if challenge is not None:
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if encode(proof) != challenge:
            return False
    elif not STATE.behaviour.strict:
        return False
    return form.get("redirect_uri") == asked["redirect_uri"]


def main() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    STATE.issuer = f"http://127.0.0.1:{listening.getsockname()[1]}"
    behave(Behaviour())
    sys.stdout.write(f"{STATE.issuer}\n")
    sys.stdout.flush()
    config = uvicorn.Config(app, log_level="error", ws="none", lifespan="off")
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
