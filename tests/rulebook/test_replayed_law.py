"""Amendments replayed in order give the consolidated law at every date, as known at every moment.

The store on a real PostgreSQL, by the functions that publish, approve and end, is held to a model
that knows no versions: a calendar on which each decision writes a text, or none, over its days.
"""

import datetime as dt
from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.refusals import Refused
from database.session import make_engine
from rulebook.days import day_start
from rulebook.digest import document_digest
from rulebook.law import rules_at
from rulebook.resolve import MARKET_WIDE, doubled_parts
from rulebook.verification import verify
from tests.examples import tried
from tests.rulebook.test_resolve import version
from tests.worlds import tiny_market
from tests.worlds.law import end, publish
from tests.worlds.rolled_back import rolled_back

FIRST = dt.date(2024, 3, 27)
"""The clocks change on the fifth of the days."""
COUNT = 9
DAYS = [FIRST + dt.timedelta(days=number) for number in range(COUNT)]
KNOWN = dt.datetime(2024, 6, 1, 9, 0, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
DOCUMENTS = {document.instrument: document for document in tiny_market.documents()}
NAMES = sorted(DOCUMENTS)
MAY_END = ["tiny/registration/doric", "tiny/settlement-terms"]
NEEDED = {f"tiny/{kind}" for kind in MARKET_WIDE}

spans = st.integers(0, COUNT - 1).flatmap(
    lambda first: st.tuples(st.just(first), st.none() | st.integers(first + 1, COUNT))
)
decisions = st.one_of(
    st.tuples(st.just("law"), st.just(tuple(NAMES)), spans),
    st.tuples(st.just("amend"), st.lists(st.sampled_from(NAMES), min_size=1, max_size=2), spans),
    st.tuples(st.just("end"), st.sampled_from(MAY_END), st.integers(1, COUNT - 1)),
)


@pytest.fixture(scope="module")
def engine(clone_database):
    made = make_engine(clone_database())
    yield made
    made.dispose()


def decide(session, decision, number, known, model):
    """Do what is decided, and write it into a copy of the model; return that."""
    what, names, when = decision
    after = deepcopy(model)
    if what == "end":
        end(session, "tiny", names, DAYS[when], known=known, reason="It ends")
        for day in range(when, COUNT):
            after[names].pop(day, None)
        return after
    first, last = when
    texts = [
        DOCUMENTS[name].model_copy(update={"title": f"Text {number}"})
        for name in dict.fromkeys(names)
    ]
    publish(
        session, texts, valid_from=DAYS[first], valid_to=None if last is None else _day(last),
        known=known, reason="It is amended",
    )  # fmt: skip
    for text in texts:
        for day in range(first, COUNT if last is None else last):
            after[text.instrument][day] = document_digest(text)
    return after


def _day(number):
    return FIRST + dt.timedelta(days=number)


def instants(day):
    """The first instant of a day, one within it, and the last."""
    begins = day_start(day, tiny_market.ZONE)
    ends = day_start(day + dt.timedelta(days=1), tiny_market.ZONE)
    return begins, begins + (ends - begins) / 3, ends - dt.datetime.resolution


def assert_says(session, model, known):
    """Hold the law of every day, as known at a moment, to the model as it was then."""
    for number, day in enumerate(DAYS):
        said = {name: texts[number] for name, texts in model.items() if number in texts}
        for instant in (day, *instants(day)) if number % 4 == 0 else (instants(day)[-1],):
            try:
                rules = rules_at(session, "tiny", instant, known)
            except Refused as refused:
                assert {each.code for each in refused.findings} == {"validity-gap"}
                missing = {each.place for each in refused.findings}
                absent = NEEDED - said.keys()
                if not any("/registration/" in name for name in said):
                    absent = absent | {"tiny/registration"}
                # Before any rules are known, the zone that dates a day is not known either.
                if instant is day and not model["tiny/market-rules"]:
                    absent = {"tiny/market-rules"}
                assert missing == absent
                assert missing
            else:
                found = [pinned.instrument for pinned in rules.versions]
                assert len(found) == len(set(found))
                assert rules.digests == said
                assert said.keys() >= NEEDED


@settings(max_examples=tried(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(decisions, min_size=2, max_size=6))
def test_replaying_all_amendments_gives_the_text_at_every_date_as_known_then(engine, made):
    made = [("law", tuple(NAMES), made[0][2] if made[0][0] == "law" else (0, None)), *made]
    with rolled_back(engine) as session:
        model, known_models = {name: {} for name in NAMES}, []
        for number, decision in enumerate(made):
            known = KNOWN + number * MINUTE
            with session.begin_nested() as attempt:
                try:
                    model = decide(session, decision, number, known, model)
                except Refused:
                    attempt.rollback()  # what is refused changes nothing, which is held to below
            known_models.append((known, model))
        for known, then in known_models:
            assert_says(session, then, known)
        assert_says(session, {name: {} for name in NAMES}, KNOWN - MINUTE)
        assert list(verify(session)) == []


def test_of_two_versions_none_is_taken_for_the_law():
    """As only a forger leaves them: the database keeps versions apart."""
    rules = version(1, 0, None, 0)
    other = replace(version(2, 0, None, 0), instrument=rules.instrument)
    alone = version(3, 0, None, 0, "m/grid-model")
    (finding,) = doubled_parts([rules, other, alone], rules.valid_from)
    assert (finding.code, finding.place) == ("versions-overlap", "m/market-rules")
    assert list(doubled_parts([rules, alone], rules.valid_from)) == []
