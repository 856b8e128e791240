"""Texts become unit vectors, the same as sentence-transformers makes."""

import json
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from matcher.encoder import (
    BATCH,
    BUNDLED_MODELS,
    BertEncoder,
    Encoder,
    StaticEncoder,
    TransformerEncoder,
    load_encoder,
    unit_rows,
)
from tests.builders import write_static_model
from tests.fakes import WordEncoder

WORDS = "vélo jardin logement humide école requête texte : ."
TEXTS = ["vélo jardin", "Logement humide .", "école école vélo", "inconnu", "jardin " * 600]
PROMPTS = {"query": "requête : ", "passage": "texte : "}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as sentence-transformers itself saves it."""
    vocabulary = {word: i for i, word in enumerate(["[UNK]", *WORDS.split()])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106 - no secret
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    rows = np.random.default_rng(0).standard_normal((len(vocabulary), 16)).astype(np.float32)
    module = StaticEmbedding(tokenizer, embedding_weights=rows)
    folder = tmp_path_factory.mktemp("saved")
    model = SentenceTransformer(modules=[module], prompts=PROMPTS, device="cpu")
    model.save(str(folder), create_model_card=False)
    return folder


def expected(folder: Path, texts: list[str], prompt: str) -> np.ndarray:
    model = SentenceTransformer(str(folder), device="cpu")
    return model.encode(texts, prompt=prompt, normalize_embeddings=True, show_progress_bar=False)


def test_a_saved_folder_gives_the_vectors_of_sentence_transformers(saved: Path) -> None:
    encoder = load_encoder(str(saved))

    assert isinstance(encoder, StaticEncoder)
    assert encoder.encode_queries(TEXTS) == pytest.approx(
        expected(saved, TEXTS, PROMPTS["query"]), abs=1e-5
    )
    assert encoder.encode_passages(TEXTS) == pytest.approx(
        expected(saved, TEXTS, PROMPTS["passage"]), abs=1e-5
    )


def test_both_readers_of_a_folder_agree_prompts_included(saved: Path) -> None:
    static, transformer = StaticEncoder(saved), TransformerEncoder(str(saved))

    assert static.dim == transformer.dim == 16
    assert static.fingerprint == transformer.fingerprint
    assert transformer.encode_queries(TEXTS) == pytest.approx(
        static.encode_queries(TEXTS), abs=1e-5
    )
    assert transformer.encode_passages(TEXTS) == pytest.approx(
        static.encode_passages(TEXTS), abs=1e-5
    )


@pytest.mark.parametrize(
    ("declared", "query", "passage"),
    [
        ({}, "vélo", "vélo"),
        ({"query": "requête : "}, "requête : vélo", "vélo"),
        ({"query": "requête : ", "document": "texte : "}, "requête : vélo", "texte : vélo"),
        ({"query": "", "passage": "texte : "}, "vélo", "texte : vélo"),
    ],
)
def test_the_prompts_that_a_model_declares_are_put_before_the_text(
    tmp_path: Path, declared: dict[str, str], query: str, passage: str
) -> None:
    folder = write_static_model(tmp_path / "model", WORDS)
    plain = StaticEncoder(folder)
    as_query, as_passage = plain.encode_queries([query]), plain.encode_passages([passage])

    (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": declared}))
    encoder = StaticEncoder(folder)

    assert np.array_equal(encoder.encode_queries(["vélo"]), as_query)
    assert np.array_equal(encoder.encode_passages(["vélo"]), as_passage)


def test_a_default_prompt_is_read_alike_by_both_readers(tmp_path: Path) -> None:
    folder = write_static_model(tmp_path / "model", WORDS)
    config = {"prompts": {"always": "texte : "}, "default_prompt_name": "always"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(config))

    static, transformer = StaticEncoder(folder), TransformerEncoder(str(folder))

    assert static.encode_queries(TEXTS) == pytest.approx(
        transformer.encode_queries(TEXTS), abs=1e-5
    )


@pytest.mark.parametrize("text", ["", "   ", "\n", "zzz"])
def test_a_text_without_a_known_word_is_a_finite_unit_row(tmp_path: Path, text: str) -> None:
    encoders: list[Encoder] = [StaticEncoder(write_static_model(tmp_path / "m", WORDS))]

    for encoder in [*encoders, WordEncoder()]:
        for rows in (encoder.encode_passages([text]), encoder.encode_queries([text])):
            assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-6)


def test_rows_have_length_one_and_zeros_go_one_way() -> None:
    raw = np.array([[3, 4], [0, 0], [0, 0]], dtype=np.float32)

    rows = unit_rows(raw)

    assert rows[0] == pytest.approx([0.6, 0.8])
    assert np.array_equal(rows[1], rows[2])
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1)
    assert raw.tolist() == [[3, 4], [0, 0], [0, 0]]


def test_a_text_s_vector_is_its_own_in_any_company(tmp_path: Path) -> None:
    encoder = StaticEncoder(write_static_model(tmp_path / "model", WORDS))
    many = [f"vélo {i} jardin" for i in range(BATCH + 3)]
    heard: list[tuple[int, int]] = []

    rows = encoder.encode_passages(many, lambda done, total: heard.append((done, total)))

    assert np.array_equal(rows[-1:], encoder.encode_passages(many[-1:]))
    assert heard == [(BATCH, BATCH + 3), (BATCH + 3, BATCH + 3)]
    assert encoder.encode_passages([]).shape == (0, 16)


def test_the_fingerprint_follows_the_weights_and_not_the_name(tmp_path: Path) -> None:
    one, same, other = (
        StaticEncoder(write_static_model(tmp_path / name, WORDS, seed=seed))
        for name, seed in (("one", 0), ("same", 0), ("other", 1))
    )

    assert one.fingerprint == same.fingerprint != other.fingerprint


def test_the_fingerprint_ignores_the_model_card_but_not_the_prompts(tmp_path: Path) -> None:
    folder = write_static_model(tmp_path / "model", WORDS)
    before = StaticEncoder(folder).fingerprint

    (folder / "README.md").write_text("words")
    with_card = StaticEncoder(folder).fingerprint
    (folder / "config_sentence_transformers.json").write_text('{"prompts": {"query": "q"}}')

    assert with_card == before != StaticEncoder(folder).fingerprint


@pytest.mark.parametrize(("name", "reader"), [("fast", StaticEncoder), ("deep", BertEncoder)])
def test_a_bundled_model_is_read_as_sentence_transformers_reads_it(
    name: str, reader: type[Encoder]
) -> None:
    encoder = load_encoder(name)
    assert isinstance(encoder, reader)
    texts = ["Les murs moisissent après l'isolation.", "habitant·e·s", "", "Œuvrer à 20 %"]

    rows = encoder.encode_passages(texts)
    theirs = TransformerEncoder(str(BUNDLED_MODELS[name])).encode_passages(texts)

    # The empty text of a static model has no direction: each reader gives its own.
    assert (rows * theirs).sum(axis=1)[[0, 1, 3]].min() > 0.995


@pytest.mark.parametrize("name", ["fast", "deep"])
def test_a_bundled_model_knows_what_lay_words_and_scholarly_words_share(name: str) -> None:
    encoder = load_encoder(name)

    question = encoder.encode_queries(["isolement social des personnes âgées"])
    near, far = encoder.encode_passages(
        ["Nos anciens restent seuls chez eux.", "Réparer le moteur d'un tracteur."]
    )

    assert question[0] @ near > question[0] @ far


def test_the_default_is_the_deep_one_and_shipped_ones_are_small() -> None:
    sizes = {
        name: sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        for name, folder in BUNDLED_MODELS.items()
    }

    assert load_encoder().fingerprint == load_encoder("deep").fingerprint
    assert max(sizes.values()) < 60_000_000
