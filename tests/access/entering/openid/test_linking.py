"""Someone who is signed in ties an identity to the account, and takes it away again."""

import httpx2
import pytest

from service.database import write
from service.resources import Resources
from service.store.accounts import NewAccount, tie_identity
from service.visits import COOKIE
from service.workflows.accounts import create_account
from service.workflows.sign_in import open_session
from tests.access.entering.ada import EMAIL, ME, PASSWORD
from tests.access.entering.openid.door import (
    DANCE,
    LINK,
    RETURN,
    UNLINK,
    audited,
    behave_as,
    enter_by_password,
    go,
    link,
    provider_address,
    put_cookie,
    ties,
    who,
)
from tests.openid.conftest import Behave
from tests.service.people import FROM_HERE

JEANNE = "jeanne.morel@exemple.fr"
ORCID = {"email": None, "email_verified": None, "family_name": "Lovelace"}


@pytest.fixture(autouse=True)
def jeanne(resources: Resources) -> int:
    new = NewAccount(JEANNE, "Jeanne Morel")
    return create_account(resources, new, by=None, password=PASSWORD).id


def identities(browser: httpx2.Client) -> list[str]:
    return [tied["provider"] for tied in browser.get(ME).json()["identities"]]


def test_an_identity_without_address_is_tied_and_then_opens_the_account(
    browser: httpx2.Client, behave: Behave, resources: Resources
) -> None:
    behave(subject="0000-0002-1825-0097", claims=ORCID)
    enter_by_password(browser)

    answer = link(browser, "/recherche")

    assert (answer.url.path, DANCE in browser.cookies) == ("/recherche", False)
    assert ties(resources) == {"0000-0002-1825-0097": EMAIL}
    assert audited(resources)[-1] == ("identity-tied", "maison")
    # Both names of the settings are those of one provider.
    assert identities(browser) == ["maison", "autre"]
    browser.cookies.clear()

    go(browser)

    assert who(browser) == EMAIL


def test_nothing_is_tied_before_the_person_goes_on(browser: httpx2.Client) -> None:
    """Were it a redirection, another site could have its own identity tied by a mere link."""
    enter_by_password(browser)

    page = browser.get(LINK, params={"suite": "https://pirate.example"})

    assert page.status_code == httpx2.codes.OK
    assert f"Ada ({EMAIL})" in page.text
    assert "pirate" not in page.text
    assert provider_address(page).startswith("http://127.0.0.1:")


def test_who_is_not_signed_in_is_asked_to(browser: httpx2.Client) -> None:
    answer = browser.get(LINK)

    assert answer.headers["location"] == "/connexion?suite=%2Fcompte%2Frelier%2Fmaison"
    assert DANCE not in browser.cookies


def refused(answer: httpx2.Response) -> str:
    assert answer.status_code in {httpx2.codes.FORBIDDEN, httpx2.codes.UNAUTHORIZED}, answer.text
    return answer.text.replace("\u00a0", " ").replace("&#39;", "'")


def test_an_identity_of_another_account_stays_there(
    browser: httpx2.Client, resources: Resources
) -> None:
    go(browser)
    enter_by_password(browser, JEANNE)

    assert "ouvre déjà un autre compte" in refused(link(browser))
    assert ties(resources) == {"b7f3-17": EMAIL}
    assert who(browser) == JEANNE


def test_a_second_identity_of_a_provider_is_refused(
    browser: httpx2.Client, behave: Behave, resources: Resources
) -> None:
    go(browser)
    behave_as(behave, EMAIL, subject="c2a0-99")

    assert "déjà relié à une autre identité" in refused(link(browser))
    assert ties(resources) == {"b7f3-17": EMAIL}


def test_nobody_of_the_demo_ties_an_identity_nor_enters_by_one(
    browser: httpx2.Client, resources: Resources
) -> None:
    someone = NewAccount("admin@demo.invalid", "L'administration", is_demo=True)
    number = create_account(resources, someone, by=None).id
    with write(resources.engine) as session:
        put_cookie(browser, COOKIE, open_session(session, number, "127.0.0.0"))

    assert "démonstration" in refused(link(browser))
    assert ties(resources) == {}

    browser.cookies.clear()
    with write(resources.engine) as session:
        tie_identity(session, number, resources.settings.oidc[0].issuer, "b7f3-17")

    assert "Aucun compte n'est ouvert" in refused(go(browser))
    assert who(browser) == ""


def test_what_one_person_asked_is_not_tied_to_the_next_one(
    browser: httpx2.Client, resources: Resources
) -> None:
    enter_by_password(browser)
    page = browser.get(LINK)
    enter_by_password(browser, JEANNE)

    answer = browser.get(provider_address(page), follow_redirects=True)

    assert "n'est pas celle de la personne connectée ici" in refused(answer)
    assert (ties(resources), who(browser), DANCE in browser.cookies) == ({}, JEANNE, False)


def test_nothing_is_tied_once_the_session_is_closed(
    browser: httpx2.Client, resources: Resources
) -> None:
    enter_by_password(browser)
    page = browser.get(LINK)
    browser.post("/deconnexion", headers=FROM_HERE)

    answer = browser.get(provider_address(page), follow_redirects=True)

    assert "n'est pas celle de la personne connectée ici" in refused(answer)
    assert (ties(resources), who(browser)) == ({}, "")


def test_a_return_that_was_refused_is_told_to_who_stays_signed_in(browser: httpx2.Client) -> None:
    enter_by_password(browser)

    answer = browser.get(RETURN)

    assert "recommencez-la" in refused(answer)
    assert who(browser) == EMAIL


@pytest.mark.parametrize(
    ("method", "path"), [("POST", UNLINK), ("DELETE", f"{ME}/identities/maison")]
)
def test_an_identity_that_is_untied_opens_nothing_and_other_sessions_end(
    method: str, path: str, browser: httpx2.Client, behave: Behave, resources: Resources
) -> None:
    go(browser)
    elsewhere = browser.cookies[COOKIE]
    browser.cookies.clear()
    enter_by_password(browser)

    answer = browser.request(method, path, headers=FROM_HERE)

    assert answer.status_code in {httpx2.codes.SEE_OTHER, httpx2.codes.NO_CONTENT}
    assert (who(browser), identities(browser), ties(resources)) == (EMAIL, [], {})
    assert audited(resources)[-1] == ("identity-untied", "maison")
    browser.cookies.clear()
    put_cookie(browser, COOKIE, elsewhere)
    assert who(browser) == ""

    behave_as(behave, "ada.byron@exemple.fr")

    assert go(browser).status_code == httpx2.codes.UNAUTHORIZED


@pytest.mark.parametrize("name", ["maison", "personne"])
def test_what_is_not_tied_is_not_untied(name: str, browser: httpx2.Client) -> None:
    enter_by_password(browser)

    answer = browser.post(f"/compte/delier/{name}", headers=FROM_HERE)

    assert answer.status_code == httpx2.codes.NOT_FOUND
    assert who(browser) == EMAIL


def test_another_site_unties_nothing(browser: httpx2.Client, resources: Resources) -> None:
    go(browser)

    answer = browser.post(UNLINK, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == httpx2.codes.FORBIDDEN
    assert ties(resources) == {"b7f3-17": EMAIL}
