"""Stage 2: everyday words learn to meet scholarly ones, and nothing general is lost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch.nn import functional

from training.bridge_pairs import Crossing
from training.distil import Lessons, Report
from training.pairs import Positions
from training.vocabulary import Bags, Tokens


class Student(Protocol):
    """Either student: token ids to unit vectors that can be learnt through."""

    def embed(self, texts: Sequence[Tokens]) -> torch.Tensor:
        """Unit vectors `(len(texts), dim)`."""

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        """What is learnt."""


@dataclass(frozen=True, slots=True)
class CrossingSettings:
    """How a student learns to cross; `general` weighs the texts of stage 1 that go along."""

    epochs: int
    learning_rate: float
    pairs: int = 256
    strangers: int = 128
    phrases: int = 256
    general_texts: int = 512
    temperature: float = 0.05
    own_share: float = 0.5
    lexicon: float = 0.3
    general: float = 1.0
    max_tokens: int = 128
    bf16: bool = False


def learn_crossing(
    student: Student,
    crossing: Crossing,
    lessons: Lessons,
    settings: CrossingSettings,
    *,
    rng: np.random.Generator,
    report: Report,
) -> None:
    """Teach `student` in place: pairs and lexicon against everything else of the batch.

    Multiple negatives (Henderson et al. 2017) both ways, several right answers a subject, near
    misses among the wrong ones; beside them stage 1 goes on, on a draw of its texts.
    """
    optimiser = torch.optim.Adam(student.parameters(), lr=settings.learning_rate, fused=True)
    steps_in_all = settings.epochs * (len(crossing.subjects) // settings.pairs)
    decay = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.02, total_iters=steps_in_all)
    done = 0
    for _ in range(settings.epochs):
        order = rng.permutation(len(crossing.subjects))
        for first in range(0, len(order) - settings.pairs + 1, settings.pairs):
            chosen = order[first : first + settings.pairs]
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=settings.bf16):
                loss = (
                    _meet(student, crossing, chosen, settings, rng)
                    + settings.lexicon * _say(student, crossing, settings, rng)
                    + settings.general * _remember(student, lessons, settings, rng)
                )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
            optimiser.step()
            decay.step()
            done += 1
            report(done, steps_in_all, float(loss.detach()))


def _meet(
    student: Student,
    crossing: Crossing,
    chosen: Positions,
    settings: CrossingSettings,
    rng: np.random.Generator,
) -> torch.Tensor:
    lay = student.embed(_texts(crossing.lay, chosen, settings))
    met = student.embed(_texts(crossing.scholarly, chosen, settings))
    drawn = rng.permutation(len(crossing.strangers.starts) - 1)[: settings.strangers]
    strangers = student.embed(_texts(crossing.strangers, drawn, settings))
    subjects = crossing.subjects[chosen]
    same = torch.from_numpy(subjects[:, None] == subjects[None, :])
    onward = lay @ torch.cat([met, strangers]).T
    none = torch.zeros(len(chosen), len(drawn), dtype=torch.bool)
    return _contrast(onward, torch.cat([same, none], dim=1), settings) + _contrast(
        met @ lay.T, same, settings
    )


def _say(
    student: Student, crossing: Crossing, settings: CrossingSettings, rng: np.random.Generator
) -> torch.Tensor:
    drawn = rng.permutation(len(crossing.entries))[: settings.phrases]
    said = student.embed(_texts(crossing.said, drawn, settings))
    terms = student.embed(_texts(crossing.terms, drawn, settings))
    entries = crossing.entries[drawn]
    same = torch.from_numpy(entries[:, None] == entries[None, :])
    return _contrast(said @ terms.T, same, settings) + _contrast(terms @ said.T, same, settings)


def _remember(
    student: Student, lessons: Lessons, settings: CrossingSettings, rng: np.random.Generator
) -> torch.Tensor:
    drawn = rng.integers(0, len(lessons.target), settings.general_texts)
    goal = torch.from_numpy(lessons.teacher[lessons.target[drawn]]).float()
    french = student.embed(_texts(lessons.french, drawn, settings))
    english = student.embed(_texts(lessons.english, lessons.target[drawn], settings))
    return 2 - ((french + english) * goal).sum(dim=1).mean()


def _contrast(
    cosines: torch.Tensor, same: torch.Tensor, settings: CrossingSettings
) -> torch.Tensor:
    """Cross entropy against the right answers: own ones count `own_share`, others the rest."""
    own = torch.zeros_like(same).fill_diagonal_(True)
    others = (same & ~own).float()
    share = others * (1 - settings.own_share) / others.sum(dim=1, keepdim=True).clamp(min=1)
    goal = share + own * (1 - share.sum(dim=1, keepdim=True))
    log_shares = functional.log_softmax(cosines.float() / settings.temperature, dim=1)
    return -(goal * log_shares).sum(dim=1).mean()


def _texts(bags: Bags, chosen: Positions, settings: CrossingSettings) -> list[Tokens]:
    return [bags.text(int(at))[: settings.max_tokens] for at in chosen]
