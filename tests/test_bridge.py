"""The bridge texts keep the promises of training/bridge/README.md."""

import csv
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from matcher.words import stems
from service import reference

ROOT = Path(__file__).parents[1]
BRIDGE = ROOT / "training" / "bridge"
LEAST_PAIRS, LEAST_SUBJECTS = 2_000, 350
SHORTEST, LONGEST = 10, 125
MOST_SHARED = 8
DIVERS = "050"


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def train() -> list[dict[str, Any]]:
    return [row for path in sorted((BRIDGE / "train").glob("*.jsonl")) for row in read(path)]


@pytest.fixture(scope="module")
def dev() -> list[dict[str, Any]]:
    return read(BRIDGE / "dev" / "corpus.jsonl")


def texts_of(row: dict[str, Any]) -> list[str]:
    return [row[side] for side in ("lay", "scholarly", "text") if side in row]


def pairs(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["kind"] == "pair"]


def test_there_are_enough_pairs_on_enough_subjects(train: list[dict[str, Any]]) -> None:
    assert len(pairs(train)) >= LEAST_PAIRS
    assert len({row["subject"] for row in pairs(train)}) >= LEAST_SUBJECTS


def test_no_two_texts_are_alike(train: list[dict[str, Any]], dev: list[dict[str, Any]]) -> None:
    seen: dict[tuple[str, ...], str] = {}
    for text in [text for row in (*train, *dev) for text in texts_of(row)]:
        key = tuple(stems(text))
        assert key not in seen, (text, seen[key])
        seen[key] = text


def test_no_subject_of_dev_is_trained_on(
    train: list[dict[str, Any]], dev: list[dict[str, Any]]
) -> None:
    kept = {row["metadata"]["subject"] for row in dev}

    assert kept.isdisjoint(row["subject"] for row in train)
    themes = {row["metadata"]["theme"].casefold() for row in dev if row["_id"].endswith("-lay")}
    assert themes.isdisjoint(row["theme"].casefold() for row in pairs(train))


def test_texts_are_of_the_lengths_people_write(
    train: list[dict[str, Any]], dev: list[dict[str, Any]]
) -> None:
    lengths = [len(text.split()) for row in (*train, *dev) for text in texts_of(row)]

    assert min(lengths) >= SHORTEST
    assert max(lengths) <= LONGEST


def test_the_two_texts_of_a_pair_share_few_words(train: list[dict[str, Any]]) -> None:
    shared = [len(set(stems(row["lay"])) & set(stems(row["scholarly"]))) for row in pairs(train)]

    assert max(shared) <= MOST_SHARED
    assert sum(shared) / len(shared) < 2


def test_one_scholarly_text_in_eight_or_so_is_in_english(train: list[dict[str, Any]]) -> None:
    share = sum(row["language"] == "en" for row in pairs(train)) / len(pairs(train))

    assert 1 / 10 < share < 1 / 5


def test_every_science_and_nearly_every_rna_family_is_there(train: list[dict[str, Any]]) -> None:
    sciences = {row["hal"].split(".")[0] for row in train if row.get("hal")}
    families = {row["rna"][:3] for row in pairs(train) if row.get("rna")}

    assert sciences >= {entry.family for entry in reference.disciplines()}
    official = {entry.family[:3] for entry in reference.sectors()}
    assert official - families <= {DIVERS}


def test_no_text_of_the_fixtures_is_trained_on(train: list[dict[str, Any]]) -> None:
    fixtures: set[tuple[str, ...]] = set()
    for path in (ROOT / "fixtures").glob("*/statements.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            fixtures |= {
                windows
                for row in csv.DictReader(file, delimiter=";")
                for windows in _windows(row["text"])
            }
    for row in read(ROOT / "fixtures" / "gold" / "queries.jsonl"):
        fixtures |= set(_windows(row["text"]))
    copied = [text for row in train for text in texts_of(row) if fixtures & set(_windows(text))]

    assert copied == []


def test_every_lay_text_of_dev_has_its_own_answer_and_those_of_its_subject() -> None:
    queries = {row["_id"] for row in read(BRIDGE / "dev" / "queries.jsonl")}
    subject = {r["_id"]: r["metadata"]["subject"] for r in read(BRIDGE / "dev" / "corpus.jsonl")}
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    for line in (BRIDGE / "dev" / "qrels" / "test.tsv").read_text("utf-8").splitlines()[1:]:
        query, text, grade = line.split("\t")
        grades[query][text] = int(grade)

    assert set(grades) == queries
    for query, found in grades.items():
        assert [t for t, grade in found.items() if grade == 3] == [
            query.replace("lay", "scholarly")
        ]
        assert {subject[text] for text in found} == {subject[query]}


def _windows(text: str, *, words: int = 10) -> list[tuple[str, ...]]:
    """Runs of ten words, by which a copied sentence betrays itself."""
    found = re.findall(r"\w+", text.lower())
    return [tuple(found[at : at + words]) for at in range(len(found) - words + 1)]
