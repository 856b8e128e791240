"""The only file that loads a model: texts in, unit vectors out."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from scipy import sparse
from tokenizers import Tokenizer

Vectors: TypeAlias = NDArray[np.float32]
"""float32 `(n, dim)`, rows of length 1."""
Progress: TypeAlias = Callable[[int, int], None]
"""Called with (done, total) texts."""

BUNDLED_MODEL = Path(__file__).parent / "model"
BUNDLED_MODELS = {
    "": BUNDLED_MODEL,
    "deep": BUNDLED_MODEL,
    "fast": Path(__file__).parent / "model-fast",
}
"""The shipped encoders by the name that SOCIOPOLES_MODEL gives them (docs/decisions/0006)."""
SAFE_SUFFIXES = frozenset({".json", ".txt", ".md", ".model", ".safetensors"})
SAFE_NAMES = frozenset({".gitattributes"})
SAFE_MODULES = "sentence_transformers."
STATIC_MODULES = ("StaticEmbedding", "Normalize")
BERT_MODULES = ("Transformer", "Pooling", "Normalize")
BATCH = 1024


class UnsafeModel(ValueError):  # noqa: N818 - says what the folder is
    """A model folder that carries code, or modules that are not sentence-transformers'."""


class Encoder(Protocol):
    """Texts to unit vectors. `fingerprint` changes whenever the vectors could."""

    fingerprint: str
    dim: int

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Vectors `(len(texts), dim)` of texts that will be searched."""

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors `(len(texts), dim)` of questions."""


def load_encoder(name: str = "") -> Encoder:
    """Load a shipped encoder (`BUNDLED_MODELS`) or a sentence-transformers hub name or folder.

    Folders of static embeddings, and of BERT with mean pooling, are read without importing
    sentence-transformers: a fraction of a second for the first, of two for the second.
    Raises UnsafeModel for a folder that could run code, FileNotFoundError for an empty one.
    """
    folder = BUNDLED_MODELS.get(name, Path(name))
    if folder.is_dir() or name in BUNDLED_MODELS:
        check_folder(folder)
        modules = _module_names(folder)
        if modules and modules[0] == STATIC_MODULES[0] and set(modules) <= set(STATIC_MODULES):
            return StaticEncoder(folder)
        if modules == list(BERT_MODULES) and _is_plain_bert(folder):
            return BertEncoder(folder)
    return TransformerEncoder(str(folder) if name in BUNDLED_MODELS else name)


def check_folder(folder: Path) -> None:
    """Refuse a model folder that holds anything but data, or that names foreign modules.

    sentence-transformers runs the Python files of a local folder even without
    `trust_remote_code`, so the folder is judged before the library sees it.
    """
    if not (folder / "modules.json").is_file():
        raise FileNotFoundError(f"no modules.json in {folder}: not a sentence-transformers folder")
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise UnsafeModel(f"{path.name} is a link")
        is_safe = path.suffix.lower() in SAFE_SUFFIXES or path.name in SAFE_NAMES
        if path.is_file() and not is_safe:
            raise UnsafeModel(f"{path.relative_to(folder)} is not one of {sorted(SAFE_SUFFIXES)}")
        if path.suffix.lower() == ".json":
            _check_configuration(path, str(path.relative_to(folder)))
    for module in _modules(folder):
        _check_module(module)


def _check_configuration(path: Path, name: str) -> None:
    content = json.loads(path.read_text("utf-8"))
    if not isinstance(content, dict):
        return
    if "auto_map" in content:
        raise UnsafeModel(f"{name} asks for code (auto_map)")
    # A router names the modules it chooses among by their classes.
    types = content.get("types")
    for type_ in types.values() if isinstance(types, dict) else ():
        if not str(type_).startswith(SAFE_MODULES):
            raise UnsafeModel(f"{name}: {type_!r} is not sentence-transformers'")


def _check_module(module: Mapping[str, Any]) -> None:
    if not str(module.get("type", "")).startswith(SAFE_MODULES):
        raise UnsafeModel(f"module {module.get('type')!r} is not sentence-transformers'")
    path = Path(str(module.get("path", "")))
    if path.is_absolute() or ".." in path.parts:
        raise UnsafeModel(f"module path {str(path)!r} leaves the folder (..)")


