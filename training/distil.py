"""The student: one row a token, taught that both sides of a pair mean the teacher's vector."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from training.pairs import Positions
from training.vocabulary import Bags, Tokens

Floats = NDArray[np.float32]
Report = Callable[[int, int, float], None]
"""Called with (steps done, steps in all, loss)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the student learns."""

    epochs: int = 3
    batch: int = 4_096
    learning_rate: float = 0.02
    contrast: float = 0.2
    temperature: float = 0.05
    unaccented_share: float = 0.1


@dataclass(frozen=True, slots=True)
class Lessons:
    """Pair i of n is French bag i, and English bag and teacher row `target[i]`.

    French bag n + i is French text i typed without accents.
    """

    english: Bags
    french: Bags
    teacher: NDArray[np.float16]
    target: Positions
    repeats: Positions


class Rows(torch.nn.Module):
    """The static student: the mean of its tokens' rows, scaled to length 1."""

    def __init__(self, start: Floats) -> None:
        super().__init__()
        self.bag = torch.nn.EmbeddingBag.from_pretrained(
            torch.from_numpy(start.copy()), freeze=False, mode="mean"
        )

    def embed(self, texts: Sequence[Tokens]) -> torch.Tensor:
        """Unit vectors `(len(texts), dim)` of texts given as token ids."""
        starts = np.cumsum([0, *(len(text) for text in texts[:-1])])
        tokens = np.concatenate(list(texts))
        raw = self.bag(torch.from_numpy(tokens), torch.from_numpy(starts))
        return functional.normalize(raw, dim=1)

    def rows(self) -> Floats:
        """What was learnt, `(vocabulary, dim)`."""
        return np.asarray(self.bag.weight.detach().numpy(), dtype=np.float32)


def distil(
    lessons: Lessons, start: Floats, settings: Settings, *, rng: np.random.Generator, report: Report
) -> Floats:
    """The rows `(vocabulary, dim)` learnt from `lessons`, beginning at `start`."""
    student = torch.nn.EmbeddingBag.from_pretrained(
        torch.from_numpy(start.copy()), freeze=False, mode="mean"
    )
    # Dense: at 4,096 pairs a batch most rows move anyway, and the fused step beats SparseAdam.
    optimiser = torch.optim.Adam(student.parameters(), lr=settings.learning_rate, fused=True)
    seen = np.repeat(np.arange(len(lessons.target)), lessons.repeats)
    steps_in_all = settings.epochs * (len(seen) // settings.batch)
    decay = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, total_iters=steps_in_all)
    done = 0
    for _ in range(settings.epochs):
        order = rng.permutation(seen)
        for first in range(0, len(order) - settings.batch + 1, settings.batch):
            loss = _loss(student, lessons, order[first : first + settings.batch], settings, rng)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
            optimiser.step()
            decay.step()
            done += 1
            report(done, steps_in_all, float(loss.detach()))
    return np.asarray(student.weight.detach().numpy(), dtype=np.float32)


def _loss(
    student: torch.nn.EmbeddingBag,
    lessons: Lessons,
    chosen: Positions,
    settings: Settings,
    rng: np.random.Generator,
) -> torch.Tensor:
    target = lessons.target[chosen]
    goal = torch.from_numpy(lessons.teacher[target]).float()
    # Two French texts of one English text are no wrong answers to each other.
    twins = torch.from_numpy(target[:, None] == target[None, :]).fill_diagonal_(False)
    unaccented = rng.random(len(chosen)) < settings.unaccented_share
    french = lessons.french.choose(chosen + unaccented * len(lessons.target))
    loss = torch.zeros(())
    for bags in (french, lessons.english.choose(target)):
        raw = student(torch.from_numpy(bags.tokens), torch.from_numpy(bags.starts[:-1]))
        vectors = functional.normalize(raw, dim=1)
        far = 1 - (vectors * goal).sum(dim=1).mean()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            cosines = vectors @ goal.T
        logits = (cosines.float() / settings.temperature).masked_fill(twins, -torch.inf)
        confused = functional.cross_entropy(logits, torch.arange(len(chosen)))
        loss = loss + far + settings.contrast * confused
    return loss
