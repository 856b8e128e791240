"""Meaning and words make one ranking, and hubs are brought down."""

import numpy as np
import pytest

from matcher.fusion import (
    Background,
    Neighbours,
    closeness,
    complete_question,
    correct_hubs,
    fuse_answers,
    hubness,
    measure_background,
    near_in_parts,
)


def unit(*rows: tuple[float, ...]) -> np.ndarray:
    array = np.array(rows, dtype=np.float32)
    lengths: np.ndarray = np.linalg.norm(array, axis=1, keepdims=True)
    return np.asarray(array / lengths)


def neighbours(*rows: list[float]) -> Neighbours:
    cosines = np.array(rows, dtype=np.float32)
    ids = np.where(np.isfinite(cosines), np.arange(cosines.shape[1]), -1)
    return Neighbours(ids, cosines)


def test_hubness_is_around_zero() -> None:
    found = hubness(neighbours([0.9, 0.8], [0.4, 0.2], [0.3, 0.1]))

    assert found.mean() == pytest.approx(0, abs=1e-6)
    assert found.argmax() == 0


def test_what_is_missing_counts_for_nothing_in_hubness() -> None:
    found = hubness(neighbours([0.5, -np.inf], [0.5, 0.5], [-np.inf, -np.inf]))

    assert found == pytest.approx([0, 0, 0])


def test_hubness_without_any_neighbour_is_zero() -> None:
    nobody = Neighbours(np.empty((3, 0), dtype=np.int64), np.empty((3, 0), dtype=np.float32))

    assert hubness(nobody).tolist() == [0, 0, 0]


def test_correcting_hubs_brings_the_hub_under_the_true_partner() -> None:
    # Row 0 of the right side is near to everyone, row 1 to the first of the left only.
    cosines = np.array([[0.62, 0.60], [0.60, 0.1], [0.61, 0.1]], dtype=np.float32)
    of_left, of_right = hubness(neighbours(*cosines)), hubness(neighbours(*cosines.T))

    corrected = correct_hubs(cosines[0], np.repeat(of_left[:1], 2), of_right)

    assert cosines[0].argmax() == 0
    assert corrected.argmax() == 1


def test_the_background_is_that_of_strangers_however_many_meet() -> None:
    rng = np.random.default_rng(0)
    left = unit(*rng.standard_normal((60, 32)).tolist())
    right = unit(*rng.standard_normal((60, 32)).tolist())
    met = right.copy()
    met[:10] = left[:10]

    strangers, some_meet = measure_background(left, right), measure_background(left, met)

    assert some_meet == pytest.approx(strangers, abs=0.01)


def test_the_background_of_nothing_and_of_equals_can_be_divided_by() -> None:
    nothing = np.empty((0, 4), dtype=np.float32)
    same = unit((1, 0), (1, 0))

    assert measure_background(nothing, nothing) == Background(0, 1)
    assert measure_background(same, same).deviation > 0


def test_few_pairs_say_little_beside_what_is_known_of_the_encoder() -> None:
    same, prior = unit((1, 0)), Background(0.2, 0.1)
    nothing = np.empty((0, 2), dtype=np.float32)

    assert measure_background(same, same, prior=prior) == pytest.approx(prior, abs=0.02)
    assert measure_background(nothing, nothing, prior=prior) == prior


def test_closeness_grows_with_meaning_and_with_words() -> None:
    meaning = np.array([0.1, 0.3, 0.1], dtype=np.float32)
    words = np.array([0, 0, 0.2], dtype=np.float32)

    far, near_in_meaning, near_in_words = closeness(meaning, words, Background(0.1, 0.1))

    assert far == pytest.approx(0)
    assert near_in_meaning == pytest.approx(2)
    assert near_in_words > far


def fused(
    meaning: dict[int, float], words: dict[int, float], hubs: dict[int, float] | None = None
) -> list[int]:
    found = fuse_answers(meaning, words, hubs=hubs or {}, deviation=0.1)
    return [identity for identity, _ in found]


def test_words_lift_an_answer_that_is_nearly_as_near() -> None:
    meaning = {1: 0.50, 2: 0.49, 3: 0.1}

    assert fused(meaning, {}) == [1, 2, 3]
    assert fused(meaning, {2: 5.0}) == [2, 1, 3]


def test_a_text_near_to_everyone_gives_way() -> None:
    meaning = {1: 0.50, 2: 0.49}

    assert fused(meaning, {}, hubs={1: 0.1}) == [2, 1]


def test_equal_answers_are_ordered_by_id() -> None:
    assert fused({9: 0.5, 4: 0.5}, {}) == [4, 9]


def test_no_answer_is_no_ranking() -> None:
    assert fused({}, {}) == []


def test_a_question_is_drawn_towards_its_first_answers_only() -> None:
    asked, near, far = unit((1, 0, 0), (1, 1, 0), (0, 0, 1))

    whole = complete_question(asked, np.stack([near] * 3 + [far]))

    assert np.linalg.norm(whole) == pytest.approx(1)
    assert whole @ near > asked @ near
    assert whole @ far == pytest.approx(0, abs=1e-6)


def test_a_question_without_answers_stays_as_it_is() -> None:
    [asked] = unit((1, 2))

    assert complete_question(asked, np.empty((0, 2), dtype=np.float32)) is asked


def test_the_nearest_part_of_a_long_question_counts_beside_the_whole() -> None:
    whole, part, other = unit((1, 0), (0, 1), (-1, 0))
    rows = unit((0, 1), (1, 0))

    alone = near_in_parts(rows, whole, np.empty((0, 2), dtype=np.float32))
    with_parts = near_in_parts(rows, whole, np.stack([part, other]))

    assert alone == pytest.approx([0, 1])
    assert with_parts[0] > alone[0]
    assert with_parts.argmax() == 1
