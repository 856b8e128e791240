"""A provider opens the account of who was invited, and says no word of who has one."""

from urllib.parse import quote

import httpx2
import pytest
from fastapi.testclient import TestClient

from service.access import Role
from service.errors import NotSignedIn
from service.resources import Resources
from service.store.accounts import NewAccount
from service.visits import COOKIE
from service.workflows.accounts import AccountChange, RoleWanted, change_account, create_account
from tests.access.entering.ada import EMAIL, ME, PASSWORD
from tests.access.entering.openid.door import (
    DANCE,
    RETURN,
    START,
    audited,
    behave_as,
    enter_by_password,
    go,
    put_cookie,
    returned,
    ties,
    who,
)
from tests.builders import SLUG
from tests.openid.browsing import query
from tests.openid.conftest import Behave
from tests.openid.site import Place
from tests.service.people import FROM_HERE

UNINVITED = "Aucun compte n&#39;est ouvert à l&#39;adresse que donne"
NOT_THIS_ONE = "n&#39;est pas celui de votre demande"
AGAIN = "recommencez-la"
proconnect = pytest.mark.parametrize("profile", [{"profile": "proconnect"}], indirect=True)
open_to_all = pytest.mark.parametrize("profile", [{"creates_accounts": True}], indirect=True)


def refusal(browser: httpx2.Client, start: str = START) -> str:
    """The page that says why nobody entered, without the spaces of French print."""
    answer = go(browser, start)
    assert answer.status_code == httpx2.codes.UNAUTHORIZED, answer.text
    assert (who(browser), DANCE in browser.cookies) == ("", False)
    assert "<h1>Se connecter</h1>" in answer.text
    return answer.text.replace("\u00a0", " ")


def test_an_invited_person_enters_and_is_known_from_then_on(
    browser: httpx2.Client, behave: Behave, resources: Resources
) -> None:
    assert go(browser).url.path == "/"
    assert who(browser) == EMAIL

    browser.cookies.clear()
    behave_as(behave, "ada.byron@exemple.fr")
    go(browser)

    assert who(browser) == EMAIL
    assert ties(resources) == {"b7f3-17": EMAIL}
    assert audited(resources) == [("account-created", None), ("identity-tied", "maison")]


@proconnect
def test_someone_of_proconnect_enters(browser: httpx2.Client, behave: Behave) -> None:
    behave(strict=True, signed=True, claims={"email": EMAIL, "usual_name": "Lovelace"})

    go(browser)

    assert who(browser) == EMAIL


def test_each_provider_has_a_link_that_keeps_the_page_to_come(
    browser: httpx2.Client, place: Place
) -> None:
    page = browser.get("/connexion", params={"suite": "/recherche?q=vélo"}).text

    links = [
        f"{place.address}/connexion/fournisseur/{name}?suite=%2Frecherche%3Fq%3Dv%C3%A9lo"
        for name in ("maison", "autre")
    ]
    assert all(f'<a class="button" href="{link}">Ma maison</a>' in page for link in links)

    assert str(go(browser, links[0]).url.raw_path, "ascii") == "/recherche?q=v%C3%A9lo"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://pirate.example/",
        "//pirate.example/",
        "/\\pirate.example",
        "/\t/pirate.example",
        "javascript:alert(1)",
        "//[",
        "pirate.example",
        "",
        "/recherche?q=" + "é" * 400,
    ],
)
def test_nobody_is_sent_to_another_site(elsewhere: str, browser: httpx2.Client) -> None:
    back = returned(browser, f"{START}?suite={quote(elsewhere, safe='')}")

    assert browser.get(back).headers["location"] == "/"
    assert who(browser) == EMAIL


def test_the_way_back_is_that_of_the_settings_whatever_the_host(
    browser: httpx2.Client, place: Place
) -> None:
    away = browser.get(START, headers={"Host": "pirate.example", "X-Forwarded-Host": "pirate"})

    assert query(away.headers["location"])["redirect_uri"] == place.address + RETURN


def test_what_the_browser_keeps_is_for_this_site_alone(browser: httpx2.Client) -> None:
    [kept] = browser.get(START).headers.get_list("set-cookie")
    value, *attributes = kept.split("; ")

    assert value.startswith(f"{DANCE}=")
    assert set(attributes) == {"HttpOnly", "Max-Age=600", "Path=/", "SameSite=lax"}
    assert len(kept) < 4096


def test_over_https_no_other_host_can_set_it(client: TestClient) -> None:
    client.base_url = httpx2.URL("https://testserver")
    [kept] = client.get(START, follow_redirects=False).headers.get_list("set-cookie")

    assert kept.startswith(f"__Host-{DANCE}=")
    assert "Secure" in kept


def test_who_was_not_invited_reads_the_same_words_as_whose_account_is_closed(
    browser: httpx2.Client, behave: Behave, resources: Resources, ada: int
) -> None:
    change_account(resources, ada, AccountChange(is_active=False), by=None)
    before = audited(resources)
    closed = refusal(browser)
    behave_as(behave, "leila.benali@exemple.fr")

    assert refusal(browser) == closed
    assert UNINVITED in closed
    assert (ties(resources), audited(resources)) == ({}, before)


def test_a_closed_account_does_not_open_by_its_tie(
    browser: httpx2.Client, resources: Resources, ada: int
) -> None:
    go(browser)
    browser.cookies.clear()
    change_account(resources, ada, AccountChange(is_active=False), by=None)

    assert UNINVITED in refusal(browser)


