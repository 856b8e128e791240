"""The accounts of the database fulfil the rule, on both databases and from two sides at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select

from service.database import read
from service.errors import Refused
from service.openid.provider import Provider
from service.openid.sign_in import Identity as Known
from service.resources import Resources
from service.settings import OpenIDProvider
from service.store.accounts import NewAccount, list_accounts
from service.tables import Identity, SignIn
from service.workflows.accounts import create_account
from service.workflows.openid_sign_in import let_in, tie_to

ISSUER = "https://connexion.exemple.fr"
AWA, JEANNE = "Awa.Diallo@exemple.fr", "jeanne.morel@exemple.fr"
PROVIDER = Provider(OpenIDProvider(name="maison", issuer=ISSUER, client_id="s"))
OPEN = Provider(OpenIDProvider(name="maison", issuer=ISSUER, client_id="s", creates_accounts=True))
ROUNDS = 5


def known(subject: str = "17", email: str = AWA.lower()) -> Known:
    return Known(ISSUER, subject, email, bool(email), "Awa Diallo", id_token="")


def add(resources: Resources, email: str) -> int:
    return create_account(resources, NewAccount(email, "Quelqu'un"), by=None).id


def ties(resources: Resources) -> dict[str, int]:
    with read(resources.engine) as session:
        rows = session.execute(select(Identity.subject, Identity.account_id)).all()
    return dict(rows)


def entered(resources: Resources) -> list[int]:
    with read(resources.engine) as session:
        return list(session.execute(select(SignIn.account_id)).scalars())


def at_once(*jobs: Callable[[], object]) -> list[str]:
    """What each refusal said, of jobs that begin at the same instant."""
    start = Barrier(len(jobs))

    def run(job: Callable[[], object]) -> str:
        start.wait()
        try:
            job()
        except Refused as refusal:
            return str(refusal)
        return ""

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def test_an_invitation_is_taken_once_whatever_the_writing(resources: Resources) -> None:
    awa = add(resources, AWA)
    let_in(resources, PROVIDER, known(), network="")
    let_in(resources, PROVIDER, known(email=""), network="")

    with pytest.raises(Refused, match="déjà relié"):
        let_in(resources, PROVIDER, known("99"), network="")

    assert (ties(resources), entered(resources)) == ({"17": awa}, [awa, awa])


def test_an_identity_tied_from_two_accounts_at_once_is_of_one(resources: Resources) -> None:
    accounts = add(resources, AWA), add(resources, JEANNE)

    for number in range(ROUNDS):
        who = Known(f"{ISSUER}/{number}", f"sujet {number}", "", False, "", id_token="")
        said = at_once(*(lambda a=a, w=who: tie_to(resources, PROVIDER, w, a) for a in accounts))

        assert sorted(map(bool, said)) == [False, True]
    assert len(ties(resources)) == ROUNDS


def test_an_account_tied_to_two_identities_at_once_has_one(resources: Resources) -> None:
    for number in range(ROUNDS):
        account = add(resources, f"personne{number}@exemple.fr")
        both = [known(f"{number} {side}") for side in "ab"]
        said = at_once(*(lambda w=w, a=account: tie_to(resources, PROVIDER, w, a) for w in both))

        assert sorted(map(bool, said)) == [False, True]
    assert len(ties(resources)) == ROUNDS


def test_who_comes_twice_at_once_has_one_account(resources: Resources) -> None:
    for number in range(ROUNDS):
        who = known(f"sujet {number}", f"personne{number}@exemple.fr")
        said = at_once(*(lambda w=who: let_in(resources, OPEN, w, network="") for _ in range(2)))

        assert "" in said
    with read(resources.engine) as session:
        assert len(list_accounts(session)) == len(ties(resources)) == ROUNDS
