"""E-mails, received by a real SMTP server."""

import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from service.errors import Refused
from service.mail import Mail, read_server, send
from service.settings import Settings
from tests.service.mail_servers import (
    PASSWORD,
    USER,
    Mailbox,
    accept,
    mail_server,
    make_certificate,
    silent_server,
)

SENDER = "Sociopôles du Nord <sociopoles@exemple.fr>"
LOGIN = f"{USER}:{quote(PASSWORD, safe='')}@"
CODE = Mail("awa.diallo@exemple.fr", "Votre code : 402 117", "Bonjour,\n\nLe code est 402 117.\n")


def settings_for(port: int, more: str = "", login: str = "", scheme: str = "smtp") -> Settings:
    return Settings(smtp_url=f"{scheme}://{login}127.0.0.1:{port}{more}", mail_from=SENDER)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def plain(mailbox: Mailbox) -> Iterator[Settings]:
    with mail_server(mailbox) as port:
        yield settings_for(port)


def test_a_mail_arrives_whole(plain: Settings, mailbox: Mailbox) -> None:
    send(plain, CODE)

    message = mailbox.messages[0]
    assert mailbox.recipients == [["awa.diallo@exemple.fr"]]
    assert message["From"] == SENDER
    assert message["To"] == "awa.diallo@exemple.fr"
    assert message["Subject"] == "Votre code : 402 117"
    assert mailbox.text() == CODE.text
    assert message["Message-ID"].endswith("@exemple.fr>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime.tzinfo is not None


def test_accents_long_lines_and_dots_arrive_as_written(plain: Settings, mailbox: Mailbox) -> None:
    subject = "Été : « l'accès aux droits » à Épinay — " + "un très long intitulé d'atelier " * 5
    text = ".\nUn œuf, 3 €, 你好 🙂\n" + "précarité " * 300 + "\n.fin\n"

    send(plain, Mail("a@exemple.fr", subject, text))

    assert mailbox.messages[0]["Subject"] == subject.strip()
    assert mailbox.text() == text
    assert all(len(line) <= 998 for line in mailbox.raw[0].split(b"\r\n"))
    mailbox.raw[0].decode("ascii")


@pytest.mark.parametrize("breaking", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028", "\r\n\r\n"])
def test_a_subject_cannot_add_a_header(breaking: str, plain: Settings, mailbox: Mailbox) -> None:
    send(plain, Mail("a@exemple.fr", f"Bonjour{breaking}Bcc: pirate@exemple.net", "Texte.\n"))

    message = mailbox.messages[0]
    assert mailbox.recipients == [["a@exemple.fr"]]
    assert message["Bcc"] is None
    assert message["Subject"] == "Bonjour Bcc: pirate@exemple.net"
    assert mailbox.text() == "Texte.\n"


def test_a_subject_that_looks_encoded_stays_as_it_is(plain: Settings, mailbox: Mailbox) -> None:
    written = "=?utf-8?q?Bonjour=0D=0ABcc:_pirate@exemple.net?="

    send(plain, Mail("a@exemple.fr", written, "Texte.\n"))

    assert mailbox.messages[0]["Subject"] == written
    assert mailbox.messages[0]["Bcc"] is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "awa",
        "awa@",
        "@exemple.fr",
        "a@exemple.fr\r\nBcc: pirate@exemple.net",
        "a@exemple.fr\nRCPT TO:<pirate@exemple.net>",
        "a@exemple.fr, pirate@exemple.net",
        "a@exemple.fr pirate@exemple.net",
        "<a@exemple.fr>",
        "a@exemple.fr> NOTIFY=SUCCESS",
        '"a b"@exemple.fr',
        "a\x00@exemple.fr",
        "é@exemple.fr",
        "a@" + "x" * 64 + ".fr",
        "a" * 250 + "@exemple.fr",
    ],
)
def test_what_is_not_one_address_is_refused(
    address: str, plain: Settings, mailbox: Mailbox
) -> None:
    with pytest.raises(Refused, match="adresse de courriel n'est pas valable"):
        send(plain, Mail(address, "Objet", "Texte"))

    assert mailbox.messages == []


