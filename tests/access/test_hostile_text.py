"""Texts that mean harm, in every field of every request and form: refused, or kept as they are."""

import csv
import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import select

from service.database import read
from service.resources import Resources
from service.tables import Account
from tests.access.hostile import (
    HOSTILE,
    MARK,
    NOT_TEXT,
    Field,
    Page,
    harm_in,
    put,
    strings_in,
    text_fields,
)
from tests.access.operations import API, OPERATIONS, PAGES, Operation
from tests.access.test_matrix import routes_of
from tests.access.world import HERE, fingerprint, open_app
from tests.service.people import ADMIN, sign_in

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
S = f"/api/v1/sociopoles/{HERE}"
READ_PAGES = (
    "/",
    f"/sociopoles/{HERE}",
    f"/recherche?q={MARK}",
    "/recherche?q=garage",
    "/connexion",
)
NEVER_SHOWN = frozenset(
    {
        ("/api/v1/me/password", ("old",)),  # a secret
        ("/api/v1/me/password", ("new",)),
        ("/api/v1/session/codes", ("email",)),  # known or not, the answer is the same
    }
)
MEGABYTE = 1_000_000
DEEP = 100_000
HERE_ONLY = r"/(?![/\\])|http://testserver/"
"""Where an answer may send the browser."""
STRANGE: Mapping[str, object] = {
    "id": 1,
    "number": 1,
    "version": 99,
    "role": "admin",
    "roles_": ["admin"],
    "is_admin": True,
    "is_network_head": True,
    "account": 1,
    "organisation_id": 1,
    "sociopole_id": 2,
    "sociopole": "metropole-de-lyon",
    "by": "Quelqu'un d'autre",
    "created_at": "1999-01-01",
    "deleted": True,
    "__proto__": {"is_admin": True},
    "password_hash": "x",
}
"""What nobody asked for: what a naive program would copy onto a row."""


class Attack:
    """The administration's client, and what a refusal must leave as it is."""

    def __init__(self, resources: Resources, app: FastAPI, client: TestClient) -> None:
        self.resources, self.app = resources, app
        self.client = sign_in(client, resources, ADMIN)
        self.before = self.state()

    def send(self, operation: Operation, content: str) -> Any:
        """Send this text as JSON."""
        return self.ask(operation.method, operation.url, content=content.encode(), headers=JSON)

    def ask(self, method: str, url: str, **sent: Any) -> Any:
        """Ask, signed in anew where the request before signed us out."""
        answer = self.client.request(method, url, follow_redirects=False, **sent)
        location = answer.headers.get("location", "")
        if answer.status_code == 401 or location.startswith("/connexion"):
            sign_in(self.client, self.resources, ADMIN)
            answer = self.client.request(method, url, follow_redirects=False, **sent)
        return answer

    def get(self, url: str) -> Any:
        """Read what is there."""
        return self.ask("GET", url)

    def state(self) -> object:
        """Every row but of those that merely note who came."""
        with read(self.resources.engine) as session:
            columns = (Account.name, Account.email, Account.is_admin, Account.is_active)
            people = [tuple(row) for row in session.execute(select(*columns).order_by(Account.id))]
        return fingerprint(self.resources), people

    def has_changed(self) -> bool:
        """Whether anything has, since it was asked last."""
        before, self.before = self.before, self.state()
        return before != self.before


@pytest.fixture
def attack(mine: Resources) -> Iterator[Attack]:
    app = open_app(mine)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Attack(mine, app, client)


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_refused_or_kept_as_it_is(attack: Attack, name: str) -> None:
    text, is_text, faults = HOSTILE[name], name not in NOT_TEXT, []

    for field in text_fields(attack.app.openapi()):
        if try_field(attack, field, text, faults, is_text=is_text):
            # Behind words that have it paired, grouped and found.
            carried = f"vélo piste cyclable garage {text}"
            try_field(attack, field, carried, faults, is_text=is_text)
    if is_text:
        try_sheet(attack, text, faults)
    assert attack.ask("POST", f"{S}/runs", json={}).status_code == 201
    faults += faults_of_pages(attack)
    faults += faults_of_sheets(attack)

    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_in_a_form_or_an_address_harms_no_page(attack: Attack, name: str) -> None:
    faults = []

    for operation, path, sent in asked_by_hand(attack.app, HOSTILE[name]):
        answer = attack.ask(operation.method, path, **sent)
        where = f"{operation.method} {path[:200]} {str(sent)[:200]}: {answer.status_code}"
        if answer.status_code >= 500:
            faults.append(where)
        if answer.headers.get("content-type", "").startswith("text/html"):
            faults += [f"{where}: {harm}" for harm in harm_in(Page(answer.text))]
        if not re.match(HERE_ONLY, answer.headers.get("location", "/")):
            faults.append(f"{where}: sends to {answer.headers['location']}")

    assert not faults, "\n".join(faults)
    assert not attack.has_changed()


