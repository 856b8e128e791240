"""Jobs asked for by, and about, somebody."""

import io
from pathlib import Path

from service.jobs import work
from service.resources import Resources
from service.workflows.background import WORKS, Asked, submit_import
from service.workflows.take_in import ImportPlan
from tests.builders import SLUG
from tests.service.workers import worker


def ask(resources: Resources, name: str, *rows: str) -> int:
    """Have rows « id;text;territory » imported in the background, under and by this name."""
    content = "\n".join(["id;text;territory", *rows]).encode()
    plan = ImportPlan(Path(f"{name}.csv"), SLUG, "problem", skip_errors=True)
    return submit_import(resources, plan, io.BytesIO(content), Asked(name, key=f"de {name}"))


def do_all(resources: Resources) -> None:
    """Do the jobs that wait."""
    work(worker(resources, **{kind: known.run for kind, known in WORKS.items()}), once=True)
