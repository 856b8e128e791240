"""F9: PostgreSQL stops and starts under those who write; what was acknowledged is there."""

import time
from pathlib import Path

import pytest

from tests.builders import SLUG
from tests.conftest import fill_database
from tests.faults.audit import audit
from tests.faults.children import import_through_faults, journal_of, opened
from tests.faults.cluster import Cluster
from tests.faults.conftest import Served, Tally, rounds
from tests.faults.processes import Children, Place, wait_until

WRITERS = ("un", "deux", "trois", "quatre")
MODES = ("fast", "immediate")


@pytest.fixture
def own_place(cluster: Cluster, tmp_path: Path) -> Place:
    """A place on a server that may be stopped."""
    url = cluster.create_database()
    fill_database(url)
    (tmp_path / "place").mkdir()
    return Place(tmp_path / "place", url)


@pytest.mark.fault("F9")
def test_restarts_under_four_writers_lose_nothing_acknowledged(
    own_place: Place, cluster: Cluster, children: Children, tally: Tally
) -> None:
    journal = journal_of(own_place)
    writers = [children.start(import_through_faults, own_place, name) for name in WRITERS]
    slowest = 0.0

    def acknowledged_by_all(since: int) -> bool:
        assert all(writer.is_alive for writer in writers), [w.complaints for w in writers]
        lines = journal.read()[since:]
        return {line["by"] for line in lines if "by" in line} == set(WRITERS)

    for number in range(rounds(3, at_most=30)):
        wait_until(lambda: acknowledged_by_all(0))
        cluster.stop(MODES[number % 2])
        cluster.start()
        answers, before = time.monotonic(), len(journal.read())
        wait_until(lambda before=before: acknowledged_by_all(before))
        slowest = max(slowest, time.monotonic() - answers)
    own_place.beside("stop").touch()
    for writer in writers:
        writer.end()

    lines = journal.read()
    assert {line["status"] for line in lines if "refused" in line} <= {503}
    with opened(own_place) as resources:
        assert audit(resources, journal) == []
    tally(rounds(3, at_most=30), "restarts")
    tally(sum("by" in line for line in lines), "acknowledged imports")
    tally(sum("refused" in line for line in lines), "imports of unknown end")
    tally(round(slowest * 1000), "ms until all four wrote again")


@pytest.mark.fault("F9")
@pytest.mark.parametrize("mode", MODES)
def test_the_service_says_that_the_database_is_away_and_serves_again_by_itself(
    own_place: Place, cluster: Cluster, served: Served, tally: Tally, mode: str
) -> None:
    client, child = served(own_place)
    assert client.get("/api/v1/sociopoles").status_code == 200

    cluster.stop(mode)
    try:
        answers = [client.get("/api/v1/sociopoles"), client.get(f"/sociopoles/{SLUG}")]
    finally:
        cluster.start()
    afterwards = [client.get("/api/v1/sociopoles"), client.get(f"/sociopoles/{SLUG}")]

    assert [answer.status_code for answer in answers] == [503, 503]
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
    assert "elle redémarre, ou elle est injoignable" in answers[0].json()["detail"]
    # The very first request after the restart, on connections that the server has forgotten.
    assert [answer.status_code for answer in afterwards] == [200, 200]
    assert "Traceback" not in child.complaints
    tally(2, "answers 503")
