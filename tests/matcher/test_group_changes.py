"""What became of groups from one run to the next."""

from matcher.group_changes import carry_on, compare_groups


def members(*ids: int) -> frozenset[int]:
    return frozenset(ids)


BEFORE = {
    "G1": members(1, 2, 3, 4),
    "G2": members(5, 6, 7),
    "G3": members(8, 9),
    "G4": members(10, 11),
    "G5": members(12, 13, 14, 15),
}


def test_each_change_is_named() -> None:
    after = {
        "G1": members(1, 2, 3, 4),
        "G2": members(5, 6, 7, 20),
        "G6": members(8, 9, 10, 11),
        "G5": members(12, 13),
        "G7": members(14, 15),
        "G8": members(30, 31),
    }

    found = compare_groups(BEFORE, after)

    assert [went.before for went in found.unchanged] == ["G1"]
    assert ("G2", "G2", 1, 0) in found.changed
    assert found.split == [("G5", ["G5", "G7"])]
    assert found.merged == [(["G3", "G4"], "G6")]
    assert found.appeared == ["G8"]
    assert found.vanished == []


def test_a_group_whose_members_are_gone_has_vanished() -> None:
    assert compare_groups(BEFORE, {"G1": BEFORE["G1"]}).vanished == ["G2", "G3", "G4", "G5"]


def test_a_group_keeps_its_name_and_a_new_one_takes_the_next() -> None:
    after = [members(5, 6), members(40, 41), members(1, 2, 3, 4)]

    assert carry_on(BEFORE, after) == ["G2", "G6", "G1"]


def test_nothing_before_is_no_change() -> None:
    assert compare_groups({}, {}).appeared == []
    assert carry_on({}, [members(1, 2)]) == ["G1"]
