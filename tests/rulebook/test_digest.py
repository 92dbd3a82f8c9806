"""A document's digest depends on every value and on nothing else."""

import hashlib
import json

import pytest
import rfc8785
from hypothesis import example, given
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


KEYS = st.text(max_size=4) | st.sampled_from(["\ue000", "\U00010000", "\uffff", "a", "A", ""])
NUMBERS = (
    st.integers()
    | st.floats()
    | st.sampled_from([-1, 1]).flatmap(lambda sign: st.just(sign * 2**53))
    | st.integers(2**53 - 2, 2**53 + 2)
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(st.characters(), max_size=6),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(KEYS, parts, max_size=3),
    max_leaves=8,
)


def written(write, values):
    """Return the bytes, or the refusal."""
    try:
        return write(values)
    except rfc8785.CanonicalizationError as refusal:
        return type(refusal), str(refusal)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
@example({"\ue000": 1, "\U00010000": 2})
@example({"a": "\ud800"})
@example({"a": '\x00\x1f\x7f\u2028"\\/\b\f\n\r\t'})
@example({"a": -0.0, "b": 1.0, "c": 1e21, "d": 1e-7})
@example({"a": 2**53 - 1, "b": -(2**53) + 1})
@example({"a": [2**53]})
@example({"a": float("nan")})
@example({"a": True, "b": [1, "1", None, [], {}]})
def test_any_values_are_written_as_rfc_8785_says_or_refused_as_it_does(values):
    assert written(canonical_bytes, values) == written(rfc8785.dumps, values)


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object()])
def test_what_is_no_value_of_json_has_no_writing(value):
    with pytest.raises(rfc8785.CanonicalizationError, match="unsupported type"):
        canonical_bytes({"a": [value]})