def test_a_field_that_nobody_asked_for_is_refused(attack: Attack) -> None:
    accepted = [
        f"{operation.method} {operation.url} {strange}"
        for operation, names in takes_json(attack.app.openapi())
        for strange, value in STRANGE.items()
        if strange not in names
        for content in [json.dumps({**(operation.body or {}), strange: value})]
        if attack.send(operation, content).status_code != 422
    ]

    assert accepted == []
    assert not attack.has_changed()


def test_a_megabyte_in_any_field_is_refused(attack: Attack) -> None:
    accepted = [
        field
        for field in text_fields(attack.app.openapi())
        for body in [put(operation_of(field).body, field.place, "é" * (MEGABYTE // 2))]
        for answer in [attack.send(operation_of(field), json.dumps(body, ensure_ascii=False))]
        if answer.status_code not in {413, 422}
    ]

    assert accepted == []
    assert not attack.has_changed()


def test_a_body_of_endless_depth_is_refused(attack: Attack) -> None:
    deep = "[" * DEEP + "]" * DEEP
    accepted = [
        f"{operation.method} {operation.url} {content[:20]}"
        for operation, names in takes_json(attack.app.openapi())
        for content in (
            deep,
            '{"a":' * DEEP + "1" + "}" * DEEP,
            f'{{"{min(names)}":{deep}}}',
            "[" * DEEP,
        )
        if attack.send(operation, content).status_code != 422
    ]

    assert accepted == []
    assert not attack.has_changed()


def test_every_form_of_a_page_is_tried(attack: Attack) -> None:
    """The fields that the pages show are those that the routes take, and none is forgotten."""
    taken = {(o.method, o.url.partition("?")[0]): names for o, names in forms_of(attack.app)}
    outside = TestClient(attack.app, raise_server_exceptions=False)

    shown = [
        form
        for url in READ_PAGES
        for visitor in (attack, outside)
        for form in Page(visitor.get(url).text).forms()
    ]

    assert shown
    for method, path, names in shown:
        assert names <= taken[method, path], path


def try_field(attack: Attack, field: Field, text: str, faults: list[str], *, is_text: bool) -> bool:
    """Put this text into this field, note what goes wrong; whether it was taken."""
    operation = operation_of(field)
    # In ASCII: so a half of a character is sent too.
    answer = attack.send(operation, json.dumps(put(operation.body, field.place, text)))
    status, changed = answer.status_code, attack.has_changed()
    where = f"{field} {status} {answer.text[:200]}"
    if status >= 500 or (not is_text and status != 422):
        faults.append(where)
    if status >= 400:
        faults += [f"{where}: refused, and yet it changed"] if changed else []
        return False
    if (field.path, field.place) not in NEVER_SHOWN:
        # Where an answer is but a number, what it is about is read beside it.
        beside = re.sub(r"/pairings/[^/]+|/undo$", "", operation.url)
        answers = (answer, attack.get(beside))
        shown = [s for a in answers if a.status_code < 300 for s in strings_in(a.json())]
        if not any(is_same(text, one) for one in shown):
            faults.append(f"{where}: taken, and not shown as it was")
    return True


def try_sheet(attack: Attack, text: str, faults: list[str]) -> None:
    """Import this text as the name of a file, of a column, and in each cell of a row."""
    sheet = io.StringIO()
    columns = ("id", "organisation", "title", "text", "contact_name", "note", text)
    csv.writer(sheet, delimiter=";").writerows([columns, [text] * 6 + ["x"]])
    upload = {"file": (f"{text}.csv", sheet.getvalue().encode())}
    answer = attack.ask("POST", f"{S}/imports", data={"kind": "offer"}, files=upload)
    changed, shown = attack.has_changed(), attack.get(f"{S}/statements?limit=200&kind=offer").json()
    if answer.status_code >= 500 or changed != (answer.status_code < 400):
        faults.append(f"import: {answer.status_code} {answer.text[:200]}")
    elif changed and not any(is_same(text, one) for one in strings_in(shown)):
        faults.append(f"import: taken, and not shown as it was: {answer.text[:200]}")


def faults_of_pages(attack: Attack) -> list[str]:
    return [
        f"{url}: {answer.status_code} {harm}"
        for url in READ_PAGES
        for answer in [attack.get(url)]
        for harm in [*harm_in(Page(answer.text)), *(["fault"] if answer.status_code >= 500 else [])]
    ]


def faults_of_sheets(attack: Attack) -> list[str]:
    faults = []
    for what in ("statements", "pairings", "groups", "decisions"):
        wide = "?with_contacts=true" if what == "statements" else ""
        sheet = attack.get(f"{S}/exports/{what}.csv{wide}")
        book = attack.get(f"{S}/exports/{what}.xlsx{wide}")
        if (sheet.status_code, book.status_code) != (200, 200):
            faults.append(f"{what}: {sheet.status_code} {book.status_code}")
            continue
        text = sheet.content.decode("utf-8-sig")
        cells = (cell for row in csv.reader(io.StringIO(text), delimiter=";") for cell in row)
        faults += [f"{what}.csv: {cell[:80]!r}" for cell in cells if is_calculated(cell)]
        faults += [f"{what}.xlsx: {fault}" for fault in faults_of_book(book.content)]
    linked = attack.get(f"/api/v1/public/sociopoles/{HERE}.jsonld")
    if linked.status_code != 200 or "html" in linked.headers["content-type"]:
        faults.append(f"jsonld: {linked.status_code}")
    return faults


def faults_of_book(content: bytes) -> list[str]:
    """Formulas and links of a workbook, which has none of its own."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
        return [
            f"{name}: {element!r}"
            for name in sheets
            for element in re.findall(rb"<(?:\w+:)?(?:f|hyperlink)[\s>/]", book.read(name))
        ]


def is_calculated(cell: str) -> bool:
    """Whether a spreadsheet would calculate it, also behind what it skips."""
    seen = re.sub(r"^[\s\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x1f]+", "", cell)
    return cell.startswith(("\t", "\r", "\n")) or (
        seen.startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
        and not re.fullmatch(r"[+-]?[\d .,]+", seen)
    )


def is_same(sent: str, shown: str) -> bool:
    """Whether it is the same text, but for blanks: a name stands on one line."""
    first, second = (unicodedata.normalize("NFC", text).split() for text in (sent, shown))
    return first == second


def operation_of(field: Field) -> Operation:
    """The request that succeeds where nothing is changed in it."""
    return next(o for o in API if (o.method, path_of(o)) == (field.method, field.path))


def path_of(operation: Operation) -> str:
    return operation.path.partition("?")[0]


def takes_json(document: Mapping[str, Any]) -> Iterator[tuple[Operation, set[str]]]:
    """Each operation that takes JSON, and the names that its body may hold."""
    for operation in API:
        found = document["paths"][path_of(operation)][operation.method.lower()]
        content = found.get("requestBody", {}).get("content", {}).get("application/json")
        if content is not None:
            name = content["schema"]["$ref"].rpartition("/")[2]
            yield operation, set(document["components"]["schemas"][name]["properties"])


def forms_of(app: FastAPI) -> Iterator[tuple[Operation, frozenset[str]]]:
    """Each page, and the names that its form may send."""
    for operation, route in known_routes(app):
        if operation in PAGES:
            asked = route.dependant.query_params + route.dependant.body_params
            yield operation, frozenset(field.alias for field in asked)


def asked_by_hand(app: FastAPI, text: str) -> Iterator[tuple[Operation, str, dict[str, Any]]]:
    """The text in each part of an address and each field of a form: the address, what is sent."""
    coded = quote(text, safe="", errors="surrogatepass")
    for operation, route in known_routes(app):
        path, _, query = operation.url.partition("?")
        form = dict(operation.form or {})
        for name in texts_of(route.dependant.path_params):
            here = operation.path.partition("?")[0].replace(f"{{{name}}}", coded)
            changed = Operation(operation.method, here, "", parameters=operation.parameters)
            yield operation, changed.url, sent_as(operation, form)
        for name in texts_of(route.dependant.query_params):
            rest = "&".join(part for part in query.split("&") if not part.startswith(f"{name}="))
            yield operation, f"{path}?{rest}&{name}={coded}", sent_as(operation, form)
        for name in texts_of(route.dependant.body_params):
            if operation.body is None:
                yield operation, operation.url, sent_as(operation, form | {name: text})


def sent_as(operation: Operation, form: Mapping[str, str]) -> dict[str, Any]:
    """What carries a body: a form, a form with files, or JSON."""
    if operation.upload is not None:
        # A form with a file is sent as UTF-8: a half of a character is as its bytes would be.
        parts = {name: text.encode(errors="surrogatepass") for name, text in form.items()}
        return {"files": {**operation.files, **{n: (None, part) for n, part in parts.items()}}}
    if operation.body is not None:
        return {"json": operation.body}
    if operation.method == "GET":
        return {}
    return {"content": urlencode(form, errors="surrogatepass"), "headers": FORM}


def known_routes(app: FastAPI) -> Iterator[tuple[Operation, APIRoute]]:
    routes = {(method, route.path): route for route in routes_of(app) for method in route.methods}
    for operation in OPERATIONS:
        if not operation.is_endless:
            yield operation, routes[operation.method, path_of(operation)]


def texts_of(fields: Iterable[Any]) -> list[str]:
    return [field.alias for field in fields if field.alias != "file"]
