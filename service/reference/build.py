"""Turn the npm package @etalab/decoupage-administratif into the table of territories.

`python -m service.reference.build node_modules/@etalab/decoupage-administratif`
"""

import gzip
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from service.reference import TERRITORIES

Row = dict[str, Any]
METROPOLES = {"METRO", "MET69"}
# The package lists an EPT's communes only; the law of 7 August 2015 puts all EPT in this métropole.
GRAND_PARIS = "200054781"


def build(package: Path) -> list[Row]:
    """All territories with the ids of those they lie in, widest level first."""
    data = package / "data"
    lists = {
        name: json.loads((data / f"{name}.json").read_text("utf-8"))
        for name in ("regions", "departements", "epci", "ept", "communes")
    }
    communes = {c["code"]: c for c in lists["communes"] if c["type"] == "commune-actuelle"}
    rows = [_row("region", region, []) for region in lists["regions"]]
    rows += [
        _row("departement", departement, [f"region:{departement['region']}"])
        for departement in lists["departements"]
    ]
    groups: dict[str, list[str]] = {}
    for epci in lists["epci"]:
        level = "metropole" if epci["type"] in METROPOLES else "epci"
        rows.append(_group(level, epci, communes, groups))
    for ept in lists["ept"]:
        row = _group("ept", ept, communes, groups)
        row["parents"].append(f"metropole:{GRAND_PARIS}")
        rows.append(row)
    for code, commune in communes.items():
        parents = [f"departement:{commune['departement']}"] if "departement" in commune else []
        rows.append(_row("commune", commune, [*parents, *groups.get(code, [])]))
    known = {row["id"] for row in rows}
    for row in rows:
        row["parents"] = sorted(parent for parent in row["parents"] if parent in known)
    return rows


def _group(level: str, group: Row, communes: dict[str, Row], groups: dict[str, list[str]]) -> Row:
    members = [m["code"] for m in group["membres"] if m["code"] in communes]
    row = _row(level, group, _around([communes[code] for code in members]))
    for code in members:
        groups.setdefault(code, []).append(row["id"])
    return row


def _around(communes: Sequence[Row]) -> list[str]:
    """The smallest of département and région that a group lies in wholly."""
    for level in ("departement", "region"):
        codes = {commune.get(level, "") for commune in communes}
        if len(codes) == 1:
            return [f"{level}:{codes.pop()}"]
    return []


def _row(level: str, source: Row, parents: list[str]) -> Row:
    return {
        "id": f"{level}:{source['code']}",
        "level": level,
        "code": source["code"],
        "name": source["nom"],
        "population": source.get("population", source.get("populationMunicipale")),
        "former": source.get("anciensCodes", []),
        "parents": parents,
    }


def main() -> None:
    """Read the package named on the command line and write the table."""
    rows = build(Path(sys.argv[1]))
    content = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()
    # mtime 0: the same package gives the same bytes.
    TERRITORIES.write_bytes(gzip.compress(content, mtime=0))


if __name__ == "__main__":
    main()
