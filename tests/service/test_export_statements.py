"""Statements leave in a sheet and come back: what nobody edited is as it was, to the letter."""

import datetime as dt
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from matcher.statements import Kind
from service.database import read, write
from service.errors import NotFound, Refused
from service.files.columns import FIELDS, guess_columns, parse_college, parse_kind
from service.files.reading import read_table
from service.files.writing import SheetFormat
from service.resources import Resources
from service.store.scope import PUBLISHED
from service.tables import Contact, Organisation, StatementRow
from service.workflows.export import Exported, export_statements
from service.workflows.sheet_words import COLLEGES, KINDS
from service.workflows.take_in import ImportPlan, ImportReport, take_in
from tests.builders import SLUG, import_rows
from tests.spreadsheets import column, edit_sheet, open_sheet, save_sheet

FORMATS = list(SheetFormat)
HEADER = (
    *("id", "kind", "organisation", "college", "title", "text", "sector", "discipline"),
    *("territory", "consent", "date", "contact_name", "contact_email"),
)


def row(id_: str, text: str, organisation: str = "", **more: str) -> tuple[str, ...]:
    cells = {"id": id_, "text": text, "organisation": organisation} | more
    return tuple(cells.get(field, "") for field in HEADER)


ROWS = [
    row(
        "007",
        'Pas de vélos ; ni pour les « grands », ni pour les petits.\nEt "personne" n\'en parle.',
        "L'Île aux Vélos ; section Épinay",
        consent="oui",
        date="2025-03-12",
        sector="011075",
        territory="93066",
        contact_name="Ada Diallo",
        contact_email="ada@exemple.fr",
    ),
    row("1-2", "- La chaudière est en panne\n- Le bailleur ne répond pas", "=Égalité", date="1900"),
    row("12E5", "'=SOMME(A1) se lit mal, dit-elle", "+ de Liens", title="@nous", sector="cuisine"),
    row("0612345678", "\u200b=1+1 est une formule", "L'Atelier", title="'Entre guillemets'"),
    row("é-œ", "Une ligne\r\nune autre\rune dernière", "L'Atelier", territory="Saint-Denis"),
    row("9", "<r>Ceci n'est pas du gras</r>", "Mairie", college="mairie", territory="93"),
    row("10", "Sans structure ni date, à 3,50 € l'entrée", title="http://exemple.fr"),
    row("9", "Gérontologie : _x0041_ & <b>", "UMR 1", kind="intérêt", discipline="shs.socio"),
    row("i2", "−5 °C dans les murs", "UMR 1", kind="cours", discipline="physique du bâtiment"),
    row("o1", "Nous savons réparer", "UMR 1", kind="offre", territory="region:11", date="2100"),
]


@pytest.fixture
def filled(resources: Resources) -> Resources:
    assert import_rows(resources, HEADER, ROWS).errors == []
    return resources


def stored(resources: Resources) -> dict[int, tuple[Any, ...]]:
    with read(resources.engine) as session:
        rows = session.execute(select(*StatementRow.__table__.columns).order_by(StatementRow.id))
        return {found.id: tuple(found) for found in rows}


def saved(exported: Exported, folder: Path) -> Path:
    path = folder / exported.name
    path.write_bytes(exported.body)
    return path


def export(resources: Resources, folder: Path, format_: SheetFormat, **options: Any) -> Path:
    return saved(export_statements(resources, SLUG, format_, **options), folder)


def bring_back(resources: Resources, path: Path) -> ImportReport:
    return take_in(resources, ImportPlan(path, SLUG, Kind.PROBLEM))


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("with_contacts", [False, True])
def test_what_nobody_edited_comes_back_unchanged(
    filled: Resources,
    tmp_path: Path,
    format_: SheetFormat,
    with_contacts: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    before = stored(filled)
    path = export(filled, tmp_path, format_, with_contacts=with_contacts)

    report = bring_back(filled, path)

    assert (report.rows, report.unchanged, report.errors) == (len(ROWS), len(ROWS), [])
    assert stored(filled) == before


# A control character is refused by an import; these two no XLSX can hold.
ANYTHING = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
CELL = st.text(st.sampled_from("'=+-@＝01.;,\"é|\n\u200b<r>_x&\u202f ") | ANYTHING, max_size=20)


@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.tuples(CELL, CELL, CELL, CELL, CELL), min_size=10, max_size=60))
def test_whatever_people_write_comes_back_unchanged(
    resources: Resources, tmp_path: Path, cells: list[tuple[str, ...]]
) -> None:
    rows = [
        row(f"{i}", f"{text}.", name, title=title, sector=sector, discipline=discipline)
        for i, (text, name, title, sector, discipline) in enumerate(cells)
    ]
    assert import_rows(resources, HEADER, rows).errors == []
    before = stored(resources)

    for format_ in FORMATS:
        assert bring_back(resources, export(resources, tmp_path, format_)).updated == 0
    assert stored(resources) == before


