"""`sociopoles serve` as a process: several workers, its log, its end, and what it refuses."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError

import pytest

from service.access import Permission
from service.app import LARGEST_BODY
from service.resources import open_resources
from service.settings import Settings
from tests.builders import SLUG
from tests.fakes import WordEncoder
from tests.service.conftest import Run
from tests.service.people import ADMIN, make_key
from tests.service.serving import Served, free_port, serving
from tests.test_deployment import command_of, last_stage

RUNS = f"/api/v1/sociopoles/{SLUG}/runs"
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ASKED = 200
FLOOR = 10
"""Two workers may be so many times slower than one before something waits for a clock."""


@pytest.fixture(scope="module")
def folder(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data that several services share."""
    target = tmp_path_factory.mktemp("serve") / "data"
    return Path(shutil.copytree(sqlite_template.parent, target))


@pytest.fixture(scope="module")
def key(folder: Path) -> dict[str, str]:
    """The header of someone who may make runs."""
    resources = open_resources(Settings(data=folder), WordEncoder())
    secret = make_key(resources, ADMIN, Permission.READ, Permission.REVIEW)
    resources.engine.dispose()
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture(scope="module")
def one(folder: Path, model: Path) -> Iterator[Served]:
    """One process, which believes the proxy of this machine."""
    with serving(folder, model, trusted_proxies="127.0.0.1") as served:
        yield served


@pytest.fixture(scope="module")
def two(folder: Path, model: Path) -> Iterator[Served]:
    """Two processes on one port, which believe no proxy."""
    with serving(folder, model, "--workers", "2") as served:
        yield served


def p50(served: Served) -> float:
    """Half of the answers on kept connections come within so many seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    connection.connect()
    # What a browser does: otherwise it is this end that waits.
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    times = []
    for _ in range(ASKED):
        start = time.perf_counter()
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        times.append(time.perf_counter() - start)
    connection.close()
    return statistics.median(times)


def test_two_workers_are_no_slower_than_one(one: Served, two: Served) -> None:
    assert p50(two) / p50(one) < FLOOR


def test_workers_count_together(two: Served) -> None:
    for _ in range(40):
        assert two.ask("/api/v1/health").status == 200

    counted = [two.ask("/metrics").body.decode() for _ in range(8)]

    line = 'sociopoles_requests_total{method="GET",route="/api/v1/health",status="200"} 40.0'
    assert all(line in page for page in counted)
    assert all("\nsociopoles_index_revision " in page for page in counted)


def test_a_worker_that_is_killed_is_replaced(two: Served) -> None:
    before = workers(two)

    for worker in before:
        os.kill(worker, signal.SIGKILL)

    assert eventually_answers(two)
    assert len(workers(two)) == 2
    assert workers(two).isdisjoint(before)


def workers(served: Served) -> set[int]:
    """The processes that answer: the last that were started, after that of multiprocessing."""
    pid = served.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {
        int(child)
        for child in children
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    }


def eventually_answers(served: Served) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            return served.ask("/readyz").status == 200
        except OSError:
            time.sleep(0.1)
    return False


def test_the_image_asks_for_its_health_as_it_should(one: Served) -> None:
    words = command_of(last_stage(), "HEALTHCHECK")
    assert words[0] == "python"

    codes = []
    for port in (one.port, free_port()):
        asked = [sys.executable, words[1], words[2].replace(":8000", f":{port}")]
        codes.append(subprocess.run(asked, capture_output=True, check=False).returncode)

    assert codes == [0, 1]


def test_a_request_that_is_on_its_way_is_answered_before_the_end(
    folder: Path, model: Path, key: dict[str, str]
) -> None:
    headers = "".join(f"{name}: {value}\r\n" for name, value in (key | JSON).items())
    head = f"POST {RUNS} HTTP/1.1\r\nHost: s\r\n{headers}"
    with serving(folder, model) as served:
        with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
            connection.sendall(f"{head}Content-Length: 2\r\n\r\n{{".encode())
            # Another request answered: by then the first one has begun.
            assert served.ask("/healthz").status == 200
            served.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            connection.sendall(b"}")
            answer = connection.recv(100)

        assert answer.startswith(b"HTTP/1.1 201")
        assert served.process.wait(60) == 0


def test_a_body_that_is_too_large_costs_no_memory(one: Served, key: dict[str, str]) -> None:
    before, keyed = resident(one.process.pid), key | JSON

    # Refused while it is still being sent: whoever sends may see the connection closed.
    with suppress(URLError):
        one.ask(RUNS, method="POST", body=b" " * 20 * LARGEST_BODY, headers=keyed)
    deep = one.ask(RUNS, method="POST", body=b"[" * 900_000, headers=keyed)
    fields = b"&".join(b"champ%d=1" % i for i in range(70_000))
    many = one.ask("/connexion", method="POST", body=fields, headers=FORM)

    assert (deep.status, many.status) == (422, 422)
    assert resident(one.process.pid) - before < 100_000_000


def resident(pid: int) -> int:
    """Bytes of memory at the highest, since the process began."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status)[1])  # type: ignore[index]


