"""The JSON API through HTTP: stable shapes, refusals as problem+json, headers everywhere."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.resources import Resources
from service.workflows.answer import LONGEST_QUERY
from tests.builders import SLUG, import_texts
from tests.service.people import sign_in

RUNS = f"/api/v1/sociopoles/{SLUG}/runs"
LATEST = f"{RUNS}/latest"
TOPICS = ("vélo piste cyclable école", "moisissure logement humide", "repas cantine bio")


@pytest.fixture
def client(resources: Resources) -> Iterator[TestClient]:
    import_texts(resources, *(f"besoin {topic}" for topic in TOPICS))
    import_texts(resources, *(f"recherche {topic}" for topic in TOPICS), kind="interest")
    with TestClient(create_app(resources)) as client:
        yield sign_in(client, resources)


def assert_problem(answer: object, status: int, *, saying: str) -> None:
    assert answer.status_code == status  # type: ignore[attr-defined]  # httpx2's Response has no public name
    assert answer.headers["content-type"] == "application/problem+json"  # type: ignore[attr-defined]
    problem = answer.json()  # type: ignore[attr-defined]
    assert problem["status"] == status
    assert saying in problem["detail"]


def test_sociopoles_are_listed(client: TestClient) -> None:
    answer = client.get("/api/v1/sociopoles")

    assert answer.status_code == 200
    [sociopole] = answer.json()["sociopoles"]
    assert (sociopole["slug"], sociopole["statements"]["problem"]) == (SLUG, 3)


def test_a_run_is_made_and_then_read(client: TestClient) -> None:
    made = client.post(RUNS, json={"proposals": 1, "max_load": 4, "kinds": "problem-interest"})

    assert made.status_code == 201
    shown = made.json()
    assert shown["limits"] == {"proposals": 1, "max_load": 4, "kinds": ["problem-interest"]}
    assert len(shown["pairings"]) + len(shown["orphans"]) == 3
    assert client.get(LATEST).json() == shown


def test_a_run_without_wishes_takes_the_usual_ones(client: TestClient) -> None:
    limits = client.post(RUNS, json={}).json()["limits"]

    assert (limits["proposals"], limits["max_load"]) == (3, 5)


def test_before_the_first_run_there_is_nothing_to_read(client: TestClient) -> None:
    assert_problem(client.get(LATEST), 404, saying="sociopoles suggest")


def test_a_question_is_answered(client: TestClient) -> None:
    answer = client.get("/api/v1/search", params={"q": "cantine", "kind": "problem", "k": 1})

    [found] = answer.json()["answers"]
    assert (found["id"], found["kind"], found["sociopole"]) == ("3", "problem", SLUG)
    assert found["sentence"] == "besoin repas cantine bio"


def test_several_kinds_can_be_asked_for(client: TestClient) -> None:
    kinds = {"kind": ["problem", "interest"], "q": "cantine"}

    found = client.get("/api/v1/search", params=kinds).json()["answers"]

    assert {answer["kind"] for answer in found} == {"problem", "interest"}


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/sociopoles/atlantide/pairings",
        "/api/v1/search?q=a&sociopole=atlantide",
    ],
)
def test_what_does_not_exist_is_a_problem_404(client: TestClient, path: str) -> None:
    assert_problem(client.get(path), 404, saying="atlantide")


def test_a_path_of_the_api_that_is_none_is_a_problem_too(client: TestClient) -> None:
    assert_problem(client.get("/api/v1/nothing"), 404, saying="n'existe pas")
    assert_problem(client.get(RUNS), 405, saying="ne se demande pas ainsi")


@pytest.mark.parametrize(
    "query",
    ["", "q=", "q=%20", "q=a&k=0", "q=a&k=101", "q=a&k=x", "q=a&kind=recette", "q=a&sector=xyzzy"],
)
def test_a_search_that_makes_no_sense_is_a_problem_422(client: TestClient, query: str) -> None:
    assert_problem(client.get(f"/api/v1/search?{query}"), 422, saying="")


def test_a_question_too_long_is_a_problem_422(client: TestClient) -> None:
    answer = client.get("/api/v1/search", params={"q": "v" * (LONGEST_QUERY + 1)})

    assert_problem(answer, 422, saying="")


@pytest.mark.parametrize(
    "body",
    [
        {"proposals": 0},
        {"max_load": 0},
        {"proposals": "beaucoup"},
        {"kinds": "problem-lab"},
        {"sociopole": "lyon"},
        {"id": 1, "proposals": 3},
        [],
        None,
    ],
)
def test_a_run_that_makes_no_sense_is_a_problem_422(client: TestClient, body: object) -> None:
    assert_problem(client.post(RUNS, json=body), 422, saying="")


def test_the_api_describes_itself(client: TestClient) -> None:
    described = client.get("/api/v1/openapi.json").json()

    assert set(described["paths"]) >= {
        "/api/v1/sociopoles",
        "/api/v1/sociopoles/{slug}/pairings",
        "/api/v1/sociopoles/{slug}/runs",
        "/api/v1/search",
    }
    assert client.get("/api/v1/docs").status_code == 200


def test_the_documentation_loads_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/api/v1/docs").text

    assert "http" not in page.replace("http-equiv", "")


def test_the_process_says_that_it_is_alive(client: TestClient) -> None:
    assert client.get("/api/v1/health").json() == {"status": "ok"}
