"""What the browser keeps is sealed by a key of this installation, for ten minutes."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from joserfc import jwt

from service.errors import Refused
from service.openid.dance_cookie import KEY_FILE, REGISTRY, SEALED, open_key, seal, unseal
from service.openid.sign_in import Dance

DANCE = Dance("maison", "s" * 43, "n" * 43, "v" * 43, account=7)
MANY, ROUNDS = 6, 10


def test_what_is_sealed_comes_back_whole_and_unread(tmp_path: Path) -> None:
    sealed = seal(open_key(tmp_path), DANCE)

    assert unseal(open_key(tmp_path), sealed) == DANCE
    assert sealed.isascii()
    assert len(sealed) < 1000
    assert "s" * 43 not in repr(DANCE)


def test_another_installation_does_not_read_it(tmp_path: Path) -> None:
    sealed = seal(open_key(tmp_path / "ici"), DANCE)

    with pytest.raises(Refused, match="recommencez-la"):
        unseal(open_key(tmp_path / "ailleurs"), sealed)


def test_it_is_good_for_ten_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = open_key(tmp_path)
    monkeypatch.setattr("service.openid.dance_cookie.LIFE_SECONDS", -1)

    with pytest.raises(Refused, match="trop longtemps"):
        unseal(key, seal(key, DANCE))


@pytest.mark.parametrize("claims", [{}, {"exp": 2**33}, {"dance": {}}, {"exp": 2**33, "dance": 1}])
def test_what_holds_no_dance_is_refused(claims: dict[str, object], tmp_path: Path) -> None:
    key = open_key(tmp_path)

    with pytest.raises(Refused):
        unseal(key, jwt.encode(SEALED, claims, key, registry=REGISTRY))


@pytest.mark.parametrize("part", range(5))
def test_no_part_of_it_may_change(part: int, tmp_path: Path) -> None:
    key = open_key(tmp_path)
    parts = seal(key, DANCE).split(".")
    parts[part] = ("B" if parts[part][:1] != "B" else "C") + parts[part][1:]

    with pytest.raises(Refused):
        unseal(key, ".".join(parts))


@pytest.mark.parametrize("sealed", ["", "a.b.c", "....", "é", "x" * 5000])
def test_what_was_never_sealed_is_refused(sealed: str, tmp_path: Path) -> None:
    with pytest.raises(Refused):
        unseal(open_key(tmp_path), sealed)


def test_a_signed_token_does_not_pass_for_a_sealed_one(tmp_path: Path) -> None:
    key = open_key(tmp_path)
    signed = jwt.encode({"alg": "HS256"}, {"exp": 2**33, "dance": {}}, key, algorithms=["HS256"])

    with pytest.raises(Refused):
        unseal(key, signed)


def test_the_key_is_its_owners_alone(tmp_path: Path) -> None:
    open_key(tmp_path)

    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_those_who_start_together_share_one_key(round_: int, tmp_path: Path) -> None:
    together = Barrier(MANY)

    def start(_: int) -> str:
        together.wait()
        return str(open_key(tmp_path / f"{round_}").as_dict()["k"])

    with ThreadPoolExecutor(MANY) as pool:
        keys = set(pool.map(start, range(MANY)))

    assert len(keys) == 1
    assert [path.name for path in (tmp_path / f"{round_}").iterdir()] == [KEY_FILE]


def test_a_damaged_key_is_said(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"court")

    with pytest.raises(Refused, match="effacez-le"):
        open_key(tmp_path)
