"""The life of a change on the real database: its steps, its refusals, and races of two."""

import dataclasses
import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from common.refusals import Refused
from database.session import make_engine, transaction
from rulebook.changes import store
from rulebook.changes.life import Wanted, next_event
from rulebook.changes.steps import Kind, State, transitions
from settlement.enactment.approve import approve
from settlement.enactment.change_law import rebase
from settlement.enactment.changes import drawn_draft, find, revise, take_step
from settlement.notices.derivation import derive_notices
from settlement.notices.notice import Sort
from settlement.verification import list_checks
from tests.settlement.study_cases import metered
from tests.settlement.trial_cases import capped, changed, try_tiny
from tests.worlds import changing, tiny_market
from tests.worlds.changing import MINUTE, OPENED
from tests.worlds.law import publish
from tests.worlds.people import act_as, acting_as
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import publish_tiny

LATER = OPENED + dt.timedelta(days=90)


@pytest.fixture
def tiny(world_of):
    """The tiny market with its law; rolled back."""
    with rolled_back(world_of(publish_tiny)[0]) as session:
        yield session


def codes_of(refused) -> list[str]:
    return sorted(finding.code for finding in refused.value.findings)


def refused_codes(act) -> list[str]:
    with pytest.raises(Refused) as refused:
        act()
    return codes_of(refused)


def findings(session):
    return [found for check in list_checks() for found in check.run(session)]


def test_the_database_has_the_table_of_steps(session):
    rows = session.execute(text("SELECT * FROM rulebook.change_steps()")).all()
    found = sorted(
        ((kind, before, after, sorted(parties), another) for
         kind, before, after, parties, another in rows),
        key=lambda row: (row[0], row[1] or ""),
    )  # fmt: skip
    assert found == transitions()


def test_a_change_goes_from_a_problem_to_law_and_is_proven(world_of):
    with rolled_back(world_of(metered)[0]) as session:
        changing.fill_changes(session)
        first, second = store.lives(session).values()
        assert (first.state, second.state) == (State.APPROVED, State.DRAFT)
        assert [event.sequence for event in first.events] == list(range(1, len(first.events) + 1))
        assert second.change.participant == "doric"
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        assert findings(session) == []


def test_participants_are_told_of_what_concerns_them(world_of):
    with rolled_back(world_of(metered)[0]) as session:
        changing.fill_changes(session)
        told = [each for each in derive_notices(session, LATER) if each.sort is Sort.CHANGE]
        everybody = {each.participant for each in told}
        steps = {
            who: sorted(each.subject for each in told if each.participant == who)
            for who in everybody
        }
    assert len(everybody) > 1
    assert steps.pop("doric") == ["accept", "approve", "consult", "reply"]
    assert all(of_one == ["accept", "approve", "consult"] for of_one in steps.values())


def test_every_reason_against_a_step_is_told_at_once(tiny):
    number = changing.opened(tiny)
    act = lambda: changing.step(tiny, number, Kind.ACCEPT, "ada", reason=" ")  # noqa: E731
    assert refused_codes(act) == [
        "change-step-of-others",
        "change-step-out-of-order",
        "change-without-revision",
        "review-without-day",
        "text-malformed",
    ]


def test_a_consultation_is_open_as_long_as_its_rule_says_and_every_response_is_answered(tiny):
    number = changing.reviewed(tiny)
    short = lambda: changing.consult(tiny, number, dt.date(2024, 3, 29))  # noqa: E731
    assert refused_codes(short) == ["consultation-too-short"]
    changing.consult(tiny, number)
    ends_at = find(tiny, number).consultation_ends_at
    early = lambda: changing.step(tiny, number, Kind.CLOSE, "grace")  # noqa: E731
    assert refused_codes(early) == ["consultation-open"]
    respond = {"account": "desk-of-doric", "participant": "doric"}
    said = changing.step(tiny, number, Kind.RESPOND, at=ends_at - MINUTE, **respond)
    late = lambda: changing.step(tiny, number, Kind.RESPOND, at=ends_at, **respond)  # noqa: E731
    assert refused_codes(late) == ["consultation-over"]
    close = lambda: changing.step(tiny, number, Kind.CLOSE, "grace", ends_at)  # noqa: E731
    assert refused_codes(close) == ["responses-unanswered"]
    changing.step(tiny, number, Kind.REPLY, "grace", ends_at, answers=said.sequence)
    assert close().state is State.CONSULTED


