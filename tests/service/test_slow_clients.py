"""Three hundred senders that never finish: the proxy lets go of them, and nobody else waits."""

import select
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

import pytest

from service.middleware import HEADERS
from tests.service.proxying import Proxied, proxying
from tests.service.serving import Answer, Served, serving

EACH = 100
LONGEST = 15
"""Seconds within which a half-open connection must be closed."""
HALF_HEAD = b"GET /connexion HTTP/1.1\r\nHost: localhost\r\nX-Sl"
HALF_BODY = (
    b"POST /connexion HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nemail="
)


@pytest.fixture(scope="module")
def served(
    sqlite_template: Path, model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("slow")
    data = folder / "data"
    data.mkdir()
    (data / "sociopoles.sqlite3").write_bytes(
        (sqlite_template.parent / "sociopoles.sqlite3").read_bytes()
    )
    settings = {"trusted_proxies": "127.0.0.1", "limit_concurrency": "350"}
    with serving(data, model, **settings) as served:
        yield served


@pytest.fixture(scope="module")
def proxied(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    with proxying(tmp_path_factory.mktemp("nginx"), served.port) as proxied:
        yield proxied


class Stay(HTTPRedirectHandler):
    """Shows where one is sent, and does not go."""

    def redirect_request(self, *_arguments: object) -> None:
        return None


def ask(proxied: Proxied, path: str, body: bytes | None = None, **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(f"https://localhost:{proxied.https}{path}", body, sent)
    opener = build_opener(HTTPSHandler(context=proxied.trust), Stay)
    try:
        with opener.open(request, timeout=60) as answer:
            found = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, found, answer.read())
    except HTTPError as error:
        with error:
            found = {name.lower(): value for name, value in error.headers.items()}
            return Answer(error.code, found, error.read())


def open_plain(port: int, words: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(words)
    return connection


def open_secure(proxied: Proxied, words: bytes) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", proxied.https), timeout=30)
    connection = proxied.trust.wrap_socket(plain, server_hostname="localhost")
    connection.sendall(words)
    return connection


def still_open(connections: list[socket.socket], seconds: float) -> int:
    """How many are open after so long; what is sent on them meanwhile is read."""
    waiting = {connection.fileno(): connection for connection in connections}
    deadline = time.monotonic() + seconds
    while waiting and time.monotonic() < deadline:
        ready, _, _ = select.select(waiting, [], [], 0.2)
        for number in ready:
            if is_closed(waiting[number]):
                waiting.pop(number).close()
    return len(waiting)


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(4096) == b""
    except OSError:
        return True


def test_behind_the_proxy_half_open_connections_are_closed(proxied: Proxied) -> None:
    connections: list[socket.socket] = []
    for _ in range(EACH):
        connections.append(open_plain(proxied.https, b""))
        connections.append(open_secure(proxied, HALF_HEAD))
        connections.append(open_secure(proxied, HALF_BODY))

    meanwhile = ask(proxied, "/healthz").status
    left = still_open(connections, LONGEST)

    assert meanwhile == 200
    assert left == 0


def test_without_the_proxy_they_stay_and_the_others_are_answered(served: Served) -> None:
    """Why the proxy is needed: uvicorn waits for ever, up to as many as it takes."""
    slow = [open_plain(served.port, HALF_HEAD) for _ in range(3 * EACH)]

    assert served.ask("/healthz").status == 200
    assert still_open(slow, 1) == 3 * EACH

    more = [open_plain(served.port, HALF_HEAD) for _ in range(EACH)]
    assert served.ask("/healthz").status == 503
    for connection in (*slow, *more):
        connection.close()
    deadline = time.monotonic() + 30
    while served.ask("/healthz").status != 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert served.ask("/healthz").status == 200


def test_through_the_proxy_pages_come_whole_and_once_headed(proxied: Proxied) -> None:
    answer = ask(proxied, "/connexion")

    assert answer.status == 200
    assert b"</html>" in answer.body
    for name, value in HEADERS.items():
        assert answer.headers[name.casefold()] == value
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_what_is_for_the_machine_is_not_for_the_outside(proxied: Proxied) -> None:
    for path in ("/metrics", "/readyz"):
        answer = ask(proxied, path)
        assert answer.status == 404
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_is_too_large_is_refused_by_one_or_the_other(proxied: Proxied) -> None:
    headers = {"Content_Type": "application/x-www-form-urlencoded"}

    by_the_service = ask(proxied, "/connexion", b"x" * 2_000_000, **headers)
    by_the_proxy = ask(proxied, "/connexion", b"x" * 26_000_000, **headers)

    assert (by_the_service.status, by_the_proxy.status) == (413, 413)
    assert "trop volumineux" in by_the_service.body.decode()
    assert by_the_proxy.headers["strict-transport-security"]


def test_the_cookie_is_that_of_https_and_forms_of_this_site_are_taken(proxied: Proxied) -> None:
    """The proxy passes on the name and port by which the browser knows the site."""
    form = b"email=personne%40exemple.example&password=non"
    here = f"https://localhost:{proxied.https}"
    headers = {"Content_Type": "application/x-www-form-urlencoded", "Origin": here}

    taken = ask(proxied, "/connexion", form, **headers)
    refused = ask(proxied, "/connexion", form, **headers | {"Origin": "https://ailleurs.example"})

    assert (taken.status, refused.status) == (401, 403)


def test_plain_http_is_sent_to_https(proxied: Proxied) -> None:
    with open_plain(proxied.http, b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n") as connection:
        answer = connection.recv(4096).decode()

    assert answer.startswith("HTTP/1.1 301")
    assert "Location: https://localhost/x" in answer
