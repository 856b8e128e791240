"""Who is at the door, and how she knocks."""

from fastapi.testclient import TestClient

EMAIL, PASSWORD = "ada@exemple.fr", "quatre mots pas devinables"
SESSION, ME = "/api/v1/session", "/api/v1/me"


def enter(client: TestClient, email: str = EMAIL, password: str = PASSWORD) -> int:
    status: int = client.post(SESSION, json={"email": email, "password": password}).status_code
    return status
