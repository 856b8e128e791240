"""The ledger of this installation: one secret, in the database and in the data folder."""

from service.database import read, write
from service.errors import Refused
from service.resources import Resources
from service.rgpd.identity import Salt
from service.rgpd.ledger import FILE, SECRET, Ledger, draw_secret, read_secret, write_secret
from service.store.rights import noted_requests, store_secret, stored_secret


def open_ledger(resources: Resources) -> Ledger:
    """The ledger; its secret is drawn the first time, and copied to where it is missing.

    Refused where the database and the folder have two: the requests of one would be lost.
    """
    # The program's own, whoever asks: the secret belongs to nobody.
    resources = resources.unscoped()
    folder = resources.settings.data
    with read(resources.engine) as session:
        kept, noted = stored_secret(session), {line.id: line for line in noted_requests(session)}
    if kept is None:
        kept = _keep_secret(resources)
    if read_secret(folder) is None:
        write_secret(folder, kept)
    if read_secret(folder) != kept:
        raise Refused(
            f"« {SECRET} » du dossier des données n'est pas le secret de cette base : remettez "
            f"ensemble « {SECRET} » et « {FILE} » de cette installation."
        )
    ledger = Ledger(folder, Salt(kept))
    # A folder that was lost is filled again from the database.
    for line_id in noted.keys() - {line.id for line in ledger.lines()}:
        ledger.add(noted[line_id])
    return ledger


def _keep_secret(resources: Resources) -> bytes:
    found = read_secret(resources.settings.data) or draw_secret()
    with write(resources.engine) as session:
        store_secret(session, found)
        # Another process may have been first.
        return stored_secret(session) or found
