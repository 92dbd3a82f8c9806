"""Trials of drafts: equal to runs that are settled apart, kept for ever, and in nobody's way."""

import datetime as dt
import json
from collections import defaultdict

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

import ledger.queries
from common.refusals import Refused
from database.session import make_engine, transaction
from ledger.journal import is_money
from settlement.billing.posting import account_of
from settlement.runs import store as runs
from settlement.runs.run import ENGINE_VERSION
from settlement.trials.public import public_part
from settlement.trials.records import EARLIER_FORMATS, trial_input_digest
from settlement.trials.replay import replay_trial, stored_drafts
from settlement.trials.store import find_trial, list_trials
from settlement.trials.trial import run_trial
from settlement.trials.verification import verify_trials
from settlement.verification import list_checks
from tests.settlement.study_cases import metered
from tests.settlement.test_waiting_approvals import approve_at, propose_longer_term
from tests.settlement.trial_cases import (
    LOWER_CAP_MICRO,
    capped,
    changed,
    counting,
    request,
    try_tiny,
    within,
)
from tests.worlds import tiny_market
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import (
    FIRST_DAY,
    LAST_DAY,
    RESETTLED,
    SETTLED,
    ingest_tiny,
    publish_tiny,
    settle_tiny,
)

SECOND_DAY = FIRST_DAY + dt.timedelta(days=1)
MINUTE = dt.timedelta(minutes=1)


def metered_with_charges(session):
    """Publish the tiny market with charges that are passed through, and meter it."""
    publish_tiny(session, [*tiny_market.documents(), *tiny_market.charges()])
    ingest_tiny(session)


def findings(session):
    return [found for check in list_checks() for found in check.run(session)]


def codes_of(refused):
    return sorted({finding.code for finding in refused.value.findings})


def settled_apart(session):
    """Settle and post the days, and return what each participant receives by the ledger."""
    settle_tiny(session)
    received = defaultdict(int)
    for (_, code), amount in ledger.queries.balances(session, "tiny", FIRST_DAY, LAST_DAY).items():
        account = account_of(code)
        if account.participant is not None and is_money(account.commodity):
            received[account.participant] -= amount
    return dict(received)


def by_participant(report, key):
    return {row["participant"]: row[key] for row in report["participants"] if row["law_micro"]}


def other_policy():
    """Return a policy under which every product is a subscription."""
    policy = tiny_market.allocation_policy()
    charging = [
        each.model_dump(mode="json") | {"mode": "subscription", "dynamic_ppm": None}
        for each in policy.charging
    ]
    return changed(policy, charging=charging)


def other_products():
    rules = tiny_market.market_rules()
    return changed(rules, layers=[
        layer.model_dump(mode="json") | {"in_use": layer.layer == "system"}
        for layer in rules.layers
    ])  # fmt: skip


DRAFTS = {
    "a lower cap": lambda: [capped(tiny_market.market_rules())],
    "one layer": lambda: [other_products()],
    "all by subscription": lambda: [other_policy()],
    "both documents": lambda: [capped(tiny_market.market_rules()), other_policy()],
    "what the law says": lambda: [tiny_market.market_rules()],
}


@pytest.mark.parametrize("world", [metered, metered_with_charges])
@pytest.mark.parametrize("name", DRAFTS)
def test_both_sides_are_two_runs_that_are_settled_and_posted_apart(world_of, world, name):
    documents = DRAFTS[name]()
    with rolled_back(world_of(world)[0]) as session:
        trial = try_tiny(session, documents).trial
        report = trial.report
        law = settled_apart(session)
        of_law = runs.list_runs(session)[0]
    with rolled_back(world_of(world)[0]) as session:
        publish_tiny(session, documents, known=SETTLED - MINUTE)
        draft = settled_apart(session)
        of_draft = runs.list_runs(session)[0]
    assert by_participant(report, "law_micro") == law
    assert by_participant(report, "draft_micro") == draft
    assert by_participant(report, "difference_micro") == {
        name: draft[name] - law[name] for name in law
    }
    # Not the money alone: every result of every interval is the one of the run.
    assert [side.result_digest for side in trial.sides] == [
        of_law.result_digest,
        of_draft.result_digest,
    ]
    assert [side.input_digest for side in trial.sides] == [
        of_law.input_digest,
        of_draft.input_digest,
    ]
    totals = report["totals"]
    for side, received in (("law", law), ("draft", draft)):
        kept = totals[side]["equalisation_micro"]
        assert totals[side]["charges_micro"] == totals[side]["payments_micro"] + kept
        assert sum(received.values()) == -kept
    if name == "what the law says":
        assert report["edits"] == {"draft": []}
        assert {row["class"] for row in report["participants"]} == {"same"}
    else:
        assert set(report["edits"]["draft"][0]) >= {"instrument", "path", "before", "after"}


