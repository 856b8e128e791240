"""F10: a clock that jumps breaks nothing: what was said last is what was written last."""

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import update

from matcher.assignment import Limits
from service.database import now, read, write
from service.errors import NotSignedIn
from service.resources import Resources
from service.store.decisions import Say, list_decisions, standing_decisions
from service.store.pairings import latest_run
from service.store.sociopoles import get_sociopole
from service.tables import SignIn
from service.workflows.check import check
from service.workflows.decide import Choice, Said, decide
from service.workflows.show import show_suggestions
from service.workflows.sign_in import IDLE, LONGEST, person_of_session
from service.workflows.suggest import Plan, suggest
from tests.builders import SLUG, import_texts
from tests.faults.children import opened
from tests.faults.conftest import Tally
from tests.faults.processes import Journal, Place, wait_until
from tests.service.people import sign_in

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
SERVE = (
    "import sys; from pathlib import Path; from tests.faults.children import Place, serve; "
    "serve(Place(Path(sys.argv[1]), sys.argv[2]))"
)
RUNS = f"/api/v1/sociopoles/{SLUG}/runs"

Jump = Callable[[dt.timedelta], None]
DAY = dt.timedelta(days=1)


@pytest.fixture
def jumping(sqlite_place: Place) -> Iterator[tuple[httpx2.Client, Jump]]:
    """A service whose clock is moved while it runs: a client of its animator, and the clock."""
    if FAKETIME is None:
        pytest.skip("no libfaketime here: no clock of a running service was moved")
    clock = sqlite_place.beside("clock")
    clock.write_text("+0")
    environment = os.environ | {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",
        # What waits and measures uses the other clock, which never jumps.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    command = [sys.executable, "-c", SERVE, str(sqlite_place.folder), sqlite_place.url]
    port = Journal(sqlite_place.beside("port.jsonl"))
    with subprocess.Popen(command, env=environment, cwd=Path(__file__).parents[2]) as process:
        try:
            wait_until(lambda: port.read() or process.poll() is not None)
            url = f"http://127.0.0.1:{port.read()[0]['port']}"
            with httpx2.Client(base_url=url, timeout=60) as client:

                def jump(by: dt.timedelta) -> None:
                    clock.write_text(f"{by.total_seconds():+.0f}")
                    there = dt.datetime.now(dt.UTC) + by
                    wait_until(lambda: abs(time_of(client) - there) < DAY / 9)

                yield client, jump
        finally:
            process.kill()


def time_of(client: httpx2.Client) -> dt.datetime:
    """What the service takes the time to be."""
    return parsedate_to_datetime(client.get("/api/v1/health").headers["date"])


@pytest.mark.fault("F10")
def test_a_service_whose_clock_jumps_a_day_serves_on_and_shows_what_was_written_last(
    sqlite_place: Place, jumping: tuple[httpx2.Client, Jump], tally: Tally
) -> None:
    client, jump = jumping
    with opened(sqlite_place) as resources:
        propose_pairings(resources)
        sign_in(client, resources)

    stamps = []
    for by in (DAY, -DAY, 0 * DAY):
        jump(by)
        made = client.post(RUNS, json={"proposals": len(stamps) + 1})
        shown = client.get(f"/api/v1/sociopoles/{SLUG}/runs/latest")

        assert (made.status_code, shown.status_code) == (201, 200)
        assert shown.json()["limits"]["proposals"] == len(stamps) + 1
        with opened(sqlite_place) as resources, read(resources.engine) as session:
            run = latest_run(session, get_sociopole(session, SLUG).id)
            assert run is not None
            stamps.append(run.at)

    # The clock did jump, forth and back by two days.
    assert stamps[0] - stamps[1] > dt.timedelta(days=1, hours=23)
    with opened(sqlite_place) as resources:
        assert check(resources).exit_code == 0
    tally(3, "jumps of a day under a running service")


@pytest.mark.fault("F10")
def test_decisions_stand_in_the_order_they_were_written_whatever_their_times(
    place: Place, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    with opened(place) as resources:
        propose_pairings(resources)
        said = [
            Said(Say.ACCEPT, "Ada"),
            Said(Say.SET_ASIDE, "Ada", "too-far"),
            Said(Say.ACCEPT, "B"),
        ]
        for days, what in zip((1, -1, 0), said, strict=True):
            moved = now() + dt.timedelta(days=days)
            monkeypatch.setattr("service.workflows.decide.now", lambda moved=moved: moved)
            decide(resources, SLUG, Choice((1,)), what)

        with read(resources.engine) as session:
            number = get_sociopole(session, SLUG).id
            decisions = list_decisions(session, number)
            [standing] = standing_decisions(session, number).values()

        assert [decision.action for decision in decisions] == [what.action for what in said]
        assert decisions[0].at > decisions[1].at
        assert (standing.by, standing.action) == ("B", Say.ACCEPT)
        assert show_suggestions(resources, SLUG)["pairings"][0]["state"]["by"] == "B"
    tally(2, "jumps between decisions")


@pytest.mark.fault("F10")
@pytest.mark.parametrize(
    ("ahead", "is_open"),
    [
        ({"seen_at": dt.timedelta(days=1), "created_at": dt.timedelta(days=1)}, True),
        ({"seen_at": IDLE, "created_at": dt.timedelta()}, False),
        ({"seen_at": dt.timedelta(), "created_at": LONGEST}, False),
    ],
)
def test_a_session_from_a_clock_that_was_ahead_does_not_live_on(
    place: Place, tally: Tally, ahead: dict[str, dt.timedelta], *, is_open: bool
) -> None:
    with opened(place) as resources:
        client = sign_in(httpx2.Client(), resources)
        secret = next(iter(client.cookies.values()))
        client.close()
        times = {name: now() + by + dt.timedelta(minutes=1) for name, by in ahead.items()}
        with write(resources.engine) as session:
            session.execute(update(SignIn).values(times))

        if is_open:
            assert person_of_session(resources, secret).is_known
        else:
            with pytest.raises(NotSignedIn):
                person_of_session(resources, secret)
    tally(1, "sessions from ahead")


def propose_pairings(resources: Resources) -> None:
    import_texts(resources, "besoin de vélo et de piste cyclable", "murs humides des logements")
    import_texts(resources, "recherche sur le vélo et la piste cyclable", kind="interest")
    suggest(resources, SLUG, Plan(Limits()))
