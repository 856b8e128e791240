"""Questions one by one: by meaning, by words, by both; ours beside numpy and rank_bm25.

`python -m benchmarks.search --sizes 10000 100000`
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from benchmarks.measures import describe_load, describe_machine, print_table, ratio
from benchmarks.task import find_model, name_model
from benchmarks.texts import Collection, make_collection, read_pool
from indexes.faiss_index import FaissIndex
from indexes.word_index import TantivyIndex
from matcher.encoder import Encoder, Vectors, load_encoder
from matcher.fusion import measure_background
from matcher.hubs import Hubs
from matcher.lexicon.lexicon import Lexicon, read_lexicon
from matcher.words import stems
from service.workflows.ranking import DEPTH, Ranker, embed_question, read_question

FIRST = 10
TURN = 10
"""Questions one contender answers before it is the other's turn: a busy machine disturbs both."""
WARM_UP = 5
MANY, FEW = 20_000, 40
"""Questions enough where one takes a tenth of a second: rank_bm25 over 100k texts."""
RANK_OFFSET = 60
"""The constant of reciprocal rank fusion, as everyone sets it."""
HEADER = ("by", "who", "asked", "q/s", "p50 ms", "p99 ms", "CPU ms", "ratio", "same first 10")

Ranking = Sequence[tuple[int, float]]
Ask = Callable[[str], Ranking]


class Contender(NamedTuple):
    """Who answers, and how many questions it is asked."""

    ask: Ask
    questions: int


class Answers(NamedTuple):
    """Seconds of each question by the clock and of processors, and the ids it found."""

    seconds: list[float]
    first: list[list[int]]
    processor: list[float]


class Ours:
    """The two indexes of the service, asked as it asks them."""

    def __init__(self, texts: Sequence[str], vectors: Vectors, encoder: Encoder) -> None:
        ids = np.arange(len(texts), dtype=np.int64)
        index, words = FaissIndex(encoder.dim), TantivyIndex()
        index.put(ids, vectors)
        words.put(ids, [" ".join(stems(text)) for text in texts])
        hubs = Hubs.of(vectors, ids % 2 == 0)
        deviation = measure_background(vectors, vectors).deviation
        self._ranker = Ranker(index, words, hubs, deviation)
        self._encoder, self._lexicon = encoder, Lexicon(read_lexicon())

    def meaning(self, question: str) -> Ranking:
        """Nearest in meaning."""
        return self._ranker.vectors.search(self._encoder.encode_queries([question]), DEPTH)[0]

    def words(self, question: str) -> Ranking:
        """Nearest in words."""
        return self._ranker.words.search(" ".join(stems(question)), DEPTH)

    def both(self, question: str) -> Ranking:
        """One ranking of the two."""
        rows = embed_question(question, self._encoder)
        return self._ranker.rank(read_question(question, rows, self._lexicon), None).both


class Plain:
    """A matrix and rank_bm25, over the same vectors and the same stems."""

    def __init__(self, texts: Sequence[str], vectors: Vectors, encoder: Encoder) -> None:
        self._encoder = encoder
        self._matrix = vectors
        self._bm25 = BM25Okapi([stems(text) for text in texts])

    def meaning(self, question: str) -> Ranking:
        """Nearest in meaning."""
        return _best(self._matrix @ self._encoder.encode_queries([question])[0])

    def words(self, question: str) -> Ranking:
        """Nearest in words."""
        return _best(self._bm25.get_scores(stems(question)))

    def both(self, question: str) -> Ranking:
        """One ranking of the two, by reciprocal ranks."""
        scores: dict[int, float] = {}
        for ranking in (self.meaning(question), self.words(question)):
            for rank, (identity, _) in enumerate(ranking, start=1):
                scores[identity] = scores.get(identity, 0.0) + 1 / (RANK_OFFSET + rank)
        return sorted(scores.items(), key=lambda item: -item[1])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument(
        "--threads", type=int, nargs="+", default=[0, 1], help="of BLAS and OpenMP; 0: as installed"
    )
    parser.add_argument("--real", type=Path, help="folder of real files (default: the usual one)")
    options = parser.parse_args()
    pool = read_pool(options.real)
    model = find_model()
    encoder = load_encoder(model)
    print(f"Search, {options.queries} questions of 5 to 15 words; {pool.source}, joined in pairs")
    print(f"where more are needed; {name_model(model)}, {encoder.dim} dimensions")
    print(describe_machine())
    for size in options.sizes:
        collection = make_collection(pool, texts=size, queries=options.queries)
        vectors = encoder.encode_passages(collection.texts)
        ours = Ours(collection.texts, vectors, encoder)
        plain = Plain(collection.texts, vectors, encoder)
        for threads in options.threads:
            # Two threads that wait for each other measure how busy the machine is, hence both.
            with threadpool_limits(threads or None):
                name = f"{threads} thread(s)" if threads else "threads as installed"
                _compare(f"{size:,} texts, {name}", collection, ours, plain)
    print(f"Afterwards: {describe_load()}")


