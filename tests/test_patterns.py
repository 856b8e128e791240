"""Every regular expression of the program, on texts that make careless ones run for hours."""

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import matcher
import service
from tests.pace import SECOND, pace

LONG = 50_000
HOSTILE = {
    "letters": "a" * LONG + "!",
    "spaces": " " * LONG + "x",
    "lines": "\n" * LONG + "x",
    "brackets": "(" * LONG,
    "backslashes": "\\u" * (LONG // 2),
    "digits": "1" * LONG + "x",
    "numbers": "1 " * (LONG // 2),
    "words": "aé·'e-" * (LONG // 6),
    "address": "a@" * (LONG // 2) + "b." * 100,
    "dots": "a." * (LONG // 2) + "@",
    "quotes": "«" * LONG + "l'" * 100,
    "ends": ".!? " * (LONG // 4),
}


def patterns() -> Iterator[tuple[str, re.Pattern[str] | re.Pattern[bytes]]]:
    """Those that modules keep, by where they are."""
    for package in (matcher, service):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations." in module.name:
                continue
            content = vars(importlib.import_module(module.name))
            for name, value in content.items():
                parts = value.values() if isinstance(value, dict) else [value]
                for number, part in enumerate(parts):
                    if isinstance(part, re.Pattern):
                        yield f"{module.name}.{name}.{number}", part


FOUND = dict(patterns())
ASKED_AT_THE_START = {"CALCULATED"}
"""By another name: `rule.match(cell)`."""


def test_the_patterns_are_found() -> None:
    assert len(FOUND) > 30


@pytest.mark.parametrize("name", FOUND)
def test_no_pattern_runs_away(name: str) -> None:
    pattern = FOUND[name]
    is_bytes = isinstance(pattern.pattern, bytes)
    contents = [text.encode() if is_bytes else text for text in HOSTILE.values()]
    ways = [getattr(pattern, way) for way in sorted(ways_of(name))]

    _, spent = pace(lambda: [ask(content) for ask in ways for content in contents])

    # A careless one takes minutes for one of these texts.
    assert spent < SECOND


def ways_of(name: str) -> set[str]:
    """How the program asks a pattern: at the start only, or anywhere, which takes longer."""
    *module, constant, _ = name.split(".")
    source = Path(str(sys.modules[".".join(module)].__file__)).read_text("utf-8")
    used = {match[1] for match in re.finditer(rf"\b{constant}\.(\w+)\(", source)}
    if constant in ASKED_AT_THE_START or (used and used <= {"match", "fullmatch"}):
        return {"match", "fullmatch"}
    return {"search", "match", "fullmatch"}
