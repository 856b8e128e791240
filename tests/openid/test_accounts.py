"""Which account an identity opens: the rule alone, on a few accounts."""

from typing import Any

import pytest

from service.errors import Refused
from service.openid.accounts import account_of, tie
from service.openid.provider import Provider
from service.openid.sign_in import Identity
from service.settings import OpenIDProvider
from tests.openid.site import KnownPeople

ISSUER = "https://connexion.exemple.fr"
AWA = "awa.diallo@exemple.fr"


def provider(**more: Any) -> Provider:
    return Provider(OpenIDProvider(name="maison", issuer=ISSUER, client_id="s", **more))


def identity(subject: str = "17", email: str = AWA, *, verified: bool = True) -> Identity:
    return Identity(ISSUER, subject, email, verified, "Awa Diallo", id_token="")


@pytest.fixture
def people() -> KnownPeople:
    return KnownPeople({1: AWA, 2: "jeanne.morel@exemple.fr"})


def test_a_verified_address_opens_the_account_that_was_invited(people: KnownPeople) -> None:
    assert account_of(provider(), identity(), people) == 1
    assert people.identities == {(ISSUER, "17"): 1}


@pytest.mark.parametrize(
    "unproved",
    [
        identity(verified=False),
        identity(email="", verified=False),
        identity(email="jamais.vue@exemple.fr", verified=False),
        # Letters that fold into others: « ß » into « ss », full width into plain.
        identity(email="awa.diallo@exemple.fr".replace("w", "\uff57")),
    ],
)
def test_an_address_that_proves_nothing_opens_nothing_and_tells_nothing(
    unproved: Identity, people: KnownPeople
) -> None:
    with pytest.raises(Refused) as refusal:
        account_of(provider(creates_accounts=True), unproved, people)

    assert str(refusal.value) == (
        "« maison » ne confirme pas votre adresse : connectez-vous d'abord autrement, puis "
        "reliez-le à votre compte (« Mon compte »)."
    )
    assert (people.identities, len(people.emails)) == ({}, 2)


def test_nobody_enters_uninvited(people: KnownPeople) -> None:
    with pytest.raises(Refused, match="demandez à être invité"):
        account_of(provider(), identity(email="leila.benali@exemple.fr"), people)

    assert (people.identities, len(people.emails)) == ({}, 2)


def test_the_setting_may_open_an_account_to_all(people: KnownPeople) -> None:
    leila = identity(email="leila.benali@exemple.fr")

    opened = account_of(provider(creates_accounts=True), leila, people)

    assert people.emails[opened] == "leila.benali@exemple.fr"
    assert account_of(provider(), leila, people) == opened


def test_who_is_given_the_address_of_another_does_not_inherit_the_account(
    people: KnownPeople,
) -> None:
    account_of(provider(), identity("17"), people)

    with pytest.raises(Refused, match="déjà relié"):
        account_of(provider(), identity("99"), people)

    assert people.identities == {(ISSUER, "17"): 1}


def test_an_identity_opens_its_account_without_its_address(people: KnownPeople) -> None:
    tie(identity(email="", verified=False), 2, people)

    assert account_of(provider(), identity(email="", verified=False), people) == 2


def test_an_identity_opens_one_account(people: KnownPeople) -> None:
    tie(identity(), 1, people)
    tie(identity(), 1, people)

    with pytest.raises(Refused, match="un autre compte"):
        tie(identity(), 2, people)

    assert people.identities == {(ISSUER, "17"): 1}


def test_an_account_may_have_an_identity_at_each_provider(people: KnownPeople) -> None:
    tie(identity(), 1, people)
    tie(Identity("https://orcid.org", "0000-0002-1825-0097", "", False, "", ""), 1, people)

    assert len(people.identities) == 2
