"""What several routes take: numbers, pages, the version a change is made on."""

from typing import Annotated

from fastapi import Header, Path, Query, Response
from pydantic import BeforeValidator

LARGEST = 2**53
"""Beyond, JavaScript no longer tells two numbers apart, nor does any database of ours go there."""


def give_version(response: Response, version: int) -> None:
    """Say which version was read."""
    response.headers["ETag"] = f'"{version}"'


def _parse_version(value: object) -> object:
    text = str(value).strip()
    return None if text == "*" else text.removeprefix("W/").strip('"')


ProviderName = Annotated[str, Path(max_length=32, description="fournisseur d'identité")]
Number = Annotated[int, Path(ge=1, le=LARGEST)]
After = Annotated[int, Query(ge=0, le=LARGEST, description="`next` de la page précédente")]
Before = Annotated[int | None, Query(ge=1, le=LARGEST, description="`next` de la page précédente")]
Limit = Annotated[int, Query(ge=1, le=200, description="au plus, par page")]
IfMatch = Annotated[
    int | None,
    BeforeValidator(_parse_version),
    Header(description="la version lue (ETag) ; absente, la dernière écriture l'emporte"),
]
"""The version of If-Match; None for `*`, and where there is none."""
