"""The end of a document: what it leaves in the record, and every reason against it."""

import datetime as dt
import json

import pytest
from sqlalchemy import text

from common.refusals import Refused
from ledger.sealing import seal_days
from rulebook.law import rules_at
from rulebook.verification import verify
from settlement.enactment import approve, propose
from tests.rulebook.test_commands import DECIDED, decide, run  # noqa: F401  the fixture
from tests.rulebook.test_store import rows
from tests.worlds import tiny_market
from tests.worlds.law import end, publish
from tests.worlds.settled import FIRST_DAY, ingest_tiny, publish_tiny, seal_request, settle_tiny

DORIC = "tiny/registration/doric"
JUNE = dt.date(2024, 6, 1)
JULY = dt.date(2024, 7, 1)
AUGUST = dt.date(2024, 8, 1)
KNOWN = dt.datetime(2024, 3, 2, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
DECISION = {"author": "olga", "approver": "rufus", "reason": "Doric leaves the market"}


def end_doric(session, day=JUNE, name="registration/doric", known=KNOWN, **changes):
    return end(session, "tiny", name, day, known=known, **(DECISION | changes))


def doric(**changes):
    (document,) = (d for d in tiny_market.registrations() if d.participant == "doric")
    return document.model_copy(update=changes)


def publish_more(session, *documents, valid_from, valid_to=None, known=KNOWN - MINUTE):
    return publish(
        session, documents, valid_from=valid_from, valid_to=valid_to, known=known,
        reason="More law",
    )  # fmt: skip


def participants(session, day, known):
    return [each.participant for each in rules_at(session, "tiny", day, known).registrations]


def findings(refused):
    return [finding.code for finding in refused.value.findings]


def refused_findings(session, *arguments, **changes):
    before = rows(session)
    with pytest.raises(Refused) as refused:
        end_doric(session, *arguments, **changes)
    assert rows(session) == before
    return refused.value.findings


@pytest.mark.parametrize("name", ["registration/doric", DORIC])
def test_a_document_ends_on_a_day_and_the_end_has_names_reason_and_leaf(session, name):
    publish_tiny(session)
    (standing,) = rows(session, f"instrument = '{DORIC}'")
    ended = end_doric(session, name=name)
    assert (ended.appended, ended.valid_to) == (True, dt.datetime(2024, 5, 31, 23, tzinfo=dt.UTC))
    assert ended.closed == (standing["id"],)
    _, last = rows(session, f"instrument = '{DORIC}'")
    assert (last["author"], last["approver"], last["reason"]) == tuple(DECISION.values())
    assert (last["supersedes"], last["origin"]) == ([standing["id"]], None)
    assert last["digest"] == standing["digest"]
    leaves = "SELECT count(*) FROM ledger.log_leaf WHERE source = 'rulebook.version' AND key = :id"
    assert session.execute(text(leaves), {"id": str(last["id"])}).scalar_one() == 1
    assert "doric" in participants(session, dt.date(2024, 5, 31), KNOWN)
    assert "doric" not in participants(session, JUNE, KNOWN)
    assert "doric" in participants(session, JUNE, KNOWN - MINUTE)
    assert list(verify(session)) == []


def test_to_end_it_again_on_the_same_day_changes_nothing(session):
    publish_tiny(session)
    end_doric(session)
    before = rows(session)
    again = end_doric(session, known=KNOWN + MINUTE)
    assert not again.appended
    assert rows(session) == before
    sooner = end_doric(session, dt.date(2024, 5, 1), known=KNOWN + MINUTE)
    assert sooner.valid_to == dt.datetime(2024, 4, 30, 23, tzinfo=dt.UTC)
    (later,) = refused_findings(session, JULY, known=KNOWN + 2 * MINUTE)
    assert later.code == "document-has-ended"
    assert "it applies until 2024-05-01 already" in later.limit
    publish_more(session, doric(), valid_from=dt.date(2024, 5, 1), known=KNOWN + 3 * MINUTE)
    assert "doric" in participants(session, AUGUST, KNOWN + 3 * MINUTE)
    assert list(verify(session)) == []


def test_versions_for_later_days_end_with_it(session):
    publish_tiny(session)
    publish_more(session, doric(title="Doric of July"), valid_from=JULY)
    ended = end_doric(session)
    assert len(ended.closed) == 2
    assert "doric" not in participants(session, AUGUST, KNOWN)
    assert list(verify(session)) == []


def test_a_version_after_a_gap_is_ended_and_the_one_before_it_keeps_its_end(session):
    publish_tiny(session)
    end_doric(session, dt.date(2024, 5, 1), known=KNOWN - 2 * MINUTE)
    publish_more(session, doric(title="Doric of July"), valid_from=JULY)
    ended = end_doric(session)
    assert ended.valid_to == dt.datetime(2024, 4, 30, 23, tzinfo=dt.UTC)
    assert "doric" not in participants(session, AUGUST, KNOWN)
    assert list(verify(session)) == []


def test_every_reason_against_an_end_is_named_at_once(session):
    publish_tiny(session)
    (unknown,) = refused_findings(session, name="registration/dorik")
    assert unknown.code == "document-unknown"
    assert unknown.remedy == f"write {DORIC}"
    (nowhere,) = refused_findings(session, name="no/such")
    assert "`rules_at tiny DAY`" in nowhere.remedy
    (early,) = refused_findings(session, dt.date(2024, 1, 1))
    assert early.code == "ends-before-it-begins"
    assert "2024-01-01" in early.limit
    (never,) = refused_findings(session, dt.date(9999, 12, 31))
    assert never.code == "validity-out-of-range"
    alone = refused_findings(session, reason=" ")
    assert [each.code for each in alone][:1] == ["reason-missing"]
    (back,) = refused_findings(session, known=KNOWN - dt.timedelta(days=100))
    assert back.code == "recorded-before-the-last"


def test_what_rests_on_a_document_ends_before_it(session):
    publish_tiny(session, [*tiny_market.documents(), *tiny_market.charges()])
    law = {
        "grid-model": ["validity-gap"] * 5,
        "allocation-policy": ["validity-gap"] * 5,
        "market-rules": ["validity-gap"] * 9,
    }
    for name, expected in law.items():
        found = refused_findings(session, name=name)
        assert [each.code for each in found] == expected, name
    assert f"end {DORIC} no later than tiny/market-rules" in "\n".join(f.remedy for f in found)
    # Charges are linked to meters of doric, and elder collects them.
    assert {each.code for each in refused_findings(session)} == {"link-unknown-supply-point"}
    owner = refused_findings(session, name="registration/elder")
    assert {each.place.partition(":")[0] for each in owner} == {"tiny/charge-list/elder"}
    end_doric(session, name="settlement-terms")
    end_doric(session, name="charge-list/elder", known=KNOWN + MINUTE)
    end_doric(session, known=KNOWN + 2 * MINUTE)
    assert list(verify(session)) == []


def test_a_whole_market_ends_in_an_order(session):
    publish_tiny(session)
    names = ["settlement-terms", *(f"registration/{p}" for p in ("alder", "birch", "cedar"))]
    names += ["registration/doric", "allocation-policy", "grid-model", "market-rules"]
    for minute, name in enumerate(names):
        end_doric(session, name=name, known=KNOWN + minute * MINUTE)
    with pytest.raises(Refused) as refused:
        rules_at(session, "tiny", JUNE, KNOWN + dt.timedelta(hours=1))
    assert findings(refused) == ["validity-gap"] * 4
    assert list(verify(session)) == []


@pytest.mark.parametrize("checked", [True, False], ids=["checked", "by the database"])
def test_the_law_of_sealed_days_does_not_end(session, monkeypatch, checked):
    publish_tiny(session)
    ingest_tiny(session)
    settle_tiny(session)
    seal_days(session, seal_request(), KNOWN - MINUTE)
    if not checked:  # as if a seal came in between
        for module in (propose, approve):
            monkeypatch.setattr(module, "sealed_spans", lambda _: {})
    with pytest.raises(Refused) as refused, session.begin_nested():
        end_doric(session, dt.date(2024, 1, 3))
    (finding,) = refused.value.findings
    assert finding.code == "law-of-sealed-day"
    assert finding.place == DORIC
    assert "ledger." not in str(finding)
    assert "violates" not in str(finding)
    assert ("2024-01-03" in finding.value) != checked or "2024-01-03T00:00Z" in finding.value
    ended = end_doric(session, dt.date(2024, 1, 4))
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    assert ended.appended


def test_what_stands_beyond_the_end_asked_for_is_refused_and_the_command_named(session):
    """Case 152: it was `unchanged`, and went on without end."""
    publish_tiny(session)
    before = rows(session)
    with pytest.raises(Refused) as refused:
        publish_more(session, doric(), valid_from=FIRST_DAY, valid_to=JUNE)
    (finding,) = refused.value.findings
    assert finding.code == "document-goes-on"
    assert finding.value == "2024-06-01, where the same text stands from 2024-01-01 without end"
    assert "`end tiny registration/doric 2024-06-01` ends it" in finding.remedy
    assert rows(session) == before
    # Pieces of the same text, one after the other, go on just so.
    publish_more(session, doric(title="May"), valid_from=dt.date(2024, 5, 1), valid_to=JUNE)
    with pytest.raises(Refused) as refused:
        publish_more(session, doric(), valid_from=FIRST_DAY, valid_to=JULY, known=KNOWN)
    assert findings(refused) == ["document-goes-on"]
    # Another text over a part of it, and the same to the end that stands, are what they were.
    publish_more(session, doric(title="Summer"), valid_from=JULY, valid_to=AUGUST, known=KNOWN)
    (same,) = publish_more(
        session, doric(title="Summer"), valid_from=JULY, valid_to=AUGUST, known=KNOWN + MINUTE
    )
    assert not same.appended


def test_the_command_ends_a_document_and_prints_it(run, decide):  # noqa: F811
    from tests.rulebook.law import GB12

    decide("law", GB12, "--valid-from", "2024-01-01")
    terms = ("end", "gb12", "settlement-terms", "2024-06-01")
    out, err, error = decide(*terms)
    assert (err, error) == ("", None)
    assert "gb12/settlement-terms  " in out
    assert "2024-01-01T00:00Z to 2024-05-31T23:00Z" in out
    out, _, error = run("propose", *terms, *DECIDED, "--json")
    assert (json.loads(out)["proposal"], error) == (None, None)
    _, _, error = run("propose", "end", "gb12", "grid-model", "2024-06-01", *DECIDED)
    assert "rests on a grid-model throughout its validity" in error
