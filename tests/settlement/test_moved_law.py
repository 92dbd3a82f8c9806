"""A proposal meets the law that it was made for, or nobody approves it as it stands.

What two people decided while it waited, its texts would undo unseen: of the same document, on the
same days.
"""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import text

from common.refusals import Refused
from database.session import transaction
from rulebook.moves import first_move
from rulebook.store import records
from settlement.enactment.approval_verification import UNSHOWN
from settlement.enactment.approve import approve
from settlement.enactment.changes import find
from settlement.enactment.moved_law import check_moved
from settlement.enactment.propose import propose_ending, propose_publication
from settlement.verification import list_checks
from tests.settlement.trial_cases import capped
from tests.worlds import changing, people, tiny_market
from tests.worlds.law import publish
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import PUBLISHED, publish_tiny

MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
ASKED = PUBLISHED + HOUR
APRIL, MAY, JUNE = dt.date(2024, 4, 1), dt.date(2024, 5, 1), dt.date(2024, 6, 1)
TERMS = "tiny/settlement-terms"


def terms(days: int):
    return tiny_market.settlement_terms().model_copy(update={"payment_term_days": days})


def member(**changes):
    """Return the registration of one who holds nothing."""
    found = tiny_market.registrations()[0]
    nothing = {"supply_points": (), "units": ()}
    return found.model_copy(update={"participant": "elder", **nothing, **changes})


def proposed(session, document, first=MAY, last=None, when=ASKED):
    with people.acting_as(session, "ada"):
        _, made = propose_publication(
            session, [document], valid_from=first, valid_to=last, now=when, reason="Too short"
        )
    return made


def approved(session, made, when):
    with people.acting_as(session, "grace"):
        return approve(session, made.number, made.content_digest.hex(), when)


def refused(session, made, when):
    with pytest.raises(Refused) as caught, session.begin_nested():
        approved(session, made, when)
    return caught.value.findings


@pytest.fixture
def tiny(world_of):
    with rolled_back(world_of(publish_tiny)[0]) as session:
        yield session


def test_the_second_of_two_that_wait_for_one_document_is_refused(tiny):
    first, second = proposed(tiny, terms(20)), proposed(tiny, terms(21), JUNE, when=ASKED + MINUTE)
    assert not list(check_moved(tiny, second))
    approved(tiny, first, ASKED + HOUR)
    (finding,) = refused(tiny, second, ASKED + 2 * HOUR)
    assert (finding.code, finding.place) == ("law-has-moved", f"proposal {second.number}: {TERMS}")
    assert f"proposal {first.number} made {TERMS} another at 2024-03-01T11:00Z" in finding.value
    assert "from 2024-05-31T23:00Z" in finding.value, "the first of the days that both are for"
    assert "withdraw or reject it, and propose anew" in finding.remedy
    again = proposed(tiny, terms(21), JUNE, when=ASKED + 2 * HOUR)
    approved(tiny, again, ASKED + 3 * HOUR)
    assert found_in(tiny) == []


@pytest.mark.parametrize(
    "other",
    [
        (terms(20), APRIL, MAY),  # records the rest of the old version again
        (terms(20), JUNE, None),
        (capped(tiny_market.market_rules()), MAY, None),
    ],
    ids=["days before", "days after", "another document"],
)
def test_law_of_other_days_or_documents_is_no_conflict(tiny, other):
    document, first, last = other
    between, waits = proposed(tiny, document, first, last), proposed(tiny, terms(21), MAY, JUNE)
    approved(tiny, between, ASKED + HOUR)
    approved(tiny, waits, ASKED + 2 * HOUR)


def test_law_that_moved_and_is_what_it_was_again_is_no_conflict(tiny):
    waits, stood = proposed(tiny, terms(21)), tiny_market.settlement_terms()
    publish(tiny, [terms(20)], valid_from=MAY, known=ASKED + MINUTE)
    assert [found.code for found in check_moved(tiny, waits)] == ["law-has-moved"]
    publish(tiny, [stood], valid_from=MAY, known=ASKED + HOUR)
    approved(tiny, waits, ASKED + 2 * HOUR)


def test_a_document_that_ended_or_began_meanwhile_has_moved(tiny):
    began, again = proposed(tiny, member()), proposed(tiny, member(), JUNE)
    approved(tiny, began, ASKED + HOUR)
    assert [found.code for found in refused(tiny, again, ASKED + 2 * HOUR)] == ["law-has-moved"]
    waits = proposed(tiny, member(title="In other words"), JUNE, when=ASKED + 3 * HOUR)
    with people.acting_as(tiny, "ada"):
        _, end = propose_ending(
            tiny,
            "tiny",
            "registration/elder",
            JUNE,
            now=ASKED + 3 * HOUR + MINUTE,
            reason="It leaves",
        )
    approved(tiny, end, ASKED + 4 * HOUR)
    (finding,) = refused(tiny, waits, ASKED + 5 * HOUR)
    assert f"proposal {end.number} made tiny/registration/elder another" in finding.value


