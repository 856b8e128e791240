"""What one person does, for locust (`benchmarks.service`): reads, thinks, sometimes writes."""

import json
import os
import random
from pathlib import Path

from locust import FastHttpUser, between, task

SUBJECTS = json.loads(Path(os.environ["PEOPLE_SUBJECTS"]).read_text("utf-8"))
# Nothing of ours is imported: locust puts this folder first, and `service` would be a benchmark.
SLUG, COMMUNE = os.environ["PEOPLE_PLACE"].split()
HERE = f"/api/v1/sociopoles/{SLUG}"


class Animator(FastHttpUser):
    """Nine reads for one contribution written, 5 to 10 s between two."""

    wait_time = between(5, 10)
    default_headers = {"Authorization": f"Bearer {os.environ['PEOPLE_TOKEN']}"}  # noqa: RUF012 - locust's own way

    @task(6)
    def ask(self) -> None:
        """A question in words."""
        question = {"q": random.choice(SUBJECTS), "sociopole": SLUG}  # noqa: S311
        self.client.get("/api/v1/search", params=question, name="question")

    @task(3)
    def read(self) -> None:
        """A page of contributions."""
        self.client.get(f"{HERE}/statements?after={random.randrange(5_000)}", name="contributions")  # noqa: S311

    @task(1)
    def write(self) -> None:
        """A contribution of one's own, which others find at their next question."""
        text = f"{random.choice(SUBJECTS)} {random.randrange(10**6)}"  # noqa: S311
        wanted = {
            "kind": "problem",
            "organisation": "Structure n° 0",
            "text": text,
            "territory": COMMUNE,
        }
        self.client.post(f"{HERE}/statements", json=wanted, name="written")
