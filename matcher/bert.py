"""The forward pass of a BERT encoder with mean pooling, on torch alone: no 5 s of imports.

Devlin et al., BERT: Pre-training of Deep Bidirectional Transformers (NAACL 2019). It reads the
weights that `transformers.BertModel` saves, and gives its vectors (tests/matcher/test_bert.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

TOKENS_AT_ONCE = 8_192
"""Tokens of one batch: more does not fill the processor better, and takes memory."""

FEW_TOKENS = 256
"""Up to so many, a question is over before a second thread has woken: 4 ms on one, 7 on two."""
THREADS = torch.get_num_threads()


class Bert:
    """Weights of a BertModel, ready to turn token ids into unit vectors."""

    def __init__(self, tensors: Mapping[str, Tensor], config: Mapping[str, Any]) -> None:
        self._heads = int(config["num_attention_heads"])
        self._layers = int(config["num_hidden_layers"])
        self._epsilon = float(config["layer_norm_eps"])
        self.dim = int(config["hidden_size"])
        # bf16 halves the time where the processor multiplies in it, and doubles it elsewhere.
        self._dtype = torch.bfloat16 if multiplies_bf16() else torch.float32
        # Tables are only looked up: kept as they are stored, not copied.
        self._tables = {k: v for k, v in tensors.items() if k.startswith("embeddings.")}
        self._weights = {k: v.to(self._dtype) for k, v in tensors.items() if k not in self._tables}
        for number in range(self._layers):
            self._join(f"encoder.layer.{number}.attention.self.")

    def embed(self, texts: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Unit vectors `(len(texts), dim)` of texts given as token ids, all of one length or not.

        Texts of one length go together, so that no time goes into padding and nothing is masked.
        """
        result = np.empty((len(texts), self.dim), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda position: len(texts[position]))
        start = 0
        few = sum(map(len, texts)) <= FEW_TOKENS
        # Said each time: the setting is the calling thread's own.
        torch.set_num_threads(1 if few else THREADS)
        with torch.inference_mode():
            while start < len(order):
                length = len(texts[order[start]])
                stop = start + 1
                while stop < len(order) and len(texts[order[stop]]) == length:
                    if (stop - start) * length >= TOKENS_AT_ONCE:
                        break
                    stop += 1
                batch = torch.tensor([texts[position] for position in order[start:stop]])
                result[order[start:stop]] = self._forward(batch).numpy()
                start = stop
        return result

    def _forward(self, ids: Tensor) -> Tensor:
        hidden = self._look_up(ids)
        for number in range(self._layers):
            prefix = f"encoder.layer.{number}."
            attended = self._attend(hidden, prefix + "attention.")
            hidden = self._norm(hidden + attended, prefix + "attention.output.LayerNorm")
            wide = functional.gelu(self._linear(hidden, prefix + "intermediate.dense"))
            narrow = self._linear(wide, prefix + "output.dense")
            hidden = self._norm(hidden + narrow, prefix + "output.LayerNorm")
        return functional.normalize(hidden.float().mean(dim=1), dim=1)

    def _look_up(self, ids: Tensor) -> Tensor:
        words = self._tables["embeddings.word_embeddings.weight"][ids].float()
        places = self._tables["embeddings.position_embeddings.weight"][: ids.shape[1]].float()
        kind = self._tables["embeddings.token_type_embeddings.weight"][0].float()
        scale = self._tables["embeddings.LayerNorm.weight"].float()
        shift = self._tables["embeddings.LayerNorm.bias"].float()
        summed = words + places + kind
        return functional.layer_norm(summed, scale.shape, scale, shift, self._epsilon).to(
            self._dtype
        )

    def _attend(self, hidden: Tensor, prefix: str) -> Tensor:
        joined = self._linear(hidden, f"{prefix}self.joined")
        # (texts, tokens, 3 * dim) to three of (texts, heads, tokens, dim / heads).
        query, key, value = joined.view(*hidden.shape[:2], 3, self._heads, -1).permute(
            2, 0, 3, 1, 4
        )
        attended = functional.scaled_dot_product_attention(query, key, value)
        return self._linear(attended.transpose(1, 2).flatten(2), prefix + "output.dense")

    def _join(self, prefix: str) -> None:
        """One product instead of three: for a lone question, starting one costs as much as it."""
        for kind in ("weight", "bias"):
            parts = [self._weights.pop(f"{prefix}{p}.{kind}") for p in ("query", "key", "value")]
            self._weights[f"{prefix}joined.{kind}"] = torch.cat(parts)

    def _linear(self, hidden: Tensor, name: str) -> Tensor:
        return functional.linear(
            hidden, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        )

    def _norm(self, hidden: Tensor, name: str) -> Tensor:
        scale, shift = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return functional.layer_norm(hidden, scale.shape, scale, shift, self._epsilon)


def multiplies_bf16() -> bool:
    """Whether this processor has instructions for bf16."""
    known = torch.cpu.get_capabilities()
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))
