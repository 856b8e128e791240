"""Which column is which, and what short answers mean."""

from collections.abc import Callable
from datetime import date

import pytest

from service.errors import Refused
from service.files.columns import (
    FIELDS,
    NAMES,
    apply_mapping,
    fold,
    guess_columns,
    parse_college,
    parse_consent,
    parse_date,
    parse_kind,
)
from service.files.table import Row


def test_every_field_has_names() -> None:
    assert tuple(NAMES) == FIELDS


@pytest.mark.parametrize(
    ("column", "field"),
    [
        *(("ID", "id"), ("identifiant", "id"), ("N°", "id"), ("Réf.", "id"), ("id_projet", "id")),
        *(("STRUCTURE", "organisation"), ("Nom de la structure", "organisation")),
        *(("beneficiaire", "organisation"), ("Bénéficiaires", "organisation")),
        *(("Organisme", "organisation"), ("Labo", "organisation"), ("Nom asso", "organisation")),
        *(("Collège", "college"), ("Type de structure", "college"), ("Forme juridique", "college")),
        *(("Titre", "title"), ("Intitulé du projet", "title"), ("Project name", "title")),
        *(("Problématique", "text"), ("OBJET", "text"), ("Votre besoin", "text")),
        *(("Description du projet", "text"), ("Abstract", "text"), ("Sujet", "text")),
        *(("Secteur", "sector"), ("Thématique(s)", "sector"), ("Domaine d’activité", "sector")),
        *(("Discipline", "discipline"), ("Section CNU", "discipline")),
        *(("Domaine scientifique", "discipline"),),
        *(
            ("Commune", "territory"),
            ("code_insee", "territory"),
            ("Ville de la structure", "territory"),
        ),
        *(("Nature", "kind"), ("Type", "kind")),
        *(("Contact", "contact_name"), ("Nom du contact", "contact_name")),
        *(("E-mail", "contact_email"), ("Courriel", "contact_email"), ("MAIL", "contact_email")),
        *(("E-mail du contact", "contact_email"), ("Contact (e-mail)", "contact_email")),
        *(("Consentement", "consent"), ("Accord pour publication", "consent")),
        *(("Date", "date"), ("Année", "date"), ("Date de publication", "date")),
    ],
)
def test_a_column_is_known_by_its_name(column: str, field: str) -> None:
    assert guess_columns([column], []) == {field: column}


@pytest.mark.parametrize(
    "column", ["Téléphone du contact", "N° SIRET", "Mission", "Nom", "", "Publics"]
)
def test_other_columns_are_left_alone(column: str) -> None:
    assert guess_columns([column], []) == {}


def test_a_whole_name_wins_over_a_part_and_each_column_serves_once() -> None:
    columns = ["Type de structure", "Structure", "Nature", "Titre", "Texte", "Description"]

    assert guess_columns(columns, []) == {
        "organisation": "Structure",
        "college": "Type de structure",
        "title": "Titre",
        "text": "Texte",
        "kind": "Nature",
    }


def test_the_order_of_the_columns_does_not_matter_to_whole_names() -> None:
    columns = ["Besoin", "Commune", "E-mail", "Contact", "Domaine scientifique", "Domaine"]

    expected = {
        "text": "Besoin",
        "sector": "Domaine",
        "discipline": "Domaine scientifique",
        "territory": "Commune",
        "contact_name": "Contact",
        "contact_email": "E-mail",
    }
    assert guess_columns(columns, []) == expected
    assert guess_columns(columns[::-1], []) == expected


def test_without_a_name_for_it_the_text_is_the_column_of_long_cells() -> None:
    columns = ["Titre", "Colonne 2", "Colonne 3"]
    rows = [
        Row(2, ("Un titre, plus long que tous les autres textes de cette ligne", "93", "x" * 40))
    ]

    assert guess_columns(columns, rows) == {"title": "Titre", "text": "Colonne 3"}


def test_a_column_of_short_cells_is_never_taken_for_the_text() -> None:
    assert guess_columns(["A", "B"], [Row(2, ("93200", "oui"))]) == {}


def test_two_hundred_columns_are_guessed_at_once() -> None:
    columns = [f"Réponse à la question numéro {n}" for n in range(200)]

    assert set(guess_columns(columns, [])) == {"text", "id"}


@pytest.mark.parametrize("given", ["Bénéficiaire", "BENEFICIAIRE", " bénéficiaire "])
def test_a_mapping_finds_its_column_whatever_the_case_and_the_accents(given: str) -> None:
    mapping = apply_mapping({"organisation": given}, ["Bénéficiaire", "Objet"])

    assert mapping == {"organisation": "Bénéficiaire"}


def test_one_column_may_be_given_for_two_fields() -> None:
    given = {"title": "Objet", "text": "Objet"}

    assert apply_mapping(given, ["Objet"]) == given


