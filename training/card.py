"""The model card: what the model is, what it was made of, what was measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from training.pairs import SOURCES
from training.vocabulary import SIZE, WHOLE_WORDS

COMMAND = "python -m training --data FOLDER"
OPENINGS = {
    "fast": """# Model card: the fast encoder of Sociopoles

A static French and English sentence encoder: {size:,} tokens, one row of 384 numbers a token; a
text is the mean of its tokens' rows, scaled to length 1. It is an ordinary sentence-transformers
folder (StaticEmbedding, then Normalize), rows in float16.
""",
    "deep": """# Model card: the default encoder of Sociopoles

A small French and English transformer: the six layers of all-MiniLM-L6-v2 (384 wide) under a
vocabulary of its own ({size:,} tokens); a text is the mean of its last layer, scaled to length 1,
and is read up to 256 tokens. It is an ordinary sentence-transformers folder (Transformer, Pooling,
Normalize), weights in float16.
""",
}
STEPS = {
    "fast": """\
* Stage 1: (1 - cosine to the teacher's vector) + {static.contrast} x in-batch contrast against
  the batch's teacher vectors at temperature {static.temperature}, for the French side and for the
  English side. Adam, learning rate {static.learning_rate} falling to 0, {static.epochs} epochs,
  batches of {static.batch:,} pairs; {static.unaccented_share:.0%} of the French sides lose their
  accents.
* Stage 2: {fast.epochs} epochs, batches of {fast.pairs} pairs, learning rate
  {fast.learning_rate} falling to 0.""",
    "deep": """\
* Start: the teacher's layers; each token begins at the mean of the teacher's words that are
  nearest to it in the static vectors of stage 1 (WECHSEL, Minixhofer et al. 2022).
* Stage 1: (1 - cosine to the teacher's vector) + {deep_first.contrast} x in-batch contrast, French
  and English sides, {deep_first.epochs} of an epoch in batches of {deep_first.tokens:,} tokens of
  texts of one length, bf16; AdamW, learning rate {deep_first.learning_rate}
  ({deep_first.table_factor:g} times that for the table of tokens) falling to 0;
  {deep_first.unaccented_share:.0%} of the French sides lose their accents.
* Stage 2: {deep.epochs} epochs, batches of {deep.pairs} pairs, learning rate
  {deep.learning_rate} falling to 0.""",
}
CARD = """{opening}
It was distilled from sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0) with human translations as
the bridge to French, then taught to cross from everyday to scholarly words with texts written for
this project.

## Intended use

Nearness of meaning between French texts of a few sentences, or between French and English ones:
what an association says and what a researcher works on. A first proposal for people to judge: not
a decision about anyone, not a translator, not a detector of truth or quality.

## Licence

The weights: CC BY-SA 4.0, because the Wiktionary-derived glosses are share-alike. The code that
made them, the bridge and the lexicon: MIT.

## Data

Written for this project (`training/bridge/`, `matcher/lexicon/`): {meetings:,} pairs of a lay and a
scholarly text over {subjects:,} subjects, {strangers:,} scholarly texts that meet nobody, and
{entries:,} entries of the lexicon. The subjects of `training/bridge/dev` are never trained on.

Parallel English-French pairs, read from `parallel/` of the data folder:

| file | origin | licence | pairs used | seen an epoch |
|---|---|---|---|---|
{sources}

Left out for their licence: wmt_newstest_2008_2012 (research use), dataverse_i18n (none stated),
pkp_scholarly_publishing (GPL-3), dict_en_fr_merged (merges GPL entries that its file does not
mark); for its content: terms_tico19 (its English column holds a language code). Pairs with a text
of `dev/` on either side are dropped, and no fixture of the project is read.

## Recipe

* Pairs of at most 400 characters with letters on both sides, no address, and like lengths.
* Tokenizer: Unigram, NFKC, lower case, one apostrophe, œ as oe; cut at white space and around
  punctuation; {pieces:,} trained pieces and the {words:,} most frequent whole words they miss.
* Teacher: the vectors of the English sides, cut at 64 tokens, computed in bf16, kept in float16.
{steps}
* Stage 2, both: multiple negatives both ways at temperature {fast.temperature}; a lay text's own
  scholarly text counts {fast.own_share:.0%} of the right answer, those of the same subject the
  rest; near misses and lone subjects are wrong answers; {fast.lexicon} x the same for the phrases
  and terms of the lexicon; beside it stage 1 goes on, so that nothing general is lost.
* Seed {seed}.

## Measures

Measured by the command below on {today}, through the product's own reader, on `dev/` of the data
folder, which was not trained on. docs/quality.md has the measures of search itself.

{measures}

Seconds on two shared cores: {seconds}.

## Limits

{limits}
* The general data leans on Canadian law, everyday sentences, medicine and software; its biases, and
  the teacher's, are in the weights. French institutions and vernaculars are known from the bridge
  alone.
* A text with no known token has no direction. The product's reader gives it one fixed unit vector.
* The measures are of general language and of 98 problems: they say little of any one territory.

## Regenerate

```
pip install -e .[training]
{command}
```
"""
LIMITS = {
    "fast": """\
* A bag of words: no word order, no negation, no sense by context. "Le chien mord l'homme" and
  "l'homme mord le chien" are one vector.
* Long texts drift to the mean of their themes: better one statement at a time.""",
    "deep": """\
* What stands after 256 tokens (about 180 words) is not read.
* A tenth to a hundredth of the speed of the fast model (docs/quality.md).""",
}


@dataclass(frozen=True, slots=True)
class Run:
    """What one run used and found; `figures` holds the measures of each model."""

    today: date
    seed: int
    used: Mapping[str, int]
    meetings: int
    subjects: int
    strangers: int
    entries: int
    settings: Mapping[str, object]
    figures: Mapping[str, Mapping[str, float]]
    seconds: Mapping[str, float]


def write_card(path: Path, name: str, run: Run) -> None:
    """Write the card of the model `name` of `run`."""
    content = CARD.format(
        opening=OPENINGS[name].format(size=SIZE),
        meetings=run.meetings,
        subjects=run.subjects,
        strangers=run.strangers,
        entries=run.entries,
        pieces=SIZE - WHOLE_WORDS,
        words=WHOLE_WORDS,
        sources=_table_sources(run.used),
        steps=STEPS[name].format(**run.settings),
        fast=run.settings["fast"],
        limits=LIMITS[name],
        seed=run.seed,
        today=run.today,
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
