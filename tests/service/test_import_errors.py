"""Bad input is refused with the row, the column and what to do."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from matcher.statements import Kind
from service.app import create_app
from service.database import read
from service.errors import Refused
from service.resources import Resources
from service.store.sociopoles import contacts_of, get_sociopole
from service.store.statements import statements_of
from service.workflows.contribute import remove_statement
from service.workflows.show_jobs import show_jobs
from service.workflows.take_in import ImportPlan, take_in
from tests.access.world import fingerprint
from tests.builders import SLUG, import_rows
from tests.service.people import sign_in

LONG = "mot " * 5001


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("text", "", "le texte est vide"),
        ("text", LONG, "la limite est de 20000"),
        ("title", "t" * 301, "la limite est de 300"),
        ("organisation", "o" * 301, "la limite est de 300"),
        ("id", "i" * 201, "la limite est de 200"),
        ("sector", "s" * 301, "la limite est de 300"),
        ("discipline", "d" * 301, "la limite est de 300"),
        ("territory", "Atlantide", "le territoire « Atlantide » est inconnu : écrivez"),
        ("territory", "99999", "le territoire « 99999 » est inconnu : écrivez"),
        (
            "territory",
            "Belpech",
            "est ambigu : Belpech (commune, 11023) ; Belpech (commune, 30023)",
        ),
        ("kind", "recette", "Réponse non comprise : « recette ». Écrivez"),
        ("college", "martien", "Réponse non comprise : « martien ». Écrivez"),
        ("consent", "peut-être", "« peut-être » ne se comprend pas comme un accord : écrivez"),
        ("date", "31/02/2025", "Date non comprise : « 31/02/2025 ». Écrivez"),
        ("organisation", "\ufdfa" * 250, "trop long en toutes lettres : abrégez-le"),
        ("title", "a\x07b", "Caractère de contrôle invisible (U+0007)"),
    ],
)
def test_each_fault_says_its_row_its_column_and_what_to_do(
    resources: Resources, column: str, cell: str, message: str
) -> None:
    header = ("text", column) if column != "text" else ("text", "title")
    fault = (cell, "titre") if column == "text" else ("vélos", cell)

    report = import_rows(
        resources, header, [("bon", ""), fault], mapping={name: name for name in header}
    )

    assert not report.written
    [error] = report.errors
    assert (error.row, error.column) == (3, column)
    assert message in error.message


def test_the_column_is_named_as_the_file_names_it(resources: Resources) -> None:
    rows = [("Pas de vélos", "Atlantide"), ("", "")]

    report = import_rows(resources, ("Problématique", "Commune"), [*rows, ("", "93066")])

    assert [error.column for error in report.errors] == ["Commune", "Problématique"]


def test_an_id_used_twice_is_refused_with_the_first_row(resources: Resources) -> None:
    report = import_rows(resources, ("id", "text"), [("7", "vélos"), ("7", "jardin")])

    [error] = report.errors
    assert (error.row, error.column) == (3, "id")
    assert "« 7 » est déjà celui de la ligne 2" in error.message


def test_a_row_that_was_taken_back_is_an_error_that_says_to_restore_it(
    resources: Resources,
) -> None:
    header = ("id", "organisation", "text", "contact_name")
    rows = [("1", "Roue Libre", "vélos", ""), ("2", "Roue Libre", "jardin", "")]
    import_rows(resources, header, rows)
    remove_statement(resources, SLUG, "1", of=None)
    rows = [("1", "Roue Libre", "vélos pour tous", "Ada"), ("2", "Roue Libre", "jardins", "")]

    report = import_rows(resources, header, rows)

    [error] = report.errors
    assert (error.row, error.column, report.written) == (2, "id", False)
    assert "« 1 » a été retirée : rétablissez-la" in error.message

    beside = import_rows(resources, header, rows, skip_errors=True)

    assert (beside.written, beside.updated, len(beside.errors)) == (True, 1, 1)
    with read(resources.engine) as session:
        sociopole = get_sociopole(session, SLUG).id
        [left] = statements_of(session, sociopole, list(Kind))
        assert contacts_of(session, sociopole) == []
    assert left.statement.text == "jardins"


def test_a_new_row_never_takes_the_public_id_of_what_was_taken_back(resources: Resources) -> None:
    import_rows(resources, ("id", "text"), [("1", "vélos")])
    remove_statement(resources, SLUG, "1", of=None)

    report = import_rows(resources, ("id", "text"), [("1", "cours de vélo")], kind="course")

    assert report.written
    with read(resources.engine) as session:
        [view] = statements_of(session, get_sociopole(session, SLUG).id, list(Kind))
    assert view.public_id == "course-1"


def test_the_column_of_a_territory_or_an_id_is_named_as_the_file_names_it(
    resources: Resources,
) -> None:
    rows = [("7", "vélos", "93066"), ("7", "jardin", "93066"), ("8", "pain", "Atlantide")]

    report = import_rows(resources, ("N°", "Besoin", "Ville"), rows)

    assert [(error.row, error.column) for error in report.errors] == [(3, "N°"), (4, "Ville")]


def test_every_fault_is_told_at_once_in_the_order_of_the_rows(resources: Resources) -> None:
    rows = [("vélos", "Atlantide", ""), ("", "", "jamais"), ("jardin", "", "")]

    report = import_rows(resources, ("text", "territory", "date"), rows, mapping={"date": "date"})

    assert [(error.row, error.column) for error in report.errors] == [
        (2, "territory"),
        (3, "date"),
        (3, "text"),
    ]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("93066", "Saint-Denis"),
        ("Saint-Denis", "Saint-Denis"),
        ("st denis", "Saint-Denis"),
        ("SAINT DENIS", "Saint-Denis"),
        ("93059", "Saint-Denis"),
        ("epinay sur seine", "Épinay-sur-Seine"),
        ("59350", "Lille"),
        ("departement:32", "Gers"),
        ("", "Plaine Commune"),
    ],
)
def test_a_territory_is_understood_as_it_is_typed(
    resources: Resources, written: str, name: str
) -> None:
    report = import_rows(resources, ("text", "territory"), [("vélos", written)])

    assert report.errors == []
    with read(resources.engine) as session:
        sociopole = get_sociopole(session, SLUG)
        [view] = statements_of(session, sociopole.id, [Kind.PROBLEM])
    assert view.territory == name


@pytest.mark.parametrize("written", ["9305", "7505", "59", "066"])
def test_a_part_of_a_former_code_is_no_commune(resources: Resources, written: str) -> None:
    report = import_rows(
        resources,
        ("text", "territory"),
        [("vélos", written)],
        mapping={"territory": "territory"},
    )

    # 59 is the département; the others are nothing.
    assert report.written == (written == "59")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", b"", "est vide"),
        ("header.csv", b"id;text\n", "une ligne remplie"),
        ("blank.csv", b"\n \n;;\n", "est vide"),
        ("no-text.csv", b"a;b\n1;2\n", "--map text=Colonne"),
        ("report.csv", b"%PDF-1.7 \n", "PDF"),
        ("really.xlsx", b"id;text\n1;v\xc3\xa9los\n", "fichier texte"),
        ("notes.docx", b"anything", "extension"),
    ],
)
def test_a_file_that_is_no_table_is_refused(
    resources: Resources, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(Refused, match=message):
        take_in(resources, ImportPlan(path, SLUG, "problem"))


def test_a_missing_file_is_refused(resources: Resources, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"absent\.csv"):
        take_in(resources, ImportPlan(tmp_path / "absent.csv", SLUG, "problem"))


@pytest.mark.parametrize(
    ("mapping", "message"),
    [({"texte": "text"}, "Champ inconnu"), ({"text": "Objet"}, "Colonne inconnue : « Objet »")],
)
def test_a_mapping_of_what_is_not_there_is_refused(
    resources: Resources, mapping: dict[str, str], message: str
) -> None:
    with pytest.raises(Refused, match=message):
        import_rows(resources, ("text",), [("vélos",)], mapping=mapping)


@pytest.mark.parametrize("background", [False, True], ids=["at once", "in the background"])
@pytest.mark.parametrize(
    "mapping",
    [
        r'{"text": "Ob\u0000jet"}',
        r'{"te\u0000xt": "Objet"}',
        r'{"text": "Ob\ud83djet"}',
        r'{"text": "Ob\ude00jet"}',
        r'{"te\ud83dxt": "Objet"}',
    ],
)
def test_columns_named_by_what_is_no_text_are_refused_and_nothing_changes(
    resources: Resources, mapping: str, *, background: bool
) -> None:
    client = TestClient(create_app(resources), raise_server_exceptions=False)
    sign_in(client, resources)
    before = fingerprint(resources)

    answer = client.post(
        f"/api/v1/sociopoles/{SLUG}/imports",
        data={"kind": "problem", "mapping": mapping, "background": str(background)},
        files={"file": ("besoins.csv", b"Objet\nun garage\n")},
    )

    assert answer.status_code == 422
    assert "en JSON" in answer.json()["detail"]
    assert fingerprint(resources) == before
    assert show_jobs(resources)["jobs"] == []


def test_columns_named_by_text_beyond_the_first_plane_are_taken(resources: Resources) -> None:
    client = sign_in(TestClient(create_app(resources)), resources)

    answer = client.post(
        f"/api/v1/sociopoles/{SLUG}/imports",
        data={"kind": "problem", "mapping": r'{"text": "\ud83d\ude00"}'},
        files={"file": ("besoins.csv", "😀\nun garage\n".encode())},
    )

    assert (answer.status_code, answer.json()["created"]) == (200, 1)
