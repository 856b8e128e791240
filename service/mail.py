"""Sending e-mails: by SMTP, or into the log of the process where no server is set (the demo)."""

import datetime as dt
import logging
import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.header import Header
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime, make_msgid, parseaddr
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from service.errors import Refused
from service.settings import Settings

LOGGER = logging.getLogger(__name__)
PORTS = {"smtp": 587, "smtps": 465}
STARTTLS = ("offered", "required", "never")
TIMEOUT_SECONDS = 10.0
LONGEST_ADDRESS = 254
LONGEST_SUBJECT = 250
LONGEST_URL = 900  # a line of a message holds 998
ADDRESS = re.compile(r"[^\s@<>()\[\],;:\"\\\x00-\x1f\x7f]+@[^\s@<>()\[\],;:\"\\\x00-\x1f\x7f]+")
URL = re.compile(r"https?://[!#-;=?-~]+")  # printable ASCII, without the quotes and <>


@dataclass(frozen=True, slots=True)
class Mail:
    """A text for one person; `unsubscribe_url` is for digests that one click stops (RFC 8058)."""

    to: str
    subject: str
    text: str
    unsubscribe_url: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """Where mails are handed over; `starttls`: "offered", "required" or "never"."""

    host: str
    port: int
    secure: bool
    starttls: str
    user: str
    password: str = field(repr=False)
    timeout: float


def send(settings: Settings, mail: Mail) -> None:
    """Hand the mail over, or raise Refused where the server did not say that it took it."""
    url = settings.smtp_url.get_secret_value()
    sender = _sender(settings.mail_from if url else settings.mail_from or "sociopoles@localhost")
    message = _compose(mail, sender)
    if not url:
        _log(mail)
        return
    server = read_server(url)
    with _failures_in_words(server), _session(server, sender.domain) as session:
        to = str(message["To"])
        session.sendmail(sender.addr_spec, [to], message.as_bytes())


def read_server(url: str) -> Server:
    """What smtp://user:password@host:587?starttls=required&timeout=10 says."""
    try:
        parts = urlsplit(url)
        return _server(parts, dict(parse_qsl(parts.query, strict_parsing=bool(parts.query))))
    except ValueError:
        # The URL holds a password: it is neither shown nor kept as the cause.
        raise Refused(
            "SOCIOPOLES_SMTP_URL ne se lit pas : écrivez, sans accent, "
            "smtp://compte:motdepasse@serveur:587 (ou smtps://), "
            f"avec ?starttls={'|'.join(STARTTLS)} et &timeout=10 si besoin."
        ) from None


def _server(parts: SplitResult, asked: dict[str, str]) -> Server:
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    f"{user}{password}".encode("ascii")  # what the protocol can carry
    # A password never travels in clear unless the setting says so in full.
    starttls = asked.pop("starttls", "required" if password else "offered")
    timeout = float(asked.pop("timeout", TIMEOUT_SECONDS))
    if asked or starttls not in STARTTLS or not 0 < timeout < float("inf"):
        raise ValueError("parameters")
    if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/"):
        raise ValueError("address")
    return Server(
        host=parts.hostname,
        port=parts.port or PORTS[parts.scheme],
        secure=parts.scheme == "smtps",
        starttls=starttls,
        user=user,
        password=password,
        timeout=timeout,
    )


@contextmanager
def _session(server: Server, own_name: str) -> Iterator[smtplib.SMTP]:
    session = _connect(server, own_name)
    try:
        yield session
        # The mail is accepted: a server that then forgets its manners changes nothing.
        with suppress(smtplib.SMTPException, OSError):
            session.quit()
    finally:
        session.close()


def _connect(server: Server, own_name: str) -> smtplib.SMTP:
    context = ssl.create_default_context()
    where = (server.host, server.port, own_name)
    session = (
        smtplib.SMTP_SSL(*where, timeout=server.timeout, context=context)
        if server.secure
        else smtplib.SMTP(*where, timeout=server.timeout)
    )
    try:
        if not server.secure:
            _start_tls(session, server, context)
        if server.user:
            session.login(server.user, server.password)
    except BaseException:
        session.close()
        raise
    return session


def _start_tls(session: smtplib.SMTP, server: Server, context: ssl.SSLContext) -> None:
    session.ehlo_or_helo_if_needed()
    if server.starttls == "never":
        return
    if session.has_extn("starttls"):
        session.starttls(context=context)
    elif server.starttls == "required":
        raise Refused(
            "Le courriel n'est pas parti : le serveur de courrier ne propose pas de chiffrement "
            "(STARTTLS). Prévenez l'administrateur ; s'il se passe de chiffrement en connaissance "
            "de cause, il écrit starttls=never dans SOCIOPOLES_SMTP_URL."
        )


