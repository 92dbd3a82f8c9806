"""A market online and its settlement: handed over, settled, billed, proven, and told back."""

import datetime as dt
import io
import json

from sqlalchemy import text

from database.bulk import driver_connection
from ledger.log.checkpoints import publish_checkpoint
from market import store
from market.core.booking_records import State
from market.core.events import Event, Kind
from market.core.forward import MINUTE_US
from market.deliveries import deliveries_of
from market.evidence_part import published_part
from market.fed_days import events_of_day
from market.handing_over import hand_over
from market.inbox import submit
from market.moments import midnight_us
from market.own_part import own_part
from market.sealing import seal
from market.settling import settle_with_market
from market.verification import CHECKS
from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from settlement.core.booked import BOOKED, CHARGE, DELIVERED, REFUSED
from settlement.evidence.participant import write_participant_evidence
from settlement.evidence.recompute import recompute
from settlement.explanations.explain import (
    explain_interval,
    explain_line,
    line_day,
    line_references,
)
from settlement.runs.online_day_store import every_online_day
from settlement.runs.settle import no_progress
from settlement.runs.store import day_vectors, stored_values
from settlement.verification import list_checks
from tests.market.led import lead_by_its_law
from tests.market.test_evidence_of_prices import checked, evidence
from tests.market.test_feed import ONLINE, law_online
from tests.settlement.evidence_cases import Memory, rows, written
from tests.settlement.study_cases import study_tiny
from tests.settlement.trial_cases import changed, try_tiny
from tests.worlds import tiny_market
from tests.worlds.logged import signer
from tests.worlds.settled import (
    FIRST_DAY,
    RESETTLED,
    SETTLED,
    correct_tiny,
    ingest_tiny,
    publish_tiny,
)
from verifier.own_bookings import OWN_BOOKINGS

DAY = FIRST_DAY + dt.timedelta(days=1)
ZONE = tiny_market.ZONE
MIDNIGHT = midnight_us(DAY, ZONE)
LATER = RESETTLED + dt.timedelta(hours=1)


def ask(key: str, point: str, energy_wh: int, side: str = "buy") -> Event:
    """Ask, in the first hour of the day before, for energy of a morning."""
    at_us = midnight_us(FIRST_DAY, ZONE) + 50 * MINUTE_US
    earliest = MIDNIGHT // MINUTE_US + 8 * 60
    # What sells covers what the point takes itself, and so has power for that, too.
    limit, power_w = (0, 100_000_000) if side == "sell" else (6_000_000_000, energy_wh)
    numbers = (energy_wh, power_w, earliest, earliest + 4 * 60, limit)
    return Event(FIRST_DAY, key, Kind.REQUEST, point, at_us, numbers, ("flexible", side))


def lead(session) -> None:
    """Let the market take what waits, and seal it."""
    leader = lead_by_its_law(session)
    seal(leader.connection, "tiny", leader.course.head)


def live(session, online=ONLINE) -> None:
    """Live through a day, after an hour of that before in which some of it was booked."""
    publish_tiny(session, law_online(online))
    ingest_tiny(session)
    before, day, after = (
        events_of_day(session, "tiny", FIRST_DAY + dt.timedelta(days=number), SETTLED)
        for number in range(3)
    )
    hour_us = midnight_us(FIRST_DAY, ZONE) + 40 * MINUTE_US
    told = [
        *(event for event in before if event.at_us <= hour_us),
        ask("charge", "C-office", 18_000_000),
        ask("heat", "B-home", 500),
        ask("sun", "C-office", 900, "sell"),
        ask("unmeant", "C-office", 9_000_000, "sell"),
        *day[:2],
        Event(DAY, "end", Kind.CANCEL, "C-office", MIDNIGHT + MINUTE_US, (), ("unmeant",)),
        *day[2:],
        *after[:2],
    ]
    assert submit(session, "tiny", told, by="test") == []
    lead(session)


def settled(session, kind="II", now=SETTLED):
    run = settle_with_market(session, "tiny", kind, DAY, DAY, known_at=now, now=now).run
    post(session, run, now=now)
    return run


