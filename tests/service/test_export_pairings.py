"""A sheet of pairings shows what was proposed, what was decided and what stays unanswered."""

from pathlib import Path

import pytest

from service.errors import NotFound
from service.files.writing import SheetFormat
from service.resources import Resources
from service.store.decisions import Say
from service.workflows.contribute import change_statement
from service.workflows.lexicon import add_entry
from service.workflows.pairing_sheet import export_pairings
from service.workflows.show import show_suggestions
from tests.builders import SLUG, import_rows
from tests.service.pairing_sheets import HEADER, TOPICS, bring_back, edit, export, fill, run, say
from tests.spreadsheets import column, open_sheet


@pytest.fixture
def filled(resources: Resources) -> Resources:
    fill(resources)
    return resources


def sheet_of(resources: Resources, *, only_published: bool = False) -> list[list[str]]:
    exported = export_pairings(resources, SLUG, SheetFormat.CSV, only_published=only_published)
    path = resources.settings.data / exported.name
    path.write_bytes(exported.body)
    return open_sheet(path)


def test_what_stays_without_an_answer_is_listed_after_the_pairings(
    filled: Resources, tmp_path: Path
) -> None:
    sheet = open_sheet(export(filled, tmp_path))

    assert column(sheet, "Identifiant A")[3:] == ["P9"]
    assert column(sheet, "Rang") == ["1", "2", "3", ""]
    assert [bool(why) for why in column(sheet, "Sans réponse")] == [False, False, False, True]


def test_a_published_sheet_of_pairings_says_nothing_of_decisions(filled: Resources) -> None:
    header = ("id", "organisation", "text", "consent")
    import_rows(filled, header, [("P0", "Asso 0", f"besoin {TOPICS[0]}", "oui")])
    rows = [(f"I{i}", f"Labo {i}", f"recherche {topic}", "oui") for i, topic in enumerate(TOPICS)]
    import_rows(filled, header, rows, kind="interest")
    say(filled, Say.ACCEPT, words="Mme Diallo est injoignable")

    exported = export_pairings(filled, SLUG, SheetFormat.CSV, only_published=True)

    text = exported.body.decode("utf-8-sig")
    assert exported.rows == 1
    assert "P0" in text
    assert all(
        word not in text for word in ("P1", "P9", "Diallo", "Blaise", "Décision", "accepter")
    )


@pytest.mark.parametrize("only_published", [False, True])
def test_what_a_text_no_longer_says_is_in_no_sheet_and_on_no_screen(
    filled: Resources,
    only_published: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    add_entry(filled, SLUG, terms=["hydrologie urbaine"], say=["caves inondées"])
    told = "Des caves inondées chez Zulma, au compost du jardin des déchets"
    change = {"title": "P2", "text": f"{told}. Nous cherchons.", "consent": "oui"}
    change_statement(filled, SLUG, "P2", change, of=None)
    answered = "Hydrologie urbaine : compost, jardin, déchets, Zulma"
    change_statement(
        filled, SLUG, "I2", {"title": "I2", "text": answered, "consent": "oui"}, of=None
    )
    run(filled)
    before = sheet_of(filled)
    for text in ("Compost : nous cherchons.", f"{told.replace('Zulma', 'nous')}. Nous cherchons."):
        change_statement(filled, SLUG, "P2", {"text": text}, of=None)

        after = sheet_of(filled, only_published=only_published)
        screen = show_suggestions(filled, SLUG)["pairings"]
        [reasons] = [p["reasons"] for p in screen if p["left"]["id"] == "P2"]

        assert column(after, "Identifiant A").count("P2") == 1
        place = column(after, "Identifiant A").index("P2")
        for name in ("Phrase A", "Mots communs", "Dit autrement"):
            assert column(before, name)[column(before, "Identifiant A").index("P2")], name
            assert column(after, name)[place] == "", name
        assert reasons == []


def test_terms_shared_no_longer_are_left_out_where_the_sentences_still_stand(
    filled: Resources,
) -> None:
    told = "Du compost au jardin des déchets"
    change = {"title": "P2", "text": f"{told}. Avec Zulma, au potager."}
    change_statement(filled, SLUG, "P2", change, of=None)
    answered = "Compost, jardin, déchets"
    change = {"title": "I2", "text": f"{answered}. Zulma y travaille."}
    change_statement(filled, SLUG, "I2", change, of=None)
    run(filled)
    assert "Zulma" in str(show_suggestions(filled, SLUG))

    change_statement(filled, SLUG, "P2", {"text": f"{told}. Au potager, avec soin."}, of=None)

    screen = show_suggestions(filled, SLUG)["pairings"]
    [[reason]] = [p["reasons"] for p in screen if p["left"]["id"] == "P2"]
    assert reason["left_sentence"] == f"P2 {told}."
    assert reason["right_sentence"] == f"I2 {answered}."
    assert reason["shared_terms"] == ["compost", "jardin", "déchets"]


def test_without_a_run_there_is_nothing_to_export(resources: Resources) -> None:
    with pytest.raises(NotFound, match="sociopoles suggest"):
        export_pairings(resources, SLUG, SheetFormat.CSV)


def test_what_comes_back_because_a_text_changed_is_open_again_in_the_sheet(
    filled: Resources, tmp_path: Path
) -> None:
    say(filled, Say.SET_ASIDE, "P1", reason="off-topic")
    import_rows(filled, HEADER, [("P1", "Asso 1", f"besoin {TOPICS[1]} cave")])
    run(filled)
    path = export(filled, tmp_path, SheetFormat.XLSX)

    sheet = open_sheet(path)
    place = column(sheet, "Identifiant A").index("P1")
    assert column(sheet, "Décision")[place] == ""
    assert column(sheet, "Dernière décision")[place].startswith("écarter, Blaise")
    assert bring_back(filled, path).unchanged == 4
    cells = {"Décision": "écarter", "Motif": "hors sujet"}
    assert len(bring_back(filled, edit(path, "P1", **cells)).decided) == 1


def test_what_was_accepted_stays_accepted_when_a_text_changes(
    filled: Resources, tmp_path: Path
) -> None:
    say(filled, Say.ACCEPT, "P1")
    import_rows(filled, HEADER, [("P1", "Asso 1", f"besoin {TOPICS[1]} cave")])
    path = export(filled, tmp_path)

    assert column(open_sheet(path), "Décision").count("accepter") == 1
    assert bring_back(filled, path).unchanged == 4
