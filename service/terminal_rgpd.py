"""What the command line shows of personal data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from service.rgpd.findings import LABELS, Kind
from service.terminal import complain, console, say

SHOWN_MENTIONS = 40


def show_register(register: Mapping[str, Any]) -> None:
    """The register of processing."""
    say(f"Responsable du traitement : {register['controller']}")
    say(f"Pour exercer ses droits : {register['contact']}")
    for processing in register["processings"]:
        table = Table(title=escape(processing["name"]), show_header=False, title_justify="left")
        rows = {
            "finalité": processing["purpose"],
            "base légale": processing["legal_basis"],
            "personnes": processing["people"],
            "données": processing["data"],
            "données sensibles": processing["sensitive"],
            "destinataires": processing["recipients"],
            "hors de l'UE": processing["transfers"],
            "durées": processing["durations"],
        }
        for label, value in rows.items():
            table.add_row(label, escape(value if isinstance(value, str) else "\n".join(value)))
        console.print(table)
    say("Sécurité :")
    for measure in register["security"]:
        say(f"- {measure}")


def show_held(held: Mapping[str, Any], out: Path | None) -> None:
    """How much is held on a person, and where it was written."""
    if not held["held"]:
        say("Aucune donnée n'est détenue sur cette personne.")
    for part in held["held"]:
        say(f"{part['label']} : {len(part['rows'])}")
    for note in held["notes"]:
        say(note)
    say(f"Écrit : {out}." if out else "Pour le fichier à lui remettre : --out FICHIER.zip.")


def show_erasure(erasure: Mapping[str, Any]) -> None:
    """What an erasure did, or would do, and what still names the person."""
    trial = erasure["dry_run"]
    say("Essai, rien n'a changé (--yes efface pour de bon) :" if trial else "Effacé :")
    table = Table("", "lignes ôtées", "lignes changées", "qui la nomment encore")
    for row in erasure["tables"]:
        table.add_row(row["label"], *(str(row[name]) for name in ("deleted", "changed", "left")))
    if erasure["tables"]:
        console.print(table)
    else:
        say("Aucune ligne ne porte cette personne.")
    _show_mentions(erasure)
    for name in erasure["files"]:
        say(f"Copie supprimée : {name}")
    for note in erasure["notes"]:
        say(note)
    if not trial:
        _show_what_is_left(erasure)
        say("Les sauvegardes déjà faites la contiennent ; restaurées, l'effacement y est rejoué.")


def show_notices(shown: Mapping[str, Any]) -> None:
    """Who must be told, by when, and the first mail."""
    if not shown["notices"]:
        say("Tous les académiques ont été informés.")
        return
    table = Table("qui", "adresse", "structure", "importé le", "à informer avant le")
    for notice in shown["notices"]:
        due = notice["due_on"] + (" (en retard)" if notice["late"] else "")
        cells = (notice["name"], notice["email"], notice["organisation"])
        table.add_row(*map(escape, cells), notice["added_on"], due)
    console.print(table)
    say("Le texte pour la première personne (--json les donne tous) :")
    say(shown["notices"][0]["mail"])
    say(f"Une fois partis : « sociopoles rgpd notices {shown['sociopole']} --sent ».")


def show_purge(purged: Mapping[str, Any]) -> None:
    """What went, or would go."""
    verb = "à ôter" if purged["dry_run"] else "ôtés"
    table = Table("", verb, "durée de conservation")
    for row in purged["removed"]:
        table.add_row(row["what"], str(row["count"]), escape(row["kept"]))
    table.add_row("fichiers reçus ou produits", str(len(purged["files"])), "")
    console.print(table)
    if purged["warned"]:
        say(f"Comptes sans connexion, propriétaires à prévenir ou prévenus : {purged['warned']}.")
    if not purged["files_clean"]:
        complain("Un autre processus lit la base : arrêtez-le et relancez, pour vider le journal.")


def show_persons(persons: Mapping[str, Any]) -> None:
    """What an import says of persons: contacts left out, lines that seem to speak of somebody."""
    for left in persons["left_out"][:SHOWN_MENTIONS]:
        say(f"Ligne {left['row']} : contact laissé de côté, {left['why']}.")
    if persons["consents_kept"]:
        say(
            f"{persons['consents_kept']} accords de publication retirés par leur auteur le restent "
            "(« sociopoles rgpd withdraw … --give-back » les rend)."
        )
    if persons["lines"]:
        table = Table("ligne", "ce que le texte semble contenir", title="Données personnelles ?")
        for line in persons["lines"][:SHOWN_MENTIONS]:
            kinds = [
                LABELS[Kind(kind)] + (f" ({count})" if count > 1 else "")
                for kind, count in line["kinds"].items()
            ]
            table.add_row(str(line["row"]), escape(", ".join(kinds)))
        console.print(table)
        say(
            f"{len(persons['lines'])} lignes à relire : gardez-les si la personne est d'accord, "
            "sinon corrigez le fichier et importez-le de nouveau."
        )


def _show_mentions(erasure: Mapping[str, Any]) -> None:
    if not erasure["mentions"]:
        return
    table = Table("", "ligne", "passage", title="Où elle était nommée")
    for mention in erasure["mentions"][:SHOWN_MENTIONS]:
        excerpt = mention["excerpt"] + ("" if mention["sure"] else "  (à vérifier : --also)")
        table.add_row(mention["label"], mention["row"], escape(excerpt))
    console.print(table)
    if len(erasure["mentions"]) > SHOWN_MENTIONS:
        say(f"… et {len(erasure['mentions']) - SHOWN_MENTIONS} autres (--json les donne toutes).")


def _show_what_is_left(erasure: Mapping[str, Any]) -> None:
    if any(row["left"] for row in erasure["tables"]):
        complain("Des textes la nomment encore : relancez avec --mask-texts pour les masquer.")
    if erasure["waiting"]:
        complain("Un import en attente la nomme : une fois fini, « sociopoles rgpd purge ».")
    elif not erasure["files_clean"]:
        complain(
            "Un autre processus lit la base ou publie ses index : arrêtez-le, puis lancez "
            "« sociopoles rgpd purge » pour vider les journaux."
        )