@pytest.mark.parametrize(
    ("address", "sent_to"),
    [
        ("a@mairie-évry.fr", "a@xn--mairie-vry-h7a.fr"),
        ("a" * 64 + "@" + ".".join(["b" * 44] * 4), None),
        ("prenom.nom+tri@exemple.fr", None),
    ],
)
def test_unusual_addresses_arrive(
    address: str, sent_to: str | None, plain: Settings, mailbox: Mailbox
) -> None:
    send(plain, Mail(address, "Objet", "Texte"))

    assert mailbox.recipients == [[sent_to or address]]
    assert mailbox.messages[0]["To"] == (sent_to or address)


def test_a_digest_can_be_stopped_by_one_click(plain: Settings, mailbox: Mailbox) -> None:
    url = "https://sociopoles.exemple.fr/alertes/arreter?jeton=" + "k3" * 80

    send(plain, Mail("a@exemple.fr", "Trois nouvelles", "Texte", unsubscribe_url=url))

    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in mailbox.raw[0]
    assert mailbox.messages[0]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_one_click_is_not_promised_without_https(plain: Settings, mailbox: Mailbox) -> None:
    url = "http://127.0.0.1:8000/alertes/arreter"

    send(plain, Mail("a@exemple.fr", "Objet", "Texte", unsubscribe_url=url))

    assert mailbox.messages[0]["List-Unsubscribe"] == f"<{url}>"
    assert mailbox.messages[0]["List-Unsubscribe-Post"] is None


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "https://a.fr/\r\nBcc: b@c.fr", "https://a.fr/>, <mailto:b@c.fr", "x"],
)
def test_a_link_that_is_none_is_refused(url: str, plain: Settings, mailbox: Mailbox) -> None:
    with pytest.raises(Refused, match="désinscription"):
        send(plain, Mail("a@exemple.fr", "Objet", "Texte", unsubscribe_url=url))

    assert mailbox.messages == []


