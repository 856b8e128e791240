"""Writes the students as ordinary sentence-transformers folders."""

import copy
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Normalize,
    Pooling,
    StaticEmbedding,
)
from sentence_transformers.sentence_transformer.modules import (
    Transformer as TransformerModule,
)
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from training.measure import Encode
from training.transformer import SPECIALS, Transformer
from training.vocabulary import UNKNOWN

Floats = NDArray[np.float32]

MAX_BYTES = 60_000_000
LEAST_COSINE = 0.995
"""Between the two readings: the product multiplies in bf16 where the processor can."""
LONGEST_READ = 256
"""Tokens: what stands further in a text is not read."""


def write_folder(folder: Path, tokenizer: Tokenizer, rows: Floats) -> None:
    """Write `tokenizer` and `rows`, as float16, with modules that take their mean at length 1."""
    half = rows.astype(np.float16)
    model = SentenceTransformer(
        modules=[StaticEmbedding(tokenizer, embedding_weights=half), Normalize()], device="cpu"
    )
    model.save(str(folder), create_model_card=False)


def write_transformer(folder: Path, tokenizer: Tokenizer, student: Transformer) -> None:
    """Write the transformer, as float16, with the mean of its last layer at length 1."""
    whole = Tokenizer.from_str(tokenizer.to_str())
    whole.add_special_tokens(list(SPECIALS))
    cls, sep, pad = SPECIALS
    whole.post_processor = TemplateProcessing(
        single=f"{cls} $A {sep}",
        special_tokens=[(special, whole.token_to_id(special)) for special in (cls, sep)],
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=whole,
        unk_token=UNKNOWN,
        cls_token=cls,
        sep_token=sep,
        pad_token=pad,
        model_max_length=LONGEST_READ,
    )
    with TemporaryDirectory() as part:
        fast.save_pretrained(part)
        copy.deepcopy(student.bert).half().save_pretrained(part)
        words = TransformerModule(part, max_seq_length=LONGEST_READ)
    dim = student.bert.config.hidden_size
    model = SentenceTransformer(modules=[words, Pooling(dim, "mean"), Normalize()], device="cpu")
    model.half().save(str(folder), create_model_card=False)


def check_folder(folder: Path, encode: Encode, texts: list[str]) -> float:
    """The least cosine between the product's reading of `folder` and the library's own.

    Raises ValueError where it is under .995, or where the folder is too large to ship.
    """
    # In float16 the library divides an empty text by a zero length; in float32 it does not.
    model = SentenceTransformer(str(folder), device="cpu").float()
    theirs = np.asarray(model.encode(texts, show_progress_bar=False))
    ours = encode(texts)
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        raise ValueError(f"{folder.name} gives vectors that are not finite")
    # A text with no known token is zeros there, and one fixed direction in the product.
    known = theirs.any(axis=1)
    least = float((ours * theirs).sum(axis=1)[known].min())
    if least < LEAST_COSINE:
        raise ValueError(f"the two readings of {folder.name} are {least} near")
    weight = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if weight > MAX_BYTES:
        raise ValueError(f"{folder.name} weighs {weight:,} bytes, more than {MAX_BYTES:,}")
    return least


def ship_folder(folder: Path, output: Path) -> None:
    """Copy a written folder over `output`."""
    # copyfile: safetensors makes its files readable by their owner only.
    shutil.copytree(folder, output, copy_function=shutil.copyfile, dirs_exist_ok=True)
