"""Which account an identity opens: the one it is tied to, else one invited under its address."""

from typing import Protocol, TypeVar

from service.errors import Refused
from service.openid.provider import Provider
from service.openid.sign_in import Identity

A = TypeVar("A")


class Accounts(Protocol[A]):
    """What the rule asks of the accounts, inside one transaction."""

    def tied_to(self, issuer: str, subject: str) -> A | None:
        """The account of this identity."""

    def subject_of(self, account: A, issuer: str) -> str | None:
        """As whom this provider knows an account."""

    def invited_as(self, email: str) -> A | None:
        """The account that an administrator opened under this address."""

    def tie(self, account: A, issuer: str, subject: str) -> None:
        """Write that this identity opens this account."""

    def create(self, identity: Identity) -> A:
        """Open an account that has no role yet."""


def account_of(provider: Provider, identity: Identity, accounts: Accounts[A]) -> A:
    """The account to sign in to, tied at the first time. Raises Refused.

    An address alone opens an account only if the provider has verified it, and only once: who is
    later given the same address by that provider does not inherit the account.
    """
    tied = accounts.tied_to(identity.issuer, identity.subject)
    if tied is not None:
        return tied
    # Said before looking for an account: nobody learns who has one.
    # Letters beyond ASCII can be written in ways that look or fold alike.
    if not identity.email_verified or not identity.email.isascii():
        raise Refused(
            f"« {provider.label} » ne confirme pas votre adresse : connectez-vous d'abord "
            "autrement, puis reliez-le à votre compte (« Mon compte »)."
        )
    account = accounts.invited_as(identity.email)
    if account is None:
        if not provider.chosen.creates_accounts:
            raise uninvited(provider)
        account = accounts.create(identity)
    tie(identity, account, accounts)
    return account


def uninvited(provider: Provider) -> Refused:
    """The same words whether there is no account, or one that is closed."""
    return Refused(
        f"Aucun compte n'est ouvert à l'adresse que donne « {provider.label} » : demandez à être "
        "invité."
    )


def tie(identity: Identity, account: A, accounts: Accounts[A]) -> None:
    """Let this identity open this account from now on. Raises Refused."""
    tied = accounts.tied_to(identity.issuer, identity.subject)
    if tied is not None and tied != account:
        raise Refused("Cette identité ouvre déjà un autre compte : déliez-la d'abord.")
    known_as = accounts.subject_of(account, identity.issuer)
    if known_as is not None and known_as != identity.subject:
        raise Refused(
            "Ce compte est déjà relié à une autre identité de ce fournisseur : si vous en avez "
            "changé, demandez à l'administrateur de délier l'ancienne."
        )
    if tied is None:
        accounts.tie(account, identity.issuer, identity.subject)
