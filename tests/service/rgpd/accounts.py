"""A person who enters: an account, an open session, a key, a kept question, an identity."""

from fastapi.testclient import TestClient

from service.access import Permission, Role, as_person
from service.app import create_app
from service.database import now, read, write
from service.resources import Resources
from service.store.accounts import NewAccount, get_account, tie_identity
from service.store.audit import add_audit
from service.visits import COOKIE
from service.workflows.accounts import RoleWanted, create_account, create_token
from service.workflows.sign_in import open_session
from tests.builders import SLUG
from tests.service.people import ADMIN, FROM_HERE, add_person

OPENER = "Canari des mines, ouvre-toi !"


def enter(resources: Resources, name: str, email: str) -> int:
    """Everything that an account may have; returns its number."""
    admin = add_person(resources, ADMIN)
    new = NewAccount(email.upper(), name)
    role = RoleWanted(SLUG, Role.ANIMATOR)
    number = create_account(resources, new, by=admin, roles=[role], password=OPENER).id
    with write(resources.engine) as session:
        tie_identity(session, number, "https://idp.exemple.example", f"sub-{email}")
        add_audit(session, now(), by=admin, action="told", about=f"appel de {name}", mail=email)
        secret = open_session(session, number, "192.0.2.0")
    with read(resources.engine) as session:
        person = as_person(get_account(session, number))
    create_token(resources, person, name=f"carnet de {name}", scopes=[Permission.READ])
    with TestClient(create_app(resources)) as client:
        client.cookies.set(COOKIE, secret)
        client.headers.update(FROM_HERE)
        question = {"text": f"les vélos dont parle {name}", "by_mail": True}
        asked = client.post("/api/v1/me/queries", json=question, headers={"Idempotency-Key": "k"})
        assert asked.status_code == 201, asked.text
        assert name in asked.text
    return number
