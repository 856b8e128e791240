"""Asking addresses that people configure, without ever reaching inside the network (SSRF)."""

import ipaddress
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import httpx2

from service.errors import Refused

Resolve = Callable[[str, int], Sequence[str]]
LARGEST_ANSWER = 1_000_000
LONGEST_SECONDS, TIMEOUT_SECONDS = 30.0, 10.0
PORTS = {"http": 80, "https": 443}
INTERNET_6 = ipaddress.ip_network("2000::/3")
# Public for the registries: but read only inside some clouds, or wrapping an IPv4 address.
INSIDE = tuple(
    map(ipaddress.ip_network, ("192.0.0.0/24", "168.63.129.16/32", "2001::/32", "2002::/16"))
)


class Unreachable(Refused):
    """No answer this time: asking again later may do."""


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses by the machine's own resolver, which also reads 0x7f.1 and 2130706433."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Whether this address is out on the internet."""
    ip = ipaddress.ip_address(address)
    if any(ip in network for network in INSIDE) or ip.is_multicast:
        return False
    return ip.is_global and (ip.version == 4 or ip in INTERNET_6)


class GuardedTransport(httpx2.BaseTransport):
    """Resolves a name once, refuses what is not public, connects to what was resolved.

    No redirection; at most `largest` bytes, `longest` seconds. `trusted`: "host:port" inside.
    """

    def __init__(
        self,
        trusted: frozenset[str] = frozenset(),
        *,
        resolver: Resolve = resolve,
        largest: int = LARGEST_ANSWER,
        longest: float = LONGEST_SECONDS,
    ) -> None:
        self._trusted, self._resolve = trusted, resolver
        self._largest, self._longest = largest, longest
        # No connection is kept: one to an address was checked for one name only.
        self._direct = httpx2.HTTPTransport(limits=httpx2.Limits(max_keepalive_connections=0))

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        host = request.url.host
        with _failures_in_words(host):
            until = time.monotonic() + self._longest
            with closing(self._send(request, self._addresses(request.url))) as answer:
                content = self._read(answer, host, until)
                return httpx2.Response(answer.status_code, headers=answer.headers, content=content)

    def _addresses(self, url: httpx2.URL) -> Sequence[str]:
        if url.scheme not in PORTS or not url.host:
            raise Refused(f"« {url.scheme}:// » : seules les adresses http(s) sont acceptées.")
        port = url.port or PORTS[url.scheme]
        addresses = self._resolve(url.host, port)
        outside = all(is_public(address) for address in addresses)
        if not outside and f"{url.host}:{port}" not in self._trusted:
            raise Refused(
                f"« {url.host} » est dans un réseau interne : refusé. Si c'est voulu, "
                "l'administrateur l'ajoute à SOCIOPOLES_PRIVATE_HOSTS."
            )
        return addresses

    def _send(self, request: httpx2.Request, addresses: Sequence[str]) -> httpx2.Response:
        headers = httpx2.Headers(request.headers)
        headers["Accept-Encoding"] = "identity"  # the limit counts what would be unpacked
        extensions = {**request.extensions, "sni_hostname": request.url.host}
        failure: Exception = Unreachable("Cette machine n'a pas d'adresse.")
        for address in addresses:
            url = request.url.copy_with(host=address)
            pinned = httpx2.Request(
                request.method, url, headers=headers, stream=request.stream, extensions=extensions
            )
            try:
                return self._direct.handle_request(pinned)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failure = error
        raise failure

    def _read(self, response: httpx2.Response, host: str, until: float) -> bytes:
        packed = response.headers.get("content-encoding", "identity") != "identity"
        if response.has_redirect_location or packed:
            raise Refused(f"« {host} » renvoie ailleurs ou sous une forme inattendue : refusé.")
        content = bytearray()
        for part in response.iter_raw():
            content += part
            if len(content) > self._largest:
                raise Refused(f"« {host} » a répondu trop long : sa réponse est laissée.")
            if time.monotonic() > until:
                raise Unreachable(f"« {host} » répond trop lentement. Réessayez plus tard.")
        return bytes(content)


@contextmanager
def _failures_in_words(host: str) -> Iterator[None]:
    try:
        yield
    except (httpx2.TransportError, OSError) as error:
        raise Unreachable(f"« {host} » ne répond pas. Réessayez plus tard.") from error
    except UnicodeError as error:
        raise Refused(f"« {host} » n'est pas une adresse.") from error


def open_client(transport: GuardedTransport, timeout: float = TIMEOUT_SECONDS) -> httpx2.Client:
    """A client for such addresses; it ignores proxies and accounts of the environment."""
    return httpx2.Client(transport=transport, timeout=timeout, trust_env=False)
