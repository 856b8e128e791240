"""The light reading of a BERT folder gives the vectors of sentence-transformers."""

from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from matcher.bert import Bert
from matcher.encoder import BertEncoder, TransformerEncoder, load_encoder

WORDS = "[PAD] [UNK] [CLS] [SEP] vélo jardin logement humide école . ,".split()
TEXTS = ["vélo jardin", "Logement humide .", "", "inconnu", "école école vélo", "jardin " * 90]
LONGEST = 32


def save_bert(folder: Path, *, mode: str = "mean", activation: str = "gelu") -> Path:
    """A small BERT of random weights, as sentence-transformers saves it."""
    tokenizer = Tokenizer(
        models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]")  # noqa: S106
    )
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    part = folder / "part"
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",  # noqa: S106 - no secret
        unk_token="[UNK]",  # noqa: S106
        cls_token="[CLS]",  # noqa: S106
        sep_token="[SEP]",  # noqa: S106
        model_max_length=LONGEST,
    ).save_pretrained(part)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
        max_position_embeddings=64,
        hidden_act=activation,
        initializer_range=0.4,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(part)
    model = SentenceTransformer(
        modules=[Transformer(str(part)), Pooling(48, mode), Normalize()], device="cpu"
    )
    model.save(str(folder / "saved"), create_model_card=False)
    return folder / "saved"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_bert(tmp_path_factory.mktemp("bert"))


def test_the_vectors_are_those_of_the_library(saved: Path) -> None:
    encoder = load_encoder(str(saved))
    theirs = SentenceTransformer(str(saved), device="cpu").encode(TEXTS, show_progress_bar=False)

    ours = encoder.encode_passages(TEXTS)

    assert isinstance(encoder, BertEncoder)
    assert (ours * theirs).sum(axis=1).min() > 0.995
    assert np.linalg.norm(ours, axis=1) == pytest.approx(1, abs=1e-3)


def test_in_full_precision_they_are_the_same_to_a_hundred_thousandth(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matcher.bert.multiplies_bf16", lambda: False)
    theirs = SentenceTransformer(str(saved), device="cpu").encode(TEXTS, show_progress_bar=False)

    assert load_encoder(str(saved)).encode_queries(TEXTS) == pytest.approx(theirs, abs=1e-5)


def test_the_order_of_the_texts_does_not_matter(saved: Path) -> None:
    encoder = load_encoder(str(saved))

    backwards = encoder.encode_passages(TEXTS[::-1])

    assert encoder.encode_passages(TEXTS) == pytest.approx(backwards[::-1], abs=1e-2)


def test_no_text_gives_no_vector(saved: Path) -> None:
    assert load_encoder(str(saved)).encode_passages([]).shape == (0, 48)


@pytest.mark.parametrize("change", [{"mode": "cls"}, {"activation": "relu"}])
def test_what_the_light_reading_does_not_compute_goes_to_the_library(
    tmp_path: Path, change: dict[str, str]
) -> None:
    assert isinstance(load_encoder(str(save_bert(tmp_path, **change))), TransformerEncoder)


def test_a_large_batch_is_cut(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    forward = Bert._forward
    monkeypatch.setattr("matcher.bert.TOKENS_AT_ONCE", 20)
    monkeypatch.setattr(
        Bert, "_forward", lambda self, ids: sizes.append(len(ids)) or forward(self, ids)
    )

    load_encoder(str(saved)).encode_passages(["vélo jardin"] * 12)

    assert sizes == [5, 5, 2]