@pytest.mark.parametrize("format_", FORMATS)
def test_a_spreadsheet_may_save_it_again(
    filled: Resources, tmp_path: Path, format_: SheetFormat
) -> None:
    before = stored(filled)
    path = edit_sheet(export(filled, tmp_path, format_), 1)

    assert bring_back(filled, path).unchanged == len(ROWS)
    assert stored(filled) == before


FIELDS_OF_ROWS = list(StatementRow.__table__.columns.keys())
EDITS: Sequence[tuple[str, str, str, object]] = [
    ("Texte", 'Deux\nlignes ; « et » "guillemets"', "text", 'Deux\nlignes ; « et » "guillemets"'),
    ("Titre", "'=Un titre", "title", "=Un titre"),
    ("Accord de publication", "oui", "consent", True),
    ("Date", "24/12/2026", "written_on", dt.date(2026, 12, 24)),
    ("Secteur", "032520", "sector", "032520"),
    ("Discipline", "shs.socio", "discipline", "shs.socio"),
    ("Territoire", "La Courneuve", "territory_id", "commune:93027"),
]


def test_an_edited_cell_changes_its_row_and_no_other(filled: Resources, tmp_path: Path) -> None:
    # The formats in turns: what differs between them is tried on every row above.
    for (title, typed, field, expected), format_ in zip(EDITS, cycle(FORMATS), strict=False):
        before = stored(filled)
        path = edit_sheet(export(filled, tmp_path, format_), 4, **{title: typed})

        report = bring_back(filled, path)

        assert (report.created, report.updated, report.unchanged) == (0, 1, len(ROWS) - 1)
        after = stored(filled)
        [changed] = [i for i in before if before[i] != after[i]]
        found = dict(zip(FIELDS_OF_ROWS, after[changed], strict=True))
        assert (found["reference"], found[field]) == ("0612345678", expected)


def test_the_organisation_of_a_row_is_edited_too(filled: Resources, tmp_path: Path) -> None:
    path = edit_sheet(export(filled, tmp_path, SheetFormat.XLSX), 7, Structure="Les Voisins")

    assert bring_back(filled, path).updated == 1
    texts = open_sheet(export(filled, tmp_path, SheetFormat.CSV))
    assert column(texts, "Structure")[6] == "Les Voisins"


def test_a_college_or_a_contact_that_was_edited_is_counted(
    filled: Resources, tmp_path: Path
) -> None:
    before = stored(filled)
    path = export(filled, tmp_path, SheetFormat.CSV, with_contacts=True)
    rows = open_sheet(path)
    rows[1][rows[0].index("E-mail")] = "ada.diallo@exemple.fr"
    rows[8][rows[0].index("Collège")] = "public"

    report = bring_back(filled, save_sheet(path, rows))

    assert (report.updated, report.unchanged) == (2, len(ROWS) - 2)
    assert stored(filled) == before
    with read(filled.engine) as session:
        emails = session.scalars(select(Contact.email).order_by(Contact.id)).all()
        colleges = session.scalars(
            select(Organisation.college).where(Organisation.name == "UMR 1")
        ).all()
    assert emails == ["ada@exemple.fr", "ada.diallo@exemple.fr"]
    assert colleges == ["public"]
    again = open_sheet(export(filled, tmp_path, SheetFormat.XLSX, with_contacts=True))
    assert column(again, "E-mail")[0] == "ada.diallo@exemple.fr"
    assert column(again, "Autres contacts")[0] == "Ada Diallo ada@exemple.fr"