def results(session, run) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (measure, entity), row in stored_values(day_vectors(session, run.id, DAY)).items():
        found.setdefault(measure, {})[entity] = int(row.sum())
    return found


def bookings(session) -> dict[str, dict]:
    entries = store.latest_bookings(driver_connection(session), "tiny", None)
    return {each["key"]: each for each in (json.loads(entry.record) for entry in entries)}


def findings(session) -> list:
    checks = [*list_checks(threads=1), *CHECKS]
    return [found for check in checks if check.name != "schema" for found in check.run(session)]


def test_a_booking_from_the_log_to_the_invoice_and_back(session, tmp_path):
    live(session)
    run = settled(session)
    ((handed, _),) = every_online_day(session)
    assert handed.day == DAY
    assert handed.said.is_published.all()
    # Handed over again, it says the same, and the run is there already.
    later = SETTLED + dt.timedelta(minutes=1)
    assert hand_over(session, "tiny", [DAY], now=later) == []
    found = results(session, run)
    # What was given back before it began is no energy, and is owed.
    entities = {"1/C-office": 18_000_000, "2/B-home": 500, "3/C-office": -900, "4/C-office": 0}
    (back,) = {each["fall_micro_per_mwh"] for each in bookings(session)["unmeant"]["given_back"]}
    assert found[CHARGE]["4/C-office"] == 9 * back > 0
    assert found[BOOKED] == entities
    assert found[DELIVERED]["2/B-home"] == 500
    assert found[DELIVERED]["3/C-office"] == 0
    assert 0 < found[DELIVERED]["1/C-office"] < 18_000_000
    # By subscription nothing is owed for what is taken.
    assert found[CHARGE]["2/B-home"] == 0
    assert found[CHARGE]["1/C-office"] != 0
    assert not any(found[REFUSED].values())

    documents = issue_month(session, "tiny", FIRST_DAY, now=SETTLED).invoices
    lines = {
        line.subject: line
        for document in documents
        for line in document.lines
        if line.kind == "charge.booking"
    }
    assert {name: line.quantity for name, line in lines.items()} == entities
    assert {name: line.amount_micro for name, line in lines.items()} == found[CHARGE]
    assert lines["1/C-office"].description.startswith("Booking 1: ")
    assert lines["1/C-office"].clauses == ("MR-9",)
    explained(session, documents)
    assert findings(session) == []
    proven(session, run, tmp_path / "run.zip")
    tried_and_studied(session, found[CHARGE])
    told_back(session, run)
    opened_to_its_own(session, found[CHARGE])


def test_a_published_price_is_proven_to_who_is_charged_it(session):
    live(session, ONLINE | {"charged_price": "published"})
    found = results(session, settled(session))
    assert found["charged_price_micro_per_mwh"] != found["node_price_micro_per_mwh"]
    issue_month(session, "tiny", FIRST_DAY, now=SETTLED)
    publish_checkpoint(session, signer(1), LATER)
    report = checked(of_participant(session, "doric"))
    assert report.findings == []
    assert report.counts["amounts recomputed from own meters, prices and costs"] > 48


def opened_to_its_own(session, charges: dict[str, int]) -> None:
    """A participant's evidence opens its bookings, and recomputes their lines by both prices."""
    publish_checkpoint(session, signer(1), LATER + dt.timedelta(hours=1))
    files = of_participant(session, "doric")
    report = checked(files)
    assert report.findings == []
    assert report.counts["of which with what they say"] == 2
    assert report.counts["amounts of bookings recomputed from both prices"] == 2 * 48
    assert charges["1/C-office"] != 0
    said = files[OWN_BOOKINGS].decode()
    assert "B-home" not in said
    assert '"heat' not in said
    for name, forge in FORGED_BOOKINGS.items():
        chain = rows(OWN_BOOKINGS, files[OWN_BOOKINGS])
        forge(chain)
        forged = Memory(files | {OWN_BOOKINGS: written(OWN_BOOKINGS, chain)})
        assert forged.with_manifest_made_again().findings(), name


def opened_row(chain: list[dict]) -> dict:
    return next(row for row in chain if row["record"])


