"""What the command line shows of the weights of the bars."""

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from service.terminal import BARS, console, say
from service.workflows.learn_weights import write_points

SHOWN_CHANGES = 15
LEFT_OUT = {
    "no_verdict": "sans verdict (en contact, remis, incertain)",
    "circumstance": "écartés pour les circonstances",
    "by_filter": "décidés d'un coup par un filtre",
    "other_model": "lus avec un autre modèle",
}
CHANGES = {"entering": "Entreraient", "leaving": "Sortiraient", "moving": "Changeraient de rang"}


def show_learning(shown: Mapping[str, Any]) -> None:
    """The weights side by side, how well they order what was decided, and what would change."""
    _show_weights(shown)
    _show_decisions(shown["decisions"])
    if shown["measure"]:
        _show_measure(shown["measure"])
    if not shown["proposed"]:
        say(shown["why_not"])
        return
    if shown["changes"]:
        _show_changes(shown["changes"])
    say(
        f"Pour les employer : « sociopoles weights apply {shown['sociopole']} --seen "
        f"{shown['last_decision']} »."
    )


def show_put(shown: Mapping[str, Any]) -> None:
    """What is in force now."""
    _show_weights(shown)
    last = shown["history"][-1]
    what = {
        "apply": f"Poids appris de {last['decisions']} décisions, mis en vigueur",
        "reset": "Poids par défaut remis en vigueur",
        "undo": "Poids d'avant remis en vigueur",
    }[last["action"]]
    say(f"{what} par {last['by']}, dès « sociopoles suggest {shown['sociopole']} ».")


def _show_weights(shown: Mapping[str, Any]) -> None:
    table = Table("barre", "par défaut", "en vigueur", "appris", title="Ce que chaque barre compte")
    for bar, label in BARS.items():
        columns = [shown["default"], shown["in_force"], shown["learnt"]]
        table.add_row(label, *(f"{column[bar]:.2f}" if column else "–" for column in columns))
    console.print(table)


def _show_decisions(decisions: Mapping[str, Any]) -> None:
    say(
        f"{decisions['usable']} rapprochements jugés un par un : {decisions['accepted']} acceptés, "
        f"{decisions['set_aside']} écartés."
    )
    left_out = [f"{n} {LEFT_OUT[why]}" for why, n in decisions["left_out"].items() if n]
    if left_out:
        say(f"Dont rien n'est appris : {', '.join(left_out)}.")


def _show_measure(measure: Mapping[str, Any]) -> None:
    learnt, default = (f"{100 * measure[name]:.0f}" for name in ("agreement", "default_agreement"))
    gain, low, high = (write_points(measure[name]) for name in ("gain", "gain_low", "gain_high"))
    say(
        f"Un rapprochement accepté passe devant un écarté {learnt} fois sur 100 avec les poids "
        f"appris (mesuré sur des rapprochements qui n'ont pas servi à apprendre), {default} avec "
        f"ceux par défaut : {gain}, entre {low} et {high} à 95 %."
    )
    if measure["silent"]:
        bars = ", ".join(BARS[bar] for bar in measure["silent"])
        say(f"Ces décisions ne disent presque rien de : {bars} (elles y varient trop peu).")


def _show_changes(changes: Mapping[str, Any]) -> None:
    for name, title in CHANGES.items():
        if not changes[name]:
            continue
        total = changes["counts"][name]
        table = Table("identifiant", "qui", "rencontre", "rang", title=f"{title} : {total}")
        for change in changes[name][:SHOWN_CHANGES]:
            ends = (f"{change[side]['id']} {change[side]['title']}" for side in ("left", "right"))
            ranks = f"{change['before'] or '–'} → {change['after'] or '–'}"
            table.add_row(change["id"], *map(escape, ends), ranks)
        console.print(table)
    if not any(changes["counts"].values()):
        say("Rien ne changerait aux rapprochements proposés.")