def test_a_revision_is_drawn_from_law_that_was_published(tiny):
    """What a draft says that it was drawn from is told as what it changes: no word is taken."""
    number, rules = changing.opened(tiny), tiny_market.market_rules()
    texts = changing.placed(capped(rules))
    with acting_as(tiny, "ada"):
        drawn = drawn_draft(tiny, "tiny", texts, changing.WANTED, OPENED)
        title = {rules.instrument: {**drawn.base[rules.instrument], "title": "Never published"}}

        def save(**changes):
            draft = dataclasses.replace(drawn, **changes)
            return revise(
                tiny, number, draft, None, changing.WANTED, reason="Lower", now=OPENED + MINUTE
            )

        early = drawn.drawn_from - dt.timedelta(days=3650)
        assert refused_codes(lambda: save(base=title)) == ["draft-base-unpublished"]
        assert refused_codes(lambda: save(drawn_from=early)) == ["draft-base-unpublished"]
        assert refused_codes(lambda: save(base={})) == ["draft-base-missing"]
        assert len(save().revisions) == 1


def test_the_market_rules_say_how_long_a_consultation_is_open_at_least(tiny):
    """Both the use case and the guard of the database ask the rules of the moment."""
    number = changing.reviewed(tiny)
    rules = changed(tiny_market.market_rules(), consultation_days=40)
    asked_at = find(tiny, number).events[-1].at
    publish(tiny, [rules], valid_from=dt.date(2024, 1, 1), known=asked_at + MINUTE / 2,
            reason="Longer")  # fmt: skip
    at = asked_at + MINUTE
    short = lambda: changing.consult(tiny, number, dt.date(2024, 4, 8))  # noqa: E731
    with pytest.raises(Refused, match="open for 40 days or more"):
        short()
    stated = {"last_day": "2024-04-08", "ends_at": "2024-04-08T23:00:00.000000Z"}
    life = find(tiny, number)
    event = next_event(life, Wanted(Kind.CONSULT, "Say", body=stated), "grace", at)
    with (
        acting_as(tiny, "grace"),
        pytest.raises(Refused, match="waits for what it needs"),
        tiny.begin_nested(),
    ):
        store.append_event(tiny, event)
    assert changing.consult(tiny, number, dt.date(2024, 4, 30)).state is State.IN_CONSULTATION


def test_a_revision_voids_what_was_found_and_what_waits(tiny):
    number, proposal, digest = changing.waiting(tiny)
    after = changing.revised(
        tiny, number, [capped(tiny_market.market_rules(), 140_000_000)], reason="Lower still"
    )
    assert (after.state, after.proposal) == (State.DRAFT, None)
    with acting_as(tiny, "grace"):
        approve_it = lambda: approve(tiny, proposal, digest, LATER)  # noqa: E731
        assert refused_codes(approve_it) == ["proposal-of-older-revision"]


def test_who_writes_a_text_neither_decides_on_it_nor_approves_it(tiny):
    number = changing.opened(tiny, "grace", urgency="Now")
    changing.revised(tiny, number, account="grace")
    changing.step(tiny, number, Kind.ASK_REVIEW, "grace")
    assert refused_codes(lambda: changing.assess(tiny, number)) == ["two-people"]


def test_an_assessment_names_trials_of_exactly_the_last_revision(world_of):
    with rolled_back(world_of(metered)[0]) as session:
        number = changing.reviewed(session, urgency="Now")
        of_it = try_tiny(session).trial
        other = try_tiny(session, [capped(tiny_market.market_rules(), 90_000_000)]).trial
        wrong = lambda: changing.assess(session, number, [of_it.id, other.id])  # noqa: E731
        assert refused_codes(wrong) == ["trial-of-another-draft"]
        assert changing.assess(session, number, [of_it.id]).state is State.ASSESSED
        assert findings(session) == []


def test_law_that_moved_asks_for_a_rebase_which_keeps_both(tiny):
    number = changing.determined(tiny)
    rules = changed(tiny_market.market_rules(), title="Rules, second issue")
    publish(tiny, [rules], valid_from=dt.date(2024, 4, 1), known=OPENED + dt.timedelta(days=1))
    when = OPENED + dt.timedelta(days=2)
    assert refused_codes(lambda: changing.propose(tiny, number, at=when)) == ["draft-base-moved"]
    with acting_as(tiny, "ada"):
        after = rebase(tiny, number, reason="The title changed", now=when)
    body = after.revision.draft["documents"]["tiny/market-rules"]["body"]
    assert (body["title"], body["price_cap_micro_per_mwh"]) == ("Rules, second issue", 150_000_000)
    assert after.state is State.DRAFT
    with acting_as(tiny, "ada"):
        again = lambda: rebase(tiny, number, reason="Once more", now=when)  # noqa: E731
        assert refused_codes(again) == ["base-not-moved"]


