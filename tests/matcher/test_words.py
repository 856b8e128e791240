"""Words are compared by their stems, whatever the elision, the accent or the inclusive form."""

import numpy as np
import pytest

from matcher.words import (
    nearest_in_words,
    sentences,
    shared_terms,
    stems,
    tokens,
    weigh_words,
    word_cosines,
)

WORDS = "jardin vélo logement jeunes santé eau musée quartier emploi école forêt pain".split()


@pytest.mark.parametrize(
    "elided", ["l'école", "L’école", "d'école", "qu'école", "jusqu’école", "lorsqu'école"]
)
def test_an_elided_word_is_the_word(elided: str) -> None:
    assert stems(elided) == stems("école")


@pytest.mark.parametrize("whole", ["aujourd'hui", "aujourd’hui"])
def test_an_apostrophe_inside_a_word_cuts_nothing(whole: str) -> None:
    assert [token.written for token in tokens(f"{whole} presqu'île")] == [whole, "île"]


@pytest.mark.parametrize(
    ("inclusive", "plain"),
    [
        ("habitant·e·s", "habitants"),
        ("habitant·es", "habitants"),
        ("habitant•e•s", "habitants"),
        ("adhérent(e)s", "adhérents"),
        ("adhérent(es)", "adhérents"),
        ("directeur(trice)s", "directeurs"),
        ("étudiant-e-s", "étudiants"),
        ("bénévole.s", "bénévoles"),
        ("citoyen.ne.s", "citoyens"),
        ("animateur·rice·s", "animateurs"),
        ("animateur.rice.s", "animateurs"),
        ("acteur/actrice", "acteur actrice"),
        ("étudiant.e.s", "étudiants"),
        ("chercheur.euse.s", "chercheurs"),
    ],
)
def test_inclusive_writing_leaves_the_word(inclusive: str, plain: str) -> None:
    assert stems(inclusive) == stems(plain)


@pytest.mark.parametrize("text", ["la fin.Suite demain", "maison-relais", "une carte (excellente)"])
def test_what_is_not_inclusive_writing_keeps_its_words(text: str) -> None:
    assert len(tokens(text)) == 2 + text.count("demain")


@pytest.mark.parametrize(
    ("accented", "plain"), [("éducation", "education"), ("œuvre", "oeuvre"), ("ÉTÉ", "été")]
)
def test_accents_ligatures_and_case_make_no_difference(accented: str, plain: str) -> None:
    assert stems(accented) == stems(plain)


@pytest.mark.parametrize("singular", ["voisin", "école", "réseau", "salarié", "élu", "vélo", "ami"])
def test_a_plural_is_its_singular(singular: str) -> None:
    plural = f"{singular}x" if singular.endswith("eau") else f"{singular}s"

    assert stems(plural) == stems(singular)


def test_stop_words_of_both_languages_and_lone_letters_say_nothing() -> None:
    assert stems("Et si c'était à nous de le faire ? Because of the y") == []


def test_numbers_are_words() -> None:
    assert stems("ligne 7 bus 253") == ["lign", "7", "bus", "253"]


def test_shared_terms_are_shown_as_the_left_text_writes_them() -> None:
    left = "Les Logements humides abîment la santé ; nos logements aussi."
    right = "Un logement sain, c'est de la SANTÉ."

    assert shared_terms(left, right) == ["Logements", "santé"]


def test_shared_terms_stop_at_the_limit() -> None:
    text = " ".join(WORDS)

    assert shared_terms(text, text, limit=3) == WORDS[:3]


def test_a_text_is_cut_at_the_ends_of_its_sentences() -> None:
    text = "Le toit fuit depuis un an ! Qui peut aider ? On cherche bien…\nUn maçon serait bien."

    assert sentences(text) == [
        "Le toit fuit depuis un an !",
        "Qui peut aider ?",
        "On cherche bien…",
        "Un maçon serait bien.",
    ]


def test_a_piece_too_short_to_say_something_joins_the_next() -> None:
    assert sentences("Oui. M. Durand répare les vélos.") == ["Oui. M. Durand répare les vélos."]


@pytest.mark.parametrize("text", ["", "   ", "sans fin", "…"])
def test_a_text_always_has_a_sentence(text: str) -> None:
    assert sentences(text) == [text.strip()]


def test_no_word_of_a_text_is_lost_by_cutting_it() -> None:
    text = "Un. Deux trois quatre cinq six. « Sept huit neuf. » Dix ;\n\nonze douze treize quatorze"

    assert " ".join(sentences(text)).split() == text.split()


def test_rows_of_words_have_length_one() -> None:
    left, right = weigh_words(["jardin partagé", "vélo vélo"], ["jardin", "eau potable"])

    for rows in (left, right):
        lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
        assert lengths == pytest.approx(1, abs=1e-6)


def test_a_text_without_words_has_a_row_of_zeros() -> None:
    left, right = weigh_words(["jardin", ""], ["à la le"])

    assert left[1].nnz == 0
    assert right.shape == (1, left.shape[1])
    assert right.nnz == 0


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    left, right = weigh_words(["quartier compost", "quartier"], ["quartier", "compost", "quartier"])

    cosines = (left @ right.T).toarray()[0]

    assert cosines[1] > cosines[0] > 0


def test_no_texts_at_all_is_fine() -> None:
    left, right = weigh_words([], [])

    assert [len(found) for found in nearest_in_words(left, right, 3)] == [0, 0]


def random_texts(count: int, *, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(0, 5))) for _ in range(count)]


def test_the_nearest_in_words_are_those_of_comparing_all() -> None:
    left, right = weigh_words(random_texts(12, seed=1), random_texts(9, seed=2))
    cosines = (left @ right.T).toarray()

    found = list(zip(*(ends.tolist() for ends in nearest_in_words(left, right, 3)), strict=True))

    expected = [
        (i, j)
        for i, row in enumerate(cosines)
        for j in sorted(np.flatnonzero(row), key=lambda j: (-row[j], j))[:3]
    ]
    assert found == expected


def test_words_that_everybody_uses_find_nobody() -> None:
    texts = [f"association numéro{i}" for i in range(30)]
    left, right = weigh_words(texts, texts)

    rows, columns = nearest_in_words(left, right, 5)

    assert rows.tolist() == columns.tolist() == list(range(30))


def test_cosines_of_chosen_pairs_are_those_of_the_whole_product() -> None:
    left, right = weigh_words(random_texts(7, seed=3), random_texts(5, seed=4))
    rows, columns = np.indices((7, 5)).reshape(2, -1)

    chosen = word_cosines(left, right, (rows, columns))

    assert chosen == pytest.approx((left @ right.T).toarray().ravel(), abs=1e-6)
