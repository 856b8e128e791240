"""Workshops: tables with their participants, and whom to invite."""

from typing import Any

import pytest
from sqlalchemy import update

from service.database import write
from service.errors import NotFound, Refused
from service.resources import Resources
from service.store.sociopoles import add_relations, get_sociopole
from service.tables import StatementRow
from service.workflows.workshop import WorkshopPlan, prepare_workshop
from tests.builders import SLUG
from tests.service.groups import fill, make


@pytest.fixture
def filled(resources: Resources) -> Resources:
    fill(resources)
    make(resources)
    return resources


def prepare(resources: Resources, *groups: str, **options: Any) -> dict[str, Any]:
    return prepare_workshop(resources, SLUG, WorkshopPlan(groups, **options))


def test_a_table_has_those_who_brought_the_problem_and_one_who_may_answer(
    filled: Resources,
) -> None:
    (table,) = prepare(filled, "G1")["tables"]

    brought = [g for g in table["participants"] if g["brings_problem"]]
    assert len(brought) == 4
    assert table["colleges"]["academic"] >= 1
    assert table["mixed"]


def test_each_structure_sits_at_one_table_and_is_invited_once(filled: Resources) -> None:
    shown = prepare(filled, "G1", "G2", "G3", "G4")

    seated = [g["organisation"] for t in shown["tables"] for g in t["participants"]]
    assert len(set(seated)) == len(seated)
    assert sorted(guest["organisation"] for guest in shown["invite"]) == sorted(seated)


@pytest.mark.parametrize("seats", [2, 3, 4])
def test_no_table_is_over_its_seats_and_who_has_none_is_listed(
    filled: Resources, seats: int
) -> None:
    shown = prepare(filled, "G1", seats=seats)

    (table,) = shown["tables"]
    assert len(table["participants"]) == seats
    assert table["mixed"]
    brought = [g for g in table["participants"] if g["brings_problem"]]
    assert len(brought) + len(shown["waiting"]) == 4
    assert all("ajoutez une table" in guest["why"] for guest in shown["waiting"])


def test_a_second_table_takes_who_had_no_seat(filled: Resources) -> None:
    shown = prepare(filled, "G1", tables=2, seats=3)

    assert [table["group"] for table in shown["tables"]] == ["G1", "G1"]
    assert shown["waiting"] == []


def test_acquaintances_are_parted_where_there_are_two_tables(filled: Resources) -> None:
    with write(filled.engine) as session:
        home = get_sociopole(session, SLUG).id
        pairs = [("Asso 00", "Asso 01", "", ""), ("Asso 02", "Asso 03", "", "")]
        add_relations(session, home, pairs)

    shown = prepare(filled, next(iter(group_with(filled, "P00"))), tables=2, seats=4)

    assert shown["acquainted"] == 0
    assert all(table["acquainted"] == [] for table in shown["tables"])


def group_with(resources: Resources, statement: str) -> list[str]:
    groups = make(resources)["groups"]
    return [g["id"] for g in groups if statement in {m["id"] for m in g["members"]}]


@pytest.mark.parametrize(
    ("groups", "options", "message"),
    [
        (("G1", "G2"), {"tables": 1}, "chaque groupe a la sienne"),
        (("G1",), {"tables": 101}, "au plus 100"),
        (("G1",), {"seats": 1}, "de 2 à 30 places"),
        (("G1",), {"seats": 31}, "de 2 à 30 places"),
        ((), {}, "Choisissez les groupes"),
    ],
)
def test_an_impossible_workshop_is_explained(
    filled: Resources, groups: tuple[str, ...], options: dict[str, int], message: str
) -> None:
    with pytest.raises(Refused, match=message):
        prepare(filled, *groups, **options)


def test_an_unknown_group_is_named(filled: Resources) -> None:
    with pytest.raises(NotFound, match="G77"):
        prepare(filled, "G1", "G77")


def test_without_a_grouping_there_is_no_workshop(resources: Resources) -> None:
    with pytest.raises(NotFound, match="sociopoles group"):
        prepare(resources, "G1")


def test_a_group_whose_members_are_all_gone_has_no_table(filled: Resources) -> None:
    (name,) = group_with(filled, "P00")
    with write(filled.engine) as session:
        gone = [f"P0{i}" for i in range(4)]
        session.execute(
            update(StatementRow).where(StatementRow.public_id.in_(gone)).values(deleted=True)
        )

    with pytest.raises(NotFound, match=name):
        prepare(filled, name)
