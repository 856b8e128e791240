"""The JSON API under /api/v1: one router a subject."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from service.api import (
    accounts,
    exports,
    groups,
    imports,
    jobs,
    pairings,
    queries,
    session,
    sociopoles,
    statements,
)
from service.api.problems import ANSWERS
from service.visits import Anyone

ROUTERS = (
    session.router,
    sociopoles.router,
    statements.router,
    pairings.router,
    groups.router,
    queries.router,
    imports.router,
    exports.router,
    jobs.router,
    accounts.router,
)
router = APIRouter(prefix="/api/v1", responses=ANSWERS)

DOCS_PAGE = """<!doctype html>
<html lang="fr">
<head>
  <meta charset="utf-8">
  <title>Sociopoles : l'API</title>
  <link rel="stylesheet" href="/static/vendor/swagger-ui.css">
</head>
<body>
  <div id="swagger-ui"></div>
  <script src="/static/vendor/swagger-ui-bundle.js"></script>
  <script src="/static/api-docs.js"></script>
</body>
</html>
"""


@router.get("/docs", include_in_schema=False)
def read_docs(visit: Anyone) -> HTMLResponse:  # noqa: ARG001 - the permission is the point
    """The API's documentation, from the packages installed here: nothing from another host."""
    return HTMLResponse(DOCS_PAGE)


@router.get("/health")
def health(visit: Anyone) -> dict[str, str]:  # noqa: ARG001 - the permission is the point
    """Whether the process answers."""
    return {"status": "ok"}