def test_groups_and_months_sum_to_the_whole(world_of):
    with rolled_back(world_of(metered_with_charges)[0]) as session:
        report = try_tiny(session).trial.report
    whole = sum(row["difference_micro"] for row in report["participants"])
    assert whole
    assert sum(row["difference_micro"] for row in report["groups"]["kind"]) == whole
    charged = [r for r in report["groups"]["kind"] if r["name"].startswith("charge.")]
    assert sum(row["law_micro"] for row in charged) == -report["totals"]["law"]["charges_micro"]
    assert [month["month"] for month in report["months"]] == ["2024-01"]
    assert report["months"][0]["draft"]["moved_micro"] == report["moved_micro"]["draft"]
    layers = [name for name in report["groups"] if name.startswith("layer ")]
    assert sorted(layers) == ["layer node", "layer system", "layer zone"]
    duration = report["totals"]["draft"]["duration_micro_per_mwh"]
    assert len(duration) == 101 and duration == sorted(duration, reverse=True)
    assert duration[0] == report["totals"]["draft"]["prices"]["highest_micro_per_mwh"]
    assert duration[0] <= LOWER_CAP_MICRO


def test_two_drafts_are_held_to_the_same_law(world_of):
    first, second = [capped(tiny_market.market_rules())], [other_policy()]
    with rolled_back(world_of(metered)[0]) as session:
        both = try_tiny(session, first, second).trial.report
        alone = [try_tiny(session, draft).trial.report for draft in (first, second)]
        assert findings(session) == []
    for names, report in zip((("draft_micro",), ("second_micro",)), alone, strict=True):
        assert by_participant(both, names[0]) == by_participant(report, "draft_micro")
        assert by_participant(both, "law_micro") == by_participant(report, "law_micro")
    assert list(both["totals"]) == ["law", "draft", "second"]


def test_a_draft_is_laid_over_the_law_of_each_day(world_of):
    rules = tiny_market.market_rules()
    flat = other_products()
    with rolled_back(world_of(metered)[0]) as session:
        publish_tiny(session, [flat], valid_from=SECOND_DAY, known=SETTLED - MINUTE)
        # Drawn from the law of the first day: that of the others keeps its one layer in use.
        draft = changed(rules, price_cap_micro_per_mwh=5_000_000_000, layers=[
            layer.model_dump(mode="json") | {"curve": [
                knot | {"price_micro_per_mwh": min(knot["price_micro_per_mwh"], 5_000_000_000)}
                for knot in layer.model_dump(mode="json")["curve"]
            ]}
            for layer in rules.layers
        ])  # fmt: skip
        trial = try_tiny(session, [draft], drawn_from=FIRST_DAY).trial
        later = changed(flat, price_cap_micro_per_mwh=5_000_000_000,
                        layers=[
                            layer | {"in_use": layer["layer"] == "system"}
                            for layer in draft.model_dump(mode="json")["layers"]
                        ])  # fmt: skip
        publish_tiny(session, [draft], known=SETTLED + MINUTE)
        publish_tiny(session, [later], valid_from=SECOND_DAY, known=SETTLED + 2 * MINUTE)
        settle_tiny(session, now=RESETTLED)
        run = runs.list_runs(session)[0]
    assert trial.sides[1].result_digest == run.result_digest