FAILURES: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "le serveur de courrier ne répond pas. Réessayez dans quelques minutes"),
    (
        ssl.SSLCertVerificationError,
        "le certificat du serveur de courrier n'est pas reconnu. Prévenez l'administrateur",
    ),
    (
        smtplib.SMTPAuthenticationError,
        "le serveur de courrier refuse le compte du service. Prévenez l'administrateur",
    ),
    (
        smtplib.SMTPRecipientsRefused,
        "le serveur de courrier refuse l'adresse du destinataire. Vérifiez-la",
    ),
    (
        smtplib.SMTPSenderRefused,
        "le serveur de courrier refuse l'expéditeur. Prévenez l'administrateur",
    ),
    (smtplib.SMTPResponseException, "le serveur de courrier le refuse. Réessayez plus tard"),
    (smtplib.SMTPException, "l'échange avec le serveur de courrier a échoué. Réessayez plus tard"),
    (OSError, "le serveur de courrier est injoignable. Réessayez dans quelques minutes"),
)


@contextmanager
def _failures_in_words(server: Server) -> Iterator[None]:
    try:
        yield
    except (smtplib.SMTPException, OSError) as error:
        # Servers repeat addresses in their answers: only the code goes to the log.
        code = getattr(error, "smtp_code", "")
        LOGGER.warning("mail not sent by %s: %s %s", server.host, type(error).__name__, code)
        # smtplib turns a silence in the middle of the exchange into a disconnection.
        silent = isinstance(error.__context__, TimeoutError)
        seen = TimeoutError() if silent else error
        words = next(words for kind, words in FAILURES if isinstance(seen, kind))
        raise Refused(f"Le courriel n'est pas parti : {words}.") from error


class _Written(UnstructuredHeader, BaseHeader):
    """A header that the library's own folding would harm.

    It encodes long addresses and URLs, and drops spaces between long words and encoded ones.
    """

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        super().parse(value, kwds)
        kwds["decoded"] = value  # "=?utf-8?q?=0A?=" in a subject is what was written, no line break

    def fold(self, *, policy: Policy) -> str:
        plain = self.isascii() and "=?" not in self
        written = self if plain else Header(self, "utf-8", header_name=self.name).encode()
        return f"{self.name}: {written}\n".replace("\n", policy.linesep)


def _headers() -> HeaderRegistry:
    registry = HeaderRegistry()
    for name in ("to", "subject", "list-unsubscribe"):
        registry.map_to_type(name, _Written)
    return registry


POLICY = SMTP.clone(cte_type="7bit", header_factory=_headers())


def _compose(mail: Mail, sender: Address) -> EmailMessage:
    message = EmailMessage(POLICY)
    message["From"] = sender
    message["To"] = _address(mail.to).addr_spec
    message["Subject"] = _one_line(mail.subject)[:LONGEST_SUBJECT]
    message["Date"] = format_datetime(dt.datetime.now(dt.UTC))
    message["Message-ID"] = make_msgid(domain=sender.domain)
    message["Auto-Submitted"] = "auto-generated"  # no holiday message answers it
    if mail.unsubscribe_url:
        _offer_unsubscribing(message, mail.unsubscribe_url)
    message.set_content(mail.text.encode(errors="replace").decode())
    return message


def _offer_unsubscribing(message: EmailMessage, url: str) -> None:
    if len(url) > LONGEST_URL or not URL.fullmatch(url):
        raise Refused("Le lien de désinscription du courriel n'est pas une adresse web.")
    message["List-Unsubscribe"] = f"<{url}>"
    if url.startswith("https:"):
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def _sender(written: str) -> Address:
    name, address = parseaddr(written if written.isprintable() else "")
    try:
        return _address(address, display_name=_one_line(name))
    except Refused as error:
        raise Refused(
            "SOCIOPOLES_MAIL_FROM doit être l'adresse qui envoie, par exemple "
            "Sociopôles <sociopoles@exemple.fr>."
        ) from error


def _address(written: str, display_name: str = "") -> Address:
    if len(written) <= LONGEST_ADDRESS and ADDRESS.fullmatch(written):
        name, _at, domain = written.rpartition("@")
        with suppress(ValueError):  # also what encoding raises
            name.encode("ascii")
            return Address(display_name, name, domain.encode("idna").decode())
    raise Refused("Cette adresse de courriel n'est pas valable : vérifiez-la.")


def _one_line(text: str) -> str:
    """A header: no line break, no control character, no lone surrogate."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _log(mail: Mail) -> None:
    # Each line is marked, so that no text can pass for a line of the log.
    lines = [f"à {mail.to}", f"objet : {_one_line(mail.subject)}", *mail.text.splitlines()]
    shown = "\n".join(f"  | {_one_line(line)}" for line in lines)
    LOGGER.info("courriel (aucun serveur réglé, il n'est pas parti)\n%s", shown)
