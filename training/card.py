"""The model card: what the model is, what it was made of, what was measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from training.distil import Settings
from training.pairs import SOURCES
from training.vocabulary import SIZE, WHOLE_WORDS

COMMAND = "python -m training --data FOLDER --output matcher/model"
CARD = """# Model card: the bundled encoder of Sociopoles

A static French and English sentence encoder: {size:,} tokens, one row of 384 numbers a token; a
text is the mean of its tokens' rows, scaled to length 1. It is an ordinary sentence-transformers
folder (StaticEmbedding, then Normalize), rows in float16. It was distilled from
sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0) with human translations as the bridge to French.

## Intended use

Nearness of meaning between short French texts (problems, missions, subjects of research), or
between French and English ones, on a processor, thousands of texts a second. A first proposal for
people to judge: not a decision about anyone, not a translator, not a detector of truth or quality.

## Licence

The weights: CC BY-SA 4.0, because the Wiktionary-derived dictionaries are share-alike. The code
that made them: MIT. `dict_en_fr_merged` also merges FreeDict entries (GPL), which its file does
not mark.

## Data

Parallel English-French pairs, read from `parallel/` of the data folder.

| file | origin | licence | pairs used | seen an epoch |
|---|---|---|---|---|
{sources}

Left out for their licence: wmt_newstest_2008_2012 (research use), dataverse_i18n (none stated),
pkp_scholarly_publishing (GPL-3); for its content: terms_tico19 (its English column holds a language
code). Pairs with a text of `dev/` on either side are dropped, and no fixture of the project
is read.

## Recipe

* Pairs of at most 400 characters with letters on both sides, no address, and like lengths.
* Tokenizer: Unigram, NFKC, lower case, one apostrophe, œ as oe; cut at white space and around
  punctuation; {pieces:,} trained pieces and the {words:,} most frequent whole words they miss.
* Teacher: the vectors of the English sides, cut at 64 tokens, computed in bf16, kept in float16.
* Loss: (1 - cosine to the teacher's vector) + {contrast} x in-batch contrast against the batch's
  teacher vectors at temperature {temperature}, for the French side and for the English side.
* Adam, learning rate {learning_rate} falling linearly to 0, {epochs} epochs, batches of {batch:,}
  pairs, seed {seed}.
* {unaccented:.0%} of the French sides lose their accents, so that unaccented typing works; upper
  case costs nothing, since case is folded.
* The [UNK] row is zero. Three candidates: rows as learnt, and times a / (a + p(token)) (SIF).

## Measures

Measured by the command below on {today}, through the product's own reader, on `dev/` of the data
folder. Shipped: **{shipped}**, the best mean of STS-fr fr-fr and problem_to_mission, which are
therefore slightly optimistic; the data of neither was trained on.

{measures}

Seconds on two shared cores: {seconds}. Chunks of teacher vectors found in
the work folder are read, not computed again.

## Limits

* A bag of words: no word order, no negation, no sense by context. "Le chien mord l'homme" and
  "l'homme mord le chien" are one vector.
* Words rare in the data fall into pieces with a blurred meaning; local names and acronyms mean
  little.
* The data leans on Canadian law, everyday sentences, dictionaries, medicine and software; its
  biases, and the teacher's, are in the rows. French institutions and vernaculars are poorly
  covered.
* Long texts drift to the mean of their themes: better one statement at a time.
* A text with no known token has no direction. The product's reader gives it one fixed unit vector;
  sentence-transformers gives zeros after `.float()`, but NaN in float16: there, call
  `SentenceTransformer(folder).float()`.
* The measures are of general language and of 98 problems: they say little of any one territory.

## Regenerate

```
pip install -e .[training]
{command}
```
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run used and found; `figures` holds the measures of each candidate."""

    today: date
    seed: int
    used: Mapping[str, int]
    settings: Settings
    figures: Mapping[str, Mapping[str, float]]
    shipped: str
    seconds: Mapping[str, float]


def write_card(path: Path, run: Run) -> None:
    """Write the card of `run`."""
    settings = run.settings
    content = CARD.format(
        size=SIZE,
        pieces=SIZE - WHOLE_WORDS,
        words=WHOLE_WORDS,
        sources=_table_sources(run.used),
        contrast=settings.contrast,
        temperature=settings.temperature,
        learning_rate=settings.learning_rate,
        epochs=settings.epochs,
        batch=settings.batch,
        unaccented=settings.unaccented_share,
        seed=run.seed,
        today=run.today,
        shipped=run.shipped,
        measures=_table_measures(run.figures),
        seconds=", ".join(f"{stage} {spent:,.0f}" for stage, spent in run.seconds.items()),
        command=COMMAND,
    )
    path.write_text(content, "utf-8")


def _table_sources(used: Mapping[str, int]) -> str:
    return "\n".join(
        f"| {source.name} | {source.origin} | {source.licence} | {used[source.name]:,} "
        f"| {source.repeats} |"
        for source in SOURCES
    )


def _table_measures(figures: Mapping[str, Mapping[str, float]]) -> str:
    names = list(figures)
    measured = next(iter(figures.values()))
    header = [f"| measure | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    rows = [
        f"| {measure} | {' | '.join(f'{figures[name][measure]:.4f}' for name in names)} |"
        for measure in measured
    ]
    return "\n".join(header + rows)