def test_only_a_trusted_proxy_says_that_the_outside_is_https(one: Served, two: Served) -> None:
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}

    believed, not_believed = (served.ask("/healthz", headers=forwarded) for served in (one, two))

    assert "strict-transport-security" in believed.headers
    assert "strict-transport-security" not in not_believed.headers


def test_a_proxy_of_this_machine_does_not_open_what_is_for_this_machine(
    one: Served, two: Served
) -> None:
    for served in (one, two):
        assert served.ask("/metrics").status == 200
        assert served.ask("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status == 403
        assert served.ask("/metrics", headers={"Host": "sociopoles.example"}).status == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "serveur.example"])  # noqa: S104
def test_an_address_that_others_reach_is_refused(run: Run, host: str) -> None:
    result = run("serve", "--host", host)

    assert result.exit_code == 1
    assert "--behind-proxy" in result.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_others_are_let_in_only_once_somebody_administers(
    run: Run, capfd: pytest.CaptureFixture[str], workers: str
) -> None:
    result = run("serve", "--host", "0.0.0.0", "--behind-proxy", "--workers", workers)  # noqa: S104

    assert result.exit_code == 1
    # Several workers are prepared for by a process of its own.
    assert "create-admin" in result.stderr + capfd.readouterr().err


@pytest.mark.parametrize(
    ("options", "saying"),
    [
        (("--workers", "0"), "SOCIOPOLES_WORKERS"),
        (("--port", "70000"), "SOCIOPOLES_PORT"),
        (("--limit-concurrency", "0"), "SOCIOPOLES_LIMIT_CONCURRENCY"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused(
    run: Run, options: tuple[str, ...], saying: str
) -> None:
    result = run("serve", *options)

    assert result.exit_code == 1
    assert saying in result.stderr


CANARIES = ("canari-7f3a", "canari.7f3a@exemple.example", "7f3acafe7f3acafe")


def test_nothing_that_was_sent_is_in_the_log(one: Served, key: dict[str, str]) -> None:
    word, mail, secret = CANARIES
    headers = {
        "Authorization": f"Bearer {secret}",
        "Cookie": f"session={secret}",
        "Referer": f"http://exemple.example/?q={mail}",
        "User-Agent": word,
        "X-Forwarded-For": "203.0.113.77",
        "X-Request-Id": mail,
    }
    long_line = "%0d%0a%7B%22level%22:%22" + word

    for path in (
        f"/recherche?q={mail}",
        f"/api/v1/search?q={word}&sociopole={word}",
        f"/sociopoles/{word}",
        f"/sociopoles/{SLUG}{long_line}",
        f"/{word}/{mail}",
        f"/static/{word}.css",
        f"/api/v1/search?q=%00{word}",
    ):
        one.ask(path, headers=headers)
    body = json.dumps({"kinds": mail, word: secret}).encode()
    one.ask(RUNS, method="POST", body=body, headers=headers | JSON)
    one.ask(RUNS, method="POST", body=b"[" * 5000 + word.encode(), headers=headers | JSON)
    one.ask("/", method="CANARI-7F3A", headers=headers)
    one.ask(f"/api/v1/search?q={word}+{mail}", headers=headers | key)
    one.ask(RUNS, method="POST", body=body, headers=headers | JSON | key)
    form = f"email={mail}&password={secret}&suite=/{word}".encode()
    one.ask("/connexion", method="POST", body=form, headers=FORM)
    session = json.dumps({"email": mail, "password": secret}).encode()
    one.ask("/api/v1/session", method="POST", body=session, headers=JSON)
    with socket.create_connection(("127.0.0.1", one.port), timeout=60) as connection:
        connection.sendall(f"{word} {mail} \r\n{secret}\r\n\r\n".encode())
        connection.recv(1000)
    metrics = one.ask("/metrics").body.decode()

    written = one.log.read_text("utf-8")
    for canary in (*CANARIES, "203.0.113.77", "127.0.0.1:", "canari", key["Authorization"][-20:]):
        assert canary.casefold() not in written.replace(f"127.0.0.1:{one.port}", "").casefold()
        assert canary.casefold() not in metrics.casefold()
    lines = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    requests = [line for line in lines if line["message"] == "request"]
    assert len(requests) >= 13
    assert all(r["request"] and r["method"] and r["status"] for r in requests)
    assert {r["route"] for r in requests} >= {
        "/recherche",
        "/api/v1/search",
        "/sociopoles/{slug}",
        "-",
    }
