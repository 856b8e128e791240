"""The pages, asked for as a browser does, on a folder filled from a spreadsheet."""

import csv
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from matcher.assignment import Limits
from matcher.statements import Kind
from service.app import create_app
from service.resources import Resources, open_resources
from service.settings import Settings
from service.web.pages import describe_bars
from service.web.rendering import count, excerpt, link, typeset, write_date
from service.workflows import set_up
from service.workflows.suggest import Plan, suggest
from service.workflows.take_in import ImportPlan, take_in
from tests.fakes import WordEncoder
from tests.service.people import ADMIN, sign_in

SLUG = "saint-denis"
PAGE = f"/sociopoles/{SLUG}"
RUN = f"{PAGE}/rapprochements"
FIELDS = ("id", "kind", "organisation", "college", "title", "text", "territory")
TOPICS = (
    (
        "l'isolement des personnes âgées",
        "Les personnes âgées isolées ne sortent plus de chez elles",
    ),
    ("la chaleur en ville", "La chaleur dans les logements est insupportable en été"),
    ("les bénévoles", "Les bénévoles du club de sport partent après deux saisons"),
    ("la pollution des jardins", "La terre des jardins est polluée par les anciennes usines"),
    ("le gaspillage alimentaire", "La cantine jette la nourriture que les enfants laissent"),
    ("l'accès aux soins", "Les habitants ne trouvent plus de médecin ni de dentiste"),
    ("la moisissure", "La moisissure noircit les murs des appartements rénovés"),
    ("les devoirs numériques", "Les parents ne savent pas se servir du site de l'école"),
)
HOSTILE = "<script>alert('x')</script> \"fin\" & <img src=x onerror=alert(1)>"


def test_home_names_each_sociopole_its_territory_and_its_counts(served: TestClient) -> None:
    page = served.get("/").text

    assert f'<a href="{PAGE}">Saint-Denis</a>' in page
    assert "Commune" in page
    assert '<span class="number">25</span> problématiques' in page
    assert '<span class="number">0</span> savoir proposé' in page


def test_home_of_an_empty_folder_says_what_to_do(empty: TestClient) -> None:
    page = empty.get("/").text

    assert "0\u00a0sociopôle<" in page
    assert "sociopoles init --demo" in page


def test_a_pairing_shows_the_sentences_that_meet_and_four_bars_in_words(
    served: TestClient,
) -> None:
    page = served.get(PAGE).text

    first = page.partition('<article class="pairing"')[2].partition("</article>")[0]
    assert "1<sup>er</sup> rapprochement" in first
    assert first.count("<blockquote") == 2
    assert first.count("<svg") == 4
    assert "besoin ↔ savoir" in first or "besoin partagé" in first
    assert "ne se connaissent pas" in first
    assert "%" not in first


def test_pairings_come_twenty_a_page_with_links_to_the_others(served: TestClient) -> None:
    first, second = served.get(PAGE).text, served.get(PAGE, params={"page": 2}).text

    assert first.count('<article class="pairing"') == 20
    assert f'href="{PAGE}?page=2#rapprochements" rel="next"' in first
    assert 'id="rang-21"' in second
    assert f'href="{PAGE}?page=1#rapprochements" rel="prev"' in second


def test_pairings_can_be_kept_to_one_kind(served: TestClient) -> None:
    page = served.get(PAGE, params={"nature": "interest"}).text

    kinds = re.findall(r'<p class="kind">([^<]+)</p>', page)
    assert kinds
    assert set(kinds[1::2]) == {"intérêt de recherche"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/sociopoles/nulle-part", 404),
        (f"{PAGE}?page=99", 404),
        (f"{PAGE}?page=0", 422),
        (f"{PAGE}?nature=licorne", 422),
        ("/nulle-part", 404),
    ],
)
def test_what_cannot_be_shown_is_a_page_that_says_why(
    served: TestClient, path: str, status: int
) -> None:
    answer = served.get(path)

    assert answer.status_code == status
    assert "text/html" in answer.headers["content-type"]
    assert "Revenir à l’accueil" in answer.text


def test_a_contribution_without_a_partner_is_listed_with_its_reason(
    empty: TestClient, tmp_path: Path
) -> None:
    fill(resources_of(empty), tmp_path / "alone.csv", statements()[-1:])
    suggest(resources_of(empty), SLUG, Plan(Limits()))

    page = empty.get(PAGE).text

    unanswered = page.partition('id="sans-reponse"')[2]
    assert "0\u00a0rapprochement<" in page
    assert "1\u00a0contribution sans réponse" in unanswered
    assert "Aucun partenaire possible" in unanswered
    assert "&lt;script&gt;" in unanswered
    assert "Chercher partout" in unanswered
    assert forbidden_markup(page) == []