FORGED_BOOKINGS = {
    "what it says": lambda chain: opened_row(chain).update(record="{}"),
    "whose it is": lambda chain: opened_row(chain).update(participant="cedar"),
    "no beginning": lambda chain: chain[0].update(previous_digest=None),
    "another beginning": lambda chain: chain[0].update(previous_digest="0" * 64),
    "no end": lambda chain: chain.pop(),
}


def of_participant(session, participant: str) -> Memory:
    """Return the evidence of a participant."""
    sink = io.BytesIO()
    write_participant_evidence(session, "tiny", participant, None, sink, no_progress, [own_part])
    return Memory.of(sink.getvalue())


def tried_and_studied(session, charges: dict[str, int]) -> None:
    """Try law under which bookings are settled by other prices, or by none, and study the day."""
    rules = next(each for each in law_online() if each.kind == "market-rules")
    published = changed(rules, online=ONLINE | {"charged_price": "published"})
    day = {"first_day": DAY, "last_day": DAY}
    tried = try_tiny(session, [published], [changed(rules, online=None)], **day).trial.report
    sides = [side["components"] for side in tried["totals"].values()]
    assert sides[0]["booking"]["charged_micro"] == sum(charges.values())
    assert sides[1]["booking"] != sides[0]["booking"]
    assert "booking" not in sides[2]
    studied = study_tiny(session, days=(DAY, DAY)).run
    assert results(session, studied)[BOOKED].keys() == charges.keys()
    assert list(deliveries_of(session, studied)) == []


def explained(session, documents) -> None:
    """Every interval of every line of a booking is the number that its tree begins with."""
    references = [
        reference
        for document in documents
        for reference in line_references(session, document.row.id)
        if reference.kind.is_booking
    ]
    assert len(references) == 4
    for reference in references:
        assert [child.day for child in explain_line(session, reference).children] == [DAY]
        day = line_day(session, reference, DAY)
        placed = (day.facts.results[BOOKED, reference.line.subject] != 0).nonzero()[0]
        for interval in (*placed.tolist(), 0):
            (tree,) = explain_interval(reference, day, interval).children
            assert tree.value == day.amounts_micro[interval]
        if not placed.size:
            assert "given back" in explain_interval(reference, day, 0).children[0].formula
            continue
        tree = explain_interval(reference, day, int(placed[0])).children[0]
        labels = [child.label for child in tree.children]
        assert labels[0].startswith("Energy booked")
        assert any(label.startswith("Published at node") for label in labels)


def proven(session, run, path) -> None:
    """Evidence with what was handed over is whole, settles again, and is missed where altered."""
    publish_checkpoint(session, signer(1), LATER)
    files = evidence(session, run, (published_part,))
    assert checked(files).findings == []
    path.write_bytes(files.zipped())
    count, different = recompute(path)
    assert (count, different) == (len(list(day_vectors(session, run.id, DAY))), [])
    name = f"online/{DAY}.json"
    altered = files[name].replace(b'"8623500"', b'"8623501"', 1)
    assert altered != files[name]
    for change in ({**files, name: altered}, {key: files[key] for key in files if key != name}):
        other = type(files)(change).with_manifest_made_again()
        assert {"inputs", "handed over"} <= {found.check for found in other.findings()}


def told_back(session, run) -> None:
    """What was delivered is told once; a later run tells what it says otherwise."""
    waiting = text("SELECT count(*) FROM market.submission WHERE kind = 'delivery'")
    assert bookings(session)["heat"]["state"] == State.BOOKED
    assert session.scalar(waiting) > 3
    lead(session)
    told = bookings(session)
    assert told["heat"]["state"] == State.DELIVERED
    assert (told["sun"]["state"], told["charge"]["state"]) == (State.MISSED, State.MISSED)
    assert list(deliveries_of(session, run)) == []
    correct_tiny(session)
    later = settled(session, "SF", RESETTLED)
    lead(session)
    found = {each["number"]: each for each in bookings(session).values()}
    for entity, delivered in results(session, later)[DELIVERED].items():
        record = found[int(entity.partition("/")[0])]
        assert sum(each["energy_wh"] for each in record["told"]) == abs(delivered)
    assert [found for check in CHECKS for found in check.run(session)] == []
