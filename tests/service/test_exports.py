"""Groups, decisions and what is public leave in files; nothing goes out that should not."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from matcher.assignment import Limits
from matcher.wishes import Action
from service.database import write
from service.errors import NotFound
from service.files.writing import SheetFormat
from service.resources import Resources
from service.store.decisions import Say
from service.store.scope import PUBLISHED
from service.tables import StatementRow
from service.workflows.contribute import change_statement
from service.workflows.decide import Choice, Said, decide, undo_decision
from service.workflows.export import Exported, export_decisions, export_groups
from service.workflows.export_public import describe_public, export_public
from service.workflows.show_groups import show_groups
from service.workflows.suggest import Plan, parse_kinds, suggest
from service.workflows.understand_edit import Wanted
from tests.builders import SLUG, import_rows
from tests.service.groups import edit, fill, group_of, make, members
from tests.spreadsheets import Rows, column, open_sheet

FORMATS = list(SheetFormat)
PEOPLE = ("contact_name", "contact_email", "consent")


@pytest.fixture
def filled(resources: Resources) -> Resources:
    fill(resources)
    return resources


def sheet(exported: Exported, folder: Path) -> Rows:
    path = folder / exported.name
    path.write_bytes(exported.body)
    return open_sheet(path)


def publish(resources: Resources, *ids: str) -> None:
    with write(resources.engine) as session:
        session.execute(
            update(StatementRow).where(StatementRow.public_id.in_(ids)).values(consent=True)
        )


@pytest.mark.parametrize("format_", FORMATS)
def test_each_statement_stands_in_its_group_and_the_isolated_last(
    filled: Resources, tmp_path: Path, format_: SheetFormat
) -> None:
    make(filled)
    shown = edit(filled, Wanted(Action.TAKE_OUT, statements=("P00",)))

    rows = sheet(export_groups(filled, SLUG, format_), tmp_path)

    found: dict[str, set[str]] = {}
    for name, id_ in zip(column(rows, "Groupe"), column(rows, "Identifiant"), strict=True):
        found.setdefault(name, set()).add(id_)
    assert found.pop("isolé") == {alone["id"] for alone in shown["isolated"]} == {"P00"}
    assert found == members(shown)
    assert column(rows, "Groupe")[-1] == "isolé"
    firsts = list(dict.fromkeys(column(rows, "Groupe")))
    assert firsts == [group["id"] for group in shown["groups"]] + ["isolé"]
    assert column(rows, "Titre du groupe")[0] == shown["groups"][0]["title"]
    assert set(column(rows, "Solidité")) <= {"solide", "assez stable", "fragile", ""}


def test_an_earlier_grouping_is_exported_by_its_number(filled: Resources, tmp_path: Path) -> None:
    first = make(filled)["grouping"]
    make(filled, size=2)

    rows = sheet(export_groups(filled, SLUG, SheetFormat.XLSX, number=first), tmp_path)

    assert set(column(rows, "Regroupement")) == {first}
    assert set(column(rows, "Groupe")) - {"isolé"} == set(members(show_groups(filled, SLUG, first)))


def test_groups_hold_only_what_is_published_when_asked(filled: Resources, tmp_path: Path) -> None:
    make(filled)
    publish(filled, "P00", "P12")

    rows = sheet(export_groups(filled, SLUG, SheetFormat.CSV, only_published=True), tmp_path)

    assert sorted(column(rows, "Identifiant")) == ["P00", "P12"]


def test_a_published_group_is_titled_by_what_its_published_members_say(
    filled: Resources, tmp_path: Path
) -> None:
    for problem, name in (("P00", "Zulma"), ("P01", "Zulma"), ("P02", "Zulma"), ("P03", "")):
        text = f"{name} vélo piste cyclable {problem}".strip()
        change_statement(filled, SLUG, problem, {"title": "Vélo", "text": text}, of=None)
    shown = make(filled)
    [secret] = [group for group in shown["groups"] if "zulma" in group["title"].casefold()]
    publish(filled, "P03", "P12")

    rows = sheet(export_groups(filled, SLUG, SheetFormat.CSV, only_published=True), tmp_path)

    assert sorted(column(rows, "Identifiant")) == ["P03", "P12"]
    place = column(rows, "Identifiant").index("P03")
    assert column(rows, "Groupe")[place] == secret["id"]
    assert "vélo" in column(rows, "Titre du groupe")[place].casefold()
    assert "zulma" not in str(rows).casefold()


def test_a_title_that_a_person_gave_stays_in_what_is_published(
    filled: Resources, tmp_path: Path
) -> None:
    name = group_of(make(filled), "P03")
    edit(filled, Wanted(Action.RENAME, (name,), title="Mobilité"))
    publish(filled, "P03")

    rows = sheet(export_groups(filled, SLUG, SheetFormat.CSV, only_published=True), tmp_path)

    assert column(rows, "Titre du groupe") == ["Mobilité"]


@pytest.fixture
def decided(filled: Resources) -> Resources:
    suggest(filled, SLUG, Plan(Limits(), parse_kinds("problem-interest")))
    decide(filled, SLUG, Choice((1, 2)), Said(Say.SET_ASIDE, "Ada", "too-far", "=à deux heures"))
    decide(filled, SLUG, Choice((3,)), Said(Say.ACCEPT, "Blaise"))
    undo_decision(filled, SLUG, by="Ada")
    return filled


@pytest.mark.parametrize("format_", FORMATS)
def test_the_log_of_decisions_says_who_when_what_and_why(
    decided: Resources, tmp_path: Path, format_: SheetFormat
) -> None:
    rows = sheet(export_decisions(decided, SLUG, format_), tmp_path)

    assert column(rows, "Décision") == ["écarter", "écarter", "accepter", "annulation"]
    assert column(rows, "Qui") == ["Ada", "Ada", "Blaise", "Ada"]
    assert column(rows, "Motif") == ["trop loin", "trop loin", "", ""]
    assert column(rows, "Commentaire")[0] == "'=à deux heures"
    assert column(rows, "Annulée") == ["non", "non", "oui", "non"]
    assert [str(number) for number in column(rows, "Annule la décision n°")][:3] == ["", "", ""]
    assert all(column(rows, "Identifiant A"))


def test_a_published_log_names_nobody_and_tells_no_comment(
    decided: Resources, tmp_path: Path
) -> None:
    everything = sheet(export_decisions(decided, SLUG, SheetFormat.CSV), tmp_path)
    pair = (column(everything, "Identifiant A")[0], column(everything, "Identifiant B")[0])
    publish(decided, *pair)

    exported = export_decisions(decided, SLUG, SheetFormat.CSV, only_published=True)

    text = exported.body.decode("utf-8-sig")
    assert exported.rows >= 1
    assert pair[0] in text
    assert all(word not in text for word in ("Ada", "Blaise", "heures", "Commentaire"))


def test_a_decision_on_what_is_gone_is_still_in_the_log(decided: Resources, tmp_path: Path) -> None:
    with write(decided.engine) as session:
        session.execute(update(StatementRow).values(deleted=True))

    rows = sheet(export_decisions(decided, SLUG, SheetFormat.XLSX), tmp_path)

    assert column(rows, "Titre A") == ["contribution retirée depuis"] * 4


def nodes(shown: dict[str, Any], type_: str) -> list[dict[str, Any]]:
    return [node for node in shown["@graph"] if node["@type"] == type_]


@pytest.fixture
def public(resources: Resources) -> Resources:
    header = ("id", "kind", "organisation", "college", "text", "sector", "discipline")
    rows = [
        ("P/1", "problème", "Roue Libre", "", "Pas de vélos", "011075", ""),
        ("O1", "offre", "Roue Libre", "", "Nous réparons", "011075", ""),
        ("I1", "intérêt", "UMR 1", "", "Mobilités", "", "shs.socio"),
        ("C1", "cours", "UMR 1", "", "Terrain urbain", "", "shs.socio"),
        ("P2", "problème", "Ville", "mairie", "Voirie", "", ""),
        ("P3", "problème", "", "", "Sans structure", "", ""),
    ]
    ada = ("Ada Diallo", "ada@exemple.fr")
    import_rows(
        resources,
        (*header, *PEOPLE, "territory", "date"),
        [(*row, *ada, "oui", "93066", "2025-03-12") for row in rows],
    )
    secret = ("P4", "problème", "Discrète", "", "Texte gardé pour nous", "", "")
    import_rows(resources, (*header, *PEOPLE), [(*secret, *ada, "non")])
    return resources


def test_each_statement_has_its_type_and_the_organisation_it_comes_from(public: Resources) -> None:
    shown = describe_public(public, SLUG)

    assert shown["@context"] == "https://schema.org"
    [association] = nodes(shown, "NGO")
    [laboratory] = nodes(shown, "ResearchOrganization")
    assert [node["name"] for node in nodes(shown, "GovernmentOrganization")] == ["Ville"]
    demand = next(node for node in nodes(shown, "Demand") if node["identifier"] == "P/1")
    assert association["seeks"] == [{"@id": demand["@id"]}] == [{"@id": "#contribution-P%2F1"}]
    assert demand["itemOffered"]["category"] == [
        {"@type": "CategoryCode", "codeValue": "011075", "name": "football (football, futsal)"}
    ]
    assert demand["validFrom"] == "2025-03-12"
    [offer], [course], [interest] = (
        nodes(shown, type_) for type_ in ("Offer", "Course", "CreativeWork")
    )
    assert offer["offeredBy"] == {"@id": association["@id"]}
    assert course["provider"] == interest["author"] == {"@id": laboratory["@id"]}
    assert course["about"][0]["codeValue"] == "shs.socio"
    assert (interest["dateCreated"], interest["inLanguage"]) == ("2025-03-12", "fr")


def test_territories_carry_their_official_code(public: Resources) -> None:
    shown = describe_public(public, SLUG)

    codes = {
        area["name"]: (area["identifier"]["propertyID"], area["identifier"]["value"])
        for area in nodes(shown, "AdministrativeArea")
    }
    assert codes == {
        "Plaine Commune": ("SIREN", "200057867"),
        "Saint-Denis": ("INSEE", "93066"),
    }
    [feed] = nodes(shown, "DataFeed")
    assert feed["spatialCoverage"] == {"@id": "#territoire-ept%3A200057867"}


def test_every_link_leads_to_a_node(public: Resources) -> None:
    shown = describe_public(public, SLUG)
    ids = [node["@id"] for node in shown["@graph"]]

    def links(value: object) -> list[str]:
        if isinstance(value, list):
            return [link for part in value for link in links(part)]
        if isinstance(value, dict):
            inner = [link for part in value.values() for link in links(part)]
            return [value["@id"]] if set(value) == {"@id"} else inner
        return []

    assert len(ids) == len(set(ids))
    assert set(links(shown["@graph"])) <= set(ids)
    assert len(nodes(shown, "DataFeed")[0]["dataFeedElement"]) == 6


@pytest.mark.parametrize("scoped", [False, True])
def test_what_is_public_holds_no_person_and_nothing_without_consent(
    public: Resources,
    scoped: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    exported = export_public(public.seen_by(PUBLISHED) if scoped else public, SLUG)

    text = exported.body.decode()
    assert (exported.media_type, exported.rows) == ("application/ld+json", 6)
    assert exported.name.endswith(".jsonld")
    assert json.loads(text) == describe_public(public, SLUG)
    hidden = ("Ada", "Diallo", "exemple.fr", "P4", "Discrète", "gardé pour nous")
    assert all(word not in text for word in hidden)


def test_a_sociopole_that_published_nothing_is_only_itself(resources: Resources) -> None:
    shown = describe_public(resources, SLUG)

    assert [node["@type"] for node in shown["@graph"]] == ["DataFeed", "AdministrativeArea"]


def test_what_does_not_exist_is_refused(resources: Resources) -> None:
    with pytest.raises(NotFound, match="sociopoles group"):
        export_groups(resources, SLUG, SheetFormat.CSV)
    with pytest.raises(NotFound, match="n'existe pas"):
        describe_public(resources, "nulle-part")
