"""Accounts as a terminal shows them."""

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from service.terminal import console, say


def show_accounts(shown: Mapping[str, Any]) -> None:
    """The accounts, one a line."""
    if not shown["accounts"]:
        say("Aucun compte : « sociopoles user create-admin ADRESSE --name Nom ».")
        return
    table = Table("adresse", "nom", "rôles", "vu le", box=None)
    for account in shown["accounts"]:
        table.add_row(
            escape(account["email"] if account["is_active"] else f"({account['email']})"),
            escape(account["name"]),
            escape(_roles(account)),
            (account["seen_at"] or "jamais")[:10],
        )
    console.print(table)


def _roles(account: Mapping[str, Any]) -> str:
    words = ["administration"] if account["is_admin"] else []
    words += ["tête de réseau"] if account["is_network_head"] else []
    words += [f"{role['sociopole']} : {role['role']}" for role in account["roles"]]
    return ", ".join(words) or "aucun"
