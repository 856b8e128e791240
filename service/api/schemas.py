"""The shapes of what the API takes and answers; names are stable."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Body(BaseModel):
    """What is sent: a field that nobody asked for is refused."""

    model_config = ConfigDict(extra="forbid")


def example(body: dict[str, Any]) -> ConfigDict:
    """What the document shows of a body, and what its « Try it out » begins with."""
    return ConfigDict(json_schema_extra={"examples": [body]})


class Territory(BaseModel):
    """An official territory."""

    id: str = Field(examples=["ept:200057867"])
    level: str
    code: str
    name: str


class Sociopole(BaseModel):
    """A sociopôle with how many contributions of each kind."""

    slug: str = Field(examples=["plaine-commune"])
    name: str
    territory: Territory
    statements: dict[str, int]


class Sociopoles(BaseModel):
    """All sociopôles."""

    sociopoles: list[Sociopole]


class Statement(BaseModel):
    """A contribution; its id is the one of the imported file."""

    id: str
    kind: str
    title: str
    text: str
    organisation: str
    sociopole: str
    territory: str
    college: str
    sector: str
    discipline: str


class Bars(BaseModel):
    """The four bars, each from 0 to 1."""

    meaning: float
    sector_gap: float
    complementarity: float
    novelty: float


class SaidOtherwise(BaseModel):
    """What one text says in everyday words, and the term of the field that the other uses."""

    said: str = Field(examples=["les gens ne demandent pas leurs aides"])
    term: str = Field(examples=["non-recours aux droits"])


class Reason(BaseModel):
    """Evidence in the words of both texts."""

    left_sentence: str
    right_sentence: str
    shared_terms: list[str]
    said_otherwise: list[SaidOtherwise] = []


class Alternate(BaseModel):
    """Another adequate partner of the left contribution."""

    id: str
    title: str
    organisation: str


class State(BaseModel):
    """What a person said last of a pairing."""

    decision: int
    action: str = Field(examples=["set-aside"])
    by: str
    at: str
    reason: str
    words: str
    until: str | None
    text_changed: bool


class Accepted(BaseModel):
    """A pairing that a person accepted, in this run or before."""

    left: Statement
    right: Statement
    state: State


class Introduction(BaseModel):
    """Two contributions whose pairing was accepted, and when."""

    left: Statement
    right: Statement
    at: str


class Introduced(BaseModel):
    """The accepted pairings one is part of."""

    sociopole: str
    introduced: list[Introduction]


class Pairing(BaseModel):
    """Two contributions proposed to meet.

    `id` holds from run to run; `version` is the number of the last decision about the pair, or 0.
    """

    id: str = Field(examples=["12-34"])
    version: int
    rank: int
    left: Statement
    right: Statement
    state: State | None
    score: float
    bars: Bars
    reasons: list[Reason]
    alternates: list[str]
    alternates_shown: list[Alternate]


class Orphan(BaseModel):
    """A contribution without an answer, and why."""

    id: str
    kind: str
    title: str
    organisation: str
    why: str


class Suggestions(BaseModel):
    """A run: its pairings, orphans, limits and what each bar counted; `stale` when it changed."""

    sociopole: str
    run: int
    at: str
    pairings: list[Pairing]
    orphans: list[Orphan]
    accepted: list[Accepted]
    limits: dict[str, int | list[str]]
    weights: Bars
    stale: bool


class Answer(Statement):
    """A contribution that answers, and the sentence of it that answers best."""

    score: float
    sentence: str


class Answers(BaseModel):
    """Answers, best first."""

    answers: list[Answer]
