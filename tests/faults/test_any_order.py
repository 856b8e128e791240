"""Everything in any order: what was acknowledged is there, what was erased is nowhere."""

import copy
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from matcher.assignment import Limits
from matcher.wishes import Action
from service.catchup import catch_up, publish_now
from service.database import read
from service.errors import Refused
from service.resources import Resources, open_resources
from service.settings import Settings
from service.store.decisions import Say
from service.tables import Decision, StatementRow
from service.workflows.backup import backup
from service.workflows.check import check
from service.workflows.contribute import change_statement, remove_statement
from service.workflows.decide import Choice, Said, decide, undo_decision
from service.workflows.edit_group import Who, edit_group, undo_edit
from service.workflows.erase import erase
from service.workflows.group import GroupPlan, group
from service.workflows.identify import Asking
from service.workflows.restore import restore
from service.workflows.suggest import Plan, suggest
from service.workflows.take_in import ImportPlan, take_in
from service.workflows.understand_edit import Wanted
from tests.builders import SLUG, write_csv
from tests.fakes import WordEncoder
from tests.faults.children import NEEDS, import_file, journal_of
from tests.faults.conftest import Tally, rounds
from tests.faults.processes import Children, Place

HEADER = ("id", "organisation", "text", "contact_name", "contact_email")
SURNAMES = ("Kanarivogel", "Wolkenkratz", "Quetzalberg", "Zibeline", "Oxymorand", "Yttrbium")
"""Canaries: each stands in what concerns one person, and nowhere else in the world."""
NUMBERS = st.integers(0, 1000)
ORDERS, STEPS, STEPS_OF_TORTURE = 16, 30, 60
KILLS_WHILE_TESTING = 2
"""A process of its own takes a second to start."""
FAILPOINTS = ("import.written", "import.committed")


