"""Rules of the whole repository that no linter checks."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.settings import Settings

ROOT = Path(__file__).parents[1]
SOURCE = ("matcher", "indexes", "service")
LONGEST_MODULE = 400
RUNS_CODE = {"pickle", "cPickle", "_pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}
LOADS = {"torch.load", "yaml.load", "numpy.load", "np.load", "eval", "exec"}


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


@pytest.mark.parametrize("setting", sorted(Settings.model_fields))
def test_every_setting_is_in_the_readme(setting: str) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")

    assert f"SOCIOPOLES_{setting.upper()}" in readme


def test_nothing_that_can_run_code_is_loaded() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} {what}"
        for path in modules(*SOURCE)
        for line, what in unsafe(ast.parse(path.read_text("utf-8")))
    ]

    assert found == []


def test_no_query_escapes_the_scope_by_an_alias() -> None:
    """The rules of what a person may read are tied to the tables, not to aliases of them."""
    called = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules("service")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("aliased")
    ]

    assert called == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "import torch\ntorch.load('x')",
        "np.load('x', allow_pickle=True)",
        "eval('1')",
    ],
)
def test_the_rule_sees_what_it_forbids(code: str) -> None:
    assert list(unsafe(ast.parse(code)))


def unsafe(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Lines that load what may carry code, and what they load it by."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = {alias.name.partition(".")[0] for alias in node.names}
            yield from ((node.lineno, name) for name in names & RUNS_CODE)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in RUNS_CODE:
            yield node.lineno, str(node.module)
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            unpickles = any(
                keyword.arg == "allow_pickle" and ast.unparse(keyword.value) != "False"
                for keyword in node.keywords
            )
            if called in LOADS or unpickles:
                yield node.lineno, called
