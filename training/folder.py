"""Writes the student as an ordinary sentence-transformers folder."""

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
from tokenizers import Tokenizer

from training.measure import Encode

Floats = NDArray[np.float32]

MAX_BYTES = 35_000_000
MAX_DIFFERENCE = 1e-3


def write_folder(folder: Path, tokenizer: Tokenizer, rows: Floats) -> None:
    """Write `tokenizer` and `rows`, as float16, with modules that take their mean at length 1."""
    half = rows.astype(np.float16)
    model = SentenceTransformer(
        modules=[StaticEmbedding(tokenizer, embedding_weights=half), Normalize()], device="cpu"
    )
    model.save(str(folder), create_model_card=False)


def check_folder(folder: Path, encode: Encode, texts: list[str]) -> float:
    """The greatest difference between the product's reading of `folder` and the library's own.

    Raises ValueError where it is over a thousandth, or where the folder is too large to ship.
    """
    # In float16 the library divides an empty text by a zero length; in float32 it does not.
    model = SentenceTransformer(str(folder), device="cpu").float()
    theirs = np.asarray(model.encode(texts, show_progress_bar=False))
    ours = encode(texts)
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        raise ValueError(f"{folder.name} gives vectors that are not finite")
    # A text with no known token is zeros there, and one fixed direction in the product.
    known = theirs.any(axis=1)
    difference = float(np.abs(ours - theirs)[known].max())
    if difference > MAX_DIFFERENCE:
        raise ValueError(f"the two readings of {folder.name} differ by {difference}")
    weight = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if weight > MAX_BYTES:
        raise ValueError(f"{folder.name} weighs {weight:,} bytes, more than {MAX_BYTES:,}")
    return difference


def ship_folder(folder: Path, output: Path) -> None:
    """Copy a written folder over `output`."""
    # copyfile: safetensors makes its files readable by their owner only.
    shutil.copytree(folder, output, copy_function=shutil.copyfile, dirs_exist_ok=True)
