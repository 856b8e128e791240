"""What FastAPI does not write of the API by itself."""

from typing import Any

from service.api.problems import MEDIA_TYPE

JSON = "application/json"
REFUSED = 400
"""The first status of a refusal."""


def files(description: str, *media_types: str) -> dict[int | str, dict[str, Any]]:
    """What a route answers that gives a file."""
    kinds: dict[str, Any] = {kind: {"schema": {"type": "string"}} for kind in media_types}
    return {200: {"description": description, "content": kinds}}


def describe_problems(document: dict[str, Any]) -> None:
    """Say of each refusal that it is a problem+json: FastAPI takes all answers for plain JSON."""
    for path in document["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                content = answer.get("content", {})
                if int(status) >= REFUSED and JSON in content and MEDIA_TYPE not in content:
                    content[MEDIA_TYPE] = content.pop(JSON)
