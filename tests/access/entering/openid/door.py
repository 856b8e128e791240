"""The real application at a real address, beside a real provider, and a browser between them."""

from typing import Any

import httpx2
from sqlalchemy import select

from service.database import read
from service.resources import Resources
from service.store.accounts import list_accounts
from service.store.audit import list_audit
from service.tables import Identity
from tests.access.entering.ada import EMAIL, ME, PASSWORD, SESSION
from tests.openid.conftest import Behave
from tests.service.people import FROM_HERE

START, RETURN = "/connexion/fournisseur/maison", "/connexion/retour/maison"
LINK, UNLINK = "/compte/relier/maison", "/compte/delier/maison"
DANCE = "sociopoles-fournisseur"


def go(browser: httpx2.Client, start: str = START) -> httpx2.Response:
    """Follow a door to the provider and back, as far as it leads."""
    return browser.get(start, follow_redirects=True)


def returned(browser: httpx2.Client, start: str = START) -> str:
    """The address by which the provider sends this browser back, not followed."""
    away = browser.get(start).headers["location"]
    return str(browser.get(away).headers["location"])


def put_cookie(browser: httpx2.Client, name: str, value: str) -> None:
    """Put a cookie where the site's own would be."""
    browser.cookies.set(name, value, domain="127.0.0.1", path="/")


def who(browser: httpx2.Client) -> str:
    """Who the browser is signed in as; empty for nobody."""
    answer = browser.get(ME)
    return str(answer.json()["account"]["email"]) if answer.is_success else ""


def enter_by_password(browser: httpx2.Client, email: str = EMAIL) -> None:
    answer = browser.post(SESSION, json={"email": email, "password": PASSWORD}, headers=FROM_HERE)
    assert answer.status_code == httpx2.codes.NO_CONTENT


def link(browser: httpx2.Client, suite: str = "/") -> httpx2.Response:
    """Ask for the page that proposes to tie, and follow its link."""
    page = browser.get(LINK, params={"suite": suite})
    assert page.status_code == httpx2.codes.OK, page.text
    return browser.get(provider_address(page), follow_redirects=True)


def provider_address(page: httpx2.Response) -> str:
    address = page.text.partition('class="button" href="')[2].partition('"')[0]
    return address.replace("&amp;", "&")


def ties(resources: Resources) -> dict[str, str]:
    """The address of the account by the name it has at the provider."""
    with read(resources.engine) as session:
        emails = {account.id: account.email for account in list_accounts(session)}
        rows = session.execute(select(Identity.subject, Identity.account_id)).all()
    return {subject: emails[number] for subject, number in rows}


def audited(resources: Resources) -> list[tuple[str, Any]]:
    """What was noted of identities and accounts by whom, oldest first."""
    with read(resources.engine) as session:
        entries = list_audit(session)
    return [(entry.action, entry.detail.get("provider")) for entry in reversed(entries)]


def behave_as(behave: Behave, email: str, subject: str = "b7f3-17", **more: Any) -> None:
    """The provider speaks of someone with this address from now on."""
    behave(subject=subject, claims={"email": email, "email_verified": True} | more)
