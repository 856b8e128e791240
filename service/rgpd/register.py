"""The register of processing (art. 30), with the durations that the purge follows."""

import tomllib
from pathlib import Path
from typing import Any

from service.rgpd.durations import DURATIONS, NOTICE
from service.rgpd.identity import map_strings

REGISTER = Path(__file__).parent / "registre.toml"
UNKNOWN = "à renseigner : {}"


def read_register(*, controller: str, contact: str) -> dict[str, Any]:
    """The register with plain values, for a page, a file or the terminal."""
    said = {name: duration.said for name, duration in DURATIONS.items()} | {"notice": NOTICE}
    filled = map_strings(
        tomllib.loads(REGISTER.read_text("utf-8")), lambda text: text.format_map(said)
    )
    return {
        "controller": controller or UNKNOWN.format("SOCIOPOLES_CONTROLLER"),
        "contact": contact or UNKNOWN.format("SOCIOPOLES_PRIVACY_CONTACT"),
        "processings": [
            {
                "name": entry["nom"],
                "purpose": entry["finalite"],
                "legal_basis": entry["base_legale"],
                "people": entry["personnes"],
                "data": entry["donnees"],
                "sensitive": entry["sensibles"],
                "recipients": entry["destinataires"],
                "transfers": entry["hors_ue"],
                "durations": entry["durees"],
                "tables": entry["tables"],
            }
            for entry in filled["traitement"]
        ],
        "security": filled["securite"]["mesures"],
    }
