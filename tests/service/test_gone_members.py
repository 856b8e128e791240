"""Groups whose statements were deleted since: locks hold and open, edits go on."""

import pytest
from sqlalchemy import update

from matcher.wishes import Action
from service.database import write
from service.resources import Resources
from service.tables import StatementRow
from service.workflows.show_groups import show_groups
from service.workflows.understand_edit import Wanted
from tests.builders import SLUG
from tests.service.groups import edit, fill, group_of, make


@pytest.fixture
def filled(resources: Resources) -> Resources:
    fill(resources)
    make(resources)
    return resources


def named(resources: Resources, statement: str) -> tuple[str]:
    return (group_of(show_groups(resources, SLUG), statement),)


def delete(resources: Resources, *statements: str) -> None:
    with write(resources.engine) as session:
        session.execute(
            update(StatementRow).where(StatementRow.public_id.in_(statements)).values(deleted=True)
        )


def test_a_lock_holds_and_opens_when_a_member_is_gone(filled: Resources) -> None:
    name = named(filled, "P00")[0]
    edit(filled, Wanted(Action.LOCK, (name,)))
    delete(filled, "P03")

    again = make(filled)

    locked = next(g for g in again["groups"] if g["locked"])
    assert {m["id"] for m in locked["members"]} == {"P00", "P01", "P02"}
    edit(filled, Wanted(Action.UNLOCK, (locked["id"],)))


def test_groups_are_edited_when_members_are_gone(filled: Resources) -> None:
    name = named(filled, "P10")[0]
    delete(filled, "P30", "P31", "P32", "P33", "P10")

    shown = edit(filled, Wanted(Action.SPLIT, (name,)))

    assert {group_of(shown, f"P1{i}") for i in (1, 2, 3)} != {name}


def test_a_moved_statement_follows_its_group_when_the_centre_is_gone(filled: Resources) -> None:
    shown = show_groups(filled, SLUG)
    centre = next(g["central"]["id"] for g in shown["groups"] if g["id"] == group_of(shown, "P10"))
    edit(filled, Wanted(Action.MOVE, named(filled, "P10"), ("P00",)))
    delete(filled, centre)

    again = make(filled)

    left = [f"P1{i}" for i in range(4) if f"P1{i}" != centre]
    assert group_of(again, "P00") in {group_of(again, statement) for statement in left}
