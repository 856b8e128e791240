"""`python -m training --data FOLDER`: the whole recipe of both encoders, stage by stage."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from tokenizers import Tokenizer

from matcher.encoder import BUNDLED_MODELS, load_encoder
from matcher.lexicon.lexicon import read_lexicon
from training.bridge_pairs import prepare_crossing, read_pairs
from training.card import Run, write_card
from training.crossing import Crossing, CrossingSettings, Student, learn_crossing
from training.distil import Floats, Lessons, Rows, Settings, distil
from training.folder import check_folder, ship_folder, write_folder, write_transformer
from training.measure import measure, read_development_texts
from training.pairs import Corpus, read_corpus, without_accents
from training.teacher import Floats16, teach
from training.transformer import (
    Transformer,
    TransformerSettings,
    distil_transformer,
    start_transformer,
)
from training.vocabulary import UNKNOWN_ID, bag_texts, learn_vocabulary

UNACCENTED_EVERY = 10
"""One French text in so many is also read without accents when the vocabulary is learnt."""
FIRST_ROWS_DEVIATION = 0.02
FAST_CROSSING = CrossingSettings(epochs=10, learning_rate=0.006)
DEEP_CROSSING = CrossingSettings(
    epochs=2,
    learning_rate=1e-4,
    pairs=64,
    strangers=32,
    phrases=128,
    general_texts=64,
    bf16=True,
)
READING_PROBES = ["", "   ", "日本", "[UNK]", "PRÉCARITÉ énergétique, 2024 !", "l’eau du co-op"]
READING_PROBES += ["des gens qui ne demandent pas leurs aides, " * 80]


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
                spent = f"{told - started:.0f} s"
                self._console.print(f"  {name}: {done:,} of {in_all:,}{tail}, {spent}")

        yield report
        self.seconds[name] = time.monotonic() - started
        self._console.print(f"{name}: {self.seconds[name]:.0f} s")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What every stage needs: where it keeps its results, its seed and its clock."""

    work: Path
    seed: int
    clock: Clock

    def rng(self) -> np.random.Generator:
        """The same draws for a stage whether or not those before it were found done."""
        return np.random.default_rng(self.seed)


def main(  # noqa: PLR0913 - the options of one command
    data: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Holds parallel, dev.")],
    fast: Annotated[Path, typer.Option(help="The static model's folder.")] = BUNDLED_MODELS["fast"],
    deep: Annotated[Path, typer.Option(help="The transformer's folder.")] = BUNDLED_MODELS["deep"],
    work: Annotated[Path, typer.Option(help="Keeps what a second run needs not redo.")] = Path(
        ".training"
    ),
    seed: Annotated[int, typer.Option(help="The same seed draws the same pairs and batches.")] = 0,
    threads: Annotated[int, typer.Option(min=1)] = 2,
    max_pairs: Annotated[int | None, typer.Option(help="A source, for a rehearsal.")] = None,
) -> None:
    """Make both bundled encoders again from parallel texts, the bridge and the lexicon."""
    torch.set_num_threads(threads)
    clock = Clock(Console(width=100))
    with clock.stage("read pairs"):
        corpus = read_corpus(
            data,
            forbidden=read_development_texts(data),
            rng=np.random.default_rng(seed),
            max_pairs=max_pairs,
        )
    with clock.stage("teacher") as report:
        vectors = teach(corpus.english, corpus.starts, work=work, report=report)
    recipe = Recipe(_work_folder(work, corpus, seed), seed, clock)
    tokenizer = _prepare_tokenizer(recipe, corpus)
    lessons = _prepare_lessons(tokenizer, corpus, vectors)
    rows = _distil_rows(recipe, tokenizer, lessons)
    student = _distil_transformer(recipe, tokenizer, rows, lessons)
    pairs, strangers = read_pairs()
    crossing = prepare_crossing(tokenizer, pairs, strangers, read_lexicon())
    _cross_fast(recipe, tokenizer, rows, lessons, crossing)
    _cross_deep(recipe, tokenizer, student, lessons, crossing)
    figures = {name: _measure(recipe, name, data) for name in ("fast", "deep")}
    for name, output in (("fast", fast), ("deep", deep)):
        ship_folder(recipe.work / name, output)
        run = Run(
            today=datetime.now(UTC).date(),
            seed=seed,
            used=corpus.used,
            meetings=len(pairs),
            subjects=len({pair.subject for pair in pairs}),
            strangers=len(strangers),
            entries=len(read_lexicon()),
            settings={
                "static": Settings(),
                "deep_first": TransformerSettings(),
                "fast": FAST_CROSSING,
                "deep": DEEP_CROSSING,
            },
            figures=figures,
            seconds=clock.seconds,
        )
        write_card(output / "MODEL_CARD.md", name, run)


