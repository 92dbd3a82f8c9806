"""A document's digest depends on every value and on nothing else."""

import copy
import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from rulebook.digest import body_digest, canonical_bytes, document_body, document_digest
from tests.rulebook.law import HIGHLAND, POLICY, RULES, body, made, scenario


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


def test_law_that_never_knew_what_must_be_taken_of_an_offer_keeps_its_digest():
    values = body(POLICY)
    stated = body_digest(values)
    del values["fair_play"]["least_taken_ppm"]
    emptied = copy.deepcopy(values)
    emptied["fair_play"]["least_taken_ppm"] = None
    assert document_digest(made(values)) == document_digest(made(emptied)) == body_digest(values)
    assert body_digest(values) != stated


def test_market_rules_that_never_knew_of_the_market_online_keep_their_digest():
    values = body(RULES)
    stated = body_digest(values)
    assert "tick_seconds" not in values["online"]
    del values["online"]
    values["clauses"] = [each for each in values["clauses"] if "online" not in each["fields"]]
    emptied = copy.deepcopy(values) | {"online": None}
    assert document_digest(made(values)) == document_digest(made(emptied)) == body_digest(values)
    assert body_digest(values) != stated
