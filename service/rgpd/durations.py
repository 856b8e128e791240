"""How long things are kept: the one table that the purge follows and the register shows."""

import datetime as dt
from collections.abc import Mapping
from typing import NamedTuple


class Duration(NamedTuple):
    """Days, and how a reader is told."""

    days: int
    said: str

    def before(self, at: dt.datetime) -> dt.datetime:
        """What is older than this has been kept for long enough."""
        return at - dt.timedelta(days=self.days)


YEAR = 365
NOTICE = "un mois après l'import"
"""When somebody whose data came from elsewhere has been told (art. 14)."""

DURATIONS: Mapping[str, Duration] = {
    "contact": Duration(
        3 * YEAR, "3 ans après le dernier contact, la dernière mise à jour ou la dernière décision"
    ),
    "paired_contact": Duration(
        5 * YEAR, "5 ans, de même, quand un rapprochement est accepté ou déjà en contact"
    ),
    "upload": Duration(90, "le temps de l'import, 90 jours au plus"),
    "import_report": Duration(90, "90 jours pour le détail des lignes"),
    "account": Duration(2 * YEAR, "2 ans sans connexion, après un avertissement par e-mail"),
    "account_warning": Duration(2 * YEAR - 30, "un mois avant"),
    "account_notice": Duration(30, "30 jours entre l'avertissement et la suppression"),
    "session": Duration(30, "7 jours sans s'en servir, 30 au plus ; une clé, un an au plus"),
    "audit": Duration(3 * YEAR, "3 ans"),
    "answer_kept": Duration(1, "un jour"),
    "run": Duration(2 * YEAR, "2 ans, sauf le dernier de chaque sociopôle"),
}
