"""What the command line shows: rich tables on standard output, progress on standard error."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from service.resources import Progress as Tell

KINDS = {
    "problem": "problématique",
    "offer": "savoir proposé",
    "interest": "intérêt de recherche",
    "course": "enseignement",
}
BARS = {
    "meaning": "sens",
    "sector_gap": "écart",
    "complementarity": "complément",
    "novelty": "nouveauté",
}
SAID = {
    "accept": "accepté",
    "set-aside": "écarté",
    "postpone": "remis à plus tard",
    "in-contact": "déjà en contact",
    "uncertain": "incertain",
    "note": "note",
    "undo": "annulation",
}
SHOWN_ERRORS = 20
SHOWN_PAIRINGS = 40

console = Console()
error_console = Console(stderr=True)


@contextmanager
def progress() -> Iterator[Tell | None]:
    """A progress bar on standard error, only where that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=error_console, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield tell


def say(message: str) -> None:
    """A line on standard output, as it is."""
    console.print(escape(message), highlight=False)


def complain(message: str) -> None:
    """A line on standard error."""
    error_console.print(escape(message), style="red", highlight=False)


def show_sociopoles(shown: Mapping[str, Any]) -> None:
    """The list of sociopôles."""
    if not shown["sociopoles"]:
        say("Aucun sociopôle pour l'instant : « sociopoles sociopole add » ou « init --demo ».")
        return
    table = Table("nom court", "nom", "territoire", *KINDS.values())
    for sociopole in shown["sociopoles"]:
        counts = [str(sociopole["statements"][kind]) for kind in KINDS]
        territory = f"{sociopole['territory']['name']} ({sociopole['territory']['code']})"
        table.add_row(sociopole["slug"], escape(sociopole["name"]), escape(territory), *counts)
    console.print(table)


def show_import(report: Mapping[str, Any], *, dry_run: bool) -> None:
    """What an import did, its columns, what was tied to the official lists, and its errors."""
    verb = "Essai" if dry_run else ("Import" if report["written"] else "Refusé, rien n'a changé")
    say(
        f"{verb} : {report['rows']} lignes lues ({report['encoding']}) ; "
        f"{report['created']} nouvelles, {report['updated']} mises à jour, "
        f"{report['unchanged']} inchangées, {report['duplicates']} en double, "
        f"{len(report['errors'])} erreurs."
    )
    columns = ", ".join(f"{name} = « {column} »" for name, column in report["columns"].items())
    say(f"Colonnes : {columns}. Autrement : --map champ=Colonne.")
    if report["tied"]:
        table = Table("colonne", "écrit", "compris comme", title="Rattachés aux listes officielles")
        for tie in report["tied"][:SHOWN_ERRORS]:
            label = f"{tie['code']} {tie['label']}" if tie["code"] else "rien d'assez proche"
            table.add_row(tie["field"], escape(tie["written"]), escape(label))
        console.print(table)
    if report["errors"]:
        table = Table("ligne", "colonne", "que faire", title="Erreurs")
        for error in report["errors"][:SHOWN_ERRORS]:
            table.add_row(str(error["row"]), escape(error["column"]), escape(error["message"]))
        console.print(table)
        if len(report["errors"]) > SHOWN_ERRORS:
            say(f"… et {len(report['errors']) - SHOWN_ERRORS} autres (--json les donne toutes).")


def show_suggestions(shown: Mapping[str, Any]) -> None:
    """The pairings of a run, best first, and what stays without an answer."""
    table = Table("", "qui", "rencontre", "pourquoi", "barres", title=shown["sociopole"])
    table.columns[4].no_wrap = True
    for pairing in shown["pairings"][:SHOWN_PAIRINGS]:
        bars = "\n".join(
            f"{label:<10} {_bar(pairing['bars'][name])}" for name, label in BARS.items()
        )
        reason = pairing["reasons"][0]
        terms = ", ".join(reason["shared_terms"])
        why = f"« {reason['left_sentence']} »\n« {reason['right_sentence']} »"
        for bridge in reason.get("said_otherwise", ()):
            why += f"\ndit autrement : « {bridge['said']} », {bridge['term']}"
        said = pairing["state"]
        table.add_row(
            f"{pairing['rank']}\n{said_of(said)}" if said else str(pairing["rank"]),
            _who(pairing["left"]),
            _who(pairing["right"]),
            escape(why + (f"\nmots communs : {terms}" if terms else "")),
            bars,
        )
    console.print(table)
    if len(shown["pairings"]) > SHOWN_PAIRINGS:
        say(f"… et {len(shown['pairings']) - SHOWN_PAIRINGS} autres (--json les donne tous).")
    say(f"{len(shown['pairings'])} rapprochements, {len(shown['orphans'])} sans réponse.")
    if shown["orphans"]:
        orphans = Table("", "contribution", "pourquoi", title="Sans réponse")
        for orphan in shown["orphans"][:SHOWN_PAIRINGS]:
            orphans.add_row(orphan["id"], escape(orphan["title"]), escape(orphan["why"]))
        console.print(orphans)


