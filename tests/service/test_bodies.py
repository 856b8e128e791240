"""What is sent: sizes by route, depth, number of fields, and text that is text."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Form, Request
from fastapi.testclient import TestClient

from service.app import LARGEST_BODY, create_app
from service.resources import Resources, open_resources
from service.settings import Settings
from tests.builders import SLUG, import_texts
from tests.fakes import WordEncoder
from tests.service.people import sign_in

RUNS = f"/api/v1/sociopoles/{SLUG}/runs"
LARGE = 20_000_000
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def client(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The application, with routes that take what the others are tried with."""
    data = Path(shutil.copytree(sqlite_template.parent, tmp_path_factory.mktemp("bodies") / "data"))
    resources = open_resources(Settings(data=data), WordEncoder())
    app = create_app(resources)

    @app.post("/api/v1/essai/fichier", max_body_size=LARGE)
    async def _take_file(request: Request) -> int:
        return len(await request.body())

    @app.post("/api/v1/essai/formulaire")
    def _take_form(mot: Annotated[str, Form()] = "") -> str:
        return mot

    @app.post("/api/v1/essai/json")
    def _take_json(anything: dict[str, Any]) -> dict[str, Any]:
        return anything

    with TestClient(app, raise_server_exceptions=False) as client:
        yield sign_in(client, resources)
    resources.engine.dispose()


def in_parts(size: int) -> Iterator[bytes]:
    """A body whose length is not told beforehand."""
    for start in range(0, size, 64_000):
        yield b" " * min(64_000, size - start)


@pytest.mark.parametrize("length", ["told", "untold"])
def test_a_body_too_large_is_refused_in_our_words(client: TestClient, length: str) -> None:
    size = LARGEST_BODY + 1
    content = in_parts(size) if length == "untold" else b" " * size

    answer = client.post(RUNS, content=content, headers=JSON)

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert "trop volumineux" in answer.json()["detail"]


@pytest.mark.parametrize("length", ["told", "untold"])
def test_a_route_that_takes_files_takes_more_and_still_not_all(
    client: TestClient, length: str
) -> None:
    def content(size: int) -> Any:
        return in_parts(size) if length == "untold" else b" " * size

    path = "/api/v1/essai/fichier"

    assert client.post(path, content=content(LARGE)).json() == LARGE
    assert client.post(path, content=content(LARGE + 1)).status_code == 413


@pytest.mark.parametrize("depth", [100, 900, 1_100, 10_000, 100_000])
@pytest.mark.parametrize("shape", ['{"a":', "["])
def test_json_however_deep_is_never_a_fault(client: TestClient, depth: int, shape: str) -> None:
    for close in ("", {"[": "]"}.get(shape, "}") * depth):
        answer = client.post(RUNS, content=shape * depth + "1" + close, headers=JSON)

        assert answer.status_code == 422


def test_ten_thousand_fields_are_refused(client: TestClient) -> None:
    fields = "&".join(f"champ{i}=1" for i in range(10_000))
    parts = "".join(
        f'--b\r\nContent-Disposition: form-data; name="c{i}"\r\n\r\n1\r\n' for i in range(10_000)
    )
    path = "/api/v1/essai/formulaire"

    assert client.post(path, content=fields, headers=FORM).status_code == 422
    multipart = {"Content-Type": "multipart/form-data; boundary=b"}
    assert client.post(path, content=parts + "--b--\r\n", headers=multipart).status_code == 422
    assert client.post(path, data={"mot": "besoin"}).json() == "besoin"


@pytest.mark.parametrize(
    "content",
    [
        rb'{"mot": "a\u0000b"}',
        rb'{"a\u0000b": 1}',
        rb'{"mot": "\\\u0000"}',
        rb'{"mot": "\ud83d"}',
        rb'{"mot": "\uDE00\uD83D"}',
        rb'{"mot": "\ud83d\ud83d\ude00"}',
        b'{"mot": "\xed\xa0\x80"}',
        b'{"mot": "\xff"}',
        b'{"mot": "a\x00b"}',
    ],
)
def test_nul_and_halves_of_characters_in_json_are_refused(
    client: TestClient, content: bytes
) -> None:
    answer = client.post("/api/v1/essai/json", content=content, headers=JSON)

    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    "text",
    [
        "é",
        "😀 et 𝔘",
        r"\u0000 écrit en clair",
        "\\",
        "\\\\u0000",
        "\u202e",
        "\u200b",
        "e\u0301" * 9,
    ],
)
@pytest.mark.parametrize("written", ["escaped", "plain"])
def test_text_of_any_script_is_let_through_unchanged(
    client: TestClient, text: str, written: str
) -> None:
    content = json.dumps({"mot": text}, ensure_ascii=written == "escaped").encode()

    answer = client.post("/api/v1/essai/json", content=content, headers=JSON)

    assert answer.json() == {"mot": text}


@pytest.mark.parametrize(
    "path",
    ["/sociopoles/a%00b", "/recherche?q=a%00", "/api/v1/search?q=%00", "/%00", "/static/%00"],
)
def test_nul_in_an_address_is_refused(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 422


@pytest.mark.parametrize("content", ["mot=a%00b", "mot=a\x00b", "%00=1"])
def test_nul_in_a_form_is_refused(client: TestClient, content: str) -> None:
    answer = client.post("/api/v1/essai/formulaire", content=content, headers=FORM)

    assert answer.status_code == 422
    assert "NUL" in answer.json()["detail"]


def test_what_is_not_text_never_reaches_the_database(resources: Resources) -> None:
    import_texts(resources, "besoin de vélos")

    with TestClient(create_app(resources)) as client:
        sign_in(client, resources)
        refused = client.post(RUNS, content=rb'{"kinds": "problem\u0000"}', headers=JSON)
        taken = client.post(RUNS, json={})

    assert (refused.status_code, taken.status_code) == (422, 201)