def test_an_end_is_refused_where_other_law_came_for_the_days_that_it_ends(tiny):
    elder = member()
    publish(tiny, [elder], valid_from=MAY, known=ASKED)
    with people.acting_as(tiny, "ada"):
        _, end = propose_ending(
            tiny, "tiny", "registration/elder", JUNE, now=ASKED + MINUTE, reason="It leaves"
        )
    renamed = member(title="In other words")
    publish(tiny, [renamed], valid_from=JUNE, known=ASKED + HOUR)
    assert [found.code for found in refused(tiny, end, ASKED + 2 * HOUR)] == ["law-has-moved"]


def test_a_law_change_that_waits_asks_for_a_rebase(tiny):
    number = changing.determined(tiny)
    proposal, digest = changing.propose(tiny, number)
    when = find(tiny, number).events[-1].at
    rules = tiny_market.market_rules().model_copy(update={"title": "Rules, in other words"})
    publish(tiny, [rules], valid_from=changing.WANTED.valid_from, known=when + MINUTE, reason="x")
    with people.acting_as(tiny, "grace"), pytest.raises(Refused) as caught:
        approve(tiny, proposal, digest, when + HOUR, "Read")
    assert [found.code for found in caught.value.findings] == ["law-has-moved"]
    assert f"rebase change {number}" in caught.value.findings[0].remedy


def found_in(session) -> list:
    return [found for check in list_checks() for found in check.run(session)]


def test_an_approval_that_nobody_held_to_the_law_is_named_by_verify(tiny, monkeypatch):
    """No trigger asks it: two people with code of their own would have it stored."""
    monkeypatch.setattr("settlement.enactment.approve.check_moved", lambda *_: [])
    first, second = proposed(tiny, terms(20)), proposed(tiny, terms(21), JUNE)
    for made, when in ((first, HOUR), (second, 2 * HOUR)):
        approved(tiny, made, ASKED + when)
    (finding,) = found_in(tiny)
    assert (finding.code, finding.place) == (UNSHOWN, f"people.approval {second.number}")
    assert f"proposal {first.number} made {TERMS} another" in finding.value


def test_an_end_that_leaves_points_without_a_supplier_is_named_by_verify(tiny, monkeypatch):
    """What the participant held by the end, nobody was chosen to take over."""
    for name in ("check_left", "check_moved"):
        monkeypatch.setattr(f"settlement.enactment.approve.{name}", lambda *_: [])
    publish(tiny, [member()], valid_from=MAY, known=ASKED)
    with people.acting_as(tiny, "ada"):
        _, end = propose_ending(
            tiny, "tiny", "registration/elder", JUNE, now=ASKED + MINUTE, reason="It leaves"
        )
    supplier = next(each for each in tiny_market.registrations() if each.supply_points)
    point = supplier.supply_points[0].model_copy(update={"supply_point": "E-home"})
    holds = member(roles=supplier.roles, supply_points=(point,))
    publish(tiny, [holds], valid_from=MAY, valid_to=JUNE, known=ASKED + HOUR)
    approved(tiny, end, ASKED + 2 * HOUR)
    named = {(each.code, each.place) for each in found_in(tiny)}
    assert named == {(UNSHOWN, f"people.approval {end.number}")}
    assert any("E-home" in each.value for each in found_in(tiny))


@pytest.mark.parametrize("trial", range(5))
def test_of_two_who_approve_at_once_one_wins(committed_database, trial):
    with transaction(committed_database) as session:
        publish_tiny(session)
        both = [proposed(session, terms(20)), proposed(session, terms(21), JUNE)]
    start = Barrier(2)

    def decide(made) -> str:
        with transaction(committed_database) as session:
            session.execute(text("SELECT 1"))
            start.wait()
            try:
                approved(session, made, ASKED + HOUR + made.number * MINUTE)
            except Refused as caught:
                session.rollback()
                return caught.findings[0].code
            return "law"

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(decide, both))
    assert outcomes[0] == "law"
    # Whoever came first as the clock has it, but later to the lock, is told so instead.
    assert outcomes[1] in {"law-has-moved", "recorded-before-the-last"}
    with transaction(committed_database) as session:
        named = {each.approval for each in records(session, "tiny", [TERMS])[TERMS]}
    assert len(named & {made.number for made in both}) == 1


def test_a_history_without_a_version_has_not_moved():
    assert first_move((), (PUBLISHED, None), ASKED) is None
