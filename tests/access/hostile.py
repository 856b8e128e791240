"""Texts that mean harm, every place where a text can be written, and what a page made of them."""

import copy
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import service.web

MARK = "zz9"
"""Stands in every hostile text, so that it is found wherever it went."""

HOSTILE: Mapping[str, str] = {
    # What matters at the start of a text stands alone; the rest travels together, to save time.
    "elements": f"<script>alert('{MARK}')</script><img src=x onerror='a`{MARK}`'><svg/onload=a`1`>",
    "ends": f"</textarea></title></p></script>--><b id={MARK}>]]>",
    "quotes": f"\" autofocus onfocus=\"a(1)\" x=\"{MARK}' onclick='a(1)' y='{MARK}' `",
    "addresses": f'<a href="javascript:{MARK}">{MARK}</a> data:text/html,<script>{MARK}</script>',
    "script address": f"javascript:alert('{MARK}')//",
    "other host": f"//{MARK}.exemple.fr/\\{MARK}",
    "templates": f"{{{{7*7}}}}{{% if 1 %}}${{7*7}}<%= 7*7 %>%s%n{{0.__class__}}%(x)s{MARK}",
    "sql": f"' OR 1=1; DROP TABLE statement; -- {MARK} %_\\' UNION SELECT 1, '{MARK}",
    "entities and paths": f"&lt;script&gt;&#x3c;&quot;&amp; ../../../etc/passwd%2e%2e%2f{MARK}",
    "header": f"{MARK}\r\nSet-Cookie: a=b\r\n\r\n<b>",
    "equals": f'=HYPERLINK("http://{MARK}";"x")',
    "plus": f"+cmd|' /C calc'!A0 {MARK}",
    "minus": f"-2+3+cmd|' /C calc'!A0 {MARK}",
    "at": f"@SUM(1+1)*cmd|' /C calc'!A0 {MARK}",
    "tab": f"\t=1+1 {MARK}",
    "fullwidth equals": f"＝1+1 {MARK}",
    "formula behind nothing": f"\u200b\u202e=1+1 {MARK}",
    "rich text": f"<r><t>{MARK}</t></r>",
    "writing": f"\u202egnp.{MARK}\u202c \u2066{MARK}\u2069 z\u200bz\u200d9\ufeff مرحبا שלום 👩🏽‍🚀",
    "combining": "e" + "\u0301" * 60 + f" Z̸̢͠a̷l̵g̶o̷ {MARK}",
    "control": f"{MARK}\x01\x08\x0b\x1b[31m\x7f\x85\ufffe\uffff\u2028\u2029\r{MARK}\n{MARK}",
    "NUL": f"{MARK}\0{MARK}",
    "half a character": f"{MARK}\ud800{MARK}",
    "other half": f"\udfff{MARK}",
}
NOT_TEXT = frozenset({"NUL", "half a character", "other half"})
"""Refused everywhere: PostgreSQL takes no NUL, and UTF-8 no half of a character."""

Step = str | int
Place = tuple[Step, ...]
"""The way into a body, by names and numbers."""
KEY = "*"
"""In a place: the name of a field that may have any name."""


class Field(NamedTuple):
    """A place that takes a text, in the body of an operation."""

    method: str
    path: str
    place: Place


def text_fields(document: Mapping[str, Any]) -> list[Field]:
    """Every text that a body in JSON may hold, as the document says."""
    return [
        Field(method.upper(), path, place)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json"
        for place in _texts(document, content["schema"], ())
    ]


def _texts(document: Mapping[str, Any], schema: Mapping[str, Any], at: Place) -> Iterator[Place]:
    if reference := schema.get("$ref"):
        named = document["components"]["schemas"][reference.rpartition("/")[2]]
        yield from _texts(document, named, at)
    for choice in schema.get("anyOf", []):
        yield from _texts(document, choice, at)
    if schema.get("type") == "string":
        # A closed list and a date are texts too, as they are sent.
        yield at
    if "items" in schema:
        yield from _texts(document, schema["items"], (*at, 0))
    for name, inner in schema.get("properties", {}).items():
        yield from _texts(document, inner, (*at, name))
    if isinstance(schema.get("additionalProperties"), dict):
        yield (*at, KEY)


def put(body: Any, place: Place, value: str) -> Any:
    """The body with this text in this place."""
    if not place:
        return value
    step, rest = place[0], place[1:]
    if step == KEY:
        return {value: 0}
    if isinstance(step, int):
        first = body[0] if isinstance(body, list) and body else None
        return [put(first, rest, value)]
    changed = dict(copy.deepcopy(body)) if isinstance(body, Mapping) else {}
    changed[step] = put(changed.get(step), rest, value)
    return changed


def strings_in(value: Any) -> Iterator[str]:
    """Every text of an answer in JSON, names of fields among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings_in(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from strings_in(item)


class Element(NamedTuple):
    """A tag as a browser would see it."""

    name: str
    attributes: dict[str, str]


class Page(HTMLParser):
    """The elements of a page, its words, and the fields of its forms."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        """Keep it."""
        self.words += data

    def handle_comment(self, data: str) -> None:
        """A page of ours has none."""
        self.elements.append(Element("!--", {"comment": data}))

    def forms(self) -> Iterator[tuple[str, str, frozenset[str]]]:
        """Method, path and names of the fields of each form."""
        found: list[tuple[str, str, set[str]]] = []
        for element in self.elements:
            if element.name == "form":
                method = element.attributes.get("method", "get").upper()
                found.append((method, element.attributes["action"], set()))
            elif "name" in element.attributes and found:
                found[-1][2].add(element.attributes["name"])
        yield from ((method, path, frozenset(names)) for method, path, names in found)


TEMPLATES = Path(service.web.__file__).parent / "templates"
SOURCES = "".join(path.read_text("utf-8") for path in sorted(TEMPLATES.glob("*.html")))
NAMES = frozenset(re.findall(r"<([a-z][a-z0-9]*)", SOURCES))
ATTRIBUTES = frozenset(re.findall(r"[\s}]([a-zA-Z-]+)(?==\")|\s(required|selected)", SOURCES))
KNOWN_ATTRIBUTES = frozenset(name.lower() for pair in ATTRIBUTES for name in pair if name)
ADDRESSES = ("href", "src", "action", "formaction", "data", "poster")
MAY_HOLD_WORDS = frozenset({"value", "href", "content", "action"})
"""Attributes into which our templates put what people wrote."""


def harm_in(page: Page) -> list[str]:
    """What a hostile text made of a page: elements, attributes and addresses that are not ours."""
    harm = []
    for name, attributes in page.elements:
        harm += [] if name in NAMES else [f"<{name}>"]
        harm += [f"<{name} {a}>" for a in attributes if a not in KNOWN_ATTRIBUTES]
        harm += [
            f"<{name} {a}={value!r}>"
            for a, value in attributes.items()
            if (MARK in value and a not in MAY_HOLD_WORDS)
            or (a in ADDRESSES and not re.match(r"/(?![/\\])|#|data:image/", value))
        ]
    return harm
