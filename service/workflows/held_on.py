"""What is held on a person: everything, as JSON and as sheets, in one file to hand over."""

import csv
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from service.database import now, read
from service.files.neutralising import neutralise
from service.resources import Resources
from service.rgpd.identity import Sought
from service.rgpd.register import read_register
from service.store.personal import held_of, label_of
from service.workflows.identify import Asking, identify
from service.workflows.ledger import open_ledger


def held_on(resources: Resources, *, email: str = "", name: str = "") -> dict[str, Any]:
    """Every row that is about a person, names them or is signed by them, by table.

    Raises Refused where several persons could be meant.
    """
    salt = open_ledger(resources).salt
    with read(resources.engine) as session:
        person, notes = identify(session, Asking(email=email, name=name))
        held = held_of(session, Sought(salt, salt.keys(person)))
    settings = resources.settings
    register = read_register(controller=settings.controller, contact=settings.privacy_contact)
    return {
        "at": now().isoformat(timespec="seconds"),
        "searched": {"emails": list(person.emails), "names": list(person.names)},
        "notes": notes,
        "held": [
            {"table": table, "label": label_of(table), "rows": rows} for table, rows in held.items()
        ],
        "register": _about(register, set(held)),
    }


def zip_held(held: Mapping[str, Any]) -> bytes:
    """A zip of what is held: one JSON file, a sheet a table, and what the person must know."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("LISEZ-MOI.txt", _read_me(held))
        archive.writestr("donnees.json", json.dumps(held, ensure_ascii=False, indent=2))
        for part in held["held"]:
            archive.writestr(f"{part['table']}.csv", _sheet(part["rows"]))
    return buffer.getvalue()


def _about(register: Mapping[str, Any], tables: set[str]) -> dict[str, Any]:
    concerned = [p for p in register["processings"] if tables & set(p["tables"])]
    return {**register, "processings": concerned}


def _sheet(rows: Sequence[Mapping[str, Any]]) -> str:
    stream = io.StringIO()
    stream.write("\ufeff")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.writer(stream, delimiter=";")
    writer.writerow(columns)
    writer.writerows([neutralise(_cell(row.get(name))) for name in columns] for row in rows)
    return stream.getvalue()


def _cell(value: Any) -> str:  # noqa: ANN401 - a value of any table
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _contents(held: Mapping[str, Any]) -> list[str]:
    if not held["held"]:
        return ["Aucune donnée n'a été trouvée."]
    return [f"- {p['label']} : {len(p['rows'])} ({p['table']}.csv)" for p in held["held"]]


def _read_me(held: Mapping[str, Any]) -> str:
    register = held["register"]
    searched = ", ".join([*held["searched"]["emails"], *held["searched"]["names"]])
    lines = [
        f"Données détenues au {held['at'][:10]} sur : {searched}",
        "",
        *_contents(held),
        "",
        "donnees.json contient la même chose, pour un logiciel.",
        "",
        f"Responsable du traitement : {register['controller']}",
        f"Pour faire corriger ou effacer, s'opposer, retirer un accord : {register['contact']}",
        "Réclamation : CNIL, www.cnil.fr",
    ]
    for processing in register["processings"]:
        lines += [
            "",
            processing["name"],
            f"  Finalité : {processing['purpose']}",
            f"  Base légale : {processing['legal_basis']}",
            f"  Destinataires : {' ; '.join(processing['recipients'])}",
            f"  Durées : {' ; '.join(processing['durations'])}",
        ]
    return "\n".join([*lines, *("", *held["notes"]), ""])
