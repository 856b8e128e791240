"""The whole dance with a provider that behaves: three processes' worth of real requests."""

import httpx2
import pytest

from tests.openid.browsing import query, refusal, sign_in
from tests.openid.conftest import Behave
from tests.openid.site import KnownPeople

AGENT = {
    "email": "Jeanne.Morel@exemple.fr",
    "given_name": "Jeanne",
    "usual_name": "Morel",
    "uid": "jmorel",
    "siret": "21930066000016",
}
proconnect = pytest.mark.parametrize("profile", [{"profile": "proconnect"}], indirect=True)
orcid = pytest.mark.parametrize("profile", [{"profile": "orcid"}], indirect=True)


def test_an_invited_person_enters(browser: httpx2.Client, behave: Behave) -> None:
    behave(claims={"email": "awa.diallo@exemple.fr", "email_verified": True, "name": "Awa Diallo"})

    seen = sign_in(browser)

    assert (seen["account"], seen["subject"]) == (1, "b7f3-17")
    assert (seen["email"], seen["email_verified"]) == ("awa.diallo@exemple.fr", True)
    assert seen["name"] == "Awa Diallo"


def test_the_identity_opens_the_account_whatever_the_address_becomes(
    browser: httpx2.Client, behave: Behave
) -> None:
    behave()
    sign_in(browser)
    behave(claims={"email": "awa.ba@exemple.fr"})

    assert sign_in(browser)["account"] == 1


def test_the_request_is_bound_to_this_browser(browser: httpx2.Client, behave: Behave) -> None:
    behave()
    first, second = (query(browser.get("/start/maison").headers["location"]) for _ in range(2))

    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) >= 43
        assert first[name] != second[name]
    assert first["code_challenge_method"] == "S256"
    assert first["scope"] == "openid email profile"
    assert first["response_type"] == "code"
    assert first["redirect_uri"] == str(browser.base_url.join("/finish/maison"))


@pytest.mark.parametrize("profile", [{"scopes": "openid email"}], indirect=True)
def test_scopes_of_the_settings_are_asked_for(browser: httpx2.Client, behave: Behave) -> None:
    behave()

    assert query(browser.get("/start/maison").headers["location"])["scope"] == "openid email"


@pytest.mark.parametrize("auth", ["client_secret_basic", "client_secret_post"])
def test_the_secret_is_told_as_the_provider_wants_it(
    auth: str, browser: httpx2.Client, behave: Behave
) -> None:
    behave(auth=[auth])

    assert sign_in(browser)["account"] == 1


def test_an_elliptic_signature_is_read(browser: httpx2.Client, behave: Behave) -> None:
    behave(key="ec")

    assert sign_in(browser)["account"] == 1


def test_what_the_provider_publishes_is_asked_once(browser: httpx2.Client, behave: Behave) -> None:
    behave()
    sign_in(browser)
    sign_in(browser)

    asked = behave()

    assert asked.count("/.well-known/openid-configuration") == 1
    assert asked.count("/jwks") == 1
    assert asked.count("/token") == 2


def test_a_new_key_is_found_by_asking_once_more(browser: httpx2.Client, behave: Behave) -> None:
    behave()
    sign_in(browser)
    behave("new-key")

    assert sign_in(browser)["account"] == 1
    assert behave().count("/jwks") == 1


def test_a_key_that_is_nowhere_is_not_asked_for_again_and_again(
    browser: httpx2.Client, behave: Behave
) -> None:
    behave()
    sign_in(browser)
    behave("unpublished-key")

    assert "une clé qu'il ne publie pas" in refusal(browser)
    assert behave().count("/jwks") == 1


def test_the_issuer_in_the_address_is_checked(browser: httpx2.Client, behave: Behave) -> None:
    behave(says_issuer=True)

    assert sign_in(browser)["account"] == 1


def test_an_audience_shared_with_others_is_read_where_it_names_us(
    browser: httpx2.Client, behave: Behave
) -> None:
    behave(id_claims={"aud": ["sociopoles", "un-autre-service"], "azp": "sociopoles"})

    assert sign_in(browser)["account"] == 1


def test_a_small_difference_of_clocks_does_not_matter(
    browser: httpx2.Client, behave: Behave
) -> None:
    behave(ahead=10)

    assert sign_in(browser)["account"] == 1


class TestProConnect:
    @proconnect
    def test_the_signed_answer_is_read(self, browser: httpx2.Client, behave: Behave) -> None:
        behave(strict=True, signed=True, claims=AGENT)

        seen = sign_in(browser)

        assert (seen["account"], seen["name"]) == (2, "Jeanne Morel")
        assert seen["email_verified"] is True

    @proconnect
    def test_nothing_is_asked_beyond_what_it_knows(
        self, browser: httpx2.Client, behave: Behave
    ) -> None:
        behave()
        asked = query(browser.get("/start/maison").headers["location"])

        assert not {"code_challenge", "code_challenge_method"} & set(asked)
        assert asked["scope"] == "openid given_name usual_name email uid siret idp_id"
        assert min(len(asked["state"]), len(asked["nonce"])) >= 32

    @proconnect
    def test_signing_out_there_needs_the_id_token(
        self, browser: httpx2.Client, behave: Behave
    ) -> None:
        behave(strict=True, signed=True, claims=AGENT)
        leave = query(sign_in(browser)["leave"])

        assert set(leave) == {"id_token_hint", "state", "post_logout_redirect_uri"}
        assert leave["id_token_hint"].count(".") == 2
        assert leave["post_logout_redirect_uri"] == str(browser.base_url.join("/bye"))
        assert len(leave["state"]) >= 32

    @proconnect
    @pytest.mark.parametrize(
        ("fault", "words"),
        [
            ("unsigned-userinfo", "il n'a pas signé"),
            ("userinfo-forged", "sa signature est fausse"),
            ("userinfo-other-audience", "un autre service"),
            ("userinfo-without-audience", "un autre service"),
            ("other-subject", "quelqu'un d'autre"),
        ],
    )
    def test_what_is_said_of_a_person_must_be_signed_for_us(
        self, fault: str, words: str, browser: httpx2.Client, behave: Behave, people: KnownPeople
    ) -> None:
        behave(fault, strict=True, signed=True, claims=AGENT)

        assert words in refusal(browser)
        assert people.identities == {}

    def test_the_generic_profile_is_too_talkative_for_it(
        self, browser: httpx2.Client, behave: Behave
    ) -> None:
        behave(strict=True, signed=True, claims=AGENT)

        answer = browser.get("/start/maison", follow_redirects=True)

        assert answer.json() == {"error": "Y000400"}


class TestOrcid:
    @orcid
    def test_it_opens_no_account_by_itself(self, browser: httpx2.Client, behave: Behave) -> None:
        behave(strict=True, claims={"given_name": "Jeanne", "family_name": "Morel"})

        assert "ne confirme pas votre adresse" in refusal(browser)

    @orcid
    def test_it_opens_the_account_it_was_tied_to(
        self, browser: httpx2.Client, behave: Behave
    ) -> None:
        behave(strict=True, subject="0000-0002-1825-0097", claims={"family_name": "Morel"})
        sign_in(browser, "/start/maison?account=2")

        seen = sign_in(browser)

        assert (seen["account"], seen["name"]) == (2, "Morel")
        assert (seen["email"], seen["email_verified"]) == ("", False)
