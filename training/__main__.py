"""`python -m training --data FOLDER --output matcher/model`: the whole recipe, stage by stage."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from tokenizers import Tokenizer

from matcher.encoder import load_encoder
from training.card import Run, write_card
from training.distil import Floats, Lessons, Settings, distil
from training.folder import check_folder, ship_folder, write_folder
from training.measure import choose_best, measure, read_development_texts
from training.pairs import Corpus, read_corpus, without_accents
from training.teacher import Floats16, teach
from training.vocabulary import UNKNOWN_ID, bag_texts, learn_vocabulary
from training.weights import weigh_rows

UNACCENTED_EVERY = 10
"""One French text in so many is also read without accents when the vocabulary is learnt."""
FIRST_ROWS_DEVIATION = 0.02
SMOOTHINGS = {"plain": None, "SIF 0.01": 0.01, "SIF 0.001": 0.001}
READING_PROBES = ["", "   ", "日本", "[UNK]", "PRÉCARITÉ énergétique, 2024 !", "l’eau du co-op"]


class Clock:
    """Prints each stage and keeps its seconds."""

    def __init__(self, console: Console) -> None:
        self.seconds: dict[str, float] = {}
        self._console = console

    @contextmanager
    def stage(self, name: str) -> Iterator[Callable[[int, int, float], None]]:
        """Time a stage; what it yields prints progress about every 30 seconds."""
        started = told = time.monotonic()

        def report(done: int, in_all: int, loss: float) -> None:
            nonlocal told
            if time.monotonic() - told > 30 or done == in_all:
                told = time.monotonic()
                tail = f", loss {loss:.3f}" if loss else ""
                self._console.print(f"  {name}: {done:,} of {in_all:,}{tail}")

        yield report
        self.seconds[name] = time.monotonic() - started
        self._console.print(f"{name}: {self.seconds[name]:.0f} s")


def main(
    data: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Holds parallel, dev.")],
    output: Annotated[Path, typer.Option(file_okay=False, help="The model folder to write.")],
    work: Annotated[Path, typer.Option(help="Keeps what a second run needs not redo.")] = Path(
        ".training"
    ),
    seed: Annotated[int, typer.Option(help="The same seed draws the same pairs and batches.")] = 0,
    threads: Annotated[int, typer.Option(min=1)] = 2,
    max_pairs: Annotated[int | None, typer.Option(help="A source, for a rehearsal.")] = None,
) -> None:
    """Regenerate the bundled model from parallel texts."""
    torch.set_num_threads(threads)
    clock = Clock(Console())
    with clock.stage("read pairs"):
        corpus = read_corpus(
            data,
            forbidden=read_development_texts(data),
            rng=np.random.default_rng(seed),
            max_pairs=max_pairs,
        )
    with clock.stage("teacher") as report:
        vectors = teach(corpus.english, work=work, report=report)
    with clock.stage("vocabulary"):
        tokenizer, lessons = _prepare_lessons(corpus, vectors)
    settings = Settings()
    with clock.stage("distil") as report:
        rng = np.random.default_rng(seed)
        shape = (tokenizer.get_vocab_size(), vectors.shape[1])
        first = rng.normal(0, FIRST_ROWS_DEVIATION, shape).astype(np.float32)
        rows = distil(lessons, first, settings, rng=rng, report=report)
        # Nothing is known of an unknown character: it must not pull the mean.
        rows[UNKNOWN_ID] = 0
    with clock.stage("measure"):
        figures = _measure_candidates(tokenizer, rows, lessons, work=work, data=data)
    shipped = choose_best(figures)
    ship_folder(work / shipped, output)
    today = datetime.now(UTC).date()
    run = Run(today, seed, corpus.used, settings, figures, shipped, clock.seconds)
    write_card(output / "MODEL_CARD.md", run)


def _prepare_lessons(corpus: Corpus, vectors: Floats16) -> tuple[Tokenizer, Lessons]:
    unaccented = [without_accents(text) for text in corpus.french]
    tokenizer = learn_vocabulary([*corpus.french, *corpus.english, *unaccented[::UNACCENTED_EVERY]])
    english = bag_texts(tokenizer, corpus.english)
    french = bag_texts(tokenizer, [*corpus.french, *unaccented])
    return tokenizer, Lessons(english, french, vectors, corpus.target, corpus.repeats)


def _measure_candidates(
    tokenizer: Tokenizer, rows: Floats, lessons: Lessons, *, work: Path, data: Path
) -> dict[str, dict[str, float]]:
    as_written = lessons.french.starts[len(lessons.target)]
    seen = np.concatenate((lessons.english.tokens, lessons.french.tokens[:as_written]))
    figures = {}
    for name, smoothing in SMOOTHINGS.items():
        weighed = rows if smoothing is None else weigh_rows(rows, seen, smoothing=smoothing)
        folder = work / name
        write_folder(folder, tokenizer, weighed)
        # Read by the product's own reader: what is measured is what it will do.
        encode = load_encoder(str(folder)).encode_passages
        figures[name] = measure(encode, data)
        check_folder(folder, encode, READING_PROBES)
    return figures


if __name__ == "__main__":
    typer.run(main)
