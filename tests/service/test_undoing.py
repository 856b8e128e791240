"""What later rows took back."""

from service.store.undoing import find_undone


def test_a_row_taken_back_stands_again_once_the_undoing_is_undone() -> None:
    assert find_undone([(1, None), (2, 1)]) == {None, 1}
    assert find_undone([(1, None), (2, 1), (3, 2)]) == {None, 2}
    assert find_undone([(1, None), (2, 1)], undoing=2) == {None, 2}
