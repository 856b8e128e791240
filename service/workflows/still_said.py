"""What a text was found to say, as far as it still says it: its authors may have changed it since.

What was found is kept as it was: a sentence in a kept answer, the reasons of a pairing.
"""

from collections.abc import Mapping
from typing import Any

from matcher.reasons import still_says
from matcher.words import shared_terms
from service.store.pairings import PairingView
from service.store.statements import StatementView

TEXTS = "texts"
"""In a kept reason: the hashes of the two texts it was found in."""


def said_now(sentence: str, view: StatementView) -> str:
    """A sentence found in this contribution, empty where it no longer stands there."""
    return sentence if still_says(view.statement.passage, sentence) else ""


def reasons_now(
    pairing: PairingView, left: StatementView, right: StatementView
) -> list[dict[str, Any]]:
    """Why two contributions meet, without anything that one of them no longer says."""
    found = (_now(reason, left, right) for reason in pairing.reasons)
    return [reason for reason in found if reason]


def _now(
    reason: Mapping[str, Any], left: StatementView, right: StatementView
) -> dict[str, Any] | None:
    shown = {name: value for name, value in reason.items() if name != TEXTS}
    if reason.get(TEXTS) == [left.text_hash, right.text_hash]:
        return shown
    if not (said_now(shown["left_sentence"], left) and said_now(shown["right_sentence"], right)):
        return None
    shared = set(shared_terms(left.statement.passage, right.statement.passage))
    # What a text says in other words is found by meaning: only a new run would tell.
    return shown | {
        "shared_terms": [term for term in shown["shared_terms"] if term in shared],
        "said_otherwise": [],
    }