class TestEncryption:
    @pytest.fixture
    def port(
        self, mailbox: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[int]:
        context, trusted = make_certificate(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        with mail_server(mailbox, tls_context=context, authenticator=accept) as port:
            yield port

    def test_is_used_where_offered(self, port: int, mailbox: Mailbox) -> None:
        send(settings_for(port), CODE)

        assert mailbox.encrypted == [True]

    def test_protects_the_password(self, port: int, mailbox: Mailbox) -> None:
        send(settings_for(port, login=LOGIN), CODE)

        assert (mailbox.encrypted, mailbox.authenticated) == ([True], [True])

    def test_is_left_out_when_the_setting_says_never(self, port: int, mailbox: Mailbox) -> None:
        send(settings_for(port, "?starttls=never"), CODE)

        assert mailbox.encrypted == [False]

    def test_with_a_stranger_is_refused(
        self, port: int, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SSL_CERT_FILE")

        with pytest.raises(Refused, match="certificat"):
            send(settings_for(port, login=LOGIN), CODE)

        assert mailbox.messages == []

    def test_with_another_name_is_refused(self, port: int, mailbox: Mailbox) -> None:
        settings = Settings(smtp_url=f"smtp://localhost:{port}", mail_from=SENDER)

        with pytest.raises(Refused, match="certificat"):
            send(settings, CODE)

        assert mailbox.messages == []

    def test_a_wrong_password_is_said(self, port: int, mailbox: Mailbox) -> None:
        with pytest.raises(Refused, match="refuse le compte") as refusal:
            send(settings_for(port, login=f"{USER}:faux@"), CODE)

        assert "faux" not in str(refusal.value)
        assert mailbox.messages == []


def test_smtps_is_encrypted_from_the_start(
    mailbox: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, trusted = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with mail_server(mailbox, ssl_context=context) as port:
        send(settings_for(port, scheme="smtps"), CODE)

    assert mailbox.encrypted == [True]


@pytest.mark.parametrize(("more", "login"), [("?starttls=required", ""), ("", LOGIN)])
def test_nothing_leaves_in_clear_where_encryption_is_required(
    more: str, login: str, mailbox: Mailbox
) -> None:
    with mail_server(mailbox) as port, pytest.raises(Refused, match="chiffrement"):
        send(settings_for(port, more, login), CODE)

    assert mailbox.messages == []


def test_an_unknown_recipient_is_said_and_not_logged(
    plain: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Refused, match="adresse du destinataire"):
        send(plain, Mail("inconnue@exemple.fr", "Objet", "Texte"))

    assert "SMTPRecipientsRefused" in caplog.text
    assert "inconnue" not in caplog.text


def test_a_mail_that_the_server_rejects_is_said(plain: Settings, mailbox: Mailbox) -> None:
    mailbox.answer = "554 5.7.1 spam"

    with pytest.raises(Refused, match="le refuse"):
        send(plain, CODE)


def test_a_server_that_never_answers_is_given_up() -> None:
    with silent_server() as port, pytest.raises(Refused, match="ne répond pas"):
        send(settings_for(port, "?timeout=0.2"), CODE)


def test_a_server_that_is_not_there_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    with pytest.raises(Refused, match="injoignable"):
        send(settings_for(port), CODE)


@pytest.mark.parametrize(
    "url",
    [
        "http://exemple.fr",
        "smtp://",
        "smtp://u:secret@exemple.fr:99999",
        "smtp://u:secret@exemple.fr?starttls=peut-etre",
        "smtp://u:secret@exemple.fr?timeout=jamais",
        "smtp://u:secret@exemple.fr?timeout=nan",
        "smtp://u:secret@exemple.fr?tls=1",
        "smtp://u:secret@exemple.fr/dossier",
        "smtp://u:secret@[exemple.fr",
        "smtp://u:secrét@exemple.fr",
    ],
)
def test_a_server_that_is_none_is_refused_without_showing_its_password(url: str) -> None:
    with pytest.raises(Refused, match="SOCIOPOLES_SMTP_URL") as refusal:
        send(Settings(smtp_url=url, mail_from=SENDER), CODE)

    assert "secr" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_ports_are_the_usual_ones() -> None:
    assert read_server("smtp://exemple.fr").port == 587
    assert read_server("smtps://exemple.fr").port == 465


def test_a_password_does_not_show_in_the_settings() -> None:
    assert "secret" not in repr(Settings(smtp_url="smtp://u:secret@exemple.fr"))


@pytest.mark.parametrize("sender", ["", "Sociopôles", "a@b.fr\r\nBcc: c@d.fr"])
def test_a_server_without_a_sender_is_refused(sender: str) -> None:
    with pytest.raises(Refused, match="SOCIOPOLES_MAIL_FROM"):
        send(Settings(smtp_url="smtp://exemple.fr", mail_from=sender), CODE)


class TestWithoutServer:
    def test_the_mail_is_in_the_log_alone(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)

        send(Settings(data=tmp_path), CODE)

        assert "awa.diallo@exemple.fr" in caplog.text
        assert "402 117" in caplog.text
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("breaking", ["\n", "\r", "\x85", "\u2028", "\x1b[2K\r"])
    def test_a_text_cannot_pass_for_a_line_of_the_log(
        self, breaking: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)

        send(Settings(), Mail("a@b.fr", f"x{breaking}ERROR y", f"x{breaking}ERROR y"))

        first, *others = caplog.messages[0].splitlines()
        assert first.startswith("courriel")
        assert all(line.startswith("  | ") and line.isprintable() for line in others)

    def test_a_wrong_address_is_refused_all_the_same(self) -> None:
        with pytest.raises(Refused, match="valable"):
            send(Settings(), Mail("a@b.fr\nBcc: c@d.fr", "Objet", "Texte"))
