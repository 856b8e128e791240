"""A model folder is data: one that could run code is refused before anything reads it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matcher.encoder import UnsafeModel, check_folder, load_encoder
from tests.builders import write_static_model

Spoil = Callable[[Path], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_static_model(tmp_path / "model", "vélo jardin")


@pytest.fixture
def trap(tmp_path: Path) -> str:
    """Code that leaves a mark when it runs."""
    mark = tmp_path / "it-ran"
    return f"open({str(mark)!r}, 'w').close()\nclass Module:\n    load = classmethod(print)\n"


def rewrite_modules(folder: Path, **changes: Any) -> None:
    path = folder / "modules.json"
    [module] = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps([module | changes]), "utf-8")


def assert_refused(folder: Path, tmp_path: Path, *, saying: str) -> None:
    with pytest.raises(UnsafeModel, match=saying):
        load_encoder(str(folder))
    assert not (tmp_path / "it-ran").exists()


def test_a_folder_of_data_is_accepted(folder: Path) -> None:
    check_folder(folder)

    assert load_encoder(str(folder)).dim == 16


@pytest.mark.parametrize("place", ["evil.py", "0_StaticEmbedding/evil.py", "EVIL.PY", ".evil.py"])
def test_code_in_the_folder_is_refused(folder: Path, tmp_path: Path, trap: str, place: str) -> None:
    (folder / place).write_text(trap)
    rewrite_modules(folder, type="evil.Module")

    assert_refused(folder, tmp_path, saying=r"(?i)evil\.py")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pkl", "model.pt", "x.so", "x.joblib"])
def test_a_file_that_may_hold_code_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).write_bytes(b"\x80\x04.")

    assert_refused(folder, tmp_path, saying=name)


@pytest.mark.parametrize(
    "type_", ["evil.Module", "os.system", "", "sentence_transformersx.Module", None]
)
def test_a_module_that_is_not_of_sentence_transformers_is_refused(
    folder: Path, tmp_path: Path, type_: str | None
) -> None:
    rewrite_modules(folder, type=type_)

    assert_refused(folder, tmp_path, saying="is not sentence-transformers'")


@pytest.mark.parametrize("place", ["config.json", "0_StaticEmbedding/tokenizer_config.json"])
def test_a_configuration_that_asks_for_code_is_refused(
    folder: Path, tmp_path: Path, place: str
) -> None:
    (folder / place).write_text(json.dumps({"auto_map": {"AutoModel": "evil.Module"}}))

    assert_refused(folder, tmp_path, saying="auto_map")


@pytest.mark.parametrize("place", ["router_config.json", "0_StaticEmbedding/config.json"])
def test_a_router_to_a_module_that_is_not_of_sentence_transformers_is_refused(
    folder: Path, tmp_path: Path, place: str
) -> None:
    types = {"0": "sentence_transformers.models.StaticEmbedding", "1": "torch.hub"}
    (folder / place).write_text(json.dumps({"types": types}))

    assert_refused(folder, tmp_path, saying="torch.hub' is not sentence-transformers'")


def test_one_byte_that_changed_is_another_model(folder: Path) -> None:
    """Vectors are kept by this name: those of two models never mix."""
    before = load_encoder(str(folder)).fingerprint
    weights = folder / "0_StaticEmbedding" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)

    assert load_encoder(str(folder)).fingerprint != before


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text("{}")
    (folder / "config.json").symlink_to(outside)

    assert_refused(folder, tmp_path, saying="is a link")


def test_a_linked_subfolder_is_refused(folder: Path, tmp_path: Path, trap: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "evil.py").write_text(trap)
    (folder / "1_Evil").symlink_to(outside)

    assert_refused(folder, tmp_path, saying="is a link")


def test_a_module_outside_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    write_static_model(tmp_path / "elsewhere", "pain")
    rewrite_modules(folder, path="../elsewhere/0_StaticEmbedding")

    assert_refused(folder, tmp_path, saying=r"\.\.")


def test_a_folder_without_modules_is_refused(tmp_path: Path, trap: str) -> None:
    (tmp_path / "model.py").write_text(trap)

    with pytest.raises(FileNotFoundError, match=r"modules\.json"):
        load_encoder(str(tmp_path))

    assert not (tmp_path / "it-ran").exists()


@pytest.mark.parametrize("content", ["", "[", '"text"', "[1]", "{}"])
def test_modules_that_cannot_be_read_are_a_value_error(folder: Path, content: str) -> None:
    (folder / "modules.json").write_text(content)

    with pytest.raises(ValueError):  # noqa: PT011 - JSON's own messages
        load_encoder(str(folder))
