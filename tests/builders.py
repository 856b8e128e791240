"""One-line builders; the values that matter stand in the test."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from matcher.statements import College, Kind, Statement
from service.resources import Resources
from service.workflows.take_in import ImportPlan, ImportReport, take_in

SLUG = "plaine-commune"
HEADER = ("id", "organisation", "title", "text", "sector", "discipline", "territory")


def statement(
    id_: int,
    *,
    kind: Kind = Kind.PROBLEM,
    organisation: int | None = None,
    college: College | None = None,
    text: str = "",
    sector: str = "",
    discipline: str = "",
) -> Statement:
    """A statement of an organisation of its own; researchers' kinds come from the academic."""
    academic = kind in {Kind.INTEREST, Kind.COURSE}
    return Statement(
        id=id_,
        kind=kind,
        organisation=1000 + id_ if organisation is None else organisation,
        college=college or (College.ACADEMIC if academic else College.ASSOCIATION),
        title="",
        text=text or f"texte {id_}",
        sector=sector,
        discipline=discipline,
    )


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    """A semicolon CSV in UTF-8."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows([header, *rows])
    return path


def import_rows(
    resources: Resources, header: Sequence[str], rows: Iterable[Sequence[str]], **options: Any
) -> ImportReport:
    """Import these rows as problems of Plaine Commune, unless `options` say otherwise."""
    path = write_csv(resources.settings.data / "rows.csv", header, rows)
    plan: dict[str, Any] = {"path": path, "sociopole": SLUG, "kind": "problem"} | options
    return take_in(resources, ImportPlan(**plan))


def import_texts(resources: Resources, *texts: str, **options: Any) -> ImportReport:
    """Import texts numbered from 1, each of an organisation of its own."""
    kind = options.get("kind", "problem")
    rows = [(str(i), f"{kind} {i}", text) for i, text in enumerate(texts, start=1)]
    return import_rows(resources, ("id", "organisation", "text"), rows, **options)


def write_beir(
    folder: Path, corpus: dict[str, str], queries: dict[str, str], grades: Iterable[str]
) -> Path:
    """A judged collection; each grade is « query document grade »."""
    (folder / "qrels").mkdir(parents=True)
    for name, texts in (("corpus", corpus), ("queries", queries)):
        lines = [json.dumps({"_id": key, "text": text}) for key, text in texts.items()]
        (folder / f"{name}.jsonl").write_text("\n".join(lines), "utf-8")
    rows = ["query-id\tcorpus-id\tscore", *(line.replace(" ", "\t") for line in grades)]
    (folder / "qrels" / "test.tsv").write_text("\n".join(rows) + "\n", "utf-8")
    return folder


def write_static_model(folder: Path, words: str, *, dim: int = 16, seed: int = 0) -> Path:
    """A sentence-transformers folder of static embeddings of these words, without torch."""
    part = folder / "0_StaticEmbedding"
    part.mkdir(parents=True)
    vocabulary = {word: i for i, word in enumerate(dict.fromkeys(["[UNK]", *words.split()]))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106 - no secret
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(part / "tokenizer.json"))
    rows = np.random.default_rng(seed).standard_normal((len(vocabulary), dim))
    save_file({"embedding.weight": rows.astype(np.float32)}, part / "model.safetensors")
    module = {
        "idx": 0,
        "name": "0",
        "path": part.name,
        "type": "sentence_transformers.models.StaticEmbedding",
    }
    (folder / "modules.json").write_text(json.dumps([module]), "utf-8")
    return folder


def territory(id_: str, name: str, parents: str = "", former: str = "") -> dict[str, Any]:
    """A row of the official table; parents and former codes are separated by spaces."""
    level, _, code = id_.partition(":")
    return {
        "id": id_,
        "level": level,
        "code": code,
        "name": name,
        "population": None,
        "former": former.split(),
        "parents": parents.split(),
    }


IN_PLAINE = "departement:93 ept:200057867 metropole:200054781"
IN_LYON = "departement:69 metropole:200046977"
IN_AUDE, IN_GARD = "departement:11", "departement:30"
TERRITORIES = [
    territory("region:11", "Île-de-France"),
    territory("region:32", "Hauts-de-France"),
    territory("region:44", "Grand Est"),
    territory("region:76", "Occitanie"),
    territory("region:84", "Auvergne-Rhône-Alpes"),
    territory("departement:11", "Aude", "region:76"),
    territory("departement:30", "Gard", "region:76"),
    territory("departement:32", "Gers", "region:76"),
    territory("departement:54", "Meurthe-et-Moselle", "region:44"),
    territory("departement:59", "Nord", "region:32"),
    territory("departement:69", "Rhône", "region:84"),
    territory("departement:93", "Seine-Saint-Denis", "region:11"),
    territory("metropole:200054781", "Métropole du Grand Paris", "region:11"),
    territory("metropole:200046977", "Métropole de Lyon", "departement:69"),
    territory("metropole:200093201", "Métropole Européenne de Lille", "departement:59"),
    territory("ept:200057867", "Plaine Commune", "departement:93 metropole:200054781"),
    territory("commune:93066", "Saint-Denis", IN_PLAINE, "75059 75066 93059"),
    territory("commune:93001", "Aubervilliers", IN_PLAINE, "75005"),
    territory("commune:93027", "La Courneuve", IN_PLAINE, "75027"),
    territory("commune:93031", "Épinay-sur-Seine", IN_PLAINE, "75031"),
    territory("commune:93039", "L'Île-Saint-Denis", IN_PLAINE, "75039"),
    territory("commune:93070", "Saint-Ouen-sur-Seine", IN_PLAINE, "75070"),
    territory("commune:93072", "Stains", IN_PLAINE, "75072"),
    territory("commune:93079", "Villetaneuse", IN_PLAINE, "75079"),
    territory("commune:59350", "Lille", "departement:59 metropole:200093201", "59298 59355"),
    territory("commune:69123", "Lyon", IN_LYON, "69232"),
    territory("commune:69029", "Bron", IN_LYON),
    territory("commune:69256", "Vaulx-en-Velin", IN_LYON),
    territory("commune:54395", "Nancy", "departement:54"),
    territory("commune:54323", "Longwy", "departement:54"),
    territory("commune:32013", "Auch", "departement:32"),
    territory("commune:11339", "Saint-Denis", IN_AUDE),
    territory("commune:30247", "Saint-Denis", IN_GARD),
    territory("commune:11335", "Sainte-Colombe-sur-Guette", IN_AUDE),
    territory("commune:11023", "Belpech", IN_AUDE),
    territory("commune:30023", "Belpech", IN_GARD),
]
