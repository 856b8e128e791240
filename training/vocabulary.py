"""The tokenizer of both languages, and texts as bags of its tokens."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

Tokens = NDArray[np.int64]

SIZE = 40_000
WHOLE_WORDS = 16_000
UNKNOWN = "[UNK]"
UNKNOWN_ID = 0
BATCH = 10_000


class Bags(NamedTuple):
    """The tokens of text i are `tokens[starts[i] : starts[i + 1]]`."""

    tokens: Tokens
    starts: Tokens

    def text(self, position: int) -> Tokens:
        """The tokens of one text."""
        return self.tokens[self.starts[position] : self.starts[position + 1]]

    def choose(self, positions: Tokens) -> "Bags":
        """The bags at `positions`, in that order."""
        lengths = self.starts[positions + 1] - self.starts[positions]
        starts = np.concatenate(([0], np.cumsum(lengths)))
        shifts = np.repeat(self.starts[positions] - starts[:-1], lengths)
        return Bags(self.tokens[shifts + np.arange(starts[-1])], starts)


def learn_vocabulary(
    texts: Sequence[str], *, size: int = SIZE, whole_words: int = WHOLE_WORDS
) -> Tokenizer:
    """A Unigram tokenizer of `size` tokens that ignores case and isolates punctuation.

    The trainer seeds itself with strings that go on in several ways, so it misses frequent words
    that never do, as most plurals: the most frequent of them are added with their own likelihood.
    """
    tokenizer = _make_tokenizer()
    trainer = trainers.UnigramTrainer(
        vocab_size=size - whole_words,
        special_tokens=[UNKNOWN],
        unk_token=UNKNOWN,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    pieces = [(str(piece), float(score)) for piece, score in _read_pieces(tokenizer)]
    known = {piece for piece, _ in pieces}
    words = _count_words(tokenizer, texts)
    ranked = sorted(words.items(), key=lambda item: (-item[1], item[0]))
    added = [(word, math.log(n / words.total())) for word, n in ranked if word not in known]
    tokenizer.model = models.Unigram([*pieces, *added[:whole_words]], unk_id=UNKNOWN_ID)
    return tokenizer


def bag_texts(tokenizer: Tokenizer, texts: Sequence[str]) -> Bags:
    """The tokens of each text."""
    tokens: list[Tokens] = []
    lengths: list[int] = [0]
    for start in range(0, len(texts), BATCH):
        encodings = tokenizer.encode_batch_fast(
            list(texts[start : start + BATCH]), add_special_tokens=False
        )
        ids = [encoding.ids for encoding in encodings]
        lengths += [len(bag) for bag in ids]
        tokens.append(np.array([token for bag in ids for token in bag], dtype=np.int64))
    return Bags(np.concatenate(tokens), np.cumsum(lengths))


def _make_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Lowercase(),
            # One spelling where keyboards and word processors differ.
            normalizers.Replace("’", "'"),
            normalizers.Replace("œ", "oe"),
            normalizers.Replace("æ", "ae"),
        ]
    )
    # After punctuation too a word begins with the mark of a beginning: "l'eau", "(eau)" and "eau"
    # share one row.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Punctuation(behavior="isolated"),
            pre_tokenizers.Metaspace(prepend_scheme="always"),
        ]
    )
    return tokenizer


def _read_pieces(tokenizer: Tokenizer) -> list[tuple[str, float]]:
    # The binding shows the pieces' likelihoods nowhere but in the file it would write.
    return [(piece, score) for piece, score in json.loads(tokenizer.to_str())["model"]["vocab"]]


def _count_words(tokenizer: Tokenizer, texts: Sequence[str]) -> Counter[str]:
    words: Counter[str] = Counter()
    for text in texts:
        plain = tokenizer.normalizer.normalize_str(text)
        words.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(plain))
    return words
