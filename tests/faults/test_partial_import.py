"""F13, F15: a file sent twenty times at once is one set of rows; one sent in part is none."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from sqlalchemy import func, select

from service.app import create_app
from service.database import read
from service.errors import Refused
from service.resources import Resources
from service.tables import Table
from service.workflows.take_in import ImportPlan, take_in
from tests.builders import SLUG
from tests.faults.audit import audit
from tests.faults.children import import_in_threads, journal_of, opened, take, write_file
from tests.faults.conftest import Served, Tally
from tests.faults.finding import fill
from tests.faults.processes import Children, Place

ROWS = 5_000
BAD_ROW = 4_999
PROCESSES, THREADS = 4, 5


@pytest.mark.fault("F13")
def test_twenty_imports_of_one_file_at_once_make_one_set_of_rows(
    place: Place, children: Children, tally: Tally
) -> None:
    path = write_file(place.folder, "lot", 60)
    started = [children.start(import_in_threads, place, path, THREADS) for _ in range(PROCESSES)]
    journal_of(place).wait_for(PROCESSES, started[0])
    place.beside("go").touch()
    for child in started:
        child.end()

    created = [line["created"] for line in journal_of(place).read() if "created" in line]
    assert sorted(created) == [0] * (PROCESSES * THREADS - 1) + [60]
    with opened(place) as resources:
        assert audit(resources, journal_of(place)) == []
        assert len(resources.indexes.vectors) == 60
    tally(PROCESSES * THREADS, "imports at once")


@pytest.fixture(scope="module")
def bad_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """5,000 rows, the last but one without a text."""
    path = write_file(tmp_path_factory.mktemp("files"), "recueil", ROWS)
    lines = path.read_text("utf-8").splitlines(keepends=True)
    lines[BAD_ROW] = f"recueil-{BAD_ROW - 1};Association;\r\n"
    path.write_text("".join(lines), "utf-8", newline="")
    return path


@pytest.mark.fault("F15")
def test_one_bad_row_of_five_thousand_leaves_nothing_and_is_named(
    place: Place, bad_file: Path, tally: Tally
) -> None:
    with opened(place) as resources:
        before = counts(resources)
        report = take(resources, bad_file)

        assert not report.written
        assert [error.row for error in report.errors] == [BAD_ROW + 1]
        assert counts(resources) == before
        assert audit(resources, journal_of(place)) == []
    tally(1, "bad rows")


@pytest.mark.fault("F15")
def test_a_bad_row_that_may_be_skipped_leaves_the_others_and_is_named(
    place: Place, bad_file: Path, tally: Tally
) -> None:
    with opened(place) as resources:
        plan = ImportPlan(bad_file, SLUG, "problem", skip_errors=True)
        report = take_in(resources, plan)

        assert (report.created, [e.row for e in report.errors]) == (ROWS - 1, [BAD_ROW + 1])
        assert audit(resources, journal_of(place)) == []
    tally(1, "bad rows skipped")


@pytest.mark.fault("F15")
@pytest.mark.parametrize(
    "content",
    [
        b"id;organisation;text\r\n1;Asso;les bus\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        b"PK\x03\x04" + bytes(range(256)) * 8,
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8,
    ],
    ids=["zeros", "half a workbook", "a picture"],
)
def test_a_file_that_cannot_be_read_leaves_nothing(
    place: Place, content: bytes, tally: Tally
) -> None:
    path = place.folder / "recueil.csv"
    path.write_bytes(content)
    with opened(place) as resources:
        before = counts(resources)
        with pytest.raises(Refused):
            take(resources, path)

        assert counts(resources) == before
    tally(1, "unreadable files")


@pytest.mark.fault("F15")
def test_a_client_that_hangs_up_in_the_middle_of_a_request_leaves_nothing(
    place: Place, served: Served, tally: Tally
) -> None:
    fill(place, "avant", 20)
    client, child = served(place)
    with opened(place) as resources:
        before = counts(resources)
        requests = list(writing_requests(resources))

    for method, path in requests:
        hang_up_halfway(client, method, path)

    assert len(requests) > 5
    # The service is still there for the next one, and took nothing of those.
    assert client.get("/api/v1/sociopoles").status_code == 200
    with opened(place) as resources:
        assert counts(resources) == before
    assert "Traceback" not in child.complaints
    tally(len(requests), "requests cut in the middle")


def writing_requests(resources: Resources) -> Iterator[tuple[str, str]]:
    """Every operation of the API that takes a body, about this sociopôle."""
    for path, operations in create_app(resources).openapi()["paths"].items():
        for method in (name for name in operations if "requestBody" in operations[name]):
            yield method.upper(), path.replace("{slug}", SLUG).replace("{id}", "1")


def hang_up_halfway(client: httpx2.Client, method: str, path: str) -> None:
    """Announce a body, send half of it, and close."""
    body = json.dumps({"text": "les bus s'arrêtent à dix-neuf heures"}).encode()
    address = urlsplit(str(client.base_url))
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {address.netloc}\r\nCookie: {cookies}\r\n"
        f"Sec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((str(address.hostname), address.port or 80)) as connection:
        connection.sendall(head.encode() + body[: len(body) // 2])


def counts(resources: Resources) -> dict[str, Any]:
    """How many rows each table has."""
    with read(resources.engine) as session:
        return {
            table.name: session.execute(select(func.count()).select_from(table)).scalar_one()
            for table in Table.metadata.sorted_tables
        }
