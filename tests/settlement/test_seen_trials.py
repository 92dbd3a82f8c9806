"""Which trials everybody may know of: those of drafts that were put to consultation alone."""

import datetime as dt
import json

import pytest
from sqlalchemy import text

from portal.queries.uncounted import uncounted_effects
from portal.trials.seen_tables import beside_words
from rulebook.changes.steps import Kind
from settlement.trials.seen import (
    find_public_trial,
    list_public_trials,
    own_rows,
    public_trials_of,
)
from settlement.trials.store import find_trial
from settlement.trials.verification import verify_trials
from tests.settlement.study_cases import metered
from tests.settlement.trial_cases import capped, changed, try_tiny
from tests.worlds import changing, tiny_market
from tests.worlds.people import acting_as
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import FIRST_DAY

SECOND_CAP_MICRO = 140_000_000
OTHER_CAP_MICRO = 130_000_000
LAST = changing.CLOSED + dt.timedelta(days=1)


def lower(cap_micro):
    return [capped(tiny_market.market_rules(), cap_micro)]


def known(session):
    return [listed.id for listed in list_public_trials(session)]


def registered_otherwise():
    registration = tiny_market.registrations()[0]
    return changed(registration, legal_name=f"{registration.legal_name} and Sons")


@pytest.fixture(scope="module")
def world(world_of):
    return world_of(metered)[0]


def test_a_trial_is_known_from_the_consultation_on(world):
    with rolled_back(world) as session:
        number = changing.opened(session)
        changing.revised(session, number)
        trial = try_tiny(session, known_at=changing.CLOSED).trial
        assert known(session) == []
        changing.step(session, number, Kind.ASK_REVIEW, "ada")
        assert known(session) == []  # read by all, and not yet asked about
        changing.consult(session, number)
        assert known(session) == [trial.id]
        changing.step(session, number, Kind.WITHDRAW, "ada")
        assert known(session) == [trial.id]  # what was told stays told
        digest = bytes.fromhex(trial.drafts[0]["digest"])
        assert [each.id for each in public_trials_of(session, "tiny", digest)] == [trial.id]
        assert public_trials_of(session, "other", digest) == []


def test_of_an_urgent_change_a_trial_is_known_from_the_assessment_on(world):
    with rolled_back(world) as session:
        number = changing.reviewed(session, urgency="Prices hurt now")
        trial = try_tiny(session, known_at=changing.CLOSED).trial
        assert known(session) == []
        changing.assess(session, number, [trial.id])
        assert known(session) == [trial.id]


def test_a_trial_beside_a_draft_that_is_not_public_is_not(world):
    with rolled_back(world) as session:
        number = changing.reviewed(session)
        changing.consult(session, number)
        beside = try_tiny(session, lower(150_000_000), lower(OTHER_CAP_MICRO), known_at=LAST).trial
        alone = try_tiny(session, known_at=LAST).trial
        assert known(session) == [alone.id]
        assert find_public_trial(session, beside.id) is None
        with acting_as(session, "desk-of-cedar"):
            assert own_rows(session, beside.id) == []
        other = changing.opened(session, at=LAST)
        changing.revised(session, other, lower(OTHER_CAP_MICRO))
        changing.step(session, other, Kind.ASK_REVIEW, "ada")
        changing.consult(session, other, LAST.date() + dt.timedelta(days=40))
        assert set(known(session)) == {alone.id, beside.id}


def test_what_changes_a_registration_is_nobodys_to_know(world):
    with rolled_back(world) as session:
        number = changing.opened(session)
        changing.revised(session, number, [registered_otherwise()])
        changing.step(session, number, Kind.ASK_REVIEW, "ada")
        changing.consult(session, number)
        trial = try_tiny(session, [registered_otherwise()], known_at=changing.CLOSED).trial
        drafts = text("SELECT encode(draft_digest, 'hex') FROM rulebook.revision")
        assert trial.drafts[0]["digest"] in session.scalars(drafts).all()
        assert known(session) == []


