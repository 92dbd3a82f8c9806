"""The table of steps, the reducer over events, and drafts laid over law that moved: pure."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulebook.changes.basing import moved_findings, rebased
from rulebook.changes.breaches import breaches, opening_findings, steps_open_to
from rulebook.changes.life import Actor, Life, Wanted, next_event, state_after
from rulebook.changes.records import (
    ChangeRow,
    RevisionRow,
    draft_as_json,
    draft_of_revision,
)
from rulebook.changes.steps import (
    OPEN_STATES,
    SHORTEST_CONSULTATION_DAYS,
    STEPS,
    STORED_STATES,
    Kind,
    Party,
    State,
)
from rulebook.digest import document_body
from rulebook.drafting import Draft
from rulebook.publication import Placed
from rulebook.versions import instant_text
from tests.settlement.trial_cases import capped, changed
from tests.worlds import tiny_market

NOW = dt.datetime(2024, 3, 1, 9, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
CHANGE = ChangeRow(
    7, "tiny", "Lower the cap", "It is high", "Lower bills", "It stays high", ("Lower it",), "",
    "ada", None, NOW,
)  # fmt: skip
ADA = Actor("ada", 1, frozenset({"operator"}), frozenset())
GRACE = Actor("grace", 2, frozenset({"regulator"}), frozenset())
DORIC = Actor("dora", 3, frozenset({"participant"}), frozenset({("tiny", "doric")}))
RULES = tiny_market.market_rules()


def draft(document=None, base=RULES) -> Draft:
    placed = Placed("market-rules.yaml", document or capped(RULES))
    return Draft("tiny", (placed,), {base.instrument: document_body(base)}, NOW)


def revision(number: int = 1, author: str = "ada") -> RevisionRow:
    text = draft()
    return RevisionRow(
        7, number, number - 1 or None, NOW, NOW + 90 * DAY, None, draft_as_json(text),
        text.digest, author, NOW,
    )  # fmt: skip


def life_of(*kinds: tuple[Kind, Actor], change: ChangeRow = CHANGE, **bodies) -> Life:
    """Return a change after some steps, a minute apart, with one revision from the first on."""
    life = Life(change, (revision(),), (), {"ada": 1, "grace": 2})
    for kind, actor in kinds:
        wanted = Wanted(kind, "Because", body=bodies.get(kind.name.lower(), {}))
        at = NOW + dt.timedelta(minutes=len(life.events))
        event = next_event(life, wanted, actor.account, at)
        life = replace(life, events=(*life.events, event))
    return life


def codes(life: Life, wanted: Wanted, actor: Actor, now: dt.datetime = NOW + DAY) -> list[str]:
    return sorted(finding.code for finding in breaches(life, wanted, actor, now))


IN_REVIEW = ((Kind.OPEN, ADA), (Kind.REVISE, ADA), (Kind.ASK_REVIEW, ADA))
LONG_ENOUGH = {"ends_at": instant_text(NOW + DAY + dt.timedelta(days=SHORTEST_CONSULTATION_DAYS))}


def test_every_state_that_is_stored_is_reached_and_every_open_one_is_left():
    reached, found = set(), {None}
    while found - reached:
        reached |= found
        found = {state_after(state, kind) for state in reached for kind in Kind}
    assert reached - {None} == STORED_STATES
    for state in OPEN_STATES:
        assert state_after(state, Kind.REVISE) is State.DRAFT
        assert state_after(state, Kind.WITHDRAW) is State.WITHDRAWN
    for state in (State.WITHDRAWN, State.REJECTED):
        assert [kind for kind in Kind if state_after(state, kind)] == []


def test_what_decides_is_never_the_deed_of_whoever_wrote_the_text():
    for kind in (Kind.CONSULT, Kind.ASSESS, Kind.ACCEPT, Kind.APPROVE):
        assert STEPS[kind].by_another
        assert STEPS[kind].by == {Party.REGULATOR}


@given(st.lists(st.sampled_from(Kind), max_size=30))
def test_the_state_is_that_of_the_table_whatever_steps_are_tried(kinds):
    life, state = Life(CHANGE, (revision(),)), None
    for kind in kinds:
        after = state_after(state, kind)
        if after is None:
            with pytest.raises(ValueError, match="does not follow"):
                next_event(life, Wanted(kind, "Because"), "ada", NOW)
            continue
        event = next_event(life, Wanted(kind, "Because"), "ada", NOW)
        life, state = replace(life, events=(*life.events, event)), after
    assert life.state == state
    assert life.sequence == len(life.events)
    for before, event in zip(life.events, life.events[1:], strict=False):
        assert event.previous_digest == before.digest


def test_every_column_of_a_row_gives_its_digest():
    for row in (CHANGE, revision(), life_of(*IN_REVIEW).events[-1]):
        for name, value in row._asdict().items():
            other = {**value, "more": 1} if isinstance(value, dict) else ("other",)
            assert row._replace(**{name: other}).digest != row.digest, name


def test_a_revision_gives_its_draft_and_its_draft_the_digest_that_trials_name():
    assert draft_of_revision("tiny", revision()).digest == draft().digest == revision().draft_digest


def test_whoever_moves_a_change_has_seen_all_of_it_and_whoever_speaks_need_not():
    life = life_of(*IN_REVIEW)
    assert codes(life, Wanted(Kind.ASK_CHANGES, "Why", saw=2), GRACE) == ["change-went-on"]
    assert codes(life, Wanted(Kind.COMMENT, "Why", saw=2), GRACE) == []


def test_a_person_of_two_accounts_is_one_person():
    second = GRACE._replace(account="adas-other", person=1)
    assert codes(life_of(*IN_REVIEW), Wanted(Kind.ASK_CHANGES, "Why"), second) == ["two-people"]


def test_somebody_acts_for_participants_that_they_were_granted():
    life = life_of(*IN_REVIEW)
    said = Wanted(Kind.COMMENT, "Why", "cedar")
    assert codes(life, said, DORIC) == ["change-acts-for-another", "change-step-of-others"]
    assert codes(life, replace(said, participant="doric"), DORIC) == []


def test_a_comment_is_on_a_clause_that_the_draft_has():
    life, of_rules = life_of(*IN_REVIEW), {"instrument": RULES.instrument}
    anchor = document_body(RULES)["clauses"][0]["anchor"]
    for body, code in (
        ({}, []),
        (of_rules, []),
        ({**of_rules, "clause": anchor}, []),
        ({**of_rules, "clause": "nowhere"}, ["clause-unknown"]),
        ({"clause": anchor}, ["clause-unknown"]),
        ({"instrument": "tiny/grid-model"}, ["document-not-in-draft"]),
    ):
        assert codes(life, Wanted(Kind.COMMENT, "Why", body=body), GRACE) == code


def test_an_urgent_change_is_assessed_at_once_and_no_other():
    life = life_of(*IN_REVIEW)
    assess = Wanted(Kind.ASSESS, "Why", body={"uncounted": "Habits"})
    assert codes(life, assess, GRACE) == ["change-not-consulted"]
    urgent = replace(life, change=CHANGE._replace(urgency="Prices hurt"))
    assert codes(urgent, assess, GRACE) == []
    consult = Wanted(Kind.CONSULT, "Why", body=LONG_ENOUGH)
    assert codes(urgent, consult, GRACE) == ["change-is-urgent"]
    assert codes(life, consult, GRACE) == []


def test_a_consultation_that_is_shorter_than_the_rule_by_a_second_is_refused():
    short = instant_text(
        NOW + DAY + dt.timedelta(days=SHORTEST_CONSULTATION_DAYS) - dt.timedelta(seconds=1)
    )
    wanted = Wanted(Kind.CONSULT, "Why", body={"ends_at": short})
    assert codes(life_of(*IN_REVIEW), wanted, GRACE) == ["consultation-too-short"]


def test_the_outcome_is_noted_once_its_day_has_come():
    steps = (
        *IN_REVIEW, (Kind.ASSESS, GRACE), (Kind.ACCEPT, GRACE), (Kind.PROPOSE, ADA),
        (Kind.APPROVE, GRACE),
    )  # fmt: skip
    life = life_of(*steps, accept={"review_from": instant_text(NOW + 400 * DAY)})
    note = Wanted(Kind.NOTE, "Bills fell by 3%")
    assert codes(life, note, ADA) == ["review-too-early"]
    assert codes(life, note, ADA, NOW + 400 * DAY) == []


@pytest.mark.parametrize(("after", "code"), [(-DAY, 1), (dt.timedelta(0), 1), (DAY, 0)])
def test_the_day_of_a_review_is_one_that_has_not_begun(after, code):
    life = life_of(*IN_REVIEW, (Kind.ASSESS, GRACE))
    body = {"review_from": instant_text(NOW + DAY + after)}
    accept = Wanted(Kind.ACCEPT, "Why", body=body)
    assert codes(life, accept, GRACE, NOW + DAY) == ["review-before-outcome"] * code


def test_the_steps_that_are_shown_are_those_that_are_taken():
    life = life_of(*IN_REVIEW)
    shown = {step.kind for step in steps_open_to(life, GRACE, None, NOW + DAY)}
    assert shown == {Kind.REVISE, Kind.COMMENT, Kind.ASK_CHANGES, Kind.CONSULT, Kind.REJECT}
    own = {step.kind for step in steps_open_to(life, ADA, None, NOW + DAY)}
    assert own == {Kind.REVISE, Kind.COMMENT, Kind.WITHDRAW}


def test_what_a_change_says_has_words_and_an_option():
    silent = CHANGE._replace(title=" ", problem="\0", options=())
    assert sorted(finding.code for finding in opening_findings(silent)) == [
        "options-missing", "text-malformed", "text-malformed",
    ]  # fmt: skip
    assert list(opening_findings(CHANGE)) == []
    unseen = CHANGE._replace(objectives="\u200b \u2060")
    assert [finding.value for finding in opening_findings(unseen)] == ["nothing that is seen"]
    for title, value in (
        ("A cap\u202e000,3", "U+202E (right-to-left override)"),
        ("A \a", "a character that no text has"),
    ):
        told = list(opening_findings(CHANGE._replace(title=title)))
        assert [(each.code, each.value) for each in told] == [("text-malformed", value)]
    shown_whole = CHANGE._replace(
        title="Ein Deckel für Großkunden 👨\u200d👩", problem="One.\n\tTwo.\r\n"
    )
    assert list(opening_findings(shown_whole)) == []


def test_a_draft_is_laid_over_the_law_that_moved_and_what_both_changed_is_named():
    law = changed(RULES, title="Rules, second issue")
    drawn, found = rebased(draft(), {RULES.instrument: document_body(law)}, NOW + DAY)
    assert found == []
    body = document_body(drawn.documents[0].document)
    assert (body["title"], body["price_cap_micro_per_mwh"]) == ("Rules, second issue", 150_000_000)
    assert drawn.base[RULES.instrument] == document_body(law)
    other = {RULES.instrument: document_body(capped(RULES, 140_000_000))}
    same, found = rebased(draft(), other, NOW + DAY)
    assert same == draft()
    assert {finding.code for finding in found} == {"rebase-conflict"}


def test_a_document_that_is_no_law_on_the_days_wanted_has_moved():
    (found,) = moved_findings(draft(), [], NOW + DAY)
    assert found.code == "draft-base-moved"
