"""The bridge: lay texts and the scholarly texts that meet them, and the lexicon, as lessons."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from matcher.lexicon.lexicon import Entry
from training.vocabulary import Bags, bag_texts

BRIDGE = Path(__file__).parent / "bridge"
"""`train/*.jsonl`, one object a line; `dev/` (BEIR layout), whose subjects are never trained on."""
Positions = NDArray[np.int64]


class Pair(NamedTuple):
    """Two texts that a mediator would introduce to each other; pairs of one subject could cross."""

    subject: str
    lay: str
    scholarly: str


@dataclass(frozen=True, slots=True)
class Crossing:
    """What stage 2 learns from, as tokens.

    Text i of `lay` meets text i of `scholarly`, on subject `subjects[i]`; `strangers` are scholarly
    texts that no lay text meets. Phrase i of `said` means term i of `terms`, of entry `entries[i]`.
    """

    lay: Bags
    scholarly: Bags
    subjects: Positions
    strangers: Bags
    said: Bags
    terms: Bags
    entries: Positions


def read_pairs(folder: Path = BRIDGE) -> tuple[list[Pair], list[str]]:
    """The training pairs, and the scholarly texts that meet nobody (near misses, lone subjects)."""
    pairs: list[Pair] = []
    strangers: list[str] = []
    for path in sorted((folder / "train").glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            if row["kind"] == "pair":
                pairs.append(Pair(row["subject"], row["lay"], row["scholarly"]))
            else:
                strangers.append(row["text"])
    return pairs, strangers


def prepare_crossing(
    tokenizer: Tokenizer, pairs: Sequence[Pair], strangers: Sequence[str], lexicon: Sequence[Entry]
) -> Crossing:
    """The lessons of stage 2 in the tokens of a student."""
    numbers = {subject: i for i, subject in enumerate(dict.fromkeys(p.subject for p in pairs))}
    sayings = [
        (phrase, form, number)
        for number, entry in enumerate(lexicon)
        for phrase in entry.say
        for form in (", ".join(entry.terms), entry.english)
        if form
    ]
    return Crossing(
        lay=bag_texts(tokenizer, [pair.lay for pair in pairs]),
        scholarly=bag_texts(tokenizer, [pair.scholarly for pair in pairs]),
        subjects=np.array([numbers[pair.subject] for pair in pairs]),
        strangers=bag_texts(tokenizer, strangers),
        said=bag_texts(tokenizer, [phrase for phrase, _, _ in sayings]),
        terms=bag_texts(tokenizer, [form for _, form, _ in sayings]),
        entries=np.array([number for _, _, number in sayings]),
    )
