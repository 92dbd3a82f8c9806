"""A fault of one field is found at that field: no check judges a value that stands in for it."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulebook.checks import check_document
from rulebook.reading import document_of
from tests.examples import tried
from tests.rulebook.law import GRID, HEARTH, POLICY, RULES, TERMS, body

FAULTS = [None, "", -1, "x y\u200b", [], {}, 10**30, True, 1.5, "\0", "ä"]
CHARGES = "gb12/charge-list/isles-networks"
LISTS_LOOKED_INTO = 2


def paths_of(values, path=()):
    """Return the path to every value of a document; of a list, to those of its first entries."""
    if isinstance(values, dict):
        members = list(values.items())
    elif isinstance(values, list):
        members = list(enumerate(values[:LISTS_LOOKED_INTO]))
    else:
        return [path] if path else []
    below = [each for key, value in members for each in paths_of(value, (*path, key))]
    return [*([path] if path else []), *below]


def shown_path(path):
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return steps.removeprefix(".")


@pytest.mark.parametrize("instrument", [RULES, GRID, POLICY, HEARTH, TERMS, CHARGES])
@settings(max_examples=tried(100), deadline=None)
@given(data=st.data())
def test_what_cannot_be_read_is_found_at_its_field_and_nowhere_else(instrument, data):
    values = copy.deepcopy(body(instrument))
    path = data.draw(st.sampled_from(paths_of(values)))
    holder = values
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = data.draw(st.sampled_from(FAULTS))
    document, findings = document_of(values, "law")
    if document is not None:
        # What can be read is judged for what it says: a price cap below the floor is about both.
        check_document(document, "law")
        return
    for finding in findings:
        assert finding.place.startswith(f"law: {shown_path(path)}"), finding
        assert finding.value and finding.limit and finding.remedy