def test_what_people_wrote_is_never_markup(served: TestClient) -> None:
    asked = {"q": HOSTILE, "secteur": '"><script>', "sociopole": SLUG}

    searches = [served.get("/recherche", params={"q": HOSTILE}).text]
    searches.append(served.get("/recherche", params=asked).text)
    queue = [served.get(PAGE, params={"page": page}).text for page in range(1, 10)]

    assert all("&lt;script&gt;" in page for page in searches)
    assert "&lt;script&gt;" in "".join(queue)
    assert [found for page in searches + queue for found in forbidden_markup(page)] == []


@pytest.mark.parametrize("path", ["/", PAGE, "/recherche", "/recherche?q=chaleur", "/nulle-part"])
def test_no_page_holds_what_the_content_policy_forbids(served: TestClient, path: str) -> None:
    page = served.get(path).text

    assert '<html lang="fr">' in page
    assert forbidden_markup(page) == []


def test_a_sociopole_without_contributions_says_how_to_import(empty: TestClient) -> None:
    set_up.create_sociopole(resources_of(empty), slug="vide", name="Vide", territory="93066")

    page = empty.get("/sociopoles/vide").text

    assert "sociopoles import problematiques.csv --sociopole vide --kind problem" in page
    assert "Proposer" not in page.partition("<main")[2]


def test_proposing_leads_from_no_run_to_pairings_then_to_a_notice_of_change(
    empty: TestClient, tmp_path: Path
) -> None:
    fill(resources_of(empty), tmp_path / "first.csv", statements()[:6])
    assert "Proposer des rapprochements" in empty.get(PAGE).text

    answer = empty.post(RUN, follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    page = empty.get(PAGE).text
    assert "Proposer à nouveau" in page
    assert "ont changé" not in page

    take_in(
        resources_of(empty),
        ImportPlan(write(tmp_path / "more.csv", statements()[6:8]), SLUG, Kind.PROBLEM),
    )
    assert "ont changé" in empty.get(PAGE).text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://ailleurs.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_sent_by_another_site_is_refused(
    served: TestClient, headers: dict[str, str]
) -> None:
    answer = served.post(RUN, headers=headers)

    assert answer.status_code == 403
    assert "autre site" in answer.text


def test_a_form_sent_by_our_own_page_is_taken(served: TestClient) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}

    answer = served.post("/sociopoles/nulle-part/rapprochements", headers=headers)

    assert answer.status_code == 404, "past the check: there is no such sociopôle"


def test_an_empty_search_gives_examples(served: TestClient) -> None:
    page = served.get("/recherche", params={"q": "  "}).text

    assert page.count('<a href="/recherche?q=') == 3


def test_an_answer_marks_the_sentence_that_answers(served: TestClient) -> None:
    asked = {"q": "chaleur des logements en été", "nature": "problem"}

    page = served.get("/recherche", params=asked).text

    first = page.partition('<article class="answer')[2].partition("</article>")[0]
    assert re.search(r"<mark>[^<]*chaleur", first)
    assert 'value="problem" selected' in page
    assert f'<a href="{PAGE}">Saint-Denis</a>' in first


def test_a_search_without_answers_says_how_to_widen(served: TestClient) -> None:
    page = served.get("/recherche", params={"q": "chaleur", "nature": "course"}).text

    assert "0\u00a0réponse<" in page
    assert '<a href="/recherche?q=chaleur">' in page


def test_a_refused_search_keeps_what_was_written(served: TestClient) -> None:
    asked = {"q": "ma question", "sociopole": "nulle-part"}

    answer = served.get("/recherche", params=asked)

    assert answer.status_code == 404
    assert ">ma question</textarea>" in answer.text
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (0, "0\u00a0piste"),
        (1, "1\u00a0piste"),
        (2, "2\u00a0pistes"),
        (1200, "1\u202f200\u00a0pistes"),
    ],
)
def test_zero_and_one_are_singular(n: int, words: str) -> None:
    assert count(n, "piste") == words


def test_signs_keep_to_the_word_before_them() -> None:
    assert typeset("« Qui ? » : lui !") == "«\u00a0Qui\u202f?\u00a0»\u00a0: lui\u202f!"


def test_a_link_leaves_out_what_is_empty() -> None:
    assert link("/p", nature="", page=2) == "/p?page=2"
    assert link("/p", q="") == "/p"
    assert link("/p", q="à & b") == "/p?q=%C3%A0+%26+b"


