"""Runs: who should meet whom in a sociopôle, why, and who stays without an answer."""

from collections import Counter
from typing import Any

import pytest

from matcher.assignment import Limits
from matcher.statements import Kind
from service.database import write
from service.errors import NotFound, Refused
from service.resources import Resources
from service.store.sociopoles import add_relations, get_sociopole
from service.workflows.show import show_suggestions
from service.workflows.suggest import DEFAULT_KINDS, Plan, parse_kinds, suggest
from tests.builders import SLUG, import_rows

TOPICS = (
    "vélo piste cyclable école",
    "moisissure logement isolation humidité",
    "repas cantine bio légumes",
    "tablette numérique aînés formation",
    "compost jardin déchets quartier",
    "entraîneur football club bénévole",
)
HEADER = ("id", "organisation", "text")


@pytest.fixture
def filled(resources: Resources) -> Resources:
    """Two problems and one interest on each topic, and a problem that nobody meets."""
    problems = [
        (f"P{n}{i}", f"Asso {n}{i}", f"besoin {n} {topic}")
        for i, topic in enumerate(TOPICS)
        for n in "ab"
    ]
    lonely = ("PX", "Harmonie", "cuivres cabossés cherchent luthier")
    interests = [(f"I{i}", f"Labo {i % 3}", f"recherche {topic}") for i, topic in enumerate(TOPICS)]
    import_rows(resources, HEADER, [*problems, lonely])
    import_rows(resources, HEADER, interests, kind="interest")
    return resources


def run(resources: Resources, *, kinds: str = "problem-interest", **limits: int) -> dict[str, Any]:
    suggest(resources, SLUG, Plan(Limits(**limits), parse_kinds(kinds)))
    return show_suggestions(resources, SLUG)


def ends(pairing: dict[str, Any]) -> tuple[str, str]:
    return pairing["left"]["id"], pairing["right"]["id"]


def test_problems_meet_the_research_on_their_topic(filled: Resources) -> None:
    shown = run(filled, max_load=10)

    chosen = [ends(pairing) for pairing in shown["pairings"]]
    assert {(f"P{n}{i}", f"I{i}") for i in range(6) for n in "ab"} <= set(chosen)
    assert [pairing["rank"] for pairing in shown["pairings"]] == list(range(1, len(chosen) + 1))
    assert shown["stale"] is False


@pytest.mark.parametrize(("proposals", "max_load"), [(1, 1), (1, 4), (2, 3), (3, 50)])
@pytest.mark.parametrize("kinds", ["problem-interest", ""])
def test_limits_are_hard(filled: Resources, kinds: str, proposals: int, max_load: int) -> None:
    shown = run(filled, kinds=kinds, proposals=proposals, max_load=max_load)

    sides = [pairing[side] for pairing in shown["pairings"] for side in ("left", "right")]
    problems = Counter(side["id"] for side in sides if side["kind"] == "problem")
    labs = Counter(side["organisation"] for side in sides if side["college"] == "academic")
    assert max(problems.values()) <= proposals
    # One proposal each: problems may all meet problems.
    assert labs or (not kinds and proposals == 1)
    assert max(labs.values(), default=0) <= max_load
    assert shown["limits"]["proposals"] == proposals
    assert shown["limits"]["max_load"] == max_load


def test_each_statement_has_a_pairing_or_is_an_orphan(filled: Resources) -> None:
    shown = run(filled, proposals=1, max_load=2)

    paired = {pairing["left"]["id"] for pairing in shown["pairings"]}
    orphans = {orphan["id"] for orphan in shown["orphans"]}
    assert paired | orphans == {*(f"P{n}{i}" for i in range(6) for n in "ab"), "PX"}
    assert not paired & orphans


def test_an_orphan_whose_partners_are_loaded_is_told_what_to_change(filled: Resources) -> None:
    shown = run(filled, proposals=1, max_load=2)

    whys = [orphan["why"] for orphan in shown["orphans"] if orphan["id"] != "PX"]
    assert len(whys) >= 6
    assert all("passez --max-load à 3" in why for why in whys)


def test_an_orphan_far_from_everyone_is_told_so(filled: Resources) -> None:
    strangers = [(f"X{i}", f"Seule {i}", f"insolite{i} bizarre{i} rare{i}") for i in range(8)]
    import_rows(filled, HEADER, strangers)

    shown = run(filled, max_load=50)

    whys = {orphan["id"]: orphan["why"] for orphan in shown["orphans"]}
    assert set(whys) <= {"PX", *(f"X{i}" for i in range(8))}
    assert len(whys) >= 5
    assert set(whys.values()) == {"aucun intérêt de recherche assez proche"}


