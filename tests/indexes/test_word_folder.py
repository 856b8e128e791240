"""A word index on disk: what is damaged is refused, so that it is rebuilt."""

import resource
import shutil
from pathlib import Path

import numpy as np
import pytest

from indexes.contract import Hit
from indexes.word_index import TantivyIndex


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    index = TantivyIndex(tmp_path / "words")
    index.put(np.arange(40), [f"eau m{n % 7} n{n}" for n in range(40)])
    index.remove([3])
    return tmp_path / "words"


def test_a_folder_opened_again_answers_the_same(folder: Path) -> None:
    before = TantivyIndex(folder).search("eau m2", 9)

    again = TantivyIndex(folder)

    assert (len(again), again.search("eau m2", 9)) == (39, before)
    again.put(np.array([100]), ["forêt"])
    assert TantivyIndex(folder).search("forêt", 1) == again.search("forêt", 1)


def test_two_openers_may_write_in_turn(folder: Path) -> None:
    first, second = TantivyIndex(folder), TantivyIndex(folder)

    first.put(np.array([50]), ["air"])
    second.put(np.array([51]), ["air"])

    assert [hit.id for hit in TantivyIndex(folder).search("air", 5)] == [50, 51]
    assert isinstance(second.search("air", 1)[0], Hit)


def test_every_damage_is_refused(folder: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    data = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    assert {path.suffix for path in data} >= {".idx", ".term", ".fast", ".del", ".json"}
    for path in data:
        content = path.read_bytes()
        for position in rng.integers(0, 8 * len(content), 8).tolist():
            flipped = bytearray(content)
            flipped[position // 8] ^= 1 << position % 8
            _refuse(folder, tmp_path / "damaged", path.name, bytes(flipped))
        for length in (0, 5, len(content) // 2, len(content) - 1):
            _refuse(folder, tmp_path / "damaged", path.name, content[:length])
        _refuse(folder, tmp_path / "damaged", path.name, None)


def _refuse(folder: Path, copy: Path, name: str, content: bytes | None) -> None:
    shutil.copytree(folder, copy)
    (copy / name).unlink()
    if content is not None:
        (copy / name).write_bytes(content)
    with pytest.raises(ValueError, match="not a sound word index"):
        TantivyIndex(copy)
    shutil.rmtree(copy)


def test_a_full_disk_leaves_the_old_texts(folder: Path) -> None:
    index = TantivyIndex(folder)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, before[1]))
    try:
        with pytest.raises((OSError, ValueError)):
            index.put(np.arange(9_000), [f"air m{n} q{n * n}" for n in range(9_000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert (len(index), index.search("air", 1)) == (39, [])
    index.put(np.array([60]), ["air"])
    assert [hit.id for hit in TantivyIndex(folder).search("air", 5)] == [60]
