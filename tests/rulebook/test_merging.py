"""Merging a draft into the law of another day: what it changes and no more, or a conflict."""

import copy
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from rulebook.documents import KINDS
from rulebook.merging import ABSENT, NAME_OF_MEMBER, Edit, edits_between, merge

WHOLE = {
    "contacts", "credit_cover", "curve", "estimation", "links", "prices", "sell_curve",
}  # fmt: skip
"""Lists of parts that have no name of their own: each is one value."""

LAW = {
    "cap": 6,
    "floor": 0,
    "terms": {"days": 7, "grace": 1},
    "layers": [{"layer": "system", "in_use": True}, {"layer": "node", "in_use": True}],
    "curve": [{"at": 0, "price": 0}, {"at": 9, "price": 6}],
    "areas": ["north", "south"],
}


def having(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(LAW) | changes


def lists_of_parts(model: type[BaseModel]) -> set[tuple[str, type[BaseModel]]]:
    """Return every list of parts in a kind of document, by the name of the list."""
    found: set[tuple[str, type[BaseModel]]] = set()

    def walk(annotation: Any, name: str, in_list: bool) -> None:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            if in_list:
                found.add((name, annotation))
            for inner, field in annotation.model_fields.items():
                walk(field.annotation, inner, in_list=False)
        for part in get_args(annotation):
            walk(part, name, in_list or get_origin(annotation) is tuple)

    walk(model, "", in_list=False)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_list_of_parts_is_told_apart_by_name_or_is_one_value(kind):
    for name, part in lists_of_parts(KINDS[kind]):
        assert (name in NAME_OF_MEMBER) is not (name in WHOLE), name
        if name in NAME_OF_MEMBER:
            named_by = part.model_fields[NAME_OF_MEMBER[name]].annotation
            assert named_by is str or all(isinstance(each, str) for each in get_args(named_by))


MERGED = {
    "only the draft": (having(cap=3), having(), having(cap=3)),
    "only the law": (having(), having(cap=5), having(cap=5)),
    "both, elsewhere": (having(cap=3), having(floor=1), having(cap=3, floor=1)),
    "both the same": (having(cap=3), having(cap=3), having(cap=3)),
    "a part of a part": (
        having(terms={"days": 14, "grace": 1}),
        having(terms={"days": 7, "grace": 2}),
        having(terms={"days": 14, "grace": 2}),
    ),
    "members of a list": (
        having(layers=[{"layer": "system", "in_use": False}, {"layer": "node", "in_use": True}]),
        having(layers=[{"layer": "system", "in_use": True}, {"layer": "node", "in_use": False}]),
        having(layers=[{"layer": "system", "in_use": False}, {"layer": "node", "in_use": False}]),
    ),
    "a member added, another left out": (
        having(layers=[*LAW["layers"], {"layer": "home", "in_use": True}]),
        having(layers=[LAW["layers"][0]]),
        having(layers=[LAW["layers"][0], {"layer": "home", "in_use": True}]),
    ),
}


@pytest.mark.parametrize("name", MERGED)
def test_what_the_draft_changes_is_changed_and_the_law_stays_beside_it(name):
    draft, law, wanted = MERGED[name]
    assert merge(having(), draft, law) == (wanted, [])


CONFLICTS = {
    "a value": (having(cap=3), having(cap=5), "cap"),
    "true is not 1": (having(cap=True), having(cap=1), "cap"),
    "a list that is one value": (
        having(curve=[{"at": 0, "price": 0}]),
        having(curve=[{"at": 0, "price": 1}]),
        "curve",
    ),
    "a list of words": (having(areas=["north"]), having(areas=["south"]), "areas"),
    "a member": (
        having(layers=[LAW["layers"][0], {"layer": "node", "in_use": False}]),
        having(layers=[LAW["layers"][0], {"layer": "node", "in_use": "x"}]),
        "layers[node].in_use",
    ),
    "changed there, left out here": (
        having(layers=[LAW["layers"][0], {"layer": "node", "in_use": False}]),
        having(layers=[LAW["layers"][0]]),
        "layers[node]",
    ),
    "an order": (
        having(layers=LAW["layers"][::-1]),
        having(layers=[LAW["layers"][0]]),
        "layers",
    ),
    "two of one name": (
        having(layers=[LAW["layers"][0], LAW["layers"][0]]),
        having(layers=[LAW["layers"][0]]),
        "layers",
    ),
}


@pytest.mark.parametrize("name", CONFLICTS)
def test_what_both_changed_is_a_conflict_and_the_law_stands(name):
    draft, law, path = CONFLICTS[name]
    merged, conflicts = merge(having(), draft, law)
    assert [conflict.path for conflict in conflicts] == [path]
    assert merged == law


NAMES = st.sampled_from(["system", "zone", "node"])
LAYERS = st.lists(
    st.fixed_dictionaries({"layer": NAMES, "in_use": st.booleans()}),
    unique_by=lambda layer: layer["layer"],
    max_size=3,
)
BODIES = st.fixed_dictionaries(
    {"cap": st.integers(0, 2), "terms": st.dictionaries(NAMES, st.integers(0, 1))}
    | {"layers": LAYERS, "curve": st.lists(st.integers(0, 2), max_size=2)}
)


@given(BODIES, BODIES)
def test_merging_into_the_base_gives_the_draft_and_the_base_itself_gives_the_law(base, other):
    assert merge(base, other, base) == (other, [])
    assert merge(base, base, other) == (other, [])
    assert merge(base, other, other) == (other, [])


@given(BODIES, BODIES, BODIES)
def test_without_a_conflict_the_merged_has_every_edit_of_both(base, draft, law):
    merged, conflicts = merge(base, draft, law)
    if conflicts:
        assert all(conflict.draft != conflict.law for conflict in conflicts)
        return
    again, later = merge(base, law, draft)
    assert not later

    def by_path(body: Any) -> dict[str, Any]:
        return {edit.path: edit.after for edit in edits_between(base, body)}

    of_merged = by_path(merged)
    for edits in (by_path(draft), by_path(law)):
        for path, after in edits.items():
            if not path.endswith(" (order)"):
                assert of_merged[path] == after
    assert by_path(again).keys() >= {p for p in of_merged if not p.endswith(" (order)")}


@given(BODIES, BODIES)
def test_there_is_an_edit_exactly_where_two_bodies_differ(before, after):
    edits = list(edits_between(before, after))
    assert bool(edits) is (before != after)
    assert all(edit.before != edit.after for edit in edits)
    assert len({edit.path for edit in edits}) == len(edits)


def test_edits_do_not_depend_on_the_order_in_which_fields_are_stored():
    other = dict(reversed(having(cap=3, floor=1).items()))
    edits = [Edit("cap", 6, 3), Edit("floor", 0, 1)]
    assert list(edits_between(having(), other)) == edits
    assert list(edits_between(dict(reversed(having().items())), other)) == edits
    assert list(edits_between(ABSENT, having())) == [Edit("", ABSENT, having())]