def test_what_is_told_is_what_the_report_says(world):
    with rolled_back(world) as session:
        changing.consult(session, changing.reviewed(session))
        trial = try_tiny(session, known_at=changing.CLOSED).trial
        found = find_public_trial(session, trial.id)
        stored = find_trial(session, trial.id)
        assert found is not None
        assert stored is not None
        assert found.public == stored.report["public"] == trial.report["public"]
        assert (found.mode, found.digest) == (trial.mode, trial.digest)
        assert found.readings == trial.report["readings"]
        rows = {row["participant"]: row for row in trial.report["participants"]}
        for name in ("cedar", "doric"):
            with acting_as(session, f"desk-of-{name}"):
                ((participant, total, cells),) = own_rows(session, trial.id)
            assert (participant, total) == (name, rows[name])
            assert cells == [c for c in trial.report["cells"] if c["participant"] == name]
        with acting_as(session, "eve"):
            assert own_rows(session, trial.id) == []


def test_a_row_that_somebody_forged_hides_no_other(world):
    with rolled_back(world) as session:
        changing.consult(session, changing.reviewed(session))
        trial = try_tiny(session, known_at=changing.CLOSED).trial
        forged = try_tiny(session, known_at=changing.CLOSED, threshold_ppm=1).trial
        session.execute(text("SET LOCAL session_replication_role = replica"))
        for column, value in (("report", '"x"'), ("drafts", '{"digest": true}'), ("sides", "3")):
            session.execute(
                text(
                    f"UPDATE settlement.trial SET {column} = CAST(:value AS jsonb) WHERE id = :id"
                ),
                {"value": value, "id": forged.id},
            )
            assert trial.id in known(session)
            with acting_as(session, "desk-of-cedar"):
                assert own_rows(session, forged.id) == []
            assert find_public_trial(session, trial.id) is not None


def says(session, trial, told, *, total=-314, moved=12):
    """Let a trial tell some groups of four, as if its report were of a larger market."""
    rows = [{"name": name} | ({"law_micro": 60} if name in told else {}) for name in "sxyz"]
    public = {
        "totals": {side: {"charges_micro": total} for side in ("law", "draft")},
        "moved": {"draft": {"gained_micro": moved, "lost_micro": moved}},
        "groups": {"layer inner": rows, "kind": []},
    }
    stored = {"value": json.dumps({"public": public}), "id": trial.id}
    update = "UPDATE settlement.trial SET report = report || CAST(:value AS jsonb) WHERE id = :id"
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(update), stored)
    session.execute(text("SET LOCAL session_replication_role = origin"))


def told_of(session, trial):
    """Return the groups, the total of charges, and what is gained, that a trial tells."""
    public = find_public_trial(session, trial.id).public
    rows = public["groups"]["layer inner"]
    assert [row["name"] for row in rows] == list("sxyz")
    assert public["groups"]["kind"] == []
    told = "".join(row["name"] for row in rows if "law_micro" in row)
    assert public["totals"]["law"] == public["totals"]["draft"]
    return told, public["totals"]["law"]["charges_micro"], public["moved"]["draft"]["gained_micro"]


def test_trials_of_the_same_days_tell_no_more_together_than_each_alone(world):
    # The group s is small. One withholds y with it, the other x: all but s would be told.
    with rolled_back(world) as session:
        number = changing.reviewed(session)
        other = changing.reviewed(session)
        changing.revised(session, other, lower(OTHER_CAP_MICRO))
        changing.step(session, other, Kind.ASK_REVIEW, "ada")
        changing.consult(session, number)
        first = try_tiny(session, known_at=LAST).trial
        second = try_tiny(session, lower(OTHER_CAP_MICRO), known_at=LAST).trial
        says(session, first, "xz")
        says(session, second, "yz", total=None, moved=None)
        assert told_of(session, first) == ("xz", -314, 12)  # the other is not public
        changing.consult(session, other)
        assert told_of(session, first) == ("z", None, 12)  # what another draft moves is another sum
        assert told_of(session, second) == ("z", None, None)