def test_an_excerpt_ends_between_two_words() -> None:
    assert excerpt("un mot, " * 40) == "un mot, " * 29 + "un mot…"
    assert excerpt("x" * 300) == "x" * 240 + "…"


def test_the_first_of_a_month_is_written_as_such() -> None:
    assert write_date("2026-08-01T09:00:00") == "1er\u00a0août 2026"
    assert write_date("2026-12-24T09:00:00") == "24\u00a0décembre 2026"


@pytest.mark.parametrize(
    ("bars", "right", "words"),
    [
        ((0.8, 1, 1, 1), "offer", "fort/secteurs éloignés/besoin ↔ savoir/ne se connaissent pas"),
        (
            (0.6, 0.4, 0.4, 0.6),
            "problem",
            "net/secteurs voisins/besoin partagé/une connaissance commune",
        ),
        ((0.5, 0, 1, 0), "course", "faible/mêmes secteurs/besoin ↔ savoir/se connaissent déjà"),
        (
            (0.5, 0.5, 1, 0),
            "interest",
            "faible/secteur non précisé/besoin ↔ savoir/se connaissent déjà",
        ),
    ],
)
def test_each_bar_has_a_word(
    bars: tuple[float, float, float, float], right: str, words: str
) -> None:
    names = ("meaning", "sector_gap", "complementarity", "novelty")
    pairing = {
        "left": {"kind": "problem", "college": "association"},
        "right": {"kind": right, "college": "association"},
        "bars": dict(zip(names, bars, strict=True)),
    }

    described = describe_bars(pairing)

    assert "/".join(bar.word for bar in described) == words
    assert [bar.tenths for bar in described] == [round(bar * 10) for bar in bars]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a folder with one sociopôle, its statements and a run."""
    folder = tmp_path_factory.mktemp("served")
    resources = open_resources(Settings(data=folder), WordEncoder())
    fill(resources, folder / "statements.csv", statements())
    suggest(resources, SLUG, Plan(Limits(max_load=50)))
    yield sign_in(TestClient(create_app(resources)), resources, ADMIN)
    resources.engine.dispose()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[TestClient]:
    """A client of a folder with the territories and nothing else."""
    resources = open_resources(Settings(data=tmp_path / "data"), WordEncoder())
    set_up.initialise(resources)
    yield sign_in(TestClient(create_app(resources)), resources, ADMIN)
    resources.engine.dispose()


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forbidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        inline = [name for name, _ in attrs if name == "style" or name.startswith("on")]
        away = [v for n, v in attrs if n in {"src", "href", "action"} and v and v[0] not in "/#"]
        if tag in {"script", "style"} or inline or away:
            self.forbidden.append(f"{tag} {attrs}")


def forbidden_markup(page: str) -> list[str]:
    """What is script, style, or leads off this host."""
    tags = _Tags()
    tags.feed(page)
    return tags.forbidden


def statements() -> list[dict[str, str]]:
    """Three problems and three interests for each topic, and one problem like nothing else."""
    rows = [
        {
            "id": f"{kind}-{number}-{copy}",
            "kind": kind,
            "organisation": f"{name} {number}-{copy}",
            "college": college,
            "title": f"{prefix} {topic}",
            "text": f"{sentence}. {closing}",
        }
        for number, (topic, sentence) in enumerate(TOPICS)
        for copy in range(3)
        for kind, name, college, prefix, closing in (
            ("problem", "Association", "association", "Agir contre", "Que faire ?"),
            ("interest", "Laboratoire", "academic", "Étudier", "Nous étudions ce sujet."),
        )
    ]
    hostile = {
        "id": "HOSTILE",
        "kind": "problem",
        "organisation": "Zébulon <b>& Cie</b>",
        "college": "association",
        "title": HOSTILE,
        "text": f"Xylophone quantique {HOSTILE}",
    }
    return [*rows, hostile]


def fill(resources: Resources, path: Path, rows: list[dict[str, str]]) -> None:
    """Add the sociopôle and import these rows."""
    set_up.initialise(resources)
    set_up.create_sociopole(resources, slug=SLUG, name="Saint-Denis", territory="93066")
    report = take_in(resources, ImportPlan(write(path, rows), SLUG, Kind.PROBLEM))
    assert report.written, report.errors


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    """A spreadsheet of these rows."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, delimiter=";")
        writer.writeheader()
        writer.writerows({"territory": "93066", **row} for row in rows)
    return path


def resources_of(client: TestClient) -> Resources:
    """What the client's application runs on."""
    application: Any = client.app  # TestClient types it as a bare ASGI callable
    resources: Resources = application.state.resources
    return resources.unscoped()
