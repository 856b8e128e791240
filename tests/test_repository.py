"""Rules of the whole repository that no linter checks."""

import ast
from collections.abc import Iterator
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from service.settings import Settings

ROOT = Path(__file__).parents[1]
SOURCE = ("matcher", "indexes", "service")
LONGEST_MODULE = 400


def modules(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def test_no_module_is_longer_than_a_person_reads() -> None:
    lengths = {
        path.relative_to(ROOT): len(path.read_text("utf-8").splitlines())
        for path in modules(*SOURCE, "tests")
    }

    assert len(lengths) > 50
    assert {path: n for path, n in lengths.items() if n > LONGEST_MODULE} == {}


def test_the_table_of_the_readme_is_the_settings() -> None:
    readme = (ROOT / "README.md").read_text("utf-8").splitlines()

    table = [line for line in readme if line.startswith("| `SOCIOPOLES_")]

    assert table == [row(name, field) for name, field in Settings.model_fields.items()]


def row(name: str, field: FieldInfo) -> str:
    """A setting as the table of the README shows it."""
    default = field.default
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    shown = "`[]`" if default == () else f"`{default}`" if str(default) else "empty"
    return f"| `SOCIOPOLES_{name.upper()}` | {shown} | {field.description} |"


def test_no_query_escapes_the_scope_by_an_alias() -> None:
    """The rules of what a person may read are tied to the tables, not to aliases of them."""
    called = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules("service")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("aliased")
    ]

    assert called == []