def show_answers(shown: Mapping[str, Any]) -> None:
    """The answers to a query."""
    if not shown["answers"]:
        say("Aucune réponse. Élargissez : d'autres mots, sans filtre, ou un autre sociopôle.")
        return
    table = Table("", "contribution", "la phrase qui répond")
    for rank, found in enumerate(shown["answers"], start=1):
        table.add_row(str(rank), _who(found), escape(found["sentence"]))
    console.print(table)


def show_lexicon(shown: Mapping[str, Any]) -> None:
    """A sociopôle's own entries."""
    states = {"on": "employée", "off": "coupée", "proposed": "à vérifier"}
    if shown["own"]:
        table = Table("terme", "ce que disent les gens", "entrée")
        for entry in shown["own"]:
            forms = (" · ".join(entry[column]) for column in ("terms", "say"))
            table.add_row(*map(escape, forms), states[entry["state"]])
        console.print(table)
    else:
        say("Aucune entrée propre : « sociopoles lexicon add » en ajoute.")
    say(f"{shown['bundled']} entrées livrées (« sociopoles lexicon find » y cherche).")


def show_entries(shown: Mapping[str, Any]) -> None:
    """Entries of the bundled lexicon."""
    if not shown["entries"]:
        say("Aucune entrée livrée : « sociopoles lexicon add » en ajoute une.")
        return
    table = Table("terme", "ce que disent les gens", "anglais")
    for entry in shown["entries"][:SHOWN_PAIRINGS]:
        forms = (" · ".join(entry[column]) for column in ("terms", "say"))
        table.add_row(*map(escape, forms), escape(entry["english"]))
    console.print(table)
    if len(shown["entries"]) > SHOWN_PAIRINGS:
        say(f"… et {len(shown['entries']) - SHOWN_PAIRINGS} autres (--json les donne toutes).")


def show_proposals(shown: Mapping[str, Any]) -> None:
    """What an accepted pairing suggests."""
    if not shown["proposed"]:
        say("Rien à proposer : les deux textes emploient les mêmes mots.")
        return
    table = Table("terme", "ce que disent les gens", title="À vérifier")
    for proposal in shown["proposed"]:
        table.add_row(escape(proposal["term"]), escape(proposal["said"]))
    console.print(table)
    say(f"Pour employer une entrée : « sociopoles lexicon on {shown['sociopole']} TERME ».")


def show_measures(measures: Mapping[str, Any]) -> None:
    """The measures of each ranking with their intervals, then the paired differences."""
    names = list(measures["words"])
    table = Table("classement", *names)
    labels = {"words": "mots", "meaning": "sens", "both": "les deux"}
    for ranking, label in labels.items():
        bounds = measures["intervals"][ranking]
        cells = (
            f"{measures[ranking][name]:.3f}\n[{bounds[name][0]:.3f} ; {bounds[name][1]:.3f}]"
            for name in names
        )
        table.add_row(label, *map(escape, cells))
    for ranking, label in labels.items():
        if "other" in measures:
            values = (f"{measures['other'][ranking][name]:.3f}" for name in names)
            table.add_row(f"{label}, autre modèle", *values)
    for difference, values in measures["differences"].items():
        label = {
            "both - words": "les deux, moins les mots",
            "both - meaning": "les deux, moins le sens",
            "both - other": "les deux, moins l'autre modèle",
        }[difference]
        cells = (
            f"{values[name]['mean']:+.3f}\n"
            f"[{values[name]['low']:+.3f} ; {values[name]['high']:+.3f}]"
            for name in names
        )
        table.add_row(label, *map(escape, cells))
    console.print(table)
    say("Entre crochets : intervalle à 95 % (bootstrap sur les questions).")


def show_health(health: Mapping[str, Any]) -> None:
    """What a check found."""
    for finding in health["findings"]:
        complain(finding["message"])
    words = {
        "clean": "Tout concorde",
        "repairable": "Réparable par « sociopoles check --repair », rien n'est perdu",
        "lost": "Des données sont abîmées : restaurez une sauvegarde",
    }
    say(
        f"{words[health['status']]} : {health['statements']} contributions, "
        f"{health['indexed']} indexées, {health['pending']} à indexer à la prochaine recherche."
    )


def said_of(state: Mapping[str, Any]) -> str:
    """What was said last of a pairing, in a word."""
    return SAID[state["action"]] + (", texte changé depuis" if state["text_changed"] else "")


def _who(statement: Mapping[str, Any]) -> str:
    organisation = escape(statement["organisation"] or "structure non précisée")
    return f"[bold]{escape(statement['title'])}[/bold]\n{organisation}\n[dim]" + escape(
        f"{KINDS[statement['kind']]} {statement['id']}[/dim]"
    ).replace(r"\[/dim]", "[/dim]")


def _bar(value: float) -> str:
    filled = round(value * 5)
    return "■" * filled + "□" * (5 - filled)
