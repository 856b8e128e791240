"""F5: index files that are broken are seen, and mended from the vectors that the database keeps."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import Tally, rounds
from tests.faults.finding import answers_of, assert_same_answers, fill, refusal
from tests.faults.processes import Place

TIMES = 50
FILES = ("manifest.json", "vectors.faiss", "words.json")


@pytest.fixture
def filled(sqlite_place: Place) -> Place:
    fill(sqlite_place, "avant", 60)
    return sqlite_place


def flip(content: bytes, chance: random.Random) -> bytes:
    flipped = bytearray(content)
    bit = chance.randrange(8 * len(content))
    flipped[bit // 8] ^= 1 << bit % 8
    return bytes(flipped)


def truncate(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


@pytest.mark.fault("F5")
@pytest.mark.parametrize("spoil", [flip, truncate])
def test_every_flipped_bit_and_every_truncation_is_seen_and_mended(
    filled: Place, tally: Tally, spoil: Callable[[bytes, random.Random], bytes]
) -> None:
    before = answers_of(filled)
    chance = random.Random(5)
    for _ in range(rounds(TIMES)):
        path = find(filled, chance.choice(FILES))
        path.write_bytes(spoil(path.read_bytes(), chance))

        assert refusal(filled) == "corrupt"
        assert_same_answers(filled, before)
    assert refusal(filled) == ""
    tally(rounds(TIMES), f"files struck by {spoil.__name__}")


@pytest.mark.fault("F5")
@pytest.mark.parametrize("name", [*FILES, "snapshot-*"])
@pytest.mark.parametrize("how", ["empty", "missing"])
def test_each_file_that_is_empty_or_missing_is_seen_and_mended(
    filled: Place, tally: Tally, name: str, how: str
) -> None:
    before = answers_of(filled)
    empty_or_remove(find(filled, name), how)

    said = refusal(filled)

    assert said == ("missing" if (name, how) == ("manifest.json", "missing") else "corrupt")
    assert_same_answers(filled, before)
    assert refusal(filled) == ""
    tally(1, "files emptied or removed")


def find(place: Place, name: str) -> Path:
    [path] = (place.folder / "indexes").rglob(name)
    return path


def empty_or_remove(path: Path, how: str) -> None:
    if path.is_dir():
        shutil.rmtree(path)
        if how == "empty":
            path.mkdir()
    elif how == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
