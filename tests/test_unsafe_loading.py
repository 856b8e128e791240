"""Nothing that can run code is ever loaded: a rule over the syntax of every module.

What is read is JSON, CSV, safetensors, and indexes whose sha256 was checked before.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
SOURCE, TOOLS = ("matcher", "indexes", "service"), ("training", "benchmarks")
MODULES = frozenset(
    "pickle cPickle _pickle joblib dill cloudpickle shelve marshal jsonpickle klepto".split()
)
CALLS = frozenset(
    (
        "eval exec compile __import__ builtins.eval builtins.exec importlib.import_module "
        "torch.load torch.jit.load torch.hub.load torch.serialization.load "
        "yaml.load yaml.load_all yaml.full_load yaml.full_load_all yaml.unsafe_load "
        "yaml.unsafe_load_all numpy.load pandas.read_pickle faiss.read_index "
        "faiss.deserialize_index faiss.read_index_binary os.system os.popen runpy.run_path "
        "shutil.unpack_archive"
    ).split()
)
KEYWORDS: Mapping[str, str] = {
    "allow_pickle": "False",
    "trust_remote_code": "False",
    "shell": "False",
    "weights_only": "True",
}
"""What these arguments must be, wherever they are given."""
ALLOWED = frozenset(
    {
        # Bytes that indexes.snapshot has verified.
        ("indexes/faiss_index.py", "faiss.deserialize_index"),
        # One of four names written there, for comparisons that are installed by hand.
        ("service/workflows/evaluate_groups.py", "importlib.import_module"),
    }
)


def test_nothing_that_can_run_code_is_loaded() -> None:
    found = set(everything_unsafe(*SOURCE))

    assert found - ALLOWED == set()
    assert found == ALLOWED, "an exception that is needed no more"


def test_nor_is_it_by_what_makes_the_models_and_measures() -> None:
    """These read arrays, which numpy refuses where they hold objects, and name modules of ours."""
    harmless = {"numpy.load", "importlib.import_module"}

    assert [found for found in everything_unsafe(*TOOLS) if found[1] not in harmless] == []


def everything_unsafe(*folders: str) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for what in unsafe(ast.parse(path.read_text("utf-8"))):
                yield str(path.relative_to(ROOT)), what


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "import pickle as p",
        "from joblib import load",
        "from shelve import open as o",
        "import torch\ntorch.load('x')",
        "import torch as t\nt.load('x')",
        "from torch import load as read\nread('x')",
        "from torch import serialization\nserialization.load('x')",
        "import numpy as np\nnp.load('x')",
        "import numpy as np\nnp.load('x', allow_pickle=True)",
        "numpy_load('x', allow_pickle=wanted)",
        "import yaml\nyaml.load(text, Loader=yaml.Loader)",
        "from yaml import unsafe_load\nunsafe_load(text)",
        "import pandas as pd\npd.read_pickle('x')",
        "import faiss\nfaiss.read_index('x')",
        "eval('1')",
        "import builtins\nbuiltins.exec('1')",
        "__import__('pickle')",
        "import importlib\nimportlib.import_module(name)",
        "SentenceTransformer(name, trust_remote_code=True)",
        "import subprocess\nsubprocess.run(words, shell=True)",
        "import os\nos.system(words)",
        "import torch\nload(x, weights_only=False)",
    ],
)
def test_the_rule_sees_what_it_forbids(code: str) -> None:
    assert list(unsafe(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "import json\njson.load(file)",
        "from safetensors.numpy import load_file\nload_file('x')",
        "import yaml\nyaml.safe_load(text)",
        "SentenceTransformer(name, trust_remote_code=False)",
        "import re\nre.compile('x')",
        "self.load('x')",
    ],
)
def test_the_rule_lets_data_be_read(code: str) -> None:
    assert list(unsafe(ast.parse(code))) == []


def test_numpy_itself_refuses_objects(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{}], dtype=object), allow_pickle=True)

    with pytest.raises(ValueError, match="allow_pickle"):
        np.load(tmp_path / "x.npy")


def unsafe(tree: ast.AST) -> Iterator[str]:
    """What a module loads by what may run code, under whatever name it was imported."""
    names = dict(_imported(tree))
    for real in names.values():
        if real.partition(".")[0] in MODULES:
            yield real
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            root, dot, rest = called.partition(".")
            real = names.get(root, root) + dot + rest
            if real in CALLS:
                yield real
            for keyword in node.keywords:
                wanted = KEYWORDS.get(keyword.arg or "")
                if wanted is not None and ast.unparse(keyword.value) != wanted:
                    yield f"{real}({keyword.arg}=)"


def _imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """(name here, real dotted name) of everything that is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (root, root)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"
