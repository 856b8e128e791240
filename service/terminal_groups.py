"""What the command line shows of groups and workshops."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from service.terminal import console, say

STABILITY = {"firm": "solide", "fair": "assez stable", "frail": "fragile"}
COLLEGES = {
    "association": "association",
    "academic": "académique",
    "public": "public",
    "private": "privé",
}
ACTIONS = {
    "rename": "titre",
    "merge": "réunion",
    "split": "partage",
    "move": "déplacement",
    "take-out": "sortie",
    "lock": "verrou",
    "unlock": "ouverture",
    "undo": "annulation",
}
SHOWN_MEMBERS, SHOWN_GROUPS, SHOWN_ISOLATED = 12, 100, 60


def show_groups(shown: Mapping[str, Any]) -> None:
    """The groups, most transversal first, then the isolated."""
    asked, recommended = shown["asked"], shown["recommended"]
    say(f"Regroupement {shown['grouping']} : {_plural(len(shown['groups']), 'groupe')}.")
    if asked == recommended:
        say(f"Nombre recommandé. {recommended['why']}")
    else:
        say(f"{asked['why']} Recommandé : {recommended['groups']}. {recommended['why']}")
    several = len(shown["sociopoles"]) > 1
    for group in shown["groups"][:SHOWN_GROUPS]:
        _show_group(group, several=several)
    if len(shown["groups"]) > SHOWN_GROUPS:
        say(f"… et {len(shown['groups']) - SHOWN_GROUPS} autres (--json les donne tous).")
    _show_territories(shown)
    for title in shown["lost_titles"]:
        say(f"Le titre « {title} » n'a plus de groupe : ses contributions se sont dispersées.")
    if shown["isolated"]:
        table = Table("", "contribution isolée", "groupe le plus proche")
        for alone in shown["isolated"][:SHOWN_ISOLATED]:
            names = map(escape, (alone["id"], alone["title"]))
            table.add_row(*names, alone["nearest_group"] or "aucun")
        console.print(table)


def show_history(shown: Mapping[str, Any]) -> None:
    """Who changed what, and why."""
    if not shown["edits"]:
        say("Aucune modification des groupes de ce sociopôle.")
        return
    table = Table("", "quand", "qui", "quoi", "pourquoi")
    for edit in shown["edits"]:
        what = ACTIONS[edit["action"]]
        if edit["undoes"]:
            what += f" de la modification {edit['undoes']}"
        if edit["title"]:
            what += f" « {edit['title']} »"
        if edit["undone"]:
            what += " (annulée)"
        when = edit["at"].replace("T", " ")
        table.add_row(str(edit["id"]), when, *map(escape, (edit["by"], what, edit["why"])))
    console.print(table)


def show_changes(shown: Mapping[str, Any]) -> None:
    """What became of the groups."""
    table = Table("", "avant", "après", "")
    for key, label in (("grown", "a grandi"), ("shrunk", "a diminué"), ("moved", "a changé")):
        for went in shown[key]:
            table.add_row(
                label,
                _name(went["before"]),
                _name(went["after"]),
                f"+{went['came']} −{went['left']}",
            )
    for split in shown["split"]:
        table.add_row("s'est partagé", _name(split["before"]), _names(split["after"]), "")
    for merged in shown["merged"]:
        table.add_row("se sont réunis", _names(merged["before"]), _name(merged["after"]), "")
    for name in shown["appeared"]:
        table.add_row("est apparu", "", _name(name), "")
    for name in shown["vanished"]:
        table.add_row("a disparu", _name(name), "", "")
    if table.row_count:
        console.print(table)
    say(f"{_plural(len(shown['unchanged']), 'groupe')} sans changement.")


def show_workshop(shown: Mapping[str, Any]) -> None:
    """The tables, then who has no seat."""
    for seated in shown["tables"]:
        title = f"Table {seated['table']} : {seated['title']} ({seated['group']})"
        table = Table("structure", "collège", "parce que", title=escape(title))
        for guest in seated["participants"]:
            because = f"{guest['because']['id']} {guest['because']['title']}"
            table.add_row(
                escape(guest["organisation"]), COLLEGES[guest["college"]], escape(because)
            )
        console.print(table)
        if not seated["mixed"]:
            say("Un seul collège à cette table : personne d'un autre n'est proche de son sujet.")
        for one, other in seated["acquainted"]:
            say(f"{one} et {other} se connaissent déjà.")
    say(f"{_plural(len(shown['invite']), 'structure')} à inviter.")
    for guest in shown["waiting"]:
        say(f"Sans place : {guest['organisation']} ({guest['why']}).")


def show_group_measures(shown: Mapping[str, Any]) -> None:
    """The measures of each method."""
    names = ("nmi", "v_measure", "ari", "ami", "placed", "groups", "seconds")
    table = Table("méthode", *names, title=f"{shown['texts']} textes, {shown['labels']} thèmes")
    for method, values in shown["methods"].items():
        cells = (
            f"{values[name]:.0f}" if name == "groups" else f"{values[name]:.3f}" for name in names
        )
        table.add_row("la nôtre" if method == "ours" else method, *cells)
    console.print(table)


def _show_group(group: Mapping[str, Any], *, several: bool) -> None:
    marks = [STABILITY[group["stability"]], "locale" if group["local"] else "transversale"]
    if group["locked"]:
        marks.append("verrouillé")
    table = Table("", "contribution", "structure", "lien")
    table.title = f"[bold]{group['id']}  {escape(group['title'])}[/bold]  ({', '.join(marks)})"
    table.title_justify = "left"
    for member in group["members"][:SHOWN_MEMBERS]:
        bar = "■" * max(1, round(member["strength"] * 10))
        table.add_row(
            *map(escape, (member["id"], member["title"], member["organisation"])), bar[:5]
        )
    console.print(table)
    if len(group["members"]) > SHOWN_MEMBERS:
        say(f"… et {len(group['members']) - SHOWN_MEMBERS} autres.")
    central = group["central"]
    say(f"Au centre : {central['id']}, {central['title']} « {central['sentence']} »")
    say(f"Termes : {', '.join(group['terms'])}")
    colleges = ", ".join(f"{COLLEGES[name]} {n}" for name, n in group["colleges"].items())
    say(f"Secteurs : {', '.join(group['sectors'])}. Collèges : {colleges}.")
    if several:
        say(f"Territoires : {', '.join(group['sociopoles'])}")
    for near in group["nearest"]:
        say(f"Proche : {near['title']} ({near['organisation']}, {near['discipline'] or '?'})")


def _show_territories(shown: Mapping[str, Any]) -> None:
    if len(shown["sociopoles"]) < 2:
        return
    say(f"Convergences (plusieurs territoires) : {', '.join(shown['convergences']) or 'aucune'}")
    for slug, names in shown["specificities"].items():
        say(f"Propre à {slug} : {', '.join(names) or 'rien'}")


def _name(group: Mapping[str, str]) -> str:
    return escape(f"{group['id']} {group['title']}")


def _names(groups: Sequence[Mapping[str, str]]) -> str:
    return "\n".join(_name(group) for group in groups)


def _plural(n: int, word: str) -> str:
    return f"{n} {word}{'s' if n > 1 else ''}"