@pytest.fixture
def racing(clone_database):
    """Engine of a database that commits, with the tiny market's law in it."""
    made = make_engine(clone_database())
    with transaction(made) as session:
        publish_tiny(session)
    yield made
    made.dispose()


def at_once(engine, *acts):
    """Run acts in transactions of their own that begin together; return what each came to."""
    ready = threading.Barrier(len(acts))

    def run(act):
        with transaction(engine) as session:
            session.execute(text("SELECT 1"))
            ready.wait()
            try:
                return act(session)
            except Refused as refused:
                session.rollback()
                return [finding.code for finding in refused.findings]

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_of_two_revisions_of_one_parent_one_is_saved(racing):
    with transaction(racing) as session:
        number = changing.opened(session)
        changing.revised(session, number)
        at = find(session, number).events[-1].at + MINUTE
    caps = {"ada": 140_000_000, "rufus": 130_000_000}

    def revise(account):
        documents = [capped(tiny_market.market_rules(), caps[account])]
        return lambda session: (
            changing.revised(session, number, documents, account, at, parent=1).revision.number
        )

    came = at_once(racing, revise("ada"), revise("rufus"))
    assert sorted(map(str, came)) == ["2", "['revision-of-an-older']"]


def test_of_two_steps_that_saw_the_same_one_is_taken(racing):
    with transaction(racing) as session:
        number = changing.reviewed(session)
        life = find(session, number)

    def take(kind, account):
        def act(session):
            act_as(session, account)
            wanted = Wanted(kind, "Either", saw=life.sequence)
            return take_step(session, number, wanted, life.events[-1].at + MINUTE).state

        return act

    came = at_once(racing, take(Kind.ASK_CHANGES, "grace"), take(Kind.REJECT, "rufus"))
    lost = [each for each in came if isinstance(each, list)]
    assert len(lost) == 1
    assert "change-went-on" in lost[0]


def test_an_approval_and_a_revision_at_once_never_both_stand(racing):
    with transaction(racing) as session:
        number, proposal, digest = changing.waiting(session)
    act = lambda session: (act_as(session, "grace"), approve(session, proposal, digest, LATER))  # noqa: E731
    edit = lambda session: changing.revised(  # noqa: E731
        session, number, [capped(tiny_market.market_rules(), 90_000_000)], at=LATER
    )
    came = at_once(racing, act, edit)
    assert len([each for each in came if isinstance(each, list)]) == 1
    with transaction(racing) as session:
        life = find(session, number)
        approved = session.scalar(
            text("SELECT count(*) FROM people.approval WHERE proposal = :n"), {"n": proposal}
        )
        assert (life.state, approved) in ((State.APPROVED, 1), (State.DRAFT, 0))


APPROVE = """
INSERT INTO people.approval (proposal, content_digest, approved_by, approved_at, digest)
SELECT number, content_digest, 'grace', proposed_at, sha256('x') FROM people.proposal
WHERE number = :number
"""


def test_the_database_itself_refuses_an_approval_of_an_older_revision(tiny):
    number, proposal, _ = changing.waiting(tiny)
    changing.revised(tiny, number, [capped(tiny_market.market_rules(), 90_000_000)])
    act_as(tiny, "grace")
    with pytest.raises(IntegrityError, match="of an older state of change"):
        tiny.execute(text(APPROVE), {"number": proposal})


def test_the_database_refuses_that_approval_while_the_revision_is_committed_beside_it(racing):
    """The approval begins before the revision is there, waits for it, and is refused."""
    with transaction(racing) as session:
        number, proposal, _ = changing.waiting(session)
    begun = threading.Event()

    def approve_by_hand():
        with transaction(racing) as session:
            act_as(session, "grace")
            session.execute(text("SELECT 1"))
            begun.set()
            session.execute(text(APPROVE), {"number": proposal})

    with ThreadPoolExecutor(1) as pool:
        with transaction(racing) as session:
            changing.revised(session, number, [capped(tiny_market.market_rules(), 90_000_000)])
            waits = pool.submit(approve_by_hand)
            assert begun.wait(10)
            while not session.scalar(
                text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            ):
                pass
        with pytest.raises(IntegrityError, match="of an older state of change"):
            waits.result(30)


def test_an_approval_by_hand_without_its_step_is_not_committed(tiny):
    _, proposal, _ = changing.waiting(tiny)
    act_as(tiny, "grace")
    tiny.execute(text(APPROVE), {"number": proposal})
    with pytest.raises(IntegrityError, match="no step of a change says so"):
        tiny.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


def test_nobody_opens_a_change_of_a_market_without_law(session):
    assert refused_codes(lambda: changing.opened(session)) == ["market-unknown"]
    assert store.lives(session) == {}
