"""What a browser keeps between leaving for a provider and coming back: sealed, ten minutes."""

import os
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry
from joserfc.jwk import OctKey
from joserfc.jwt import JWTClaimsRegistry

from service.errors import Refused
from service.openid.sign_in import Dance

LIFE_SECONDS = 600
KEY_FILE = "sealing.key"
KEY_BYTES = 32
SEALED = {"alg": "dir", "enc": "A256GCM"}
REGISTRY = JWERegistry(algorithms=list(SEALED.values()))
EXPIRED = "Cette connexion a commencé il y a trop longtemps, ou ailleurs : recommencez-la."


def open_key(folder: Path) -> OctKey:
    """The key of this installation, made at its first use and readable by its owner alone."""
    path = folder / KEY_FILE
    if not path.exists():
        _make_key(folder, path)
    secret = path.read_bytes()
    if len(secret) != KEY_BYTES:
        raise Refused(f"Le fichier {path} est abîmé : effacez-le, il sera refait.")
    return OctKey.import_key(secret)


def seal(key: OctKey, dance: Dance) -> str:
    """The value of the cookie."""
    expires = int(time.time()) + LIFE_SECONDS
    return jwt.encode(SEALED, {"exp": expires, "dance": asdict(dance)}, key, registry=REGISTRY)


def unseal(key: OctKey, sealed: str) -> Dance:
    """What was sealed. Raises Refused where it was not here, or more than ten minutes ago."""
    try:
        claims = jwt.decode(sealed, key, registry=REGISTRY).claims
        JWTClaimsRegistry(exp={"essential": True}).validate(claims)
        return Dance(**claims["dance"])
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise Refused(EXPIRED) from error


def _make_key(folder: Path, path: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # Written aside, then named: another process sees a whole key or none, and the first stays.
    handle, aside = tempfile.mkstemp(dir=folder, prefix=KEY_FILE)
    with os.fdopen(handle, "wb") as file:
        file.write(os.urandom(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(aside, path)
    Path(aside).unlink()