def test_an_unknown_field_is_refused_with_those_that_exist() -> None:
    with pytest.raises(Refused, match=r"« texte ».*contact_email"):
        apply_mapping({"texte": "Objet"}, ["Objet"])


@pytest.mark.parametrize("column", ["Object", "", "§"])
def test_an_unknown_column_is_refused_with_those_that_exist(column: str) -> None:
    with pytest.raises(Refused, match="Année, Objet"):
        apply_mapping({"text": column}, ["Année", "Objet"])


def test_a_column_named_with_signs_is_given_exactly() -> None:
    assert apply_mapping({"id": "§"}, ["§", "¶"]) == {"id": "§"}


@pytest.mark.parametrize(
    ("name", "folded"),
    [("Domaine d’activité", "domaine d activite"), ("CODE_INSEE", "code insee"), ("Cœur", "coeur")],
)
def test_folding_leaves_words_only(name: str, folded: str) -> None:
    assert fold(name) == folded


@pytest.mark.parametrize("typed", ["oui", " Oui. ", "O", "x", "X", "1", "true", "yes", "D’accord"])
def test_consent_is_given_in_many_words(typed: str) -> None:
    assert parse_consent(typed) is True


@pytest.mark.parametrize("typed", ["non", "NON", "n", "0", "false", "", "  "])
def test_no_answer_is_no_consent(typed: str) -> None:
    assert parse_consent(typed) is False


@pytest.mark.parametrize("typed", ["à voir", "oui mais anonyme", "2024-01-01", "-", "?"])
def test_consent_is_never_read_into_other_words(typed: str) -> None:
    assert parse_consent(typed) is None


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("2024-03-01", date(2024, 3, 1)),
        ("2024-03-01 09:30:00", date(2024, 3, 1)),
        ("2024-03-01T09:30", date(2024, 3, 1)),
        ("01/03/2024", date(2024, 3, 1)),
        (" 1/3/2024 ", date(2024, 3, 1)),
        ("01.03.2024", date(2024, 3, 1)),
        ("01-03-24", date(2024, 3, 1)),
        ("01/03/98", date(1998, 3, 1)),
        ("2024", date(2024, 1, 1)),
        ("29/02/2024", date(2024, 2, 29)),
    ],
)
def test_dates_are_read_day_first(typed: str, expected: date) -> None:
    assert parse_date(typed) == expected


@pytest.mark.parametrize("typed", ["", "  "])
def test_no_date_is_none(typed: str) -> None:
    assert parse_date(typed) is None


@pytest.mark.parametrize(
    "typed", ["31/02/2024", "12/31/2024", "hier", "0001-01-01", "2024-13-01", "٢٠٢٤x", "20240301"]
)
def test_a_date_that_is_not_understood_says_how_to_write_it(typed: str) -> None:
    with pytest.raises(ValueError, match=f"« {typed} ».*AAAA-MM-JJ"):
        parse_date(typed)


@pytest.mark.parametrize(
    ("typed", "college"),
    [
        *(("Association", "association"), ("asso loi 1901", "association"), ("ONG", "association")),
        *(("Association d'entreprises", "association"), ("Société savante", "association")),
        *(("Université publique", "academic"), ("laboratoire", "academic")),
        *(("Académique", "academic"), ("Organisme public de recherche", "academic")),
        *(("Mairie", "public"), ("COLLECTIVITÉ territoriale", "public"), ("public", "public")),
        *(("Établissement public", "public"), ("Entreprise publique", "public")),
        *(("Entreprises", "private"), ("société", "private"), ("Secteur privé", "private")),
        *(("association", "association"), ("academic", "academic"), ("private", "private")),
        *(("", ""), ("  ", "")),
    ],
)
def test_a_college_is_known_by_its_words(typed: str, college: str) -> None:
    assert parse_college(typed) == college


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        *(
            ("Problème", "problem"),
            ("problématique", "problem"),
            ("Besoin de formation", "problem"),
        ),
        *(("offre", "offer"), ("Savoirs", "offer"), ("ressource", "offer")),
        *(("Intérêt", "interest"), ("thème de recherche", "interest")),
        *(("cours", "course"), ("Offre de formation", "course"), ("Enseignement", "course")),
        *(("problem", "problem"), ("course", "course"), ("", "")),
    ],
)
def test_a_kind_is_known_by_its_words(typed: str, kind: str) -> None:
    assert parse_kind(typed) == kind


@pytest.mark.parametrize("parse", [parse_college, parse_kind])
def test_a_word_out_of_the_list_is_an_error_that_says_what_to_write(
    parse: Callable[[str], str],
) -> None:
    with pytest.raises(ValueError, match=r"« bleu »\. Écrivez"):
        parse("bleu")
