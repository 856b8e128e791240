"""Files taken in: tried, confirmed, done in the background; and what was wrong with which line."""

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Response, UploadFile
from fastapi.responses import JSONResponse

from matcher.statements import Kind
from service.api.description import files
from service.api.parameters import Before, Limit, Number
from service.api.problems import ANSWERS, MEDIA_TYPE
from service.asked_first import AskedFirstOnce
from service.errors import Refused
from service.files.limits import MAX_FILE_BYTES
from service.files.writing import SheetFormat
from service.resources import Resources
from service.visits import Reviewing
from service.workflows.background import Asked, submit_import
from service.workflows.show_imports import errors_file, show_imports
from service.workflows.show_jobs import show_job
from service.workflows.take_in import ImportPlan, take_in
from service.workflows.take_in_decisions import take_in_decisions

router = APIRouter(
    prefix="/api/v1", responses=ANSWERS, tags=["imports"], route_class=AskedFirstOnce
)

LONGEST_MAPPING = 20_000
ROOM_FOR_FORM = 100_000
LARGEST = MAX_FILE_BYTES + ROOM_FOR_FORM
REPORT: dict[str, Any] = {"application/json": {"schema": {"type": "object"}}}
PROBLEM: dict[str, Any] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
REPORTED: dict[int | str, dict[str, Any]] = {
    200: {"description": "What was taken in.", "content": REPORT},
    422: {
        "description": "What kept all out, or a refusal.",
        "content": REPORT | PROBLEM,
    },
}
Sheet = Annotated[UploadFile, File(description="CSV, XLSX, XLS ou ODS")]


@router.post(
    "/sociopoles/{slug}/imports",
    max_body_size=LARGEST,
    response_class=JSONResponse,
    responses=REPORTED | {202: {"description": "The job.", "content": REPORT}},
)
def import_file(  # noqa: PLR0913 - FastAPI takes each part of a form as an argument
    visit: Reviewing,
    slug: str,
    file: Sheet,
    kind: Annotated[Kind, Form(description="nature des lignes", examples=["problem"])],
    mapping: Annotated[
        str, Form(max_length=LONGEST_MAPPING, description='JSON : {"text": "Objet"}')
    ] = "",
    dry_run: Annotated[bool, Form(description="essaie sans rien changer")] = False,
    skip_errors: Annotated[bool, Form(description="laisse de côté les lignes en erreur")] = False,
    background: Annotated[bool, Form(description="rend une tâche, pour un grand fichier")] = False,
) -> Response:
    """All rows or none, unless errors are skipped; the report says each error, line by line.

    200 with the report, 202 with a job when in the background, 422 with the report where errors
    kept everything out.
    """
    name = _name(file)
    plan = ImportPlan(
        Path(name), slug, kind, _mapping(mapping), dry_run=dry_run, skip_errors=skip_errors
    )
    if background:
        number = submit_import(visit.resources, plan, file.file, Asked(visit.by))
        return JSONResponse(show_job(visit.resources, number), 202)
    report = _take_in(visit.resources, plan, file)
    return JSONResponse(report, 200 if report["written"] or dry_run else 422)


@router.get("/sociopoles/{slug}/imports")
def list_imports(
    visit: Reviewing, slug: str, before: Before = None, limit: Limit = 50
) -> dict[str, Any]:
    """Files taken in, the newest first, with the columns they were read by."""
    return show_imports(visit.resources, slug, before=before, limit=limit)


@router.get(
    "/sociopoles/{slug}/imports/{number}/errors.csv",
    response_class=Response,
    responses=files("The lines left out.", SheetFormat.CSV.media_type),
)
def read_errors(visit: Reviewing, slug: str, number: Number) -> Response:
    """The lines of a file that were left out, and why, as a sheet."""
    name, body = errors_file(visit.resources, slug, number)
    return Response(
        body,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.post(
    "/sociopoles/{slug}/decisions/imports",
    max_body_size=LARGEST,
    response_class=JSONResponse,
    responses=REPORTED,
)
def import_decisions(
    visit: Reviewing,
    slug: str,
    file: Sheet,
    dry_run: Annotated[bool, Form(description="essaie sans rien changer")] = False,
) -> Response:
    """Decide what an edited sheet of pairings says; one error stops it all."""
    with tempfile.TemporaryDirectory() as folder:
        path = _put(folder, file)
        report = take_in_decisions(visit.resources, slug, path, by=visit.by, dry_run=dry_run)
    shown = report.as_json()
    return JSONResponse(shown, 422 if shown["errors"] else 200)


def _take_in(resources: Resources, plan: ImportPlan, file: UploadFile) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = _put(folder, file)
        placed = ImportPlan(
            path,
            plan.sociopole,
            plan.kind,
            plan.mapping,
            dry_run=plan.dry_run,
            skip_errors=plan.skip_errors,
            file_name=plan.path.name,
        )
        return take_in(resources, placed).as_json()


def _put(folder: str, file: UploadFile) -> Path:
    """The file under a name of ours: the sender's says only what kind of file it is."""
    path = Path(folder) / f"upload{Path(_name(file)).suffix[:8]}"
    with path.open("wb") as out:
        while part := file.file.read(1 << 20):
            out.write(part)
    return path


def _name(file: UploadFile) -> str:
    """The last part of the name, without what no file system of ours should see."""
    last = (file.filename or "").replace("\\", "/").rpartition("/")[2]
    kept = "".join(c for c in last if c.isprintable())[-200:]
    if not kept.strip(". "):
        raise Refused("Ce fichier n'a pas de nom : choisissez-le de nouveau.")
    return kept


def _mapping(text: str) -> dict[str, str]:
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(map(_is_text, [*found, *found.values()])):
        raise Refused('Les colonnes se donnent en JSON : {"text": "Objet", "id": "Numéro"}.')
    return dict(found)


def _is_text(value: object) -> bool:
    """Whether this is text that a database takes: half a character and NUL are none."""
    return isinstance(value, str) and not any(
        c == "\0" or 0xD800 <= ord(c) <= 0xDFFF for c in value
    )
