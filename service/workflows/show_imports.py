"""Files that were taken in, and the lines that were left out of them."""

import io
from typing import Any

from service.database import read
from service.files.writing import Column, Sheet, SheetFormat, write_sheet
from service.resources import Resources
from service.store.imports import get_import, list_imports
from service.store.sociopoles import get_sociopole, sociopole_id

COUNTS = ("rows", "created", "updated", "unchanged", "duplicates")


def show_imports(
    resources: Resources, slug: str, *, before: int | None = None, limit: int = 50
) -> dict[str, Any]:
    """Files taken in, the newest first, and where the next page starts."""
    with read(resources.engine) as session:
        sociopole = get_sociopole(session, slug)
        found = list_imports(session, sociopole.id, before=before, limit=limit + 1)
    page = found[:limit]
    return {
        "imports": [
            {
                "id": one.id,
                "at": one.at.isoformat(timespec="seconds"),
                "file_name": one.file_name,
                "kind": one.kind,
                "columns": dict(one.columns),
                "report": {name: one.report[name] for name in COUNTS if name in one.report},
                "errors": len(one.report.get("errors", [])),
            }
            for one in page
        ],
        "next": page[-1].id if len(found) > limit else None,
    }


def errors_file(resources: Resources, slug: str, number: int) -> tuple[str, bytes]:
    """The name and the bytes of a sheet of the lines left out. Raises NotFound."""
    with read(resources.engine) as session:
        found = get_import(session, sociopole_id(session, slug), number)
    columns = [Column("ligne"), Column("colonne"), Column("message", width=80)]
    rows = [(e["row"], e["column"], e["message"]) for e in found.report.get("errors", [])]
    file = io.BytesIO()
    write_sheet(file, Sheet("erreurs", columns, rows), SheetFormat.CSV)
    return f"erreurs-{slug}-{number}.csv", file.getvalue()
