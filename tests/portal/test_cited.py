"""Clauses that a page cites: once a wording, and told apart where two laws are cited."""

import datetime as dt
import warnings

from sqlalchemy import select

from portal.queries.cited import cite_once, first_recorded
from rulebook.clause_text import FilledText
from rulebook.tables import VersionRow
from settlement.explanations.tree import CitedClause
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import publish_tiny

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


def test_since_when_versions_are_known_is_asked_without_what_sqlalchemy_gives_up(database_engine):
    with rolled_back(database_engine) as session, warnings.catch_warnings():
        warnings.simplefilter("error")
        publish_tiny(session)
        (digest, *_) = session.scalars(select(VersionRow.digest))
        recorded = first_recorded(session, [digest])
    assert list(recorded) == [digest]
    assert recorded[digest].tzinfo is not None
