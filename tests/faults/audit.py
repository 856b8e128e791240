"""What must hold after any fault (invariants I1 to I6); what does not is said in words."""

from collections import Counter
from typing import Any

from sqlalchemy import select, text

from service.catchup import catch_up
from service.database import read
from service.resources import Resources
from service.store.health import live_statements
from service.tables import Decision, Import, StatementRow
from service.workflows.check import check
from tests.faults.processes import Journal, wait_until


def audit(resources: Resources, journal: Journal) -> list[str]:
    """Everything that does not hold; empty where all is well.

    The place must be at rest: its writers ended or killed.
    """
    _wait_for_the_dead(resources)
    # I1, I3, I4, I5: the database whole, the sealed index its image.
    wrong = [f"check: {finding.message}" for finding in check(resources).findings]
    counts, imports = _rows_by_import(resources), _imports(resources)
    # I2: what was acknowledged is there.
    wrong += [
        f"lost: {line} acknowledged, {counts[line['name']]} there"
        for line in journal.read()
        if "name" in line and counts[line["name"]] != line["rows"]
    ]
    decisions = _decisions(resources)
    wrong += [
        f"lost: {line} acknowledged, {decisions.get(line['decision'])!r} there"
        for line in journal.read()
        if "decision" in line and decisions.get(line["decision"]) != line["words"]
    ]
    # I6: an import wrote all its rows or none, and says so.
    wrong += [
        f"partial: {name} has {count} rows, its import says {imports.get(name)}"
        for name, count in counts.items()
        if imports.get(name) != count
    ]
    wrong += [f"phantom import: {name}" for name in imports if name not in counts]
    return wrong + _index_faults(resources)


def _index_faults(resources: Resources) -> list[str]:
    """I3 again, of what this process answers from once it has caught up."""
    mark = catch_up(resources)
    with read(resources.engine) as session:
        live = set(live_statements(session))
    indexed = set(resources.indexes.vectors.ids().tolist())
    wrong = []
    if indexed != live:
        lacking, many = sorted(live - indexed), sorted(indexed - live)
        wrong.append(f"index at {mark.revision}: lacks {lacking[:5]}, has too many {many[:5]}")
    if set(resources.indexes.terms) != live or len(resources.indexes.words) != len(live):
        wrong.append("the words indexed are not those of the statements")
    return wrong


def _rows_by_import(resources: Resources) -> Counter[str]:
    """How many statements each file left; their ids begin with its name."""
    with read(resources.engine) as session:
        ids = session.scalars(select(StatementRow.public_id).where(~StatementRow.deleted)).all()
    return Counter(identity.rpartition("-")[0] for identity in ids)


def _imports(resources: Resources) -> dict[str, int]:
    """How many rows the last import of each file says that it left."""
    with read(resources.engine) as session:
        rows = session.execute(select(Import.file_name, Import.report).order_by(Import.id)).all()
    return {row.file_name.removesuffix(".csv"): _left_by(row.report) for row in rows}


def _decisions(resources: Resources) -> dict[int, str]:
    with read(resources.engine) as session:
        return {row.id: row.words for row in session.execute(select(Decision.id, Decision.words))}


def _left_by(report: dict[str, Any]) -> int:
    return int(report["created"] + report["updated"] + report["unchanged"])


def _wait_for_the_dead(resources: Resources) -> None:
    """PostgreSQL ends the work of a killed client a little after the client."""
    if resources.engine.dialect.name != "postgresql":
        return
    busy = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND state <> 'idle'"
    )

    def is_at_rest() -> bool:
        with read(resources.engine) as session:
            return session.execute(busy).scalar_one() == 0

    wait_until(is_at_rest)
