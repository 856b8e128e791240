"""Erase a person everywhere, and again after a backup was restored."""

from dataclasses import dataclass
from typing import Any

from service.database import now, read
from service.errors import Refused
from service.resources import Resources
from service.rgpd.identity import Sought
from service.rgpd.ledger import Asked, new_line
from service.store.forgetting_accounts import is_last_admin
from service.store.personal import label_of
from service.store.rights import noted_requests
from service.workflows.follow import Followed, follow, follow_pending
from service.workflows.identify import Asking, identify
from service.workflows.ledger import open_ledger


@dataclass(frozen=True, slots=True)
class Erasure:
    """What an erasure did, or would do; nothing of it is kept."""

    done: Followed
    notes: list[str]
    mask_texts: bool
    dry_run: bool

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the person is left, and no byte of it in the files."""
        return self.done.clean and not any(f.left for f in self.done.tables.values())

    def as_json(self) -> dict[str, Any]:
        """The erasure with plain values."""
        return {
            "dry_run": self.dry_run,
            "mask_texts": self.mask_texts,
            "whole": self.is_whole,
            "tables": [
                {"table": table, "label": label_of(table), **forgotten._asdict()}
                for table, forgotten in self.done.tables.items()
            ],
            "mentions": [
                mention._asdict() | {"label": label_of(mention.table)}
                for mention in self.done.mentions
            ],
            "vectors": self.done.vectors,
            "files": self.done.files,
            "waiting": self.done.waiting,
            "files_clean": self.done.clean,
            "notes": self.notes,
        }


def erase(
    resources: Resources,
    asking: Asking,
    *,
    mask_texts: bool = False,
    dry_run: bool = False,
    by: int | None = None,
) -> Erasure:
    """Remove a person from the tables, the files and the indexes; on a trial, only say so.

    Decisions and edits stay, signed by nobody; the audit trail too, of an account without a name.
    Texts that name the person are listed, and masked when it is asked. `by` is the account that
    does it. Raises Refused where several persons could be meant, or nobody would administer.
    """
    salt = open_ledger(resources).salt
    with read(resources.engine) as session:
        person, notes = identify(session, asking)
        keys = salt.keys(person)
        for earlier in noted_requests(session):
            # Their contact is gone, and with it the name; the ledger still knows it.
            if earlier.asked == Asked.ERASE and earlier.keys.emails & keys.emails:
                keys |= earlier.keys
        if is_last_admin(session, Sought(salt, keys)):
            raise Refused(
                "C'est le dernier compte d'administration : donnez d'abord ce droit à un autre."
            )
    line = new_line(Asked.ERASE, keys, now(), mask_texts=mask_texts)
    done = follow(resources, line, dry_run=dry_run, by=by)
    return Erasure(done, notes, mask_texts, dry_run)


def replay_erasures(resources: Resources) -> int:
    """Do again what the ledger asks and this database does not know; returns how many requests.

    To be called after a restore, before anybody is answered: erasures, objections, and consents
    withdrawn or given since the backup. Refused where the ledger has lost its secret.
    """
    return follow_pending(resources)