class FolderEncoder:
    """What the light readings of a model folder share: prompts, batches, unit rows."""

    dim: int

    def __init__(self, folder: Path) -> None:
        self.fingerprint = _fingerprint(folder)
        self._prompts = _prompts(folder)

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Vectors `(len(texts), dim)` of texts that will be searched."""
        return self._encode(texts, self._prompts["passage"], progress)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors `(len(texts), dim)` of questions."""
        return self._encode(texts, self._prompts["query"], None)

    def _encode(self, texts: Sequence[str], prompt: str, progress: Progress | None) -> Vectors:
        result = np.empty((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), BATCH):
            batch = [prompt + text for text in texts[start : start + BATCH]]
            result[start : start + len(batch)] = self._embed(batch)
            if progress:
                progress(start + len(batch), len(texts))
        return unit_rows(result)

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Rows `(len(texts), dim)` of any length."""
        raise NotImplementedError


class StaticEncoder(FolderEncoder):
    """A StaticEmbedding folder read by tokenizers and numpy: the mean of its tokens' rows."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        part = _part(folder, 0)
        self._tokenizer = Tokenizer.from_file(str(part / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        tensors = load_file(part / "model.safetensors")
        rows = tensors.get("embedding.weight", tensors.get("embeddings"))
        if rows is None:
            raise FileNotFoundError(f"no embedding rows in {part.name}/model.safetensors")
        self._rows = np.ascontiguousarray(rows, dtype=np.float32)
        self.dim = int(self._rows.shape[1])

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        ids = [encoding.ids for encoding in encodings]
        lengths = np.array([len(tokens) for tokens in ids])
        bags = sparse.csr_matrix(
            (
                np.repeat(1 / np.maximum(lengths, 1), lengths).astype(np.float32),
                np.fromiter((i for tokens in ids for i in tokens), np.int32, lengths.sum()),
                np.concatenate(([0], np.cumsum(lengths))).astype(np.int32),
            ),
            shape=(len(texts), len(self._rows)),
        )
        return np.asarray(bags @ self._rows, dtype=np.float32)


class BertEncoder(FolderEncoder):
    """A BERT folder with mean pooling read by tokenizers and torch alone."""

    def __init__(self, folder: Path) -> None:
        # torch takes over a second to import: a static folder, and the pages, do without.
        from safetensors.torch import load_file as load_tensors  # noqa: PLC0415

        from matcher.bert import Bert  # noqa: PLC0415

        super().__init__(folder)
        part = _part(folder, 0)
        self._tokenizer = Tokenizer.from_file(str(part / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_longest(part))
        self._bert = Bert(load_tensors(part / "model.safetensors"), _read_json(part, "config.json"))
        self.dim = self._bert.dim

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        encodings = self._tokenizer.encode_batch_fast(texts)
        return self._bert.embed([encoding.ids for encoding in encodings])


class TransformerEncoder:
    """Any sentence-transformers model, with the query and passage prompts it declares."""

    def __init__(self, name: str) -> None:
        # Importing torch and sentence-transformers takes 5 s: only who needs them pays.
        import torch  # noqa: PLC0415
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415
        from transformers.utils.logging import disable_progress_bar  # noqa: PLC0415

        from matcher.bert import multiplies_bf16  # noqa: PLC0415

        # Progress is ours to show, and only on a terminal.
        disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers has no types here
        # float: half precision is stored to be small, and divides an empty text by zero.
        self._model = SentenceTransformer(name, device="cpu", trust_remote_code=False).float()
        self._precision = partial(
            torch.autocast, "cpu", dtype=torch.bfloat16, enabled=multiplies_bf16()
        )
        prompts = read_prompts(self._model.prompts or {}, self._model.default_prompt_name)
        self._query, self._passage = prompts["query"], prompts["passage"]
        self.dim = int(self._model.get_embedding_dimension() or 0)
        folder = Path(name)
        self.fingerprint = _fingerprint(folder) if folder.is_dir() else self._state_fingerprint()

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Vectors `(len(texts), dim)` of texts that will be searched."""
        result = np.empty((len(texts), self.dim), dtype=np.float32)
        # Texts of like length together: no time goes into padding.
        order = sorted(range(len(texts)), key=lambda position: len(texts[position]))
        for start in range(0, len(texts), BATCH):
            part = order[start : start + BATCH]
            result[part] = self._encode([texts[position] for position in part], self._passage)
            if progress:
                progress(start + len(part), len(texts))
        return result

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors `(len(texts), dim)` of questions."""
        return self._encode(texts, self._query)

    def _encode(self, texts: Sequence[str], prompt: str) -> Vectors:
        if not texts:
            return np.empty((0, self.dim), dtype=np.float32)
        with self._precision():
            raw = self._model.encode(
                list(texts), prompt=prompt or None, show_progress_bar=False, convert_to_numpy=True
            )
        return unit_rows(np.asarray(raw, dtype=np.float32))

    def _state_fingerprint(self) -> str:
        digest = hashlib.sha256(json.dumps([self._query, self._passage]).encode())
        for key, tensor in sorted(self._model.state_dict().items()):
            digest.update(key.encode())
            digest.update(tensor.float().numpy().tobytes())
        return digest.hexdigest()[:16]


def unit_rows(raw: NDArray[np.float32]) -> Vectors:
    """Scale rows to length 1; a row of zeros becomes one fixed direction near nothing."""
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    rows = np.asarray(raw / np.where(lengths == 0, 1, lengths), dtype=np.float32)
    empty = lengths.ravel() == 0
    if empty.any():
        # A text with no known word must be near to no other, and stay finite.
        direction = np.random.default_rng(0).standard_normal(raw.shape[1])
        rows[empty] = direction / np.linalg.norm(direction)
    return rows


def _modules(folder: Path) -> list[dict[str, Any]]:
    modules = json.loads((folder / "modules.json").read_text("utf-8"))
    if not isinstance(modules, list) or not all(isinstance(m, dict) for m in modules):
        raise ValueError(f"modules.json of {folder.name} is not a list of modules")
    return modules


def _part(folder: Path, number: int) -> Path:
    """The folder of one module."""
    return folder / str(next(m for m in _modules(folder) if m["idx"] == number)["path"])


def _is_plain_bert(folder: Path) -> bool:
    """Whether `matcher.bert` computes exactly what this folder asks for."""
    part, pooling = _part(folder, 0), _part(folder, 1)
    if not ((part / "tokenizer.json").is_file() and (part / "model.safetensors").is_file()):
        return False
    config, pooled = _read_json(part, "config.json"), _read_json(pooling, "config.json")
    means = pooled.get("pooling_mode") == "mean" or pooled.get("pooling_mode_mean_tokens") is True
    others = [k for k, v in pooled.items() if k.startswith("pooling_mode_") and v is True]
    return (
        config.get("model_type") == "bert"
        and config.get("hidden_act") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
        and means
        and others in ([], ["pooling_mode_mean_tokens"])
    )


def _longest(part: Path) -> int:
    """How many tokens of a text are read: the least that any of the folder's files says."""
    declared = [
        _read_json(part, "sentence_bert_config.json").get("max_seq_length"),
        _read_json(part, "tokenizer_config.json").get("model_max_length"),
        _read_json(part, "config.json")["max_position_embeddings"],
    ]
    return min(int(length) for length in declared if length)


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    content: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return content


def _module_names(folder: Path) -> list[str]:
    return [str(module["type"]).rsplit(".", 1)[-1] for module in _modules(folder)]


def _prompts(folder: Path) -> dict[str, str]:
    config = _read_json(folder, "config_sentence_transformers.json")
    return read_prompts(config.get("prompts") or {}, config.get("default_prompt_name"))


def read_prompts(declared: Mapping[str, str | None], default_name: str | None) -> dict[str, str]:
    """The prompts of queries and passages, each the default one where none is declared."""
    default = str(declared.get(default_name or "") or "")
    return {
        "query": str(declared.get("query") or default),
        "passage": str(declared.get("passage") or declared.get("document") or default),
    }


def _fingerprint(folder: Path) -> str:
    """sha256 over the names and bytes of every file that can change a vector."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix.lower() != ".md":
            digest.update(str(path.relative_to(folder)).encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
