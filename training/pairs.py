"""Which parallel texts are used, under which licence, and how they are cleaned and capped."""

import lzma
import re
import unicodedata
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]

MAX_CHARACTERS = 400
"""The teacher reads 64 tokens: what stands further would be asked of the student unseen."""
MAX_LENGTH_RATIO = 3
RATIO_MATTERS_FROM_CHARACTERS = 45
ADDRESS = re.compile(r"https?://|www\.|\S+@\S+")
LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Source:
    """One file of `parallel/`: at most `max_pairs` of it, each seen `repeats` times an epoch.

    `translated` is false where a side defines the other, so that their lengths say nothing.
    """

    name: str
    origin: str
    licence: str
    max_pairs: int | None = None
    repeats: int = 1
    translated: bool = True


WIKTIONARY = "CC BY-SA 3.0 and GFDL (Wiktionary)"
CANADA = "Open Government Licence - Canada"
# Left out for their licence: wmt_newstest_2008_2012 (research use), dataverse_i18n (none stated),
# pkp_scholarly_publishing (GPL-3), dict_en_fr_merged (GPL entries that cannot be told apart).
# Left out for its content: terms_tico19, whose English column holds a language code.
SOURCES = (
    Source("tatoeba_fra_eng", "Tatoeba, export of 2019", "CC BY 2.0 FR"),
    Source("tatoeba_opusmt_v2021", "Tatoeba, in OPUS-MT-testsets", "CC BY 2.0 FR"),
    Source(
        "dict_wiktionary_gloss_en_fr", "open-dsl-dict/wiktionary-dict", WIKTIONARY, translated=False
    ),
    Source(
        "dict_wiktionary_gloss_fr_en", "open-dsl-dict/wiktionary-dict", WIKTIONARY, translated=False
    ),
    Source("canada_laws", "justicecanada/laws-lois-xml", CANADA, max_pairs=30_000),
    Source("canada_laws_terms", "justicecanada/laws-lois-xml, defined terms", CANADA),
    Source("canada_gov_metadata", "canada-ca/ore-ero, open-data/ckanext-canada", "MIT", repeats=2),
    Source("gc_digital_accessibility", "gc-da11yn/gc-da11yn.github.io", "MIT", repeats=3),
    Source("un_sdg", "open-sdg/sdg-translations", "MIT (text: United Nations)", repeats=4),
    Source("open_science_handbook", "Open-Science-Training-Handbook", "CC0", repeats=4),
    Source("tico19", "tico-19/tico-19.github.io", "CC0", repeats=3),
    Source(
        "hpo_medical_terms_definitions",
        "obophenotype/hpo-translations",
        "HPO licence (free with attribution)",
    ),
    Source("tei_guidelines", "TEIC/TEI", "CC BY or BSD-2"),
    Source("osm_presets", "openstreetmap/id-tagging-schema", "ISC"),
    Source("dspace_repository_i18n", "DSpace/dspace-angular", "BSD-3"),
    Source("mozilla_org_lang", "mozilla-l10n/www.mozilla.org", "MPL-2.0", repeats=2),
    Source("transread_novels", "fyvo/TransReadAlignments", "CC BY"),
    Source("hf_course", "huggingface/course", "Apache-2.0"),
    Source("python_docs", "python/python-docs-fr", "CC0 and PSF", max_pairs=8_000),
    Source("php_docs", "php/doc-en, php/doc-fr", "CC BY 3.0", max_pairs=8_000),
)


class Corpus(NamedTuple):
    """Distinct English texts, and pairs `(english[target[i]], french[i])` seen `repeats[i]` times.

    `used` counts the pairs kept of each source. The English texts that source i brought first are
    `english[starts[i] : starts[i + 1]]`.
    """

    english: list[str]
    french: list[str]
    target: Positions
    repeats: Positions
    used: dict[str, int]
    starts: list[int]


def read_corpus(
    folder: Path,
    sources: Sequence[Source] = SOURCES,
    *,
    forbidden: Set[str],
    rng: np.random.Generator,
    max_pairs: int | None = None,
) -> Corpus:
    """Read the pairs of `sources` under `folder/parallel`; `max_pairs` a source for a rehearsal.

    No pair is kept that has a text of `forbidden`, given in `casefold`, on either side.
    """
    positions: dict[str, int] = {}
    french: list[str] = []
    target: list[int] = []
    repeats: list[int] = []
    used: dict[str, int] = {}
    starts = [0]
    for source in sources:
        pairs = list(_read_pairs(folder / "parallel" / f"{source.name}.tsv.xz"))
        if source.translated:
            pairs = [pair for pair in pairs if _are_of_like_length(*pair)]
        limit = min(len(pairs), source.max_pairs or len(pairs), max_pairs or len(pairs))
        drawn = (pairs[chosen] for chosen in np.sort(rng.permutation(len(pairs))[:limit]))
        kept = [pair for pair in drawn if forbidden.isdisjoint(map(str.casefold, pair))]
        target += [positions.setdefault(english, len(positions)) for english, _ in kept]
        french += [text for _, text in kept]
        repeats += [source.repeats] * len(kept)
        used[source.name] = len(kept)
        starts.append(len(positions))
    return Corpus(list(positions), french, np.array(target), np.array(repeats), used, starts)


def without_accents(text: str) -> str:
    """The text as typed on a keyboard without accents."""
    decomposed = unicodedata.normalize("NFD", text)
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return plain.replace("œ", "oe").replace("Œ", "OE").replace("æ", "ae").replace("Æ", "AE")


def _read_pairs(path: Path) -> Iterator[tuple[str, str]]:
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            english, _, french = line.rstrip("\n").partition("\t")
            english, french = " ".join(english.split()), " ".join(french.split())
            if _is_worth_learning(english, french):
                yield english, french


def _is_worth_learning(english: str, french: str) -> bool:
    if max(len(english), len(french)) > MAX_CHARACTERS or ADDRESS.search(english):
        return False
    return bool(LETTER.search(english) and LETTER.search(french))


def _are_of_like_length(english: str, french: str) -> bool:
    short, long = sorted((len(english), len(french)))
    return long <= RATIO_MATTERS_FROM_CHARACTERS or long <= MAX_LENGTH_RATIO * short
