"""The ledger of what people asked: a file beside the database, hashes only, never put back in time.

A backup that is restored knows nothing of yesterday's erasure; the ledger does. Each line is on the
disk before the database changes, and the database notes the lines it has followed.
"""

import datetime as dt
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from service.disk import sync_folder
from service.errors import Refused
from service.rgpd.identity import SECRET_BYTES, Keys, Salt

FILE, SECRET = "erasures.jsonl", "erasures.key"


class Asked(StrEnum):
    """What was asked; `allow` takes an objection back, `consent` a withdrawal."""

    ERASE = "erase"
    OBJECT = "object"
    ALLOW = "allow"
    WITHDRAW = "withdraw"
    CONSENT = "consent"


LEAVING = frozenset({Asked.ERASE, Asked.OBJECT})


@dataclass(frozen=True, slots=True)
class Line:
    """One request, as it is kept for ever."""

    id: str
    at: dt.datetime
    asked: Asked
    keys: Keys
    mask_texts: bool = False

    def as_json(self) -> dict[str, Any]:
        """The line with plain values."""
        return {
            "id": self.id,
            "at": self.at.isoformat(),
            "asked": str(self.asked),
            "mask_texts": self.mask_texts,
            "keys": self.keys.as_json(),
        }


@dataclass(frozen=True, slots=True)
class Ledger:
    """The file of a data folder, and the secret its hashes were made with."""

    folder: Path
    salt: Salt = field(repr=False)

    def add(self, line: Line) -> None:
        """Write a line at the end, on the disk when this returns."""
        sealed = line.as_json() | {"salt": _mark_of(self.salt)}
        content = json.dumps(sealed, ensure_ascii=False, sort_keys=True) + "\n"
        path = self.folder / FILE
        # A line cut by a crash must not swallow this one.
        if path.exists() and path.read_bytes()[-1:] not in {b"", b"\n"}:
            content = "\n" + content
        _append(path, content.encode())

    def lines(self) -> list[Line]:
        """All lines, in their order. Refused where they were made with another secret."""
        found = []
        for raw in _complete_lines(self.folder / FILE):
            if raw["salt"] != _mark_of(self.salt):
                raise Refused(
                    f"« {FILE} » a été écrit avec un autre secret que « {SECRET} » : remettez "
                    "celui qui l'accompagnait, sans quoi rien ne peut être rejoué."
                )
            found.append(_line(raw))
        return found

    def merge(self, other: Path) -> int:
        """Add the lines of another ledger file that are not here; returns how many."""
        known = {line.id for line in self.lines()}
        new = [raw for raw in _complete_lines(other) if raw["id"] not in known]
        for raw in new:
            if raw["salt"] != _mark_of(self.salt):
                raise Refused(f"« {other} » a été écrit avec un autre secret que « {SECRET} ».")
            self.add(_line(raw))
        return len(new)


def read_secret(folder: Path) -> bytes | None:
    """The secret of a data folder, None where there is none. Refused where it is damaged."""
    path = folder / SECRET
    if not path.exists():
        return None
    secret = path.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise Refused(f"Le secret « {path} » est abîmé : remettez-le d'une sauvegarde.")
    return secret


def write_secret(folder: Path, secret: bytes) -> None:
    """Keep a secret in a data folder; where another process was first, its secret stays."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = folder / f".{SECRET}.{secrets.token_hex(4)}"
    _append(drawn, secret)
    try:
        with suppress(FileExistsError):
            os.link(drawn, folder / SECRET)
    finally:
        drawn.unlink()
    sync_folder(folder)


def draw_secret() -> bytes:
    """A new secret, once for an installation."""
    return secrets.token_bytes(SECRET_BYTES)


def new_line(asked: Asked, keys: Keys, at: dt.datetime, *, mask_texts: bool = False) -> Line:
    """A line with a random number."""
    return Line(secrets.token_hex(16), at, asked, keys, mask_texts)


def _mark_of(salt: Salt) -> str:
    return salt.hash("mark", "")[:8]


def _line(raw: Mapping[str, Any]) -> Line:
    return Line(
        raw["id"],
        dt.datetime.fromisoformat(raw["at"]),
        Asked(raw["asked"]),
        Keys.from_json(raw["keys"]),
        raw["mask_texts"],
    )


def _complete_lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    found = []
    for number, text in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            raw = json.loads(text)
        except ValueError as error:
            # Cut by a crash, it was never acknowledged; whole and unreadable, it is damage.
            if text.endswith("}"):
                raise Refused(
                    f"La ligne {number} de « {path} » est abîmée : remettez-la d'une copie, "
                    "sans quoi ce qu'elle demande ne serait pas rejoué."
                ) from error
            continue
        found.append(raw)
    return found


def _append(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)