def _work_folder(work: Path, corpus: Corpus, seed: int) -> Path:
    """Its own folder for each choice of texts and seed: another run never meets stale results."""
    digest = hashlib.sha256(repr((seed, corpus.used, len(corpus.french))).encode())
    folder = work / digest.hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _prepare_tokenizer(recipe: Recipe, corpus: Corpus) -> Tokenizer:
    path = recipe.work / "tokenizer.json"
    with recipe.clock.stage("vocabulary"):
        if not path.exists():
            unaccented = [without_accents(text) for text in corpus.french[::UNACCENTED_EVERY]]
            learn_vocabulary([*corpus.french, *corpus.english, *unaccented]).save(str(path))
    return Tokenizer.from_file(str(path))


def _prepare_lessons(tokenizer: Tokenizer, corpus: Corpus, vectors: Floats16) -> Lessons:
    unaccented = [without_accents(text) for text in corpus.french]
    english = bag_texts(tokenizer, corpus.english)
    french = bag_texts(tokenizer, [*corpus.french, *unaccented])
    return Lessons(english, french, vectors, corpus.target, corpus.repeats)


def _distil_rows(recipe: Recipe, tokenizer: Tokenizer, lessons: Lessons) -> Floats:
    path = recipe.work / "rows.npy"
    with recipe.clock.stage("distil, fast") as report:
        if not path.exists():
            rng = recipe.rng()
            shape = (tokenizer.get_vocab_size(), lessons.teacher.shape[1])
            first = rng.normal(0, FIRST_ROWS_DEVIATION, shape).astype(np.float32)
            rows = distil(lessons, first, Settings(), rng=rng, report=report)
            # Nothing is known of an unknown character: it must not pull the mean.
            rows[UNKNOWN_ID] = 0
            np.save(path, rows)
    return np.asarray(np.load(path), dtype=np.float32)


def _distil_transformer(
    recipe: Recipe, tokenizer: Tokenizer, rows: Floats, lessons: Lessons
) -> Transformer:
    student = start_transformer(tokenizer, rows)
    with recipe.clock.stage("distil, deep") as report:
        distil_transformer(
            student,
            lessons,
            TransformerSettings(),
            rng=recipe.rng(),
            work=recipe.work,
            report=report,
        )
    return student


def _cross_fast(
    recipe: Recipe, tokenizer: Tokenizer, rows: Floats, lessons: Lessons, crossing: Crossing
) -> None:
    student = Rows(rows)
    _cross(recipe, "fast", student, lessons, crossing, FAST_CROSSING)
    learnt = student.rows()
    learnt[UNKNOWN_ID] = 0
    write_folder(recipe.work / "fast", tokenizer, learnt)


def _cross_deep(
    recipe: Recipe,
    tokenizer: Tokenizer,
    student: Transformer,
    lessons: Lessons,
    crossing: Crossing,
) -> None:
    _cross(recipe, "deep", student, lessons, crossing, DEEP_CROSSING)
    write_transformer(recipe.work / "deep", tokenizer, student)


def _cross(
    recipe: Recipe,
    name: str,
    student: Student,
    lessons: Lessons,
    crossing: Crossing,
    settings: CrossingSettings,
) -> None:
    with recipe.clock.stage(f"cross, {name}") as report:
        learn_crossing(student, crossing, lessons, settings, rng=recipe.rng(), report=report)


def _measure(recipe: Recipe, name: str, data: Path) -> dict[str, float]:
    with recipe.clock.stage(f"measure, {name}"):
        folder = recipe.work / name
        # Read by the product's own reader: what is measured is what it will do.
        encode = load_encoder(str(folder)).encode_passages
        check_folder(folder, encode, READING_PROBES)
        return measure(encode, data)


if __name__ == "__main__":
    typer.run(main)
