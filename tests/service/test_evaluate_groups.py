"""Groups measured against labels given by hand, and other methods beside."""

import json
from pathlib import Path

import pytest

from matcher.evaluation import measure_groups
from service.errors import Refused
from service.workflows.evaluate_groups import evaluate_groups
from tests.fakes import WordEncoder
from tests.service.groups import DETAILS, TOPICS


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    rows = [{"text": f"{topic} {detail}", "label": topic} for topic in TOPICS for detail in DETAILS]
    path = tmp_path / "labelled.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return path


def test_clear_themes_are_found_whole(labelled: Path) -> None:
    shown = evaluate_groups(labelled, WordEncoder())

    assert (shown["texts"], shown["labels"]) == (24, 4)
    ours = shown["methods"]["ours"]
    assert (ours["nmi"], ours["ari"], ours["placed"], ours["groups"]) == (1, 1, 1, 4)
    assert ours["seconds"] > 0


def test_other_methods_are_measured_beside(labelled: Path) -> None:
    shown = evaluate_groups(labelled, WordEncoder(), baselines=["kmeans", "ward", "hdbscan"])

    assert list(shown["methods"]) == ["ours", "kmeans", "ward", "hdbscan"]
    assert shown["methods"]["ward"]["ari"] == 1
    assert shown["methods"]["kmeans"]["groups"] == 4


def test_a_text_in_no_group_stands_alone() -> None:
    measured = measure_groups([0, 0, -1, -1], ["a", "a", "b", "b"])

    assert measured["placed"] == 0.5
    assert measured["groups"] == 1
    assert measured["v_measure"] == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "est vide"),
        ('{"text": "a"}', "ligne 1"),
        ('{"text": "a", "label": "b"}\nnot json', "ligne 2"),
    ],
)
def test_a_file_that_is_not_labelled_texts_is_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(content, "utf-8")

    with pytest.raises(Refused, match=message):
        evaluate_groups(path, WordEncoder())


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="n'existe pas"):
        evaluate_groups(tmp_path / "none.jsonl", WordEncoder())


def test_an_unknown_method_is_refused_with_those_there_are(labelled: Path) -> None:
    with pytest.raises(Refused, match="umap-hdbscan"):
        evaluate_groups(labelled, WordEncoder(), baselines=["magic"])


def test_too_few_texts_for_a_method_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.jsonl"
    path.write_text('{"text": "vélo", "label": "a"}\n{"text": "eau", "label": "b"}', "utf-8")

    assert evaluate_groups(path, WordEncoder())["texts"] == 2
    with pytest.raises(Refused, match="Trop peu"):
        evaluate_groups(path, WordEncoder(), baselines=["hdbscan"])


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.jsonl"
    path.write_bytes('{"text": "vélo", "label": "a"}'.encode("latin-1"))

    with pytest.raises(Refused, match="UTF-8"):
        evaluate_groups(path, WordEncoder())