@dataclass
class Known:
    """What the service acknowledged, as its user would write it down."""

    texts: dict[str, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    about: dict[str, str] = field(default_factory=dict)
    """The surname in a text, by the contribution's id."""
    words: dict[int, str] = field(default_factory=dict)


class AnyOrder(RuleBasedStateMachine):
    """One sociopôle through imports, edits, decisions, erasures, kills and restores."""

    def __init__(self, folder: Path, children: Children, note: Callable[[str], None]) -> None:
        super().__init__()
        self.folder, self.children, self.note = folder, children, note
        self.settings = Settings(data=folder)
        self.open: list[Resources] = []
        self.known = Known()
        self.erased: set[str] = set()
        self.saved: tuple[Path, Known] | None = None
        self.lots = self.kills = 0
        self.start()

    def start(self) -> None:
        """Open the data as a process does that knows nothing of those before."""
        self.open.append(open_resources(self.settings, WordEncoder()))
        self.resources = self.open[-1]

    def teardown(self) -> None:
        for resources in self.open:
            resources.engine.dispose()
        shutil.rmtree(self.folder)

    @rule(size=st.integers(1, 5), interests=st.booleans())
    def import_a_sheet(self, size: int, *, interests: bool) -> None:
        path, rows = self.sheet(size)
        kind = "interest" if interests else "problem"
        report = take_in(self.resources, ImportPlan(path, SLUG, kind))
        assert report.created == size, report.errors
        self.keep(rows)

    @precondition(lambda self: self.kills < rounds(KILLS_WHILE_TESTING))
    @rule(at=st.sampled_from(FAILPOINTS))
    def kill_an_import(self, at: str) -> None:
        self.kills += 1
        path, rows = self.sheet(3)
        child = self.children.start(import_file, self.place, path, at=f"{at}:kill")
        child.waited()
        self.note("kills")
        there = self.texts()
        assert len(set(rows) & set(there)) in {0, len(rows)}
        told = {line["name"] for line in journal_of(self.place).read() if "name" in line}
        assert path.stem not in told or set(rows) <= set(there)
        if set(rows) <= set(there):
            self.keep(rows)

    @precondition(lambda self: self.live())
    @rule(number=NUMBERS)
    def edit_a_text(self, number: int) -> None:
        identity = self.pick(number)
        text = f"{NEEDS[number % len(NEEDS)]}, corrigé {number}"
        change_statement(self.resources, SLUG, identity, {"text": text}, of=None, version=None)
        self.known.texts[identity] = text
        self.known.about.pop(identity, None)

    @precondition(lambda self: self.live())
    @rule(number=NUMBERS)
    def take_back_a_text(self, number: int) -> None:
        identity = self.pick(number)
        remove_statement(self.resources, SLUG, identity, of=None)
        self.known.removed.add(identity)

    @precondition(lambda self: self.known.removed)
    @rule(number=NUMBERS)
    def restore_a_text(self, number: int) -> None:
        removed = sorted(self.known.removed)
        identity = removed[number % len(removed)]
        remove_statement(self.resources, SLUG, identity, of=None, deleted=False)
        self.known.removed.discard(identity)

    @rule()
    def propose(self) -> None:
        self.maybe(lambda: suggest(self.resources, SLUG, Plan(Limits())))

    @rule(say=st.sampled_from([Say.ACCEPT, Say.SET_ASIDE, Say.NOTE]), number=NUMBERS)
    def decide_on_the_first(self, say: Say, number: int) -> None:
        reason = "too-far" if say == Say.SET_ASIDE else ""
        said = Said(say, "Ada", reason, f"dit {number}")
        made = self.maybe(lambda: decide(self.resources, SLUG, Choice((1,)), said))
        if made is not None:
            self.known.words[made] = said.words

    @rule()
    def undo_a_decision(self) -> None:
        made = self.maybe(lambda: undo_decision(self.resources, SLUG, by="Ada"))
        if made is not None:
            self.known.words[made] = ""

    @rule()
    def make_groups(self) -> None:
        self.maybe(lambda: group(self.resources, GroupPlan(SLUG), by="Ada"))

    @rule(number=NUMBERS)
    def rename_a_group(self, number: int) -> None:
        wanted = Wanted(Action.RENAME, ("G1",), title=f"Titre {number}")
        self.maybe(lambda: edit_group(self.resources, SLUG, wanted, Who("Ada", "mieux dit")))

    @rule()
    def undo_an_edit_of_groups(self) -> None:
        self.maybe(lambda: undo_edit(self.resources, SLUG, Who("Ada", "à refaire")))

    @rule()
    def seal_the_index(self) -> None:
        catch_up(self.resources)
        publish_now(self.resources)

    @precondition(lambda self: set(self.known.about.values()) - self.erased)
    @rule(number=NUMBERS)
    def erase_somebody(self, number: int) -> None:
        known = sorted(set(self.known.about.values()) - self.erased)
        surname = known[number % len(known)]
        erase(self.resources, Asking(email=email(surname)), mask_texts=True)
        self.erased.add(surname)
        self.forget()
        self.note("erasures")

    @rule()
    def die_and_start_again(self) -> None:
        """What was open stays open, as after a kill: nothing is said, closed or put away."""
        self.start()
        self.note("restarts")

    @rule()
    def back_up(self) -> None:
        path = self.beside(f"sauvegarde-{self.lots}.zip")
        backup(self.settings, path, force=True)
        self.saved = (path, copy.deepcopy(self.known))

    @precondition(lambda self: self.saved is not None)
    @rule()
    def restore_the_backup(self) -> None:
        assert self.saved is not None
        path, known = self.saved
        for resources in self.open:
            resources.engine.dispose()
        done = restore(self.settings, path, force=True, encoder=WordEncoder())
        # All being well, the database that was set aside goes, as docs/operations.md asks: it
        # would keep whoever is erased from now on.
        for file in self.folder.glob(f"{Path(done.aside).name}*"):
            file.unlink()
        self.known = copy.deepcopy(known)
        self.start()
        self.forget()
        self.note("restores")

    @invariant()
    def the_check_finds_nothing(self) -> None:
        assert [finding.message for finding in check(self.resources).findings] == []

    @invariant()
    def what_was_acknowledged_is_there(self) -> None:
        kept = {i: t for i, t in self.known.texts.items() if i not in self.known.removed}
        assert self.texts() == kept
        with read(self.resources.engine) as session:
            words = {
                row.id: row.words for row in session.execute(select(Decision.id, Decision.words))
            }
        assert words == self.known.words

    @invariant()
    def what_is_searched_is_what_is_there(self) -> None:
        catch_up(self.resources)
        assert len(self.resources.indexes.vectors.ids()) == len(self.live())

    @invariant()
    def what_was_erased_is_nowhere(self) -> None:
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        left = {
            (surname, path.name)
            for path in files
            for content in [path.read_bytes().lower()]
            for surname in self.erased
            if surname.lower().encode() in content
        }
        assert left == set()

    @property
    def place(self) -> Place:
        return Place(self.folder, "")

    def sheet(self, size: int) -> tuple[Path, dict[str, tuple[str, str]]]:
        """A sheet beside the data, and the text and surname of each of its rows."""
        self.lots += 1
        surname = SURNAMES[self.lots % len(SURNAMES)]
        # Who was erased comes back in no test: that they may is another matter.
        surname = "" if surname in self.erased else surname
        mention = f", demander Zoé {surname}" if surname else ""
        name = f"lot{self.lots}"
        rows = {
            f"{name}-{i}": (f"{NEEDS[(self.lots + i) % len(NEEDS)]}, cas {i}{mention}", surname)
            for i in range(size)
        }
        person = (f"Zoé {surname}", email(surname)) if surname else ("", "")
        lines = [(i, f"Asso {i}", text, *person) for i, (text, _) in rows.items()]
        return write_csv(self.beside(f"{name}.csv"), HEADER, lines), rows

    def keep(self, rows: dict[str, tuple[str, str]]) -> None:
        self.known.texts |= {identity: text for identity, (text, _) in rows.items()}
        self.known.about |= {identity: about for identity, (_, about) in rows.items() if about}

    def forget(self) -> None:
        """The texts that named whom was erased are masked: they are noted anew."""
        there = self.texts(with_removed=True)
        for identity, surname in list(self.known.about.items()):
            if surname in self.erased:
                assert surname not in there[identity]
                self.known.texts[identity] = there[identity]
                del self.known.about[identity]

    def texts(self, *, with_removed: bool = False) -> dict[str, str]:
        with read(self.resources.engine) as session:
            asked = select(StatementRow.public_id, StatementRow.text)
            if not with_removed:
                asked = asked.where(~StatementRow.deleted)
            return {row.public_id: row.text for row in session.execute(asked)}

    def live(self) -> list[str]:
        return sorted(set(self.known.texts) - self.known.removed)

    def pick(self, number: int) -> str:
        return self.live()[number % len(self.live())]

    def beside(self, name: str) -> Path:
        return self.folder.with_name(f"{self.folder.name}-{name}")

    def maybe(self, act: Callable[[], object]) -> int | None:
        """What it returns; None where the service says that there is nothing to do it on."""
        try:
            made = act()
        except Refused:
            return None
        return made if isinstance(made, int) else None


@pytest.mark.slow
@pytest.mark.fault("order")
def test_nothing_is_lost_nor_comes_back_in_any_order(
    sqlite_template: Path, tmp_path: Path, children: Children, tally: Tally
) -> None:
    struck: dict[str, int] = {}

    def note(what: str) -> None:
        struck[what] = struck.get(what, 0) + 1

    def machine() -> AnyOrder:
        note("orders")
        folder = tmp_path / f"data-{struck['orders']}"
        folder.mkdir()
        shutil.copy(sqlite_template, folder)
        return AnyOrder(folder, children, note)

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=rounds(ORDERS, at_most=200),
            stateful_step_count=rounds(STEPS, at_most=STEPS_OF_TORTURE),
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )

    for what, times in struck.items():
        tally(times, what)
    assert {"restarts", "restores", "erasures"} <= set(struck)


def email(surname: str) -> str:
    return f"{surname.lower()}@canari.example"
