"""What the command line shows of exports, and of decisions that a sheet brought back."""

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from service.terminal import SAID, SHOWN_ERRORS, console, say

SHOWN_DECIDED = 40


def show_exported(shown: Mapping[str, Any]) -> None:
    """The file that was written."""
    say(f"{shown['file']} : {_plural(shown['rows'], 'ligne')}, {shown['bytes'] / 1000:.0f} ko.")


def show_taken_decisions(report: Mapping[str, Any], *, dry_run: bool) -> None:
    """What a sheet decided, line by line, and its errors."""
    verb = (
        "Essai" if dry_run else ("Feuille lue" if report["written"] else "Refusé, rien n'a changé")
    )
    counts = (
        _plural(report["rows"], "ligne"),
        _plural(len(report["decided"]), "décision"),
        f"{report['unchanged']} sans changement",
        _plural(len(report["errors"]), "erreur"),
    )
    say(f"{verb} : {', '.join(counts)}.")
    if report["decided"]:
        table = Table("ligne", "rapprochement", "décision", "numéro")
        for taken in report["decided"][:SHOWN_DECIDED]:
            table.add_row(
                str(taken["row"]),
                escape(f"{taken['left']} – {taken['right']}"),
                SAID[taken["action"]],
                str(taken["decision"] or ""),
            )
        console.print(table)
        if len(report["decided"]) > SHOWN_DECIDED:
            say(f"… et {len(report['decided']) - SHOWN_DECIDED} autres (--json les donne toutes).")
    if report["errors"]:
        errors = Table("ligne", "colonne", "que faire", title="Erreurs")
        for error in report["errors"][:SHOWN_ERRORS]:
            errors.add_row(str(error["row"]), escape(error["column"]), escape(error["message"]))
        console.print(errors)
        if len(report["errors"]) > SHOWN_ERRORS:
            say(f"… et {len(report['errors']) - SHOWN_ERRORS} autres (--json les donne toutes).")


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'s' if count > 1 else ''}"
