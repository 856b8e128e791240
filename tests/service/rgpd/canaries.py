"""A person nobody else could be, everywhere a person can be, and a search for what is left."""

import re
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import xlsxwriter
from sqlalchemy import select

from matcher.assignment import Limits
from matcher.wishes import Action
from service.database import read, write
from service.resources import Resources
from service.store.decisions import Say
from service.store.sociopoles import add_relations, get_sociopole
from service.tables import StatementRow, Vector
from service.workflows import lexicon
from service.workflows.decide import Choice, Said, decide
from service.workflows.edit_group import Who, edit_group
from service.workflows.group import GroupPlan, group
from service.workflows.suggest import Plan, parse_kinds, suggest
from service.workflows.take_in import ImportPlan, take_in
from service.workflows.understand_edit import Wanted
from tests.builders import SLUG, import_rows, write_csv
from tests.service.groups import fill
from tests.service.rgpd.accounts import enter
from tests.service.rgpd.background import ask, do_all

NAME, EMAIL = "Zoé Kanarivogel", "zk.direction@canari-mail.example"
SAID = "0655443322"
HEADER = ("id", "organisation", "title", "text", "sector", "contact_name", "contact_email")
TEXT = (
    "Nos jardins et leur compost dans le quartier : écrivez à ZK.Direction@canari-mail.example, ou "
    "demandez Kanarivogel Zoe. Mme KANARIVOGEL a les clés ; Z. Kanarivogel répond le mardi."
)
LEFT = re.compile(rb"k.?a.?n.?a.?r.?i.?v.?o.?g.?e.?l|canari.mail", re.IGNORECASE | re.DOTALL)
"""In UTF-8 and in UTF-16."""


def use_everything(resources: Resources) -> Path:
    """Every feature used by, and about, the person; returns the file that was imported."""
    fill(resources)
    sheet = import_person(resources)
    bad = [("X1", "Asso", "texte", f"{NAME} ne sait pas")]
    import_rows(resources, ("id", "organisation", "text", "consent"), bad, skip_errors=True)
    bad = [("X2", "Asso", "texte", f"chez {NAME}")]
    import_rows(resources, ("id", "organisation", "text", "territory"), bad, skip_errors=True)
    # The builder's own file, not one of the program's.
    (resources.settings.data / "rows.csv").unlink()
    with write(resources.engine) as session:
        relation = (f"Atelier {NAME}", "Asso 00", "2020", f"par {NAME}")
        add_relations(session, get_sociopole(session, SLUG).id, [relation])
    lexicon.add_entry(resources, SLUG, terms=[f"méthode {NAME}"], say=[f"comme chez {NAME}"])
    suggest(resources, SLUG, Plan(Limits(), parse_kinds("problem-interest")))
    decide(resources, SLUG, Choice((1,)), Said(Say.ACCEPT, NAME, words=f"vu avec {NAME}"))
    decide(resources, SLUG, Choice((2,)), Said(Say.NOTE, "Ada", words=f"appeler {EMAIL}"))
    group(resources, GroupPlan(SLUG), by=NAME)
    title = Wanted(Action.RENAME, ("G1",), title=f"Jardins de {NAME}")
    edit_group(resources, SLUG, title, Who(NAME, f"{NAME} l'a dit"))
    enter(resources, NAME, EMAIL)
    ask(resources, NAME, f"J1;vélos de {NAME};", f"J2;jardin;chez {NAME}")
    do_all(resources)
    write_copies(resources.settings.data)
    return sheet


def import_person(resources: Resources) -> Path:
    """A sheet of the person's, named after them, kept among what was sent in."""
    folder = resources.settings.data / "uploads"
    folder.mkdir(exist_ok=True)
    rows = [
        ("K1", "Jardins du Canari", f"Le compost de {NAME}", TEXT, f"sport de {NAME}", NAME, EMAIL),
        (EMAIL, f"Atelier {NAME}", "Un atelier", f"Je suis {NAME}, vélo et garage.", "", NAME, ""),
    ]
    sheet = write_csv(folder / f"{NAME}.csv", HEADER, rows)
    take_in(resources, ImportPlan(sheet, SLUG, "problem"))
    return sheet


def write_copies(data: Path) -> None:
    """Exports of several kinds: a workbook, a zip, a picture that nobody can read, a clean one."""
    folder = data / "exports"
    folder.mkdir()
    with xlsxwriter.Workbook(folder / "pairings.xlsx") as book:
        book.add_worksheet().write_row(0, 0, ["Zoé", "Kanarivogel", EMAIL])
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        archive.writestr("a.json", '{"by": "Zo\\u00e9 Kanarivogel"}')
    (folder / "map.pdf").write_bytes(b"%PDF-1.7 \x00\x01 Kanarivogel")
    (folder / "utf16.csv").write_bytes(f"nom\n{NAME}\n".encode("utf-16"))
    (folder / "clean.csv").write_text("Le canari de la voisine chante.\n", "utf-8")


def what_is_left(resources: Resources, dump: Path) -> Iterator[str]:
    """Every place on the disk where a byte of the person is left."""
    files = [path for path in resources.settings.data.rglob("*") if path.is_file()]
    if resources.engine.dialect.name == "postgresql":
        dump_postgresql(resources, dump)
        files.append(dump)
    assert len(files) > 3
    for path in files:
        content = path.read_bytes()
        if path.suffix in {".xlsx", ".zip"}:
            with zipfile.ZipFile(path) as archive:
                content = b"\n".join(archive.read(name) for name in archive.namelist())
        for found in {path.name.encode(), content}:
            if match := LEFT.search(found):
                yield f"{path.name}: {found[max(0, match.start() - 60) : match.end() + 20]!r}"


def dump_postgresql(resources: Resources, dump: Path) -> None:
    url = resources.settings.database_url
    command = ["pg_dump", "--clean", "--if-exists", "--inserts", "-f", str(dump), url]
    subprocess.run(command, check=True)


def vector_bytes(resources: Resources) -> set[bytes]:
    """The stored vectors of texts that name the person."""
    with read(resources.engine) as session:
        rows = session.execute(
            select(Vector.row)
            .join(StatementRow, StatementRow.text_hash == Vector.text_hash)
            .where(StatementRow.text.ilike("%kanarivogel%"))
        )
        return set(rows.scalars())
