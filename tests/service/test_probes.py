"""What machines ask: alive, ready, counted."""

import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import text, update

from matcher.encoder import Progress, Vectors
from service.app import create_app
from service.database import open_engine, write
from service.resources import Resources, open_resources
from service.settings import Settings
from service.store.health import jobs_by_state
from service.tables import Revision
from service.workflows.stay_ready import BEHIND_AT_MOST
from tests.builders import SLUG, import_texts
from tests.conftest import OpenResources
from tests.fakes import WordEncoder
from tests.service.people import sign_in

HERE = ("127.0.0.1", 50_000)
FAR = ("203.0.113.5", 50_000)
LOCAL = "http://127.0.0.1:8000"


@pytest.fixture
def app(resources: Resources) -> FastAPI:
    import_texts(resources, "besoin de vélos", "jardin partagé")
    return create_app(resources)


@pytest.fixture
def asked(app: FastAPI) -> TestClient:
    """The application before its start: nothing is indexed but by searches."""
    client = TestClient(app, base_url=LOCAL, client=HERE)
    return sign_in(client, app.state.resources.unscoped())


def missing(client: TestClient) -> str:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"]
    said: str = answer.json()["detail"]
    return said


def test_a_service_indexes_at_its_start_and_is_then_ready(app: FastAPI) -> None:
    with TestClient(app) as client:
        assert eventually_ready(client)
        assert len(app.state.resources.indexes.vectors) == 2


def eventually_ready(client: TestClient) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        answer = client.get("/readyz")
        if answer.status_code == 200:
            assert answer.json()["status"] == "ready"
            return True
        time.sleep(0.02)
    return False


class FailingOnce(WordEncoder):
    """A model that fails in a way nobody foresaw, the first time it embeds a text."""

    has_failed = False

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        if "besoin de vélos" in texts and not self.has_failed:
            self.has_failed = True
            raise ValueError("what no code expects")
        return super().encode_passages(texts, progress)


def test_a_service_whose_first_indexing_failed_is_ready_later(
    resources: Resources, open_more: OpenResources
) -> None:
    import_texts(resources, "besoin de vélos")
    encoder = FailingOnce("words-2")

    with TestClient(create_app(open_more(encoder))) as client:
        assert eventually_ready(client)

    assert encoder.has_failed


def test_what_is_not_indexed_yet_is_missing(resources: Resources) -> None:
    assert "index" in missing(TestClient(create_app(resources)))


def test_a_few_changes_behind_is_ready_and_many_are_not(
    app: FastAPI, open_more: OpenResources
) -> None:
    with TestClient(app) as client:
        assert eventually_ready(client)
        one_more = [f"texte {i}" for i in range(BEHIND_AT_MOST + 3)]
        other = open_more()

        import_texts(other, *one_more[:3])
        assert client.get("/readyz").status_code == 200

        import_texts(other, *one_more)
        assert "retard" in missing(client)
        # Having been asked is what made it catch up.
        assert eventually_ready(client)


def test_a_database_restored_under_the_service_is_missing_until_indexed(app: FastAPI) -> None:
    with TestClient(app) as client:
        assert eventually_ready(client)
        with write(app.state.resources.engine) as session:
            session.execute(update(Revision).values(epoch="f" * 32))

        assert "index" in missing(client)
        assert eventually_ready(client)


def test_tables_of_another_version_are_missing(data: Path) -> None:
    resources = open_resources(Settings(data=data), WordEncoder())
    with write(resources.engine) as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))

    client = TestClient(create_app(resources))

    assert "tables" in missing(client)
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/api/v1/health").json() == {"status": "ok"}
    resources.engine.dispose()


def test_a_database_that_cannot_be_read_is_missing_and_still_counted(data: Path) -> None:
    resources = open_resources(Settings(data=data), WordEncoder())
    client = TestClient(create_app(resources), base_url=LOCAL, client=HERE)
    resources.engine.dispose()
    for path in data.glob("sociopoles.sqlite3*"):
        path.write_bytes(b"rien d'une base" * 400)

    assert "la base de données ne répond pas" in missing(client)
    assert client.get("/healthz").status_code == 200
    assert "sociopoles_database_up 0.0" in client.get("/metrics").text
    resources.engine.dispose()


