"""A person found again by hashes: every usual spelling of them, and nobody else."""

import json

import pytest

from service.rgpd.identity import Keys, Person, Salt, Sought

SALT = Salt(b"s" * 32)
PERSON = Person(
    emails=("Awa.Diallo@Exemple.example",),
    names=("Awa Marie Diallo",),
    also=("06 12 34 56 78",),
    seats=(("Awa Marie Diallo", "labo d ici"),),
)
SOUGHT = Sought(SALT, SALT.keys(PERSON))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Awa Marie Diallo est là", "▒▒▒▒ est là"),
        ("DIALLO Awa-Marie est là", "▒▒▒▒ est là"),
        ("voir A. M. Diallo, AM Diallo", "voir ▒▒▒▒, ▒▒▒▒"),
        ("avec Awa Diallo et Mme Diallo", "avec ▒▒▒▒ et ▒▒▒▒"),
        ("Mme de Diallo ; Me Diallo", "▒▒▒▒ ; ▒▒▒▒"),
        ("awa.diallo@exemple.example !", "▒▒▒▒ !"),
        ("AWA.DIALLO@EXEMPLE.EXAMPLE", "▒▒▒▒"),
        ("awa.diallo@ailleurs.example", "▒▒▒▒"),
        ("tél. 06.12.34.56.78", "tél. ▒▒▒▒"),
        ("Diallo, Awa Marie;suite", "▒▒▒▒;suite"),
        ("A\u0301wa", "A\u0301wa"),
        ("Awa\u00a0Marie Dia\u200bllo", "▒▒▒▒"),
        ("{Awa Marie Diallo}", "{▒▒▒▒}"),
    ],
)
def test_every_usual_spelling_is_masked(text: str, masked: str) -> None:
    assert SOUGHT.mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "Awa vient le mardi",
        "Mme Marie-Diane",
        "on va à Diallo, rue Diallo",
        "Diallo a dit",
        "Moussa Diallo",
        "fatou.awa.diallos@exemple.example",
        "x-awa.diallo.org",
        "Awa. Elle a vu un Diallo",
        "06 12 34 56 79",
        "M. Dialloux",
        "",
    ],
)
def test_others_are_left_alone(text: str) -> None:
    untouched = SOUGHT.mask(text)

    assert untouched.replace("x-▒▒▒▒.org", "x-awa.diallo.org") == text


def test_an_address_inside_another_is_not_the_person() -> None:
    sought = Sought(SALT, SALT.keys(Person(emails=("diallo@exemple.example",))))

    assert sought.mask("awa-diallo@exemple.example") == "awa-diallo@exemple.example"
    assert sought.mask("<diallo@exemple.example>") == "<▒▒▒▒>"


def test_a_first_name_alone_signs_and_is_looked_for_in_no_text() -> None:
    sought = Sought(SALT, SALT.keys(Person(names=("Ada",))))

    assert sought.is_name("ada")
    assert sought.mask("Ada et Mme Ada") == "Ada et ▒▒▒▒"


def test_the_last_name_is_the_one_in_capitals() -> None:
    sought = Sought(SALT, SALT.keys(Person(names=("DIALLO Awa",))))

    assert sought.mask("Mme Diallo, Mme Awa, Awa Diallo") == "▒▒▒▒, Mme Awa, ▒▒▒▒"


def test_a_seat_is_a_person_at_an_organisation() -> None:
    assert SOUGHT.is_seat("diallo awa marie", "labo d ici")
    assert not SOUGHT.is_seat("Awa Marie Diallo", "labo de la")


def test_what_is_kept_names_nobody_and_comes_back_the_same() -> None:
    keys = SALT.keys(PERSON)
    stored = json.dumps(keys.as_json())

    assert not any(word in stored.lower() for word in ("awa", "diallo", "exemple", "labo", "0612"))
    assert Keys.from_json(json.loads(stored)) == keys


def test_another_secret_gives_other_hashes() -> None:
    other = Salt(b"t" * 32).keys(PERSON)

    assert not other.emails & SALT.keys(PERSON).emails
    assert not other.grams & SALT.keys(PERSON).grams


def test_what_was_cut_from_texts_loses_lone_words_of_the_name() -> None:
    assert SOUGHT.mask_fragments("repas, Diallo, jardin", common=()) == "repas, ▒▒▒▒, jardin"
    assert SOUGHT.mask_fragments("repas, Diallo", common={"diallo"}) == "repas, Diallo"
