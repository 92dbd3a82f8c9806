"""A document's digest depends on every value and on nothing else."""

import hashlib
import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from rulebook.digest import body_digest, canonical_bytes, document_body, document_digest
from tests.rulebook.law import HIGHLAND, body, made, scenario


def leaves(values, path=()):
    if isinstance(values, dict):
        for key, part in values.items():
            yield from leaves(part, (*path, key))
    elif isinstance(values, list):
        for position, part in enumerate(values):
            yield from leaves(part, (*path, position))
    else:
        yield path, values


def other(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return f"{value}x" if isinstance(value, str) else 1


def test_the_bytes_are_a_prefix_and_canonical_json():
    document = scenario()[HIGHLAND]
    canonical = json.dumps(
        document_body(document), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()
    expected = hashlib.sha256(b"tallystick/rulebook/document/1\n" + canonical).digest()
    assert document_digest(document) == expected


def test_any_changed_value_changes_the_digest():
    original = body_digest(body(HIGHLAND))
    seen = {original}
    for path, value in leaves(body(HIGHLAND)):
        values = body(HIGHLAND)
        inside = values
        for step in path[:-1]:
            inside = inside[step]
        inside[path[-1]] = other(value)
        digest = body_digest(values)
        assert digest not in seen, path
        seen.add(digest)


@given(st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(random):
    def shuffled(values):
        if isinstance(values, dict):
            keys = list(values)
            random.shuffle(keys)
            return {key: shuffled(values[key]) for key in keys}
        if isinstance(values, list):
            return [shuffled(part) for part in values]
        return values

    values = shuffled(body(HIGHLAND))
    assert canonical_bytes(values) == canonical_bytes(body(HIGHLAND))
    assert document_digest(made(values)) == body_digest(body(HIGHLAND))


EDGES = [2**53 - 1, 1 - 2**53, 2**53, -(2**53), 0.0, 1.0, 1e21, 5e-324, float("nan")]
TEXTS = ["", "a", "b", "\x00\x1f\x7f", '"\\/', "\b\f\n\r\t", "\u2028", "\ue000", "\ud800", "𐀀"]
TEXT = st.sampled_from(TEXTS) | st.text(max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.sampled_from(EDGES) | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(TEXT, JSON, max_size=3))
def test_the_bytes_are_those_of_rfc_8785(values):
    try:
        expected = rfc8785.dumps(values)
    except ValueError as refused:
        with pytest.raises(type(refused)):
            canonical_bytes(values)
    else:
        assert canonical_bytes(values) == expected


@pytest.mark.parametrize("body", [{1: "a"}, {"a": {None: 1}}, {"a": 1, 2: 3}, {"a": {1}}])
def test_what_is_no_json_has_no_bytes(body):
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical_bytes(body)