def test_requests_are_counted_by_route_never_by_what_was_asked(
    app: FastAPI, asked: TestClient
) -> None:
    inner, outer = APIRouter(), APIRouter(prefix="/dehors")

    @inner.get("/dedans/{word}")
    def _echo(word: str) -> str:
        return word

    outer.include_router(inner, prefix="/plus")
    app.include_router(outer)

    for path in (
        f"/sociopoles/{SLUG}",
        "/sociopoles/secret",
        "/secret",
        "/dehors/plus/dedans/secret",
    ):
        asked.get(path)
    asked.get("/recherche", params={"q": "secret"})
    asked.request("SECRET", "/")
    asked.get("/static/sociopoles.css")
    page = asked.get("/metrics").text

    for labels in (
        'method="GET",route="/sociopoles/{slug}",status="200"',
        'method="GET",route="/sociopoles/{slug}",status="404"',
        'method="GET",route="-",status="404"',
        'method="GET",route="/dehors/plus/dedans/{word}",status="200"',
        'method="GET",route="/recherche",status="200"',
        'method="-",route="/",status="405"',
        'method="GET",route="/static",status="200"',
    ):
        assert f"sociopoles_requests_total{{{labels}}} 1.0" in page
    assert (
        'sociopoles_request_seconds_bucket{le="+Inf",method="GET",route="/recherche"} 1.0' in page
    )
    assert "secret" not in page.casefold()


def test_the_index_and_the_database_are_measured(asked: TestClient) -> None:
    asked.get("/recherche", params={"q": "vélo"})
    page = asked.get("/metrics").text

    assert "\nsociopoles_index_statements 2.0" in page
    assert "\nsociopoles_index_revision 2.0" in page
    assert "\nsociopoles_database_revision 2.0" in page
    assert "\nsociopoles_database_up 1.0" in page


@pytest.mark.parametrize(
    ("client", "host", "headers", "status"),
    [
        (HERE, "127.0.0.1:8000", {}, 200),
        (("::1", 5), "localhost:8000", {}, 200),
        (("127.0.0.9", 5), "[::1]:8000", {}, 200),
        (HERE, "localhost", {}, 200),
        (FAR, "127.0.0.1:8000", {}, 403),
        (("testclient", 5), "127.0.0.1:8000", {}, 403),
        (HERE, "sociopoles.example", {}, 403),
        (HERE, "127.0.0.1:8000", {"X-Forwarded-For": "127.0.0.1"}, 403),
        (HERE, "127.0.0.1:8000", {"Forwarded": "for=127.0.0.1"}, 403),
        (FAR, "127.0.0.1:8000", {"Authorization": "Bearer "}, 403),
    ],
)
def test_without_a_token_only_this_machine_reads_the_counts(
    app: FastAPI, client: tuple[str, int], host: str, headers: dict[str, str], status: int
) -> None:
    asked = TestClient(app, client=client)

    assert asked.get("/metrics", headers={"Host": host} | headers).status_code == status


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("Bearer jeton-de-mesure", 200),
        ("Bearer jeton-de-mesur", 403),
        ("jeton-de-mesure", 403),
        ("Bearer é", 403),
        ("", 403),
    ],
)
def test_with_a_token_only_who_has_it_reads_the_counts(data: Path, given: str, status: int) -> None:
    token = SecretStr("jeton-de-mesure")
    resources = open_resources(Settings(data=data, metrics_token=token), WordEncoder())
    headers = {"Authorization": given.encode()}

    for client in (HERE, FAR):
        asked = TestClient(create_app(resources), base_url=LOCAL, client=client)
        assert asked.get("/metrics", headers=headers).status_code == status
    resources.engine.dispose()
    assert "jeton" not in repr(resources.settings)


def test_jobs_are_counted_by_state_where_there_are_jobs(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'jobs.sqlite3'}")
    with write(engine) as session:
        assert jobs_by_state(session) == {}
        session.execute(text("CREATE TABLE job (state TEXT)"))
        session.execute(text("INSERT INTO job VALUES ('queued'), ('done'), ('queued')"))
        assert jobs_by_state(session) == {"queued": 2, "done": 1}
    engine.dispose()