def _compare(title: str, collection: Collection, ours: Ours, plain: Plain) -> None:
    questions = collection.queries
    few = min(FEW, len(questions)) if len(collection.texts) > MANY else len(questions)
    rows = []
    for name, rival, mine, theirs in (
        ("words", "rank_bm25", ours.words, Contender(plain.words, few)),
        ("meaning", "numpy", ours.meaning, Contender(plain.meaning, len(questions))),
        ("both", "numpy + rank_bm25", ours.both, Contender(plain.both, few)),
    ):
        answers = _answer_in_turns(questions, Contender(mine, len(questions)), theirs)
        rows.append(_row(name, "ours", answers[0], ""))
        speed = ratio(_mean(answers[1]), _mean(answers[0]))
        rows.append(_row(name, rival, answers[1], speed))
        rows[-1].append(f"{_agreement(*answers):.0%}")
        rows[-2].append("")
    print_table(title, HEADER, rows)


def _answer_in_turns(
    questions: Sequence[str], ours: Contender, theirs: Contender
) -> tuple[Answers, Answers]:
    answers = Answers([], [], []), Answers([], [], [])
    for contender in (ours, theirs):
        for question in questions[-WARM_UP:]:
            contender.ask(question)
    for start in range(0, len(questions), TURN):
        for contender, answered in zip((ours, theirs), answers, strict=True):
            for question in questions[start : min(start + TURN, contender.questions)]:
                clock, processor = time.perf_counter(), time.process_time()
                found = contender.ask(question)
                answered.seconds.append(time.perf_counter() - clock)
                answered.processor.append(time.process_time() - processor)
                answered.first.append([identity for identity, _ in found[:FIRST]])
    return answers


def _row(name: str, who: str, answers: Answers, speed: str) -> list[str]:
    milliseconds = np.array(answers.seconds) * 1000
    middle, worst = np.percentile(milliseconds, [50, 99])
    each_second = 1 / _mean(answers)
    spent = 1000 * float(np.mean(answers.processor))
    shown = (f"{each_second:,.0f}", f"{middle:.2f}", f"{worst:.2f}", f"{spent:.2f}")
    return [name, who, str(len(answers.seconds)), *shown, speed]


def _mean(answers: Answers) -> float:
    return float(np.mean(answers.seconds))


def _agreement(ours: Answers, theirs: Answers) -> float:
    """The share of the first ten that both found, over the questions both were asked."""
    shared = [
        len(set(a) & set(b)) / max(len(a), len(b), 1)
        for a, b in zip(ours.first, theirs.first, strict=False)
    ]
    return float(np.mean(shared))


def _best(scores: NDArray[np.float32] | NDArray[np.float64]) -> Ranking:
    count = min(DEPTH, len(scores))
    top = np.argpartition(-scores, count - 1)[:count]
    ordered = top[np.argsort(-scores[top], kind="stable")]
    return list(zip(ordered.tolist(), scores[ordered].tolist(), strict=True))


if __name__ == "__main__":
    main()