@pytest.mark.parametrize("with_contacts", [False, True])
def test_the_importer_knows_each_column_by_its_name(
    filled: Resources,
    tmp_path: Path,
    with_contacts: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    table = read_table(export(filled, tmp_path, SheetFormat.CSV, with_contacts=with_contacts))

    guessed = guess_columns(table.columns, table.rows)

    expected = {field for field in FIELDS if with_contacts or "contact" not in field}
    assert set(guessed) == expected
    # What is read is at the left, and nothing else.
    assert list(table.columns[: len(expected)]) == sorted(guessed.values(), key=table.columns.index)


def test_the_words_of_the_cells_are_those_the_importer_reads() -> None:
    assert {parse_kind(words): kind for kind, words in KINDS.items()} == {k: k for k in KINDS}
    assert {parse_college(words): c for c, words in COLLEGES.items()} == {c: c for c in COLLEGES}


def test_contacts_are_in_no_sheet_that_did_not_ask_for_them(filled: Resources) -> None:
    body = export_statements(filled, SLUG, SheetFormat.CSV).body.decode("utf-8-sig")

    assert "ada@exemple.fr" not in body
    assert "Ada Diallo" not in body


def test_contacts_are_never_published(filled: Resources) -> None:
    with pytest.raises(Refused, match="ne se publient jamais"):
        export_statements(filled, SLUG, SheetFormat.CSV, only_published=True, with_contacts=True)


def test_only_what_its_authors_agreed_to_is_published(filled: Resources, tmp_path: Path) -> None:
    sheet = open_sheet(export(filled, tmp_path, SheetFormat.XLSX, only_published=True))

    assert column(sheet, "Identifiant") == ["007"]


def test_a_person_who_reads_only_what_is_published_exports_no_more(
    filled: Resources, tmp_path: Path
) -> None:
    sheet = open_sheet(
        export(filled.seen_by(PUBLISHED), tmp_path, SheetFormat.CSV, with_contacts=True)
    )

    assert column(sheet, "Identifiant") == ["'007"]
    assert column(sheet, "Contact") == [""]


def test_what_is_gone_is_not_exported(filled: Resources, tmp_path: Path) -> None:
    with write(filled.engine) as session:
        session.execute(
            update(StatementRow).where(StatementRow.kind == "problem").values(deleted=True)
        )

    sheet = open_sheet(export(filled, tmp_path, SheetFormat.XLSX))

    assert column(sheet, "Identifiant") == ["interest-9", "i2", "o1"]


def test_a_territory_is_written_by_its_name_unless_the_name_means_several(
    filled: Resources, tmp_path: Path
) -> None:
    rows = [row("20", "a", territory="30247"), row("21", "b", territory="11023")]
    import_rows(filled, HEADER, rows)

    sheet = open_sheet(export(filled, tmp_path, SheetFormat.XLSX))

    places = dict(zip(column(sheet, "Identifiant"), column(sheet, "Territoire"), strict=True))
    assert {places[i] for i in ("007", "é-œ")} == {"Saint-Denis"}
    # Saint-Denis is first of all the one of the sociopôle; there are two Belpech elsewhere.
    assert (places["20"], places["21"]) == ("30247", "11023")
    assert (places["9"], places["o1"]) == ("Seine-Saint-Denis", "Île-de-France")
    assert column(sheet, "Code du territoire")[0] == "93066"


def test_what_no_file_wrote_to_the_letter_is_not_called_an_edit(
    filled: Resources, tmp_path: Path
) -> None:
    with write(filled.engine) as session:
        session.execute(
            update(StatementRow)
            .where(StatementRow.public_id == "10")
            .values(text="  Une ligne\r\nune autre ", title="")
        )
    before = stored(filled)

    assert bring_back(filled, export(filled, tmp_path, SheetFormat.XLSX)).unchanged == len(ROWS)
    assert stored(filled) == before


def test_a_file_says_what_it_holds_of_which_sociopole(filled: Resources) -> None:
    exported = export_statements(filled, SLUG, SheetFormat.XLSX)

    assert exported.name.startswith(f"{SLUG}-contributions-20")
    assert exported.name.endswith(".xlsx")
    assert (exported.rows, exported.body[:2]) == (len(ROWS), b"PK")
    assert "spreadsheetml" in exported.media_type


def test_an_unknown_sociopole_is_refused(resources: Resources) -> None:
    with pytest.raises(NotFound, match="nulle-part"):
        export_statements(resources, "nulle-part", SheetFormat.CSV)
