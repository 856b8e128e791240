"""Two sociopôles full of canaries, and everyone who may knock at the doors of the first."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from matcher.assignment import Limits
from matcher.bars import Weights
from service.access import Permission, Role
from service.app import create_app
from service.database import now, read, write
from service.resources import Resources
from service.store.decisions import Say
from service.store.sociopoles import add_sociopole, get_sociopole
from service.store.weights import Put, WeightsView, add_weights
from service.tables import Table
from service.workflows.background import Asked, submit_suggestions
from service.workflows.decide import Choice, Said, decide
from service.workflows.directory import add_relation
from service.workflows.group import GroupPlan, group
from service.workflows.lexicon import add_entry
from service.workflows.suggest import Plan, suggest
from tests.builders import SLUG as HERE
from tests.builders import import_rows
from tests.service.people import ADMIN, FROM_HERE, HEAD, Someone, client_of, make_key

THERE = "metropole-de-lyon"
FIELDS = (
    "id organisation college title text sector discipline kind contact_name contact_email consent"
).split()
TOPICS = ("vélo piste cyclable garage", "moisissure logement mur", "repas cantine légumes")

SECRETS = ("texte", "titre", "structure", "contact", "adresse", "decision", "relation", "lexique")
PUBLISHED = ("public", "editeur")
"""Canaries that everyone may read: a published text, and the organisation that wrote it."""


def canary(place: str, what: str) -> str:
    """A word that stands once in the world: in what this sociopôle holds of this sort."""
    return f"zz{what}{hashlib.sha256(f'{place} {what}'.encode()).hexdigest()[:10]}"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: as whom, by a cookie or by a key limited to some permissions."""

    someone: Someone | None
    key: tuple[Permission, ...] = ()
    expired: bool = False


EVERYONE: Mapping[str, Actor] = {
    "nobody": Actor(None),
    "reader": Actor(Someone("Une élue", Role.READER, HERE)),
    "association": Actor(Someone("Une association", Role.ASSOCIATION, HERE, "Asso membre")),
    "academic": Actor(Someone("Un chercheur", Role.ACADEMIC, HERE)),
    "animator": Actor(Someone("Une animatrice", Role.ANIMATOR, HERE)),
    "stranger": Actor(Someone("L'animatrice d'ailleurs", Role.ANIMATOR, THERE)),
    "head": Actor(HEAD),
    "admin": Actor(ADMIN),
    "reading key": Actor(Someone("Une animatrice", Role.ANIMATOR, HERE), (Permission.READ,)),
    "dead key": Actor(
        Someone("Une animatrice", Role.ANIMATOR, HERE), (Permission.READ,), expired=True
    ),
}


def fill(resources: Resources) -> None:
    """Fill both sociopôles alike, each with its own canaries."""
    with write(resources.engine) as session:
        add_sociopole(
            session, slug=THERE, name="Métropole de Lyon", territory_id="metropole:200046977"
        )
    for place in (HERE, THERE):
        _fill(resources, place)


def _fill(resources: Resources, place: str) -> None:
    rows = [
        (
            f"{kind[0]}{number}{copy}",
            f"{kind} {place} {number}{copy}",
            "",
            "",
            f"{kind} {topic} {copy}",
            "",
            "",
            kind,
            "",
            "",
            "non",
        )
        for kind in ("problem", "interest")
        for number, topic in enumerate(TOPICS)
        for copy in range(3)
    ]
    rows += [
        _row("secret", canary(place, "structure"), place, consent="non"),
        ("seul", "Asso seule", "", "", "xylophone quantique", "", "", "problem", "", "", "non"),
        _row("mien", "Asso membre", place, consent="non", own=True),
        _row("publié", canary(place, "editeur"), place, consent="oui"),
    ]
    report = import_rows(resources, FIELDS, rows, sociopole=place)
    assert report.written, report.errors
    add_relation(
        resources,
        place,
        ("problem " + place + " 00", "problem " + place + " 10", "", canary(place, "relation")),
    )
    add_entry(resources, place, terms=["garage"], say=[canary(place, "lexique")])
    suggest(resources, place, Plan(Limits()))
    said = Said(Say.NOTE, "Ada", words=canary(place, "decision"))
    decide(resources, place, Choice(ranks=(1,)), said)
    group(resources, GroupPlan(place), by="Ada")
    with write(resources.engine) as session:
        put = WeightsView(0, now(), "Ada", Put.APPLY, Weights())
        add_weights(session, get_sociopole(session, place).id, put)
    submit_suggestions(resources, place, Plan(Limits()), Asked("Ada"))


def _row(
    key: str, organisation: str, place: str, *, consent: str, own: bool = False
) -> tuple[str, ...]:
    published = consent == "oui"
    word = "public" if published else "texte"
    text = f"vélo piste cyclable {'' if own else canary(place, word)}"
    title = "ma contribution" if own else f"garage {'' if published else canary(place, 'titre')}"
    people = ("", "") if own or published else (canary(place, "contact"), _address(place))
    return (key, organisation, "", title, text, "", "", "problem", *people, consent)


def _address(place: str) -> str:
    return f"{canary(place, 'adresse')}@exemple.fr"


def open_app(resources: Resources) -> FastAPI:
    """The application."""
    return create_app(resources)


def knock(app: FastAPI, resources: Resources, actor: Actor) -> TestClient:
    """A client of this actor's."""
    if actor.someone is None:
        return TestClient(app, raise_server_exceptions=False, headers=FROM_HERE)
    if not actor.key:
        return client_of(app, resources, actor.someone)
    secret = make_key(resources, actor.someone, *actor.key)
    secret = secret[:-1] + ("A" if secret[-1] != "A" else "B") if actor.expired else secret
    bearer = {"Authorization": f"Bearer {secret}"}
    return TestClient(app, raise_server_exceptions=False, headers=bearer)


def fingerprint(resources: Resources) -> dict[str, str]:
    """A hash of every table's rows, but of those that merely note who came."""
    found = {}
    with read(resources.engine) as session:
        for table in Table.metadata.sorted_tables:
            if table.name in {"sign_in", "sign_in_code", "account", "api_token", "audit"}:
                continue
            rows = sorted(repr(tuple(row)) for row in session.execute(select(table)))
            found[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


def write_sheet(folder: Path) -> Path:
    """A small sheet to upload."""
    path = folder / "feuille.csv"
    path.write_text("id;texte\nX1;vélo garage école\n", "utf-8")
    return path
