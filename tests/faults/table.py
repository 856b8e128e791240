"""The table of what was tried, at the end of a run.

A safety test that is skipped must be seen: the table names each fault of the list, how often it
was struck, and why it was not. Hooks of all tests (`tests/conftest.py`): where several processes
run them, the one that reports runs none, and never sees this folder.
"""

from collections import defaultdict

import pytest

FAULTS = {
    "F1": "kill -9 in an import",
    "F2": "kill -9 while an index is saved",
    "F3": "kill -9 in a job",
    "F4": "disk full",
    "F5": "snapshot corrupt, truncated, empty, missing",
    "F6": "index older, newer, of another epoch",
    "F7": "two processes publish one index",
    "F8": "database locked",
    "F9": "PostgreSQL restarts under writers",
    "F10": "the clock jumps",
    "F11": "the model changed",
    "F12": "a worker dies, a poison job",
    "F13": "the same request several times at once",
    "F14": "one pairing reviewed by many at once",
    "F15": "an import in part, a client gone",
    "F16": "power lost between commit and index",
    "F17": "an older database is upgraded",
    "F18": "files, threads, memory leak",
    "F19": "kill -9 in a restore",
    "order": "all of it in any order, against the check",
    "proof": "the harness sees what it must",
}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of faults."""
    found = defaultdict(list)
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.getreports(outcome):
            properties = getattr(report, "user_properties", [])
            fault = dict(properties).get("fault")
            if fault and (outcome != "passed" or report.when == "call"):
                found[fault].append((outcome, report))
    if not found:
        return
    terminalreporter.section("faults")
    for fault, name in FAULTS.items():
        terminalreporter.write_line(f"{fault:6}{name:45}{_summary(found[fault])}")
        for reason, tests in sorted(_skips(found[fault]).items()):
            line = f"{'':6}SKIPPED {len(tests)}: {reason}"
            terminalreporter.write_line(line, yellow=True)


def _summary(reports: list[tuple[str, pytest.TestReport]]) -> str:
    if not reports:
        return "NOT TRIED in this run"
    outcomes = [outcome for outcome, _ in reports]
    counts = [f"{outcomes.count(o)} {o}" for o in ("passed", "failed", "error") if o in outcomes]
    struck: dict[str, int] = defaultdict(int)
    for _, report in reports:
        for key, value in report.user_properties:
            if key == "struck":
                times, _, what = str(value).partition(" ")
                struck[what] += int(times)
    return ", ".join([*(counts or ["none passed"]), *(f"{n} {what}" for what, n in struck.items())])


def _skips(reports: list[tuple[str, pytest.TestReport]]) -> dict[str, set[str]]:
    skips = defaultdict(set)
    for outcome, report in reports:
        if outcome == "skipped":
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            skips[reason.removeprefix("Skipped: ")].add(report.nodeid)
    return skips
