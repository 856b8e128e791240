"""Measures on the development data, which is never trained on."""

import json
import lzma
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from scipy.stats import spearmanr

from matcher.encoder import load_encoder
from training.pairs import without_accents

Floats = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Floats]
"""Texts to float32 rows of length 1."""

STS = "STS-fr dev"
SIMILARITY = "stsb_multi_mt_fr_dev.jsonl.xz"
MISSIONS = "problem_to_mission"
BITEXTS = {
    "newstest 2013-2014": "bitext_heldout_newstest2013_2014.tsv.xz",
    "tatoeba": "bitext_laser_tatoeba_1000.tsv.xz",
    "tico-19": "bitext_tico19_test.tsv.xz",
}
MAX_BITEXT_PAIRS = 2_000
MRR_DEPTH = 10
DECIDING = (f"{STS}, Spearman fr-fr", f"{MISSIONS}, MRR@{MRR_DEPTH}")
"""The candidate with the best mean of these is shipped."""


def measure(encode: Encode, data: Path) -> dict[str, float]:
    """Every development measure by name; higher is better, 1 is perfect."""
    dev = data / "dev"
    figures = measure_similarity(encode, dev / SIMILARITY)
    for name, file_name in BITEXTS.items():
        english, french = _read_bitext(dev / file_name, max_pairs=MAX_BITEXT_PAIRS)
        figures[f"{name}, {len(english):,} pairs, fr->en accuracy@1"] = measure_translation(
            encode, french, english
        )
    figures[f"{MISSIONS}, MRR@{MRR_DEPTH}"] = measure_missions(encode, dev / MISSIONS)
    return figures


def read_development_texts(data: Path) -> frozenset[str]:
    """Every text that is measured on, in `casefold`, so that training can leave it out."""
    dev = data / "dev"
    texts: list[str] = []
    for file_name in BITEXTS.values():
        for side in _read_bitext(dev / file_name, max_pairs=None):
            texts += side
    for side in _read_similarity(dev / SIMILARITY):
        texts += side
    for file_name in ("corpus.jsonl", "queries.jsonl"):
        texts += _read_texts(dev / MISSIONS / file_name)[1]
    return frozenset(" ".join(text.split()).casefold() for text in texts)


def choose_best(figures: Mapping[str, dict[str, float]]) -> str:
    """The name of the candidate that is best on the deciding measures."""
    return max(figures, key=lambda name: sum(figures[name][measured] for measured in DECIDING))


def measure_similarity(encode: Encode, path: Path) -> dict[str, float]:
    """Spearman's correlation of the cosine with people's judgement of likeness."""
    left_fr, right_fr, left_en, right_en = _read_similarity(path)
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        judged = [float(json.loads(line)["score"]) for line in lines]
    unaccented = [without_accents(text) for text in left_fr]
    sides = {
        "fr-fr": (left_fr, right_fr),
        "en-en": (left_en, right_en),
        "en-fr": (left_en, right_fr),
        "fr without accents-fr": (unaccented, right_fr),
    }
    return {
        f"{STS}, Spearman {name}": float(
            spearmanr((encode(left) * encode(right)).sum(axis=1), judged).statistic
        )
        for name, (left, right) in sides.items()
    }


def measure_translation(encode: Encode, sources: list[str], targets: list[str]) -> float:
    """Share of `sources` whose nearest of all `targets` is their own translation."""
    best = (encode(sources) @ encode(targets).T).argmax(axis=1)
    hits = [targets[found] == target for found, target in zip(best, targets, strict=True)]
    return float(np.mean(hits))


def measure_missions(encode: Encode, folder: Path) -> float:
    """Mean reciprocal rank, to depth 10, of the first mission that answers each problem."""
    mission_ids, missions = _read_texts(folder / "corpus.jsonl")
    problem_ids, problems = _read_texts(folder / "queries.jsonl")
    judgements = (folder / "qrels" / "test.tsv").read_text("utf-8").splitlines()[1:]
    answers = {tuple(line.split("\t")[:2]) for line in judgements}
    ranking = np.argsort(-(encode(problems) @ encode(missions).T), axis=1)[:, :MRR_DEPTH]
    gains = []
    for problem_id, ranked in zip(problem_ids, ranking, strict=True):
        hits = [(problem_id, mission_ids[found]) in answers for found in ranked]
        gains.append(1 / (1 + hits.index(True)) if any(hits) else 0.0)
    return float(np.mean(gains))


def _read_similarity(path: Path) -> list[list[str]]:
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [[str(row[column]) for row in rows] for column in ("s1", "s2", "s1_en", "s2_en")]


def _read_bitext(path: Path, *, max_pairs: int | None) -> tuple[list[str], list[str]]:
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        pairs = [line.rstrip("\n").split("\t") for line in lines][:max_pairs]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _read_texts(path: Path) -> tuple[list[str], list[str]]:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [str(row["_id"]) for row in rows], [str(row["text"]) for row in rows]


def main(data: Path, model: Path) -> None:
    """Print every measure of the model folder `model`."""
    console = Console()
    for name, figure in measure(load_encoder(str(model)).encode_passages, data).items():
        console.print(f"{figure:.4f}  {name}")


if __name__ == "__main__":
    typer.run(main)
