"""An approval that waits is recorded when it began: what is done meanwhile must not rest on it.

Commands read the clock before they hold the locks. A run, interest and documents say up to when
they knew the law; law that is recorded earlier, but stored later, would belie them.
"""

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from common.refusals import Refused
from database.session import make_engine, transaction
from settlement.accounts.late import post_interest
from settlement.billing.issuing import issue_month
from settlement.enactment.approve import approve
from settlement.enactment.propose import propose_publication
from settlement.runs import store
from settlement.runs.settle import settle
from settlement.verification import list_checks
from tests.settlement.study_cases import metered, study_tiny
from tests.worlds import people, tiny_market
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import FIRST_DAY, LAST_DAY, SETTLED, bill_tiny, fill_tiny, settle_tiny

MINUTE = dt.timedelta(minutes=1)
OVERDUE = SETTLED + dt.timedelta(days=40)


def propose_longer_term(session: Session, when: dt.datetime) -> tuple[int, str]:
    """Propose that documents are due a day later; return the proposal's number and digest."""
    terms = tiny_market.settlement_terms()
    longer = terms.model_copy(update={"payment_term_days": terms.payment_term_days + 1})
    with people.acting_as(session, "ada"):
        _, made = propose_publication(
            session, [longer], valid_from=FIRST_DAY, now=when, reason="Too short"
        )
    return made.number, made.content_digest.hex()


def approve_at(session: Session, proposal: tuple[int, str], when: dt.datetime) -> None:
    with people.acting_as(session, "grace"):
        approve(session, *proposal, when)


def found_in(session: Session) -> list:
    return [finding for check in list_checks() for finding in check.run(session)]


def owe_interest(session: Session) -> object:
    return post_interest(session, "tiny", OVERDUE.date(), now=OVERDUE)


ACTS: dict[str, tuple[Callable, Callable, dt.datetime]] = {
    "a run settled": (metered, settle_tiny, SETTLED),
    "a run that is a study settled": (metered, study_tiny, SETTLED),
    "documents were issued": (
        fill_tiny,
        lambda session: issue_month(session, "tiny", FIRST_DAY, now=SETTLED + MINUTE),
        SETTLED + MINUTE,
    ),
    "interest was posted": (bill_tiny, owe_interest, OVERDUE),
}
"""What stands before, what is done by the law as it is known, and when."""


@pytest.mark.parametrize("act", ACTS)
def test_an_approval_that_waited_while_the_law_was_relied_on_is_given_again(world_of, act):
    world, do, done_at = ACTS[act]
    with rolled_back(world_of(world)[0]) as session:
        proposal = propose_longer_term(session, done_at - MINUTE / 3)
        do(session)
        with pytest.raises(Refused) as refused:
            approve_at(session, proposal, done_at)
        (finding,) = refused.value.findings
        assert finding.code == "law-relied-on-since"
        assert act.replace(" that is a study", "") in finding.limit
        approve_at(session, proposal, done_at + MINUTE)
        assert found_in(session) == []


@pytest.fixture
def engine(clone_database):
    """A database of the tiny market, published and metered, of which transactions are committed."""
    made: Engine = make_engine(clone_database())
    with transaction(made) as session:
        metered(session)
    yield made
    made.dispose()


def settle_only(session: Session, progress: Callable[[int, int], None]) -> object:
    days = (FIRST_DAY, LAST_DAY)
    return settle(session, "tiny", "II", *days, known_at=SETTLED, now=SETTLED, progress=progress)


def study(session: Session, progress: Callable[[int, int], None]) -> object:
    return study_tiny(session, progress=progress)


@pytest.mark.parametrize("compute", [settle_only, study])
@pytest.mark.parametrize(("began", "is_refused"), [(-MINUTE / 2, True), (MINUTE / 2, False)])
def test_law_that_moves_while_days_are_computed_stops_the_run_that_should_obey_it(
    engine, compute, began, is_refused
):
    with transaction(engine) as session:
        proposal = propose_longer_term(session, SETTLED - MINUTE)

    def approve_meanwhile(done: int, total: int) -> None:
        if done == total:
            with transaction(engine) as other:
                approve_at(other, proposal, SETTLED + began)

    def run() -> object:
        with transaction(engine) as session:
            return compute(session, approve_meanwhile)

    if is_refused:
        with pytest.raises(Refused, match="law-moved-while-settling"):
            run()
    else:
        run()
    with transaction(engine) as session:
        assert bool(store.list_runs(session)) is not is_refused
        assert found_in(session) == []