def test_a_draft_tried_twice_on_nearly_the_same_days_tells_what_both_tell(world):
    with rolled_back(world) as session:
        changing.consult(session, changing.reviewed(session))
        both = [try_tiny(session, known_at=LAST, threshold_ppm=ppm).trial for ppm in (1, 2)]
        says(session, both[0], "xyz")
        says(session, both[1], "z", moved=None)
        assert [told_of(session, trial) for trial in both] == [("z", -314, None)] * 2
        longer = text("UPDATE settlement.trial SET last_day = first_day + :more WHERE id = :id")
        session.execute(text("SET LOCAL session_replication_role = replica"))
        for days, told in ((20, ("z", -314, None)), (30, ("xyz", -314, 12))):
            session.execute(longer, {"more": days - 1, "id": both[0].id})
            session.execute(longer, {"more": 18, "id": both[1].id})
            assert told_of(session, both[0]) == told


def test_what_lies_between_two_periods_is_withheld_of_both_while_both_are_public(world):
    with rolled_back(world) as session:
        number, other = changing.reviewed(session), changing.reviewed(session)
        changing.revised(session, other, lower(OTHER_CAP_MICRO))
        changing.step(session, other, Kind.ASK_REVIEW, "ada")
        changing.consult(session, number)
        month = try_tiny(session, known_at=LAST).trial
        day = try_tiny(session, lower(OTHER_CAP_MICRO), known_at=LAST, last_day=FIRST_DAY).trial
        says(session, month, "sxyz")
        says(session, day, "sxyz")
        names = ["charges_micro", "layer inner: x", "moved"]
        beside = [{"trial": str(month.id), "withheld": names}]
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(
            text("UPDATE settlement.trial SET report = report || :beside WHERE id = :id"),
            {"beside": json.dumps({"beside": beside}), "id": day.id},
        )
        session.execute(text("SET LOCAL session_replication_role = origin"))
        assert told_of(session, month) == ("sxyz", -314, 12)  # the other is not public
        assert not find_public_trial(session, month.id).public.get("is_beside_another")
        changing.consult(session, other)
        for trial in (month, day):
            assert told_of(session, trial) == ("syz", None, None)
            report = find_public_trial(session, trial.id).report
            assert report["is_beside_another"]
            assert "shares some of these days" in beside_words(report)


def test_what_a_trial_withholds_beside_others_is_proven(world):
    with rolled_back(world) as session:
        first = try_tiny(session, last_day=FIRST_DAY).trial
        second = try_tiny(session).trial
        assert (first.report["beside"], second.report["beside"]) == ([], [])
        assert list(verify_trials(session)) == []
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(
            text("""UPDATE settlement.trial SET report = report || '{"beside": [1]}'
                WHERE id = :id"""),
            {"id": second.id},
        )
        session.expire_all()
        found = [each.value for each in verify_trials(session)]
        assert "what it withholds beside other trials is another" in found


def test_a_report_of_an_earlier_release_says_nothing(world):
    with rolled_back(world) as session:
        changing.consult(session, changing.reviewed(session))
        trial = try_tiny(session, known_at=changing.CLOSED).trial
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(
            text("UPDATE settlement.trial SET report = report - '{cells,public}'::text[]")
        )
        found = find_public_trial(session, trial.id)
        assert found is not None
        assert found.public is None
        with acting_as(session, "desk-of-cedar"):
            assert own_rows(session, trial.id) == []


def test_what_an_assessment_says_stands_in_its_trial(world):
    with rolled_back(world) as session:
        number = changing.consulted(session)
        trial = try_tiny(session, known_at=changing.CLOSED).trial
        other = try_tiny(session, known_at=changing.CLOSED, threshold_ppm=1).trial
        changing.assess(session, number, [trial.id])
        digests = [draft["digest"] for draft in trial.drafts]
        (told,) = uncounted_effects(session, "tiny", digests, trial.id)
        assert (told.change, told.words, told.names_it) == (
            number, "What households do about it", True,
        )  # fmt: skip
        (told,) = uncounted_effects(session, "tiny", digests, other.id)
        assert not told.names_it
        assert uncounted_effects(session, "other", digests, trial.id) == ()
