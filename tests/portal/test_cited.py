"""Clauses that a page cites: once a wording, and told apart where two laws are cited."""

import datetime as dt

from portal.queries.cited import cite_once
from rulebook.clause_text import FilledText
from settlement.explanations.tree import CitedClause

OLD, NEW, POLICY = b"\1" * 32, b"\2" * 32, b"\3" * 32
MORNING = dt.datetime(2026, 11, 30, 9, tzinfo=dt.UTC)
RECORDED = {OLD: MORNING, NEW: MORNING + dt.timedelta(hours=1), POLICY: MORNING}


def cited(anchor: str, words: str, digest: bytes, instrument: str = "gb12/market-rules"):
    return CitedClause(anchor, FilledText((words,)), instrument, digest)


def test_two_laws_are_told_apart_where_their_words_differ_and_named_together_where_not():
    found = cite_once(
        [
            cited("MR-2.4", "The highest price holds.", OLD),
            cited("MR-2.3", "No price is above £6,000.", OLD),
            cited("AP-4.2", "The price of its node.", POLICY, "gb12/allocation-policy"),
            cited("MR-2.4", "The highest price holds.", NEW),
            cited("MR-2.3", "No price is above £3,000.", NEW),
            cited("MR-2.4", "The highest price holds.", NEW),
        ],
        RECORDED,
    )
    told = [
        (each.anchor, [version.digest for version in each.versions], each.is_earlier)
        for each in found
    ]
    assert told == [
        ("MR-2.4", [NEW, OLD], False),
        ("MR-2.3", [NEW], False),
        ("MR-2.3", [OLD], True),
        ("AP-4.2", [POLICY], False),
    ]
    moments = {version.digest: version.recorded_at for each in found for version in each.versions}
    assert moments == RECORDED | {POLICY: None}, "one version alone needs no telling apart"


def test_no_clause_is_cited_where_none_is():
    assert cite_once([], {}) == ()
