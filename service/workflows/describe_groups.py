"""What is said of groups: titles, terms, reach, firmness, who may answer, where to draw them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from matcher.group_changes import carry_on
from matcher.grouping import measure_members
from matcher.layout import lay_out
from matcher.likeness import Rows
from matcher.partners import find_partners
from matcher.stability import measure_stability
from matcher.titles import find_terms, name_groups
from matcher.transversality import family, measure_reach
from matcher.tree import Tree
from matcher.wishes import Decided, Members, best_titles
from service.resources import Progress, Resources
from service.store.groupings import GroupingView, GroupView, PlaceView
from service.workflows.group_material import Material

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Described:
    """Groups by rank, the place of each statement, and titles that no group keeps."""

    groups: Sequence[GroupView]
    places: Sequence[PlaceView]
    lost_titles: Sequence[str]


def describe_groups(  # noqa: PLR0913 - each is one fact of the run
    resources: Resources,
    material: Material,
    parts: Sequence[Members],
    *,
    rows: Rows,
    tree: Tree,
    decided: Decided,
    known: Mapping[str, Members],
    before: GroupingView | None = None,
    progress: Progress | None = None,
) -> Described:
    """Say all there is to say of `parts`, sets of statement ids; most transversal first.

    A group that goes on from one of the `known` keeps its name. After an edit, what it did not
    touch of the grouping `before` keeps its title, terms and firmness too.
    """
    position = material.position
    group = np.full(len(material.views), -1, dtype=np.int64)
    for number, members in enumerate(parts):
        group[[position[i] for i in members]] = number
    tell = progress or (lambda *_: None)
    standing = measure_members(rows, group)
    all_texts = material.texts
    firm = measure_stability(
        all_texts,
        material.vectors,
        tree,
        group,
        rng=np.random.default_rng(0),
        tell=lambda done, total: tell("Solidité des groupes", done, total),
    )
    names = carry_on(known, list(parts))
    same = _unchanged(before, parts)
    titles, lost = best_titles(parts, decided.titles)
    centrals = [material.views[i] for i in standing.central.tolist()]
    texts = [[all_texts[i] for i in np.flatnonzero(group == g)] for g in range(len(parts))]
    terms = _terms(resources, material, group, texts, same, tell)
    titled = _titles(terms, [c.statement.title or c.statement.text for c in centrals], titles, same)
    partners = _partners(resources, material, group, texts)
    found = []
    for g, members in enumerate(parts):
        inside = [material.views[position[i]] for i in sorted(members)]
        reach = measure_reach([v.statement for v in inside], [v.sociopole for v in inside])
        found.append(
            GroupView(
                name=names[g],
                rank=0,
                title=titled[g],
                titled_by_person=g in titles,
                terms=terms[g],
                central_id=centrals[g].statement.id,
                transversality=round(reach.transversality, 4),
                local=reach.is_local,
                stability=same[g].stability if g in same else str(firm[g]),
                locked=any(members == locked for locked in decided.locked),
                partners=partners[g],
            )
        )
    ranked = sorted(found, key=lambda view: (-view.transversality, int(view.name[1:])))
    places = lay_out(rows, group)
    return Described(
        [replace(view, rank=rank) for rank, view in enumerate(ranked, start=1)],
        [
            PlaceView(
                statement_id=view.statement.id,
                name=names[group[i]] if group[i] >= 0 else "",
                nearest=names[standing.nearest[i]] if standing.nearest[i] >= 0 else "",
                strength=round(float(standing.strength[i]), 4),
                leaf=int(tree.leaf[i]),
                x=round(float(places[i, 0]), 4),
                y=round(float(places[i, 1]), 4),
            )
            for i, view in enumerate(material.views)
        ],
        lost,
    )


def _unchanged(before: GroupingView | None, parts: Sequence[Members]) -> dict[int, GroupView]:
    """By number, the group of before that has the very same members."""
    if before is None:
        return {}
    views = {view.name: view for view in before.groups}
    known = {members: views[name] for name, members in before.members.items()}
    return {g: known[members] for g, members in enumerate(parts) if members in known}


def _terms(
    resources: Resources,
    material: Material,
    group: Indices,
    texts: Sequence[Sequence[str]],
    same: Mapping[int, GroupView],
    tell: Progress,
) -> list[list[str]]:
    if len(same) == len(texts):
        return [list(same[g].terms) for g in range(len(texts))]
    terms = find_terms(
        texts,
        _centres(material, group, len(texts)),
        resources.encoder,
        progress=lambda done, total: tell("Titres des groupes", done, total),
    )
    return [list(same[g].terms) if g in same else terms[g] for g in range(len(texts))]


def _titles(
    terms: Sequence[Sequence[str]],
    centrals: Sequence[str],
    by_person: Mapping[int, str],
    same: Mapping[int, GroupView],
) -> list[str]:
    given = {g: view.title for g, view in same.items() if not view.titled_by_person} | dict(
        by_person
    )
    free = [g for g in range(len(terms)) if g not in given]
    named = name_groups([terms[g] for g in free], [centrals[g] for g in free], given.values())
    given |= dict(zip(free, named, strict=True))
    return [given[g] for g in range(len(terms))]


def _partners(
    resources: Resources, material: Material, group: Indices, texts: Sequence[Sequence[str]]
) -> list[list[dict[str, object]]]:
    fields = [view.statement.discipline for view in material.partners]
    found = find_partners(
        _centres(material, group, len(texts)),
        ["\n".join(own) for own in texts],
        material.partner_vectors,
        [view.statement.passage for view in material.partners],
        [family(f"hal:{field}") if field else "" for field in fields],
        resources.background,
    )
    return [
        [
            {
                "statement": material.partners[partner.position].statement.id,
                "strength": partner.strength,
            }
            for partner in own
        ]
        for own in found
    ]


def _centres(material: Material, group: Indices, n_groups: int) -> NDArray[np.float32]:
    if n_groups == 0:
        return np.empty((0, material.vectors.shape[1]), dtype=np.float32)
    return np.stack([material.vectors[group == g].mean(axis=0) for g in range(n_groups)])
