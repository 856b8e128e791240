"""Every answer has the headers of security, whatever it answers and whoever makes it."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.app import LARGEST_BODY, create_app
from service.middleware import DOCS, HEADERS, POLICY
from service.resources import Resources, open_resources
from service.settings import Settings
from tests.builders import SLUG
from tests.fakes import WordEncoder

RUNS = f"/api/v1/sociopoles/{SLUG}/runs"
WORST = "default-src 'none'"


@pytest.fixture
def app(data: object) -> Iterator[FastAPI]:
    resources: Resources = open_resources(Settings(data=data), WordEncoder())
    app = create_app(resources)

    @app.get("/essai/panne")
    @app.get("/api/v1/panne")
    def _fail() -> None:
        raise RuntimeError("une panne pour voir")

    yield app
    resources.engine.dispose()


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def assert_headed(answer: object) -> None:
    headers = answer.headers  # type: ignore[attr-defined]  # httpx2's Response has no public name
    for name, value in HEADERS.items():
        if name not in {"Content-Security-Policy", "Cache-Control"}:
            assert headers[name] == value
    assert WORST in headers["content-security-policy"]
    assert "unsafe-eval" not in headers["content-security-policy"]
    assert len(headers.get_list("content-security-policy")) == 1
    assert headers["x-request-id"]
    assert "server" not in headers


def test_every_route_of_the_application_has_them(client: TestClient) -> None:
    described = client.get("/api/v1/openapi.json").json()["paths"]
    paths = [path.replace("{slug}", SLUG) for path in described]
    pages = ["/", f"/sociopoles/{SLUG}", "/recherche?q=jardin", DOCS, "/healthz", "/readyz"]

    for path in [*paths, *pages]:
        assert_headed(client.get(path))


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/rien", None, 404),
        ("GET", "/api/v1/rien", None, 404),
        ("GET", "/static/rien.css", None, 404),
        ("GET", f"{RUNS}", None, 405),
        ("DELETE", "/", None, 405),
        ("POST", RUNS, b"[" * 10, 401),
        ("POST", "/api/v1/session", b"[" * 10, 422),
        ("POST", RUNS, b" " * (LARGEST_BODY + 1), 413),
        ("GET", "/essai/panne", None, 500),
        ("GET", "/api/v1/panne", None, 500),
        ("GET", "/api/v1/search?q=%00", None, 422),
    ],
)
def test_every_refusal_has_them_and_says_why(
    client: TestClient, method: str, path: str, body: bytes | None, status: int
) -> None:
    kind = {"Content-Type": "application/json"} if body else {}

    answer = client.request(method, path, content=body, headers=kind)

    assert answer.status_code == status
    assert_headed(answer)
    assert answer.headers["cache-control"] == "no-store"
    if path.startswith("/api/"):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
    else:
        assert "<h1>" in answer.text


def test_a_service_that_is_not_ready_has_them_too(app: FastAPI) -> None:
    # Without its start the application indexes nothing.
    answer = TestClient(app).get("/readyz")

    assert answer.status_code == 503
    assert_headed(answer)


def test_no_page_may_run_or_load_anything_from_elsewhere(client: TestClient) -> None:
    rules = dict(rule.strip().split(" ", 1) for rule in POLICY.split(";"))

    assert rules["default-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["form-action"] == "'self'"
    assert client.get("/").headers["content-security-policy"] == POLICY
    assert "script-src 'self';" in client.get(DOCS).headers["content-security-policy"]


def test_static_files_may_be_kept_and_pages_may_not(client: TestClient) -> None:
    style = client.get("/static/sociopoles.css")

    assert "max-age=" in style.headers["cache-control"]
    assert "public" in style.headers["cache-control"]
    assert_headed(style)
    again = client.get("/static/sociopoles.css", headers={"If-None-Match": style.headers["etag"]})
    assert (again.status_code, "max-age=" in again.headers["cache-control"]) == (304, True)
    for path in ("/", "/api/v1/sociopoles", "/healthz"):
        assert client.get(path).headers["cache-control"] == "no-store"


def test_https_is_asked_to_stay_and_http_is_not(app: FastAPI) -> None:
    plain = TestClient(app).get("/healthz")
    secure = TestClient(app, base_url="https://sociopoles.example").get("/healthz")

    assert "strict-transport-security" not in plain.headers
    assert secure.headers["strict-transport-security"] == "max-age=31536000"


def test_no_other_site_is_let_in(client: TestClient) -> None:
    foreign = {"Origin": "https://ailleurs.example", "Access-Control-Request-Method": "POST"}

    for method in ("GET", "OPTIONS"):
        answer = client.request(method, "/api/v1/sociopoles", headers=foreign)
        assert not [name for name in answer.headers if name.startswith("access-control-")]
