"""Texts to measure with: real grant lines where they are at hand, else sentences of the fixtures.

Seeded: the same arguments give the same texts.
"""

import csv
import io
import lzma
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.task import REPOSITORY
from matcher.words import sentences

USUAL_FOLDER = REPOSITORY.parent / "shared" / "data" / "real"
SEED = 20_260_101
QUERY_WORDS = range(5, 16)


class Line(NamedTuple):
    """What a text is about, and the labels it was filed under (empty where there are none)."""

    subject: str
    labels: str

    @property
    def whole(self) -> str:
        """Subject and labels as one text."""
        return f"{self.subject}. {self.labels}" if self.labels else self.subject


class Pool(NamedTuple):
    """Distinct lines in a seeded order, and where they come from."""

    lines: list[Line]
    source: str


class Sides(NamedTuple):
    """Texts that are to meet; no line is on both sides."""

    problems: list[str]
    interests: list[str]


class Collection(NamedTuple):
    """Texts to be searched, and questions none of which is among them."""

    texts: list[str]
    queries: list[str]


def read_pool(real: Path | None = None, *, seed: int = SEED) -> Pool:
    """The lines of a folder of real files; of the fixtures where no folder is given or usual."""
    folder = real or (USUAL_FOLDER if USUAL_FOLDER.is_dir() else None)
    found = _fixture_lines() if folder is None else _real_lines(folder)
    distinct: dict[str, Line] = {}
    for line in found:
        key = " ".join(line.subject.casefold().split())
        if len(key) > 3:
            distinct.setdefault(key, line)
    lines = list(distinct.values())
    order = np.random.default_rng(seed).permutation(len(lines))
    name = "sentences of the fixtures" if folder is None else "real lines"
    return Pool([lines[i] for i in order.tolist()], f"{len(lines):,} distinct {name}")


def split_sides(pool: Pool, *, problems: int, interests: int, seed: int = SEED) -> Sides:
    """So many texts a side. A side that needs more than its share of lines joins them in pairs."""
    needed = problems + interests
    usable = min(len(pool.lines), needed)
    cut = usable * problems // needed
    rng = np.random.default_rng(seed)
    return Sides(
        extend([line.whole for line in pool.lines[:cut]], problems, rng),
        extend([line.whole for line in pool.lines[cut:usable]], interests, rng),
    )


def make_collection(pool: Pool, *, texts: int, queries: int, seed: int = SEED) -> Collection:
    """Subjects of 5 to 15 words are held out as queries; the rest, joined if need be, is there."""
    fitting = [i for i, line in enumerate(pool.lines) if len(line.subject.split()) in QUERY_WORDS]
    asked = fitting[:queries]
    held_out = set(asked)
    rest = [line.whole for i, line in enumerate(pool.lines) if i not in held_out]
    return Collection(
        extend(rest, texts, np.random.default_rng(seed)),
        [pool.lines[i].subject for i in asked],
    )


def extend(texts: Sequence[str], count: int, rng: np.random.Generator) -> list[str]:
    """The first `count` texts, then distinct pairs of them as one text."""
    if len(texts) * (len(texts) - 1) < count:
        raise ValueError(f"{len(texts)} texts are too few to make {count}")
    result = dict.fromkeys(texts[:count])
    while len(result) < count:
        for first, second in rng.integers(len(texts), size=(count - len(result), 2)).tolist():
            if first != second:
                result[f"{texts[first]} {texts[second]}"] = None
    return list(result)


def read_grants(folder: Path) -> list[dict[str, str]] | None:
    """The rows of the subsidised associations, None where the file is not there."""
    path = folder / "subventions_associations.csv.xz"
    if not path.is_file():
        return None
    return list(_rows(lzma.decompress(path.read_bytes()).decode("cp1252"), ";"))


def _real_lines(folder: Path) -> Iterator[Line]:
    for row in read_grants(folder) or ():
        yield _line(row["Objet"], row["Mission"], row["Programme"], row["Action"])
    sheets = (folder / "problem_sheets.csv").read_text("utf-8-sig")
    for row in _rows(sheets, ";"):
        yield _line(f"{row['Titre']} : {row['Problème']}", row["Thématiques"])
    local = (folder / "subventions_loire_atlantique.csv").read_text("utf-8-sig")
    for row in _rows(local, ","):
        yield _line(row["objet"])


def _fixture_lines() -> Iterator[Line]:
    for path in sorted((REPOSITORY / "fixtures").glob("*/statements.csv")):
        for row in _rows(path.read_text("utf-8-sig"), ";"):
            for text in (row["title"], *sentences(row["text"])):
                yield _line(text)


def _rows(text: str, delimiter: str) -> Iterator[dict[str, str]]:
    return csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)


def _line(subject: str, *labels: str) -> Line:
    return Line(" ".join(subject.split()), ". ".join(" ".join(label.split()) for label in labels))
