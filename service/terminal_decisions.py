"""What the command line shows of decisions."""

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from service.terminal import SAID, console, said_of, say
from service.workflows.decide import REASONS


def show_pairings(shown: Mapping[str, Any]) -> None:
    """Pairings in a line each, with the ids to decide by."""
    if not shown["pairings"]:
        say("Aucun rapprochement ne répond à ce filtre.")
        return
    table = Table("rang", "identifiant", "qui", "rencontre", "score", "état")
    for pairing in shown["pairings"]:
        ends = (f"{pairing[side]['id']} {pairing[side]['title']}" for side in ("left", "right"))
        table.add_row(
            str(pairing["rank"] or ""),
            pairing["id"],
            *map(escape, ends),
            f"{pairing['score']:.2f}",
            said_of(pairing["state"]) if pairing["state"] else "",
        )
    console.print(table)
    if shown["next"]:
        say(f"La suite : --after {shown['next']}")


def show_decisions(shown: Mapping[str, Any]) -> None:
    """Who decided what, and why."""
    if not shown["decisions"]:
        say("Aucune décision encore : « sociopoles decide ».")
        return
    table = Table("", "quand", "qui", "quoi", "rapprochements", "pourquoi")
    for decision in shown["decisions"]:
        when = decision["at"].replace("T", " ")
        cells = (decision["by"], _what(decision), _pairs(decision), _why(decision))
        table.add_row(str(decision["id"]), when, *map(escape, cells))
    console.print(table)


def show_last_decision(shown: Mapping[str, Any]) -> None:
    """The decision just made."""
    last = shown["decisions"][-1]
    say(f"Décision {last['id']} : {_what(last)}, {_pairs(last)}.")


def _what(decision: Mapping[str, Any]) -> str:
    what = SAID[decision["action"]]
    if decision["until"]:
        what += f" (jusqu'au {decision['until']})"
    if decision["undoes"]:
        what += f" de la décision {decision['undoes']}"
    return what + (" (annulé)" if decision["undone"] else "")


def _pairs(decision: Mapping[str, Any]) -> str:
    pairs = [f"{pair['left']} – {pair['right']}" for pair in decision["pairs"]]
    shown = ", ".join(pairs[:3])
    return f"{shown} et {len(pairs) - 3} autres" if len(pairs) > 3 else shown


def _why(decision: Mapping[str, Any]) -> str:
    reason = REASONS.get(decision["reason"], "")
    return " ; ".join(part for part in (reason, decision["words"]) if part)
