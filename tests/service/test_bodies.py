"""What is sent: sizes by route, depth, number of fields, and text that is text."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Form, Request, UploadFile
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

    @app.post("/api/v1/essai/pieces")
    def _take_parts(
        mot: Annotated[str, Form()] = "", fichier: UploadFile | None = None
    ) -> tuple[str, int]:
        return mot, len(fichier.file.read()) if fichier else 0

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


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/x+y+json",
        "application/x+JSON; charset=utf-8",
        "application/vnd.a!b+json",
        " application/json",
        "application/json/x, application/json",
    ],
)
@pytest.mark.parametrize(
    "content",
    [rb'{"mot": "a\u0000b"}', '{"mot": "a\\u0000b"}'.encode("utf-16-le"), b'{"mot": "\\ud83d"}'],
)
def test_whatever_is_read_as_json_is_looked_at(
    client: TestClient, content: bytes, content_type: str
) -> None:
    path, headers = "/api/v1/essai/json", {"Content-Type": content_type}

    assert client.post(path, content=content, headers=headers).status_code == 422


def test_the_first_of_two_types_is_the_one_that_counts(client: TestClient) -> None:
    types = [("Content-Type", "application/json"), ("Content-Type", "text/plain")]

    answer = client.post("/api/v1/essai/json", content=rb'{"mot": "\u0000"}', headers=types)

    assert answer.status_code == 422


def in_form_parts(head: str, value: bytes, boundary: bytes = b"b") -> bytes:
    """A form of one part."""
    start = b"--" + boundary + f"\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode()
    return start + value + b"\r\n--" + boundary + b"--\r\n"


@pytest.mark.parametrize(
    ("head", "value", "more"),
    [
        ('name="mot"', b"a\0b", ""),
        ('name="mot"', b"x" * 5000 + b"\0", ""),
        ('name="mot"', "a\0b".encode("utf-16-le"), "; charset=utf-16-le"),
        ('name="mot"', b"a+AAA-b", "; charset=utf-7"),
        ('name="mot"', rb"a\ud83d", "; charset=unicode_escape"),
        ('name="fichier"; filename="a\0.csv"', b"texte", ""),
    ],
)
@pytest.mark.parametrize("piece", [1, 7, 10_000])
def test_nul_in_the_fields_of_a_form_with_files_is_refused(
    client: TestClient, head: str, value: bytes, more: str, piece: int
) -> None:
    body = in_form_parts(head, value)
    headers = {"Content-Type": f"multipart/form-data; boundary=b{more}"}
    pieces = (body[start : start + piece] for start in range(0, len(body), piece))

    answer = client.post("/api/v1/essai/pieces", content=pieces, headers=headers)

    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=UTF-8"])
def test_a_file_may_hold_anything_and_its_form_any_text(client: TestClient, charset: str) -> None:
    path, headers = (
        "/api/v1/essai/pieces",
        {"Content-Type": f"multipart/form-data; boundary=b{charset}"},
    )
    file = in_form_parts('name="fichier"; filename="a.xlsx"', b"PK\0\xff\xed\xa0\x80")
    text = in_form_parts('name="mot"', "é 😀".encode())

    assert client.post(path, content=file, headers=headers).json() == ["", 7]
    assert client.post(path, content=text, headers=headers).json() == ["é 😀", 0]


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=" + "b" * 10_000])
@pytest.mark.parametrize("content", [b"", b"texte", b"--b\r\n: \0\r\n\r\n"])
def test_a_form_that_cannot_be_cut_is_never_a_fault(
    client: TestClient, boundary: str, content: bytes
) -> None:
    headers = {"Content-Type": f"multipart/form-data{boundary}"}

    answer = client.post("/api/v1/essai/pieces", content=content, headers=headers)

    assert answer.status_code in {200, 422}, answer.text


def test_what_is_not_text_never_reaches_the_database(resources: Resources) -> None:
    import_texts(resources, "besoin de vélos")

    with TestClient(create_app(resources)) as client:
        sign_in(client, resources)
        refused = client.post(RUNS, content=rb'{"kinds": "problem\u0000"}', headers=JSON)
        taken = client.post(RUNS, json={})

    assert (refused.status_code, taken.status_code) == (422, 201)