def test_without_partners_at_all_the_orphan_says_so(resources: Resources) -> None:
    import_rows(resources, HEADER, [("P1", "Asso", "vélo")])

    shown = run(resources)

    [orphan] = shown["orphans"]
    assert "aucun partenaire possible" in orphan["why"]
    assert "intérêt de recherche" in orphan["why"]


def test_raising_the_load_as_told_covers_more(filled: Resources) -> None:
    before = len(run(filled, proposals=1, max_load=2)["orphans"])

    after = len(run(filled, proposals=1, max_load=3)["orphans"])

    assert after < before


def test_the_same_input_gives_the_same_run(filled: Resources) -> None:
    once, again = run(filled, kinds=""), run(filled, kinds="")

    assert again.pop("run") > once.pop("run")
    once.pop("at"), again.pop("at")
    assert once == again


def test_bars_and_score_stay_between_zero_and_one(filled: Resources) -> None:
    for pairing in run(filled, kinds="")["pairings"]:
        assert set(pairing["bars"]) == {"meaning", "sector_gap", "complementarity", "novelty"}
        assert all(0 <= value <= 1 for value in (pairing["score"], *pairing["bars"].values()))


def test_reasons_are_sentences_of_the_two_texts(filled: Resources) -> None:
    for pairing in run(filled)["pairings"]:
        [reason] = pairing["reasons"]
        assert reason["left_sentence"] in pairing["left"]["text"]
        assert reason["right_sentence"] in pairing["right"]["text"]
        assert set(reason["shared_terms"]) <= set(pairing["left"]["text"].split())


def test_alternates_were_not_chosen(filled: Resources) -> None:
    shown = run(filled, kinds="", proposals=1)

    chosen = {frozenset(ends(pairing)) for pairing in shown["pairings"]}
    for pairing in shown["pairings"]:
        for other in pairing["alternates"]:
            assert frozenset((pairing["left"]["id"], other)) not in chosen
        assert pairing["alternates"] == [shown["id"] for shown in pairing["alternates_shown"]]
    assert any(pairing["alternates"] for pairing in shown["pairings"])


def test_a_known_relation_makes_a_pairing_less_new(filled: Resources) -> None:
    before = {ends(p): p for p in run(filled)["pairings"]}

    with write(filled.engine) as session:
        sociopole = get_sociopole(session, SLUG)
        added = add_relations(session, sociopole.id, [("ASSO a0", "Labo 0", "2020", "")])

    after = {ends(p): p for p in run(filled)["pairings"]}
    assert added == 1
    assert before["Pa0", "I0"]["bars"]["novelty"] == 1
    assert after["Pa0", "I0"]["bars"]["novelty"] == 0
    assert after["Pa0", "I0"]["score"] < before["Pa0", "I0"]["score"]
    assert after["Pb0", "I0"]["bars"]["novelty"] == 1


def test_an_organisation_never_meets_itself(resources: Resources) -> None:
    rows = [(str(i), f"Asso {i % 5}", f"vélo piste école {i}") for i in range(15)]
    rows += [(f"x{i}", f"Autre {i}", f"sujet{i} divers{i}") for i in range(10)]
    import_rows(resources, HEADER, rows)

    shown = run(resources, kinds="problem-problem", proposals=10)

    assert shown["pairings"]
    assert all(p["left"]["organisation"] != p["right"]["organisation"] for p in shown["pairings"])


def test_a_run_is_stale_once_something_changed(filled: Resources) -> None:
    run(filled)

    import_rows(filled, HEADER, [("new", "Nouvelle", "besoin tout neuf")])

    assert show_suggestions(filled, SLUG)["stale"] is True


def test_a_run_on_nothing_is_empty(resources: Resources) -> None:
    shown = run(resources, kinds="")

    assert (shown["pairings"], shown["orphans"]) == ([], [])


def test_before_the_first_run_there_is_nothing_to_show(resources: Resources) -> None:
    with pytest.raises(NotFound, match="sociopoles suggest"):
        show_suggestions(resources, SLUG)


def test_an_unknown_sociopole_is_not_found(resources: Resources) -> None:
    with pytest.raises(NotFound, match="lyon"):
        suggest(resources, "lyon", Plan(Limits()))


def test_pairs_of_kinds_are_read_once_each() -> None:
    read = parse_kinds("problem-interest, offer-course,problem-interest")

    assert read == ((Kind.PROBLEM, Kind.INTEREST), (Kind.OFFER, Kind.COURSE))
    assert parse_kinds("") == DEFAULT_KINDS


@pytest.mark.parametrize("text", ["problem", "problem-lab", "a-b-c", "problem-interest,", ","])
def test_what_is_no_pair_of_kinds_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Refused, match="problem-interest,problem-problem"):
        parse_kinds(text)
