"""Addresses that people configure never lead inside the network."""

import gzip
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
from pytest_socket import SocketConnectBlockedError

from service.errors import Refused
from service.fetching import GuardedTransport, Unreachable, is_public, open_client, resolve
from tests.service.mail_servers import make_certificate

PUBLIC = "93.184.216.34"


ANSWERS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/ailleurs": (302, {"Location": "http://169.254.169.254/latest"}, b""),
    "/ici": (301, {"Location": "/"}, b""),
    "/dense": (200, {"Content-Encoding": "gzip"}, gzip.compress(bytes(5_000_000))),
    "/long": (200, {}, b"x" * 5_000),
    "/erreur": (503, {}, b"plus tard"),
}
DRIP_SECONDS, DROPS = 0.02, 100


class Machine(ThreadingHTTPServer):
    """A server inside; it notes the host that each request names."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.hosts: list[str] = []


class Handler(BaseHTTPRequestHandler):
    """Answers what ANSWERS says, or drop by drop, on connections that stay open."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.server, Machine)
        self.server.hosts.append(self.headers["Host"])
        status, headers, body = ANSWERS.get(self.path, (200, {}, b"bonjour"))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        drops = DROPS if self.path == "/goutte" else 0
        self.send_header("Content-Length", str(len(body) + drops))
        self.end_headers()
        self.wfile.write(body)
        for _ in range(drops):
            self.wfile.write(b".")
            time.sleep(DRIP_SECONDS)

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:  # who asked has gone
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(machine: Machine) -> Iterator[int]:
    thread = Thread(target=machine.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield machine.server_port
    machine.shutdown()
    thread.join()
    machine.server_close()


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def port(machine: Machine) -> Iterator[int]:
    with serving(machine) as port:
        yield port


class Names:
    """A resolver whose answer changes each time, as when someone rebinds a name."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    def __call__(self, _host: str, _port: int) -> list[str]:
        return self.answers.pop(0)


def get(url: str, *trusted: str, **options: Any) -> httpx2.Response:
    transport = GuardedTransport(frozenset(trusted), **options)
    with open_client(transport, timeout=2) as client:
        return client.get(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",  # noqa: S104 - nothing listens there
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "168.63.129.16",
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:8.8.8.8",
        "::7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "2001:0:53aa:64c:0:fbff:f5ff:fff4",
        "2001:db8::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_what_is_inside_is_not_public(address: str) -> None:
    assert not is_public(address)

    with pytest.raises(Refused, match="réseau interne"):
        get("http://exemple.test/", resolver=Names([address]))


@pytest.mark.parametrize("address", ["8.8.8.8", PUBLIC, "2606:4700:4700::1111"])
def test_what_is_outside_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0"),
        *("localhost", "LOCALHOST", "[::1]", "[::ffff:127.0.0.1]", "[::]", "127.0.0.1."),
        *("[0:0:0:0:0:ffff:7f00:1]", "0177.0.0.1", "127.0.0.1#@exemple.test"),
    ],
)
def test_however_it_is_written_this_machine_is_not_reached(
    host: str, machine: Machine, port: int
) -> None:
    with pytest.raises((Refused, httpx2.InvalidURL)):
        get(f"http://{host}:{port}/")

    assert machine.hosts == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://exemple.test/", "gopher://x.test/"])
def test_only_the_web_is_asked(url: str) -> None:
    with pytest.raises(Refused, match=r"http\(s\)"):
        get(url, resolver=Names([PUBLIC]))


def test_one_address_inside_among_others_is_enough_to_refuse(machine: Machine, port: int) -> None:
    with pytest.raises(Refused, match="réseau interne"):
        get(f"http://exemple.test:{port}/", resolver=Names([PUBLIC, "127.0.0.1"]))

    assert machine.hosts == []


@pytest.mark.filterwarnings("ignore:A test tried to use")
def test_a_name_that_changes_its_address_leads_to_the_one_that_was_checked(
    machine: Machine, port: int
) -> None:
    names = Names([PUBLIC], ["127.0.0.1"], ["127.0.0.1"])

    # The tests let no connection out: that it was tried is what shows.
    with pytest.raises(SocketConnectBlockedError, match=PUBLIC):
        get(f"http://exemple.test:{port}/", resolver=names)

    assert machine.hosts == []
    assert len(names.answers) == 2


def test_what_is_trusted_is_reached_by_its_name(machine: Machine, port: int) -> None:
    here = f"exemple.test:{port}"

    answer = get(f"http://{here}/", here, resolver=Names(["127.0.0.1"]))

    assert (answer.status_code, answer.text) == (200, "bonjour")
    assert machine.hosts == [here]


@pytest.mark.parametrize("trusted", ["127.0.0.1:1", "127.0.0.1", "localhost"])
def test_trust_is_for_one_host_and_port(trusted: str, machine: Machine, port: int) -> None:
    with pytest.raises(Refused, match="réseau interne"):
        get(f"http://127.0.0.1:{port}/", trusted)

    assert machine.hosts == []


def test_the_next_address_is_tried_where_one_is_closed(machine: Machine, port: int) -> None:
    here = f"exemple.test:{port}"

    answer = get(f"http://{here}/", here, resolver=Names(["::1", "127.0.0.1"]))

    assert answer.text == "bonjour"
    assert len(machine.hosts) == 1


@pytest.mark.parametrize("path", ["/ailleurs", "/ici"])
def test_a_redirection_is_not_followed(path: str, machine: Machine, port: int) -> None:
    here = f"127.0.0.1:{port}"
    transport = GuardedTransport(frozenset({here}))

    with (
        httpx2.Client(transport=transport, follow_redirects=True) as client,
        pytest.raises(Refused, match="renvoie ailleurs"),
    ):
        client.get(f"http://{here}{path}")

    assert len(machine.hosts) == 1


def test_an_answer_that_unfolds_is_refused(port: int) -> None:
    with pytest.raises(Refused, match="forme inattendue"):
        get(f"http://127.0.0.1:{port}/dense", f"127.0.0.1:{port}")


def test_an_answer_that_is_too_long_is_left(port: int) -> None:
    here = f"127.0.0.1:{port}"

    assert len(get(f"http://{here}/long", here, largest=5_000).content) == 5_000
    with pytest.raises(Refused, match="trop long"):
        get(f"http://{here}/long", here, largest=4_999)


def test_an_answer_drop_by_drop_is_given_up(port: int) -> None:
    here = f"127.0.0.1:{port}"

    with pytest.raises(Unreachable, match="trop lentement"):
        get(f"http://{here}/goutte", here, longest=0.1)


def test_an_error_of_the_other_side_is_handed_over(port: int) -> None:
    here = f"127.0.0.1:{port}"

    assert get(f"http://{here}/erreur", here).status_code == 503


def test_who_is_not_there_may_be_asked_again_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        here = f"127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(Unreachable, match="ne répond pas"):
        get(f"http://{here}/", here)


@pytest.mark.parametrize("answers", [[], [""]])
def test_a_name_without_address_is_said(answers: list[str]) -> None:
    def nowhere(_host: str, _port: int) -> list[str]:
        if answers:
            raise socket.gaierror(-2, "unknown")
        return []

    with pytest.raises(Unreachable):
        get("http://exemple.test/", resolver=nowhere)


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(Refused, match="n'est pas une adresse"):
        get("http://a..b/")


def test_numbers_are_read_as_the_machine_reads_them() -> None:
    assert resolve("0x7f.1", 80) == ["127.0.0.1"]


def test_proxies_of_the_environment_are_not_used(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    here = f"127.0.0.1:{port}"

    assert get(f"http://{here}/", here).text == "bonjour"


class TestEncrypted:
    @pytest.fixture
    def port(
        self, machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[int]:
        context, trusted = make_certificate(tmp_path, "exemple.test")
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        machine.socket = context.wrap_socket(machine.socket, server_side=True)
        with serving(machine) as port:
            yield port

    def test_the_certificate_is_that_of_the_name_not_of_the_address(
        self, machine: Machine, port: int
    ) -> None:
        here = f"exemple.test:{port}"

        answer = get(f"https://{here}/", here, resolver=Names(["127.0.0.1"]))

        assert answer.text == "bonjour"
        assert machine.hosts == [here]

    def test_another_name_at_the_same_address_is_refused(self, machine: Machine, port: int) -> None:
        here = f"autre.test:{port}"

        with pytest.raises(Unreachable) as refusal:
            get(f"https://{here}/", here, resolver=Names(["127.0.0.1"]))

        assert isinstance(refusal.value.__cause__, httpx2.ConnectError)
        assert machine.hosts == []

    def test_a_connection_made_for_one_name_does_not_serve_another(
        self, machine: Machine, port: int
    ) -> None:
        here, there = f"exemple.test:{port}", f"autre.test:{port}"
        transport = GuardedTransport(
            frozenset({here, there}), resolver=Names(["127.0.0.1"], ["127.0.0.1"])
        )

        with open_client(transport) as client:
            client.get(f"https://{here}/")
            with pytest.raises(Unreachable):
                client.get(f"https://{there}/")

        assert machine.hosts == [here]
