"""What seems personal in a text: how often it is right, and that no text keeps it busy."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from service.rgpd.findings import Kind, count_kinds, find_personal_data

ROOT = Path(__file__).parents[3]
SENTENCES = [
    json.loads(line)
    for line in (ROOT / "fixtures" / "personal-data.jsonl").read_text("utf-8").splitlines()
]
LEAST_PRECISION = LEAST_RECALL = 0.95
MOST_FLAGGED_OF_DEMO = 0.01

HOSTILE = """
import resource
resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
from service.rgpd.findings import find_personal_data
pieces = "a|A|é|(| |0|1 |+|@|a.|a@|a@a. |A-|A'|A |Mme |M. |M.|m|Jean |Jean|JEAN |Jean-|A Jean, "
pieces += "|il est |son cancer |0 6 12 |2 84 05 93 066 018 |a (at) |souffre de |a_|%-|(at)|\\u0301"
pieces += "|\\u200b|Awa Sow. Il a un cancer. |Mme Sow est sourde. |son cancer. "
for piece in pieces.split("|"):
    for end in ("", "!", "@"):
        find_personal_data((piece * 50_000)[:50_000] + end)
print("done")
"""


def test_what_is_said_of_sentences_written_for_it_is_mostly_right() -> None:
    right = wrong = missed = 0
    for sentence in SENTENCES:
        text = sentence["text"]
        wanted = [(f["kind"], text.index(f["text"]), len(f["text"])) for f in sentence["found"]]
        for finding in find_personal_data(text):
            hit = next((w for w in wanted if overlaps(w, finding)), None)
            if hit:
                wanted.remove(hit)
            right, wrong = right + bool(hit), wrong + (not hit)
        missed += len(wanted)

    assert len(SENTENCES) >= 100
    assert right / (right + wrong) >= LEAST_PRECISION
    assert right / (right + missed) >= LEAST_RECALL


def overlaps(wanted: tuple[str, int, int], found: tuple[Kind, int, int]) -> bool:
    kind, start, length = wanted
    return kind == found[0] and start < found[2] and found[1] < start + length


def test_the_demo_which_names_nobody_is_left_alone() -> None:
    texts = [
        f"{row['title']}\n{row['text']}"
        for path in sorted((ROOT / "fixtures").glob("*/statements.csv"))
        for row in csv.DictReader(path.read_text("utf-8").splitlines(), delimiter=";")
    ]

    flagged = sum(bool(find_personal_data(text)) for text in texts)

    assert len(texts) > 400
    assert flagged / len(texts) <= MOST_FLAGGED_OF_DEMO


def test_no_text_of_fifty_thousand_characters_keeps_it_busy() -> None:
    # A quadratic expression would take minutes of processor on these; the limit is on that.
    done = subprocess.run([sys.executable, "-c", HOSTILE], capture_output=True, text=True)

    assert done.stdout == "done\n", done.stderr


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Écrire à a.b@c.example, 06 12 34 56 78", {"email": 1, "phone": 1}),
        ("NIR 2 84 05 93 066 018 85", {"nir": 1}),
        ("NIR 2 84 05 93 066 018 84", {}),
        ("Né en Corse : 1 75 03 2A 004 012 43", {"nir": 1}),
        ("Appeler +32 2 555 12 12", {"phone": 1}),
        ("Dossier 2024-06-12-34-56-78, SIRET 812 345 678 00017", {}),
        ("12 M d'euros, M Dupont dixit", {"name": 1}),
        ("rue Jean Dupont, salle Awa Diallo", {}),
        ("Awa Diallo est diabétique", {"name": 1, "health": 1}),
        ("Les diabétiques sont suivis", {}),
        ("", {}),
    ],
)
def test_kinds_are_told_apart(text: str, kinds: dict[str, int]) -> None:
    assert count_kinds(find_personal_data(text)) == kinds


def test_findings_are_places_in_the_text_even_with_odd_characters() -> None:
    text = "İ’œuvre : Éléonore Vasquez\u200b, eleonore@exemple.example"

    found = [(kind, text[start:end]) for kind, start, end in find_personal_data(text)]

    assert found == [
        (Kind.NAME, "Éléonore Vasquez"),
        (Kind.EMAIL, "eleonore@exemple.example"),
    ]