def test_what_draft_and_law_changed_both_is_named(world_of):
    rules = tiny_market.market_rules()
    with rolled_back(world_of(metered)[0]) as session:
        publish_tiny(
            session, [capped(rules, 160_000_000)], valid_from=SECOND_DAY, known=SETTLED - MINUTE
        )
        with pytest.raises(Refused) as refused:
            try_tiny(session, [capped(rules)], drawn_from=FIRST_DAY)
        assert codes_of(refused) == ["amendment-conflict"]
        told = {finding.place.rpartition(": ")[2]: finding for finding in refused.value.findings}
        cap = told["price_cap_micro_per_mwh"]
        assert (cap.value, cap.limit) == (
            "150000000, drawn from 6000000000",
            "the law of 2024-01-02 to 2024-01-03 has 160000000 there",
        )
        assert {"layers[system].curve", "layers[zone].curve", "layers[node].curve"} <= told.keys()
        assert list(list_trials(session)) == []


def new_unit(**changes):
    """Return the registration of alder with a unit that has no readings."""
    owner = next(r for r in tiny_market.registrations() if r.participant == "alder")
    units = [unit.model_dump(mode="json") for unit in owner.units]
    return changed(owner, units=[*units, units[0] | {"unit": "U9"} | changes])


REFUSED = {
    "another market": (
        lambda: [tiny_market.market_rules().model_copy(update={"market": "other"})],
        {},
        "draft-of-another-market",
    ),
    "one document twice": (
        lambda: [tiny_market.market_rules(), capped(tiny_market.market_rules())],
        {},
        "versions-overlap",
    ),
    "another interval": (
        lambda: [changed(tiny_market.market_rules(), interval_minutes=60)],
        {},
        "draft-not-comparable",
    ),
    "another time zone": (
        lambda: [changed(tiny_market.market_rules(), time_zone="Europe/Paris")],
        {},
        "draft-not-comparable",
    ),
    "another currency": (
        lambda: [changed(tiny_market.market_rules(), currency="EUR")],
        {},
        "draft-not-comparable",
    ),
    "a unit without readings": (lambda: [new_unit()], {}, "no-reading"),
    "a unit at no node": (lambda: [new_unit(node="Z")], {}, "registration-unknown-node"),
    "days that are to come": (
        lambda: [capped(tiny_market.market_rules())],
        {"last_day": dt.date(2999, 12, 31)},
        "day-not-over",
    ),
    "a day that is not over": (
        lambda: [capped(tiny_market.market_rules())],
        {"last_day": SETTLED.date()},
        "day-not-over",
    ),
    "a base before the law": (
        lambda: [capped(tiny_market.market_rules())],
        {"drawn_from": dt.date(2023, 1, 1)},
        "draft-without-base",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_tried_is_refused_and_nothing_is_kept(world_of, name):
    documents, settings, code = REFUSED[name]
    with rolled_back(world_of(metered)[0]) as session:
        with pytest.raises(Refused) as refused:
            try_tiny(session, documents(), **settings)
        assert code in codes_of(refused)
        assert all(finding.remedy for finding in refused.value.findings)
        assert list(list_trials(session)) == []


def test_every_reason_against_both_drafts_is_told_at_once(world_of):
    rules = tiny_market.market_rules()
    with rolled_back(world_of(metered)[0]) as session, pytest.raises(Refused) as refused:
        try_tiny(session, [changed(rules, interval_minutes=60)], [changed(rules, currency="EUR")])
    assert {finding.value for finding in refused.value.findings} == {"60", "'EUR'"}


def test_a_moment_to_come_is_refused(world_of):
    with rolled_back(world_of(metered)[0]) as session:
        wanted = request([capped(tiny_market.market_rules())], known_at=RESETTLED)
        with pytest.raises(Refused, match="known-at-in-future"):
            run_trial(within(session), wanted, now=SETTLED)


def test_equal_inputs_are_tried_once_and_progress_begins_at_nothing(world_of):
    seen: list[tuple[int, int]] = []
    with rolled_back(world_of(metered)[0]) as session:
        made = try_tiny(session, progress=counting(seen))
        again = try_tiny(session, known_at=RESETTLED)
        assert (made.is_new, again.is_new) == (True, False)
        assert again.trial.id == made.trial.id
        assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
        assert try_tiny(session, known_at=RESETTLED, threshold_ppm=1).is_new
        listed = list(list_trials(session, "tiny"))
        assert [trial.market for trial in listed] == ["tiny"] * 2
        assert all("moved_micro" in trial.report for trial in listed)
        whole = find_trial(session, listed[0].id)
        assert len(json.dumps(listed[0].report)) * 2 < len(json.dumps(whole.report)), "a headline"
        assert list(list_trials(session, "other")) == []
        assert len(list(runs.list_runs(session))) == 0
        assert session.execute(text("SELECT count(*) FROM ledger.journal")).scalar() == 0
        assert findings(session) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_a_trial_replays(world_of, threads):
    with rolled_back(world_of(metered_with_charges)[0]) as session:
        drafts = [capped(tiny_market.market_rules())], [other_policy()]
        made = try_tiny(session, *drafts).trial
        session.expire_all()
        stored = find_trial(session, made.id)
        assert stored is not None and stored.digest == made.digest
        outcome = replay_trial(within(session), stored, threads=threads)
        assert outcome.first_difference is None


CHANGES = {
    "report": "jsonb_set(report, '{participants,0,draft_micro}', '1')",
    "sides": "jsonb_set(sides, '{1,result_digest}', to_jsonb(repeat('0', 64)))",
    "threshold_ppm": "threshold_ppm + 1",
    "drafts": (
        "jsonb_set(drafts, '{0,documents,tiny/market-rules,body,price_cap_micro_per_mwh}', "
        "'160000000')"
    ),
    "engine_version": "'1'",
}


@pytest.mark.parametrize("column", CHANGES)
def test_a_trial_that_was_changed_is_found_by_verify_and_by_replay(world_of, column):
    with rolled_back(world_of(metered)[0]) as session:
        made = try_tiny(session).trial
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(f"UPDATE settlement.trial SET {column} = {CHANGES[column]}"))
        session.execute(text("SET LOCAL session_replication_role = origin"))
        session.expire_all()
        assert "trial-digest" in {found.code for found in findings(session)}
        stored = find_trial(session, made.id)
        assert stored is not None
        try:
            difference = replay_trial(within(session), stored).first_difference
        except Refused as refused:
            difference = str(refused)
        assert difference is not None and str(made.id) in difference


@pytest.fixture
def engine(clone_database):
    """A database of the tiny market, published and metered, of which transactions are committed."""
    made = make_engine(clone_database())
    with transaction(made) as session:
        metered(session)
    yield made
    made.dispose()


def test_nobody_waits_while_days_are_tried(engine):
    ran: list[str] = []

    def meanwhile(done, total):
        if done != 1:
            return
        with transaction(engine) as session:
            session.execute(text("SET LOCAL lock_timeout = '100ms'"))
            ingest_tiny(session, seed=3, only=["B-home"], received_at=RESETTLED)
            ran.append("ingest")
        with transaction(engine) as session:
            session.execute(text("SET LOCAL lock_timeout = '100ms'"))
            settle_tiny(session, now=RESETTLED + MINUTE)
            ran.append("settle and post")

    wanted = request([capped(tiny_market.market_rules())])
    made = run_trial(lambda: transaction(engine), wanted, now=SETTLED, progress=meanwhile)
    assert ran == ["ingest", "settle and post"]
    with transaction(engine) as session:
        assert findings(session) == []
        assert list(list_trials(session)) != []
    outcome = replay_trial(lambda: transaction(engine), made.trial)
    assert outcome.first_difference is None


@pytest.mark.parametrize(("moved", "code"), [
    ("law", "law-moved-while-trying"), ("readings", "readings-moved-while-trying"),
])  # fmt: skip
def test_what_moves_before_what_the_trial_knew_stops_it(engine, moved, code):
    with transaction(engine) as session:
        proposal = propose_longer_term(session, SETTLED - MINUTE)

    def meanwhile(done, total):
        if done == total:
            with transaction(engine) as session:
                if moved == "law":
                    approve_at(session, proposal, SETTLED - MINUTE / 2)
                else:
                    ingest_tiny(session, seed=3, only=["B-home"], received_at=SETTLED - MINUTE)

    wanted = request([capped(tiny_market.market_rules())])
    with pytest.raises(Refused) as refused:
        run_trial(lambda: transaction(engine), wanted, now=SETTLED, progress=meanwhile)
    assert codes_of(refused) == [code]
    with transaction(engine) as session:
        assert list(list_trials(session)) == []


def test_what_comes_after_a_trial_cannot_claim_to_have_come_before_it(engine):
    with transaction(engine) as session:
        proposal = propose_longer_term(session, SETTLED - MINUTE)
        try_tiny(session)
    with transaction(engine) as session, pytest.raises(Refused, match="received-before-a-run"):
        ingest_tiny(session, seed=3, only=["B-home"], received_at=SETTLED)
    with transaction(engine) as session, pytest.raises(Refused, match="law-relied-on-since"):
        approve_at(session, proposal, SETTLED)


def test_the_stored_report_holds_whole_numbers_and_words_alone(world_of):
    def values(part):
        if isinstance(part, dict):
            for each in part.values():
                yield from values(each)
        elif isinstance(part, list):
            for each in part:
                yield from values(each)
        else:
            yield part

    with rolled_back(world_of(metered_with_charges)[0]) as session:
        trial = try_tiny(session, [capped(tiny_market.market_rules())], [other_policy()]).trial
    assert {type(value) for value in values(trial.report)} <= {int, str, bool, type(None)}
    assert json.loads(json.dumps(trial.report)) == trial.report
    assert trial.engine_version == ENGINE_VERSION


def test_the_days_of_a_law_that_changes_are_each_held_to_their_own_cap_and_places(world_of):
    grid = tiny_market.grid_model()
    body = grid.model_dump(mode="json")
    more = changed(grid, **with_node(body, "D"))
    low = capped(tiny_market.market_rules(), 20_000_000)
    with rolled_back(world_of(metered)[0]) as session:
        publish_tiny(session, [low], known=SETTLED - 2 * MINUTE)
        whole = try_tiny(session, [low], known_at=SETTLED - MINUTE).trial.report
        everywhere = whole["totals"]["law"]["prices"]
        assert everywhere["intervals_at_cap"] > 1
    with rolled_back(world_of(metered)[0]) as session:
        publish_tiny(session, [low, more], valid_from=SECOND_DAY, known=SETTLED - 2 * MINUTE)
        report = try_tiny(session, [low], drawn_from=SECOND_DAY, known_at=SETTLED).trial.report
        law, draft = (report["totals"][side]["prices"] for side in ("law", "draft"))
        assert findings(session) == []
    # On the first day no price comes near its cap; on the others the cap is the low one.
    assert 1 < law["intervals_at_cap"] <= everywhere["intervals_at_cap"]
    assert draft["intervals"] == law["intervals"] == everywhere["intervals"]
    assert law["within_bounds"]


def with_node(body, node):
    """Return the fields of a grid model that has one more node, beside B."""
    beside = next(holon for holon in body["holons"] if holon["holon"] == "B")
    line = body["lines"][0]
    return {
        "nodes": [*body["nodes"], {"node": node, "title": node}],
        "holons": [*body["holons"], beside | {"holon": node, "title": node}],
        "lines": [*body["lines"], line | {"line": f"B-{node}", "from_node": "B", "to_node": node}],
    }


def test_groups_hold_what_moves_and_not_what_is_called_otherwise(world_of):
    cedar = next(r for r in tiny_market.registrations() if r.participant == "cedar")
    points = [p.model_dump(mode="json") | {"household_count": 2} for p in cedar.supply_points]
    with rolled_back(world_of(metered)[0]) as session:
        report = try_tiny(session, [changed(cedar, supply_points=points)]).trial.report
    assert report["moved_micro"] == {"draft": 0}
    assert report["edits"]["draft"]
    for rows in report["groups"].values():
        assert all(row["difference_micro"] == 0 for row in rows)


def test_law_that_the_draft_was_drawn_from_may_not_move_either(engine):
    def meanwhile(done, total):
        if done == total:
            with transaction(engine) as session:
                other = capped(tiny_market.market_rules(), 160_000_000)
                publish_tiny(
                    session, [other], valid_from=dt.date(2024, 2, 1), known=SETTLED - MINUTE
                )

    wanted = request([capped(tiny_market.market_rules())])
    with pytest.raises(Refused) as refused:
        run_trial(lambda: transaction(engine), wanted, now=SETTLED, progress=meanwhile)
    assert codes_of(refused) == ["law-moved-while-trying"]


def test_of_two_trials_of_the_same_at_once_one_is_kept(engine):
    wanted = request([capped(tiny_market.market_rules())])
    first: list = []

    def meanwhile(done, total):
        if done == total and not first:
            first.append(None)
            first.append(run_trial(lambda: transaction(engine), wanted, now=SETTLED))

    later = run_trial(lambda: transaction(engine), wanted, now=SETTLED, progress=meanwhile)
    assert (first[1].is_new, later.is_new) == (True, False)
    assert later.trial.id == first[1].trial.id


FORGED = {
    "another equalisation": (
        "jsonb_set(report, '{totals,draft,equalisation_micro}', '1')", "report", "trial-report",
    ),
    "a group of few that everybody may read": (
        "jsonb_set(report, '{public,groups,kind,0,law_micro}', '1')", "report", "trial-report",
    ),
    "rows of a participant that are not its sum": (
        "jsonb_set(report, '{cells,0,law_micro}', '1')", "report", "trial-report",
    ),
    "a report of the format before": (
        "report || '{\"format\": \"tallystick.trial-report.1\"}'", "report", "trial-inputs",
    ),
    "no figures": ("'{}'::jsonb", "report", "trial-report"),
    "a report that is a list": ("'[1]'::jsonb", "report", "trial-report"),
    "drafts that are words": ("'[\"x\"]'::jsonb", "drafts", "trial-law"),
    "drafts that are a word": ("'\"x\"'::jsonb", "drafts", "trial-law"),
    "no sides": ("'[]'::jsonb", "sides", "trial-sides"),
    "an engine that none had": ("'0'", "engine_version", "trial-engine"),
    "other inputs": ("sha256('x')", "input_digest", "trial-inputs"),
    "another base": (
        "jsonb_set(drafts, '{0,drawn_from}', '\"2023-01-01T00:00:00+00:00\"')", "drafts",
        "trial-law",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_a_trial_that_was_written_by_hand_with_its_digest_is_named(world_of, name):
    value, column, code = FORGED[name]
    with rolled_back(world_of(metered)[0]) as session:
        made = try_tiny(session).trial
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(f"UPDATE settlement.trial SET {column} = {value}"))
        session.expire_all()
        forged = find_trial(session, made.id)
        assert forged is not None
        session.execute(
            text("UPDATE settlement.trial SET digest = :digest"), {"digest": forged.digest}
        )
        session.execute(text("SET LOCAL session_replication_role = origin"))
        assert code in {found.code for found in findings(session)}
        # What a draft was drawn from is a question of law, which a replay takes as it is stated.
        if name != "another base":
            assert replay_trial(within(session), forged).first_difference is not None


@pytest.mark.parametrize("of_release", EARLIER_FORMATS)
def test_reports_of_earlier_releases_stand(world_of, of_release):
    with rolled_back(world_of(metered)[0]) as session:
        made = try_tiny(session).trial
        inputs = {side.side: side.input_digest for side in made.sides}
        digest = trial_input_digest(
            (made.first_day, made.last_day), made.threshold_ppm, stored_drafts(session, made),
            inputs, made.engine_version, of_release,
        )  # fmt: skip
        session.execute(text("SET LOCAL session_replication_role = replica"))
        report = {**made.report, "format": of_release}
        stated = json.dumps({"format": of_release, "public": public_part(report)})
        session.execute(
            text("UPDATE settlement.trial SET report = report || :stated, input_digest = :digest"),
            {"stated": stated, "digest": digest},
        )
        session.expire_all()
        earlier = find_trial(session, made.id)
        assert earlier is not None
        session.execute(
            text("UPDATE settlement.trial SET digest = :digest"), {"digest": earlier.digest}
        )
        assert list(verify_trials(session)) == []


def test_nobody_writes_a_trial_that_knew_more_than_its_time(world_of):
    with rolled_back(world_of(metered)[0]) as session:
        try_tiny(session)
        columns = "market, first_day, last_day, threshold_ppm, pins, drafts, sides, input_digest"
        kept = f"{columns}, engine_version, report, created_at, digest"
        with pytest.raises(IntegrityError, match="known_before_made"):
            session.execute(
                text(
                    f"INSERT INTO settlement.trial (id, known_at, {kept}) SELECT "
                    f"gen_random_uuid(), timestamptz '2999-01-01Z', {kept} FROM settlement.trial"
                )
            )


def test_a_charge_that_has_the_name_of_a_point_is_none_of_its_charges(world_of):
    listed = tiny_market.charge_list()
    body = listed.model_dump(mode="json")
    report = []
    for code in (None, "B-home"):
        text_of = json.dumps(body)
        renamed = (
            text_of.replace(f'"{body["tariffs"][0]["code"]}"', f'"{code}"') if code else text_of
        )
        charges = type(listed).model_validate_json(renamed)
        others = [d for d in tiny_market.charges() if d.kind != "charge-list"]

        with rolled_back(world_of(metered)[0]) as session:
            publish_tiny(session, [*others, charges], known=SETTLED - MINUTE)
            report.append(try_tiny(session).trial.report)
    for told in ("households", "products"):
        assert report[0]["totals"]["law"][told] == report[1]["totals"]["law"][told]
    assert report[0]["groups"]["product"] == report[1]["groups"]["product"]


def test_layers_hold_the_money_of_every_point_that_a_draft_moves(world_of):
    grid = tiny_market.grid_model()
    more = changed(grid, **with_node(grid.model_dump(mode="json"), "D"))
    cedar = next(r for r in tiny_market.registrations() if r.participant == "cedar")
    points = [p.model_dump(mode="json") | {"node": "D"} for p in cedar.supply_points]
    with rolled_back(world_of(metered)[0]) as session:
        report = try_tiny(session, [more, changed(cedar, supply_points=points)]).trial.report
    sums = {
        name: sum(row["draft_micro"] for row in report["groups"][name])
        for name in ("layer system", "layer zone", "layer node", "size")
    }
    assert len(set(sums.values())) == 1


def test_what_each_draft_lacks_is_told_of_both(world_of):
    with rolled_back(world_of(metered)[0]) as session, pytest.raises(Refused) as refused:
        try_tiny(session, [new_unit(unit="X1")], [new_unit(unit="X2")])
    told = " ".join(map(str, refused.value.findings))
    assert "X1" in told and "X2" in told


def test_a_date_and_a_title_of_a_later_amendment_are_no_conflict(world_of):
    rules = tiny_market.market_rules()
    later = changed(capped(rules), publication_date="2024-02-02", title="Rules as amended")
    with rolled_back(world_of(metered)[0]) as session:
        again = changed(rules, publication_date="2024-01-20", title="Rules of January")
        publish_tiny(session, [again], valid_from=dt.date(2024, 2, 1), known=SETTLED - MINUTE)
        assert try_tiny(session, [later]).is_new
