"""What a provider, a browser or someone between them may try: each is refused, in French."""

import logging
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import pytest

from tests.openid.browsing import query, refusal, sign_in
from tests.openid.conftest import Behave
from tests.openid.site import COOKIE, KnownPeople

AUDIENCE = "destinée à un autre service"
FAULTS = {
    "expired": "périmée",
    "from-the-future": "ne se lit pas",
    "no-signature": "pas d'une sorte acceptée",
    "signed-by-public-key": "pas d'une sorte acceptée",
    "other-algorithm": "pas d'une sorte acceptée",
    "shared-key": "pas d'une sorte acceptée",
    "forged": "sa signature est fausse",
    "cut": "sa signature est fausse",
    "unpublished-key": "une clé qu'il ne publie pas",
    "weak-key": "une clé qu'il ne publie pas",
    "nonsense": "ne se lit pas",
    "other-subject": "concerne quelqu'un d'autre",
    "no-id-token": "sa réponse est incomplète",
    "token-nonsense": "pas reconnu ce retour",
    "token-elsewhere": "renvoie ailleurs",
    "huge": "trop long",
    "slow": "ne répond pas",
    "other-issuer-parameter": "vient d'un autre fournisseur",
    "declined": "y avez renoncé",
    "broken": "il a répondu par une erreur",
    "keys-nonsense": "ses clés ne se lisent pas",
    "discovery-nonsense": "ne se lit pas",
    "discovery-elsewhere": "renvoie ailleurs",
    "discovery-other-issuer": "il se dit un autre",
    "discovery-script": "pas en https",
    "discovery-no-address": "pas en https",
    "discovery-clear": "pas en https",
    "discovery-inside": "réseau interne",
}
CLAIMS = [
    ({"nonce": "n" * 43}, "ne répond pas à cette demande"),
    ({"nonce": None}, "ne répond pas à cette demande"),
    ({"aud": "un-autre-service"}, AUDIENCE),
    ({"aud": ["un-autre-service"]}, AUDIENCE),
    ({"aud": ["sociopoles", "un-autre-service"]}, AUDIENCE),
    ({"aud": ["sociopoles", "un-autre-service"], "azp": "un-autre-service"}, AUDIENCE),
    ({"aud": None}, AUDIENCE),
    ({"aud": {"sociopoles": 1}}, AUDIENCE),
    ({"iss": "https://autre.exemple.fr"}, "vient d'un autre fournisseur"),
    ({"iss": None}, "vient d'un autre fournisseur"),
    ({"exp": None}, "ne se lit pas"),
    ({"exp": "demain"}, "ne se lit pas"),
    ({"iat": None}, "ne se lit pas"),
    ({"at_hash": "x" * 22}, "mêle deux connexions"),
    ({"sub": None}, "ne se lit pas"),
    ({"sub": 17}, "ne se lit pas"),
    ({"sub": ""}, "ne dit pas qui vous êtes"),
    ({"sub": "s" * 256}, "ne dit pas qui vous êtes"),
    ({"sub": "b7f3\x0017"}, "ne dit pas qui vous êtes"),
    ({"sub": " b7f3-17"}, "ne dit pas qui vous êtes"),
]


@pytest.mark.filterwarnings("ignore:Key size should be")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_provider_that_misbehaves_opens_nothing(
    fault: str,
    browser: httpx2.Client,
    behave: Behave,
    people: KnownPeople,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "service")
    behave(fault)

    assert FAULTS[fault] in refusal(browser)
    assert people.identities == {}
    for secret in ("un secret", "b7f3-17", "eyJ", "awa.diallo"):
        assert secret not in caplog.text
    assert all(message.isprintable() for message in caplog.messages)


@pytest.mark.parametrize(("claims", "words"), CLAIMS)
def test_a_token_that_is_not_for_this_sign_in_opens_nothing(
    claims: dict[str, object],
    words: str,
    browser: httpx2.Client,
    behave: Behave,
    people: KnownPeople,
) -> None:
    behave(id_claims=claims)

    assert words in refusal(browser)
    assert people.identities == {}


def returned(browser: httpx2.Client) -> str:
    """The address by which the provider sends this browser back, not followed."""
    away = browser.get("/start/maison").headers["location"]
    return str(browser.get(away).headers["location"])


def changed(address: str, **parameters: str | None) -> str:
    kept = dict(parse_qsl(urlsplit(address).query)) | parameters
    return f"{address.partition('?')[0]}?{urlencode({n: v for n, v in kept.items() if v})}"


def test_a_return_that_is_not_this_browsers_is_refused(
    browser: httpx2.Client, behave: Behave
) -> None:
    # What someone does who wants another person to work in his account.
    behave()
    theirs = returned(browser)
    browser.cookies.clear()

    assert "recommencez-la" in refusal(browser, theirs)

    browser.get("/start/maison")

    assert "n'est pas celui de votre demande" in refusal(browser, theirs)


@pytest.mark.parametrize("state", [None, "x", "é" * 43, "\ud800" * 3])
def test_a_return_with_another_state_is_refused(
    state: str | None, browser: httpx2.Client, behave: Behave
) -> None:
    behave()
    back = returned(browser)
    shown = state.encode("utf-8", "surrogatepass").decode("latin-1") if state else None

    assert "n'est pas celui de votre demande" in refusal(browser, changed(back, state=shown))


def test_a_return_is_good_once(browser: httpx2.Client, behave: Behave) -> None:
    behave()
    back = returned(browser)
    cookie = browser.cookies[COOKIE]
    sign_in(browser, back)

    assert COOKIE not in browser.cookies
    assert "recommencez-la" in refusal(browser, back)

    browser.cookies.set(COOKIE, cookie)

    assert "n'a pas reconnu ce retour" in refusal(browser, back)


def test_a_code_of_someone_else_is_refused(browser: httpx2.Client, behave: Behave) -> None:
    # The code was made with another proof than the one this browser keeps.
    behave()
    theirs = query(returned(browser))["code"]
    mine = returned(browser)

    assert "n'a pas reconnu ce retour" in refusal(browser, changed(mine, code=theirs))


def test_a_return_to_another_provider_is_refused(browser: httpx2.Client, behave: Behave) -> None:
    behave()
    back = returned(browser).replace("/finish/maison", "/finish/autre")

    assert "n'est pas celui de votre demande" in refusal(browser, back)


def test_a_promised_issuer_may_not_be_left_out(browser: httpx2.Client, behave: Behave) -> None:
    behave(says_issuer=True)
    back = returned(browser)

    assert "vient d'un autre fournisseur" in refusal(browser, changed(back, iss=None))


def test_a_return_without_code_is_refused(browser: httpx2.Client, behave: Behave) -> None:
    behave()
    back = returned(browser)

    assert "par une erreur" in refusal(browser, changed(back, code=None))


def test_a_cookie_that_was_touched_is_refused(browser: httpx2.Client, behave: Behave) -> None:
    behave()
    back = returned(browser)
    header, *parts = browser.cookies[COOKIE].split(".")
    browser.cookies.clear()
    browser.cookies.set(COOKIE, ".".join([header, *parts[:-1], "A" * len(parts[-1])]))

    assert "recommencez-la" in refusal(browser, back)


def test_an_address_verified_elsewhere_does_not_verify_this_one(
    browser: httpx2.Client, behave: Behave
) -> None:
    behave(
        id_claims={"email": "pirate@exemple.net", "email_verified": True},
        claims={"email": "awa.diallo@exemple.fr"},
    )

    assert "ne confirme pas votre adresse" in refusal(browser)
