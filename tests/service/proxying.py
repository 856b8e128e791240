"""The proxy of deploy/nginx.conf before a service of a test's own, where nginx is installed."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.service.serving import ROOT, free_port

CONFIGURATION = ROOT / "deploy" / "nginx.conf"


@dataclass(frozen=True, slots=True)
class Proxied:
    """A proxy that listens on these ports of this machine, under a certificate of its own."""

    http: int
    https: int
    trust: ssl.SSLContext


@contextmanager
def proxying(folder: Path, upstream: int) -> Iterator[Proxied]:
    """Run the configuration that is shipped: only its addresses are those of this machine."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not program or not shutil.which("openssl"):
        pytest.skip("nginx or openssl is missing: the proxy was not tried")
    http, https = free_port(), free_port()
    certificate = _make_certificate(folder)
    configuration = folder / "nginx.conf"
    configuration.write_text(_adapt(folder, {"8080": http, "8443": https, "8000": upstream}))
    words = [program, "-p", str(folder), "-e", "stderr", "-c", str(configuration)]
    checked = subprocess.run([*words, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr
    # The image runs as somebody plain; here, as whoever owns the folder of the test.
    options = "daemon off; user root;" if os.getuid() == 0 else "daemon off;"
    process = subprocess.Popen([*words, "-g", options], stderr=subprocess.DEVNULL)
    try:
        _wait_until_listening(https)
        yield Proxied(http, https, ssl.create_default_context(cafile=str(certificate)))
    finally:
        process.terminate()
        process.wait(30)


def _adapt(folder: Path, ports: dict[str, int]) -> str:
    text = CONFIGURATION.read_text("utf-8")
    text = re.sub(r"listen (\d+)", lambda m: f"listen 127.0.0.1:{ports[m[1]]}", text)
    text = text.replace("server app:8000;", f"server 127.0.0.1:{ports['8000']};")
    return text.replace("/etc/nginx/tls/", f"{folder}/").replace("/tmp/", f"{folder}/")  # noqa: S108


def _wait_until_listening(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError("nginx does not listen")


def _make_certificate(folder: Path) -> Path:
    certificate = folder / "fullchain.pem"
    subprocess.run(
        [
            *"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split(),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", folder / "privkey.pem", "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    return certificate
