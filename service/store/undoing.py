"""What later rows took back: for tables whose rows are only ever added."""

from collections.abc import Sequence


def find_undone(
    rows: Sequence[tuple[int, int | None]], undoing: int | None = None
) -> set[int | None]:
    """The rows that are taken back; `rows` are (row, the one it undoes), in their order.

    Only an undoing that stands takes anything back, so an undoing may be undone itself. As it would
    be once the row `undoing` is taken back too, if given.
    """
    undone = {undoing}
    for row, undoes in reversed(rows):
        if row not in undone:
            undone.add(undoes)
    return undone