def test_an_address_that_was_not_verified_opens_nothing(
    browser: httpx2.Client, behave: Behave, resources: Resources
) -> None:
    behave_as(behave, EMAIL, email_verified=False)
    known = refusal(browser)
    behave_as(behave, "leila.benali@exemple.fr", email_verified=False)

    assert "ne confirme pas votre adresse" in known
    assert refusal(browser) == known
    assert ties(resources) == {}


def test_nobody_inherits_an_account_with_an_address(
    browser: httpx2.Client, behave: Behave, resources: Resources
) -> None:
    go(browser)
    browser.cookies.clear()
    behave_as(behave, EMAIL, subject="c2a0-99")

    assert "déjà relié" in refusal(browser)
    assert ties(resources) == {"b7f3-17": EMAIL}


def test_nobody_of_the_demo_is_entered_as(
    browser: httpx2.Client, behave: Behave, resources: Resources
) -> None:
    create_account(resources, NewAccount("a@demo.fr", "Démo", is_demo=True), by=None)
    behave_as(behave, "a@demo.fr")

    assert UNINVITED in refusal(browser)


@open_to_all
def test_the_setting_opens_an_account_without_any_role(
    browser: httpx2.Client, behave: Behave, resources: Resources
) -> None:
    behave_as(behave, "Leila.Benali@exemple.fr", name="Leïla Benali")
    go(browser)
    account = browser.get(ME).json()["account"]

    assert (account["email"], account["name"]) == ("Leila.Benali@exemple.fr", "Leïla Benali")
    assert (account["roles"], account["is_admin"]) == ([], False)
    assert audited(resources)[1:] == [("account-created", "maison"), ("identity-tied", "maison")]


@open_to_all
@pytest.mark.parametrize("email", ["pas une adresse", "a@demo.fr"])
def test_the_setting_opens_none_to_who_cannot_have_one(
    email: str, browser: httpx2.Client, behave: Behave, resources: Resources
) -> None:
    create_account(resources, NewAccount("a@demo.fr", "Démo", is_demo=True), by=None)
    behave_as(behave, email)
    refusal(browser)

    assert ties(resources) == {}


def test_a_return_without_what_the_browser_kept_is_refused(browser: httpx2.Client) -> None:
    # What someone does who wants another person to work in his account.
    theirs = returned(browser)
    browser.cookies.clear()

    assert AGAIN in refusal(browser, theirs)

    browser.get(START)

    assert NOT_THIS_ONE in refusal(browser, theirs)


@pytest.mark.parametrize("state", ["", "state=x"])
def test_a_return_with_another_state_is_refused(state: str, browser: httpx2.Client) -> None:
    back, code = returned(browser).partition("?")[0], query(returned(browser))["code"]

    assert NOT_THIS_ONE in refusal(browser, f"{back}?code={code}&{state}")


def test_a_return_to_another_provider_is_refused(browser: httpx2.Client) -> None:
    assert NOT_THIS_ONE in refusal(browser, returned(browser).replace("/maison", "/autre"))


def test_a_return_is_good_once(browser: httpx2.Client) -> None:
    back = returned(browser)
    kept = browser.cookies[DANCE]
    go(browser, back)
    assert who(browser) == EMAIL
    browser.cookies.clear()

    assert AGAIN in refusal(browser, back)

    put_cookie(browser, DANCE, kept)

    assert "pas reconnu ce retour" in refusal(browser, back).replace("&#39;", "'")


@pytest.mark.parametrize("fault", ["declined", "forged", "discovery-other-issuer"])
def test_a_provider_that_does_not_answer_well_is_told_of_in_words(
    fault: str, browser: httpx2.Client, behave: Behave
) -> None:
    behave(fault)

    assert "n&#39;a pas abouti" in refusal(browser)


def test_a_provider_that_is_not_set_up_is_not_found(browser: httpx2.Client) -> None:
    for start in ("/connexion/fournisseur/personne", "/connexion/retour/personne"):
        answer = browser.get(start)

        assert answer.status_code == httpx2.codes.NOT_FOUND
        assert "choisissez-en un autre" in answer.text


def test_a_session_that_was_there_before_is_left_for_a_new_one(
    browser: httpx2.Client,
) -> None:
    # Planted by someone who would wait for the person to enter with it.
    put_cookie(browser, COOKIE, "plante")
    go(browser)
    first = browser.cookies[COOKIE]
    assert first != "plante"

    go(browser)

    assert browser.cookies[COOKIE] not in {"plante", first}
    assert who(browser) == EMAIL


def test_who_is_signed_in_as_another_enters_as_who_they_say_they_are(
    browser: httpx2.Client, resources: Resources
) -> None:
    roles = [RoleWanted(SLUG, Role.READER)]
    new = NewAccount("jeanne.morel@exemple.fr", "Jeanne Morel")
    create_account(resources, new, by=None, roles=roles, password=PASSWORD)
    enter_by_password(browser, "jeanne.morel@exemple.fr")

    go(browser)

    assert who(browser) == EMAIL


def test_whoever_hammers_at_the_provider_through_us_is_slowed_down(
    browser: httpx2.Client, behave: Behave, resources: Resources
) -> None:
    for number in range(100):
        with pytest.raises(NotSignedIn), resources.attempts.trying("127.0.0.0", f"X {number}"):
            raise NotSignedIn
    behave_as(behave, EMAIL)

    answer = go(browser)

    assert answer.status_code == httpx2.codes.TOO_MANY_REQUESTS
    assert "/token" not in behave()


def test_leaving_closes_the_session(browser: httpx2.Client) -> None:
    go(browser)
    kept = browser.cookies[COOKIE]
    browser.post("/deconnexion", headers=FROM_HERE)
    put_cookie(browser, COOKIE, kept)

    assert who(browser) == ""
