"""Who may do what: roles, permissions, and what each lets a person read. Denied by default."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from service.store.accounts import AccountView, Member
from service.store.scope import PUBLISHED, Ids, Scope


class Role(StrEnum):
    """What a person is in one sociopôle."""

    ANIMATOR = "animator"
    ACADEMIC = "academic"
    ASSOCIATION = "association"
    READER = "reader"


class Permission(StrEnum):
    """What a route asks for; each is granted in a sociopôle, or everywhere."""

    READ = "read"
    """Contributions as far as the scope goes, and answers to a question."""
    QUESTIONS = "questions"
    """The questions one keeps and what answers them, which is nobody else's affair."""
    PROPOSALS = "proposals"
    """Pairings and groups that the machine proposes, and what was decided of them."""
    REVIEW = "review"
    """Decide, group, import, prepare workshops."""
    CONTRIBUTE = "contribute"
    """Write the contributions of one's own organisation."""
    CONTACTS = "contacts"
    """Names and addresses of people."""
    ADMINISTER = "administer"
    """Accounts, sociopôles, the audit trail."""
    SELF = "self"
    """One's own account, sessions and keys; never granted to a key."""


ROLES: Mapping[str, frozenset[Permission]] = {
    Role.ANIMATOR: frozenset(
        {
            Permission.READ,
            Permission.QUESTIONS,
            Permission.PROPOSALS,
            Permission.REVIEW,
            Permission.CONTRIBUTE,
            Permission.CONTACTS,
        }
    ),
    Role.ACADEMIC: frozenset({Permission.READ, Permission.QUESTIONS, Permission.CONTRIBUTE}),
    Role.ASSOCIATION: frozenset({Permission.READ, Permission.QUESTIONS, Permission.CONTRIBUTE}),
    Role.READER: frozenset({Permission.READ, Permission.QUESTIONS}),
}
READS_ALL = frozenset({Role.ANIMATOR, Role.ACADEMIC})
"""Roles that read every contribution of their sociopôle; the others read what is published."""
NETWORK_HEAD = frozenset({Permission.READ, Permission.QUESTIONS, Permission.PROPOSALS})
GRANTABLE = frozenset(Permission) - {Permission.SELF}
"""What a key may be given."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. `limited_to` is what a key may do, None for someone who signed in."""

    account: int | None = None
    name: str = ""
    email: str = ""
    is_admin: bool = False
    is_network_head: bool = False
    memberships: Mapping[int, Member] = field(default_factory=dict)
    limited_to: frozenset[Permission] | None = None
    sign_in: str = ""
    """The hash of the session's secret, empty for a key."""

    @property
    def is_known(self) -> bool:
        """Whether someone is signed in."""
        return self.account is not None

    def may(self, permission: Permission, sociopole: int | None = None) -> bool:
        """Whether this person may, in one sociopôle, or (None) without regard to one."""
        if not self.is_known:
            return False
        if self.limited_to is not None and permission not in self.limited_to:
            return False
        return permission in self._granted(sociopole)

    def may_somewhere(self, permission: Permission) -> bool:
        """Whether this person may, in one sociopôle at least."""
        return any(self.may(permission, place) for place in (None, *self.memberships))

    def scope(self) -> Scope:
        """What this person may read."""
        if not self.is_known:
            return PUBLISHED
        wide = self.is_admin or self.is_network_head
        full = {place for place, member in self.memberships.items() if member.role in READS_ALL}
        return Scope(
            full=None if wide else frozenset(full),
            published=frozenset(self.memberships),
            organisations=frozenset(
                member.organisation
                for member in self.memberships.values()
                if member.organisation is not None
            ),
            contacts=self._contacts(),
        )

    def _contacts(self) -> Ids:
        if self.is_admin and self.may(Permission.CONTACTS):
            return None
        return frozenset(p for p in self.memberships if self.may(Permission.CONTACTS, p))

    def _granted(self, sociopole: int | None) -> frozenset[Permission]:
        if self.is_admin:
            return frozenset(Permission)
        granted = frozenset({Permission.SELF})
        if self.is_network_head:
            granted |= NETWORK_HEAD
        if sociopole is not None and (member := self.memberships.get(sociopole)):
            granted |= ROLES[member.role]
        return granted


NOBODY = Person()


def as_person(
    account: AccountView, *, limited_to: frozenset[Permission] | None = None, sign_in: str = ""
) -> Person:
    """The person of an account."""
    return Person(
        account=account.id,
        name=account.name,
        email=account.email,
        is_admin=account.is_admin,
        is_network_head=account.is_network_head,
        memberships=account.memberships,
        limited_to=limited_to,
        sign_in=sign_in,
    )
